//! Entries, checkpoints, verifier keys, proofs and clips' proofs, as somebody else may have made them up.
#![no_main]

use hausrecht_ledger::{Checkpoint, ClipProof, Entry, InclusionProof, VerifierKey, WitnessKey, record_of, tags_of};

const KEY: &str = "hausrecht/7599776c3085e3f9+bd27c618+AW56HN0psLeP0Tr0xVmP7/TvKpcWbjym8uT7/M2AUFvx";
const WITNESS: &str = "w.example/w+1502fb1f+BG56HN0psLeP0Tr0xVmP7/TvKpcWbjym8uT7/M2AUFvx";
const CHECKPOINT: &str = include_str!("../corpus/ledger/checkpoint");

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(entry) = Entry::parse(bytes) {
        assert_eq!(entry.tags(), tags_of(bytes), "both ways to the tags give the same");
    }
    assert!(!record_of(bytes).is_empty() || bytes.is_empty());
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let key: VerifierKey = KEY.parse().expect("a key");
    let _ = text.parse::<VerifierKey>();
    let _ = Checkpoint::verify(text, &key);
    let _ = text.parse::<WitnessKey>();
    // A witness's answer to a checkpoint that is one.
    let checkpoint = Checkpoint::verify(CHECKPOINT, &key).expect("a checkpoint");
    let witness: WitnessKey = WITNESS.parse().expect("a key");
    assert!(witness.verify(&checkpoint, text).is_err(), "nothing made up is a cosignature");
    if let Ok(proof) = text.parse::<InclusionProof>() {
        let _ = proof.verify(b"x", &key);
    }
    if let Ok(proof) = ClipProof::parse(text) {
        assert_eq!(ClipProof::parse(&proof.to_string()).expect("its own text"), proof);
        let _ = proof.verify(&key, &[]);
    }
});
