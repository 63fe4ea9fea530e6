//! Tends to what happens with time: clips that are to be erased, plans of the week, grants that end, the idle lock, steps
//! of the clock, checkpoints.

mod erase;
pub(crate) mod gaps;
mod holds;

use std::{sync::Arc, time::Duration};

use hausrecht_ledger::Kind;
use hausrecht_model::UnixMicros;
use hausrecht_store::GrantRow;

pub(crate) use self::erase::{
    erase_old, finish_erasing, keep_sizes, kept_until, make_room, reserve_bytes, settle,
};

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
/// A clip is entered no later than this after it began.
const LATE_US: i64 = 6 * 3_600_000_000;
/// A difference between wall and monotonic time above this is a step.
const STEP: Duration = Duration::from_secs(2);

/// A leap forward of more than an hour holds erasing for an hour, in which somebody can set the clock right.
const FORWARD_US: i64 = 3_600_000_000;
const HOLD: Duration = Duration::from_secs(3600);

/// Grants past their end lose their wraps, as do those of guests past theirs, and those whose openings are used up and
/// that nobody watches through any more.
async fn end_grants(inner: &Arc<Inner>) -> Result<()> {
    let now = inner.now();
    let gone: Vec<_> =
        lock(&inner.people).iter().filter(|row| !row.may_sign_in(now)).map(|row| row.id).collect();
    if let Ok(person) = inner.signed_in()
        && gone.contains(&person.id)
    {
        inner.lock_session("ended").await;
    }
    let watched = lock(&inner.player).as_ref().and_then(|player| player.grant);
    let beside = lock(&inner.together).is_some() || inner.exports.is_any_open();
    let why = |grant: &GrantRow| {
        if grant.ended_us.is_some() {
            None
        } else if !grant.holds(now) {
            Some("time_is_up")
        } else if gone.contains(&grant.person) {
            Some("person_ended")
        } else if grant.is_used_up() && watched != Some(grant.id) && !beside {
            Some("used_up")
        } else {
            None
        }
    };
    let over: Vec<_> =
        lock(&inner.grants).iter().filter_map(|grant| Some((grant.clone(), why(grant)?))).collect();
    let any = !over.is_empty();
    for (grant, why) in over {
        let id = grant.id;
        let writer = Arc::clone(inner);
        let note = Note::new(Kind::GrantTakenBack).camera(grant.camera).fact("why", why);
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
            grant.pending = false;
        }
        drop(grants);
        inner.revoke_views();
    }
    if any {
        // The wraps' bytes must not stay behind in the write-ahead log.
        inner.db.run(|store| Ok(store.truncate_wal()?)).await?;
        inner.tell(Event::GrantsChanged);
        inner.clips_changed();
    }
    Ok(())
}

/// Wraps of clips that have become too old for a grant that looks back go: a closed door has no key.
async fn end_looks_back(inner: &Arc<Inner>) -> Result<()> {
    let now = inner.now();
    let bounds: Vec<_> = lock(&inner.grants)
        .iter()
        .filter(|grant| grant.holds(now))
        .filter_map(|grant| Some((grant.id, grant.camera, UnixMicros(now.0.saturating_sub(grant.back_us?)))))
        .collect();
    if bounds.is_empty() {
        return Ok(());
    }
    // What was looked at before is not looked at again, but for a clip that was long in coming.
    let looked_at = lock(&inner.looked_back).clone();
    let spans: Vec<_> = bounds
        .iter()
        .map(|(id, camera, before)| {
            let from = looked_at.get(id).map_or(0, |at| at.0.saturating_sub(LATE_US));
            (*id, *camera, UnixMicros(from), *before)
        })
        .collect();
    let dropped = inner
        .db
        .write(move |tables| {
            spans.into_iter().try_fold(0, |sum, (id, camera, from, to)| {
                Ok(sum + tables.drop_wraps_between(id, camera, from, to)?)
            })
        })
        .await?;
    *lock(&inner.looked_back) = bounds.into_iter().map(|(id, _, before)| (id, before)).collect();
    if dropped > 0 {
        inner.db.run(|store| Ok(store.truncate_wal()?)).await?;
        inner.clips_changed();
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
            for (what, outcome) in [
                ("wraps that are too old", end_looks_back(&inner).await),
                ("questions that are over", inner.forget_asks().await),
            ] {
                if let Err(error) = outcome {
                    tracing::error!("{what}: {error}");
                }
            }
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
