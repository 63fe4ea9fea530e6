//! Pull points that behave badly.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use hausrecht_model::EventKind;
use hausrecht_onvif::{Error, Meaning};

use crate::stand_in::{Asked, StandIn, challenge, fault, services, subscription};

/// An answer whose connection breaks before its body is whole.
fn broken() -> Response {
    let parts = [Ok(Bytes::from_static(b"<s:Env")), Err(std::io::Error::other("closed"))];
    Body::from_stream(stream::iter(parts)).into_response()
}

/// Answers the first `count` pulls with `answer`.
fn first_pulls(
    count: usize,
    answer: impl Fn() -> Response + Clone + Send + Sync + 'static,
) -> impl Fn(&Asked) -> Option<Response> + Clone + Send + Sync + 'static {
    let pulls = Arc::new(AtomicUsize::new(0));
    move |asked| (asked.is("PullMessages") && pulls.fetch_add(1, Ordering::SeqCst) < count).then(&answer)
}

const MOTION: Meaning = Meaning { kind: EventKind::Motion, active: Some(true), is_momentary: false };

#[tokio::test]
async fn an_event_arrives_with_addressing_and_reference_parameters() {
    let stand_in = StandIn::start(|_: &Asked| None).await;
    let mut events = stand_in.connect("pw").await.unwrap().events().await.unwrap();
    let messages = events.next().await.unwrap();
    assert_eq!(messages[0].meaning(), MOTION);
    events.unsubscribe().await;
    for asked in stand_in.asked().iter().filter(|asked| asked.is("PullMessages") || asked.is("Unsubscribe")) {
        assert!(asked.body.contains("/onvif/sub/1</a:To>"), "{}", asked.body);
        assert!(asked.body.contains("Request</a:Action>"), "{}", asked.body);
        assert!(asked.body.contains(r#"IsReferenceParameter="true""#) && asked.body.contains(">42</Id>"));
        assert_eq!(asked.uri.path(), "/onvif/sub/1");
    }
    assert_eq!(stand_in.count("Unsubscribe"), 1);
}

#[tokio::test]
async fn a_subscription_elsewhere_is_pulled_at_the_host_that_answered() {
    let stand_in = StandIn::start(|asked| {
        asked.is("CreatePullPointSubscription").then(|| subscription("http://10.255.255.1:1024/event-0"))
    })
    .await;
    let mut events = stand_in.connect("pw").await.unwrap().events().await.unwrap();
    assert_eq!(events.next().await.unwrap()[0].meaning(), MOTION);
    let asked = stand_in.asked();
    let pull = asked.iter().find(|asked| asked.is("PullMessages")).unwrap();
    assert_eq!(pull.uri.path(), "/event-0");
    assert!(
        pull.body.contains(">http://10.255.255.1:1024/event-0</a:To>"),
        "the camera's own name of it stays"
    );
}

#[tokio::test]
async fn a_subscription_is_asked_of_the_event_service_by_the_name_that_the_camera_gave_it() {
    let stand_in =
        StandIn::start(|asked| asked.is("GetServices").then(|| services("http://10.255.255.1:8899"))).await;
    stand_in.connect("pw").await.unwrap().events().await.unwrap();
    let asked = stand_in.asked();
    let create = asked.iter().find(|asked| asked.is("CreatePullPointSubscription")).unwrap();
    assert!(create.body.contains(">http://10.255.255.1:8899/onvif/events</a:To>"), "{}", create.body);
}

#[tokio::test]
async fn a_pull_that_closes_early_is_pulled_again_without_a_new_subscription() {
    let stand_in = StandIn::start(first_pulls(3, broken)).await;
    let mut events = stand_in.connect("pw").await.unwrap().events().await.unwrap();
    for _ in 0..3 {
        assert_eq!(events.next().await.unwrap(), []);
    }
    assert_eq!(events.next().await.unwrap()[0].meaning(), MOTION);
    assert_eq!(stand_in.count("CreatePullPointSubscription"), 1);
}

#[tokio::test]
async fn a_camera_that_only_closes_is_gone_in_the_end() {
    let stand_in = StandIn::start(first_pulls(usize::MAX, broken)).await;
    let mut events = stand_in.connect("pw").await.unwrap().events().await.unwrap();
    for _ in 0..4 {
        assert_eq!(events.next().await.unwrap(), []);
    }
    assert!(matches!(events.next().await, Err(Error::ClosedEarly { .. })));
}

#[tokio::test]
async fn a_forgotten_subscription_is_made_anew_once() {
    let forgotten = || fault(400, "ResourceUnknown", "no such subscription");
    let stand_in = StandIn::start(first_pulls(1, forgotten)).await;
    let mut events = stand_in.connect("pw").await.unwrap().events().await.unwrap();
    assert_eq!(events.next().await.unwrap()[0].meaning(), MOTION);
    assert_eq!(stand_in.count("CreatePullPointSubscription"), 2);

    let stand_in = StandIn::start(first_pulls(usize::MAX, forgotten)).await;
    let mut events = stand_in.connect("pw").await.unwrap().events().await.unwrap();
    assert!(matches!(events.next().await, Err(Error::Fault { .. })));
    assert_eq!(stand_in.count("CreatePullPointSubscription"), 2, "the caller decides when to try again");
}

#[tokio::test]
async fn a_subscription_is_renewed_in_its_second_half() {
    let stand_in = StandIn::start(|_: &Asked| None).await;
    let mut events = stand_in.connect("pw").await.unwrap().events().await.unwrap();
    events.next().await.unwrap();
    assert_eq!(stand_in.count("Renew"), 0);
    stand_in.clock.advance(Duration::from_secs(31));
    events.next().await.unwrap();
    assert_eq!(stand_in.count("Renew"), 1);
}

#[tokio::test]
async fn a_refused_renew_is_no_failure_and_not_repeated() {
    let stand_in =
        StandIn::start(|asked| asked.is("Renew").then(|| fault(500, "ActionNotSupported", "no"))).await;
    let mut events = stand_in.connect("pw").await.unwrap().events().await.unwrap();
    for _ in 0..3 {
        stand_in.clock.advance(Duration::from_secs(31));
        assert_eq!(events.next().await.unwrap()[0].meaning(), MOTION);
    }
    assert_eq!(stand_in.count("Renew"), 1);
    assert_eq!(stand_in.count("CreatePullPointSubscription"), 1);
}

#[tokio::test]
async fn a_renew_that_gets_lost_is_sent_again() {
    let renewals = Arc::new(AtomicUsize::new(0));
    let stand_in = StandIn::start(move |asked| {
        (asked.is("Renew") && renewals.fetch_add(1, Ordering::SeqCst) == 0).then(broken)
    })
    .await;
    let mut events = stand_in.connect("pw").await.unwrap().events().await.unwrap();
    for (seconds, renewals) in [(31, 1), (5, 1), (6, 2), (29, 2), (2, 3)] {
        stand_in.clock.advance(Duration::from_secs(seconds));
        assert_eq!(events.next().await.unwrap()[0].meaning(), MOTION);
        assert_eq!(stand_in.count("Renew"), renewals);
    }
    assert_eq!(stand_in.count("CreatePullPointSubscription"), 1);
}

/// What the pulls asked for: seconds and messages.
fn pulls(stand_in: &StandIn) -> Vec<(u64, u64)> {
    let number = |body: &str, start: &str, end: &str| {
        body.split_once(start).unwrap().1.split_once(end).unwrap().0.parse::<u64>().unwrap()
    };
    let asked = stand_in.asked().into_iter().filter(|asked| asked.is("PullMessages"));
    asked
        .map(|asked| {
            let seconds = number(&asked.body, "<Timeout>PT", "S</");
            (seconds, number(&asked.body, "<MessageLimit>", "</"))
        })
        .collect()
}

#[tokio::test]
async fn a_camera_that_says_what_it_accepts_of_a_pull_gets_that_and_keeps_its_subscription() {
    for status in [400, 500, 200] {
        let refusal = move || {
            let body = r#"<s:Fault><s:Code><s:Value>s:Sender</s:Value></s:Code><s:Reason><s:Text>too much</s:Text></s:Reason>
                <s:Detail><tev:PullMessagesFaultResponse><tev:MaxTimeout>PT8S</tev:MaxTimeout>
                <tev:MaxMessageLimit>16</tev:MaxMessageLimit></tev:PullMessagesFaultResponse></s:Detail></s:Fault>"#;
            let status = axum::http::StatusCode::from_u16(status).unwrap();
            (status, crate::stand_in::envelope(body)).into_response()
        };
        let stand_in = StandIn::start(first_pulls(1, refusal)).await;
        let mut events = stand_in.connect("pw").await.unwrap().events().await.unwrap();
        for _ in 0..2 {
            assert_eq!(events.next().await.unwrap()[0].meaning(), MOTION);
        }
        assert_eq!(pulls(&stand_in), [(20, 100), (8, 16), (8, 16)]);
        assert_eq!(stand_in.count("CreatePullPointSubscription"), 1);
    }
}

#[tokio::test]
async fn a_camera_that_refuses_a_pull_without_saying_why_is_asked_for_less() {
    let stand_in = StandIn::start(first_pulls(1, || fault(500, "InvalidArgVal", "no"))).await;
    let mut events = stand_in.connect("pw").await.unwrap().events().await.unwrap();
    assert_eq!(events.next().await.unwrap()[0].meaning(), MOTION);
    assert_eq!(pulls(&stand_in), [(20, 100), (10, 10)]);
}

#[tokio::test]
async fn a_pull_takes_at_most_half_of_what_was_granted() {
    let stand_in = StandIn::start(|asked| {
        let short = r#"<CreatePullPointSubscriptionResponse><SubscriptionReference><wsa:Address>/onvif/sub/1</wsa:Address>
            </SubscriptionReference><wsnt:CurrentTime>2023-11-14T22:13:20Z</wsnt:CurrentTime>
            <wsnt:TerminationTime>2023-11-14T22:13:30Z</wsnt:TerminationTime></CreatePullPointSubscriptionResponse>"#;
        let renewed = "<wsnt:RenewResponse><wsnt:TerminationTime>2023-11-14T22:13:28Z</wsnt:TerminationTime>\
            <wsnt:CurrentTime>2023-11-14T22:13:20Z</wsnt:CurrentTime></wsnt:RenewResponse>";
        let is_new = asked.is("CreatePullPointSubscription").then(|| crate::stand_in::ok(short));
        is_new.or_else(|| asked.is("Renew").then(|| crate::stand_in::ok(renewed)))
    })
    .await;
    let mut events = stand_in.connect("pw").await.unwrap().events().await.unwrap();
    events.next().await.unwrap();
    stand_in.clock.advance(Duration::from_secs(6));
    events.next().await.unwrap();
    assert_eq!(pulls(&stand_in), [(5, 100), (4, 100)]);
}

#[tokio::test]
async fn a_camera_that_does_not_hold_its_pulls_is_not_asked_without_a_pause() {
    let quiet = || crate::stand_in::ok("<PullMessagesResponse/>");
    let stand_in = StandIn::start(first_pulls(usize::MAX, quiet)).await;
    let mut events = stand_in.connect("pw").await.unwrap().events().await.unwrap();
    let started = std::time::Instant::now();
    for _ in 0..5 {
        assert_eq!(events.next().await.unwrap(), []);
    }

    // A lower bound, which no load can break: of five answers one took as long by itself, or three were quick.
    assert!(started.elapsed() >= Duration::from_millis(250), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_camera_that_wants_its_own_lifetime_gets_it() {
    let stand_in = StandIn::start(|asked| {
        let wishes = asked.is("CreatePullPointSubscription") && asked.body.contains("InitialTerminationTime");
        wishes.then(|| fault(400, "UnacceptableInitialTerminationTimeFault", "no"))
    })
    .await;
    let mut events = stand_in.connect("pw").await.unwrap().events().await.unwrap();
    assert_eq!(events.next().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_pull_that_is_dropped_loses_no_subscription() {
    let stand_in = StandIn::start(|_: &Asked| None).await;
    let mut events = stand_in.connect("pw").await.unwrap().events().await.unwrap();
    {
        let pull = std::pin::pin!(events.next());
        tokio::select! { biased; _ = pull => unreachable!("it needs the network"), () = std::future::ready(()) => {} }
    }
    events.next().await.unwrap();
    assert_eq!(stand_in.count("CreatePullPointSubscription"), 1);
}

#[tokio::test]
async fn a_password_that_is_changed_meanwhile_is_not_tried_for_ever() {
    let is_changed = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let changed = Arc::clone(&is_changed);
    let stand_in = StandIn::start(move |asked| {
        if asked.is("GetSystemDateAndTime") {
            return None;
        }
        let password = if changed.load(Ordering::SeqCst) { "new" } else { "pw" };
        (!asked.has_digest(password)).then(|| challenge("n1"))
    })
    .await;
    let mut events = stand_in.connect("pw").await.unwrap().events().await.unwrap();
    events.next().await.unwrap();
    is_changed.store(true, Ordering::SeqCst);
    let before = stand_in.signed();
    for _ in 0..10 {
        assert!(matches!(events.next().await, Err(Error::RefusedForNow { .. })), "it may be busy");
    }
    assert!(stand_in.signed() - before <= 3, "{}", stand_in.signed() - before);
    for pause_s in [30, 240] {
        stand_in.clock.advance(Duration::from_secs(pause_s));
        for _ in 0..10 {
            events.next().await.unwrap_err();
        }
    }
    stand_in.clock.advance(Duration::from_secs(36_000));
    for _ in 0..10 {
        assert!(matches!(events.next().await, Err(Error::NotAuthorized { .. })));
    }
    assert!(stand_in.signed() - before <= 5, "{}", stand_in.signed() - before);
}

#[tokio::test]
async fn a_doorbell_that_never_stops_ringing_rings_each_time() {
    let ring = || {
        crate::stand_in::ok(
            r#"<PullMessagesResponse><wsnt:NotificationMessage><wsnt:Topic>tns1:RuleEngine/MyRuleDetector/Visitor</wsnt:Topic>
            <wsnt:Message><tt:Message UtcTime="2023-11-14T22:13:20Z"><tt:Data><tt:SimpleItem Name="ObjectId" Value="7"/>
            <tt:SimpleItem Name="State" Value="true"/></tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage>
            </PullMessagesResponse>"#,
        )
    };
    let stand_in = StandIn::start(first_pulls(usize::MAX, ring)).await;
    let mut events = stand_in.connect("pw").await.unwrap().events().await.unwrap();
    for _ in 0..3 {
        let expected = Meaning { kind: EventKind::Doorbell, active: Some(true), is_momentary: true };
        assert_eq!(events.next().await.unwrap()[0].meaning(), expected);
    }
}

#[tokio::test]
async fn a_flood_of_events_is_bounded_and_counted_and_the_end_is_not_lost() {
    // One answer with six thousand messages, in which every motion begins and ends many times.
    let flood = || {
        let one = |number: usize| {
            let (source, state) = (number % 5, if number < 5_000 { "true" } else { "false" });
            format!(
                r#"<n:NotificationMessage><n:Topic>tns1:RuleEngine/CellMotionDetector/Motion</n:Topic><n:Message><t:Message>
                <t:Source><t:SimpleItem Name="s" Value="{source}"/></t:Source><t:Data><t:SimpleItem Name="IsMotion" Value="{state}"/>
                </t:Data></t:Message></n:Message></n:NotificationMessage>"#
            )
        };
        let all: String = (0..6_000).map(one).collect();
        crate::stand_in::ok(&format!("<PullMessagesResponse>{all}</PullMessagesResponse>"))
    };
    let quiet = || crate::stand_in::ok("<PullMessagesResponse/>");
    let pulls = Arc::new(AtomicUsize::new(0));
    let stand_in = StandIn::start(move |asked| {
        let is_pull = asked.is("PullMessages");
        is_pull.then(|| if pulls.fetch_add(1, Ordering::SeqCst) == 0 { flood() } else { quiet() })
    })
    .await;
    let mut events = stand_in.connect("pw").await.unwrap().events().await.unwrap();
    let mut messages = events.next().await.unwrap();
    assert_eq!(messages.len(), 256);
    let dropped = events.take_dropped().unwrap();
    assert!(dropped > 5_000, "{dropped}");
    stand_in.clock.advance(Duration::from_secs(1));
    messages.extend(events.next().await.unwrap());
    for source in 0..5 {
        let last = messages.iter().rfind(|one| one.source[0].1 == source.to_string()).unwrap();
        assert_eq!(last.meaning().active, Some(false), "the motion of source {source} has ended");
    }
    assert_eq!(messages.len(), 261);
    let asked = stand_in.asked();
    let last = asked.iter().rfind(|asked| asked.is("PullMessages")).unwrap();
    assert!(last.body.contains("<Timeout>PT1S</Timeout>"), "what waits is not held up by a long pull");
}

#[tokio::test]
async fn all_states_are_asked_for_after_every_subscription() {
    let forgotten = || fault(400, "ResourceUnknown", "no such subscription");
    let is_lost = first_pulls(1, forgotten);
    let stand_in = StandIn::start(move |asked| {
        let synchronizes = asked.is("SetSynchronizationPoint");
        synchronizes
            .then(|| crate::stand_in::ok("<SetSynchronizationPointResponse/>"))
            .or_else(|| is_lost(asked))
    })
    .await;
    let mut events = stand_in.connect("pw").await.unwrap().events().await.unwrap();
    events.next().await.unwrap();
    assert_eq!(stand_in.count("CreatePullPointSubscription"), 2);
    assert_eq!(stand_in.count("SetSynchronizationPoint"), 2);
}

#[tokio::test]
async fn a_refused_synchronization_point_is_no_failure_and_not_repeated() {
    let stand_in = StandIn::start(first_pulls(1, || fault(400, "ResourceUnknown", "gone"))).await;
    let mut events = stand_in.connect("pw").await.unwrap().events().await.unwrap();
    assert_eq!(events.next().await.unwrap()[0].meaning(), MOTION);
    assert_eq!(stand_in.count("SetSynchronizationPoint"), 1);
}

#[tokio::test]
async fn a_subscription_survives_a_reboot_that_gives_it_another_address() {
    let boots = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&boots);
    let stand_in = StandIn::start(move |asked| {
        let boot = seen.load(Ordering::SeqCst);
        if asked.is("CreatePullPointSubscription") {
            return Some(subscription(&format!("http://127.0.0.1:9/onvif/boot-{boot}")));
        }
        let is_old = asked.is("PullMessages") && !asked.uri.path().ends_with(&format!("boot-{boot}"));
        is_old.then(|| axum::http::StatusCode::NOT_FOUND.into_response())
    })
    .await;
    let mut events = stand_in.connect("pw").await.unwrap().events().await.unwrap();
    for boot in 0..3 {
        boots.store(boot, Ordering::SeqCst);
        assert_eq!(events.next().await.unwrap()[0].meaning(), MOTION, "boot {boot}");
    }
    assert_eq!(stand_in.count("CreatePullPointSubscription"), 3);
}

#[tokio::test]
async fn a_camera_with_room_for_one_subscription_is_freed_of_the_lost_one() {
    let held = Arc::new(AtomicUsize::new(0));
    let pulls = Arc::new(AtomicUsize::new(0));
    let stand_in = StandIn::start(move |asked| {
        if asked.is("CreatePullPointSubscription") {
            let is_free = held.fetch_add(1, Ordering::SeqCst) == 0;
            return (!is_free).then(|| fault(500, "SubscribeCreationFailedFault", "no resources"));
        }
        if asked.is("Unsubscribe") {
            held.store(0, Ordering::SeqCst);
        }
        let is_second = asked.is("PullMessages") && pulls.fetch_add(1, Ordering::SeqCst) == 1;
        is_second.then(|| fault(500, "Receiver", "try later"))
    })
    .await;
    let mut events = stand_in.connect("pw").await.unwrap().events().await.unwrap();
    for _ in 0..3 {
        assert_eq!(events.next().await.unwrap()[0].meaning(), MOTION);
    }
    assert_eq!(stand_in.count("Unsubscribe"), 1);
}

#[tokio::test]
async fn a_subscription_outlives_a_time_of_too_many_connections() {
    let busy = Arc::new(AtomicUsize::new(0));
    let left = Arc::clone(&busy);
    let stand_in = StandIn::start(move |asked| {
        let is_right = asked.is("GetSystemDateAndTime") || asked.has_digest("pw");
        let is_busy = asked.is("PullMessages")
            && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        (is_busy || !is_right).then(|| challenge("n1"))
    })
    .await;
    let mut events = stand_in.connect("pw").await.unwrap().events().await.unwrap();
    busy.store(2, Ordering::SeqCst);
    assert!(matches!(events.next().await, Err(Error::RefusedForNow { .. })));
    assert_eq!(events.next().await.unwrap()[0].meaning(), MOTION);
    assert_eq!(stand_in.count("CreatePullPointSubscription"), 1);
}
