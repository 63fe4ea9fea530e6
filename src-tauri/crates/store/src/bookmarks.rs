//! Table `bookmarks`: moments that somebody marked. The clip that holds one stays; see `holds`.

use hausrecht_model::{BookmarkId, CameraId, ClipId, PersonId, UnixMicros};
use rusqlite::{OptionalExtension, Row, params};

use crate::{Result, Tables, row};

/// A marked moment.
#[derive(Clone, PartialEq, Debug)]
pub struct BookmarkRow {
    /// Id.
    pub id: BookmarkId,
    /// The clip that holds it.
    pub clip: ClipId,
    /// The camera of that clip; not stored with the bookmark.
    pub camera: CameraId,
    /// Who marked it.
    pub person: PersonId,
    /// The moment.
    pub at_us: UnixMicros,
    /// Why, sealed to the owner and to that person.
    pub note: Option<Vec<u8>>,
    /// Since when.
    pub made_us: UnixMicros,
    /// Entry in the log.
    pub entry: u64,
}

const SELECT: &str = "SELECT bookmarks.id, clip, clips.camera, person, at_us, note, made_us, bookmarks.entry
    FROM bookmarks JOIN clips ON clips.id = bookmarks.clip";

fn read(row: &Row<'_>) -> rusqlite::Result<BookmarkRow> {
    Ok(BookmarkRow {
        id: row::parsed(row, 0)?,
        clip: row::parsed(row, 1)?,
        camera: row::parsed(row, 2)?,
        person: row::parsed(row, 3)?,
        at_us: row::time(row, 4)?,
        note: row.get(5)?,
        made_us: row::time(row, 6)?,
        entry: row::unsigned(row, 7)?,
    })
}

impl Tables<'_> {
    /// Adds a bookmark, or changes the note of the one with its id.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn put_bookmark(&self, bookmark: &BookmarkRow) -> Result<()> {
        self.connection.execute(
            "INSERT INTO bookmarks VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO UPDATE SET note = ?5",
            params![
                bookmark.id.to_string(),
                bookmark.clip.to_string(),
                bookmark.person.to_string(),
                bookmark.at_us.0,
                bookmark.note,
                bookmark.made_us.0,
                row::signed(bookmark.entry)
            ],
        )?;
        Ok(())
    }

    /// All bookmarks, the latest moment first.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn bookmarks(&self) -> Result<Vec<BookmarkRow>> {
        let sql = format!("{SELECT} WHERE NOT clips.erasing ORDER BY at_us DESC, bookmarks.id");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map([], read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// One bookmark.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn bookmark(&self, id: BookmarkId) -> Result<Option<BookmarkRow>> {
        let sql = format!("{SELECT} WHERE bookmarks.id = ?1");
        Ok(self.connection.prepare_cached(&sql)?.query_row([id.to_string()], read).optional()?)
    }

    /// Forgets a bookmark: its clip may be erased when its time is over.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn delete_bookmark(&self, id: BookmarkId) -> Result<()> {
        self.connection.execute("DELETE FROM bookmarks WHERE id = ?1", [id.to_string()])?;
        Ok(())
    }
}
