//! Table `motion`: how motion is measured in a camera's pictures.

use hausrecht_model::CameraId;
use rusqlite::OptionalExtension;

use crate::{Result, Tables};

impl Tables<'_> {
    /// Keeps how motion is measured for `camera`, as JSON, in place of what was.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn put_motion(&self, camera: CameraId, settings: &str) -> Result<()> {
        self.connection.execute(
            "INSERT INTO motion VALUES (?1, ?2) ON CONFLICT (camera) DO UPDATE SET settings = ?2",
            [camera.to_string().as_str(), settings],
        )?;
        Ok(())
    }

    /// How motion is measured for `camera`; `None` if nobody has said anything of it.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn motion(&self, camera: CameraId) -> Result<Option<String>> {
        Ok(self
            .connection
            .prepare_cached("SELECT settings FROM motion WHERE camera = ?1")?
            .query_row([camera.to_string()], |row| row.get(0))
            .optional()?)
    }
}
