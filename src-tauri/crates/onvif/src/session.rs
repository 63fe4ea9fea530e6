//! One conversation with one camera: which host answers, what its clock says, and at which of its addresses each service
//! is. How it wants a password, and how often one is sent, is in `sign_in`.

mod captured;
mod clock;
mod digest;
mod reply;
mod sign_in;

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use hausrecht_model::UnixMicros;
use rand::Rng;
use url::Url;

use crate::{
    CertificatePin, Credentials, Error, Settings,
    address::{candidates, label},
    http::{Http, Limits, Payload, Reply},
    session::{
        digest::Challenge,
        reply::{Refusal, judge, read_body, redirection},
        sign_in::{Mode, Refused, Shared, Touchstone, Way},
    },
    signature::security_header,
    soap::{Operation, PullLimits},
    xml::Element,
};

/// A service of the camera: where it may be, best first, which of these has answered, and how it wants to be signed in
/// to.
#[derive(Debug)]
pub(crate) struct Service {
    candidates: Vec<Url>,
    chosen: AtomicUsize,
    /// Whether the chosen one is known to be the service.
    is_chosen: AtomicBool,
    way: Arc<Mutex<Way>>,
}

impl Service {
    /// The service that the camera says is at `said`.
    pub(crate) fn new(answered: &Url, said: &str) -> Self {
        Self {
            candidates: candidates(answered, said),
            chosen: AtomicUsize::new(0),
            is_chosen: AtomicBool::new(false),
            way: Arc::default(),
        }
    }

    /// The same service for somebody else: what one learns of signing in the other knows.
    pub(crate) fn again(&self) -> Self {
        Self {
            candidates: self.candidates.clone(),
            chosen: AtomicUsize::new(self.chosen.load(Ordering::Relaxed)),
            is_chosen: AtomicBool::new(self.is_chosen.load(Ordering::Relaxed)),
            way: Arc::clone(&self.way),
        }
    }

    /// As [`Service::new`], for a part of this service: at first it is signed in to as this one is.
    pub(crate) fn beside(&self, answered: &Url, said: &str) -> Self {
        Self { way: Arc::new(Mutex::new(self.way().of_part())), ..Self::new(answered, said) }
    }

    fn choose(&self, index: usize, is_sure: bool) {
        self.chosen.store(index, Ordering::Relaxed);
        self.is_chosen.fetch_or(is_sure, Ordering::Relaxed);
    }

    fn way(&self) -> MutexGuard<'_, Way> {
        // Plain values, whole after every statement.
        self.way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was learned about the camera so far.
#[derive(Debug)]
struct State {
    /// How a service is signed in to at first; each keeps its own way then.
    mode: Mode,
    /// The newest challenge. All calls that answer it count its uses together.
    challenge: Option<Shared>,
    /// Camera time minus our time.
    offset_us: Option<i64>,
    /// A reading of the camera's clock that turned out to be wrong.
    disbelieved_us: Option<i64>,
    /// Whether it was tried to sign with our own time against what the camera says.
    has_tried_own_time: bool,
    /// Whether the camera has ever accepted the password.
    proven: bool,
    /// Whether the camera has refused a password that it had never accepted.
    is_wrong: bool,
    /// Set while the camera refuses the password although it had accepted it before.
    refused: Option<Refused>,
    touchstone: Option<Touchstone>,
    /// Operations that were allowed with the password.
    allowed: Vec<&'static str>,
    /// What the camera has said of its limits for pulls.
    pull_limits: Option<PullLimits>,
    /// Where the camera has redirected to, on the host that answers.
    moved: Vec<(Url, Url)>,
}

impl State {
    fn new() -> Self {
        Self {
            mode: Mode::Open,
            challenge: None,
            offset_us: None,
            disbelieved_us: None,
            has_tried_own_time: false,
            proven: false,
            is_wrong: false,
            refused: None,
            touchstone: None,
            allowed: Vec::new(),
            pull_limits: None,
            moved: Vec::new(),
        }
    }
}

/// Redirections that are remembered.
const MOVED_MAX: usize = 16;

/// The conversation.
#[derive(Debug)]
pub(crate) struct Session {
    http: Http,
    origin: Url,
    is_service: bool,
    credentials: Option<Credentials>,
    pub(crate) settings: Settings,
    state: Mutex<State>,
    /// Held by the one call that sends a password which the camera has not accepted yet.
    first_sign_in: tokio::sync::Mutex<()>,
    /// Held by the one call that finds out whether the camera lets us in again.
    probing: tokio::sync::Mutex<()>,
}

impl Session {
    /// Reaches the camera at `origin`: reads its clock without signing, so that nothing secret is sent yet.
    pub(crate) async fn reach(
        origin: Url,
        credentials: Option<Credentials>,
        settings: Settings,
    ) -> Result<Self, Error> {
        let mut session = Self {
            http: Http::new(&settings, settings.pin)?,
            origin,
            is_service: false,
            credentials,
            settings,
            state: Mutex::new(State::new()),
            first_sign_in: tokio::sync::Mutex::default(),
            probing: tokio::sync::Mutex::default(),
        };
        let mut reading = session.read_clock().await?;
        if let Some(moved) = reading.moved {
            session.origin = moved;
            reading = session.read_clock().await?;
            if reading.moved.is_some() {
                let address = label(&session.origin);
                return Err(Error::NotOffered {
                    address,
                    what: "its device service: it redirects in a circle".to_owned(),
                });
            }
        }
        session.is_service = reading.is_service;
        session.state().offset_us = reading.offset_us;
        Ok(session)
    }

