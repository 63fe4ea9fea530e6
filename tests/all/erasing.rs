//! Erasing by hand and on demand, and what a thief finds in a locked vault: nothing of what was planted.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use hausrecht_engine::wire::{
    AddPerson, EraseOrder, EraseWhat, ErrorCode, GiveBookmark, GiveGrant, GiveHold, GrantScope, LogQuery,
};
use hausrecht_model::UnixMicros;
use hausrecht_tests::{
    camera::SimCam,
    programs,
    stage::{OWNER, OWNER_PASSPHRASE, Stage, alone},
};

const PERSON: &str = "Ottokar Zebrafink";
const PERSON_PASSPHRASE: &str = "copper window maple seven drift anchor";
const ROLE: &str = "Kistenschlepper";
const REASON: &str = "wegen der Quittenmarmelade";
const NOTE: &str = "hier faellt das Glas vom Regal";

/// Every file below a folder, with its content.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&path));
        } else if let Ok(content) = fs::read(&path) {
            found.push((path, content));
        }
    }
    found
}

/// Where `what` stands in any file, as UTF-8 or UTF-16.
fn places(folder: &Path, what: &[u8]) -> Vec<PathBuf> {
    let wide: Vec<u8> = what.iter().flat_map(|byte| [*byte, 0]).collect();
    let has = |content: &[u8], bytes: &[u8]| content.windows(bytes.len()).any(|part| part == bytes);
    files(folder)
        .into_iter()
        .filter(|(_, content)| has(content, what) || has(content, &wide))
        .map(|(path, _)| path)
        .collect()
}

