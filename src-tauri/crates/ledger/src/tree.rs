//! The Merkle tree of RFC 6962 over the leaves, with its hashes in the caller's store.
//!
//! A tree of n leaves has [`stored_count`]`(n)` stored hashes, one for each complete subtree, at positions that never
//! change. Appending writes one or more at the end; nothing is ever rewritten.

use std::cell::RefCell;

use tlog_tiles::{HashReader, tlog};

use crate::record::record_of;

/// A SHA-256 hash: of a leaf, of a subtree, or of the whole tree.
pub type Hash = [u8; 32];

/// The root of the tree without leaves: SHA-256 of nothing.
pub const EMPTY_ROOT: Hash = tlog::EMPTY_HASH.0;

/// Where the stored hashes are.
pub trait HashStore {
    /// Why the store could not be read.
    type Error;

    /// Reads the hashes at `positions`, in that order, one for each.
    ///
    /// # Errors
    /// The store's own; also for a position that it does not hold.
    fn read(&self, positions: &[u64]) -> Result<Vec<Hash>, Self::Error>;
}

/// Why something about the tree could not be computed, or a proof does not hold.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TreeError<E = std::convert::Infallible> {
    /// The store could not be read.
    #[error("the stored hashes cannot be read")]
    Store(#[source] E),
    /// The store gave fewer or more hashes than it was asked for.
    #[error("{asked} hashes were asked for, {given} were given")]
    Count {
        /// Hashes asked for.
        asked: usize,
        /// Hashes given.
        given: usize,
    },
    /// The index or the smaller size lies outside the tree.
    #[error("{wanted} lies outside a tree of {size} entries")]
    Outside {
        /// The index or size that was asked for.
        wanted: u64,
        /// The tree's size.
        size: u64,
    },
    /// The proof does not lead to the root.
    #[error("the proof does not hold")]
    Proof,
}

/// RFC 6962's hash of an entry: SHA-256 of a zero byte and what the tree hashes of the leaf, see [`record_of`].
pub fn record_hash(leaf: &[u8]) -> Hash {
    tlog::record_hash(&record_of(leaf)).0
}

/// The hash of what the tree hashes.
pub(crate) fn hash_of_record(record: &[u8]) -> Hash {
    tlog::record_hash(record).0
}

/// Where the hash of subtree `n` of level `level` stands; level 0 are the leaves.
pub fn stored_position(level: u8, n: u64) -> u64 {
    tlog::stored_hash_index(level, n)
}

/// How many hashes a tree of `size` leaves stores.
pub fn stored_count(size: u64) -> u64 {
    tlog::stored_hash_count(size)
}

/// The hashes to be stored, from [`stored_position`]`(0, n)` on, when `leaf` becomes entry `n` (from zero).
///
/// # Errors
/// [`TreeError::Store`] or [`TreeError::Count`].
pub fn append_hashes<S: HashStore>(n: u64, leaf: &[u8], store: &S) -> Result<Vec<Hash>, TreeError<S::Error>> {
    hashes_of(n, &record_of(leaf), store)
}

/// The same for what is hashed as it is.
pub(crate) fn hashes_of<S: HashStore>(
    n: u64,
    record: &[u8],
    store: &S,
) -> Result<Vec<Hash>, TreeError<S::Error>> {
    Reader::run(store, |reader| tlog::stored_hashes(n, record, reader)).map(plain)
}

/// The same for an entry whose hash is known.
pub(crate) fn hashes_above<S: HashStore>(
    n: u64,
    hash: Hash,
    store: &S,
) -> Result<Vec<Hash>, TreeError<S::Error>> {
    Reader::run(store, |reader| tlog::stored_hashes_for_record_hash(n, tlog::Hash(hash), reader)).map(plain)
}

/// The root of the tree of the first `size` entries.
///
/// # Errors
/// [`TreeError::Store`] or [`TreeError::Count`].
pub fn root<S: HashStore>(size: u64, store: &S) -> Result<Hash, TreeError<S::Error>> {
    Reader::run(store, |reader| tlog::tree_hash(size, reader)).map(|hash| hash.0)
}

