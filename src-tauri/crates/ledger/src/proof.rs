//! A proof that one entry stands in the log, complete in itself: C2SP tlog-proof, a text of a few lines.
//!
//! ```text
//! c2sp.org/tlog-proof@v1
//! index 1
//! gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
//! B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=
//!
//! hausrecht/9f1c2ab3d4e5f607
//! 3
//! sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=
//!
//! — hausrecht/9f1c2ab3d4e5f607 xY9v2B...
//! ```
//!
//! Specification: <https://c2sp.org/tlog-proof>. The leaf itself is handed over beside it.

use std::{fmt, str::FromStr};

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::{Checkpoint, CheckpointError, Hash, TreeError, VerifierKey, check_inclusion, record_hash};

/// The first line.
const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// A proof in a tree of 2^64 leaves has at most this many hashes.
const MAX_HASHES: usize = 64;

/// Why a proof is malformed or does not hold.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The first line is another one.
    #[error("not a tlog-proof")]
    Header,
    /// The optional extra data is not base64.
    #[error("the proof's extra data is malformed")]
    Extra,
    /// The index is missing or no decimal number.
    #[error("the proof's index is malformed")]
    Index,
    /// Line `line` (from zero) of the hashes is not the base64 of 32 bytes, or there are too many.
    #[error("hash {line} of the proof is malformed")]
    Hash {
        /// Which hash, from zero.
        line: usize,
    },
    /// The empty line before the checkpoint is missing.
    #[error("the proof has no checkpoint")]
    NoCheckpoint,
    /// The checkpoint does not hold.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The hashes do not lead from the leaf to the checkpoint's root.
    #[error(transparent)]
    Tree(#[from] TreeError),
}

/// The proof of one entry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InclusionProof {
    /// The entry's index, from zero.
    pub index: u64,
    /// The hashes from the leaf up.
    pub hashes: Vec<Hash>,
    /// The signed note of the checkpoint that the proof leads to.
    pub checkpoint: String,
    /// Opaque data of whoever made the proof; not authenticated. Hausrecht writes none.
    pub extra: Option<Vec<u8>>,
}

impl InclusionProof {
    /// The proof of entry `index` with `hashes` from [`crate::prove`] for the tree of `checkpoint`.
    pub fn new(index: u64, hashes: Vec<Hash>, checkpoint: &Checkpoint) -> Self {
        Self { index, hashes, checkpoint: checkpoint.text.clone(), extra: None }
    }

    /// Checks that `leaf` is the entry, in the log that `key` signs for; returns the checkpoint.
    ///
    /// # Errors
    /// [`ProofError::Checkpoint`] or [`ProofError::Tree`].
    pub fn verify(&self, leaf: &[u8], key: &VerifierKey) -> Result<Checkpoint, ProofError> {
        let checkpoint = Checkpoint::verify(&self.checkpoint, key)?;
        check_inclusion(&self.hashes, checkpoint.size, &checkpoint.root, self.index, &record_hash(leaf))?;
        Ok(checkpoint)
    }
}

impl fmt::Display for InclusionProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", BASE64_STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        for hash in &self.hashes {
            writeln!(f, "{}", BASE64_STANDARD.encode(hash))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

impl FromStr for InclusionProof {
    type Err = ProofError;

    fn from_str(text: &str) -> Result<Self, ProofError> {
        let (head, checkpoint) = text.split_once("\n\n").ok_or(ProofError::NoCheckpoint)?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(ProofError::Header);
        }
        let extra = match lines.peek().and_then(|line| line.strip_prefix("extra ")) {
            Some(encoded) => {
                lines.next();
                Some(BASE64_STANDARD.decode(encoded).map_err(|_| ProofError::Extra)?)
            }
            None => None,
        };
        let digits = lines.next().and_then(|line| line.strip_prefix("index ")).ok_or(ProofError::Index)?;
        let index: u64 = digits.parse().map_err(|_| ProofError::Index)?;
        // Only the plain decimal form: no sign, no leading zero.
        if index.to_string() != digits {
            return Err(ProofError::Index);
        }
        let hashes = lines
            .enumerate()
            .map(|(line, encoded)| {
                let bytes = BASE64_STANDARD.decode(encoded).ok().filter(|_| line < MAX_HASHES);
                bytes.and_then(|bytes| bytes.try_into().ok()).ok_or(ProofError::Hash { line })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { index, hashes, checkpoint: checkpoint.to_owned(), extra })
    }
}
