//! Listens to what a camera reports and keeps it: an event's start, its end, an entry in the log.

mod intake;

use std::{pin::pin, sync::Arc, time::Duration};

use hausrecht_ledger::Kind;
use hausrecht_model::{EventId, EventKind, UnixMicros};
use hausrecht_onvif::{Backoff, Camera, Notification, Subscription};
use hausrecht_store::{EventRow, IdentityRow, UnknownTopicRow};

pub(crate) use self::intake::Said;
use self::intake::{Begun, FloodWord, Intake, Step};
use super::{CameraTask, Wanted};
use crate::{
    Result,
    inner::{Inner, lock},
    logbook::Note,
    wire::{Event, Happening, LastEvent, NoticeKind},
};

/// How often what waits is looked at, and unknown topics are written.
const TICK: Duration = Duration::from_secs(2);
/// After this many failures in a row the camera is reached anew from its address on.
const FAILURES_MAX: u32 = 3;
/// How often it is looked at whether a camera that refuses the sign-in is asked again.
const REFUSED_LOOK: Duration = Duration::from_secs(10);
/// A pull that brings something sooner than this is one of many.
const BUSY: Duration = Duration::from_millis(250);
/// So many of those in a row are a flood, and the next one waits for as long.
const BUSY_MAX: u32 = 4;

pub(super) async fn listen(task: Arc<CameraTask>, inner: Arc<Inner>) {
    let mut wanted = task.wanted.subscribe();
    let mut backoff = Backoff::default();
    let mut listener = Listener {
        intake: Intake::new(inner.options.clock.monotonic()),
        unwritten: Vec::new(),
        is_refused: false,
        task: &task,
        inner: &inner,
    };
    loop {
        let asked = *wanted.borrow_and_update();
        if asked == Wanted::Stop {
            break;
        }
        let outcome = tokio::select! {
            outcome = listener.follow(&mut backoff) => outcome,
            _ = wanted.changed() => {
                listener.intake.lose_touch(inner.now());
                continue;
            }
        };
        let Err(error) = outcome;
        let pause = if task.is_refused().await {
            listener.note_refused(&error).await;
            // Meanwhile nothing is asked: the conversation knows when the sign-in is tried again, if ever.
            REFUSED_LOOK
        } else {
            tracing::info!(camera = %task.id, "no events: {error}");
            listener.intake.lose_touch(inner.now());
            backoff.failed(rand::random())
        };
        tokio::select! {
            _ = wanted.changed() => {}
            () = listener.tend(pause) => {}
        }
    }
    let ended = listener.intake.end_all(inner.now());
    listener.write_or_keep(ended).await;
}

/// One camera's notifications on their way into database and log.
struct Listener<'a> {
    intake: Intake,
    /// Ends that could not be written yet.
    unwritten: Vec<Step>,
    /// The camera refuses the sign-in, and the owner was told.
    is_refused: bool,
    task: &'a CameraTask,
    inner: &'a Arc<Inner>,
}

