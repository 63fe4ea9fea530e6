//! A camera's events: one pull-point subscription and what arrives through it.

mod message;
mod sieve;

use std::{sync::Arc, time::Duration};

use hausrecht_model::UnixMicros;
use uuid::Uuid;

use crate::{
    Error,
    address::label,
    events::sieve::Sieve,
    http::Limits,
    session::{Service, Session},
    soap::{self, ns},
    topics::{Meaning, Override, meaning_with},
    xml::Element,
};

/// How much longer than the pull itself the client waits.
const PULL_GRACE: Duration = Duration::from_secs(10);
/// Messages asked for at once.
const MESSAGES_MAX: usize = 100;
/// Messages asked for at once after a camera has refused without saying what it accepts.
const MESSAGES_FEW: usize = 10;
/// How long it is waited before a Renew that got lost is sent again.
const RENEW_AGAIN: Duration = Duration::from_secs(10);
/// An empty answer that comes sooner than this was not held at all.
const NOT_HELD: Duration = Duration::from_millis(250);
/// After so many of those in a row the next pull is held back here.
const NOT_HELD_MAX: u32 = 3;
/// For how long.
const HOLD_BACK: Duration = Duration::from_secs(1);
/// How long a pull may take while states wait to be handed out.
const PULL_WHILE_WAITING: Duration = Duration::from_secs(1);
/// After this many connections in a row that close before an answer could come, the camera counts as gone.
const EARLY_CLOSES_MAX: u32 = 5;
/// A pull that was held this long before it closed is how some cameras work, and no failure.
const HELD: Duration = Duration::from_secs(2);
/// The shortest pull that is asked for.
const PULL_MIN: Duration = Duration::from_secs(1);
/// What is assumed when a camera does not say how long it keeps a subscription.
const LIFETIME_ASSUMED: Duration = Duration::from_secs(60);
/// Cameras tell their time in whole seconds: below this, their clock is as good as what is known of its error.
const OFFSET_SEEN_US: i64 = 1_500_000;
/// Where WS-BaseNotification keeps its actions.
const NOTIFICATION_SERVICE: &str = "http://docs.oasis-open.org/wsn/bw-2";

/// Whether a notification tells a first state, a change or an end of a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// The state at the time of the subscription: nothing happened just now.
    Initialized,
    /// The state changed.
    Changed,
    /// The property is gone.
    Deleted,
}

/// One thing that a camera reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// The topic without namespace prefixes, `RuleEngine/CellMotionDetector/Motion`.
    pub topic: String,
    /// First state, change or end; `None` for something that has no state.
    pub operation: Option<Operation>,
    /// When, in our time: the camera's time corrected by its clock offset, or the time of arrival.
    pub at: UnixMicros,
    /// Where: names and values, for example `VideoSourceToken`.
    pub source: Vec<(String, String)>,
    /// What: names and values, for example `IsMotion`.
    pub data: Vec<(String, String)>,
}

impl Notification {
    /// What this means in Hausrecht's own terms. A state that was already so ([`Operation::Initialized`]) has a
    /// meaning too; whether it is news is for the caller to say.
    pub fn meaning(&self) -> Meaning {
        self.meaning_with(&[])
    }

    /// As [`Notification::meaning`], after what the owner has said.
    pub fn meaning_with(&self, overrides: &[Override]) -> Meaning {
        let meaning = meaning_with(overrides, &self.topic, &self.data);
        let is_start_alone = self.operation.is_none() && meaning.active == Some(true);
        Meaning { is_momentary: meaning.is_momentary || is_start_alone, ..meaning }
    }
}

/// A subscription. It ends by itself at the camera when it is dropped without [`Subscription::unsubscribe`].
#[derive(Debug)]
pub struct Subscription {
    session: Arc<Session>,
    events: Service,
    /// Where the camera says that its events are, for `wsa:To`.
    said: String,
    point: Option<Point>,
    pull_timeout: Duration,
    messages_max: usize,
    early_closes: u32,
    /// Empty answers in a row that came at once.
    not_held: u32,
    sieve: Sieve,
    /// Whether to ask for all states after a subscription; not again once it was refused.
    synchronizes: bool,
}

/// What the camera has set up for one subscription.
#[derive(Debug)]
struct Point {
    service: Service,
    /// The address as the camera named it, for `wsa:To`: some cameras find the subscription by it.
    said: String,
    parameters: Vec<Element>,
    /// When to renew, on the monotonic clock; `None` after a refusal, and for good.
    renew_at: Option<Duration>,
    /// How long the camera keeps it without a sign of life.
    granted: Duration,
    has_answered: bool,
}

