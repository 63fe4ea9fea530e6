//! Which key signed: a short name of an Ed25519 public key.

use std::{fmt, str::FromStr};

use ed25519_dalek::VerifyingKey;
use sha2::{Digest, Sha256};

/// The first eight bytes of SHA-256 of an Ed25519 public key, sixteen hexadecimal digits. It only finds the key; what
/// counts is that the signature verifies with it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 8]);

impl KeyId {
    /// The id of `key`.
    pub fn of(key: &VerifyingKey) -> Self {
        let digest = Sha256::digest(key.as_bytes());
        let (id, _) = digest.split_first_chunk().expect("SHA-256 has 32 bytes");
        Self(*id)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl FromStr for KeyId {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, hex::FromHexError> {
        let mut id = [0; 8];
        hex::decode_to_slice(text, &mut id)?;
        Ok(Self(id))
    }
}