impl Listener<'_> {
    /// Subscribes and keeps what comes, as long as the camera answers now and then.
    async fn follow(&mut self, backoff: &mut Backoff) -> Result<std::convert::Infallible> {
        let (task, inner) = (self.task, self.inner);
        let live = task.live(inner).await?;
        if let Err(error) = learn_identity(task, inner, &live.camera).await {
            tracing::debug!(camera = %task.id, "its serial number stays unknown: {error}");
        }
        let mut subscription = match live.camera.events().await {
            Ok(subscription) => subscription,
            Err(error) => {
                // It answers, and has nothing to report or refuses to.
                use hausrecht_onvif::Error as Onvif;
                task.motion.set_silent(matches!(
                    error,
                    Onvif::NotOffered { .. }
                        | Onvif::Fault { .. }
                        | Onvif::Status { .. }
                        | Onvif::NotAllowed { .. }
                ));
                return Err(task.failed(&live, error).await);
            }
        };
        task.motion.set_silent(false);
        if std::mem::take(&mut self.is_refused) {
            let note = Note::new(Kind::CameraChanged).camera(task.id).fact("what", "events_again");
            inner.log_or_tell(note).await;
        }
        let mut busy = 0;
        loop {
            let began = inner.options.clock.monotonic();
            match self.pull(&mut subscription).await {
                Ok(notifications) => {
                    backoff.succeeded();
                    let is_quick = inner.options.clock.monotonic().saturating_sub(began) < BUSY;
                    busy = if is_quick && !notifications.is_empty() { busy + 1 } else { 0 };
                    self.keep(notifications, subscription.take_dropped().unwrap_or(0)).await;
                }
                Err(error) => {
                    self.intake.lose_touch(inner.now());
                    if error.needs_a_person() || backoff.failures() >= FAILURES_MAX {
                        return Err(task.failed(&live, error).await);
                    }
                    tracing::debug!(camera = %task.id, "no events for the moment: {error}");
                    self.tend(backoff.failed(rand::random())).await;
                }
            }
            if busy > BUSY_MAX {
                self.tend(BUSY).await;
            }
        }
    }

    /// The camera does not tell any more what happens, and only the owner may be able to help: what goes on ends, and the
    /// owner is told once.
    async fn note_refused(&mut self, error: &crate::wire::Error) {
        if std::mem::replace(&mut self.is_refused, true) {
            return;
        }
        let (task, inner) = (self.task, self.inner);
        let ended = self.intake.end_all(inner.now());
        self.write_or_keep(ended).await;
        let note = Note::new(Kind::CameraChanged).camera(task.id).fact("what", "events_refused");
        inner.log_or_tell(note).await;
        inner.notice(NoticeKind::EventsRefused, Some(task.id), error.message.clone());
    }

    /// Waits for notifications, and does meanwhile what is due. The pull is not given up for that: what it brings would
    /// be lost.
    async fn pull(
        &mut self,
        subscription: &mut Subscription,
    ) -> Result<Vec<Notification>, hausrecht_onvif::Error> {
        let mut next = pin!(subscription.next());
        loop {
            match tokio::time::timeout(TICK, &mut next).await {
                Ok(outcome) => return outcome,
                Err(_) => self.settle().await,
            }
        }
    }

    /// Waits, and does meanwhile what is due.
    async fn tend(&mut self, span: Duration) {
        let mut wait = pin!(tokio::time::sleep(span));
        while tokio::time::timeout(TICK, &mut wait).await.is_err() {
            self.settle().await;
        }
    }

    async fn keep(&mut self, notifications: Vec<Notification>, dropped: u64) {
        let said = lock(&self.inner.said).clone();
        let (now, at) = (self.inner.options.clock.monotonic(), self.inner.now());
        self.intake.leave_out(dropped, now);
        let steps: Vec<_> = notifications
            .into_iter()
            .filter_map(|notification| self.intake.take(notification, &said, now, at))
            .collect();
        self.write_or_keep(steps).await;
        self.say_flood().await;
    }

    async fn settle(&mut self) {
        let inner = self.inner;
        let steps = self.intake.settle(inner.options.clock.monotonic(), inner.now());
        self.write_or_keep(steps).await;
        self.say_flood().await;
        let strange = self.intake.take_strange();
        if strange.is_empty() {
            return;
        }
        let camera = self.task.id;
        let written = inner
            .db
            .write(move |tables| {
                for (topic, seen) in strange {
                    let data = serde_json::to_string(&seen.data)?;
                    let (count, last_us) = (seen.count, seen.last);
                    tables.add_unknown_topic(&UnknownTopicRow { camera, topic, data, count, last_us })?;
                }
                Ok(())
            })
            .await;
        if let Err(error) = written {
            tracing::warn!(%camera, "unknown topics are not counted: {error}");
        }
    }

    /// Writes all steps in one transaction. If that fails, the ends are tried again with the next.
    async fn write_or_keep(&mut self, steps: Vec<Step>) {
        let mut all = std::mem::take(&mut self.unwritten);
        all.extend(steps);
        if all.is_empty() {
            return;
        }
        match write(self.task, self.inner, all.clone()).await {
            Ok(()) => show(self.task, self.inner, &all),
            Err(error) => {
                self.inner.notice(NoticeKind::LogUnwritable, Some(self.task.id), error.message);
                // Ends of what could not be begun do no harm: there is no such row.
                all.retain(|step| matches!(step, Step::End { .. }));
                all.truncate(1024);
                self.unwritten = all;
            }
        }
    }

    async fn say_flood(&mut self) {
        match self.intake.flood_word(self.inner.options.clock.monotonic()) {
            Some(FloodWord::Begins) => {
                let name = self.task.row().name;
                let detail = format!("{name} reports more than is kept; of each state the last is");
                self.inner.notice(NoticeKind::EventFlood, Some(self.task.id), detail);
            }
            Some(FloodWord::LeftOut(count)) => {
                let note = Note::new(Kind::Event).camera(self.task.id).fact("left_out", count);
                self.inner.log_or_tell(note).await;
            }
            None => {}
        }
    }
}

