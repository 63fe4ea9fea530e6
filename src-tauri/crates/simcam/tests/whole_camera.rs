//! The program as its clients see it: discovery, ONVIF over HTTP, RTSP, events, and failures on request.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    io::{BufRead, BufReader},
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    process::{Child, Command, Stdio},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use digest_auth::{AuthContext, HttpMethod};
use gstreamer::{ClockTime, MessageView, prelude::*};
use gstreamer_app::AppSink;
use hausrecht_model::{Clock, UnixMicros, clock::SystemClock};
use hausrecht_simcam::soap::{Element, Request, envelope};
use sha1::{Digest, Sha1};

const PATIENCE: ClockTime = ClockTime::from_seconds(10);
const USER: &str = "demo";
const PASSWORD: &str = "p@ss:word/";

/// A running camera that ends with the test.
struct Sim {
    process: Child,
    http: String,
    rtsp: String,
    rtsp_sub: String,
    uuid: String,
    client: reqwest::Client,
}

impl Drop for Sim {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Sim {
    fn start(args: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_hausrecht-simcam"))
            .args(["--password", PASSWORD, "--exit-with-parent"])
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
        let text = |key: &str| ready[key].as_str().unwrap().to_owned();
        Self {
            process,
            http: text("http"),
            rtsp: text("rtsp"),
            rtsp_sub: text("rtsp_sub"),
            uuid: text("uuid"),
            client: reqwest::Client::new(),
        }
    }

    fn at(&self, path: &str) -> String {
        self.http.replace("/onvif/device_service", path)
    }

    async fn send(&self, url: &str, body: String, authorization: Option<String>) -> reqwest::Response {
        let mut request = self.client.post(url).body(body);
        if let Some(authorization) = authorization {
            request = request.header("Authorization", authorization);
        }
        request.send().await.unwrap()
    }

    /// Sends `operation` with digest authentication and returns the answer's operation.
    async fn call(&self, url: &str, operation: &str) -> Element {
        let body = envelope("", operation);
        let challenged = self.send(url, body.clone(), None).await;
        assert_eq!(challenged.status(), 401, "{operation}");
        let answer = self.send(url, body, Some(answer_challenge(&challenged, url, PASSWORD))).await;
        assert_eq!(answer.status(), 200, "{operation}");
        Request::parse(&answer.bytes().await.unwrap()).unwrap().operation
    }

    async fn control(&self, what: &str) {
        let answer = self.send(&self.at(&format!("/control/{what}")), String::new(), None).await;
        assert_eq!(answer.status(), 204, "{what}");
    }
}

fn answer_challenge(challenged: &reqwest::Response, url: &str, password: &str) -> String {
    let header = challenged.headers()["www-authenticate"].to_str().unwrap();
    let path = reqwest::Url::parse(url).unwrap().path().to_owned();
    let context = AuthContext::new_with_method(USER, password, path, Option::<&[u8]>::None, HttpMethod::POST);
    digest_auth::parse(header).unwrap().respond(&context).unwrap().to_header_string()
}

fn token(password: &str, created: UnixMicros, nonce: &[u8]) -> String {
    let digest =
        Sha1::new().chain_update(nonce).chain_update(created.to_string()).chain_update(password).finalize();
    format!(
        r#"<Security><UsernameToken><Username>{USER}</Username><Password Type="x#PasswordDigest">{}</Password><Nonce>{}</Nonce><Created>{created}</Created></UsernameToken></Security>"#,
        STANDARD.encode(digest),
        STANDARD.encode(nonce)
    )
}

/// A client of one stream.
struct Player {
    pipeline: gstreamer::Pipeline,
    sink: AppSink,
}

impl Drop for Player {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gstreamer::State::Null);
    }
}

impl Player {
    fn start(uri: &str) -> Self {
        gstreamer::init().unwrap();
        let pipeline = gstreamer::parse::launch(
            "rtspsrc name=source protocols=tcp latency=0 ! rtph264depay ! h264parse config-interval=0 \
             ! video/x-h264,stream-format=byte-stream,alignment=au ! appsink name=sink sync=false",
        )
        .unwrap()
        .downcast::<gstreamer::Pipeline>()
        .unwrap();
        let source = pipeline.by_name("source").unwrap();
        source.set_property("location", uri);
        source.set_property("user-id", USER);
        source.set_property("user-pw", PASSWORD);
        let sink = pipeline.by_name("sink").unwrap().downcast::<AppSink>().unwrap();
        pipeline.set_state(gstreamer::State::Playing).unwrap();
        Self { pipeline, sink }
    }

    /// The next picture, or none within `patience`.
    fn picture(&self, patience: ClockTime) -> Option<gstreamer::Sample> {
        self.sink.try_pull_sample(patience)
    }

    /// Waits for the stream to fail or end.
    fn end(&self) -> String {
        let kinds = [gstreamer::MessageType::Error, gstreamer::MessageType::Eos];
        let message =
            self.pipeline.bus().unwrap().timed_pop_filtered(PATIENCE, &kinds).expect("the stream ends");
        if let MessageView::Error(error) = message.view() {
            format!("{} {:?}", error.error(), error.debug())
        } else {
            "end of stream".to_owned()
        }
    }
}

