//! Tables `recording` and `causes`: how a camera is recorded, and which event made a clip.

use hausrecht_model::{CameraId, ClipId, EventId, EventKind};
use rusqlite::{OptionalExtension, params};

use crate::{Result, Tables, row};

impl Tables<'_> {
    /// Keeps how `camera` is recorded, as JSON, in place of what was.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn put_recording(&self, camera: CameraId, settings: &str) -> Result<()> {
        self.connection.execute(
            "INSERT INTO recording VALUES (?1, ?2) ON CONFLICT (camera) DO UPDATE SET settings = ?2",
            [camera.to_string().as_str(), settings],
        )?;
        Ok(())
    }

    /// How `camera` is recorded; `None` if nobody has said anything of it.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn recording(&self, camera: CameraId) -> Result<Option<String>> {
        Ok(self
            .connection
            .prepare_cached("SELECT settings FROM recording WHERE camera = ?1")?
            .query_row([camera.to_string()], |row| row.get(0))
            .optional()?)
    }

    /// Notes which event made a clip.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn put_cause(&self, clip: ClipId, event: EventId, kind: EventKind) -> Result<()> {
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO causes VALUES (?1, ?2, ?3)")?
            .execute(params![clip.to_string(), event.to_string(), kind.as_str()])?;
        Ok(())
    }

    /// The event that made a clip, where one did.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn cause(&self, clip: ClipId) -> Result<Option<(EventId, EventKind)>> {
        Ok(self
            .connection
            .prepare_cached("SELECT event, kind FROM causes WHERE clip = ?1")?
            .query_row([clip.to_string()], |row| {
                Ok((row::parsed(row, 0)?, EventKind::from_name(&row.get::<_, String>(1)?)))
            })
            .optional()?)
    }
}
