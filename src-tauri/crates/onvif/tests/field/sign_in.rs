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
fn is_open(asked: &Asked) -> bool {
    asked.is("GetSystemDateAndTime") || asked.is("GetServices")
}

fn digest_only(asked: &Asked) -> Option<Response> {
    (!is_open(asked) && !asked.has_digest("s@cret/?:%")).then(|| challenge("n1"))
}

fn token_only(status: u16) -> impl Fn(&Asked) -> Option<Response> + Clone {
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

/// A camera that asks for digest but for the time, and refuses everything as if the sign-in were wrong while `busy`.
fn busy_while(
    busy: &std::sync::Arc<std::sync::atomic::AtomicBool>,
) -> impl Fn(&Asked) -> Option<Response> + Clone + Send + Sync + 'static {
    let busy = std::sync::Arc::clone(busy);
    move |asked| {
        let is_open = asked.is("GetSystemDateAndTime");
        let is_busy = busy.load(std::sync::atomic::Ordering::SeqCst);
        (!is_open && (is_busy || !asked.has_digest("pw"))).then(|| challenge("n1"))
    }
}

#[tokio::test]
async fn a_camera_that_is_busy_for_minutes_keeps_its_sign_in() {
    use std::sync::{Arc, atomic::AtomicBool, atomic::Ordering::SeqCst};
    let busy = Arc::new(AtomicBool::new(false));
    let stand_in = StandIn::start(busy_while(&busy)).await;
    let camera = stand_in.connect("pw").await.unwrap();
    for _ in 0..3 {
        busy.store(true, SeqCst);
        let before = stand_in.signed();
        for _ in 0..20 {
            assert!(matches!(camera.profiles().await, Err(Error::RefusedForNow { .. })));
        }
        assert!(stand_in.signed() - before <= 3, "it is not hammered: {}", stand_in.signed() - before);
        stand_in.clock.advance(Duration::from_secs(31));
        let before = stand_in.signed();
        for _ in 0..20 {
            assert!(matches!(camera.profiles().await, Err(Error::RefusedForNow { .. })));
        }
        assert_eq!(stand_in.signed() - before, 1, "one request finds out that it still refuses");
        busy.store(false, SeqCst);
        assert!(matches!(camera.profiles().await, Err(Error::RefusedForNow { .. })), "the pause is kept");
        stand_in.clock.advance(Duration::from_secs(240));
        assert_eq!(camera.profiles().await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_camera_that_comes_back_with_another_clock_is_signed_in_to() {
    use std::sync::{Arc, atomic::AtomicBool, atomic::Ordering::SeqCst};
    let restarts = Arc::new(AtomicBool::new(false));
    let is_down = Arc::clone(&restarts);
    let was_down = Arc::new(AtomicBool::new(false));
    let stand_in = StandIn::start(move |asked| {
        if is_down.load(SeqCst) {
            was_down.store(true, SeqCst);
            let is_clock = asked.is("GetSystemDateAndTime");
            let refusal = || fault(400, "NotAuthorized", "Sender not Authorized");
            return Some(if is_clock { StatusCode::SERVICE_UNAVAILABLE.into_response() } else { refusal() });
        }
        let now = if was_down.load(SeqCst) { START.plus(Duration::from_secs(1000)) } else { START };
        if asked.is("GetSystemDateAndTime") {
            return Some(clock_answer(now));
        }
        let is_right = is_open(asked) || asked.has_token("pw", now);
        (!is_right).then(|| fault(400, "NotAuthorized", "Sender not Authorized"))
    })
    .await;
    let camera = stand_in.connect("pw").await.unwrap();
    restarts.store(true, SeqCst);
    assert!(matches!(camera.profiles().await, Err(Error::RefusedForNow { .. })));
    restarts.store(false, SeqCst);
    stand_in.clock.advance(Duration::from_secs(31));
    assert_eq!(camera.profiles().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_password_that_was_changed_at_the_camera_is_sent_at_most_five_times() {
    use std::sync::{Arc, atomic::AtomicBool, atomic::Ordering::SeqCst};
    let changed = Arc::new(AtomicBool::new(false));
    let stand_in = StandIn::start(busy_while(&changed)).await;
    let camera = stand_in.connect("pw").await.unwrap();
    changed.store(true, SeqCst);
    let before = stand_in.signed();
    let mut seconds = 0;
    while !matches!(camera.information().await, Err(Error::NotAuthorized { .. })) {
        stand_in.clock.advance(Duration::from_secs(1));
        seconds += 1;
    }
    assert!((200..600).contains(&seconds), "{seconds}");
    assert!(stand_in.signed() - before <= 5, "{}", stand_in.signed() - before);
    stand_in.clock.advance(Duration::from_secs(86_400));
    let before = stand_in.asked().len();
    assert!(matches!(camera.profiles().await, Err(Error::NotAuthorized { .. })));
    assert_eq!(stand_in.asked().len(), before, "a password that is wrong is not sent again");
}

#[tokio::test]
async fn a_right_that_the_account_lacks_does_not_end_the_session() {
    // A plain 401 for one call, as cameras answer that have no faults for it, with and without a challenge.
    for has_challenge in [true, false] {
        let stand_in = StandIn::start(move |asked| {
            let refusal =
                || if has_challenge { challenge("n1") } else { StatusCode::UNAUTHORIZED.into_response() };
            digest_only(asked).or_else(|| asked.is("GetScopes").then(refusal))
        })
        .await;
        let camera = stand_in.connect("s@cret/?:%").await.unwrap();
        for _ in 0..6 {
            let error = camera.scopes().await.unwrap_err();
            assert!(matches!(error, Error::NotAllowed { .. }), "{error}");
            assert_eq!(camera.profiles().await.unwrap().len(), 1);
        }
    }
}

#[tokio::test]
async fn a_refusal_of_what_was_allowed_before_passes() {
    use std::sync::{Arc, atomic::AtomicBool, atomic::Ordering::SeqCst};
    let busy = Arc::new(AtomicBool::new(false));
    let is_busy = Arc::clone(&busy);
    let stand_in = StandIn::start(move |asked| {
        let refuses = asked.is("GetProfiles") && is_busy.load(SeqCst);
        digest_only(asked).or_else(|| refuses.then(|| challenge("n1")))
    })
    .await;
    let camera = stand_in.connect("s@cret/?:%").await.unwrap();
    camera.profiles().await.unwrap();
    busy.store(true, SeqCst);
    for _ in 0..3 {
        assert!(matches!(camera.profiles().await, Err(Error::RefusedForNow { .. })));
    }
    busy.store(false, SeqCst);
    camera.profiles().await.unwrap();
}

#[tokio::test]
async fn services_that_want_different_sign_ins_each_get_their_own() {
    // The device wants digest, the events a token, and say so without a challenge.
    let stand_in = StandIn::start(|asked| {
        if asked.uri.path() == "/onvif/device_service" {
            return digest_only(asked);
        }
        let is_right = asked.has_token("s@cret/?:%", START);
        (!is_right).then(|| fault(400, "NotAuthorized", "Sender not Authorized"))
    })
    .await;
    let camera = stand_in.connect("s@cret/?:%").await.unwrap();
    for _ in 0..3 {
        camera.information().await.unwrap();
        camera.profiles().await.unwrap();
        let mut events = camera.events().await.unwrap();
        assert_eq!(events.next().await.unwrap().len(), 1);
    }
    let refused = |path: &str| {
        let asked = stand_in.asked();
        let here = asked.into_iter().filter(|asked| asked.uri.path().starts_with(path));
        here.filter(|asked| !asked.has_token("s@cret/?:%", START)).count()
    };
    assert_eq!(refused("/onvif/media"), 1, "the way of a service is found out once");
    assert_eq!(refused("/onvif/events"), 1, "also by subscriptions");
    assert_eq!(refused("/onvif/sub"), 0, "a subscription is signed in to as its service is");

    // The other way round.
    let stand_in = StandIn::start(|asked| {
        if asked.uri.path() == "/onvif/device_service" {
            return token_only(400)(asked);
        }
        digest_only(asked)
    })
    .await;
    let camera = stand_in.connect("s@cret/?:%").await.unwrap();
    for _ in 0..3 {
        camera.information().await.unwrap();
        camera.profiles().await.unwrap();
    }
}

#[tokio::test]
async fn a_service_that_refuses_is_tried_in_the_other_form_once() {
    let stand_in = StandIn::start(|asked| {
        let refuses = asked.uri.path() == "/onvif/media2" || asked.uri.path() == "/onvif/media";
        let refusal = || fault(400, "NotAuthorized", "Sender not Authorized");
        digest_only(asked).or_else(|| refuses.then(refusal))
    })
    .await;
    let camera = stand_in.connect("s@cret/?:%").await.unwrap();
    for _ in 0..5 {
        assert!(matches!(camera.profiles().await, Err(Error::NotAllowed { .. })));
    }
    let with_token = stand_in.asked().iter().filter(|asked| asked.body.contains("UsernameToken")).count();
    assert_eq!(with_token, 2, "once at each of the two media services");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 6)]
async fn calls_at_the_same_time_answer_each_its_own_challenge() {
    use std::{
        collections::HashSet,
        sync::{Arc, Barrier, Mutex},
    };
    // Each nonce is good for one request, and both calls have got theirs before either answers.
    let both = Arc::new(Barrier::new(2));
    let given: Arc<Mutex<(usize, HashSet<String>)>> = Arc::default();
    let stand_in = StandIn::start(move |asked| {
        if is_open(asked) {
            return None;
        }
        let mut nonces = given.lock().unwrap();
        let is_good = asked.has_digest("pw") && {
            let nonce = asked.digest().unwrap().split("nonce=\"").nth(1).unwrap().split('"').next().unwrap();
            nonces.1.remove(nonce)
        };
        if is_good {
            return None;
        }
        nonces.0 += 1;
        let nonce = format!("n{}", nonces.0);
        nonces.1.insert(nonce.clone());
        drop(nonces);
        if asked.is("GetProfiles") {
            both.wait();
        }
        Some(challenge(&nonce))
    })
    .await;
    let camera = stand_in.connect("pw").await.unwrap();
    let other = camera.clone();
    let calls = [camera, other].map(|camera| tokio::spawn(async move { camera.profiles().await }));
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_clock_that_lies_without_an_http_date_is_overruled_by_our_own_time_once() {
    let lie = START.plus(Duration::from_secs(7200));
    let without_date = |mut response: Response| {
        response.headers_mut().insert("date", "never".parse().unwrap());
        response
    };
    let stand_in = StandIn::start(move |asked| {
        if asked.is("GetSystemDateAndTime") {
            return Some(without_date(clock_answer(lie)));
        }
        let is_forbidden = asked.is("GetScopes");
        let is_right = is_open(asked) || (asked.has_token("pw", START) && !is_forbidden);
        (!is_right).then(|| without_date(fault(400, "NotAuthorized", "Sender not Authorized")))
    })
    .await;
    let camera = stand_in.connect("pw").await.unwrap();
    assert!(camera.is_signed_in());
    assert_eq!(stand_in.signed(), 2);
    assert!(matches!(camera.scopes().await, Err(Error::NotAllowed { .. })));
    let before = stand_in.signed();
    camera.profiles().await.unwrap();
    assert_eq!(stand_in.signed() - before, 1, "the lie is not believed again");
    let before = stand_in.signed();
    assert!(matches!(stand_in.connect("wrong").await, Err(Error::NotAuthorized { .. })));
    assert_eq!(stand_in.signed() - before, 2);
}

#[tokio::test]
async fn a_clock_that_is_merely_wrong_is_not_overruled() {
    let there = START.plus(Duration::from_secs(7_111));
    let stand_in = StandIn::start(move |asked| {
        let mut refusal = fault(400, "NotAuthorized", "Sender not Authorized");
        refusal.headers_mut().insert("date", "never".parse().unwrap());
        if asked.is("GetSystemDateAndTime") {
            Some(clock_answer(there))
        } else {
            (!is_open(asked)).then_some(refusal)
        }
    })
    .await;
    assert!(matches!(stand_in.connect("wrong").await, Err(Error::NotAuthorized { .. })));
    assert_eq!(stand_in.signed(), 1);
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
