//! What is on the screen now, whoever draws it: keeps one view for each source that the page placed, and none while
//! nobody can see the window.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use hausrecht_engine::wire::{PictureState, TilePlace, TileSource, TileState};
use hausrecht_media::Region;
use hausrecht_model::CameraId;

use super::{Area, Placed, Placement, Presenter, Tile, tile::Wish};
use crate::frames::{Frames, Size};

/// The wall. Shared by the commands, the window's events and the tiles.
pub(crate) struct Wall {
    frames: Arc<dyn Frames>,
    runtime: tokio::runtime::Handle,
    presenter: Arc<RwLock<Arc<dyn Presenter>>>,
    state: Mutex<State>,
}

struct State {
    generation: u32,
    /// What the page asked for, kept while the window is hidden.
    places: Vec<TilePlace>,
    /// Pixels of the screen for each CSS pixel.
    scale: f64,
    /// CSS pixels of the page when nothing is enlarged, for each CSS pixel of the page as it is.
    zoom: f64,
    visible: bool,
    /// The desktop's session is locked, or the computer falls asleep.
    asleep: bool,
    /// Cameras without a picture: their last one must not stand there as if it were alive.
    dead: HashSet<CameraId>,
    placement: Arc<Placement>,
}

impl Wall {
    /// An empty wall, drawn by `presenter`; its tiles run on `runtime`.
    pub(crate) fn new(
        frames: Arc<dyn Frames>,
        presenter: Arc<dyn Presenter>,
        runtime: tokio::runtime::Handle,
    ) -> Arc<Self> {
        Arc::new(Self {
            frames,
            runtime,
            presenter: Arc::new(RwLock::new(presenter)),
            state: Mutex::new(State {
                generation: 0,
                places: Vec::new(),
                scale: 1.0,
                zoom: 1.0,
                visible: true,
                asleep: false,
                dead: HashSet::new(),
                placement: Arc::default(),
            }),
        })
    }

    /// Shows these tiles and no others. Returns the placement's generation.
    pub(crate) fn place(&self, places: Vec<TilePlace>) -> u32 {
        let mut state = self.state();
        state.generation = state.generation.wrapping_add(1);
        state.places = places;
        self.show(&mut state);
        state.generation
    }

    /// Lets another presenter draw from now on.
    pub(crate) fn use_presenter(&self, presenter: Arc<dyn Presenter>) {
        let state = self.state();
        let before = std::mem::replace(
            &mut *self.presenter.write().unwrap_or_else(PoisonError::into_inner),
            presenter.clone(),
        );
        before.place(Arc::new(Placement { generation: state.generation, tiles: Vec::new() }));
        presenter.place(state.placement.clone());
    }

    /// Says whether anybody can see the window; hidden, it costs no decoding.
    pub(crate) fn set_visible(&self, visible: bool) {
        let mut state = self.state();
        if std::mem::replace(&mut state.visible, visible) != visible {
            self.show(&mut state);
        }
    }

    /// Says whether the desktop is locked or asleep; then nobody sees the window either.
    pub(crate) fn set_asleep(&self, asleep: bool) {
        let mut state = self.state();
        if std::mem::replace(&mut state.asleep, asleep) != asleep {
            self.show(&mut state);
        }
    }

    /// Says how much everything in the page is enlarged.
    pub(crate) fn set_zoom(&self, zoom: f64) {
        let mut state = self.state();
        if (std::mem::replace(&mut state.zoom, zoom) - zoom).abs() > f64::EPSILON {
            self.show(&mut state);
        }
    }

    /// Says how many pixels of the screen a CSS pixel has.
    pub(crate) fn set_scale(&self, scale: f64) {
        let mut state = self.state();
        if (std::mem::replace(&mut state.scale, scale) - scale).abs() > f64::EPSILON {
            self.show(&mut state);
        }
    }

    /// Takes note of which cameras have no picture.
    pub(crate) fn note_states(&self, tiles: &[TileState]) {
        let dead: HashSet<_> = tiles
            .iter()
            .filter(|tile| matches!(tile.picture, PictureState::Dead { .. }))
            .map(|tile| tile.camera)
            .collect();
        let mut state = self.state();
        if state.dead != dead {
            state.dead = dead;
            self.show(&mut state);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the placement anew and hands it to the presenter; tiles that stay keep their views.
    fn show(&self, state: &mut State) {
        let mut before: Vec<_> = state.placement.tiles.iter().map(|placed| placed.tile.clone()).collect();
        let mut tiles = Vec::new();
        let seen = state.visible && !state.asleep;
        let places: &[TilePlace] = if seen { &state.places } else { &[] };
        for place in places {
            let area = area(place, state.zoom);
            let wish = Wish {
                what: place.what.clone(),
                size: size(area, state.scale),
                region: place.region.map_or(Region::WHOLE, Region::from),
            };
            // A camera's other stream takes over the tile, and with it what stands there until its first picture.
            let kept = before
                .iter()
                .position(|tile| tile.what() == place.what)
                .or_else(|| before.iter().position(|tile| is_other_stream(&tile.what(), place, places)));
            let tile = match kept {
                Some(at) => {
                    let tile = before.swap_remove(at);
                    tile.ask(wish);
                    tile
                }
                None => self.open(wish),
            };
            let hidden =
                matches!(&place.what, TileSource::Live { camera, .. } if state.dead.contains(camera));
            tiles.push(Placed { area, tile, hidden });
        }
        state.placement = Arc::new(Placement { generation: state.generation, tiles });
        self.presenter.read().unwrap_or_else(PoisonError::into_inner).place(state.placement.clone());
    }

    fn open(&self, wish: Wish) -> Arc<Tile> {
        let presenter = self.presenter.clone();
        let on_fresh = move || presenter.read().unwrap_or_else(PoisonError::into_inner).fresh();
        Tile::open(self.frames.clone(), wish, on_fresh, &self.runtime)
    }
}

/// Whether `shown` is the camera of `place` in another stream, and nobody else in `places` wants it as it is.
fn is_other_stream(shown: &TileSource, place: &TilePlace, places: &[TilePlace]) -> bool {
    let same_camera = matches!(
        (shown, &place.what),
        (TileSource::Live { camera, .. }, TileSource::Live { camera: wanted, .. }) if camera == wanted
    );
    same_camera && places.iter().all(|other| other.what != *shown)
}

/// The place on whole pixels: both edges are rounded, so that neighbours neither overlap nor part.
#[expect(clippy::cast_possible_truncation, reason = "rounded and clamped before")]
fn area(place: &TilePlace, zoom: f64) -> Area {
    let edge = |value: f32| (f64::from(value) * zoom).round().clamp(-32_768.0, 32_767.0) as i32;
    let (x, y) = (edge(place.x), edge(place.y));
    let (right, bottom) = (edge(place.x + place.width), edge(place.y + place.height));
    Area { x, y, width: (right - x).max(0), height: (bottom - y).max(0) }
}

/// Pixels of the screen, within what a ring can hold.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
fn size(area: Area, scale: f64) -> Size {
    let pixels = |length: i32, most: f64| (f64::from(length) * scale).round().clamp(16.0, most) as u32;
    Size { width: pixels(area.width, 7680.0), height: pixels(area.height, 4320.0) }
}

#[cfg(test)]
mod tests;
