//! The wall without a window: views, decoders, delay, single pictures, and walls that are kept.

use hausrecht_engine::{
    View,
    wire::{
        AddPerson, ErrorCode, GiveGrant, GrantScope, KeepWall, LogQuery, PictureFormat, TileSource,
        ViewSettings, WallTile,
    },
};
use hausrecht_media::Region;
use hausrecht_model::{CameraId, StreamRole};
use hausrecht_tests::{
    camera::SimCam,
    stage::{PATIENCE, SOON, Stage, alone},
    until::until,
};

const PERSON: &str = "Robin";
const PERSON_PASSPHRASE: &str = "copper window maple seven drift anchor";

/// Waits for the first picture of a view, and gives its size and mean brightness.
async fn first_picture(view: &View) -> (u32, u32, f64) {
    until("a first picture", PATIENCE, async || {
        view.newest(|picture| {
            let sum: u64 = picture.bgrx.iter().map(|byte| u64::from(*byte)).sum();
            (picture.width, picture.height, sum as f64 / picture.bgrx.len() as f64)
        })
        .ok_or("none")
    })
    .await
}

/// Waits until the camera's worker says that it has `count` decode branches.
async fn until_decoded(stage: &Stage, camera: CameraId, count: usize) {
    until(&format!("{count} decoders"), SOON, async || {
        let decoded = stage.engine.tile_details(camera).unwrap().decoded;
        if decoded.len() == count { Ok(()) } else { Err(decoded) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_windows_see_one_camera_and_nothing_is_decoded_for_nobody() {
    if !alone("wall::engine::two_windows_see_one_camera_and_nothing_is_decoded_for_nobody") {
        return;
    }
    let camera = SimCam::start(&["--name", "Front", "--scene", "front"]);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    let source = |stream| TileSource::Live { camera: id, stream };
    let small = stage.engine.view(&source(StreamRole::Sub), 320, 180).unwrap();
    let large = stage.engine.view(&source(StreamRole::Main), 1280, 720).unwrap();
    assert_eq!((first_picture(&small).await.0, first_picture(&large).await.0), (320, 1280));
    // Both go on.
    for view in [&small, &large] {
        let mut changes = view.changes().unwrap();
        let from = *changes.borrow_and_update();
        tokio::time::timeout(SOON, changes.wait_for(|sequence| *sequence > from + 5)).await.unwrap().unwrap();
    }
    until_decoded(&stage, id, 2).await;
    let details = stage.engine.tile_details(id).unwrap();
    for stream in [StreamRole::Main, StreamRole::Sub] {
        let branch = details.decoded.iter().find(|branch| branch.stream == stream).unwrap();
        println!("{stream:?} is decoded by {}, hardware: {}", branch.decoder, branch.hardware);
        assert!(!branch.decoder.is_empty());
        let stream = details.streams.iter().find(|state| state.stream == stream).unwrap();
        assert!(stream.width > 0 && stream.codec.is_some(), "{stream:?}");
    }

    // A part of the picture is another picture, of the same size.
    let (_, _, whole) = first_picture(&large).await;
    let sky = Region { left: 0.0, top: 0.0, width: 0.25, height: 0.25 };
    large.show_region(sky);
    until("the part", SOON, async || {
        let (width, height, part) = first_picture(&large).await;
        assert_eq!((width, height), (1280, 720));
        if (part - whole).abs() > 2.0 { Ok(()) } else { Err((whole, part)) }
    })
    .await;

    drop(small);
    until_decoded(&stage, id, 1).await;
    drop(large);
    until_decoded(&stage, id, 0).await;
    until("the substream to be left alone", SOON, async || {
        let streams = stage.engine.tile_details(id).unwrap().streams;
        if streams.iter().all(|state| state.stream == StreamRole::Main) { Ok(()) } else { Err(streams) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stall_is_followed_by_a_jump_to_now() {
    if !alone("wall::engine::a_stall_is_followed_by_a_jump_to_now") {
        return;
    }
    let camera = SimCam::start(&["--name", "Front", "--scene", "front"]);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    let view =
        stage.engine.view(&TileSource::Live { camera: id, stream: StreamRole::Main }, 640, 360).unwrap();
    first_picture(&view).await;
    // How far the newest picture's own time lies behind the clock, but for what the two began with.
    let behind_ms = || {
        let now_us = stage.engine.now().0;
        view.newest(|picture| (now_us - i64::try_from(picture.meta.pts_us).unwrap()) / 1000)
    };
    // The least of many looks: a picture stands for a while before the next one comes.
    let least = async || {
        let mut changes = view.changes().unwrap();
        let mut least = i64::MAX;
        for _ in 0..25 {
            tokio::time::timeout(SOON, changes.changed()).await.unwrap().unwrap();
            least = least.min(behind_ms().unwrap());
        }
        least
    };
    let before = least().await;
    let worker = stage.engine.worker_pid(id).unwrap();
    for (who, pid) in [("worker", worker), ("camera", camera.pid())] {
        let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
        let stopped_at = stage.engine.now().0;
        until("the picture to be three seconds old", SOON, async || {
            let passed_ms = (stage.engine.now().0 - stopped_at) / 1000;
            if passed_ms >= 3_000 { Ok(()) } else { Err(passed_ms) }
        })
        .await;
        assert!(behind_ms().unwrap() > before + 2_000, "nothing came while the {who} stood still");
        rustix::process::kill_process(pid, rustix::process::Signal::CONT).unwrap();
        let caught_up = until("now", PATIENCE, async || {
            let behind = least().await - before;
            if behind < 250 { Ok(behind) } else { Err(behind) }
        })
        .await;
        println!("after the {who} stood still for 3 s, pictures are {caught_up} ms later than before");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_keeps_a_live_picture_and_the_log_says_so_before() {
    if !alone("wall::engine::the_owner_keeps_a_live_picture_and_the_log_says_so_before") {
        return;
    }
    let camera = SimCam::start(&["--name", "Haustür / 1", "--scene", "front"]);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    stage.watch(id, StreamRole::Sub, 3).await;
    let folder = tempfile::tempdir().unwrap();
    let pictures = folder.path().join("Pictures");
    for (format, start) in
        [(PictureFormat::Jpeg, &[0xff, 0xd8, 0xff][..]), (PictureFormat::Png, &b"\x89PNG"[..])]
    {
        let kept = stage.engine.keep_live_picture(id, format, pictures.clone()).await.unwrap();
        assert_eq!(
            (kept.width, kept.height),
            (1920, 1080),
            "the main stream, though the small one is looked at"
        );
        let bytes = std::fs::read(&kept.path).unwrap();
        assert!(bytes.starts_with(start) && bytes.len() > 10_000, "{} bytes", bytes.len());
    }
    let png = std::fs::read_dir(&pictures).unwrap().flatten().map(|entry| entry.path());
    let png = png.into_iter().find(|path| path.extension().is_some_and(|ending| ending == "png")).unwrap();
    let picture = hausrecht_tests::display::Picture::load(&png).unwrap();
    let whole = hausrecht_tests::display::Area { x: 0, y: 0, width: 1920, height: 1080 };
    assert!(picture.colours(whole) > 100, "a real picture");
    let query =
        LogQuery { offset: 0, limit: 10, kinds: vec!["copy_made".into()], camera: None, person: None };
    assert_eq!(stage.engine.log_page(query).await.unwrap().matching, 2);

    // If the log cannot be written there is no file; a member keeps none at all.
    let new = AddPerson {
        name: PERSON.into(),
        passphrase: PERSON_PASSPHRASE.into(),
        accept_weak: false,
        ..AddPerson::default()
    };
    let person = stage.engine.add_person(new).await.unwrap().face.id;
    let give = GiveGrant::plain(person, GrantScope::Camera { camera: id }, None, "lives here");
    stage.engine.grant(give).await.unwrap();
    stage.sign_in(PERSON, PERSON_PASSPHRASE).await;
    let refused =
        stage.engine.keep_live_picture(id, PictureFormat::Jpeg, pictures.clone()).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::NotAllowed);
    assert_eq!(std::fs::read_dir(&pictures).unwrap().count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_has_walls_of_their_own_with_the_cameras_that_they_may_see() {
    if !alone("wall::engine::everybody_has_walls_of_their_own_with_the_cameras_that_they_may_see") {
        return;
    }
    let front = SimCam::start(&["--name", "Front", "--scene", "front"]);
    let garage = SimCam::start(&["--name", "Garage", "--scene", "garage"]);
    let stage = Stage::owned().await;
    let (front, garage) = (stage.connect(&front).await, stage.connect(&garage).await);
    let tile = |camera, column| WallTile { camera, column, row: 0, width: 1, height: 1 };
    let wall = |name: &str, tiles: Vec<WallTile>| KeepWall {
        id: None,
        name: name.into(),
        columns: 2,
        rows: 1,
        tiles,
    };
    let both = vec![tile(front, 0), tile(garage, 1)];
    let kept = stage.engine.keep_wall(wall("  Yard ", both.clone())).await.unwrap();
    assert_eq!((kept.name.as_str(), kept.tiles.len()), ("Yard", 2));
    let renamed = KeepWall { id: Some(kept.id), ..wall("Outside", both.clone()) };
    stage.engine.keep_wall(renamed.clone()).await.unwrap();
    let liked = ViewSettings { text_percent: 150, patrol_seconds: 30, wall: kept.id.to_string() };
    stage.engine.set_view_settings(liked.clone()).await.unwrap();
    let too_large = ViewSettings { text_percent: 300, ..liked.clone() };
    assert_eq!(stage.engine.set_view_settings(too_large).await.unwrap_err().code, ErrorCode::Invalid);

    let new = AddPerson {
        name: PERSON.into(),
        passphrase: PERSON_PASSPHRASE.into(),
        accept_weak: false,
        ..AddPerson::default()
    };
    let person = stage.engine.add_person(new).await.unwrap().face.id;
    let mut grants = Vec::new();
    for camera in [front, garage] {
        let scope = GrantScope::Camera { camera };
        let give = GiveGrant::plain(person, scope, None, "lives here");
        grants.push(stage.engine.grant(give).await.unwrap()[0].id);
    }
    stage.sign_in(PERSON, PERSON_PASSPHRASE).await;
    assert!(stage.engine.walls().await.unwrap().is_empty(), "the owner's walls are the owner's");
    assert_eq!(stage.engine.view_settings().await.unwrap(), ViewSettings::default());
    assert_eq!(stage.engine.keep_wall(renamed).await.unwrap_err().code, ErrorCode::NotFound);
    assert_eq!(stage.engine.remove_wall(kept.id).await.unwrap_err().code, ErrorCode::NotFound);
    stage.engine.keep_wall(wall("Mine", both.clone())).await.unwrap();
    stage.sign_in_owner().await;
    stage.engine.take_back(grants[1]).await.unwrap();
    stage.sign_in(PERSON, PERSON_PASSPHRASE).await;
    let seen = stage.engine.walls().await.unwrap();
    assert_eq!(seen[0].tiles, [tile(front, 0)], "what was taken back is not even named");
    assert_eq!(stage.engine.keep_wall(wall("Again", both)).await.unwrap_err().code, ErrorCode::NotFound);

    // They outlive the program.
    let stage = stage.restart().await;
    stage.sign_in_owner().await;
    let walls = stage.engine.walls().await.unwrap();
    assert_eq!((walls.len(), walls[0].name.as_str(), walls[0].tiles.len()), (1, "Outside", 2));
    assert_eq!(stage.engine.view_settings().await.unwrap(), liked);
    stage.engine.remove_wall(kept.id).await.unwrap();
    assert!(stage.engine.walls().await.unwrap().is_empty());
    stage.engine.lock().await;
    assert_eq!(stage.engine.walls().await.unwrap_err().code, ErrorCode::Locked);
}
