//! An entry before it is signed, and how it becomes a leaf.

use std::{collections::BTreeMap, fmt};

use base64::{Engine, prelude::BASE64_STANDARD};
use ed25519_dalek::{Signer, SigningKey};
use hausrecht_model::{CameraId, GrantId, UnixMicros};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::{
    Actor, ClipTag, KeyId, Kind,
    canonical::{self, CanonicalError},
    entry::{SIGNATURE_PREFIX, VERSION, name},
};

/// The longest leaf. C2SP tlog-tiles gives an entry's length two bytes.
pub const MAX_LEAF_BYTES: usize = 65_535;

/// Why a draft cannot become an entry.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DraftError {
    /// A fact's or a personal field's name is not 1 to 64 of `a-z 0-9 _`.
    #[error("“{0}” is not a field name: 1 to 64 of a-z, 0-9 and _")]
    Name(String),
    /// A number is a fraction or larger than 2^53 - 1.
    #[error("{0} is not an integer of at most 53 bits")]
    Number(String),
    /// Facts lie too deep in one another.
    #[error("facts lie too deep in one another")]
    Depth,
    /// Two personal fields have the same name.
    #[error("there are two personal fields “{0}”")]
    Twice(String),
    /// The leaf would be longer than [`MAX_LEAF_BYTES`].
    #[error("the entry would have {0} bytes, at most 65535 are allowed")]
    TooLong(usize),
}

/// What happened, ready to be signed.
#[derive(Clone, PartialEq, Debug)]
pub struct Draft {
    /// What happened.
    pub kind: Kind,
    /// When, by the wall clock.
    pub at: UnixMicros,
    /// When, by a clock that never goes back within one `boot_id`.
    pub monotonic_us: u64,
    /// Names the run of the engine, or of the computer, that `monotonic_us` belongs to.
    pub boot_id: String,
    /// Who did it.
    pub actor: Actor,
    /// The camera it is about.
    pub camera: Option<CameraId>,
    /// The clip it is about, as [`ClipTag::of`].
    pub clip: Option<ClipTag>,
    /// The grant it is about, or under which it happened.
    pub grant: Option<GrantId>,
    /// The earlier entry that it answers.
    pub refers_to: Option<u64>,
    /// What else is known and not personal; stands readable in the leaf.
    pub facts: BTreeMap<String, Value>,
    /// Personal fields (name, text); only a salted commitment of each stands in the leaf.
    pub personal: Vec<(String, String)>,
}

/// A signed entry, and what belongs to it but does not stand in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SealedEntry {
    /// The canonical bytes, to be stored for good.
    pub leaf: Vec<u8>,
    /// The personal fields, to be stored where they can be erased.
    pub personal: Vec<PersonalField>,
}

/// A personal field with the salt of its commitment. Erasing both leaves every proof whole.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonalField {
    /// The field's name.
    pub name: String,
    /// The field's text.
    pub value: String,
    /// 32 random bytes; the commitment is SHA-256 of the salt, then the text.
    pub salt: [u8; 32],
}

impl fmt::Debug for PersonalField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PersonalField({})", self.name)
    }
}

impl Draft {
    /// Starts a draft with nothing but what every entry has; the other fields are set by name.
    pub fn new(
        kind: Kind,
        at: UnixMicros,
        monotonic_us: u64,
        boot_id: impl Into<String>,
        actor: Actor,
    ) -> Self {
        Self {
            kind,
            at,
            monotonic_us,
            boot_id: boot_id.into(),
            actor,
            camera: None,
            clip: None,
            grant: None,
            refers_to: None,
            facts: BTreeMap::new(),
            personal: Vec::new(),
        }
    }

    /// Adds a fact that is not personal.
    #[must_use]
    pub fn fact(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.facts.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a personal field.
    #[must_use]
    pub fn personal(mut self, name: &str, value: impl Into<String>) -> Self {
        self.personal.push((name.to_owned(), value.into()));
        self
    }

    /// Commits to the personal fields with salts from `rng`, signs with `signer`, and writes the leaf.
    ///
    /// # Errors
    /// See [`DraftError`].
    pub fn seal(
        self,
        rng: &mut impl rand::CryptoRng,
        signer: &SigningKey,
    ) -> Result<SealedEntry, DraftError> {
        let mut members = Map::new();
        let mut set = |name: &str, value: Value| members.insert(name.to_owned(), value);
        set(name::VERSION, VERSION.into());
        set(name::KIND, self.kind.as_str().into());
        set(name::AT, self.at.0.into());
        set(name::MONOTONIC, self.monotonic_us.into());
        set(name::BOOT, self.boot_id.into());
        set(name::ACTOR, self.actor.to_string().into());
        for (name, value) in [
            (name::CAMERA, self.camera.map(|id| Value::from(id.to_string()))),
            (name::CLIP, self.clip.map(|tag| Value::from(tag.to_string()))),
            (name::GRANT, self.grant.map(|id| Value::from(id.to_string()))),
            (name::REFERS_TO, self.refers_to.map(Value::from)),
            (name::FACTS, (!self.facts.is_empty()).then(|| Value::Object(self.facts.into_iter().collect()))),
        ] {
            if let Some(value) = value {
                set(name, value);
            }
        }
        let (commitments, personal) = commit(self.personal, rng)?;
        if !commitments.is_empty() {
            set(name::PERSONAL, Value::Object(commitments));
        }
        set(name::KEY, KeyId::of(&signer.verifying_key()).to_string().into());

        let unsigned = canonical::write(&members)?;
        let signature = signer.sign(&signed_bytes(&unsigned));
        members.insert(name::SIGNATURE.to_owned(), BASE64_STANDARD.encode(signature.to_bytes()).into());
        let leaf = canonical::write(&members)?.into_bytes();
        if leaf.len() > MAX_LEAF_BYTES {
            return Err(DraftError::TooLong(leaf.len()));
        }
        Ok(SealedEntry { leaf, personal })
    }
}

/// SHA-256 of the salt, then the text. The salt has a fixed length, so no two pairs run together to the same bytes.
pub(crate) fn commitment(value: &str, salt: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update(salt).chain_update(value.as_bytes()).finalize().into()
}

/// What is signed: a prefix that no signed note can start with, then the canonical entry without its signature.
pub(crate) fn signed_bytes(unsigned: &str) -> Vec<u8> {
    [SIGNATURE_PREFIX, unsigned.as_bytes()].concat()
}

fn commit(
    fields: Vec<(String, String)>,
    rng: &mut impl rand::CryptoRng,
) -> Result<(Map<String, Value>, Vec<PersonalField>), DraftError> {
    let mut commitments = Map::new();
    let mut personal = Vec::with_capacity(fields.len());
    for (name, value) in fields {
        let mut salt = [0; 32];
        rng.fill_bytes(&mut salt);
        let text = hex::encode(commitment(&value, &salt));
        if commitments.insert(name.clone(), text.into()).is_some() {
            return Err(DraftError::Twice(name));
        }
        personal.push(PersonalField { name, value, salt });
    }
    Ok((commitments, personal))
}

impl From<CanonicalError> for DraftError {
    fn from(error: CanonicalError) -> Self {
        match error {
            CanonicalError::Name(name) => Self::Name(name),
            CanonicalError::Number(number) => Self::Number(number),
            CanonicalError::Depth => Self::Depth,
        }
    }
}
