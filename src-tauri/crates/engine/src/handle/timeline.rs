//! The timeline at any zoom from a year to a second, in one question for all lanes; and from event to event.

use std::collections::BTreeMap;

use hausrecht_model::{CameraId, EventKind, UnixMicros};
use hausrecht_store::{Buckets, EventRow, EventWalk, GapRow, LEVELS_US};

use super::{
    Handle,
    clips::{GAP_US, visible_grants},
};
use crate::{
    Result,
    inner::lock,
    retention::gaps::gaps_of,
    wire::{
        CameraLane, ClipPlace, Error, EventLine, EventMark, EventQuery, KindDensity, Lanes, RecordedSpan,
    },
};

/// The longest span that is asked for: a year and a bit on either side of a window.
const LONGEST_US: i64 = 1_200 * 86_400_000_000;
/// Over longer spans clips and events are not given themselves, however few they are.
const EXACT_US: i64 = 8 * 86_400_000_000;
/// More clips or events than this are counted, not given.
const EXACT_MAX: u32 = 3_000;
/// A lane of more buckets than this takes the next longer ones.
const BUCKETS_MAX: i64 = 440;
/// A bucket is full from here on: clips that follow each other do not meet to the microsecond.
const FULL_PERCENT: u8 = 99;

/// What the database says of a span.
struct Found {
    spans: Vec<(CameraId, UnixMicros, UnixMicros)>,
    events: Vec<EventRow>,
    recorded: Vec<Buckets>,
    happened: Vec<(EventKind, Buckets)>,
    conditions: Vec<GapRow>,
}

/// The buckets of a lane, all of one length, from `first_us` on.
#[derive(Clone, Copy)]
struct Grid {
    first_us: i64,
    length_us: i64,
    count: usize,
}

impl Grid {
    /// The shortest buckets of which a span does not have too many.
    fn over(from_us: UnixMicros, to_us: UnixMicros) -> Self {
        let span_us = to_us.0 - from_us.0;
        let fits = |length_us: &i64| span_us / length_us <= BUCKETS_MAX;
        let length_us = LEVELS_US.into_iter().find(fits).unwrap_or(LEVELS_US[LEVELS_US.len() - 1]);
        let first = from_us.0.div_euclid(length_us);
        let count = usize::try_from((to_us.0 - 1).div_euclid(length_us) - first + 1).unwrap_or(0);
        Self { first_us: first * length_us, length_us, count }
    }

    /// Adds those amounts of a chunk that lie on the grid.
    fn put<T>(&self, chunk: &Buckets, onto: &mut [T], add: impl Fn(&mut T, i64)) {
        let offset = (chunk.from_us.0 - self.first_us) / self.length_us;
        for (place, amount) in (offset..).zip(&chunk.amounts).filter(|(_, amount)| **amount != 0) {
            if let Some(value) = usize::try_from(place).ok().and_then(|place| onto.get_mut(place)) {
                add(value, *amount);
            }
        }
    }

    /// Where each stretch of full buckets begins and ends.
    fn full(&self, filled: &[u8]) -> Vec<(UnixMicros, UnixMicros)> {
        let mut stretches: Vec<(UnixMicros, UnixMicros)> = Vec::new();
        let starts = (0..).map(|number| self.first_us + number * self.length_us);
        for (start, _) in starts.zip(filled).filter(|(_, percent)| **percent >= FULL_PERCENT) {
            let (from_us, to_us) = (UnixMicros(start), UnixMicros(start + self.length_us));
            match stretches.last_mut() {
                Some(last) if last.1 == from_us => last.1 = to_us,
                Some(_) | None => stretches.push((from_us, to_us)),
            }
        }
        stretches
    }
}

/// Adds a clip to a lane; clips that follow each other are one stretch.
fn join(lane: &mut Vec<RecordedSpan>, from_us: UnixMicros, to_us: UnixMicros) {
    match lane.last_mut() {
        Some(last) if from_us.0 - last.to_us.0 <= GAP_US => last.to_us = last.to_us.max(to_us),
        Some(_) | None => lane.push(RecordedSpan { from_us, to_us }),
    }
}

