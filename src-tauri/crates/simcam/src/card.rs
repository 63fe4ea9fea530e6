//! The card in the camera: the last 24 hours, with gaps. Nothing is stored; what was recorded at a time follows from that time
//! alone: the footage, begun anew at every multiple of its length since 1970, and the same gaps in every four hours.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use hausrecht_model::UnixMicros;

use crate::{footage::Footage, lock::lock};

/// How far back the card reaches.
pub const REACH: Duration = Duration::from_secs(24 * 3600);
/// After this the gaps repeat.
const ROUND_US: i64 = 4 * 3600 * 1_000_000;
/// Where nothing was recorded, in microseconds after the start of a round.
const GAPS_US: [(i64, i64); 2] =
    [(3600 * 1_000_000, 4200 * 1_000_000), (10_800 * 1_000_000, 12_300 * 1_000_000)];
/// Searches that are remembered; the oldest goes first.
const SEARCHES: usize = 16;

/// A span of time in which the card has pictures.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// Its first picture.
    pub from: UnixMicros,
    /// Where it ends.
    pub until: UnixMicros,
}

/// The spans that the card has at `now`, in order; the last one grows.
pub fn spans(now: UnixMicros) -> Vec<Span> {
    let oldest = now.minus(REACH);
    let mut spans = Vec::new();
    let mut from = oldest;
    let mut round = oldest.0.div_euclid(ROUND_US) * ROUND_US;
    while round <= now.0 {
        for (gap, over) in GAPS_US {
            let (gap, over) = (UnixMicros(round + gap), UnixMicros(round + over));
            if gap > now {
                break;
            }
            if gap > from {
                spans.push(Span { from, until: gap });
            }
            from = from.max(over);
        }
        round += ROUND_US;
    }
    if from < now {
        spans.push(Span { from, until: now });
    }
    spans
}

/// When something moved in the recordings of `footage` between `from` and `until`, as changes: on or off. At most `limit` of them.
pub fn movement(
    footage: &Footage,
    from: UnixMicros,
    until: UnixMicros,
    limit: usize,
) -> Vec<(UnixMicros, bool)> {
    let length_us = i64::try_from(footage.length.as_micros()).expect("a footage of seconds");
    let mut round = from.0.div_euclid(length_us) * length_us;
    let mut changes = Vec::new();
    while round <= until.0 && changes.len() < limit {
        for moving in &footage.moving {
            for (seconds, on) in [(moving.from_seconds, true), (moving.to_seconds, false)] {
                let at = UnixMicros(round).plus(Duration::from_secs_f64(seconds));
                if (from..=until).contains(&at) {
                    changes.push((at, on));
                }
            }
        }
        round += length_us;
    }
    changes.truncate(limit);
    changes
}

/// Searches under way: results that wait to be fetched.
#[derive(Debug, Default)]
pub struct Searches(Mutex<Running>);

#[derive(Debug, Default)]
struct Running {
    next: u64,
    waiting: HashMap<u64, Found>,
}

/// What a search found and did not give out yet.
#[derive(Clone, Debug)]
pub struct Found {
    /// Whether it looked for events, and not for recordings.
    pub events: bool,
    /// Results as XML elements, in order.
    pub results: Vec<String>,
    /// Where it looked last.
    pub until: UnixMicros,
}

impl Searches {
    /// Keeps what a search found; gives the search's number.
    pub fn begin(&self, found: Found) -> u64 {
        let mut running = self.lock();
        let number = running.next;
        running.next += 1;
        if running.waiting.len() >= SEARCHES
            && let Some(oldest) = running.waiting.keys().min().copied()
        {
            running.waiting.remove(&oldest);
        }
        running.waiting.insert(number, found);
        number
    }

    /// The next `limit` results of a search, and whether they are the last; none if there is no such search.
    pub fn fetch(&self, number: u64, events: bool, limit: usize) -> Option<(Vec<String>, bool)> {
        let mut running = self.lock();
        let found = running.waiting.get_mut(&number).filter(|found| found.events == events)?;
        let some = found.results.drain(..limit.min(found.results.len())).collect();
        Some((some, found.results.is_empty()))
    }

    /// Ends a search; says where it looked last.
    pub fn end(&self, number: u64) -> Option<UnixMicros> {
        self.lock().waiting.remove(&number).map(|found| found.until)
    }

    fn lock(&self) -> MutexGuard<'_, Running> {
        lock(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::footage::Scene;

    #[test]
    fn the_card_has_a_day_with_gaps_that_stay_where_they_are() {
        let now = UnixMicros(1_800_000_000_000_000);
        let early = spans(now);
        assert!((12..=14).contains(&early.len()), "{}", early.len());
        assert_eq!(early[0].from, now.minus(REACH));
        assert_eq!(early.last().unwrap().until, now);
        assert!(early.windows(2).all(|pair| pair[0].until < pair[1].from));
        let later = spans(now.plus(Duration::from_secs(60)));
        assert_eq!(early[3], later[3]);
        for seconds in (0..4 * 3600).step_by(97) {
            let now = now.plus(Duration::from_secs(seconds));
            assert!(spans(now).iter().all(|span| span.from < span.until && span.until <= now), "{seconds}");
        }
    }

    #[test]
    fn movement_follows_from_the_time() {
        let footage = Footage::load(Scene::Front, &Default::default(), 0).unwrap();
        let from = UnixMicros(1_800_000_000_000_000);
        let changes = movement(&footage, from, from.plus(Duration::from_secs(240)), 1000);
        assert_eq!(changes.len(), footage.moving.len() * 20);
        assert!(changes.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 != pair[1].1));
    }
}
