//! Several cameras played in step.

use hausrecht_model::{CameraId, ClipId, UnixMicros};
use serde::{Deserialize, Serialize};

/// The fewest cameras that are played together.
pub const TOGETHER_MIN: usize = 2;
/// The most.
pub const TOGETHER_MAX: usize = 9;
/// The fastest; a clip lasts seconds then, and each is opened and entered.
pub const TOGETHER_FASTEST: f32 = 16.0;

/// What is played together.
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
pub struct TogetherState {
    /// A seat a camera, in the order in which they were asked for.
    pub seats: Vec<TogetherSeat>,
    /// The moment that all of them show.
    pub at_us: UnixMicros,
    /// The clock runs, or will when every camera shows its picture.
    pub playing: bool,
    /// The clock stands until every camera shows its picture.
    pub waiting: bool,
    /// Speed, 1 is real time; below zero it goes backwards.
    pub speed: f32,
    /// Where the next clip of any of them begins, or the one before ends for whoever goes backwards; only where none shows
    /// anything.
    pub next_us: Option<UnixMicros>,
}

/// One of the cameras.
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
pub struct TogetherSeat {
    /// Camera.
    pub camera: CameraId,
    /// Its name.
    pub camera_name: String,
    /// The clip that is shown; `None`: there is none of this moment.
    pub clip: Option<ClipId>,
    /// When the picture was taken that stands there.
    pub shown_us: Option<UnixMicros>,
    /// Why there is no picture.
    pub error: Option<super::Error>,
}

/// What all of them are told.
#[derive(Clone, Debug, Deserialize, specta::Type)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum TogetherOrder {
    /// Run.
    Play,
    /// Stand.
    Pause,
    /// Go to a moment.
    Seek {
        /// When.
        to_us: UnixMicros,
    },
    /// Go to the next picture (1) of one camera, or to the one before (-1); the others show what they have of that moment.
    Step {
        /// Pictures.
        frames: i32,
        /// Whose pictures are counted.
        camera: CameraId,
    },
    /// Sets the speed, 0.125 to 16, and -0.125 to -16 backwards.
    Speed {
        /// Speed.
        speed: f32,
    },
}
