//! One X25519 key pair of age: [`Identity`] opens what was sealed to its [`Recipient`].

use std::{fmt, str::FromStr};

use age::secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

/// A text that is not an age key of the expected kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParseKeyError {
    /// Not `age1...` with a good checksum.
    #[error("not an age recipient (age1...): {0}")]
    Recipient(&'static str),
    /// Not `AGE-SECRET-KEY-1...` with a good checksum. The text itself is never repeated.
    #[error("not an age identity (AGE-SECRET-KEY-1...): {0}")]
    Identity(&'static str),
}

/// A public key, `age1...`: anybody may seal to it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Recipient(pub(crate) age::x25519::Recipient);

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient({})", self.0)
    }
}

impl FromStr for Recipient {
    type Err = ParseKeyError;

    fn from_str(text: &str) -> Result<Self, ParseKeyError> {
        text.parse().map(Self).map_err(ParseKeyError::Recipient)
    }
}

impl Serialize for Recipient {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Recipient {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A secret key, `AGE-SECRET-KEY-1...`. Wiped when dropped; `Debug` shows the public half only.
#[derive(Clone)]
pub struct Identity(pub(crate) age::x25519::Identity);

impl Identity {
    /// Draws a new key pair from the operating system, as `age` itself does; it takes no other source.
    pub fn generate() -> Self {
        Self(age::x25519::Identity::generate())
    }

    /// The public half.
    pub fn recipient(&self) -> Recipient {
        Recipient(self.0.to_public())
    }

    /// The text `AGE-SECRET-KEY-1...`, for a recovery sheet or an identity file.
    pub fn to_secret_text(&self) -> SecretString {
        self.0.to_string()
    }

    /// Reads the text that [`Identity::to_secret_text`] wrote; spaces and line ends around it are ignored.
    ///
    /// # Errors
    /// [`ParseKeyError::Identity`], which does not repeat the text.
    pub fn from_secret_text(text: &str) -> Result<Self, ParseKeyError> {
        text.trim().parse().map(Self).map_err(ParseKeyError::Identity)
    }

    /// One line of text with its line end: what a wrap contains and what `age -i` reads.
    pub(crate) fn secret_line(&self) -> SecretString {
        let mut line = String::with_capacity(80);
        line.push_str(self.to_secret_text().expose_secret());
        line.push('\n');
        SecretString::from(line)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity(of {})", self.0.to_public())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_halves_survive_their_text_form() {
        let identity = Identity::generate();
        let again = Identity::from_secret_text(identity.secret_line().expose_secret()).unwrap();
        assert_eq!(again.recipient(), identity.recipient());
        let text = serde_json::to_string(&identity.recipient()).unwrap();
        assert_eq!(serde_json::from_str::<Recipient>(&text).unwrap(), identity.recipient());
    }

    #[test]
    fn one_half_is_not_taken_for_the_other() {
        let identity = Identity::generate();
        assert!(identity.to_secret_text().expose_secret().parse::<Recipient>().is_err());
        assert!(Identity::from_secret_text(&identity.recipient().to_string()).is_err());
    }

    #[test]
    fn debug_shows_no_secret() {
        let identity = Identity::generate();
        let shown = format!("{identity:?} {:?}", identity.to_secret_text());
        assert!(!shown.contains("SECRET-KEY"), "{shown}");
    }
}
