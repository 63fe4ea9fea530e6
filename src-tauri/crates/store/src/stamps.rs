//! Table `stamps`: checkpoints whose time an authority has attested (RFC 3161).

use hausrecht_model::UnixMicros;
use rusqlite::{OptionalExtension, Row, params};

use crate::{Result, Tables, row};

/// A time stamp.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StampRow {
    /// Entries that the checkpoint covers.
    pub size: u64,
    /// When, by the authority's clock.
    pub time_us: UnixMicros,
    /// Where the authority answers.
    pub authority: String,
    /// The checkpoint.
    pub note: String,
    /// The authority's answer, DER.
    pub token: Vec<u8>,
}

const COLUMNS: &str = "size, time_us, authority, note, token";

fn read(row: &Row<'_>) -> rusqlite::Result<StampRow> {
    Ok(StampRow {
        size: row::unsigned(row, 0)?,
        time_us: row::time(row, 1)?,
        authority: row.get(2)?,
        note: row.get(3)?,
        token: row.get(4)?,
    })
}

impl Tables<'_> {
    /// Keeps a time stamp; of two of the same checkpoint, the later one.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn put_stamp(&self, stamp: &StampRow) -> Result<()> {
        self.connection.execute(
            "INSERT OR REPLACE INTO stamps (size, time_us, authority, note, token) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![row::signed(stamp.size), stamp.time_us.0, stamp.authority, stamp.note, stamp.token],
        )?;
        Ok(())
    }

    /// All time stamps, the newest first, at most `limit`.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn stamps(&self, limit: u32) -> Result<Vec<StampRow>> {
        let sql = format!("SELECT {COLUMNS} FROM stamps ORDER BY size DESC LIMIT ?1");
        let mut statement = self.connection.prepare_cached(&sql)?;
        Ok(statement.query_map([limit], read)?.collect::<rusqlite::Result<_>>()?)
    }

    /// How many there are, and the newest.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn newest_stamp(&self) -> Result<(u64, Option<StampRow>)> {
        let count =
            self.connection.query_row("SELECT count(*) FROM stamps", [], |row| row::unsigned(row, 0))?;
        let sql = format!("SELECT {COLUMNS} FROM stamps ORDER BY size DESC LIMIT 1");
        Ok((count, self.connection.query_row(&sql, [], read).optional()?))
    }
}
