//! Table `holds`: what is kept until it is released, whatever the time and the disk say; and the choice of what may go.

use hausrecht_model::{CameraId, ClipId, HoldId, UnixMicros};
use rusqlite::{OptionalExtension, Row, ToSql, params};

use crate::{Result, Tables, row};

/// What is kept longer.
#[derive(Clone, PartialEq, Debug)]
pub struct HoldRow {
    /// Id.
    pub id: HoldId,
    /// Of which camera.
    pub camera: CameraId,
    /// From.
    pub from_us: UnixMicros,
    /// To.
    pub to_us: UnixMicros,
    /// What asked for it.
    pub cause: String,
    /// Why, sealed to the owner.
    pub note: Option<Vec<u8>>,
    /// Since when.
    pub made_us: UnixMicros,
    /// Until when; `None`: until somebody releases it.
    pub until_us: Option<UnixMicros>,
    /// Entry in the log.
    pub entry: u64,
}

/// Which clips are to go.
#[derive(Clone, Copy, Debug, Default)]
pub struct Oldest {
    /// Only of this camera.
    pub camera: Option<CameraId>,
    /// Only those that ended before.
    pub ended_before_us: Option<UnixMicros>,
    /// At most this many.
    pub limit: u32,
}

/// A clip that may go.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Goes {
    /// Id.
    pub clip: ClipId,
    /// Camera.
    pub camera: CameraId,
    /// Size on disk. Bytes.
    pub size_bytes: u64,
}

/// A clip may be erased unless something that is in force wants it: each such reason is one line here. Clips that follow
/// each other overlap by some milliseconds; whoever keeps the one does not mean the other.
const MAY_GO: &str = "camera NOT IN (SELECT id FROM cameras WHERE imported) AND NOT EXISTS (SELECT 1 FROM holds WHERE holds.camera = clips.camera
    AND holds.from_us + 10000 < clips.start_us + clips.duration_us AND holds.to_us > clips.start_us + 10000)
    AND NOT EXISTS (SELECT 1 FROM bookmarks WHERE bookmarks.clip = clips.id)";

const COLUMNS: &str = "id, camera, from_us, to_us, cause, note, made_us, until_us, entry";

fn read(row: &Row<'_>) -> rusqlite::Result<HoldRow> {
    Ok(HoldRow {
        id: row::parsed(row, 0)?,
        camera: row::parsed(row, 1)?,
        from_us: row::time(row, 2)?,
        to_us: row::time(row, 3)?,
        cause: row.get(4)?,
        note: row.get(5)?,
        made_us: row::time(row, 6)?,
        until_us: row::time_opt(row, 7)?,
        entry: row::unsigned(row, 8)?,
    })
}

impl Tables<'_> {
    /// Adds a hold.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn insert_hold(&self, hold: &HoldRow) -> Result<()> {
        self.connection.execute(
            "INSERT INTO holds VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![
                hold.id.to_string(),
                hold.camera.to_string(),
                hold.from_us.0,
                hold.to_us.0,
                hold.cause,
                hold.note,
                hold.made_us.0,
                hold.until_us.map(|time| time.0),
                row::signed(hold.entry)
            ],
        )?;
        Ok(())
    }

    /// All holds, the newest first.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn holds(&self) -> Result<Vec<HoldRow>> {
        let sql = format!("SELECT {COLUMNS} FROM holds ORDER BY made_us DESC, id");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map([], read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// One hold.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn hold(&self, id: HoldId) -> Result<Option<HoldRow>> {
        let sql = format!("SELECT {COLUMNS} FROM holds WHERE id = ?1");
        Ok(self.connection.prepare_cached(&sql)?.query_row([id.to_string()], read).optional()?)
    }

    /// Holds that want something of a camera's span, the newest first.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn holds_of(&self, camera: CameraId, from_us: UnixMicros, to_us: UnixMicros) -> Result<Vec<HoldRow>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM holds WHERE camera = ?1 AND from_us + 10000 < ?3 AND to_us > ?2 + 10000 ORDER BY made_us DESC, id"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map(params![camera.to_string(), from_us.0, to_us.0], read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Forgets a hold: what it wanted may be erased.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn delete_hold(&self, id: HoldId) -> Result<()> {
        self.connection.execute("DELETE FROM holds WHERE id = ?1", [id.to_string()])?;
        Ok(())
    }

    /// Which of `clips` are there, and whether a hold keeps each.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn erasable(&self, clips: &[ClipId]) -> Result<Vec<(Goes, bool)>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, camera, size_bytes, EXISTS (SELECT 1 FROM holds WHERE holds.camera = clips.camera
               AND holds.from_us + 10000 < clips.start_us + clips.duration_us AND holds.to_us > clips.start_us + 10000)
             FROM clips WHERE id = ?1 AND NOT erasing",
        )?;
        let mut found = Vec::new();
        for clip in clips {
            let row = statement.query_row([clip.to_string()], |row| {
                let goes = Goes {
                    clip: row::parsed(row, 0)?,
                    camera: row::parsed(row, 1)?,
                    size_bytes: row::unsigned(row, 2)?,
                };
                Ok((goes, row.get(3)?))
            });
            found.extend(row.optional()?);
        }
        Ok(found)
    }

    /// Clips that nothing wants any more, the oldest first.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn may_go(&self, which: Oldest) -> Result<Vec<Goes>> {
        let mut sql = format!("SELECT id, camera, size_bytes FROM clips WHERE NOT erasing AND {MAY_GO}");
        let mut values: Vec<Box<dyn ToSql>> = Vec::new();
        if let Some(camera) = which.camera {
            sql += " AND camera = ?";
            values.push(Box::new(camera.to_string()));
        }
        if let Some(before_us) = which.ended_before_us {
            // The start is what the index knows; no clip ends before it begins.
            sql += " AND start_us < ? AND start_us + duration_us < ?";
            values.push(Box::new(before_us.0));
            values.push(Box::new(before_us.0));
        }
        sql += " ORDER BY start_us LIMIT ?";
        values.push(Box::new(which.limit));
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map(rusqlite::params_from_iter(values), |row| {
            Ok(Goes {
                clip: row::parsed(row, 0)?,
                camera: row::parsed(row, 1)?,
                size_bytes: row::unsigned(row, 2)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}
