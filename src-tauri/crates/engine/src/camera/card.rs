//! What is fetched from a camera's own card: one fetch at a time, those that were asked for first, and gaps by themselves
//! where the owner wishes it. Recording goes on meanwhile.

mod fetch;
mod gaps;
mod jobs;
mod stretch;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use hausrecht_ledger::Kind;
use hausrecht_store::CardJobRow;
use tokio::sync::{Notify, watch};

pub(crate) use self::{
    fetch::card_error,
    jobs::{Job, Jobs},
    stretch::LEAST_US,
};
use self::{
    fetch::{End, Fetched},
    gaps::Filler,
};
use super::{CameraTask, Wanted};
use crate::{
    Result,
    inner::Inner,
    logbook::Note,
    wire::{CardJobState, CardReason, Error, ErrorCode, Event},
};

/// What wakes the task that fetches.
#[derive(Debug, Default)]
pub(crate) struct Card {
    wake: Notify,
    /// The camera is being recorded now.
    is_back: AtomicBool,
}

impl Card {
    /// A clip of the live camera has begun: where a gap before it ended is known, and the camera answers.
    pub(crate) fn camera_is_back(&self) {
        self.is_back.store(true, Ordering::Relaxed);
        self.wake.notify_one();
    }

    pub(crate) fn camera_is_gone(&self) {
        self.is_back.store(false, Ordering::Relaxed);
    }

    fn is_back(&self) -> bool {
        self.is_back.load(Ordering::Relaxed)
    }

    /// There is something to do.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }
}

/// What is refused once is not asked again with the same sign-in.
struct Refused {
    wanted: Wanted,
    error: Error,
}

/// Fetches until the camera is removed or the engine stops.
pub(super) async fn tend(task: Arc<CameraTask>, inner: Arc<Inner>) {
    let mut wanted = task.wanted.subscribe();
    let mut filler = Filler::default();
    let mut refused: Option<Refused> = None;
    if let Err(error) = take_up(&task, &inner).await {
        tracing::warn!(camera = %task.id, "what was being fetched from its card is not known: {error}");
    }
    loop {
        let now = *wanted.borrow_and_update();
        if now == Wanted::Stop {
            break;
        }
        refused = refused.filter(|refused| refused.wanted == now);
        if let Some(job) = inner.card_jobs.next(task.id, task.card.is_back()) {
            let known = refused.as_ref().map(|refused| refused.error.clone());
            let end = run(&task, &inner, &mut wanted, &job, known).await;
            filler.ended(&job, &end, inner.options.clock.monotonic());
            if let End::Failed(error) = end
                && error.code == ErrorCode::CameraRefused
            {
                refused = Some(Refused { wanted: now, error });
            }
            continue;
        }
        if task.card.is_back() && refused.is_none() {
            match filler.look(&task, &inner).await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => tracing::debug!(camera = %task.id, "gaps are not looked for: {error}"),
            }
        }
        tokio::select! {
            changed = wanted.changed() => if changed.is_err() { break },
            () = task.card.wake.notified() => {}
        }
    }
    inner.card_jobs.forget(task.id);
}

/// Goes on with what the last run did not come to the end of.
async fn take_up(task: &CameraTask, inner: &Arc<Inner>) -> Result<()> {
    let id = task.id;
    for row in inner.db.read(move |tables| Ok(tables.card_jobs(id)?)).await? {
        inner.card_jobs.add(Job::taken_up(row));
    }
    inner.tell_card_jobs();
    Ok(())
}

