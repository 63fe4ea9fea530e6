//! The owner's two keys and the passphrase file that holds them (`owner.age`).

use std::fmt;

use age::secrecy::{ExposeSecret, SecretString};
use base64::{Engine, prelude::BASE64_STANDARD};
use ed25519_dalek::SigningKey;
use zeroize::Zeroizing;

use crate::{
    Identity, Recipient, UnlockError,
    unlock::{open_with_passphrase, seal_with_passphrase},
};

/// The comment that carries the signing key. age ignores comments, so the file stays an ordinary identity file.
const SIGNING_LINE: &str = "# signing key (Ed25519 seed, base64): ";

/// What the owner holds: the identity that opens every clip, and the key that signs what the owner decides.
#[derive(Clone)]
pub struct OwnerKeys {
    identity: Identity,
    signing: SigningKey,
}

impl OwnerKeys {
    /// Makes new keys: the signing key from `rng`, the identity from the operating system.
    pub fn generate(rng: &mut impl rand::CryptoRng) -> Self {
        Self { identity: Identity::generate(), signing: signing_key(rng) }
    }

    /// The key that opens every clip and every sealed field.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The public half of [`OwnerKeys::identity`], which recording needs and which may be stored in the open.
    pub fn recipient(&self) -> Recipient {
        self.identity.recipient()
    }

    /// The key that signs grants, views and decisions.
    pub fn signing(&self) -> &SigningKey {
        &self.signing
    }

    /// The file `owner.age`: both keys, encrypted to `passphrase` with scrypt at N = 2^`log_n`
    /// ([`crate::PRODUCT_LOG_N`] in the product). Takes about a second and 256 MiB at 18.
    #[must_use]
    pub fn seal(&self, passphrase: &SecretString, log_n: u8) -> Vec<u8> {
        seal_with_passphrase(self.to_identity_file().expose_secret().as_bytes(), passphrase, log_n)
    }

    /// Opens what [`OwnerKeys::seal`] wrote. Takes as long as sealing did.
    ///
    /// # Errors
    /// [`UnlockError::WrongPassphrase`], or the other variants for a file that is not whole.
    pub fn open(sealed: &[u8], passphrase: &SecretString) -> Result<Self, UnlockError> {
        Self::from_identity_file(&open_with_passphrase(sealed, passphrase)?)
    }

    /// The plain identity file as it stands on a recovery sheet: readable by `age -i` and by
    /// [`OwnerKeys::from_identity_file`].
    pub fn to_identity_file(&self) -> SecretString {
        let seed = Zeroizing::new(self.signing.to_bytes());
        let seed_text = Zeroizing::new(BASE64_STANDARD.encode(seed.as_slice()));
        let public = self.signing.verifying_key();
        SecretString::from(format!(
            "# Hausrecht owner keys. Whoever has this text can open every recording.\n\
             # public key: {}\n\
             # signing public key (Ed25519, base64): {}\n\
             {SIGNING_LINE}{}\n\
             {}\n",
            self.identity.recipient(),
            BASE64_STANDARD.encode(public.as_bytes()),
            seed_text.as_str(),
            self.identity.to_secret_text().expose_secret(),
        ))
    }

    /// Reads the text that [`OwnerKeys::to_identity_file`] wrote, typed in or scanned from a recovery sheet.
    ///
    /// # Errors
    /// [`UnlockError::OtherContent`] if either key is missing or malformed.
    pub fn from_identity_file(text: &str) -> Result<Self, UnlockError> {
        let identity = identity_line(text)?;
        let expected = "the owner's signing key";
        let seed_text = text
            .lines()
            .find_map(|line| line.trim().strip_prefix(SIGNING_LINE.trim_end()))
            .ok_or(UnlockError::OtherContent { expected })?;
        let bytes = Zeroizing::new(
            BASE64_STANDARD.decode(seed_text.trim()).map_err(|_| UnlockError::OtherContent { expected })?,
        );
        let signing =
            SigningKey::try_from(bytes.as_slice()).map_err(|_| UnlockError::OtherContent { expected })?;
        Ok(Self { identity, signing })
    }
}

impl fmt::Debug for OwnerKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OwnerKeys(of {})", self.identity.recipient())
    }
}

/// The one line of an identity file that is neither empty nor a comment.
pub(crate) fn identity_line(text: &str) -> Result<Identity, UnlockError> {
    let expected = "an age identity";
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let (Some(line), None) = (lines.next(), lines.next()) else {
        return Err(UnlockError::OtherContent { expected });
    };
    Identity::from_secret_text(line).map_err(|_| UnlockError::OtherContent { expected })
}

/// Draws an Ed25519 key from `rng`.
pub(crate) fn signing_key(rng: &mut impl rand::CryptoRng) -> SigningKey {
    let mut seed = Zeroizing::new([0; 32]);
    rng.fill_bytes(seed.as_mut_slice());
    SigningKey::from_bytes(&seed)
}
