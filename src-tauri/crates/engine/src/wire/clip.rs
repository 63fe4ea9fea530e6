//! Clips: the day's timeline, the list, one clip's three questions, the player.

use hausrecht_model::{CameraId, ClipId, EventId, EventKind, GrantId, Right, UnixMicros};
use serde::{Deserialize, Serialize};

/// A clip in a list.
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
pub struct ClipView {
    /// Id.
    pub id: ClipId,
    /// Camera.
    pub camera: CameraId,
    /// Name of the camera.
    pub camera_name: String,
    /// Start.
    pub start_us: UnixMicros,
    /// Length. Microseconds.
    #[specta(type = u32)]
    pub duration_us: i64,
    /// Sealed size on disk. Bytes.
    #[specta(type = u32)]
    pub size_bytes: u64,
    /// Kinds of events in it.
    pub events: Vec<EventKind>,
    /// Interrupted while recording: kept up to its last whole part.
    pub cut_short: bool,
    /// The camera recorded it on its own card, from where it was fetched later.
    pub from_card: bool,
    /// It was imported from a file that something else had recorded. No length of keeping erases it.
    pub imported: bool,
    /// Has a sealed thumbnail.
    pub has_thumbnail: bool,
    /// Times it was opened through Hausrecht.
    #[specta(type = u32)]
    pub opened: u64,
}

/// Which clips.
#[derive(Clone, Debug, Deserialize, specta::Type)]
pub struct ClipQuery {
    /// Only these cameras; empty: all.
    pub cameras: Vec<CameraId>,
    /// Running at this time or after it.
    pub from_us: UnixMicros,
    /// Starting before.
    pub to_us: UnixMicros,
    /// Only clips with one of these; empty: all.
    pub events: Vec<EventKind>,
    /// At most this many, newest first. 1 to 500.
    pub limit: u32,
}

/// A span of time on the timeline: its lanes.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct Timeline {
    /// From.
    pub from_us: UnixMicros,
    /// To.
    pub to_us: UnixMicros,
    /// A lane a camera.
    pub lanes: Vec<Lane>,
}

/// One camera on the timeline.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct Lane {
    /// Camera.
    pub camera: CameraId,
    /// Name.
    pub camera_name: String,
    /// Where there are clips; clips that follow each other are one span.
    pub recorded: Vec<RecordedSpan>,
    /// Events.
    pub events: Vec<EventMark>,
    /// Where there are no clips, as far as it is known why; for the owner.
    pub gaps: Vec<super::Gap>,
}

/// A stretch without a gap.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct RecordedSpan {
    /// From.
    pub from_us: UnixMicros,
    /// To.
    pub to_us: UnixMicros,
}

/// An event on the timeline.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct EventMark {
    /// Id.
    pub id: EventId,
    /// Kind.
    pub kind: EventKind,
    /// The camera's own topic, for kinds that Hausrecht does not know.
    pub topic: String,
    /// From.
    pub from_us: UnixMicros,
    /// To; as far as it went so far.
    pub to_us: UnixMicros,
}

/// A thumbnail, unsealed for this window only.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct Thumbnail {
    /// Clip.
    pub clip: ClipId,
    /// JPEG as base64; `None`: none, or not to be opened.
    pub jpeg_base64: Option<String>,
}

/// A place at a time, by the satellites.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, specta::Type)]
pub struct TrackPoint {
    /// When.
    pub at_us: UnixMicros,
    /// Degrees, north is above zero.
    pub latitude: f64,
    /// Degrees, east is above zero.
    pub longitude: f64,
    /// Kilometres an hour, if it is known.
    pub speed_kmh: Option<f32>,
}

/// One clip and its three questions.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct ClipDetail {
    /// Where the camera was, about once a second, for the owner; for films that had it beside them.
    pub track: Vec<TrackPoint>,
    /// The clip.
    pub clip: ClipView,
    /// Who may view it; the owner first. "No one else" is the window's own last row.
    pub may_view: Vec<MayView>,
    /// What whoever is signed in may do with it.
    pub rights: Vec<Right>,
    /// What stands between whoever is signed in and its pictures.
    pub gate: Gate,
    /// Who has opened it through Hausrecht, newest first.
    pub opened: Vec<Opened>,
    /// Copies given.
    pub copies: Vec<Copied>,
    /// Whether its file is what was recorded.
    pub integrity: Integrity,
    /// Entry that recorded it.
    #[specta(type = u32)]
    pub entry: u64,
    /// When it will be erased, unless something keeps it longer.
    pub kept_until_us: UnixMicros,
    /// What keeps it longer; for the owner.
    pub holds: Vec<super::HoldView>,
    /// Moments of it that are marked: for the owner all, else one's own.
    pub bookmarks: Vec<super::BookmarkView>,
    /// The event for which it was recorded; `None`: it needed none.
    pub cause: Option<EventKind>,
}

/// A person who may view the clip.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct MayView {
    /// Who.
    pub face: super::Face,
    /// Through which grant; `None`: owner.
    pub grant: Option<GrantId>,
    /// What the grant covers.
    pub scope: Option<super::GrantScope>,
    /// Until when.
    pub until_us: Option<UnixMicros>,
    /// What the grant allows; `None`: owner.
    pub terms: Option<super::Terms>,
    /// Name of who must agree to each opening, as far as the viewer may know it.
    pub second_name: String,
    /// Openings through the grant so far.
    pub opened: u32,
}

