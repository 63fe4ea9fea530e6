//! The program as its clients see it: discovery, ONVIF over HTTP, RTSP, events, and failures on request.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    io::{BufRead, BufReader, Read, Write},
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

#[path = "whole_camera/faults.rs"]
mod faults;
#[path = "whole_camera/features.rs"]
mod features;
#[path = "whole_camera/sound_and_card.rs"]
mod sound_and_card;

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
            // The certificate is the camera's own, and each request has a connection of its own, as after a reboot.
            client: reqwest::Client::builder()
                .tls_danger_accept_invalid_certs(true)
                .pool_max_idle_per_host(0)
                .build()
                .unwrap(),
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
        let (status, answer) = self.call_as(USER, PASSWORD, url, operation).await;
        assert_eq!(status, 200, "{operation}: {answer:?}");
        answer
    }

    /// Sends `operation` with digest authentication by an account; returns the status and the answer's operation.
    async fn call_as(&self, user: &str, password: &str, url: &str, operation: &str) -> (u16, Element) {
        let body = envelope("", operation);
        let challenged = self.send(url, body.clone(), None).await;
        assert_eq!(challenged.status(), 401, "{operation}");
        let answer = self.send(url, body, Some(answer_challenge_as(&challenged, url, user, password))).await;
        let status = answer.status().as_u16();
        (status, Request::parse(&answer.bytes().await.unwrap()).unwrap().operation)
    }

    /// The first subcode below the first of the fault that `operation` is answered with, or that one itself.
    async fn refused(&self, url: &str, operation: &str) -> String {
        let (status, answer) = self.call_as(USER, PASSWORD, url, operation).await;
        assert!(status >= 400 && answer.name == "Fault", "{operation}: {status} {answer:?}");
        let first = answer.find("Subcode").unwrap();
        first.find("Subcode").unwrap_or(first).text_of("Value").unwrap().to_owned()
    }

    /// What the camera knows of itself.
    async fn state(&self) -> serde_json::Value {
        let answer = self.client.get(self.at("/control/state")).send().await.unwrap();
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    }

    async fn control(&self, what: &str) {
        let answer = self.send(&self.at(&format!("/control/{what}")), String::new(), None).await;
        assert_eq!(answer.status(), 204, "{what}");
    }
}

fn answer_challenge(challenged: &reqwest::Response, url: &str, password: &str) -> String {
    answer_challenge_as(challenged, url, USER, password)
}

fn answer_challenge_as(challenged: &reqwest::Response, url: &str, user: &str, password: &str) -> String {
    let header = challenged.headers()["www-authenticate"].to_str().unwrap();
    let path = reqwest::Url::parse(url).unwrap().path().to_owned();
    let context = AuthContext::new_with_method(user, password, path, Option::<&[u8]>::None, HttpMethod::POST);
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
        Self::start_as(uri, USER, PASSWORD)
    }

    fn start_as(uri: &str, user: &str, password: &str) -> Self {
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
        source.set_property("user-id", user);
        source.set_property("user-pw", password);
        // The certificate is the camera's own.
        source.set_property_from_str("tls-validation-flags", "0");
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

/// RTSP by hand, for what a player does not show.
impl Sim {
    /// The status line and the description that `DESCRIBE` of a path is answered with.
    fn describe(&self, path: &str, headers: &str) -> (String, String) {
        let uri = self.rtsp.replace("/main", path);
        let mut connection = Connection::open(&uri);
        connection.ask("DESCRIBE", &uri, &format!("Accept: application/sdp\r\n{headers}"))
    }

    /// The status line that `SETUP` of a path's first stream is answered with.
    fn setup(&self, path: &str, transport: &str) -> String {
        let uri = self.rtsp.replace("/main", path);
        let mut connection = Connection::open(&uri);
        connection.ask("DESCRIBE", &uri, "Accept: application/sdp\r\n");
        connection.ask("SETUP", &format!("{uri}/stream=0"), &format!("Transport: {transport}\r\n")).0
    }
}

struct Connection {
    stream: BufReader<std::net::TcpStream>,
    number: u32,
}

impl Connection {
    fn open(uri: &str) -> Self {
        let url = reqwest::Url::parse(&uri.replace("rtsp:", "http:")).unwrap();
        let stream = std::net::TcpStream::connect((url.host_str().unwrap(), url.port().unwrap())).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Self { stream: BufReader::new(stream), number: 0 }
    }

    /// Sends a request, answers the challenge, and returns status line and body.
    fn ask(&mut self, method: &str, uri: &str, headers: &str) -> (String, String) {
        let (status, _, body) = self.ask_all(method, uri, headers);
        (status, body)
    }

    /// The same, with the session too.
    fn ask_all(&mut self, method: &str, uri: &str, headers: &str) -> (String, Option<String>, String) {
        let (answer, body) = self.send(method, uri, headers);
        let value = |lines: &[String], name: &str| {
            lines.iter().find_map(|line| line.strip_prefix(name)).map(ToOwned::to_owned)
        };
        let challenge = value(&answer, "WWW-Authenticate: ").filter(|_| answer[0].contains(" 401 "));
        let Some(challenge) = challenge else {
            return (answer[0].clone(), value(&answer, "Session: "), body);
        };
        let method_name = HttpMethod::from(method);
        let context = AuthContext::new_with_method(USER, PASSWORD, uri, Option::<&[u8]>::None, method_name);
        let signed = digest_auth::parse(&challenge).unwrap().respond(&context).unwrap().to_header_string();
        let (answer, body) = self.send(method, uri, &format!("{headers}Authorization: {signed}\r\n"));
        (answer[0].clone(), value(&answer, "Session: "), body)
    }

    fn send(&mut self, method: &str, uri: &str, headers: &str) -> (Vec<String>, String) {
        self.number += 1;
        let request = format!("{method} {uri} RTSP/1.0\r\nCSeq: {}\r\n{headers}\r\n", self.number);
        self.stream.get_mut().write_all(request.as_bytes()).unwrap();
        while self.stream.fill_buf().unwrap()[0] == b'$' {
            self.packet();
        }
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).unwrap();
            if line.trim_end().is_empty() {
                break;
            }
            lines.push(line.trim_end().to_owned());
        }
        let length = lines.iter().find_map(|line| line.strip_prefix("Content-Length: "));
        let mut body = vec![0; length.map_or(0, |text| text.parse().unwrap())];
        self.stream.read_exact(&mut body).unwrap();
        (lines, String::from_utf8(body).unwrap())
    }

    /// The next packet between the answers: its channel and its content. RFC 2326, 10.12.
    fn packet(&mut self) -> (u8, Vec<u8>) {
        let mut head = [0; 4];
        self.stream.read_exact(&mut head).unwrap();
        assert_eq!(head[0], b'$');
        let mut packet = vec![0; usize::from(u16::from_be_bytes([head[2], head[3]]))];
        self.stream.read_exact(&mut packet).unwrap();
        (head[1], packet)
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
