//! A camera that is not ours: PyPI's `ipycam`, whose ONVIF and RTSP nobody here has written, on a network of its own.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use hausrecht_model::StreamRole;
use hausrecht_tests::{
    network::{self, CAMERA_ADDRESS, Place},
    process::{Owned, first_line},
    programs,
};

use hausrecht_tests::stage::Stage;

const USER: &str = "admin";
const PASSWORD: &str = "from/the:box@?";

#[tokio::test(flavor = "multi_thread")]
async fn ipycam_is_found_shown_and_recorded() {
    // Fetched outside of the namespace, where there is a network.
    let python = ipycam();
    match network::own_namespace("foreign::ipycam_is_found_shown_and_recorded") {
        Place::Inside => {}
        Place::RanInside(status) => {
            assert!(status.success(), "in its own network: {status}");
            return;
        }
        Place::Impossible(why) => {
            println!(
                "SKIPPED: a foreign camera needs a network of its own, and this system gives none: {why}"
            );
            return;
        }
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

/// The interpreter of a virtual environment in `target/` that has ipycam; made once.
fn ipycam() -> PathBuf {
    let wanted = programs::root().join("tests/foreign/requirements.txt");
    let venv = programs::root().join("target/ipycam");
    let python = venv.join("bin/python");
    let stamp = venv.join("requirements.txt");
    let text = std::fs::read(&wanted).unwrap();
    if std::fs::read(&stamp).is_ok_and(|made_with| made_with == text) {
        return python;
    }
    println!("Fetching ipycam from PyPI, once");
    run(Command::new("/usr/bin/python3").args(["-m", "venv"]).arg(&venv));
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(&wanted));
    std::fs::write(&stamp, text).unwrap();
    python
}

fn run(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{:?}: {error}", command.get_program()));
    assert!(status.success(), "{command:?}: {status}");
}
