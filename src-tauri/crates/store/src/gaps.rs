//! Tables `gaps` and `stored`: why of some time there is no clip, and what the clips take.
//!
//! A row of `gaps` is a condition that was in force, a wait for an event for example, and not the hole itself: whoever
//! asks takes the clips out of it. So a camera that records on events has one row for months, not one for each pause.

use std::collections::BTreeMap;

use hausrecht_model::{CameraId, UnixMicros};
use rusqlite::{OptionalExtension, Row, params};

use crate::{Result, Tables, row};

/// A condition under which nothing, or only some of it, is recorded.
#[derive(Clone, PartialEq, Debug)]
pub struct GapRow {
    /// Camera.
    pub camera: CameraId,
    /// From.
    pub from_us: UnixMicros,
    /// To; `None`: it goes on.
    pub to_us: Option<UnixMicros>,
    /// Name of the reason; the engine knows them.
    pub reason: String,
}

/// What the clips of a camera take.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct StoredRow {
    /// Bytes on disk.
    pub size_bytes: u64,
    /// Clips.
    pub clips: u64,
}

fn read(row: &Row<'_>) -> rusqlite::Result<GapRow> {
    Ok(GapRow {
        camera: row::parsed(row, 0)?,
        from_us: row::time(row, 1)?,
        to_us: row::time_opt(row, 2)?,
        reason: row.get(3)?,
    })
}

impl Tables<'_> {
    /// Adds a condition.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn insert_gap(&self, gap: &GapRow) -> Result<()> {
        self.connection.execute(
            "INSERT INTO gaps VALUES (?1, ?2, ?3, ?4)",
            params![gap.camera.to_string(), gap.from_us.0, gap.to_us.map(|time| time.0), gap.reason],
        )?;
        Ok(())
    }

    /// Ends what goes on at `camera`; what would end before it began never was.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn end_gap(&self, camera: CameraId, at_us: UnixMicros) -> Result<()> {
        let camera = camera.to_string();
        self.connection.execute(
            "UPDATE gaps SET to_us = max(from_us, ?2) WHERE camera = ?1 AND to_us IS NULL",
            params![camera, at_us.0],
        )?;
        self.connection.execute("DELETE FROM gaps WHERE camera = ?1 AND to_us <= from_us", [camera])?;
        Ok(())
    }

    /// The condition in force at `camera`, if there is one.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn open_gap(&self, camera: CameraId) -> Result<Option<GapRow>> {
        Ok(self
            .connection
            .prepare_cached("SELECT from_us, reason FROM gaps WHERE camera = ?1 AND to_us IS NULL LIMIT 1")?
            .query_row([camera.to_string()], |row| {
                Ok(GapRow { camera, from_us: row::time(row, 0)?, to_us: None, reason: row.get(1)? })
            })
            .optional()?)
    }

    /// Conditions of all cameras that overlap a span and last at least `least_us`, or go on; by camera and start.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn long_gaps(&self, from_us: UnixMicros, to_us: UnixMicros, least_us: i64) -> Result<Vec<GapRow>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT camera, from_us, to_us, reason FROM gaps
             WHERE from_us < ?2 AND (to_us IS NULL OR (to_us > ?1 AND to_us - from_us >= ?3)) ORDER BY camera, from_us",
        )?;
        let rows = statement.query_map(params![from_us.0, to_us.0, least_us], read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Conditions that overlap a span, by camera and start; of one camera or of all.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn gaps(
        &self,
        camera: Option<CameraId>,
        from_us: UnixMicros,
        to_us: UnixMicros,
    ) -> Result<Vec<GapRow>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT camera, from_us, to_us, reason FROM gaps
             WHERE (?1 IS NULL OR camera = ?1) AND from_us < ?3 AND ifnull(to_us, ?3) > ?2 ORDER BY camera, from_us",
        )?;
        let rows = statement.query_map(params![camera.map(|id| id.to_string()), from_us.0, to_us.0], read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Forgets conditions that ended before `before_us`.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn forget_gaps(&self, before_us: UnixMicros) -> Result<()> {
        self.connection.execute("DELETE FROM gaps WHERE to_us < ?1", [before_us.0])?;
        Ok(())
    }

    /// What the clips of each camera take.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn stored(&self) -> Result<BTreeMap<CameraId, StoredRow>> {
        let mut statement = self.connection.prepare_cached("SELECT camera, size_bytes, clips FROM stored")?;
        let rows = statement.query_map([], |row| {
            let size_bytes = row::unsigned(row, 1)?;
            Ok((row::parsed(row, 0)?, StoredRow { size_bytes, clips: row::unsigned(row, 2)? }))
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Bytes and length, in microseconds, of what `camera` recorded itself from `from_us` on.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn recorded_since(&self, camera: CameraId, from_us: UnixMicros) -> Result<(u64, u64)> {
        let mut statement = self.connection.prepare_cached(
            "SELECT ifnull(sum(size_bytes), 0), ifnull(sum(duration_us), 0) FROM clips
             WHERE camera = ?1 AND start_us >= ?2 AND NOT erasing AND NOT from_card",
        )?;
        Ok(statement.query_row(params![camera.to_string(), from_us.0], |row| {
            Ok((row::unsigned(row, 0)?, row::unsigned(row, 1)?))
        })?)
    }

    /// When the oldest clip begins, of one camera or of all.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn oldest_clip(&self, camera: Option<CameraId>) -> Result<Option<UnixMicros>> {
        let found = match camera {
            Some(camera) => self
                .connection
                .prepare_cached(
                    "SELECT start_us FROM clips WHERE camera = ?1 AND NOT erasing ORDER BY start_us LIMIT 1",
                )?
                .query_row([camera.to_string()], |row| row::time(row, 0)),
            None => self
                .connection
                .prepare_cached("SELECT start_us FROM clips WHERE NOT erasing ORDER BY start_us LIMIT 1")?
                .query_row([], |row| row::time(row, 0)),
        };
        Ok(found.optional()?)
    }
}
