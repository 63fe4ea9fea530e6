//! How pictures get onto the screen: one trait, two ways. The wall decides what is shown where; a presenter draws it.

pub(crate) mod canvas;
mod feed;
#[cfg(target_os = "linux")]
pub(crate) mod native;
mod screens;
#[cfg(test)]
mod tests;
mod tile;
mod wall;

use std::sync::Arc;

pub(crate) use feed::Feed;
pub(crate) use screens::{Screen, Screens};
pub(crate) use tile::Tile;
pub(crate) use wall::Wall;

/// Draws the tiles of the wall. Both calls return at once; drawing happens elsewhere.
pub(crate) trait Presenter: Send + Sync {
    /// Shows these tiles in place of those before. A placement without tiles clears the screen.
    fn place(&self, placement: Arc<Placement>);
    /// Some tile of the placement has a newer picture ([`Tile::take_fresh`]).
    fn fresh(&self);
}

/// What is shown where. Replaced whole, never changed.
#[derive(Default)]
pub(crate) struct Placement {
    /// Counts up with each placement, so that a picture sent for an earlier one is not drawn in a wrong place.
    pub(crate) generation: u32,
    /// The tiles, in the order of the list that the page sent.
    pub(crate) tiles: Vec<Placed>,
}

/// A tile and its place.
#[derive(Clone)]
pub(crate) struct Placed {
    /// Where, in CSS pixels of the page.
    pub(crate) area: Area,
    /// What.
    pub(crate) tile: Arc<Tile>,
    /// Its camera is dead: the page says so in this place, and no old picture may cover that.
    pub(crate) hidden: bool,
}

/// A rectangle on whole CSS pixels of the page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Area {
    /// Left edge.
    pub(crate) x: i32,
    /// Top edge.
    pub(crate) y: i32,
    /// Width.
    pub(crate) width: i32,
    /// Height.
    pub(crate) height: i32,
}
