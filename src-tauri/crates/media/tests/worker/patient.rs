//! Cameras that the strict reader does not get along with, or that are reached in one way only.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use hausrecht_media::{CameraOpen, Event, FaultCode, Order, Password, Transport};

use crate::{
    odd::{Odd, described, unauthorized},
    support::{
        Server, await_event,
        gate::{Fate, Gate},
        open, record,
    },
};

const LIVE: &str = "videotestsrc is-live=true pattern=ball";

/// The transport by which pictures of `camera` come.
fn streams_by(camera: CameraOpen) -> Transport {
    let mut transport = None;
    let recording = record(camera, |worker| {
        await_event(worker, |event| {
            if let Event::State(state) = event {
                transport = state.streaming.then_some(state.transport);
            }
            transport.is_some()
        });
        worker.orders.send(&Order::Shutdown).unwrap();
    });
    assert_eq!(recording.fault, None, "{}", recording.fault_text);
    transport.unwrap()
}

fn with_password(uri: &str) -> CameraOpen {
    let mut camera = open(uri);
    camera.user = "wache".into();
    camera.password = Password::new("geheim");
    camera
}

#[test]
fn a_camera_that_wants_to_be_asked_for_its_options_first_streams() {
    let server = Server::start(&[("/main", LIVE, 25, "")]);
    server.require("wache", "geheim");
    for unasked in
        ["", "RTSP/1.0 400 Bad Request\r\nCSeq: 1\r\n\r\n", "RTSP/1.0 501 Not Implemented\r\nCSeq: 1\r\n\r\n"]
    {
        let camera = Gate::start(server.port(), move |question, count| {
            let options = question[0].starts_with("OPTIONS");
            if count == 0 && !options { Fate::Answer(unasked) } else { Fate::Pass }
        });
        assert_eq!(streams_by(with_password(&camera.uri("/main"))), Transport::Tcp, "{unasked}");
    }
}

#[test]
fn a_method_that_is_refused_to_the_strict_reader_is_tried_by_the_patient_one() {
    let server = Server::start(&[("/main", LIVE, 25, "")]);
    for refusal in [
        "RTSP/1.0 405 Method Not Allowed\r\nCSeq: 2\r\n\r\n",
        "RTSP/1.0 459 Aggregate Operation Not Allowed\r\nCSeq: 2\r\n\r\n",
        "RTSP/1.0 500 Internal Server Error\r\nCSeq: 2\r\n\r\n",
    ] {
        let camera = Gate::start(server.port(), move |question, count| {
            let strict = question.iter().any(|line| line.starts_with("User-Agent: Hausrecht"));
            if count == 1 && strict { Fate::Answer(refusal) } else { Fate::Pass }
        });
        assert_eq!(streams_by(open(&camera.uri("/main"))), Transport::Tcp, "{refusal}");
    }
}

#[test]
fn what_the_camera_clearly_refuses_is_asked_once() {
    for (status, code) in [
        ("403 Forbidden", FaultCode::NotAuthorized),
        ("404 Not Found", FaultCode::NotFound),
        ("453 Not Enough Bandwidth", FaultCode::Refused),
        ("503 Service Unavailable", FaultCode::Refused),
    ] {
        let server = Odd::start(move |_| format!("RTSP/1.0 {status}\r\n\r\n"));
        assert_eq!(record(open(&server.uri()), |_| {}).fault, Some(code), "{status}");
        assert_eq!(server.lines("DESCRIBE").len(), 1, "{status}");
    }
}

