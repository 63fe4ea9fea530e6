//! Turning a camera while somebody holds a key. A move lasts a second unless it is repeated, by the camera's own limit and
//! by this one; however many repeats come, the camera is asked for the newest only.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use hausrecht_model::Right;
use hausrecht_onvif::Error as OnvifError;
use hausrecht_onvif::camera::{Ptz, PtzVector};
use tokio::{
    sync::{oneshot, watch},
    time::Instant,
};

use super::{CameraTask, link::is_refusal, live::Live};
use crate::{
    Result,
    inner::{Inner, lock},
    session::SignedIn,
    wire::{Error, ErrorCode},
};

/// How long a move lasts that is not repeated.
const LIMIT: Duration = Duration::from_secs(1);
/// The camera is not asked more often than this.
const APART: Duration = Duration::from_millis(100);
/// Moves with less between them are one entry in the log.
pub(crate) const SERIES: Duration = Duration::from_secs(10);
/// How long somebody who stops a move waits for the camera's answer.
const STOP_WITHIN: Duration = Duration::from_secs(5);
/// How often a camera is told to stop that does not confirm it.
const STOP_TRIES: u32 = 3;

/// What is wanted of the motors.
#[derive(Debug)]
pub(crate) struct Mover {
    wish: Mutex<Wish>,
    /// Counts the changes of the wish, so that nobody who waits for one takes it from anybody else.
    changed: watch::Sender<u64>,
    /// How the last stop went; `None` while the camera is being driven.
    stopped: watch::Sender<Option<Result<()>>>,
    /// When the last move of those that the log knows of was asked for; held while the entry is written.
    pub(crate) series: tokio::sync::Mutex<Option<Instant>>,
}

#[derive(Debug, Default)]
struct Wish {
    newest: Option<Move>,
    is_to_stop: bool,
}

#[derive(Debug)]
struct Move {
    speed: PtzVector,
    at: Instant,
    answer: oneshot::Sender<Result<()>>,
}

impl Default for Mover {
    fn default() -> Self {
        Self {
            wish: Mutex::default(),
            changed: watch::channel(0).0,
            stopped: watch::channel(Some(Ok(()))).0,
            series: tokio::sync::Mutex::default(),
        }
    }
}

impl Mover {
    /// Asks for a move in place of the one before; says whether somebody must [`drive`] now.
    pub(crate) fn ask(&self, speed: PtzVector) -> (oneshot::Receiver<Result<()>>, bool) {
        let (answer, answered) = oneshot::channel();
        let at = Instant::now();
        let must_drive = {
            let mut wish = lock(&self.wish);
            wish.newest = Some(Move { speed, at, answer });
            wish.is_to_stop = false;
            self.stopped.send_replace(None).is_some()
        };
        self.changed.send_modify(|count| *count += 1);
        (answered, must_drive)
    }

    /// Stops the move that is on, if there is one; says whether there was.
    pub(crate) fn stop(&self) -> bool {
        let was_running = {
            let mut wish = lock(&self.wish);
            wish.newest = None;
            wish.is_to_stop = true;
            self.stopped.borrow().is_none()
        };
        self.changed.send_modify(|count| *count += 1);
        was_running
    }

    /// Waits until the camera has stopped.
    ///
    /// # Errors
    /// It did not confirm that; its own limit ends the move then.
    pub(crate) async fn stopped(&self) -> Result<()> {
        let mut stopped = self.stopped.subscribe();
        let ended = tokio::time::timeout(STOP_WITHIN, stopped.wait_for(Option::is_some)).await;
        match ended {
            Ok(Ok(outcome)) => outcome.clone().unwrap_or(Ok(())),
            // Nobody drives any more.
            Ok(Err(_)) => Ok(()),
            Err(_) => Err(Error::new(
                ErrorCode::CameraUnreachable,
                "the camera has not confirmed that it stops: it stops by itself after a second; if it does not, \
                 switch it off",
            )),
        }
    }

    fn is_to_stop(&self) -> bool {
        lock(&self.wish).is_to_stop
    }

    /// Ends driving unless a move was asked for in the meantime. `outcome` is how the last stop went.
    fn ends(&self, outcome: Result<()>) -> bool {
        let wish = lock(&self.wish);
        if wish.newest.is_some() && !wish.is_to_stop {
            return false;
        }
        self.stopped.send_replace(Some(outcome));
        true
    }
}

/// Waits until the move is to be stopped.
async fn until_stop(mover: &Mover, changed: &mut watch::Receiver<u64>) {
    while !mover.is_to_stop() {
        if changed.changed().await.is_err() {
            return;
        }
    }
}

/// Tells the camera to stop, again if it does not confirm that: nobody wants it to turn on.
///
/// # Errors
/// What the last try ended with.
pub(crate) async fn stop_now(ptz: &Ptz) -> Result<(), OnvifError> {
    let mut tries = 1;
    loop {
        match ptz.stop().await {
            Ok(()) => return Ok(()),
            Err(error) if tries >= STOP_TRIES || is_refusal(&error) => return Err(error),
            Err(error) => tracing::debug!("told to stop again: {error}"),
        }
        tries += 1;
        tokio::time::sleep(APART).await;
    }
}

/// Moves the camera as it is wanted until nothing is wanted any more, and stops it.
pub(crate) async fn drive(
    task: Arc<CameraTask>,
    inner: Arc<Inner>,
    person: SignedIn,
    live: Arc<Live>,
    ptz: Ptz,
) {
    loop {
        move_while_wanted(&task, &inner, &person, &live, &ptz).await;
        let outcome = match stop_now(&ptz).await {
            Ok(()) => Ok(()),
            Err(error) => {
                tracing::warn!(camera = %task.id, "the move ends by the camera's own limit: {error}");
                Err(task.failed(&live, error).await)
            }
        };
        if task.mover.ends(outcome) {
            return;
        }
    }
}

async fn move_while_wanted(task: &CameraTask, inner: &Inner, person: &SignedIn, live: &Arc<Live>, ptz: &Ptz) {
    let mover = &task.mover;
    let mut changed = mover.changed.subscribe();
    let mut ends_at = Instant::now() + LIMIT;
    loop {
        changed.mark_unchanged();
        if mover.is_to_stop() {
            return;
        }
        let newest = lock(&mover.wish).newest.take();
        let Some(Move { speed, at, answer }) = newest else {
            tokio::select! {
                _ = changed.changed() => continue,
                () = tokio::time::sleep_until(ends_at) => return,
            }
        };
        let still = inner.still(person).and_then(|()| match inner.may(person, task.id, Right::Ptz) {
            true => Ok(()),
            false => Err(Error::owner_only()),
        });
        if let Err(error) = still {
            let _ = answer.send(Err(error));
            return;
        }
        ends_at = at + LIMIT;
        let asked_at = Instant::now();
        let moved = tokio::select! {
            biased;
            () = until_stop(mover, &mut changed) => return,
            moved = ptz.move_on(speed, LIMIT) => moved,
        };
        match moved {
            Ok(()) => {
                let _ = answer.send(Ok(()));
            }
            Err(error) => {
                let error: Error = task.failed(live, error).await;
                let _ = answer.send(Err(error));
                return;
            }
        }
        tokio::select! {
            () = until_stop(mover, &mut changed) => return,
            () = tokio::time::sleep_until(asked_at + APART) => {}
        }
    }
}
