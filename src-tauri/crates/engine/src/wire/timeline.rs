//! The timeline at any zoom: lanes of what was recorded and what happened, and the event beside a moment.

use hausrecht_model::{CameraId, EventId, EventKind, UnixMicros};
use serde::{Deserialize, Serialize};

use super::EventMark;

/// Which part of the timeline.
#[derive(Clone, Debug, Deserialize, specta::Type)]
pub struct LanesQuery {
    /// From.
    pub from_us: UnixMicros,
    /// To.
    pub to_us: UnixMicros,
    /// Only events of these kinds; empty: all.
    pub kinds: Vec<EventKind>,
}

/// A part of the timeline.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct Lanes {
    /// From.
    pub from_us: UnixMicros,
    /// To.
    pub to_us: UnixMicros,
    /// Length of the buckets of `density`; 0 where every event is given. Microseconds.
    #[specta(type = u32)]
    pub bucket_us: i64,
    /// A lane a camera.
    pub lanes: Vec<CameraLane>,
}

/// One camera on the timeline.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct CameraLane {
    /// Camera.
    pub camera: CameraId,
    /// Name.
    pub camera_name: String,
    /// Where something was recorded, by time.
    pub recorded: Vec<RecordedPart>,
    /// How many events begin in each bucket that has any, by time.
    pub density: Vec<EventCount>,
    /// The events themselves, where they are few enough.
    pub events: Vec<EventMark>,
}

/// A stretch of a lane and how much of it was recorded.
#[derive(Clone, Debug, PartialEq, Serialize, specta::Type)]
pub struct RecordedPart {
    /// From.
    pub from_us: UnixMicros,
    /// To.
    pub to_us: UnixMicros,
    /// 0 to 1.
    pub share: f64,
}

/// How many events begin in a bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct EventCount {
    /// Where the bucket begins.
    pub from_us: UnixMicros,
    /// How many.
    pub count: u32,
}

/// An event beside a moment.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct EventBeside {
    /// Id.
    pub id: EventId,
    /// Camera.
    pub camera: CameraId,
    /// Name of the camera.
    pub camera_name: String,
    /// Kind.
    pub kind: EventKind,
    /// When it begins.
    pub from_us: UnixMicros,
}
