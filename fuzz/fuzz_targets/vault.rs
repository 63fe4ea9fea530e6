//! Wraps, sealed values and clips that somebody else may have made up or damaged.
#![no_main]

use std::sync::LazyLock;

use hausrecht_vault::{ClipKey, ClipReader, Identity, open_with, recover_part, part_path};

static KEY: LazyLock<Identity> = LazyLock::new(Identity::generate);
static CLIP: LazyLock<ClipKey> = LazyLock::new(ClipKey::generate);
static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir_in("/dev/shm").expect("a folder"));

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    assert!(open_with(&KEY, bytes).is_err(), "nothing made up opens");
    assert!(ClipKey::unwrap_as_owner(bytes, &KEY).is_err());
    assert!(ClipKey::unwrap_as_person(bytes, &KEY, &KEY).is_err());
    assert!(ClipKey::agree(bytes, &KEY, &KEY).is_err());
    let path = FOLDER.path().join("clip.age");
    std::fs::write(&path, bytes).expect("room");
    if let Ok(mut reader) = ClipReader::open(&path, &CLIP) {
        let mut buffer = [0; 100];
        let _ = reader.read_at(0, &mut buffer);
    }
    std::fs::remove_file(&path).expect("it was there");
    // What a crash left: it is cut to its last whole chunk, and never more is there than before.
    let part = part_path(&path);
    std::fs::write(&part, bytes).expect("room");
    if recover_part(&path).is_ok() {
        assert!(std::fs::metadata(&path).expect("recovered").len() <= bytes.len() as u64);
    }
    let _ = std::fs::remove_file(&path);
    let _ = std::fs::remove_file(&part);
});
