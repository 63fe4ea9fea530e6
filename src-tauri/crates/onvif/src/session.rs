//! One conversation with one camera: which host answers, what its clock says, how it wants a password, and that a
//! wrong password is sent once and never again.

mod captured;
mod clock;
mod digest;
mod reply;

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use hausrecht_model::UnixMicros;
use rand::Rng;
use url::Url;

use crate::{
    CertificatePin, Credentials, Error, Settings,
    address::{candidates, label},
    http::{Http, Limits, Payload, Reply},
    session::{
        clock::{clock_differs, is_zone_error},
        digest::Challenge,
        reply::{Refusal, judge, read_body, redirection},
    },
    signature::security_header,
    soap::Operation,
    xml::Element,
};

/// A service of the camera: where it may be, best first, and which of these has answered.
#[derive(Debug)]
pub(crate) struct Service {
    candidates: Vec<Url>,
    chosen: AtomicUsize,
}

impl Service {
    /// The service that the camera says is at `said`.
    pub(crate) fn new(answered: &Url, said: &str) -> Self {
        Self { candidates: candidates(answered, said), chosen: AtomicUsize::new(0) }
    }
}

/// How requests are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Not at all: nothing has asked for it so far.
    Open,
    /// WS-UsernameToken.
    Token,
    /// HTTP Digest.
    Digest,
    /// Both in one request.
    Both,
}

impl Mode {
    fn token(self) -> bool {
        matches!(self, Self::Token | Self::Both)
    }

    fn digest(self) -> bool {
        matches!(self, Self::Digest | Self::Both)
    }
}

/// What was learned about the camera so far.
#[derive(Debug)]
struct State {
    mode: Mode,
    challenge: Option<Challenge>,
    /// Camera time minus our time.
    offset_us: Option<i64>,
    /// Whether the camera has ever accepted the password.
    proven: bool,
    /// Refusals since the camera last accepted the password.
    refusals: u32,
    /// An operation that the camera refused without a password and allowed with it: whether it is still allowed tells a
    /// wrong password from missing rights.
    touchstone: Option<(Url, Operation)>,
    /// Where the camera has redirected to, on the host that answers.
    moved: Vec<(Url, Url)>,
}

/// After this many refusals in a row even a password that once was right is not sent again.
const REFUSALS_MAX: u32 = 2;
/// Redirections that are remembered.
const MOVED_MAX: usize = 16;

/// The conversation.
#[derive(Debug)]
pub(crate) struct Session {
    http: Http,
    origin: Url,
    credentials: Option<Credentials>,
    pub(crate) settings: Settings,
    state: Mutex<State>,
    /// Held by the one call that sends a password which the camera has not accepted yet.
    first_sign_in: tokio::sync::Mutex<()>,
}

/// Which second attempts a call has used up.
#[derive(Default)]
struct Spent {
    fresh_nonce: bool,
    clock: bool,
    other_mode: bool,
}

impl Session {
    /// Reaches the camera at `origin`: reads its clock without signing, so that nothing secret is sent yet.
    pub(crate) async fn reach(
        origin: Url,
        credentials: Option<Credentials>,
        settings: Settings,
    ) -> Result<Self, Error> {
        let state = State {
            mode: Mode::Open,
            challenge: None,
            offset_us: None,
            proven: false,
            refusals: 0,
            touchstone: None,
            moved: Vec::new(),
        };
        let mut session = Self {
            http: Http::new(&settings, settings.pin)?,
            origin,
            credentials,
            settings,
            state: Mutex::new(state),
            first_sign_in: tokio::sync::Mutex::default(),
        };
        let (offset_us, moved) = session.read_clock().await?;
        session.state().offset_us = offset_us;
        if let Some(moved) = moved {
            let (offset_us, again) = {
                session.origin = moved;
                session.read_clock().await?
            };
            if again.is_some() {
                let address = label(&session.origin);
                return Err(Error::NotOffered {
                    address,
                    what: "its device service: it redirects in a circle".to_owned(),
                });
            }
            session.state().offset_us = offset_us;
        }
        Ok(session)
    }

    /// The device service that answers.
    pub(crate) fn origin(&self) -> &Url {
        &self.origin
    }

