//! Turning a camera while somebody holds a key. A move lasts a second unless it is repeated, by the camera's own limit and
//! by this one; however many repeats come, the camera is asked for the newest only.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use hausrecht_onvif::camera::{Ptz, PtzVector};
use tokio::{
    sync::{Notify, oneshot, watch},
    time::Instant,
};

use super::{CameraTask, live::Live};
use crate::{
    Result,
    inner::{Inner, lock},
    session::SignedIn,
    wire::Error,
};

/// How long a move lasts that is not repeated.
const LIMIT: Duration = Duration::from_secs(1);
/// The camera is not asked more often than this.
const APART: Duration = Duration::from_millis(100);
/// Moves with less between them are one entry in the log.
pub(crate) const SERIES: Duration = Duration::from_secs(10);
/// How long somebody who stops a move waits for the camera's answer.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// What is wanted of the motors.
#[derive(Debug)]
pub(crate) struct Mover {
    wish: Mutex<Wish>,
    changed: Notify,
    is_running: watch::Sender<bool>,
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
            changed: Notify::new(),
            is_running: watch::channel(false).0,
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
            !self.is_running.send_replace(true)
        };
        self.changed.notify_one();
        (answered, must_drive)
    }

    /// Stops the move that is on, if there is one; says whether there was.
    pub(crate) fn stop(&self) -> bool {
        let was_running = {
            let mut wish = lock(&self.wish);
            wish.newest = None;
            wish.is_to_stop = true;
            *self.is_running.borrow()
        };
        self.changed.notify_one();
        was_running
    }

    /// Waits until the camera was told to stop.
    pub(crate) async fn stopped(&self) {
        let mut running = self.is_running.subscribe();
        // The camera's own limit ends the move if it does not answer.
        let _ = tokio::time::timeout(STOP_WITHIN, running.wait_for(|running| !running)).await;
    }

    async fn is_to_stop(&self) {
        loop {
            if lock(&self.wish).is_to_stop {
                return;
            }
            self.changed.notified().await;
        }
    }

    /// Ends driving unless a move was asked for in the meantime.
    fn ends(&self) -> bool {
        let wish = lock(&self.wish);
        if wish.newest.is_some() && !wish.is_to_stop {
            return false;
        }
        self.is_running.send_replace(false);
        true
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
        if let Err(error) = ptz.stop().await {
            tracing::warn!(camera = %task.id, "the move ends by the camera's own limit: {error}");
            task.failed(&live, error).await;
        }
        if task.mover.ends() {
            return;
        }
    }
}

async fn move_while_wanted(task: &CameraTask, inner: &Inner, person: &SignedIn, live: &Arc<Live>, ptz: &Ptz) {
    let mover = &task.mover;
    let mut ends_at = Instant::now() + LIMIT;
    loop {
        let newest = lock(&mover.wish).newest.take();
        let Some(Move { speed, at, answer }) = newest else {
            tokio::select! {
                () = mover.is_to_stop() => return,
                () = mover.changed.notified() => continue,
                () = tokio::time::sleep_until(ends_at) => return,
            }
        };
        if let Err(error) = inner.still(person) {
            let _ = answer.send(Err(error));
            return;
        }
        ends_at = at + LIMIT;
        let asked_at = Instant::now();
        let moved = tokio::select! {
            biased;
            () = mover.is_to_stop() => return,
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
            () = mover.is_to_stop() => return,
            () = tokio::time::sleep_until(asked_at + APART) => {}
        }
    }
}
