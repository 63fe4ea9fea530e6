//! Cameras that name addresses at which they cannot be reached.

use axum::response::IntoResponse;
use hausrecht_onvif::{Camera, Error, discovery};
use url::Url;

use crate::stand_in::{Asked, StandIn, ok, services};

#[tokio::test]
async fn services_at_another_host_are_called_at_the_one_that_answered() {
    for elsewhere in [
        "http://127.0.0.1:9",
        "http://0.0.0.0",
        "http://10.255.255.1",
        "http://[fe80::1]",
        "http://[fe80::1%25eth0]",
    ] {
        let stand_in =
            StandIn::start(move |asked| asked.is("GetServices").then(|| services(elsewhere))).await;
        let camera = stand_in.connect("pw").await.unwrap();
        assert_eq!(camera.profiles().await.unwrap()[0].width, 1920, "{elsewhere}");
    }
}

#[tokio::test]
async fn a_stream_address_is_put_right_and_loses_its_password() {
    let stand_in = StandIn::start(|asked| {
        let uri = "rtsp://admin:pw@10.0.0.9:8554/ch1?a=1&amp;b=2";
        asked
            .is("GetStreamUri")
            .then(|| ok(&format!("<GetStreamUriResponse><Uri>{uri}</Uri></GetStreamUriResponse>")))
    })
    .await;
    let camera = stand_in.connect("pw").await.unwrap();
    let profile = camera.profiles().await.unwrap().remove(0);
    assert_eq!(camera.stream_uri(&profile).await.unwrap().as_str(), "rtsp://127.0.0.1:8554/ch1?a=1&b=2");
}

#[tokio::test]
async fn a_stream_at_a_link_local_address_with_an_interface_of_the_camera_is_put_right() {
    let stand_in = StandIn::start(|asked| {
        let uri = "rtsp://[fe80::1%25eth0]:8554/ch1";
        asked
            .is("GetStreamUri")
            .then(|| ok(&format!("<GetStreamUriResponse><Uri>{uri}</Uri></GetStreamUriResponse>")))
    })
    .await;
    let camera = stand_in.connect("pw").await.unwrap();
    let profile = camera.profiles().await.unwrap().remove(0);
    assert_eq!(camera.stream_uri(&profile).await.unwrap().as_str(), "rtsp://127.0.0.1:8554/ch1");
}

#[tokio::test]
async fn of_several_addresses_a_dead_one_does_no_harm() {
    let stand_in = StandIn::start(|_: &Asked| None).await;
    let dead = Url::parse("http://127.0.0.1:9/onvif/device_service").unwrap();
    let xaddrs = [dead.clone(), stand_in.address.clone()];
    let camera = Camera::connect(&xaddrs, None, stand_in.settings()).await.unwrap();
    assert_eq!(camera.address(), &stand_in.address);
    let error = Camera::connect(&[dead], None, stand_in.settings()).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn a_service_at_another_port_is_found_whatever_answers_at_the_first() {
    use axum::{body::Body, http::StatusCode, response::Response};
    let broken = || Response::builder().header("content-length", "100").body(Body::from("<s:E")).unwrap();
    let page = || "<html>Sign in</html>".into_response();
    let answers: [fn() -> Response; 5] = [
        || StatusCode::NOT_FOUND.into_response(),
        || StatusCode::BAD_REQUEST.into_response(),
        || StatusCode::METHOD_NOT_ALLOWED.into_response(),
        page,
        broken,
    ];
    for (index, answer) in answers.into_iter().enumerate() {
        let media = StandIn::start(|_: &Asked| None).await;
        let port = media.address.port().unwrap();
        // It names the host by an address that is not its own, so the port that answered is tried first.
        let stand_in = StandIn::start(move |asked| {
            let is_media = asked.uri.path().starts_with("/onvif/media");
            let named = || services(&format!("http://10.0.0.9:{port}"));
            asked.is("GetServices").then(named).or_else(|| is_media.then(answer))
        })
        .await;
        let camera = stand_in.connect("pw").await.unwrap();
        for _ in 0..2 {
            assert_eq!(camera.profiles().await.unwrap()[0].width, 1920, "answer {index}");
        }
        assert_eq!(stand_in.count("GetProfiles"), 1, "the right address is remembered");
    }
}

#[tokio::test]
async fn a_service_that_has_answered_is_not_looked_for_elsewhere() {
    let elsewhere = StandIn::start(|_: &Asked| None).await;
    let port = elsewhere.address.port().unwrap();
    let stand_in = StandIn::start(move |asked| {
        let named = || services(&format!("http://10.0.0.9:{port}"));
        let is_broken = asked.is("GetSnapshotUri");
        asked.is("GetServices").then(named).or_else(|| is_broken.then(|| "<html/>".into_response()))
    })
    .await;
    let camera = stand_in.connect("pw").await.unwrap();
    let profile = camera.profiles().await.unwrap().remove(0);
    assert!(matches!(camera.snapshot_uri(&profile).await, Err(Error::Unreadable { .. })));
    assert_eq!(elsewhere.asked().len(), 0);
}

#[tokio::test]
async fn a_redirect_elsewhere_is_not_followed() {
    let stand_in = StandIn::start(|asked| {
        asked
            .is("GetDeviceInformation")
            .then(|| axum::response::Redirect::temporary("http://127.0.0.1:9/").into_response())
    })
    .await;
    let camera = stand_in.connect("pw").await.unwrap();
    assert!(matches!(camera.information().await, Err(Error::Status { status: 307, .. })));
}

#[tokio::test]
async fn a_camera_is_found_by_host_and_port() {
    let stand_in = StandIn::start(|_: &Asked| None).await;
    let port = stand_in.address.port().unwrap();
    let found = discovery::by_address(&format!("127.0.0.1:{port}"), &stand_in.settings()).await.unwrap();
    assert_eq!(found, std::slice::from_ref(&stand_in.address));
    let error = discovery::by_address("127.0.0.1:9", &stand_in.settings()).await.unwrap_err();
    assert!(matches!(error, Error::NothingThere { .. }));
}
