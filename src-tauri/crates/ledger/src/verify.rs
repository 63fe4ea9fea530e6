//! Walks the whole log and says what is wrong with it, and since which entry.

use std::collections::{BTreeMap, VecDeque};

use ed25519_dalek::VerifyingKey;
use hausrecht_model::UnixMicros;

use sha2::{Digest, Sha256};

use crate::{
    Checkpoint, Entry, EntryError, Hash, HashStore, KeyId, Kind, SignatureError,
    record::{is_hidden_in_tree, record},
    record_hash, root, stored_position,
    tree::{hash_of_record, hashes_above},
};

/// How far the wall clock may go back between two entries without a `clock_step` entry: NTP slews that much.
const CLOCK_SLACK_US: i64 = 2_000_000;

/// Fewer entries are not worth another thread.
const LEAST_SHARE: usize = 64;
/// Signatures that are checked together.
const AT_ONCE: usize = 512;

/// Something wrong with the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The entry at which it shows, from zero. For the whole log, its size.
    pub index: u64,
    /// What is wrong.
    pub what: What,
}

/// What is wrong with the log.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum What {
    /// An entry is missing, or one stands twice: another index was expected.
    #[error("entry {expected} was expected here")]
    Index {
        /// The index that should have come.
        expected: u64,
    },
    /// The stored leaf is not an entry.
    #[error(transparent)]
    NotAnEntry(#[from] EntryError),
    /// The stored leaf does not have the hash that the tree has for it: it was changed after it was written.
    #[error("the entry was changed: its hash is not the one in the tree")]
    LeafChanged,
    /// A hash of the tree above this entry is not the one that its leaves give.
    #[error("the tree was changed: stored hash {position} does not follow from the entries")]
    TreeChanged {
        /// The position of the wrong hash.
        position: u64,
    },
    /// A hash is missing, or there is one too many.
    #[error("{expected} hashes belong to this entry, {found} are stored")]
    HashCount {
        /// How many there should be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// The entry is signed by a key that may not sign here.
    #[error("signed by the unknown key {0}")]
    UnknownKey(KeyId),
    /// The entry's signature is wrong.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The monotonic clock went back within one run: entries were exchanged, or one was put in twice.
    #[error("the monotonic clock goes back within one run")]
    OutOfOrder,
    /// The wall clock went back and no entry says so.
    #[error("the clock goes back by {back_us} µs and no entry says so")]
    ClockBack {
        /// By how many microseconds.
        back_us: i64,
    },
    /// The entry refers to one that does not come before it.
    #[error("refers to entry {0}, which does not come before it")]
    RefersForward(u64),
    /// The log is shorter than the checkpoint says: something was cut off its end.
    #[error("the log ends before the checkpoint's {expected} entries")]
    Shorter {
        /// How many entries the checkpoint fixes.
        expected: u64,
    },
    /// The entries do not give the checkpoint's root.
    #[error("the entries do not give the root that the checkpoint fixes for {size} entries")]
    Root {
        /// The checkpoint's size.
        size: u64,
    },
}

/// Fed with one entry after the other, from the first to the last; collects what is wrong.
///
/// It computes the tree anew from the leaves and needs memory for a few dozen hashes only. Most of its time goes into the
/// signatures.
pub struct Verifier {
    keys: BTreeMap<KeyId, VerifyingKey>,
    checkpoints: VecDeque<Checkpoint>,
    next: u64,
    frontier: Frontier,
    wall: Option<UnixMicros>,
    monotonic: Option<(String, u64)>,
    findings: Vec<Finding>,
}

impl Verifier {
    /// Starts at the first entry. `keys` may sign entries; each of `checkpoints`, already verified, must fit the log.
    pub fn new(
        keys: impl IntoIterator<Item = VerifyingKey>,
        checkpoints: impl IntoIterator<Item = Checkpoint>,
    ) -> Self {
        let mut checkpoints: Vec<_> = checkpoints.into_iter().collect();
        checkpoints.sort_by_key(|checkpoint| checkpoint.size);
        Self {
            keys: keys.into_iter().map(|key| (KeyId::of(&key), key)).collect(),
            checkpoints: checkpoints.into(),
            next: 0,
            frontier: Frontier::default(),
            wall: None,
            monotonic: None,
            findings: Vec::new(),
        }
    }

    /// Takes the next entry: its index, its leaf and the hashes that were stored with it (see [`crate::append_hashes`]).
    /// Returns the entry if its leaf is one.
    pub fn feed(&mut self, index: u64, leaf: &[u8], stored: &[Hash]) -> Option<Entry> {
        let seen = look(leaf, &self.keys);
        self.take(index, stored, seen)
    }

    /// Takes the next entries, as [`Verifier::feed`] one after the other; what can be looked at by itself is shared among all
    /// processors, and signatures are checked many at once. Returns those that are entries.
    pub fn feed_many(&mut self, next: &[StoredEntry]) -> Vec<Option<Entry>> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let share = next.len().div_ceil(processors).max(LEAST_SHARE);
        let keys = &self.keys;
        let seen: Vec<Seen> = std::thread::scope(|scope| {
            let parts: Vec<_> =
                next.chunks(share).map(|part| scope.spawn(move || look_at_many(part, keys))).collect();
            parts
                .into_iter()
                .flat_map(|part| part.join().expect("looking at entries does not panic"))
                .collect()
        });
        next.iter().zip(seen).map(|(stored, seen)| self.take(stored.index, &stored.hashes, seen)).collect()
    }

    fn take(&mut self, index: u64, stored: &[Hash], seen: Seen) -> Option<Entry> {
        self.meet_checkpoints();
        if index != self.next {
            self.find(index, What::Index { expected: self.next });
        }
        let n = self.next;
        self.check_hashes(index, n, seen.hash, stored);
        self.next += 1;
        match seen.entry {
            Ok(entry) => {
                if let Some(wrong) = seen.wrong {
                    self.find(index, wrong);
                }
                self.check_order(index, &entry);
                Some(entry)
            }
            Err(error) => {
                self.find(index, What::NotAnEntry(error));
                None
            }
        }
    }

    /// How many entries were taken.
    pub fn size(&self) -> u64 {
        self.next
    }

    /// What was found so far.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Ends the walk: compares with the checkpoints that are left, and returns everything that was found.
    pub fn finish(mut self) -> Vec<Finding> {
        self.meet_checkpoints();
        for checkpoint in std::mem::take(&mut self.checkpoints) {
            self.find(self.next, What::Shorter { expected: checkpoint.size });
        }
        self.findings
    }

    /// Compares the tree so far with each checkpoint of just this size.
    fn meet_checkpoints(&mut self) {
        while let Some(checkpoint) = self.checkpoints.pop_front_if(|c| c.size <= self.next) {
            let computed = root(self.next, &self.frontier).expect("the frontier holds what a root needs");
            if computed != checkpoint.root {
                self.find(self.next, What::Root { size: checkpoint.size });
            }
        }
    }

    fn check_hashes(&mut self, index: u64, n: u64, hash: Hash, stored: &[Hash]) {
        let computed =
            hashes_above(n, hash, &self.frontier).expect("the frontier holds what appending needs");
        if computed.len() != stored.len() {
            self.find(index, What::HashCount { expected: computed.len(), found: stored.len() });
        }
        if stored.first().is_some_and(|first| *first != hash) {
            self.find(index, What::LeafChanged);
        } else if let Some(nth) = computed.iter().zip(stored).position(|(a, b)| a != b) {
            self.find(index, What::TreeChanged { position: stored_position(0, n) + nth as u64 });
        }
        // Going on with the stored hashes finds one changed leaf once, and not every checkpoint behind it as well.
        // Whether the stored hashes themselves fit the checkpoint is then still seen.
        let kept = if computed.len() == stored.len() { stored.to_vec() } else { computed };
        self.frontier.append(n, &kept);
    }

    fn check_order(&mut self, index: u64, entry: &Entry) {
        if let Some((boot, last_us)) = &self.monotonic
            && *boot == entry.boot_id
            && entry.monotonic_us < *last_us
        {
            self.find(index, What::OutOfOrder);
        }
        if let Some(last) = self.wall
            && entry.kind != Kind::ClockStep
            && last.0 - entry.at.0 > CLOCK_SLACK_US
        {
            self.find(index, What::ClockBack { back_us: last.0 - entry.at.0 });
        }
        if let Some(earlier) = entry.refers_to.filter(|earlier| *earlier >= index) {
            self.find(index, What::RefersForward(earlier));
        }
        self.monotonic = Some((entry.boot_id.clone(), entry.monotonic_us));
        self.wall = Some(entry.at);
    }

    fn find(&mut self, index: u64, what: What) {
        self.findings.push(Finding { index, what });
    }
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier")
            .field("next", &self.next)
            .field("findings", &self.findings)
            .finish_non_exhaustive()
    }
}

