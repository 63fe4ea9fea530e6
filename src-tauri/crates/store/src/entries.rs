//! Tables `entries`, `hashes`, `checkpoints` and `releases`: the log. Nothing here changes or deletes a leaf.

use std::str::FromStr;

use hausrecht_model::{CameraId, ClipId, GrantId, PersonId, UnixMicros};
use rusqlite::{OptionalExtension, Row, ToSql, params};

use crate::{Result, Tables, row};

/// An entry with the columns that find it again.
#[derive(Clone, Debug)]
pub struct EntryRow {
    /// Number, from zero.
    pub index: u64,
    /// When.
    pub at_us: UnixMicros,
    /// Kind.
    pub kind: String,
    /// Who; `None`: this computer.
    pub actor: Option<PersonId>,
    /// About which camera.
    pub camera: Option<CameraId>,
    /// About which clip, while it exists.
    pub clip: Option<ClipId>,
    /// About which person.
    pub person: Option<PersonId>,
    /// About which grant.
    pub grant: Option<GrantId>,
    /// Which entry it refers to.
    pub refers_to: Option<u64>,
    /// The leaf.
    pub leaf: Vec<u8>,
    /// Personal fields, sealed to the owner.
    pub personal: Option<Vec<u8>>,
}

/// Which entries.
#[derive(Clone, Debug, Default)]
pub struct EntryFilter {
    /// Only these kinds; empty: all.
    pub kinds: Vec<String>,
    /// Only about this camera.
    pub camera: Option<CameraId>,
    /// Only by or about this person.
    pub person: Option<PersonId>,
    /// Only about this clip.
    pub clip: Option<ClipId>,
    /// Only about one of these grants; `None`: all.
    pub grant: Option<GrantId>,
}

/// A signed checkpoint.
#[derive(Clone, Debug)]
pub struct CheckpointRow {
    /// Entries that it covers.
    pub size: u64,
    /// When it was signed.
    pub at_us: UnixMicros,
    /// Signed note.
    pub note: String,
}

const COLUMNS: &str = "idx, at_us, kind, actor, camera, clip, person, grant_id, refers_to, leaf, personal";

/// An id beside an entry; `None` for a text that is none. The entry itself is what counts: a column that somebody changed must not
/// keep the rest of the log from being read, and verifying names it.
fn id<T: FromStr>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    Ok(text.and_then(|text| text.parse().ok()))
}

fn read(row: &Row<'_>) -> rusqlite::Result<EntryRow> {
    Ok(EntryRow {
        index: row::unsigned(row, 0)?,
        at_us: row::time(row, 1)?,
        kind: row.get(2)?,
        actor: id(row, 3)?,
        camera: id(row, 4)?,
        clip: id(row, 5)?,
        person: id(row, 6)?,
        grant: id(row, 7)?,
        refers_to: row.get::<_, Option<i64>>(8)?.and_then(|value| u64::try_from(value).ok()),
        leaf: row.get(9)?,
        personal: row.get(10)?,
    })
}

/// The numbers of the entries that fit, as a query, and its values. Each part of it is one walk along an index, in the order
/// of the numbers, so that SQLite merges the parts without sorting; `None` if everything fits.
fn numbers(filter: &EntryFilter) -> Option<(String, Vec<String>)> {
    let mut shared = String::new();
    let mut shared_values = Vec::new();
    for (column, id) in [
        ("camera", filter.camera.map(|id| id.to_string())),
        ("clip", filter.clip.map(|id| id.to_string())),
        ("grant_id", filter.grant.map(|id| id.to_string())),
    ] {
        if let Some(id) = id {
            shared += &format!(" AND {column} = ?");
            shared_values.push(id);
        }
    }
    if filter.kinds.is_empty() && filter.person.is_none() && shared.is_empty() {
        return None;
    }
    let mut parts = Vec::new();
    let mut values = Vec::new();
    let kinds: Vec<Option<&String>> =
        if filter.kinds.is_empty() { vec![None] } else { filter.kinds.iter().map(Some).collect() };
    let columns: &[Option<&str>] =
        if filter.person.is_some() { &[Some("actor"), Some("person")] } else { &[None] };
    for kind in kinds {
        for column in columns {
            let mut part = String::from("SELECT idx FROM entries WHERE 1");
            if let Some(kind) = kind {
                part += " AND kind = ?";
                values.push(kind.clone());
            }
            if let (Some(column), Some(person)) = (column, filter.person) {
                part += &format!(" AND {column} = ?");
                values.push(person.to_string());
                if *column == "person" {
                    // What somebody did to themselves is in the part before.
                    part += " AND actor IS NOT ?";
                    values.push(person.to_string());
                }
            }
            parts.push(part + &shared);
            values.extend(shared_values.iter().cloned());
        }
    }
    Some((parts.join(" UNION ALL "), values))
}

