//! When a file begins: which of the times that it tells is right.

use hausrecht_media::footage::{Created, Named, is_believable};
use hausrecht_model::UnixMicros;
use jiff::{Timestamp, tz::TimeZone};

use crate::wire::TimeFrom;

/// How far two readings of the same moment may lie apart, besides the file's length: files are dated at their end too.
const SAME_US: i64 = 300_000_000;

/// Zones differ by this.
const QUARTER_US: i64 = 900_000_000;
/// How far a clock and the beginning of a track may lie apart, both ways together.
const SEARCH_US: i64 = 600_000_000;

/// What is to be believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Told {
    pub(super) start_us: Option<UnixMicros>,
    pub(super) from: TimeFrom,
    /// What else was told, where it does not fit.
    pub(super) other_us: Option<UnixMicros>,
}

/// A time with its zone is believed before everything else. A name comes next: recorders name a file for its beginning, while what
/// stands in it may be its end, the time of an export, or the recorder's own time said to be UTC. What the satellites say is right, but it begins only
/// when they were found: of a name it says the zone.
pub(super) fn tell(
    (created, named, fixed): (Option<Created>, Option<Named>, Option<UnixMicros>),
    zone: &TimeZone,
    duration_us: i64,
    now: UnixMicros,
) -> Told {
    let by_name =
        named.and_then(|named| local(named.local_us, zone)).filter(|time| is_believable(time.0, now.0));
    if let Some(fixed) = fixed
        && !matches!(created, Some(Created::Zoned { .. }))
    {
        let start_us = named.and_then(|named| in_zone_of(named.local_us, fixed)).unwrap_or(fixed);
        return Told { start_us: Some(start_us), from: TimeFrom::Satellites, other_us: None };
    }
    let (inside, from) = match created {
        Some(Created::Zoned { unix_us }) => {
            return Told {
                start_us: Some(UnixMicros(unix_us)),
                from: TimeFrom::FileWithZone,
                other_us: None,
            };
        }
        Some(Created::Utc { unix_us }) => (Some(UnixMicros(unix_us)), TimeFrom::File),
        Some(Created::Local { local_us }) => (local(local_us, zone), TimeFrom::FileLocal),
        None => (None, TimeFrom::Nowhere),
    };
    let Some(name) = by_name else {
        let from = if inside.is_some() { from } else { TimeFrom::Nowhere };
        return Told { start_us: inside, from, other_us: None };
    };
    let near = |one: i64, other: i64| {
        one.abs_diff(other) <= duration_us.max(0).saturating_add(SAME_US).unsigned_abs()
    };
    let is_same = inside.is_none_or(|inside| near(inside.0, name.0));
    // The recorder's own time, said to be UTC: the same digits as in the name.
    let is_mislabelled = matches!((created, named), (Some(Created::Utc { unix_us }), Some(named)) if near(unix_us, named.local_us));
    let other_us = if is_same || is_mislabelled { None } else { inside };
    Told { start_us: Some(name), from: TimeFrom::Name, other_us }
}

/// What a clock showed shortly before `fixed`, in whatever zone it was; `None` if it was wrong.
fn in_zone_of(local_us: i64, fixed: UnixMicros) -> Option<UnixMicros> {
    let ahead_us = local_us.checked_sub(fixed.0)?;
    // The satellites are found some time after the beginning, rarely before it.
    let quarters = (ahead_us + SEARCH_US / 2).div_euclid(QUARTER_US);
    let rest_us = ahead_us - quarters * QUARTER_US;
    let is_zone = (-12 * 4..=14 * 4).contains(&quarters);
    (is_zone && rest_us.abs() <= SEARCH_US / 2).then_some(UnixMicros(fixed.0 + rest_us))
}

/// What a clock in `zone` showed, as a time.
fn local(local_us: i64, zone: &TimeZone) -> Option<UnixMicros> {
    let civil = Timestamp::from_microsecond(local_us).ok()?.to_zoned(TimeZone::UTC).datetime();
    Some(UnixMicros(civil.to_zoned(zone.clone()).ok()?.timestamp().as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMicros = UnixMicros(1_795_348_800_000_000);
    const HOUR_US: i64 = 3_600_000_000;

    fn told(
        created: Option<Created>,
        named_us: Option<i64>,
        zone: &str,
    ) -> (Option<i64>, TimeFrom, Option<i64>) {
        let named = named_us.map(|local_us| Named { local_us, view: None });
        let told = tell((created, named, None), &TimeZone::get(zone).unwrap(), 60_000_000, NOW);
        (told.start_us.map(|time| time.0), told.from, told.other_us.map(|time| time.0))
    }

    #[test]
    fn what_has_a_zone_is_believed_and_a_name_before_what_has_none() {
        let at = NOW.0 - 30 * HOUR_US;
        let zoned = Some(Created::Zoned { unix_us: at });
        assert_eq!(told(zoned, Some(5), "Europe/Berlin"), (Some(at), TimeFrom::FileWithZone, None));
        let utc = Some(Created::Utc { unix_us: at });
        assert_eq!(told(utc, None, "Europe/Berlin"), (Some(at), TimeFrom::File, None));
        // Berlin is an hour ahead in November: the name's 15:00 is 14:00 UTC.
        assert_eq!(told(utc, Some(at + HOUR_US), "Europe/Berlin"), (Some(at), TimeFrom::Name, None));
        // The recorder has written its own time where UTC belongs.
        assert_eq!(told(utc, Some(at), "Europe/Berlin"), (Some(at - HOUR_US), TimeFrom::Name, None));
        // Exported a day later.
        let export = Some(Created::Utc { unix_us: at + 24 * HOUR_US });
        assert_eq!(told(export, Some(at), "UTC"), (Some(at), TimeFrom::Name, Some(at + 24 * HOUR_US)));
        let local = Some(Created::Local { local_us: at });
        assert_eq!(told(local, None, "Europe/Berlin"), (Some(at - HOUR_US), TimeFrom::FileLocal, None));
    }

    #[test]
    fn satellites_say_the_zone_of_a_name() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let at = NOW.0 - 30 * HOUR_US;
        let told = |local_us: Option<i64>, fixed_us: i64| {
            let named = local_us.map(|local_us| Named { local_us, view: None });
            let told = tell((None, named, Some(UnixMicros(fixed_us))), &berlin, 60_000_000, NOW);
            assert_eq!(told.from, TimeFrom::Satellites);
            told.start_us.unwrap().0
        };
        // Seven hours behind UTC, found after twenty seconds, or before the film began.
        assert_eq!(told(Some(at - 7 * HOUR_US), at + 20_000_000), at);
        assert_eq!(told(Some(at - 7 * HOUR_US), at - 20_000_000), at);
        // A clock that was wrong, or no name.
        assert_eq!(told(Some(at - 7 * HOUR_US - 450_000_000), at), at);
        assert_eq!(told(Some(5), at), at);
        assert_eq!(told(None, at), at);
        // A time with its zone is believed all the same.
        let zoned = Some(Created::Zoned { unix_us: at });
        assert_eq!(tell((zoned, None, Some(UnixMicros(5))), &berlin, 0, NOW).start_us, Some(UnixMicros(at)));
    }

    #[test]
    fn where_nothing_is_told_it_is_asked_for() {
        assert_eq!(told(None, None, "UTC"), (None, TimeFrom::Nowhere, None));
        assert_eq!(told(None, Some(NOW.0 + 1_000 * HOUR_US), "UTC"), (None, TimeFrom::Nowhere, None));
    }
}
