//! An entry as it stands in the log: parsed strictly, checked against keys and against what was committed to.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use ed25519_dalek::{Signature, VerifyingKey};
use hausrecht_model::{CameraId, ClipId, GrantId, PersonId, UnixMicros};
use hmac::{Hmac, Mac};
use serde_json::{Map, Value};
use sha2::Sha256;

use crate::{
    KeyId, Kind, MAX_LEAF_BYTES, canonical,
    draft::{commitment, signed_bytes},
};

/// The version of the format that this program writes.
pub(crate) const VERSION: u64 = 2;
/// The version before, which the tree hashes as it is.
pub(crate) const FIRST: u64 = 1;

/// Keeps an entry's signature from ever being one of something else, although the device key signs checkpoints too.
pub(crate) const SIGNATURE_PREFIX: &[u8] = b"hausrecht-entry-v1\n";

/// The members of a leaf.
pub(crate) mod name {
    pub(crate) const VERSION: &str = "v";
    pub(crate) const KIND: &str = "kind";
    pub(crate) const AT: &str = "at_us";
    pub(crate) const MONOTONIC: &str = "monotonic_us";
    pub(crate) const BOOT: &str = "boot";
    pub(crate) const ACTOR: &str = "by";
    pub(crate) const CAMERA: &str = "camera";
    pub(crate) const CLIP: &str = "clip";
    pub(crate) const GRANT: &str = "grant";
    pub(crate) const REFERS_TO: &str = "refers_to";
    pub(crate) const FACTS: &str = "facts";
    pub(crate) const PERSONAL: &str = "personal";
    pub(crate) const KEY: &str = "key";
    pub(crate) const SIGNATURE: &str = "sig";
}

/// Who did it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Actor {
    /// This computer by itself.
    Device,
    /// A person, the owner among them.
    Person(PersonId),
}

impl fmt::Display for Actor {
    /// `device`, or the person's id.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device => f.write_str("device"),
            Self::Person(id) => id.fmt(f),
        }
    }
}

impl FromStr for Actor {
    type Err = <PersonId as FromStr>::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "device" { Ok(Self::Device) } else { text.parse().map(Self::Person) }
    }
}

/// A clip's name in the log: HMAC-SHA256 of its id under the tag key, 64 hexadecimal digits. All entries about one clip
/// carry the same tag, and a stranger who sees it learns nothing about other clips.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClipTag([u8; 32]);

impl ClipTag {
    /// The tag of `clip` under `tag_key`: HMAC-SHA256 over the id's sixteen digits.
    pub fn of(tag_key: &[u8; 32], clip: ClipId) -> Self {
        let mut mac = Hmac::<Sha256>::new_from_slice(tag_key).expect("HMAC takes a key of any length");
        mac.update(clip.to_string().as_bytes());
        Self(mac.finalize().into_bytes().into())
    }

    /// The tag's bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for ClipTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for ClipTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClipTag({self})")
    }
}

impl FromStr for ClipTag {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, hex::FromHexError> {
        parse_hash(text).map(Self)
    }
}

/// Why bytes are not an entry.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// Longer than [`MAX_LEAF_BYTES`].
    #[error("the entry has {0} bytes, at most 65535 are allowed")]
    TooLong(usize),
    /// Not a JSON object in UTF-8.
    #[error("the entry is not a JSON object")]
    NotJson,
    /// The same content, but written another way: other order, spaces, escapes, a member twice.
    #[error("the entry is not in canonical form")]
    NotCanonical,
    /// Another version of the format, probably from a newer Hausrecht.
    #[error("the entry has version {0}, only 1 and 2 are known")]
    Version(u64),
    /// A kind that this version does not know.
    #[error("the entry has the unknown kind “{0}”")]
    Kind(String),
    /// A member is missing.
    #[error("the entry has no “{0}”")]
    Missing(&'static str),
    /// A member has the wrong type or form.
    #[error("the entry's “{0}” is malformed")]
    Malformed(&'static str),
    /// A member that version 1 does not have.
    #[error("the entry has the unknown member “{0}”")]
    Unknown(String),
}

/// Why an entry's signature does not hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// The entry names another key.
    #[error("signed by key {signed_by}, not {expected}")]
    OtherKey {
        /// The key that the entry names.
        signed_by: KeyId,
        /// The key that was expected.
        expected: KeyId,
    },
    /// The signature is not one of this entry by this key.
    #[error("the signature by key {0} is wrong")]
    Wrong(KeyId),
}

