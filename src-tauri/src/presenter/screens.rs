//! The windows that show pictures, each with a wall, presenters and a canvas stream of its own: none can show, or take away, what
//! another does.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use hausrecht_engine::wire::{PresenterKind, TileState};
use rand::{SeedableRng, rngs::StdRng};

use super::{Presenter, Wall, canvas::Canvas};
use crate::frames::Frames;

/// One window's pictures.
pub(crate) struct Screen {
    /// What it shows.
    pub(crate) wall: Arc<Wall>,
    /// The stream for its canvases.
    pub(crate) canvas: Arc<Canvas>,
    /// The desktop's own presenter in it, where there is one.
    native: OnceLock<Arc<dyn Presenter>>,
}

impl Screen {
    /// The desktop's own presenter of this window is there.
    pub(crate) fn has_native(&self, native: Arc<dyn Presenter>) {
        if self.native.set(native).is_err() {
            tracing::warn!("a window has one presenter already");
        }
    }

    /// Lets this kind of presenter draw; the canvas one where the desktop has none.
    pub(crate) fn draw_by(&self, kind: PresenterKind) {
        let presenter: Arc<dyn Presenter> = match (kind, self.native.get()) {
            (PresenterKind::Native, Some(native)) => native.clone(),
            (PresenterKind::Native, None) | (PresenterKind::Canvas, _) => self.canvas.clone(),
        };
        self.wall.use_presenter(presenter);
    }
}

/// All windows that show pictures, by label.
pub(crate) struct Screens {
    frames: Arc<dyn Frames>,
    runtime: tokio::runtime::Handle,
    all: Mutex<BTreeMap<String, Arc<Screen>>>,
    asleep: AtomicBool,
}

impl Screens {
    /// None yet; tiles will run on `runtime`.
    pub(crate) fn new(frames: Arc<dyn Frames>, runtime: tokio::runtime::Handle) -> Arc<Self> {
        Arc::new(Self { frames, runtime, all: Mutex::default(), asleep: AtomicBool::new(false) })
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Screen>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a window's pictures, in place of those of an earlier window of this name.
    ///
    /// # Errors
    /// No port can be had.
    pub(crate) async fn begin(&self, label: &str) -> std::io::Result<Arc<Screen>> {
        let mut rng = StdRng::from_rng(&mut rand::rng());
        let canvas = Canvas::listen(&mut rng).await?;
        let wall = Wall::new(self.frames.clone(), canvas.clone(), self.runtime.clone());
        wall.set_asleep(self.asleep.load(Ordering::Acquire));
        let screen = Arc::new(Screen { wall, canvas, native: OnceLock::new() });
        if let Some(before) = self.all().insert(label.to_owned(), screen.clone()) {
            before.wall.place(Vec::new());
        }
        Ok(screen)
    }

    /// Ends a window's pictures.
    pub(crate) fn end(&self, label: &str) {
        if let Some(screen) = self.all().remove(label) {
            screen.wall.place(Vec::new());
            screen.canvas.close();
        }
    }

    /// A window's pictures.
    pub(crate) fn of(&self, label: &str) -> Option<Arc<Screen>> {
        self.all().get(label).cloned()
    }

    fn each(&self) -> Vec<Arc<Screen>> {
        self.all().values().cloned().collect()
    }

    /// No window shows anything until its page asks again.
    pub(crate) fn clear(&self) {
        for screen in self.each() {
            screen.wall.place(Vec::new());
        }
    }

    /// Takes note of which cameras have no picture.
    pub(crate) fn note_states(&self, tiles: &[TileState]) {
        for screen in self.each() {
            screen.wall.note_states(tiles);
        }
    }

    /// Lets this kind of presenter draw in every window.
    pub(crate) fn draw_by(&self, kind: PresenterKind) {
        for screen in self.each() {
            screen.draw_by(kind);
        }
    }

    /// Says whether the desktop is locked or asleep.
    pub(crate) fn set_asleep(&self, asleep: bool) {
        self.asleep.store(asleep, Ordering::Release);
        for screen in self.each() {
            screen.wall.set_asleep(asleep);
        }
    }
}
