//! What of a camera's notifications becomes an event: starts and ends that belong together, what the owner has said of
//! topics, and how much of a flood is kept. Pure: it is given the time and says what is to be written.

use std::{collections::HashMap, sync::Arc, time::Duration};

use super::super::motion::MEASURED;
use hausrecht_model::{EventId, EventKind, UnixMicros};
use hausrecht_onvif::{
    Notification, Operation,
    topics::{Override, meaning, meaning_with},
};

/// Events that may begin at once after a quiet time.
const BURST: u64 = 30;
/// Events that may begin each second in the long run.
const PER_SECOND: u64 = 2;
/// Times that somebody may ring at once after a quiet time, whatever else the camera reports.
const BELL_BURST: u64 = 10;
/// In the long run somebody may ring once in this time. Milliseconds.
const BELL_EVERY_MS: u64 = 5000;
/// A bell that is reported as pressed once more after this long was pressed anew: some cameras never say that it is let go.
const RINGS_APART: Duration = Duration::from_secs(3);
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

/// What tells one state from another: its topic, its source, and what it is by the makers' table, for some cameras report
/// people and pets by one topic.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Key {
    topic: String,
    source: Vec<(String, String)>,
    kind: EventKind,
}

impl Key {
    /// The key of what is measured here.
    fn measured() -> Self {
        let (kind, topic) = MEASURED;
        Self { topic: topic.to_owned(), source: Vec::new(), kind }
    }

    fn is_measured(&self) -> bool {
        self.topic == MEASURED.1
    }
}

/// What is to be written.
#[derive(Clone, PartialEq, Debug)]
pub(in crate::camera) enum Step {
    /// An event begins.
    Begin(Begun),
    /// An event ends.
    End { id: EventId, kind: EventKind, at: UnixMicros },
}

/// An event that begins.
#[derive(Clone, PartialEq, Debug)]
pub(in crate::camera) struct Begun {
    pub(in crate::camera) id: EventId,
    pub(in crate::camera) kind: EventKind,
    /// The kind by the makers' table, where the owner has said another one.
    pub(in crate::camera) mapped_from: Option<EventKind>,
    pub(in crate::camera) topic: String,
    pub(in crate::camera) at: UnixMicros,
    /// It goes on; otherwise it is over at once.
    pub(in crate::camera) lasts: bool,
    /// It happened just now; otherwise it was so already when the camera was first asked.
    pub(in crate::camera) is_news: bool,
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
    /// Since when it goes on.
    at: UnixMicros,
    /// When it was last reported: monotonic, and by the clock.
    told: (Duration, UnixMicros),
    /// Since when the camera has not confirmed it.
    unsure: Option<UnixMicros>,
}

impl Open {
    /// Its end, if nothing more is heard of it after `at`.
    fn ended(self, at: UnixMicros) -> Step {
        Step::End { id: self.id, kind: self.kind, at: self.unsure.unwrap_or(at).max(self.at) }
    }
}