/// One line of the log, as it was written.
#[derive(Clone, PartialEq, Debug)]
pub struct Entry {
    /// What happened.
    pub kind: Kind,
    /// When, by the wall clock.
    pub at: UnixMicros,
    /// When, by a clock that never goes back within one `boot_id`.
    pub monotonic_us: u64,
    /// The run that `monotonic_us` belongs to.
    pub boot_id: String,
    /// Who did it.
    pub actor: Actor,
    /// The camera it is about.
    pub camera: Option<CameraId>,
    /// The clip it is about.
    pub clip: Option<ClipTag>,
    /// The grant it is about, or under which it happened.
    pub grant: Option<GrantId>,
    /// The earlier entry that it answers.
    pub refers_to: Option<u64>,
    /// What else is known and not personal.
    pub facts: BTreeMap<String, Value>,
    /// Personal fields by name, each as its commitment.
    pub commitments: BTreeMap<String, [u8; 32]>,
    /// The key that signed.
    pub key: KeyId,
    /// The Ed25519 signature.
    pub signature: [u8; 64],
    /// The bytes that were signed.
    signed: Vec<u8>,
}

impl Entry {
    /// Reads a leaf. Exactly one sequence of bytes is accepted for each content.
    ///
    /// # Errors
    /// See [`EntryError`].
    pub fn parse(leaf: &[u8]) -> Result<Self, EntryError> {
        if leaf.len() > MAX_LEAF_BYTES {
            return Err(EntryError::TooLong(leaf.len()));
        }
        let mut members: Map<String, Value> =
            serde_json::from_slice(leaf).map_err(|_| EntryError::NotJson)?;
        let version = members.get(name::VERSION).and_then(Value::as_u64);
        match version.ok_or(EntryError::Missing(name::VERSION))? {
            VERSION | FIRST => {}
            other => return Err(EntryError::Version(other)),
        }
        let rewritten = canonical::write(&members).map_err(|_| EntryError::NotCanonical)?;
        if rewritten.as_bytes() != leaf {
            return Err(EntryError::NotCanonical);
        }
        let signature = text(&members, name::SIGNATURE)?.ok_or(EntryError::Missing(name::SIGNATURE))?;
        let signature = BASE64_STANDARD
            .decode(signature)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or(EntryError::Malformed(name::SIGNATURE))?;
        let unsigned = without_signature(&rewritten).ok_or(EntryError::Malformed(name::SIGNATURE))?;
        members.remove(name::SIGNATURE);
        let entry = Self {
            kind: {
                let kind = text(&members, name::KIND)?.ok_or(EntryError::Missing(name::KIND))?;
                kind.parse().map_err(|_| EntryError::Kind(kind.to_owned()))?
            },
            at: UnixMicros(
                members
                    .get(name::AT)
                    .ok_or(EntryError::Missing(name::AT))?
                    .as_i64()
                    .ok_or(EntryError::Malformed(name::AT))?,
            ),
            monotonic_us: number(&members, name::MONOTONIC)?.ok_or(EntryError::Missing(name::MONOTONIC))?,
            boot_id: text(&members, name::BOOT)?.ok_or(EntryError::Missing(name::BOOT))?.to_owned(),
            actor: parsed(&members, name::ACTOR)?.ok_or(EntryError::Missing(name::ACTOR))?,
            camera: parsed(&members, name::CAMERA)?,
            clip: parsed(&members, name::CLIP)?,
            grant: parsed(&members, name::GRANT)?,
            refers_to: number(&members, name::REFERS_TO)?,
            facts: object(&members, name::FACTS)?
                .map(|facts| facts.iter().map(|(name, value)| (name.clone(), value.clone())).collect())
                .unwrap_or_default(),
            commitments: commitments(&members)?,
            key: parsed(&members, name::KEY)?.ok_or(EntryError::Missing(name::KEY))?,
            signature,
            signed: signed_bytes(&unsigned),
        };
        match members.keys().find(|name| !KNOWN.contains(&name.as_str())) {
            Some(unknown) => Err(EntryError::Unknown(unknown.clone())),
            None => Ok(entry),
        }
    }

