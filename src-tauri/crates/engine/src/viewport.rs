//! Where a worker's pictures become visible: one ring at a time, made anew for each size and each worker.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hausrecht_media::{FrameMeta, Order, Picture, Ring, Sender, Stream};
use hausrecht_model::{Clock, UnixMicros};
use tokio::sync::watch;

use crate::{Result, wire::Error};

/// How many drawn pictures the rate is measured over, at most.
const RATE_SPAN_US: i64 = 2_000_000;

/// The place that a worker's pictures go to. Shared by the task that runs the worker and the views of the window.
#[derive(Debug)]
pub(crate) struct Viewport {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    orders: Option<Sender<Order>>,
    shown: Option<Shown>,
    views_made: u64,
    generation: u32,
    drawn: std::collections::VecDeque<(UnixMicros, i64)>,
}

#[derive(Debug)]
struct Shown {
    view: u64,
    stream: Stream,
    width: u32,
    height: u32,
    ring: Arc<Ring>,
    changes: watch::Sender<u64>,
}

/// What the window reported of drawn pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Drawn {
    pub(crate) fps: f32,
    pub(crate) age_ms: u32,
}

impl Viewport {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { clock, state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A worker is ready for orders; what is being looked at is asked of it.
    pub(crate) fn worker_came(&self, orders: Sender<Order>) {
        let mut state = self.state();
        state.orders = Some(orders);
        if let Some((width, height)) = state.shown.as_ref().map(|shown| (shown.width, shown.height)) {
            // A worker that wrote half a picture may have left the old ring in any state.
            if let Err(error) = renew(&mut state, width, height) {
                tracing::warn!("no pictures after the worker's restart: {error}");
            }
        }
    }

    pub(crate) fn worker_gone(&self) {
        let mut state = self.state();
        state.orders = None;
        state.drawn.clear();
    }

    /// The worker says that a picture lies in the ring.
    pub(crate) fn picture_came(&self, generation: u32, sequence: u64) {
        if let Some(shown) = &self.state().shown
            && shown.ring.shape().generation == generation
        {
            shown.changes.send_replace(sequence);
        }
    }

    /// Begins to show `stream`; whoever looked at another stream of the same worker sees no more pictures.
    pub(crate) fn view(self: &Arc<Self>, stream: Stream, width: u32, height: u32) -> Result<View> {
        self.view_in(&mut self.state(), stream, width, height)
    }

    fn view_in(self: &Arc<Self>, state: &mut State, stream: Stream, width: u32, height: u32) -> Result<View> {
        state.views_made += 1;
        let view = state.views_made;
        state.generation += 1;
        let ring = Arc::new(Ring::create(state.generation, width, height).map_err(Error::internal)?);
        let changes = watch::channel(0).0;
        state.drawn.clear();
        state.shown = Some(Shown { view, stream, width, height, ring, changes });
        order(state);
        Ok(View { port: Arc::clone(self), id: view })
    }

    /// The same, unless somebody looks at this worker's pictures already.
    pub(crate) fn view_if_none(
        self: &Arc<Self>,
        stream: Stream,
        width: u32,
        height: u32,
    ) -> Result<Option<View>> {
        let mut state = self.state();
        match state.shown {
            Some(_) => Ok(None),
            None => self.view_in(&mut state, stream, width, height).map(Some),
        }
    }

