//! Saved footage: files that something else recorded, on their way into the vault, and the sources under which they stand.

use hausrecht_media::footage::View;
use hausrecht_model::{CameraId, UnixMicros};
use serde::{Deserialize, Serialize};

/// The files that were chosen, and what becomes of them.
#[derive(Clone, PartialEq, Debug, Default, Serialize, specta::Type)]
pub struct Footage {
    /// The files, in the order of their folders and names.
    pub files: Vec<FootageFile>,
    /// Time zone in which the recorders' clocks were, as the IANA names it.
    pub zone: String,
    /// Files that were left out, since they are no films by their names, or too many.
    pub left_out: u32,
    /// Some are still being looked at.
    pub looking: bool,
    /// Some are being imported.
    pub importing: bool,
}

/// One file.
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
pub struct FootageFile {
    /// Number, good until the list is closed.
    pub id: u32,
    /// Name of the file.
    pub name: String,
    /// Name of the folder that it lies in.
    pub folder: String,
    /// Size. Bytes.
    #[specta(type = u32)]
    pub size_bytes: u64,
    /// How it stands.
    pub state: FootageState,
    /// Codec name; empty until it was looked at.
    pub codec: String,
    /// Width. Pixels.
    pub width: u32,
    /// Height. Pixels.
    pub height: u32,
    /// How long it says it is. Microseconds; zero if it does not say.
    #[specta(type = u32)]
    pub duration_us: i64,
    /// When its first picture was taken, as far as it can be told.
    pub start_us: Option<UnixMicros>,
    /// Where that comes from.
    pub time_from: TimeFrom,
    /// Name and contents tell times that do not fit together; this is the other one.
    pub other_us: Option<UnixMicros>,
    /// Where its camera looks, for recorders with several.
    pub view: Option<View>,
    /// The file beside it that says where its camera was; empty: there is none.
    pub track: String,
    /// It was imported before: into this source.
    pub known_in: Option<String>,
    /// How much of it has been read. Microseconds of its length.
    #[specta(type = u32)]
    pub done_us: i64,
    /// Clips that it has become.
    #[specta(type = u32)]
    pub clips: u64,
    /// Pictures in them.
    #[specta(type = u32)]
    pub pictures: u64,
    /// Pictures that could not be taken over, since those that they build on are missing.
    #[specta(type = u32)]
    pub left_out: u64,
    /// It could not be read to its end; what came before is in the vault.
    pub cut_short: bool,
    /// Why it was refused, or failed.
    pub refusal: Option<FootageRefusal>,
    /// English particulars.
    pub detail: String,
}

/// How a file stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum FootageState {
    /// It has not been looked at yet.
    Waiting,
    /// It can be imported.
    Ready,
    /// It cannot.
    Refused,
    /// It will be imported after others.
    Queued,
    /// It is being imported.
    Importing,
    /// It is in the vault.
    Done,
    /// It is not in the vault, and nothing of it.
    Failed,
    /// It was stopped, and nothing of it is in the vault.
    Stopped,
}

/// Where a file's time comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum TimeFrom {
    /// From nowhere: it has to be asked for.
    Nowhere,
    /// From the file, with its zone.
    FileWithZone,
    /// From the file, which says that it is UTC.
    File,
    /// From the file, by the recorder's own clock.
    FileLocal,
    /// From its name, by the recorder's own clock.
    Name,
    /// From the satellites, by the file beside it.
    Satellites,
}

/// Why a file is not imported.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum FootageRefusal {
    /// It has no bytes.
    Empty,
    /// It cannot be opened or read.
    Unreadable,
    /// It is none of the containers that are known.
    NotAFilm,
    /// It has no video.
    NoVideo,
    /// Its pictures are in a codec that is not taken over.
    Codec,
    /// It is protected against copying.
    Protected,
    /// It is damaged, or its index is missing since it was cut short.
    Damaged,
    /// What reads it came to its end by it.
    ReaderDied,
    /// It is in the vault already.
    Known,
    /// It was changed while it was being imported.
    Changed,
    /// The vault could not take it: the disk, the log.
    NotWritten,
}

/// What is to be imported.
#[derive(Clone, Debug, Deserialize, specta::Type)]
pub struct ImportFootage {
    /// The file.
    pub id: u32,
    /// When its first picture was taken.
    pub start_us: UnixMicros,
    /// The source under which it is to stand; made if there is none of this name.
    pub source: String,
}

/// A source of imported clips.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, specta::Type)]
pub struct SourceView {
    /// Id.
    pub id: CameraId,
    /// Name.
    pub name: String,
    /// Clips.
    #[specta(type = u32)]
    pub clips: u64,
    /// What they take. Bytes.
    #[specta(type = u32)]
    pub size_bytes: u64,
    /// When the first begins; `None`: it has none.
    pub from_us: Option<UnixMicros>,
    /// When the last ends.
    pub to_us: Option<UnixMicros>,
}
