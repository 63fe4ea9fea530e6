//! Tends to what happens with time: clips that are to be erased, plans of the week, grants that end, the idle lock, steps
//! of the clock, checkpoints.

mod erase;
pub(crate) mod gaps;
mod holds;

use std::{sync::Arc, time::Duration};

use hausrecht_ledger::Kind;

pub(crate) use self::erase::{erase_old, finish_erasing, keep_sizes, kept_until, make_room, reserve_bytes};

use crate::{
    Result,
    handle::about,
    inner::{Inner, lock},
    logbook::Note,
    wire::Event,
    wire::NoticeKind,
};

/// Rounds, of half a second each, from one look at the disk to the next.
const DISK_ROUNDS: u64 = 10;
/// A difference between wall and monotonic time above this is a step.
const STEP: Duration = Duration::from_secs(2);

/// A leap forward of more than an hour holds erasing for an hour, in which somebody can set the clock right.
const FORWARD_US: i64 = 3_600_000_000;
const HOLD: Duration = Duration::from_secs(3600);

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
    let mut conditions = gaps::Conditions::default();
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
            let noted = inner
                .db
                .write(move |tables| {
                    gaps::note_step(tables, wall_now, step_us)?;
                    writer.logbook.note_clock_step(tables, step_us)
                })
                .await;
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
        if inner.options.record
            && let Err(error) = conditions.look(&inner).await
        {
            tracing::error!("why nothing is recorded is not noted: {error}");
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
        if rounds.is_multiple_of(DISK_ROUNDS)
            && inner.options.record
            && let Err(error) = make_room(&inner).await
        {
            tracing::error!("no room could be made: {error}");
        }
        if rounds.is_multiple_of(120) {
            if monotonic_now >= hold_until
                && let Err(error) = erase_old(&inner).await
            {
                inner.notice(NoticeKind::LogUnwritable, None, error.message);
            }
            if inner.options.record
                && let Err(error) = keep_sizes(&inner).await
            {
                tracing::error!("more is kept than is allowed: {error}");
            }
            let writer = Arc::clone(&inner);
            let written = inner.db.write(move |tables| {
                if writer.options.record {
                    gaps::note_alive(tables, wall_now)?;
                }
                writer.logbook.checkpoint(tables)
            });
            if let Err(error) = written.await {
                tracing::error!("no checkpoint: {error}");
            }
        }
    }
}
