//! One source on the wall: its view in the engine, kept at the size that the tile has on the screen.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hausrecht_engine::wire::{ErrorCode, TileSource};
use hausrecht_media::{FrameMeta, Picture, Region};
use tokio::{
    sync::watch,
    task::AbortHandle,
    time::{Instant, sleep, sleep_until},
};

use crate::frames::{Frames, Size, View};

/// A size counts once it has stayed the same for this long: dragging a window edge would else start a new scaler
/// for each pixel of the way.
const CALM: Duration = Duration::from_millis(150);
/// Pause before a view that could not be opened is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// A source that is on the screen. Dropping it ends its view.
pub(crate) struct Tile {
    wish: watch::Sender<Wish>,
    shared: Arc<Shared>,
    task: AbortHandle,
}

/// What a tile is to show.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Wish {
    /// The source.
    pub(crate) what: TileSource,
    /// How large it is on the screen.
    pub(crate) size: Size,
    /// The part of the picture.
    pub(crate) region: Region,
}

#[derive(Default)]
struct Shared {
    view: Mutex<Option<Arc<dyn View>>>,
    fresh: AtomicBool,
}

impl Tile {
    /// Opens a view of what is wished for on the current runtime; `on_fresh` is called for each new picture.
    pub(crate) fn open(
        frames: Arc<dyn Frames>,
        wish: Wish,
        on_fresh: impl Fn() + Send + Sync + 'static,
        runtime: &tokio::runtime::Handle,
    ) -> Arc<Self> {
        let (wish, wishes) = watch::channel(wish);
        let shared = Arc::new(Shared::default());
        let task = runtime.spawn(keep(frames, wishes, shared.clone(), on_fresh)).abort_handle();
        Arc::new(Self { wish, shared, task })
    }

    /// What it shows.
    pub(crate) fn what(&self) -> TileSource {
        self.wish.borrow().what.clone()
    }

    /// Tells what it is to show now. Another stream takes the place of the one before with its first picture.
    pub(crate) fn ask(&self, wish: Wish) {
        self.wish.send_if_modified(|old| {
            let is_new = *old != wish;
            *old = wish;
            is_new
        });
    }

    /// Says that the newest picture is being dealt with; returns whether there is one that was not yet.
    pub(crate) fn take_fresh(&self) -> bool {
        self.shared.fresh.swap(false, Ordering::AcqRel)
    }

    /// Shows the newest picture to `look`; `None`: there is none yet.
    pub(crate) fn newest<T>(&self, look: impl FnOnce(Picture<'_>) -> T) -> Option<T> {
        let view = self.view()?;
        let mut look = Some(look);
        let mut result = None;
        view.newest(&mut |picture| result = look.take().map(|look| look(picture)));
        result
    }

    /// Reports that a picture is on the screen, for the tile's frames per second and age.
    pub(crate) fn drawn(&self, meta: FrameMeta) {
        if let Some(view) = self.view() {
            view.drawn(meta);
        }
    }

    fn view(&self) -> Option<Arc<dyn View>> {
        self.shared.view.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Tile {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Keeps a view open for as long as the tile lives.
async fn keep(
    frames: Arc<dyn Frames>,
    mut wishes: watch::Receiver<Wish>,
    shared: Arc<Shared>,
    on_fresh: impl Fn() + Send + Sync + 'static,
) {
    loop {
        let wish = wishes.borrow_and_update().clone();
        match frames.view(&wish.what, wish.size) {
            Ok(view) => {
                if !wish.region.is_whole() {
                    view.show_region(wish.region);
                }
                let left = Following { view, wish, shared: &shared }.follow(&mut wishes, &on_fresh).await;
                if left == Left::Other {
                    continue;
                }
            }
            // Not for this person, or not any more: the page will send another placement when that changes.
            Err(error) if matches!(error.code, ErrorCode::Locked | ErrorCode::NotAllowed) => return,
            Err(error) => tracing::debug!(what = ?wish.what, message = error.message, "no view yet"),
        }
        tokio::select! {
            () = sleep(AGAIN) => {}
            changed = wishes.changed() => if changed.is_err() {
                return;
            },
        }
    }
}

/// Why a view is no longer followed.
#[derive(PartialEq, Eq)]
enum Left {
    /// It ended.
    Ended,
    /// Another source is wished for.
    Other,
}

/// A view that is followed.
struct Following<'a> {
    view: Arc<dyn View>,
    wish: Wish,
    shared: &'a Shared,
}

impl Following<'_> {
    /// Passes on pictures, sizes and parts until the view ends or another source is wished for. Until the first picture, the
    /// view before stays on the screen.
    async fn follow(mut self, wishes: &mut watch::Receiver<Wish>, on_fresh: &impl Fn()) -> Left {
        let Some(mut changes) = self.view.changes() else { return Left::Ended };
        changes.mark_changed();
        let mut before = {
            let mut shown = self.shared.view.lock().unwrap_or_else(PoisonError::into_inner);
            let before = shown.as_ref().and_then(|view| view.changes());
            if before.is_none() {
                *shown = Some(self.view.clone());
            }
            before
        };
        let mut settled: Option<Instant> = None;
        loop {
            tokio::select! {
                changed = changes.changed() => {
                    if changed.is_err() {
                        return Left::Ended;
                    }
                    if before.is_some() && *changes.borrow() > 0 {
                        before = None;
                        *self.shared.view.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.view.clone());
                    }
                    if before.is_none() {
                        self.shared.fresh.store(true, Ordering::Release);
                        on_fresh();
                    }
                }
                changed = next(&mut before), if before.is_some() => {
                    if changed {
                        self.shared.fresh.store(true, Ordering::Release);
                        on_fresh();
                    } else {
                        before = None;
                        *self.shared.view.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.view.clone());
                    }
                }
                changed = wishes.changed() => {
                    if changed.is_err() {
                        return Left::Ended;
                    }
                    let wish = wishes.borrow().clone();
                    if wish.what != self.wish.what {
                        return Left::Other;
                    }
                    if wish.region != self.wish.region {
                        self.view.show_region(wish.region);
                    }
                    if wish.size != self.wish.size {
                        settled = Some(Instant::now() + CALM);
                    }
                    self.wish = wish;
                }
                () = sleep_until(settled.unwrap_or_else(Instant::now)), if settled.is_some() => {
                    settled = None;
                    self.view.resize(self.wish.size);
                }
            }
        }
    }
}

/// Waits for the next picture of the view before; `false`: there will be none.
async fn next(before: &mut Option<watch::Receiver<u64>>) -> bool {
    match before {
        Some(changes) => changes.changed().await.is_ok(),
        None => false,
    }
}