/// What came of a Renew.
struct Renewed {
    /// When to renew next; `None` after a refusal, and for good.
    again_at: Option<Duration>,
    /// What the camera has granted, if it has.
    granted: Option<Duration>,
}

impl Subscription {
    /// Subscribes with the event service `events`, which the camera says is at `said`.
    pub(crate) async fn open(session: Arc<Session>, events: Service, said: String) -> Result<Self, Error> {
        let pull_timeout = session.settings.pull_timeout;
        let sieve = Sieve::new(session.settings.clock.monotonic());
        let mut subscription = Self {
            session,
            events,
            said,
            point: None,
            pull_timeout,
            messages_max: MESSAGES_MAX,
            early_closes: 0,
            not_held: 0,
            sieve,
            synchronizes: true,
        };
        subscription.subscribe_anew().await?;
        Ok(subscription)
    }

    /// Waits for the next notifications; empty when none came within the pull, or when the camera closed it early. It
    /// renews, and subscribes anew once when the camera has forgotten the subscription. After an error the next call
    /// subscribes anew; the caller decides how long to wait before that.
    ///
    /// # Errors
    /// What the last attempt ended with; see [`Error::needs_a_person`].
    pub async fn next(&mut self) -> Result<Vec<Notification>, Error> {
        // The point stays in place while it is awaited, so that dropping this future loses no subscription.
        if let Some(point) = &self.point {
            let renewed = self.renewed_if_due(point).await;
            let pulled = match renewed {
                Ok(renewed) => {
                    if let (Some(point), Some(renewed)) = (&mut self.point, renewed) {
                        point.renew_at = renewed.again_at;
                        point.granted = renewed.granted.unwrap_or(point.granted);
                    }
                    self.pull_modestly().await
                }
                Err(error) => Err(error),
            };
            match pulled {
                Ok(messages) => return Ok(messages),
                Err(error @ (Error::Fault { .. } | Error::Status { .. } | Error::Unreachable { .. })) => {
                    tracing::debug!(%error, "subscription lost, subscribing anew");
                }
                // A camera with too many connections knows the subscription still.
                Err(error @ Error::RefusedForNow { .. }) => return Err(error),
                Err(error) => {
                    self.point = None;
                    return Err(error);
                }
            }
        }
        let lost = self.point.take();
        match (self.subscribe_anew().await, lost) {
            (Err(Error::Fault { .. } | Error::Status { .. }), Some(lost)) => {
                // Some cameras keep the lost subscription and have room for no other one. It is ended only now, because
                // on some that would end all others too.
                self.end(&lost).await;
                self.subscribe_anew().await?;
            }
            (result, _) => result?,
        }
        self.early_closes = 0;
        self.pull_modestly().await.inspect_err(|_| self.point = None)
    }

    /// How many notifications were dropped because the camera sent more than 50 a second; `None` if none were, or if
    /// that was told less than a minute ago. What was dropped is repetition: the last state of each source is kept and
    /// still comes.
    pub fn take_dropped(&mut self) -> Option<u64> {
        self.sieve.report(self.session.settings.clock.monotonic())
    }

    /// Ends the subscription at the camera; a refusal is no error, for it ends by itself.
    pub async fn unsubscribe(mut self) {
        if let Some(point) = self.point.take() {
            self.end(&point).await;
        }
    }

    async fn end(&self, point: &Point) {
        let action = format!("{NOTIFICATION_SERVICE}/SubscriptionManager/UnsubscribeRequest");
        let operation = soap::Operation::new(ns::NOTIFICATION, "Unsubscribe", "");
        if let Err(error) = self.call(point, operation, &action, self.session.limits()).await {
            tracing::debug!(%error, "unsubscribe");
        }
    }

    /// Subscribes, and asks for the states as they are: a camera that was away may have missed to tell an end.
    async fn subscribe_anew(&mut self) -> Result<(), Error> {
        let point = self.subscribe().await?;
        if self.synchronizes {
            let action = format!("{}/PullPointSubscription/SetSynchronizationPointRequest", ns::EVENTS);
            let operation = soap::Operation::new(ns::EVENTS, "SetSynchronizationPoint", "");
            if let Err(error) = self.call(&point, operation, &action, self.session.limits()).await {
                tracing::debug!(%error, "no synchronization point");
                self.synchronizes = false;
                if error.needs_a_person() {
                    return Err(error);
                }
            }
        }
        self.point = Some(point);
        Ok(())
    }

