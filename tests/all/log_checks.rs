//! The log on the command line, beside a checkpoint that was kept: grown, written anew, or cut off.

use std::{
    fs,
    process::{Command, Output, Stdio},
};

use hausrecht_tests::{disk::copy_all, programs, stage::OWNER_PASSPHRASE};
use serde_json::Value;

/// A vault on the command line.
struct Vault {
    folder: tempfile::TempDir,
}

impl Vault {
    fn new() -> Self {
        let vault = Self { folder: tempfile::tempdir().unwrap() };
        fs::write(vault.path("owner"), OWNER_PASSPHRASE).unwrap();
        fs::write(vault.path("person"), "copper window maple seven drift anchor").unwrap();
        let made = vault.owner(&["init", "--owner", "Alex"]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        vault
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(programs::cli());
        command.arg("--data-dir").arg(self.folder.path().join("vault")).args(args);
        command.stdin(Stdio::null()).env_remove("HAUSRECHT_DATA").env_remove("HAUSRECHT_NAME");
        command.output().unwrap()
    }

    fn owner(&self, args: &[&str]) -> Output {
        let passphrase = self.path("owner");
        self.run(&[&["--name", "Alex", "--passphrase-file", &passphrase], args].concat())
    }

    fn add_person(&self, name: &str) {
        let secret = self.path("person");
        let added = self.owner(&["people", "--add", name, "--new-passphrase-file", &secret]);
        assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    }

    /// Keeps a checkpoint as a file.
    fn checkpoint(&self, name: &str) -> String {
        let note = self.run(&["log", "checkpoint"]);
        assert!(note.status.success());
        fs::write(self.path(name), &note.stdout).unwrap();
        self.path(name)
    }

    fn consistency(&self, checkpoint: &str) -> (Option<i32>, Value) {
        let out = self.run(&["--json", "log", "consistency", checkpoint]);
        (out.status.code(), serde_json::from_slice(&out.stdout).unwrap_or(Value::Null))
    }

    /// Another vault as this one is now.
    fn copy(&self) -> Self {
        let copy = Self { folder: tempfile::tempdir().unwrap() };
        copy_all(self.folder.path(), copy.folder.path());
        copy
    }
}

#[test]
fn a_checkpoint_that_was_kept_shows_a_fork_and_a_cut() {
    let vault = Vault::new();
    let early = vault.checkpoint("early");
    let (other, older) = (vault.copy(), vault.copy());
    vault.add_person("Robin");
    let late = vault.checkpoint("late");

    // Grown: the proof leads from the one to the other.
    let (code, grown) = vault.consistency(&early);
    assert_eq!((code, grown["standing"].as_str()), (Some(0), Some("grown")), "{grown}");
    assert!(grown["new_size"].as_u64() > grown["old_size"].as_u64());
    assert!(!grown["proof"].as_array().unwrap().is_empty());
    let said = vault.run(&["log", "consistency", &early]);
    assert!(String::from_utf8_lossy(&said.stdout).contains("entries are as they were"));

    // An older copy was put back: it has fewer entries than the checkpoint covers.
    let (code, cut) = older.consistency(&late);
    assert_eq!((code, cut["standing"].as_str()), (Some(3), Some("cut")), "{cut}");
    let said = older.run(&["log", "consistency", &late]);
    assert!(String::from_utf8_lossy(&said.stdout).contains("cut off"));

    // And it grew into another log than the one that the checkpoint was signed for.
    other.add_person("Sam");
    other.add_person("Kim");
    other.add_person("Toni");
    let (code, fork) = other.consistency(&late);
    assert_eq!((code, fork["standing"].as_str()), (Some(3), Some("fork")), "{fork}");
    assert!(fork["proof"].as_array().unwrap().is_empty());
    let (code, grown) = other.consistency(&early);
    assert_eq!((code, grown["standing"].as_str()), (Some(0), Some("grown")), "{grown}");

    // What is no checkpoint of this log is refused with a sentence.
    let text = fs::read_to_string(&late).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines[1] = "1";
    fs::write(vault.path("forged"), lines.join("\n") + "\n").unwrap();
    fs::write(vault.path("nothing"), "hello").unwrap();
    let stranger = Vault::new().run(&["log", "checkpoint"]).stdout;
    fs::write(vault.path("stranger"), stranger).unwrap();
    for (name, sentence) in
        [("forged", "is wrong"), ("nothing", "not a signed note"), ("stranger", "not signed by")]
    {
        let refused = vault.run(&["log", "consistency", &vault.path(name)]);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(refused.status.code() == Some(1) && said.contains(sentence), "{name}: {said}");
    }
    // Copied out of a mail it may have other line ends and no last one.
    fs::write(vault.path("mailed"), text.trim_end().replace('\n', "\r\n")).unwrap();
    assert_eq!(vault.consistency(&vault.path("mailed")).0, Some(0));
}

#[test]
fn an_entrys_proof_is_checked_by_a_strangers_script() {
    let vault = Vault::new();
    vault.add_person("Robin");
    let key = String::from_utf8(vault.run(&["log", "key"]).stdout).unwrap();
    let script = programs::root().join("src-tauri/crates/ledger/check/proof.py");
    let check = |proof: &str, leaf: &str, key: &str| {
        fs::write(vault.path("proof"), proof).unwrap();
        fs::write(vault.path("leaf"), leaf).unwrap();
        let out = Command::new("/usr/bin/python3")
            .arg(&script)
            .args([key.trim(), &vault.path("proof"), &vault.path("leaf")])
            .output()
            .unwrap();
        (out.status.success(), String::from_utf8_lossy(&out.stdout).into_owned())
    };
    let shown = vault.owner(&["--json", "log", "show", "1"]);
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    let leaf = shown["leaf"].as_str().unwrap();
    let proof = String::from_utf8(vault.run(&["log", "prove", "1"]).stdout).unwrap();
    let (holds, said) = check(&proof, leaf, &key);
    assert!(holds && said.contains("entry 1 "), "{said}");

    // Anything changed is found, each with its sentence.
    let swapped = proof.replacen("index 1", "index 0", 1);
    let other_root = {
        let mut lines: Vec<String> = proof.lines().map(str::to_owned).collect();
        let note = lines.iter().position(String::is_empty).unwrap();
        lines[note + 2] = "1".to_owned();
        lines.join("\n") + "\n"
    };
    let stranger = String::from_utf8(Vault::new().run(&["log", "key"]).stdout).unwrap();
    for (what, proof, leaf, key, sentence) in [
        ("another leaf", &proof, format!("{leaf} "), &key, "does not stand"),
        ("another index", &swapped, leaf.to_owned(), &key, "does not stand"),
        ("another size", &other_root, leaf.to_owned(), &key, "signature is wrong"),
        ("another key", &proof, leaf.to_owned(), &stranger, "not signed by"),
    ] {
        let (holds, said) = check(proof, &leaf, key);
        assert!(!holds && said.contains(sentence), "{what}: {said}");
    }
    let missing = vault.run(&["log", "prove", "4711"]);
    assert_eq!(missing.status.code(), Some(1));
}
