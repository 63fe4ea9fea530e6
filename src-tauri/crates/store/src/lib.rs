//! The database: migrations and one file a table. SQL lives nowhere else in Hausrecht.
//!
//! It stores what it is given and knows nothing of keys, cameras or what an entry means. `entries` and
//! `hashes` have no function that changes or deletes a leaf.

mod asks;
mod bookmarks;
#[cfg(feature = "bulk")]
pub mod bulk;
mod cameras;
mod card;
mod clips;
mod control;
mod entries;
mod error;
mod events;
mod gaps;
mod grants;
mod holds;
mod identities;
mod imports;
mod meta;
mod motion;
mod people;
mod recording;
mod row;
mod stamps;
mod timeline;
mod topics;
mod walls;

use std::path::Path;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use rusqlite_migration::{M, Migrations};

pub use asks::AskRow;
pub use bookmarks::BookmarkRow;
pub use cameras::CameraRow;
pub use card::CardJobRow;
pub use clips::{ClipFilter, ClipRow, ClipSpan, PartRow};
pub use control::IntendedSignIn;
pub use entries::{CheckpointRow, EntryFilter, EntryRow};
pub use error::StoreError;
pub use events::EventRow;
pub use gaps::{GapRow, StoredRow};
pub use grants::{GrantRow, ScopeRow, Unwrapped};
pub use holds::{Goes, HoldRow, Oldest};
pub use identities::IdentityRow;
pub use imports::{ImportRow, SourceSum};
pub use people::PersonRow;
pub use stamps::StampRow;
pub use timeline::{Buckets, CHUNK, EventWalk, LEVELS_US};
pub use topics::UnknownTopicRow;
pub use walls::WallRow;

type Result<T, E = StoreError> = std::result::Result<T, E>;

/// The open database. One thread owns it.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
}

/// The tables, inside one transaction.
#[derive(Debug)]
pub struct Tables<'c> {
    connection: &'c Connection,
}

/// Every step of the schema, in the order in which they were made. A step that was released is never changed.
const STEPS: [&str; 12] = [
    include_str!("../migrations/01-first.sql"),
    include_str!("../migrations/02-control.sql"),
    include_str!("../migrations/03-events.sql"),
    include_str!("../migrations/04-card.sql"),
    include_str!("../migrations/05-log-index.sql"),
    include_str!("../migrations/06-recording.sql"),
    include_str!("../migrations/07-walls.sql"),
    include_str!("../migrations/08-import.sql"),
    include_str!("../migrations/09-timeline.sql"),
    include_str!("../migrations/10-track.sql"),
    include_str!("../migrations/11-rights.sql"),
    include_str!("../migrations/12-stamps.sql"),
];
/// The schema that this version writes.
const NEWEST: i64 = STEPS.len() as i64;

fn migrations() -> Migrations<'static> {
    Migrations::new(STEPS.map(M::up).to_vec())
}

impl Store {
    /// Opens or makes the database at `path` and brings it to this version's schema.
    ///
    /// # Errors
    /// [`StoreError::Newer`] if a later version of Hausrecht wrote it, [`StoreError::Damaged`] if it is not a
    /// database or fails its own check; nothing is changed then.
    pub fn open(path: &Path) -> Result<Self> {
        let mut connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // A log entry that a power cut can undo would be worth nothing.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "secure_delete", true)?;
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if found > NEWEST {
            return Err(StoreError::Newer { found, known: NEWEST });
        }
        migrations().to_latest(&mut connection).map_err(|error| StoreError::Migration(error.to_string()))?;
        Ok(Self { connection })
    }

    /// Writes a copy of the database at `from`, as it is at this moment, to `to`, without the small pictures; an earlier copy there goes.
    /// Readers and writers of `from` go on meanwhile.
    ///
    /// # Errors
    /// `from` cannot be read, or `to` not be written.
    pub fn copy(from: &Path, to: &Path) -> Result<()> {
        match std::fs::remove_file(to) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(StoreError::Copy(error.to_string()));
            }
            Ok(()) | Err(_) => {}
        }
        let source = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        source.busy_timeout(std::time::Duration::from_secs(5))?;
        let target = to.to_str().ok_or_else(|| StoreError::Copy("its path is no text".into()))?;
        source.execute("VACUUM INTO ?1", [target])?;
        drop(source);
        let copy = Connection::open(to)?;
        // It is sealed next; a copy that is not finished is made anew.
        copy.pragma_update(None, "journal_mode", "OFF")?;
        copy.pragma_update(None, "synchronous", "OFF")?;
        copy.execute("UPDATE clips SET thumbnail = NULL", [])?;
        copy.execute_batch("VACUUM")?;
        Ok(())
    }

    /// Reads within one consistent snapshot.
    ///
    /// # Errors
    /// Whatever `work` returns, or a failure of the database.
    pub fn read<T, E: From<StoreError>>(
        &mut self,
        work: impl FnOnce(&Tables<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let transaction = self.connection.transaction().map_err(StoreError::from)?;
        work(&Tables { connection: &transaction })
    }

    /// Writes in one transaction: all of `work` is durable when this returns, or none of it.
    ///
    /// # Errors
    /// Whatever `work` returns, or a failure of the database; nothing is kept then.
    pub fn write<T, E: From<StoreError>>(
        &mut self,
        work: impl FnOnce(&Tables<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(StoreError::from)?;
        let value = work(&Tables { connection: &transaction })?;
        transaction.commit().map_err(StoreError::from)?;
        Ok(value)
    }

    /// Moves what was deleted out of the write-ahead log, so that erased bytes do not stay there.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn truncate_wal(&mut self) -> Result<()> {
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }
}

#[cfg(test)]
mod recording_tests;
#[cfg(test)]
mod tests;
