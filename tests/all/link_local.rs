//! A camera that is plugged in where nobody gives out addresses: it has the link-local IPv6 address that it made itself, and no
//! other.

use std::{io::Write, process::Stdio};

use hausrecht_model::{StreamRole, link_local};
use hausrecht_onvif::discovery::{self, SearchOptions};
use hausrecht_tests::{
    camera::{PASSWORD, USER},
    network,
    process::{Owned, first_line},
    programs,
    stage::{PATIENCE, SOON, Stage},
    until::until,
};
use tokio::time::timeout;

use crate::foreign::on_a_network_of_its_own;

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_with_a_link_local_address_alone_is_found_shown_and_recorded() {
    if !on_a_network_of_its_own(
        "link_local::a_camera_with_a_link_local_address_alone_is_found_shown_and_recorded",
    ) {
        return;
    }
    let mut command = network::at_the_other_end_once_told(programs::simcam());
    let mut camera = Owned::start(command.args(["--address", "::"]).stdout(Stdio::piped()));
    let ip = network::plug_in_without_addresses(camera.0.id());
    camera.0.stdin.as_mut().unwrap().write_all(b"begin\n").unwrap();
    let ready: serde_json::Value = serde_json::from_str(&first_line(&mut camera.0, SOON)).unwrap();

    let mut answers = discovery::search(SearchOptions::default()).unwrap();
    let found = timeout(SOON, answers.recv()).await.unwrap().expect("the Probe is answered");
    assert_eq!(found.from.ip(), ip);
    assert!(found.in_own_range);
    let named = found.xaddrs[0].host_str().and_then(link_local::address).unwrap();
    assert_eq!(*named.ip(), ip);
    assert_ne!(named.scope_id(), 0, "the interface is named");

    let stage = Stage::owned().await;
    stage.engine.discover().unwrap();
    let seen = until("the camera to be found", PATIENCE, async || {
        let seen = stage.engine.discovery();
        let camera = seen.cameras.iter().find(|camera| camera.key.contains(ready["uuid"].as_str().unwrap()));
        camera.cloned().ok_or(seen)
    })
    .await;
    let outcome = stage.connect_with(&seen.key, USER, PASSWORD).await;
    let id = outcome.camera.unwrap_or_else(|| panic!("{outcome:?}"));
    stage.watch(id, StreamRole::Main, 5).await;
    stage.watch(id, StreamRole::Sub, 5).await;
    let clips = stage.wait_for_clips(id, 2).await;
    stage.engine.open_clip(clips[0].id).await.unwrap();
    stage.engine.close_player();
}