fn holds_key_frame(sample: &gstreamer::Sample) -> bool {
    let bytes = sample.buffer().unwrap().map_readable().unwrap();
    bytes.windows(4).any(|window| window[..3] == [0, 0, 1] && window[3] & 0x1f == 5)
}

fn pts(sample: &gstreamer::Sample) -> ClockTime {
    sample.buffer().unwrap().pts().unwrap()
}

/// A UDP port that nobody uses now.
fn free_udp_port() -> u16 {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

fn probe(port: u16, types: &str) -> Option<Element> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None).unwrap();
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    socket.set_multicast_if_v4(&Ipv4Addr::LOCALHOST).unwrap();
    let socket = UdpSocket::from(socket);
    let message = format!(
        r#"<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"><e:Header><a:MessageID>uuid:7</a:MessageID></e:Header><e:Body><d:Probe><d:Types>{types}</d:Types></d:Probe></e:Body></e:Envelope>"#
    );
    socket.send_to(message.as_bytes(), (Ipv4Addr::new(239, 255, 255, 250), port)).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(if types.contains("Printer") { 1 } else { 10 })))
        .unwrap();
    let mut datagram = [0; 8192];
    let length = socket.recv(&mut datagram).ok()?;
    let answer = Request::parse(&datagram[..length]).unwrap();
    assert_eq!(answer.header.text_of("RelatesTo"), Some("uuid:7"));
    Some(answer.operation)
}

#[tokio::test]
async fn from_a_probe_to_both_streams() {
    let port = free_udp_port().to_string();
    let sim = Sim::start(&["--scene", "garage", "--name", "Nord & Süd", "--discovery-port", &port]);
    let port = port.parse().unwrap();
    assert!(probe(port, "dn:Printer").is_none(), "a camera is no printer");
    let found = probe(port, "dn:NetworkVideoTransmitter").expect("an answer to the probe");
    assert_eq!(found.text_of("Address"), Some(format!("urn:uuid:{}", sim.uuid).as_str()));
    assert_eq!(found.text_of("XAddrs"), Some(sim.http.as_str()));
    assert!(found.text_of("Scopes").unwrap().contains("onvif://www.onvif.org/name/Nord%20%26%20S%C3%BCd"));

    let information = sim.call(&sim.http, "<tds:GetDeviceInformation/>").await;
    assert_eq!(information.text_of("Manufacturer"), Some("Hausrecht"));
    assert_eq!(information.text_of("Model"), Some("Demo camera"));
    let media = sim.at("/onvif/media_service");
    let profiles = sim.call(&media, "<trt:GetProfiles/>").await;
    let tokens: Vec<_> =
        profiles.children.iter().map(|profile| profile.attribute("token").unwrap()).collect();
    assert_eq!(tokens, ["main", "sub"]);
    for (profile, uri, width, rate) in [("main", &sim.rtsp, 1920, 25), ("sub", &sim.rtsp_sub, 640, 15)] {
        let asked =
            format!("<trt:GetStreamUri><trt:ProfileToken>{profile}</trt:ProfileToken></trt:GetStreamUri>");
        assert_eq!(sim.call(&media, &asked).await.text_of("Uri"), Some(uri.as_str()));
        let player = Player::start(uri);
        let first = player.picture(PATIENCE).expect("a picture");
        assert!(holds_key_frame(&first), "{profile} begins with a key frame");
        let caps = first.caps().unwrap().structure(0).unwrap();
        assert_eq!(caps.get::<i32>("width").unwrap(), width);
        assert_eq!(caps.get::<gstreamer::Fraction>("framerate").unwrap(), gstreamer::Fraction::new(rate, 1));
        let second = player.picture(PATIENCE).expect("a second picture");
        let step = pts(&player.picture(PATIENCE).expect("a third picture")) - pts(&second);
        let expected = 1_000_000_000 / u64::try_from(rate).unwrap();
        assert!(step.nseconds().abs_diff(expected) < 1_000_000, "one picture apart: {step}");
    }
}

#[tokio::test]
async fn a_wrong_password_opens_nothing() {
    let sim = Sim::start(&["--no-discovery"]);
    let body = envelope("", "<tds:GetDeviceInformation/>");
    let challenged = sim.send(&sim.http, body.clone(), None).await;
    let wrong = answer_challenge(&challenged, &sim.http, "guess");
    let answer = sim.send(&sim.http, body, Some(wrong)).await;
    assert_eq!(answer.status(), 401);
    let fault = Request::parse(&answer.bytes().await.unwrap()).unwrap().operation;
    assert_eq!(fault.find("Subcode").unwrap().text_of("Value"), Some("ter:NotAuthorized"));
    let snapshot = sim.client.get(sim.at("/snapshot.jpg")).send().await.unwrap();
    assert_eq!(snapshot.status(), 401);
    gstreamer::init().unwrap();
    let nobody = gstreamer::parse::launch(&format!("rtspsrc location={} ! fakesink", sim.rtsp)).unwrap();
    nobody.set_state(gstreamer::State::Playing).unwrap();
    let message = nobody.bus().unwrap().timed_pop_filtered(PATIENCE, &[gstreamer::MessageType::Error]);
    nobody.set_state(gstreamer::State::Null).unwrap();
    assert!(message.is_some(), "RTSP without a password fails");
}

