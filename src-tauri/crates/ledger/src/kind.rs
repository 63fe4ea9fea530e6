//! What an entry is about.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

macro_rules! kinds {
    ($($(#[$doc:meta])* $case:ident = $name:literal,)*) => {
        /// What happened. The name on the wire is the snake_case form and never changes its meaning.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum Kind {
            $($(#[$doc])* $case,)*
        }

        impl Kind {
            /// Every kind, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$case,)*];

            /// The kind's name in an entry, in the database and in the window.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$case => $name,)*
                }
            }
        }
    };
}

kinds! {
    /// A camera was added.
    CameraAdded = "camera_added",
    /// A camera's settings were changed.
    CameraChanged = "camera_changed",
    /// A camera was removed.
    CameraRemoved = "camera_removed",
    /// A camera stopped answering.
    CameraLost = "camera_lost",
    /// A lost camera answers again.
    CameraBack = "camera_back",
    /// A clip is whole and durable.
    Recorded = "recorded",
    /// A clip ends early: recovered after a crash, or its camera went.
    CutShort = "cut_short",
    /// A camera reported something.
    Event = "event",
    /// Somebody unlocked their keys.
    Unlocked = "unlocked",
    /// The keys were put away.
    Locked = "locked",
    /// A passphrase was wrong.
    UnlockRefused = "unlock_refused",
    /// A person was added.
    PersonAdded = "person_added",
    /// A person's passphrase, name, role, language or end was changed.
    PersonChanged = "person_changed",
    /// A person was removed, and all that was granted to them taken back.
    PersonRemoved = "person_removed",
    /// Somebody was let to view something.
    Grant = "grant",
    /// A grant was taken back.
    GrantTakenBack = "grant_taken_back",
    /// Somebody asked another to agree to an opening.
    Asked = "asked",
    /// The other agreed: the clip may be opened once.
    Agreed = "agreed",
    /// The other did not agree.
    Declined = "declined",
    /// A clip was sealed anew to a fresh key, so that no earlier wrap opens it.
    Rekeyed = "rekeyed",
    /// A clip's small picture was opened.
    Previewed = "previewed",
    /// A clip was opened. Written before its first picture is shown.
    Opened = "opened",
    /// What a camera has on its card is watched. Written before its first picture is shown.
    CardOpened = "card_opened",
    /// A fetch from a camera's card begins.
    CardFetchBegun = "card_fetch_begun",
    /// It has ended, one way or another.
    CardFetchEnded = "card_fetch_ended",
    /// The import of a file begins. Written before its first clip.
    ImportBegun = "import_begun",
    /// It has ended, one way or another.
    ImportEnded = "import_ended",
    /// A file was watched that is not in the vault, and nothing of it kept.
    FileWatched = "file_watched",
    /// A copy of a clip was made outside the vault.
    CopyMade = "copy_made",
    /// A package of copies was made for somebody outside, and given its name only then.
    Disclosed = "disclosed",
    /// A clip was erased: its wraps first, then its file.
    Erased = "erased",
    /// A stretch of a camera is kept longer.
    Held = "held",
    /// It is not kept longer any more.
    HoldEnded = "hold_ended",
    /// A moment was marked; its clip stays.
    Bookmarked = "bookmarked",
    /// Its note was changed.
    BookmarkChanged = "bookmark_changed",
    /// It is marked no more.
    BookmarkRemoved = "bookmark_removed",
    /// A setting was changed.
    SettingChanged = "setting_changed",
    /// The wall clock stepped.
    ClockStep = "clock_step",
    /// The engine started.
    Started = "started",
    /// The engine stopped in order.
    Stopped = "stopped",
    /// A start found that the engine had not stopped in order.
    Crashed = "crashed",
    /// The log, or its checkpoint, was exported.
    LogExported = "log_exported",
    /// A backup of the vault was made, or begun.
    BackedUp = "backed_up",
    /// The log goes on from a backup: under another key, after the entries of the one that it names.
    Succeeded = "succeeded",
    /// A recovery sheet was tested.
    SheetTested = "sheet_tested",
    /// A witness has seen the log for the first time that day, or sees it differently.
    Witnessed = "witnessed",
    /// The log was verified.
    Verified = "verified",
    /// Something failed: the disk is full, recording stopped.
    Error = "error",
}

/// A name that is no kind of this version.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("“{0}” is not a kind of entry")]
pub struct UnknownKindError(pub String);

impl FromStr for Kind {
    type Err = UnknownKindError;

    fn from_str(name: &str) -> Result<Self, UnknownKindError> {
        Self::ALL
            .iter()
            .copied()
            .find(|kind| kind.as_str() == name)
            .ok_or_else(|| UnknownKindError(name.to_owned()))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_ones_that_serde_writes() {
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
            assert_eq!(kind.as_str().parse::<Kind>().unwrap(), *kind);
            assert_eq!(kind.to_string(), kind.as_str());
        }
        assert!("deleted".parse::<Kind>().is_err());
    }
}
