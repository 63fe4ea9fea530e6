//! Tables `card_jobs` and `gap_filling`: what is being fetched from the cards in cameras.

use hausrecht_model::{CameraId, CardJobId, PersonId, UnixMicros};
use rusqlite::{OptionalExtension, params};

use crate::{Result, Tables, row};

/// A span that is being fetched from a camera's card.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CardJobRow {
    /// Id.
    pub id: CardJobId,
    /// Camera.
    pub camera: CameraId,
    /// The camera's id of the recording.
    pub recording: String,
    /// From, by this computer's clock.
    pub from_us: UnixMicros,
    /// To.
    pub to_us: UnixMicros,
    /// Who asked for it; `None`: a gap that is filled by itself.
    pub asked_by: Option<PersonId>,
}

impl Tables<'_> {
    /// Remembers a fetch until it has ended.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn insert_card_job(&self, job: &CardJobRow) -> Result<()> {
        self.connection.execute(
            "INSERT INTO card_jobs (id, camera, recording, from_us, to_us, asked_by) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                job.id.to_string(),
                job.camera.to_string(),
                job.recording,
                job.from_us.0,
                job.to_us.0,
                job.asked_by.map(|person| person.to_string())
            ],
        )?;
        Ok(())
    }

    /// The fetches from a camera's card that have not ended, oldest span first.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn card_jobs(&self, camera: CameraId) -> Result<Vec<CardJobRow>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, camera, recording, from_us, to_us, asked_by FROM card_jobs WHERE camera = ?1
             ORDER BY from_us, id",
        )?;
        let rows = statement.query_map([camera.to_string()], |found| {
            Ok(CardJobRow {
                id: row::parsed(found, 0)?,
                camera: row::parsed(found, 1)?,
                recording: found.get(2)?,
                from_us: row::time(found, 3)?,
                to_us: row::time(found, 4)?,
                asked_by: row::parsed_opt(found, 5)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Forgets a fetch that has ended.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn delete_card_job(&self, job: CardJobId) -> Result<()> {
        self.connection.execute("DELETE FROM card_jobs WHERE id = ?1", [job.to_string()])?;
        Ok(())
    }

    /// Since when gaps of `camera` are to be filled by themselves; `None`: they are not.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn gap_filling(&self, camera: CameraId) -> Result<Option<UnixMicros>> {
        Ok(self
            .connection
            .prepare_cached("SELECT since_us FROM gap_filling WHERE camera = ?1")?
            .query_row([camera.to_string()], |found| row::time(found, 0))
            .optional()?)
    }

    /// Lets gaps of `camera` that end after `since_us` be filled by themselves.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn put_gap_filling(&self, camera: CameraId, since_us: UnixMicros) -> Result<()> {
        self.connection.execute(
            "INSERT INTO gap_filling VALUES (?1, ?2) ON CONFLICT (camera) DO UPDATE SET since_us = ?2",
            params![camera.to_string(), since_us.0],
        )?;
        Ok(())
    }

    /// Notes that gaps of `camera` which ended before `since_us` were looked at, if it is still wished for.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn advance_gap_filling(&self, camera: CameraId, since_us: UnixMicros) -> Result<()> {
        self.connection.execute(
            "UPDATE gap_filling SET since_us = ?2 WHERE camera = ?1 AND since_us < ?2",
            params![camera.to_string(), since_us.0],
        )?;
        Ok(())
    }

    /// Lets gaps of `camera` be.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn delete_gap_filling(&self, camera: CameraId) -> Result<()> {
        self.connection.execute("DELETE FROM gap_filling WHERE camera = ?1", [camera.to_string()])?;
        Ok(())
    }

    /// Forgets what was to be fetched from a camera that is removed.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn forget_card(&self, camera: CameraId) -> Result<()> {
        self.connection.execute("DELETE FROM card_jobs WHERE camera = ?1", [camera.to_string()])?;
        self.delete_gap_filling(camera)
    }
}
