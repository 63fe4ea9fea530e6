//! Asks the camera how it wants its user to sign in, before anything that could do so is connected. Both readers prefer `Digest`,
//! but where the camera offers none that they know, they would send the password in clear by `Basic`: then they must not begin.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
};

use hausrecht_media::FaultCode;

use super::tunnel;
use crate::source::{Address, CONNECT_LIMIT};

/// Algorithms of `Digest` that `retina` knows. RFC 7616.
pub(super) const RETINA: [&str; 6] =
    ["md5", "md5-sess", "sha-256", "sha-256-sess", "sha-512-256", "sha-512-256-sess"];
/// Those that `rtspsrc` knows.
pub(super) const RTSPSRC: [&str; 1] = ["md5"];
/// The longest answer that is read.
pub(super) const MAX_ANSWER_BYTES: u64 = 16 * 1024;

/// A challenge of the camera: scheme and parameters, names in lower case.
#[derive(Debug, PartialEq, Eq)]
struct Challenge {
    scheme: String,
    parameters: Vec<(String, String)>,
}

/// Asks without a password, and says whether the camera wants one even to describe its stream. An error if signing in would give
/// the password away, or if the camera does not say. What else goes wrong is left to the reader, which says it better.
pub(super) fn ask(address: &Address, known: &[&str]) -> Result<bool, (FaultCode, String)> {
    if address.tls {
        return Ok(false);
    }
    let mut answer = describe(address.connect()?, &address.uri, false);
    if answer.as_ref().is_ok_and(String::is_empty) {
        // It hung up: some cameras want to be asked for their options before anything else.
        answer = describe(address.connect()?, &address.uri, true);
    }
    let answer = answer.unwrap_or_default();
    if answer.is_empty() {
        let text = "the camera does not say how it lets its user in";
        return Err((FaultCode::Timeout, text.into()));
    }
    judge(&answer, known)
}

/// The same through a tunnel, which must be open to everybody itself.
pub(super) fn ask_through_tunnel(address: &Address, known: &[&str]) -> Result<(), (FaultCode, String)> {
    let question = |_| (FaultCode::Timeout, "the camera does not say how it lets its user in".to_owned());
    let answer = tunnel::describe(address)?.map_err(question)?;
    judge(&answer, known).map(drop)
}

/// Whether an answer wants a password; an error if it would go in clear.
fn judge(answer: &str, known: &[&str]) -> Result<bool, (FaultCode, String)> {
    let challenges = challenges(answer);
    if gives_away(&challenges, known) {
        let text = "the camera wants the password unprotected (RTSP Basic): switch on Digest (MD5) or RTSP over TLS in its \
                    settings";
        return Err((FaultCode::PasswordUnprotected, text.into()));
    }
    Ok(!challenges.is_empty())
}

/// What the camera answers to a first `DESCRIBE`, without the description; empty if it hangs up.
fn describe(mut stream: TcpStream, uri: &str, options_first: bool) -> io::Result<String> {
    stream.set_read_timeout(Some(CONNECT_LIMIT))?;
    stream.set_write_timeout(Some(CONNECT_LIMIT))?;
    let mut number = 1;
    if options_first {
        let question = format!("OPTIONS {uri} RTSP/1.0\r\nCSeq: {number}\r\nUser-Agent: Hausrecht\r\n\r\n");
        stream.write_all(question.as_bytes())?;
        head((&stream).take(MAX_ANSWER_BYTES))?;
        number += 1;
    }
    let question = format!(
        "DESCRIBE {uri} RTSP/1.0\r\nCSeq: {number}\r\nUser-Agent: Hausrecht\r\nAccept: application/sdp\r\n\r\n"
    );
    stream.write_all(question.as_bytes())?;
    head(stream.take(MAX_ANSWER_BYTES))
}

/// The lines of an answer up to the empty one.
pub(super) fn head(mut stream: impl Read) -> io::Result<String> {
    let mut answer = Vec::new();
    let mut chunk = [0; 2048];
    while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => answer.extend(chunk.iter().take(read)),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => break,
            Err(_) if !answer.is_empty() => break,
            Err(error) => return Err(error),
        }
    }
    let answer = String::from_utf8_lossy(&answer);
    Ok(answer.split("\r\n\r\n").next().unwrap_or_default().to_owned())
}

