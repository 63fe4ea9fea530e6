//! Walls that people arrange for themselves, and how they like the window. None of it says anything of a picture, so nothing of it
//! stands in the log.

use hausrecht_model::{CameraId, WallId};
use hausrecht_store::WallRow;
use serde::{Deserialize, Serialize};

use super::{Handle, session::checked_name};
use crate::{
    Result,
    inner::lock,
    session::SignedIn,
    wire::{Error, KeepWall, SavedWall, ViewSettings, WallTile, WindowPlace},
};

/// Most walls of one person.
const WALLS_MAX: usize = 50;
/// Most columns and rows.
const SIDE_MAX: u8 = 12;
/// Under which the places of the windows are kept.
const WINDOWS: &str = "windows";

/// A wall as it is stored.
#[derive(Serialize, Deserialize)]
struct Layout {
    columns: u8,
    rows: u8,
    tiles: Vec<WallTile>,
}

impl Handle {
    /// The walls of whoever is signed in, with the cameras that they may see now.
    ///
    /// # Errors
    /// Nobody is signed in.
    pub async fn walls(&self) -> Result<Vec<SavedWall>> {
        let person = self.inner.signed_in()?;
        let id = person.id;
        let rows = self.inner.db.read(move |tables| Ok(tables.walls(id)?)).await?;
        rows.into_iter()
            .map(|row| {
                let layout: Layout = serde_json::from_str(&row.layout)?;
                let mut tiles = layout.tiles;
                tiles.retain(|tile| self.is_seen_by(&person, tile.camera));
                Ok(SavedWall {
                    id: row.id,
                    name: row.name,
                    columns: layout.columns,
                    rows: layout.rows,
                    tiles,
                })
            })
            .collect()
    }

    /// Keeps a wall for whoever is signed in.
    ///
    /// # Errors
    /// Nobody is signed in; a name, grid or tile that cannot be; a camera that is not theirs to see.
    pub async fn keep_wall(&self, wall: KeepWall) -> Result<SavedWall> {
        let person = self.inner.signed_in()?;
        let name = checked_name(&wall.name)?;
        check_tiles(wall.columns, wall.rows, &wall.tiles)?;
        if !wall.tiles.iter().all(|tile| self.is_seen_by(&person, tile.camera)) {
            return Err(Error::not_found("this camera"));
        }
        let is_new = wall.id.is_none();
        let id = wall.id.unwrap_or_else(|| WallId::random(&mut rand::rng()));
        let (columns, rows, tiles) = (wall.columns, wall.rows, wall.tiles);
        let layout = serde_json::to_string(&Layout { columns, rows, tiles: tiles.clone() })?;
        let row = WallRow { id, person: person.id, name: name.clone(), layout, made_us: self.inner.now() };
        self.inner
            .db
            .write(move |tables| {
                let walls = tables.walls(row.person)?;
                if is_new && walls.len() >= WALLS_MAX {
                    return Err(Error::invalid(format!("{WALLS_MAX} walls at most: remove one first")));
                }
                // One that was removed meanwhile does not come back by itself.
                let known = is_new || walls.iter().any(|wall| wall.id == row.id);
                if known && tables.put_wall(&row)? { Ok(()) } else { Err(Error::not_found("this wall")) }
            })
            .await?;
        Ok(SavedWall { id, name, columns, rows, tiles })
    }

    /// Forgets a wall of whoever is signed in.
    ///
    /// # Errors
    /// Nobody is signed in; they have no such wall.
    pub async fn remove_wall(&self, id: WallId) -> Result<()> {
        let person = self.inner.signed_in()?.id;
        let gone = self.inner.db.write(move |tables| Ok(tables.delete_wall(person, id)?)).await?;
        if gone { Ok(()) } else { Err(Error::not_found("this wall")) }
    }

    /// How whoever is signed in likes the window.
    ///
    /// # Errors
    /// Nobody is signed in.
    pub async fn view_settings(&self) -> Result<ViewSettings> {
        let person = self.inner.signed_in()?.id;
        let text = self.inner.db.read(move |tables| Ok(tables.view_settings(person)?)).await?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
    }