impl Tables<'_> {
    /// Appends an entry and the tree hashes that it completes. `entry.index` must be the log's size.
    ///
    /// # Errors
    /// A failure of the database; an index that is taken is one.
    pub fn append_entry(&self, entry: &EntryRow, first_hash: u64, hashes: &[[u8; 32]]) -> Result<()> {
        self.connection
            .prepare_cached("INSERT INTO entries VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)")?
            .execute(params![
                row::signed(entry.index),
                entry.at_us.0,
                entry.kind,
                entry.actor.map(|id| id.to_string()),
                entry.camera.map(|id| id.to_string()),
                entry.clip.map(|id| id.to_string()),
                entry.person.map(|id| id.to_string()),
                entry.grant.map(|id| id.to_string()),
                entry.refers_to.map(row::signed),
                entry.leaf,
                entry.personal
            ])?;
        let mut statement = self.connection.prepare_cached("INSERT INTO hashes VALUES (?1, ?2)")?;
        for (position, hash) in (first_hash..).zip(hashes) {
            statement.execute(params![row::signed(position), hash])?;
        }
        Ok(())
    }

    /// Entries in the log.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn log_size(&self) -> Result<u64> {
        Ok(self
            .connection
            .prepare_cached("SELECT ifnull(max(idx) + 1, 0) FROM entries")?
            .query_row([], |row| row::unsigned(row, 0))?)
    }

    /// The hash at `position`.
    ///
    /// # Errors
    /// A failure of the database; a position that is not there is one.
    pub fn hash(&self, position: u64) -> Result<[u8; 32]> {
        Ok(self
            .connection
            .prepare_cached("SELECT hash FROM hashes WHERE position = ?1")?
            .query_row([row::signed(position)], |row| row::hash(row, 0))?)
    }

    /// The hashes from `from` up to, but not including, `to`, with their positions; those that are missing are left out.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn hashes(&self, from: u64, to: u64) -> Result<Vec<(u64, [u8; 32])>> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT position, hash FROM hashes WHERE position >= ?1 AND position < ?2")?;
        let rows = statement.query_map([row::signed(from), row::signed(to)], |row| {
            Ok((row::unsigned(row, 0)?, row.get::<_, Vec<u8>>(1)?))
        })?;
        let mut hashes = Vec::new();
        for found in rows {
            // What is no hash is missing: the walk over the log says so.
            let (position, bytes) = found?;
            hashes.extend(bytes.try_into().ok().map(|hash| (position, hash)));
        }
        Ok(hashes)
    }

    /// One entry.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn entry(&self, index: u64) -> Result<Option<EntryRow>> {
        let sql = format!("SELECT {COLUMNS} FROM entries WHERE idx = ?1");
        Ok(self.connection.prepare_cached(&sql)?.query_row([row::signed(index)], read).optional()?)
    }

    /// Entries that fit, newest first, after skipping `offset` of them.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn entries(&self, filter: &EntryFilter, offset: u64, limit: u32) -> Result<Vec<EntryRow>> {
        let Some((numbers, values)) = numbers(filter) else {
            // Without a filter the numbers have no gaps, so that the millionth row is as near as the first.
            let below = self.log_size()?.saturating_sub(offset);
            let sql = format!("SELECT {COLUMNS} FROM entries WHERE idx < ?1 ORDER BY idx DESC LIMIT ?2");
            let mut statement = self.connection.prepare_cached(&sql)?;
            let rows = statement.query_map(params![row::signed(below), limit], read)?;
            return Ok(rows.collect::<rusqlite::Result<_>>()?);
        };
        let sql = format!(
            "SELECT {COLUMNS} FROM entries WHERE idx IN ({numbers} ORDER BY idx DESC LIMIT ? OFFSET ?) ORDER BY idx DESC"
        );
        let mut values: Vec<Box<dyn ToSql>> =
            values.into_iter().map(|value| Box::new(value) as Box<_>).collect();
        values.push(Box::new(limit));
        values.push(Box::new(row::signed(offset)));
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map(rusqlite::params_from_iter(values), read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// How many entries fit.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn count_entries(&self, filter: &EntryFilter) -> Result<u64> {
        let Some((numbers, values)) = numbers(filter) else { return self.log_size() };
        Ok(self
            .connection
            .prepare_cached(&format!("SELECT count(*) FROM ({numbers})"))?
            .query_row(rusqlite::params_from_iter(values), |row| row::unsigned(row, 0))?)
    }

    /// Entries from `from` on, oldest first, with all that stands beside them.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn entries_from(&self, from: u64, limit: u32) -> Result<Vec<EntryRow>> {
        let sql = format!("SELECT {COLUMNS} FROM entries WHERE idx >= ?1 ORDER BY idx LIMIT ?2");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map(params![row::signed(from), limit], read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Leaves from `from` on, oldest first, for walking the whole log.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn leaves(&self, from: u64, limit: u32) -> Result<Vec<(u64, Vec<u8>)>> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT idx, leaf FROM entries WHERE idx >= ?1 ORDER BY idx LIMIT ?2")?;
        let rows = statement
            .query_map(params![row::signed(from), limit], |row| Ok((row::unsigned(row, 0)?, row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Stores a signed checkpoint.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn put_checkpoint(&self, checkpoint: &CheckpointRow) -> Result<()> {
        self.connection.execute(
            "INSERT OR IGNORE INTO checkpoints VALUES (?1, ?2, ?3)",
            params![row::signed(checkpoint.size), checkpoint.at_us.0, checkpoint.note],
        )?;
        Ok(())
    }

    /// The newest checkpoint.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn newest_checkpoint(&self) -> Result<Option<CheckpointRow>> {
        Ok(self
            .connection
            .prepare_cached("SELECT size, at_us, note FROM checkpoints ORDER BY size DESC LIMIT 1")?
            .query_row([], |row| {
                Ok(CheckpointRow {
                    size: row::unsigned(row, 0)?,
                    at_us: row::time(row, 1)?,
                    note: row.get(2)?,
                })
            })
            .optional()?)
    }

    /// Notes when the key was released for an opening.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn put_release(&self, entry: u64, released_us: UnixMicros) -> Result<()> {
        self.connection.execute(
            "INSERT OR IGNORE INTO releases VALUES (?1, ?2)",
            params![row::signed(entry), released_us.0],
        )?;
        Ok(())
    }

    /// When the key was released for an opening.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn release(&self, entry: u64) -> Result<Option<UnixMicros>> {
        Ok(self
            .connection
            .prepare_cached("SELECT released_us FROM releases WHERE entry = ?1")?
            .query_row([row::signed(entry)], |row| row::time(row, 0))
            .optional()?)
    }
}
