//! Cameras and impostors that send the client elsewhere.

use axum::response::{IntoResponse, Redirect, Response};
use hausrecht_onvif::Error;

use crate::{
    sign_in::PICTURE,
    stand_in::{Asked, StandIn, challenge, fault, ok, services, subscription},
};

/// A camera with password `pw`, but for the time.
fn closed(asked: &Asked) -> Option<Response> {
    let is_right = asked.is("GetSystemDateAndTime") || asked.has_digest("pw");
    (!is_right).then(|| challenge("n1"))
}

#[tokio::test]
async fn a_redirect_to_another_path_is_followed_without_the_password_and_remembered() {
    let stand_in = StandIn::start(|asked| {
        let is_old = asked.uri.path() == "/onvif/media2";
        is_old.then(|| Redirect::temporary("/onvif/media3").into_response()).or_else(|| closed(asked))
    })
    .await;
    let camera = stand_in.connect("pw").await.unwrap();
    for _ in 0..2 {
        assert_eq!(camera.profiles().await.unwrap().len(), 1);
    }
    let paths: Vec<_> = stand_in
        .asked()
        .iter()
        .filter(|asked| asked.is("GetProfiles"))
        .map(|asked| (asked.uri.path().to_owned(), asked.is_signed()))
        .collect();
    let (old, new) = ("/onvif/media2".to_owned(), "/onvif/media3".to_owned());
    assert_eq!(paths, [(old, true), (new.clone(), false), (new.clone(), true), (new, true)]);
}

#[tokio::test]
async fn a_redirect_to_another_host_or_port_is_not_followed() {
    let other_port = StandIn::start(|_: &Asked| None).await;
    let other_host = StandIn::start_at("127.0.0.2", |_: &Asked| None).await;
    let port = other_host.address.port().unwrap();
    for to in [other_port.address.to_string(), other_host.address.to_string(), format!("//127.0.0.2:{port}/")]
    {
        let stand_in = StandIn::start(move |asked| {
            let leads_away = asked.is("GetDeviceInformation") && asked.is_signed();
            leads_away.then(|| Redirect::temporary(&to).into_response()).or_else(|| closed(asked))
        })
        .await;
        let camera = stand_in.connect("pw").await.unwrap();
        assert!(matches!(camera.information().await, Err(Error::Status { status: 307, .. })));
        assert!(other_port.asked().is_empty() && other_host.asked().is_empty());
    }
}

#[tokio::test]
async fn a_circle_of_redirects_ends() {
    let stand_in = StandIn::start(|asked| {
        let to = if asked.uri.path() == "/a" { "/b" } else { "/a" };
        asked.is("GetProfiles").then(|| Redirect::temporary(to).into_response())
    })
    .await;
    let camera = stand_in.connect("pw").await.unwrap();
    assert!(matches!(camera.profiles().await, Err(Error::Status { status: 307, .. })));
    assert!(stand_in.count("GetProfiles") <= 4, "{}", stand_in.count("GetProfiles"));
    let stand_in = StandIn::start(|asked| {
        let to = if asked.uri.path() == "/a" { "/b" } else { "/a" };
        asked.is("GetSystemDateAndTime").then(|| Redirect::temporary(to).into_response())
    })
    .await;
    assert!(matches!(stand_in.connect("pw").await, Err(Error::NotOffered { .. })));
}

#[tokio::test]
async fn no_address_that_a_camera_names_leads_to_another_host() {
    let other = StandIn::start_at("127.0.0.2", |_: &Asked| None).await;
    let elsewhere = format!("http://127.0.0.2:{}", other.address.port().unwrap());
    let stand_in = StandIn::start(move |asked| {
        if asked.is("GetServices") {
            return Some(services(&elsewhere));
        }
        if asked.is("CreatePullPointSubscription") && asked.is_signed() {
            return Some(subscription(&format!("{elsewhere}/onvif/sub/1")));
        }
        if asked.is("GetSnapshotUri") && asked.is_signed() {
            return Some(ok(&format!(
                "<GetSnapshotUriResponse><Uri>{elsewhere}/snap.jpg</Uri></GetSnapshotUriResponse>"
            )));
        }
        let is_picture = asked.uri.path() == "/snap.jpg" && asked.has_digest("pw");
        is_picture.then(|| PICTURE.into_response()).or_else(|| closed(asked))
    })
    .await;
    let camera = stand_in.connect("pw").await.unwrap();
    let profile = camera.profiles().await.unwrap().remove(0);
    assert_eq!(camera.snapshot(&profile).await.unwrap(), PICTURE);
    camera.events().await.unwrap().next().await.unwrap();
    assert_eq!(other.asked().len(), 0);
}

#[tokio::test]
async fn a_stream_elsewhere_is_put_right_and_one_of_another_kind_refused() {
    for (said, expected) in [
        ("rtsp://u:p@evil.example:554/1", Some("rtsp://127.0.0.1:554/1")),
        ("rtsps://10.0.0.9/1", Some("rtsps://127.0.0.1/1")),
        ("file:///etc/passwd", None),
        ("javascript:alert(1)", None),
    ] {
        let stand_in = StandIn::start(move |asked| {
            let answer = format!("<GetStreamUriResponse><Uri>{said}</Uri></GetStreamUriResponse>");
            asked.is("GetStreamUri").then(|| ok(&answer))
        })
        .await;
        let camera = stand_in.connect("pw").await.unwrap();
        let profile = camera.profiles().await.unwrap().remove(0);
        let uri = camera.stream_uri(&profile).await.ok();
        assert_eq!(uri.as_ref().map(url::Url::as_str), expected, "{said}");
    }
}

#[tokio::test]
async fn what_the_account_may_not_do_is_told_apart_from_a_wrong_password() {
    let stand_in = StandIn::start(|asked| {
        let is_denied = asked.is("GetProfiles") && asked.is_signed();
        is_denied.then(|| fault(400, "NotAuthorized", "Sender not Authorized")).or_else(|| closed(asked))
    })
    .await;
    let camera = stand_in.connect("pw").await.unwrap();
    for _ in 0..5 {
        assert!(
            matches!(camera.profiles().await, Err(Error::NotAllowed { operation, .. }) if operation == "GetProfiles")
        );
    }
    assert_eq!(camera.information().await.unwrap().manufacturer, "Acme");
}

#[tokio::test]
async fn a_401_that_means_too_many_connections_is_got_over() {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };
    let busy = Arc::new(AtomicUsize::new(0));
    let left = Arc::clone(&busy);
    let stand_in = StandIn::start(move |asked| {
        let is_busy =
            left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        if is_busy { Some(challenge("n2")) } else { closed(asked) }
    })
    .await;
    let camera = stand_in.connect("pw").await.unwrap();
    busy.store(2, Ordering::SeqCst);
    let error = camera.information().await.unwrap_err();
    assert!(matches!(error, Error::RefusedForNow { .. }) && !error.needs_a_person(), "{error}");
    assert_eq!(camera.information().await.unwrap().manufacturer, "Acme");
}
