//! Who may view what: separate rights, hours, numbers of openings, agreements, guests, new passphrases, and wraps that are made
//! beside everything else.

mod window;

use std::time::Duration;

use hausrecht_engine::{
    Handle, check_clip_proof,
    wire::{
        AddPerson, ChangeGrant, ClipView, ErrorCode, Gate, GiveGrant, GrantScope, GrantView, LogQuery,
        PictureFormat, Session, Terms,
    },
};
use hausrecht_model::{CameraId, Hours, PersonId, Right};
use hausrecht_tests::{
    camera::SimCam,
    programs,
    stage::{PATIENCE, Stage, alone},
    until::until,
};

const ROBIN: &str = "Robin";
const ROBINS: &str = "copper window maple seven drift anchor";
const SOFIA: &str = "Sofia";
const SOFIAS: &str = "velvet orbit lantern nine crisp meadow";
const HOUR: Duration = Duration::from_secs(3600);

async fn with_one_camera() -> (SimCam, Stage, CameraId) {
    let camera = SimCam::start(&["--name", "Shop", "--scene", "front"]);
    let stage = Stage::owned_with_clips_of(Duration::from_secs(2)).await;
    let id = stage.connect(&camera).await;
    (camera, stage, id)
}

async fn add(engine: &Handle, name: &str, passphrase: &str) -> PersonId {
    let new = AddPerson { name: name.into(), passphrase: passphrase.into(), ..AddPerson::default() };
    engine.add_person(new).await.unwrap().face.id
}

fn terms(rights: &[Right]) -> Terms {
    Terms { rights: rights.to_vec(), ..Terms::default() }
}

async fn give(engine: &Handle, to: PersonId, scope: GrantScope, terms: Terms) -> GrantView {
    let give = GiveGrant {
        people: vec![to],
        scopes: vec![scope],
        terms,
        reason: "looks after the shop".into(),
        template: None,
    };
    engine.grant(give).await.unwrap().remove(0)
}

async fn refused(engine: &Handle, clip: &ClipView) -> ErrorCode {
    engine.open_clip(clip.id).await.unwrap_err().code
}

