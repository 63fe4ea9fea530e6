//! The owner's keys among three people, so that any two of them together open them and none alone: for each pair an onion, an age file to
//! the one around an age file to the other. No secret sharing of our own; the `age` program opens an onion too, with one key after the other.

use age::secrecy::ExposeSecret;

use crate::{Identity, OwnerKeys, UnlockError, UnsealError, open_with, seal_to};

/// How many people hold a share. Two of them are needed.
pub const SHARES: usize = 3;

/// What [`share`] makes: a key for each person, and what any two of these keys open.
#[derive(Clone, Debug)]
pub struct Shared {
    /// The key of each person; nobody else keeps it.
    pub keys: [Identity; SHARES],
    /// For the first and the second, the second and the third, the third and the first. No secret without two keys.
    pub onions: [Vec<u8>; SHARES],
}

/// Why two keys did not open the owner's.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// The same key twice.
    #[error("both are the same share: two of different people are needed")]
    Same,
    /// No onion is for these two.
    #[error("these two shares do not belong together, or to another vault")]
    NotOfThese,
    /// They open one that holds something else.
    #[error("what the shares open is damaged: {0}")]
    Damaged(#[from] UnlockError),
}

/// Shares the owner's keys among three people.
pub fn share(owner: &OwnerKeys) -> Shared {
    let keys: [Identity; SHARES] = std::array::from_fn(|_| Identity::generate());
    let text = owner.to_identity_file();
    let onions = std::array::from_fn(|first| {
        let second = &keys[(first + 1) % SHARES];
        let sealed = seal_to(&[second.recipient()], text.expose_secret().as_bytes());
        seal_to(&[keys[first].recipient()], &sealed.expect("one recipient")).expect("one recipient")
    });
    Shared { keys, onions }
}

/// Opens the owner's keys with the shares of two people, in either order.
///
/// # Errors
/// See [`JoinError`].
pub fn join(onions: &[Vec<u8>], one: &Identity, other: &Identity) -> Result<OwnerKeys, JoinError> {
    if one.recipient() == other.recipient() {
        return Err(JoinError::Same);
    }
    for onion in onions {
        for (outer, inner) in [(one, other), (other, one)] {
            let opened = open_with(outer, onion).and_then(|rest| open_with(inner, &rest));
            match opened {
                Ok(text) => {
                    let text = std::str::from_utf8(&text)
                        .map_err(|_| UnlockError::OtherContent { expected: "the owner's keys" })?;
                    return Ok(OwnerKeys::from_identity_file(text)?);
                }
                Err(UnsealError::NotForThisKey | UnsealError::NotSealed | UnsealError::Damaged) => {}
            }
        }
    }
    Err(JoinError::NotOfThese)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_two_open_the_owners_keys_and_none_alone() {
        let owner = OwnerKeys::generate(&mut rand::rng());
        let shared = share(&owner);
        for (one, first) in shared.keys.iter().enumerate() {
            for (other, second) in shared.keys.iter().enumerate() {
                let joined = join(&shared.onions, first, second);
                if one == other {
                    assert_eq!(joined.unwrap_err(), JoinError::Same);
                } else {
                    let joined = joined.unwrap();
                    assert_eq!(joined.recipient(), owner.recipient());
                    assert_eq!(joined.signing().to_bytes(), owner.signing().to_bytes());
                }
            }
            // One key finds no text below any layer it opens.
            for onion in &shared.onions {
                if let Ok(rest) = open_with(first, onion) {
                    assert_eq!(open_with(first, &rest).unwrap_err(), UnsealError::NotForThisKey);
                }
            }
        }
    }

    #[test]
    fn shares_of_two_vaults_or_a_changed_onion_open_nothing() {
        let (mine, other) =
            (share(&OwnerKeys::generate(&mut rand::rng())), share(&OwnerKeys::generate(&mut rand::rng())));
        let joined = join(&mine.onions, &mine.keys[0], &other.keys[1]);
        assert_eq!(joined.unwrap_err(), JoinError::NotOfThese);
        let mut cut = mine.onions.clone();
        cut[0].truncate(cut[0].len() - 1);
        assert_eq!(join(&cut, &mine.keys[0], &mine.keys[1]).unwrap_err(), JoinError::NotOfThese);
        assert!(join(&cut, &mine.keys[1], &mine.keys[2]).is_ok());
        assert_eq!(join(&[], &mine.keys[0], &mine.keys[1]).unwrap_err(), JoinError::NotOfThese);
    }
}
