//! Backups: what is in them, who opens them, what comes back from them, and that the log says where it comes from.

mod window;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use hausrecht_engine::restore;
use hausrecht_engine::wire::{
    AddPerson, ErrorCode, ExportOrder, ExportState, GiveGrant, GrantScope, LogQuery, PackageSeal, RestoreKey,
};
use hausrecht_tests::{
    camera::SimCam,
    disk::copy_all,
    programs,
    stage::{OWNER, OWNER_PASSPHRASE, PATIENCE, Stage, alone},
    until::until,
};

const JONAS: &str = "copper window maple seven drift anchor";
const LOG_N: u8 = 10;

fn passphrase(text: &str) -> RestoreKey {
    RestoreKey::Passphrase { passphrase: text.into() }
}

async fn findings(stage: &Stage) -> Vec<String> {
    stage.engine.verify_log().unwrap();
    let verified = until("the verification", PATIENCE, async || match stage.engine.verify_state() {
        Some(state) if !state.running => Ok(state),
        other => Err(other),
    })
    .await;
    verified.findings.iter().map(|finding| format!("{}: {}", finding.code, finding.detail)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_comes_back_on_another_computer_and_its_log_says_so() {
    if !alone("backups::a_vault_comes_back_on_another_computer_and_its_log_says_so") {
        return;
    }
    let camera = SimCam::start(&["--name", "Front door"]);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    let clips = stage.wait_for_clips(id, 2).await;
    let jonas = stage
        .engine
        .add_person(AddPerson { name: "Jonas".into(), passphrase: JONAS.into(), ..AddPerson::default() })
        .await
        .unwrap();
    let scope = GrantScope::Clip { clip: clips[0].id };
    stage.engine.grant(GiveGrant::plain(jonas.face.id, scope, None, "The parcel of Tuesday")).await.unwrap();
    let sheet = stage.engine.recovery_sheet(OWNER_PASSPHRASE.into()).await.unwrap();

    // The drill: a sheet of another vault, a letter that is wrong, and the right one in any shape.
    assert_eq!(stage.engine.sheet_tested().await.unwrap(), None);
    let other = Stage::owned().await;
    let foreign = other.engine.recovery_sheet(OWNER_PASSPHRASE.into()).await.unwrap().identity;
    assert!(!stage.engine.test_sheet(foreign.clone()).await.unwrap().fits);
    assert_eq!(stage.engine.sheet_tested().await.unwrap(), None);
    let wrong = stage.engine.test_sheet(sheet.identity.replace('Q', "P")).await.unwrap_err();
    assert!(wrong.code == ErrorCode::Invalid && wrong.message.contains("line by line"), "{wrong}");
    let (left, right) = sheet.identity.split_at(30);
    let typed = format!(" {}\n {} ", left.to_lowercase(), right.to_lowercase());
    let tested = stage.engine.test_sheet(typed).await.unwrap();
    assert!(tested.fits && tested.tested_us.is_some());

    let away = tempfile::tempdir().unwrap();
    assert_eq!(stage.engine.last_backup().await.unwrap(), None);
    let made = stage.engine.make_backup(away.path().to_owned()).await.unwrap();
    assert_eq!(stage.engine.last_backup().await.unwrap().as_ref(), Some(&made));
    assert_eq!(
        stage.engine.make_backup(away.path().join("nowhere")).await.unwrap_err().code,
        ErrorCode::Invalid
    );
    let bytes = fs::read(&made.path).unwrap();
    for hidden in [&b"Jonas"[..], b"parcel", b"SQLite format 3", b"AGE-SECRET-KEY"] {
        assert!(
            !bytes.windows(hidden.len()).any(|window| window == hidden),
            "something lies open in the backup"
        );
    }
    let before = stage.engine.checkpoint().await.unwrap();
    let key = stage.engine.verifier_key().unwrap();
    let (old, clock) = stage.close().await;
    for name in ["backup.tmp", "backup.sealed.tmp"] {
        assert!(!old.path().join(name).exists());
    }

    // By hand, with nothing of Hausrecht's.
    let hand = tempfile::tempdir().unwrap();
    fs::write(hand.path().join("identity"), &sheet.identity).unwrap();
    let script = format!(
        "tar -xf '{}' && age -d -i identity vault.age | tar -x && sqlite3 -version >/dev/null 2>&1 || true; ls",
        made.path
    );
    let listed = Command::new("sh").args(["-ec", &script]).current_dir(hand.path()).output().unwrap();
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    for name in ["owner.age", "hausrecht.db", "device-keys.json", "people", "owner-keys.txt"] {
        assert!(listed.contains(name), "{listed}");
    }

    // Refused: another passphrase, another's sheet, a weak new passphrase, a folder with a vault; nothing is left of any.
    let fresh = tempfile::tempdir().unwrap();
    let backup = PathBuf::from(&made.path);
    let sheet_key =
        |identity: &str, new: &str| RestoreKey::Sheet { identity: identity.into(), passphrase: new.into() };
    let refused = |folder: &Path, key| restore(&backup, folder, key, LOG_N).unwrap_err();
    assert_eq!(refused(fresh.path(), passphrase("not this one")).code, ErrorCode::WrongPassphrase);
    assert!(refused(fresh.path(), sheet_key(&foreign, JONAS)).message.contains("another vault"));
    assert!(refused(fresh.path(), sheet_key(&sheet.identity, "summer")).message.contains("too easily"));
    assert!(!fresh.path().join("restore").exists());
    assert_eq!(refused(old.path(), passphrase(OWNER_PASSPHRASE)).code, ErrorCode::AlreadySetUp);

    // With the recovery sheet, for a passphrase that was forgotten. An engine was there before, without an owner.
    Stage::over(fresh, clock.clone()).await.close().await;
    let fresh = tempfile::tempdir().unwrap();
    let (fresh, clock) = Stage::over(fresh, clock).await.close().await;
    let restored = restore(&backup, fresh.path(), sheet_key(&sheet.identity, JONAS), LOG_N).unwrap();
    copy_all(&old.path().join("clips"), &fresh.path().join("clips"));
    let stage = Stage::over(fresh, clock).await;
    assert!(!stage.folder.path().join("restore").exists());
    stage.sign_in(OWNER, JONAS).await;
    assert_eq!(
        stage.engine.unlock(OWNER, OWNER_PASSPHRASE.into()).await.unwrap_err().code,
        ErrorCode::WrongPassphrase
    );
    stage.sign_in(OWNER, JONAS).await;
    assert!(stage.engine.sheet_tested().await.unwrap().is_some(), "what was tested before the backup");
    let opened = stage.engine.open_clip(clips[0].id).await.unwrap();
    assert_eq!(opened.clip, clips[0].id);
    // Its log has another name, and its first own entry names the one before.
    let now = stage.engine.checkpoint().await.unwrap();
    assert_ne!(now.lines().next(), before.lines().next());
    let query = LogQuery { limit: 5, kinds: vec!["succeeded".into()], ..LogQuery::default() };
    let rows = stage.engine.log_page(query).await.unwrap().rows;
    let [succeeded] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!(succeeded.index, restored.entries);
    let fact = |name: &str| succeeded.facts.iter().find(|fact| fact.name == name).unwrap().value.clone();
    assert_eq!(fact("key"), key);
    assert_eq!(Some(fact("log").as_str()), before.lines().next());
    for index in [0, succeeded.index, succeeded.index + 1] {
        let entry = stage.engine.log_entry(index).await.unwrap();
        assert!(entry.proven, "entry {index}");
    }
    let found: Vec<_> = findings(&stage).await;
    assert_eq!(found, Vec::<String>::new());
    assert!(stage.engine.clip_proof(clips[0].id).await.unwrap().contains("tag "));
    // A package of what the earlier log recorded names that log, and holds.
    let target = tempfile::tempdir().unwrap();
    let order = ExportOrder {
        cameras: vec![id],
        from_us: clips[0].start_us,
        to_us: clips[0].start_us.plus(std::time::Duration::from_secs(3)),
        folder: target.path().to_str().unwrap().into(),
        recipient: "Kanzlei".into(),
        on_picture: false,
        purpose: String::new(),
        packed: true,
    };
    let job = stage
        .engine
        .start_export(order, Some(PackageSeal::Passphrase { passphrase: JONAS.into() }))
        .await
        .unwrap();
    let view = until("the package", PATIENCE, async || {
        let view = stage.engine.exports().unwrap().into_iter().find(|view| view.id == job).unwrap();
        if view.state == ExportState::Done { Ok(view) } else { Err(view) }
    })
    .await;
    let package = target.path().join(view.package.unwrap());
    let words = target.path().join("words");
    fs::write(&words, JONAS).unwrap();
    let mut check = Command::new(programs::cli());
    check.args(["--json", "open"]).arg(&package).arg("--passphrase-file").arg(&words).stdin(Stdio::null());
    let checked = check.output().unwrap();
    assert_eq!(checked.status.code(), Some(0), "{}", String::from_utf8_lossy(&checked.stdout));

    // What was granted is granted, with the person's own passphrase.
    stage.sign_in("Jonas", JONAS).await;
    stage.engine.open_clip(clips[0].id).await.unwrap();
    stage.engine.open_clip(clips[1].id).await.unwrap_err();
}

fn cli(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(programs::cli());
    command.arg("--data-dir").arg(folder).args(args).stdin(Stdio::null());
    command.env_remove("HAUSRECHT_DATA").env_remove("HAUSRECHT_NAME").output().unwrap()
}

#[test]
fn what_is_no_backup_is_said_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("owner"), OWNER_PASSPHRASE).unwrap();
    let vault = folder.path().join("vault");
    let owner = ["--passphrase-file", &path("owner")];
    assert!(cli(&vault, &[&owner[..], &["init", "--owner", "Alex"]].concat()).status.success());
    let made = cli(
        &vault,
        &[&["--json"], &owner[..], &["backup", "--folder", folder.path().to_str().unwrap()]].concat(),
    );
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let made: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
    let whole = fs::read(made["path"].as_str().unwrap()).unwrap();

    let fresh = folder.path().join("fresh");
    let back = |bytes: &[u8]| {
        fs::write(path("backup"), bytes).unwrap();
        cli(&fresh, &[&owner[..], &["restore", &path("backup")]].concat())
    };
    let flip = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    };
    let cases = [
        ("nothing", Vec::new()),
        ("something else", b"%PDF-1.7 and more of it".repeat(100)),
        ("cut in the middle", whole[..whole.len() / 2].to_vec()),
        ("cut near its end", whole[..whole.len() - 4096].to_vec()),
        ("a changed header", flip(2)),
        ("a changed owner's key", flip(1024 + 700)),
        ("a changed byte in what is sealed", flip(whole.len() - 30_000)),
    ];
    for (what, bytes) in cases {
        let out = back(&bytes);
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(!out.status.success() && !said.contains("panicked"), "{what}: {said}");
        assert!(
            !fresh.join("hausrecht.db").exists() && !fresh.join("restore").exists(),
            "{what} left something: {said}"
        );
    }
    let out = back(&whole);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    assert!(fresh.join("owner.age").exists() && !fresh.join("restore").exists());
    let verified = cli(&fresh, &["log", "verify"]);
    assert_eq!(verified.status.code(), Some(0), "{}", String::from_utf8_lossy(&verified.stdout));
    // Back once is enough: nothing is overwritten.
    let again = back(&whole);
    assert!(String::from_utf8_lossy(&again.stderr).contains("there is a vault already"));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_of_three_people_bring_a_vault_back_and_one_alone_does_not() {
    if !alone("backups::two_of_three_people_bring_a_vault_back_and_one_alone_does_not") {
        return;
    }
    let stage = Stage::owned().await;
    let engine = &stage.engine;
    let names = |names: [&str; 3]| names.map(str::to_owned).to_vec();
    let three = names(["Sofia Hildebrandt", "Jonas Oberhuber", "Mira Quellwasser"]);
    for wrong in [names(["Sofia", "sofia ", "Mira"]), names(["Sofia", " ", "Mira"]), vec!["Sofia".into()]] {
        let error = engine.share_recovery(OWNER_PASSPHRASE.into(), wrong).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::Invalid, "{error}");
    }
    let error = engine.share_recovery(JONAS.into(), three.clone()).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::WrongPassphrase);
    assert_eq!(engine.shared_among().await.unwrap(), None);

    let away = tempfile::tempdir().unwrap();
    let too_early = engine.make_backup(away.path().to_owned()).await.unwrap();
    let made = engine.share_recovery(OWNER_PASSPHRASE.into(), three.clone()).await.unwrap();
    let shares: Vec<String> = made.shares.iter().map(|share| share.identity.clone()).collect();
    let among = engine.shared_among().await.unwrap().unwrap();
    assert!(among.names == three && !among.in_backup, "{among:?}");
    let backup = engine.make_backup(away.path().to_owned()).await.unwrap();
    assert!(engine.shared_among().await.unwrap().unwrap().in_backup);
    // The drill knows a share again, and does not take it for the sheet.
    let tested = engine.test_sheet(shares[1].to_lowercase()).await.unwrap();
    assert!(!tested.fits && tested.share_of.as_deref() == Some("Jonas Oberhuber"), "{tested:?}");
    let (folder, _) = stage.close().await;

    // Nothing of it lies open, here or there.
    let mut lying: Vec<PathBuf> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    lying.push(backup.path.clone().into());
    for path in lying.iter().filter(|path| path.is_file()) {
        let bytes = fs::read(path).unwrap();
        for hidden in
            [&b"Hildebrandt"[..], b"Oberhuber", b"Quellwasser", shares[0].as_bytes(), shares[2].as_bytes()]
        {
            assert!(!bytes.windows(hidden.len()).any(|window| window == hidden), "{} tells", path.display());
        }
    }

    // By hand, with nothing of Hausrecht's: the first share, then the second; and one twice is not enough.
    let hand = tempfile::tempdir().unwrap();
    for (name, share) in ["one", "two", "three"].iter().zip(&shares) {
        fs::write(hand.path().join(name), share).unwrap();
    }
    let script = "tar -xf \"$0\"\n\
        python3 -c 'import base64, json; open(\"onion\", \"wb\").write(base64.b64decode(json.load(open(\"shares.json\"))[\"onions\"][0]))'\n\
        if age -d -i one onion | age -d -i one >/dev/null 2>&1; then exit 7; fi\n\
        age -d -i one onion | age -d -i two > sheet\n\
        age -d -i sheet vault.age | tar -t";
    let listed =
        Command::new("sh").args(["-ec", script, &backup.path]).current_dir(hand.path()).output().unwrap();
    assert!(listed.status.success(), "{listed:?}");
    assert!(String::from_utf8_lossy(&listed.stdout).contains("hausrecht.db"), "{listed:?}");

    let key = |one: &str, other: &str| RestoreKey::Shares {
        one: one.into(),
        other: other.into(),
        passphrase: JONAS.into(),
    };
    let fresh = tempfile::tempdir().unwrap();
    let stranger = Stage::owned().await;
    let foreign = stranger.engine.share_recovery(OWNER_PASSPHRASE.into(), three).await.unwrap();
    for (path, one, other, why) in [
        (&backup.path, &shares[0], &shares[0], "same share"),
        (&backup.path, &shares[0], &foreign.shares[1].identity, "belong together"),
        (&backup.path, &shares[0], &shares[1].replace('Q', "P"), "line by line"),
        (&too_early.path, &shares[0], &shares[1], "take a newer one"),
    ] {
        let error = restore(Path::new(path), fresh.path(), key(one, other), LOG_N).unwrap_err();
        assert!(error.code == ErrorCode::Invalid && error.message.contains(why), "{error}");
        assert_eq!(fs::read_dir(fresh.path()).unwrap().count(), 0);
    }

    // Any two, in any order; one pair by the command line.
    for (one, other) in [(0, 1), (2, 1), (0, 2)] {
        let folder = tempfile::tempdir().unwrap();
        if one == 2 {
            let file = |name: &str| hand.path().join(name).to_str().unwrap().to_owned();
            fs::write(hand.path().join("new"), JONAS).unwrap();
            let share =
                ["--share", &file("three"), "--share", &file("two"), "--passphrase-file", &file("new")];
            let done = cli(folder.path(), &[&["restore", backup.path.as_str()][..], &share[..]].concat());
            assert!(done.status.success(), "{done:?}");
        } else {
            restore(Path::new(&backup.path), folder.path(), key(&shares[one], &shares[other]), LOG_N)
                .unwrap();
        }
        let stage = Stage::over(folder, hausrecht_tests::stage::MovedClock::default()).await;
        stage.sign_in(OWNER, JONAS).await;
        assert_eq!(stage.engine.shared_among().await.unwrap().unwrap().names.len(), 3);
        assert_eq!(findings(&stage).await, Vec::<String>::new());
        stage.close().await;
    }
}
