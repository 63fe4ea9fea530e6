//! Each failure on purpose, as it is seen on the wire.

use std::time::Duration;

use hausrecht_model::{Clock, clock::SystemClock};

use super::{PASSWORD, Request, Sim, answer_challenge, envelope, features::until, token};

const INFORMATION: &str = "<tds:GetDeviceInformation/>";
const CLOCK: &str = "<tds:GetSystemDateAndTime/>";
const PULL: &str = "<tev:PullMessages><tev:Timeout>PT20S</tev:Timeout><tev:MessageLimit>500</tev:MessageLimit></tev:PullMessages>";

fn failing(fault: &str) -> Sim {
    Sim::start(&["--no-discovery", "--fault", fault])
}

impl Sim {
    async fn subscribe(&self) -> String {
        let created = self.call(&self.at("/onvif/event_service"), "<tev:CreatePullPointSubscription/>").await;
        created.text_of("Address").unwrap().to_owned()
    }

    /// Sends `operation` with a token that is right by the computer's clock.
    async fn with_token(&self, operation: &str) -> reqwest::Response {
        let now = SystemClock::new().now();
        self.send(&self.http, envelope(&token(PASSWORD, now, &now.0.to_be_bytes()), operation), None).await
    }
}

#[tokio::test]
async fn a_wrong_clock_is_told_and_not_used() {
    let sim = failing("wrong-clock");
    let told = sim.call_open(CLOCK).await;
    let hour: i64 = told.find("UTCDateTime").unwrap().text_of("Hour").unwrap().parse().unwrap();
    let now = SystemClock::new().now().0 / 3_600_000_000 % 24;
    assert!([2, 1].contains(&((hour - now).rem_euclid(24))), "{hour} {now}");
    assert_eq!(sim.with_token(INFORMATION).await.status(), 200);
}

#[tokio::test]
async fn a_clock_without_utc_has_local_time_alone() {
    let told = failing("no-utc").call_open(CLOCK).await;
    assert!(told.find("UTCDateTime").is_none() && told.find("LocalDateTime").is_some());
}

#[tokio::test]
async fn a_clock_behind_a_password_is_not_told() {
    let sim = failing("clock-needs-password");
    assert_eq!(sim.send(&sim.http, envelope("", CLOCK), None).await.status(), 401);
    sim.call(&sim.http, CLOCK).await;
}

#[tokio::test]
async fn addresses_name_another_host() {
    let sim = failing("bad-xaddr=192.0.2.7:81");
    let services = sim.call_open("<tds:GetServices/>").await;
    assert!(
        services.children.iter().all(|it| it.text_of("XAddr").unwrap().starts_with("http://192.0.2.7:81/"))
    );
    assert!(sim.subscribe().await.starts_with("http://192.0.2.7:81/"));
}

#[tokio::test]
async fn one_way_to_sign_in_is_understood() {
    let digest = failing("digest-only");
    assert_eq!(digest.with_token(INFORMATION).await.status(), 401);
    digest.call(&digest.http, INFORMATION).await;
    let tokens = failing("token-only");
    assert_eq!(tokens.with_token(INFORMATION).await.status(), 200);
    let asked = tokens.send(&tokens.http, envelope("", INFORMATION), None).await;
    assert!(asked.status() == 401 && !asked.headers().contains_key("www-authenticate"));
}

#[tokio::test]
async fn renewal_and_subscription_are_refused() {
    let sim = failing("renew-refused");
    let manager = sim.subscribe().await;
    let renew = "<wsnt:Renew><wsnt:TerminationTime>PT30S</wsnt:TerminationTime></wsnt:Renew>";
    assert_eq!(sim.refused(&manager, renew).await, "ter:ActionNotSupported");
    let sim = failing("no-events");
    let refused = sim.refused(&sim.at("/onvif/event_service"), "<tev:CreatePullPointSubscription/>").await;
    assert_eq!(refused, "ter:ActionNotSupported");
}

#[tokio::test]
async fn a_pull_is_closed_without_an_answer() {
    let sim = failing("pull-closes-early=0.2");
    let manager = sim.subscribe().await;
    sim.call(&manager, PULL).await;
    let mut closed = false;
    for _ in 0..20 {
        let challenged = sim.send(&manager, envelope("", PULL), None).await;
        let request = sim.client.post(&manager).body(envelope("", PULL));
        let signed = request.header("Authorization", answer_challenge(&challenged, &manager, PASSWORD));
        if signed.send().await.is_err() {
            closed = true;
            break;
        }
    }
    assert!(closed, "the footage moves now and then, and is still in between");
}

#[tokio::test]
async fn events_flood() {
    let sim = failing("event-flood=10000");
    let manager = sim.subscribe().await;
    sim.call(&manager, PULL).await;
    let mut most = 0;
    for _ in 0..50 {
        let pulled = sim.call(&manager, PULL).await;
        most = most.max(pulled.children.iter().filter(|child| child.name == "NotificationMessage").count());
    }
    assert!(most > 20, "{most}");
}

#[tokio::test]
async fn a_camera_sleeps_and_wakes() {
    let sim = failing("sleep=0.7");
    let answers = || async { sim.client.get(sim.at("/control/state")).send().await.is_ok() };
    for _ in 0..2 {
        until("it sleeps", || async { !answers().await }).await;
        until("it wakes", answers).await;
    }
}

#[tokio::test]
async fn a_transport_is_refused() {
    for (fault, refused, accepted) in [("udp-only", "TCP", "UDP"), ("tcp-only", "UDP", "TCP")] {
        let sim = failing(fault);
        let wish = |transport| match transport {
            "TCP" => "RTP/AVP/TCP;unicast;interleaved=0-1",
            _ => "RTP/AVP;unicast;client_port=40000-40001",
        };
        assert!(sim.setup("/sub", wish(refused)).contains(" 461 "), "{fault}");
        assert!(sim.setup("/sub", wish(accepted)).contains(" 200 "), "{fault}");
    }
}

#[tokio::test]
async fn an_answer_trickles() {
    let sim = failing("trickle");
    let mut answer = sim.send(&sim.http, envelope("", CLOCK), None).await;
    let first = answer.chunk().await.unwrap().unwrap();
    let second = answer.chunk().await.unwrap().unwrap();
    assert_eq!((&first[..], &second[..]), (&b"<"[..], &b"?"[..]));
}

#[tokio::test]
async fn an_answer_is_huge() {
    let sim = failing("huge-answer");
    let mut answer = sim.send(&sim.http, envelope("", CLOCK), None).await;
    let mut bytes = 0;
    while let Some(chunk) = answer.chunk().await.unwrap() {
        bytes += chunk.len();
    }
    assert!(bytes > 100 << 20, "{bytes}");
}

#[tokio::test]
async fn an_answer_is_a_bomb() {
    let sim = failing("bomb");
    let answer = sim.send(&sim.http, envelope("", CLOCK), None).await.text().await.unwrap();
    assert!(answer.len() < 4096 && answer.contains("<!ENTITY a9") && answer.contains("&a9;"));
}

impl Sim {
    /// Sends an operation that needs no password.
    pub(super) async fn call_open(&self, operation: &str) -> super::Element {
        let answer = self.send(&self.http, envelope("", operation), None).await;
        assert_eq!(answer.status(), 200, "{operation}");
        let bytes = tokio::time::timeout(Duration::from_secs(10), answer.bytes()).await.unwrap().unwrap();
        Request::parse(&bytes).unwrap().operation
    }
}
