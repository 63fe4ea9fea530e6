//! The seam between window and engine: every value that crosses it, in either direction.
//!
//! Names and shapes here become TypeScript. Numbers carry their unit in the name; `_us` times are microseconds
//! since 1970 in UTC. Nothing here ever holds a key or a camera password on its way out.

mod backup;
mod camera;
mod card;
mod clip;
mod control;
mod events;
mod export;
mod footage;
mod grant;
mod log;
mod notify;
mod package;
mod person;
mod recording;
mod session;
mod timeline;
mod together;
mod wall;
mod witness;

pub use backup::*;
pub use camera::*;
pub use card::*;
pub use clip::*;
pub use control::*;
pub use events::*;
pub use export::*;
pub use footage::*;
pub use grant::*;
pub use log::*;
pub use notify::*;
pub use package::*;
pub use person::*;
pub use recording::*;
pub use session::*;
pub use timeline::*;
pub use together::*;
pub use wall::*;
pub use witness::*;

use serde::Serialize;

/// What went wrong, for a person (`message`) and for the window (`code`).
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
pub struct Error {
    /// Which failure; the window branches on nothing else.
    pub code: ErrorCode,
    /// An English sentence with the particulars, for the details line and the command line.
    pub message: String,
}

/// Failures that the window words itself, in the person's language.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// Name and passphrase do not belong together, or nobody has this name.
    WrongPassphrase,
    /// Nobody is signed in.
    Locked,
    /// The signed-in person may not do this.
    NotAllowed,
    /// An owner exists already.
    AlreadySetUp,
    /// A value in the request cannot be used; the message says which and why.
    Invalid,
    /// What was named does not exist, or not for this person.
    NotFound,
    /// The camera does not answer.
    CameraUnreachable,
    /// The camera refused name or password.
    CameraRefused,
    /// The camera answered something that is not ONVIF, or lacks what is needed.
    CameraUnsuitable,
    /// This computer has no microphone, or its sound server cannot be reached.
    NoMicrophone,
    /// The desktop's keyring cannot be used, or does not have what was kept there.
    NoKeyring,
    /// The grant allows no further opening.
    UsedUp,
    /// Somebody else must agree before this is opened.
    NeedsAgreement,
    /// The log could not be written, so nothing is shown.
    LogUnwritable,
    /// The clip's file is missing.
    ClipMissing,
    /// The clip's file was changed since it was recorded.
    ClipChanged,
    /// The clip's file ends too early.
    ClipCut,
    /// The disk is full.
    DiskFull,
    /// A folder outside of the vault did not take a file: its disk reports an error, or the file is too large for it.
    FolderFailed,
    /// Anything else: a defect or the operating system.
    Internal,
}

/// A message to the window: a whole small snapshot that replaces the one before.
#[derive(Clone, Debug, Serialize, specta::Type)]
#[serde(tag = "event", content = "data", rename_all = "snake_case")]
pub enum Event {
    /// Who is signed in.
    Session(Session),
    /// The search for cameras.
    Discovery(Discovery),
    /// The cameras that this person may see.
    Cameras(Vec<CameraView>),
    /// Their pictures.
    Tiles(Vec<TileState>),
    /// The player.
    Player(PlayerState),
    /// The cameras that are played together.
    Together(TogetherState),
    /// Fetches from cameras' cards, oldest first.
    CardJobs(Vec<CardJob>),
    /// The card that is watched.
    CardPlayer(CardPlayerState),
    /// Exports of this run, oldest first.
    Exports(Vec<ExportView>),
    /// The files that are looked at and imported.
    Footage(Footage),
    /// Clips came or went.
    ClipsChanged,
    /// Who may view what has changed, or was asked.
    GrantsChanged,
    /// How many wraps are still to be made for grants that were given.
    Wrapping(Wrapping),
    /// The log has this many entries.
    LogGrew(#[specta(type = u32)] u64),
    /// How far the verification is.
    Verify(VerifyState),
    /// Something the person should know.
    Notice(Notice),
    /// A camera reported something just now: for the shell, which may notify of it. Not for the page.
    Happened(Happening),
}
