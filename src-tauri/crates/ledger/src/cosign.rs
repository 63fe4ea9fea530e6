//! What a witness says of a checkpoint: that it saw it, when, and that it continues what it saw before. C2SP tlog-cosignature, the Ed25519
//! kind (`cosignature/v1`), one more line of the signed note.
//!
//! ```text
//! — nas.example/witness Zn7aDQAAAABq...
//! ```
//!
//! Specification: <https://c2sp.org/tlog-cosignature>.

use std::{fmt, str::FromStr};

use base64::{Engine, prelude::BASE64_STANDARD};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::Checkpoint;

/// The kind of key that cosigns, in its id and in its text.
const COSIGNATURE_V1: u8 = 4;
/// A key's id, a time and a signature.
const SIGNATURE_BYTES: usize = 4 + 8 + 64;

/// Why a cosignature is none, or does not hold.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CosignatureError {
    /// The text is no key of a witness.
    #[error("“{0}” is not the key of a witness (name+hash+base64, with an Ed25519 cosignature key)")]
    Key(String),
    /// The witness is named in a way that no note allows.
    #[error("“{0}” cannot be the name of a witness: it has blanks or a plus sign")]
    Name(String),
    /// The answer has no line of this witness.
    #[error("the answer has no signature of {0}")]
    NoLine(String),
    /// The line is malformed or the signature wrong.
    #[error("the signature of {0} is wrong")]
    Wrong(String),
}

/// The public key of a witness.
#[derive(Clone, PartialEq, Eq)]
pub struct WitnessKey {
    name: String,
    key: VerifyingKey,
}

impl WitnessKey {
    /// The key `key` of the witness `name`.
    ///
    /// # Errors
    /// [`CosignatureError::Name`].
    pub fn new(name: &str, key: VerifyingKey) -> Result<Self, CosignatureError> {
        if !signed_note::is_key_name_valid(name) || name.len() > 200 {
            return Err(CosignatureError::Name(name.to_owned()));
        }
        Ok(Self { name: name.to_owned(), key })
    }

    /// The witness's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn id(&self) -> [u8; 4] {
        let mut hash = Sha256::new();
        hash.update(self.name.as_bytes());
        hash.update([b'\n', COSIGNATURE_V1]);
        hash.update(self.key.as_bytes());
        let [a, b, c, d, ..] = <[u8; 32]>::from(hash.finalize());
        [a, b, c, d]
    }

    /// Finds this witness's line in `answer`, checks that it cosigns `checkpoint`, and gives the line and the time in it. Seconds
    /// since 1970.
    ///
    /// # Errors
    /// [`CosignatureError::NoLine`] or [`CosignatureError::Wrong`].
    pub fn verify(&self, checkpoint: &Checkpoint, answer: &str) -> Result<(String, u64), CosignatureError> {
        let begin = format!("\u{2014} {} ", self.name);
        let wrong = || CosignatureError::Wrong(self.name.clone());
        for line in answer.lines() {
            let Some(encoded) = line.strip_prefix(&begin) else { continue };
            let bytes = BASE64_STANDARD.decode(encoded).map_err(|_| wrong())?;
            // Another key of the same name: not ours to judge.
            if bytes.get(..4) != Some(&self.id()[..]) {
                continue;
            }
            let bytes: [u8; SIGNATURE_BYTES] = bytes.try_into().map_err(|_| wrong())?;
            let time = u64::from_be_bytes(bytes[4..12].try_into().map_err(|_| wrong())?);
            let signature = Signature::from_slice(&bytes[12..]).map_err(|_| wrong())?;
            self.key.verify_strict(&message(checkpoint, time), &signature).map_err(|_| wrong())?;
            return Ok((format!("{line}\n"), time));
        }
        Err(CosignatureError::NoLine(self.name.clone()))
    }
}

impl fmt::Display for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![COSIGNATURE_V1];
        key.extend(self.key.as_bytes());
        write!(f, "{}+{}+{}", self.name, hex::encode(self.id()), BASE64_STANDARD.encode(key))
    }
}

impl fmt::Debug for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WitnessKey({self})")
    }
}

impl FromStr for WitnessKey {
    type Err = CosignatureError;