/// An entry as it is stored: its index, its leaf, and the hashes that were stored with it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredEntry {
    /// From zero.
    pub index: u64,
    /// Its bytes.
    pub leaf: Vec<u8>,
    /// The hashes that it completes.
    pub hashes: Vec<Hash>,
}

/// What one leaf shows by itself.
struct Seen {
    hash: Hash,
    entry: Result<Entry, EntryError>,
    /// What is wrong with its signature.
    wrong: Option<What>,
}

fn look(leaf: &[u8], keys: &BTreeMap<KeyId, VerifyingKey>) -> Seen {
    let mut seen = look_but_for_signature(leaf);
    seen.wrong = seen.entry.as_ref().ok().and_then(|entry| wrong_signature(entry, keys));
    seen
}

fn look_but_for_signature(leaf: &[u8]) -> Seen {
    let entry = Entry::parse(leaf);
    let hash = match &entry {
        Ok(entry) if is_hidden_in_tree(leaf) => {
            hash_of_record(&record(&Sha256::digest(leaf).into(), &entry.tags()))
        }
        Ok(_) | Err(_) => record_hash(leaf),
    };
    Seen { hash, entry, wrong: None }
}

fn wrong_signature(entry: &Entry, keys: &BTreeMap<KeyId, VerifyingKey>) -> Option<What> {
    match keys.get(&entry.key) {
        None => Some(What::UnknownKey(entry.key)),
        Some(key) => entry.verify_signature(key).err().map(What::Signature),
    }
}

