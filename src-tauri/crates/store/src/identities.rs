//! Table `identities`: what a camera has proven of itself, by which it is known again at another address.

use hausrecht_model::CameraId;
use rusqlite::{OptionalExtension, params};

use crate::{Result, Tables};

/// What a camera was when it had accepted the password.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IdentityRow {
    /// Camera.
    pub camera: CameraId,
    /// Its serial number; empty if it has none.
    pub serial: String,
}

impl Tables<'_> {
    /// Remembers what a camera is, in place of what it was.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn put_identity(&self, identity: &IdentityRow) -> Result<()> {
        self.connection.execute(
            "INSERT INTO identities VALUES (?1, ?2) ON CONFLICT (camera) DO UPDATE SET serial = ?2",
            params![identity.camera.to_string(), identity.serial],
        )?;
        Ok(())
    }

    /// What `camera` has proven of itself.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn identity(&self, camera: CameraId) -> Result<Option<IdentityRow>> {
        Ok(self
            .connection
            .prepare_cached("SELECT serial FROM identities WHERE camera = ?1")?
            .query_row([camera.to_string()], |row| Ok(IdentityRow { camera, serial: row.get(0)? }))
            .optional()?)
    }
}
