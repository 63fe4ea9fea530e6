//! The timeline at any zoom from a year to a second, in one question for all lanes.

use std::collections::BTreeMap;

use hausrecht_model::{CameraId, EventKind, UnixMicros};
use hausrecht_store::{Bucket, LEVELS_US};

use super::{
    Handle,
    clips::{GAP_US, visible_grants},
};
use crate::{
    Result,
    inner::lock,
    wire::{CameraLane, Error, EventBeside, EventCount, EventMark, Lanes, LanesQuery, RecordedPart},
};

/// The longest span that is asked for: a year and a bit on either side of a window.
const LONGEST_US: i64 = 1_200 * 86_400_000_000;
/// Up to here clips and events are read themselves: some thousand rows of sixteen cameras.
const EXACT_US: i64 = 6 * 3_600_000_000;
/// More events than this are counted, not given.
const EVENTS_MAX: u32 = 4_000;
/// A lane of more buckets than this takes the next longer ones.
const BUCKETS_MAX: i64 = 440;

/// The shortest buckets of which a span does not have too many.
fn level(span_us: i64) -> i64 {
    LEVELS_US
        .into_iter()
        .find(|length_us| span_us / length_us <= BUCKETS_MAX)
        .unwrap_or(LEVELS_US[LEVELS_US.len() - 1])
}

