//! Dates as writers of files spell them.

use jiff::{Timestamp, civil::DateTime, fmt::strtime::parse as by_form};

use super::Created;

/// Spellings without a zone.
const LOCAL: [&str; 9] = [
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d/ %H:%M:%S",
    "%Y:%m:%d %H:%M:%S",
    "%a %b %d %H:%M:%S %Y",
    "%Y-%m-%d %H:%M",
    "%Y%m%d%H%M%S",
    "%d-%m-%Y %H:%M:%S",
];
/// Spellings with one.
const ZONED: [&str; 3] = ["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%d %H:%M:%S %z"];

/// Reads a date with a time; what is around it does not matter.
pub(super) fn parse(text: &str) -> Option<Created> {
    let plain = text.trim_matches(|c: char| c.is_whitespace() || c.is_control());
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Ok(time) = plain.parse::<Timestamp>() {
        return Some(Created::Zoned { unix_us: time.as_microsecond() });
    }
    let zoned = ZONED.iter().find_map(|form| by_form(form, &plain).ok()?.to_timestamp().ok());
    if let Some(time) = zoned {
        return Some(Created::Zoned { unix_us: time.as_microsecond() });
    }
    let local = LOCAL.iter().find_map(|form| by_form(form, &plain).ok()?.to_datetime().ok())?;
    Some(Created::Local { local_us: as_utc(local)? })
}

/// Microseconds since 1970 if the zone were UTC.
pub(super) fn as_utc(local: DateTime) -> Option<i64> {
    Some(local.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_microsecond())
}
