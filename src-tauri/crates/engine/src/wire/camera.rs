//! Cameras: found, connected, and live.

use hausrecht_model::{CameraId, EventKind, Right, StreamRole, UnixMicros};
use serde::{Deserialize, Serialize};

/// A camera that answered on the network.
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
pub struct FoundCamera {
    /// Stable key of the answer (endpoint UUID, or the address).
    pub key: String,
    /// Name from its scopes, else its model.
    pub name: String,
    /// Maker and model, as far as known before sign-in.
    pub maker_model: String,
    /// Host and, if unusual, port.
    pub address: String,
    /// Lies outside this computer's own address ranges.
    pub outside_range: bool,
    /// Already added.
    pub known: bool,
    /// A simulated camera of the demo.
    pub demo: bool,
    /// It said that it goes, and was not heard of since.
    pub gone: bool,
    /// It came by itself since the last search.
    pub new: bool,
}

/// The search as it stands; replaced whole by each event.
#[derive(Clone, PartialEq, Debug, Default, Serialize, specta::Type)]
pub struct Discovery {
    /// Still listening.
    pub searching: bool,
    /// What answered so far, in order of answer.
    pub cameras: Vec<FoundCamera>,
}

/// Connect what was ticked, with one sign-in.
#[derive(Clone, Deserialize, specta::Type)]
pub struct ConnectCameras {
    /// Keys of [`FoundCamera`].
    pub keys: Vec<String>,
    /// Camera user.
    pub user: String,
    /// Camera password. Tried once on each.
    pub password: String,
}

/// What came of connecting one camera.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct ConnectOutcome {
    /// Key of the [`FoundCamera`].
    pub key: String,
    /// The camera, if it is connected now.
    pub camera: Option<CameraId>,
    /// Why not.
    pub error: Option<super::Error>,
}

/// A camera that was added.
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
pub struct CameraView {
    /// Id.
    pub id: CameraId,
    /// Name in the window.
    pub name: String,
    /// Maker and model.
    pub maker_model: String,
    /// Firmware version, as the camera says.
    pub firmware: String,
    /// Host and port.
    pub address: String,
    /// A simulated camera of the demo.
    pub demo: bool,
    /// Recording, as far as a stream comes.
    pub recording: bool,
    /// It said that it goes, or does not answer.
    pub away: bool,
    /// Who may view live pictures: faces for the tile.
    pub viewers: Vec<super::Face>,
    /// What whoever is signed in may do with it now.
    pub rights: Vec<Right>,
}

/// A live tile; all tiles are sent together, about twice a second and at each change.
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
pub struct TileState {
    /// Camera.
    pub camera: CameraId,
    /// Picture state.
    pub picture: PictureState,
    /// Clips are being written.
    pub recording: bool,
    /// The same with why not.
    pub record: super::RecordState,
    /// Frames shown per second.
    pub fps: f32,
    /// Age of the newest picture, from its arrival at this computer to its drawing. Milliseconds.
    pub age_ms: u32,
    /// How much later than the most punctual ones of the last hour pictures come from the camera, 0 below 3 000. Milliseconds.
    pub lag_ms: u32,
    /// For how long the camera has sent key frames that are the same bit for bit, 0 below 10 000. Milliseconds.
    pub frozen_ms: u32,
    /// Width over height of the picture, once known.
    pub aspect: Option<f32>,
    /// The last event.
    pub last_event: Option<LastEvent>,
}

/// An event on a tile.
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
pub struct LastEvent {
    /// Kind.
    pub kind: EventKind,
    /// Start.
    pub at_us: UnixMicros,
    /// Still going on.
    pub active: bool,
}

/// Whether there is a picture, and if not, why.
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum PictureState {
    /// The first picture is on its way.
    Starting,
    /// Moving.
    Live,
    /// No picture.
    Dead {
        /// Since when.
        since_us: UnixMicros,
        /// Why.
        reason: DeadReason,
        /// When it is tried again; `None`: only after the owner acts (a wrong password, another certificate).
        retry_at_us: Option<UnixMicros>,
    },
}

/// Why there is no picture.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum DeadReason {
    /// The camera does not answer at all.
    Unreachable,
    /// The camera answers, the stream is refused.
    StreamRefused,
    /// Name or password is wrong; not tried again until changed.
    WrongPassword,
    /// The camera wants the password as it is (RTSP Basic) over a connection that anybody can read; it gets none.
    PasswordUnprotected,
    /// Connected, but no picture has come for five seconds.
    Frozen,
    /// Data come, but no key frame: nothing can be shown or recorded.
    NoKeyFrame,
    /// A codec that cannot be shown or recorded.
    UnsupportedCodec,
    /// The camera's worker ended and is being started again.
    WorkerEnded,
    /// The camera shows another certificate than before; nothing is sent to it until the owner accepts it.
    CertificateChanged,
}

/// Where a tile stands in the window, in CSS pixels of the page. The whole wall is sent each time.
#[derive(Clone, PartialEq, Debug, Deserialize, specta::Type)]
pub struct TilePlace {
    /// What is shown there.
    pub what: TileSource,
    /// Left edge.
    pub x: f32,
    /// Top edge.
    pub y: f32,
    /// Width.
    pub width: f32,
    /// Height.
    pub height: f32,
    /// The part of the picture that is shown there; `None`: all of it.
    pub region: Option<super::PicturePart>,
}

/// What a tile shows.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, specta::Type)]
#[serde(tag = "source", rename_all = "snake_case")]
pub enum TileSource {
    /// A camera, live.
    Live {
        /// Camera.
        camera: CameraId,
        /// Which stream.
        stream: StreamRole,
    },
    /// The open clip of the player.
    Player,
    /// The camera's card that is watched.
    Card,
    /// One of the cameras that are played together.
    Together {
        /// Which of them, counted from 0.
        seat: u32,
    },
}
