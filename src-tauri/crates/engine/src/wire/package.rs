//! Packages: a copy for somebody outside in one sealed file, and what is found when one is opened.

use std::fmt;

use hausrecht_model::UnixMicros;
use serde::{Deserialize, Serialize};

/// Who can open a package that is made.
#[derive(Clone, PartialEq, Eq, Deserialize, specta::Type)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum PackageSeal {
    /// Whoever has the age key of this recipient, `age1…`.
    Key {
        /// The recipient.
        recipient: String,
    },
    /// Whoever knows the passphrase.
    Passphrase {
        /// The passphrase. It is kept nowhere.
        passphrase: String,
    },
}

impl fmt::Debug for PackageSeal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key { recipient } => write!(f, "PackageSeal({recipient})"),
            Self::Passphrase { .. } => f.write_str("PackageSeal(a passphrase)"),
        }
    }
}

/// What opens a package that was given.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum PackageLock {
    /// An age key.
    Key,
    /// A passphrase.
    Passphrase,
}

/// A package that was given, and is not open yet.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, specta::Type)]
pub struct GivenPackage {
    /// Name of its file.
    pub file: String,
    /// What opens it.
    pub lock: PackageLock,
}

/// What a package says of itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, specta::Type)]
pub struct PackageView {
    /// Name of its file.
    pub file: String,
    /// When it was made, by the clock of the computer that made it.
    pub made_us: UnixMicros,
    /// Who it was made for.
    pub recipient: String,
    /// What for; may be empty.
    pub purpose: String,
    /// The line on every picture; `None`: there is none.
    pub caption: Option<String>,
    /// The key of the log that it comes from.
    pub log_key: String,
    /// Its films.
    pub films: Vec<PackageFilm>,
    /// Clips that the films were cut from.
    pub clips: u32,
}

/// A film in a package.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, specta::Type)]
pub struct PackageFilm {
    /// Name of its file.
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
    /// SHA-256, hexadecimal.
    pub sha256: String,
}

/// A part of a package that was checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum CheckedPart {
    /// Each film is the one that the manifest names. Text: how many.
    Films,
    /// So is every other file, and there is none besides. Text: how many.
    Papers,
    /// The key of the log is whole, and the one that was given. Text: the key.
    LogKey,
    /// The log has the entry that this very package was given. Text: its number.
    Given,
    /// The log has each clip that the films were cut from. Text: how many.
    Clips,
}

/// What was found of a part.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, specta::Type)]
pub struct PackageFinding {
    /// The part.
    pub part: CheckedPart,
    /// Nothing is wrong with it.
    pub whole: bool,
    /// Particulars, or what is wrong: an English sentence.
    pub text: String,
}

/// What a check of a package found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, specta::Type)]
pub struct PackageCheck {
    /// Nothing is wrong.
    pub whole: bool,
    /// The key of the log was compared with one that was given otherwise; without it nobody knows whose log it is.
    pub key_compared: bool,
    /// Entries of the log when the package was made.
    #[specta(type = Option<u32>)]
    pub log_size: Option<u64>,
    /// Part by part.
    pub findings: Vec<PackageFinding>,
}

/// What a package is to be opened by.
#[derive(Clone, PartialEq, Eq, Deserialize, specta::Type)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum PackageKey {
    /// The passphrase that its giver told.
    Passphrase {
        /// The passphrase. It is kept nowhere.
        passphrase: String,
    },
    /// A file that holds an age key, as `age-keygen` writes it.
    File {
        /// Where it lies.
        path: String,
    },
}

impl fmt::Debug for PackageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passphrase { .. } => f.write_str("PackageKey(a passphrase)"),
            Self::File { path } => write!(f, "PackageKey(the file {path})"),
        }
    }
}

/// Films that were taken out of a package.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, specta::Type)]
pub struct ExtractedFilms {
    /// Where they lie.
    pub folder: String,
    /// How many.
    pub files: u32,
}
