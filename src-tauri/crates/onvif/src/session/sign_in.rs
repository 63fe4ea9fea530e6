//! Signing in: in which form a camera wants the password, what a refusal means, and how often a password is sent.
//!
//! Cameras lock accounts after a few wrong passwords, and some lock out the whole computer. So:
//!
//! - Nothing made from the password is sent before the camera has asked for it.
//! - A password that the camera has never accepted in this session is sent once, by one call at a time, and after its
//!   refusal never again: every later call is [`Error::NotAuthorized`] without a request. It is sent a second time only
//!   if the first request was wrong in itself: a nonce that the camera calls old, a clock that was read wrongly, a
//!   service behind HTTP Digest that wants the token as well.
//! - A refusal of a password that was accepted before does not mean that it is wrong: cameras answer "401" when the
//!   account lacks a right, and when they have too many connections. The touchstone tells these apart, an operation
//!   that the camera refused without the password and allowed with it. If it is still allowed, the account lacks the
//!   right ([`Error::NotAllowed`]), and nothing is counted; its success also ends what the camera may count.
//! - If the touchstone is refused too, the camera is left alone: for [`PAUSE`] every call is [`Error::RefusedForNow`]
//!   without a request. Then a single call sends the touchstone, and nothing else, once. Is that refused again, the
//!   pause grows; after [`ROUNDS_MAX`] rounds, which take minutes, the password has been changed at the camera, and all
//!   is [`Error::NotAuthorized`]. That makes at most five requests with a password that has become wrong.
//! - The touchstone is first sent without the password where the camera wants HTTP Digest, for a fresh nonce.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use url::Url;

use super::{
    Ask, Service, Session,
    clock::{clock_differs, is_zone_error},
    digest::Challenge,
    reply::{Refusal, judge},
};
use crate::{Error, address::label, http::Reply, soap::Operation};

/// So many rounds of refusals mean that the password is wrong now.
const ROUNDS_MAX: u32 = 3;
/// How long the camera is left alone after the first round.
const PAUSE: Duration = Duration::from_secs(30);
/// By how much each pause is longer than the one before.
const PAUSE_GROWTH: u32 = 8;
/// How long it is left alone after it has said that the account is locked: an attempt may start the lock anew.
const PAUSE_LOCKED: Duration = Duration::from_secs(1800);
/// Operations that are remembered as allowed.
const ALLOWED_MAX: usize = 128;

/// A challenge that several calls may answer.
pub(super) type Shared = Arc<Mutex<Challenge>>;

/// How requests are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
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
    pub(super) fn token(self) -> bool {
        matches!(self, Self::Token | Self::Both)
    }

    pub(super) fn digest(self) -> bool {
        matches!(self, Self::Digest | Self::Both)
    }
}

/// How one service is signed in to: cameras whose services are different programs want different ways.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Way {
    /// What it has accepted.
    mode: Option<Mode>,
    /// Whether another way than the accepted one was tried with a password that is known to be right; that is done
    /// once, for a service may refuse for other reasons.
    has_tried_other: bool,
}

impl Way {
    /// The way of a part, which may be another program still.
    pub(super) fn of_part(self) -> Self {
        Self { has_tried_other: false, ..self }
    }
}

/// An operation that the camera refused without a password and allowed with it: whether it is still allowed tells
/// missing rights from a sign-in that is refused altogether.
#[derive(Clone, Debug)]
pub(super) struct Touchstone {
    url: Url,
    operation: Operation,
    mode: Mode,
}

/// How long the camera has refused a password that it had accepted before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refused {
    /// How often the touchstone was refused, each time after a pause.
    rounds: u32,
    /// Until when the camera is left alone, on the monotonic clock.
    until: Duration,
}

/// How the next request of a call is signed, and which second attempts it has used up.
pub(super) struct Attempt {
    pub(super) mode: Mode,
    /// The challenge that this call answers. It is the call's own: another call that gets a newer one meanwhile must
    /// not take it away, for many cameras give each nonce for one use.
    pub(super) challenge: Option<Shared>,
    /// Whether the nonce is from an earlier call.
    pub(super) is_nonce_old: bool,
    /// Whether the camera has asked for a sign-in.
    pub(super) was_asked: bool,
    has_fresh_nonce: bool,
    has_read_clock: bool,
    has_other_mode: bool,
    /// What was known of the camera's clock before something else than its own word overruled it.
    overruled: Option<Option<i64>>,
}

