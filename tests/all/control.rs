//! Controlling a camera end to end: what its owner changes is changed in the camera, and in the log before that.

mod between;
mod crash;

use std::{collections::BTreeMap, fs, path::Path, sync::atomic::Ordering, time::Duration};

use hausrecht_engine::wire::{
    DeadReason, ErrorCode, ImagingSettings, LogQuery, LogRow, Mask, Osd, OsdContent, OsdPosition,
    PictureState, Point, Presence, PtzVector, UserLevel,
};
use hausrecht_model::{CameraId, Codec, StreamRole};
use hausrecht_store::{ClipFilter, Store};
use hausrecht_tests::{
    camera::{PASSWORD, SimCam, USER},
    stage::{PATIENCE, Stage, alone},
    until::until,
};
use serde_json::Value;

use self::between::{Between, Fate};

const RIGHT: PtzVector = PtzVector { pan: 0.2, tilt: 0.0, zoom: 0.0 };

/// What a camera knows of itself that speaks under TLS only, whatever certificate it has.
pub(crate) async fn state_under_tls(camera: &SimCam) -> Value {
    let client = reqwest::Client::builder().danger_accept_invalid_certs(true).no_proxy().build().unwrap();
    let answer = client.get(format!("https://{}/control/state", camera.address())).send().await.unwrap();
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

fn pan(camera: &SimCam) -> f64 {
    camera.state()["ptz"][0].as_f64().unwrap()
}

/// What was changed at the camera so far, oldest first: each entry's facts.
async fn changes(stage: &Stage, camera: CameraId) -> Vec<(LogRow, BTreeMap<String, String>)> {
    let query = LogQuery {
        limit: 500,
        kinds: vec!["camera_changed".to_owned()],
        camera: Some(camera),
        ..LogQuery::default()
    };
    let page = stage.engine.log_page(query).await.unwrap();
    let facts = |row: &LogRow| row.facts.iter().map(|fact| (fact.name.clone(), fact.value.clone())).collect();
    page.rows.into_iter().rev().map(|row| (row.clone(), facts(&row))).collect()
}

async fn whats(stage: &Stage, camera: CameraId) -> Vec<String> {
    let changes = changes(stage, camera).await;
    changes.into_iter().map(|(_, facts)| facts.get("what").cloned().unwrap_or_default()).collect()
}

async fn wait_until_live(stage: &Stage, camera: CameraId) {
    until("the picture to be live", PATIENCE, async || {
        let tiles = stage.engine.tiles().unwrap();
        let tile = tiles.into_iter().find(|tile| tile.camera == camera);
        if tile.as_ref().is_some_and(|tile| tile.picture == PictureState::Live) { Ok(()) } else { Err(tile) }
    })
    .await;
}

async fn dead_reason(stage: &Stage, camera: CameraId, wanted: DeadReason) {
    until("the tile to say why there is no picture", PATIENCE, async || {
        let tiles = stage.engine.tiles().unwrap();
        let tile = tiles.into_iter().find(|tile| tile.camera == camera);
        let is_so = tile.as_ref().is_some_and(
            |tile| matches!(tile.picture, PictureState::Dead { reason, .. } if reason == wanted),
        );
        if is_so { Ok(()) } else { Err(tile) }
    })
    .await;
}

/// No file of the data folder holds these bytes.
fn assert_nowhere(folder: &Path, secret: &str) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_nowhere(&path, secret);
        } else {
            let bytes = fs::read(&path).unwrap();
            let is_there = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!is_there, "{} holds a password in clear", path.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_panel_says_what_a_camera_is_and_lacks() {
    if !alone("control::the_panel_says_what_a_camera_is_and_lacks") {
        return;
    }
    let camera = SimCam::start(&["--scene", "front"]);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    let panel = stage.engine.camera_panel(id).await.unwrap();
    assert_eq!((panel.account.as_str(), panel.account_level), (USER, Some(UserLevel::Administrator)));
    assert!(panel.factory_password_suspected && !panel.own_account && !panel.encrypted);
    assert_eq!(panel.certificate, None);
    assert!(panel.clock_offset_ms.is_some_and(|offset_ms| offset_ms.abs() < 2_000), "{panel:?}");
    assert!(panel.ptz.as_ref().is_some_and(|ptz| ptz.can_pan_tilt && ptz.has_home), "{panel:?}");
    assert!(panel.talk);
    assert_eq!((panel.features.ptz, panel.features.relays), (Presence::Present, Presence::Absent));
    assert!(panel.profiles.len() >= 2 && panel.profiles.iter().any(|profile| profile.token == panel.main));

    // What a camera lacks is refused with a sentence, and nothing of it is in the log.
    let engine = &stage.engine;
    let none = engine.operate_relay(id, "door".into(), true).await.unwrap_err();
    assert_eq!(none.code, ErrorCode::CameraUnsuitable, "{none}");
    let bare = SimCam::start(&["--name", "Bare", "--scene", "shop", "--without", "osd", "--without", "mask"]);
    let bare_id = stage.connect(&bare).await;
    for refused in [
        engine.ptz_move(bare_id, RIGHT).await.unwrap_err(),
        engine.ptz_presets(bare_id).await.unwrap_err(),
        engine.imaging(bare_id).await.unwrap_err(),
        engine.osds(bare_id).await.unwrap_err(),
        engine.masks(bare_id).await.unwrap_err(),
    ] {
        assert_eq!(refused.code, ErrorCode::CameraUnsuitable, "{refused}");
        assert!(refused.message.len() > 20, "{refused}");
    }
    assert!(changes(&stage, bare_id).await.is_empty());

    stage.engine.lock().await;
    assert_eq!(engine.camera_panel(id).await.unwrap_err().code, ErrorCode::Locked);
    assert_eq!(engine.ptz_move(id, RIGHT).await.unwrap_err().code, ErrorCode::Locked);
}

#[tokio::test(flavor = "multi_thread")]
async fn chosen_streams_are_recorded_and_stay_chosen() {
    if !alone("control::chosen_streams_are_recorded_and_stay_chosen") {
        return;
    }
    let camera = SimCam::start(&["--feature", "mjpeg"]);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    stage.wait_for_clips(id, 1).await;
    let panel = stage.engine.camera_panel(id).await.unwrap();
    let (large, small) = (panel.main.clone(), panel.sub.clone().unwrap());
    let jpeg = panel.profiles.iter().find(|profile| profile.codec == Some(Codec::Mjpeg)).unwrap();
    let refused = stage.engine.choose_streams(id, jpeg.token.clone(), None).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Invalid, "{refused}");
    let refused = stage.engine.choose_streams(id, "nothing".into(), None).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::NotFound, "{refused}");

    let worker = stage.engine.worker_pid(id);
    stage.engine.choose_streams(id, small.clone(), None).await.unwrap();
    until("another worker", PATIENCE, async || {
        let now = stage.engine.worker_pid(id);
        if now.is_some() && now != worker { Ok(()) } else { Err(now) }
    })
    .await;
    let width = panel.profiles.iter().find(|profile| profile.token == small).unwrap().width;
    let before = stage.clips(id).await.len();
    // The clip that the change cut off, and one of the other stream.
    stage.wait_for_clips(id, before + 2).await;
    let (folder, clock) = stage.close().await;
    let widths: Vec<_> = {
        let mut store = Store::open(&folder.path().join("hausrecht.db")).unwrap();
        let clips = store.read(|tables| tables.clips(&ClipFilter::default())).unwrap();
        clips.iter().map(|clip| clip.width).collect()
    };
    assert!(widths.contains(&width), "{widths:?}");
    let stage = Stage::over(folder, clock).await;
    stage.sign_in_owner().await;
    let panel = stage.engine.camera_panel(id).await.unwrap();
    assert_eq!((panel.main, panel.sub), (small, None));
    stage.engine.choose_streams(id, large.clone(), None).await.unwrap();
    assert_eq!(stage.engine.camera_panel(id).await.unwrap().main, large);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_turns_while_it_is_told_to_and_no_longer() {
    if !alone("control::a_camera_turns_while_it_is_told_to_and_no_longer") {
        return;
    }
    let between = Between::new();
    let address = between.address();
    let camera = SimCam::start(&["--scene", "front", "--fault", &format!("bad-xaddr={address}")]);
    let seen = between.stand(camera.address(), Fate::PassedOn);
    let stage = Stage::owned().await;
    let found = stage.engine.add_by_address(&address).await.unwrap();
    let id = stage.connect_with(&found.key, USER, PASSWORD).await.camera.unwrap();
    let engine = &stage.engine;
    let stands_still = async |what: &str| {
        let mut before = None;
        until(what, PATIENCE, async || {
            let now = Some(pan(&camera));
            if std::mem::replace(&mut before, now) == now { Ok(()) } else { Err(now) }
        })
        .await
    };

    // A flood of moves is one move, and one entry.
    let mut moves = tokio::task::JoinSet::new();
    for _ in 0..60 {
        let engine = engine.clone();
        moves.spawn(async move { engine.ptz_move(id, RIGHT).await });
    }
    while let Some(moved) = moves.join_next().await {
        moved.unwrap().unwrap();
    }
    until("the camera to turn", PATIENCE, async || {
        let now = pan(&camera);
        if now > 0.01 { Ok(()) } else { Err(now) }
    })
    .await;
    engine.ptz_stop(id).await.unwrap();
    let stopped = pan(&camera);
    assert_eq!(pan(&camera).to_bits(), stopped.to_bits(), "it stands when stopping is answered");
    let moved = whats(&stage, id).await.into_iter().filter(|what| what == "ptz_move").count();
    assert_eq!(moved, 1, "entries");
    let asked = seen.moves.load(Ordering::SeqCst);
    assert!((1..=20).contains(&asked), "the camera was asked {asked} times for 60 moves");

    // While a key is held, the move is repeated and never interrupted.
    let stops = || camera.state()["ptz_stops"].as_u64().unwrap();
    let stops_before = stops();
    for _ in 0..12 {
        engine.ptz_move(id, RIGHT).await.unwrap();
        let begun = pan(&camera);
        until("the camera to turn on", PATIENCE, async || {
            let now = pan(&camera);
            if now > begun + 0.015 { Ok(()) } else { Err(now) }
        })
        .await;
    }
    assert_eq!(stops(), stops_before, "the key was held all the time");
    engine.ptz_stop(id).await.unwrap();
    assert_eq!(stops(), stops_before + 1);
    let stopped = pan(&camera);

    // Without a repeat it stops by itself, and with the end of the session too.
    engine.ptz_move(id, RIGHT).await.unwrap();
    stands_still("the camera to stop by itself").await;
    assert!(pan(&camera) > stopped);
    engine.ptz_move(id, RIGHT).await.unwrap();
    engine.lock().await;
    stands_still("the camera to stop when the session locks").await;
    stage.sign_in_owner().await;

    let saved = engine.ptz_save_preset(id, "Gate".into(), None).await.unwrap();
    assert!(saved.picture.as_ref().is_some_and(|picture| picture.starts_with("/9j/")), "a JPEG in base64");
    let here = pan(&camera);
    engine.ptz_set_home(id).await.unwrap();
    engine.ptz_move(id, PtzVector { pan: -1.0, tilt: 0.0, zoom: 0.0 }).await.unwrap();
    stands_still("the camera to stop").await;
    assert!(pan(&camera) < here);
    engine.ptz_go_to_preset(id, saved.token.clone()).await.unwrap();
    until("the camera to be there", PATIENCE, async || {
        let now = pan(&camera);
        if (now - here).abs() < 0.01 { Ok(()) } else { Err(now) }
    })
    .await;
    engine.ptz_go_home(id).await.unwrap();

    let stage = stage.restart().await;
    stage.sign_in_owner().await;
    assert!(stage.engine.ptz_presets(id).await.unwrap().contains(&saved), "the picture is kept");
    stage.engine.ptz_presets(id).await.unwrap();
    let query = LogQuery { limit: 9, kinds: vec!["previewed".into()], ..LogQuery::default() };
    let seen = stage.engine.log_page(query).await.unwrap();
    assert_eq!(seen.matching, 1, "that its picture was shown is in the log, once");
    stage.engine.ptz_remove_preset(id, saved.token.clone()).await.unwrap();
    let left = stage.engine.ptz_presets(id).await.unwrap();
    assert!(left.iter().all(|preset| preset.token != saved.token));
    let whats = whats(&stage, id).await;
    for what in ["preset_saved", "home_saved", "ptz_preset", "ptz_home", "preset_removed"] {
        assert!(whats.iter().any(|said| said == what), "{what} in {whats:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_picture_is_set_in_the_camera_and_failures_are_in_the_log() {
    if !alone("control::the_picture_is_set_in_the_camera_and_failures_are_in_the_log") {
        return;
    }
    let camera = SimCam::start(&["--scene", "front"]);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    let engine = &stage.engine;

    let view = engine.imaging(id).await.unwrap();
    assert!(view.options.brightness.is_some());
    let bright = ImagingSettings { brightness: Some(73.0), ..ImagingSettings::default() };
    engine.set_imaging(id, bright).await.unwrap();
    let set = engine.imaging(id).await.unwrap().settings;
    assert_eq!((set.brightness, set.contrast), (Some(73.0), view.settings.contrast));
    let wrong = ImagingSettings { brightness: Some(9000.0), ..ImagingSettings::default() };
    let refused = engine.set_imaging(id, wrong).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::CameraUnsuitable, "{refused}");
    let changes = changes(&stage, id).await;
    let [.., (announced, _), (failed, facts)] = changes.as_slice() else { panic!("{changes:?}") };
    assert_eq!(facts["what"], "failed");
    assert_eq!(failed.refers_to, Some(announced.index));

    let encoders = engine.encoders(id).await.unwrap();
    let main = encoders.iter().find(|view| view.used_for.contains(&StreamRole::Main)).unwrap();
    assert!(!main.options.is_empty());
    let mut encoder = main.encoder.clone();
    encoder.bitrate_kbps /= 2;
    engine.set_encoder(id, encoder.clone()).await.unwrap();
    let now = engine.encoders(id).await.unwrap();
    let now = now.iter().find(|view| view.encoder.token == encoder.token).unwrap();
    assert_eq!(now.encoder.bitrate_kbps, encoder.bitrate_kbps);
    wait_until_live(&stage, id).await;

    let view = engine.osds(id).await.unwrap();
    let before = view.osds.len();
    let service = match view.osds.first() {
        Some(osd) => osd.service,
        None => main.encoder.service,
    };
    let osd = Osd {
        token: String::new(),
        source_configuration: String::new(),
        position: OsdPosition::UpperLeft,
        content: OsdContent::Text("Front yard".into()),
        font_size: None,
        date_format: None,
        time_format: None,
        service,
    };
    engine.set_osd(id, osd).await.unwrap();
    let osds = engine.osds(id).await.unwrap().osds;
    assert_eq!(osds.len(), before + 1);
    let mut made = osds.into_iter().find(|osd| osd.content == OsdContent::Text("Front yard".into())).unwrap();
    made.content = OsdContent::DateAndTime;
    engine.set_osd(id, made.clone()).await.unwrap();
    let changed = engine.osds(id).await.unwrap().osds;
    assert!(changed.iter().any(|osd| osd.token == made.token && osd.content == OsdContent::DateAndTime));
    engine.delete_osd(id, made).await.unwrap();
    assert_eq!(engine.osds(id).await.unwrap().osds.len(), before);

    let corners: Vec<_> = [(0.1, 0.1), (0.4, 0.1), (0.25, 0.5)].map(|(x, y)| Point { x, y }).to_vec();
    let kind = engine.masks(id).await.unwrap().options.kinds.first().cloned().unwrap_or("Color".into());
    let mask = Mask {
        token: String::new(),
        source_configuration: String::new(),
        corners: corners.clone(),
        kind,
        is_on: true,
    };
    engine.set_mask(id, mask).await.unwrap();
    let masks = engine.masks(id).await.unwrap().masks;
    assert_eq!(masks.len(), 1);
    assert_eq!(masks[0].corners.len(), 3);
    for (made, asked) in masks[0].corners.iter().zip(&corners) {
        assert!((made.x - asked.x).abs() < 0.01 && (made.y - asked.y).abs() < 0.01, "{made:?} {asked:?}");
    }
    engine.delete_mask(id, masks[0].clone()).await.unwrap();
    assert!(engine.masks(id).await.unwrap().masks.is_empty());

    let picture = engine.still_picture(id).await.unwrap();
    assert!(picture.starts_with("/9j/"));
    let query =
        LogQuery { limit: 1, kinds: vec!["previewed".into()], camera: Some(id), ..LogQuery::default() };
    let seen = engine.log_page(query).await.unwrap();
    assert_eq!(seen.matching, 1);
    assert!(seen.rows[0].facts.iter().any(|fact| fact.name == "live"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_door_opens_and_the_log_knew_before() {
    if !alone("control::a_door_opens_and_the_log_knew_before") {
        return;
    }
    let camera = SimCam::start(&["--scene", "garage"]);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    let relays = stage.engine.relays(id).await.unwrap();
    let door = relays.iter().find(|relay| relay.token == "door").unwrap();
    assert!(door.momentary && relays.iter().any(|relay| !relay.momentary));
    let is_on = |token: &str| {
        let relays = camera.state()["relays"].clone();
        relays.as_array().unwrap().iter().any(|relay| relay[0] == token && relay[1] == true)
    };
    stage.engine.operate_relay(id, "light".into(), true).await.unwrap();
    assert!(is_on("light"));
    stage.engine.operate_relay(id, "light".into(), false).await.unwrap();
    assert!(!is_on("light"));
    let missing = stage.engine.operate_relay(id, "gate".into(), true).await.unwrap_err();
    assert_eq!(missing.code, ErrorCode::NotFound);
    let changes = changes(&stage, id).await;
    let relays: Vec<_> =
        changes.iter().map(|(_, facts)| (facts["token"].as_str(), facts["on"].as_str())).collect();
    assert_eq!(relays, [("light", "true"), ("light", "false")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_answer_is_lost_is_unanswered_in_the_log() {
    if !alone("control::an_order_whose_answer_is_lost_is_unanswered_in_the_log") {
        return;
    }
    let between = Between::new();
    let address = between.address();
    let camera = SimCam::start(&["--scene", "garage", "--fault", &format!("bad-xaddr={address}")]);
    let _seen = between.stand(camera.address(), Fate::Obeyed);
    let stage = Stage::owned().await;
    let found = stage.engine.add_by_address(&address).await.unwrap();
    let id = stage.connect_with(&found.key, USER, PASSWORD).await.camera.unwrap();
    let lost = stage.engine.operate_relay(id, "light".into(), true).await.unwrap_err();
    assert_eq!(lost.code, ErrorCode::CameraUnreachable, "{lost}");
    let relays = camera.state()["relays"].clone();
    assert!(relays.as_array().unwrap().iter().any(|relay| relay[0] == "light" && relay[1] == true));
    let changes = changes(&stage, id).await;
    let [(announced, order), (unanswered, outcome)] = changes.as_slice() else { panic!("{changes:?}") };
    assert_eq!((order["what"].as_str(), outcome["what"].as_str()), ("relay", "unanswered"));
    assert_eq!(unanswered.refers_to, Some(announced.index));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_changed_in_the_camera_and_access_stays() {
    const NEW: &str = "Planted-Secret-4711";
    const OTHER: &str = "Planted-Other-0815";
    if !alone("control::a_password_is_changed_in_the_camera_and_access_stays") {
        return;
    }
    let camera = SimCam::start(&[]);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    wait_until_live(&stage, id).await;
    let engine = &stage.engine;
    let long = "x".repeat(65);
    assert_eq!(
        engine.set_camera_user_password(id, USER.into(), long).await.unwrap_err().code,
        ErrorCode::Invalid
    );
    let nobody = engine.set_camera_user_password(id, "nobody".into(), OTHER.into()).await.unwrap_err();
    assert_eq!(nobody.code, ErrorCode::NotFound);

    engine.set_camera_user_password(id, USER.into(), NEW.into()).await.unwrap();
    let panel = engine.camera_panel(id).await.unwrap();
    assert!(!panel.factory_password_suspected);
    let refused = engine.set_camera_password(id, USER, PASSWORD.into()).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::CameraRefused, "the camera has forgotten the old one");
    stage.watch(id, StreamRole::Main, 3).await;
    // Events go on too.
    camera.control("motion");
    until("the motion to be seen", PATIENCE, async || {
        let tiles = engine.tiles().unwrap();
        if tiles[0].last_event.is_some() { Ok(()) } else { Err(tiles) }
    })
    .await;

    engine.make_own_account(id).await.unwrap();
    let panel = engine.camera_panel(id).await.unwrap();
    assert_eq!((panel.account.as_str(), panel.account_level), ("hausrecht", Some(UserLevel::Operator)));
    assert!(panel.own_account);
    let users = camera.state()["accounts"].clone();
    assert_eq!(users, serde_json::json!([[USER, "Administrator"], ["hausrecht", "Operator"]]));
    stage.watch(id, StreamRole::Main, 3).await;
    engine.ptz_move(id, RIGHT).await.unwrap();
    let again = engine.make_own_account(id).await.unwrap_err();
    assert_eq!(again.code, ErrorCode::Invalid);
    // What takes an administrator is refused with a sentence, and does not cost the sign-in.
    let refused = engine.camera_users(id).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::CameraUnsuitable, "{refused}");
    engine.camera_panel(id).await.unwrap();

    // The old account still works, and manages the others.
    engine.set_camera_password(id, USER, NEW.into()).await.unwrap();
    assert!(!engine.camera_panel(id).await.unwrap().own_account);
    engine.set_camera_user_password(id, "hausrecht".into(), OTHER.into()).await.unwrap();
    let own = engine.delete_camera_user(id, USER.into()).await.unwrap_err();
    assert_eq!(own.code, ErrorCode::Invalid);
    engine.delete_camera_user(id, "hausrecht".into()).await.unwrap();
    let users = engine.camera_users(id).await.unwrap();
    assert_eq!(users.len(), 1);
    assert!(users[0].in_use);
    let changes = changes(&stage, id).await;
    let text = format!("{changes:?}");
    assert!(!text.contains(NEW) && !text.contains(OTHER), "{text}");

    let stage = stage.restart().await;
    stage.sign_in_owner().await;
    wait_until_live(&stage, id).await;
    let (folder, _) = stage.close().await;
    assert_nowhere(folder.path(), NEW);
    assert_nowhere(folder.path(), OTHER);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_of_its_own_has_the_least_rights_that_suffice() {
    if !alone("control::an_account_of_its_own_has_the_least_rights_that_suffice") {
        return;
    }
    let camera = SimCam::start(&["--scene", "shop"]);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    wait_until_live(&stage, id).await;
    // An account that is let in and gets no pictures is not kept.
    camera.control("refuse");
    let refused = stage.engine.make_own_account(id).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::CameraUnsuitable, "{refused}");
    assert_eq!(camera.state()["accounts"], serde_json::json!([[USER, "Administrator"]]));
    camera.control("accept");
    wait_until_live(&stage, id).await;
    let panel = stage.engine.camera_panel(id).await.unwrap();
    assert!(panel.account == USER && !panel.own_account);

    stage.engine.make_own_account(id).await.unwrap();
    let users = camera.state()["accounts"].clone();
    assert_eq!(users, serde_json::json!([[USER, "Administrator"], ["hausrecht", "User"]]));
    let panel = stage.engine.camera_panel(id).await.unwrap();
    assert!(panel.own_account && panel.factory_password_suspected, "the old account has its password still");
    let stage = stage.restart().await;
    stage.sign_in_owner().await;
    assert!(stage.engine.camera_panel(id).await.unwrap().own_account);
    stage.watch(id, StreamRole::Main, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_certificate_is_asked_about_and_nothing_is_sent_before() {
    if !alone("control::another_certificate_is_asked_about_and_nothing_is_sent_before") {
        return;
    }
    let args = ["--name", "Sealed", "--tls", "--http-port", "18443", "--rtsp-port", "18322"];
    let camera = SimCam::start(&args);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    let panel = stage.engine.camera_panel(id).await.unwrap();
    let first = panel.certificate.clone().unwrap();
    assert!(panel.encrypted);
    assert_eq!(stage.engine.camera_certificate(id).unwrap(), None);

    // Each start makes another certificate.
    drop(camera);
    let again = SimCam::start(&args);
    dead_reason(&stage, id, DeadReason::CertificateChanged).await;
    let question = stage.engine.camera_certificate(id).unwrap().unwrap();
    assert_eq!(question.expected, first);
    assert_eq!(stage.engine.camera_panel(id).await.unwrap_err().code, ErrorCode::CameraUnsuitable);
    let wrong = stage.engine.accept_certificate(id, first.clone()).await.unwrap_err();
    assert_eq!(wrong.code, ErrorCode::Invalid);

    // The question is still there after a restart.
    let stage = stage.restart().await;
    stage.sign_in_owner().await;
    dead_reason(&stage, id, DeadReason::CertificateChanged).await;
    assert_eq!(stage.engine.worker_pid(id), None);
    assert_eq!(
        state_under_tls(&again).await["sign_ins"],
        0,
        "it was asked for its certificate, and told nothing"
    );
    stage.engine.accept_certificate(id, question.seen.clone()).await.unwrap();
    until("a worker to be started again", PATIENCE, async || {
        stage.engine.worker_pid(id).ok_or_else(|| stage.engine.tiles().unwrap())
    })
    .await;
    assert_eq!(stage.engine.camera_panel(id).await.unwrap().certificate, Some(question.seen));
    assert_eq!(stage.engine.camera_certificate(id).unwrap(), None);
    assert!(whats(&stage, id).await.contains(&"certificate_accepted".to_owned()));
    assert!(state_under_tls(&again).await["sign_ins"].as_u64() > Some(0), "sign-ins are counted");
}

/// Passes connections on to one camera or another.
struct Switch {
    address: String,
    target: tokio::sync::watch::Sender<String>,
}

impl Switch {
    async fn to(camera: &SimCam) -> (Self, tokio::net::TcpListener) {
        let door = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = door.local_addr().unwrap().to_string();
        (Self { address, target: tokio::sync::watch::channel(camera.address()).0 }, door)
    }

    /// Connections that are open when the target changes break off.
    fn open(&self, door: tokio::net::TcpListener) {
        let target = self.target.subscribe();
        tokio::spawn(async move {
            while let Ok((mut from, _)) = door.accept().await {
                let mut target = target.clone();
                let behind = target.borrow_and_update().clone();
                tokio::spawn(async move {
                    let Ok(mut to) = tokio::net::TcpStream::connect(behind).await else { return };
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut from, &mut to) => {}
                        _ = target.changed() => {}
                    }
                });
            }
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_about_a_certificate_goes_when_the_known_one_answers_again() {
    if !alone("control::a_question_about_a_certificate_goes_when_the_known_one_answers_again") {
        return;
    }
    let camera = SimCam::start(&["--name", "Sealed", "--tls"]);
    let impostor = SimCam::start(&["--name", "Sealed", "--tls"]);
    let (switch, door) = Switch::to(&camera).await;
    switch.open(door);
    let stage = Stage::owned().await;
    let address = format!("https://{}/onvif/device_service", switch.address);
    let found = stage.engine.add_by_address(&address).await.unwrap();
    let id = stage.connect_with(&found.key, USER, PASSWORD).await.camera.unwrap();
    wait_until_live(&stage, id).await;

    switch.target.send_replace(impostor.address());
    dead_reason(&stage, id, DeadReason::CertificateChanged).await;
    assert!(stage.engine.camera_certificate(id).unwrap().is_some());
    switch.target.send_replace(camera.address());
    wait_until_live(&stage, id).await;
    assert_eq!(stage.engine.camera_certificate(id).unwrap(), None);
    stage.engine.camera_panel(id).await.unwrap();
    assert_eq!(state_under_tls(&impostor).await["sign_ins"], 0, "the impostor was told nothing");
    assert!(!whats(&stage, id).await.contains(&"certificate_accepted".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_restarts_and_comes_back_with_the_right_time() {
    if !alone("control::a_camera_restarts_and_comes_back_with_the_right_time") {
        return;
    }
    let camera = SimCam::start(&["--clock-offset", "5400", "--reboot-seconds", "3"]);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    wait_until_live(&stage, id).await;
    let offset_ms = stage.engine.camera_panel(id).await.unwrap().clock_offset_ms.unwrap();
    assert!((5_398_000..=5_402_000).contains(&offset_ms), "{offset_ms}");
    stage.engine.set_camera_clock(id).await.unwrap();
    let offset_ms = stage.engine.camera_panel(id).await.unwrap().clock_offset_ms.unwrap();
    assert!(offset_ms.abs() < 2_000, "{offset_ms}");

    stage.engine.reboot_camera(id).await.unwrap();
    until("the camera to be gone", Duration::from_secs(60), async || {
        let tiles = stage.engine.tiles().unwrap();
        if matches!(tiles[0].picture, PictureState::Dead { .. }) { Ok(()) } else { Err(tiles) }
    })
    .await;
    wait_until_live(&stage, id).await;
    stage.engine.camera_panel(id).await.unwrap();
    let changes = changes(&stage, id).await;
    let clock = changes.iter().find(|(_, facts)| facts["what"] == "clock").unwrap();
    assert!(clock.0.actor.is_some());
    assert!(changes.iter().any(|(_, facts)| facts["what"] == "reboot"));
}
