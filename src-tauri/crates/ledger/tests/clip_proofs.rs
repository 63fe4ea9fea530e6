//! Everything that happened to one clip: shown whole, without showing the rest, and no lie about it holds.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use ed25519_dalek::SigningKey;
use hausrecht_ledger::{
    Actor, Checkpoint, ClipProof, ClipProofError, ClipTag, Draft, Hash, HashStore, Kind, MAX_PROOF_ENTRIES,
    VerifierKey, append_hashes, origin_of, root,
};
use hausrecht_model::{ClipId, UnixMicros};
use proptest::prelude::*;
use rand::{SeedableRng, rngs::StdRng};
use serde_json::json;

const TAG_KEY: [u8; 32] = [7; 32];

#[derive(Default)]
struct Log {
    leaves: Vec<Vec<u8>>,
    hashes: Vec<Hash>,
}

impl HashStore for &Log {
    type Error = u64;

    fn read(&self, positions: &[u64]) -> Result<Vec<Hash>, u64> {
        positions
            .iter()
            .map(|at| self.hashes.get(usize::try_from(*at).unwrap()).copied().ok_or(*at))
            .collect()
    }
}

fn device() -> SigningKey {
    SigningKey::from_bytes(&[3; 32])
}

fn clip(number: u8) -> ClipId {
    format!("{number:016x}").parse().unwrap()
}

fn tag(number: u8) -> ClipTag {
    ClipTag::of(&TAG_KEY, clip(number))
}

impl Log {
    fn add(&mut self, kind: Kind, about: Option<u8>, tags: &[u8]) {
        let n = self.leaves.len() as u64;
        let mut draft = Draft::new(kind, UnixMicros(n.cast_signed()), n, "boot", Actor::Device);
        draft.clip = about.map(tag);
        if !tags.is_empty() {
            let tags: Vec<_> = tags.iter().map(|number| tag(*number).to_string()).collect();
            draft = draft.fact("tags", json!(tags));
        }
        let leaf = draft.seal(&mut StdRng::seed_from_u64(n), &device()).unwrap().leaf;
        let hashes = append_hashes(n, &leaf, &&*self).unwrap();
        self.hashes.extend(hashes);
        self.leaves.push(leaf);
    }

    fn proof(&self, number: u8, from: u64) -> (String, VerifierKey) {
        let key = device();
        let origin = origin_of(&key.verifying_key());
        let size = self.leaves.len() as u64;
        let checkpoint = Checkpoint::sign(&origin, size, root(size, &self).unwrap(), &key).unwrap();
        let mut proof = ClipProof::begin(tag(number), from, &checkpoint, &self).unwrap();
        for leaf in &self.leaves[usize::try_from(from).unwrap()..] {
            proof.push(leaf);
        }
        (proof.to_string(), VerifierKey::new(&origin, key.verifying_key()).unwrap())
    }
}

/// A log in which three clips are recorded, opened and erased, the first of them in one entry for all.
fn sample() -> Log {
    let mut log = Log::default();
    log.add(Kind::Started, None, &[]);
    for number in 1..=3 {
        log.add(Kind::Recorded, Some(number), &[]);
    }
    log.add(Kind::Opened, Some(2), &[]);
    log.add(Kind::Unlocked, None, &[]);
    log.add(Kind::CopyMade, Some(2), &[]);
    log.add(Kind::Opened, Some(1), &[]);
    log.add(Kind::Erased, None, &[1, 2]);
    log.add(Kind::Stopped, None, &[]);
    log
}

fn verdict(text: &str, key: &VerifierKey) -> Result<Vec<(u64, Kind)>, ClipProofError> {
    let (_, told) = ClipProof::parse(text)?.verify(key, &[])?;
    Ok(told.into_iter().map(|told| (told.index, told.entry.kind)).collect())
}

#[test]
fn all_that_happened_to_a_clip_is_told_and_nothing_of_the_others() {
    let (text, key) = sample().proof(2, 2);
    let told = verdict(&text, &key).unwrap();
    assert_eq!(told, [(2, Kind::Recorded), (4, Kind::Opened), (6, Kind::CopyMade), (8, Kind::Erased)]);
    assert_eq!(text.lines().filter(|line| line.starts_with("entry ")).count(), 4);
    assert!(!text.contains("unlocked"), "of other entries only hashes are shown");
    assert_eq!(ClipProof::parse(&text).unwrap().to_string(), text);
}

