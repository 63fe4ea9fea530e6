//! Opens a package and finds what is in it. Whoever made it is believed in nothing: names, sizes, kinds and numbers of what is
//! inside are bounded here, and nothing is written anywhere but films that were asked for, under names made here.

use std::{
    collections::BTreeMap,
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use hausrecht_vault::{ClipReader, Lock, OpenBy, OpenError};
use sha2::{Digest, Sha256};

use super::{CLIPS_MAX, FILMS_MAX, FOLDER, FORMAT, MANIFEST, Manifest, TEXT_MAX_BYTES, play::open_by};
use crate::{
    Result,
    export::target::{Target, unwritable},
    wire::{Error, ErrorCode, PackageKey, PackageLock},
};

/// The most files that an archive may have.
const MEMBERS_MAX: usize = 2 * CLIPS_MAX + FILMS_MAX + 64;

/// Where a file lies in the plain bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) offset: u64,
    pub(super) size_bytes: u64,
}

/// A package that was opened.
pub struct Package {
    pub(super) path: PathBuf,
    pub(super) reader: ClipReader,
    pub(super) places: BTreeMap<String, Place>,
    pub(super) manifest: Manifest,
    /// SHA-256 of the manifest's bytes, hexadecimal.
    pub(super) manifest_sha256: String,
}

impl Package {
    /// Whether a passphrase opens it, or a key.
    ///
    /// # Errors
    /// There is no such file, or it is no package.
    pub fn lock_of(path: &Path) -> Result<PackageLock> {
        match Lock::of(path).map_err(|error| explained(path, &error))? {
            Lock::Keys => Ok(PackageLock::Key),
            Lock::Passphrase => Ok(PackageLock::Passphrase),
        }
    }

    /// Opens the package at `path` by a passphrase or a key file.
    ///
    /// # Errors
    /// As of [`Package::open`]; the key file cannot be read.
    pub fn open_with(path: &Path, key: PackageKey) -> Result<Self> {
        Self::open(path, &open_by(key)?)
    }

    /// Opens the package at `path`. Of the films nothing is read.
    ///
    /// # Errors
    /// There is no such file; it is no package, or not for this key; it is damaged, or nothing that Hausrecht makes.
    pub(super) fn open(path: &Path, by: &OpenBy) -> Result<Self> {
        let mut reader = ClipReader::open_by(path, by).map_err(|error| match (error, by) {
            (OpenError::WrongKey { .. }, OpenBy::Passphrase(_)) => match Lock::of(path) {
                Ok(Lock::Keys) => Error::invalid(
                    "this package is opened by an age key, not by a passphrase: give the key's file",
                ),
                _ => Error::new(ErrorCode::WrongPassphrase, "the passphrase is wrong"),
            },
            (OpenError::WrongKey { .. }, OpenBy::Identity(_)) => match Lock::of(path) {
                Ok(Lock::Passphrase) => {
                    Error::invalid("this package is opened by a passphrase, not by a key")
                }
                _ => Error::invalid("this package is for another key: whoever made it can say for which"),
            },
            (error, _) => explained(path, &error),
        })?;
        if reader.cut_short() {
            return Err(Error::new(
                ErrorCode::ClipCut,
                format!(
                    "{} is not whole: it was not copied to its end, or cut. Fetch it once more",
                    path.display()
                ),
            ));
        }
        let places = places(&mut reader)?;
        let bytes = text(&mut reader, &places, MANIFEST)?;
        let manifest: Manifest = serde_json::from_slice(&bytes)
            .map_err(|error| strange(&format!("its manifest cannot be read ({error})")))?;
        if manifest.format != FORMAT {
            return Err(Error::invalid(format!(
                "this package has the format “{}”, and this version of Hausrecht reads “{FORMAT}”: use a newer one",
                manifest.format.chars().take(60).collect::<String>()
            )));
        }
        if manifest.films.len() > FILMS_MAX || manifest.clips.len() > CLIPS_MAX {
            return Err(strange("it names more films than a package may have"));
        }
        let manifest_sha256 = hex::encode(Sha256::digest(&bytes));
        Ok(Self { path: path.to_owned(), reader, places, manifest, manifest_sha256 })
    }

    /// Where film `index` lies.
    pub(super) fn film(&self, index: usize) -> Result<Place> {
        let film = self.manifest.films.get(index).ok_or_else(|| Error::not_found("this film"))?;
        let place = self.places.get(&film.path).copied();
        place
            .ok_or_else(|| Error::new(ErrorCode::ClipMissing, format!("{} is not in the package", film.path)))
    }

    /// The bytes of one of the small files.
    pub(super) fn text(&mut self, path: &str) -> Result<Vec<u8>> {
        text(&mut self.reader, &self.places, path)
    }

    /// Reads a file of the package in order.
    pub(super) fn each_part(
        &mut self,
        place: Place,
        mut each: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut buffer = vec![0; 1 << 18];
        let mut at = 0;
        while at < place.size_bytes {
            let wanted = usize::try_from(place.size_bytes - at).unwrap_or(usize::MAX).min(buffer.len());
            let path = &self.path;
            let read = self
                .reader
                .read_at(place.offset + at, &mut buffer[..wanted])
                .map_err(|error| explained(path, &error))?;
            if read == 0 {
                return Err(strange("a file in it ends too early"));
            }
            each(&buffer[..read])?;
            at += read as u64;
        }
        Ok(())
    }

