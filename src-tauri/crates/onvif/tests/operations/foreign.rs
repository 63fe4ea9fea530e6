//! A camera that others have written: the mock server of the crate `oxvif`, with its own reading of the standard.

use std::{sync::Arc, time::Duration};

use hausrecht_model::clock::SystemClock;
use hausrecht_onvif::{
    Camera, Credentials, Error, Settings,
    camera::{NamedServers, Osd, OsdContent, OsdPosition, Presence, PtzVector, User, UserLevel},
    doctor::{Outcome, examine_at},
    main_and_sub,
};
use oxvif::mock::MockServer;

fn settings() -> Settings {
    Settings { pull_timeout: Duration::from_secs(1), ..Settings::new(Arc::new(SystemClock::new())) }
}

async fn server() -> (MockServer, Camera) {
    let server = MockServer::builder().enforce_auth(true).start().await.unwrap();
    let xaddrs = [server.device_url().parse().unwrap()];
    let credentials = Credentials::new("admin", "admin".to_owned().into());
    let camera = Camera::connect(&xaddrs, Some(credentials), settings()).await.unwrap();
    (server, camera)
}

#[tokio::test]
async fn device_network_and_users() {
    let (_server, camera) = server().await;
    assert!(!camera.information().await.unwrap().manufacturer.is_empty());
    camera.set_hostname("front-door").await.unwrap();
    assert_eq!(camera.hostname().await.unwrap().name.as_deref(), Some("front-door"));
    assert!(!camera.network_interfaces().await.unwrap().is_empty());
    assert!(!camera.network_protocols().await.unwrap().is_empty());
    let servers = NamedServers { is_from_dhcp: false, servers: vec!["time.example".to_owned()] };
    camera.set_time_servers(&servers).await.unwrap();
    assert_eq!(camera.time_servers().await.unwrap(), servers);
    camera.name_servers().await.unwrap();
    camera.set_clock().await.unwrap();
    camera.set_name("Hall & stairs").await.unwrap();
    assert!(camera.scopes().await.unwrap().iter().any(|scope| scope.ends_with("name/Hall%20%26%20stairs")));
    let before = camera.users().await.unwrap().len();
    let user = User { name: "hausrecht".to_owned(), level: UserLevel::Operator };
    camera.create_user(&user, &"a-Long-1-word".to_owned().into()).await.unwrap();
    assert!(camera.users().await.unwrap().contains(&user));
    let own = Credentials::new("hausrecht", "a-Long-1-word".to_owned().into());
    let again = camera.reconnect(own).await.unwrap();
    assert!(again.is_signed_in());
    camera.set_user(&user, Some(&"another-Word-2".to_owned().into())).await.unwrap();
    let refused = again.information().await.unwrap_err();
    assert!(
        refused.code().starts_with("camera_not_") || refused.code() == "camera_refused_for_now",
        "{refused}"
    );
    camera.delete_user("hausrecht").await.unwrap();
    assert_eq!(camera.users().await.unwrap().len(), before);
    let relays = camera.relays().await.unwrap();
    camera.set_relay(&relays[0], true).await.unwrap();
    camera.set_relay_settings(&relays[0]).await.unwrap();
}

#[tokio::test]
async fn streams_encoder_and_text() {
    let (_server, camera) = server().await;
    let profiles = camera.profiles().await.unwrap();
    let (main, _) = main_and_sub(&profiles).unwrap();
    assert!(main.source.is_some() && main.encoder.is_some(), "{main:?}");
    let mut encoder = camera.encoder(&main).await.unwrap();
    let options = camera.encoder_options(&encoder).await.unwrap();
    let codec = encoder.codec.unwrap();
    let of_codec = options.iter().find(|options| options.codec == codec).unwrap();
    (encoder.width, encoder.height) = *of_codec.resolutions.last().unwrap();
    encoder.bitrate_kbps = of_codec.bitrate_kbps.map_or(2048, |range| range.nearest(2048.0) as u32);
    camera.set_encoder(&encoder).await.unwrap();
    let taken = camera.encoder(&main).await.unwrap();
    assert_eq!((taken.width, taken.height), (encoder.width, encoder.height));
    assert_eq!(taken.bitrate_kbps, encoder.bitrate_kbps);
    let before = camera.osds(&main).await.unwrap();
    let service = before.first().map_or(main.service, |osd| osd.service);
    camera.osd_options(&main).await.unwrap();
    let new = Osd {
        token: String::new(),
        source_configuration: main.source_configuration.clone().unwrap(),
        position: OsdPosition::LowerLeft,
        content: OsdContent::Text("Hausrecht <1>".to_owned()),
        font_size: None,
        date_format: None,
        time_format: None,
        service,
    };
    let token = match camera.create_osd(&new).await {
        Ok(token) => token,
        // It knows these operations in the first media service only.
        Err(Error::Fault { .. }) => {
            let new = Osd { service: hausrecht_onvif::MediaService::Media, ..new.clone() };
            camera.create_osd(&new).await.unwrap()
        }
        Err(error) => panic!("{error}"),
    };
    let made = camera.osds(&main).await.unwrap();
    let mut made = made.into_iter().find(|osd| osd.token == token).unwrap();
    assert_eq!((&made.content, made.position), (&new.content, new.position));
    made.content = OsdContent::Text("changed".to_owned());
    camera.set_osd(&made).await.unwrap();
    camera.delete_osd(&made).await.unwrap();
    assert_eq!(camera.osds(&main).await.unwrap().len(), before.len());
    assert!(camera.snapshot(&main).await.unwrap().len() > 100);
}

