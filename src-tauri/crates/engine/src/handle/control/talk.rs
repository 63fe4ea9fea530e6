//! Talking to whoever stands before a camera: this computer's microphone is open while the owner holds the button, in a
//! worker that can do nothing else, and never otherwise.

use std::{sync::Arc, time::Duration};

use hausrecht_media::{Event as WorkerEvent, FaultCode, Order, Password, Sender, TalkOpen, Worker};
use hausrecht_model::{CameraId, Right};
use tokio::sync::oneshot;

use super::change;
use crate::{
    Result,
    handle::Handle,
    inner::{Inner, lock},
    wire::{Error, ErrorCode},
};

/// How long microphone and camera may take until sound is on its way.
const BEGIN_LIMIT: Duration = Duration::from_secs(12);
/// How long a worker may take to end when it is told to, or when its time is over. One that does not is ended.
const END_WITHIN: Duration = Duration::from_secs(2);
/// How often it is looked at whether a worker has had its time.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The talk that goes on, if one does, and how often one was wished for or ended: a button that was let go before the
/// microphone was ready must not open it.
#[derive(Debug, Default)]
pub(crate) struct Talk {
    wishes: u64,
    /// To the worker, and the entry that announced it.
    running: Option<(Sender<Order>, u64)>,
}

impl Handle {
    /// Begins to talk through a camera, or ends that. It ends by itself after a minute, and with the session.
    ///
    /// # Errors
    /// Only the owner, and whoever was given the right; the camera has no loudspeaker, or this computer no microphone.
    pub async fn talk(&self, camera: CameraId, on: bool) -> Result<()> {
        let wish = self.inner.end_talk();
        if !on {
            self.inner.signed_in()?;
            return Ok(());
        }
        let control = self.control_with(camera, Right::Talk).await?;
        let row = control.task.row();
        if !control.heard(control.live.features().await).await?.talk.is_present() {
            return Err(Error::from(control.live.lacks("a loudspeaker")));
        }
        let (main, _) = control.heard(control.live.streams(&row).await).await?;
        let (user, password) = control.task.sign_in(&self.inner)?;
        let open = TalkOpen {
            uri: row.main_uri,
            user,
            password: Password::new(password.as_str()),
            transport: control.task.transport(),
            certificate: row.certificate,
            sound: self.inner.options.talk_sound,
            limit_ms: TalkOpen::MAX_LIMIT_MS,
        };
        let announced = control.announce(change("talk")).await?;
        if let Err(error) = control.live.camera.prepare_talk(&main).await {
            // Many cameras have the back channel ready and refuse to be asked for it.
            tracing::debug!(%camera, "no preparation for talking: {error}");
        }
        let began = begin(&self.inner, camera, (wish, announced), open).await;
        if began.is_err() {
            control.note_failure(announced, "talk_failed").await;
        }
        began
    }
}

impl Handle {
    /// Closes the microphone if it is open or about to be: whoever held the button is gone, with the page or the window.
    pub fn close_microphone(&self) {
        self.inner.end_talk();
    }
}

/// Starts the worker and waits until sound is on its way, unless `wish` is no longer the last one. Entry `announced` says
/// that this was to be.
async fn begin(
    inner: &Arc<Inner>,
    camera: CameraId,
    (wish, announced): (u64, u64),
    open: TalkOpen,
) -> Result<()> {
    let launching = Arc::clone(inner);
    let launched = tokio::task::spawn_blocking(move || launching.launcher.launch("talk")).await;
    let worker = launched.map_err(Error::internal)?.map_err(Error::internal)?;
    {
        let mut talk = lock(&inner.talk);
        if talk.wishes != wish {
            return Err(Error::invalid(
                "the button was let go before the microphone was open: hold it until the clock beside it runs",
            ));
        }
        worker.orders.send(&Order::TalkOpen(open)).map_err(Error::internal)?;
        talk.running = Some((worker.orders.clone(), announced));
    }
    let (begun, waiting) = oneshot::channel();
    let following = Arc::clone(inner);
    // Whoever stops the engine waits for this, so that the end of the talk is in the log before that of the program.
    let is_followed = inner.begin(async move {
        let talked = {
            let following = Arc::clone(&following);
            tokio::task::spawn_blocking(move || follow(&following, camera, announced, worker, begun)).await
        };
        following.note_talk_ended(camera, announced, talked.ok().flatten()).await;
    });
    if !is_followed {
        return Err(Error::locked());
    }
    let outcome = tokio::time::timeout(BEGIN_LIMIT, waiting).await;
    let began = match outcome {
        Ok(Ok(began)) => began,
        Ok(Err(_)) => Err(Error::new(
            ErrorCode::CameraUnreachable,
            "the camera ended the talk at once: press again; if that does not help, somebody else may talk through it, or \
             it may need a restart",
        )),
        Err(_) => Err(Error::new(
            ErrorCode::CameraUnreachable,
            "the camera took no sound in time: press again; if that does not help, check its network or restart it",
        )),
    };
    if began.is_err() {
        inner.end_talk();
    }
    began
}