/// Lets in who knows the nonce `nonce`, and tells the patient reader that there is no such stream.
fn let_in(question: &[String], nonce: &'static str) -> String {
    let wanted = format!("nonce=\"{nonce}\"");
    if !question.iter().any(|line| line.starts_with("Authorization: Digest") && line.contains(&wanted)) {
        return unauthorized(&[&format!(r#"Digest realm="x", {wanted}"#)]);
    }
    if question[0].starts_with("DESCRIBE") { described("") } else { "RTSP/1.0 404 Not Found\r\n\r\n".into() }
}

#[test]
fn a_nonce_that_becomes_old_during_sign_in_is_not_a_wrong_password() {
    let setups = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&setups);
    let server = Odd::start(move |question| {
        if !question[0].starts_with("DESCRIBE") {
            counted.fetch_add(1, Ordering::SeqCst);
            return let_in(question, "new");
        }
        let_in(question, "old")
    });
    assert_eq!(record(with_password(&server.uri()), |_| {}).fault, Some(FaultCode::NotFound));
    assert!(setups.load(Ordering::SeqCst) >= 2);

    // Where nothing was asked for to describe the stream, the first refusal is about the password.
    let refusing = Odd::start(|question| {
        let challenge = unauthorized(&[r#"Digest realm="x", nonce="y""#]);
        if question[0].starts_with("DESCRIBE") { described("") } else { challenge }
    });
    let mut camera = with_password(&refusing.uri());
    camera.password = Password::new("falsch");
    assert_eq!(record(camera, |_| {}).fault, Some(FaultCode::NotAuthorized));
    assert_eq!(refusing.lines("Authorization:").len(), 1, "a wrong password is given once");
}

#[test]
fn a_challenge_that_the_strict_reader_cannot_read_is_read_by_the_patient_one() {
    let server = Odd::start(|question| {
        if !question.iter().any(|line| line.starts_with("Authorization: Digest")) {
            return unauthorized(&[r#"Digest realm="x" nonce="y""#]);
        }
        if question[0].starts_with("DESCRIBE") {
            described("")
        } else {
            "RTSP/1.0 404 Not Found\r\n\r\n".into()
        }
    });
    assert_eq!(record(with_password(&server.uri()), |_| {}).fault, Some(FaultCode::NotFound));
}

#[test]
fn udp_is_tried_where_nothing_comes_inside_the_connection() {
    let server = Server::start(&[("/main", LIVE, 25, "")]);
    let camera =
        Gate::start(
            server.port(),
            |question, _| {
                if question[0].starts_with("PLAY") { Fate::Mute } else { Fate::Pass }
            },
        );
    assert_eq!(streams_by(open(&camera.uri("/main"))), Transport::Udp);
}

#[test]
fn a_redirection_within_the_camera_is_followed_once() {
    let followed = |target: &'static str| {
        Odd::start(move |question| {
            let here = question[0].split(' ').nth(1).unwrap().rsplit_once('/').unwrap().0.to_owned();
            match question[0].split(' ').next().unwrap() {
                "DESCRIBE" if question[0].contains("/main") => {
                    format!("RTSP/1.0 302 Moved Temporarily\r\nLocation: {here}/second\r\n\r\n")
                }
                "DESCRIBE" if target == "third" => {
                    format!("RTSP/1.0 301 Moved Permanently\r\nLocation: {here}/main\r\n\r\n")
                }
                "DESCRIBE" => described(""),
                _ => "RTSP/1.0 404 Not Found\r\n\r\n".into(),
            }
        })
    };
    let once = followed("second");
    assert_eq!(record(open(&once.uri()), |_| {}).fault, Some(FaultCode::NotFound));
    let setups = once.lines("SETUP");
    assert!(setups.iter().any(|line| line.contains("/second/track1")), "{setups:?}");
    assert!(!setups.iter().any(|line| line.contains("/main")), "{setups:?}");
    let twice = followed("third");
    let recording = record(open(&twice.uri()), |_| {});
    assert_eq!(recording.fault, Some(FaultCode::Refused));
    assert!(recording.fault_text.contains("sends elsewhere"), "{}", recording.fault_text);
    assert_eq!(twice.lines("SETUP"), Vec::<String>::new());
}

#[test]
fn rtsp_through_http_is_tried_where_neither_tcp_nor_udp_gets_through() {
    let server = Server::start(&[("/main", LIVE, 25, "")]);
    server.require("wache", "geheim");
    // What looks like RTSP is swallowed.
    let web_only = Gate::start(server.port(), |question, _| {
        if question[0].contains(" HTTP/") { Fate::Pass } else { Fate::Answer("") }
    });
    let camera = with_password(&web_only.uri("/main"));
    for transport in [Transport::Auto, Transport::Http] {
        assert_eq!(streams_by(CameraOpen { transport, ..camera.clone() }), Transport::Http);
    }
    let mut wrong = camera.clone();
    wrong.password = Password::new("falsch");
    assert_eq!(record(wrong, |_| {}).fault, Some(FaultCode::NotAuthorized));
    let without_tunnel = CameraOpen { transport: Transport::Tcp, ..camera };
    assert_eq!(record(without_tunnel, |_| {}).fault, Some(FaultCode::Timeout));
}

#[test]
fn a_tunnel_gets_no_password_and_what_failed_before_it_is_told() {
    for challenge in [r#"Basic realm="x""#, r#"Digest realm="x", nonce="y""#] {
        let server = Odd::start(move |question| {
            if !question[0].contains(" HTTP/") {
                return String::new();
            }
            format!("HTTP/1.0 401 Unauthorized\r\nWWW-Authenticate: {challenge}\r\n\r\n")
        });
        let mut camera = with_password(&server.uri());
        camera.transport = Transport::Auto;
        assert_eq!(record(camera, |_| {}).fault, Some(FaultCode::Timeout), "{challenge}");
        assert_eq!(server.lines("Authorization:"), Vec::<String>::new(), "{challenge}");
        assert!(!server.lines("GET").is_empty(), "{challenge}");
    }
}

#[test]
fn a_stream_that_comes_later_and_later_is_told_and_fetched_anew() {
    let server = Server::start(&[("/main", LIVE, 25, "")]);
    for transport in [Transport::Tcp, Transport::Http] {
        let plays = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&plays);
        let slow = Gate::start(server.port(), move |question, _| {
            let begins = question[0].starts_with(if transport == Transport::Http { "GET" } else { "PLAY" });
            // Before the first stream through HTTP nothing else asks for it, for there is no password.
            if begins && counted.fetch_add(1, Ordering::SeqCst) == 0 { Fate::Delay } else { Fate::Pass }
        });
        let mut camera = open(&slow.uri("/main"));
        camera.transport = transport;
        let recording = record(camera, |worker| {
            let mut lag = |wanted: fn(u32) -> bool| {
                await_event(
                    worker,
                    |event| matches!(event, Event::State(state) if state.streaming && wanted(state.lag_ms)),
                );
            };
            lag(|ms| ms == 0);
            lag(|ms| ms >= 3000);
            lag(|ms| ms >= 4500);
            lag(|ms| ms == 0);
            worker.orders.send(&Order::Shutdown).unwrap();
        });
        assert_eq!(recording.fault, None, "{}", recording.fault_text);
        assert_eq!(plays.load(Ordering::SeqCst), 2, "{transport:?}");
        assert!(recording.clips.iter().all(|clip| clip.end.is_some()));
    }
}

#[test]
fn an_encoder_that_repeats_itself_is_told() {
    let still = "videotestsrc is-live=true pattern=smpte75";
    let server = Server::start(&[
        ("/still", still, 25, "pass=quant quantizer=25 tune=zerolatency"),
        ("/jpeg", still, 15, "mjpeg"),
        ("/main", LIVE, 25, ""),
    ]);
    for (path, frozen) in [("/still", true), ("/jpeg", true), ("/main", false)] {
        record(open(&server.uri(path)), |worker| {
            let mut states = 0;
            await_event(worker, |event| {
                let Event::State(state) = event else { return false };
                states += 1;
                assert!(frozen || state.frozen_ms == 0, "{path}");
                if frozen { state.frozen_ms >= 10_000 } else { states == 8 }
            });
            worker.orders.send(&Order::Shutdown).unwrap();
        });
    }
}

#[test]
fn mjpeg_of_the_simulated_camera_streams() {
    use crate::support::demo::{Demo, PASSWORD, USER};

    let demo = Demo::start(&["--feature", "mjpeg"]);
    let mut camera = open(&demo.uri("/mjpeg"));
    camera.user = USER.into();
    camera.password = Password::new(PASSWORD);
    assert_eq!(streams_by(camera), Transport::Tcp);
}
