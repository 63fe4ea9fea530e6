//! Listens to what a camera reports and keeps it: an event's start, its end, an entry in the log.

mod intake;

use std::{pin::pin, sync::Arc, time::Duration};

use hausrecht_ledger::Kind;
use hausrecht_model::{EventKind, UnixMicros};
use hausrecht_onvif::{
    Backoff, Camera, Error as OnvifError, Notification, Subscription, topics::meaning_with,
};
use hausrecht_store::{EventRow, IdentityRow, UnknownTopicRow};

pub(crate) use self::intake::Said;
pub(super) use self::intake::{Begun, Step};
use self::intake::{FloodWord, Intake};
use super::{CameraTask, Wanted, link::is_refusal, live::Live, motion};
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
    let mut listener = Listener { is_refused: false, failures: 0, task: &task, inner: &inner };
    loop {
        let asked = *wanted.borrow_and_update();
        if asked == Wanted::Stop {
            break;
        }
        let outcome = tokio::select! {
            outcome = listener.follow(&mut backoff) => outcome,
            _ = wanted.changed() => {
                task.desk.lock().await.intake.lose_touch(inner.now());
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
            task.desk.lock().await.intake.lose_touch(inner.now());
            backoff.failed(rand::random())
        };
        tokio::select! {
            _ = wanted.changed() => {}
            () = listener.tend(pause) => {}
        }
    }
    let mut desk = task.desk.lock().await;
    let ended = desk.intake.end_all(inner.now());
    desk.write_or_keep(&task, &inner, ended).await;
}

/// What a camera reports, and what is measured in its pictures, on its way into database and log.
#[derive(Debug)]
pub(crate) struct Desk {
    intake: Intake,
    /// Ends that could not be written yet.
    unwritten: Vec<Step>,
}

impl Desk {
    pub(crate) fn new(inner: &Inner) -> Self {
        Self { intake: Intake::new(inner.options.clock.monotonic()), unwritten: Vec::new() }
    }
}