    /// Writes every film into `folder`, under the name that it has in the package. Nothing is overwritten.
    ///
    /// # Errors
    /// A film is missing or damaged; the folder does not take it. What was written until then stays whole.
    pub fn extract(&mut self, folder: &Path) -> Result<Vec<PathBuf>> {
        let mut written = Vec::new();
        for index in 0..self.manifest.films.len() {
            let place = self.film(index)?;
            let film = self.manifest.films[index].clone();
            let mut target = Target::begin(folder, |_| Ok(()))?;
            let mut sha256 = Sha256::new();
            self.each_part(place, |part| {
                sha256.update(part);
                target.write_all(part).map_err(|error| unwritable(folder, &error))
            })?;
            if hex::encode(sha256.finalize()) != film.sha256 {
                return Err(Error::new(
                    ErrorCode::ClipChanged,
                    format!("{} is not what the manifest says", film.path),
                ));
            }
            let name = film.path.rsplit('/').next().unwrap_or_default();
            let published = target.publish(name.strip_suffix(".mp4").unwrap_or(name), "mp4")?;
            written.push(published.path);
        }
        Ok(written)
    }
}

impl std::fmt::Debug for Package {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Package").field("path", &self.path).finish_non_exhaustive()
    }
}

fn text(reader: &mut ClipReader, places: &BTreeMap<String, Place>, path: &str) -> Result<Vec<u8>> {
    let place = places.get(path).ok_or_else(|| strange(&format!("{path} is missing")))?;
    if place.size_bytes > TEXT_MAX_BYTES {
        return Err(strange(&format!("{path} is too large")));
    }
    let mut bytes = vec![0; usize::try_from(place.size_bytes).unwrap_or(0)];
    let read = reader.read_at(place.offset, &mut bytes).map_err(|error| strange(&error.to_string()))?;
    bytes.truncate(read);
    Ok(bytes)
}

/// Lists the archive. Only plain files directly under [`FOLDER`] are in a package: no links, no folders, no names that lead
/// out of it, nothing twice.
fn places(reader: &mut ClipReader) -> Result<BTreeMap<String, Place>> {
    let len = reader.len();
    let mut archive = tar::Archive::new(Plain { reader, at: 0 });
    let mut places = BTreeMap::new();
    let damaged = |error: io::Error| strange(&format!("its archive cannot be read ({error})"));
    for entry in archive.entries_with_seek().map_err(damaged)?.raw(true) {
        let entry = entry.map_err(damaged)?;
        let header = entry.header();
        if places.len() >= MEMBERS_MAX {
            return Err(strange("it has more files than a package may have"));
        }
        if header.entry_type() != tar::EntryType::Regular {
            return Err(strange("there is something in it that is no plain file"));
        }
        let path = entry.path_bytes();
        let name =
            std::str::from_utf8(&path).ok().and_then(|path| path.strip_prefix(FOLDER)?.strip_prefix('/'));
        let name = name
            .filter(|name| is_plain(name))
            .ok_or_else(|| strange("there is a name in it that leads elsewhere"))?;
        let place = Place { offset: entry.raw_file_position(), size_bytes: entry.size() };
        if place.offset.checked_add(place.size_bytes).is_none_or(|end| end > len) {
            return Err(strange(&format!("{name} is longer than the package")));
        }
        if places.insert(name.to_owned(), place).is_some() {
            return Err(strange(&format!("{name} is in it twice")));
        }
    }
    Ok(places)
}

/// Whether a name stays within its folder on any system.
fn is_plain(name: &str) -> bool {
    name.len() <= 255
        && !name.contains(['\\', '\0'])
        && !name.chars().any(char::is_control)
        && name.split('/').all(|part| !part.is_empty() && part != "." && part != ".." && !part.contains(':'))
}

/// The plain bytes as the archive's reader wants them.
struct Plain<'a> {
    reader: &'a mut ClipReader,
    at: u64,
}

impl Read for Plain<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read_at(self.at, bytes).map_err(io::Error::other)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Plain<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.reader.len().checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

/// It opens, but nothing that Hausrecht makes is like this.
pub(super) fn strange(what: &str) -> Error {
    Error::new(
        ErrorCode::Invalid,
        format!("this is no package that Hausrecht made: {what}. Nothing of it was shown or kept"),
    )
}

fn explained(path: &Path, error: &OpenError) -> Error {
    let name = path.display();
    match error {
        OpenError::Missing { .. } => Error::not_found(&format!("the file {name}")),
        OpenError::HeaderCut { .. } | OpenError::HeaderForged { .. } => Error::invalid(format!(
            "{name} is no package: it does not begin as an age file does, or its beginning was changed"
        )),
        OpenError::TooMuchWork { log_n, .. } => Error::invalid(format!(
            "{name} asks for more memory than any passphrase of Hausrecht does (scrypt, 2^{log_n}): do not open it"
        )),
        OpenError::Forged { index, .. } => Error::new(
            ErrorCode::ClipChanged,
            format!(
                "{name} was changed, or is damaged, some {} KiB behind its beginning: fetch it once more",
                index * 64
            ),
        ),
        OpenError::WrongKey { .. } | OpenError::Io { .. } | _ => Error::internal(error.to_string()),
    }
}
