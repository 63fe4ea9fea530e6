//! What of a camera's notifications becomes an event: starts and ends that belong together, what the owner has said of
//! topics, and how much of a flood is kept. Pure: it is given the time and says what is to be written.

use std::{collections::HashMap, sync::Arc, time::Duration};

use hausrecht_model::{EventId, EventKind, UnixMicros};
use hausrecht_onvif::{
    Notification, Operation,
    topics::{Override, meaning, meaning_with},
};

/// Events that may begin at once after a quiet time.
const BURST: u64 = 30;
/// Events that may begin each second in the long run.
const PER_SECOND: u64 = 2;
/// States that go on, and as many that wait for room.
const STATES_MAX: usize = 256;
/// Topics that are counted between two writes.
const TOPICS_MAX: usize = 64;
/// The longest data kept of one unknown topic: items, and bytes of each of their texts.
const ITEMS_MAX: usize = 16;
const TEXT_MAX_BYTES: usize = 128;
/// How long a state goes on unconfirmed after the camera was lost.
const UNSURE: Duration = Duration::from_secs(60);
/// The first report of a flood comes this long after its begin, so that it says a number worth saying.
const FIRST_REPORT: Duration = Duration::from_secs(10);
/// Later reports of the same flood.
const NEXT_REPORT: Duration = Duration::from_secs(600);
/// A flood is over when nothing was left out for this long.
const CALM: Duration = Duration::from_secs(60);

/// What tells one source of states from another.
type Key = (String, Vec<(String, String)>);

/// What is to be written.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Step {
    /// An event begins.
    Begin(Begun),
    /// An event ends.
    End { id: EventId, kind: EventKind, at: UnixMicros },
}

/// An event that begins.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Begun {
    pub(super) id: EventId,
    pub(super) kind: EventKind,
    /// The kind by the makers' table, where the owner has said another one.
    pub(super) mapped_from: Option<EventKind>,
    pub(super) topic: String,
    pub(super) at: UnixMicros,
    /// It goes on; otherwise it is over at once.
    pub(super) lasts: bool,
    /// It happened just now; otherwise it was so already when the camera was first asked.
    pub(super) is_news: bool,
}

/// What came of a topic that nobody knows.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Strange {
    pub(super) data: Vec<(String, String)>,
    pub(super) count: u64,
    pub(super) last: UnixMicros,
}

/// What is to be said of a flood.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum FloodWord {
    /// It begins.
    Begins,
    /// This many were left out since the last word.
    LeftOut(u64),
}

#[derive(Debug)]
struct Open {
    id: EventId,
    kind: EventKind,
    /// Since when the camera has not confirmed it.
    unsure: Option<UnixMicros>,
}

/// One camera's states.
#[derive(Debug)]
pub(super) struct Intake {
    open: HashMap<Key, Open>,
    /// Starts that wait for room; their end may come first.
    held: HashMap<Key, Begun>,
    /// Events that may begin, in thousandths.
    room: u64,
    refilled_at: Duration,
    strange: HashMap<String, Strange>,
    left_out: u64,
    flood: Option<Flood>,
}

#[derive(Debug)]
struct Flood {
    last_left_out: Duration,
    report_at: Duration,
    is_told: bool,
}

impl Intake {
    pub(super) fn new(now: Duration) -> Self {
        Self {
            open: HashMap::new(),
            held: HashMap::new(),
            room: BURST * 1000,
            refilled_at: now,
            strange: HashMap::new(),
            left_out: 0,
            flood: None,
        }
    }

    /// Takes in one notification that came at `at`, monotonic `now`.
    pub(super) fn take(
        &mut self,
        notification: Notification,
        said: &[Override],
        now: Duration,
        at: UnixMicros,
    ) -> Option<Step> {
        self.refill(now);
        let by_table = meaning(&notification.topic, &notification.data);
        let by_owner = said.iter().any(|said| said.topic.eq_ignore_ascii_case(&notification.topic));
        let meaning = meaning_with(said, &notification.topic, &notification.data);
        let is_first_state = notification.operation == Some(Operation::Initialized);
        if !by_owner && by_table.kind == EventKind::Unknown {
            self.note_strange(&notification, !is_first_state, at);
        }
        let key = (notification.topic, notification.source);
        let ends = meaning.active == Some(false) || notification.operation == Some(Operation::Deleted);
        let is_muted = by_owner && meaning.kind == EventKind::Unknown;
        if ends || is_muted {
            if self.held.remove(&key).is_some() {
                self.leave_out(1, now);
            }
            return self.open.remove(&key).map(|open| Step::End { id: open.id, kind: open.kind, at });
        }
        if let Some(open) = self.open.get_mut(&key) {
            open.unsure = None;
            return None;
        }
        let lasts = meaning.active == Some(true);
        // The first state after a subscription says nothing new unless it is "going on".
        if self.held.contains_key(&key) || (is_first_state && !lasts) {
            return None;
        }
        let begun = Begun {
            id: EventId::random(&mut rand::rng()),
            kind: meaning.kind,
            mapped_from: by_owner.then_some(by_table.kind),
            topic: key.0.clone(),
            at,
            lasts,
            is_news: !is_first_state,
        };
        if self.room >= 1000 && self.open.len() < STATES_MAX {
            return Some(self.begin(key, begun));
        }
        if lasts && self.held.len() < STATES_MAX {
            self.held.insert(key, begun);
        } else {
            self.leave_out(1, now);
        }
        None
    }