async fn add(stage: &Stage) -> hausrecht_model::PersonId {
    let new = AddPerson {
        name: PERSON.into(),
        passphrase: PERSON_PASSPHRASE.into(),
        role: ROLE.into(),
        ..AddPerson::default()
    };
    stage.engine.add_person(new).await.unwrap().face.id
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_erased_is_gone_and_the_tree_still_holds() {
    if !alone("erasing::what_is_erased_is_gone_and_the_tree_still_holds") {
        return;
    }
    let camera = SimCam::start(&["--name", "Shop", "--scene", "front"]);
    let stage = Stage::owned_with_clips_of(Duration::from_secs(2)).await;
    let engine = &stage.engine;
    let id = stage.connect(&camera).await;
    let clips = stage.wait_for_clips(id, 4).await;
    let (first, held) = (&clips[0], &clips[2]);
    let person = add(&stage).await;
    let scope = GrantScope::Clip { clip: first.id };
    engine.grant(GiveGrant::plain(person, scope, None, REASON)).await.unwrap();
    let mark = GiveBookmark { camera: id, at_us: UnixMicros(first.start_us.0 + 1000), note: NOTE.into() };
    engine.give_bookmark(mark).await.unwrap();
    let hold = GiveHold {
        camera: id,
        from_us: UnixMicros(held.start_us.0 + held.duration_us / 3),
        to_us: UnixMicros(held.start_us.0 + held.duration_us / 2),
        note: String::new(),
        until_us: None,
    };
    let hold = engine.hold(hold).await.unwrap();
    let order = |what: EraseWhat, reason: &str| EraseOrder {
        what,
        demanded: true,
        forget_copies: false,
        reason: reason.into(),
    };
    let one = EraseWhat::Clips { clips: vec![first.id] };
    let span = EraseWhat::Span { camera: id, from_us: first.start_us, to_us: clips[3].start_us };

    // Nothing without a reason, nothing that is held, nothing that is not there, nobody but the owner.
    assert_eq!(engine.erase(order(one.clone(), " ")).await.unwrap_err().code, ErrorCode::Invalid);
    let refused = engine.erase(order(span.clone(), REASON)).await.unwrap_err();
    assert!(refused.message.contains("kept longer"), "{}", refused.message);
    let none = EraseWhat::Span { camera: id, from_us: UnixMicros(0), to_us: UnixMicros(1) };
    assert_eq!(engine.erase(order(none, REASON)).await.unwrap_err().code, ErrorCode::NotFound);
    stage.sign_in(PERSON, PERSON_PASSPHRASE).await;
    assert_eq!(engine.erase(order(one.clone(), REASON)).await.unwrap_err().code, ErrorCode::NotAllowed);
    stage.sign_in_owner().await;

    // One clip that is being watched: its file, wraps, small picture, bookmark, and the words in its entries.
    let sealed = stage.folder.path().join(format!("clips/{id}/{}.age", first.id));
    assert!(sealed.exists());
    engine.open_clip(first.id).await.unwrap();
    let would = engine.would_erase(one.clone()).await.unwrap();
    let erased = engine.erase(order(one.clone(), "asked for in a letter")).await.unwrap();
    assert_eq!((would.clips, erased.clips, erased), (1, 1, would));
    assert!(!sealed.exists());
    assert_eq!(engine.clip(first.id).await.unwrap_err().code, ErrorCode::NotFound);
    assert_eq!(engine.open_clip(first.id).await.unwrap_err().code, ErrorCode::NotFound);
    assert!(engine.bookmarks().await.unwrap().is_empty());
    let page = engine.log_page(LogQuery { limit: 200, ..LogQuery::default() }).await.unwrap();
    let said = format!("{:?}", page.rows);
    assert!(!said.contains(REASON) && !said.contains(NOTE), "{said}");
    assert!(said.contains("asked for in a letter"), "why it was erased is the owner's own");

    // What happened to it can still be proven, though it is gone.
    let proof = engine.clip_proof(first.id).await.unwrap();
    let history = hausrecht_engine::check_clip_proof(&proof, &engine.verifier_key().unwrap(), None).unwrap();
    let kinds: Vec<_> = history.entries.iter().map(|entry| entry.kind.as_str()).collect();
    assert_eq!(kinds, ["recorded", "grant", "bookmarked", "opened", "erased"]);

    // The rest of the span, once nothing keeps it.
    engine.release_hold(hold.id).await.unwrap();
    assert_eq!(engine.erase(order(span, "all of it")).await.unwrap().clips, 2);
    assert_eq!(engine.verify_log_now().await.unwrap().findings, []);
    drop(camera);
    let (folder, _) = stage.close().await;
    // Not only out of reach: the bytes are gone, from the write-ahead log too. The ids are hashed in the log, and forgotten here.
    assert_eq!(places(folder.path(), first.id.to_string().as_bytes()), [] as [PathBuf; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thief_finds_no_picture_no_name_no_reason_and_no_password() {
    if !alone("erasing::a_thief_finds_no_picture_no_name_no_reason_and_no_password") {
        return;
    }
    let camera = SimCam::start(&["--name", "Shop", "--scene", "front"]);
    let stage = Stage::owned_with_clips_of(Duration::from_secs(2)).await;
    let engine = &stage.engine;
    let id = stage.connect(&camera).await;
    let clip = stage.wait_for_clips(id, 2).await.remove(0);
    let person = add(&stage).await;
    let terms = GiveGrant::plain(person, GrantScope::Camera { camera: id }, None, REASON);
    engine.grant(terms).await.unwrap();
    let mark = GiveBookmark { camera: id, at_us: UnixMicros(clip.start_us.0 + 1000), note: NOTE.into() };
    engine.give_bookmark(mark).await.unwrap();
    engine.thumbnails(vec![clip.id]).await.unwrap();
    engine.open_clip(clip.id).await.unwrap();
    engine.lock().await;
    drop(camera);
    let (folder, _) = stage.close().await;
    let folder = folder.path();
    assert!(files(folder).len() >= 5, "there is something to look through");

    let words = [PERSON, ROLE, REASON, NOTE, OWNER, OWNER_PASSPHRASE, PERSON_PASSPHRASE];
    for word in words {
        assert_eq!(places(folder, word.as_bytes()), [] as [PathBuf; 0], "{word}");
    }
    // Films and pictures begin with these: boxes of MP4, pictures of H.264, JPEG.
    for start in [
        &b"ftypisom"[..],
        b"moofmfhd",
        b"mdat\0\0\0",
        b"\0\0\0\x01\x67",
        b"\xff\xd8\xff\xe0",
        b"\xff\xd8\xff\xdb",
    ] {
        assert_eq!(places(folder, start), [] as [PathBuf; 0], "{start:?}");
    }
    // Of secret keys only this computer's own lie there, which open no clip.
    for place in places(folder, b"AGE-SECRET-KEY-1") {
        assert_eq!(place.file_name().and_then(|name| name.to_str()), Some("device-keys.json"));
    }
    // And the same search finds what is there to be found.
    assert!(!places(folder, b"age-encryption.org/v1").is_empty());
    assert!(!places(folder, id.to_string().as_bytes()).is_empty(), "which camera is metadata, and no secret");

    // With that computer key and the thief's own patience the clip still does not open.
    let keys = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(folder.join("device-keys.json")).unwrap();
    let at = text.find("AGE-SECRET-KEY-1").unwrap();
    let key = keys.path().join("broker");
    fs::write(&key, &text[at..at + text[at..].find('"').unwrap()]).unwrap();
    let sealed = folder.join(format!("clips/{id}/{}.age", clip.id));
    let tried =
        std::process::Command::new("age").arg("-d").arg("-i").arg(&key).arg(&sealed).output().unwrap();
    assert!(!tried.status.success() && tried.stdout.is_empty());
    let mut log = std::process::Command::new(programs::cli());
    log.arg("--data-dir").arg(folder).args(["log", "verify"]);
    assert!(log.output().unwrap().status.success(), "and the log is whole");
}
