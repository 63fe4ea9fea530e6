//! One RTSP connection to a camera: questions with signing in, answers, and the packets between them. RFC 2326; RFC 7616.

use std::{
    collections::VecDeque,
    fmt::Write as _,
    io::{self, Read, Write},
    net::TcpStream,
    time::Duration,
};

use hausrecht_media::{FaultCode, Password};
use hausrecht_model::{Clock, clock::SystemClock};
use http_auth::{PasswordClient, PasswordParams, parse_challenges};

use super::{
    Failure,
    wire::{self, Answer, Piece},
};
use crate::source::Address;

/// How long the camera may take for an answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// How long it may take to read a question.
const WRITE_LIMIT: Duration = Duration::from_secs(5);
/// How long it may take to agree that a session ends.
const GOODBYE_LIMIT: Duration = Duration::from_millis(300);
const READ_BYTES: usize = 64 * 1024;
/// The most packets that may come before an answer. They are kept, for the first pictures may be among them.
const MAX_EARLY: usize = 512;

/// Who signs in.
#[derive(Clone, Debug)]
pub(super) struct Account {
    /// User name; empty if the camera asks for none.
    pub(super) user: String,
    /// Password.
    pub(super) password: Password,
}

/// What was read.
#[derive(Debug)]
pub(super) enum Came {
    /// A packet of a channel.
    Packet(u8, Vec<u8>),
    /// An answer, to a question that nobody waits for.
    Answer(Answer),
    /// Nothing in the time given.
    Nothing,
    /// The camera closed the connection, or it broke.
    Ended,
}

/// A connection.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    clock: SystemClock,
    account: Account,
    sign: Option<PasswordClient>,
    number: u32,
    unread: Vec<u8>,
    /// How much at the start of `unread` has been taken.
    taken: usize,
    early: VecDeque<(u8, Vec<u8>)>,
}

impl Connection {
    /// Connects.
    pub(super) fn open(address: &Address, account: Account) -> Result<Self, Failure> {
        let stream = address.connect()?;
        let ready = stream.set_nodelay(true).and_then(|()| stream.set_write_timeout(Some(WRITE_LIMIT)));
        ready.map_err(|error| (FaultCode::Internal, error.to_string()))?;
        Ok(Self {
            stream,
            clock: SystemClock::new(),
            account,
            sign: None,
            number: 0,
            unread: Vec::new(),
            taken: 0,
            early: VecDeque::new(),
        })
    }

    /// Asks, and waits for the answer; signs in if the camera wants that, once. What comes before the answer is kept for
    /// [`Self::read`].
    pub(super) fn ask(&mut self, method: &str, uri: &str, headers: &str) -> Result<Answer, Failure> {
        let answer = self.ask_once(method, uri, headers)?;
        if answer.status != 401 {
            return Ok(answer);
        }
        let signed = self.sign.is_some();
        let stale = answer
            .headers("www-authenticate")
            .any(|challenge| challenge.to_ascii_lowercase().contains("stale=true"));
        if self.account.user.is_empty() || (signed && !stale) {
            return Err((FaultCode::NotAuthorized, "user or password is wrong".into()));
        }
        self.sign = Some(sign_in(&answer)?);
        let answer = self.ask_once(method, uri, headers)?;
        if answer.status == 401 {
            return Err((FaultCode::NotAuthorized, "user or password is wrong".into()));
        }
        Ok(answer)
    }

    fn ask_once(&mut self, method: &str, uri: &str, headers: &str) -> Result<Answer, Failure> {
        let number = self.tell(method, uri, headers)?;
        let until = self.clock.monotonic() + ANSWER_LIMIT;
        loop {
            let left = until.saturating_sub(self.clock.monotonic());
            if left.is_zero() {
                return Err((
                    FaultCode::Timeout,
                    format!("no answer to {method} within {} s", ANSWER_LIMIT.as_secs()),
                ));
            }
            match self.come(left)? {
                // A camera that leaves the number out answers what was asked last.
                Came::Answer(answer)
                    if answer.header("cseq").is_none_or(|told| told == number.to_string()) =>
                {
                    if answer.status >= 200 {
                        return Ok(answer);
                    }
                }
                Came::Answer(_) | Came::Nothing => {}
                Came::Packet(channel, bytes) if self.early.len() < MAX_EARLY => {
                    self.early.push_back((channel, bytes))
                }
                Came::Packet(..) => {
                    return Err((
                        FaultCode::Internal,
                        format!("the camera sends packets instead of an answer to {method}"),
                    ));
                }
                Came::Ended => {
                    return Err((FaultCode::Lost, format!("the camera hung up at {method}")));
                }
            }
        }
    }

