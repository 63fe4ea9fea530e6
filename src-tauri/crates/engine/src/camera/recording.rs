//! When a camera is recorded: what the owner has set, the week's plan by the wall clock, and what happens before the
//! camera. What follows from it is one order to the worker; the pictures themselves never pass here.

mod week;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use hausrecht_media::Keep;
use hausrecht_model::{EventId, EventKind, UnixMicros};
use jiff::tz::TimeZone;
use tokio::sync::watch;

use super::{CameraTask, events::Step};
use crate::{
    Result,
    inner::{Inner, lock},
    wire::{DeadReason, GapReason, PictureState, RecordMode, RecordState, RecordingSettings},
};

pub(crate) use self::week::is_week;

/// What an event may be late by when it is heard of. So much more than the pre-roll is kept in memory.
const LATE: Duration = Duration::from_secs(5);

/// How a camera is to be recorded, and what follows from it.
#[derive(Debug)]
pub(crate) struct Plan {
    state: Mutex<State>,
    order: watch::Sender<Keep>,
}

#[derive(Debug, Default)]
struct State {
    settings: RecordingSettings,
    mode: RecordMode,
    is_by_schedule: bool,
    /// What goes on, whether it counts or not: that may change meanwhile.
    open: BTreeMap<EventId, EventKind>,
    /// Monotonic time until when is recorded after what was.
    until: Duration,
    /// The newest that counts.
    cause: Option<Cause>,
}

/// The event that made a recording.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Cause {
    pub(crate) event: EventId,
    pub(crate) kind: EventKind,
    pub(crate) at: UnixMicros,
}

impl Default for Plan {
    fn default() -> Self {
        Self { state: Mutex::default(), order: watch::channel(Keep::All { from_unix_us: None }).0 }
    }
}

impl Plan {
    /// What the worker is to do, now and when that changes.
    pub(crate) fn orders(&self) -> watch::Receiver<Keep> {
        self.order.subscribe()
    }

    /// What the worker is to do now.
    pub(crate) fn order(&self) -> Keep {
        *self.order.borrow()
    }

    /// Follows the owner's wish.
    pub(crate) fn set(&self, settings: RecordingSettings) {
        lock(&self.state).settings = settings;
    }

    /// What the owner has set.
    pub(crate) fn settings(&self) -> RecordingSettings {
        lock(&self.state).settings.clone()
    }

    /// The event for which is being recorded; `None` where that needs none.
    pub(crate) fn cause(&self) -> Option<Cause> {
        let state = lock(&self.state);
        state.cause.filter(|_| state.mode == RecordMode::Events)
    }

    /// Takes note of what begins and ends before the camera, at monotonic `now`.
    pub(super) fn happens(&self, steps: &[Step], now: Duration) {
        let mut state = lock(&self.state);
        for step in steps {
            match step {
                Step::Begin(begun) => {
                    if begun.lasts {
                        state.open.insert(begun.id, begun.kind);
                    }
                    if !state.counts(begun.kind) {
                        continue;
                    }
                    state.until = state.until.max(now + state.post_roll());
                    state.cause = Some(Cause { event: begun.id, kind: begun.kind, at: begun.at });
                }
                Step::End { id, .. } => {
                    if state.open.remove(id).is_some_and(|kind| state.counts(kind)) {
                        state.until = state.until.max(now + state.post_roll());
                    }
                }
            }
        }
    }

    /// Decides what is to be done at `wall`, monotonic `now`.
    pub(crate) fn follow(&self, wall: UnixMicros, now: Duration, zone: &TimeZone) {
        let order = {
            let mut state = lock(&self.state);
            state.is_by_schedule = state.settings.week.is_some();
            state.mode = match &state.settings.week {
                Some(week) => week::mode_at(week, wall, zone),
                None => state.settings.mode,
            };
            let goes_on = state.open.values().any(|kind| state.counts(*kind)) || now < state.until;
            let pre_roll = Duration::from_secs(u64::from(state.settings.pre_roll_s));
            match state.mode {
                RecordMode::Off => Keep::Nothing,
                RecordMode::Always => Keep::All { from_unix_us: None },
                RecordMode::Events if goes_on => {
                    let from = state.cause.map(|cause| cause.at.minus(pre_roll).0);
                    Keep::All { from_unix_us: from }
                }
                RecordMode::Events => {
                    let memory = pre_roll + LATE;
                    Keep::Ahead { memory_ms: u32::try_from(memory.as_millis()).unwrap_or(u32::MAX) }
                }
            }
        };
        self.order.send_if_modified(|current| {
            // Once it records, where it began does not matter any more.
            let is_same = matches!((*current, order), (Keep::All { .. }, Keep::All { .. }));
            let changes = !is_same && *current != order;
            if changes {
                *current = order;
            }
            changes
        });
    }