/// One camera's notifications.
struct Listener<'a> {
    /// How often in a row the camera answered and its events did not.
    failures: u32,
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
                self.note_failure(&live, &error).await;
                return Err(task.failed(&live, error).await);
            }
        };
        if std::mem::take(&mut self.is_refused) {
            inner.forget_notice(NoticeKind::EventsRefused, Some(task.id));
            let note = Note::new(Kind::CameraChanged).camera(task.id).fact("what", "events_again");
            inner.log_or_tell(note).await;
        }
        let (mut busy, mut is_learned) = (0, false);
        loop {
            let began = inner.options.clock.monotonic();
            match self.pull(&mut subscription).await {
                Ok(notifications) => {
                    backoff.succeeded();
                    let is_quick = inner.options.clock.monotonic().saturating_sub(began) < BUSY;
                    busy = if is_quick && !notifications.is_empty() { busy + 1 } else { 0 };
                    self.keep(notifications, subscription.take_dropped().unwrap_or(0)).await;
                    self.failures = 0;
                    if !std::mem::replace(&mut is_learned, true) {
                        self.learn_what_is_offered(&live).await;
                    }
                }
                Err(error) => {
                    task.desk.lock().await.intake.lose_touch(inner.now());
                    if error.needs_a_person() || backoff.failures() >= FAILURES_MAX {
                        self.note_failure(&live, &error).await;
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

    /// Takes note that the camera does not let anybody listen: it has no events, or its events fail again and again while it
    /// answers otherwise.
    async fn note_failure(&mut self, live: &Live, error: &OnvifError) {
        let is_refused = is_refusal(error) || matches!(error, OnvifError::RefusedForNow { .. });
        if matches!(error, OnvifError::NotOffered { .. }) {
            self.task.motion.set_silent(true);
        } else if !is_refused && live.camera.information().await.is_ok() {
            // A sign-in that was refused is not sent once more for that.
            self.failures = self.failures.saturating_add(1);
            if self.failures >= FAILURES_MAX {
                self.task.motion.set_silent(true);
            }
        }
    }

    /// Finds out whether the camera says that it reports motion, or what moves.
    async fn learn_what_is_offered(&self, live: &Live) {
        let topics = match live.camera.topics_offered().await {
            Ok(topics) => topics,
            Err(error) => {
                tracing::debug!(camera = %self.task.id, "what it reports stays unknown: {error}");
                return self.task.motion.set_silent(false);
            }
        };
        let said = lock(&self.inner.said).clone();
        let by_owner = |topic: &str| {
            said.iter().find(|said| said.topic.eq_ignore_ascii_case(topic)).map(|said| said.kind)
        };
        let reports = topics.iter().any(|offered| match by_owner(&offered.topic) {
            Some(kind) => motion::REPORTED.contains(&kind),
            None => offered.means.iter().any(|kind| motion::REPORTED.contains(kind)),
        });
        self.task.motion.set_silent(!reports);
    }

    /// The camera does not tell any more what happens, and only the owner may be able to help: what goes on ends, and the
    /// owner is told once.
    async fn note_refused(&mut self, error: &crate::wire::Error) {
        if std::mem::replace(&mut self.is_refused, true) {
            return;
        }
        let (task, inner) = (self.task, self.inner);
        {
            let mut desk = task.desk.lock().await;
            let ended = desk.intake.end_reported(inner.now());
            desk.write_or_keep(task, inner, ended).await;
        }
        let note = Note::new(Kind::CameraChanged).camera(task.id).fact("what", "events_refused");
        inner.log_or_tell(note).await;
        inner.notice(NoticeKind::EventsRefused, Some(task.id), error.message.clone());
    }

    /// Waits for notifications, and does meanwhile what is due. The pull is not given up for that: what it brings would
    /// be lost.
    async fn pull(&mut self, subscription: &mut Subscription) -> Result<Vec<Notification>, OnvifError> {
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
        let tells_of_motion = |notification: &Notification| {
            let meaning = meaning_with(&said, &notification.topic, &notification.data);
            motion::REPORTED.contains(&meaning.kind)
        };
        if notifications.iter().any(tells_of_motion) {
            self.task.motion.note_reports();
        }
        {
            let mut desk = self.task.desk.lock().await;
            desk.intake.leave_out(dropped, now);
            let mut steps = Vec::new();
            for notification in notifications {
                // By the camera's clock, as far as it is known, so that it lies in the right clip.
                let at = notification.at.min(at);
                steps.extend(desk.intake.take(notification, &said, now, at));
            }
            desk.write_or_keep(self.task, self.inner, steps).await;
        }
        self.say_flood().await;
    }

    async fn settle(&mut self) {
        let inner = self.inner;
        let strange = {
            let mut desk = self.task.desk.lock().await;
            let steps = desk.intake.settle(inner.options.clock.monotonic(), inner.now());
            desk.write_or_keep(self.task, inner, steps).await;
            desk.intake.take_strange()
        };
        self.say_flood().await;
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

    async fn say_flood(&mut self) {
        let word = self.task.desk.lock().await.intake.flood_word(self.inner.options.clock.monotonic());
        match word {
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

impl Desk {
    /// Writes all steps in one transaction. If that fails, the ends are tried again with the next.
    async fn write_or_keep(&mut self, task: &CameraTask, inner: &Arc<Inner>, steps: Vec<Step>) {
        if !steps.is_empty() {
            // What is to be recorded must not wait for the database.
            task.plan.happens(&steps, inner.options.clock.monotonic());
            task.follow_plan(inner);
        }
        let mut all = std::mem::take(&mut self.unwritten);
        all.extend(steps);
        if all.is_empty() {
            return;
        }
        match write(task, inner, all.clone()).await {
            Ok(()) => show(task, inner, &all),
            Err(error) => {
                inner.notice(NoticeKind::LogUnwritable, Some(task.id), error.message);
                // Ends of what could not be begun do no harm: there is no such row.
                all.retain(|step| matches!(step, Step::End { .. }));
                all.truncate(1024);
                self.unwritten = all;
            }
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

/// Keeps what was measured in the pictures.
pub(super) async fn measured(task: &CameraTask, inner: &Arc<Inner>, is_active: bool) {
    let mut desk = task.desk.lock().await;
    let steps = desk.intake.measured(is_active, inner.options.clock.monotonic(), inner.now());
    desk.write_or_keep(task, inner, steps).await;
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