#[tokio::test]
async fn motors_and_picture() {
    let (_server, camera) = server().await;
    let profiles = camera.profiles().await.unwrap();
    let (main, _) = main_and_sub(&profiles).unwrap();
    let ptz = camera.ptz(&main).await.unwrap();
    assert!(ptz.abilities().can_pan_tilt);
    ptz.move_on(PtzVector { pan: 0.5, tilt: 0.0, zoom: 0.0 }, Duration::from_secs(1)).await.unwrap();
    ptz.stop().await.unwrap();
    ptz.move_to(PtzVector { pan: 0.25, tilt: -0.5, zoom: 0.5 }).await.unwrap();
    let there = ptz.status().await.unwrap().position.unwrap();
    assert!((there.pan - 0.25).abs() < 0.01 && (there.tilt + 0.5).abs() < 0.01, "{there:?}");
    let token = ptz.set_preset("Gate", None).await.unwrap();
    assert!(ptz.presets().await.unwrap().iter().any(|preset| preset.token == token && preset.name == "Gate"));
    ptz.go_to_preset(&token).await.unwrap();
    ptz.remove_preset(&token).await.unwrap();
    assert!(ptz.presets().await.unwrap().iter().all(|preset| preset.token != token));
    ptz.set_home().await.unwrap();
    ptz.go_home().await.unwrap();
    let options = camera.imaging_options(&main).await.unwrap();
    let mut settings = camera.imaging(&main).await.unwrap();
    settings.brightness = options.brightness.map(|range| range.nearest(73.0));
    camera.set_imaging(&main, &settings).await.unwrap();
    assert_eq!(camera.imaging(&main).await.unwrap().brightness, settings.brightness);
    if camera.focus_options(&main).await.unwrap().continuous.is_some() {
        camera.focus_move(&main, 0.5).await.unwrap();
        camera.focus_stop(&main).await.unwrap();
    }
}

#[tokio::test]
async fn recordings_events_and_what_there_is() {
    let (_server, camera) = server().await;
    let all = camera.all_recordings().await.unwrap();
    assert!(!all.is_empty());
    let uri = camera.replay_uri(&all[0].token).await.unwrap();
    assert_eq!((uri.scheme(), uri.host_str()), ("rtsp", Some("127.0.0.1")));
    let span = hausrecht_onvif::camera::Span {
        from: hausrecht_model::UnixMicros(0),
        until: hausrecht_model::UnixMicros(4_000_000_000_000_000),
    };
    let spans = camera.recordings(span).await.unwrap();
    assert!(!spans.is_empty() && spans.iter().all(|found| found.span.from < found.span.until), "{spans:?}");
    let topics = camera.topics_offered().await.unwrap();
    assert!(topics.iter().any(|topic| !topic.means.is_empty()), "{topics:?}");
    let features = camera.features().await.unwrap();
    for presence in [features.ptz, features.imaging, features.encoder, features.relays, features.recordings] {
        assert_eq!(presence, Presence::Present, "{features:?}");
    }
    // It has no analytics and no masks, and says so.
    assert_eq!((features.analytics, features.masks), (Presence::Absent, Presence::Absent));
}

#[tokio::test]
async fn an_examination_of_it_comes_to_its_end() {
    let (server, _) = server().await;
    let xaddrs = [server.device_url().parse().unwrap()];
    let credentials = Credentials::new("admin", "admin".to_owned().into());
    let report = examine_at(&xaddrs, Some(credentials), settings(), &mut |_| {}).await;
    for id in ["reached", "information", "clock", "streams", "events", "sign_in", "encoder", "ptz"] {
        assert_eq!(report.check(id).unwrap().outcome, Outcome::Works, "{report:#?}");
    }
    assert!(report.check("account").unwrap().fix.as_ref().unwrap().contains("Operator"));
}