async fn write(task: &CameraTask, inner: &Arc<Inner>, steps: Vec<Step>) -> Result<()> {
    let camera = task.id;
    let writer = Arc::clone(inner);
    let last = inner
        .db
        .write(move |tables| {
            let mut last = None;
            for step in steps {
                match step {
                    Step::Begin(begun) => {
                        let note = Note::new(Kind::Event)
                            .camera(camera)
                            .fact("event", begun.kind.as_str())
                            .fact("topic", begun.topic.clone());
                        tables.insert_event(&EventRow {
                            id: begun.id,
                            camera,
                            kind: begun.kind,
                            topic: begun.topic,
                            start_us: begun.at,
                            end_us: (!begun.lasts).then_some(begun.at),
                            mapped_from: begun.mapped_from,
                        })?;
                        last = Some(writer.logbook.append(tables, &note, None)?);
                    }
                    Step::End { id, at, .. } => tables.end_event(id, at)?,
                }
            }
            Ok(last)
        })
        .await?;
    if let Some(index) = last {
        inner.tell(Event::LogGrew(index + 1));
    }
    Ok(())
}

/// Keeps what was measured in the pictures: `open` is the event that goes on.
pub(super) async fn measured(
    task: &CameraTask,
    inner: &Arc<Inner>,
    open: &mut Option<EventId>,
    is_active: bool,
) {
    let (kind, topic) = super::motion::MEASURED;
    let at = inner.now();
    let step = match (is_active, open.take()) {
        (true, Some(id)) => {
            *open = Some(id);
            return;
        }
        (true, None) => {
            let id = EventId::random(&mut rand::rng());
            *open = Some(id);
            let topic = topic.to_owned();
            Step::Begin(Begun { id, kind, mapped_from: None, topic, at, lasts: true, is_news: true })
        }
        (false, Some(id)) => Step::End { id, kind, at },
        (false, None) => return,
    };
    match write(task, inner, vec![step.clone()]).await {
        Ok(()) => show(task, inner, &[step]),
        Err(error) => inner.notice(NoticeKind::LogUnwritable, Some(task.id), error.message),
    }
}

fn show(task: &CameraTask, inner: &Arc<Inner>, steps: &[Step]) {
    for step in steps {
        match step {
            Step::Begin(begun) => {
                note_last(task, begun.kind, begun.at, begun.lasts);
                tell_happening(task, inner, begun);
            }
            Step::End { kind, at, .. } => note_last(task, *kind, *at, false),
        }
    }
    inner.tell(Event::Tiles(inner.tiles_view()));
    inner.clips_changed();
}

fn note_last(task: &CameraTask, kind: EventKind, at: UnixMicros, active: bool) {
    let mut status = lock(&task.status);
    let at_us = match &status.last_event {
        Some(last) if !active && last.kind == kind => last.at_us,
        Some(_) | None => at,
    };
    status.last_event = Some(LastEvent { kind, at_us, active });
}

/// Lets the shell notify of what happened just now: also while nobody is signed in, but not a member of what they may
/// not watch.
fn tell_happening(task: &CameraTask, inner: &Arc<Inner>, begun: &Begun) {
    let may_know = inner.signed_in().map_or(true, |person| inner.may_watch(&person, task.id));
    if begun.is_news && may_know {
        inner.tell(Event::Happened(Happening {
            event: begun.id,
            camera: task.id,
            camera_name: task.row().name,
            kind: begun.kind,
            at_us: begun.at,
        }));
    }
}

/// Remembers the serial number of a camera that has accepted the password at the address where the owner
/// added it; by that, or by its certificate, it is known again at another one.
pub(crate) async fn learn_identity(task: &CameraTask, inner: &Arc<Inner>, camera: &Camera) -> Result<()> {
    let id = task.id;
    if inner.db.read(move |tables| Ok(tables.identity(id)?)).await?.is_some() {
        return Ok(());
    }
    let serial = camera.information().await?.serial.trim().to_owned();
    let identity = IdentityRow { camera: id, serial };
    inner.db.write(move |tables| Ok(tables.put_identity(&identity)?)).await
}