    fn from_str(text: &str) -> Result<Self, CosignatureError> {
        let malformed = || CosignatureError::Key(text.chars().take(200).collect());
        // The key follows the second plus; base64 may itself contain more of them.
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(encoded)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(malformed());
        };
        let bytes = BASE64_STANDARD.decode(encoded).map_err(|_| malformed())?;
        let (kind, key) = bytes.split_first().ok_or_else(malformed)?;
        let key = VerifyingKey::try_from(key).map_err(|_| malformed())?;
        let found = Self::new(name, key)?;
        if *kind != COSIGNATURE_V1 || hex::encode(found.id()) != id {
            return Err(malformed());
        }
        Ok(found)
    }
}

/// Signs that `checkpoint` was seen at `time`, seconds since 1970, as the witness `name`; the line ends with its line end.
///
/// # Errors
/// [`CosignatureError::Name`].
pub fn cosign(
    name: &str,
    signing: &SigningKey,
    checkpoint: &Checkpoint,
    time: u64,
) -> Result<String, CosignatureError> {
    let key = WitnessKey::new(name, signing.verifying_key())?;
    let mut bytes = key.id().to_vec();
    bytes.extend(time.to_be_bytes());
    bytes.extend(signing.sign(&message(checkpoint, time)).to_bytes());
    Ok(format!("\u{2014} {name} {}\n", BASE64_STANDARD.encode(bytes)))
}

/// What is signed: the time, and the checkpoint without its signatures.
fn message(checkpoint: &Checkpoint, time: u64) -> Vec<u8> {
    let body =
        format!("{}\n{}\n{}\n", checkpoint.origin, checkpoint.size, BASE64_STANDARD.encode(checkpoint.root));
    format!("cosignature/v1\ntime {time}\n{body}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    #[test]
    fn a_cosignature_holds_for_its_checkpoint_its_time_and_its_witness() {
        let log = key(1);
        let checkpoint = Checkpoint::sign("hausrecht/test", 3, [7; 32], &log).unwrap();
        let other = Checkpoint::sign("hausrecht/test", 4, [8; 32], &log).unwrap();
        let line = cosign("nas.example/w", &key(2), &checkpoint, 1_795_349_980).unwrap();
        let witness = WitnessKey::new("nas.example/w", key(2).verifying_key()).unwrap();
        assert_eq!(witness.verify(&checkpoint, &line).unwrap(), (line.clone(), 1_795_349_980));
        // Among the lines of others.
        let among = format!("\u{2014} other.example AAAA\n{line}");
        assert!(witness.verify(&checkpoint, &among).is_ok());
        assert_eq!(witness.verify(&other, &line), Err(CosignatureError::Wrong("nas.example/w".into())));
        let stranger = WitnessKey::new("nas.example/w", key(3).verifying_key()).unwrap();
        assert_eq!(
            stranger.verify(&checkpoint, &line),
            Err(CosignatureError::NoLine("nas.example/w".into()))
        );
        let later = cosign("nas.example/w", &key(2), &checkpoint, 1_795_349_981).unwrap();
        assert_ne!(line, later);
        // The checkpoint with the line added is still the log's.
        let text = format!("{}{line}", checkpoint.text);
        let log_key = crate::VerifierKey::new("hausrecht/test", log.verifying_key()).unwrap();
        assert_eq!(Checkpoint::verify(&text, &log_key).unwrap().size, 3);
    }

    #[test]
    fn a_key_is_read_as_it_was_written_and_nothing_else_is() {
        let witness = WitnessKey::new("nas.example/w", key(2).verifying_key()).unwrap();
        let text = witness.to_string();
        assert_eq!(text.parse::<WitnessKey>().unwrap(), witness);
        assert_eq!(
            (witness.name(), format!("{witness:?}")),
            ("nas.example/w", format!("WitnessKey({text})"))
        );
        // The key of a log signs notes, and cosigns nothing.
        let log = crate::VerifierKey::new("nas.example/w", key(2).verifying_key()).unwrap().to_string();
        for bad in [log.as_str(), "", "a+b+c", &text[1..], &text.replace('4', "5")] {
            assert!(bad.parse::<WitnessKey>().is_err(), "{bad}");
        }
        assert!(WitnessKey::new("two words", key(2).verifying_key()).is_err());
        assert!(WitnessKey::new("a+b", key(2).verifying_key()).is_err());
    }
}
