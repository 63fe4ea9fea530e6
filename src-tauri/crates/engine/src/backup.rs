//! Backups: all that the vault knows but the clips themselves, sealed to the owner, in one file. `BACKUP.md` has the format.

use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use hausrecht_ledger::Kind;
use hausrecht_model::UnixMicros;
use hausrecht_store::Store;
use hausrecht_vault::{DEVICE_KEYS_FILE, ExposeSecret, OwnerKeys, SealFor, StreamSealer};
use serde::{Deserialize, Serialize};

use crate::{
    Handle, Result,
    export::target::{Target, unwritable},
    handle::blocking,
    inner::Inner,
    logbook::Note,
    shares::Onions,
    wire::{BackupMade, Error, Event, RestoreKey, Restored},
};

/// What `about.json` says.
pub(crate) const FORMAT: &str = "hausrecht-backup-v1";
/// What a backup's file is called.
pub(crate) const EXTENSION: &str = "hausrecht-backup";
/// The files of a backup: what it is, the owner's key under the passphrase, what two of three people open if there are such, and the rest,
/// sealed to the owner.
pub(crate) const ABOUT: &str = "about.json";
pub(crate) const OWNER: &str = "owner.age";
pub(crate) const SHARES: &str = "shares.json";
pub(crate) const SEALED: &str = "vault.age";
/// Inside of [`SEALED`].
pub(crate) const DATABASE: &str = "hausrecht.db";
pub(crate) const OWNER_KEYS: &str = "owner-keys.txt";
pub(crate) const PEOPLE: &str = "people/";
/// Where the last one is noted.
const LAST_KEY: &str = "last_backup";
/// What the copy of the database is called until it is sealed.
const COPY: &str = "backup.tmp";

/// Whether a file is a backup, by its name.
#[must_use]
pub fn is_backup(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(EXTENSION))
}

/// What a backup says of itself in the open.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct About {
    /// [`FORMAT`].
    pub(crate) format: String,
    /// When it was made. Microseconds since 1970.
    pub(crate) made_us: UnixMicros,
    /// The program that made it.
    pub(crate) made_with: String,
    /// Name of the log.
    pub(crate) log: String,
    /// Entries of the log that are in it.
    pub(crate) entries: u64,
}

impl Handle {
    /// Makes a backup in `folder`. It can be opened with the owner's passphrase of now, or with the recovery sheet.
    ///
    /// # Errors
    /// Only the owner; the folder does not take it; the log cannot be written.
    pub async fn make_backup(&self, folder: PathBuf) -> Result<BackupMade> {
        let person = self.inner.signed_in()?;
        let keys = person.owner_keys()?;
        // First the entry, so that the backup has it too.
        let writer = Arc::clone(&self.inner);
        let signer = Arc::clone(&keys);
        let note = Note::new(Kind::BackedUp).by(person.id);
        let entry = self
            .inner
            .db
            .write(move |tables| {
                let entry = writer.logbook.append(tables, &note, Some(&signer))?;
                writer.logbook.checkpoint(tables)?;
                Ok(entry)
            })
            .await
            .map_err(Error::order_unwritable)?;
        self.inner.tell(Event::LogGrew(entry + 1));
        let inner = Arc::clone(&self.inner);
        let shares = self.onions().await?;
        let made = blocking(move || make(&inner, &keys, &folder, entry + 1, shares)).await;
        if let Err(error) = &made {
            let mut note = Note::new(Kind::Error).fact("what", "backup").fact("why", error.message.clone());
            note.refers_to = Some(entry);
            self.inner.log_or_tell(note).await;
        }
        let made = made?;
        let text = serde_json::to_string(&made)?;
        self.inner.db.write(move |tables| Ok(tables.set_meta(LAST_KEY, &text)?)).await?;
        Ok(made)
    }

    /// Lays a backup ready for the next start of this data folder.
    ///
    /// # Errors
    /// See [`crate::restore`].
    pub async fn restore_backup(&self, path: PathBuf, key: RestoreKey) -> Result<Restored> {
        let inner = Arc::clone(&self.inner);
        blocking(move || crate::restore(&path, &inner.options.data_folder, key, inner.options.log_n)).await
    }

