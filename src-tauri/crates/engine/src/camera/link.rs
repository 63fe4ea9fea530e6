//! The one conversation with a camera that everybody shares: who listens to its events and who changes its settings.
//! It is begun when somebody needs it and given up when it fails. Here it is decided when a password is sent at all.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use hausrecht_ledger::Kind;
use hausrecht_onvif::{Backoff, Camera, CertificatePin, Credentials, Error as OnvifError, Settings};
use hausrecht_store::{CameraRow, IntendedSignIn};
use tokio::{sync::MutexGuard, time::Instant};
use url::Url;

use super::{CameraTask, live::Live};
use crate::{
    Result,
    inner::{Inner, lock},
    logbook::Note,
    wire::{CertificateQuestion, DeadReason, Error, ErrorCode},
};

/// The first pause after a camera could not be reached.
const SHORTEST_PAUSE: Duration = Duration::from_millis(500);
/// The longest one: short enough for somebody who has just switched the camera on.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The first pause after a camera has refused a sign-in that it had accepted.
const RARE_SHORTEST: Duration = Duration::from_secs(5 * 60);
/// The longest one.
const RARE_LONGEST: Duration = Duration::from_secs(60 * 60);

/// The conversation, or why there is none.
#[derive(Debug, Default)]
pub(crate) struct Link {
    state: tokio::sync::Mutex<State>,
    question: Mutex<Option<CertificateQuestion>>,
    /// A sign-in of which nobody knows whether the camera has it.
    intended: Mutex<Option<IntendedSignIn>>,
    /// The sealed sign-in that the camera has accepted since the program was started.
    proven: Mutex<Option<Vec<u8>>>,
    /// The same for its streams, which may have accounts of their own.
    streamed: Mutex<Option<Vec<u8>>>,
}

/// What whoever holds the link may change.
#[derive(Debug)]
pub(crate) struct State {
    live: Option<Arc<Live>>,
    /// Why the camera refused the sign-in, and when it is tried again: never, before the owner gives another, unless the
    /// camera had accepted it before.
    refused: Option<(Error, Option<Instant>)>,
    /// Refusals since the last success.
    refusals: u32,
    backoff: Backoff,
    /// Why the camera could not be reached, and until when that is answered without trying again.
    unreached: Option<(Error, Instant)>,
}

impl Default for State {
    fn default() -> Self {
        let backoff = Backoff::new(SHORTEST_PAUSE, LONGEST_PAUSE);
        Self { live: None, refused: None, refusals: 0, backoff, unreached: None }
    }
}

impl State {
    /// Goes on with `camera`, whose sign-in was accepted.
    pub(crate) fn go_on_with(&mut self, camera: Camera) {
        self.end();
        self.live = Some(Arc::new(Live::new(camera)));
    }

    /// Ends the conversation; the next who needs it begins anew.
    pub(crate) fn end(&mut self) {
        *self = Self::default();
    }

    /// Remembers that the camera could not be reached.
    fn not_reached(&mut self, error: &Error) {
        let pause = self.backoff.failed(rand::random());
        self.unreached = Some((error.clone(), Instant::now() + pause));
    }
}

/// Why a camera could not be reached.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The camera, or the way to it.
    Camera(OnvifError),
    /// This computer.
    Own(Error),
}

impl From<OnvifError> for Trouble {
    fn from(error: OnvifError) -> Self {
        Self::Camera(error)
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Own(error)
    }
}

impl From<Trouble> for Error {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Camera(error) => error.into(),
            Trouble::Own(error) => error,
        }
    }
}

/// Whether the camera said that name or password is wrong, which it may count.
pub(crate) fn is_refusal(error: &OnvifError) -> bool {
    matches!(
        error,
        OnvifError::NotAuthorized { .. }
            | OnvifError::LockedOut { .. }
            | OnvifError::PasswordNeeded { .. }
            | OnvifError::PasswordInClear { .. }
    )
}

/// Whether it is unknown if the camera obeyed, or whether it is there at all.
pub(crate) fn is_uncertain(error: &OnvifError) -> bool {
    matches!(
        error,
        OnvifError::Unreachable { .. }
            | OnvifError::ClosedEarly { .. }
            | OnvifError::TimedOut { .. }
            | OnvifError::TooSlow { .. }
            | OnvifError::TooLarge { .. }
            | OnvifError::Unreadable { .. }
            | OnvifError::Status { .. }
            | OnvifError::RefusedForNow { .. }
    )
}

