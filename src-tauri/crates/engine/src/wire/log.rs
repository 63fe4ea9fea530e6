//! The log, as shown.

use hausrecht_model::{CameraId, ClipId, PersonId, UnixMicros};
use serde::{Deserialize, Serialize};

/// A page of the log, newest first.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct LogPage {
    /// Entries in the whole log.
    #[specta(type = u32)]
    pub size: u64,
    /// Entries that fit the filter.
    #[specta(type = u32)]
    pub matching: u64,
    /// The rows asked for.
    pub rows: Vec<LogRow>,
}

/// Which entries.
#[derive(Clone, Debug, Default, Deserialize, specta::Type)]
pub struct LogQuery {
    /// Skip this many of the newest matching entries.
    #[specta(type = u32)]
    pub offset: u64,
    /// At most this many. 1 to 500.
    pub limit: u32,
    /// Only these kinds, by their names in the log; empty: all.
    pub kinds: Vec<String>,
    /// Only about this camera.
    pub camera: Option<CameraId>,
    /// Only by or about this person.
    pub person: Option<PersonId>,
}

/// One entry in the list.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct LogRow {
    /// Number, from zero.
    #[specta(type = u32)]
    pub index: u64,
    /// When.
    pub at_us: UnixMicros,
    /// Kind: `recorded`, `opened`, `grant` and so on (FORMAT.md of the ledger).
    pub kind: String,
    /// Who did it; `None`: this computer.
    pub actor: Option<super::Face>,
    /// About which camera.
    pub camera: Option<CameraId>,
    /// Its name, also when it was removed since.
    pub camera_name: Option<String>,
    /// About which clip, if it still exists.
    pub clip: Option<ClipId>,
    /// Start of that clip.
    pub clip_start_us: Option<UnixMicros>,
    /// About which person (a grant's).
    pub person: Option<super::Face>,
    /// The entry it refers to (an opening's grant).
    #[specta(type = Option<u32>)]
    pub refers_to: Option<u64>,
    /// Plain particulars, `name: value`, in the order of the entry.
    pub facts: Vec<Fact>,
}

/// A particular of an entry.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct Fact {
    /// Name, as in the ledger's FORMAT.md.
    pub name: String,
    /// Value as text.
    pub value: String,
    /// Personal: sealed, and erasable without harm to the proofs.
    pub personal: bool,
}

/// One entry with its proof.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct LogEntryDetail {
    /// The row.
    pub row: LogRow,
    /// When the key was released after the entry was durable (openings).
    pub released_us: Option<UnixMicros>,
    /// RFC 6962 leaf hash, hex.
    pub leaf_hash: String,
    /// Entries in the tree that the proof is for.
    #[specta(type = u32)]
    pub tree_size: u64,
    /// Root of that tree, hex.
    pub root: String,
    /// Whether entry, signature and proof check out, checked just now.
    pub proven: bool,
    /// Signed by this computer or by the owner.
    pub signed_by_owner: bool,
    /// The entry as it was hashed.
    pub leaf: String,
    /// The proof in C2SP tlog-proof form.
    pub proof: String,
}

/// How the log stands to an older checkpoint of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It has grown, or is the same; all that the checkpoint covers is as it was.
    Grown,
    /// It has other entries than the checkpoint covers: it was written anew.
    Fork,
    /// It has fewer entries than the checkpoint covers: its end was cut off, or an older copy was put back.
    Cut,
}

/// The log beside an older checkpoint.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Consistency {
    /// How it stands.
    pub standing: Standing,
    /// Entries that the older checkpoint covers.
    pub old_size: u64,
    /// Entries now.
    pub new_size: u64,
    /// The consistency proof of RFC 6962, section 2.1.2, each hash in base64; empty where there is none.
    pub proof: Vec<String>,
    /// The newest checkpoint, a C2SP signed note.
    pub checkpoint: String,
}

/// How far a verification is, or what it found.
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
pub struct VerifyState {
    /// Still walking.
    pub running: bool,
    /// Entries and clip files done.
    #[specta(type = u32)]
    pub done: u64,
    /// How many of those are entries: the log up to here. What came later is not vouched for.
    #[specta(type = u32)]
    pub entries: u64,
    /// Of this many.
    #[specta(type = u32)]
    pub total: u64,
    /// Everything that is wrong; empty and not running: complete and unaltered.
    pub findings: Vec<Finding>,
    /// When it ended.
    pub finished_us: Option<UnixMicros>,
}

/// Something wrong in the log or with a clip that it names.
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
pub struct Finding {
    /// Entry.
    #[specta(type = Option<u32>)]
    pub entry: Option<u64>,
    /// Clip.
    pub clip: Option<ClipId>,
    /// Stable name of the defect: `entry_changed`, `signature`, `tree`, `checkpoint`, `clip_changed`, `clip_missing`, …
    pub code: String,
    /// English particulars.
    pub detail: String,
}

/// A checkpoint to be photographed.
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
pub struct PhotographedCheckpoint {
    /// The signed note.
    pub text: String,
    /// The same as a QR code, SVG.
    pub qr_svg: String,
    /// The entries that it covers.
    #[specta(type = u32)]
    pub size: u64,
}

/// Everything that happened to a clip, as a proof tells it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ClipHistory {
    /// The clip's tag in the log.
    pub tag: String,
    /// The log.
    pub origin: String,
    /// Its entries at the time of the proof.
    pub size: u64,
    /// SHA-256 of the clip's sealed file when it was recorded.
    pub sha256: Option<String>,
    /// What happened, oldest first.
    pub entries: Vec<HistoryEntry>,
}

/// One entry of it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct HistoryEntry {
    /// Number.
    pub index: u64,
    /// When.
    pub at_us: UnixMicros,
    /// What.
    pub kind: String,
    /// Who, by id; `device` for the computer itself.
    pub by: String,
    /// Whether it is signed by a key that was given.
    pub signed: bool,
    /// Its facts, on one line.
    pub what: String,
}
