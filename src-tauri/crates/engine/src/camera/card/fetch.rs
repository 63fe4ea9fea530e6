//! Fetches one span: a worker for each piece that the vault does not have, sealed as what is recorded live.

use std::{sync::Arc, time::Duration};

use hausrecht_media::{CardOpen, Event as WorkerEvent, FaultCode, Order, Password, Worker};
use hausrecht_model::UnixMicros;
use tokio::{sync::mpsc, sync::watch, task::JoinHandle};

use super::{gaps::missing, jobs::Job, stretch::Stretch};
use crate::{
    Result,
    camera::{CameraTask, Wanted},
    inner::Inner,
    recorder::{self, Source, Tally},
    wire::{Error, ErrorCode},
};

/// A worker that says nothing for this long hangs, or the camera does.
const HUNG_AFTER: Duration = Duration::from_secs(40);
/// How long a worker may take to hand over the last of what it has fetched.
const FINISH_LIMIT: Duration = Duration::from_secs(60);
/// How long a worker may take to finish its clip when asked to end.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(5);
/// Pauses before trying again after the camera was lost, as long as nothing new comes.
const PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(4), Duration::from_secs(15)];

/// How a fetch ended.
#[derive(Clone, Debug)]
pub(super) enum End {
    Done,
    Stopped,
    /// The engine stops, or the camera is removed.
    Interrupted,
    Failed(Error),
}

impl End {
    /// The word in the log.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Stopped => "stopped",
            Self::Interrupted => "interrupted",
            Self::Failed(_) => "failed",
        }
    }
}

/// What a fetch brought.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) end: End,
    pub(super) clips: u64,
    pub(super) pictures: u64,
}

impl Fetched {
    pub(super) fn failed(error: Error) -> Self {
        Self { end: End::Failed(error), clips: 0, pictures: 0 }
    }
}

/// Fetches what the vault does not have of the job's span.
pub(super) async fn fetch(
    task: &Arc<CameraTask>,
    inner: &Arc<Inner>,
    wanted: &mut watch::Receiver<Wanted>,
    job: &Job,
) -> Fetched {
    let mut fetch = Fetch { task, inner, wanted, stop: job.stop.subscribe(), job, clips: 0, pictures: 0 };
    let end = fetch.all().await.unwrap_or_else(End::Failed);
    Fetched { end, clips: fetch.clips, pictures: fetch.pictures }
}

struct Fetch<'a> {
    task: &'a Arc<CameraTask>,
    inner: &'a Arc<Inner>,
    wanted: &'a mut watch::Receiver<Wanted>,
    stop: watch::Receiver<bool>,
    job: &'a Job,
    clips: u64,
    pictures: u64,
}

/// How far one piece came.
enum Piece {
    /// Everything of it that the card has is in the vault.
    Whole,
    End(End),
    /// It broke off; what came is in the vault.
    Broken(Error),
    /// The same, and nobody said why: the worker was ended from outside, or by a defect.
    Died(Error),
}