/// Adds a clip to a lane; clips that follow each other are one stretch.
fn join(lane: &mut Vec<RecordedPart>, from_us: UnixMicros, to_us: UnixMicros) {
    match lane.last_mut() {
        Some(last) if from_us.0 - last.to_us.0 <= GAP_US => last.to_us = last.to_us.max(to_us),
        Some(_) | None => lane.push(RecordedPart { from_us, to_us, share: 1.0 }),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share of a bucket: far more digits than pixels")]
fn part(bucket: Bucket, length_us: i64) -> RecordedPart {
    RecordedPart {
        from_us: bucket.from_us,
        to_us: UnixMicros(bucket.from_us.0 + length_us),
        share: (bucket.amount as f64 / length_us as f64).clamp(0.0, 1.0),
    }
}

impl Handle {
    /// What was recorded and what happened in a span of time, a lane a camera. For a member only what they were given
    /// exists, and up to eight days at a time.
    ///
    /// # Errors
    /// Nobody is signed in; a span that is empty or too long.
    pub async fn lanes(&self, query: LanesQuery) -> Result<Lanes> {
        let person = self.inner.signed_in()?;
        let LanesQuery { from_us, to_us, kinds } = query;
        let span_us = to_us.0.saturating_sub(from_us.0);
        if person.owner().is_none() {
            return self.lanes_of_member(from_us, to_us, &kinds).await;
        }
        if !(1..=LONGEST_US).contains(&span_us) {
            return Err(Error::invalid("a timeline covers up to three years"));
        }
        let length_us = level(span_us);
        let (spans, buckets, events, counts) = self
            .inner
            .db
            .read(move |tables| {
                let exact = span_us <= EXACT_US;
                let (spans, buckets) = if exact {
                    (tables.recorded_spans(from_us, to_us)?, Vec::new())
                } else {
                    (Vec::new(), tables.recorded_buckets(length_us, from_us, to_us)?)
                };
                let mut events = Vec::new();
                if exact {
                    events = tables.events_shown(from_us, to_us, &kinds, EVENTS_MAX + 1)?;
                }
                let counts = if exact && events.len() <= EVENTS_MAX as usize {
                    None
                } else {
                    events = Vec::new();
                    Some(tables.event_buckets(length_us, from_us, to_us, &kinds)?)
                };
                Ok((spans, buckets, events, counts))
            })
            .await?;
        let now = self.inner.now();
        let rows = lock(&self.inner.camera_rows).clone();
        let mut order: Vec<_> = rows.values().collect();
        order.sort_by_key(|row| (row.added_us, row.id));
        let mut lanes: BTreeMap<CameraId, CameraLane> = rows
            .values()
            .map(|row| {
                let lane = CameraLane {
                    camera: row.id,
                    camera_name: row.name.clone(),
                    recorded: Vec::new(),
                    density: Vec::new(),
                    events: Vec::new(),
                };
                (row.id, lane)
            })
            .collect();
        for (camera, from_us, to_us) in spans {
            if let Some(lane) = lanes.get_mut(&camera) {
                join(&mut lane.recorded, from_us, to_us);
            }
        }
        for bucket in buckets {
            if let Some(lane) = lanes.get_mut(&bucket.camera) {
                lane.recorded.push(part(bucket, length_us));
            }
        }
        let bucket_us = if counts.is_some() { length_us } else { 0 };
        for bucket in counts.into_iter().flatten() {
            if let Some(lane) = lanes.get_mut(&bucket.camera) {
                let count = u32::try_from(bucket.amount).unwrap_or(u32::MAX);
                lane.density.push(EventCount { from_us: bucket.from_us, count });
            }
        }
        for event in events {
            if let Some(lane) = lanes.get_mut(&event.camera) {
                lane.events.push(EventMark {
                    id: event.id,
                    kind: event.kind,
                    topic: event.topic,
                    from_us: event.start_us,
                    to_us: event.end_us.unwrap_or(now),
                });
            }
        }
        let lanes = order
            .into_iter()
            .filter_map(|row| lanes.remove(&row.id).map(|lane| (row, lane)))
            // A camera that was removed stays as long as there is something of it to see.
            .filter(|(row, lane)| row.removed_us.is_none() || !lane.recorded.is_empty())
            .map(|(_, lane)| lane)
            .collect();
        Ok(Lanes { from_us, to_us, bucket_us, lanes })
    }

    async fn lanes_of_member(
        &self,
        from_us: UnixMicros,
        to_us: UnixMicros,
        kinds: &[EventKind],
    ) -> Result<Lanes> {
        let exact = self.timeline(from_us, to_us).await?;
        let lanes = exact
            .lanes
            .into_iter()
            .map(|lane| {
                let mut recorded = Vec::new();
                for span in lane.recorded {
                    join(&mut recorded, span.from_us, span.to_us);
                }
                let events = lane
                    .events
                    .into_iter()
                    .filter(|event| kinds.is_empty() || kinds.contains(&event.kind))
                    .collect();
                CameraLane {
                    camera: lane.camera,
                    camera_name: lane.camera_name,
                    recorded,
                    density: Vec::new(),
                    events,
                }
            })
            .collect();
        Ok(Lanes { from_us, to_us, bucket_us: 0, lanes })
    }

    /// The next event after a moment, or the last one before it, of those that this person may see.
    ///
    /// # Errors
    /// Nobody is signed in.
    pub async fn event_beside(
        &self,
        at_us: UnixMicros,
        forward: bool,
        kinds: Vec<EventKind>,
    ) -> Result<Option<EventBeside>> {
        let person = self.inner.signed_in()?;
        let grants = visible_grants(&self.inner, &person);
        let found = self
            .inner
            .db
            .read(move |tables| Ok(tables.event_beside(at_us, forward, &kinds, grants.as_deref())?))
            .await?;
        let rows = lock(&self.inner.camera_rows);
        Ok(found.map(|event| EventBeside {
            id: event.id,
            camera: event.camera,
            camera_name: rows.get(&event.camera).map(|row| row.name.clone()).unwrap_or_default(),
            kind: event.kind,
            from_us: event.start_us,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_is_days_and_a_day_is_minutes() {
        let day = 86_400_000_000;
        assert_eq!(level(day), LEVELS_US[0]);
        assert_eq!(level(10 * day), LEVELS_US[1]);
        assert_eq!(level(90 * day), LEVELS_US[2]);
        assert_eq!(level(366 * day), LEVELS_US[3]);
        assert_eq!(level(LONGEST_US), LEVELS_US[3]);
    }

    #[test]
    fn clips_that_follow_each_other_are_one_stretch() {
        let mut lane = Vec::new();
        for (from, to) in [(0, 10), (11, 20), (5_000_000, 5_000_010)] {
            join(&mut lane, UnixMicros(from), UnixMicros(to));
        }
        let spans: Vec<_> = lane.iter().map(|part| (part.from_us.0, part.to_us.0)).collect();
        assert_eq!(spans, [(0, 20), (5_000_000, 5_000_010)]);
    }
}