async fn entries(engine: &Handle, kind: &str) -> u64 {
    let query = LogQuery { limit: 100, kinds: vec![kind.into()], ..LogQuery::default() };
    engine.log_page(query).await.unwrap().matching
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_are_separate_and_have_their_hours() {
    if !alone("granting::rights_are_separate_and_have_their_hours") {
        return;
    }
    let (_camera, stage, id) = with_one_camera().await;
    let engine = &stage.engine;
    let recorded = stage.wait_for_clips(id, 2).await;
    let robin = add(engine, ROBIN, ROBINS).await;
    let camera = GrantScope::Camera { camera: id };

    // Live and nothing else: no clip, no picture to keep, no turning.
    let live = give(engine, robin, camera.clone(), terms(&[Right::Live])).await;
    let seen = engine.would_see(robin).await.unwrap();
    assert_eq!((seen.cameras[0].rights.as_slice(), seen.cameras[0].clips), (&[Right::Live][..], 0));
    stage.sign_in(ROBIN, ROBINS).await;
    assert_eq!(engine.cameras().unwrap()[0].rights, [Right::Live]);
    assert!(stage.clips(id).await.is_empty());
    let folder = tempfile::tempdir().unwrap();
    let kept = engine.keep_live_picture(id, PictureFormat::Jpeg, folder.path().to_owned()).await;
    assert_eq!(kept.unwrap_err().code, ErrorCode::NotAllowed);
    assert_eq!(engine.ptz_go_home(id).await.unwrap_err().code, ErrorCode::NotAllowed);
    assert_eq!(engine.talk(id, true).await.unwrap_err().code, ErrorCode::NotAllowed);

    // With a look back and single pictures: what was recorded before is there, and no older than that.
    stage.sign_in_owner().await;
    let terms_of_an_hour =
        Terms { back_hours: Some(1), ..terms(&[Right::Live, Right::Playback, Right::Snapshot]) };
    let change = ChangeGrant { grant: live.id, terms: terms_of_an_hour.clone(), reason: "more".into() };
    let wider = engine.change_grant(change).await.unwrap();
    assert_eq!(
        engine
            .change_grant(ChangeGrant {
                grant: live.id,
                terms: terms_of_an_hour.clone(),
                reason: "again".into()
            })
            .await
            .unwrap_err()
            .code,
        ErrorCode::NotFound
    );
    assert_eq!(entries(engine, "grant_taken_back").await, 1);
    stage.sign_in(ROBIN, ROBINS).await;
    let seen: Vec<_> = stage.clips(id).await.iter().map(|clip| clip.id).collect();
    assert!(recorded.iter().all(|clip| seen.contains(&clip.id)), "{seen:?}");
    engine.open_clip(recorded[0].id).await.unwrap();
    engine.close_player();
    engine.keep_live_picture(id, PictureFormat::Jpeg, folder.path().to_owned()).await.unwrap();
    stage.clock.pass(2 * HOUR);
    stage.engine.unlock(ROBIN, ROBINS.into()).await.unwrap();
    assert_eq!(refused(engine, &recorded[0]).await, ErrorCode::NotFound, "an hour back is an hour back");
    until("the wraps of clips that are too old to go", 2 * PATIENCE, async || {
        let seen = stage.clips(id).await;
        if seen.iter().any(|clip| clip.id == recorded[0].id) { Err(seen.len()) } else { Ok(()) }
    })
    .await;

    // Hours that are not now: nothing is there, and would be at other hours.
    stage.sign_in_owner().await;
    let minute = |plus: u16| {
        let local =
            jiff::Timestamp::from_microsecond(engine.now().0).unwrap().to_zoned(jiff::tz::TimeZone::system());
        (u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs()) + plus) % 1440
    };
    let later = Hours { days: [true; 7], from_min: minute(120), to_min: minute(180) };
    let change = ChangeGrant {
        grant: wider.id,
        terms: Terms { hours: Some(later), ..terms_of_an_hour.clone() },
        reason: "evenings".into(),
    };
    let evenings = engine.change_grant(change).await.unwrap();
    assert!(!evenings.in_hours);
    let seen = engine.would_see(robin).await.unwrap();
    assert_eq!(
        (seen.cameras[0].rights.len(), seen.cameras[0].other_hours.len(), seen.cameras[0].clips),
        (0, 3, 0)
    );
    stage.sign_in(ROBIN, ROBINS).await;
    assert!(engine.cameras().unwrap().is_empty() && stage.clips(id).await.is_empty());
    stage.clock.pass(2 * HOUR + HOUR / 4);
    stage.sign_in(ROBIN, ROBINS).await;
    assert_eq!(engine.cameras().unwrap().len(), 1);

    // What makes no sense is refused, and says why.
    stage.sign_in_owner().await;
    let clip = GrantScope::Clip { clip: recorded[0].id };
    for (scope, wrong) in [
        (camera.clone(), terms(&[])),
        (camera.clone(), terms(&[Right::Live, Right::Copy])),
        (camera.clone(), Terms { back_hours: Some(0), ..terms(&[Right::Playback]) }),
        (camera.clone(), Terms { opens: Some(0), ..terms(&[Right::Playback]) }),
        (camera.clone(), Terms { second: Some(robin), ..terms(&[Right::Playback]) }),
        (camera.clone(), Terms { until_us: Some(engine.now()), ..terms(&[Right::Live]) }),
        (camera, Terms { hours: Some(Hours { days: [false; 7], ..later }), ..terms(&[Right::Live]) }),
        (clip.clone(), terms(&[Right::Playback, Right::Live])),
        (clip.clone(), Terms { back_hours: Some(2), ..terms(&[Right::Playback]) }),
        (clip, terms(&[Right::Copy])),
    ] {
        let give = GiveGrant {
            people: vec![robin],
            scopes: vec![scope],
            terms: wrong.clone(),
            reason: "no".into(),
            template: None,
        };
        let error = engine.grant(give).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::Invalid, "{wrong:?}: {}", error.message);
    }
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_of_openings_is_used_up() {
    if !alone("granting::a_number_of_openings_is_used_up") {
        return;
    }
    let (_camera, stage, id) = with_one_camera().await;
    let engine = &stage.engine;
    let clip = stage.wait_for_clips(id, 1).await.remove(0);
    let robin = add(engine, ROBIN, ROBINS).await;
    let scope = GrantScope::Clip { clip: clip.id };
    give(engine, robin, scope.clone(), Terms { opens: Some(2), ..terms(&[Right::Playback]) }).await;
    stage.sign_in(ROBIN, ROBINS).await;
    assert_eq!(engine.thumbnails(vec![clip.id]).await.unwrap()[0].jpeg_base64.is_some(), clip.has_thumbnail);
    engine.open_clip(clip.id).await.unwrap();
    engine.open_clip(clip.id).await.unwrap();
    // Both at once would have been one too many as well: the count is taken with the entry.
    assert_eq!(refused(engine, &clip).await, ErrorCode::UsedUp);
    assert_eq!(engine.clip(clip.id).await.unwrap().gate, Gate::UsedUp);
    assert!(engine.player(&hausrecht_engine::wire::PlayerOrder::Play).is_ok(), "the last opening goes on");
    engine.close_player();
    until("the grant to end", PATIENCE, async || match stage.clips(id).await.is_empty() {
        true => Ok(()),
        false => Err("still listed"),
    })
    .await;
    stage.sign_in_owner().await;
    assert_eq!((entries(engine, "opened").await, entries(engine, "grant_taken_back").await), (2, 1));

    // All that ever happened to the clip is told to a stranger, and nothing of the rest.
    let proof = engine.clip_proof(clip.id).await.unwrap();
    let key = engine.verifier_key().unwrap();
    let history = check_clip_proof(&proof, &key, None).unwrap();
    let kinds: Vec<_> = history.entries.iter().map(|entry| entry.kind.as_str()).collect();
    assert_eq!(kinds, ["recorded", "grant", "opened", "opened", "grant_taken_back"]);
    let sealed = stage.folder.path().join("clips").join(id.to_string()).join(format!("{}.age", clip.id));
    let sum = std::process::Command::new("sha256sum").arg(&sealed).output().unwrap();
    let sealed = String::from_utf8_lossy(&sum.stdout).split(' ').next().map(str::to_owned);
    assert_eq!(history.sha256, sealed, "the proof is about this file");
    assert!(!proof.contains("person_added") && !proof.contains(ROBIN));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &proof).unwrap();
    let script = programs::root().join("src-tauri/crates/ledger/check/clip_proof.py");
    let check = |key: &str| {
        let ran =
            std::process::Command::new("/usr/bin/python3").arg(&script).arg(key).arg(file.path()).output();
        let ran = ran.unwrap();
        (ran.status.success(), String::from_utf8_lossy(&ran.stdout).into_owned())
    };
    let (holds, said) = check(&key);
    assert!(holds && said.starts_with("complete: 5 of "), "{said}");
    let opened = proof.lines().find(|line| line.contains("\"opened\"")).unwrap();
    std::fs::write(file.path(), proof.replace(&format!("{opened}\n"), "")).unwrap();
    let (holds, said) = check(&key);
    assert!(!holds && said.contains("do not give the root"), "{said}");
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_else_must_agree_each_time() {
    if !alone("granting::somebody_else_must_agree_each_time") {
        return;
    }
    let (_camera, stage, id) = with_one_camera().await;
    let engine = &stage.engine;
    let robin = add(engine, ROBIN, ROBINS).await;
    let sofia = add(engine, SOFIA, SOFIAS).await;
    stage.wait_for_clips(id, 1).await;
    let with_sofia = Terms { back_hours: Some(24), second: Some(sofia), ..terms(&[Right::Playback]) };
    give(engine, robin, GrantScope::Camera { camera: id }, with_sofia).await;
    let clip = stage.wait_for_clips(id, 1).await.remove(0);
    assert_eq!(
        engine.would_see(robin).await.unwrap().cameras[0].with_second,
        engine.would_see(robin).await.unwrap().cameras[0].clips
    );

    stage.sign_in(ROBIN, ROBINS).await;
    assert_eq!(refused(engine, &clip).await, ErrorCode::NeedsAgreement);
    assert_eq!(
        engine.thumbnails(vec![clip.id]).await.unwrap()[0].jpeg_base64,
        None,
        "a small picture is one"
    );
    let Gate::Agreement { name, ask: None } = engine.clip(clip.id).await.unwrap().gate else { panic!() };
    assert_eq!(name, SOFIA, "whom to ask is known");
    let ask = engine.ask(clip.id).await.unwrap();
    assert_eq!(engine.ask(clip.id).await.unwrap().id, ask.id, "asking twice is asking once");
    assert_eq!(engine.answer(ask.id, true).await.unwrap_err().code, ErrorCode::NotFound, "not by oneself");
    assert_eq!(engine.agree_here(ask.id, ROBINS.into()).await.unwrap_err().code, ErrorCode::WrongPassphrase);

    // Sofia sees who asks for what, and nothing of the clip itself.
    stage.sign_in(SOFIA, SOFIAS).await;
    let seen = engine.asks().await.unwrap();
    assert_eq!(
        (seen.len(), seen[0].from.as_str(), seen[0].mine, seen[0].camera_name.as_str()),
        (1, ROBIN, true, "Shop")
    );
    assert_eq!(refused(engine, &clip).await, ErrorCode::NotFound, "agreeing is not viewing");
    engine.answer(ask.id, true).await.unwrap();
    assert_eq!(engine.answer(ask.id, false).await.unwrap_err().code, ErrorCode::Invalid);
    assert_eq!(refused(engine, &clip).await, ErrorCode::NotFound);

    // Robin opens it, once.
    stage.sign_in(ROBIN, ROBINS).await;
    engine.open_clip(clip.id).await.unwrap();
    engine.close_player();
    assert_eq!(refused(engine, &clip).await, ErrorCode::NeedsAgreement);
    let again = engine.ask(clip.id).await.unwrap();
    engine.agree_here(again.id, SOFIAS.into()).await.unwrap();
    engine.open_clip(clip.id).await.unwrap();
    engine.close_player();

    // An answer of no, and an agreement that waits too long.
    let third = engine.ask(clip.id).await.unwrap();
    stage.sign_in(SOFIA, SOFIAS).await;
    engine.answer(third.id, false).await.unwrap();
    stage.sign_in(ROBIN, ROBINS).await;
    assert_eq!(refused(engine, &clip).await, ErrorCode::NeedsAgreement);
    let Gate::Agreement { ask: Some(last), .. } = engine.clip(clip.id).await.unwrap().gate else { panic!() };
    assert_eq!(last.agreed, Some(false));

    stage.sign_in_owner().await;
    for (kind, count) in [("asked", 3), ("agreed", 2), ("declined", 1), ("opened", 2)] {
        assert_eq!(entries(engine, kind).await, count, "{kind}");
    }
    assert!(engine.remove_person(sofia, false).await.unwrap_err().message.contains("must agree"));
    // With another passphrase Sofia agrees still: her layer is made anew.
    let new = "timber harbor violet stone quick lemon";
    engine.give_passphrase(sofia, new.into(), false).await.unwrap();
    engine.wraps_made().await;
    stage.sign_in(ROBIN, ROBINS).await;
    let fourth = engine.ask(clip.id).await.unwrap();
    assert_eq!(
        engine.agree_here(fourth.id, SOFIAS.into()).await.unwrap_err().code,
        ErrorCode::WrongPassphrase
    );
    engine.agree_here(fourth.id, new.into()).await.unwrap();
    engine.open_clip(clip.id).await.unwrap();
    let stage = stage.restart().await;
    stage.sign_in_owner().await;
    let found = stage.engine.verify_log_now().await.unwrap();
    assert_eq!(found.findings, []);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_come_change_and_go() {
    if !alone("granting::people_come_change_and_go") {
        return;
    }
    let (_camera, stage, id) = with_one_camera().await;
    let engine = &stage.engine;
    let clip = stage.wait_for_clips(id, 1).await.remove(0);
    let robin = add(engine, ROBIN, ROBINS).await;
    let camera = GrantScope::Camera { camera: id };
    let day = Terms { back_hours: Some(24), ..terms(&[Right::Live, Right::Playback]) };
    give(engine, robin, camera.clone(), day.clone()).await;

    // A new passphrase, without the old one: what was granted opens with it, and nothing with the old one.
    let new = "timber harbor violet stone quick lemon";
    engine.give_passphrase(robin, new.into(), false).await.unwrap();
    engine.wraps_made().await;
    engine.lock().await;
    assert_eq!(engine.unlock(ROBIN, ROBINS.into()).await.unwrap_err().code, ErrorCode::WrongPassphrase);
    stage.sign_in(ROBIN, new).await;
    engine.open_clip(clip.id).await.unwrap();
    engine.close_player();
    let fresh = stage.wait_for_clips(id, stage.clips(id).await.len() + 1).await.pop().unwrap();
    engine.open_clip(fresh.id).await.unwrap();
    engine.close_player();

    // Their own passphrase, with the one before.
    let own = "sparrow kettle marble winter gentle dune";
    assert_eq!(
        engine.change_passphrase(ROBINS.into(), own.into(), false).await.unwrap_err().code,
        ErrorCode::WrongPassphrase
    );
    engine.change_passphrase(new.into(), own.into(), false).await.unwrap();
    let mut settings = engine.settings();
    settings.language = hausrecht_engine::wire::Language::De;
    engine.set_settings(settings).await.unwrap();
    stage.sign_in_owner().await;
    assert_ne!(engine.settings().language, hausrecht_engine::wire::Language::De, "a language is one's own");

    // A guest with an end, after which nothing opens any more, though nobody does anything.
    let until_us = Some(hausrecht_model::UnixMicros(engine.now().0 + 3_600_000_000));
    let guest = AddPerson {
        name: "Guest".into(),
        passphrase: SOFIAS.into(),
        role: "House sitter".into(),
        until_us,
        ..AddPerson::default()
    };
    let guest = engine.add_person(guest).await.unwrap();
    assert_eq!((guest.role.as_str(), guest.until_us), ("House sitter", until_us));
    give(engine, guest.face.id, camera.clone(), day.clone()).await;
    stage.sign_in("Guest", SOFIAS).await;
    assert!(!stage.clips(id).await.is_empty());
    stage.clock.advance(2 * HOUR);
    until("the guest to be signed out", PATIENCE, async || match engine.session() {
        Session::Locked { .. } => Ok(()),
        other @ (Session::Empty | Session::Open { .. }) => Err(other),
    })
    .await;
    let late = engine.unlock("Guest", SOFIAS.into()).await.unwrap_err();
    assert_eq!(late.code, ErrorCode::NotAllowed, "{}", late.message);

    // Removed: the key file is gone, and the name is free again.
    stage.sign_in_owner().await;
    let key_file = stage.folder.path().join("people").join(format!("{robin}.age"));
    assert!(key_file.exists());
    engine.remove_person(robin, false).await.unwrap();
    assert!(!key_file.exists());
    engine.lock().await;
    assert_eq!(engine.unlock(ROBIN, own.into()).await.unwrap_err().code, ErrorCode::WrongPassphrase);
    stage.sign_in_owner().await;
    assert!(engine.people().await.unwrap().iter().all(|one| one.face.id != robin));
    add(engine, ROBIN, ROBINS).await;
    let named = engine
        .log_page(LogQuery { limit: 100, kinds: vec!["opened".into()], ..LogQuery::default() })
        .await
        .unwrap();
    assert!(
        named.rows.iter().any(|row| row.actor.as_ref().is_some_and(|face| face.name == ROBIN)),
        "a face stays"
    );
    let stage = stage.restart().await;
    stage.sign_in("Robin", ROBINS).await;
    assert!(stage.clips(id).await.is_empty(), "another person of the same name is another person");
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_never_opened_is_sealed_anew() {
    if !alone("granting::what_was_never_opened_is_sealed_anew") {
        return;
    }
    let (camera, stage, id) = with_one_camera().await;
    let engine = &stage.engine;
    let robin = add(engine, ROBIN, ROBINS).await;
    let sofia = add(engine, SOFIA, SOFIAS).await;
    stage.wait_for_clips(id, 3).await;
    drop(camera);
    let day = Terms { back_hours: Some(24), ..terms(&[Right::Playback]) };
    let grant = give(engine, robin, GrantScope::Camera { camera: id }, day.clone()).await;
    give(engine, sofia, GrantScope::Camera { camera: id }, day).await;
    let clips = stage.clips(id).await;
    stage.sign_in(ROBIN, ROBINS).await;
    engine.open_clip(clips[0].id).await.unwrap();
    engine.close_player();
    stage.sign_in_owner().await;
    let path = |clip: &ClipView| stage.folder.path().join(format!("clips/{id}/{}.age", clip.id));
    let before: Vec<_> = clips.iter().map(|clip| std::fs::read(path(clip)).unwrap()).collect();

    let taken = engine.take_back(grant.id).await.unwrap();
    // The last one may have been cut short by the camera's end, a moment after the list was read.
    let others = taken.never_opened;
    assert!(clips[1..].iter().all(|clip| others.contains(&clip.id)) && !others.contains(&clips[0].id));
    assert_eq!((taken.opened, others.len().abs_diff(clips.len() - 1) <= 1), (1, true), "{others:?}");
    assert_eq!(engine.rekey(others.clone()).await.unwrap(), others.len() as u64);
    for (clip, before) in clips.iter().zip(&before) {
        let is_new = std::fs::read(path(clip)).unwrap() != *before;
        assert_eq!(is_new, clip.id != clips[0].id, "what was opened cannot be made unseen");
    }
    let plain = tempfile::tempdir().unwrap();
    let copied = plain.path().join("copy.mp4");
    engine.copy_clip(clips[1].id, std::fs::File::create(&copied).unwrap()).await.unwrap();
    assert!(hausrecht_tests::media_file::count(&std::fs::read(&copied).unwrap()).frames > 20);
    assert!(
        engine.thumbnails(vec![clips[1].id]).await.unwrap()[0].jpeg_base64.is_some()
            == clips[1].has_thumbnail
    );
    let detail = engine.clip(clips[1].id).await.unwrap();
    assert_eq!(detail.integrity, hausrecht_engine::wire::Integrity::Untouched);

    // Whoever else may view it still does, and the log knows all of it.
    stage.sign_in(SOFIA, SOFIAS).await;
    engine.open_clip(clips[1].id).await.unwrap();
    engine.close_player();
    stage.sign_in_owner().await;
    assert_eq!(entries(engine, "rekeyed").await, others.len() as u64);
    assert_eq!(engine.verify_log_now().await.unwrap().findings, []);
    let proof = engine.clip_proof(clips[1].id).await.unwrap();
    let history = check_clip_proof(&proof, &engine.verifier_key().unwrap(), None).unwrap();
    let kinds: Vec<_> = history.entries.iter().map(|entry| entry.kind.as_str()).collect();
    assert_eq!(kinds, ["recorded", "rekeyed", "copy_made", "opened"]);

    // A crash between the two files: one that counts takes its place, one that does not goes.
    let (folder, clock) = stage.close().await;
    let path =
        |number: usize, ending: &str| folder.path().join(format!("clips/{id}/{}.{ending}", clips[number].id));
    std::fs::rename(path(1, "age"), path(1, "age.new")).unwrap();
    std::fs::write(path(2, "age.new"), b"half of it").unwrap();
    std::fs::write(path(2, "age.new.part"), b"less").unwrap();
    let stage = Stage::over(folder, clock).await;
    stage.sign_in_owner().await;
    assert_eq!(stage.engine.verify_log_now().await.unwrap().findings, []);
    let left = std::fs::read_dir(stage.folder.path().join(format!("clips/{id}"))).unwrap();
    assert!(left.flatten().all(|file| file.path().extension().is_some_and(|ending| ending == "age")));
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_wraps_are_made_beside_everything_and_go_on_with_the_next_sign_in() {
    if !alone("granting::many_wraps_are_made_beside_everything_and_go_on_with_the_next_sign_in") {
        return;
    }
    let (_camera, stage, id) = with_one_camera().await;
    let engine = &stage.engine;
    let mut people = Vec::new();
    for number in 0..60 {
        people.push(add(engine, &format!("Guard {number}"), ROBINS).await);
    }
    let clips = stage.wait_for_clips(id, 6).await;
    let give = GiveGrant {
        people: people.clone(),
        scopes: vec![GrantScope::Camera { camera: id }],
        terms: Terms { back_hours: Some(24), ..terms(&[Right::Playback]) },
        reason: "on duty".into(),
        template: Some("Night guard".into()),
    };
    let given = engine.grant(give).await.unwrap();
    assert_eq!(given.len(), 60);
    // In the middle of it one of them gets another passphrase: wraps for the key before would open nothing.
    let new = "timber harbor violet stone quick lemon";
    engine.give_passphrase(people[59], new.into(), false).await.unwrap();
    // Signed out at once: what is not made waits for the owner, and nothing of it is lost.
    engine.lock().await;
    engine.wraps_made().await;
    stage.sign_in_owner().await;
    engine.wraps_made().await;
    let seen = engine.would_see(people[59]).await.unwrap();
    assert!(seen.cameras[0].clips >= clips.len() as u64 && seen.cameras[0].to_come == 0, "{seen:?}");
    assert!(engine.people().await.unwrap().iter().all(|one| one.grants.iter().all(|grant| !grant.pending)));
    stage.sign_in("Guard 59", new).await;
    for clip in stage.clips(id).await {
        engine.open_clip(clip.id).await.unwrap();
    }
    let page = engine
        .log_page(LogQuery { limit: 10, kinds: vec!["grant".into()], ..LogQuery::default() })
        .await
        .unwrap();
    assert_eq!(page.matching, 1, "of the others a member reads nothing");
    stage.close().await;
}