/// Whether the password would go in clear: `Basic` is offered, and no `Digest` that the reader knows.
fn gives_away(challenges: &[Challenge], known: &[&str]) -> bool {
    let of = |scheme: &'static str| challenges.iter().filter(move |challenge| challenge.scheme == scheme);
    let usable = |challenge: &Challenge| {
        let value = |name: &str| challenge.parameters.iter().find(|(known, _)| known == name).map(|(_, v)| v);
        let algorithm = value("algorithm").map_or("md5".to_owned(), |name| name.to_ascii_lowercase());
        value("realm").is_some() && value("nonce").is_some() && known.contains(&algorithm.as_str())
    };
    of("basic").next().is_some() && !of("digest").any(usable)
}

/// The challenges of all `WWW-Authenticate` lines. RFC 7235, 4.1: a comma separates both challenges and their parameters.
fn challenges(head: &str) -> Vec<Challenge> {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    let values = lines.filter(|(name, _)| name.trim().eq_ignore_ascii_case("www-authenticate"));
    let mut found: Vec<Challenge> = Vec::new();
    for part in values.flat_map(|(_, value)| parts(value)) {
        let part = part.trim();
        let word_end = part.find(char::is_whitespace).unwrap_or(part.len());
        let (word, rest) = part.split_at(word_end);
        let parameter = if word.contains('=') || rest.trim_start().starts_with('=') {
            part
        } else {
            if !word.is_empty() {
                found.push(Challenge { scheme: word.to_ascii_lowercase(), parameters: Vec::new() });
            }
            rest.trim()
        };
        if let (Some((name, value)), Some(challenge)) = (parameter.split_once('='), found.last_mut()) {
            let value = value.trim().trim_matches('"').to_owned();
            challenge.parameters.push((name.trim().to_ascii_lowercase(), value));
        }
    }
    found
}

/// `value` cut at commas that do not stand in quotes.
fn parts(value: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    value.split(move |c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_given_away(lines: &[&str], known: &[&str]) -> bool {
        let head: String = lines.iter().map(|line| format!("WWW-Authenticate: {line}\r\n")).collect();
        gives_away(&challenges(&format!("RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\n{head}")), known)
    }

    #[test]
    fn a_known_digest_keeps_the_password() {
        let digest = r#"Digest realm="a, Basic b", nonce="c=", algorithm=MD5"#;
        assert!(!is_given_away(&[digest], &RTSPSRC));
        assert!(!is_given_away(&[r#"Basic realm="x""#, digest], &RTSPSRC));
        assert!(!is_given_away(&[r#"Basic realm="x", Digest realm="y", nonce="z""#], &RTSPSRC));
        assert!(!is_given_away(&[], &RTSPSRC));
    }

    #[test]
    fn basic_gives_it_away_alone_and_beside_an_unknown_digest() {
        assert!(is_given_away(&[r#"Basic realm="x""#], &RTSPSRC));
        assert!(is_given_away(&["Basic"], &RETINA));
        for digest in [
            r#"Digest realm="x", nonce="y", algorithm="odd""#,
            r#"digest realm="x""#,
            "Digest",
            r#"Digest nonce="y""#,
        ] {
            assert!(is_given_away(&["BASIC realm=x", digest], &RETINA), "{digest}");
            assert!(is_given_away(&[&format!("{digest}, Basic realm=x")], &RETINA), "{digest}");
        }
        let newer = r#"Digest realm="x", nonce="y", algorithm=SHA-256, Basic realm="x""#;
        assert!(is_given_away(&[newer], &RTSPSRC));
        assert!(!is_given_away(&[newer], &RETINA));
    }

    #[test]
    fn an_answer_without_end_is_read_so_far() {
        let endless = std::io::repeat(b'x').take(MAX_ANSWER_BYTES);
        assert_eq!(head(endless).unwrap().len(), usize::try_from(MAX_ANSWER_BYTES).unwrap());
        assert_eq!(head(&b"RTSP/1.0 200 OK\r\n\r\nv=0"[..]).unwrap(), "RTSP/1.0 200 OK");
    }
}