    /// The certificate that the camera shows.
    pub(crate) fn certificate(&self) -> Option<CertificatePin> {
        self.http.certificate()
    }

    /// Camera time minus our time.
    pub(crate) fn offset_us(&self) -> Option<i64> {
        self.state().offset_us
    }

    /// Whether the camera has accepted the password.
    pub(crate) fn is_proven(&self) -> bool {
        self.state().proven
    }

    /// Limits of an ordinary call.
    pub(crate) fn limits(&self) -> Limits {
        Limits { timeout: self.settings.call_timeout, size_bytes: self.settings.answer_limit_bytes }
    }

    /// Calls `operation` at the first address of `service` that has it.
    pub(crate) async fn call(&self, service: &Service, operation: &Operation) -> Result<Element, Error> {
        self.call_within(service, operation, self.limits()).await
    }

    /// As [`Session::call`], with limits of its own.
    pub(crate) async fn call_within(
        &self,
        service: &Service,
        operation: &Operation,
        limits: Limits,
    ) -> Result<Element, Error> {
        let (url, reply) = self.first_that_answers(service, Ask::Soap(operation), limits).await?;
        read_body(url, operation.name, &reply.body).map_err(|refusal| match refusal {
            Refusal::Other(error) => error,
            Refusal::SignIn { .. } => self.not_authorized(url),
        })
    }

    /// Fetches bytes, signed with HTTP Digest if the camera asks for it.
    pub(crate) async fn fetch(&self, service: &Service, limits: Limits) -> Result<Vec<u8>, Error> {
        let (_, reply) = self.first_that_answers(service, Ask::Picture, limits).await?;
        Ok(reply.body)
    }

