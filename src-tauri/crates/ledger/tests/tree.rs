//! The tree against RFC 6962: its published roots, and proofs of random trees.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::cell::Cell;

use hausrecht_ledger::{
    EMPTY_ROOT, Hash, HashStore, TreeError, append_hashes, check_consistency, check_inclusion, prove,
    prove_consistency, record_hash, root, stored_count, stored_position,
};
use proptest::prelude::*;

/// Hashes in memory; an error is the position that is missing.
#[derive(Default)]
struct Memory {
    hashes: Vec<Hash>,
    reads: Cell<usize>,
}

impl HashStore for Memory {
    type Error = u64;

    fn read(&self, positions: &[u64]) -> Result<Vec<Hash>, u64> {
        self.reads.set(self.reads.get() + 1);
        positions
            .iter()
            .map(|&position| {
                usize::try_from(position).ok().and_then(|at| self.hashes.get(at)).copied().ok_or(position)
            })
            .collect()
    }
}

impl Memory {
    fn of(leaves: &[Vec<u8>]) -> Self {
        let mut store = Self::default();
        for (n, leaf) in leaves.iter().enumerate() {
            let n = n as u64;
            assert_eq!(stored_position(0, n), store.hashes.len() as u64, "hashes are only ever added");
            let added = append_hashes(n, leaf, &store).unwrap();
            store.hashes.extend(added);
            assert_eq!(stored_count(n + 1), store.hashes.len() as u64);
        }
        store
    }
}

/// The inputs and roots of the Certificate Transparency reference tests.
#[test]
fn the_roots_of_the_reference_tests() {
    let leaves: Vec<Vec<u8>> =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
            .iter()
            .map(|text| hex::decode(text).unwrap())
            .collect();
    let roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let store = Memory::of(&leaves);
    assert_eq!(root(0, &store).unwrap(), EMPTY_ROOT);
    for (nth, expected) in roots.iter().enumerate() {
        assert_eq!(hex::encode(root(nth as u64 + 1, &store).unwrap()), *expected, "{} leaves", nth + 1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_entry_can_be_proved_and_only_where_it_stands(
        leaves in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..200),
        pick in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
        flip in any::<prop::sample::Index>(),
    ) {
        let store = Memory::of(&leaves);
        let size = cut.index(leaves.len()) as u64 + 1;
        let index = pick.index(size as usize) as u64;
        let leaf_hash = record_hash(&leaves[index as usize]);
        let top = root(size, &store).unwrap();
        let proof = prove(size, index, &store).unwrap();
        check_inclusion(&proof, size, &top, index, &leaf_hash).unwrap();

        let mut other = leaf_hash;
        other[flip.index(32)] ^= 1;
        prop_assert_eq!(check_inclusion(&proof, size, &top, index, &other), Err(TreeError::Proof));
        let mut longer = proof.clone();
        longer.push(other);
        prop_assert_eq!(check_inclusion(&longer, size, &top, index, &leaf_hash), Err(TreeError::Proof));
        if !proof.is_empty() {
            prop_assert!(check_inclusion(&proof[1..], size, &top, index, &leaf_hash).is_err());
            let mut changed = proof.clone();
            changed[flip.index(proof.len())][0] ^= 0x80;
            prop_assert!(check_inclusion(&changed, size, &top, index, &leaf_hash).is_err());
        }
    }

    #[test]
    fn a_tree_begins_with_each_of_its_former_selves(
        leaves in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..10), 1..200),
        a in any::<prop::sample::Index>(),
        b in any::<prop::sample::Index>(),
        flip in any::<prop::sample::Index>(),
    ) {
        let store = Memory::of(&leaves);
        let (a, b) = (a.index(leaves.len() + 1) as u64, b.index(leaves.len() + 1) as u64);
        let (old, new) = (a.min(b), a.max(b));
        let (old_root, new_root) = (root(old, &store).unwrap(), root(new, &store).unwrap());
        let proof = prove_consistency(old, new, &store).unwrap();
        check_consistency(&proof, old, &old_root, new, &new_root).unwrap();

        let mut other = old_root;
        other[flip.index(32)] ^= 1;
        prop_assert_eq!(check_consistency(&proof, old, &other, new, &new_root), Err(TreeError::Proof));
    }

    #[test]
    fn a_proof_from_strangers_never_panics(
        proof in prop::collection::vec(any::<[u8; 32]>(), 0..70),
        sizes in any::<(u64, u64)>(),
        index in any::<u64>(),
        root in any::<[u8; 32]>(),
    ) {
        let _ = check_inclusion(&proof, sizes.0, &root, index, &root);
        let _ = check_consistency(&proof, sizes.0, &root, sizes.1, &root);
    }
}

#[test]
fn what_lies_outside_the_tree_is_an_error() {
    let store = Memory::of(&[vec![1], vec![2]]);
    assert_eq!(prove(2, 2, &store), Err(TreeError::Outside { wanted: 2, size: 2 }));
    assert_eq!(prove_consistency(3, 2, &store), Err(TreeError::Outside { wanted: 3, size: 2 }));
    assert_eq!(
        check_inclusion(&[], 2, &EMPTY_ROOT, 7, &EMPTY_ROOT),
        Err(TreeError::Outside { wanted: 7, size: 2 })
    );
}

#[test]
fn a_store_that_fails_is_named() {
    struct Short;
    impl HashStore for Short {
        type Error = ();
        fn read(&self, _: &[u64]) -> Result<Vec<Hash>, ()> {
            Ok(Vec::new())
        }
    }
    let store = Memory::of(&[vec![1]]);
    assert_eq!(root(4, &store), Err(TreeError::Store(6)));
    assert_eq!(append_hashes(1, b"x", &Short), Err(TreeError::Count { asked: 1, given: 0 }));
}
