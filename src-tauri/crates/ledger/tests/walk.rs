//! The verifier over whole logs, each with one thing done to it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use ed25519_dalek::SigningKey;
use hausrecht_ledger::{
    Actor, Checkpoint, Draft, EntryError, Finding, Hash, HashStore, Kind, SignatureError, StoredEntry,
    Verifier, What, append_hashes, origin_of, root, stored_position,
};
use hausrecht_model::UnixMicros;
use rand::{SeedableRng, rngs::StdRng};

/// A log as a database holds it.
#[derive(Clone)]
struct Log {
    leaves: Vec<Vec<u8>>,
    hashes: Vec<Hash>,
}

impl HashStore for Log {
    type Error = u64;
    fn read(&self, positions: &[u64]) -> Result<Vec<Hash>, u64> {
        positions
            .iter()
            .map(|&at| usize::try_from(at).ok().and_then(|n| self.hashes.get(n)).copied().ok_or(at))
            .collect()
    }
}

impl Log {
    fn append(&mut self, leaf: Vec<u8>) {
        let added = append_hashes(self.leaves.len() as u64, &leaf, self).unwrap();
        self.hashes.extend(added);
        self.leaves.push(leaf);
    }

    /// Writes the tree anew over the leaves, as a forger would.
    fn rebuild(&mut self) {
        let leaves = std::mem::take(&mut self.leaves);
        self.hashes.clear();
        leaves.into_iter().for_each(|leaf| self.append(leaf));
    }

    fn checkpoint(&self, size: u64) -> Checkpoint {
        let key = signing(1);
        let root = root(size, self).unwrap();
        Checkpoint::sign(&origin_of(&key.verifying_key()), size, root, &key).unwrap()
    }

    fn findings(&self, checkpoints: Vec<Checkpoint>) -> Vec<Finding> {
        let keys = [signing(1).verifying_key(), signing(2).verifying_key()];
        let stored = |(index, leaf): (usize, &Vec<u8>)| {
            let index = index as u64;
            let from = usize::try_from(stored_position(0, index)).unwrap();
            let to = usize::try_from(stored_position(0, index + 1)).unwrap().min(self.hashes.len());
            StoredEntry { index, leaf: leaf.clone(), hashes: self.hashes[from..to].to_vec() }
        };
        let all: Vec<_> = self.leaves.iter().enumerate().map(stored).collect();
        let mut one_by_one = Verifier::new(keys, checkpoints.clone());
        for stored in &all {
            one_by_one.feed(stored.index, &stored.leaf, &stored.hashes);
        }
        assert_eq!(one_by_one.size(), self.leaves.len() as u64);
        let mut many = Verifier::new(keys, checkpoints);
        many.feed_many(&all);
        let found = one_by_one.finish();
        assert_eq!(many.finish(), found, "however they are fed");
        found
    }
}