    /// Checks that `key` signed this entry.
    ///
    /// # Errors
    /// See [`SignatureError`].
    pub fn verify_signature(&self, key: &VerifyingKey) -> Result<(), SignatureError> {
        let expected = KeyId::of(key);
        if expected != self.key {
            return Err(SignatureError::OtherKey { signed_by: self.key, expected });
        }
        key.verify_strict(&self.signed, &Signature::from_bytes(&self.signature))
            .map_err(|_| SignatureError::Wrong(expected))
    }

    /// The clips that it is about: its own, and those that the fact `tags` names.
    pub fn tags(&self) -> BTreeSet<ClipTag> {
        let named = self.facts.get("tags").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let named = named.iter().filter_map(|text| text.as_str()?.parse().ok());
        self.clip.into_iter().chain(named).collect()
    }

    /// What was signed, by which key, and the signature.
    pub(crate) fn signature(&self) -> (&[u8], KeyId, Signature) {
        (&self.signed, self.key, Signature::from_bytes(&self.signature))
    }

    /// Whether the personal field `name` is committed to as `value` with `salt`.
    pub fn check_personal(&self, name: &str, value: &str, salt: &[u8; 32]) -> bool {
        self.commitments.get(name) == Some(&commitment(value, salt))
    }
}

/// The canonical text without its member `sig`, which others always surround: `refers_to` or an earlier one, and `v`.
fn without_signature(text: &str) -> Option<String> {
    let from = text.rfind(",\"sig\":\"")?;
    let to = from + 1 + text[from + 1..].find(",\"v\":")?;
    Some([&text[..from], &text[to..]].concat())
}

/// Every member of version 1 but the signature, which is taken out before.
const KNOWN: [&str; 13] = [
    name::VERSION,
    name::KIND,
    name::AT,
    name::MONOTONIC,
    name::BOOT,
    name::ACTOR,
    name::CAMERA,
    name::CLIP,
    name::GRANT,
    name::REFERS_TO,
    name::FACTS,
    name::PERSONAL,
    name::KEY,
];

fn text<'a>(members: &'a Map<String, Value>, name: &'static str) -> Result<Option<&'a str>, EntryError> {
    members.get(name).map(|value| value.as_str().ok_or(EntryError::Malformed(name))).transpose()
}

fn number(members: &Map<String, Value>, name: &'static str) -> Result<Option<u64>, EntryError> {
    members.get(name).map(|value| value.as_u64().ok_or(EntryError::Malformed(name))).transpose()
}

/// A member with a text form that must read back as the same text.
fn parsed<T: FromStr + fmt::Display>(
    members: &Map<String, Value>,
    name: &'static str,
) -> Result<Option<T>, EntryError> {
    let Some(text) = text(members, name)? else { return Ok(None) };
    let value: T = text.parse().map_err(|_| EntryError::Malformed(name))?;
    if value.to_string() == text { Ok(Some(value)) } else { Err(EntryError::Malformed(name)) }
}

/// A member that holds others. It is left out rather than empty.
fn object<'a>(
    members: &'a Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'a Map<String, Value>>, EntryError> {
    let Some(value) = members.get(name) else { return Ok(None) };
    value.as_object().filter(|object| !object.is_empty()).map(Some).ok_or(EntryError::Malformed(name))
}

fn commitments(members: &Map<String, Value>) -> Result<BTreeMap<String, [u8; 32]>, EntryError> {
    let malformed = EntryError::Malformed(name::PERSONAL);
    let Some(fields) = object(members, name::PERSONAL)? else { return Ok(BTreeMap::new()) };
    fields
        .iter()
        .map(|(name, value)| {
            let text = value.as_str().ok_or(malformed.clone())?;
            let hash = parse_hash(text).map_err(|_| malformed.clone())?;
            if hex::encode(hash) == text { Ok((name.clone(), hash)) } else { Err(malformed.clone()) }
        })
        .collect()
}

fn parse_hash(text: &str) -> Result<[u8; 32], hex::FromHexError> {
    let mut hash = [0; 32];
    hex::decode_to_slice(text, &mut hash)?;
    Ok(hash)
}