    /// Keeps how whoever is signed in likes the window.
    ///
    /// # Errors
    /// Nobody is signed in; a value out of range.
    pub async fn set_view_settings(&self, settings: ViewSettings) -> Result<()> {
        let person = self.inner.signed_in()?.id;
        if !(100..=200).contains(&settings.text_percent) {
            return Err(Error::invalid("everything is shown at 100 to 200 percent"));
        }
        if !(3..=3600).contains(&settings.patrol_seconds) {
            return Err(Error::invalid("the patrol stays at a wall for 3 to 3600 seconds"));
        }
        if settings.wall.len() > 80 {
            return Err(Error::invalid("no wall has such a long name"));
        }
        let text = serde_json::to_string(&settings)?;
        self.inner.db.write(move |tables| Ok(tables.put_view_settings(person, &text)?)).await
    }

    /// Where the program's windows stood last.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn window_places(&self) -> Result<Vec<WindowPlace>> {
        let text = self.inner.db.read(|tables| Ok(tables.meta(WINDOWS)?)).await?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
    }

    /// Keeps where one of the program's windows stands.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn keep_window_place(&self, place: WindowPlace) -> Result<()> {
        self.inner
            .db
            .write(move |tables| {
                let text = tables.meta(WINDOWS)?;
                let mut places: Vec<WindowPlace> =
                    text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
                places.retain(|known| known.window != place.window);
                places.push(place);
                Ok(tables.set_meta(WINDOWS, &serde_json::to_string(&places)?)?)
            })
            .await
    }

    fn is_seen_by(&self, person: &SignedIn, camera: CameraId) -> bool {
        lock(&self.inner.cameras).contains_key(&camera) && self.inner.may_watch(person, camera)
    }
}

/// Whether the tiles lie on the grid, beside each other, each camera once.
fn check_tiles(columns: u8, rows: u8, tiles: &[WallTile]) -> Result<()> {
    if !(1..=SIDE_MAX).contains(&columns) || !(1..=SIDE_MAX).contains(&rows) {
        return Err(Error::invalid(format!("a wall has 1 to {SIDE_MAX} columns and rows")));
    }
    for (index, tile) in tiles.iter().enumerate() {
        let ends = |start: u8, length: u8, of: u8| {
            length > 0 && start.checked_add(length).is_some_and(|end| end <= of)
        };
        if !ends(tile.column, tile.width, columns) || !ends(tile.row, tile.height, rows) {
            return Err(Error::invalid("a tile lies outside the wall"));
        }
        for other in &tiles[..index] {
            if other.camera == tile.camera {
                return Err(Error::invalid("a camera is on the wall twice"));
            }
            let apart = |a: u8, a_length: u8, b: u8, b_length: u8| a + a_length <= b || b + b_length <= a;
            if !apart(tile.column, tile.width, other.column, other.width)
                && !apart(tile.row, tile.height, other.row, other.height)
            {
                return Err(Error::invalid("two tiles lie over each other"));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tile(column: u8, row: u8, width: u8, height: u8) -> WallTile {
        WallTile { camera: CameraId::random(&mut rand::rng()), column, row, width, height }
    }

    #[test]
    fn tiles_lie_on_the_grid_and_beside_each_other() {
        let one_large = [tile(0, 0, 2, 2), tile(2, 0, 1, 1), tile(2, 1, 1, 1), tile(0, 2, 1, 1)];
        assert!(check_tiles(3, 3, &one_large).is_ok());
        for wrong in [
            vec![tile(2, 0, 2, 1)],
            vec![tile(0, 0, 0, 1)],
            vec![tile(255, 0, 255, 1)],
            vec![tile(0, 0, 2, 2), tile(1, 1, 1, 1)],
            vec![one_large[0], WallTile { column: 2, width: 1, ..one_large[0] }],
        ] {
            assert!(check_tiles(3, 3, &wrong).is_err(), "{wrong:?}");
        }
        assert!(check_tiles(0, 3, &[]).is_err());
        assert!(check_tiles(3, 13, &[]).is_err());
    }
}
