//! Why there is no clip of some time. What is stored is the condition that was in force, a row for as long as it lasted;
//! the gaps are what the clips leave of it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use hausrecht_model::{CameraId, UnixMicros};
use hausrecht_store::{GapRow, Tables};

use crate::{
    Result,
    inner::{Inner, lock},
    wire::{Gap, GapReason},
};

/// A condition is one when it has lasted this long: a worker that is started anew, or a schedule that is being set, is none.
const SETTLED: Duration = Duration::from_secs(2);
/// Below this a gap is none: clips that follow each other do not meet to the microsecond.
const LEAST_US: i64 = 2_000_000;
/// Where it stands until when Hausrecht ran.
const ALIVE: &str = "alive_us";

/// What is seen of the cameras, and what of that is written.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    seen: BTreeMap<CameraId, Seen>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    reason: Option<GapReason>,
    since_us: UnixMicros,
    since: Duration,
    /// The condition in the database; `None`: not known.
    written: Option<Option<GapReason>>,
}

/// What is to be written of one camera.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Change {
    camera: CameraId,
    at_us: UnixMicros,
    /// The condition from then on.
    reason: Option<GapReason>,
}

impl Conditions {
    /// Takes note of what is in force at `camera`; says what is to be written.
    fn see(
        &mut self,
        camera: CameraId,
        reason: Option<GapReason>,
        at_us: UnixMicros,
        now: Duration,
    ) -> Option<Change> {
        let seen =
            self.seen.entry(camera).or_insert(Seen { reason, since_us: at_us, since: now, written: None });
        if seen.reason != reason {
            (seen.reason, seen.since_us, seen.since) = (reason, at_us, now);
        }
        let is_settled = now.saturating_sub(seen.since) >= SETTLED;
        (is_settled && seen.written != Some(seen.reason)).then(|| {
            seen.written = Some(seen.reason);
            Change { camera, at_us: seen.since_us, reason: seen.reason }
        })
    }

    /// Looks at all cameras and writes what has changed.
    pub(super) async fn look(&mut self, inner: &Arc<Inner>) -> Result<()> {
        let (at_us, now) = (inner.now(), inner.options.clock.monotonic());
        let tasks: Vec<_> = lock(&inner.cameras).values().cloned().collect();
        let mut changes = Vec::new();
        for task in &tasks {
            task.follow_plan(inner);
            changes.extend(self.see(task.id, task.gap_reason(), at_us, now));
        }
        let gone: Vec<_> =
            self.seen.keys().filter(|id| tasks.iter().all(|task| task.id != **id)).copied().collect();
        for camera in gone {
            self.seen.remove(&camera);
            changes.push(Change { camera, at_us, reason: None });
        }
        if changes.is_empty() {
            return Ok(());
        }
        let written = inner.db.write({
            let changes = changes.clone();
            move |tables| changes.into_iter().try_for_each(|change| write(tables, change))
        });
        if let Err(error) = written.await {
            // It is tried again with the next look.
            for change in changes {
                if let Some(seen) = self.seen.get_mut(&change.camera) {
                    seen.written = None;
                }
            }
            return Err(error);
        }
        inner.clips_changed();
        Ok(())
    }
}

fn write(tables: &Tables<'_>, change: Change) -> Result<()> {
    let Change { camera, at_us, reason } = change;
    tables.end_gap(camera, at_us)?;
    if let Some(reason) = reason {
        tables.insert_gap(&GapRow { camera, from_us: at_us, to_us: None, reason: name(reason) })?;
    }
    Ok(())
}

/// Notes until when Hausrecht has run, for the next start.
pub(super) fn note_alive(tables: &Tables<'_>, now: UnixMicros) -> Result<()> {
    Ok(tables.set_meta(ALIVE, &now.0.to_string())?)
}

/// Notes that nothing was recorded since the last run ended: `last_us` is the last that the log says of it.
pub(crate) fn note_start(tables: &Tables<'_>, last_us: Option<UnixMicros>, now: UnixMicros) -> Result<()> {
    let alive = tables.meta(ALIVE)?.and_then(|text| text.parse().ok()).map(UnixMicros);
    let Some(ended_us) = alive.max(last_us) else { return Ok(()) };
    for camera in tables.cameras()?.iter().filter(|camera| camera.removed_us.is_none()) {
        tables.end_gap(camera.id, ended_us)?;
        if now.0 - ended_us.0 >= LEAST_US {
            let reason = name(GapReason::NotRunning);
            let from_us = ended_us.max(camera.added_us);
            tables.insert_gap(&GapRow { camera: camera.id, from_us, to_us: Some(now), reason })?;
        }
    }
    Ok(())
}

/// Notes that the clock was set forward over a time that never was.
pub(super) fn note_step(tables: &Tables<'_>, now: UnixMicros, step_us: i64) -> Result<()> {
    if step_us < LEAST_US {
        return Ok(());
    }
    let from_us = UnixMicros(now.0 - step_us);
    for camera in tables.cameras()?.iter().filter(|camera| camera.removed_us.is_none()) {
        let reason = name(GapReason::ClockStep);
        tables.insert_gap(&GapRow { camera: camera.id, from_us, to_us: Some(now), reason })?;
    }
    Ok(())
}

