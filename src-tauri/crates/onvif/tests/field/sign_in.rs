//! Passwords and clocks.

use std::time::Duration;

use axum::{
    body::Body,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use hausrecht_model::UnixMicros;
use hausrecht_onvif::{Camera, Error};

use crate::stand_in::{Asked, START, StandIn, challenge, clock_answer, fault};

/// Operations that ONVIF lets anybody call.
pub(crate) fn is_open(asked: &Asked) -> bool {
    asked.is("GetSystemDateAndTime") || asked.is("GetServices")
}

pub(crate) fn digest_only(asked: &Asked) -> Option<Response> {
    (!is_open(asked) && !asked.has_digest("s@cret/?:%")).then(|| challenge("n1"))
}

pub(crate) fn token_only(status: u16) -> impl Fn(&Asked) -> Option<Response> + Clone {
    move |asked| {
        let is_right = is_open(asked) || asked.has_token("s@cret/?:%", START);
        (!is_right).then(|| fault(status, "NotAuthorized", "Sender not Authorized"))
    }
}

#[tokio::test]
async fn a_camera_with_digest_only_is_signed_in_to_and_remembered() {
    let stand_in = StandIn::start(digest_only).await;
    let camera = stand_in.connect("s@cret/?:%").await.unwrap();
    assert!(camera.is_signed_in());
    assert_eq!(camera.information().await.unwrap().manufacturer, "Acme");
    camera.profiles().await.unwrap();
    let unsigned = stand_in.asked().iter().filter(|asked| !is_open(asked) && !asked.is_signed()).count();
    assert_eq!(unsigned, 1, "the way of signing in is found out once");
    assert!(stand_in.asked().iter().all(|asked| !asked.body.contains("UsernameToken")));
}

#[tokio::test]
async fn a_camera_with_token_only_is_signed_in_to() {
    let stand_in = StandIn::start(token_only(401)).await;
    assert!(stand_in.connect("s@cret/?:%").await.unwrap().is_signed_in());
    assert!(stand_in.asked().iter().all(|asked| asked.digest().is_none()));
}

#[tokio::test]
async fn a_fault_inside_http_200_is_a_refusal() {
    let stand_in = StandIn::start(token_only(200)).await;
    assert!(stand_in.connect("s@cret/?:%").await.unwrap().is_signed_in());
    assert!(matches!(stand_in.connect("wrong").await, Err(Error::NotAuthorized { .. })));
}

#[tokio::test]
async fn a_400_with_not_authorized_is_a_refusal() {
    let stand_in = StandIn::start(token_only(400)).await;
    assert!(stand_in.connect("s@cret/?:%").await.unwrap().is_signed_in());
    assert!(matches!(stand_in.connect("wrong").await, Err(Error::NotAuthorized { .. })));
}

#[tokio::test]
async fn a_camera_that_wants_digest_and_token_gets_both() {
    let stand_in = StandIn::start(|asked| {
        match (is_open(asked), asked.has_digest("pw"), asked.has_token("pw", START)) {
            (true, _, _) | (false, true, true) => None,
            (false, true, false) => Some(fault(400, "NotAuthorized", "no token")),
            (false, false, _) => Some(challenge("n1")),
        }
    })
    .await;
    assert!(stand_in.connect("pw").await.unwrap().is_signed_in());
}

#[tokio::test]
async fn a_wrong_password_is_sent_once_with_digest() {
    let stand_in = StandIn::start(digest_only).await;
    let error = stand_in.connect("wrong").await.unwrap_err();
    assert_eq!(error.code(), "camera_not_authorized");
    assert!(error.needs_a_person());
    assert_eq!(stand_in.signed(), 1);
}

#[tokio::test]
async fn a_wrong_password_is_sent_once_with_token() {
    let stand_in = StandIn::start(token_only(400)).await;
    assert!(matches!(stand_in.connect("wrong").await, Err(Error::NotAuthorized { .. })));
    assert_eq!(stand_in.signed(), 1);
    assert_eq!(
        stand_in.count("GetSystemDateAndTime"),
        2,
        "the clock is read again before the password is blamed"
    );
}

#[tokio::test]
async fn a_wrong_password_is_sent_once_by_many_calls_at_a_time() {
    let closed = |asked: &Asked| asked.is("GetProfiles").then(|| challenge("n1"));
    let stand_in = StandIn::start(closed).await;
    let camera = stand_in.connect("wrong").await.unwrap();
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let camera = camera.clone();
        calls.spawn(async move { camera.profiles().await });
    }
    for result in calls.join_all().await {
        assert!(matches!(result, Err(Error::NotAuthorized { .. })));
    }
    assert_eq!(stand_in.signed(), 1);
}