impl Handle {
    /// What was recorded and what happened in a span of time, a lane a camera. For a member only what they were given
    /// exists, and up to eight days at a time.
    ///
    /// # Errors
    /// Nobody is signed in; a span that is empty or too long.
    pub async fn lanes(&self, from_us: UnixMicros, to_us: UnixMicros) -> Result<Lanes> {
        let person = self.inner.signed_in()?;
        let span_us = to_us.0.saturating_sub(from_us.0);
        if person.owner().is_none() {
            return self.lanes_of_member(from_us, to_us).await;
        }
        if !(1..=LONGEST_US).contains(&span_us) {
            return Err(Error::invalid("a timeline covers up to three years"));
        }
        let grid = Grid::over(from_us, to_us);
        let found = self
            .inner
            .db
            .read(move |tables| {
                let exact = span_us <= EXACT_US && tables.is_sparse(from_us, to_us, EXACT_MAX)?;
                let mut found = Found {
                    spans: Vec::new(),
                    events: Vec::new(),
                    recorded: Vec::new(),
                    happened: Vec::new(),
                    // Nobody sees an eighth of a bucket, and there may be very many of them.
                    conditions: tables.long_gaps(
                        from_us,
                        to_us,
                        if exact { 0 } else { grid.length_us / 8 },
                    )?,
                };
                if exact {
                    found.spans = tables.recorded_spans(from_us, to_us)?;
                    found.events = tables.events(from_us, to_us)?;
                } else {
                    found.recorded = tables.recorded_buckets(grid.length_us, from_us, to_us)?;
                    found.happened = tables.event_buckets(grid.length_us, from_us, to_us)?;
                }
                Ok((exact, found))
            })
            .await?;
        let (exact, found) = found;
        let now = self.inner.now();
        let rows = lock(&self.inner.camera_rows).clone();
        let mut lanes: BTreeMap<CameraId, CameraLane> =
            rows.values().map(|row| (row.id, empty_lane(row.id, &row.name))).collect();
        fill_exact(&mut lanes, &found, now);
        fill_buckets(&mut lanes, &found, grid);
        add_gaps(&mut lanes, found.conditions, (!exact).then_some(grid), from_us, to_us, now);
        let mut order: Vec<_> = rows.values().collect();
        order.sort_by_key(|row| (row.added_us, row.id));
        let lanes = order
            .into_iter()
            .filter_map(|row| lanes.remove(&row.id).map(|lane| (row, lane)))
            // A camera that was removed, or saved footage, has a lane where there is something of it to see.
            .filter(|(row, lane)| {
                (row.removed_us.is_none() && !row.imported)
                    || !lane.recorded.is_empty()
                    || !lane.filled.is_empty()
            })
            .map(|(_, lane)| lane)
            .collect();
        let bucket_us = if exact { 0 } else { grid.length_us };
        Ok(Lanes { bucket_us, first_us: UnixMicros(grid.first_us), lanes })
    }

    async fn lanes_of_member(&self, from_us: UnixMicros, to_us: UnixMicros) -> Result<Lanes> {
        let exact = self.timeline(from_us, to_us).await?;
        let lanes = exact
            .lanes
            .into_iter()
            .map(|lane| CameraLane {
                recorded: lane.recorded,
                events: lane.events,
                ..empty_lane(lane.camera, &lane.camera_name)
            })
            .collect();
        Ok(Lanes { bucket_us: 0, first_us: from_us, lanes })
    }

    /// Events from one on, in one direction, of those that this person may see.
    ///
    /// # Errors
    /// Nobody is signed in; a limit out of range.
    pub async fn walk_events(&self, query: EventQuery) -> Result<Vec<EventLine>> {
        let person = self.inner.signed_in()?;
        if !(1..=500).contains(&query.limit) {
            return Err(Error::invalid("1 to 500 events at a time"));
        }
        let EventQuery { kinds, cameras, forward, from_us, from_id, until_us, limit } = query;
        let grants = visible_grants(&self.inner, &person);
        let walk = EventWalk { kinds, cameras, grants, forward, from_us, from_id, until_us, limit };
        let found = self.inner.db.read(move |tables| Ok(tables.walk_events(&walk)?)).await?;
        let now = self.inner.now();
        let rows = lock(&self.inner.camera_rows);
        Ok(found
            .into_iter()
            .map(|event| EventLine {
                id: event.id,
                camera: event.camera,
                camera_name: rows.get(&event.camera).map(|row| row.name.clone()).unwrap_or_default(),
                kind: event.kind,
                topic: event.topic,
                from_us: event.start_us,
                to_us: event.end_us.unwrap_or(now),
            })
            .collect())
    }

    /// The last clip of a camera in a span, of those that this person may see.
    ///
    /// # Errors
    /// Nobody is signed in.
    pub async fn clip_in(
        &self,
        camera: CameraId,
        from_us: UnixMicros,
        to_us: UnixMicros,
    ) -> Result<Option<ClipPlace>> {
        let person = self.inner.signed_in()?;
        let grants = visible_grants(&self.inner, &person);
        let found = self
            .inner
            .db
            .read(move |tables| Ok(tables.last_clip_in(camera, from_us, to_us, grants.as_deref())?))
            .await?;
        Ok(found.map(|clip| ClipPlace {
            clip: clip.id,
            camera: clip.camera,
            start_us: clip.start_us,
            end_us: clip.end_us,
        }))
    }
}

fn empty_lane(camera: CameraId, name: &str) -> CameraLane {
    CameraLane {
        camera,
        camera_name: name.to_owned(),
        recorded: Vec::new(),
        filled: Vec::new(),
        density: Vec::new(),
        events: Vec::new(),
        gaps: Vec::new(),
    }
}