/// Reads what the worker says until it ends, and ends it if it does not by itself in time: nobody relies on its good will
/// for a microphone to be closed. Returns how long sound was on its way, if it ever was.
fn follow(
    inner: &Inner,
    camera: CameraId,
    number: u64,
    worker: Worker,
    begun: oneshot::Sender<Result<()>>,
) -> Option<Duration> {
    let Worker { mut events, process, .. } = worker;
    let clock = Arc::clone(&inner.options.clock);
    let started = clock.monotonic();
    let mut begun = Some(begun);
    let (mut since, mut told_to_end) = (None, None);
    // Whatever is not a message ends it too.
    while let Ok(event) = events.recv_timeout(LOOK_EVERY) {
        let now = clock.monotonic();
        if told_to_end.is_none() && !lock(&inner.talk).is_running(number) {
            told_to_end = Some(now);
        }
        if now >= ends_by(started, since, told_to_end) {
            tracing::warn!(%camera, "the worker kept on talking and is ended");
            break;
        }
        match event {
            Some(WorkerEvent::Talking { .. }) => {
                since.get_or_insert(now);
                // Whoever waited for the beginning may have given up.
                begun.take().map(|begun| begun.send(Ok(())));
            }
            Some(WorkerEvent::Fault { code, text, .. }) => {
                tracing::info!(%camera, ?code, "talk: {text}");
                begun.take().map(|begun| begun.send(Err(refusal(code, text))));
            }
            None
            | Some(
                WorkerEvent::Ready { .. }
                | WorkerEvent::State(_)
                | WorkerEvent::Frame { .. }
                | WorkerEvent::Stalled { .. }
                | WorkerEvent::Decoding { .. }
                | WorkerEvent::Snapshot { .. }
                | WorkerEvent::Read { .. }
                | WorkerEvent::Opened { .. }
                | WorkerEvent::Position { .. }
                | WorkerEvent::CardPosition { .. }
                | WorkerEvent::CardEnded
                | WorkerEvent::Exported { .. }
                | WorkerEvent::ExportPosition { .. }
                | WorkerEvent::Footage(_)
                | WorkerEvent::FootagePosition { .. }
                | WorkerEvent::FootageEnded { .. }
                | WorkerEvent::Motion { .. },
            ) => {}
        }
    }
    // This kills it if it is still there, and waits until it is gone.
    drop(process);
    let mut talk = lock(&inner.talk);
    if talk.is_running(number) {
        talk.running = None;
    }
    since.map(|since| clock.monotonic().saturating_sub(since))
}

/// When a worker must have ended that was started at `started`, has sent sound since `since` and was told to end at
/// `told_to_end`; all of them monotonic.
fn ends_by(started: Duration, since: Option<Duration>, told_to_end: Option<Duration>) -> Duration {
    let limit = Duration::from_millis(u64::from(TalkOpen::MAX_LIMIT_MS));
    let by_limit = since.map_or(started + BEGIN_LIMIT, |since| since + limit);
    told_to_end.map_or(by_limit, |told| told.min(by_limit)) + END_WITHIN
}

fn refusal(code: FaultCode, text: String) -> Error {
    let code = match code {
        FaultCode::NoBackChannel | FaultCode::UnsupportedCodec | FaultCode::NotFound => {
            ErrorCode::CameraUnsuitable
        }
        FaultCode::NoMicrophone => ErrorCode::NoMicrophone,
        FaultCode::NotAuthorized | FaultCode::PasswordUnprotected => ErrorCode::CameraRefused,
        FaultCode::Refused | FaultCode::Timeout | FaultCode::Lost | FaultCode::NoKeyFrame => {
            ErrorCode::CameraUnreachable
        }
        FaultCode::Internal => ErrorCode::Internal,
    };
    Error::new(code, text)
}

impl Talk {
    /// Whether the talk that entry `number` announced goes on.
    fn is_running(&self, number: u64) -> bool {
        self.running.as_ref().is_some_and(|(_, running)| *running == number)
    }
}

impl Inner {
    /// Writes down how long the talk was that entry `announced` announced; nothing if it never came to that.
    async fn note_talk_ended(self: &Arc<Self>, camera: CameraId, announced: u64, lasted: Option<Duration>) {
        let Some(lasted) = lasted else { return };
        let mut note = change("talk_ended").camera(camera).fact("seconds", lasted.as_secs().max(1));
        note.refers_to = Some(announced);
        self.log_or_tell(note).await;
    }

    /// Ends a talk that goes on, and one that is about to begin: the microphone is closed at once. Returns the number of
    /// this wish.
    pub(crate) fn end_talk(&self) -> u64 {
        let mut talk = lock(&self.talk);
        talk.wishes += 1;
        if let Some((orders, _)) = talk.running.take() {
            // A worker that is gone has no microphone open, and one that does not listen is ended a moment later.
            let _ = orders.try_send(&Order::Shutdown);
        }
        talk.wishes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_has_its_time_and_no_more() {
        let seconds = Duration::from_secs;
        assert_eq!(ends_by(seconds(100), None, None), seconds(114), "nothing was said yet");
        assert_eq!(ends_by(seconds(100), Some(seconds(105)), None), seconds(167), "a minute of sound");
        assert_eq!(
            ends_by(seconds(100), Some(seconds(105)), Some(seconds(110))),
            seconds(112),
            "told to end"
        );
        assert_eq!(ends_by(seconds(100), None, Some(seconds(101))), seconds(103), "let go at once");
        let late = ends_by(seconds(100), Some(seconds(105)), Some(seconds(166)));
        assert_eq!(late, seconds(167), "being told late gives no more time");
    }
}
