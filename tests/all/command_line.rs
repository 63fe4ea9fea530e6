//! The program `hausrecht` as a person without a desktop uses it: set up, add, record, list, open, verify.

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
    time::Duration,
};

use hausrecht_tests::{
    camera::{PASSWORD, SimCam, USER},
    media_file::count,
    process::Owned,
    programs,
    stage::{OWNER_PASSPHRASE, alone},
    until::until_blocking,
};
use serde_json::Value;

const PERSON_PASSPHRASE: &str = "copper window maple seven drift anchor";
const SOON: Duration = Duration::from_secs(60);

/// A data folder and files with secrets, beside each other.
struct Shell {
    folder: tempfile::TempDir,
}

impl Shell {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("owner", OWNER_PASSPHRASE), ("person", PERSON_PASSPHRASE), ("camera", PASSWORD)]
        {
            fs::write(folder.path().join(name), text).unwrap();
        }
        fs::write(folder.path().join("wrong"), "not this one at all").unwrap();
        Self { folder }
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(programs::cli());
        command.arg("--data-dir").arg(self.folder.path().join("vault")).args(args);
        command.stdin(Stdio::null()).env_remove("HAUSRECHT_DATA").env_remove("HAUSRECHT_NAME");
        command
    }

    /// Runs it as the owner.
    fn owner(&self, args: &[&str]) -> Output {
        let passphrase = self.file("owner");
        self.command(&[&["--name", "Alex", "--passphrase-file", &passphrase], args].concat())
            .output()
            .unwrap()
    }

    /// Runs it as the owner and reads the JSON that it prints.
    fn owner_json(&self, args: &[&str]) -> Value {
        let out = self.owner(&[&["--json"], args].concat());
        assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
        serde_json::from_slice(&out.stdout).unwrap()
    }
}

#[test]
fn everything_goes_without_a_window() {
    if !alone("command_line::everything_goes_without_a_window") {
        return;
    }
    let camera = SimCam::start(&["--name", "Yard"]);
    let shell = Shell::new();
    let sheet = shell.owner_json(&["init", "--owner", "Alex"]);
    assert!(sheet["recipient"].as_str().is_some_and(|text| text.starts_with("age1")), "{sheet}");
    let again = shell.owner(&["init", "--owner", "Alex"]);
    assert_eq!(again.status.code(), Some(1), "an owner is there already");

    let found = shell.owner_json(&["discover"]);
    assert!(found.to_string().contains("Yard"), "{found}");
    let (address, secret) = (camera.address(), shell.file("camera"));
    shell.owner_json(&[
        "camera",
        "add",
        &address,
        "--user",
        USER,
        "--password-file",
        &secret,
        "--as",
        "Yard",
    ]);
    assert_eq!(shell.owner_json(&["camera", "list"])[0]["name"], "Yard");

    // Recording until it is told to end; the clip that was open then is sealed, not lost.
    let mut recording = Owned::start(&mut shell.command(&["run"]));
    let clips = shell.folder.path().join("vault/clips");
    until_blocking("a clip to grow", SOON, || match largest(&clips) {
        size if size > 300_000 => Ok(()),
        size => Err(size),
    });
    let second = shell.command(&["run"]).output().unwrap();
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(1), "{said}");
    assert!(said.contains(&recording.0.id().to_string()), "a second start says who holds the folder: {said}");
    assert!(recording.end_politely(SOON).success());

    let listed = shell.owner_json(&["clips"]);
    let clip = listed[0]["id"].as_str().unwrap_or_else(|| panic!("{listed}")).to_owned();
    let opened = shell.owner(&["open", &clip, "-o", "-"]);
    assert!(opened.status.success(), "{}", String::from_utf8_lossy(&opened.stderr));
    let counted = count(&opened.stdout);
    assert!(counted.codec == "h264" && counted.frames > 25, "{counted:?}");
    let log = shell.owner_json(&["log", "--kind", "copy_made"]);
    assert_eq!(log["rows"].as_array().map(Vec::len), Some(1), "the copy is in the log: {log}");

    let secret = shell.file("person");
    shell.owner_json(&["people", "--add", "Robin", "--new-passphrase-file", &secret]);
    shell.owner_json(&["grant", "Robin", "--clip", &clip, "--reason", "was there"]);
    let theirs = shell
        .command(&["--json", "--name", "Robin", "--passphrase-file", &secret, "clips"])
        .output()
        .unwrap();
    let theirs: Value = serde_json::from_slice(&theirs.stdout).unwrap();
    assert_eq!(theirs.as_array().map(Vec::len), Some(1), "{theirs}");
    let wrong = shell.file("wrong");
    let refused = shell.command(&["--name", "Robin", "--passphrase-file", &wrong, "clips"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(4), "{}", String::from_utf8_lossy(&refused.stderr));

    assert_eq!(shell.command(&["log", "verify"]).output().unwrap().status.code(), Some(0));
    let sealed = sealed_file(&clips, &clip);
    let mut bytes = fs::read(&sealed).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&sealed, bytes).unwrap();
    let verified = shell.command(&["log", "verify"]).output().unwrap();
    assert_eq!(verified.status.code(), Some(3), "{}", String::from_utf8_lossy(&verified.stdout));
    let opened = shell.owner(&["open", &clip, "-o", "-"]);
    assert!(!opened.status.success() && !opened.stderr.is_empty(), "a changed clip says so");
}

fn largest(folder: &Path) -> u64 {
    files(folder).iter().filter_map(|path| path.metadata().ok()).map(|data| data.len()).max().unwrap_or(0)
}

fn sealed_file(folder: &Path, clip: &str) -> std::path::PathBuf {
    files(folder).into_iter().find(|path| path.ends_with(format!("{clip}.age"))).expect("the clip has a file")
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let cameras = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    cameras
        .flat_map(|camera| fs::read_dir(camera.path()).into_iter().flatten())
        .filter_map(|file| Some(file.ok()?.path()))
        .collect()
}
