//! What cameras report: topics, their meaning, and what happened just now.

use hausrecht_model::{CameraId, EventId, EventKind, UnixMicros};
use hausrecht_onvif::camera::Point;
use serde::{Deserialize, Serialize};

/// A topic that Hausrecht does not know, as a camera last sent it.
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
pub struct UnknownTopic {
    /// Camera.
    pub camera: CameraId,
    /// The topic without prefixes.
    pub topic: String,
    /// Names and values of the last message.
    pub data: Vec<(String, String)>,
    /// How often it came; zero: so far only as a first state.
    #[specta(type = u32)]
    pub count: u64,
    /// When it came last.
    pub last_us: UnixMicros,
}

/// When motion is measured in a camera's pictures.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum MotionMode {
    /// Where the camera reports nothing itself.
    #[default]
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

/// How motion is measured in a camera's pictures.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, specta::Type)]
pub struct MotionSettings {
    /// When.
    pub mode: MotionMode,
    /// 1 (only what is large) to 10 (the slightest).
    pub sensitivity: u8,
    /// Where it counts; empty: in the whole picture.
    pub zones: Vec<Vec<Point>>,
}

impl Default for MotionSettings {
    fn default() -> Self {
        Self { mode: MotionMode::Auto, sensitivity: 5, zones: Vec::new() }
    }
}

/// What the owner has said of a topic.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, specta::Type)]
pub struct TopicMapping {
    /// The topic without prefixes; capitals do not matter.
    pub topic: String,
    /// What it means; `unknown`: nothing, it is not kept at all.
    pub kind: EventKind,
}

/// An event that begins just now.
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
pub struct Happening {
    /// Event.
    pub event: EventId,
    /// Camera.
    pub camera: CameraId,
    /// Its name.
    pub camera_name: String,
    /// Kind.
    pub kind: EventKind,
    /// Start.
    pub at_us: UnixMicros,
}
