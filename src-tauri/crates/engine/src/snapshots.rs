//! Single pictures asked of a worker.

use std::{collections::HashMap, sync::Mutex, time::Duration};

use hausrecht_media::{Order, Sender, SnapshotFormat, SnapshotMemory, Stream};
use tokio::sync::oneshot;

use crate::{Result, inner::lock, wire::Error};

/// How long a worker may take.
const LIMIT: Duration = Duration::from_secs(15);

/// An encoded picture, and its size in pixels.
pub(crate) struct Encoded {
    pub(crate) bytes: Vec<u8>,
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// When it is shown, on the stream's own clock or in the clip.
    pub(crate) shown_us: u64,
}

/// What a worker answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer {
    /// How many bytes; `None`: it has no picture.
    pub(crate) len: Option<u32>,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) shown_us: u64,
}

/// The pictures that one worker, and whoever follows it, has been asked for.
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
    pub(crate) fn worker_came(&self, orders: Sender<Order>) {
        *lock(&self.state) = State { orders: Some(orders), ..State::default() };
    }

    pub(crate) fn worker_gone(&self) {
        *lock(&self.state) = State::default();
    }

    pub(crate) fn answered(&self, id: u32, answer: Answer) {
        if let Some(waiting) = lock(&self.state).waiting.remove(&id) {
            // Whoever asked may have given up.
            let _ = waiting.send(answer);
        }
    }

    /// Asks for the newest picture of `stream`, or the one that stands, at its full size; `None` if there is none.
    pub(crate) async fn take(&self, stream: Stream, format: SnapshotFormat) -> Result<Option<Encoded>> {
        let memory = SnapshotMemory::create().map_err(Error::internal)?;
        let (id, answer) = {
            let mut state = lock(&self.state);
            let Some(orders) = state.orders.clone() else { return Ok(None) };
            state.asked += 1;
            let id = state.asked;
            let order = Order::Snapshot { id, stream, format };
            if orders.try_send_with(&order, &[memory.as_fd()]).is_err() {
                return Ok(None);
            }
            let (waiting, answer) = oneshot::channel();
            state.waiting.insert(id, waiting);
            (id, answer)
        };
        let answered = tokio::time::timeout(LIMIT, answer).await;
        lock(&self.state).waiting.remove(&id);
        let Ok(Ok(Answer { len: Some(len), width, height, shown_us })) = answered else { return Ok(None) };
        let bytes = memory.read(len).map_err(Error::internal)?;
        Ok(Some(Encoded { bytes, width, height, shown_us }))
    }
}