/// The proof that entry `index` stands in the tree of the first `size` entries, from the leaf up.
///
/// # Errors
/// [`TreeError::Outside`], [`TreeError::Store`] or [`TreeError::Count`].
pub fn prove<S: HashStore>(size: u64, index: u64, store: &S) -> Result<Vec<Hash>, TreeError<S::Error>> {
    if index >= size {
        return Err(TreeError::Outside { wanted: index, size });
    }
    Reader::run(store, |reader| tlog::prove_record(size, index, reader)).map(plain)
}

/// The proof that the tree of the first `new_size` entries begins with the one of the first `old_size`.
///
/// # Errors
/// [`TreeError::Outside`], [`TreeError::Store`] or [`TreeError::Count`].
pub fn prove_consistency<S: HashStore>(
    old_size: u64,
    new_size: u64,
    store: &S,
) -> Result<Vec<Hash>, TreeError<S::Error>> {
    if old_size > new_size {
        return Err(TreeError::Outside { wanted: old_size, size: new_size });
    }
    // Every tree begins with the empty one.
    if old_size == 0 {
        return Ok(Vec::new());
    }
    Reader::run(store, |reader| tlog::prove_tree(new_size, old_size, reader)).map(plain)
}

/// Checks that the leaf with `leaf_hash` is entry `index` of the tree of `size` entries with `root`.
///
/// # Errors
/// [`TreeError::Outside`] or [`TreeError::Proof`].
pub fn check_inclusion(
    proof: &[Hash],
    size: u64,
    root: &Hash,
    index: u64,
    leaf_hash: &Hash,
) -> Result<(), TreeError> {
    if index >= size {
        return Err(TreeError::Outside { wanted: index, size });
    }
    tlog::check_record(&foreign(proof), size, tlog::Hash(*root), index, tlog::Hash(*leaf_hash))
        .map_err(|_| TreeError::Proof)
}

/// Checks that the tree of `new_size` entries with `new_root` begins with the one of `old_size` with `old_root`.
///
/// # Errors
/// [`TreeError::Outside`] or [`TreeError::Proof`].
pub fn check_consistency(
    proof: &[Hash],
    old_size: u64,
    old_root: &Hash,
    new_size: u64,
    new_root: &Hash,
) -> Result<(), TreeError> {
    if old_size > new_size {
        return Err(TreeError::Outside { wanted: old_size, size: new_size });
    }
    if old_size == 0 {
        let new_empty_root_is_right = new_size > 0 || *new_root == EMPTY_ROOT;
        let holds = proof.is_empty() && *old_root == EMPTY_ROOT && new_empty_root_is_right;
        return if holds { Ok(()) } else { Err(TreeError::Proof) };
    }
    tlog::check_tree(&foreign(proof), new_size, tlog::Hash(*new_root), old_size, tlog::Hash(*old_root))
        .map_err(|_| TreeError::Proof)
}

/// Gives a [`HashStore`] to `tlog_tiles`, whose readers have one fixed error type and panic on a wrong count.
struct Reader<'a, S: HashStore> {
    store: &'a S,
    failed: RefCell<Option<TreeError<S::Error>>>,
}

impl<'a, S: HashStore> Reader<'a, S> {
    fn run<T>(
        store: &'a S,
        work: impl FnOnce(&Self) -> Result<T, tlog::Error>,
    ) -> Result<T, TreeError<S::Error>> {
        let reader = Self { store, failed: RefCell::default() };
        work(&reader).map_err(|_| {
            reader.failed.take().expect("with its input checked, tlog_tiles fails only where its reader does")
        })
    }
}

impl<S: HashStore> HashReader for Reader<'_, S> {
    fn read_hashes(&self, positions: &[u64]) -> Result<Vec<tlog::Hash>, tlog::Error> {
        if positions.is_empty() {
            return Ok(Vec::new());
        }
        let failed = match self.store.read(positions) {
            Ok(hashes) if hashes.len() == positions.len() => return Ok(foreign(&hashes)),
            Ok(hashes) => TreeError::Count { asked: positions.len(), given: hashes.len() },
            Err(error) => TreeError::Store(error),
        };
        *self.failed.borrow_mut() = Some(failed);
        Err(tlog::Error::IndexesNotInTree)
    }
}

fn plain(hashes: Vec<tlog::Hash>) -> Vec<Hash> {
    hashes.into_iter().map(|hash| hash.0).collect()
}

fn foreign(hashes: &[Hash]) -> Vec<tlog::Hash> {
    hashes.iter().copied().map(tlog::Hash).collect()
}