#[tokio::test]
async fn without_credentials_a_closed_camera_asks_for_them() {
    let stand_in = StandIn::start(digest_only).await;
    let xaddrs = [stand_in.address.clone()];
    let error = Camera::connect(&xaddrs, None, stand_in.settings()).await.unwrap_err();
    assert!(matches!(error, Error::PasswordNeeded { .. }));
}

#[tokio::test]
async fn an_account_that_is_locked_says_so() {
    let stand_in = StandIn::start(|asked| match (is_open(asked), asked.is_signed()) {
        (true, _) => None,
        (false, false) => Some(fault(400, "NotAuthorized", "Sender not Authorized")),
        (false, true) => Some(fault(400, "NotAuthorized", "The account is locked for 30 minutes")),
    })
    .await;
    assert!(matches!(stand_in.connect("pw").await, Err(Error::LockedOut { .. })));
    assert_eq!(stand_in.signed(), 1);
}

#[tokio::test]
async fn something_else_that_is_locked_does_not_lock_the_account() {
    let stand_in = StandIn::start(|asked| {
        let locked = || fault(400, "Action", "PTZ is locked by another user");
        digest_only(asked).or_else(|| asked.is("GetScopes").then(locked))
    })
    .await;
    let camera = stand_in.connect("s@cret/?:%").await.unwrap();
    for _ in 0..3 {
        let error = camera.scopes().await.unwrap_err();
        assert!(matches!(error, Error::Fault { .. }), "{error}");
    }
    camera.information().await.unwrap();
}

#[tokio::test]
async fn a_request_that_the_camera_calls_expired_is_signed_anew_with_its_clock() {
    use std::sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    };
    for code in ["MessageExpired", "FailedCheck"] {
        let there = Arc::new(AtomicI64::new(START.0));
        let now = Arc::clone(&there);
        let stand_in = StandIn::start(move |asked| {
            let now = UnixMicros(now.load(Ordering::SeqCst));
            if asked.is("GetSystemDateAndTime") {
                return Some(clock_answer(now));
            }
            let is_right = is_open(asked) || asked.has_token("pw", now);
            let code = if asked.is_signed() { code } else { "NotAuthorized" };
            (!is_right).then(|| fault(500, code, "no"))
        })
        .await;
        let camera = stand_in.connect("pw").await.unwrap();
        there.store(START.plus(Duration::from_secs(300)).0, Ordering::SeqCst);
        camera.profiles().await.unwrap();
    }
}