fn fill_exact(lanes: &mut BTreeMap<CameraId, CameraLane>, found: &Found, now: UnixMicros) {
    for (camera, from_us, to_us) in &found.spans {
        if let Some(lane) = lanes.get_mut(camera) {
            join(&mut lane.recorded, *from_us, *to_us);
        }
    }
    for event in &found.events {
        if let Some(lane) = lanes.get_mut(&event.camera) {
            lane.events.push(EventMark {
                id: event.id,
                kind: event.kind,
                topic: event.topic.clone(),
                from_us: event.start_us,
                to_us: event.end_us.unwrap_or(now),
            });
        }
    }
}

fn fill_buckets(lanes: &mut BTreeMap<CameraId, CameraLane>, found: &Found, grid: Grid) {
    for chunk in &found.recorded {
        let Some(lane) = lanes.get_mut(&chunk.camera) else { continue };
        lane.filled.resize(grid.count, 0);
        grid.put(chunk, &mut lane.filled, |percent, recorded_us| {
            // Whatever was recorded is seen, be it little; only a whole bucket is full.
            let exact = (recorded_us * 100 / grid.length_us).clamp(1, 100);
            *percent = u8::try_from(exact).unwrap_or(100);
        });
    }
    for (kind, chunk) in &found.happened {
        let Some(lane) = lanes.get_mut(&chunk.camera) else { continue };
        let place = lane.density.iter().position(|density| density.kind == *kind).unwrap_or_else(|| {
            lane.density.push(KindDensity { kind: *kind, counts: vec![0; grid.count] });
            lane.density.len() - 1
        });
        grid.put(chunk, &mut lane.density[place].counts, |count, more| {
            *count = count.saturating_add(u32::try_from(more).unwrap_or(u32::MAX));
        });
    }
    for lane in lanes.values_mut() {
        lane.density.retain(|density| density.counts.iter().any(|count| *count > 0));
        lane.density.sort_by_key(|density| density.kind);
        if lane.filled.iter().all(|percent| *percent == 0) {
            lane.filled.clear();
        }
    }
}

/// With buckets, what is not wholly recorded may be a gap: it lies under what was recorded.
fn add_gaps(
    lanes: &mut BTreeMap<CameraId, CameraLane>,
    conditions: Vec<GapRow>,
    grid: Option<Grid>,
    from_us: UnixMicros,
    to_us: UnixMicros,
    now: UnixMicros,
) {
    let mut by_camera: BTreeMap<CameraId, Vec<GapRow>> = BTreeMap::new();
    for gap in conditions {
        by_camera.entry(gap.camera).or_default().push(gap);
    }
    for (camera, own) in by_camera {
        let Some(lane) = lanes.get_mut(&camera) else { continue };
        let have = match grid {
            Some(grid) => grid.full(&lane.filled),
            None => lane.recorded.iter().map(|span| (span.from_us, span.to_us)).collect(),
        };
        lane.gaps = gaps_of(&own, &have, from_us, to_us, now);
    }
}

#[cfg(test)]
mod tests {
    use hausrecht_store::CHUNK;

    use super::*;

    const DAY_US: i64 = 86_400_000_000;

    fn length(span_us: i64) -> i64 {
        Grid::over(UnixMicros(7), UnixMicros(7 + span_us)).length_us
    }

    #[test]
    fn a_year_is_days_and_a_day_is_minutes() {
        assert_eq!(length(DAY_US), LEVELS_US[0]);
        assert_eq!(length(10 * DAY_US), LEVELS_US[1]);
        assert_eq!(length(90 * DAY_US), LEVELS_US[2]);
        assert_eq!(length(366 * DAY_US), LEVELS_US[3]);
        assert_eq!(length(LONGEST_US), LEVELS_US[3]);
    }

    #[test]
    fn a_grid_takes_what_lies_on_it() {
        let grid = Grid::over(UnixMicros(3 * DAY_US / 2), UnixMicros(5 * DAY_US / 2));
        assert_eq!((grid.length_us, grid.count), (LEVELS_US[0], 144));
        let chunk_us = LEVELS_US[0] * i64::try_from(CHUNK).unwrap();
        let camera: CameraId = "00000000000000c0".parse().unwrap();
        let mut amounts = vec![0; CHUNK];
        let first = grid.first_us.div_euclid(chunk_us) * chunk_us;
        let place = usize::try_from((grid.first_us - first) / LEVELS_US[0]).unwrap();
        (amounts[place], amounts[place - 1]) = (5, 9);
        let mut counts = vec![0_i64; grid.count];
        grid.put(&Buckets { from_us: UnixMicros(first), camera, amounts }, &mut counts, |count, more| {
            *count += more;
        });
        assert_eq!(counts.iter().sum::<i64>(), 5);
        assert_eq!(counts[0], 5);
    }

    #[test]
    fn gaps_are_what_full_buckets_leave() {
        let grid = Grid { first_us: 0, length_us: 10, count: 5 };
        let full = grid.full(&[100, 99, 98, 0, 100]);
        assert_eq!(full, [(UnixMicros(0), UnixMicros(20)), (UnixMicros(40), UnixMicros(50))]);
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