impl Fetch<'_> {
    async fn all(&mut self) -> Result<End> {
        let mut from_us = self.job.row.from_us;
        let mut failures = 0;
        loop {
            let before = self.pictures;
            let rest = Stretch::new(from_us, self.job.row.to_us);
            let Some(piece) = missing(self.task, self.inner, rest).await?.first().copied() else {
                return Ok(End::Done);
            };
            let (error, died) = match self.piece(piece).await {
                Ok(Piece::Whole) => {
                    from_us = piece.to_us;
                    failures = 0;
                    continue;
                }
                Ok(Piece::End(end)) => return Ok(end),
                Ok(Piece::Died(error)) => (error, true),
                Ok(Piece::Broken(error)) | Err(error) => (error, false),
            };
            // A camera that is gone for a while comes back; whatever else is wrong stays wrong.
            if !died && error.code != ErrorCode::CameraUnreachable {
                return Err(error);
            }
            if self.pictures > before {
                failures = 0;
            }
            let Some(pause) = PAUSES.get(failures) else { return Err(error) };
            failures += 1;
            tracing::info!(camera = %self.task.id, "the fetch from the card is tried again: {error}");
            tokio::select! {
                Some(end) = ordered(&mut self.stop, self.wanted) => return Ok(end),
                () = tokio::time::sleep(*pause) => {}
            }
        }
    }

    async fn piece(&mut self, piece: Stretch) -> Result<Piece> {
        let order = tokio::select! {
            Some(end) = ordered(&mut self.stop, self.wanted) => return Ok(Piece::End(end)),
            order = open_order(self.task, self.inner, &self.job.row.recording, piece) => order?,
        };
        let launching = Arc::clone(self.inner);
        let launched = tokio::task::spawn_blocking(move || launching.launcher.launch("card")).await;
        let worker = launched.map_err(Error::internal)?.map_err(Error::internal)?;
        let Worker { orders, mut events, bulk, answers: _, process } = worker;
        orders.send(&Order::CardOpen(order)).map_err(Error::internal)?;
        let (sender, messages) = mpsc::channel(64);
        std::thread::Builder::new().name("card-events".into()).spawn(move || {
            while let Ok(event) = events.recv() {
                if sender.blocking_send(event).is_err() {
                    return;
                }
            }
        })?;
        let recording = {
            let (task, inner) = (Arc::clone(self.task), Arc::clone(self.inner));
            let source = Source::Card { from_us: piece.from_us, to_us: piece.to_us };
            tokio::task::spawn_blocking(move || recorder::record(&task, &inner, source, bulk))
        };
        let mut following = Following { messages, recording, recorded: None, at: piece.from_us };
        let ended = self.follow(piece, &mut following).await;
        let limit = match ended {
            Piece::Whole => Some(FINISH_LIMIT),
            Piece::End(_) => orders.send(&Order::Shutdown).is_ok().then_some(SHUTDOWN_LIMIT),
            Piece::Broken(_) | Piece::Died(_) => None,
        };
        if let Some(limit) = limit {
            let closed = async { while following.messages.recv().await.is_some() {} };
            let _ = tokio::time::timeout(limit, closed).await;
        }
        // Killing it ends its pipe, and with that the recorder, which closes the clip with what has come.
        drop(process);
        let tally = match following.recorded.take() {
            Some(tally) => tally,
            None => (&mut following.recording).await.map_err(Error::internal)?,
        };
        self.clips += tally.clips;
        self.pictures += tally.pictures;
        match tally.failed {
            Some(error) => Err(error),
            None => Ok(ended),
        }
    }

    /// Follows what the worker says until the piece is whole, it ends, or it is to end.
    async fn follow(&mut self, piece: Stretch, following: &mut Following) -> Piece {
        let clock = Arc::clone(&self.inner.options.clock);
        let mut last_word = clock.monotonic();
        let mut fault = None;
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                Some(end) = ordered(&mut self.stop, self.wanted) => return Piece::End(end),
                message = following.messages.recv() => {
                    last_word = clock.monotonic();
                    match message {
                        Some(WorkerEvent::CardPosition { unix_us, .. }) => {
                            let at = UnixMicros(unix_us).max(following.at).min(piece.to_us);
                            following.at = at;
                            let from_us = self.job.row.from_us;
                            self.inner.change_card_job(self.job.row.id, |view| view.done_us = at.0 - from_us.0);
                        }
                        Some(WorkerEvent::CardEnded) => return Piece::Whole,
                        Some(WorkerEvent::Fault { code, text, .. }) => fault = Some(card_error(code, text)),
                        Some(_) => {}
                        None => {
                            let why = "the worker that reads the card ended by itself";
                            return fault.map_or_else(|| Piece::Died(Error::internal(why)), Piece::Broken);
                        }
                    }
                }
                recorded = &mut following.recording, if following.recorded.is_none() => {
                    let tally = recorded.unwrap_or_default();
                    let failed = tally.failed.is_some();
                    following.recorded = Some(tally);
                    if failed {
                        return Piece::Broken(Error::internal("the clip could not be written"));
                    }
                }
                _ = tick.tick() => {
                    if clock.monotonic().saturating_sub(last_word) > HUNG_AFTER {
                        let text = "the camera sends nothing from its card any more";
                        return Piece::Broken(Error::new(ErrorCode::CameraUnreachable, text));
                    }
                }
            }
        }
    }
}

struct Following {
    messages: mpsc::Receiver<WorkerEvent>,
    recording: JoinHandle<Tally>,
    recorded: Option<Tally>,
    /// Up to where everything was sent.
    at: UnixMicros,
}

/// Waits until the owner or the engine wants the fetch to end.
async fn ordered(stop: &mut watch::Receiver<bool>, wanted: &mut watch::Receiver<Wanted>) -> Option<End> {
    tokio::select! {
        stopped = stop.wait_for(|stop| *stop) => stopped.ok().map(|_| End::Stopped),
        _ = wanted.wait_for(|wanted| *wanted == Wanted::Stop) => Some(End::Interrupted),
    }
}

/// What a worker is to read: where, as whom, and from when to when by the camera's own clock.
async fn open_order(
    task: &CameraTask,
    inner: &Arc<Inner>,
    recording: &str,
    piece: Stretch,
) -> Result<CardOpen> {
    let live = task.live(inner).await?;
    let uri = match live.camera.replay_uri(recording).await {
        Ok(uri) => uri,
        Err(error) => return Err(task.failed(&live, error).await),
    };
    let (user, password) = task.sign_in(inner)?;
    let theirs = live.camera.camera_time(piece.from_us);
    Ok(CardOpen {
        uri: uri.to_string(),
        user,
        password: Password::new(password.as_str()),
        certificate: task.row().certificate,
        from_unix_us: theirs.0,
        until_unix_us: live.camera.camera_time(piece.to_us).0,
        offset_us: piece.from_us.0 - theirs.0,
        fetch: true,
        clip_target_ms: u32::try_from(inner.options.clip_length.as_millis()).unwrap_or(60_000),
    })
}

/// How a worker's fault becomes what the owner is told.
pub(crate) fn card_error(code: FaultCode, text: String) -> Error {
    let code = match code {
        FaultCode::NotAuthorized | FaultCode::PasswordUnprotected => ErrorCode::CameraRefused,
        FaultCode::NotFound | FaultCode::UnsupportedCodec | FaultCode::NoKeyFrame => {
            ErrorCode::CameraUnsuitable
        }
        FaultCode::Refused | FaultCode::Timeout | FaultCode::Lost => ErrorCode::CameraUnreachable,
        FaultCode::Internal | FaultCode::NoBackChannel | FaultCode::NoMicrophone => ErrorCode::Internal,
    };
    Error::new(code, text)
}
