//! Keeps a camera's worker alive: starts it, watches it, says why there is no picture and when it tries again.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use hausrecht_ledger::Kind;
use hausrecht_media::{CameraOpen, ControlError, Event, FaultCode, Keep, Order, Password, Sender, Stream};
use hausrecht_model::StreamRole;
use tokio::sync::{mpsc, watch};

use super::{CameraTask, Wanted, events, link::rare_pause};
use crate::{
    inner::{Inner, lock},
    logbook::Note,
    recorder::{self, Source},
    snapshots::Answer,
    wire::{self, DeadReason, PictureState},
};

/// After this much silence a picture that looks alive is called frozen.
const FROZEN_AFTER: Duration = Duration::from_secs(4);
/// A picture that comes this much later than usual is called late. Milliseconds.
const LATE_FROM_MS: u32 = 3_000;
/// After this much silence the worker gives the connection up, and a new one is tried.
const LOST_AFTER: Duration = Duration::from_secs(10);
/// A worker that says nothing at all for this long hangs and is ended.
const HUNG_AFTER: Duration = Duration::from_secs(15);
/// How long a worker may take to finish its clip when asked to end.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(5);

/// Why a worker's run ended.
enum Ended {
    Stop,
    Restart,
    Fault(DeadReason),
    Died,
}

enum Message {
    Event(Event),
    Closed,
}

pub(super) async fn run(task: Arc<CameraTask>, inner: Arc<Inner>) {
    let mut wanted = task.wanted.subscribe();
    let mut failures: u32 = 0;
    let mut refusals: u32 = 0;
    let mut lost_noted = false;
    if let Err(error) = task.learn_motion(&inner).await {
        tracing::warn!(camera = %task.id, "how motion is to be measured cannot be read: {error}");
    }
    if let Err(error) = task.learn_recording(&inner).await {
        tracing::warn!(camera = %task.id, "how it is to be recorded cannot be read: {error}");
    }
    while *wanted.borrow_and_update() != Wanted::Stop {
        let mut had_picture = false;
        let settled = tokio::select! {
            settled = task.settle(&inner) => settled,
            _ = wanted.changed() => continue,
        };
        let was_accepted = if settled.is_ok() { task.has_streamed() } else { task.is_proven() };
        let ended = match settled {
            Ok(()) => one_worker(&task, &inner, &mut wanted, &mut had_picture, &mut lost_noted).await,
            Err(reason) => Ended::Fault(reason),
        };
        task.port.worker_gone();
        task.snapshots.worker_gone();
        lock(&task.streams).clear();
        task.card.camera_is_gone();
        *lock(&task.worker_pid) = None;
        lock(&task.status).recording = false;
        if had_picture {
            failures = 0;
            refusals = 0;
        } else {
            // What worked before may not any more, behind another router for example.
            lock(&task.status).transport = None;
        }
        let (reason, wait) = match ended {
            Ended::Stop => break,
            Ended::Restart => {
                failures = 0;
                task.set_picture(PictureState::Starting);
                continue;
            }
            // The camera is fine as far as anyone knows: at once, unless workers keep dying.
            Ended::Died => (
                DeadReason::WorkerEnded,
                if failures == 0 { Duration::from_millis(100) } else { pause(failures) },
            ),
            // The camera had accepted it: too many connections, or another password by now.
            Ended::Fault(reason @ DeadReason::WrongPassword) if was_accepted || had_picture => {
                let wait = rare_pause(refusals);
                refusals = refusals.saturating_add(1);
                (reason, wait)
            }
            // Only the owner can say how it goes on.
            Ended::Fault(reason @ (DeadReason::WrongPassword | DeadReason::CertificateChanged)) => {
                (reason, Duration::MAX)
            }
            Ended::Fault(DeadReason::StreamRefused) if task.was_not_found.swap(false, Ordering::Relaxed) => {
                // The camera may have given its stream another address.
                let read = tokio::select! {
                    read = task.reread_streams(&inner) => read,
                    _ = wanted.changed() => continue,
                };
                match read {
                    // At once, unless it does so again and again.
                    Ok(true) if failures == 0 => {
                        failures = 1;
                        continue;
                    }
                    Ok(_) => {}
                    Err(error) => {
                        tracing::info!(camera = %task.id, "its streams are not known anew: {error}")
                    }
                }
                (DeadReason::StreamRefused, pause(failures))
            }
            Ended::Fault(reason) => (reason, pause(failures)),
        };
        failures = failures.saturating_add(1);
        let retry_at_us = (wait != Duration::MAX).then(|| inner.now().plus(wait));
        task.set_dead(inner.now(), reason, retry_at_us);
        note_lost(&task, &inner, reason, &mut lost_noted).await;
        tell(&inner);
        tokio::select! {
            _ = wanted.changed() => {}
            () = wait_for(wait) => {}
        }
        if *wanted.borrow() != Wanted::Stop && wait == Duration::MAX {
            task.set_picture(PictureState::Starting);
        }
    }
    *lock(&task.worker_pid) = None;
}