fn signing(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn draft(n: i64) -> Draft {
    let second_us = n * 1_000_000;
    Draft::new(
        Kind::Event,
        UnixMicros(1_767_225_600_000_000 + second_us),
        u64::try_from(second_us).unwrap(),
        "run-1",
        Actor::Device,
    )
    .fact("n", n)
}

fn leaf(draft: Draft, seed: u8) -> Vec<u8> {
    draft.seal(&mut StdRng::seed_from_u64(9), &signing(seed)).unwrap().leaf
}

fn log(size: i64) -> Log {
    let mut log = Log { leaves: Vec::new(), hashes: Vec::new() };
    for n in 0..size {
        log.append(leaf(draft(n), 1 + u8::from(n % 3 == 0)));
    }
    log
}

fn found(index: u64, what: What) -> Finding {
    Finding { index, what }
}

#[test]
fn a_good_log_has_no_findings() {
    for size in 0..40 {
        let log = log(size);
        let size = size as u64;
        let checkpoints = (0..=size).map(|at| log.checkpoint(at)).collect();
        assert_eq!(log.findings(checkpoints), [], "{size} entries");
    }
}

#[test]
fn a_changed_leaf_is_found_once_and_at_its_index() {
    let mut log = log(20);
    log.leaves[7] = leaf(draft(7).fact("changed", true), 2);
    let checkpoint = log.checkpoint(20);
    assert_eq!(log.findings(vec![checkpoint]), [found(7, What::LeafChanged)]);
}

#[test]
fn a_forger_who_rewrites_the_tree_meets_the_checkpoint() {
    let mut log = log(20);
    let checkpoints = vec![log.checkpoint(5), log.checkpoint(12), log.checkpoint(20)];
    log.leaves[7] = leaf(draft(7).fact("changed", true), 1);
    log.rebuild();
    assert_eq!(
        log.findings(checkpoints),
        [found(12, What::Root { size: 12 }), found(20, What::Root { size: 20 })]
    );
}

#[test]
fn a_changed_hash_of_the_tree_is_found() {
    let mut log = log(20);
    let position = stored_position(1, 3);
    log.hashes[usize::try_from(position).unwrap()][0] ^= 1;
    let findings = log.findings(Vec::new());
    assert_eq!(findings[0], found(7, What::TreeChanged { position }));
}

#[test]
fn a_missing_hash_is_found() {
    let mut log = log(8);
    log.hashes.pop();
    let findings = log.findings(Vec::new());
    assert_eq!(findings, [found(7, What::HashCount { expected: 4, found: 3 })]);
}

#[test]
fn what_was_cut_off_the_end_is_found() {
    let mut short = log(20);
    let checkpoint = short.checkpoint(20);
    short.leaves.truncate(18);
    assert_eq!(short.findings(vec![checkpoint]), [found(18, What::Shorter { expected: 20 })]);
}

#[test]
fn an_entry_taken_out_is_found() {
    let mut gap = log(20);
    let checkpoint = gap.checkpoint(20);
    gap.leaves.remove(7);
    gap.rebuild();
    assert_eq!(gap.findings(vec![checkpoint.clone()]), [found(19, What::Shorter { expected: 20 })]);
    gap.append(leaf(draft(30), 1));
    assert_eq!(gap.findings(vec![checkpoint]), [found(20, What::Root { size: 20 })]);
}

#[test]
fn a_gap_in_the_indices_is_found() {
    let log = log(2);
    let mut verifier = Verifier::new([signing(1).verifying_key(), signing(2).verifying_key()], []);
    verifier.feed(1, &log.leaves[0], &log.hashes[..1]);
    assert_eq!(verifier.findings(), [found(1, What::Index { expected: 0 })]);
}

#[test]
fn exchanged_entries_are_found() {
    let mut swapped = log(20);
    swapped.leaves.swap(7, 8);
    swapped.rebuild();
    assert_eq!(swapped.findings(Vec::new()), [found(8, What::OutOfOrder)]);
}

#[test]
fn an_entry_by_a_stranger_is_found() {
    let mut log = log(3);
    let stranger = signing(9);
    log.append(leaf(draft(3), 9));
    let id = hausrecht_ledger::KeyId::of(&stranger.verifying_key());
    assert_eq!(log.findings(Vec::new()), [found(3, What::UnknownKey(id))]);
}

#[test]
fn a_wrong_signature_is_found() {
    let mut log = log(3);
    let text = String::from_utf8(leaf(draft(3), 1)).unwrap();
    log.append(text.replace("\"n\":3", "\"n\":4").into_bytes());
    let id = hausrecht_ledger::KeyId::of(&signing(1).verifying_key());
    assert_eq!(log.findings(Vec::new()), [found(3, What::Signature(SignatureError::Wrong(id)))]);
}

#[test]
fn what_is_no_entry_is_found_and_the_walk_goes_on() {
    let mut log = log(3);
    log.append(b"{}".to_vec());
    log.append(leaf(draft(4), 1));
    assert_eq!(log.findings(Vec::new()), [found(3, What::NotAnEntry(EntryError::Missing("v")))]);
}

#[test]
fn a_clock_that_goes_back_needs_an_entry_that_says_so() {
    let back = |kind| {
        let mut draft = draft(3);
        draft.kind = kind;
        draft.at = UnixMicros(draft.at.0 - 3_600_000_000);
        draft
    };
    let mut silent = log(3);
    silent.append(leaf(back(Kind::Event), 1));
    assert_eq!(silent.findings(Vec::new()), [found(3, What::ClockBack { back_us: 3_599_000_000 })]);
    let mut said = log(3);
    said.append(leaf(back(Kind::ClockStep), 1));
    said.append(leaf(
        {
            let mut later = back(Kind::Event);
            later.monotonic_us += 1;
            later
        },
        1,
    ));
    assert_eq!(said.findings(Vec::new()), []);
}

#[test]
fn a_reference_forward_is_found() {
    let mut log = log(3);
    let mut draft = draft(3);
    draft.refers_to = Some(3);
    log.append(leaf(draft, 1));
    assert_eq!(log.findings(Vec::new()), [found(3, What::RefersForward(3))]);
}