/// Whether the camera had the order and its answer did not come, or cannot be read: it may have obeyed.
pub(crate) fn is_unanswered(error: &OnvifError) -> bool {
    matches!(
        error,
        OnvifError::ClosedEarly { .. }
            | OnvifError::TimedOut { .. }
            | OnvifError::TooSlow { .. }
            | OnvifError::TooLarge { .. }
            | OnvifError::Unreadable { .. }
    )
}

/// The pause before a sign-in is tried again that was accepted before and then refused: 5 minutes, doubling to an hour, and
/// up to a quarter more. No camera locks an account for that.
pub(super) fn rare_pause(refusals: u32) -> Duration {
    let base = RARE_SHORTEST.saturating_mul(1 << refusals.min(8)).min(RARE_LONGEST);
    base + base.mul_f64(rand::random_range(0.0..0.25))
}

/// How a camera is to be talked to: with the certificate that is remembered, and no other.
pub(crate) fn settings(inner: &Inner, row: &CameraRow) -> Settings {
    let pin = row.certificate.map(CertificatePin::from_bytes);
    Settings { pin, ..Settings::new(Arc::clone(&inner.options.clock)) }
}

/// Makes sure that the camera takes this sign-in, also where it lets anybody ask the first questions.
pub(crate) async fn prove(camera: &Camera) -> Result<(), OnvifError> {
    camera.profiles().await?;
    if camera.is_signed_in() {
        return Ok(());
    }
    match camera.users().await {
        Err(error) if is_refusal(&error) => Err(error),
        // Whatever else it says, it does not mind the password.
        Ok(_) | Err(_) => Ok(()),
    }
}

impl CameraTask {
    /// The conversation with the camera; begun if there is none.
    pub(crate) async fn live(&self, inner: &Arc<Inner>) -> Result<Arc<Live>> {
        let mut state = self.link.state.lock().await;
        let was_questionable = match self.certificate_question() {
            Some(question) => {
                self.look_for_known_certificate(inner, &mut state, question).await.map(|()| true)?
            }
            None => false,
        };
        let outcome = self.live_in(inner, &mut state).await;
        if was_questionable {
            // The worker has waited for this.
            self.restart();
        }
        outcome
    }

    async fn live_in(&self, inner: &Arc<Inner>, state: &mut State) -> Result<Arc<Live>> {
        if let Some(live) = &state.live {
            if live.camera.is_signed_in() {
                self.note_proven();
            }
            return Ok(Arc::clone(live));
        }
        if let Some((refused, again)) = &state.refused
            && again.is_none_or(|again| Instant::now() < again)
        {
            return Err(refused.clone());
        }
        // Those who waited here for a camera that is gone do not wait for it one after the other.
        if let Some((error, until)) = &state.unreached
            && Instant::now() < *until
        {
            return Err(error.clone());
        }
        let reached = match self.intended() {
            Some(intended) => self.resolve(inner, intended).await,
            None => self.reach(inner, &self.row().sign_in).await,
        };
        match reached {
            Ok(camera) => {
                self.remember_certificate(inner, &camera).await?;
                if camera.is_signed_in() {
                    self.note_proven();
                }
                state.go_on_with(camera);
                state.live.clone().ok_or_else(|| Error::internal("the conversation has just begun"))
            }
            Err(Trouble::Camera(error)) => {
                let error = self.take_note(state, error);
                state.not_reached(&error);
                Err(error)
            }
            Err(Trouble::Own(error)) => Err(error),
        }
    }

