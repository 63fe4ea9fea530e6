//! Bad input and bad luck: each gets its code and its sentence, and loses nothing else.

use std::{fs, os::unix::fs::FileExt, path::PathBuf, time::Duration};

use hausrecht_engine::{
    StartError,
    wire::{DeadReason, ErrorCode, Event, LogQuery, NoticeKind, PictureState, PlayerOrder, TileState},
};
use hausrecht_model::{CameraId, ClipId, StreamRole};
use hausrecht_tests::{
    camera::{SimCam, USER},
    process::{children_of, signal},
    until::until,
};
use rustix::process::Signal;

use hausrecht_tests::stage::{MovedClock, OWNER, PATIENCE, SOON, Stage, alone, start};

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_passphrase_slows_down_and_locks_nobody_out() {
    let stage = Stage::owned().await;
    stage.engine.lock().await;
    for _ in 0..2 {
        let wrong = stage.engine.unlock(OWNER, "not this one at all".into()).await.unwrap_err();
        assert_eq!(wrong.code, ErrorCode::WrongPassphrase);
    }
    let nobody = stage.engine.unlock("Nobody", "not this one at all".into()).await.unwrap_err();
    assert_eq!(nobody.code, ErrorCode::WrongPassphrase, "names are not told apart from passphrases");
    stage.sign_in_owner().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_camera_password_is_tried_once() {
    if !alone("trouble::a_wrong_camera_password_is_tried_once") {
        return;
    }
    let camera = SimCam::start(&[]);
    let stage = Stage::owned().await;
    let found = stage.find(&camera.address()).await;
    let outcome = stage.connect_with(&found.key, USER, "wrong").await;
    assert!(outcome.camera.is_none());
    assert_eq!(outcome.error.map(|error| error.code), Some(ErrorCode::CameraRefused));
    assert!(stage.engine.cameras().unwrap().is_empty());
    // The right one is taken afterwards: nothing was locked by repeated tries.
    stage.connect(&camera).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_camera_says_so_and_comes_back() {
    if !alone("trouble::a_frozen_camera_says_so_and_comes_back") {
        return;
    }
    let camera = SimCam::start(&[]);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    stage.watch(id, StreamRole::Main, 3).await;
    camera.control("freeze");
    wait_for_tile(&stage, id, "the tile to say that it is frozen", |tile| {
        matches!(tile.picture, PictureState::Dead { reason: DeadReason::Frozen, .. })
    })
    .await;
    camera.control("thaw");
    wait_for_tile(&stage, id, "the picture to come back", |tile| tile.picture == PictureState::Live).await;
    stage.watch(id, StreamRole::Main, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_without_key_frames_is_named() {
    if !alone("trouble::a_stream_without_key_frames_is_named") {
        return;
    }
    let camera = SimCam::start(&["--fault", "no-keyframe"]);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    wait_for_tile(&stage, id, "the tile to say that there is no key frame", |tile| {
        matches!(tile.picture, PictureState::Dead { reason: DeadReason::NoKeyFrame, .. })
    })
    .await;
    assert!(stage.clips(id).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_goes_is_named_and_comes_back_by_itself() {
    if !alone("trouble::a_camera_that_goes_is_named_and_comes_back_by_itself") {
        return;
    }
    let ports = ["--name", "Gone", "--http-port", "18080", "--rtsp-port", "18554"];
    let camera = SimCam::start(&ports);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    stage.watch(id, StreamRole::Main, 3).await;
    drop(camera);
    wait_for_tile(&stage, id, "the tile to say that the camera is gone", |tile| {
        matches!(tile.picture, PictureState::Dead { retry_at_us: Some(_), .. })
    })
    .await;
    let _again = SimCam::start(&ports);
    wait_for_tile(&stage, id, "the camera to be back", |tile| tile.picture == PictureState::Live).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_worker_costs_its_camera_a_moment_and_nothing_else() {
    if !alone("trouble::a_killed_worker_costs_its_camera_a_moment_and_nothing_else") {
        return;
    }
    let (one, other) = (SimCam::start(&["--name", "One"]), SimCam::start(&["--name", "Other"]));
    let stage = Stage::owned().await;
    let first = stage.connect(&one).await;
    stage.watch(first, StreamRole::Main, 3).await;
    let workers_of_one = children_of(std::process::id(), "hausrecht-worker");
    let second = stage.connect(&other).await;
    stage.watch(second, StreamRole::Main, 3).await;
    assert_eq!(workers_of_one.len(), 1, "one process a camera");

    signal(workers_of_one[0], Signal::KILL);
    stage.watch(first, StreamRole::Main, 3).await;
    let clips = stage.wait_for_clips(first, 2).await;
    let gap_us =
        clips.windows(2).map(|pair| pair[1].start_us.0 - pair[0].start_us.0 - pair[0].duration_us).max();
    println!("recording after a killed worker: a gap of {} ms", gap_us.unwrap_or_default() / 1000);
    let others = stage.wait_for_clips(second, 2).await;
    for pair in others.windows(2) {
        let gap_us = pair[1].start_us.0 - (pair[0].start_us.0 + pair[0].duration_us);
        assert!(gap_us.abs() <= 40_000, "the other camera lost {gap_us} µs");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_clips_are_named_and_the_rest_stays_whole() {
    if !alone("trouble::damaged_clips_are_named_and_the_rest_stays_whole") {
        return;
    }
    let camera = SimCam::start(&[]);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    let clips = stage.wait_for_clips(id, 4).await;
    let [flipped, cut, missing, whole] = [clips[0].id, clips[1].id, clips[2].id, clips[3].id];

    let file = fs::OpenOptions::new().read(true).write(true).open(sealed(&stage, id, flipped)).unwrap();
    let middle = file.metadata().unwrap().len() / 2;
    let mut byte = [0];
    file.read_exact_at(&mut byte, middle).unwrap();
    file.write_all_at(&[byte[0] ^ 1], middle).unwrap();
    let file = fs::OpenOptions::new().write(true).open(sealed(&stage, id, cut)).unwrap();
    file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    fs::remove_file(sealed(&stage, id, missing)).unwrap();

    let engine = &stage.engine;
    for (clip, codes) in [
        (flipped, [ErrorCode::ClipChanged, ErrorCode::ClipChanged]),
        (cut, [ErrorCode::ClipCut, ErrorCode::ClipChanged]),
        (missing, [ErrorCode::ClipMissing, ErrorCode::ClipMissing]),
    ] {
        let mut events = engine.subscribe();
        let said = match engine.open_clip(clip).await {
            Err(error) => error,
            // What lies before the damage may be shown; the damage is named when it is reached.
            Ok(_) => {
                let duration_us = clips.iter().find(|view| view.id == clip).unwrap().duration_us;
                engine.player(&PlayerOrder::Seek { to_us: duration_us * 9 / 10 }).unwrap();
                engine.player(&PlayerOrder::Play).unwrap();
                let state = stage.player_says(&mut events, "the damage", |state| state.error.is_some()).await;
                state.error.expect("it was waited for")
            }
        };
        assert!(codes.contains(&said.code), "{clip}: {said:?}");
        engine.close_player();
    }
    engine.open_clip(whole).await.unwrap();
    engine.close_player();

    engine.verify_log().unwrap();
    let verified = until("the verification", PATIENCE, async || match engine.verify_state() {
        Some(state) if !state.running => Ok(state),
        other => Err(other),
    })
    .await;
    let named: std::collections::BTreeSet<ClipId> =
        verified.findings.iter().filter_map(|found| found.clip).collect();
    assert_eq!(named, [flipped, cut, missing].into(), "{:?}", verified.findings);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_says_who_holds_the_folder() {
    let stage = Stage::owned().await;
    let second = start(stage.folder.path(), &stage.clock).await;
    let Err(StartError::InUse { .. }) = &second else { panic!("two engines in one folder") };
    let said = second.err().unwrap().to_string();
    assert!(said.contains(&std::process::id().to_string()), "{said}");
}

/// On one thread, so that nothing the start has begun runs before the end is ordered.
#[tokio::test]
async fn an_engine_that_is_stopped_as_soon_as_it_has_started_ends() {
    let stage = Stage::empty().await;
    tokio::time::timeout(SOON, stage.engine.stop()).await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_from_a_newer_version_is_left_alone() {
    let stage = Stage::owned().await;
    let (folder, _) = stage.close().await;
    let database = folder.path().join("hausrecht.db");
    // The format's own place for an application's version: bytes 60 to 63 of the file, "user version".
    let file = fs::OpenOptions::new().write(true).open(&database).unwrap();
    file.write_all_at(&999_u32.to_be_bytes(), 60).unwrap();
    let before = fs::read(&database).unwrap();
    let refused = start(folder.path(), &MovedClock::default()).await.err().unwrap();
    println!("newer database: {refused}");
    assert_eq!(fs::read(&database).unwrap(), before, "nothing was changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_back_is_logged() {
    let stage = Stage::owned().await;
    let mut events = stage.engine.subscribe();
    stage.clock.set_back(Duration::from_secs(3600));
    until("the clock step in the log", PATIENCE, async || {
        let query = LogQuery { limit: 10, kinds: vec!["clock_step".into()], ..LogQuery::default() };
        let page = stage.engine.log_page(query).await.unwrap();
        if page.rows.is_empty() { Err(page) } else { Ok(()) }
    })
    .await;
    let mut told = false;
    while let Ok(event) = events.try_recv() {
        if let Event::Notice(notice) = event {
            told |= notice.kind == NoticeKind::ClockStep;
        }
    }
    assert!(told, "the window was not told");
}

async fn wait_for_tile(stage: &Stage, id: CameraId, what: &str, fits: impl Fn(&TileState) -> bool) {
    until(what, PATIENCE, async || {
        let tiles = stage.engine.tiles().unwrap();
        let tile = tiles.into_iter().find(|tile| tile.camera == id).ok_or_else(|| "no tile".to_owned())?;
        if fits(&tile) { Ok(()) } else { Err(format!("{tile:?}")) }
    })
    .await;
}

fn sealed(stage: &Stage, camera: CameraId, clip: ClipId) -> PathBuf {
    stage.folder.path().join("clips").join(camera.to_string()).join(format!("{clip}.age"))
}
