//! Peers that are not ours, each on a network of its own: PyPI's `ipycam`, a whole camera, and PyPI's `WSDiscovery`.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use hausrecht_model::StreamRole;
use hausrecht_onvif::discovery::{self, SearchOptions, Sighting, WatchOptions};
use hausrecht_tests::{
    network::{self, CAMERA_ADDRESS, Place},
    process::{Owned, first_line},
    programs,
};

use hausrecht_tests::stage::{SOON, Stage};
use tokio::time::timeout;

const USER: &str = "admin";
const PASSWORD: &str = "from/the:box@?";

#[tokio::test(flavor = "multi_thread")]
async fn ipycam_is_found_shown_and_recorded() {
    // Fetched outside of the namespace, where there is a network.
    let python = python();
    if !on_a_network_of_its_own("foreign::ipycam_is_found_shown_and_recorded") {
        return;
    }
    let mut command = network::at_the_other_end(&python);
    command
        .arg(programs::root().join("tests/foreign/camera.py"))
        .args([CAMERA_ADDRESS, USER, PASSWORD])
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut camera = Owned::start(&mut command);
    network::plug_in(camera.0.id());
    let ready = first_line(&mut camera.0, Duration::from_secs(60));
    println!("ipycam: {ready}");

    let stage = Stage::owned().await;
    let found = stage.find(&format!("{CAMERA_ADDRESS}:8080")).await;
    assert!(!found.demo && found.name.contains("Foreign"), "{found:?}");
    let outcome = stage.connect_with(&found.key, USER, PASSWORD).await;
    let id = outcome.camera.unwrap_or_else(|| panic!("{outcome:?}"));
    let cameras = stage.engine.cameras().unwrap();
    assert!(cameras[0].maker_model.contains("VirtualCam"), "{:?}", cameras[0]);
    stage.watch(id, StreamRole::Main, 5).await;
    let clips = stage.wait_for_clips(id, 2).await;
    stage.engine.open_clip(clips[0].id).await.unwrap();
    stage.engine.close_player();
    println!("ipycam: found, shown, {} clips recorded", clips.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_announcement_by_wsdiscovery_is_found_seen_to_come_and_seen_to_go() {
    let python = python();
    if !on_a_network_of_its_own(
        "foreign::an_announcement_by_wsdiscovery_is_found_seen_to_come_and_seen_to_go",
    ) {
        return;
    }
    let mut command = network::at_the_other_end(&python);
    command
        .arg(programs::root().join("tests/foreign/beacon.py"))
        .arg(CAMERA_ADDRESS)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut beacon = Owned::start(&mut command);
    network::plug_in(beacon.0.id());
    let mut seen = discovery::watch(WatchOptions::default()).unwrap();
    first_line(&mut beacon.0, SOON);

    let Ok(Some(Sighting::Appeared(came))) = timeout(SOON, seen.recv()).await else { panic!("no Hello") };
    let mut answers = discovery::search(SearchOptions::default()).unwrap();
    let found = timeout(SOON, answers.recv()).await.unwrap().expect("the Probe is answered");
    assert_eq!(found.endpoint, came.endpoint);
    assert_eq!((found.name.as_deref(), found.hardware.as_deref()), (Some("Beacon"), Some("X1")));
    assert_eq!(found.xaddrs[0].host_str(), Some(CAMERA_ADDRESS));
    assert!(found.in_own_range);

    drop(beacon.0.stdin.take());
    let gone = timeout(SOON, seen.recv()).await.unwrap();
    assert_eq!(gone, Some(Sighting::Gone { endpoint: came.endpoint }));
}

/// False: the test ran in its namespace already, or there is none to be had.
pub(crate) fn on_a_network_of_its_own(test: &str) -> bool {
    match network::own_namespace(test) {
        Place::Inside => true,
        Place::RanInside(status) => {
            assert!(status.success(), "in its own network: {status}");
            false
        }
        Place::Impossible(why) => {
            println!("SKIPPED: this needs a network of its own, and this system gives none: {why}");
            false
        }
    }
}

/// The interpreter of a virtual environment in `target/` that has the foreign peers; made once.
fn python() -> PathBuf {
    let wanted = programs::root().join("tests/foreign/requirements.txt");
    let venv = programs::root().join("target/peers");
    let python = venv.join("bin/python");
    let stamp = venv.join("requirements.txt");
    let text = std::fs::read(&wanted).unwrap();
    // Several tests want it at the same time; one makes it, and the others wait.
    let lock = std::fs::File::create(programs::root().join("target/peers.lock")).unwrap();
    lock.lock().unwrap();
    if std::fs::read(&stamp).is_ok_and(|made_with| made_with == text) {
        return python;
    }
    println!("Fetching foreign peers from PyPI, once");
    run(Command::new("/usr/bin/python3").args(["-m", "venv"]).arg(&venv));
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(&wanted));
    std::fs::write(&stamp, text).unwrap();
    python
}

fn run(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{:?}: {error}", command.get_program()));
    assert!(status.success(), "{command:?}: {status}");
}