    /// The device service that answers.
    pub(crate) fn origin(&self) -> &Url {
        &self.origin
    }

    /// Whether a device service answered there, and not some other web server.
    pub(crate) fn is_service(&self) -> bool {
        self.is_service
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

    /// What the camera has said of its limits for pulls when it last refused one, since the last call of this.
    pub(crate) fn take_pull_limits(&self) -> Option<PullLimits> {
        self.state().pull_limits.take()
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

    /// Asks at the address that is known to be the service's, and as long as none is, at one after the other.
    async fn first_that_answers<'s>(
        &self,
        service: &'s Service,
        ask: Ask<'_>,
        limits: Limits,
    ) -> Result<(&'s Url, Reply), Error> {
        let start = service.chosen.load(Ordering::Relaxed);
        let count = service.candidates.len();
        let is_chosen = service.is_chosen.load(Ordering::Relaxed);
        let mut first_error = None;
        let mut is_somebody_there = false;
        for index in (start..count).chain(0..start) {
            let url = &service.candidates[index];
            let error = match self.signed(service, url, ask, limits).await {
                Ok(reply) => {
                    service.choose(index, true);
                    return Ok((url, reply));
                }
                Err(error) => error,
            };
            let is_absent = matches!(error, Error::Unreachable { .. } | Error::Status { status: 404, .. });
            // A web server at the camera's other port answers so.
            let is_strange = !is_chosen
                && matches!(
                    error,
                    Error::ClosedEarly { .. }
                        | Error::Unreadable { .. }
                        | Error::Status { status: 400 | 405 | 501, .. }
                );
            let is_fault = matches!(error, Error::Fault { .. });
            if is_absent || is_strange {
                is_somebody_there |= is_strange;
                first_error.get_or_insert(error);
            } else if !(is_fault && is_somebody_there) {
                // Otherwise the one address failed to do what the other does not know at all.
                service.choose(index, is_fault || matches!(error, Error::NotAllowed { .. }));
                return Err(error);
            }
        }
        Err(first_error.unwrap_or_else(|| Error::NotOffered {
            address: label(&self.origin),
            what: "an address for this".to_owned(),
        }))
    }

    /// Sends until the camera is content or a further attempt would risk the account.
    async fn signed(
        &self,
        service: &Service,
        url: &Url,
        ask: Ask<'_>,
        limits: Limits,
    ) -> Result<Reply, Error> {
        let moved = self.state().moved.iter().find(|(from, _)| from == url).map(|(_, to)| to.clone());
        let mut target = moved.unwrap_or_else(|| url.clone());
        let mut is_redirected = false;
        let mut first_sign_in = None;
        let mut attempt = self.first_attempt(service, ask);
        loop {
            if attempt.mode != Mode::Open {
                if !self.is_proven() && first_sign_in.is_none() {
                    first_sign_in = Some(self.first_sign_in.lock().await);
                    // Whoever signed in meanwhile may have used the nonce up.
                    attempt.is_nonce_old |= self.is_proven();
                }
                self.stop_if_refused(url).await?;
            }
            let challenge = attempt.challenge.as_deref();
            let reply = self.send(&target, ask, attempt.mode, challenge, limits).await?;
            if let Some(to) = redirection(&target, &reply).filter(|_| !is_redirected) {
                // Nothing made from the password goes along: the new place has to ask for it itself.
                is_redirected = true;
                self.remember_move(url, &to);
                target = to;
                attempt.mode = Mode::Open;
                continue;
            }
            if ask.name() == "PullMessages"
                && let Some(limits) = PullLimits::read(&reply.body)
            {
                self.state().pull_limits = Some(limits);
            }
            match judge(url, ask.name(), reply) {
                Ok(reply) => {
                    self.accepted(service, &target, ask, &attempt, true);
                    return Ok(reply);
                }
                Err(Refusal::Other(error)) => {
                    // A camera that complains about something else has let us in.
                    if matches!(error, Error::Fault { .. }) {
                        self.accepted(service, &target, ask, &attempt, false);
                    }
                    return Err(error);
                }
                Err(Refusal::SignIn { fault, reply }) => {
                    let is_locked = fault.as_ref().is_some_and(|fault| {
                        fault.is_about_lock() || (reply.status == 401 && fault.says_locked())
                    });
                    let has_said_why = fault.is_some() || reply.status == 403;
                    let next = if is_locked && attempt.mode != Mode::Open {
                        None
                    } else {
                        self.next_mode(service, url, ask, &mut attempt, &reply, fault.is_some()).await?
                    };
                    attempt.is_nonce_old = false;
                    attempt.was_asked |= attempt.mode == Mode::Open;
                    match next {
                        Some(next) => attempt.mode = next,
                        None => {
                            // Who waits for the first sign-in goes on only when its refusal is remembered.
                            let refused = self.refused(url, ask, &attempt, is_locked, has_said_why).await;
                            drop(first_sign_in);
                            return Err(refused);
                        }
                    }
                }
            }
        }
    }

    async fn send(
        &self,
        url: &Url,
        ask: Ask<'_>,
        mode: Mode,
        challenge: Option<&Mutex<Challenge>>,
        limits: Limits,
    ) -> Result<Reply, Error> {
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
            Some(credentials) if mode.digest() => challenge.and_then(|challenge| {
                let mut challenge = challenge.lock().unwrap_or_else(PoisonError::into_inner);
                challenge.answer(credentials, url, payload)
            }),
            Some(_) | None => None,
        };
        self.exchange(url, payload, authorization, limits).await
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
