//! One source on the wall: its view in the engine, kept at the size that the tile has on the screen.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hausrecht_engine::wire::{ErrorCode, TileSource};
use hausrecht_media::{FrameMeta, Picture};
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
    what: TileSource,
    size: watch::Sender<Size>,
    shared: Arc<Shared>,
    task: AbortHandle,
}

#[derive(Default)]
struct Shared {
    view: Mutex<Option<Arc<dyn View>>>,
    fresh: AtomicBool,
}

impl Tile {
    /// Opens a view of `what` on the current runtime; `on_fresh` is called for each new picture.
    pub(crate) fn open(
        frames: Arc<dyn Frames>,
        what: TileSource,
        size: Size,
        on_fresh: impl Fn() + Send + Sync + 'static,
        runtime: &tokio::runtime::Handle,
    ) -> Arc<Self> {
        let (size, sizes) = watch::channel(size);
        let shared = Arc::new(Shared::default());
        let task = runtime.spawn(keep(frames, what.clone(), sizes, shared.clone(), on_fresh)).abort_handle();
        Arc::new(Self { what, size, shared, task })
    }

    /// What it shows.
    pub(crate) fn what(&self) -> &TileSource {
        &self.what
    }

    /// Tells how large it is now.
    pub(crate) fn resize(&self, size: Size) {
        self.size.send_if_modified(|old| std::mem::replace(old, size) != size);
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
    what: TileSource,
    mut sizes: watch::Receiver<Size>,
    shared: Arc<Shared>,
    on_fresh: impl Fn() + Send + Sync + 'static,
) {
    loop {
        let size = *sizes.borrow_and_update();
        match frames.view(&what, size) {
            Ok(view) => {
                *shared.view.lock().unwrap_or_else(PoisonError::into_inner) = Some(view.clone());
                follow(&*view, &mut sizes, &shared, &on_fresh).await;
            }
            // Not for this person, or not any more: the page will send another placement when that changes.
            Err(error) if matches!(error.code, ErrorCode::Locked | ErrorCode::NotAllowed) => return,
            Err(error) => tracing::debug!(?what, message = error.message, "no view yet"),
        }
        sleep(AGAIN).await;
    }
}

/// Passes on pictures and sizes until the view ends.
async fn follow(view: &dyn View, sizes: &mut watch::Receiver<Size>, shared: &Shared, on_fresh: &impl Fn()) {
    let Some(mut changes) = view.changes() else { return };
    changes.mark_changed();
    let mut settled: Option<Instant> = None;
    loop {
        tokio::select! {
            changed = changes.changed() => {
                if changed.is_err() {
                    return;
                }
                shared.fresh.store(true, Ordering::Release);
                on_fresh();
            }
            changed = sizes.changed() => {
                if changed.is_err() {
                    return;
                }
                settled = Some(Instant::now() + CALM);
            }
            () = sleep_until(settled.unwrap_or_else(Instant::now)), if settled.is_some() => {
                settled = None;
                view.resize(*sizes.borrow());
            }
        }
    }
}
