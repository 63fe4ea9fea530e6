//! A small RTSP server that misbehaves as told, and notes what it was asked.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use hausrecht_media::{CameraOpen, FaultCode, Password, Transport};

use crate::support::{open, record};

/// A question: its first line and its headers.
pub(crate) type Question = Vec<String>;

pub(crate) struct Odd {
    port: u16,
    questions: Arc<Mutex<Vec<Question>>>,
}

impl Odd {
    /// Answers with status line and headers (without `CSeq`), and what follows the headers; hangs up in place of an empty answer.
    pub(crate) fn start(answer: impl Fn(&Question) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let questions: Arc<Mutex<Vec<Question>>> = Arc::default();
        let (noted, answer) = (Arc::clone(&questions), Arc::new(answer));
        thread::spawn(move || {
            for connection in listener.incoming() {
                let (noted, answer) = (Arc::clone(&noted), Arc::clone(&answer));
                thread::spawn(move || serve(connection.unwrap(), &noted, &*answer));
            }
        });
        Self { port, questions }
    }

    pub(crate) fn uri(&self) -> String {
        format!("rtsp://127.0.0.1:{}/main", self.port)
    }

    /// The lines of all questions that begin with `word`.
    pub(crate) fn lines(&self, word: &str) -> Vec<String> {
        let questions = self.questions.lock().unwrap();
        questions.iter().flatten().filter(|line| line.starts_with(word)).cloned().collect()
    }
}

fn serve(connection: TcpStream, noted: &Mutex<Vec<Question>>, answer: &dyn Fn(&Question) -> String) {
    let mut out = connection.try_clone().unwrap();
    let mut lines = BufReader::new(connection).lines();
    loop {
        let question: Question =
            lines.by_ref().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
        let Some(first) = question.first() else { return };
        let number = question.iter().find(|line| line.starts_with("CSeq:")).cloned();
        if number.is_none() && !first.contains(" HTTP/") {
            return;
        }
        noted.lock().unwrap().push(question.clone());
        let text = if question[0].starts_with("OPTIONS") {
            "RTSP/1.0 200 OK\r\nPublic: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n\r\n".to_owned()
        } else {
            answer(&question)
        };
        let Some((status, rest)) = text.split_once("\r\n") else { return };
        let number = number.map(|number| format!("{number}\r\n")).unwrap_or_default();
        if write!(out, "{status}\r\n{number}{rest}").is_err() {
            return;
        }
    }
}

/// A description of one video stream, as the answer to DESCRIBE.
pub(crate) fn described(header: &str) -> String {
    let description = [
        "v=0",
        "o=- 0 0 IN IP4 192.0.2.1",
        "s=-",
        "t=0 0",
        "a=control:*",
        "m=video 0 RTP/AVP 96",
        "a=rtpmap:96 H264/90000",
        "a=fmtp:96 packetization-mode=1",
        "a=control:track1",
        "",
    ]
    .join("\r\n");
    let length = description.len();
    format!(
        "RTSP/1.0 200 OK\r\n{header}Content-Type: application/sdp\r\nContent-Length: {length}\r\n\r\n{description}"
    )
}

fn camera(server: &Odd, transport: Transport) -> CameraOpen {
    let mut camera = open(&server.uri());
    camera.user = "wache".into();
    camera.password = Password::new("geheim");
    camera.transport = transport;
    camera
}

/// The answer to a question without password.
pub(crate) fn unauthorized(challenges: &[&str]) -> String {
    let lines: String =
        challenges.iter().map(|challenge| format!("WWW-Authenticate: {challenge}\r\n")).collect();
    format!("RTSP/1.0 401 Unauthorized\r\n{lines}\r\n")
}

/// By the reader of plain TCP, and by the other one.
const BOTH: [Transport; 2] = [Transport::Tcp, Transport::Udp];

#[test]
fn the_password_is_not_sent_in_clear_whatever_is_offered() {
    let known = r#"Digest realm="x", nonce="y""#;
    for transport in BOTH {
        for challenges in [
            vec![r#"Basic realm="x""#, known],
            vec![known, r#"Basic realm="x""#],
            vec![r#"Digest realm="x", nonce="y", algorithm="odd""#, r#"Basic realm="x""#],
            vec![r#"Basic realm="x", Digest realm="x""#],
            vec![r#"Basic realm="x""#],
        ] {
            let offered = challenges.join(" ");
            let server = Odd::start(move |_| unauthorized(&challenges));
            let recording = record(camera(&server, transport), |_| {});
            assert_eq!(server.lines("Authorization: Basic"), Vec::<String>::new(), "{transport:?} {offered}");
            let signs_in = offered.contains(known) && !offered.contains("odd");
            let fault = if signs_in { FaultCode::NotAuthorized } else { FaultCode::PasswordUnprotected };
            assert_eq!(recording.fault, Some(fault), "{transport:?} {offered}");
            assert_eq!(
                !server.lines("Authorization: Digest").is_empty(),
                signs_in,
                "{transport:?} {offered}"
            );
            let says_what_to_do = recording.fault_text.contains("switch on Digest");
            assert_eq!(says_what_to_do, !signs_in, "{transport:?} {offered}: {}", recording.fault_text);
        }
    }
}

#[test]
fn a_camera_that_does_not_say_how_to_sign_in_gets_no_password() {
    for transport in BOTH {
        let asked = AtomicUsize::new(0);
        // It hangs up at first, also when asked for its options before, so that nothing is known of it; then it wants the
        // password.
        let server = Odd::start(move |_| {
            let early = asked.fetch_add(1, Ordering::SeqCst) < 2;
            if early { String::new() } else { unauthorized(&[r#"Basic realm="x""#]) }
        });
        let fault = record(camera(&server, transport), |_| {}).fault;
        assert_eq!(fault, Some(FaultCode::Timeout), "{transport:?}");
        assert_eq!(server.lines("Authorization:"), Vec::<String>::new(), "{transport:?}");
    }
}

#[test]
fn a_redirection_is_not_followed() {
    for transport in BOTH {
        let elsewhere = Arc::new(Odd::start(|_| unauthorized(&[r#"Digest realm="x", nonce="y""#])));
        let target = elsewhere.uri();
        let server =
            Odd::start(move |_| format!("RTSP/1.0 302 Moved Temporarily\r\nLocation: {target}\r\n\r\n"));
        assert_eq!(
            record(camera(&server, transport), |_| {}).fault,
            Some(FaultCode::Refused),
            "{transport:?}"
        );
        assert_eq!(elsewhere.questions.lock().unwrap().len(), 0, "{transport:?}");
    }
}

#[test]
fn streams_are_set_up_where_they_were_described_whatever_the_base_says() {
    let port_of_nobody = "192.0.2.1:554";
    for base in [format!("rtsp://{port_of_nobody}/main/"), format!("{port_of_nobody}/main/"), String::new()] {
        let header = if base.is_empty() { String::new() } else { format!("Content-Base: {base}\r\n") };
        let server = Odd::start(move |question| {
            if !question[0].starts_with("DESCRIBE") {
                return "RTSP/1.0 404 Not Found\r\n\r\n".to_owned();
            }
            described(&header)
        });
        assert_eq!(
            record(camera(&server, Transport::Tcp), |_| {}).fault,
            Some(FaultCode::NotFound),
            "{base}"
        );
        let asked = server.lines("SETUP");
        assert!(asked.iter().any(|line| line.contains("track1")), "{base}: {asked:?}");
    }
}
