//! Somebody changes the database or the files while nobody looks: verifying finds it, names it, says since which entry, and the
//! rest stays usable.

use std::{fs, path::Path, process::Command, time::Duration};

use hausrecht_engine::wire::{AddPerson, Finding, GiveGrant, GrantScope};
use hausrecht_model::{CameraId, ClipId};
use hausrecht_tests::{
    camera::SimCam,
    stage::{MovedClock, Stage, alone},
};

/// Changes the bytes of a file.
type Change = Box<dyn Fn(&mut Vec<u8>)>;

/// A vault to be changed, and what is in it.
struct Vault {
    folder: tempfile::TempDir,
    clock: MovedClock,
    camera: CameraId,
    clips: [ClipId; 2],
}

async fn vault() -> Vault {
    let camera = SimCam::start(&["--name", "Shop", "--scene", "front"]);
    let stage = Stage::owned_with_clips_of(Duration::from_secs(2)).await;
    let id = stage.connect(&camera).await;
    let clips = stage.wait_for_clips(id, 2).await;
    let new = AddPerson {
        name: "Robin".into(),
        passphrase: "copper window maple seven drift anchor".into(),
        ..AddPerson::default()
    };
    let person = stage.engine.add_person(new).await.unwrap().face.id;
    let give =
        GiveGrant::plain(person, GrantScope::Clip { clip: clips[0].id }, None, "looked after the shop");
    stage.engine.grant(give).await.unwrap();
    drop(camera);
    let clips = [clips[0].id, clips[1].id];
    let (folder, clock) = stage.close().await;
    Vault { folder, clock, camera: id, clips }
}

impl Vault {
    /// A copy of it.
    fn copy(&self) -> tempfile::TempDir {
        let copy = tempfile::tempdir().unwrap();
        let all = format!("{}/.", self.folder.path().display());
        let copied = Command::new("cp").arg("-a").arg(all).arg(copy.path()).status().unwrap();
        assert!(copied.success());
        copy
    }

    fn clip(&self, folder: &Path, number: usize) -> std::path::PathBuf {
        folder.join(format!("clips/{}/{}.age", self.camera, self.clips[number]))
    }

    /// What is found after `change`, and whether the second clip opens still.
    async fn found(&self, change: impl FnOnce(&Path)) -> (Vec<Finding>, bool) {
        let copy = self.copy();
        change(copy.path());
        let stage = Stage::over(copy, self.clock.clone()).await;
        stage.sign_in_owner().await;
        let findings = stage.engine.verify_log_now().await.unwrap().findings;
        let opens = stage.engine.copy_clip(self.clips[1], std::io::sink()).await.is_ok();
        stage.close().await;
        (findings, opens)
    }
}

/// Changes the database as somebody would who has the program `python3`.
fn sql(folder: &Path, statement: &str) {
    let script = "import sqlite3, sys\nbase = sqlite3.connect(sys.argv[1])\nchanged = base.execute(sys.argv[2]).rowcount\n\
                  base.commit()\nsys.exit(0 if changed > 0 else 1)";
    let mut python = Command::new("/usr/bin/python3");
    let ran = python.args(["-c", script]).arg(folder.join("hausrecht.db")).arg(statement).status().unwrap();
    assert!(ran.success(), "nothing was changed by {statement}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_in_the_database_is_named() {
    if !alone("mutations::what_was_changed_in_the_database_is_named") {
        return;
    }
    let vault = vault().await;
    let (findings, opens) = vault.found(|_| ()).await;
    assert_eq!((findings, opens), (Vec::new(), true), "a copy that nobody changed");
    let [first, second] = vault.clips;
    let mutations = include_str!("../vectors/mutations.tsv");
    for line in mutations.lines().filter(|line| !line.starts_with('#')) {
        let [code, what, statement] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let statement = statement.replace("FIRST", &first.to_string()).replace("SECOND", &second.to_string());
        let statement = statement.as_str();
        let (findings, opens) = vault.found(|folder| sql(folder, statement)).await;
        let named = findings.iter().find(|finding| finding.code == code);
        assert!(named.is_some(), "{what}: {findings:?}");
        assert!(named.is_some_and(|finding| !finding.detail.is_empty()), "{what} says nothing");
        let is_dated = code == "checkpoint" || named.is_some_and(|finding| finding.entry.is_some());
        assert!(is_dated, "{what}: since which entry? {findings:?}");
        assert!(opens, "{what}: the other clip opens still");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_in_a_file_is_named() {
    if !alone("mutations::what_was_changed_in_a_file_is_named") {
        return;
    }
    let vault = vault().await;
    let length = fs::metadata(vault.clip(vault.folder.path(), 0)).unwrap().len();
    let flip = |at: u64| move |bytes: &mut Vec<u8>| bytes[usize::try_from(at).unwrap()] ^= 1;
    let changes: [(&str, Change); 8] = [
        ("the first line", Box::new(flip(3))),
        ("the stanza", Box::new(flip(40))),
        ("the header's code", Box::new(flip(150))),
        ("the nonce", Box::new(flip(190))),
        ("the first chunk", Box::new(flip(1000))),
        ("the last byte", Box::new(flip(length - 1))),
        ("the end cut off", Box::new(|bytes: &mut Vec<u8>| bytes.truncate(bytes.len() / 2))),
        ("something behind the end", Box::new(|bytes: &mut Vec<u8>| bytes.push(0))),
    ];
    for (what, change) in changes {
        let path = |folder: &Path| vault.clip(folder, 0);
        let (findings, opens) = vault
            .found(|folder| {
                let mut bytes = fs::read(path(folder)).unwrap();
                change(&mut bytes);
                fs::write(path(folder), bytes).unwrap();
            })
            .await;
        let [finding] = findings.as_slice() else { panic!("{what}: {findings:?}") };
        assert_eq!((finding.code.as_str(), finding.clip), ("clip_changed", Some(vault.clips[0])), "{what}");
        assert!(finding.entry.is_some() && opens, "{what}");
    }
    let (findings, opens) = vault.found(|folder| fs::remove_file(vault.clip(folder, 0)).unwrap()).await;
    assert!(
        matches!(findings.as_slice(), [finding] if finding.code == "clip_missing") && opens,
        "{findings:?}"
    );
    // Two clips under each other's names.
    let (findings, _) = vault
        .found(|folder| {
            let (a, b) = (vault.clip(folder, 0), vault.clip(folder, 1));
            let aside = folder.join("aside");
            fs::rename(&a, &aside).unwrap();
            fs::rename(&b, &a).unwrap();
            fs::rename(&aside, &b).unwrap();
        })
        .await;
    assert_eq!(findings.iter().filter(|finding| finding.code == "clip_changed").count(), 2, "{findings:?}");
}
