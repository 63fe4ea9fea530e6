//! The key of one person who may view something, and the passphrase file that holds it (`people/ID.age`).

use std::fmt;

use age::secrecy::{ExposeSecret, SecretString};

use crate::{
    Identity, Recipient, UnlockError,
    owner::identity_line,
    unlock::{open_with_passphrase, seal_with_passphrase},
};

/// What a person holds. It opens nothing by itself: a person's wrap lies inside a layer of this computer's broker key.
#[derive(Clone)]
pub struct PersonKeys {
    identity: Identity,
}

impl PersonKeys {
    /// Makes a new key.
    pub fn generate() -> Self {
        Self { identity: Identity::generate() }
    }

    /// The key that opens the inner layer of this person's wraps.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The public half, to which the owner grants.
    pub fn recipient(&self) -> Recipient {
        self.identity.recipient()
    }

    /// The file `people/ID.age`: the key, encrypted to the person's own passphrase with scrypt at N = 2^`log_n`.
    #[must_use]
    pub fn seal(&self, passphrase: &SecretString, log_n: u8) -> Vec<u8> {
        seal_with_passphrase(self.to_identity_file().expose_secret().as_bytes(), passphrase, log_n)
    }

    /// The plain identity file, as [`PersonKeys::from_identity_file`] reads it.
    pub fn to_identity_file(&self) -> SecretString {
        SecretString::from(format!(
            "# Hausrecht person key.\n# public key: {}\n{}\n",
            self.recipient(),
            self.identity.to_secret_text().expose_secret()
        ))
    }

    /// Reads what [`PersonKeys::to_identity_file`] wrote.
    ///
    /// # Errors
    /// [`UnlockError::OtherContent`] if there is no key in it, or more than one.
    pub fn from_identity_file(text: &str) -> Result<Self, UnlockError> {
        identity_line(text).map(|identity| Self { identity })
    }

    /// Opens what [`PersonKeys::seal`] wrote.
    ///
    /// # Errors
    /// [`UnlockError::WrongPassphrase`], or the other variants for a file that is not whole.
    pub fn open(sealed: &[u8], passphrase: &SecretString) -> Result<Self, UnlockError> {
        Self::from_identity_file(&open_with_passphrase(sealed, passphrase)?)
    }
}

impl fmt::Debug for PersonKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PersonKeys(of {})", self.recipient())
    }
}