#[tokio::test]
async fn a_nonce_that_has_run_out_is_renewed() {
    // The first nonce is good for the first call only, as with cameras that count uses and say nothing of it.
    let stand_in = StandIn::start(|asked| {
        let is_old =
            !asked.is("GetDeviceInformation") && asked.digest().is_some_and(|value| value.contains("\"n1\""));
        match is_open(asked) || (asked.has_digest("pw") && !is_old) {
            true => None,
            false => Some(challenge(if asked.is("GetDeviceInformation") { "n1" } else { "n2" })),
        }
    })
    .await;
    let camera = stand_in.connect("pw").await.unwrap();
    assert_eq!(camera.profiles().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_clock_that_is_years_off_is_signed_with() {
    let there = UnixMicros(946_684_800_000_000);
    let stand_in = StandIn::start(move |asked| {
        if asked.is("GetSystemDateAndTime") {
            return Some(clock_answer(there));
        }
        let is_right = is_open(asked) || asked.has_token("pw", there);
        (!is_right).then(|| fault(400, "NotAuthorized", "Sender not Authorized"))
    })
    .await;
    let camera = stand_in.connect("pw").await.unwrap();
    assert_eq!(camera.clock_offset().unwrap().offset_us, there.0 - START.0);
    assert_eq!(stand_in.signed(), 1);
}

#[tokio::test]
async fn a_clock_that_was_set_meanwhile_is_read_again() {
    use std::sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    };
    let there = Arc::new(AtomicI64::new(START.0));
    let now = Arc::clone(&there);
    let stand_in = StandIn::start(move |asked| {
        let now = UnixMicros(now.load(Ordering::SeqCst));
        if asked.is("GetSystemDateAndTime") {
            return Some(clock_answer(now));
        }
        let is_right = is_open(asked) || asked.has_token("pw", now);
        (!is_right).then(|| fault(400, "NotAuthorized", "Sender not Authorized"))
    })
    .await;
    let camera = stand_in.connect("pw").await.unwrap();
    there.store(START.plus(Duration::from_secs(7200)).0, Ordering::SeqCst);
    camera.profiles().await.unwrap();
    assert_eq!(camera.clock_offset().unwrap().offset_us, 7_200_000_000);
}

#[tokio::test]
async fn a_clock_that_lies_is_overruled_by_the_http_date() {
    let lie = START.plus(Duration::from_secs(7200));
    let stand_in = StandIn::start(move |asked| {
        if asked.is("GetSystemDateAndTime") {
            return Some(clock_answer(lie));
        }
        let is_right = is_open(asked) || asked.has_token("pw", START);
        (!is_right).then(|| {
            let mut refusal = fault(400, "NotAuthorized", "Sender not Authorized");
            refusal.headers_mut().insert("date", "Tue, 14 Nov 2023 22:13:20 GMT".parse().unwrap());
            refusal
        })
    })
    .await;
    assert!(stand_in.connect("pw").await.unwrap().is_signed_in());
    assert_eq!(stand_in.signed(), 2);
}

#[tokio::test]
async fn a_clock_call_that_wants_a_password_does_not_get_one() {
    let stand_in = StandIn::start(|asked| {
        if asked.is("GetSystemDateAndTime") {
            return Some(StatusCode::UNAUTHORIZED.into_response());
        }
        digest_only(asked)
    })
    .await;
    assert!(stand_in.connect("s@cret/?:%").await.unwrap().is_signed_in());
    let clock_calls: Vec<_> =
        stand_in.asked().into_iter().filter(|asked| asked.is("GetSystemDateAndTime")).collect();
    assert!(clock_calls.iter().all(|asked| !asked.is_signed()));
}

#[tokio::test]
async fn a_picture_behind_basic_is_refused_rather_than_paid_with_the_password() {
    let token = token_only(401);
    let stand_in = StandIn::start(move |asked| {
        if asked.uri.path() == "/snap.jpg" {
            let basic = [("www-authenticate", "Basic realm=\"x\"")];
            return Some((StatusCode::UNAUTHORIZED, basic, Body::empty()).into_response());
        }
        token(asked).or_else(|| picture_uri(asked))
    })
    .await;
    let camera = stand_in.connect("s@cret/?:%").await.unwrap();
    let profile = camera.profiles().await.unwrap().remove(0);
    for _ in 0..5 {
        assert!(matches!(camera.snapshot(&profile).await, Err(Error::PasswordInClear { .. })));
    }
    assert!(stand_in.asked().iter().all(|asked| asked.uri.path() != "/snap.jpg" || !asked.is_signed()));
}

#[tokio::test]
async fn a_picture_is_fetched_with_digest_from_a_camera_with_tokens() {
    let token = token_only(401);
    let stand_in = StandIn::start(move |asked| {
        if asked.uri.path() == "/snap.jpg" {
            let is_right = asked.has_digest("s@cret/?:%");
            return Some(if is_right { PICTURE.into_response() } else { challenge("n1") });
        }
        token(asked).or_else(|| picture_uri(asked))
    })
    .await;
    let camera = stand_in.connect("s@cret/?:%").await.unwrap();
    let profile = camera.profiles().await.unwrap().remove(0);
    assert_eq!(camera.snapshot(&profile).await.unwrap(), PICTURE);
    camera.profiles().await.unwrap();
    let last = stand_in.asked().pop().unwrap();
    assert!(last.digest().is_none() && last.is_signed(), "the token is still remembered");
}

/// How a JPEG begins.
pub(crate) const PICTURE: &[u8] = &[0xFF, 0xD8, 0xFF, 0xE0, 0];

#[tokio::test]
async fn a_page_in_the_place_of_a_picture_is_no_picture() {
    for page in ["<html><body>Sign in</body></html>", "<?xml version=\"1.0\"?><status>no</status>", "", "BM"]
    {
        let stand_in = StandIn::start(move |asked| {
            let is_page = asked.uri.path() == "/snap.jpg";
            is_page.then(|| page.into_response()).or_else(|| picture_uri(asked))
        })
        .await;
        let camera = stand_in.connect("pw").await.unwrap();
        let profile = camera.profiles().await.unwrap().remove(0);
        assert!(matches!(camera.snapshot(&profile).await, Err(Error::Unreadable { .. })), "{page}");
    }
}

/// Names a picture at a host that does not exist.
fn picture_uri(asked: &Asked) -> Option<Response> {
    let body = "<GetSnapshotUriResponse><Uri>http://10.9.9.9/snap.jpg</Uri></GetSnapshotUriResponse>";
    asked.is("GetSnapshotUri").then(|| crate::stand_in::ok(body))
}

#[tokio::test]
async fn every_kind_of_digest_is_answered() {
    let challenges = [
        r#"Digest realm="r", nonce="n""#,
        r#"Digest realm="r", nonce="n", algorithm=MD5, opaque="o==""#,
        r#"Digest realm="r", nonce="n", qop="auth", algorithm=MD5-sess"#,
        r#"Digest realm="r", nonce="n", qop="auth-int", algorithm=MD5"#,
        r#"Digest realm="r", nonce="n", qop="auth,auth-int", algorithm=SHA-256"#,
        r#"Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256-sess"#,
        r#"Digest realm="a, b" nonce="n" qop="auth" stale=false"#,
        r#"Basic realm="x", Digest realm="r", nonce="n", qop="auth""#,
    ];
    for header in challenges {
        let stand_in = StandIn::start(move |asked| {
            let is_right = is_open(asked) || asked.has_digest("pw");
            let refusal = || (StatusCode::UNAUTHORIZED, [("www-authenticate", header)], Body::empty());
            (!is_right).then(|| refusal().into_response())
        })
        .await;
        let camera = stand_in.connect("pw").await.unwrap();
        assert!(camera.is_signed_in(), "{header}");
        let sent = stand_in.asked().iter().rev().find_map(|asked| asked.digest().map(str::to_owned)).unwrap();
        assert_eq!(sent.contains(r#"opaque="o==""#), header.contains("opaque"), "{sent}");
        assert_eq!(sent.contains("qop=auth-int"), header.contains(r#""auth-int""#), "{sent}");
        assert_eq!(sent.contains("SHA-256"), header.contains("SHA-256"), "{sent}");
        assert!(matches!(stand_in.connect("wrong").await, Err(Error::NotAuthorized { .. })), "{header}");
    }
}

#[tokio::test]
async fn of_several_challenges_the_strongest_is_answered() {
    let stand_in = StandIn::start(|asked| {
        let is_right = is_open(asked) || asked.has_digest("pw");
        (!is_right).then(|| {
            let mut refusal = challenge("weak");
            let strong = r#"Digest realm="camera", nonce="strong", qop="auth", algorithm=SHA-256"#;
            refusal.headers_mut().append("www-authenticate", strong.parse().unwrap());
            refusal.headers_mut().append("www-authenticate", r#"Basic realm="camera""#.parse().unwrap());
            refusal
        })
    })
    .await;
    assert!(stand_in.connect("pw").await.unwrap().is_signed_in());
    let signed: Vec<_> =
        stand_in.asked().iter().filter_map(|asked| asked.digest().map(str::to_owned)).collect();
    assert!(signed.iter().all(|sent| sent.contains(r#"nonce="strong""#)), "{signed:?}");
}

#[tokio::test]
async fn a_name_that_is_not_ascii_can_sign_in() {
    let stand_in = StandIn::start(|asked| {
        let is_signed = asked
            .headers
            .get("authorization")
            .is_some_and(|value| String::from_utf8_lossy(value.as_bytes()).contains(r#"username="Jürgen""#));
        (!is_open(asked) && !is_signed).then(|| challenge("n1"))
    })
    .await;
    let credentials = hausrecht_onvif::Credentials::new("Jürgen", "pw".to_owned().into());
    let xaddrs = [stand_in.address.clone()];
    let camera = Camera::connect(&xaddrs, Some(credentials), stand_in.settings()).await.unwrap();
    assert!(camera.is_signed_in());
}

#[tokio::test]
async fn a_realm_that_is_not_ascii_is_answered_as_it_came() {
    let stand_in = StandIn::start(|asked| {
        let is_right = is_open(asked) || asked.has_digest("pw");
        (!is_right).then(|| {
            let value = "Digest realm=\"Kamera Büro 摄像机\", nonce=\"n\", qop=\"auth\"";
            let value = axum::http::HeaderValue::from_bytes(value.as_bytes()).unwrap();
            (StatusCode::UNAUTHORIZED, [("www-authenticate", value)], Body::empty()).into_response()
        })
    })
    .await;
    assert!(stand_in.connect("pw").await.unwrap().is_signed_in());
    let sent = stand_in.asked().iter().rev().find_map(|asked| asked.digest().map(str::to_owned)).unwrap();
    assert!(sent.contains("realm=\"Kamera Büro 摄像机\""), "{sent}");
}

#[tokio::test]
async fn a_clock_without_utc_is_read_from_the_http_date_or_else_as_it_is() {
    let there = START.plus(Duration::from_secs(86_400));
    for has_date in [true, false] {
        let stand_in = StandIn::start(move |asked| {
            if !asked.is("GetSystemDateAndTime") {
                let is_right = is_open(asked) || asked.has_token("pw", there);
                return (!is_right).then(|| fault(400, "NotAuthorized", "Sender not Authorized"));
            }
            let date = if has_date { "Wed, 15 Nov 2023 22:13:20 GMT" } else { "never" };
            let text = "<GetSystemDateAndTimeResponse><SystemDateAndTime><tt:LocalDateTime><tt:Time><tt:Hour>22</tt:Hour>\
                 <tt:Minute>13</tt:Minute><tt:Second>20</tt:Second></tt:Time><tt:Date><tt:Year>2023</tt:Year>\
                 <tt:Month>11</tt:Month><tt:Day>15</tt:Day></tt:Date></tt:LocalDateTime></SystemDateAndTime>\
                 </GetSystemDateAndTimeResponse>";
            let mut answer = crate::stand_in::ok(text);
            answer.headers_mut().insert("date", date.parse().unwrap());
            Some(answer)
        })
        .await;
        let camera = stand_in.connect("pw").await.unwrap();
        assert_eq!(camera.clock_offset().unwrap().offset_us, 86_400_000_000, "{has_date}");
        assert_eq!(stand_in.signed(), 1);
    }
}