    /// Asks and does not wait for the answer; gives the question's number.
    pub(super) fn tell(&mut self, method: &str, uri: &str, headers: &str) -> Result<u32, Failure> {
        self.number += 1;
        let mut question =
            format!("{method} {uri} RTSP/1.0\r\nCSeq: {}\r\nUser-Agent: Hausrecht\r\n", self.number);
        if let Some(sign) = &mut self.sign {
            let parameters = PasswordParams {
                username: &self.account.user,
                password: self.account.password.reveal(),
                uri,
                method,
                body: Some(&[]),
            };
            let signature = sign.respond(&parameters).map_err(|text| (FaultCode::NotAuthorized, text))?;
            // Writing into a string does not fail.
            let _ = write!(question, "Authorization: {signature}\r\n");
        }
        question.push_str(headers);
        question.push_str("\r\n");
        let written = self.stream.write_all(question.as_bytes());
        written.map_err(|error| (FaultCode::Lost, format!("{method}: {error}")))?;
        Ok(self.number)
    }

    /// What comes next, within `patience`.
    pub(super) fn read(&mut self, patience: Duration) -> Result<Came, Failure> {
        match self.early.pop_front() {
            Some((channel, bytes)) => Ok(Came::Packet(channel, bytes)),
            None => self.come(patience),
        }
    }

    fn come(&mut self, patience: Duration) -> Result<Came, Failure> {
        loop {
            let unread = self.unread.get(self.taken..).unwrap_or_default();
            let found = wire::piece(unread).map_err(|error| (FaultCode::Internal, error.to_string()))?;
            if let Some((piece, bytes)) = found {
                self.taken += bytes;
                match piece {
                    Piece::Packet { channel, bytes } => return Ok(Came::Packet(channel, bytes)),
                    Piece::Answer(answer) => return Ok(Came::Answer(answer)),
                    Piece::Question => continue,
                }
            }
            self.unread.drain(..self.taken.min(self.unread.len()));
            self.taken = 0;
            // Zero would wait for ever.
            let patience = patience.max(Duration::from_millis(1));
            if self.stream.set_read_timeout(Some(patience)).is_err() {
                return Ok(Came::Ended);
            }
            let had = self.unread.len();
            self.unread.resize(had + READ_BYTES, 0);
            let read = self.stream.read(self.unread.get_mut(had..).unwrap_or_default());
            self.unread.truncate(had + read.as_ref().copied().unwrap_or(0));
            match read {
                Ok(0) => return Ok(Came::Ended),
                // What trickles in must not hold up who waits; a piece is looked for when there may be one.
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    return Ok(Came::Nothing);
                }
                Err(_) => return Ok(Came::Ended),
            }
            if wire::piece(&self.unread).is_ok_and(|piece| piece.is_none()) {
                return Ok(Came::Nothing);
            }
        }
    }

    /// Ends a session and reads on until the camera agrees, but not for long: a connection that is closed while something lies
    /// unread in it is reset, and the camera may not see what was said last.
    pub(super) fn say_goodbye(mut self, uri: &str, headers: &str) {
        let Ok(number) = self.tell("TEARDOWN", uri, headers) else { return };
        let until = self.clock.monotonic() + GOODBYE_LIMIT;
        loop {
            let left = until.saturating_sub(self.clock.monotonic());
            match self.read(left) {
                Ok(Came::Answer(answer)) if answer.header("cseq") == Some(&number.to_string()) => return,
                Ok(Came::Ended) | Err(_) => return,
                Ok(_) if left.is_zero() => return,
                Ok(_) => {}
            }
        }
    }
}

/// Chooses how to sign in. A password never goes in clear where the camera offers another way.
fn sign_in(answer: &Answer) -> Result<PasswordClient, Failure> {
    let refused = |text: String| (FaultCode::NotAuthorized, text);
    let mut builder = PasswordClient::builder();
    let mut digest = false;
    for challenge in answer.headers("www-authenticate") {
        let known = parse_challenges(challenge)
            .map_err(|error| refused(format!("how to sign in is not understood: {error}")))?;
        digest |= known.iter().any(|challenge| challenge.scheme.eq_ignore_ascii_case("digest"));
        builder = builder.challenges(challenge);
    }
    let sign = builder.build().map_err(refused)?;
    if digest && matches!(sign, PasswordClient::Basic(_)) {
        let text =
            "the camera offers Digest of an unknown kind and Basic, which would send the password in clear";
        return Err(refused(text.into()));
    }
    Ok(sign)
}
