//! Controlling one camera. The owner may; whoever was given the right may turn it and talk through it. Whatever changes a camera
//! is in the log before the camera is asked.

mod accounts;
mod card;
mod doors;
pub(crate) mod factory;
mod motion;
mod own_account;
mod panel;
mod picture;
mod ptz;
pub(crate) mod talk;

use std::sync::Arc;

use hausrecht_ledger::Kind;
use hausrecht_model::{CameraId, Right};
use hausrecht_onvif::Error as OnvifError;
use hausrecht_store::Tables;

use super::Handle;
use crate::{
    Result,
    camera::{
        CameraTask,
        link::{is_unanswered, is_uncertain},
        live::Live,
    },
    inner::lock,
    logbook::Note,
    session::SignedIn,
    wire::{Error, ErrorCode, Event},
};

/// A camera and who controls it: the owner, or whoever was given `right`.
struct Control {
    handle: Handle,
    person: SignedIn,
    task: Arc<CameraTask>,
    live: Arc<Live>,
    right: Option<Right>,
}

impl Handle {
    /// Reaches a camera for its owner.
    async fn control(&self, camera: CameraId) -> Result<Control> {
        self.inner.signed_in()?.owner_keys()?;
        self.conversation(camera, None).await
    }

    /// Reaches a camera for its owner, or for whoever was given this right.
    async fn control_with(&self, camera: CameraId, right: Right) -> Result<Control> {
        let person = self.inner.signed_in()?;
        if !self.inner.may(&person, camera, right) {
            // For whom the camera does not even exist, there is nothing that is not allowed.
            return Err(match self.inner.may_watch(&person, camera) {
                true => Error::new(ErrorCode::NotAllowed, "the owner has not allowed this"),
                false => Error::not_found("this camera"),
            });
        }
        self.conversation(camera, Some(right)).await
    }

    async fn conversation(&self, camera: CameraId, right: Option<Right>) -> Result<Control> {
        let task = lock(&self.inner.cameras).get(&camera).cloned();
        let task = task.ok_or_else(|| Error::not_found("this camera"))?;
        let person = self.inner.signed_in()?;
        let live = task.live(&self.inner).await?;
        Ok(Control { handle: self.clone(), person, task, live, right })
    }
}

/// A change of a camera as the log knows it.
fn change(what: &'static str) -> Note {
    Note::new(Kind::CameraChanged).fact("what", what)
}

impl Control {
    /// Takes note of what went wrong in the conversation.
    async fn heard<T>(&self, outcome: Result<T, OnvifError>) -> Result<T> {
        match outcome {
            Ok(value) => Ok(value),
            Err(error) => Err(self.task.failed(&self.live, error).await),
        }
    }

    /// The same for what a camera may well not say; it is empty then.
    async fn heard_or_empty<T: Default>(&self, outcome: Result<T, OnvifError>) -> Result<T> {
        match outcome {
            Err(error) if !is_uncertain(&error) && !error.needs_a_person() => {
                tracing::info!(camera = %self.task.id, "not said: {error}");
                Ok(T::default())
            }
            outcome => self.heard(outcome).await,
        }
    }

    /// Writes down what is about to be done; signed by the owner, or by this computer for whoever was given the right.
    async fn announce(&self, note: Note) -> Result<u64> {
        self.announce_with(note, |_| Ok(())).await
    }

    /// The same, together with what must be stored before the camera is asked.
    async fn announce_with(
        &self,
        note: Note,
        store: impl FnOnce(&Tables<'_>) -> Result<()> + Send + 'static,
    ) -> Result<u64> {
        let inner = &self.handle.inner;
        let keys = self.person.owner().cloned();
        let mut note = note.by(self.person.id).camera(self.task.id);
        if keys.is_none() {
            // It may have been taken back since the camera was reached.
            let grant = self.right.and_then(|right| inner.grant_for(&self.person, self.task.id, right));
            let grant = grant.ok_or_else(Error::owner_only)?;
            note.grant = Some(grant.id);
            note.refers_to = Some(grant.entry);
        }
        let writer = Arc::clone(inner);
        let index = inner
            .db
            .write(move |tables| {
                store(tables)?;
                writer.logbook.append(tables, &note, keys.as_deref())
            })
            .await
            .map_err(crate::wire::Error::order_unwritable)?;
        inner.tell(Event::LogGrew(index + 1));
        // Whoever signed out while the entry was written does not change a camera any more.
        if let Err(error) = inner.still(&self.person) {
            self.note_failure(index, "signed_out").await;
            return Err(error);
        }
        Ok(index)
    }

    /// Does what was announced in entry `announced`, and writes down if it fails.
    async fn carry_out<T>(
        &self,
        announced: u64,
        work: impl Future<Output = Result<T, OnvifError>>,
    ) -> Result<T> {
        match work.await {
            Ok(value) => Ok(value),
            Err(error) => {
                self.note_outcome(announced, &error).await;
                Err(self.task.failed(&self.live, error).await)
            }
        }
    }

    /// Writes down that what was announced in entry `announced` failed, or that nobody knows whether it did.
    async fn note_outcome(&self, announced: u64, error: &OnvifError) {
        let what = if is_unanswered(error) { "unanswered" } else { "failed" };
        self.handle.inner.log_or_tell(self.outcome(announced, what, error.code())).await;
    }

    async fn note_failure(&self, announced: u64, code: &'static str) {
        self.handle.inner.log_or_tell(self.failure(announced, code)).await;
    }

    /// The entry that what was announced in entry `announced` failed.
    fn failure(&self, announced: u64, code: &'static str) -> Note {
        self.outcome(announced, "failed", code)
    }

    fn outcome(&self, announced: u64, what: &'static str, code: &'static str) -> Note {
        let mut note = change(what).camera(self.task.id).fact("why", code);
        note.refers_to = Some(announced);
        note
    }

    /// Announces a change and carries it out.
    async fn change<T>(&self, note: Note, work: impl Future<Output = Result<T, OnvifError>>) -> Result<T> {
        let announced = self.announce(note).await?;
        self.carry_out(announced, work).await
    }
}