/// What stands between a person and a clip that they may view.
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
#[serde(tag = "gate", rename_all = "snake_case")]
pub enum Gate {
    /// Nothing.
    Open,
    /// All openings that were granted are used.
    UsedUp,
    /// Somebody else must agree to each opening.
    Agreement {
        /// Their name.
        name: String,
        /// The agreement that can be used, else the last question.
        ask: Option<super::AskView>,
    },
}

/// An opening.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct Opened {
    /// Who.
    pub face: super::Face,
    /// When.
    pub at_us: UnixMicros,
    /// Entry in the log.
    #[specta(type = u32)]
    pub entry: u64,
}

/// A copy that left the vault: by export, or with `hausrecht open CLIP -o FILE`.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct Copied {
    /// Who made it.
    pub face: super::Face,
    /// Whether it is a single picture.
    pub picture: bool,
    /// Who was given it, if that was said.
    pub recipient: Option<String>,
    /// When.
    pub at_us: UnixMicros,
    /// Entry in the log.
    #[specta(type = u32)]
    pub entry: u64,
}

/// Whether a clip's file is what the log says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Integrity {
    /// SHA-256 of the file equals the signed entry.
    Untouched,
    /// It differs.
    Changed,
    /// The file is gone.
    Missing,
}

/// The player; replaced whole by each event.
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
pub struct PlayerState {
    /// The clip.
    pub clip: ClipId,
    /// Start of the clip.
    pub start_us: UnixMicros,
    /// Length. Microseconds.
    #[specta(type = u32)]
    pub duration_us: i64,
    /// Position from the start. Microseconds.
    #[specta(type = u32)]
    pub position_us: i64,
    /// Running.
    pub playing: bool,
    /// Reached the end.
    pub ended: bool,
    /// Speed, 1 is real time; below zero it goes backwards.
    pub speed: f32,
    /// The span that is played again and again.
    pub repeated: Option<Repeated>,
    /// How colours are changed in what is shown.
    pub adjust: Adjust,
    /// A picture has been shown.
    pub has_picture: bool,
    /// Why it stopped.
    pub error: Option<super::Error>,
}

/// A span that is played again and again; its first and its last picture are shown.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, specta::Type)]
pub struct Repeated {
    /// From the clip's start. Microseconds.
    #[specta(type = u32)]
    pub from_us: i64,
    /// From the clip's start. Microseconds.
    #[specta(type = u32)]
    pub to_us: i64,
}

/// How colours are changed in what is shown; the recording stays as it is.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, specta::Type)]
pub struct Adjust {
    /// -1 (black) to 1 (white); 0 leaves it.
    pub brightness: f32,
    /// 0 (grey) to 2; 1 leaves it.
    pub contrast: f32,
    /// 0 (without colour) to 2; 1 leaves it.
    pub saturation: f32,
    /// 0.25 (dark parts darker) to 4 (dark parts brighter); 1 leaves it.
    pub gamma: f32,
}

impl Default for Adjust {
    fn default() -> Self {
        Self { brightness: 0.0, contrast: 1.0, saturation: 1.0, gamma: 1.0 }
    }
}

/// What the player is told.
#[derive(Clone, Debug, Deserialize, specta::Type)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum PlayerOrder {
    /// Run.
    Play,
    /// Stand.
    Pause,
    /// Go to a position, exact to the frame.
    Seek {
        /// From the clip's start. Microseconds.
        #[specta(type = u32)]
        to_us: i64,
    },
    /// One frame forward (1) or back (-1).
    Step {
        /// Frames.
        frames: i32,
    },
    /// Sets the speed, 0.125 to 64, and -0.125 to -64 backwards.
    Speed {
        /// Speed.
        speed: f32,
    },
    /// Plays a span again and again, or no longer.
    Repeat {
        /// Which.
        span: Option<Repeated>,
    },
    /// Changes the colours of what is shown.
    Adjust {
        /// How.
        adjust: Adjust,
    },
}

/// Which clips are erased.
#[derive(Clone, Debug, Deserialize, specta::Type)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum EraseWhat {
    /// These.
    Clips {
        /// Up to 50 000.
        clips: Vec<ClipId>,
    },
    /// The clips of one camera that overlap a span of time.
    Span {
        /// Camera.
        camera: CameraId,
        /// From.
        from_us: UnixMicros,
        /// To.
        to_us: UnixMicros,
    },
}

/// Erases clips for good.
#[derive(Clone, Debug, Deserialize, specta::Type)]
pub struct EraseOrder {
    /// Which.
    pub what: EraseWhat,
    /// Somebody in the picture demands it (GDPR, Article 17).
    pub demanded: bool,
    /// Forget, too, who was given a copy. That is what an owner answers for, so it is asked separately.
    pub forget_copies: bool,
    /// Why. Sealed.
    pub reason: String,
}

/// What was or would be erased.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, specta::Type)]
pub struct Erased {
    /// Clips.
    #[specta(type = u32)]
    pub clips: u64,
    /// Size of their files. Bytes.
    #[specta(type = u32)]
    pub size_bytes: u64,
    /// Of these, clips that something keeps longer: they cannot be erased before that is released.
    #[specta(type = u32)]
    pub held: u64,
}
