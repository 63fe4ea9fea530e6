//! A backup, brought back on this computer. It is laid beside the data folder's own files first; the next start takes it, if there is
//! still no owner. The log goes on under another name and key, and its first entry then names what it succeeds.

use std::{
    fs,
    io::{Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use hausrecht_ledger::{Checkpoint, Kind, origin_of};
use hausrecht_model::{Clock, clock::SystemClock};
use hausrecht_store::Store;
use hausrecht_vault::{DEVICE_KEYS_FILE, DeviceKeys, Identity, OwnerKeys, StreamOpener, passphrase};
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::{
    Result,
    backup::{ABOUT, About, DATABASE, FORMAT, OWNER, OWNER_KEYS, PEOPLE, SEALED, SHARES},
    handle::OWNER_FILE,
    logbook::{Logbook, Note, root_of},
    shares::{self, Onions},
    wire::{Error, ErrorCode, RestoreKey, Restored},
};

/// Where a backup lies that the next start is to take.
const STAGE: &str = "restore";
/// Is there once all of it is.
const READY: &str = "ready";
/// Where the keys of logs before this one are kept.
pub(crate) const EARLIER_KEYS: &str = "earlier_log_keys";
/// The largest of the small files.
const SMALL_BYTES: u64 = 1 << 20;
/// The most key files of people.
const PEOPLE_MAX: usize = 10_000;
/// How well a new passphrase must rate, of 4.
const SCORE: u8 = 3;

/// Opens the backup at `path` and lays it into `folder` for the next start.
///
/// # Errors
/// There is an owner already; it is no backup, damaged, or of a newer version; the passphrase is wrong, or the sheet another's.
pub fn restore(path: &Path, folder: &Path, key: RestoreKey, log_n: u8) -> Result<Restored> {
    if folder.join(OWNER_FILE).exists() {
        return Err(Error::new(
            ErrorCode::AlreadySetUp,
            "there is a vault already: restore into another data folder, for nothing here is overwritten",
        ));
    }
    fs::create_dir_all(folder)?;
    let stage = folder.join(STAGE);
    if stage.exists() {
        fs::remove_dir_all(&stage)?;
    }
    let outcome = lay(path, &stage, key, log_n);
    if outcome.is_err() {
        // What was begun opens nothing, and is in nobody's way.
        let _ = fs::remove_dir_all(&stage);
    }
    outcome
}

fn lay(path: &Path, stage: &Path, key: RestoreKey, log_n: u8) -> Result<Restored> {
    let no_backup = |what: &str| {
        Error::invalid(format!(
            "{} is no backup that can be restored: {what}. Nothing was changed",
            path.display()
        ))
    };
    let damaged =
        |error: std::io::Error| no_backup(&format!("it is damaged or cut ({error}); take another one"));
    let file = fs::File::open(path)
        .map_err(|error| Error::not_found(&format!("the file {} ({error})", path.display())))?;
    make_private(stage)?;
    make_private(&stage.join("people"))?;
    let mut outer = tar::Archive::new(file);
    let (mut about, mut owner_file, mut owner): (Option<About>, Vec<u8>, Option<OwnerKeys>) =
        (None, Vec::new(), None);
    let typed = match &key {
        RestoreKey::Passphrase { .. } => Vec::new(),
        RestoreKey::Sheet { identity, .. } => vec![typed(identity)?],
        RestoreKey::Shares { one, other, .. } => vec![typed(one)?, typed(other)?],
    };
    let mut onions = Vec::new();
    for entry in outer.entries().map_err(damaged)?.raw(true) {
        let mut entry = entry.map_err(|_| no_backup("it does not begin as one does"))?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        match name.as_str() {
            ABOUT => {
                let found: About = serde_json::from_slice(&small(&mut entry).map_err(damaged)?)
                    .map_err(|_| no_backup("what it says of itself cannot be read"))?;
                if found.format != FORMAT {
                    return Err(no_backup("a newer version made it; use that one"));
                }
                about = Some(found);
            }
            OWNER => owner_file = small(&mut entry).map_err(damaged)?,
            SHARES => {
                let found: Onions = serde_json::from_slice(&small(&mut entry).map_err(damaged)?)
                    .map_err(|_| no_backup("what two of three people open cannot be read"))?;
                if found.format != shares::FORMAT {
                    return Err(no_backup("a newer version made it; use that one"));
                }
                onions = found.files();
            }
            SEALED if about.is_some() => {
                let opened = match (&key, typed.as_slice()) {
                    (RestoreKey::Passphrase { passphrase }, _) => {
                        Some(OwnerKeys::open(&owner_file, &SecretString::from(passphrase.clone()))?)
                    }
                    (RestoreKey::Shares { .. }, [one, other]) if !onions.is_empty() => {
                        let joined = hausrecht_vault::join(&onions, one, other);
                        Some(joined.map_err(|error| Error::invalid(error.to_string()))?)
                    }
                    (RestoreKey::Shares { .. }, _) => {
                        return Err(Error::invalid(
                            "this backup was made before its owner's keys were shared among three people: take a newer one",
                        ));
                    }
                    (RestoreKey::Sheet { .. }, _) => None,
                };
                let identity = match (&opened, typed.as_slice()) {
                    (Some(keys), _) => keys.identity().clone(),
                    (None, [sheet, ..]) => sheet.clone(),
                    (None, []) => return Err(Error::internal("no sheet")),
                };
                owner = opened;
                let plain = StreamOpener::begin(entry, &identity).map_err(|_| {
                    Error::invalid(
                        "this recovery sheet, or passphrase, belongs to another vault than the backup",
                    )
                })?;
                let inside = unpack(plain, stage).map_err(damaged)?;
                let inside = inside.ok_or_else(|| no_backup("something in it is not what a backup has"))?;
                owner = owner.or(Some(OwnerKeys::from_identity_file(&inside)?));
            }
            _ => return Err(no_backup("there is something in it that no backup has")),
        }
    }
    let (Some(about), Some(owner)) = (about, owner) else { return Err(no_backup("a part of it is missing")) };
    let owner_file = match key {
        RestoreKey::Passphrase { .. } => owner_file,
        RestoreKey::Sheet { passphrase: new, .. } | RestoreKey::Shares { passphrase: new, .. } => {
            if passphrase::rate(&new, &[]).score < SCORE {
                return Err(Error::invalid(
                    "the new passphrase is guessed too easily: take the words that are offered",
                ));
            }
            owner.seal(&SecretString::from(new), log_n)
        }
    };
    put(&stage.join(OWNER_FILE), &owner_file)?;
    let restored = succeed(stage, &owner, &about, no_backup)?;
    put(&stage.join(READY), b"")?;
    fs::File::open(stage)?.sync_all()?;
    Ok(restored)
}

/// A key as somebody typed it.
pub(crate) fn typed(text: &str) -> Result<Identity> {
    let line = Zeroizing::new(text.split_whitespace().collect::<String>().to_ascii_uppercase());
    Identity::from_secret_text(&line).map_err(|error| {
        Error::invalid(format!(
            "{error}: a letter is wrong or missing; compare it with the sheet line by line"
        ))
    })
}

/// Makes the restored log the successor of what the backup had: another key, and an entry that says so.
fn succeed(
    stage: &Path,
    owner: &OwnerKeys,
    about: &About,
    no_backup: impl Fn(&str) -> Error,
) -> Result<Restored> {
    let before = DeviceKeys::load(stage)
        .map_err(|error| no_backup(&error.to_string()))?
        .ok_or_else(|| no_backup("the keys of its computer are missing"))?;
    let after = before.with_new_log_key(&mut rand::rng());
    after.save(stage).map_err(|error| Error::internal(error.to_string()))?;
    let mut store = Store::open(&stage.join(DATABASE)).map_err(|error| no_backup(&error.to_string()))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let origin = |keys: &DeviceKeys| origin_of(&keys.log_signing().verifying_key());
    let old = Logbook::new(
        before.clone(),
        Arc::clone(&clock),
        origin(&before),
        Some(owner.recipient()),
        Vec::new(),
    );
    let restored = store.write(|tables| {
        if tables.meta("owner_recipient")? != Some(owner.recipient().to_string()) {
            return Err(no_backup("its database is another owner's"));
        }
        let mut earlier: Vec<String> = match tables.meta(EARLIER_KEYS)? {
            Some(text) => serde_json::from_str(&text)?,
            None => Vec::new(),
        };
        let key = old.verifier()?;
        earlier.push(key.to_string());
        tables.set_meta(EARLIER_KEYS, &serde_json::to_string(&earlier)?)?;
        tables.delete_meta("running")?;
        let size = tables.log_size()?;
        let root = root_of(tables, size)?;
        let new = Logbook::new(
            after.clone(),
            Arc::clone(&clock),
            origin(&after),
            Some(owner.recipient()),
            Vec::new(),
        );
        let note = Note::new(Kind::Succeeded)
            .fact("log", key.name())
            .fact("key", key.to_string())
            .fact("size", size)
            .fact("root", hex::encode(root))
            .fact("backup_us", about.made_us.0);
        new.append(tables, &note, Some(owner))?;
        let checkpoint = new.checkpoint(tables)?;
        Checkpoint::verify(&checkpoint.note, &new.verifier()?).map_err(Error::internal)?;
        Ok(Restored { made_us: about.made_us, entries: size })
    })?;
    store.truncate_wal()?;
    Ok(restored)
}

/// Takes out what is inside; gives the owner's keys. `None`: something else was in it.
fn unpack(plain: impl Read, stage: &Path) -> std::io::Result<Option<Zeroizing<String>>> {
    let mut owner_keys = None;
    let mut people = 0;
    let mut archive = tar::Archive::new(plain);
    for entry in archive.entries()?.raw(true) {
        let mut entry = entry?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let person = name.strip_prefix(PEOPLE).filter(|name| is_plain(name));
        match (name.as_str(), person) {
            (OWNER_KEYS, _) => owner_keys = String::from_utf8(small(&mut entry)?).ok().map(Zeroizing::new),
            (DEVICE_KEYS_FILE, _) => put(&stage.join(DEVICE_KEYS_FILE), &small(&mut entry)?)?,
            (DATABASE, _) => {
                let mut file = private(&stage.join(DATABASE))?;
                std::io::copy(&mut entry, &mut file)?;
                file.sync_all()?;
            }
            (_, Some(person)) if people < PEOPLE_MAX => {
                people += 1;
                put(&stage.join("people").join(person), &small(&mut entry)?)?;
            }
            _ => return Ok(None),
        }
    }
    // The end of the sealed part is authentic only once it was read.
    std::io::copy(&mut archive.into_inner(), &mut std::io::sink())?;
    Ok(owner_keys)
}

fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name.len() < 100
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-')
        && !name.starts_with('.')
}

fn small(entry: &mut impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    entry.take(SMALL_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > SMALL_BYTES {
        return Err(std::io::Error::other("a key file that is too large"));
    }
    Ok(bytes)
}

fn private(path: &Path) -> std::io::Result<fs::File> {
    let mut options = fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn put(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = private(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn make_private(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    #[cfg(unix)]
    fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    Ok(())
}

/// Takes what lies ready, at a start, unless there is an owner. After a crash in the middle the next start goes on: the owner's key comes last.
pub(crate) fn take_staged(folder: &Path) -> std::io::Result<()> {
    let stage = folder.join(STAGE);
    if stage.join(READY).exists() && stage.join(OWNER_FILE).exists() && !folder.join(OWNER_FILE).exists() {
        for name in [
            DATABASE.to_owned(),
            format!("{DATABASE}-wal"),
            format!("{DATABASE}-shm"),
            DEVICE_KEYS_FILE.to_owned(),
        ] {
            // Of a vault without an owner, in which there is nothing but that it was started.
            let (own, given) = (folder.join(&name), stage.join(&name));
            if own.exists() && (given.exists() || name.contains("-wal") || name.contains("-shm")) {
                fs::remove_file(&own)?;
            }
        }
        for file in fs::read_dir(stage.join("people"))? {
            let file = file?;
            fs::rename(file.path(), folder.join("people").join(file.file_name()))?;
        }
        for name in [DEVICE_KEYS_FILE, DATABASE, OWNER_FILE] {
            let given: PathBuf = stage.join(name);
            if given.exists() {
                fs::rename(&given, folder.join(name))?;
            }
        }
        fs::File::open(folder)?.sync_all()?;
    }
    match fs::remove_dir_all(&stage) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