#[tokio::test]
async fn a_token_counts_by_the_cameras_own_clock() {
    let sim = Sim::start(&["--no-discovery", "--clock-offset", "3600"]);
    let now = SystemClock::new().now();
    let clock = sim.send(&sim.http, envelope("", "<tds:GetSystemDateAndTime/>"), None).await;
    assert_eq!(clock.status(), 200, "the clock needs no password");
    for (created, right) in [(now, false), (now.plus(Duration::from_secs(3600)), true)] {
        let body =
            envelope(&token(PASSWORD, created, &created.0.to_be_bytes()), "<tds:GetDeviceInformation/>");
        let status = sim.send(&sim.http, body, None).await.status();
        assert_eq!(status == 200, right, "{created}: {status}");
    }
    let body =
        envelope(&token("guess", now.plus(Duration::from_secs(3600)), b"x"), "<tds:GetDeviceInformation/>");
    assert_eq!(sim.send(&sim.http, body, None).await.status(), 401);
}

#[tokio::test]
async fn motion_reaches_whoever_pulls() {
    let sim = Sim::start(&["--no-discovery", "--scene", "front"]);
    let events = sim.at("/onvif/event_service");
    let properties = sim.call(&events, "<tev:GetEventProperties/>").await;
    assert!(properties.find("Visitor").is_some(), "the front door has a bell");
    let created = sim.call(&events, "<tev:CreatePullPointSubscription/>").await;
    let manager = created.text_of("Address").unwrap().to_owned();
    let pull = "<tev:PullMessages><tev:Timeout>PT20S</tev:Timeout><tev:MessageLimit>10</tev:MessageLimit></tev:PullMessages>";
    let initial = sim.call(&manager, pull).await;
    let operation = |answer: &Element| {
        answer
            .find("NotificationMessage")
            .unwrap()
            .child("Message")
            .unwrap()
            .child("Message")
            .unwrap()
            .attribute("PropertyOperation")
            .unwrap()
            .to_owned()
    };
    assert_eq!(operation(&initial), "Initialized");
    sim.control("motion").await;
    let changed = sim.call(&manager, pull).await;
    assert_eq!(operation(&changed), "Changed");
    assert_eq!(changed.text_of("Topic"), Some("tns1:RuleEngine/CellMotionDetector/Motion"));
    assert_eq!(changed.find("Data").unwrap().find("SimpleItem").unwrap().attribute("Value"), Some("true"));
    sim.call(&manager, "<wsnt:Renew><wsnt:TerminationTime>PT30S</wsnt:TerminationTime></wsnt:Renew>").await;
    sim.call(&manager, "<wsnt:Unsubscribe/>").await;
    let body = envelope("", pull);
    let challenged = sim.send(&manager, body.clone(), None).await;
    let gone = sim.send(&manager, body, Some(answer_challenge(&challenged, &manager, PASSWORD))).await;
    assert_eq!(gone.status(), 400);
}

#[tokio::test]
async fn a_frozen_camera_keeps_its_connections_and_goes_on_with_a_key_frame() {
    let sim = Sim::start(&["--no-discovery", "--scene", "shop"]);
    let player = Player::start(&sim.rtsp_sub);
    player.picture(PATIENCE).expect("a picture");
    sim.control("freeze").await;
    let quiet = ClockTime::from_seconds(1);
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while player.picture(quiet).is_some() {
        assert!(tokio::time::Instant::now() < deadline, "pictures stop");
    }
    assert!(!player.sink.is_eos(), "the connection stays");
    sim.control("thaw").await;
    let next = player.picture(PATIENCE).expect("pictures again");
    assert!(holds_key_frame(&next));
}

#[tokio::test]
async fn a_camera_refuses_streams_and_accepts_them_again() {
    let sim = Sim::start(&["--no-discovery", "--fault", "refuse-stream"]);
    let reason = Player::start(&sim.rtsp).end();
    assert!(reason.contains("503"), "{reason}");
    sim.control("accept").await;
    assert!(Player::start(&sim.rtsp).picture(PATIENCE).is_some());
}

#[tokio::test]
async fn a_camera_drops_its_connections_once() {
    let sim = Sim::start(&["--no-discovery", "--fault", "drop-after=0.2"]);
    let player = Player::start(&sim.rtsp);
    while player.picture(PATIENCE).is_some() {}
    player.end();
    assert!(Player::start(&sim.rtsp).picture(PATIENCE).is_some(), "new connections are served");
}

#[tokio::test]
async fn a_camera_without_key_frames_sends_everything_else() {
    let sim = Sim::start(&["--no-discovery", "--fault", "no-keyframe"]);
    let player = Player::start(&sim.rtsp);
    for _ in 0..40 {
        let sample = player.picture(PATIENCE).expect("a picture");
        assert!(!holds_key_frame(&sample));
    }
}
