//! What somebody else may have put into a package, a backup, or a question to a witness. The first byte chooses.
#![no_main]

use std::{
    io::Write,
    sync::{Arc, LazyLock},
};

use hausrecht_engine::{
    Package, Witness, restore,
    wire::{PackageKey, RestoreKey},
};
use hausrecht_model::{UnixMicros, clock::SystemClock};
use hausrecht_vault::{SealFor, SecretString, StreamSealer};

const PASSPHRASE: &str = "x";
const KEY: &str = "hausrecht/7599776c3085e3f9+bd27c618+AW56HN0psLeP0Tr0xVmP7/TvKpcWbjym8uT7/M2AUFvx";

static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir_in("/dev/shm").expect("a folder"));
static WITNESS: LazyLock<Witness> = LazyLock::new(|| {
    let folder = FOLDER.path().join("witness");
    Witness::open(&folder, "w.example/w", &[KEY.to_owned()], Arc::new(SystemClock::new())).expect("a witness")
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((first, bytes)) = bytes.split_first() else { return };
    match first % 3 {
        0 => package(bytes),
        1 => backup(bytes),
        _ => {
            if let Ok(text) = std::str::from_utf8(bytes) {
                assert_ne!(WITNESS.add_checkpoint(text).status, 200, "nothing made up is cosigned");
            }
        }
    }
});

/// Whatever is inside: it is looked through, and nothing comes out of it but films below the folder that was named.
fn package(bytes: &[u8]) {
    let path = FOLDER.path().join("made-up.hausrecht");
    let sealed_for = SealFor::Passphrase { passphrase: SecretString::from(PASSPHRASE), log_n: 1 };
    let mut sealer = StreamSealer::begin(&sealed_for, Vec::new()).expect("memory");
    sealer.write_all(bytes).expect("memory");
    std::fs::write(&path, sealer.finish().expect("memory")).expect("room");
    let key = PackageKey::Passphrase { passphrase: PASSPHRASE.to_owned() };
    let Ok(mut package) = Package::open_with(&path, key) else { return };
    let _ = package.view();
    let _ = package.check(None, UnixMicros(0), |_| true);
    let to = FOLDER.path().join("inner").join("films");
    std::fs::create_dir_all(&to).expect("room");
    let _ = package.extract(&to);
    let inner = std::fs::read_dir(FOLDER.path().join("inner")).expect("the folder");
    assert_eq!(inner.count(), 1, "something was written beside the folder");
    std::fs::remove_dir_all(FOLDER.path().join("inner")).expect("room");
}

/// Whatever is in it: without the owner's key it brings nothing back, and nothing is left of the attempt.
fn backup(bytes: &[u8]) {
    let path = FOLDER.path().join("made-up.hausrecht-backup");
    std::fs::write(&path, bytes).expect("room");
    let folder = FOLDER.path().join("fresh");
    let key = RestoreKey::Passphrase { passphrase: PASSPHRASE.to_owned() };
    assert!(restore(&path, &folder, key, 1).is_err());
    assert!(!folder.join("restore").exists());
    let _ = std::fs::remove_dir_all(&folder);
}
