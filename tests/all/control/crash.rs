//! The program is killed while a password is on its way into the camera: before the camera has it, and after. And the
//! camera is examined from the command line.

use std::{
    fs,
    process::{Command, Output, Stdio},
    time::Duration,
};

use hausrecht_tests::{
    camera::{PASSWORD, SimCam, USER},
    process::Owned,
    programs,
    stage::{OWNER_PASSPHRASE, alone},
};
use serde_json::Value;

use super::between::{Between, Fate};

const NEW: &str = "Planted-Secret-1234";
/// How long the program may take to come to the point at which it is killed.
const SOON: Duration = Duration::from_secs(60);

struct Shell {
    folder: tempfile::TempDir,
}

impl Shell {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("owner", OWNER_PASSPHRASE), ("camera", PASSWORD), ("new", NEW)] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let shell = Self { folder };
        shell.json(&["init", "--owner", "Alex"]);
        shell
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(programs::cli());
        command.arg("--data-dir").arg(self.folder.path().join("vault"));
        command.args(["--name", "Alex", "--passphrase-file", &self.file("owner"), "--json"]).args(args);
        command.stdin(Stdio::null()).env_remove("HAUSRECHT_DATA").env_remove("HAUSRECHT_NAME");
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    fn json(&self, args: &[&str]) -> Value {
        let out = self.run(args);
        assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
        serde_json::from_slice(&out.stdout).unwrap_or(Value::Null)
    }
}

/// Kills the program in the middle of a change of the password, and gives what the log says after the next start.
fn killed_in_between(fate: Fate) -> (Shell, SimCam, String) {
    let between = Between::new();
    let address = between.address();
    // The camera names the other one's address as its own, so that all requests go there.
    let camera = SimCam::start(&["--name", "Yard", "--fault", &format!("bad-xaddr={address}")]);
    let seen = between.stand(camera.address(), fate);
    let shell = Shell::new();
    let secret = shell.file("camera");
    shell.json(&["camera", "add", &address, "--user", USER, "--password-file", &secret, "--as", "Yard"]);

    let new = shell.file("new");
    let mut change =
        shell.command(&["camera", "password", "Yard", "--user", USER, "--new-password-file", &new]);
    let changing = Owned::start(&mut change);
    seen.met.recv_timeout(SOON).unwrap();
    // Owned kills it, as a power cut would.
    drop(changing);

    // The next start finds out which password the camera has; whatever asks it next goes on with that.
    let users = shell.json(&["camera", "users", "Yard"]);
    assert_eq!(users[0]["name"], USER, "{users}");
    assert_eq!(shell.json(&["camera", "users", "Yard"]), users);
    let log = shell.json(&["log", "--kind", "camera_changed"]).to_string();
    assert!(!log.contains(NEW), "{log}");
    super::assert_nowhere(&shell.folder.path().join("vault"), NEW);
    (shell, camera, log)
}

#[test]
fn killed_before_the_camera_has_the_new_password_the_old_one_stays() {
    if !alone("control::crash::killed_before_the_camera_has_the_new_password_the_old_one_stays") {
        return;
    }
    let (_shell, _camera, log) = killed_in_between(Fate::Lost);
    assert!(log.contains("sign_in_stayed") && !log.contains("sign_in_taken_over"), "{log}");
}

#[test]
fn killed_after_the_camera_has_the_new_password_it_is_taken_over() {
    if !alone("control::crash::killed_after_the_camera_has_the_new_password_it_is_taken_over") {
        return;
    }
    let (_shell, _camera, log) = killed_in_between(Fate::Obeyed);
    assert!(log.contains("sign_in_taken_over") && !log.contains("sign_in_stayed"), "{log}");
}

#[test]
fn the_doctor_says_what_is_wrong_and_keeps_no_secret() {
    if !alone("control::crash::the_doctor_says_what_is_wrong_and_keeps_no_secret") {
        return;
    }
    let camera = SimCam::start(&["--scene", "front"]);
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("camera");
    fs::write(&secret, PASSWORD).unwrap();
    let wrong = folder.path().join("wrong");
    fs::write(&wrong, "Planted-Secret-5678").unwrap();
    let kept = folder.path().join("kept");
    let doctor = |args: &[&str]| {
        let mut command = Command::new(programs::cli());
        command.args(["camera", "doctor", &camera.address(), "--user", USER, "--password-file"]).args(args);
        command.stdin(Stdio::null()).output().unwrap()
    };
    let capture = kept.display().to_string();
    let out = doctor(&[&secret.display().to_string(), "--json", "--capture", &capture]);
    let report: Value = serde_json::from_slice(&out.stdout).unwrap();
    let checks = report["checks"].as_array().unwrap();
    // It is neither encrypted, nor is an administrator's account what Hausrecht should sign in with.
    let wrongs = checks.iter().filter(|check| check["outcome"] == "wrong").count();
    assert_eq!((out.status.code(), wrongs), (Some(3), 2), "{report}");
    assert!(checks.iter().any(|check| check["id"] == "sign_in" && check["outcome"] == "works"), "{report}");
    assert!(fs::read_dir(&kept).unwrap().count() > 5);

    let out = doctor(&[&wrong.display().to_string()]);
    let text = String::from_utf8(out.stdout).unwrap();
    assert_eq!(out.status.code(), Some(3), "{text}");
    assert!(text.contains("WRONG") && text.contains("password"), "{text}");
    assert!(!text.contains("Planted-Secret-5678"));
}
