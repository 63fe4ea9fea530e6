//! What goes to a camera by sound, and what is seen in its pictures when it reports nothing itself.

use hausrecht_engine::wire::{ErrorCode, LogQuery, MotionMode, MotionSettings};
use hausrecht_model::EventKind;
use hausrecht_tests::{
    camera::SimCam,
    process::{children_of, signal},
    stage::{PATIENCE, SOON, Stage, alone},
    until::until,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_is_heard_at_the_camera_while_the_button_is_held_and_no_longer() {
    if !alone("signals::the_owner_is_heard_at_the_camera_while_the_button_is_held_and_no_longer") {
        return;
    }
    let camera = SimCam::start(&["--feature", "talk"]);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    assert!(stage.engine.camera_panel(id).await.unwrap().talk);
    // Let go before the microphone is open: it is not opened.
    let (engine, pressed) = (stage.engine.clone(), stage.engine.clone());
    let begun = tokio::spawn(async move { pressed.talk(id, true).await });
    tokio::task::yield_now().await;
    engine.talk(id, false).await.unwrap();
    if begun.await.unwrap().is_ok() {
        // The button was pressed after it was let go; a second release ends that.
        engine.talk(id, false).await.unwrap();
    }
    stage.engine.talk(id, true).await.unwrap();
    let heard = |camera: &SimCam| camera.state()["heard_packets"].as_u64().unwrap();
    until("sound at the camera", SOON, async || {
        let packets = heard(&camera);
        if packets > 20 && camera.state()["heard_loudness"].as_u64() > Some(1000) {
            Ok(())
        } else {
            Err(packets)
        }
    })
    .await;
    stage.engine.talk(id, false).await.unwrap();
    until("the end of it in the log", PATIENCE, async || {
        let query = LogQuery { limit: 50, kinds: vec!["camera_changed".into()], ..LogQuery::default() };
        let page = stage.engine.log_page(query).await.unwrap();
        let newest: Vec<String> = page
            .rows
            .iter()
            .filter_map(|row| Some(row.facts.iter().find(|fact| fact.name == "what")?.value.clone()))
            .take(2)
            .collect();
        if newest == ["talk_ended", "talk"] { Ok(()) } else { Err(newest) }
    })
    .await;
    let silent = heard(&camera);
    stage.watch(id, hausrecht_model::StreamRole::Main, 10).await;
    assert_eq!(heard(&camera), silent, "nothing is sent after the end");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_talk_ends_though_its_worker_does_not_listen_and_before_the_program_does() {
    if !alone("signals::a_talk_ends_though_its_worker_does_not_listen_and_before_the_program_does") {
        return;
    }
    let camera = SimCam::start(&["--feature", "talk"]);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    stage.watch(id, hausrecht_model::StreamRole::Main, 3).await;
    let workers = || children_of(std::process::id(), "hausrecht-worker");
    let recording = stage.engine.worker_pid(id).unwrap();
    stage.engine.talk(id, true).await.unwrap();
    let [talking] = workers().into_iter().filter(|pid| *pid != recording).collect::<Vec<_>>()[..] else {
        panic!("{:?}", workers())
    };
    // It hangs, with the microphone open as far as anybody knows.
    signal(talking, rustix::process::Signal::STOP);
    stage.engine.talk(id, false).await.unwrap();
    until("the worker to be ended", SOON, async || {
        let left = workers();
        if left.contains(&talking) { Err(left) } else { Ok(()) }
    })
    .await;

    // A page that begins anew holds no button, and a program that ends waits for what it has to write.
    stage.engine.talk(id, true).await.unwrap();
    stage.engine.close_microphone();
    stage.engine.talk(id, true).await.unwrap();
    let stage = stage.restart().await;
    stage.sign_in_owner().await;
    let page = stage.engine.log_page(LogQuery { limit: 100, ..LogQuery::default() }).await.unwrap();
    let order: Vec<_> = page
        .rows
        .iter()
        .rev()
        .filter_map(|row| {
            let what = row.facts.iter().find(|fact| fact.name == "what").map(|fact| fact.value.as_str());
            (what == Some("talk_ended") || row.kind == "stopped").then(|| row.kind.clone())
        })
        .collect();
    assert_eq!(order, ["camera_changed", "camera_changed", "camera_changed", "stopped"], "{:?}", page.rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_without_a_loudspeaker_says_so() {
    if !alone("signals::a_camera_without_a_loudspeaker_says_so") {
        return;
    }
    let camera = SimCam::start(&["--without", "talk"]);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    assert!(!stage.engine.camera_panel(id).await.unwrap().talk);
    let refused = stage.engine.talk(id, true).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::CameraUnsuitable, "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn motion_is_measured_where_the_camera_reports_nothing() {
    if !alone("signals::motion_is_measured_where_the_camera_reports_nothing") {
        return;
    }
    let camera = SimCam::start(&["--fault", "no-events"]);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    let clip = until("a clip with motion on it", PATIENCE, async || {
        let clips = stage.clips(id).await;
        let moving = clips.iter().find(|clip| clip.events.contains(&EventKind::Motion));
        moving.cloned().ok_or(clips.len())
    })
    .await;
    assert!(clip.duration_us > 0);

    // The owner can switch it off; what goes on then ends.
    let off = MotionSettings { mode: MotionMode::Off, ..MotionSettings::default() };
    stage.engine.set_motion_settings(id, off.clone()).await.unwrap();
    assert_eq!(stage.engine.motion_settings(id).await.unwrap(), off);
    until("the motion to end", PATIENCE, async || {
        let tile = stage.engine.tiles().unwrap().remove(0);
        if tile.last_event.as_ref().is_some_and(|event| !event.active) { Ok(()) } else { Err(tile) }
    })
    .await;
    let zones = MotionSettings { sensitivity: 11, ..off };
    assert_eq!(stage.engine.set_motion_settings(id, zones).await.unwrap_err().code, ErrorCode::Invalid);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_over_tls_is_shown_and_recorded() {
    if !alone("signals::a_camera_over_tls_is_shown_and_recorded") {
        return;
    }
    let camera = SimCam::start(&["--tls"]);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    let panel = stage.engine.camera_panel(id).await.unwrap();
    assert!(panel.encrypted && panel.certificate.is_some(), "{panel:?}");
    assert!(camera.rtsp_main().starts_with("rtsps://"));
    stage.watch(id, hausrecht_model::StreamRole::Main, 5).await;
    assert!(!stage.wait_for_clips(id, 1).await.is_empty());
}