    async fn subscribe(&self) -> Result<Point, Error> {
        let lifetime = self.session.settings.subscription_lifetime.as_secs();
        let wish = format!("<InitialTerminationTime>PT{lifetime}S</InitialTerminationTime>");
        let body = match self.create(&wish).await {
            // Some cameras accept only a time of their own choice.
            Err(Error::Fault { .. } | Error::Status { status: 400 | 500, .. }) => self.create("").await?,
            result => result?,
        };
        let reference = body.find("SubscriptionReference");
        let said = reference.and_then(|reference| reference.text_at(&["Address"])).unwrap_or_default();
        if reference.is_none() {
            return Err(Error::Unreadable {
                address: label(self.session.origin()),
                operation: "CreatePullPointSubscription".to_owned(),
                reason: "it names no subscription".to_owned(),
            });
        }
        let parameters =
            ["ReferenceParameters", "ReferenceProperties"].iter().filter_map(|name| reference?.child(name));
        Ok(Point {
            service: self.events.beside(self.session.origin(), said),
            said: said.to_owned(),
            parameters: parameters.flat_map(|holder| holder.children.iter().cloned()).collect(),
            renew_at: Some(self.renew_at(granted(&body))),
            granted: granted(&body),
            has_answered: false,
        })
    }

    async fn create(&self, content: &str) -> Result<Element, Error> {
        let to = &self.said;
        let action = format!("{}/EventPortType/CreatePullPointSubscriptionRequest", ns::EVENTS);
        let operation = soap::Operation::new(ns::EVENTS, "CreatePullPointSubscription", content).addressed(
            to,
            &action,
            &Uuid::new_v4().to_string(),
            &[],
        );
        self.session.call(&self.events, &operation).await
    }

    /// Pulls, and asks for less if the camera refuses: for what it says that it accepts, at once; and without a word of
    /// that for half of the time and few messages, with the next subscription.
    async fn pull_modestly(&mut self) -> Result<Vec<Notification>, Error> {
        let refused = match self.pull().await {
            Err(error @ (Error::Fault { .. } | Error::Status { .. })) => error,
            result => return result,
        };
        let before = (self.pull_timeout, self.messages_max);
        if let Some(limits) = self.session.take_pull_limits() {
            let timeout = limits.timeout.unwrap_or(self.pull_timeout).max(PULL_MIN);
            self.pull_timeout = self.pull_timeout.min(timeout);
            self.messages_max = self.messages_max.min(limits.messages.unwrap_or(MESSAGES_FEW));
            if before != (self.pull_timeout, self.messages_max) {
                tracing::debug!(%refused, "asking for what the camera accepts");
                return self.pull().await;
            }
        } else if self.point.as_ref().is_some_and(|point| !point.has_answered) {
            self.pull_timeout = self.pull_timeout.min((self.pull_timeout / 2).max(Duration::from_secs(5)));
            self.messages_max = self.messages_max.min(MESSAGES_FEW);
        }
        Err(refused)
    }

