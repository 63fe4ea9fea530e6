//! The keys of this computer, kept in one file that only its user can read.
//!
//! They are there while the vault is locked, because recording, the log and the camera passwords need them then. They
//! open no clip: the broker key is only the outer layer of a person's wrap.

use std::{
    fmt, fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use age::secrecy::{ExposeSecret, SecretString};
use base64::{Engine, prelude::BASE64_STANDARD};
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::{Identity, Recipient, clip::sync_folder_of, owner::signing_key};

/// The file's name within its folder.
pub const DEVICE_KEYS_FILE: &str = "device-keys.json";

/// The only version so far.
const VERSION: u32 = 1;

/// Why the device keys could not be read or made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceKeysError {
    /// The file is there but not readable as device keys. It is never overwritten.
    #[error("{} does not contain device keys", path.display())]
    Damaged {
        /// Where the file lies.
        path: PathBuf,
    },
    /// A newer Hausrecht wrote the file.
    #[error("{} was written by a newer Hausrecht (version {version})", path.display())]
    Newer {
        /// Where the file lies.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
    /// Reading or writing failed.
    #[error("cannot read or write {}: {source}", path.display())]
    Io {
        /// Where the file lies or would lie.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

/// What this computer holds.
#[derive(Clone)]
pub struct DeviceKeys {
    broker: Identity,
    log_signing: SigningKey,
    tag: Zeroizing<[u8; 32]>,
}

impl DeviceKeys {
    /// Makes new keys without storing them.
    pub fn generate(rng: &mut impl rand::CryptoRng) -> Self {
        let mut tag = Zeroizing::new([0; 32]);
        rng.fill_bytes(tag.as_mut_slice());
        Self { broker: Identity::generate(), log_signing: signing_key(rng), tag }
    }

    /// Reads the keys from `folder`; `None` if there is no file yet. Takes back rights that others have on the file.
    ///
    /// # Errors
    /// See [`DeviceKeysError`].
    pub fn load(folder: &Path) -> Result<Option<Self>, DeviceKeysError> {
        let path = folder.join(DEVICE_KEYS_FILE);
        let io = |source| DeviceKeysError::Io { path: path.clone(), source };
        let text = match fs::read_to_string(&path) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Err(DeviceKeysError::Damaged { path });
            }
            Err(error) => return Err(io(error)),
        };
        restrict(&path).map_err(io)?;
        Self::from_text(&text, &path).map(Some)
    }

    /// Reads the keys from `folder`, or makes them from `rng` and stores them: written beside, synced, renamed.
    ///
    /// # Errors
    /// See [`DeviceKeysError`]. A damaged file is an error, not a reason for new keys.
    pub fn load_or_create(folder: &Path, rng: &mut impl rand::CryptoRng) -> Result<Self, DeviceKeysError> {
        if let Some(keys) = Self::load(folder)? {
            return Ok(keys);
        }
        let keys = Self::generate(rng);
        let path = folder.join(DEVICE_KEYS_FILE);
        keys.store(folder, &path).map_err(|source| DeviceKeysError::Io { path, source })?;
        Ok(keys)
    }

    /// The outer layer of every person's wrap; also opens the camera passwords.
    pub fn broker(&self) -> &Identity {
        &self.broker
    }

    /// The public half of [`DeviceKeys::broker`].
    pub fn broker_recipient(&self) -> Recipient {
        self.broker.recipient()
    }

    /// Signs checkpoints and the entries that are made while the vault is locked.
    pub fn log_signing(&self) -> &SigningKey {
        &self.log_signing
    }

    /// The HMAC-SHA256 key that turns a clip's id into its tag in the log.
    pub fn tag_key(&self) -> &[u8; 32] {
        &self.tag
    }

    fn store(&self, folder: &Path, path: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let beside = folder.join(format!("{DEVICE_KEYS_FILE}.new"));
        // A left-over from a crash was never in use: the rename below is what makes keys valid.
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&beside)?;
        file.write_all(self.to_text().expose_secret().as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        sync_folder_of(path)
    }

    /// The same keys with a fresh one for the log, for a log that succeeds another.
    #[must_use]
    pub fn with_new_log_key(&self, rng: &mut impl rand::CryptoRng) -> Self {
        Self { log_signing: signing_key(rng), ..self.clone() }
    }

    /// Stores the keys in `folder`, over those that are there.
    ///
    /// # Errors
    /// [`DeviceKeysError::Io`].
    pub fn save(&self, folder: &Path) -> Result<(), DeviceKeysError> {
        let path = folder.join(DEVICE_KEYS_FILE);
        self.store(folder, &path).map_err(|source| DeviceKeysError::Io { path, source })
    }

    /// The file as it stands on disk.
    pub fn to_text(&self) -> SecretString {
        let wire = Wire {
            version: VERSION,
            broker: self.broker.to_secret_text().expose_secret().to_owned(),
            log_signing: BASE64_STANDARD.encode(Zeroizing::new(self.log_signing.to_bytes()).as_slice()),
            tag: BASE64_STANDARD.encode(self.tag.as_slice()),
        };
        let mut text = serde_json::to_string_pretty(&wire).expect("four plain fields serialise");
        text.push('\n');
        SecretString::from(text)
    }

    fn from_text(text: &str, path: &Path) -> Result<Self, DeviceKeysError> {
        let damaged = || DeviceKeysError::Damaged { path: path.to_owned() };
        let Version { version } = serde_json::from_str(text).map_err(|_| damaged())?;
        if version > VERSION {
            return Err(DeviceKeysError::Newer { path: path.to_owned(), version });
        }
        let wire: Wire = serde_json::from_str(text).map_err(|_| damaged())?;
        let key = |text: &str| -> Result<Zeroizing<[u8; 32]>, DeviceKeysError> {
            let bytes = Zeroizing::new(BASE64_STANDARD.decode(text).map_err(|_| damaged())?);
            bytes.as_slice().try_into().map(Zeroizing::new).map_err(|_| damaged())
        };
        Ok(Self {
            broker: Identity::from_secret_text(&wire.broker).map_err(|_| damaged())?,
            log_signing: SigningKey::from_bytes(&*key(&wire.log_signing)?),
            tag: key(&wire.tag)?,
        })
    }
}

impl fmt::Debug for DeviceKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceKeys(broker {})", self.broker.recipient())
    }
}

/// Only the version, which every later file will have too.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

/// The file as it stands on disk.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    version: u32,
    broker: String,
    log_signing: String,
    tag: String,
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.broker.zeroize();
        self.log_signing.zeroize();
        self.tag.zeroize();
    }
}

/// Leaves the file to its owner alone, in case somebody copied it with wider rights.
#[cfg(unix)]
fn restrict(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    if fs::metadata(path)?.permissions().mode() & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

/// Elsewhere the folder of the user's profile already keeps others out.
#[cfg(not(unix))]
fn restrict(_path: &Path) -> io::Result<()> {
    Ok(())
}