    /// The last backup that was made.
    ///
    /// # Errors
    /// Only the owner.
    pub async fn last_backup(&self) -> Result<Option<BackupMade>> {
        self.inner.signed_in()?.owner_keys()?;
        let text = self.inner.db.read(|tables| Ok(tables.meta(LAST_KEY)?)).await?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }
}

fn make(
    inner: &Inner,
    keys: &OwnerKeys,
    folder: &Path,
    entries: u64,
    shares: Option<Onions>,
) -> Result<BackupMade> {
    let data = &inner.options.data_folder;
    let failed = |error: io::Error| unwritable(folder, &error);
    let made_us = inner.now();
    let target = Target::begin(folder, |_| Ok(()))?;
    let copy = Copy(data.join(COPY));
    Store::copy(&data.join(DATABASE), &copy.0)?;
    let mut outer = tar::Builder::new(target);
    let about = About {
        format: FORMAT.to_owned(),
        made_us,
        made_with: format!("Hausrecht {}", env!("CARGO_PKG_VERSION")),
        log: inner.logbook.verifier()?.name().to_owned(),
        entries,
    };
    append(&mut outer, ABOUT, &serde_json::to_vec_pretty(&about)?).map_err(failed)?;
    append(&mut outer, OWNER, &fs::read(data.join(OWNER))?).map_err(failed)?;
    if let Some(mut onions) = shares {
        // Who they are stands in the database, which is sealed.
        onions.holders = None;
        append(&mut outer, SHARES, &serde_json::to_vec_pretty(&onions)?).map_err(failed)?;
    }
    // How long the sealed part is, its header must say before it comes.
    let mut sealed = tempfile_in(data)?;
    {
        let sealer = StreamSealer::begin(&SealFor::Recipient(keys.recipient()), &mut sealed)?;
        let mut inside = tar::Builder::new(sealer);
        append(&mut inside, OWNER_KEYS, keys.to_identity_file().expose_secret().as_bytes())?;
        append(&mut inside, DEVICE_KEYS_FILE, inner.logbook.device.to_text().expose_secret().as_bytes())?;
        for file in fs::read_dir(data.join("people"))? {
            let file = file?;
            let name = file.file_name().to_string_lossy().into_owned();
            append(&mut inside, &format!("{PEOPLE}{name}"), &fs::read(file.path())?)?;
        }
        let mut database = fs::File::open(&copy.0)?;
        let size = database.metadata()?.len();
        inside.append(&header(DATABASE, size)?, &mut database)?;
        inside.into_inner()?.finish()?.flush()?;
    }
    drop(copy);
    let size = io::Seek::stream_position(&mut sealed)?;
    io::Seek::rewind(&mut sealed)?;
    outer.append(&header(SEALED, size).map_err(failed)?, sealed.take(size)).map_err(failed)?;
    let target = outer.into_inner().map_err(failed)?;
    let day = jiff::Timestamp::from_microsecond(made_us.0)
        .map_or_else(|_| made_us.0.to_string(), |time| time.strftime("%Y-%m-%d %H-%M-%S").to_string());
    let published = target.publish(&format!("Hausrecht {day} UTC"), EXTENSION)?;
    Ok(BackupMade { made_us, path: published.path.display().to_string(), size_bytes: published.size_bytes })
}

/// A copy of the database that goes when it is not needed any more.
struct Copy(PathBuf);

impl Drop for Copy {
    fn drop(&mut self) {
        // It is as sealed as the database itself; the next backup takes its place.
        let _ = fs::remove_file(&self.0);
    }
}

/// A file without a name.
fn tempfile_in(folder: &Path) -> Result<fs::File> {
    let path = folder.join("backup.sealed.tmp");
    let file = fs::File::options().read(true).write(true).create(true).truncate(true).open(&path)?;
    fs::remove_file(&path)?;
    Ok(file)
}

fn header(name: &str, size_bytes: u64) -> io::Result<tar::Header> {
    let mut header = tar::Header::new_ustar();
    header.set_path(name)?;
    header.set_size(size_bytes);
    header.set_mode(0o600);
    header.set_cksum();
    Ok(header)
}

fn append<W: Write>(archive: &mut tar::Builder<W>, name: &str, bytes: &[u8]) -> io::Result<()> {
    archive.append(&header(name, bytes.len() as u64)?, bytes)
}