    /// What has waited and finds room at monotonic `now`, and the ends of what nobody has confirmed until `at`.
    pub(super) fn settle(&mut self, now: Duration, at: UnixMicros) -> Vec<Step> {
        self.refill(now);
        let mut steps = Vec::new();
        while self.room >= 1000
            && self.open.len() < STATES_MAX
            && let Some(key) = self.held.iter().min_by_key(|(_, begun)| begun.at).map(|(key, _)| key.clone())
            && let Some(begun) = self.held.remove(&key)
        {
            steps.push(self.begin(key, begun));
        }
        self.open.retain(|_, open| match open.unsure {
            Some(since) if at.since(since) >= UNSURE => {
                steps.push(Step::End { id: open.id, kind: open.kind, at: since });
                false
            }
            Some(_) | None => true,
        });
        steps
    }

    /// The camera does not answer since `at`: what goes on may end without being seen.
    pub(super) fn lose_touch(&mut self, at: UnixMicros) {
        for open in self.open.values_mut() {
            open.unsure.get_or_insert(at);
        }
    }

    /// Ends everything, since nobody listens any more.
    pub(super) fn end_all(&mut self, at: UnixMicros) -> Vec<Step> {
        self.held.clear();
        let ended = self.open.drain().map(|(_, open)| open);
        ended.map(|open| Step::End { id: open.id, kind: open.kind, at: open.unsure.unwrap_or(at) }).collect()
    }

    /// Notes that `count` were left out, here or on the way.
    pub(super) fn leave_out(&mut self, count: u64, now: Duration) {
        if count == 0 {
            return;
        }
        self.left_out += count;
        let flood = self.flood.get_or_insert(Flood {
            last_left_out: now,
            report_at: now + FIRST_REPORT,
            is_told: false,
        });
        flood.last_left_out = now;
    }

    /// What there is to say of a flood at monotonic `now`.
    pub(super) fn flood_word(&mut self, now: Duration) -> Option<FloodWord> {
        let flood = self.flood.as_mut()?;
        if !flood.is_told {
            flood.is_told = true;
            return Some(FloodWord::Begins);
        }
        let is_over = now.saturating_sub(flood.last_left_out) >= CALM;
        let is_due = now >= flood.report_at;
        if !is_over && !is_due {
            return None;
        }
        flood.report_at = now + NEXT_REPORT;
        if is_over {
            self.flood = None;
        }
        Some(std::mem::take(&mut self.left_out)).filter(|count| *count > 0).map(FloodWord::LeftOut)
    }

    /// The unknown topics since the last call.
    pub(super) fn take_strange(&mut self) -> HashMap<String, Strange> {
        std::mem::take(&mut self.strange)
    }

    fn begin(&mut self, key: Key, begun: Begun) -> Step {
        self.room -= 1000;
        if begun.lasts {
            self.open.insert(key, Open { id: begun.id, kind: begun.kind, unsure: None });
        }
        Step::Begin(begun)
    }

    fn note_strange(&mut self, notification: &Notification, counts: bool, at: UnixMicros) {
        if self.strange.len() >= TOPICS_MAX && !self.strange.contains_key(&notification.topic) {
            return;
        }
        let strange = self.strange.entry(notification.topic.clone()).or_insert(Strange {
            data: Vec::new(),
            count: 0,
            last: at,
        });
        let short = |text: &str| text.chars().take(TEXT_MAX_BYTES / 4).collect::<String>();
        let items = notification.data.iter().take(ITEMS_MAX);
        strange.data = items.map(|(name, value)| (short(name), short(value))).collect();
        strange.count += u64::from(counts);
        strange.last = at;
    }

    fn refill(&mut self, now: Duration) {
        let span_ms = u64::try_from(now.saturating_sub(self.refilled_at).as_millis()).unwrap_or(u64::MAX);
        if span_ms == 0 {
            return;
        }
        self.refilled_at = now;
        self.room = self.room.saturating_add(span_ms.saturating_mul(PER_SECOND)).min(BURST * 1000);
    }
}

/// What the owner has said of topics, shared by all cameras.
pub(crate) type Said = Arc<[Override]>;

#[cfg(test)]
mod tests;