#[test]
fn each_lie_has_its_own_name() {
    let log = sample();
    let (good, key) = log.proof(2, 2);
    // The copy is hidden behind its record.
    let leaf = &log.leaves[6];
    let hidden = String::from_utf8(hausrecht_ledger::record_of(leaf)).unwrap();
    let mut words = hidden.lines().skip(1);
    let (hash, tag) = (words.next().unwrap(), words.next().unwrap());
    let shown = format!("entry {}", String::from_utf8_lossy(leaf));
    assert!(good.contains(&shown));
    let lie = good.replace(&shown, &format!("other {hash} {tag}"));
    assert!(matches!(verdict(&lie, &key), Err(ClipProofError::Hidden(6))));
    // It is hidden, and its tag as well.
    let lie = good.replace(&shown, &format!("other {hash}"));
    assert!(matches!(verdict(&lie, &key), Err(ClipProofError::Root)));
    // It is left out.
    let lie = good.replace(&format!("{shown}\n"), "");
    assert!(matches!(verdict(&lie, &key), Err(ClipProofError::Size { given: 9, size: 10 })));
    // The proof begins later than the clip did.
    let (late, _) = log.proof(2, 4);
    assert!(matches!(verdict(&late, &key), Err(ClipProofError::Beginning(4))));
    // It is of another log.
    let other = SigningKey::from_bytes(&[4; 32]).verifying_key();
    let other = VerifierKey::new(&origin_of(&other), other).unwrap();
    assert!(matches!(verdict(&good, &other), Err(ClipProofError::Checkpoint(_))));
    // A word of a shown entry is another.
    let lie = good.replace("copy_made", "previewed");
    assert!(matches!(verdict(&lie, &key), Err(ClipProofError::Signature { index: 6, .. })));
    for (line, cut) in [(1, "hausrecht-clip-proof-v2"), (2, "tag 12"), (3, "from -1"), (4, "left x")] {
        let lie: Vec<_> =
            (1..).zip(good.split('\n')).map(|(at, text)| if at == line { cut } else { text }).collect();
        assert!(
            matches!(verdict(&lie.join("\n"), &key), Err(ClipProofError::Line(at)) if at == line),
            "{cut}"
        );
    }
}

/// What comes before a proof's first entry is given by the tops of its whole subtrees, of which there are few or many.
#[test]
fn a_clip_may_be_recorded_anywhere_in_the_log() {
    for before in 0..20 {
        let mut log = Log::default();
        for _ in 0..before {
            log.add(Kind::Unlocked, None, &[]);
        }
        log.add(Kind::Recorded, Some(1), &[]);
        log.add(Kind::Opened, Some(1), &[]);
        let (text, key) = log.proof(1, before);
        let told = verdict(&text, &key).unwrap();
        assert_eq!(told, [(before, Kind::Recorded), (before + 1, Kind::Opened)]);
    }
}

#[test]
fn the_clips_of_an_entry_that_is_not_shown_stand_in_order_and_once() {
    let (good, key) = sample().proof(3, 3);
    let line = good.lines().find(|line| line.split(' ').count() == 4).unwrap();
    let words: Vec<_> = line.split(' ').collect();
    for tags in [[words[3], words[2]], [words[2], words[2]]] {
        let lie = good.replace(line, &format!("other {} {}", words[1], tags.join(" ")));
        assert!(matches!(verdict(&lie, &key), Err(ClipProofError::Line(_))), "{lie}");
    }
    assert_eq!(verdict(&good, &key).unwrap(), [(3, Kind::Recorded)]);
}

#[test]
fn a_log_may_be_so_long_and_no_longer() {
    let begins = |from: u64| {
        let left = "left AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n".repeat(from.count_ones() as usize);
        ClipProof::parse(&format!("hausrecht-clip-proof-v1\ntag {}\nfrom {from}\n{left}\nx", tag(1)))
    };
    let longest = MAX_PROOF_ENTRIES * 1_000 - 1;
    assert!(begins(longest).is_ok(), "{:?}", begins(longest));
    assert!(matches!(begins(longest + 1), Err(ClipProofError::Line(3))));
}

proptest! {
    #[test]
    fn one_changed_byte_is_always_noticed(at in any::<prop::sample::Index>(), bit in 0..7) {
        let (good, key) = sample().proof(1, 1);
        let truth = verdict(&good, &key).unwrap();
        let mut bytes = good.clone().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= 1_u8 << bit;
        let Ok(text) = String::from_utf8(bytes) else { return Ok(()) };
        // A space more at the end of a base64 text, and the like, may change nothing: then the same is told.
        if let Ok(told) = verdict(&text, &key) {
            prop_assert_eq!(told, truth);
        }
    }

    #[test]
    fn strange_texts_never_panic(text in any::<String>()) {
        prop_assert!(ClipProof::parse(&text).is_err());
    }
}
