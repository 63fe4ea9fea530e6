//! A checkpoint fixes the whole log so far in one signed line of 32 bytes: C2SP tlog-checkpoint, a C2SP signed-note.
//!
//! ```text
//! hausrecht/9f1c2ab3d4e5f607
//! 3
//! sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=
//!
//! — hausrecht/9f1c2ab3d4e5f607 xY9v2B...
//! ```
//!
//! Specifications: <https://c2sp.org/tlog-checkpoint>, <https://c2sp.org/signed-note>.

use std::{fmt, str::FromStr};

use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use signed_note::{Note, NoteError, StandardVerifier, VerifierList};
use tlog_tiles::Hash as NoteHash;

use crate::{Hash, KeyId};

/// The algorithm byte of Ed25519 in C2SP signed-note.
const ALG_ED25519: u8 = 1;

/// Why a checkpoint could not be made or does not hold.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The origin cannot be a key name: empty, or with white space or a plus.
    #[error("“{0}” cannot be the origin of a log")]
    Origin(String),
    /// The text is not a signed note.
    #[error("the checkpoint is not a signed note")]
    NotANote,
    /// The note is not a checkpoint.
    #[error("the signed note is not a checkpoint")]
    NotACheckpoint,
    /// No signature is by the expected key.
    #[error("the checkpoint is not signed by {0}")]
    OtherKey(Box<VerifierKey>),
    /// The signature by the expected key is wrong.
    #[error("the signature by {0} is wrong")]
    Signature(Box<VerifierKey>),
    /// The checkpoint is of another log than the key's name says.
    #[error("the checkpoint is of the log “{found}”, not “{expected}”")]
    OtherLog {
        /// The origin in the checkpoint.
        found: String,
        /// The name of the key.
        expected: String,
    },
}

/// A text that is not a verifier key.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("“{0}” is not a verifier key (name+hash+base64)")]
pub struct ParseVerifierKeyError(pub String);

/// The origin of the log whose checkpoints `key` signs: `hausrecht/` and the key's id. Nobody else's log has it, and
/// no domain is needed.
pub fn origin_of(key: &VerifyingKey) -> String {
    format!("hausrecht/{}", KeyId::of(key))
}

/// A public key with a log's name, as text `name+hash+base64`: what a witness or a stranger is given.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    key: VerifyingKey,
}

impl VerifierKey {
    /// The key `key` of the log `origin`.
    ///
    /// # Errors
    /// [`CheckpointError::Origin`].
    pub fn new(origin: &str, key: VerifyingKey) -> Result<Self, CheckpointError> {
        check_origin(origin)?;
        Ok(Self { name: origin.to_owned(), key })
    }

    /// The log's origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The public key.
    pub fn key(&self) -> &VerifyingKey {
        &self.key
    }

    fn standard(&self) -> StandardVerifier {
        StandardVerifier::new(&self.to_string()).expect("a verifier key's own text is well-formed")
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&signed_note::new_ed25519_verifier_key(&self.name, &self.key))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

impl FromStr for VerifierKey {
    type Err = ParseVerifierKeyError;

    fn from_str(text: &str) -> Result<Self, ParseVerifierKeyError> {
        use base64::{Engine, prelude::BASE64_STANDARD};
        let malformed = || ParseVerifierKeyError(text.to_owned());
        StandardVerifier::new(text).map_err(|_| malformed())?;
        // The key follows the second plus; base64 may itself contain more of them.
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(_), Some(encoded)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(malformed());
        };
        let bytes = BASE64_STANDARD.decode(encoded).map_err(|_| malformed())?;
        let key = bytes.get(1..).and_then(|key| VerifyingKey::try_from(key).ok()).ok_or_else(malformed)?;
        Ok(Self { name: name.to_owned(), key })
    }
}

/// The log's size and root at one time, with the note that proves who said so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    /// Which log.
    pub origin: String,
    /// How many entries it has.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
    /// The signed note, to be stored, exported and shown as it is.
    pub text: String,
}

impl Checkpoint {
    /// Signs the tree of the first `size` entries with `root`.
    ///
    /// # Errors
    /// [`CheckpointError::Origin`].
    pub fn sign(origin: &str, size: u64, root: Hash, signing: &SigningKey) -> Result<Self, CheckpointError> {
        check_origin(origin)?;
        let body = tlog_tiles::Checkpoint::new(origin, size, NoteHash(root), "")
            .map_err(|_| CheckpointError::Origin(origin.to_owned()))?;
        let mut note =
            Note::new(&body.to_bytes(), &[]).map_err(|_| CheckpointError::Origin(origin.to_owned()))?;
        note.add_sigs(&[&NoteSigner::new(origin, signing)])
            .map_err(|_| CheckpointError::Origin(origin.to_owned()))?;
        let text = String::from_utf8(note.to_bytes()).expect("a note is UTF-8");
        Ok(Self { origin: origin.to_owned(), size, root, text })
    }

    /// Reads a signed note and checks that `key` signed it and that it is of the log that the key is named for. Other
    /// signatures, such as a witness's, are left alone.
    ///
    /// # Errors
    /// See [`CheckpointError`].
    pub fn verify(text: &str, key: &VerifierKey) -> Result<Self, CheckpointError> {
        let note = Note::from_bytes(text.as_bytes()).map_err(|_| CheckpointError::NotANote)?;
        note.verify(&VerifierList::new(vec![Box::new(key.standard())])).map_err(|error| match error {
            NoteError::UnverifiedNote => CheckpointError::OtherKey(Box::new(key.clone())),
            NoteError::InvalidSignature { .. } => CheckpointError::Signature(Box::new(key.clone())),
            NoteError::MalformedNote
            | NoteError::InvalidSigner
            | NoteError::MismatchedVerifier
            | NoteError::VerificationError(_)
            | NoteError::SignatureError(_) => CheckpointError::NotANote,
        })?;
        let body =
            tlog_tiles::Checkpoint::from_bytes(note.text()).map_err(|_| CheckpointError::NotACheckpoint)?;
        if body.origin() != key.name() {
            return Err(CheckpointError::OtherLog {
                found: body.origin().to_owned(),
                expected: key.name().to_owned(),
            });
        }
        Ok(Self {
            origin: body.origin().to_owned(),
            size: body.size(),
            root: body.hash().0,
            text: text.to_owned(),
        })
    }
}

fn check_origin(origin: &str) -> Result<(), CheckpointError> {
    let printable = origin.chars().all(|c| !c.is_control());
    if printable && signed_note::is_key_name_valid(origin) {
        Ok(())
    } else {
        Err(CheckpointError::Origin(origin.to_owned()))
    }
}

/// Signs notes with a key that is held elsewhere; `signed_note` itself only takes keys as text.
struct NoteSigner<'a> {
    name: &'a str,
    key: &'a SigningKey,
    key_id: u32,
}

impl<'a> NoteSigner<'a> {
    fn new(name: &'a str, key: &'a SigningKey) -> Self {
        let public = [&[ALG_ED25519], key.verifying_key().as_bytes().as_slice()].concat();
        Self { name, key, key_id: signed_note::key_id(name, &public) }
    }
}

impl signed_note::Signer for NoteSigner<'_> {
    fn name(&self) -> &str {
        self.name
    }

    fn key_id(&self) -> u32 {
        self.key_id
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ed25519_dalek::SignatureError> {
        Ok(self.key.sign(message).to_bytes().to_vec())
    }
}
