//! Talking to whoever stands before a camera: this computer's microphone is open while the owner holds the button, in a
//! worker that can do nothing else, and never otherwise.

use std::{sync::Arc, time::Duration};

use hausrecht_media::{
    Event as WorkerEvent, FaultCode, Order, Password, Sender, TalkOpen, Transport, Worker,
};
use hausrecht_model::CameraId;
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
    /// Only the owner; the camera has no loudspeaker, or this computer no microphone.
    pub async fn talk(&self, camera: CameraId, on: bool) -> Result<()> {
        let wish = self.inner.end_talk();
        if !on {
            self.inner.signed_in()?.owner_keys()?;
            return Ok(());
        }
        let control = self.control(camera).await?;
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
            transport: Transport::Tcp,
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
            return Err(Error::invalid("the button was let go before the microphone was open"));
        }
        worker.orders.send(&Order::TalkOpen(open)).map_err(Error::internal)?;
        talk.running = Some((worker.orders.clone(), announced));
    }
    let (begun, waiting) = oneshot::channel();
    let (following, runtime) = (Arc::clone(inner), tokio::runtime::Handle::current());
    std::thread::Builder::new()
        .name("talk".into())
        .spawn(move || follow(&following, camera, announced, worker, begun, &runtime))?;
    let outcome = tokio::time::timeout(BEGIN_LIMIT, waiting).await;
    let began = match outcome {
        Ok(Ok(began)) => began,
        Ok(Err(_)) => Err(Error::new(ErrorCode::CameraUnreachable, "the camera ended the talk at once")),
        Err(_) => Err(Error::new(ErrorCode::CameraUnreachable, "the camera took no sound in time")),
    };
    if began.is_err() {
        inner.end_talk();
    }
    began
}

/// Reads what the worker says until it ends, and writes down how long it was.
fn follow(
    inner: &Arc<Inner>,
    camera: CameraId,
    number: u64,
    worker: Worker,
    begun: oneshot::Sender<Result<()>>,
    runtime: &tokio::runtime::Handle,
) {
    let Worker { mut events, process, .. } = worker;
    let clock = Arc::clone(&inner.options.clock);
    let mut begun = Some(begun);
    let mut since = None;
    while let Ok(event) = events.recv() {
        match event {
            WorkerEvent::Talking { .. } => {
                since.get_or_insert_with(|| clock.monotonic());
                // Whoever waited for the beginning may have given up.
                begun.take().map(|begun| begun.send(Ok(())));
            }
            WorkerEvent::Fault { code, text, .. } => {
                tracing::info!(%camera, ?code, "talk: {text}");
                begun.take().map(|begun| begun.send(Err(refusal(code, text))));
            }
            WorkerEvent::Ready { .. }
            | WorkerEvent::State(_)
            | WorkerEvent::Frame { .. }
            | WorkerEvent::Stalled { .. }
            | WorkerEvent::Read { .. }
            | WorkerEvent::Opened { .. }
            | WorkerEvent::Position { .. }
            | WorkerEvent::Motion { .. } => {}
        }
    }
    drop(process);
    {
        let mut talk = lock(&inner.talk);
        if talk.running.as_ref().is_some_and(|(_, running)| *running == number) {
            talk.running = None;
        }
    }
    let Some(since) = since else { return };
    let lasted = clock.monotonic().saturating_sub(since);
    let mut note = change("talk_ended").camera(camera).fact("seconds", lasted.as_secs().max(1));
    note.refers_to = Some(number);
    runtime.block_on(inner.log_or_tell(note));
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

impl Inner {
    /// Ends a talk that goes on, and one that is about to begin: the microphone is closed at once. Returns the number of
    /// this wish.
    pub(crate) fn end_talk(&self) -> u64 {
        let mut talk = lock(&self.talk);
        talk.wishes += 1;
        if let Some((orders, _)) = talk.running.take() {
            // A worker that is gone has no microphone open.
            let _ = orders.send(&Order::Shutdown);
        }
        talk.wishes
    }
}