    /// The newest picture that somebody looks at.
    pub(crate) fn newest_shown<T>(&self, look: impl FnOnce(Picture<'_>) -> T) -> Option<T> {
        let ring = Arc::clone(&self.state().shown.as_ref()?.ring);
        ring.newest(look)
    }

    /// Nobody sees pictures here any more, also not through a view that is still held.
    pub(crate) fn revoke(&self) {
        let mut state = self.state();
        if state.shown.take().is_some() {
            state.drawn.clear();
            order(&state);
        }
    }

    pub(crate) fn drawn(&self) -> Drawn {
        let mut state = self.state();
        let since = UnixMicros(self.clock.now().0 - RATE_SPAN_US);
        while state.drawn.front().is_some_and(|(at, _)| *at < since) {
            state.drawn.pop_front();
        }
        let (Some(first), Some(last)) = (state.drawn.front(), state.drawn.back()) else {
            return Drawn::default();
        };
        let span_us = last.0.0 - first.0.0;
        #[expect(clippy::cast_precision_loss, reason = "a rate for the eye")]
        let fps = if span_us > 0 { (state.drawn.len() - 1) as f32 * 1e6 / span_us as f32 } else { 0.0 };
        Drawn { fps, age_ms: u32::try_from(last.1 / 1000).unwrap_or(0) }
    }
}

/// Replaces the ring by one of another size or for another worker.
fn renew(state: &mut State, width: u32, height: u32) -> Result<()> {
    state.generation += 1;
    let ring = Arc::new(Ring::create(state.generation, width, height).map_err(Error::internal)?);
    if let Some(shown) = &mut state.shown {
        shown.ring = ring;
        shown.width = width;
        shown.height = height;
    }
    order(state);
    Ok(())
}

/// Tells the worker what is looked at. A worker that is gone is told again when its successor comes.
fn order(state: &State) {
    let Some(orders) = &state.orders else { return };
    let sent = match &state.shown {
        Some(shown) => orders.try_send_with(
            &Order::View { stream: shown.stream, ring: shown.ring.shape() },
            &[shown.ring.as_fd()],
        ),
        None => orders.try_send(&Order::NoView),
    };
    if let Err(error) = sent {
        tracing::debug!("a worker took no order for pictures: {error}");
    }
}

/// Pictures of one camera or of the player, as long as this is held.
#[derive(Debug)]
pub struct View {
    port: Arc<Viewport>,
    id: u64,
}

impl View {
    /// Gives the newest picture to `look`; `None` before the first, or when another view has taken over.
    pub fn newest<T>(&self, look: impl FnOnce(Picture<'_>) -> T) -> Option<T> {
        let ring = {
            let state = self.port.state();
            let shown = state.shown.as_ref().filter(|shown| shown.view == self.id)?;
            Arc::clone(&shown.ring)
        };
        ring.newest(look)
    }

    /// Tells when a picture came: the value is its sequence number, 0 before the first. `None` when another view has
    /// taken over.
    pub fn changes(&self) -> Option<watch::Receiver<u64>> {
        let state = self.port.state();
        state.shown.as_ref().filter(|shown| shown.view == self.id).map(|shown| shown.changes.subscribe())
    }

    /// Asks for another size, in pixels; until it comes the old picture stays with its holder.
    ///
    /// # Errors
    /// Sizes out of range, or no memory.
    pub fn resize(&self, width: u32, height: u32) -> Result<()> {
        let mut state = self.port.state();
        let same = state
            .shown
            .as_ref()
            .filter(|shown| shown.view == self.id)
            .map(|shown| (shown.width, shown.height) == (width, height));
        match same {
            Some(false) => renew(&mut state, width, height),
            Some(true) | None => Ok(()),
        }
    }

    /// Notes that a picture was drawn, for the tile's rate and age.
    pub fn drawn(&self, meta: FrameMeta) {
        let now = self.port.clock.now();
        let age_us = if meta.arrived_unix_us > 0 { now.0 - meta.arrived_unix_us } else { 0 };
        let mut state = self.port.state();
        if state.shown.as_ref().is_some_and(|shown| shown.view == self.id) {
            state.drawn.push_back((now, age_us.max(0)));
            if state.drawn.len() > 256 {
                state.drawn.pop_front();
            }
        }
    }
}

impl Drop for View {
    fn drop(&mut self) {
        let mut state = self.port.state();
        if state.shown.as_ref().is_some_and(|shown| shown.view == self.id) {
            state.shown = None;
            state.drawn.clear();
            order(&state);
        }
    }
}
