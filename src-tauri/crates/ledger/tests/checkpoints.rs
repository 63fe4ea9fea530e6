//! Checkpoints and proofs as texts: signed, read, refused.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use ed25519_dalek::SigningKey;
use hausrecht_ledger::{
    Checkpoint, CheckpointError, Hash, HashStore, InclusionProof, ProofError, TreeError, VerifierKey,
    append_hashes, origin_of, prove, root,
};
use proptest::prelude::*;

struct Memory(Vec<Hash>);

impl HashStore for Memory {
    type Error = u64;
    fn read(&self, positions: &[u64]) -> Result<Vec<Hash>, u64> {
        positions
            .iter()
            .map(|&at| usize::try_from(at).ok().and_then(|n| self.0.get(n)).copied().ok_or(at))
            .collect()
    }
}

fn tree(leaves: &[&[u8]]) -> Memory {
    let mut store = Memory(Vec::new());
    for (n, leaf) in leaves.iter().enumerate() {
        let added = append_hashes(n as u64, leaf, &store).unwrap();
        store.0.extend(added);
    }
    store
}

fn signing() -> SigningKey {
    SigningKey::from_bytes(&[5; 32])
}

fn verifier() -> VerifierKey {
    let key = signing().verifying_key();
    VerifierKey::new(&origin_of(&key), key).unwrap()
}

fn checkpoint(leaves: &[&[u8]]) -> Checkpoint {
    let root = root(leaves.len() as u64, &tree(leaves)).unwrap();
    Checkpoint::sign(verifier().name(), leaves.len() as u64, root, &signing()).unwrap()
}

#[test]
fn the_checkpoint_of_the_documentation_is_what_is_written() {
    let documented = include_str!("../FORMAT.md");
    let checkpoint = checkpoint(&[b"one", b"two", b"three"]);
    let proof = InclusionProof::new(1, prove(3, 1, &tree(&[b"one", b"two", b"three"])).unwrap(), &checkpoint);
    assert!(documented.contains(&proof.to_string()), "FORMAT.md should show\n{proof}");
    assert!(documented.contains(&verifier().to_string()), "FORMAT.md should show\n{}", verifier());
}

#[test]
fn a_checkpoint_reads_back() {
    let made = checkpoint(&[b"one", b"two"]);
    assert_eq!(Checkpoint::verify(&made.text, &verifier()).unwrap(), made);
    let key: VerifierKey = verifier().to_string().parse().unwrap();
    assert_eq!(key, verifier());
    assert_eq!(format!("{key:?}"), format!("VerifierKey({key})"));
}

#[test]
fn a_witness_may_sign_as_well() {
    let made = checkpoint(&[b"one"]);
    let witness = "— witness.example AAAAAe3x5cXv0Zlq\n";
    let text = format!("{}{witness}", made.text);
    assert_eq!(Checkpoint::verify(&text, &verifier()).unwrap().root, made.root);
}

#[test]
fn what_does_not_hold_is_refused_by_name() {
    let made = checkpoint(&[b"one", b"two"]);
    let other = SigningKey::from_bytes(&[6; 32]).verifying_key();
    let other = VerifierKey::new(&origin_of(&other), other).unwrap();
    assert_eq!(
        Checkpoint::verify(&made.text, &other),
        Err(CheckpointError::OtherKey(Box::new(other.clone())))
    );
    let larger = made.text.replacen("\n2\n", "\n3\n", 1);
    assert_eq!(
        Checkpoint::verify(&larger, &verifier()),
        Err(CheckpointError::Signature(Box::new(verifier())))
    );
    assert_eq!(Checkpoint::verify("", &verifier()), Err(CheckpointError::NotANote));
    for origin in ["two words", "bell\u{7}", "a+b", ""] {
        assert_eq!(
            Checkpoint::sign(origin, 1, made.root, &signing()),
            Err(CheckpointError::Origin(origin.into()))
        );
    }
    for text in ["", "a+b", "a+00000000+AAAA", "hausrecht/x+zz+zz"] {
        assert!(text.parse::<VerifierKey>().is_err(), "{text}");
    }
}

#[test]
fn a_proof_is_complete_in_itself() {
    let leaves: [&[u8]; 5] = [b"one", b"two", b"three", b"four", b"five"];
    let (store, checkpoint) = (tree(&leaves), checkpoint(&leaves));
    for (index, leaf) in leaves.iter().enumerate() {
        let hashes = prove(5, index as u64, &store).unwrap();
        let text = InclusionProof::new(index as u64, hashes, &checkpoint).to_string();
        let proof: InclusionProof = text.parse().unwrap();
        assert_eq!(proof.to_string(), text);
        assert_eq!(proof.verify(leaf, &verifier()).unwrap(), checkpoint);
        assert_eq!(proof.verify(b"six", &verifier()), Err(ProofError::Tree(TreeError::Proof)));
    }
}

#[test]
fn malformed_proofs_are_refused_by_name() {
    let hash = "A".repeat(43) + "=";
    for (text, expected) in [
        (String::new(), ProofError::NoCheckpoint),
        ("c2sp.org/tlog-proof@v1\nindex 0\n".into(), ProofError::NoCheckpoint),
        ("c2sp.org/tlog-proof@v2\nindex 0\n\nx".into(), ProofError::Header),
        ("c2sp.org/tlog-proof@v1\nextra ?\nindex 0\n\nx".into(), ProofError::Extra),
        ("c2sp.org/tlog-proof@v1\nindex 01\n\nx".into(), ProofError::Index),
        ("c2sp.org/tlog-proof@v1\nindex +1\n\nx".into(), ProofError::Index),
        (format!("c2sp.org/tlog-proof@v1\nindex 1\n{hash}\nAAAA\n\nx"), ProofError::Hash { line: 1 }),
        (
            format!("c2sp.org/tlog-proof@v1\nindex 1\n{}\n\nx", vec![hash; 65].join("\n")),
            ProofError::Hash { line: 64 },
        ),
    ] {
        assert_eq!(text.parse::<InclusionProof>().unwrap_err(), expected, "{text}");
    }
    let extra: InclusionProof = "c2sp.org/tlog-proof@v1\nextra AQI=\nindex 0\n\nx".parse().unwrap();
    assert_eq!(extra.extra.as_deref(), Some([1, 2].as_slice()));
    assert_eq!(extra.verify(b"", &verifier()), Err(ProofError::Checkpoint(CheckpointError::NotANote)));
}

proptest! {
    #[test]
    fn strange_texts_never_panic(text in any::<String>()) {
        let _ = text.parse::<InclusionProof>();
        let _ = text.parse::<VerifierKey>();
        prop_assert!(Checkpoint::verify(&text, &verifier()).is_err());
    }
}
