//! Answers that are broken, endless or hostile.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use hausrecht_onvif::{Error, Settings};

use crate::stand_in::{Asked, StandIn, fault};

/// What the client makes of this answer to GetDeviceInformation.
async fn answered(answer: impl Fn() -> Response + Clone + Send + Sync + 'static) -> Error {
    let stand_in = StandIn::start(move |asked: &Asked| asked.is("GetDeviceInformation").then(&answer)).await;
    match stand_in.connect("pw").await {
        Ok(camera) => camera.information().await.unwrap_err(),
        Err(error) => error,
    }
}

#[tokio::test]
async fn too_large_an_answer_is_cut_off() {
    let error = answered(|| vec![b' '; 5 << 20].into_response()).await;
    assert!(matches!(error, Error::TooLarge { limit_bytes: 4_194_304, .. }));
}

#[tokio::test]
async fn an_endless_body_is_cut_off() {
    let endless = || {
        let chunks = std::iter::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 65_536])));
        Body::from_stream(stream::iter(chunks)).into_response()
    };
    assert!(matches!(answered(endless).await, Error::TooLarge { .. }));
}

#[tokio::test]
async fn a_body_that_never_comes_ends_with_the_time() {
    let stand_in = StandIn::start(|asked| {
        asked
            .is("GetDeviceInformation")
            .then(|| Body::from_stream(stream::pending::<std::io::Result<Bytes>>()).into_response())
    })
    .await;
    let settings = Settings { call_timeout: Duration::from_millis(300), ..stand_in.settings() };
    let xaddrs = [stand_in.address.clone()];
    let error = hausrecht_onvif::Camera::connect(&xaddrs, None, settings).await.unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
}

#[tokio::test]
async fn deep_xml_is_refused() {
    let error = answered(|| "<a>".repeat(1_000_000).into_response()).await;
    assert!(matches!(error, Error::Unreadable { .. }), "{error}");
}

#[tokio::test]
async fn an_xml_bomb_is_refused() {
    let error = answered(|| "<!DOCTYPE a [<!ENTITY x 'xx'>]><a>&x;</a>".into_response()).await;
    assert!(error.to_string().contains("document type"), "{error}");
}

#[tokio::test]
async fn a_command_that_is_answered_with_nothing_was_obeyed_and_a_question_was_not_answered() {
    use axum::http::StatusCode;
    for status in [StatusCode::OK, StatusCode::ACCEPTED, StatusCode::NO_CONTENT] {
        let stand_in = StandIn::start(move |asked| {
            let is_empty = asked.is("SetHostname") || asked.is("GetHostname") || asked.is("PullMessages");
            is_empty.then(|| status.into_response())
        })
        .await;
        let camera = stand_in.connect("pw").await.unwrap();
        camera.set_hostname("front").await.unwrap();
        assert!(matches!(camera.hostname().await, Err(Error::Unreadable { .. })), "{status}");
        let mut events = camera.events().await.unwrap();
        assert_eq!(events.next().await.unwrap(), [], "{status}");
        assert_eq!(stand_in.count("CreatePullPointSubscription"), 1);
    }
}

#[tokio::test]
async fn an_entity_of_html_does_not_spoil_the_answer() {
    let stand_in = StandIn::start(|asked| {
        let body = "<GetDeviceInformationResponse><Manufacturer>Cam&eacute;ra</Manufacturer>\
            </GetDeviceInformationResponse>";
        asked.is("GetDeviceInformation").then(|| crate::stand_in::ok(body))
    })
    .await;
    let camera = stand_in.connect("pw").await.unwrap();
    assert_eq!(camera.information().await.unwrap().manufacturer, "Cam&eacute;ra");
}

#[tokio::test]
async fn a_web_page_is_no_answer() {
    let error = answered(|| "<html><body>Hello</body></html>".into_response()).await;
    assert!(matches!(error, Error::Unreadable { .. }), "{error}");
}

#[tokio::test]
async fn a_fault_keeps_the_cameras_own_words() {
    let error = answered(|| fault(500, "OutOfMemory", "please\n reboot")).await;
    let expected = ("OutOfMemory", "please reboot");
    assert!(
        matches!(error, Error::Fault { code, reason, .. } if (code.as_str(), reason.as_str()) == expected)
    );
}

#[tokio::test]
async fn undeclared_prefixes_are_tolerated() {
    let stand_in = StandIn::start(|asked| {
        let body = "<e:Envelope><e:Body><tds:GetDeviceInformationResponse><tds:Manufacturer>Acme</tds:Manufacturer>\
            </tds:GetDeviceInformationResponse></e:Body></e:Envelope>";
        asked.is("GetDeviceInformation").then(|| body.into_response())
    })
    .await;
    let camera = stand_in.connect("pw").await.unwrap();
    assert_eq!(camera.information().await.unwrap().manufacturer, "Acme");
}

#[tokio::test]
async fn a_camera_without_media2_is_asked_by_media() {
    let stand_in = StandIn::start(|asked| {
        (asked.uri.path() == "/onvif/media2").then(|| fault(400, "ActionNotSupported", "no"))
    })
    .await;
    let camera = stand_in.connect("pw").await.unwrap();
    assert_eq!(camera.profiles().await.unwrap()[0].service, hausrecht_onvif::MediaService::Media);
}