    async fn pull(&mut self) -> Result<Vec<Notification>, Error> {
        if self.not_held >= NOT_HELD_MAX {
            // A camera that does not hold its pulls would be asked without a pause.
            tokio::time::sleep(HOLD_BACK).await;
        }
        let Some(point) = &self.point else { return Ok(Vec::new()) };
        let patience = if self.sieve.is_waiting() { PULL_WHILE_WAITING } else { self.pull_timeout };
        // A pull that outlives the subscription is refused by some cameras, and on others it never ends.
        let patience = patience.min(self.pull_timeout).min(point.granted / 2).max(PULL_MIN);
        let content = format!(
            "<Timeout>PT{}S</Timeout><MessageLimit>{}</MessageLimit>",
            patience.as_secs(),
            self.messages_max
        );
        let operation = soap::Operation::new(ns::EVENTS, "PullMessages", &content);
        let action = format!("{}/PullPointSubscription/PullMessagesRequest", ns::EVENTS);
        let limits = Limits { timeout: self.pull_timeout + PULL_GRACE, ..self.session.limits() };
        let clock = &self.session.settings.clock;
        let started = clock.monotonic();
        let asked_at = tokio::time::Instant::now();
        let body = match self.call(point, operation, &action, limits).await {
            Ok(body) => body,
            Err(error @ (Error::ClosedEarly { .. } | Error::TimedOut { .. })) => {
                let was_held = clock.monotonic().saturating_sub(started) >= HELD;
                let is_timeout = matches!(error, Error::TimedOut { .. });
                self.early_closes = if was_held && !is_timeout { 0 } else { self.early_closes + 1 };
                let now = clock.monotonic();
                return match self.early_closes {
                    EARLY_CLOSES_MAX.. => Err(error),
                    _ => Ok(self.sieve.pass(now, std::iter::empty())),
                };
            }
            Err(error) => return Err(error),
        };
        let arrived = clock.now();
        let offset_us = self.session.offset_us().filter(|offset| offset.abs() > OFFSET_SEEN_US).unwrap_or(0);
        self.early_closes = 0;
        self.point.iter_mut().for_each(|point| point.has_answered = true);
        let now = clock.monotonic();
        let is_empty = message::read_all(&body, arrived, offset_us).next().is_none();
        let was_held = asked_at.elapsed() >= NOT_HELD;
        self.not_held = if is_empty && !was_held { self.not_held + 1 } else { 0 };
        Ok(self.sieve.pass(now, message::read_all(&body, arrived, offset_us)))
    }

    /// Renews in the second half of the lifetime; `None` while that is not due. A camera that refuses is left alone:
    /// pulls keep it alive on many, and on the others the subscription is made anew when it has ended. A Renew that gets
    /// lost on the way is sent again.
    async fn renewed_if_due(&self, point: &Point) -> Result<Option<Renewed>, Error> {
        let now = self.session.settings.clock.monotonic();
        if point.renew_at.is_none_or(|at| now < at) {
            return Ok(None);
        }
        let lifetime = self.session.settings.subscription_lifetime.as_secs();
        let content = format!("<TerminationTime>PT{lifetime}S</TerminationTime>");
        let operation = soap::Operation::new(ns::NOTIFICATION, "Renew", &content);
        let action = format!("{NOTIFICATION_SERVICE}/SubscriptionManager/RenewRequest");
        let renewed = match self.call(point, operation, &action, self.session.limits()).await {
            Ok(body) => {
                let granted = granted(&body);
                Renewed { again_at: Some(self.renew_at(granted)), granted: Some(granted) }
            }
            Err(error) if error.needs_a_person() => return Err(error),
            Err(error @ (Error::Fault { .. } | Error::Status { status: 400..=499 | 501, .. })) => {
                tracing::debug!(%error, "renewing is refused");
                Renewed { again_at: None, granted: None }
            }
            Err(error) => {
                tracing::debug!(%error, "renewing failed");
                let now = self.session.settings.clock.monotonic();
                Renewed { again_at: Some(now + RENEW_AGAIN), granted: None }
            }
        };
        Ok(Some(renewed))
    }

    /// Half of what was granted, from now on.
    fn renew_at(&self, granted: Duration) -> Duration {
        let granted = granted.clamp(Duration::from_secs(10), Duration::from_secs(86_400));
        self.session.settings.clock.monotonic() + granted / 2
    }

    async fn call(
        &self,
        point: &Point,
        operation: soap::Operation,
        action: &str,
        limits: Limits,
    ) -> Result<Element, Error> {
        let id = Uuid::new_v4().to_string();
        let operation = operation.addressed(&point.said, action, &id, &point.parameters);
        match self.session.call_within(&point.service, &operation, limits).await {
            // An account that may subscribe may pull: the camera has other reasons, and they pass.
            Err(Error::NotAllowed { address, .. }) => Err(Error::RefusedForNow { address }),
            result => result,
        }
    }
}

/// How long an answer says that the camera keeps the subscription.
fn granted(body: &Element) -> Duration {
    let time = |name| body.find(name).and_then(|element| message::time(&element.text));
    match (time("CurrentTime"), time("TerminationTime")) {
        (Some(from), Some(to)) if to > from => to.since(from),
        _ => LIFETIME_ASSUMED,
    }
}

/// Reads the notifications in an arbitrary answer.
pub(crate) fn fuzz_messages(body: &Element, arrived: UnixMicros) -> Vec<Notification> {
    let mut sieve = Sieve::new(Duration::ZERO);
    sieve.pass(Duration::ZERO, message::read_all(body, arrived, 0))
}
