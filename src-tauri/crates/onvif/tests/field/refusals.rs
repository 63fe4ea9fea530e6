//! Refusals that do not mean a wrong password, and how often a password is sent.

use std::{
    collections::HashSet,
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use hausrecht_onvif::Error;

use crate::{
    sign_in::{digest_only, is_open, token_only},
    stand_in::{Asked, START, StandIn, challenge, clock_answer, fault},
};

/// A camera that asks for digest but for the time, and refuses everything as if the sign-in were wrong while `busy`.
fn busy_while(busy: &Arc<AtomicBool>) -> impl Fn(&Asked) -> Option<Response> + Clone + Send + Sync + 'static {
    let busy = Arc::clone(busy);
    move |asked| {
        let is_open = asked.is("GetSystemDateAndTime");
        let is_busy = busy.load(SeqCst);
        (!is_open && (is_busy || !asked.has_digest("pw"))).then(|| challenge("n1"))
    }
}

#[tokio::test]
async fn a_camera_that_is_busy_for_minutes_keeps_its_sign_in() {
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
    // Each nonce is good for one request, and both calls have got theirs before either answers.
    let both = Arc::new(Barrier::new(2));
    let given: Arc<Mutex<(usize, HashSet<String>)>> = Arc::default();
    let stand_in = StandIn::start(move |asked| {
        if is_open(asked) || asked.is("GetDeviceInformation") {
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
        if !asked.is_signed() {
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
    assert_eq!(stand_in.signed(), 2, "neither has taken the other's nonce");
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
