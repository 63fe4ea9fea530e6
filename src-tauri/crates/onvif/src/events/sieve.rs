//! Keeps a flood of notifications within bounds without losing how things ended: of what comes faster than a person or a
//! disk can take it, only the last state of each source is kept, and handed out when there is room again.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    time::Duration,
};

use super::{Notification, Operation};

/// What may come at once after a quiet time: a camera tells all its states after a subscription.
const BURST: u32 = 256;
/// What may come each second in the long run.
const PER_SECOND: u32 = 50;
/// Sources whose states are told apart. The start of what comes from a further one is dropped.
const SOURCES_MAX: usize = 256;
/// States that wait for room; those that end what is going on always find a place, for there are no more of these than
/// [`SOURCES_MAX`].
const WAITING_MAX: usize = 2 * SOURCES_MAX;
/// How often a flood is reported.
const REPORT_EVERY: Duration = Duration::from_secs(60);

/// What tells one source of states from another.
type Key = (String, Vec<(String, String)>);

/// Lets through what is not too much.
#[derive(Debug)]
pub(super) struct Sieve {
    /// Notifications that may pass, in thousandths.
    room: u64,
    refilled_at: Duration,
    going_on: HashSet<Key>,
    waiting: HashMap<Key, Notification>,
    order: VecDeque<Key>,
    /// How many of these wait without being of what is going on.
    newcomers: usize,
    dropped: u64,
    reported_at: Option<Duration>,
}

impl Sieve {
    pub(super) fn new(now: Duration) -> Self {
        Self {
            room: u64::from(BURST) * 1000,
            refilled_at: now,
            going_on: HashSet::new(),
            waiting: HashMap::new(),
            order: VecDeque::new(),
            newcomers: 0,
            dropped: 0,
            reported_at: None,
        }
    }

    /// Takes in what came at `now` (monotonic) and gives what may pass.
    pub(super) fn pass(
        &mut self,
        now: Duration,
        arrived: impl Iterator<Item = Notification>,
    ) -> Vec<Notification> {
        self.refill(now);
        let mut passed = self.release();
        for notification in arrived {
            let key = (notification.topic.clone(), notification.source.clone());
            let state = State::of(&notification);
            if let Some(waiting) = self.waiting.get_mut(&key) {
                if state != State::None {
                    *waiting = notification;
                }
                self.dropped += 1;
                continue;
            }
            if self.room >= 1000 {
                passed.extend(self.let_through(key, notification, state));
            } else if self.has_place(&key, state) {
                self.newcomers += usize::from(!self.going_on.contains(&key));
                self.order.push_back(key.clone());
                self.waiting.insert(key, notification);
            } else {
                self.dropped += 1;
            }
        }
        passed
    }

    /// Whether states wait, so that the next pull must not take long.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// How many were dropped since the last report; `None` if none, or if that was told just now.
    pub(super) fn report(&mut self, now: Duration) -> Option<u64> {
        let is_early = self.reported_at.is_some_and(|at| now.saturating_sub(at) < REPORT_EVERY);
        if self.dropped == 0 || is_early {
            return None;
        }
        self.reported_at = Some(now);
        Some(std::mem::take(&mut self.dropped))
    }

    fn refill(&mut self, now: Duration) {
        let span_ms = u64::try_from(now.saturating_sub(self.refilled_at).as_millis()).unwrap_or(u64::MAX);
        self.refilled_at = now;
        let more = span_ms.saturating_mul(u64::from(PER_SECOND));
        self.room = self.room.saturating_add(more).min(u64::from(BURST) * 1000);
    }

    /// What has waited, as far as there is room for it.
    fn release(&mut self) -> Vec<Notification> {
        let mut passed = Vec::new();
        while self.room >= 1000
            && let Some(key) = self.order.pop_front()
        {
            if let Some(notification) = self.waiting.remove(&key) {
                // What waits neither begins nor ends meanwhile, so it is still counted as it was.
                self.newcomers -= usize::from(!self.going_on.contains(&key));
                let state = State::of(&notification);
                passed.extend(self.let_through(key, notification, state));
            }
        }
        passed
    }

    /// Remembers what has begun, so that its end is kept whatever comes.
    fn let_through(&mut self, key: Key, notification: Notification, state: State) -> Option<Notification> {
        match state {
            State::Ends => {
                self.going_on.remove(&key);
            }
            State::Begins if self.going_on.len() >= SOURCES_MAX && !self.going_on.contains(&key) => {
                self.dropped += 1;
                return None;
            }
            State::Begins => {
                self.going_on.insert(key);
            }
            State::None => {}
        }
        self.room = self.room.saturating_sub(1000);
        Some(notification)
    }

    fn has_place(&self, key: &Key, state: State) -> bool {
        match state {
            State::None => false,
            State::Begins | State::Ends if self.going_on.contains(key) => true,
            State::Begins => self.newcomers < WAITING_MAX - SOURCES_MAX,
            State::Ends => false,
        }
    }
}

