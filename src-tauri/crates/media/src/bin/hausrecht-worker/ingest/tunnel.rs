//! RTSP through HTTP, in the form that QuickTime introduced: answers and pictures come on a GET that does not end, questions go out
//! in Base64 on a POST that does not end; a cookie holds the two together. `rtspsrc` does that by itself; here a tunnel is made for
//! the one question that must be asked before it.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
};

use gstreamer::glib;
use hausrecht_media::FaultCode;

use super::challenge::{MAX_ANSWER_BYTES, head};
use crate::source::{Address, CONNECT_LIMIT};

/// What the camera answers, through a tunnel, to a first `DESCRIBE`; the outer error if it cannot be reached.
pub(super) fn describe(address: &Address) -> Result<io::Result<String>, (FaultCode, String)> {
    let (answers, questions) = (address.connect()?, address.connect()?);
    Ok(ask(&answers, &questions, address))
}

fn ask(mut answers: &TcpStream, mut questions: &TcpStream, address: &Address) -> io::Result<String> {
    for half in [answers, questions] {
        half.set_read_timeout(Some(CONNECT_LIMIT))?;
        half.set_write_timeout(Some(CONNECT_LIMIT))?;
    }
    let cookie = glib::uuid_string_random();
    let (path, uri) = (address.path(), address.request_uri());
    let common = format!(
        "x-sessioncookie: {cookie}\r\nUser-Agent: Hausrecht\r\nCache-Control: no-cache\r\nPragma: no-cache\r\n"
    );
    let kind = "application/x-rtsp-tunnelled";
    answers.write_all(format!("GET {path} HTTP/1.0\r\n{common}Accept: {kind}\r\n\r\n").as_bytes())?;
    let opened = head(answers.take(MAX_ANSWER_BYTES))?;
    if opened.split(' ').nth(1) != Some("200") {
        return Err(io::Error::from(io::ErrorKind::ConnectionRefused));
    }
    let post =
        format!("POST {path} HTTP/1.0\r\n{common}Content-Type: {kind}\r\nContent-Length: 32767\r\n\r\n");
    questions.write_all(post.as_bytes())?;
    let question = format!(
        "DESCRIBE {uri} RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: Hausrecht\r\nAccept: application/sdp\r\n\r\n"
    );
    questions.write_all(glib::base64_encode(question.as_bytes()).as_bytes())?;
    head(answers.take(MAX_ANSWER_BYTES))
}
