//! Key files: round trips, wrong passphrases, damage, rights.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeSet, fs};

use hausrecht_vault::{
    DEVICE_KEYS_FILE, DeviceKeys, DeviceKeysError, ExposeSecret, OwnerKeys, PersonKeys, SecretString,
    UnlockError, open_with, seal_to,
};

/// scrypt's cost in tests, N = 2^4.
const LOG_N: u8 = 4;

fn passphrase(text: &str) -> SecretString {
    SecretString::from(text)
}

#[test]
fn the_owners_keys_survive_and_open_only_with_the_passphrase() {
    let keys = OwnerKeys::generate(&mut rand::rng());
    let sealed = keys.seal(&passphrase("right"), LOG_N);
    let again = OwnerKeys::open(&sealed, &passphrase("right")).unwrap();
    assert_eq!(again.recipient(), keys.recipient());
    assert_eq!(again.signing().to_bytes(), keys.signing().to_bytes());
    for wrong in ["", "Right", "right "] {
        assert_eq!(OwnerKeys::open(&sealed, &passphrase(wrong)).unwrap_err(), UnlockError::WrongPassphrase);
    }
}

#[test]
fn the_recovery_sheet_is_enough() {
    let keys = OwnerKeys::generate(&mut rand::rng());
    let sheet = keys.to_identity_file();
    // Typed in by hand: spaces at the ends, empty lines, other line ends.
    let typed = format!("\r\n  {}  \r\n", sheet.expose_secret().replace('\n', "  \r\n"));
    let again = OwnerKeys::from_identity_file(&typed).unwrap();
    assert_eq!(again.recipient(), keys.recipient());
    assert_eq!(again.signing().to_bytes(), keys.signing().to_bytes());
}

#[test]
fn a_persons_key_survives_and_is_not_taken_for_the_owners() {
    let keys = PersonKeys::generate();
    let sealed = keys.seal(&passphrase("own"), LOG_N);
    assert_eq!(PersonKeys::open(&sealed, &passphrase("own")).unwrap().recipient(), keys.recipient());
    assert_eq!(PersonKeys::open(&sealed, &passphrase("x")).unwrap_err(), UnlockError::WrongPassphrase);
    assert!(matches!(
        OwnerKeys::open(&sealed, &passphrase("own")),
        Err(UnlockError::OtherContent { expected: "the owner's signing key" })
    ));
}

#[test]
fn every_cut_and_every_changed_byte_of_a_key_file_is_noticed() {
    let keys = PersonKeys::generate();
    let sealed = keys.seal(&passphrase("p"), LOG_N);
    for cut in 0..sealed.len() {
        assert!(PersonKeys::open(&sealed[..cut], &passphrase("p")).is_err(), "cut at {cut}");
    }
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert!(PersonKeys::open(&changed, &passphrase("p")).is_err(), "byte {at}");
    }
    let mut last = sealed.clone();
    *last.last_mut().unwrap() ^= 1;
    assert_eq!(PersonKeys::open(&last, &passphrase("p")).unwrap_err(), UnlockError::Damaged);
}

#[test]
fn other_files_are_named() {
    let p = passphrase("p");
    assert_eq!(OwnerKeys::open(b"", &p).unwrap_err(), UnlockError::NotAKeyFile);
    assert_eq!(OwnerKeys::open(b"hello", &p).unwrap_err(), UnlockError::NotAKeyFile);
    let to_a_key = seal_to(&[PersonKeys::generate().recipient()], b"x").unwrap();
    assert_eq!(OwnerKeys::open(&to_a_key, &p).unwrap_err(), UnlockError::NoPassphrase);
    let sealed = String::from_utf8_lossy(&PersonKeys::generate().seal(&p, LOG_N)).into_owned();
    let greedy = sealed.replacen(" 4\n", " 40\n", 1);
    assert_eq!(PersonKeys::open(greedy.as_bytes(), &p).unwrap_err(), UnlockError::TooMuchWork { log_n: 40 });
}

#[test]
fn device_keys_are_made_once() {
    let folder = tempfile::tempdir().unwrap();
    assert!(DeviceKeys::load(folder.path()).unwrap().is_none());
    let made = DeviceKeys::load_or_create(folder.path(), &mut rand::rng()).unwrap();
    let again = DeviceKeys::load_or_create(folder.path(), &mut rand::rng()).unwrap();
    assert_eq!(made.broker_recipient(), again.broker_recipient());
    assert_eq!(made.log_signing().to_bytes(), again.log_signing().to_bytes());
    assert_eq!(made.tag_key(), again.tag_key());
    let names: BTreeSet<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, BTreeSet::from([DEVICE_KEYS_FILE.into()]), "nothing is left beside it");

    let password = seal_to(&[made.broker_recipient()], b"camera password").unwrap();
    assert_eq!(open_with(again.broker(), &password).unwrap().as_slice(), b"camera password");
}

#[cfg(unix)]
#[test]
fn only_the_user_can_read_the_device_keys() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(DEVICE_KEYS_FILE);
    let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    DeviceKeys::load_or_create(folder.path(), &mut rand::rng()).unwrap();
    assert_eq!(mode(), 0o600);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    DeviceKeys::load(folder.path()).unwrap();
    assert_eq!(mode(), 0o600);
}

#[test]
fn damaged_device_keys_are_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(DEVICE_KEYS_FILE);
    for text in [
        "",
        "{}",
        "{\"version\":1}",
        "not json",
        "{\"version\":1,\"broker\":\"\",\"log_signing\":\"\",\"tag\":\"\"}",
    ] {
        fs::write(&path, text).unwrap();
        let refused = DeviceKeys::load_or_create(folder.path(), &mut rand::rng());
        assert!(matches!(refused, Err(DeviceKeysError::Damaged { .. })), "{text}: {refused:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    fs::write(&path, "{\"version\":2,\"more\":true}").unwrap();
    assert!(matches!(DeviceKeys::load(folder.path()), Err(DeviceKeysError::Newer { version: 2, .. })));
}

#[test]
fn debug_shows_no_secret() {
    let (owner, person) = (OwnerKeys::generate(&mut rand::rng()), PersonKeys::generate());
    let device = DeviceKeys::generate(&mut rand::rng());
    let shown = format!("{owner:?} {person:?} {device:?}");
    assert!(!shown.contains("SECRET-KEY"), "{shown}");
    assert!(shown.matches("age1").count() == 3, "{shown}");
}
