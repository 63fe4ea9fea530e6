//! Where pictures come from, as the presenters see it. The engine implements it; tests put a pattern there.

use std::sync::Arc;

use hausrecht_engine::{
    Handle,
    wire::{self, TileSource},
};
use hausrecht_media::{FrameMeta, Picture, Region};
use tokio::sync::watch;

/// Pixels of a tile on the screen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Size {
    /// Width. Pixels of the screen.
    pub(crate) width: u32,
    /// Height. Pixels of the screen.
    pub(crate) height: u32,
}

/// Opens views.
pub(crate) trait Frames: Send + Sync {
    /// Asks for the pictures of `source`, scaled to fit `size`. Dropping the view ends it.
    ///
    /// # Errors
    /// The source is not there, or not for this person.
    fn view(&self, source: &TileSource, size: Size) -> Result<Arc<dyn View>, wire::Error>;
}

/// A running view of one source.
pub(crate) trait View: Send + Sync {
    /// Shows the newest picture to `look`; `false` before the first.
    fn newest(&self, look: &mut dyn FnMut(Picture<'_>)) -> bool;
    /// Asks for another size; pictures of the old one come until it is ready.
    fn resize(&self, size: Size);
    /// Asks for a part of the picture, as large as the whole.
    fn show_region(&self, region: Region);
    /// Changes with each new picture. `None`, or closed: none will come any more.
    fn changes(&self) -> Option<watch::Receiver<u64>>;
    /// Says that the picture with these particulars is on the screen.
    fn drawn(&self, meta: FrameMeta);
}

impl Frames for Handle {
    fn view(&self, source: &TileSource, size: Size) -> Result<Arc<dyn View>, wire::Error> {
        Ok(Arc::new(Self::view(self, source, size.width, size.height)?))
    }
}

impl View for hausrecht_engine::View {
    fn newest(&self, look: &mut dyn FnMut(Picture<'_>)) -> bool {
        Self::newest(self, look).is_some()
    }

    fn resize(&self, size: Size) {
        if let Err(error) = Self::resize(self, size.width, size.height) {
            tracing::warn!(%error, ?size, "a tile keeps its old size");
        }
    }

    fn show_region(&self, region: Region) {
        Self::show_region(self, region);
    }

    fn changes(&self) -> Option<watch::Receiver<u64>> {
        Self::changes(self)
    }

    fn drawn(&self, meta: FrameMeta) {
        Self::drawn(self, meta);
    }
}
