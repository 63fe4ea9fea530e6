//! Everything that happened to one clip, provably complete: its entries, and of all others since its recording only their
//! records, which say of which clips they are and nothing else.
//!
//! ```text
//! hausrecht-clip-proof-v1
//! tag 3086…
//! from 40
//! left pVuk…            (hashes of the complete subtrees before entry 40, the largest first)
//! entry {"at_us":…}     (entry 40: the clip was recorded)
//! other 3f0a… 9c1e…     (entry 41: its hash, and the tags of the clips that it is about)
//!
//! hausrecht/7599776c3085e3f9
//! …                     (the checkpoint)
//! ```

use std::{collections::BTreeSet, fmt, fmt::Write};

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::{
    Checkpoint, CheckpointError, ClipTag, Entry, EntryError, Hash, HashStore, Kind, SignatureError,
    TreeError, VerifierKey,
    record::{is_hidden_in_tree, record, record_of, tags_of},
    stored_position,
    tree::hashes_of,
    verify::Frontier,
};

const HEAD: &str = "hausrecht-clip-proof-v1";
/// Entries of one proof: a camera's month.
pub const MAX_PROOF_ENTRIES: u64 = 10_000_000;

/// Why a text is no proof, or does not prove what it says.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClipProofError {
    /// Not the text of a proof: the line that cannot be read, from one on.
    #[error("line {0} is not one of a clip's proof")]
    Line(usize),
    /// The checkpoint is not one of this log.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Entries are missing or one too many: the checkpoint has another number.
    #[error("the proof has the entries up to {given}, the checkpoint {size}")]
    Size {
        /// Entries that the proof comes to.
        given: u64,
        /// Entries of the checkpoint.
        size: u64,
    },
    /// The entries and records do not give the checkpoint's root: something was changed, left out or put in.
    #[error("the entries do not give the root that the checkpoint fixes")]
    Root,
    /// A shown entry is no entry.
    #[error("entry {index}: {source}")]
    Entry {
        /// Which.
        index: u64,
        /// Why.
        source: EntryError,
    },
    /// A shown entry's signature does not hold.
    #[error("entry {index}: {source}")]
    Signature {
        /// Which.
        index: u64,
        /// Why.
        source: SignatureError,
    },
    /// An entry about the clip is not shown.
    #[error("entry {0} is about this clip and was not shown")]
    Hidden(u64),
    /// The first entry does not say that the clip was recorded.
    #[error("entry {0} does not say that the clip was recorded: what came before is missing")]
    Beginning(u64),
}

/// One line of a proof.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Line {
    Shown(Vec<u8>),
    Other(Hash, BTreeSet<ClipTag>),
}

/// A proof of everything that happened to a clip.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClipProof {
    tag: ClipTag,
    from: u64,
    left: Vec<Hash>,
    lines: Vec<Line>,
    checkpoint: String,
}

/// An entry about the clip, with its number.
#[derive(Clone, PartialEq, Debug)]
pub struct Told {
    /// Its number, from zero.
    pub index: u64,
    /// The entry.
    pub entry: Entry,
    /// Whether one of the keys that were given signed it.
    pub signed: bool,
}

impl ClipProof {
    /// Begins a proof for the clip of `tag`, recorded in entry `from`; entries follow with [`ClipProof::push`].
    ///
    /// # Errors
    /// The store's own.
    pub fn begin<S: HashStore>(
        tag: ClipTag,
        from: u64,
        checkpoint: &Checkpoint,
        store: &S,
    ) -> Result<Self, TreeError<S::Error>> {
        let positions = left_positions(from);
        let left = store.read(&positions).map_err(TreeError::Store)?;
        if left.len() != positions.len() {
            return Err(TreeError::Count { asked: positions.len(), given: left.len() });
        }
        Ok(Self { tag, from, left, lines: Vec::new(), checkpoint: checkpoint.text.clone() })
    }

    /// Adds the next entry: shown if it is about the clip, or of a version that cannot be shown in part.
    pub fn push(&mut self, leaf: &[u8]) {
        let tags = tags_of(leaf);
        self.lines.push(if tags.contains(&self.tag) || !is_hidden_in_tree(leaf) {
            Line::Shown(leaf.to_vec())
        } else {
            Line::Other(<sha2::Sha256 as sha2::Digest>::digest(leaf).into(), tags)
        });
    }

