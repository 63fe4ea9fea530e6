//! Single pictures asked of a camera's worker.

use std::{collections::HashMap, sync::Mutex, time::Duration};

use hausrecht_media::{Order, Sender, SnapshotFormat, SnapshotMemory, Stream};
use tokio::sync::oneshot;

use crate::{
    Result,
    inner::lock,
    wire::{Error, ErrorCode},
};

/// How long a worker may take.
const LIMIT: Duration = Duration::from_secs(15);

/// An encoded picture, and its size in pixels.
pub(crate) struct Encoded {
    pub(crate) bytes: Vec<u8>,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// What a worker answered: how many bytes, width, height.
type Answer = (Option<u32>, u32, u32);

/// The pictures that a worker has been asked for.
#[derive(Debug, Default)]
pub(crate) struct Snapshots {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    orders: Option<Sender<Order>>,
    asked: u32,
    waiting: HashMap<u32, oneshot::Sender<Answer>>,
}

impl Snapshots {
    pub(super) fn worker_came(&self, orders: Sender<Order>) {
        *lock(&self.state) = State { orders: Some(orders), ..State::default() };
    }

    pub(super) fn worker_gone(&self) {
        *lock(&self.state) = State::default();
    }

    pub(super) fn answered(&self, id: u32, answer: Answer) {
        if let Some(waiting) = lock(&self.state).waiting.remove(&id) {
            // Whoever asked may have given up.
            let _ = waiting.send(answer);
        }
    }

    /// Asks for the newest picture of `stream`, at its full size.
    pub(crate) async fn take(&self, stream: Stream, format: SnapshotFormat) -> Result<Encoded> {
        let memory = SnapshotMemory::create().map_err(Error::internal)?;
        let (id, answer) = {
            let mut state = lock(&self.state);
            let orders = state.orders.clone().ok_or_else(no_picture)?;
            state.asked += 1;
            let id = state.asked;
            orders
                .try_send_with(&Order::Snapshot { id, stream, format }, &[memory.as_fd()])
                .map_err(|_| no_picture())?;
            let (waiting, answer) = oneshot::channel();
            state.waiting.insert(id, waiting);
            (id, answer)
        };
        let answered = tokio::time::timeout(LIMIT, answer).await;
        lock(&self.state).waiting.remove(&id);
        let Ok(Ok((Some(len), width, height))) = answered else { return Err(no_picture()) };
        Ok(Encoded { bytes: memory.read(len).map_err(Error::internal)?, width, height })
    }
}

fn no_picture() -> Error {
    Error::new(ErrorCode::CameraUnreachable, "the camera gives no picture now")
}