/// What clips leave of conditions, oldest first; `recorded` are stretches with clips, oldest first. A time that never was
/// comes before every other reason.
pub(crate) fn gaps_of(
    rows: &[GapRow],
    recorded: &[(UnixMicros, UnixMicros)],
    from_us: UnixMicros,
    to_us: UnixMicros,
    now: UnixMicros,
) -> Vec<Gap> {
    let mut taken = recorded.to_vec();
    let mut gaps = Vec::new();
    let (steps, others): (Vec<_>, Vec<_>) =
        rows.iter().partition(|row| reason_of(&row.reason) == Some(GapReason::ClockStep));
    for row in steps.into_iter().chain(others) {
        let Some(reason) = reason_of(&row.reason) else { continue };
        let end_us = row.to_us.unwrap_or(now).min(to_us).min(now.max(row.from_us));
        let mut at = row.from_us.max(from_us);
        taken.sort_unstable();
        let first = gaps.len();
        for (taken_from, taken_to) in &taken {
            if *taken_from >= end_us || *taken_to <= at {
                continue;
            }
            gaps.push(Gap { from_us: at, to_us: (*taken_from).min(end_us), reason });
            at = at.max(*taken_to);
        }
        gaps.push(Gap { from_us: at, to_us: end_us, reason });
        taken.extend(
            gaps[first..].iter().filter(|gap| gap.to_us > gap.from_us).map(|gap| (gap.from_us, gap.to_us)),
        );
    }
    gaps.retain(|gap| gap.to_us.0 - gap.from_us.0 >= LEAST_US);
    gaps.sort_by_key(|gap| gap.from_us);
    gaps
}

/// Reasons for which a gap is as the owner wants it: nobody looks for its pictures elsewhere.
pub(crate) fn is_wanted(reason: GapReason) -> bool {
    match reason {
        GapReason::Off | GapReason::Schedule | GapReason::Waiting | GapReason::ClockStep => true,
        GapReason::Unreachable
        | GapReason::SignInRefused
        | GapReason::NoPicture
        | GapReason::DiskFull
        | GapReason::NotRunning => false,
    }
}

/// The reason of this name; `None` for one from a newer version.
pub(crate) fn reason_of(name: &str) -> Option<GapReason> {
    serde_json::from_value(serde_json::Value::String(name.to_owned())).ok()
}

fn name(reason: GapReason) -> String {
    match serde_json::to_value(reason) {
        Ok(serde_json::Value::String(name)) => name,
        Ok(_) | Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(seconds: i64) -> UnixMicros {
        UnixMicros(seconds * 1_000_000)
    }

    fn row(from: i64, to: Option<i64>, reason: GapReason) -> GapRow {
        GapRow {
            camera: "00000000000000c0".parse().unwrap(),
            from_us: s(from),
            to_us: to.map(s),
            reason: name(reason),
        }
    }

    fn gap(from: i64, to: i64, reason: GapReason) -> Gap {
        Gap { from_us: s(from), to_us: s(to), reason }
    }

    #[test]
    fn gaps_are_what_clips_leave_of_conditions() {
        let rows = [row(0, Some(100), GapReason::Waiting), row(100, None, GapReason::Off)];
        let clips = [(s(20), s(40)), (s(99), s(110))];
        assert_eq!(
            gaps_of(&rows, &clips, s(10), s(1000), s(150)),
            [gap(10, 20, GapReason::Waiting), gap(40, 99, GapReason::Waiting), gap(110, 150, GapReason::Off)],
        );
        assert_eq!(gaps_of(&rows, &clips, s(21), s(39), s(150)), []);
        assert_eq!(gaps_of(&[], &clips, s(0), s(1000), s(150)), [], "nobody knows why");
        let touching = [row(0, Some(20), GapReason::NotRunning)];
        assert_eq!(gaps_of(&touching, &[(s(1), s(19))], s(0), s(50), s(150)), [], "a second is none");
    }

    #[test]
    fn a_time_that_never_was_is_nobody_elses() {
        let rows = [row(0, Some(100), GapReason::Waiting), row(30, Some(60), GapReason::ClockStep)];
        assert_eq!(
            gaps_of(&rows, &[], s(0), s(200), s(200)),
            [
                gap(0, 30, GapReason::Waiting),
                gap(30, 60, GapReason::ClockStep),
                gap(60, 100, GapReason::Waiting)
            ],
        );
    }

    #[test]
    fn a_condition_is_written_when_it_has_lasted_and_dated_from_its_begin() {
        let camera = "00000000000000c0".parse().unwrap();
        let mut conditions = Conditions::default();
        let mut see = |second: u64, reason| {
            let at = s(second.cast_signed());
            conditions.see(camera, reason, at, Duration::from_secs(second))
        };
        let waiting = Some(GapReason::Waiting);
        assert_eq!(see(0, None), None);
        assert_eq!(see(5, None), Some(Change { camera, at_us: s(0), reason: None }), "what was goes");
        assert_eq!(see(6, None), None);
        assert_eq!(see(7, Some(GapReason::NoPicture)), None);
        assert_eq!(see(8, None), None);
        assert_eq!(see(10, None), None, "it did not last");
        assert_eq!(see(11, waiting), None);
        assert_eq!(see(13, waiting), Some(Change { camera, at_us: s(11), reason: waiting }));
        assert_eq!(see(20, waiting), None);
        assert_eq!(see(21, None), None);
        assert_eq!(see(24, None), Some(Change { camera, at_us: s(21), reason: None }));
    }

    #[test]
    fn every_reason_is_found_by_its_name() {
        for reason in [GapReason::Off, GapReason::NotRunning, GapReason::SignInRefused] {
            assert_eq!(reason_of(&name(reason)), Some(reason));
        }
        assert_eq!(reason_of("of a later version"), None);
    }
}