    /// Checks the proof against the log's key, and gives what happened to the clip. `signers` may have signed entries; the log's own
    /// key may always.
    ///
    /// # Errors
    /// See [`ClipProofError`].
    pub fn verify(
        &self,
        key: &VerifierKey,
        signers: &[ed25519_dalek::VerifyingKey],
    ) -> Result<(Checkpoint, Vec<Told>), ClipProofError> {
        let checkpoint = Checkpoint::verify(&self.checkpoint, key)?;
        let given = self.from + self.lines.len() as u64;
        if given != checkpoint.size {
            return Err(ClipProofError::Size { given, size: checkpoint.size });
        }
        let mut frontier = Frontier::of(self.from, &self.left);
        let mut told = Vec::new();
        let keys: Vec<_> = std::iter::once(key.key()).chain(signers.iter()).collect();
        for (index, line) in (self.from..).zip(&self.lines) {
            let bytes = match line {
                Line::Other(hash, tags) => {
                    if tags.contains(&self.tag) {
                        return Err(ClipProofError::Hidden(index));
                    }
                    record(hash, tags)
                }
                Line::Shown(leaf) => {
                    if tags_of(leaf).contains(&self.tag) {
                        told.push(check(index, leaf, &keys)?);
                    }
                    record_of(leaf)
                }
            };
            let hashes = hashes_of(index, &bytes, &frontier).map_err(|_| ClipProofError::Root)?;
            frontier.append(index, &hashes);
        }
        let root = crate::root(checkpoint.size, &frontier).map_err(|_| ClipProofError::Root)?;
        if root != checkpoint.root {
            return Err(ClipProofError::Root);
        }
        let begins = |told: &&Told| {
            told.index == self.from && matches!(told.entry.kind, Kind::Recorded | Kind::CutShort)
        };
        told.first().filter(begins).ok_or(ClipProofError::Beginning(self.from))?;
        Ok((checkpoint, told))
    }

    /// Reads what [`fmt::Display`] wrote.
    ///
    /// # Errors
    /// [`ClipProofError::Line`].
    pub fn parse(text: &str) -> Result<Self, ClipProofError> {
        let (head, checkpoint) = text.split_once("\n\n").ok_or(ClipProofError::Line(1))?;
        let mut lines = (1..).zip(head.split('\n'));
        let mut next = |expected: &str| match lines.next() {
            Some((number, line)) => {
                line.strip_prefix(expected).map(|rest| (number, rest)).ok_or(ClipProofError::Line(number))
            }
            None => Err(ClipProofError::Line(1)),
        };
        let (number, rest) = next(HEAD)?;
        if !rest.is_empty() {
            return Err(ClipProofError::Line(number));
        }
        let (number, tag) = next("tag ")?;
        let tag = tag.parse().map_err(|_| ClipProofError::Line(number))?;
        let (number, from) = next("from ")?;
        let from: u64 = from.parse().map_err(|_| ClipProofError::Line(number))?;
        if from >= MAX_PROOF_ENTRIES * 1_000 {
            return Err(ClipProofError::Line(number));
        }
        let mut left = Vec::new();
        for _ in left_positions(from) {
            let (number, hash) = next("left ")?;
            let hash = BASE64_STANDARD.decode(hash).ok().and_then(|bytes| bytes.try_into().ok());
            left.push(hash.ok_or(ClipProofError::Line(number))?);
        }
        let mut parsed = Vec::new();
        for (number, line) in lines {
            parsed.push(parse_line(line).ok_or(ClipProofError::Line(number))?);
        }
        Ok(Self { tag, from, left, lines: parsed, checkpoint: checkpoint.to_owned() })
    }

    /// The clip's tag.
    pub fn tag(&self) -> ClipTag {
        self.tag
    }
}

impl fmt::Display for ClipProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEAD}\ntag {}\nfrom {}", self.tag, self.from)?;
        for hash in &self.left {
            writeln!(f, "left {}", BASE64_STANDARD.encode(hash))?;
        }
        for line in &self.lines {
            match line {
                Line::Shown(leaf) => writeln!(f, "entry {}", String::from_utf8_lossy(leaf))?,
                Line::Other(hash, tags) => {
                    let mut text = format!("other {}", hex::encode(hash));
                    for tag in tags {
                        write!(text, " {tag}")?;
                    }
                    writeln!(f, "{text}")?;
                }
            }
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

fn parse_line(line: &str) -> Option<Line> {
    if let Some(leaf) = line.strip_prefix("entry ") {
        return Some(Line::Shown(leaf.as_bytes().to_vec()));
    }
    let mut words = line.strip_prefix("other ")?.split(' ');
    let mut hash = [0; 32];
    hex::decode_to_slice(words.next()?, &mut hash).ok()?;
    let tags: Vec<ClipTag> = words.map(|word| word.parse().ok()).collect::<Option<_>>()?;
    // Sorted and each once, as they are hashed.
    tags.is_sorted_by(|a, b| a < b).then(|| Line::Other(hash, tags.into_iter().collect()))
}

fn check(index: u64, leaf: &[u8], keys: &[&ed25519_dalek::VerifyingKey]) -> Result<Told, ClipProofError> {
    let entry = Entry::parse(leaf).map_err(|source| ClipProofError::Entry { index, source })?;
    let signer = keys.iter().find(|key| crate::KeyId::of(key) == entry.key);
    if let Some(key) = signer {
        entry.verify_signature(key).map_err(|source| ClipProofError::Signature { index, source })?;
    }
    Ok(Told { index, entry, signed: signer.is_some() })
}

/// Where the hashes of the complete subtrees of the first `size` entries stand, the largest first.
fn left_positions(size: u64) -> Vec<u64> {
    let mut start = 0;
    let mut positions = Vec::new();
    for level in (0..u64::BITS as u8).rev() {
        if size >> level & 1 == 1 {
            positions.push(stored_position(level, start >> level));
            start += 1 << level;
        }
    }
    positions
}

impl Frontier {
    /// The right edge of the tree of the first `size` entries.
    fn of(size: u64, left: &[Hash]) -> Self {
        Self { hashes: left_positions(size).into_iter().zip(left.iter().copied()).collect() }
    }
}
