//! Exports: a span of some cameras as MP4 files in a folder of the owner's choice.

use hausrecht_model::{CameraId, UnixMicros};
use serde::{Deserialize, Serialize};

/// What is to be exported.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, specta::Type)]
pub struct ExportOrder {
    /// Of these cameras, at least one.
    pub cameras: Vec<CameraId>,
    /// The first picture that is wanted.
    pub from_us: UnixMicros,
    /// Pictures from this time on are not wanted.
    pub to_us: UnixMicros,
    /// Where the files go: an absolute path of a folder that exists.
    pub folder: String,
    /// Who is given the copy; stands on every picture if [`ExportOrder::on_picture`], and in the log. Empty: nobody is named.
    pub recipient: String,
    /// Whether the recipient's name is written on every picture, for which all of them are encoded anew.
    pub on_picture: bool,
    /// What for; stands in the log. May be empty.
    pub purpose: String,
    /// Whether the films go into one sealed package with what is needed to check them, for which somebody must be named.
    pub packed: bool,
}

/// What an export would be. Nothing is opened for it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, specta::Type)]
pub struct ExportPlan {
    /// Clips that are opened.
    pub clips: u32,
    /// Files that come of it at least: one for each stretch without a gap of each camera.
    pub files: u32,
    /// How much is recorded of the span, all cameras together. Microseconds.
    #[specta(type = u32)]
    pub recorded_us: i64,
    /// About how large the files are. Bytes.
    #[specta(type = u32)]
    pub size_bytes: u64,
    /// How much room the folder must have, for whatever the encoder may need. Bytes.
    #[specta(type = u32)]
    pub room_bytes: u64,
    /// How much room the folder has; `None`: there is no such folder. Bytes.
    #[specta(type = Option<u32>)]
    pub free_bytes: Option<u64>,
    /// About how long it takes. Seconds.
    pub seconds: u32,
    /// The line on every picture; `None`: there is none.
    pub caption: Option<String>,
    /// Some cameras' pictures surely cannot be cut between key frames: what comes before is in the file, and not played. With
    /// others that is known only when they are read, and then stands at the file.
    pub hides: bool,
}

/// How an export is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum ExportState {
    /// Waits for the one before it.
    Waiting,
    /// Runs.
    Running,
    /// All files are there.
    Done,
    /// It failed; nothing of it is left.
    Failed,
    /// It was stopped; nothing of it is left.
    Stopped,
}

/// A file that was exported.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, specta::Type)]
pub struct ExportedFile {
    /// Its name in the folder.
    pub name: String,
    /// Its camera.
    pub camera_name: String,
    /// When its first picture was taken.
    pub from_us: UnixMicros,
    /// Its length. Microseconds.
    #[specta(type = u32)]
    pub duration_us: i64,
    /// Size. Bytes.
    #[specta(type = u32)]
    pub size_bytes: u64,
    /// Its pictures.
    #[specta(type = u32)]
    pub pictures: u64,
    /// How many of them were encoded anew.
    #[specta(type = u32)]
    pub encoded: u64,
    /// What lies before its first picture and behind its last, and is not played. Microseconds.
    #[specta(type = u32)]
    pub hidden_us: i64,
}

/// An export of this run.
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
pub struct ExportView {
    /// Counts up.
    pub id: u32,
    /// What was ordered.
    pub order: ExportOrder,
    /// Names of the cameras.
    pub camera_names: Vec<String>,
    /// How it is.
    pub state: ExportState,
    /// Part that is done, 0 to 1000.
    pub done_permille: u32,
    /// About how long it still takes, once that can be said. Seconds.
    pub left_s: Option<u32>,
    /// Files that are there; of a package those that are in it.
    pub files: Vec<ExportedFile>,
    /// The package's file, once it is there.
    pub package: Option<String>,
    /// Why it failed.
    pub error: Option<super::Error>,
}
