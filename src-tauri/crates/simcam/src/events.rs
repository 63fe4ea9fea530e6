//! What the camera reports: motion in step with the footage, kept for whoever holds a subscription.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use hausrecht_model::UnixMicros;
use tokio::sync::Notify;

use crate::{footage::Footage, lock::lock, loop_clock::LoopClock};

/// Events kept for subscribers that do not pull; older ones are lost to them.
const KEPT: usize = 4096;
/// The pause between two parts of a flood.
const FLOOD_STEP: Duration = Duration::from_millis(5);
/// How long the bell stays pressed.
const BELL: Duration = Duration::from_secs(1);

/// What a report is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Topic {
    /// Something moves or does not.
    Motion,
    /// The bell is pressed or is not; makers have topics of their own for it.
    Visitor,
    /// A relay, by its number from zero, is active or is not.
    Relay(usize),
    /// The digital input is on or off.
    Input,
}

/// One report.
#[derive(Clone, Debug)]
pub struct Report {
    /// When, by the camera's clock.
    pub at: UnixMicros,
    /// About what.
    pub topic: Topic,
    /// What it is now.
    pub on: bool,
    /// Whether this tells a new subscriber how things stand, and not of a change.
    pub initial: bool,
}

/// A subscription that does not exist, or no longer.
#[derive(Debug, PartialEq, Eq)]
pub struct UnknownSubscription;

/// All reports and those who wait for them.
#[derive(Debug)]
pub struct Events {
    clock: LoopClock,
    script: Vec<(Duration, Topic, bool)>,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    /// The number of the next report, from zero.
    next: u64,
    recent: VecDeque<(u64, Report)>,
    now: Vec<(Topic, bool)>,
    subscriptions: HashMap<u64, Subscription>,
    next_subscription: u64,
}

#[derive(Debug)]
struct Subscription {
    /// The first report not pulled yet.
    cursor: u64,
    /// By the loop clock.
    expires: Duration,
    /// Whether it is still to be told how things stand.
    greet: bool,
}

impl Events {
    /// The script of `footage`: motion spans and bells.
    pub fn new(footage: &Footage, clock: LoopClock) -> Self {
        let mut script = Vec::new();
        for span in &footage.moving {
            script.push((Duration::from_secs_f64(span.from_seconds), Topic::Motion, true));
            script.push((Duration::from_secs_f64(span.to_seconds), Topic::Motion, false));
        }
        let mut now = vec![(Topic::Motion, false)];
        for moment in footage.moments.iter().filter(|moment| moment.kind == "doorbell") {
            let at = Duration::from_secs_f64(moment.at_seconds);
            script.push((at, Topic::Visitor, true));
            script.push((at + BELL, Topic::Visitor, false));
        }
        if !footage.moments.is_empty() {
            now.push((Topic::Visitor, false));
        }
        let state = State {
            next: 0,
            recent: VecDeque::new(),
            now,
            subscriptions: HashMap::new(),
            next_subscription: 1,
        };
        Self { clock, script, state: Mutex::new(state), changed: Notify::new() }
    }

    /// Reports what the script says at the time it says, for ever.
    pub async fn follow_script(&self) {
        let mut done = self.clock.elapsed();
        loop {
            let due = self.script.iter().map(|&(at, topic, on)| (self.clock.next(at, done), topic, on));
            let Some((at, topic, on)) = due.min_by_key(|&(at, ..)| at) else { return };
            tokio::time::sleep(at.saturating_sub(self.clock.elapsed())).await;
            self.set(topic, on);
            done = at;
        }
    }

