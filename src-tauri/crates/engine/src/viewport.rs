//! Where a worker's pictures become visible: a ring a view, made anew for each size and each worker.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use hausrecht_media::{BranchState, FrameMeta, Order, Picture, Region, Ring, Sender, Stream};
use hausrecht_model::{Clock, UnixMicros};
use tokio::sync::watch;

use crate::{Result, wire::Error};

/// How many drawn pictures the rate is measured over, at most.
const RATE_SPAN_US: i64 = 2_000_000;
/// What a worker may say of its decoders, at most.
const MAX_BRANCHES: usize = 64;
const MAX_NAME: usize = 64;

/// The place that a worker's pictures go to. Shared by the task that runs the worker and the views of the windows.
#[derive(Debug)]
pub(crate) struct Viewport {
    clock: Arc<dyn Clock>,
    /// A camera's worker shows as many views as are asked for; a player's or a card's shows the last one.
    many: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    orders: Option<Sender<Order>>,
    shown: BTreeMap<u32, Shown>,
    views_made: u32,
    generation: u32,
    branches: Vec<BranchState>,
}

#[derive(Debug)]
struct Shown {
    stream: Stream,
    width: u32,
    height: u32,
    region: Region,
    ring: Arc<Ring>,
    changes: watch::Sender<u64>,
    drawn: VecDeque<(UnixMicros, i64)>,
}

/// What the window reported of drawn pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Drawn {
    pub(crate) fps: f32,
    pub(crate) age_ms: u32,
}