    /// Asks with pauses between whether the known certificate answers again, for which no password is sent: what stood in
    /// its place may have been another device for a while. Fails with the question as long as it stands.
    async fn look_for_known_certificate(
        &self,
        inner: &Inner,
        state: &mut State,
        question: CertificateQuestion,
    ) -> Result<()> {
        if let Some((error, until)) = &state.unreached
            && Instant::now() < *until
        {
            return Err(error.clone());
        }
        let row = self.row();
        let address = Url::parse(&row.xaddr).map_err(Error::internal)?;
        let is_encrypted = address.scheme() == "https";
        let settings = settings(inner, &row);
        let pin = settings.pin;
        let is_known = match Camera::connect(&[address], None, settings).await {
            Ok(camera) => pin.is_some() && camera.certificate() == pin,
            // Over HTTPS nothing is asked before the certificate has been found to be the known one.
            Err(OnvifError::PasswordNeeded { .. }) => pin.is_some() && is_encrypted,
            Err(error @ OnvifError::CertificateChanged { .. }) => {
                self.take_note(state, error);
                false
            }
            Err(_) => false,
        };
        if is_known {
            self.forget_question();
            state.end();
            return Ok(());
        }
        let CertificateQuestion { seen, expected } = self.certificate_question().unwrap_or(question);
        let error = Error::new(
            ErrorCode::CameraUnsuitable,
            format!(
                "the camera shows another certificate than before ({seen} instead of {expected}): accept it first, if \
                 it was reset or updated"
            ),
        );
        state.not_reached(&error);
        Err(error)
    }

    /// Takes note of a failure in the conversation `live`, and gives it as others are told of it.
    pub(crate) async fn failed(&self, live: &Arc<Live>, error: OnvifError) -> Error {
        let mut state = self.link.state.lock().await;
        let is_current = state.live.as_ref().is_some_and(|current| Arc::ptr_eq(current, live));
        if !is_current {
            // Another conversation has begun since: what went wrong in the old one says nothing about it.
            return error.into();
        }
        // A camera with too many connections goes on with those that it has.
        let is_for_now = matches!(error, OnvifError::RefusedForNow { .. });
        if !is_for_now && (is_refusal(&error) || is_uncertain(&error) || error.needs_a_person()) {
            state.live = None;
        }
        self.take_note(&mut state, error)
    }

    pub(crate) fn take_note(&self, state: &mut State, error: OnvifError) -> Error {
        if let OnvifError::CertificateChanged { expected, seen, .. } = &error {
            let question = CertificateQuestion { expected: expected.to_string(), seen: seen.to_string() };
            let is_new = lock(&self.link.question).replace(question).is_none();
            if is_new {
                // The worker must not send the password to whatever answers there now.
                self.restart();
            }
        }
        let refused = is_refusal(&error);
        let error = Error::from(error);
        if refused {
            let again = self.is_proven().then(|| Instant::now() + rare_pause(state.refusals));
            state.refusals = state.refusals.saturating_add(1);
            state.refused = Some((error.clone(), again));
        }
        error
    }

    /// Whether the camera refuses the sign-in, so far as anybody knows.
    pub(super) async fn is_refused(&self) -> bool {
        let state = self.link.state.lock().await;
        state.live.is_none() && state.refused.is_some()
    }

    /// Takes note that the camera streams with the sign-in that is stored.
    pub(super) fn note_streamed(&self) {
        let sign_in = self.row().sign_in;
        *lock(&self.link.streamed) = Some(sign_in);
    }

    /// Whether the camera has streamed with the sign-in that is stored.
    pub(super) fn has_streamed(&self) -> bool {
        *lock(&self.link.streamed) == Some(self.row().sign_in)
    }

    /// Takes note that the camera accepts the sign-in that is stored.
    fn note_proven(&self) {
        let sign_in = self.row().sign_in;
        *lock(&self.link.proven) = Some(sign_in);
    }

    /// Whether the camera has accepted the sign-in that is stored: then a refusal is the camera's mood, or somebody has
    /// changed the password there, and it is tried again now and then.
    pub(super) fn is_proven(&self) -> bool {
        *lock(&self.link.proven) == Some(self.row().sign_in)
    }

    /// Waits until it is safe to send the camera its password for a stream.
    pub(super) async fn settle(&self, inner: &Arc<Inner>) -> Result<(), DeadReason> {
        let is_pinned = self.row().certificate.is_some();
        if !is_pinned && self.intended().is_none() && self.certificate_question().is_none() {
            return Ok(());
        }
        let Err(error) = self.live(inner).await else { return Ok(()) };
        if self.certificate_question().is_some() {
            Err(DeadReason::CertificateChanged)
        } else if error.code == ErrorCode::CameraRefused {
            Err(DeadReason::WrongPassword)
        } else if self.intended().is_some() {
            Err(DeadReason::Unreachable)
        } else {
            // Streams may work where questions are not answered.
            Ok(())
        }
    }