/// One camera's states.
#[derive(Debug)]
pub(super) struct Intake {
    open: HashMap<Key, Open>,
    /// Starts that wait for room; their end may come first.
    held: HashMap<Key, Begun>,
    /// Events that may begin, in thousandths.
    room: u64,
    /// Room for the doorbell alone, in milliseconds of [`BELL_EVERY_MS`].
    bell_room: u64,
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
            bell_room: BELL_BURST * BELL_EVERY_MS,
            refilled_at: now,
            strange: HashMap::new(),
            left_out: 0,
            flood: None,
        }
    }

    /// Takes in one notification of what happened at `at`, monotonic `now`.
    pub(super) fn take(
        &mut self,
        notification: Notification,
        said: &[Override],
        now: Duration,
        at: UnixMicros,
    ) -> Vec<Step> {
        self.refill(now);
        let by_table = meaning(&notification.topic, &notification.data);
        let by_owner = said.iter().any(|said| said.topic.eq_ignore_ascii_case(&notification.topic));
        let meaning = meaning_with(said, &notification.topic, &notification.data);
        let is_first_state = notification.operation == Some(Operation::Initialized);
        if !by_owner && by_table.kind == EventKind::Unknown {
            self.note_strange(&notification, !is_first_state, at);
        }
        let key = Key { topic: notification.topic, source: notification.source, kind: by_table.kind };
        let is_muted = by_owner && meaning.kind == EventKind::Unknown;
        if is_muted || notification.operation == Some(Operation::Deleted) {
            // Whatever it was that the source reported.
            return self.end(now, at, |other| other.topic == key.topic && other.source == key.source);
        }
        if meaning.active == Some(false) {
            return self.end(now, at, |other| *other == key);
        }
        let lasts = meaning.active == Some(true);
        let mut steps = Vec::new();
        if let Some(open) = self.open.get_mut(&key) {
            let is_apart = now.saturating_sub(open.told.0) >= RINGS_APART;
            let was_told = std::mem::replace(&mut open.told, (now, at));
            open.unsure = None;
            if is_first_state || open.kind != EventKind::Doorbell || !is_apart {
                return steps;
            }
            // Somebody rings again; when the bell was let go, nobody said.
            steps.push(Step::End { id: open.id, kind: open.kind, at: was_told.1.max(open.at) });
            self.open.remove(&key);
        }
        // The first state after a subscription says nothing new unless it is "going on".
        if is_first_state && !lasts {
            return steps;
        }
        let begun = Begun {
            id: EventId::random(&mut rand::rng()),
            kind: meaning.kind,
            mapped_from: by_owner.then_some(by_table.kind),
            topic: key.topic.clone(),
            at,
            lasts,
            is_news: !is_first_state,
        };
        steps.extend(self.begin_or_hold(key, begun, now));
        steps
    }

    /// Takes in that motion is measured in the pictures, or no longer.
    pub(super) fn measured(&mut self, is_active: bool, now: Duration, at: UnixMicros) -> Vec<Step> {
        self.refill(now);
        let key = Key::measured();
        if !is_active {
            return self.end(now, at, |other| *other == key);
        }
        if self.open.contains_key(&key) {
            return Vec::new();
        }
        let begun = Begun {
            id: EventId::random(&mut rand::rng()),
            kind: key.kind,
            mapped_from: None,
            topic: key.topic.clone(),
            at,
            lasts: true,
            is_news: true,
        };
        self.begin_or_hold(key, begun, now).into_iter().collect()
    }

    /// Ends the states that `which` names at `at`; what has waited in vain is left out.
    fn end(&mut self, now: Duration, at: UnixMicros, which: impl Fn(&Key) -> bool) -> Vec<Step> {
        let before = self.held.len();
        self.held.retain(|key, _| !which(key));
        self.leave_out((before - self.held.len()) as u64, now);
        let ended = self.open.extract_if(|key, _| which(key));
        ended.map(|(_, open)| Step::End { id: open.id, kind: open.kind, at: at.max(open.at) }).collect()
    }

    /// Begins an event if there is room; what lasts waits for it otherwise.
    fn begin_or_hold(&mut self, key: Key, begun: Begun, now: Duration) -> Option<Step> {
        if self.held.contains_key(&key) {
            return None;
        }
        if self.takes_room(begun.kind) {
            return Some(self.begin(key, begun, now));
        }
        if begun.lasts && self.held.len() < STATES_MAX {
            self.held.insert(key, begun);
        } else {
            self.leave_out(1, now);
        }
        None
    }

    /// Takes the room for one more event of this kind, if there is some. Whoever rings has room of their own.
    fn takes_room(&mut self, kind: EventKind) -> bool {
        let is_bell = kind == EventKind::Doorbell;
        if is_bell && self.bell_room >= BELL_EVERY_MS && self.open.len() < STATES_MAX * 2 {
            self.bell_room -= BELL_EVERY_MS;
            return true;
        }
        if self.room >= 1000 && self.open.len() < STATES_MAX {
            self.room -= 1000;
            return true;
        }
        false
    }

    /// What has waited and finds room at monotonic `now`, and the ends of what nobody has confirmed until `at`.
    pub(super) fn settle(&mut self, now: Duration, at: UnixMicros) -> Vec<Step> {
        self.refill(now);
        let mut steps = Vec::new();
        let is_later = |begun: &Begun| (begun.kind != EventKind::Doorbell, begun.at);
        while let Some((key, kind)) = self
            .held
            .iter()
            .min_by_key(|(_, begun)| is_later(begun))
            .map(|(key, begun)| (key.clone(), begun.kind))
            && self.takes_room(kind)
            && let Some(begun) = self.held.remove(&key)
        {
            steps.push(self.begin(key, begun, now));
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

    /// The camera does not answer since `at`: what goes on may end without being seen. Its pictures may come all the same.
    pub(super) fn lose_touch(&mut self, at: UnixMicros) {
        for (_, open) in self.open.iter_mut().filter(|(key, _)| !key.is_measured()) {
            open.unsure.get_or_insert(at);
        }
    }

    /// Ends everything that the camera has reported, since it does not report any more.
    pub(super) fn end_reported(&mut self, at: UnixMicros) -> Vec<Step> {
        self.held.retain(|key, _| key.is_measured());
        let ended = self.open.extract_if(|key, _| !key.is_measured());
        ended.map(|(_, open)| open.ended(at)).collect()
    }

    /// Ends everything, since nobody listens any more.
    pub(super) fn end_all(&mut self, at: UnixMicros) -> Vec<Step> {
        self.held.clear();
        self.open.drain().map(|(_, open)| open.ended(at)).collect()
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

    fn begin(&mut self, key: Key, begun: Begun, now: Duration) -> Step {
        if begun.lasts {
            let Begun { id, kind, at, .. } = begun;
            self.open.insert(key, Open { id, kind, at, told: (now, at), unsure: None });
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
        self.bell_room = self.bell_room.saturating_add(span_ms).min(BELL_BURST * BELL_EVERY_MS);
    }
}

/// What the owner has said of topics, shared by all cameras.
pub(crate) type Said = Arc<[Override]>;

#[cfg(test)]
mod tests;
