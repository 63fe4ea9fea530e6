//! The way out: Debian's own `age` program opens what the vault wrote, with the passphrase or the recovery sheet alone.
//!
//! Skipped, and said so, only where the program is not installed.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use hausrecht_vault::{ClipKey, ClipWriter, ExposeSecret, OwnerKeys, PersonKeys, SecretString, seal_to};

/// Runs `age`; `None` if it is not installed.
fn age(folder: &Path, arguments: &[&str], input: &[u8]) -> Option<std::process::Output> {
    let child = Command::new("age")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("SKIPPED: the program `age` is not installed");
            return None;
        }
        Err(error) => panic!("age: {error}"),
    };
    // A program that refuses its input closes the pipe early.
    let _ = child.stdin.take().unwrap().write_all(input);
    Some(child.wait_with_output().unwrap())
}

#[test]
fn stock_age_opens_an_owner_wrap_and_then_the_clip() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let owner = OwnerKeys::generate(&mut rand::rng());
    fs::write(path.join("id.txt"), owner.to_identity_file().expose_secret()).unwrap();

    let key = ClipKey::generate();
    let plain: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    let mut writer = ClipWriter::create(&path.join("clip.age"), &key.recipient()).unwrap();
    writer.write_all(&plain).unwrap();
    writer.finish().unwrap();
    let wrap = key.wrap_for_owner(&owner.recipient());

    let Some(opened) = age(path, &["-d", "-i", "id.txt"], &wrap) else { return };
    assert!(opened.status.success(), "{}", String::from_utf8_lossy(&opened.stderr));
    fs::write(path.join("clip-key.txt"), opened.stdout).unwrap();
    let clip = age(path, &["-d", "-i", "clip-key.txt", "clip.age"], b"").unwrap();
    assert!(clip.status.success(), "{}", String::from_utf8_lossy(&clip.stderr));
    assert!(clip.stdout == plain);

    let sealed = seal_to(&[owner.recipient()], b"a thumbnail").unwrap();
    assert_eq!(age(path, &["-d", "-i", "id.txt"], &sealed).unwrap().stdout, b"a thumbnail");
}

#[test]
fn stock_age_opens_a_persons_wrap_with_both_keys_and_with_neither_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let (broker, person, key) = (PersonKeys::generate(), PersonKeys::generate(), ClipKey::generate());
    for (name, keys) in [("broker.txt", &broker), ("person.txt", &person)] {
        fs::write(path.join(name), keys.identity().to_secret_text().expose_secret()).unwrap();
    }
    let wrap = key.wrap_for_person(&broker.recipient(), &person.recipient());

    let Some(alone) = age(path, &["-d", "-i", "person.txt"], &wrap) else { return };
    assert!(!alone.status.success(), "the person's key alone opened the wrap");
    let inner = age(path, &["-d", "-i", "broker.txt"], &wrap).unwrap();
    assert!(inner.status.success());
    assert!(inner.stdout.starts_with(b"age-encryption.org/v1\n"), "the broker's key yields one more layer");
    assert!(!age(path, &["-d", "-i", "broker.txt"], &inner.stdout).unwrap().status.success());
    let both = age(path, &["-d", "-i", "person.txt"], &inner.stdout).unwrap();
    assert!(both.stdout.starts_with(b"AGE-SECRET-KEY-1"));
}

/// `age` asks for a passphrase on the terminal only, so `script` (util-linux) gives it one.
#[test]
fn stock_age_opens_the_owner_file_with_the_passphrase() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let owner = OwnerKeys::generate(&mut rand::rng());
    let passphrase = SecretString::from("able about above absent absorb abuse");
    fs::write(path.join("owner.age"), owner.seal(&passphrase, 10)).unwrap();
    if age(path, &["--version"], b"").is_none() {
        return;
    }
    let child = Command::new("script")
        .args(["-qec", "age -d -o id.txt owner.age", "/dev/null"])
        .current_dir(path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        eprintln!("SKIPPED: the program `script` is not installed");
        return;
    };
    let mut input = child.stdin.take().unwrap();
    // age throws away what was typed before it asked, so the passphrase follows the question.
    let mut output = child.stdout.take().unwrap();
    let mut seen = Vec::new();
    while !seen.windows(10).any(|window| window == b"passphrase") {
        let mut block = [0; 256];
        let read = std::io::Read::read(&mut output, &mut block).unwrap();
        assert!(read > 0, "age asked for nothing: {}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&block[..read]);
    }
    writeln!(input, "{}", passphrase.expose_secret()).unwrap();
    std::io::copy(&mut output, &mut std::io::sink()).unwrap();
    assert!(child.wait().unwrap().success());
    let text = fs::read_to_string(path.join("id.txt")).unwrap();
    assert_eq!(text, owner.to_identity_file().expose_secret());
}
