//! Answers that no HTTP library would send: written byte by byte.

use std::time::Duration;

use axum::http::{HeaderMap, Uri};
use hausrecht_model::clock::ManualClock;
use hausrecht_onvif::{Camera, Error, Information, Settings};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use url::Url;

use crate::stand_in::{Asked, START, envelope, usual};

/// What the client makes of `answer` to GetDeviceInformation.
async fn answered(answer: impl Into<Vec<u8>>) -> Result<Information, Error> {
    answered_with(answer.into(), None, |settings| settings).await
}

/// As [`answered`]; after the answer comes one more byte at every `pace`.
async fn answered_with(
    answer: Vec<u8>,
    pace: Option<Duration>,
    change: impl FnOnce(Settings) -> Settings,
) -> Result<Information, Error> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let address = Url::parse(&format!("{base}/onvif/device_service")).unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(stream, base.clone(), answer.clone(), pace));
        }
    });
    let clock = std::sync::Arc::new(ManualClock::new(START));
    let settings = change(Settings { call_timeout: Duration::from_secs(5), ..Settings::new(clock) });
    Camera::connect(&[address], None, settings).await?.information().await
}

async fn serve(mut stream: TcpStream, base: String, answer: Vec<u8>, pace: Option<Duration>) {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !request.ends_with(b"</s:Envelope>") {
        match stream.read(&mut buffer).await {
            Ok(length @ 1..) => request.extend_from_slice(&buffer[..length]),
            Ok(0) | Err(_) => return,
        }
    }
    let body = String::from_utf8(request).unwrap();
    let asked = Asked { uri: Uri::from_static("/onvif/device_service"), headers: HeaderMap::new(), body };
    if asked.is("GetDeviceInformation") {
        // The client may have turned away already.
        let _ = stream.write_all(&answer).await;
        if let Some(pace) = pace {
            let mut beat = tokio::time::interval(pace);
            while stream.write_all(b" ").await.is_ok() {
                beat.tick().await;
            }
        }
    } else {
        let usual = axum::body::to_bytes(usual(&asked, &base).into_body(), 1 << 20).await.unwrap();
        let _ = stream.write_all(&whole("", &usual)).await;
    }
    let _ = stream.shutdown().await;
}

fn whole(headers: &str, body: &[u8]) -> Vec<u8> {
    let head =
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// An answer by the camera maker `name`, which is not encoded further.
fn body(name: &[u8]) -> Vec<u8> {
    let text = envelope(
        "<GetDeviceInformationResponse><Manufacturer>@</Manufacturer></GetDeviceInformationResponse>",
    );
    let (before, after) = text.split_once('@').unwrap();
    [before.as_bytes(), name, after.as_bytes()].concat()
}

async fn maker(answer: impl Into<Vec<u8>>) -> String {
    answered(answer).await.unwrap().manufacturer
}

#[tokio::test]
async fn a_continue_before_the_answer_is_passed_over() {
    let answer = [b"HTTP/1.1 100 Continue\r\n\r\n".as_slice(), &whole("", &body(b"Acme"))].concat();
    assert_eq!(maker(answer).await, "Acme");
}

#[tokio::test]
async fn an_answer_that_ends_with_its_connection_is_read() {
    let answer = [b"HTTP/1.0 200 OK\r\n\r\n".as_slice(), &body(b"Acme")].concat();
    assert_eq!(maker(answer).await, "Acme");
}

#[tokio::test]
async fn chunks_of_odd_sizes_with_extensions_and_trailers_are_read() {
    let body = body(b"Acme");
    let mut answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for part in body.chunks(7) {
        answer.extend(format!("{:X};x=y\r\n", part.len()).bytes());
        answer.extend_from_slice(part);
        answer.extend(b"\r\n");
    }
    answer.extend(b"0\r\nX-Trailer: 1\r\n\r\n");
    assert_eq!(maker(answer).await, "Acme");
}

#[tokio::test]
async fn a_broken_chunk_is_a_connection_that_closed() {
    let answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n<a>\r\n".to_vec();
    assert!(matches!(answered(answer).await, Err(Error::ClosedEarly { .. })));
}

#[tokio::test]
async fn an_answer_in_several_parts_is_read() {
    let part = [
        b"--b\r\nContent-Type: application/xop+xml\r\nContent-ID: <r@x>\r\n\r\n".as_slice(),
        &body(b"Acme"),
        b"\r\n--b--\r\n",
    ];
    let headers = "Content-Type: multipart/related; boundary=b; type=\"application/xop+xml\"\r\n";
    assert_eq!(maker(whole(headers, &part.concat())).await, "Acme");
}

#[tokio::test]
async fn wrong_encodings_marks_and_missing_declarations_are_read() {
    let declared = |encoding: &str, body: Vec<u8>| {
        [format!("<?xml version=\"1.0\" encoding=\"{encoding}\"?>").into_bytes(), body].concat()
    };
    let latin1 = body(b"M\xFCller");
    let utf8 = body("Müller".as_bytes());
    let text = String::from_utf8(utf8.clone()).unwrap();
    let utf16 = |unit: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(unit).collect::<Vec<u8>>();
    let answers = [
        latin1.clone(),
        declared("UTF-8", latin1.clone()),
        declared("ISO-8859-1", latin1),
        declared("UTF-16", utf8.clone()),
        [b"\xEF\xBB\xBF".to_vec(), utf8].concat(),
        [b"\xFF\xFE".to_vec(), utf16(u16::to_le_bytes)].concat(),
        utf16(u16::to_be_bytes),
    ];
    for (index, answer) in answers.into_iter().enumerate() {
        assert_eq!(maker(whole("", &answer)).await, "Müller", "answer {index}");
    }
}

#[tokio::test]
async fn an_answer_in_soap_11_is_read() {
    let text = String::from_utf8(body(b"Acme")).unwrap();
    let old =
        text.replace("http://www.w3.org/2003/05/soap-envelope", "http://schemas.xmlsoap.org/soap/envelope/");
    assert_ne!(old, text);
    assert_eq!(maker(whole("Content-Type: text/xml\r\n", old.as_bytes())).await, "Acme");
}

#[tokio::test]
async fn a_wrong_length_and_a_connection_that_is_left_open_do_no_harm_to_a_whole_answer() {
    let announced = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body(b"Acme").len() + 100);
    assert_eq!(maker([announced.as_bytes(), &body(b"Acme")].concat()).await, "Acme");
    let quick = |settings| Settings { stall_timeout: Duration::from_millis(100), ..settings };
    let open = [b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), &body(b"Acme")].concat();
    let read = answered_with(open, Some(Duration::from_millis(20)), quick).await;
    assert_eq!(read.unwrap().manufacturer, "Acme");
}

