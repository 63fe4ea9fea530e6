//! A package at the window: opened, checked, played and taken out, with nobody signed in and no vault needed.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use hausrecht_media::AnswerWriter;
use hausrecht_vault::{Identity, OpenBy};
use secrecy::SecretString;

use super::read::{Package, Place};
use crate::{
    Handle, Result,
    handle::blocking,
    inner::lock,
    player::Player,
    wire::{Error, ExtractedFilms, PackageCheck, PackageKey, PackageLock, PackageView, PlayerState},
};

/// The largest key file that is read.
const KEY_FILE_MAX_BYTES: u64 = 64 << 10;

/// The package that is open at the window.
pub(crate) struct OpenPackage {
    path: PathBuf,
    by: OpenBy,
    package: Mutex<Package>,
}

/// A film of it that is played.
pub(crate) struct PackedFilm {
    package: Arc<OpenPackage>,
    place: Place,
}

impl PackedFilm {
    pub(crate) fn size_bytes(&self) -> u64 {
        self.place.size_bytes
    }

    /// Answers one question of a worker.
    pub(crate) fn answer(
        &self,
        answers: &mut AnswerWriter,
        id: u32,
        offset: u64,
        len: u32,
    ) -> std::io::Result<()> {
        let left = usize::try_from(self.place.size_bytes.saturating_sub(offset)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; (len as usize).min(hausrecht_media::answer::MAX_ANSWER_BYTES).min(left)];
        match lock(&self.package.package).reader.read_at(self.place.offset.saturating_add(offset), &mut bytes)
        {
            Ok(read) => answers.answer(id, &bytes[..read]),
            Err(error) => {
                tracing::warn!("a film of a package: {error}");
                answers.fail(id)
            }
        }
    }
}

impl Handle {
    /// Opens a package at the window, instead of the one before. Of the films nothing is read yet.
    ///
    /// # Errors
    /// It is no package, not whole, or opened by something else.
    pub async fn open_package(&self, path: PathBuf, key: PackageKey) -> Result<PackageView> {
        self.close_package();
        let opened = blocking(move || {
            let by = open_by(key)?;
            let package = Package::open(&path, &by)?;
            Ok(OpenPackage { path, by, package: Mutex::new(package) })
        })
        .await?;
        let view = lock(&opened.package).view();
        *lock(&self.inner.package) = Some(Arc::new(opened));
        Ok(view)
    }

    /// Checks the open package; `key` is the log's, as the reader knows it otherwise.
    ///
    /// # Errors
    /// No package is open, or it was closed meanwhile; `key` is no key.
    pub async fn check_package(&self, key: Option<String>) -> Result<PackageCheck> {
        let (open, inner, now) = (self.package()?, Arc::clone(&self.inner), self.inner.now());
        blocking(move || {
            // Its own reader, so that a film can be played meanwhile.
            let mut package = Package::open(&open.path, &open.by)?;
            let key = key.filter(|key| !key.trim().is_empty());
            let is_open =
                |_| lock(&inner.package).as_ref().is_some_and(|current| Arc::ptr_eq(current, &open));
            package.check(key.as_deref(), now, is_open)
        })
        .await
    }

    /// Plays a film of the open package in the window.
    ///
    /// # Errors
    /// No package is open; it has no such film; the player does not start.
    pub async fn play_package(&self, film: u32) -> Result<PlayerState> {
        let (open, inner) = (self.package()?, Arc::clone(&self.inner));
        let player = blocking(move || {
            let (place, start_us) = {
                let package = lock(&open.package);
                let place = package.film(film as usize)?;
                (place, package.manifest.films[film as usize].from_us)
            };
            Player::open_packed(&inner, PackedFilm { package: open, place }, start_us)
        })
        .await?;
        self.package().inspect_err(|_| player.close())?;
        Ok(self.show_player(player))
    }

    /// Writes the films of the open package into `folder`. From then on they lie open there.
    ///
    /// # Errors
    /// No package is open; the folder does not take them; a film is damaged.
    pub async fn extract_package(&self, folder: PathBuf) -> Result<ExtractedFilms> {
        let open = self.package()?;
        blocking(move || {
            let written = Package::open(&open.path, &open.by)?.extract(&folder)?;
            Ok(ExtractedFilms {
                folder: folder.display().to_string(),
                files: u32::try_from(written.len()).unwrap_or(u32::MAX),
            })
        })
        .await
    }

    /// Closes the package, and the film of it that is played.
    pub fn close_package(&self) {
        self.inner.close_package();
    }

    fn package(&self) -> Result<Arc<OpenPackage>> {
        lock(&self.inner.package).clone().ok_or_else(|| Error::not_found("an open package"))
    }
}

/// Whether a file is a package, by its name.
#[must_use]
pub fn is_package(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(super::EXTENSION))
}

/// What opens the package at `path`.
///
/// # Errors
/// There is no such file, or it is no package.
pub async fn package_lock(path: PathBuf) -> Result<PackageLock> {
    blocking(move || Package::lock_of(&path)).await
}

/// The key that was given, or that lies in a file as `age-keygen` writes it.
pub(super) fn open_by(key: PackageKey) -> Result<OpenBy> {
    let path = match key {
        PackageKey::Passphrase { passphrase } => {
            return Ok(OpenBy::Passphrase(SecretString::from(passphrase)));
        }
        PackageKey::File { path } => PathBuf::from(path),
    };
    let unreadable = |what: &str| Error::invalid(format!("{} {what}", path.display()));
    let size = std::fs::metadata(&path).map_err(|_| unreadable("cannot be read"))?.len();
    if size > KEY_FILE_MAX_BYTES {
        return Err(unreadable("is too large for a key file"));
    }
    let text = zeroize::Zeroizing::new(std::fs::read(&path).map_err(|_| unreadable("cannot be read"))?);
    let text = std::str::from_utf8(&text).map_err(|_| unreadable("is no key file: it is not text"))?;
    let line =
        text.lines().find(|line| line.trim_start().to_ascii_uppercase().starts_with("AGE-SECRET-KEY-1"));
    let line = line.ok_or_else(|| {
        unreadable("has no line that begins with AGE-SECRET-KEY-1, as age-keygen writes it")
    })?;
    Identity::from_secret_text(line)
        .map(OpenBy::Identity)
        .map_err(|error| unreadable(&format!("holds {error}")))
}
