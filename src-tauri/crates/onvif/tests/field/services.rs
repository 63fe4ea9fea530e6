//! Cameras that say in odd ways which services they have.

use std::time::Duration;

use axum::{
    body::Body,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use hausrecht_onvif::{Camera, Error, MediaService, Settings};

use crate::stand_in::{Asked, StandIn, fault, ok};

/// The answer to GetCapabilities with these services, each with the path beneath which it is.
fn capabilities(names: &[&str]) -> Response {
    let all: String = names
        .iter()
        .map(|name| {
            let path = name.to_lowercase();
            format!("<tt:{name}><tt:XAddr>http://10.0.0.9/onvif/{path}</tt:XAddr></tt:{name}>")
        })
        .collect();
    ok(&format!("<GetCapabilitiesResponse><Capabilities>{all}</Capabilities></GetCapabilitiesResponse>"))
}

/// A list of services without motors and picture settings.
fn without_motors() -> Response {
    let service = |namespace: &str, path: &str| {
        format!("<Service><Namespace>{namespace}</Namespace><XAddr>http://10.0.0.9{path}</XAddr></Service>")
    };
    let all = [
        service("http://www.onvif.org/ver20/media/wsdl", "/onvif/media2"),
        service("http://www.onvif.org/ver10/events/wsdl", "/onvif/events"),
    ];
    ok(&format!("<GetServicesResponse>{}</GetServicesResponse>", all.concat()))
}

/// Fails in one of the ways of cameras that do not know an operation.
fn failure(number: usize) -> Response {
    match number {
        0 => fault(400, "ActionNotSupported", "no"),
        1 => StatusCode::NOT_FOUND.into_response(),
        2 => "<html>what?</html>".into_response(),
        3 => Response::builder().header("content-length", "100").body(Body::from("<s:E")).unwrap(),
        4 => StatusCode::OK.into_response(),
        _ => vec![b' '; 5 << 20].into_response(),
    }
}

const FAILURES: usize = 6;

#[tokio::test]
async fn a_camera_with_the_first_media_service_and_get_capabilities_alone_is_used() {
    for number in 0..FAILURES {
        let stand_in = StandIn::start(move |asked: &Asked| {
            if asked.is("GetServices") {
                return Some(failure(number));
            }
            if asked.is("GetProfiles") {
                return Some(ok(
                    r#"<GetProfilesResponse><Profiles token="p"><VideoEncoderConfiguration token="e"><Encoding>H264</Encoding>
                    </VideoEncoderConfiguration></Profiles></GetProfilesResponse>"#,
                ));
            }
            let uri = "<GetStreamUriResponse><MediaUri><Uri>rtsp://10.0.0.9/1</Uri></MediaUri></GetStreamUriResponse>";
            asked
                .is("GetCapabilities")
                .then(|| capabilities(&["Device", "Media", "Events"]))
                .or_else(|| asked.is("GetStreamUri").then(|| ok(uri)))
        })
        .await;
        let camera = stand_in.connect("pw").await.unwrap();
        assert!(!camera.has_media2() && camera.has_events());
        let profile = camera.profiles().await.unwrap().remove(0);
        assert_eq!(profile.service, MediaService::Media, "{number}");
        assert_eq!(camera.stream_uri(&profile).await.unwrap().as_str(), "rtsp://127.0.0.1/1");
        let asked = stand_in.asked();
        let uri = asked.iter().find(|asked| asked.is("GetStreamUri")).unwrap();
        assert!(uri.body.contains("RTP-Unicast") && uri.uri.path() == "/onvif/media", "{}", uri.body);
        assert_eq!(camera.events().await.unwrap().next().await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_list_of_services_that_never_comes_is_done_without() {
    let stand_in = StandIn::start(|asked| {
        let never = || Body::from_stream(Never).into_response();
        let by_capabilities = || capabilities(&["Device", "Media"]);
        asked.is("GetServices").then(never).or_else(|| asked.is("GetCapabilities").then(by_capabilities))
    })
    .await;
    let settings = Settings { call_timeout: Duration::from_millis(300), ..stand_in.settings() };
    let camera = Camera::connect(std::slice::from_ref(&stand_in.address), None, settings).await.unwrap();
    assert!(!camera.has_events());
    camera.profiles().await.unwrap();
}

#[tokio::test]
async fn capabilities_that_fail_do_no_harm_to_a_camera_that_lists_its_services() {
    for number in 0..FAILURES {
        let stand_in = StandIn::start(move |asked: &Asked| {
            let fails = asked.is("GetCapabilities").then(|| failure(number));
            fails.or_else(|| asked.is("GetServices").then(without_motors))
        })
        .await;
        let camera = stand_in.connect("pw").await.unwrap();
        assert!(camera.has_media2() && camera.has_events(), "{number}");
    }
}

#[tokio::test]
async fn motors_that_only_the_capabilities_name_are_found() {
    let stand_in = StandIn::start(|asked| {
        if asked.is("GetCapabilities") {
            return Some(capabilities(&["Device", "Media", "Events", "Imaging", "PTZ"]));
        }
        asked.is("GetServices").then(without_motors)
    })
    .await;
    let camera = stand_in.connect("pw").await.unwrap();
    let profile = camera.profiles().await.unwrap().remove(0);
    let _ = camera.ptz(&profile).await;
    assert!(stand_in.asked().iter().any(|asked| asked.uri.path() == "/onvif/ptz"), "it is asked for motors");
}

#[tokio::test]
async fn a_web_server_at_one_address_does_not_hide_the_camera_at_another() {
    let page = StandIn::start(|_: &Asked| Some(StatusCode::NOT_FOUND.into_response())).await;
    let stand_in = StandIn::start(|_: &Asked| None).await;
    let xaddrs = [page.address.clone(), stand_in.address.clone()];
    for _ in 0..20 {
        let camera = Camera::connect(&xaddrs, None, stand_in.settings()).await.unwrap();
        assert_eq!(camera.address(), &stand_in.address);
    }
}

#[tokio::test]
async fn a_stream_address_is_asked_for_by_both_names_of_the_protocol_and_at_both_services() {
    let uri = |service: &'static str| {
        ok(&format!("<GetStreamUriResponse><Uri>rtsp://10.0.0.9/{service}</Uri></GetStreamUriResponse>"))
    };
    let refusal = || fault(400, "InvalidArgVal", "no such protocol");
    let cases: [(&str, usize); 3] = [("RTSP", 1), ("RtspUnicast", 2), ("media", 3)];
    for (accepted, calls) in cases {
        let stand_in = StandIn::start(move |asked: &Asked| {
            if !asked.is("GetStreamUri") {
                return None;
            }
            let is_first = asked.uri.path() == "/onvif/media";
            let is_fine = match accepted {
                "media" => is_first && asked.body.contains("<ProfileToken>p1</ProfileToken>"),
                protocol => asked.body.contains(&format!("<Protocol>{protocol}</Protocol>")) && !is_first,
            };
            Some(if is_fine { uri(accepted) } else { refusal() })
        })
        .await;
        let camera = stand_in.connect("pw").await.unwrap();
        let profile = camera.profiles().await.unwrap().remove(0);
        assert_eq!(profile.service, MediaService::Media2);
        let found = camera.stream_uri(&profile).await.unwrap();
        assert_eq!(found.as_str(), format!("rtsp://127.0.0.1/{accepted}"));
        assert_eq!(stand_in.count("GetStreamUri"), calls);
    }
    let stand_in = StandIn::start(move |asked: &Asked| asked.is("GetStreamUri").then(refusal)).await;
    let camera = stand_in.connect("pw").await.unwrap();
    let profile = camera.profiles().await.unwrap().remove(0);
    assert!(matches!(camera.stream_uri(&profile).await, Err(Error::Fault { .. })));
}

/// A stream that never gives anything.
struct Never;

impl futures_util::Stream for Never {
    type Item = Result<axum::body::Bytes, std::io::Error>;

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Pending
    }
}
