//! Backups, and what was brought back from one.

use std::fmt;

use hausrecht_model::UnixMicros;
use serde::{Deserialize, Serialize};

/// A backup that was made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, specta::Type)]
pub struct BackupMade {
    /// When.
    pub made_us: UnixMicros,
    /// Where it was put.
    pub path: String,
    /// Size. Bytes.
    #[specta(type = u32)]
    pub size_bytes: u64,
}

/// What opens a backup.
#[derive(Clone, PartialEq, Eq, Deserialize, specta::Type)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum RestoreKey {
    /// The owner's passphrase when it was made, which stays the owner's passphrase.
    Passphrase {
        /// The passphrase.
        passphrase: String,
    },
    /// The identity on the recovery sheet.
    Sheet {
        /// `AGE-SECRET-KEY-1…`; blanks and line ends do not count.
        identity: String,
        /// The owner's passphrase from now on.
        passphrase: String,
    },
}

impl fmt::Debug for RestoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passphrase { .. } => "RestoreKey(a passphrase)",
            Self::Sheet { .. } => "RestoreKey(a recovery sheet)",
        })
    }
}

/// What the next start takes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, specta::Type)]
pub struct Restored {
    /// When the backup was made.
    pub made_us: UnixMicros,
    /// Entries of the log that are in it.
    #[specta(type = u32)]
    pub entries: u64,
}

/// The test of a recovery sheet.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, specta::Type)]
pub struct SheetTested {
    /// Whether it opens this vault.
    pub fits: bool,
    /// When one that fits was tested last.
    pub tested_us: Option<UnixMicros>,
}
