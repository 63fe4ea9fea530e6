//! Watches what lies on a camera's card: a worker reads it over the network, nothing of it is kept. The log entry comes
//! first.

use std::{
    sync::{Arc, Mutex},
    thread,
};

use hausrecht_media::{CardOpen, Event as WorkerEvent, Order, Sender, Worker, WorkerProcess};
use hausrecht_model::{CameraId, UnixMicros};

use crate::{
    Result,
    camera::card::card_error,
    inner::{Inner, lock},
    wire::{CardOrder, CardPlayerState, Error, ErrorCode, Event},
};

/// A card that is watched.
pub(crate) struct CardPlayer {
    /// Number of the sign-in that opened it: nobody else sees it.
    pub(crate) opened_by: u64,
    orders: Sender<Order>,
    state: Mutex<CardPlayerState>,
    process: Mutex<Option<WorkerProcess>>,
}

impl CardPlayer {
    /// Starts the worker. The log entry is durable before this is called.
    pub(crate) fn open(
        inner: &Arc<Inner>,
        open: CardOpen,
        state: CardPlayerState,
        opened_by: u64,
    ) -> Result<Arc<Self>> {
        let Worker { orders, mut events, bulk, answers: _, process } =
            inner.launcher.launch("card").map_err(Error::internal)?;
        orders.send(&Order::CardOpen(open)).map_err(Error::internal)?;
        let player = Arc::new(Self {
            opened_by,
            orders,
            state: Mutex::new(state),
            process: Mutex::new(Some(process)),
        });
        let (serving, shared) = (Arc::clone(&player), Arc::clone(inner));
        thread::Builder::new().name("card-player".into()).spawn(move || {
            // Nothing comes over it while watching, but its end would be taken for the engine's.
            let _bulk = bulk;
            while let Ok(event) = events.recv() {
                serving.on_event(&shared, event);
            }
            serving.ended(&shared);
        })?;
        Ok(player)
    }

    /// Puts this player's pictures where the window looks.
    pub(crate) fn take_port(&self, inner: &Inner) {
        inner.card_port.worker_came(self.orders.clone());
    }

    pub(crate) fn state(&self) -> CardPlayerState {
        lock(&self.state).clone()
    }

    pub(crate) fn order(&self, order: &CardOrder) -> Result<()> {
        let order = match *order {
            CardOrder::Play => Order::Play,
            CardOrder::Pause => Order::Pause,
            CardOrder::Seek { to_us } => {
                let mut state = lock(&self.state);
                let last_us = UnixMicros(state.to_us.0.saturating_sub(1).max(state.from_us.0));
                let to_us = to_us.clamp(state.from_us, last_us);
                state.at_us = to_us;
                state.ended = false;
                Order::CardSeek { to_unix_us: to_us.0 }
            }
            CardOrder::Speed { speed } => {
                if !(0.25..=16.0).contains(&speed) {
                    return Err(Error::invalid(format!("a speed of {speed} is not between 0.25 and 16")));
                }
                lock(&self.state).speed = speed;
                Order::Speed { factor: f64::from(speed) }
            }
        };
        self.orders.try_send(&order).map_err(|_| {
            Error::new(ErrorCode::CameraUnreachable, "the card is no longer read: open it again")
        })
    }

    pub(crate) fn close(&self) {
        // The worker may be gone already.
        let _ = self.orders.try_send(&Order::Shutdown);
        drop(lock(&self.process).take());
    }

    fn on_event(&self, inner: &Inner, event: WorkerEvent) {
        match event {
            WorkerEvent::Frame { generation, sequence, .. } => {
                inner.card_port.picture_came(generation, sequence);
                let is_first = !std::mem::replace(&mut lock(&self.state).has_picture, true);
                if is_first {
                    self.tell(inner);
                }
            }
            WorkerEvent::CardPosition { unix_us, playing, ended } => {
                {
                    let mut state = lock(&self.state);
                    state.at_us = UnixMicros(unix_us).clamp(state.from_us, state.to_us);
                    state.playing = playing;
                    state.ended = ended;
                }
                self.tell(inner);
            }
            WorkerEvent::Fault { code, text, .. } => self.fail(inner, card_error(code, text)),
            WorkerEvent::Ready { .. }
            | WorkerEvent::State(_)
            | WorkerEvent::Stalled { .. }
            | WorkerEvent::Decoding { .. }
            | WorkerEvent::Snapshot { .. }
            | WorkerEvent::Read { .. }
            | WorkerEvent::Opened { .. }
            | WorkerEvent::Position { .. }
            | WorkerEvent::CardEnded
            | WorkerEvent::Footage(_)
            | WorkerEvent::FootagePosition { .. }
            | WorkerEvent::FootageEnded { .. }
            | WorkerEvent::Motion { .. }
            | WorkerEvent::Exported { .. }
            | WorkerEvent::ExportPosition { .. }
            | WorkerEvent::Talking { .. } => {}
        }
    }

    fn fail(&self, inner: &Inner, error: Error) {
        {
            let mut state = lock(&self.state);
            // The first cause is the one that says what is wrong.
            state.error.get_or_insert(error);
            state.playing = false;
        }
        self.tell(inner);
    }

    fn ended(&self, inner: &Inner) {
        if self.is_current(inner) {
            inner.card_port.worker_gone();
            if lock(&self.process).is_some() {
                self.fail(
                    inner,
                    Error::internal("the worker that reads the card ended by itself: open it again"),
                );
            }
        }
    }

    fn is_current(&self, inner: &Inner) -> bool {
        lock(&inner.card_player).as_ref().is_some_and(|player| std::ptr::eq(Arc::as_ptr(player), self))
    }

    fn tell(&self, inner: &Inner) {
        if self.is_current(inner) {
            inner.tell(Event::CardPlayer(self.state()));
        }
    }
}

impl Inner {
    /// Ends a player that was taken out of its place; nobody sees its pictures any more.
    pub(crate) fn end_card(&self, player: Option<Arc<CardPlayer>>) {
        if let Some(player) = player {
            player.close();
        }
        self.card_port.worker_gone();
        self.card_port.revoke();
    }

    /// Ends watching the card of a camera that is removed.
    pub(crate) fn close_card_of(&self, camera: CameraId) {
        let taken = lock(&self.card_player).take_if(|player| player.state().camera == camera);
        if taken.is_some() {
            self.end_card(taken);
        }
    }
}