async fn wait_for(wait: Duration) {
    if wait == Duration::MAX {
        std::future::pending::<()>().await;
    }
    tokio::time::sleep(wait).await;
}

/// 1, 2, 4 … 30 s, with a quarter of jitter so that cameras that died together do not come back together.
fn pause(failures: u32) -> Duration {
    let base_ms = 1000_u64 << failures.min(5);
    let jitter_ms = rand::random_range(0..=base_ms / 4);
    Duration::from_millis(base_ms.min(30_000) + jitter_ms)
}

fn tell(inner: &Arc<Inner>) {
    inner.tell(wire::Event::Tiles(inner.tiles_view()));
    inner.tell(wire::Event::Cameras(inner.cameras_view()));
}

async fn note_lost(task: &CameraTask, inner: &Arc<Inner>, reason: DeadReason, noted: &mut bool) {
    if !*noted && reason != DeadReason::WorkerEnded {
        *noted = true;
        let reason = serde_json::to_value(reason).unwrap_or_default();
        inner.log_or_tell(Note::new(Kind::CameraLost).camera(task.id).fact("reason", reason)).await;
    }
}

async fn note_back(task: &CameraTask, inner: &Arc<Inner>, noted: &mut bool) {
    if std::mem::take(noted) {
        inner.log_or_tell(Note::new(Kind::CameraBack).camera(task.id)).await;
    }
}

/// Runs one worker from its start to its end.
async fn one_worker(
    task: &Arc<CameraTask>,
    inner: &Arc<Inner>,
    wanted: &mut watch::Receiver<Wanted>,
    had_picture: &mut bool,
    lost_noted: &mut bool,
) -> Ended {
    let label = task.row().name;
    let launched = {
        let inner = Arc::clone(inner);
        tokio::task::spawn_blocking(move || inner.launcher.launch(&label)).await
    };
    let worker = match launched {
        Ok(Ok(worker)) => worker,
        Ok(Err(error)) => {
            tracing::error!("no worker: {error}");
            return Ended::Died;
        }
        Err(_) => return Ended::Died,
    };
    let open = match open_order(task, inner) {
        Ok(open) => open,
        Err(error) => {
            tracing::error!(camera = %task.id, "the stored sign-in cannot be read: {error}");
            return Ended::Fault(DeadReason::WrongPassword);
        }
    };
    let hausrecht_media::Worker { orders, mut events, bulk, answers: _, process } = worker;
    *lock(&task.worker_pid) = Some(process.pid());
    if orders.send(&Order::Open(open)).is_err() {
        return Ended::Died;
    }
    task.port.worker_came(orders.clone());
    task.snapshots.worker_came(orders.clone());

    let (sender, mut messages) = mpsc::channel(64);
    let event_sender = sender.clone();
    let spawned = std::thread::Builder::new().name("worker-events".into()).spawn(move || {
        while let Ok(event) = events.recv() {
            if event_sender.blocking_send(Message::Event(event)).is_err() {
                return;
            }
        }
        let _ = event_sender.blocking_send(Message::Closed);
    });
    if spawned.is_err() {
        return Ended::Died;
    }
    let recording = {
        let (task, inner) = (Arc::clone(task), Arc::clone(inner));
        tokio::task::spawn_blocking(move || recorder::record(&task, &inner, Source::Live, bulk))
    };

    let following = Following { task, inner, orders: &orders };
    let ended = watch_worker(following, wanted, &mut messages, had_picture, lost_noted).await;
    events::measured(task, inner, false).await;
    if matches!(ended, Ended::Stop | Ended::Restart) && orders.send(&Order::Shutdown).is_ok() {
        let _ = tokio::time::timeout(SHUTDOWN_LIMIT, async {
            while !matches!(messages.recv().await, Some(Message::Closed) | None) {}
        })
        .await;
    }
    // Killing it ends its pipe, and with that the recorder, which closes the clip with what has come.
    drop(process);
    if recording.await.is_err() {
        tracing::error!(camera = %task.id, "the recorder ended by a defect");
    }
    ended
}

