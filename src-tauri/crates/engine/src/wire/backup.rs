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
    /// The shares of two of the three people among whom the owner's keys are.
    Shares {
        /// One person's, `AGE-SECRET-KEY-1…`; blanks and line ends do not count.
        one: String,
        /// Another's.
        other: String,
        /// The owner's passphrase from now on.
        passphrase: String,
    },
}

impl fmt::Debug for RestoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passphrase { .. } => "RestoreKey(a passphrase)",
            Self::Sheet { .. } => "RestoreKey(a recovery sheet)",
            Self::Shares { .. } => "RestoreKey(two shares)",
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
    /// Or it is a share, and this is whose.
    pub share_of: Option<String>,
    /// When one that fits was tested last.
    pub tested_us: Option<UnixMicros>,
}

/// One person's share of the recovery: with another's, it opens what a backup holds.
#[derive(Clone, PartialEq, Eq, Serialize, specta::Type)]
pub struct RecoveryShare {
    /// Whose.
    pub name: String,
    /// Their key, `AGE-SECRET-KEY-1…`.
    pub identity: String,
    /// The same as a QR code, SVG.
    pub qr_svg: String,
}

impl fmt::Debug for RecoveryShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecoveryShare(of {})", self.name)
    }
}

/// The shares that were made last, to be printed once: Hausrecht keeps none of the keys.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, specta::Type)]
pub struct RecoveryShares {
    /// When.
    pub made_us: UnixMicros,
    /// The vault's public key, `age1…`.
    pub recipient: String,
    /// One for each of three people.
    pub shares: Vec<RecoveryShare>,
}

/// Among whom the owner's keys are.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, specta::Type)]
pub struct SharedAmong {
    /// Since when.
    pub made_us: UnixMicros,
    /// Their names.
    pub names: Vec<String>,
    /// Whether a backup was made since: without one, the shares open nothing.
    pub in_backup: bool,
}