    /// Takes note that the camera sends pictures again: whoever asks it now need not wait.
    pub(super) fn answers_again(&self) {
        // Whoever holds the link is asking the camera already.
        if let Ok(mut state) = self.link.state.try_lock() {
            state.backoff.succeeded();
            state.unreached = None;
        }
    }

    /// Holds the conversation, so that nobody else begins one while the sign-in changes.
    pub(crate) async fn hold_link(&self) -> MutexGuard<'_, State> {
        self.link.state.lock().await
    }

    /// Ends the conversation because the camera or its sign-in is another now.
    pub(crate) async fn begin_anew(&self) {
        self.link.state.lock().await.end();
    }

    /// Forgets what was asked before, because an answer may be another now; the sign-in stays.
    pub(crate) async fn ask_again(&self, live: &Arc<Live>) {
        let mut state = self.link.state.lock().await;
        if state.live.as_ref().is_some_and(|current| Arc::ptr_eq(current, live)) {
            state.live = Some(Arc::new(Live::new(live.camera.clone())));
        }
    }

    /// The question to the owner whether another certificate is right.
    pub(crate) fn certificate_question(&self) -> Option<CertificateQuestion> {
        lock(&self.link.question).clone()
    }

    pub(crate) fn forget_question(&self) {
        lock(&self.link.question).take();
    }

    pub(crate) fn intended(&self) -> Option<IntendedSignIn> {
        lock(&self.link.intended).clone()
    }

    pub(crate) fn set_intended(&self, intended: Option<IntendedSignIn>) {
        *lock(&self.link.intended) = intended;
    }

    /// Reaches the camera with a sealed sign-in.
    pub(crate) async fn reach(&self, inner: &Inner, sign_in: &[u8]) -> Result<Camera, Trouble> {
        let row = self.row();
        let address = Url::parse(&row.xaddr).map_err(Error::internal)?;
        let credentials: Credentials = super::open_sign_in(inner, sign_in)?;
        Ok(Camera::connect(&[address], Some(credentials), settings(inner, &row)).await?)
    }

    /// The same, and makes sure that the camera takes the sign-in.
    pub(crate) async fn reach_and_prove(&self, inner: &Inner, sign_in: &[u8]) -> Result<Camera, Trouble> {
        let camera = self.reach(inner, sign_in).await?;
        prove(&camera).await?;
        Ok(camera)
    }

    /// Finds out which of two sign-ins the camera has after a change that nobody saw the end of: the new one is tried
    /// once, then the old one once.
    pub(crate) async fn resolve(
        &self,
        inner: &Arc<Inner>,
        intended: IntendedSignIn,
    ) -> Result<Camera, Trouble> {
        match self.reach_and_prove(inner, &intended.sign_in).await {
            Ok(camera) => {
                let note = Note::new(Kind::CameraChanged).camera(self.id).fact("what", "sign_in_taken_over");
                self.take_over(inner, intended, note).await?;
                Ok(camera)
            }
            Err(Trouble::Camera(error)) if is_refusal(&error) => {
                let camera = self.reach_and_prove(inner, &self.row().sign_in).await?;
                let note = Note::new(Kind::CameraChanged).camera(self.id).fact("what", "sign_in_stayed");
                self.forget_intended(inner, note).await?;
                Ok(camera)
            }
            Err(trouble) => Err(trouble),
        }
    }

    /// Makes the intended sign-in the one in use; it was proved.
    pub(crate) async fn take_over(
        &self,
        inner: &Arc<Inner>,
        intended: IntendedSignIn,
        note: Note,
    ) -> Result<()> {
        let id = self.id;
        inner
            .change_camera(id, vec![note], None, move |row, tables| {
                row.sign_in = intended.sign_in;
                row.own_level = intended.own_level;
                Ok(tables.delete_intended_sign_in(id)?)
            })
            .await?;
        self.set_intended(None);
        Ok(())
    }

    /// Forgets the intended sign-in: the camera does not have it.
    pub(crate) async fn forget_intended(&self, inner: &Arc<Inner>, note: Note) -> Result<()> {
        let (id, writer) = (self.id, Arc::clone(inner));
        inner
            .db
            .write(move |tables| {
                tables.delete_intended_sign_in(id)?;
                writer.logbook.append(tables, &note, None)
            })
            .await?;
        self.set_intended(None);
        Ok(())
    }

    /// The same without an entry of its own.
    pub(crate) async fn drop_intended(&self, inner: &Inner) -> Result<()> {
        let id = self.id;
        inner.db.write(move |tables| Ok(tables.delete_intended_sign_in(id)?)).await?;
        self.set_intended(None);
        Ok(())
    }

    /// Asks the camera where its streams are and keeps that; says whether it is elsewhere than before.
    pub(crate) async fn reread_streams(&self, inner: &Arc<Inner>) -> Result<bool> {
        let live = self.live(inner).await?;
        let row = self.row();
        let read = async {
            let (main, sub) = live.streams(&row).await?;
            let main_uri = live.camera.stream_uri(&main).await?;
            let sub_uri = match &sub {
                Some(sub) => Some(live.camera.stream_uri(sub).await?),
                None => None,
            };
            Ok((String::from(main_uri), sub_uri.map(String::from)))
        };
        let (main_uri, sub_uri) = match read.await {
            Ok(read) => read,
            Err(error) => return Err(self.failed(&live, error).await),
        };
        if main_uri == row.main_uri && sub_uri == row.sub_uri {
            return Ok(false);
        }
        let note = Note::new(Kind::CameraChanged).camera(self.id).fact("what", "streams_moved");
        inner
            .change_camera(self.id, vec![note], None, move |row, _| {
                (row.main_uri, row.sub_uri) = (main_uri, sub_uri);
                Ok(())
            })
            .await?;
        Ok(true)
    }

    /// Remembers the certificate of a camera that was added before certificates were.
    async fn remember_certificate(&self, inner: &Arc<Inner>, camera: &Camera) -> Result<()> {
        let (Some(pin), None) = (camera.certificate(), self.row().certificate) else { return Ok(()) };
        let note = Note::new(Kind::CameraChanged)
            .camera(self.id)
            .fact("what", "certificate_remembered")
            .fact("to", pin.to_string());
        inner
            .change_camera(self.id, vec![note], None, move |row, _| {
                row.certificate = Some(*pin.as_bytes());
                Ok(())
            })
            .await?;
        Ok(())
    }
}

