//! Small sealed values: a thumbnail, a name, a reason, a camera password. Each is one age file in memory.

use std::io::{Read, Write};

use age::{Decryptor, Encryptor};
use zeroize::Zeroizing;

use crate::{Identity, Recipient};

/// The largest sealed value that is opened, 16 MiB: a thumbnail has some 20 KiB.
const MAX_PLAIN_BYTES: u64 = 16 * 1024 * 1024;

/// Why a value could not be sealed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// Nobody was named who could open it again.
    #[error("nobody to seal to")]
    NoRecipient,
}

/// Why a sealed value did not open.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnsealError {
    /// It was sealed to other keys than this one. A changed bit in the key's stanza looks the same.
    #[error("sealed to another key")]
    NotForThisKey,
    /// It is not an age file.
    #[error("not a sealed value")]
    NotSealed,
    /// It was changed or cut.
    #[error("the sealed value is damaged")]
    Damaged,
}

/// Encrypts `plain` so that each of `recipients` alone can open it.
///
/// # Errors
/// [`SealError::NoRecipient`] if `recipients` is empty.
pub fn seal_to(recipients: &[Recipient], plain: &[u8]) -> Result<Vec<u8>, SealError> {
    let encryptor = Encryptor::with_recipients(recipients.iter().map(|r| &r.0 as &dyn age::Recipient))
        .map_err(|_| SealError::NoRecipient)?;
    let mut sealed = Vec::with_capacity(plain.len() + 256);
    let mut writer = encryptor.wrap_output(&mut sealed).expect("writing to memory cannot fail");
    writer.write_all(plain).expect("writing to memory cannot fail");
    writer.finish().expect("writing to memory cannot fail");
    Ok(sealed)
}

/// Decrypts what [`seal_to`] wrote; the result is wiped when dropped.
///
/// # Errors
/// See [`UnsealError`].
pub fn open_with(identity: &Identity, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, UnsealError> {
    let decryptor = Decryptor::new_buffered(sealed).map_err(|_| UnsealError::NotSealed)?;
    let identities = std::iter::once(&identity.0 as &dyn age::Identity);
    let reader = decryptor.decrypt(identities).map_err(|error| {
        if matches!(error, age::DecryptError::NoMatchingKeys) {
            UnsealError::NotForThisKey
        } else {
            UnsealError::Damaged
        }
    })?;
    // One allocation of the full size: a growing vector would leave unwiped copies behind.
    let mut plain = Zeroizing::new(Vec::with_capacity(sealed.len()));
    reader.take(MAX_PLAIN_BYTES).read_to_end(&mut plain).map_err(|_| UnsealError::Damaged)?;
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn each_recipient_opens_it(plain in prop::collection::vec(any::<u8>(), 0..70_000)) {
            let (a, b, stranger) = (Identity::generate(), Identity::generate(), Identity::generate());
            let sealed = seal_to(&[a.recipient(), b.recipient()], &plain).unwrap();
            prop_assert!(*open_with(&a, &sealed).unwrap() == plain);
            prop_assert!(*open_with(&b, &sealed).unwrap() == plain);
            prop_assert_eq!(open_with(&stranger, &sealed).unwrap_err(), UnsealError::NotForThisKey);
        }
    }

    #[test]
    fn nobody_to_seal_to_is_an_error() {
        assert_eq!(seal_to(&[], b"x").unwrap_err(), SealError::NoRecipient);
    }

    #[test]
    fn every_cut_and_every_changed_byte_is_noticed() {
        let identity = Identity::generate();
        let sealed = seal_to(&[identity.recipient()], b"a name").unwrap();
        for cut in 0..sealed.len() {
            assert!(open_with(&identity, &sealed[..cut]).is_err(), "cut at {cut}");
        }
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(open_with(&identity, &changed).is_err(), "byte {at}");
        }
    }
}
