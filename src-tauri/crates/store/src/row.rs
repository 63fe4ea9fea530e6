//! How ids and times stand in columns.

use std::{fmt::Display, str::FromStr};

use hausrecht_model::UnixMicros;
use rusqlite::{Row, types::Type};

pub(crate) fn conversion(column: usize, text: String) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, text.into())
}

/// Reads a column that holds the text form of `T`.
pub(crate) fn parsed<T: FromStr<Err: Display>>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    text.parse().map_err(|error: T::Err| conversion(column, error.to_string()))
}

/// The same for a column that may be NULL.
pub(crate) fn parsed_opt<T: FromStr<Err: Display>>(
    row: &Row<'_>,
    column: usize,
) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| text.parse().map_err(|error: T::Err| conversion(column, error.to_string()))).transpose()
}

pub(crate) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<UnixMicros> {
    row.get(column).map(UnixMicros)
}

pub(crate) fn time_opt(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<UnixMicros>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(UnixMicros))
}

/// Reads an unsigned number; SQLite's are signed.
pub(crate) fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| conversion(column, format!("{value} is negative")))
}

/// Writes an unsigned number; those of a vault stay far below 2^63.
pub(crate) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(crate) fn hash(row: &Row<'_>, column: usize) -> rusqlite::Result<[u8; 32]> {
    let bytes: Vec<u8> = row.get(column)?;
    bytes.try_into().map_err(|_| conversion(column, "a hash has 32 bytes".to_owned()))
}

/// `LIKE`-free placeholder list for `count` values: `?,?,?`.
pub(crate) fn placeholders(count: usize) -> String {
    let mut text = "?,".repeat(count);
    text.pop();
    text
}