/// Runs one fetch from its announcement to its end in the log.
async fn run(
    task: &Arc<CameraTask>,
    inner: &Arc<Inner>,
    wanted: &mut watch::Receiver<Wanted>,
    job: &Job,
    refused: Option<Error>,
) -> End {
    let announced = match job.announced {
        Some(entry) => Ok(entry),
        None => inner.log(begun(&job.row).fact("resumed", true)).await.map_err(Error::log_unwritable),
    };
    let (fetched, entry) = match (announced, refused) {
        // Nothing is fetched that the log does not say.
        (Err(error), _) => (Fetched::failed(error), None),
        (Ok(entry), Some(error)) => (Fetched::failed(error), Some(entry)),
        (Ok(entry), None) => {
            inner.change_card_job(job.row.id, |view| view.state = CardJobState::Running);
            (fetch::fetch(task, inner, wanted, job).await, Some(entry))
        }
    };
    let mut note = span_note(Kind::CardFetchEnded, &job.row)
        .fact("outcome", fetched.end.word())
        .fact("clips", fetched.clips)
        .fact("pictures", fetched.pictures);
    note.refers_to = entry;
    if let End::Failed(error) = &fetched.end {
        tracing::warn!(camera = %task.id, "a fetch from the card failed: {error}");
        note = note.fact("why", serde_json::to_value(error.code).unwrap_or_default());
    }
    let (writer, id) = (Arc::clone(inner), job.row.id);
    let goes_on = matches!(fetched.end, End::Interrupted);
    let ended = inner
        .db
        .write(move |tables| {
            // What was interrupted is gone on with at the next start.
            if !goes_on {
                tables.delete_card_job(id)?;
            }
            writer.logbook.append(tables, &note, None)
        })
        .await;
    match ended {
        Ok(index) => inner.tell(Event::LogGrew(index + 1)),
        Err(error) => inner.notice(crate::wire::NoticeKind::LogUnwritable, None, error.message),
    }
    inner.change_card_job(id, |view| match &fetched.end {
        End::Done => {
            view.state = CardJobState::Done;
            view.done_us = view.to_us.0 - view.from_us.0;
        }
        End::Stopped => view.state = CardJobState::Stopped,
        End::Interrupted => view.state = CardJobState::Waiting,
        End::Failed(error) => {
            view.state = CardJobState::Failed;
            view.error = Some(error.clone());
        }
    });
    fetched.end
}

fn span_note(kind: Kind, row: &CardJobRow) -> Note {
    Note::new(kind)
        .camera(row.camera)
        .fact("from_us", row.from_us.0)
        .fact("to_us", row.to_us.0)
        .fact("reason", if row.asked_by.is_some() { "asked" } else { "gap" })
}

/// The entry that a fetch begins.
fn begun(row: &CardJobRow) -> Note {
    let note = span_note(Kind::CardFetchBegun, row).fact("recording", row.recording.clone());
    match row.asked_by {
        Some(person) => note.by(person),
        None => note,
    }
}

/// Why a row's fetch is done.
fn reason(row: &CardJobRow) -> CardReason {
    if row.asked_by.is_some() { CardReason::Asked } else { CardReason::Gap }
}

impl Inner {
    /// Enters a fetch into log and database; the camera's own task does it as soon as its turn comes.
    pub(crate) async fn begin_card_job(
        self: &Arc<Self>,
        task: &CameraTask,
        row: CardJobRow,
        keys: Option<Arc<hausrecht_vault::OwnerKeys>>,
    ) -> Result<()> {
        let (writer, kept, note) = (Arc::clone(self), row.clone(), begun(&row));
        let entry = self
            .db
            .write(move |tables| {
                tables.insert_card_job(&kept)?;
                writer.logbook.append(tables, &note, keys.as_deref())
            })
            .await
            .map_err(Error::log_unwritable)?;
        self.tell(Event::LogGrew(entry + 1));
        self.card_jobs.add(Job::announced(row, entry));
        self.tell_card_jobs();
        task.card.wake();
        Ok(())
    }

    fn change_card_job(
        &self,
        id: hausrecht_model::CardJobId,
        change: impl FnOnce(&mut crate::wire::CardJob),
    ) {
        self.card_jobs.change(id, change);
        self.tell_card_jobs();
    }

    pub(crate) fn tell_card_jobs(&self) {
        self.tell(Event::CardJobs(self.card_jobs.views()));
    }
}