/// What the touchstone says.
enum Verdict {
    LetsIn,
    Refuses,
    /// The camera gave no answer to go by.
    Unclear,
}

impl Session {
    /// How a call to `service` begins.
    pub(super) fn first_attempt(&self, service: &Service, ask: Ask<'_>) -> Attempt {
        let known = service.way().mode;
        let state = self.state();
        let mode = ask.first_mode(known.unwrap_or(state.mode));
        Attempt {
            mode,
            challenge: state.challenge.clone(),
            is_nonce_old: mode.digest(),
            was_asked: false,
            has_fresh_nonce: false,
            has_read_clock: false,
            has_other_mode: false,
            overruled: None,
        }
    }

    /// Decides whether one more attempt is safe, and how it is signed. `None` means that the password is wrong, or
    /// that this user may not do this.
    pub(super) async fn next_mode(
        &self,
        service: &Service,
        url: &Url,
        ask: Ask<'_>,
        attempt: &mut Attempt,
        reply: &Reply,
        is_fault: bool,
    ) -> Result<Option<Mode>, Error> {
        let address = || label(url);
        let mode = attempt.mode;
        let challenge = Challenge::best_of(&reply.challenges);
        let offers_digest = challenge.is_some();
        let is_stale = challenge.as_ref().is_some_and(Challenge::is_stale);
        if let Some(challenge) = challenge {
            let challenge = Arc::new(Mutex::new(challenge));
            self.state().challenge = Some(Arc::clone(&challenge));
            attempt.challenge = Some(challenge);
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
        let is_retry_due = is_stale || attempt.is_nonce_old;
        if mode.digest() && offers_digest && is_retry_due && !attempt.has_fresh_nonce {
            attempt.has_fresh_nonce = true;
            return Ok(Some(mode));
        }
        if let Some(other) = self.other_mode(ask, mode, offers_digest, is_fault)
            && !attempt.has_other_mode
            && (!self.is_proven() || !std::mem::replace(&mut service.way().has_tried_other, true))
        {
            attempt.has_other_mode = true;
            return Ok(Some(other));
        }
        if mode.token() && !attempt.has_read_clock {
            attempt.has_read_clock = true;
            return Ok(self.clock_was_wrong(attempt, reply.date_us).await.then_some(mode));
        }
        Ok(None)
    }

    /// In which other form this service may want the password.
    fn other_mode(&self, ask: Ask<'_>, mode: Mode, offers_digest: bool, is_fault: bool) -> Option<Mode> {
        let is_proven = self.is_proven();
        match mode {
            // HTTP let the digest pass, and the service inside asks for the token; a password that is known to be
            // right is sent to it only if the service itself has spoken.
            Mode::Digest if !offers_digest && (is_fault || !is_proven) => {
                matches!(ask, Ask::Soap(_)).then_some(Mode::Both)
            }
            // The password is known to be right; this service wants it in the other form.
            Mode::Token if offers_digest && is_proven => Some(Mode::Digest),
            Mode::Open | Mode::Token | Mode::Digest | Mode::Both => None,
        }
    }

    /// Reads the clock again; whether there is another time to sign with than the refused request had.
    async fn clock_was_wrong(&self, attempt: &mut Attempt, date_us: Option<i64>) -> bool {
        let before = self.offset_us();
        if self.clock_was_set().await {
            return true;
        }
        let ours_us = self.settings.clock.now().0;
        let mut state = self.state();
        // A camera that names its local time UTC repeats that, but its HTTP header may tell the truth.
        let by_header = date_us.map(|date_us| date_us - ours_us);
        let is_repeated = by_header.is_none_or(|by_header| !clock_differs(before, by_header));
        let by_header = by_header.filter(|after| is_zone_error(before, *after));
        // Without a header, or with one that repeats the same, our own time is the best guess, once.
        let is_zone = before.is_some() && is_zone_error(before, 0);
        let by_own = (is_repeated && is_zone && !state.has_tried_own_time).then_some(0);
        let Some(after) = by_header.or(by_own) else { return false };
        state.has_tried_own_time |= by_header.is_none();
        state.offset_us = Some(after);
        attempt.overruled = Some(before);
        tracing::debug!(address = label(&self.origin), offset_us = after, "camera clock overruled");
        true
    }

    /// Reads the clock again; whether it says another time than was known, and is not known to be wrong.
    async fn clock_was_set(&self) -> bool {
        let read = self.read_clock().await.ok().and_then(|reading| reading.offset_us);
        let mut state = self.state();
        let is_new = |after: &i64| {
            let is_believed = state.disbelieved_us.is_none_or(|lie| clock_differs(Some(lie), *after));
            is_believed && clock_differs(state.offset_us, *after)
        };
        let Some(after) = read.filter(is_new) else { return false };
        tracing::debug!(address = label(&self.origin), offset_us = after, "camera clock read again");
        state.offset_us = Some(after);
        true
    }

    /// Remembers what the camera has accepted. `is_obeyed` is false if it let us in and refused for another reason.
    pub(super) fn accepted(
        &self,
        service: &Service,
        url: &Url,
        ask: Ask<'_>,
        attempt: &Attempt,
        is_obeyed: bool,
    ) {
        let mode = attempt.mode;
        if mode == Mode::Open {
            return;
        }
        let before = match ask {
            Ask::Soap(_) => service.way().mode.replace(mode),
            Ask::Picture => None,
        };
        let mut state = self.state();
        if let Ask::Soap(operation) = ask {
            // The first way that was accepted is where further services begin, until its own service leaves it.
            if state.mode == Mode::Open || before == Some(state.mode) {
                state.mode = mode;
            }
            let is_new = !state.allowed.contains(&operation.name);
            if is_obeyed && is_new && state.allowed.len() < ALLOWED_MAX {
                state.allowed.push(operation.name);
            }
            let is_question = operation.name.starts_with("Get");
            if is_obeyed && attempt.was_asked && is_question && state.touchstone.is_none() {
                let operation = operation.clone();
                state.touchstone = Some(Touchstone { url: url.clone(), operation, mode });
            }
        }
        if let Some(lie) = attempt.overruled {
            state.disbelieved_us = lie;
        }
        state.proven = true;
        if is_obeyed {
            state.refused = None;
        }
    }

    /// Finds out what a refusal means, and remembers it.
    pub(super) async fn refused(
        &self,
        url: &Url,
        ask: Ask<'_>,
        attempt: &Attempt,
        is_locked: bool,
        has_said_why: bool,
    ) -> Error {
        let (is_proven, touchstone, was_allowed) = {
            let mut state = self.state();
            if let Some(before) = attempt.overruled {
                state.offset_us = before;
            }
            state.is_wrong |= !state.proven;
            let was_allowed = matches!(ask, Ask::Soap(_)) && state.allowed.contains(&ask.name());
            (state.proven, state.touchstone.clone(), was_allowed)
        };
        if is_locked {
            if is_proven {
                self.leave_alone(PAUSE_LOCKED);
            }
            return Error::LockedOut { address: label(url), user: self.user() };
        }
        if !is_proven {
            return self.not_authorized(url);
        }
        // Some cameras keep pictures from accounts that may do everything else.
        let touchstone = touchstone.filter(|touchstone| touchstone.operation.name != ask.name());
        let verdict = match touchstone {
            Some(touchstone) => {
                let _only_one = self.probing.lock().await;
                // Another call may have found out meanwhile that the camera refuses everything.
                if self.state().refused.is_some() { Verdict::Refuses } else { self.ask(&touchstone).await }
            }
            None => Verdict::Refuses,
        };
        match verdict {
            Verdict::LetsIn => {
                self.state().refused = None;
                if was_allowed && !has_said_why {
                    return Error::RefusedForNow { address: label(url) };
                }
                let (address, operation) = (label(url), ask.name().to_owned());
                Error::NotAllowed { address, user: self.user(), operation }
            }
            Verdict::Refuses => {
                self.count_round();
                self.refusal(url)
            }
            Verdict::Unclear => {
                self.leave_alone(PAUSE);
                self.refusal(url)
            }
        }
    }

    /// Called before every request that is made from the password.
    pub(super) async fn stop_if_refused(&self, url: &Url) -> Result<(), Error> {
        if !self.has_refused() {
            return Ok(());
        }
        let Ok(_only_one) = self.probing.try_lock() else { return Err(self.refusal(url)) };
        // Another call may have found out more since.
        let (is_wrong, refused, touchstone) = {
            let state = self.state();
            (state.is_wrong, state.refused, state.touchstone.clone())
        };
        let now = self.settings.clock.monotonic();
        match refused {
            None if !is_wrong => return Ok(()),
            Some(refused) if !is_wrong && refused.rounds < ROUNDS_MAX && now >= refused.until => {}
            Some(_) | None => return Err(self.refusal(url)),
        }
        let Some(touchstone) = touchstone else {
            // Nothing cheaper is known than this call itself. It counts as refused until it is accepted.
            self.count_round();
            return Ok(());
        };
        match self.ask(&touchstone).await {
            Verdict::LetsIn => {
                self.state().refused = None;
                Ok(())
            }
            Verdict::Refuses => {
                self.count_round();
                Err(self.refusal(url))
            }
            Verdict::Unclear => {
                self.leave_alone(PAUSE);
                Err(self.refusal(url))
            }
        }
    }

    /// Asks what the camera has allowed before, with one request that carries the password.
    async fn ask(&self, touchstone: &Touchstone) -> Verdict {
        let Touchstone { url, operation, mode } = touchstone;
        let ask = Ask::Soap(operation);
        let mut challenge = None;
        if mode.token() {
            // A camera that has just started may have set its clock since.
            self.clock_was_set().await;
        }
        if mode.digest() {
            let Ok(reply) = self.send(url, ask, Mode::Open, None, self.limits()).await else {
                return Verdict::Unclear;
            };
            challenge = Challenge::best_of(&reply.challenges).map(Mutex::new);
            if challenge.is_none() {
                // A camera that asks for nothing any more lets us in; one that is too busy to ask is not bothered.
                let is_open = judge(url, operation.name, reply).is_ok();
                return if is_open { Verdict::LetsIn } else { Verdict::Unclear };
            }
        }
        let Ok(reply) = self.send(url, ask, *mode, challenge.as_ref(), self.limits()).await else {
            return Verdict::Unclear;
        };
        match judge(url, operation.name, reply) {
            Ok(_) | Err(Refusal::Other(Error::Fault { .. })) => Verdict::LetsIn,
            Err(Refusal::SignIn { .. }) => Verdict::Refuses,
            Err(Refusal::Other(_)) => Verdict::Unclear,
        }
    }

    /// Counts a round of refusals, unless another call has just done so.
    fn count_round(&self) {
        let now = self.settings.clock.monotonic();
        let mut state = self.state();
        let rounds = match state.refused {
            Some(refused) if now < refused.until => return,
            Some(refused) => refused.rounds + 1,
            None => 1,
        };
        let pause = PAUSE * PAUSE_GROWTH.pow(rounds.saturating_sub(1).min(ROUNDS_MAX));
        state.refused = Some(Refused { rounds, until: now + pause });
    }

    /// Sends the camera nothing for `pause`, without counting a round.
    fn leave_alone(&self, pause: Duration) {
        let until = self.settings.clock.monotonic() + pause;
        let mut state = self.state();
        let rounds = state.refused.map_or(0, |refused| refused.rounds);
        state.refused = Some(Refused { rounds, until });
    }

    fn has_refused(&self) -> bool {
        let state = self.state();
        state.is_wrong || state.refused.is_some()
    }

    /// What to say while the camera refuses a password that it had accepted.
    fn refusal(&self, url: &Url) -> Error {
        let is_over = {
            let state = self.state();
            state.is_wrong || state.refused.is_some_and(|refused| refused.rounds >= ROUNDS_MAX)
        };
        if is_over { self.not_authorized(url) } else { Error::RefusedForNow { address: label(url) } }
    }
}
