//! Tables `intended_sign_ins` and `preset_pictures`: what controlling a camera leaves here.

use hausrecht_model::CameraId;
use rusqlite::{OptionalExtension, params};

use crate::{Result, Tables, row};

/// A sign-in that is on its way into a camera, or was when the program ended.
#[derive(Clone, Debug)]
pub struct IntendedSignIn {
    /// Camera.
    pub camera: CameraId,
    /// User and password, sealed to this computer.
    pub sign_in: Vec<u8>,
    /// Level of the account if Hausrecht makes it.
    pub own_level: Option<String>,
}

impl Tables<'_> {
    /// Remembers a sign-in before the camera is told of it; replaces an earlier one.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn put_intended_sign_in(&self, intended: &IntendedSignIn) -> Result<()> {
        self.connection.execute(
            "INSERT OR REPLACE INTO intended_sign_ins (camera, sign_in, own_level) VALUES (?1, ?2, ?3)",
            params![intended.camera.to_string(), intended.sign_in, intended.own_level],
        )?;
        Ok(())
    }

    /// Forgets a sign-in that was taken over, or never came to the camera.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn delete_intended_sign_in(&self, camera: CameraId) -> Result<()> {
        self.connection
            .execute("DELETE FROM intended_sign_ins WHERE camera = ?1", params![camera.to_string()])?;
        Ok(())
    }

    /// All sign-ins of which nobody knows whether they came to their camera.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn intended_sign_ins(&self) -> Result<Vec<IntendedSignIn>> {
        let mut statement =
            self.connection.prepare_cached("SELECT camera, sign_in, own_level FROM intended_sign_ins")?;
        let rows = statement.query_map([], |found| {
            Ok(IntendedSignIn {
                camera: row::parsed(found, 0)?,
                sign_in: found.get(1)?,
                own_level: found.get(2)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Keeps the sealed picture of a preset; replaces an earlier one.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn put_preset_picture(&self, camera: CameraId, token: &str, sealed: &[u8]) -> Result<()> {
        self.connection.execute(
            "INSERT OR REPLACE INTO preset_pictures (camera, token, picture) VALUES (?1, ?2, ?3)",
            params![camera.to_string(), token, sealed],
        )?;
        Ok(())
    }

    /// The sealed picture of a preset.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn preset_picture(&self, camera: CameraId, token: &str) -> Result<Option<Vec<u8>>> {
        let found = self
            .connection
            .query_row(
                "SELECT picture FROM preset_pictures WHERE camera = ?1 AND token = ?2",
                params![camera.to_string(), token],
                |found| found.get(0),
            )
            .optional()?;
        Ok(found)
    }

    /// Forgets the picture of a preset.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn delete_preset_picture(&self, camera: CameraId, token: &str) -> Result<()> {
        self.connection.execute(
            "DELETE FROM preset_pictures WHERE camera = ?1 AND token = ?2",
            params![camera.to_string(), token],
        )?;
        Ok(())
    }

    /// Forgets what was kept of a camera that is removed, besides its row, its clips and its events.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn forget_camera(&self, camera: CameraId) -> Result<()> {
        let camera = camera.to_string();
        for table in
            ["preset_pictures", "intended_sign_ins", "identities", "motion", "recording", "unknown_topics"]
        {
            self.connection.execute(&format!("DELETE FROM {table} WHERE camera = ?1"), params![camera])?;
        }
        Ok(())
    }
}