    async fn first_that_answers<'s>(
        &self,
        service: &'s Service,
        ask: Ask<'_>,
        limits: Limits,
    ) -> Result<(&'s Url, Reply), Error> {
        let start = service.chosen.load(Ordering::Relaxed);
        let count = service.candidates.len();
        let mut first_error = None;
        for index in (start..count).chain(0..start) {
            let url = &service.candidates[index];
            match self.signed(url, ask, limits).await {
                Err(error @ (Error::Unreachable { .. } | Error::Status { status: 404, .. })) => {
                    first_error.get_or_insert(error);
                }
                result => {
                    service.chosen.store(index, Ordering::Relaxed);
                    return result.map(|reply| (url, reply));
                }
            }
        }
        Err(first_error.unwrap_or_else(|| Error::NotOffered {
            address: label(&self.origin),
            what: "an address for this".to_owned(),
        }))
    }

    /// Sends until the camera is content or a further attempt would risk the account.
    async fn signed(&self, url: &Url, ask: Ask<'_>, limits: Limits) -> Result<Reply, Error> {
        let moved = self.state().moved.iter().find(|(from, _)| from == url).map(|(_, to)| to.clone());
        let mut target = moved.unwrap_or_else(|| url.clone());
        let mut is_redirected = false;
        let mut mode = ask.first_mode(self.state().mode);
        let mut first_sign_in = None;
        let mut spent = Spent::default();
        let mut is_nonce_old = mode.digest();
        let mut was_asked = false;
        loop {
            if mode != Mode::Open {
                if !self.is_proven() && first_sign_in.is_none() {
                    first_sign_in = Some(self.first_sign_in.lock().await);
                }
                self.stop_if_refused(url)?;
            }
            let reply = self.send(&target, ask, mode, limits).await?;
            if let Some(to) = redirection(&target, &reply).filter(|_| !is_redirected) {
                // Nothing made from the password goes along: the new place has to ask for it itself.
                is_redirected = true;
                self.remember_move(url, &to);
                target = to;
                mode = Mode::Open;
                continue;
            }
            match judge(url, ask.name(), reply) {
                Ok(reply) => {
                    self.accepted(&target, ask, mode, was_asked);
                    return Ok(reply);
                }
                Err(Refusal::Other(error)) => {
                    // A camera that complains about something else has let us in.
                    if matches!(error, Error::Fault { .. }) {
                        self.accepted(&target, ask, mode, false);
                    }
                    return Err(error);
                }
                Err(Refusal::SignIn { fault, reply }) => {
                    let is_locked = fault.as_ref().is_some_and(|fault| {
                        fault.is_about_lock() || (reply.status == 401 && fault.says_locked())
                    });
                    let next = if is_locked && mode != Mode::Open {
                        None
                    } else {
                        self.next_mode(url, ask, mode, &reply, &mut spent, is_nonce_old).await?
                    };
                    is_nonce_old = false;
                    was_asked |= mode == Mode::Open;
                    match next {
                        Some(next) => mode = next,
                        None => {
                            let has_said_why = fault.is_some() || reply.status == 403;
                            drop(first_sign_in);
                            return Err(self.refused(url, ask, is_locked, has_said_why).await);
                        }
                    }
                }
            }
        }
    }

    /// Decides whether one more attempt is safe, and how it is signed. `None` means that the password is wrong, or
    /// that this user may not do this.
    async fn next_mode(
        &self,
        url: &Url,
        ask: Ask<'_>,
        mode: Mode,
        reply: &Reply,
        spent: &mut Spent,
        is_nonce_old: bool,
    ) -> Result<Option<Mode>, Error> {
        let address = || label(url);
        let challenge = Challenge::best_of(&reply.challenges);
        let offers_digest = challenge.is_some();
        let is_stale = challenge.as_ref().is_some_and(Challenge::is_stale);
        if let Some(challenge) = challenge {
            self.state().challenge = Some(challenge);
        }
        if mode == Mode::Open {
            if self.credentials.is_none() {
                return Err(Error::PasswordNeeded { address: address() });
            }
            return match (offers_digest, ask) {
                (true, _) => Ok(Some(Mode::Digest)),
                (false, Ask::Soap(_)) => Ok(Some(Mode::Token)),
                (false, Ask::Picture) => Err(Error::PasswordInClear { address: address() }),
            };
        }
        if mode.digest() && offers_digest && (is_stale || is_nonce_old) && !spent.fresh_nonce {
            spent.fresh_nonce = true;
            return Ok(Some(mode));
        }
        let is_proven = self.is_proven();
        if mode == Mode::Digest && !offers_digest && !is_proven && !spent.other_mode {
            // HTTP let the digest pass, the service inside still asks: it wants the token as well.
            spent.other_mode = true;
            return Ok(matches!(ask, Ask::Soap(_)).then_some(Mode::Both));
        }
        if mode == Mode::Token && offers_digest && is_proven && !spent.other_mode {
            // The password is known to be right; this service wants it in the other form.
            spent.other_mode = true;
            return Ok(Some(Mode::Digest));
        }
        if mode.token() && !spent.clock {
            spent.clock = true;
            return Ok(self.clock_was_wrong(reply).await.then_some(mode));
        }
        Ok(None)
    }

    /// Reads the clock again; whether that gave another time than the refused request was signed with.
    async fn clock_was_wrong(&self, reply: &Reply) -> bool {
        let before = self.offset_us();
        let now = self.read_clock().await.ok().and_then(|(offset_us, _)| offset_us);
        let by_header = reply.date_us.map(|date_us| date_us - self.settings.clock.now().0);
        // A camera that names its local time UTC repeats that, but its HTTP header may tell the truth.
        let by_header = by_header.filter(|after| is_zone_error(before, *after));
        let after = now.filter(|after| clock_differs(before, *after)).or(by_header);
        if let Some(after) = after {
            tracing::debug!(address = label(&self.origin), offset_us = after, "camera clock read again");
            self.state().offset_us = Some(after);
        }
        after.is_some()
    }

    async fn send(&self, url: &Url, ask: Ask<'_>, mode: Mode, limits: Limits) -> Result<Reply, Error> {
        let credentials = self.credentials.as_ref().filter(|_| mode != Mode::Open);
        let security = match credentials {
            Some(credentials) if mode.token() => {
                let now_us = self.settings.clock.now().0;
                let created = UnixMicros(now_us.saturating_add(self.offset_us().unwrap_or(0)));
                security_header(credentials, rand::rng().random(), created)
            }
            Some(_) | None => String::new(),
        };
        let envelope;
        let payload = match ask {
            Ask::Soap(operation) => {
                envelope = operation.envelope(&security);
                Payload::Soap { action: &operation.action, envelope: &envelope }
            }
            Ask::Picture => Payload::Get,
        };
        let authorization = match credentials {
            Some(credentials) if mode.digest() => {
                let mut state = self.state();
                state.challenge.as_mut().and_then(|challenge| challenge.answer(credentials, url, payload))
            }
            Some(_) | None => None,
        };
        self.exchange(url, payload, authorization, limits).await
    }

    fn accepted(&self, url: &Url, ask: Ask<'_>, mode: Mode, was_asked: bool) {
        if mode != Mode::Open {
            let mut state = self.state();
            if let Ask::Soap(operation) = ask {
                state.mode = mode;
                if was_asked && operation.name.starts_with("Get") && state.touchstone.is_none() {
                    state.touchstone = Some((url.clone(), operation.clone()));
                }
            }
            state.proven = true;
            state.refusals = 0;
        }
    }

    /// Finds out what a refusal means. A password that was never accepted is wrong; one that was is checked with an
    /// operation that it opened before, if the camera has said more than "401", which also stands for "too many
    /// connections".
    async fn refused(&self, url: &Url, ask: Ask<'_>, is_locked: bool, has_said_why: bool) -> Error {
        let (is_proven, touchstone) = {
            let mut state = self.state();
            // Some cameras keep pictures from accounts that may do everything else; that says nothing of the password.
            if matches!(ask, Ask::Soap(_)) || !state.proven {
                state.refusals += 1;
            }
            (state.proven, state.touchstone.clone())
        };
        if is_locked {
            return Error::LockedOut { address: label(url), user: self.user() };
        }
        if !is_proven {
            return self.not_authorized(url);
        }
        let not_allowed =
            || Error::NotAllowed { address: label(url), user: self.user(), operation: ask.name().to_owned() };
        if matches!(ask, Ask::Picture) {
            return not_allowed();
        }
        if let Some((at, operation)) =
            touchstone.filter(|(_, known)| has_said_why && known.name != ask.name())
        {
            let mode = self.state().mode;
            let reply = self.send(&at, Ask::Soap(&operation), mode, self.limits()).await;
            if reply.is_ok_and(|reply| judge(&at, operation.name, reply).is_ok()) {
                self.state().refusals = 0;
                return not_allowed();
            }
        }
        if self.state().refusals >= REFUSALS_MAX {
            return self.not_authorized(url);
        }
        Error::RefusedForNow { address: label(url) }
    }

    fn stop_if_refused(&self, url: &Url) -> Result<(), Error> {
        let state = self.state();
        let is_over = state.refusals >= if state.proven { REFUSALS_MAX } else { 1 };
        drop(state);
        if is_over { Err(self.not_authorized(url)) } else { Ok(()) }
    }

    fn remember_move(&self, from: &Url, to: &Url) {
        let mut state = self.state();
        state.moved.retain(|(known, _)| known != from);
        if state.moved.len() < MOVED_MAX {
            state.moved.push((from.clone(), to.clone()));
        }
    }

    fn not_authorized(&self, url: &Url) -> Error {
        Error::NotAuthorized { address: label(url), user: self.user() }
    }

    fn user(&self) -> String {
        self.credentials.as_ref().map(|known| known.user().to_owned()).unwrap_or_default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is plain values, whole after every statement, so a panic elsewhere cannot have torn it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a signed request asks for.
#[derive(Clone, Copy)]
enum Ask<'a> {
    /// An operation of a service.
    Soap(&'a Operation),
    /// A still picture.
    Picture,
}

impl Ask<'_> {
    /// How the first request is signed, on a camera that is signed in to in this way: a picture has no place for a
    /// token.
    fn first_mode(self, known: Mode) -> Mode {
        match self {
            Self::Soap(_) => known,
            Self::Picture if known.digest() => Mode::Digest,
            Self::Picture => Mode::Open,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Soap(operation) => operation.name,
            Self::Picture => "snapshot",
        }
    }
}

/// Reads arbitrary text as a challenge.
pub(crate) fn fuzz_challenge(text: &str) {
    digest::fuzz_challenge(text);
}
