//! The key of one clip and its wraps: the only way to a clip's content.

use std::fmt;

use age::secrecy::ExposeSecret;

use crate::{Identity, Recipient, UnsealError, open_with, seal_to};

/// Why a wrap did not yield its clip key.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnwrapError {
    /// The owner's layer did not open.
    #[error("the owner's wrap does not open: {0}")]
    Owner(#[source] UnsealError),
    /// The outer layer, which this computer's broker key opens, did not open.
    #[error("the outer layer of the wrap does not open with this computer's key: {0}")]
    Broker(#[source] UnsealError),
    /// The inner layer, which the person's key opens, did not open.
    #[error("the inner layer of the wrap does not open with this person's key: {0}")]
    Person(#[source] UnsealError),
    /// The middle layer, which the key of the one who must agree opens, did not open.
    #[error("the middle layer of the wrap does not open with the key of the one who must agree: {0}")]
    Second(#[source] UnsealError),
    /// The layers opened, but what lies inside is no clip key.
    #[error("the wrap does not contain a clip key")]
    NotAClipKey,
}

/// The key pair of one clip, made when its recording starts and kept only in wraps.
#[derive(Clone)]
pub struct ClipKey(Identity);

impl ClipKey {
    /// Makes a new key for a new clip.
    pub fn generate() -> Self {
        Self(Identity::generate())
    }

    /// The public half, all that writing the clip needs.
    pub fn recipient(&self) -> Recipient {
        self.0.recipient()
    }

    /// `age(owner, key)`: opens with the owner's identity alone, also with the `age` program.
    #[must_use]
    pub fn wrap_for_owner(&self, owner: &Recipient) -> Vec<u8> {
        seal_one(owner, self.0.secret_line().expose_secret().as_bytes())
    }

    /// `age(broker, age(person, key))`: opens only where this computer's broker key and the person's key meet.
    #[must_use]
    pub fn wrap_for_person(&self, broker: &Recipient, person: &Recipient) -> Vec<u8> {
        seal_one(broker, &seal_one(person, self.0.secret_line().expose_secret().as_bytes()))
    }

    /// `age(broker, age(second, age(person, key)))`: before the person can open it, `second` must take their layer off.
    #[must_use]
    pub fn wrap_for_two(&self, broker: &Recipient, second: &Recipient, person: &Recipient) -> Vec<u8> {
        let inner = seal_one(person, self.0.secret_line().expose_secret().as_bytes());
        seal_one(broker, &seal_one(second, &inner))
    }

    /// Takes the layer of the one who agrees off what [`ClipKey::wrap_for_two`] wrote. What is left is as
    /// [`ClipKey::wrap_for_person`] writes it: neither this computer nor the one who agreed can open it.
    ///
    /// # Errors
    /// [`UnwrapError::Broker`] or [`UnwrapError::Second`], by the layer that did not open.
    pub fn agree(wrap: &[u8], broker: &Identity, second: &Identity) -> Result<Vec<u8>, UnwrapError> {
        let middle = open_with(broker, wrap).map_err(UnwrapError::Broker)?;
        let inner = open_with(second, &middle).map_err(UnwrapError::Second)?;
        Ok(seal_one(&broker.recipient(), &inner))
    }

    /// Opens what [`ClipKey::wrap_for_owner`] wrote.
    ///
    /// # Errors
    /// [`UnwrapError::Owner`] or [`UnwrapError::NotAClipKey`].
    pub fn unwrap_as_owner(wrap: &[u8], owner: &Identity) -> Result<Self, UnwrapError> {
        Self::from_line(&open_with(owner, wrap).map_err(UnwrapError::Owner)?)
    }

    /// Opens what [`ClipKey::wrap_for_person`] wrote. The caller makes its log entry durable before.
    ///
    /// # Errors
    /// [`UnwrapError::Broker`] or [`UnwrapError::Person`], by the layer that did not open.
    pub fn unwrap_as_person(wrap: &[u8], broker: &Identity, person: &Identity) -> Result<Self, UnwrapError> {
        let inner = open_with(broker, wrap).map_err(UnwrapError::Broker)?;
        Self::from_line(&open_with(person, &inner).map_err(UnwrapError::Person)?)
    }

    /// The identity that decrypts the clip, and small values that were sealed to the clip's key, such as its thumbnail.
    pub fn identity(&self) -> &Identity {
        &self.0
    }

    fn from_line(line: &[u8]) -> Result<Self, UnwrapError> {
        let text = std::str::from_utf8(line).map_err(|_| UnwrapError::NotAClipKey)?;
        Identity::from_secret_text(text).map(Self).map_err(|_| UnwrapError::NotAClipKey)
    }
}

impl fmt::Debug for ClipKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClipKey(of {})", self.0.recipient())
    }
}

fn seal_one(recipient: &Recipient, plain: &[u8]) -> Vec<u8> {
    seal_to(std::slice::from_ref(recipient), plain).expect("there is one recipient")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_opens_the_owner_wrap_and_nobody_else_does() {
        let (key, owner, other) = (ClipKey::generate(), Identity::generate(), Identity::generate());
        let wrap = key.wrap_for_owner(&owner.recipient());
        assert_eq!(ClipKey::unwrap_as_owner(&wrap, &owner).unwrap().recipient(), key.recipient());
        assert_eq!(
            ClipKey::unwrap_as_owner(&wrap, &other).unwrap_err(),
            UnwrapError::Owner(UnsealError::NotForThisKey)
        );
    }

    #[test]
    fn a_persons_wrap_opens_with_both_keys_and_with_neither_alone() {
        let (key, broker, person) = (ClipKey::generate(), Identity::generate(), Identity::generate());
        let wrap = key.wrap_for_person(&broker.recipient(), &person.recipient());
        let opened = ClipKey::unwrap_as_person(&wrap, &broker, &person).unwrap();
        assert_eq!(opened.recipient(), key.recipient());

        assert_eq!(
            ClipKey::unwrap_as_person(&wrap, &person, &person).unwrap_err(),
            UnwrapError::Broker(UnsealError::NotForThisKey)
        );
        assert_eq!(
            ClipKey::unwrap_as_person(&wrap, &broker, &broker).unwrap_err(),
            UnwrapError::Person(UnsealError::NotForThisKey)
        );
        assert_eq!(open_with(&person, &wrap).unwrap_err(), UnsealError::NotForThisKey);
        assert_eq!(ClipKey::unwrap_as_owner(&wrap, &broker).unwrap_err(), UnwrapError::NotAClipKey);
    }

    #[test]
    fn a_wrap_for_two_opens_only_after_the_second_has_agreed() {
        let [broker, second, person] = [(); 3].map(|()| Identity::generate());
        let key = ClipKey::generate();
        let wrap = key.wrap_for_two(&broker.recipient(), &second.recipient(), &person.recipient());
        assert!(matches!(ClipKey::unwrap_as_person(&wrap, &broker, &person), Err(UnwrapError::Person(_))));
        assert!(ClipKey::unwrap_as_person(&wrap, &broker, &second).is_err(), "agreeing is not viewing");
        assert!(matches!(ClipKey::agree(&wrap, &broker, &person), Err(UnwrapError::Second(_))));

        let agreed = ClipKey::agree(&wrap, &broker, &second).unwrap();
        assert!(ClipKey::unwrap_as_person(&agreed, &broker, &second).is_err());
        let opened = ClipKey::unwrap_as_person(&agreed, &broker, &person).unwrap();
        assert_eq!(opened.recipient(), key.recipient());
    }

    #[test]
    fn debug_shows_no_secret() {
        assert!(!format!("{:?}", ClipKey::generate()).contains("SECRET-KEY"));
    }
}
