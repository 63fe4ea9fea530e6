//! What can go wrong with the database.

use rusqlite::ErrorCode;

/// Why the database could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A later version of Hausrecht wrote this database.
    #[error(
        "the database has schema {found}, this version of Hausrecht knows up to {known}: start the newer version again, \
         or restore the copy that was made before it; nothing was changed"
    )]
    Newer {
        /// Its schema.
        found: i64,
        /// The newest that is known here.
        known: i64,
    },
    /// The file is not a database, or its content contradicts itself.
    #[error(
        "the database is damaged ({0}): put back a backup of the data folder; the clips are separate files and stay"
    )]
    Damaged(String),
    /// The disk is full.
    #[error(
        "the disk is full: the database could not be written; make room, nothing that was stored is lost"
    )]
    DiskFull,
    /// The folder or file may not be written.
    #[error("the database may not be written ({0}): check the rights on the data folder")]
    NotWritable(String),
    /// The schema could not be brought up to date.
    #[error("the database could not be brought to this version's schema: {0}")]
    Migration(String),
    /// The database could not be copied.
    #[error("the database could not be copied: {0}")]
    Copy(String),
    /// A stored value cannot be read back.
    #[error("the database holds a value that cannot be read: {0}")]
    Value(String),
    /// Anything else that SQLite reports.
    #[error("database: {0}")]
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull,
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Self::Damaged(error.to_string()),
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::NotWritable(error.to_string())
            }
            Some(_) | None => {
                if let rusqlite::Error::FromSqlConversionFailure(_, _, cause) = error {
                    Self::Value(cause.to_string())
                } else {
                    Self::Sqlite(error)
                }
            }
        }
    }
}