    /// Reports that `topic` is `on`, if it was not.
    pub fn set(&self, topic: Topic, on: bool) {
        let at = self.clock.camera_time();
        let mut state = self.lock();
        match state.now.iter_mut().find(|(known, _)| *known == topic) {
            Some((_, before)) if *before == on => return,
            Some((_, before)) => *before = on,
            None => state.now.push((topic, on)),
        }
        let number = state.next;
        state.next += 1;
        state.recent.push_back((number, Report { at, topic, on, initial: false }));
        if state.recent.len() > KEPT {
            state.recent.pop_front();
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Adds a topic that is off as yet.
    pub fn begin_with(&self, topic: Topic) {
        self.lock().now.push((topic, false));
    }

    /// Whether the camera reports `topic` at all.
    pub fn knows(&self, topic: Topic) -> bool {
        self.lock().now.iter().any(|(known, _)| *known == topic)
    }

    /// Reports changes of motion for ever, `a_second` of them.
    pub async fn flood(&self, a_second: u32) {
        let begin = self.clock.elapsed();
        let mut sent = 0_u64;
        let mut on = false;
        loop {
            tokio::time::sleep(FLOOD_STEP).await;
            let due = (self.clock.elapsed().saturating_sub(begin).as_secs_f64() * f64::from(a_second)) as u64;
            // After a stop of the program the flood goes on; it does not catch up.
            sent = sent.max(due.saturating_sub(u64::from(a_second)));
            while sent < due {
                on = !on;
                self.set(Topic::Motion, on);
                sent += 1;
            }
        }
    }

    /// Forgets every subscription, as a camera does that starts anew.
    pub fn forget_subscriptions(&self) {
        self.lock().subscriptions.clear();
        self.changed.notify_waiters();
    }

    /// How many subscriptions there are.
    pub fn subscriptions(&self) -> usize {
        let now = self.clock.elapsed();
        self.lock().subscriptions.values().filter(|subscription| subscription.expires > now).count()
    }

    /// How many subscriptions were ever made.
    pub fn subscriptions_made(&self) -> u64 {
        self.lock().next_subscription - 1
    }

    /// Begins a subscription that ends after `span` unless renewed; returns its number.
    pub fn subscribe(&self, span: Duration) -> u64 {
        let now = self.clock.elapsed();
        let mut state = self.lock();
        state.subscriptions.retain(|_, subscription| subscription.expires > now);
        let number = state.next_subscription;
        state.next_subscription += 1;
        let cursor = state.next;
        state.subscriptions.insert(number, Subscription { cursor, expires: now + span, greet: true });
        number
    }

    /// Lets subscription `number` end `span` from now.
    ///
    /// # Errors
    /// When there is no such subscription.
    pub fn renew(&self, number: u64, span: Duration) -> Result<(), UnknownSubscription> {
        let now = self.clock.elapsed();
        self.lock().subscription(number, now)?.expires = now + span;
        Ok(())
    }

    /// Tells subscription `number` once more how things stand.
    ///
    /// # Errors
    /// When there is no such subscription.
    pub fn synchronize(&self, number: u64) -> Result<(), UnknownSubscription> {
        self.lock().subscription(number, self.clock.elapsed())?.greet = true;
        self.changed.notify_waiters();
        Ok(())
    }

    /// Ends subscription `number`.
    ///
    /// # Errors
    /// When there is no such subscription.
    pub fn unsubscribe(&self, number: u64) -> Result<(), UnknownSubscription> {
        self.lock().subscriptions.remove(&number).ok_or(UnknownSubscription)?;
        self.changed.notify_waiters();
        Ok(())
    }

    /// Up to `limit` reports for subscription `number`, as soon as there is one; none after `patience`.
    ///
    /// # Errors
    /// When there is no such subscription, or it ends meanwhile.
    pub async fn pull(
        &self,
        number: u64,
        limit: usize,
        patience: Duration,
    ) -> Result<Vec<Report>, UnknownSubscription> {
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let reports = self.take(number, limit)?;
            if !reports.is_empty() || tokio::time::timeout_at(deadline, changed).await.is_err() {
                return Ok(reports);
            }
        }
    }

    /// When subscription `number` ends, by the camera's clock.
    ///
    /// # Errors
    /// When there is no such subscription.
    pub fn ends(&self, number: u64) -> Result<UnixMicros, UnknownSubscription> {
        let now = self.clock.elapsed();
        let expires = self.lock().subscription(number, now)?.expires;
        Ok(self.clock.camera_time().plus(expires.saturating_sub(now)))
    }

    fn take(&self, number: u64, limit: usize) -> Result<Vec<Report>, UnknownSubscription> {
        let now = self.clock.elapsed();
        let at = self.clock.camera_time();
        let mut state = self.lock();
        let next = state.next;
        let subscription = state.subscription(number, now)?;
        if subscription.greet {
            subscription.greet = false;
            subscription.cursor = next;
            let initial = |&(topic, on)| Report { at, topic, on, initial: true };
            return Ok(state.now.iter().map(initial).take(limit).collect());
        }
        let cursor = subscription.cursor;
        let taken: Vec<_> =
            state.recent.iter().filter(|(number, _)| *number >= cursor).take(limit).cloned().collect();
        if let Some((last, _)) = taken.last() {
            state.subscription(number, now)?.cursor = last + 1;
        }
        Ok(taken.into_iter().map(|(_, report)| report).collect())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl State {
    fn subscription(&mut self, number: u64, now: Duration) -> Result<&mut Subscription, UnknownSubscription> {
        self.subscriptions
            .get_mut(&number)
            .filter(|subscription| subscription.expires > now)
            .ok_or(UnknownSubscription)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hausrecht_model::clock::ManualClock;

    use super::*;
    use crate::footage::Scene;

    const SOON: Duration = Duration::from_millis(1);
    const LONG: Duration = Duration::from_secs(60);

    fn front() -> (ManualClock, Events) {
        let manual = ManualClock::new(UnixMicros(0));
        let footage = Footage::load(Scene::Front, &Default::default(), 0).unwrap();
        let clock = LoopClock::start(Arc::new(manual.clone()), footage.length, 0);
        (manual, Events::new(&footage, clock))
    }

    #[tokio::test]
    async fn a_new_subscriber_is_told_how_things_stand_and_then_of_changes() {
        let (_, events) = front();
        events.set(Topic::Motion, true);
        let number = events.subscribe(LONG);
        let first = events.pull(number, 10, SOON).await.unwrap();
        assert!(first.iter().all(|report| report.initial));
        assert!(first.iter().any(|report| report.topic == Topic::Motion && report.on));
        events.set(Topic::Motion, true);
        events.set(Topic::Visitor, true);
        let second = events.pull(number, 10, SOON).await.unwrap();
        assert_eq!(second.len(), 1, "nothing changed but the bell");
        assert!(second[0].topic == Topic::Visitor && !second[0].initial);
        assert!(events.pull(number, 10, SOON).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_pull_waits_for_the_next_report() {
        let (_, events) = front();
        let number = events.subscribe(LONG);
        events.pull(number, 10, SOON).await.unwrap();
        let (reports, ()) = tokio::join!(events.pull(number, 10, LONG), async {
            tokio::task::yield_now().await;
            events.set(Topic::Motion, true);
        });
        assert_eq!(reports.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_subscription_ends_when_its_time_is_over() {
        let (manual, events) = front();
        let number = events.subscribe(LONG);
        manual.advance(LONG / 2);
        events.renew(number, LONG).unwrap();
        manual.advance(LONG - SOON);
        assert!(events.pull(number, 1, SOON).await.is_ok());
        manual.advance(SOON);
        assert_eq!(events.pull(number, 1, SOON).await.unwrap_err(), UnknownSubscription);
        assert_eq!(events.renew(number, LONG), Err(UnknownSubscription));
    }
}