impl Inner {
    /// Changes what is stored of a camera, with entries in the log, all or nothing. Changes follow one another on the
    /// database's thread, so none undoes another.
    pub(crate) async fn change_camera(
        self: &Arc<Self>,
        id: hausrecht_model::CameraId,
        notes: Vec<Note>,
        keys: Option<Arc<hausrecht_vault::OwnerKeys>>,
        change: impl FnOnce(&mut CameraRow, &hausrecht_store::Tables<'_>) -> Result<()> + Send + 'static,
    ) -> Result<CameraRow> {
        let inner = Arc::clone(self);
        let (row, size) = self
            .db
            .run(move |store| {
                let changed = store.write(|tables| {
                    let found = tables.cameras()?.into_iter().find(|row| row.id == id);
                    let found = found.filter(|row| row.removed_us.is_none());
                    let mut row = found.ok_or_else(|| Error::not_found("this camera"))?;
                    change(&mut row, tables)?;
                    tables.put_camera(&row)?;
                    let mut size = tables.log_size()?;
                    for note in &notes {
                        size = inner.logbook.append(tables, note, keys.as_deref())? + 1;
                    }
                    Ok::<_, Error>((row, size))
                })?;
                lock(&inner.camera_rows).insert(id, changed.0.clone());
                if let Some(task) = lock(&inner.cameras).get(&id) {
                    task.replace_row(changed.0.clone(), false);
                }
                Ok(changed)
            })
            .await?;
        self.tell(crate::wire::Event::LogGrew(size));
        Ok(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_sign_in_is_tried_again_rarely() {
        for (refusals, minutes) in [(0, 5), (1, 10), (2, 20), (3, 40), (4, 60), (40, 60)] {
            let pause = rare_pause(refusals);
            let least = Duration::from_secs(minutes * 60);
            assert!(pause >= least && pause <= least.mul_f64(1.25), "{refusals}: {pause:?}");
        }
    }
}
