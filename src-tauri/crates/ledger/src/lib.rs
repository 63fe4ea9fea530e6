//! The log: entries, RFC 6962 tree, checkpoints, proofs. See `FORMAT.md`.
//!
//! Everything that happens to a recording leaves an [`Entry`]; a [`Checkpoint`] fixes all entries so far; a proof shows
//! one of them to a stranger without showing the rest. Personal fields stand in an entry only as salted commitments, so
//! that they can be erased later and every proof stays whole. This crate holds no database and **has no delete**: the
//! caller stores leaves, hashes and personal fields, and gives hashes back through [`HashStore`].
//!
//! Appending, in this order and in one transaction of the caller: [`Draft::seal`], [`append_hashes`], store the leaf at
//! index `n`, the hashes from [`stored_position`]`(0, n)` on and the personal fields, then now and then [`root`] and
//! [`Checkpoint::sign`].

mod canonical;
mod checkpoint;
mod clip_proof;
mod cosign;
mod draft;
mod entry;
mod key;
mod kind;
mod proof;
mod record;
mod tree;
mod verify;

pub use checkpoint::{Checkpoint, CheckpointError, ParseVerifierKeyError, VerifierKey, origin_of};
pub use clip_proof::{ClipProof, ClipProofError, MAX_PROOF_ENTRIES, Told};
pub use cosign::{CosignatureError, WitnessKey, cosign};
pub use draft::{Draft, DraftError, MAX_LEAF_BYTES, PersonalField, SealedEntry};
pub use entry::{Actor, ClipTag, Entry, EntryError, SignatureError};
pub use key::KeyId;
pub use kind::{Kind, UnknownKindError};
pub use proof::{InclusionProof, ProofError};
pub use record::{record, record_of, tags_of};
pub use tree::{
    EMPTY_ROOT, Hash, HashStore, TreeError, append_hashes, check_consistency, check_inclusion, prove,
    prove_consistency, record_hash, root, stored_count, stored_position,
};
pub use verify::{Finding, StoredEntry, Verifier, What};
