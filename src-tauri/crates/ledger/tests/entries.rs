//! Entries written and read: the sample of FORMAT.md, strictness, signatures, commitments.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use ed25519_dalek::SigningKey;
use hausrecht_ledger::{
    Actor, ClipTag, Draft, DraftError, Entry, EntryError, KeyId, Kind, MAX_LEAF_BYTES, SignatureError,
};
use hausrecht_model::UnixMicros;
use proptest::prelude::*;
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::json;

fn rng() -> StdRng {
    StdRng::seed_from_u64(1)
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

/// The draft that FORMAT.md shows as a leaf.
fn sample() -> Draft {
    let mut draft = Draft::new(
        Kind::Opened,
        UnixMicros(1_767_225_600_000_000),
        5_000_000,
        "5f0c1f6e2f5b4c0f",
        Actor::Person("00000000000000a1".parse().unwrap()),
    )
    .fact("surface", "window")
    .personal("person", "Margarethe")
    .personal("reason", "parcel");
    draft.camera = Some("00000000000000c1".parse().unwrap());
    draft.clip = Some(ClipTag::of(&[7; 32], "00000000000000d1".parse().unwrap()));
    draft.grant = Some("00000000000000e1".parse().unwrap());
    draft.refers_to = Some(12);
    draft
}

#[test]
fn the_sample_of_the_documentation_is_what_is_written() {
    let sealed = sample().seal(&mut rng(), &key(3)).unwrap();
    let leaf = String::from_utf8(sealed.leaf).unwrap();
    let documented = include_str!("../FORMAT.md");
    assert!(documented.contains(&leaf), "FORMAT.md should show\n{leaf}");
}

#[test]
fn an_entry_reads_back_as_it_was_drafted() {
    let draft = sample();
    let sealed = draft.clone().seal(&mut rng(), &key(3)).unwrap();
    let entry = Entry::parse(&sealed.leaf).unwrap();
    assert_eq!(
        (entry.kind, entry.at, entry.monotonic_us, &entry.boot_id, entry.actor),
        (draft.kind, draft.at, draft.monotonic_us, &draft.boot_id, draft.actor)
    );
    assert_eq!(
        (entry.camera, entry.clip, entry.grant, entry.refers_to, &entry.facts),
        (draft.camera, draft.clip, draft.grant, draft.refers_to, &draft.facts)
    );
    assert_eq!(entry.key, KeyId::of(&key(3).verifying_key()));
    assert_eq!(format!("{:?}", entry.key), format!("KeyId({})", entry.key));
    entry.verify_signature(&key(3).verifying_key()).unwrap();
}

#[test]
fn personal_fields_are_committed_to_and_not_shown() {
    let sealed = sample().seal(&mut rng(), &key(3)).unwrap();
    assert!(!String::from_utf8_lossy(&sealed.leaf).contains("Margarethe"));
    assert_eq!(format!("{:?}", sealed.personal), "[PersonalField(person), PersonalField(reason)]");
    let entry = Entry::parse(&sealed.leaf).unwrap();
    for field in &sealed.personal {
        assert!(entry.check_personal(&field.name, &field.value, &field.salt));
        assert!(!entry.check_personal(&field.name, "somebody else", &field.salt));
        assert!(!entry.check_personal(&field.name, &field.value, &[0; 32]));
        assert!(!entry.check_personal("other", &field.value, &field.salt));
    }
    assert_ne!(sealed.personal[0].salt, sealed.personal[1].salt);
}

#[test]
fn only_the_key_that_signed_verifies() {
    let entry = Entry::parse(&sample().seal(&mut rng(), &key(3)).unwrap().leaf).unwrap();
    let other = key(4).verifying_key();
    assert_eq!(
        entry.verify_signature(&other),
        Err(SignatureError::OtherKey { signed_by: entry.key, expected: KeyId::of(&other) })
    );
}

#[test]
fn the_tag_of_a_clip_is_an_hmac() {
    // echo -n 00000000000000d1 | openssl dgst -sha256 -mac HMAC -macopt hexkey:0707...07
    let tag = ClipTag::of(&[7; 32], "00000000000000d1".parse().unwrap());
    assert_eq!(tag.to_string(), "30867580ed3391a536f0826e65d9b7598317437adad6cdb28685f6b77d480a24");
    assert_eq!(tag.to_string().parse::<ClipTag>().unwrap(), tag);
    let bytes: String = tag.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(bytes, tag.to_string());
    assert_eq!(format!("{tag:?}"), format!("ClipTag({tag})"));
}

#[test]
fn an_entry_is_about_its_clip_and_those_that_it_names() {
    let tag = |clip: &str| ClipTag::of(&[7; 32], clip.parse().unwrap());
    let (own, other) = (tag("00000000000000d1"), tag("00000000000000d2"));
    let entry = |draft: Draft| Entry::parse(&draft.seal(&mut rng(), &key(3)).unwrap().leaf).unwrap();
    assert_eq!(entry(sample()).tags(), [own].into());
    assert_eq!(entry(sample().fact("tags", json!([other.to_string()]))).tags(), [own, other].into());
}

#[test]
fn an_entry_may_be_so_long_and_not_a_byte_longer() {
    let seal = |len: usize| sample().fact("long", "x".repeat(len)).seal(&mut rng(), &key(3));
    let room = MAX_LEAF_BYTES - seal(0).unwrap().leaf.len();
    let longest = seal(room).unwrap().leaf;
    assert_eq!(longest.len(), MAX_LEAF_BYTES);
    Entry::parse(&longest).unwrap();
    assert_eq!(seal(room + 1).map(|_| ()), Err(DraftError::TooLong(MAX_LEAF_BYTES + 1)));
    let longer = [longest, b" ".repeat(2)].concat();
    assert_eq!(Entry::parse(&longer).map(|_| ()), Err(EntryError::TooLong(MAX_LEAF_BYTES + 2)));
}

#[test]
fn what_has_no_canonical_form_is_not_drafted() {
    let seal = |draft: Draft| draft.seal(&mut rng(), &key(3)).map(|_| ());
    assert_eq!(seal(sample().fact("Größe", 1)), Err(DraftError::Name("Größe".into())));
    assert_eq!(seal(sample().fact("fps", json!(12.5))), Err(DraftError::Number("12.5".into())));
    assert_eq!(seal(sample().personal("person", "x")), Err(DraftError::Twice("person".into())));
    assert_eq!(seal(sample().fact("deep", json!([[[[[[[[1]]]]]]]]))), Err(DraftError::Depth));
    assert!(matches!(seal(sample().fact("long", "x".repeat(MAX_LEAF_BYTES))), Err(DraftError::TooLong(_))));
}

proptest! {
    #[test]
    fn any_text_survives(text in any::<String>(), value in any::<String>(), number in -(1_i64 << 52)..1 << 52) {
        let draft = sample().fact("text", text.clone()).fact("number", number).personal("note", value.clone());
        let sealed = draft.clone().seal(&mut rng(), &key(3)).unwrap();
        let entry = Entry::parse(&sealed.leaf).unwrap();
        prop_assert_eq!(&entry.facts, &draft.facts);
        entry.verify_signature(&key(3).verifying_key()).unwrap();
        let field = &sealed.personal[2];
        prop_assert!(field.value == value && entry.check_personal("note", &value, &field.salt));
    }

    #[test]
    fn strange_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Entry::parse(&bytes).is_err());
    }

    #[test]
    fn one_changed_byte_is_always_noticed(at in any::<prop::sample::Index>(), bit in 0..8) {
        let mut leaf = sample().seal(&mut rng(), &key(3)).unwrap().leaf;
        let at = at.index(leaf.len());
        leaf[at] ^= 1_u8 << bit;
        let noticed = match Entry::parse(&leaf) {
            Ok(entry) => entry.verify_signature(&key(3).verifying_key()).is_err(),
            Err(_) => true,
        };
        prop_assert!(noticed, "byte {} bit {}", at, bit);
    }
}