    /// Whether recording is off, and whether by the week's plan.
    fn off(&self) -> Option<bool> {
        let state = lock(&self.state);
        (state.mode == RecordMode::Off).then_some(state.is_by_schedule)
    }
}

impl State {
    fn counts(&self, kind: EventKind) -> bool {
        self.settings.kinds.contains(&kind)
    }

    fn post_roll(&self) -> Duration {
        Duration::from_secs(u64::from(self.settings.post_roll_s))
    }
}

impl CameraTask {
    /// Reads what the owner has wished for.
    pub(super) async fn learn_recording(&self, inner: &Arc<Inner>) -> Result<()> {
        let id = self.id;
        let kept = inner.db.read(move |tables| Ok(tables.recording(id)?)).await?;
        if let Some(text) = kept {
            self.plan.set(serde_json::from_str(&text)?);
        }
        self.follow_plan(inner);
        Ok(())
    }

    /// Decides what is to be recorded now.
    pub(crate) fn follow_plan(&self, inner: &Inner) {
        let clock = &inner.options.clock;
        let zone = inner.options.time_zone.clone().unwrap_or_else(TimeZone::system);
        self.plan.follow(clock.now(), clock.monotonic(), &zone);
    }

    /// Whether nothing of it is to be recorded now.
    pub(super) fn is_off(&self) -> bool {
        self.plan.order() == Keep::Nothing
    }

    /// Whether it is being recorded, and if not, why.
    pub(crate) fn record_state(&self) -> RecordState {
        let (is_recording, is_disk_full, is_live) = {
            let status = lock(&self.status);
            (status.recording, status.disk_full, status.picture == PictureState::Live)
        };
        match (self.plan.order(), self.plan.off()) {
            _ if is_recording => RecordState::Recording,
            (_, Some(true)) => RecordState::OffBySchedule,
            (_, Some(false)) | (Keep::Nothing, None) => RecordState::Off,
            _ if is_disk_full => RecordState::DiskFull,
            (Keep::Ahead { .. }, None) if is_live => RecordState::Waiting,
            (Keep::Ahead { .. } | Keep::All { .. }, None) => RecordState::NoPictures,
        }
    }

    /// Why there may be no clip of this moment; `None` while everything is recorded.
    pub(crate) fn gap_reason(&self) -> Option<GapReason> {
        let waits = matches!(self.plan.order(), Keep::Ahead { .. }) || self.plan.cause().is_some();
        match self.record_state() {
            // A recording on events is one of the waits around it: the condition goes on.
            RecordState::Recording | RecordState::Waiting => waits.then_some(GapReason::Waiting),
            RecordState::Off => Some(GapReason::Off),
            RecordState::OffBySchedule => Some(GapReason::Schedule),
            RecordState::DiskFull => Some(GapReason::DiskFull),
            RecordState::NoPictures => Some(match lock(&self.status).picture {
                PictureState::Dead { reason, .. } => match reason {
                    DeadReason::Unreachable => GapReason::Unreachable,
                    DeadReason::WrongPassword
                    | DeadReason::PasswordUnprotected
                    | DeadReason::CertificateChanged => GapReason::SignInRefused,
                    DeadReason::StreamRefused
                    | DeadReason::Frozen
                    | DeadReason::NoKeyFrame
                    | DeadReason::UnsupportedCodec
                    | DeadReason::WorkerEnded => GapReason::NoPicture,
                },
                PictureState::Starting | PictureState::Live => GapReason::NoPicture,
            }),
        }
    }
}

#[cfg(test)]
mod tests;
