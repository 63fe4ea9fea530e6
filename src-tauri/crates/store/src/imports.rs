//! Table `imports`: which files were taken over, so that none is taken over twice and none by half.

use hausrecht_model::{CameraId, ClipId, ImportId, UnixMicros};
use rusqlite::{OptionalExtension, Row, params};

use crate::{Result, Tables, row};

/// An imported file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImportRow {
    /// Id.
    pub id: ImportId,
    /// Source under which its clips stand.
    pub source: CameraId,
    /// SHA-256 of the original.
    pub sha256: [u8; 32],
    /// Size of the original. Bytes.
    pub size_bytes: u64,
    /// When its first picture was taken.
    pub start_us: UnixMicros,
    /// Entry that said that it begins.
    pub entry: u64,
    /// When it was whole; `None`: it goes on, or a crash ended it.
    pub ended_us: Option<UnixMicros>,
    /// Where its camera was, sealed to the owner.
    pub track: Option<Vec<u8>>,
}

/// What the clips of a source come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SourceSum {
    /// The source.
    pub source: CameraId,
    /// How many.
    pub clips: u64,
    /// What they take on the disk. Bytes.
    pub size_bytes: u64,
    /// When the first begins.
    pub from_us: UnixMicros,
    /// When the last ends.
    pub to_us: UnixMicros,
}

const COLUMNS: &str = "id, source, sha256, size_bytes, start_us, entry, ended_us, track";

fn read(row: &Row<'_>) -> rusqlite::Result<ImportRow> {
    Ok(ImportRow {
        id: row::parsed(row, 0)?,
        source: row::parsed(row, 1)?,
        sha256: row::hash(row, 2)?,
        size_bytes: row::unsigned(row, 3)?,
        start_us: row::time(row, 4)?,
        entry: row::unsigned(row, 5)?,
        ended_us: row::time_opt(row, 6)?,
        track: row.get(7)?,
    })
}

impl Tables<'_> {
    /// Notes that a file is being imported.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn insert_import(&self, import: &ImportRow) -> Result<()> {
        let sql = format!("INSERT INTO imports ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
        self.connection.execute(
            &sql,
            params![
                import.id.to_string(),
                import.source.to_string(),
                import.sha256,
                row::signed(import.size_bytes),
                import.start_us.0,
                row::signed(import.entry),
                import.ended_us.map(|time| time.0),
                import.track
            ],
        )?;
        Ok(())
    }

    /// Notes that it is whole.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn end_import(&self, id: ImportId, ended_us: UnixMicros) -> Result<()> {
        let sql = "UPDATE imports SET ended_us = ?2 WHERE id = ?1";
        self.connection.execute(sql, params![id.to_string(), ended_us.0])?;
        Ok(())
    }

    /// Forgets one that did not become whole.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn delete_import(&self, id: ImportId) -> Result<()> {
        self.connection.execute("DELETE FROM imports WHERE id = ?1", [id.to_string()])?;
        Ok(())
    }

    /// Forgets what was imported into a source, which may then come again.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn delete_imports_of(&self, source: CameraId) -> Result<()> {
        self.connection.execute("DELETE FROM imports WHERE source = ?1", [source.to_string()])?;
        Ok(())
    }

    /// Imports of files of this size; only among them can the same file be.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn imports_of_size(&self, size_bytes: u64) -> Result<Vec<ImportRow>> {
        let sql = format!("SELECT {COLUMNS} FROM imports WHERE size_bytes = ?1 ORDER BY entry");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map([row::signed(size_bytes)], read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The import of a file with this hash that became whole.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn import_of(&self, sha256: &[u8; 32], size_bytes: u64) -> Result<Option<ImportRow>> {
        let all = self.imports_of_size(size_bytes)?;
        Ok(all.into_iter().find(|row| row.sha256 == *sha256 && row.ended_us.is_some()))
    }

    /// The import that a clip of `source` came with, which was entered as `entry`: imports follow each other.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn import_before(&self, source: CameraId, entry: u64) -> Result<Option<ImportRow>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM imports WHERE source = ?1 AND entry < ?2 ORDER BY entry DESC LIMIT 1"
        );
        Ok(self
            .connection
            .prepare_cached(&sql)?
            .query_row(params![source.to_string(), row::signed(entry)], read)
            .optional()?)
    }

    /// Imports that did not become whole.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn open_imports(&self) -> Result<Vec<ImportRow>> {
        let sql = format!("SELECT {COLUMNS} FROM imports WHERE ended_us IS NULL ORDER BY entry");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map([], read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Clips of `source` that were entered after entry `entry`, in that order.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn clips_entered_after(&self, source: CameraId, entry: u64) -> Result<Vec<ClipId>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id FROM clips WHERE camera = ?1 AND entry > ?2 AND NOT erasing ORDER BY entry",
        )?;
        let rows = statement
            .query_map(params![source.to_string(), row::signed(entry)], |row| row::parsed(row, 0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// What the clips of each source come to; a source without clips is left out.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn source_sums(&self) -> Result<Vec<SourceSum>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT camera, count(*), sum(size_bytes), min(start_us), max(start_us + duration_us) FROM clips
             WHERE NOT erasing AND camera IN (SELECT id FROM cameras WHERE imported) GROUP BY camera",
        )?;
        let rows = statement.query_map([], |row| {
            Ok(SourceSum {
                source: row::parsed(row, 0)?,
                clips: row::unsigned(row, 1)?,
                size_bytes: row::unsigned(row, 2)?,
                from_us: row::time(row, 3)?,
                to_us: row::time(row, 4)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Whether this computer has such a source by this name, removed ones left out.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn source_named(&self, name: &str) -> Result<Option<CameraId>> {
        let sql = "SELECT id FROM cameras WHERE imported AND removed_us IS NULL AND name = ?1";
        Ok(self.connection.query_row(sql, [name], |row| row::parsed(row, 0)).optional()?)
    }
}
