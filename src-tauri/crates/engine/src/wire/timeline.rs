//! The timeline at any zoom: lanes of what was recorded and what happened, walks from event to event, bookmarks.

use hausrecht_model::{BookmarkId, CameraId, ClipId, EventId, EventKind, UnixMicros};
use serde::{Deserialize, Serialize};

use super::{EventMark, Face, Gap, RecordedSpan};

/// A part of the timeline.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct Lanes {
    /// Length of the buckets; 0 where clips and events themselves are given. Microseconds.
    #[specta(type = u32)]
    pub bucket_us: i64,
    /// Where the first bucket begins.
    pub first_us: UnixMicros,
    /// A lane a camera, in the order in which they were added.
    pub lanes: Vec<CameraLane>,
}

/// One camera on the timeline.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct CameraLane {
    /// Camera.
    pub camera: CameraId,
    /// Name.
    pub camera_name: String,
    /// Where there are clips; only without buckets.
    pub recorded: Vec<RecordedSpan>,
    /// How much of each bucket was recorded, 0 to 100; empty where nothing was.
    pub filled: Vec<u8>,
    /// How many events begin in each bucket, for each kind of which there are any.
    pub density: Vec<KindDensity>,
    /// The events themselves; only without buckets.
    pub events: Vec<EventMark>,
    /// Where there are no clips, as far as it is known why; for the owner.
    pub gaps: Vec<Gap>,
}

/// How often something happened.
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
pub struct KindDensity {
    /// What.
    pub kind: EventKind,
    /// Events a bucket.
    pub counts: Vec<u32>,
}

/// Which events, and from where on.
#[derive(Clone, Debug, Deserialize, specta::Type)]
pub struct EventQuery {
    /// Only of these kinds; empty: all.
    pub kinds: Vec<EventKind>,
    /// Only of these cameras; empty: all.
    pub cameras: Vec<CameraId>,
    /// Later ones first to last, else earlier ones last to first.
    pub forward: bool,
    /// Beyond this moment.
    pub from_us: UnixMicros,
    /// Events of that very moment too, beyond this one.
    pub from_id: Option<EventId>,
    /// Not beyond this moment.
    pub until_us: Option<UnixMicros>,
    /// At most this many. 1 to 500.
    pub limit: u32,
}

/// An event in a list.
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
pub struct EventLine {
    /// Id.
    pub id: EventId,
    /// Camera.
    pub camera: CameraId,
    /// Name of the camera.
    pub camera_name: String,
    /// Kind.
    pub kind: EventKind,
    /// The camera's own topic, for kinds that Hausrecht does not know.
    pub topic: String,
    /// When it begins.
    pub from_us: UnixMicros,
    /// When it ends; as far as it went so far.
    pub to_us: UnixMicros,
}

/// The clip at a place of the timeline.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, specta::Type)]
pub struct ClipPlace {
    /// Clip.
    pub clip: ClipId,
    /// Camera.
    pub camera: CameraId,
    /// Start.
    pub start_us: UnixMicros,
    /// End.
    pub end_us: UnixMicros,
}

/// A moment that somebody marked. Its clip stays for as long.
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
pub struct BookmarkView {
    /// Id.
    pub id: BookmarkId,
    /// The clip that holds it.
    pub clip: ClipId,
    /// Camera.
    pub camera: CameraId,
    /// Its name.
    pub camera_name: String,
    /// The moment.
    pub at_us: UnixMicros,
    /// Why.
    pub note: String,
    /// Who marked it.
    pub by: Face,
    /// Since when.
    pub made_us: UnixMicros,
    /// Whoever is signed in may change its note.
    pub mine: bool,
    /// Entry in the log.
    #[specta(type = u32)]
    pub entry: u64,
}

/// Mark a moment.
#[derive(Clone, Debug, Deserialize, specta::Type)]
pub struct GiveBookmark {
    /// Camera.
    pub camera: CameraId,
    /// The moment.
    pub at_us: UnixMicros,
    /// Why; may be empty.
    pub note: String,
}
