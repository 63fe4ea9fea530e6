//! What lies on the card in a camera: what there is, fetching it into the vault, watching it.

use hausrecht_model::{CameraId, CardJobId, UnixMicros};
use serde::{Deserialize, Serialize};

/// What a camera's card has in a span of time.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, specta::Type)]
pub struct CardView {
    /// Stretches without a gap, oldest first, as far as the camera tells where the gaps are.
    pub spans: Vec<CardSpan>,
}

/// A stretch on a card, by this computer's clock.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, specta::Type)]
pub struct CardSpan {
    /// The camera's id of the recording that it belongs to.
    pub recording: String,
    /// From.
    pub from_us: UnixMicros,
    /// To.
    pub to_us: UnixMicros,
}

/// A fetch from a card into the vault.
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
pub struct CardJob {
    /// Id.
    pub id: CardJobId,
    /// Camera.
    pub camera: CameraId,
    /// From, by this computer's clock.
    pub from_us: UnixMicros,
    /// To.
    pub to_us: UnixMicros,
    /// How far it is, from the start of the span. Microseconds.
    #[specta(type = u32)]
    pub done_us: i64,
    /// Why.
    pub reason: CardReason,
    /// How it stands.
    pub state: CardJobState,
    /// Why it failed.
    pub error: Option<super::Error>,
}

/// Why something is fetched.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum CardReason {
    /// The owner asked for it.
    Asked,
    /// A gap is filled by itself.
    Gap,
}

/// How a fetch stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum CardJobState {
    /// Another fetch from this camera comes first, or the camera is not back yet.
    Waiting,
    /// Going on.
    Running,
    /// All that the card has of the span is in the vault.
    Done,
    /// It ended before; what came is in the vault.
    Failed,
    /// The owner stopped it; what came is in the vault.
    Stopped,
}

/// The card that is watched; replaced whole by each event.
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
pub struct CardPlayerState {
    /// Camera.
    pub camera: CameraId,
    /// The camera's id of the recording.
    pub recording: String,
    /// The first moment that can be gone to, by this computer's clock.
    pub from_us: UnixMicros,
    /// The moment after the last.
    pub to_us: UnixMicros,
    /// Where it is.
    pub at_us: UnixMicros,
    /// Running.
    pub playing: bool,
    /// Reached the end.
    pub ended: bool,
    /// Speed, 1 is real time.
    pub speed: f32,
    /// A picture has been shown.
    pub has_picture: bool,
    /// Why it stopped.
    pub error: Option<super::Error>,
}

/// What the player of a card is told.
#[derive(Clone, Debug, Deserialize, specta::Type)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum CardOrder {
    /// Run.
    Play,
    /// Stand.
    Pause,
    /// Go to a time, by this computer's clock.
    Seek {
        /// Where to.
        to_us: UnixMicros,
    },
    /// Sets the speed, 0.25 to 16.
    Speed {
        /// Speed.
        speed: f32,
    },
}
