//! How results are printed: tables for people, JSON for programs, failures on standard error.

use std::{io::Write, process::ExitCode};

use hausrecht_engine::wire::{Error, ErrorCode};
use hausrecht_model::UnixMicros;

/// Changed log or clip.
pub(crate) const CHANGED: u8 = 3;
const WRONG_PASSPHRASE: u8 = 4;

/// Prints why it failed, and says so to the shell.
pub(crate) fn fail(error: &anyhow::Error) -> ExitCode {
    let code = error.downcast_ref::<Error>().map(|error| error.code);
    // Nothing can be done if standard error is closed.
    let _ = writeln!(std::io::stderr(), "hausrecht: {error:#}");
    ExitCode::from(match code {
        Some(ErrorCode::WrongPassphrase) => WRONG_PASSPHRASE,
        Some(ErrorCode::ClipChanged | ErrorCode::ClipCut | ErrorCode::ClipMissing) => CHANGED,
        Some(_) | None => 1,
    })
}

/// Prints lines to standard output; a reader that stops reading, such as `head`, is no failure.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

pub(crate) fn json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    print(&format!("{}\n", serde_json::to_string_pretty(value)?))
}

/// Prints a table, columns as wide as their widest cell.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> anyhow::Result<()> {
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .chain([head[column].chars().count()])
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<_> = (0..head.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let padded: Vec<_> =
            cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!("{}\n", padded.join("  ").trim_end())
    };
    let mut text = line(head.to_vec());
    for row in rows {
        text += &line(row.iter().map(String::as_str).collect());
    }
    print(&text)
}

/// A time as people here write it: local, to the second.
pub(crate) fn local(time: UnixMicros) -> String {
    jiff::Timestamp::from_microsecond(time.0).map_or_else(
        |_| time.0.to_string(),
        |time| time.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
    )
}

/// Reads a time as people type it: a date, a date with time, or RFC 3339 with a zone.
pub(crate) fn parse_time(text: &str) -> anyhow::Result<UnixMicros> {
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Ok(UnixMicros(time.as_microsecond()));
    }
    let civil = text.parse::<jiff::civil::DateTime>().map_err(|_| {
        anyhow::anyhow!("“{text}” is not a time: write 2026-05-01, 2026-05-01T14:30 or 2026-05-01T14:30:00Z")
    })?;
    let zoned = civil.to_zoned(jiff::tz::TimeZone::system())?;
    Ok(UnixMicros(zoned.timestamp().as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_type_them() {
        assert_eq!(parse_time("1970-01-01T00:00:01Z").unwrap().0, 1_000_000);
        assert!(parse_time("2026-05-01").is_ok());
        assert!(parse_time("2026-05-01T14:30").is_ok());
        assert!(parse_time("yesterday-ish").is_err());
    }
}