/// What a notification says of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Begins,
    Ends,
    /// Nothing: it happened and is over.
    None,
}

impl State {
    fn of(notification: &Notification) -> Self {
        if notification.operation == Some(Operation::Deleted) {
            return Self::Ends;
        }
        match notification.meaning().active {
            Some(true) => Self::Begins,
            Some(false) => Self::Ends,
            None => Self::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use hausrecht_model::UnixMicros;
    use proptest::prelude::*;

    use super::*;

    fn motion(source: u32, state: bool) -> Notification {
        Notification {
            topic: "RuleEngine/CellMotionDetector/Motion".to_owned(),
            operation: Some(Operation::Changed),
            at: UnixMicros(0),
            source: vec![("Source".to_owned(), source.to_string())],
            data: vec![("IsMotion".to_owned(), state.to_string())],
        }
    }

    fn second(count: u32) -> Duration {
        Duration::from_secs(count.into())
    }

    #[test]
    fn what_a_camera_tells_in_a_quiet_time_passes_at_once_and_in_order() {
        let mut sieve = Sieve::new(Duration::ZERO);
        let all: Vec<_> = (0..BURST).map(|source| motion(source, true)).collect();
        assert_eq!(sieve.pass(Duration::ZERO, all.clone().into_iter()), all);
        assert_eq!((sieve.is_waiting(), sieve.report(Duration::ZERO)), (false, None));
    }

    #[test]
    fn of_ten_thousand_a_second_a_bounded_number_passes_and_the_last_state_is_kept() {
        let mut sieve = Sieve::new(Duration::ZERO);
        let mut passed = Vec::new();
        for tenth in 0..100_u32 {
            let now = Duration::from_millis(u64::from(tenth) * 100);
            let flood = (0..1000).map(|number| motion(number % 7, number < 500));
            passed.extend(sieve.pass(now, flood));
        }
        assert!(passed.len() <= (BURST + 10 * PER_SECOND) as usize, "{}", passed.len());
        passed.extend(sieve.pass(second(60), std::iter::empty()));
        for source in 0..7 {
            let last = passed.iter().rfind(|one| one.source[0].1 == source.to_string()).unwrap();
            assert_eq!(last.meaning().active, Some(false), "source {source} has ended");
        }
        assert!(sieve.report(second(60)).unwrap() > 90_000);
        sieve.pass(second(61), (0..1000).map(|_| motion(1, true)));
        assert_eq!(sieve.report(second(61)), None, "a flood is reported once a minute");
    }

    #[test]
    fn an_end_that_waits_is_not_replaced_by_what_has_no_state() {
        let mut sieve = Sieve::new(Duration::ZERO);
        sieve.pass(Duration::ZERO, (0..BURST).map(|_| motion(1, true)));
        let stateless = Notification { data: Vec::new(), ..motion(1, true) };
        assert_eq!(sieve.pass(Duration::ZERO, [motion(1, false), stateless].into_iter()), []);
        assert_eq!(sieve.pass(second(1), std::iter::empty()), [motion(1, false)]);
    }

    #[test]
    fn messages_without_state_are_dropped_and_counted() {
        let mut sieve = Sieve::new(Duration::ZERO);
        let one = Notification { data: Vec::new(), operation: None, ..motion(1, true) };
        let passed = sieve.pass(Duration::ZERO, std::iter::repeat_n(one, 10_000));
        assert_eq!(passed.len(), BURST as usize);
        assert_eq!(sieve.report(Duration::ZERO), Some(10_000 - u64::from(BURST)));
        assert!(!sieve.is_waiting());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn what_has_begun_ends_whatever_comes_in_between(
            steps in proptest::collection::vec((0_u32..600, any::<bool>(), 0_u64..50), 0..1500)
        ) {
            let mut sieve = Sieve::new(Duration::ZERO);
            let mut now = Duration::ZERO;
            let mut open = HashSet::new();
            let mut see = |passed: Vec<Notification>| {
                for one in passed {
                    let source = one.source[0].1.clone();
                    if one.meaning().active == Some(true) { open.insert(source); } else { open.remove(&source); }
                }
                open.len()
            };
            for (source, state, pause_ms) in steps {
                now += Duration::from_millis(pause_ms);
                see(sieve.pass(now, std::iter::once(motion(source, state))));
                prop_assert!(sieve.waiting.len() <= WAITING_MAX && sieve.order.len() == sieve.waiting.len());
            }
            see(sieve.pass(now, (0..600).map(|source| motion(source, false))));
            let mut left = 0;
            for _ in 0..20 {
                now += second(10);
                left = see(sieve.pass(now, std::iter::empty()));
            }
            prop_assert_eq!(left, 0);
        }
    }
}
