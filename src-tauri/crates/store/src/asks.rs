//! Table `asks`: questions to those who must agree before a clip is opened.

use hausrecht_model::{AskId, ClipId, GrantId, UnixMicros};
use rusqlite::{OptionalExtension, Row, params};

use crate::{Result, Tables, row};

/// A question.
#[derive(Clone, Debug)]
pub struct AskRow {
    /// Id.
    pub id: AskId,
    /// The grant that needs somebody to agree.
    pub grant: GrantId,
    /// The clip.
    pub clip: ClipId,
    /// When it was asked.
    pub asked_us: UnixMicros,
    /// Its entry in the log.
    pub entry: u64,
    /// When it was answered.
    pub answered_us: Option<UnixMicros>,
    /// The answer.
    pub agreed: Option<bool>,
    /// After an agreement: the wrap without the layer of the one who agreed. Gone when it was used.
    pub wrap: Option<Vec<u8>>,
}

const COLUMNS: &str = "id, grant_id, clip, asked_us, entry, answered_us, agreed, wrap";

fn read(row: &Row<'_>) -> rusqlite::Result<AskRow> {
    Ok(AskRow {
        id: row::parsed(row, 0)?,
        grant: row::parsed(row, 1)?,
        clip: row::parsed(row, 2)?,
        asked_us: row::time(row, 3)?,
        entry: row::unsigned(row, 4)?,
        answered_us: row::time_opt(row, 5)?,
        agreed: row.get(6)?,
        wrap: row.get(7)?,
    })
}

impl Tables<'_> {
    /// Adds a question.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn insert_ask(&self, ask: &AskRow) -> Result<()> {
        self.connection.execute(
            "INSERT INTO asks (id, grant_id, clip, asked_us, entry, answered_us, agreed, wrap)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                ask.id.to_string(),
                ask.grant.to_string(),
                ask.clip.to_string(),
                ask.asked_us.0,
                row::signed(ask.entry),
                ask.answered_us.map(|time| time.0),
                ask.agreed,
                ask.wrap
            ],
        )?;
        Ok(())
    }

    /// Writes an answer, with the wrap that an agreement gives.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn answer_ask(&self, id: AskId, at_us: UnixMicros, wrap: Option<&[u8]>) -> Result<()> {
        self.connection.execute(
            "UPDATE asks SET answered_us = ?2, agreed = ?3, wrap = ?4 WHERE id = ?1",
            params![id.to_string(), at_us.0, wrap.is_some(), wrap],
        )?;
        Ok(())
    }

    /// Takes away the wrap of an agreement that was used, or is too old to be.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn use_ask(&self, id: AskId) -> Result<()> {
        self.connection.execute("UPDATE asks SET wrap = NULL WHERE id = ?1", [id.to_string()])?;
        Ok(())
    }

    /// One question.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn ask(&self, id: AskId) -> Result<Option<AskRow>> {
        let sql = format!("SELECT {COLUMNS} FROM asks WHERE id = ?1");
        Ok(self.connection.prepare_cached(&sql)?.query_row([id.to_string()], read).optional()?)
    }

    /// Questions about a clip, newest first.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn asks_of(&self, clip: ClipId) -> Result<Vec<AskRow>> {
        let sql = format!("SELECT {COLUMNS} FROM asks WHERE clip = ?1 ORDER BY asked_us DESC, id");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map([clip.to_string()], read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Questions that were asked since `since_us`, newest first: those that wait, and those that were answered.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn asks(&self, since_us: UnixMicros) -> Result<Vec<AskRow>> {
        let sql = format!("SELECT {COLUMNS} FROM asks WHERE asked_us >= ?1 ORDER BY asked_us DESC, id");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map([since_us.0], read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Forgets questions that were asked before `before_us`; says how many. What was asked and answered stands in the log.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn forget_asks(&self, before_us: UnixMicros) -> Result<usize> {
        Ok(self.connection.execute("DELETE FROM asks WHERE asked_us < ?1", [before_us.0])?)
    }
}