/// Many signatures at once take a third of the time. Where they do not hold together, or are by keys of other kinds, each is
/// looked at by itself.
fn look_at_many(part: &[StoredEntry], keys: &BTreeMap<KeyId, VerifyingKey>) -> Vec<Seen> {
    let mut all = Vec::with_capacity(part.len());
    for part in part.chunks(AT_ONCE) {
        let mut seen: Vec<_> = part.iter().map(|stored| look_but_for_signature(&stored.leaf)).collect();
        let mut together = (Vec::new(), Vec::new(), Vec::new());
        for (signed, by, signature) in
            seen.iter().filter_map(|seen| seen.entry.as_ref().ok()).map(Entry::signature)
        {
            if let Some(key) = keys.get(&by) {
                together.0.push(signed);
                together.1.push(signature);
                together.2.push(*key);
            }
        }
        let whole = ed25519_dalek::verify_batch(&together.0, &together.1, &together.2).is_ok();
        for seen in &mut seen {
            let Ok(entry) = &seen.entry else { continue };
            let known = keys.contains_key(&entry.key);
            seen.wrong = if whole && known { None } else { wrong_signature(entry, keys) };
        }
        all.append(&mut seen);
    }
    all
}

/// The roots of the complete subtrees at the right edge: at most 64 hashes, and all that going on needs.
#[derive(Default)]
pub(crate) struct Frontier {
    pub(crate) hashes: BTreeMap<u64, Hash>,
}

impl Frontier {
    /// Takes the hashes that entry `n` adds and lets go of those that they cover.
    pub(crate) fn append(&mut self, n: u64, hashes: &[Hash]) {
        let first = stored_position(0, n);
        let top = hashes.len() - 1;
        for level in 0..top {
            let level = u8::try_from(level).expect("a tree has at most 64 levels");
            self.hashes.remove(&stored_position(level, (n >> level) - 1));
        }
        self.hashes.insert(first + top as u64, hashes[top]);
    }
}

impl HashStore for Frontier {
    type Error = u64;

    fn read(&self, positions: &[u64]) -> Result<Vec<Hash>, u64> {
        positions.iter().map(|position| self.hashes.get(position).copied().ok_or(*position)).collect()
    }
}
