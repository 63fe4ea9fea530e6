//! What a presenter waits for: another placement, or a newer picture. Coalesces, so a slow presenter skips pictures
//! instead of falling behind.

use std::sync::Arc;

use tokio::sync::{Notify, watch};

use super::Placement;

/// The sending half, held by the presenter that the wall knows.
pub(crate) struct Feed {
    placement: watch::Sender<Arc<Placement>>,
    fresh: Notify,
}

/// What happened.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// There is another placement.
    Placed,
    /// A tile has a newer picture.
    Fresh,
}

impl Feed {
    /// An empty screen.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { placement: watch::Sender::new(Arc::default()), fresh: Notify::new() })
    }

    /// Puts another placement in place.
    pub(crate) fn place(&self, placement: Arc<Placement>) {
        self.placement.send_replace(placement);
    }

    /// Wakes whoever draws.
    pub(crate) fn fresh(&self) {
        self.fresh.notify_one();
    }

    /// The placement from now on.
    pub(crate) fn placements(&self) -> watch::Receiver<Arc<Placement>> {
        self.placement.subscribe()
    }

    /// Waits for the next change. Losing the future loses nothing.
    pub(crate) async fn next(&self, placements: &mut watch::Receiver<Arc<Placement>>) -> Change {
        tokio::select! {
            biased;
            changed = placements.changed() => {
                debug_assert!(changed.is_ok(), "the sender lives in self");
                Change::Placed
            }
            () = self.fresh.notified() => Change::Fresh,
        }
    }
}
