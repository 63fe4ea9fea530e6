//! Keys, wraps and sealed clips, in the age format (age-encryption.org/v1). See `FORMAT.md`.
//!
//! Everything here is an ordinary age file, so that an owner can leave Hausrecht with the `age` program and the
//! passphrase alone. There is no cipher, no container and no key derivation of our own. This crate knows no cameras, no
//! database and no log; it is synchronous and does its own file writing.
//!
//! - [`OwnerKeys`], [`PersonKeys`], [`DeviceKeys`]: who holds which key.
//! - [`ClipKey`]: one fresh key a clip, and its wraps.
//! - [`ClipWriter`], [`recover_part`], [`ClipReader`]: sealed clips on disk.
//! - [`seal_to`], [`open_with`]: small sealed values (thumbnails, names, reasons).
//! - [`StreamSealer`]: packages that are given away; [`ClipReader::open_by`] opens them.
//! - [`share`], [`join`]: the owner's keys among three people, of whom two are needed.
//! - [`passphrase`]: passphrases offered and rated.

mod clip;
mod clip_key;
mod device;
mod identity;
mod owner;
pub mod passphrase;
mod person;
#[cfg(feature = "reference")]
pub mod reference;
mod sealed;
mod shares;
mod stream;
mod unlock;

pub use age::secrecy::{ExposeSecret, SecretString};
pub use clip::{
    CHUNK_BYTES, ClipReader, ClipWriter, Lock, OpenError, RecoverError, Recovered, Sealed, WriteError,
    part_path, recover_part,
};
pub use clip_key::{ClipKey, UnwrapError};
pub use device::{DEVICE_KEYS_FILE, DeviceKeys, DeviceKeysError};
pub use identity::{Identity, ParseKeyError, Recipient};
pub use owner::OwnerKeys;
pub use person::PersonKeys;
pub use sealed::{SealError, UnsealError, open_with, seal_to};
pub use shares::{JoinError, SHARES, Shared, join, share};
pub use stream::{OpenBy, SealFor, StreamOpener, StreamSealer};
pub use unlock::{PRODUCT_LOG_N, UnlockError};