fn open_order(task: &CameraTask, inner: &Inner) -> crate::Result<CameraOpen> {
    let row = task.row();
    let (user, password) = task.sign_in(inner)?;
    Ok(CameraOpen {
        main_uri: row.main_uri,
        sub_uri: row.sub_uri,
        user,
        password: Password::new(password.as_str()),
        transport: task.transport(),
        certificate: row.certificate,
        latency_ms: 0,
        record: matches!(task.plan.order(), Keep::All { .. }),
        clip_target_ms: u32::try_from(inner.options.clip_length.as_millis()).unwrap_or(60_000),
    })
}

/// A worker that is followed.
struct Following<'a> {
    task: &'a Arc<CameraTask>,
    inner: &'a Arc<Inner>,
    orders: &'a Sender<Order>,
}

/// Follows what the worker says until it ends or is to be ended.
async fn watch_worker(
    following: Following<'_>,
    wanted: &mut watch::Receiver<Wanted>,
    messages: &mut mpsc::Receiver<Message>,
    had_picture: &mut bool,
    lost_noted: &mut bool,
) -> Ended {
    let Following { task, inner, orders } = following;
    let clock = Arc::clone(&inner.options.clock);
    let mut motion = task.motion.orders();
    let mut is_motion_due = true;
    let mut keep = task.plan.orders();
    let mut is_keep_due = true;
    let mut fault: Option<DeadReason> = None;
    let mut last_word = clock.monotonic();
    let mut silent_main: Option<Duration> = None;
    let mut tick = tokio::time::interval(Duration::from_millis(500));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        if is_keep_due {
            let order = *keep.borrow_and_update();
            match orders.try_send(&Order::Record { keep: order }) {
                Ok(()) => is_keep_due = false,
                // As below.
                Err(ControlError::Full) => {}
                Err(_) => return fault.map_or(Ended::Died, Ended::Fault),
            }
        }
        if is_motion_due {
            let settings = motion.borrow_and_update().clone();
            match orders.try_send(&Order::Motion { settings }) {
                Ok(()) => is_motion_due = false,
                // It is told with the next tick, if it listens by then.
                Err(ControlError::Full) => {}
                Err(_) => return fault.map_or(Ended::Died, Ended::Fault),
            }
        }
        tokio::select! {
            changed = wanted.changed() => match (changed, *wanted.borrow_and_update()) {
                (Err(_), _) | (Ok(()), Wanted::Stop) => return Ended::Stop,
                (Ok(()), Wanted::Restart(_)) => return Ended::Restart,
                (Ok(()), Wanted::Run) => {}
            },
            message = messages.recv() => {
                last_word = clock.monotonic();
                match message {
                    None | Some(Message::Closed) => {
                        return fault.map_or(Ended::Died, Ended::Fault);
                    }
                    Some(Message::Event(Event::Motion { active, .. })) => {
                        events::measured(task, inner, active).await;
                    }
                    Some(Message::Event(event)) => {
                        let alive = on_event(task, event, &mut fault, &mut silent_main, clock.monotonic());
                        if alive {
                            *had_picture = true;
                            task.note_streamed();
                            task.answers_again();
                            note_back(task, inner, lost_noted).await;
                            tell(inner);
                        }
                        // A worker that only shows goes on without its substream, which may be all that is looked at.
                        let has_ended = matches!(fault, Some(DeadReason::NoKeyFrame | DeadReason::UnsupportedCodec));
                        if has_ended || (task.is_off() && fault.is_some()) {
                            return Ended::Fault(fault.unwrap_or(DeadReason::NoKeyFrame));
                        }
                    }
                }
            }
            Ok(()) = keep.changed() => is_keep_due = true,
            Ok(()) = motion.changed() => is_motion_due = true,
            _ = tick.tick() => {
                let now = clock.monotonic();
                if now.saturating_sub(last_word) > HUNG_AFTER {
                    return fault.map_or(Ended::Fault(DeadReason::Frozen), Ended::Fault);
                }
                if let Some(since) = silent_main
                    && now.saturating_sub(since) >= FROZEN_AFTER
                    && task.set_dead(inner.now(), DeadReason::Frozen, Some(inner.now().plus(LOST_AFTER - FROZEN_AFTER)))
                {
                    note_lost(task, inner, DeadReason::Frozen, lost_noted).await;
                    tell(inner);
                }
            }
        }
    }
}

