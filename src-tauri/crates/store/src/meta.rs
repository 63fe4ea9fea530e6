//! Table `meta`: single values such as the settings and the owner's public keys.

use rusqlite::OptionalExtension;

use crate::{Result, Tables};

impl Tables<'_> {
    /// The value under `key`.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn meta(&self, key: &str) -> Result<Option<String>> {
        Ok(self
            .connection
            .prepare_cached("SELECT value FROM meta WHERE key = ?1")?
            .query_row([key], |row| row.get(0))
            .optional()?)
    }

    /// Sets the value under `key`.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn set_meta(&self, key: &str, value: &str) -> Result<()> {
        self.connection
            .prepare_cached("INSERT INTO meta VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2")?
            .execute([key, value])?;
        Ok(())
    }

    /// Forgets the value under `key`.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn delete_meta(&self, key: &str) -> Result<()> {
        self.connection.prepare_cached("DELETE FROM meta WHERE key = ?1")?.execute([key])?;
        Ok(())
    }
}