impl Viewport {
    /// The port of a worker that has one view.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { clock, many: false, state: Mutex::default() })
    }

    /// The port of a worker that has many.
    pub(crate) fn of_many_views(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { clock, many: true, state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A worker is ready for orders; what is being looked at is asked of it.
    pub(crate) fn worker_came(&self, orders: Sender<Order>) {
        let mut state = self.state();
        state.orders = Some(orders);
        let views: Vec<_> =
            state.shown.iter().map(|(view, shown)| (*view, shown.width, shown.height)).collect();
        for (view, width, height) in views {
            // A worker that wrote half a picture may have left the old ring in any state.
            if let Err(error) = renew(&mut state, view, width, height) {
                tracing::warn!("no pictures after the worker's restart: {error}");
            }
        }
    }

    pub(crate) fn worker_gone(&self) {
        let mut state = self.state();
        state.orders = None;
        state.branches.clear();
        for shown in state.shown.values_mut() {
            shown.drawn.clear();
        }
    }

    /// The worker says that a picture lies in the ring.
    pub(crate) fn picture_came(&self, generation: u32, sequence: u64) {
        let state = self.state();
        let shown = state.shown.values().find(|shown| shown.ring.shape().generation == generation);
        if let Some(shown) = shown {
            shown.changes.send_replace(sequence);
        }
    }

    /// The worker says what it decodes.
    pub(crate) fn decodes(&self, mut branches: Vec<BranchState>) {
        branches.truncate(MAX_BRANCHES);
        for branch in &mut branches {
            branch.decoder.retain(|letter| letter.is_ascii_alphanumeric() || letter == '_');
            branch.decoder.truncate(MAX_NAME);
        }
        self.state().branches = branches;
    }

    /// What the worker last said that it decodes.
    pub(crate) fn branches(&self) -> Vec<BranchState> {
        self.state().branches.clone()
    }

    /// Begins to show `stream`. Of a worker with one view, whoever looked before sees no more pictures.
    pub(crate) fn view(self: &Arc<Self>, stream: Stream, width: u32, height: u32) -> Result<View> {
        self.view_in(&mut self.state(), stream, width, height)
    }

    fn view_in(self: &Arc<Self>, state: &mut State, stream: Stream, width: u32, height: u32) -> Result<View> {
        state.views_made += 1;
        let view = state.views_made;
        state.generation += 1;
        let ring = Arc::new(Ring::create(state.generation, width, height).map_err(Error::internal)?);
        if !self.many {
            state.shown.clear();
        }
        let changes = watch::channel(0).0;
        let (region, drawn) = (Region::WHOLE, VecDeque::new());
        state.shown.insert(view, Shown { stream, width, height, region, ring, changes, drawn });
        order(state, view);
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
        if state.shown.is_empty() {
            self.view_in(&mut state, stream, width, height).map(Some)
        } else {
            Ok(None)
        }
    }

    /// The newest picture that somebody looks at, whole.
    pub(crate) fn newest_shown<T>(&self, look: impl FnOnce(Picture<'_>) -> T) -> Option<T> {
        let rings: Vec<_> = {
            let state = self.state();
            let whole = state.shown.values().filter(|shown| shown.region.is_whole());
            whole.map(|shown| Arc::clone(&shown.ring)).collect()
        };
        let mut look = Some(look);
        rings.iter().find_map(|ring| ring.newest(|picture| look.take().map(|look| look(picture)))).flatten()
    }

    /// Nobody sees pictures here any more, also not through a view that is still held.
    pub(crate) fn revoke(&self) {
        let mut state = self.state();
        for view in std::mem::take(&mut state.shown).into_keys() {
            order(&state, view);
        }
    }

    /// How the view that was made last is drawn.
    pub(crate) fn drawn(&self) -> Drawn {
        let mut state = self.state();
        let since = UnixMicros(self.clock.now().0 - RATE_SPAN_US);
        for shown in state.shown.values_mut() {
            while shown.drawn.front().is_some_and(|(at, _)| *at < since) {
                shown.drawn.pop_front();
            }
        }
        let drawn = state.shown.values().rev().map(|shown| &shown.drawn).find(|drawn| !drawn.is_empty());
        let Some((first, last)) = drawn.and_then(|drawn| drawn.front().zip(drawn.back())) else {
            return Drawn::default();
        };
        let span_us = last.0.0 - first.0.0;
        #[expect(clippy::cast_precision_loss, reason = "a rate for the eye")]
        let fps = if span_us > 0 {
            (drawn.map_or(0, VecDeque::len).saturating_sub(1)) as f32 * 1e6 / span_us as f32
        } else {
            0.0
        };
        Drawn { fps, age_ms: u32::try_from(last.1 / 1000).unwrap_or(0) }
    }
}

/// Replaces a view's ring by one of another size or for another worker.
fn renew(state: &mut State, view: u32, width: u32, height: u32) -> Result<()> {
    state.generation += 1;
    let ring = Arc::new(Ring::create(state.generation, width, height).map_err(Error::internal)?);
    if let Some(shown) = state.shown.get_mut(&view) {
        shown.ring = ring;
        shown.width = width;
        shown.height = height;
    }
    order(state, view);
    Ok(())
}

/// Tells the worker what is looked at in `view`. A worker that is gone is told again when its successor comes.
fn order(state: &State, view: u32) {
    let Some(orders) = &state.orders else { return };
    let sent = match state.shown.get(&view) {
        Some(shown) => orders
            .try_send_with(
                &Order::View { view, stream: shown.stream, ring: shown.ring.shape() },
                &[shown.ring.as_fd()],
            )
            .and_then(|()| {
                if shown.region.is_whole() {
                    return Ok(());
                }
                orders.try_send(&Order::Region { view, region: shown.region })
            }),
        None => orders.try_send(&Order::NoView { view }),
    };
    if let Err(error) = sent {
        tracing::debug!("a worker took no order for pictures: {error}");
    }
}

/// Pictures of one camera or of the player, as long as this is held.
#[derive(Debug)]
pub struct View {
    port: Arc<Viewport>,
    id: u32,
}

impl View {
    /// Gives the newest picture to `look`; `None` before the first, or when another view has taken over.
    pub fn newest<T>(&self, look: impl FnOnce(Picture<'_>) -> T) -> Option<T> {
        let ring = Arc::clone(&self.port.state().shown.get(&self.id)?.ring);
        ring.newest(look)
    }

    /// Tells when a picture came: the value is its sequence number, 0 before the first. `None` when another view has
    /// taken over.
    pub fn changes(&self) -> Option<watch::Receiver<u64>> {
        self.port.state().shown.get(&self.id).map(|shown| shown.changes.subscribe())
    }

    /// Asks for another size, in pixels; until it comes the old picture stays with its holder.
    ///
    /// # Errors
    /// Sizes out of range, or no memory.
    pub fn resize(&self, width: u32, height: u32) -> Result<()> {
        let mut state = self.port.state();
        match state.shown.get(&self.id).map(|shown| (shown.width, shown.height) == (width, height)) {
            Some(false) => renew(&mut state, self.id, width, height),
            Some(true) | None => Ok(()),
        }
    }

    /// Asks for a part of the picture; it comes as large as the whole.
    pub fn show_region(&self, region: Region) {
        let region = region.within();
        let mut state = self.port.state();
        let Some(shown) = state.shown.get_mut(&self.id).filter(|shown| shown.region != region) else {
            return;
        };
        shown.region = region;
        if let Some(orders) = &state.orders
            && let Err(error) = orders.try_send(&Order::Region { view: self.id, region })
        {
            tracing::debug!("a worker took no order for a part of the picture: {error}");
        }
    }

    /// Notes that a picture was drawn, for the tile's rate and age.
    pub fn drawn(&self, meta: FrameMeta) {
        let now = self.port.clock.now();
        let age_us = if meta.arrived_unix_us > 0 { now.0 - meta.arrived_unix_us } else { 0 };
        if let Some(shown) = self.port.state().shown.get_mut(&self.id) {
            shown.drawn.push_back((now, age_us.max(0)));
            if shown.drawn.len() > 256 {
                shown.drawn.pop_front();
            }
        }
    }
}

impl Drop for View {
    fn drop(&mut self) {
        let mut state = self.port.state();
        if state.shown.remove(&self.id).is_some() {
            order(&state, self.id);
        }
    }
}
