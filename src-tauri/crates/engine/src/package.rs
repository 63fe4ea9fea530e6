//! Packages: films for somebody outside with all that is needed to check them, in one file that only they open. An age file
//! around a tar archive. `PACKAGE.md` has the format; nothing in it needs Hausrecht.

mod check;
mod page;
mod play;
mod read;
pub(crate) mod write;

use hausrecht_model::{CameraId, ClipId, UnixMicros};
use serde::{Deserialize, Serialize};

pub(crate) use self::play::{OpenPackage, PackedFilm};
pub use self::{
    play::{is_package, package_lock},
    read::Package,
};

/// What the manifest's `format` says.
const FORMAT: &str = "hausrecht-package-v1";
/// What a package's file is called.
pub(crate) const EXTENSION: &str = "hausrecht";
/// The folder in the archive that everything lies in.
const FOLDER: &str = "hausrecht-package";
const MANIFEST: &str = "manifest.json";
const SUMS: &str = "SHA256SUMS";
const PAGE: &str = "READ-ME.html";
const KEY: &str = "log/key.txt";
const CHECKPOINT: &str = "log/checkpoint.txt";
const SCRIPT: &str = "log/proof.py";
/// The entry of the package itself; its proof lies beside it.
const GIVEN: &str = "log/given";
/// The largest manifest and the largest of the other texts that are read.
const TEXT_MAX_BYTES: u64 = 16 << 20;
/// The most clips that one package is made of: each brings its entry and its proof.
pub(crate) const CLIPS_MAX: usize = 5_000;
/// The most films in one package.
pub(crate) const FILMS_MAX: usize = 500;

/// What a package says of itself: `manifest.json`. Times are microseconds since 1970 in UTC.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Manifest {
    /// [`FORMAT`].
    format: String,
    /// When it was made.
    made_us: UnixMicros,
    /// Program and version that made it.
    made_with: String,
    /// Who it was made for.
    recipient: String,
    /// What for; may be empty.
    purpose: String,
    /// The line on every picture; `null`: the pictures are the camera's.
    caption: Option<String>,
    /// The key of the log, in the form of C2SP signed notes.
    log_key: String,
    /// Keys of the logs that this one succeeds; each is named by an entry that lies in `log/succeeded`.
    #[serde(default)]
    earlier_keys: Vec<EarlierKey>,
    /// The Ed25519 key with which the owner signs entries, hexadecimal.
    owner_key: Option<String>,
    /// The entry of the order that the package was made by.
    ordered: u64,
    /// The films.
    films: Vec<Film>,
    /// The clips that the films were cut from.
    clips: Vec<Clip>,
    /// Every other file that the package vouches for.
    others: Vec<Other>,
}

/// The key of a log that was succeeded.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct EarlierKey {
    pub(crate) key: String,
    /// The entry that names it.
    pub(crate) entry: u64,
}

/// A film in a package.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Film {
    path: String,
    sha256: String,
    size_bytes: u64,
    camera: CameraId,
    camera_name: String,
    from_us: UnixMicros,
    duration_us: i64,
    pictures: u64,
    /// How many of the pictures were encoded anew; the others are the camera's, bit for bit.
    encoded: u64,
    /// What is in the file before its first picture and behind its last, and not played. Microseconds.
    hidden_us: i64,
}

/// A clip that films were cut from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Clip {
    clip: ClipId,
    camera: CameraId,
    start_us: UnixMicros,
    duration_us: i64,
    /// SHA-256 of the sealed clip, which the entry names.
    sha256: String,
    /// The entry that recorded it.
    entry: u64,
}

/// Another file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Other {
    path: String,
    sha256: String,
    size_bytes: u64,
}

/// Where the entry lies that names an earlier log.
fn succeeded_path(entry: u64) -> String {
    format!("log/succeeded/{entry}")
}

/// Where the entry that recorded a clip lies, and with `.proof` its proof.
fn recorded_path(entry: u64) -> String {
    format!("log/recorded/{entry}")
}