#[tokio::test]
async fn headers_that_no_standard_allows_are_read() {
    for headers in ["X Y: 1\r\n", "Server : x\r\n", "X: 1\r\n  folded\r\n", "\u{e9}: 1\r\n", "nonsense\r\n"] {
        assert_eq!(maker(whole(headers, &body(b"Acme"))).await, "Acme", "{headers}");
    }
    let bare = format!("HTTP/1.1 200 OK\nContent-Length: {}\n\n", body(b"Acme").len());
    assert_eq!(maker([bare.as_bytes(), &body(b"Acme")].concat()).await, "Acme");
}

#[tokio::test]
async fn a_compressed_answer_is_refused_without_unpacking_it() {
    for coding in ["gzip", "deflate", "br"] {
        let answer = whole(&format!("Content-Encoding: {coding}\r\n"), &[0x1F, 0x8B, 8, 0, 0, 0, 0, 0]);
        let error = answered(answer).await.unwrap_err();
        assert!(error.to_string().contains(coding), "{error}");
    }
}

#[tokio::test]
async fn an_answer_of_100_megabytes_is_refused_by_its_announcement() {
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n<a>".to_vec();
    assert!(matches!(answered(answer).await, Err(Error::TooLarge { limit_bytes: 4_194_304, .. })));
}

#[tokio::test]
async fn an_answer_that_trickles_is_cut_off_before_its_time_is_up() {
    let answer = b"HTTP/1.1 200 OK\r\n\r\n<a>".to_vec();
    let quick = |settings| Settings {
        stall_timeout: Duration::from_millis(300),
        call_timeout: Duration::from_secs(600),
        ..settings
    };
    let error = answered_with(answer, Some(Duration::from_millis(20)), quick).await.unwrap_err();
    assert!(matches!(error, Error::TooSlow { bytes: 1..256, .. }), "{error:?}");
}

#[tokio::test]
async fn an_answer_whose_head_comes_long_before_its_body_is_waited_for() {
    // White space is what some servers send to keep a held connection alive.
    let answer = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    let quick = |settings| Settings {
        stall_timeout: Duration::from_millis(50),
        call_timeout: Duration::from_millis(500),
        ..settings
    };
    let error = answered_with(answer, Some(Duration::from_millis(20)), quick).await.unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "it is held until its own time is up: {error:?}");
}

#[tokio::test]
async fn headers_that_trickle_end_with_the_time() {
    let answer = b"HTTP/1.1 200 OK\r\nX: ".to_vec();
    let quick = |settings| Settings { call_timeout: Duration::from_millis(400), ..settings };
    let error = answered_with(answer, Some(Duration::from_millis(20)), quick).await.unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error:?}");
}

#[tokio::test]
async fn what_is_no_http_at_all_is_one_clear_failure() {
    for answer in [b"".to_vec(), b"RTSP/1.0 200 OK\r\n\r\n".to_vec(), vec![0; 1000], vec![b'A'; 2 << 20]] {
        assert!(matches!(answered(answer).await, Err(Error::ClosedEarly { .. })));
    }
}
