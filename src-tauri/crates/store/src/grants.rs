//! Table `grants`: who may view what, until when.

use hausrecht_model::{CameraId, ClipId, GrantId, PersonId, UnixMicros};
use rusqlite::{Row, params};

use crate::{Result, Tables, row};

/// What a grant covers.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum ScopeRow {
    /// One clip.
    Clip(ClipId),
    /// Clips that overlap a span.
    Span {
        /// From.
        from_us: UnixMicros,
        /// To.
        to_us: UnixMicros,
    },
    /// Live, and each clip from the grant on.
    Camera,
}

/// A grant.
#[derive(Clone, Debug)]
pub struct GrantRow {
    /// Id.
    pub id: GrantId,
    /// Who.
    pub person: PersonId,
    /// Of which camera.
    pub camera: CameraId,
    /// What.
    pub scope: ScopeRow,
    /// When given.
    pub given_us: UnixMicros,
    /// Until when.
    pub until_us: Option<UnixMicros>,
    /// Why, sealed to the owner.
    pub reason: Vec<u8>,
    /// Entry in the log.
    pub entry: u64,
    /// When it was taken back or ended.
    pub ended_us: Option<UnixMicros>,
}

impl GrantRow {
    /// Whether it holds at `now`.
    pub fn holds(&self, now: UnixMicros) -> bool {
        self.ended_us.is_none() && self.until_us.is_none_or(|until| now < until)
    }
}

const COLUMNS: &str =
    "id, person, camera, scope, clip, from_us, to_us, given_us, until_us, reason, entry, ended_us";

fn read(row: &Row<'_>) -> rusqlite::Result<GrantRow> {
    let scope: String = row.get(3)?;
    let scope = match scope.as_str() {
        "clip" => ScopeRow::Clip(row::parsed(row, 4)?),
        "span" => ScopeRow::Span { from_us: row::time(row, 5)?, to_us: row::time(row, 6)? },
        "camera" => ScopeRow::Camera,
        other => return Err(row::conversion(3, format!("“{other}” is not the scope of a grant"))),
    };
    Ok(GrantRow {
        id: row::parsed(row, 0)?,
        person: row::parsed(row, 1)?,
        camera: row::parsed(row, 2)?,
        scope,
        given_us: row::time(row, 7)?,
        until_us: row::time_opt(row, 8)?,
        reason: row.get(9)?,
        entry: row::unsigned(row, 10)?,
        ended_us: row::time_opt(row, 11)?,
    })
}

impl Tables<'_> {
    /// Adds a grant.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn insert_grant(&self, grant: &GrantRow) -> Result<()> {
        let (scope, clip, from_us, to_us) = match grant.scope {
            ScopeRow::Clip(clip) => ("clip", Some(clip.to_string()), None, None),
            ScopeRow::Span { from_us, to_us } => ("span", None, Some(from_us.0), Some(to_us.0)),
            ScopeRow::Camera => ("camera", None, None, None),
        };
        self.connection.execute(
            "INSERT INTO grants (id, person, camera, scope, clip, from_us, to_us, given_us, until_us, reason, entry, ended_us)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            params![
                grant.id.to_string(),
                grant.person.to_string(),
                grant.camera.to_string(),
                scope,
                clip,
                from_us,
                to_us,
                grant.given_us.0,
                grant.until_us.map(|time| time.0),
                grant.reason,
                row::signed(grant.entry),
                grant.ended_us.map(|time| time.0)
            ],
        )?;
        Ok(())
    }

    /// All grants, newest first, ended ones among them.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn grants(&self) -> Result<Vec<GrantRow>> {
        let sql = format!("SELECT {COLUMNS} FROM grants ORDER BY given_us DESC, id");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map([], read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Marks a grant as ended and deletes its wraps.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn end_grant(&self, id: GrantId, at_us: UnixMicros) -> Result<()> {
        self.connection.execute("DELETE FROM wraps WHERE grant_id = ?1", [id.to_string()])?;
        self.connection
            .execute("UPDATE grants SET ended_us = ?2 WHERE id = ?1", params![id.to_string(), at_us.0])?;
        Ok(())
    }
}
