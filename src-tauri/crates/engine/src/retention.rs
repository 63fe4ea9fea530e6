//! Erases what has been kept long enough, wraps first, and tends to what happens with time: grants that end, the idle
//! lock, steps of the clock, checkpoints.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use hausrecht_ledger::Kind;
use hausrecht_model::{CameraId, ClipId};

use crate::{
    Result,
    handle::about,
    inner::{Inner, lock},
    logbook::Note,
    wire::Event,
    wire::NoticeKind,
};

/// How many clips are erased in one transaction.
const BATCH: u32 = 200;
/// A difference between wall and monotonic time above this is a step.
const STEP: Duration = Duration::from_secs(2);

/// A leap forward of more than an hour holds erasing for an hour, in which somebody can set the clock right.
const FORWARD_US: i64 = 3_600_000_000;
const HOLD: Duration = Duration::from_secs(3600);

/// Erases clips older than the kept time.
pub(crate) async fn erase_old(inner: &Arc<Inner>) -> Result<u64> {
    let kept = Duration::from_secs(u64::from(lock(&inner.settings).kept_hours) * 3600);
    let before = inner.now().minus(kept);
    let mut erased = 0;
    loop {
        let writer = Arc::clone(inner);
        let batch = inner
            .db
            .write(move |tables| {
                let clips = tables.clips_ended_before(before, BATCH)?;
                let mut by_camera: BTreeMap<CameraId, Vec<ClipId>> = BTreeMap::new();
                for (clip, camera) in &clips {
                    by_camera.entry(*camera).or_default().push(*clip);
                }
                for (camera, clips) in by_camera {
                    let tags: Vec<_> =
                        clips.iter().map(|clip| writer.logbook.clip_tag(*clip).to_string()).collect();
                    let note = Note::new(Kind::Erased)
                        .camera(camera)
                        .fact("clips", clips.len())
                        .fact("why", "kept_time")
                        .fact("kept_hours", kept.as_secs() / 3600)
                        .fact("tags", tags);
                    for clip in clips {
                        tables.begin_erasing(clip)?;
                    }
                    writer.logbook.append(tables, &note, None)?;
                }
                tables.erase_events(before)?;
                Ok(clips.len())
            })
            .await?;
        finish_erasing(inner).await?;
        erased += batch as u64;
        if batch < BATCH as usize {
            break;
        }
    }
    if erased > 0 {
        // The wraps' bytes must not stay behind in the write-ahead log.
        inner.db.run(|store| Ok(store.truncate_wal()?)).await?;
        let size = inner.db.read(|tables| Ok(tables.log_size()?)).await?;
        inner.tell(Event::LogGrew(size));
        inner.clips_changed();
    }
    Ok(erased)
}

/// Unlinks files whose wraps are gone; also what an earlier run did not come to.
pub(crate) async fn finish_erasing(inner: &Arc<Inner>) -> Result<()> {
    for (clip, camera) in inner.db.read(|tables| Ok(tables.erasing()?)).await? {
        match std::fs::remove_file(inner.clip_path(camera, clip)) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                tracing::warn!(%clip, "cannot be unlinked, its key is gone: {error}");
                continue;
            }
        }
        inner.db.write(move |tables| Ok(tables.finish_erasing(clip)?)).await?;
    }
    Ok(())
}

/// Grants past their end lose their wraps.
async fn end_grants(inner: &Arc<Inner>) -> Result<()> {
    let now = inner.now();
    let over: Vec<_> = lock(&inner.grants)
        .iter()
        .filter(|grant| grant.ended_us.is_none() && !grant.holds(now))
        .cloned()
        .collect();
    for grant in over {
        let id = grant.id;
        let writer = Arc::clone(inner);
        let note = Note::new(Kind::GrantTakenBack).camera(grant.camera).fact("why", "time_is_up");
        let mut note = about(note, &grant);
        note.refers_to = Some(grant.entry);
        inner
            .db
            .write(move |tables| {
                tables.end_grant(id, now)?;
                writer.logbook.append(tables, &note, None)
            })
            .await?;
        let mut grants = lock(&inner.grants);
        if let Some(grant) = grants.iter_mut().find(|grant| grant.id == id) {
            grant.ended_us = Some(now);
        }
        drop(grants);
        inner.revoke_views();
    }
    Ok(())
}

/// Once in a while, until the engine stops.
pub(crate) async fn tend(inner: Arc<Inner>) {
    let mut stopping = inner.stopping.subscribe();
    let clock = Arc::clone(&inner.options.clock);
    let mut wall = clock.now();
    let mut monotonic = clock.monotonic();
    let mut rounds: u64 = 0;
    let mut hold_until = Duration::ZERO;
    let mut tick = tokio::time::interval(Duration::from_millis(500));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            // The end may have been ordered before this began to listen.
            _ = stopping.wait_for(|stopping| *stopping) => return,
        }
        let (wall_now, monotonic_now) = (clock.now(), clock.monotonic());
        let passed = monotonic_now.saturating_sub(monotonic);
        let step_us = wall_now.0 - wall.plus(passed).0;
        (wall, monotonic) = (wall_now, monotonic_now);
        if step_us.unsigned_abs() > u64::try_from(STEP.as_micros()).unwrap_or(u64::MAX) {
            let writer = Arc::clone(&inner);
            let noted = inner.db.write(move |tables| writer.logbook.note_clock_step(tables, step_us)).await;
            if let Err(error) = noted {
                inner.notice(NoticeKind::LogUnwritable, None, error.message);
            }
            // A clock that leapt forward by mistake must not erase what it makes old.
            if step_us > FORWARD_US {
                hold_until = monotonic_now + HOLD;
            }
            inner.notice(
                NoticeKind::ClockStep,
                None,
                format!("the clock was set by {} s", step_us / 1_000_000),
            );
        }
        if inner.clips_changed.swap(false, std::sync::atomic::Ordering::Relaxed) {
            inner.tell(Event::ClipsChanged);
        }
        inner.tell(Event::Tiles(inner.tiles_view()));
        inner.lock_if_idle().await;
        inner.revoke_views();
        rounds += 1;
        if rounds.is_multiple_of(4)
            && let Err(error) = end_grants(&inner).await
        {
            tracing::error!("grants past their end: {error}");
        }
        if rounds.is_multiple_of(120) {
            if monotonic_now >= hold_until
                && let Err(error) = erase_old(&inner).await
            {
                inner.notice(NoticeKind::LogUnwritable, None, error.message);
            }
            let writer = Arc::clone(&inner);
            if let Err(error) = inner.db.write(move |tables| writer.logbook.checkpoint(tables)).await {
                tracing::error!("no checkpoint: {error}");
            }
        }
    }
}