/// Takes in one event; returns whether the picture has just come alive.
fn on_event(
    task: &CameraTask,
    event: Event,
    fault: &mut Option<DeadReason>,
    silent_main: &mut Option<Duration>,
    now: Duration,
) -> bool {
    match event {
        Event::Frame { generation, sequence, .. } => {
            task.port.picture_came(generation, sequence);
            false
        }
        Event::State(state) => {
            task.note_stream(&state);
            if state.width > 0 && state.height > 0 {
                #[expect(clippy::cast_precision_loss, reason = "a ratio for the layout")]
                let aspect = state.width as f32 / state.height as f32;
                lock(&task.status).aspect = Some(aspect);
            }
            let is_off = task.is_off();
            if state.stream != StreamRole::Main && !is_off {
                return false;
            }
            if state.streaming && (state.fps > 0.0 || silent_main.is_none()) {
                *silent_main = None;
                let is_news = {
                    let mut status = lock(&task.status);
                    status.transport = Some(state.transport);
                    let before = (status.lag_ms, status.frozen_ms);
                    status.lag_ms = if state.lag_ms < LATE_FROM_MS { 0 } else { state.lag_ms };
                    status.frozen_ms = state.frozen_ms;
                    before != (status.lag_ms, status.frozen_ms)
                };
                return !task.set_picture(PictureState::Live) || is_news;
            }
            if is_off {
                // Nothing is fetched while nobody looks.
                *silent_main = None;
                task.set_picture(PictureState::Starting);
                return false;
            }
            silent_main.get_or_insert(now);
            false
        }
        Event::Decoding { branches } => {
            task.port.decodes(branches);
            false
        }
        Event::Snapshot { id, len, width, height, shown_us } => {
            task.snapshots.answered(id, Answer { len, width, height, shown_us });
            false
        }
        Event::Stalled { stream, silent_ms } => {
            if stream == Stream::Main || task.is_off() {
                silent_main.get_or_insert(now.saturating_sub(Duration::from_millis(silent_ms)));
            }
            false
        }
        Event::Fault { stream, code, text } => {
            tracing::info!(camera = %task.id, ?stream, ?code, "{text}");
            if stream == Stream::Main || task.is_off() {
                task.was_not_found.store(code == FaultCode::NotFound, Ordering::Relaxed);
                *fault = Some(reason(code, lock(&task.status).picture == PictureState::Live));
            }
            false
        }
        Event::Ready { sandbox } => {
            tracing::debug!(camera = %task.id, ?sandbox, "worker ready");
            false
        }
        Event::Read { .. }
        | Event::Opened { .. }
        | Event::Position { .. }
        | Event::CardPosition { .. }
        | Event::CardEnded
        | Event::Footage(_)
        | Event::FootagePosition { .. }
        | Event::FootageEnded { .. }
        | Event::Motion { .. }
        | Event::Exported { .. }
        | Event::ExportPosition { .. }
        | Event::Talking { .. } => false,
    }
}

fn reason(code: FaultCode, was_live: bool) -> DeadReason {
    match code {
        FaultCode::Refused | FaultCode::NotFound => DeadReason::StreamRefused,
        FaultCode::NotAuthorized => DeadReason::WrongPassword,
        FaultCode::PasswordUnprotected => DeadReason::PasswordUnprotected,
        FaultCode::NoKeyFrame => DeadReason::NoKeyFrame,
        FaultCode::UnsupportedCodec => DeadReason::UnsupportedCodec,
        FaultCode::Lost if was_live => DeadReason::Frozen,
        FaultCode::Timeout | FaultCode::Lost => DeadReason::Unreachable,
        FaultCode::Internal | FaultCode::NoBackChannel | FaultCode::NoMicrophone => DeadReason::WorkerEnded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_stay_bounded() {
        for failures in 0..40 {
            let wait = pause(failures);
            assert!(
                wait >= Duration::from_secs(1) && wait <= Duration::from_secs(38),
                "{failures}: {wait:?}"
            );
        }
    }
}