/// Each file under `tests/vectors/ledger` is the sample with one defect, named for it.
#[test]
fn each_defect_has_its_own_name() {
    let read = |name: &str| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/vectors/ledger");
        std::fs::read(format!("{folder}/{name}.json")).unwrap()
    };
    let good = read("good");
    Entry::parse(&good).unwrap().verify_signature(&key(3).verifying_key()).unwrap();
    Entry::parse(&read("good_version_1")).unwrap().verify_signature(&key(3).verifying_key()).unwrap();
    for (name, expected) in [
        ("empty", EntryError::NotJson),
        ("not_json", EntryError::NotJson),
        ("not_utf8", EntryError::NotJson),
        ("line_end", EntryError::NotCanonical),
        ("white_space", EntryError::NotCanonical),
        ("member_order", EntryError::NotCanonical),
        ("member_twice", EntryError::NotCanonical),
        ("escape", EntryError::NotCanonical),
        ("fraction", EntryError::NotCanonical),
        ("version_missing", EntryError::Missing("v")),
        ("version_3", EntryError::Version(3)),
        ("kind_missing", EntryError::Missing("kind")),
        ("kind_unknown", EntryError::Kind("deleted".into())),
        ("member_unknown", EntryError::Unknown("zone".into())),
        ("camera_upper_case", EntryError::Malformed("camera")),
        ("clip_short", EntryError::Malformed("clip")),
        ("by_nobody", EntryError::Malformed("by")),
        ("facts_empty", EntryError::Malformed("facts")),
        ("commitment_short", EntryError::Malformed("personal")),
        ("refers_to_negative", EntryError::Malformed("refers_to")),
        ("sig_missing", EntryError::Missing("sig")),
        ("sig_short", EntryError::Malformed("sig")),
    ] {
        assert_eq!(Entry::parse(&read(name)).unwrap_err(), expected, "{name}");
    }
    let bad = Entry::parse(&read("sig_bad")).unwrap();
    assert_eq!(bad.verify_signature(&key(3).verifying_key()), Err(SignatureError::Wrong(bad.key)));
    let other = Entry::parse(&read("changed_time")).unwrap();
    assert_eq!(other.verify_signature(&key(3).verifying_key()), Err(SignatureError::Wrong(other.key)));
}

/// Randomness that is passed in is all that a leaf depends on.
#[test]
fn the_same_randomness_gives_the_same_leaf() {
    let (a, b) = (sample().seal(&mut rng(), &key(3)), sample().seal(&mut rng(), &key(3)));
    assert_eq!(a, b);
    let mut other = StdRng::seed_from_u64(rng().random());
    assert_ne!(sample().seal(&mut other, &key(3)), a);
}
