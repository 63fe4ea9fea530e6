//! Hours of the week by the wall clock, in which a right holds: "Mon to Sat, 8:00 to 20:00".

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::UnixMicros;

/// Minutes of a day.
const DAY: u16 = 24 * 60;

/// The same hours of some days. They go over midnight if they end before they begin, and belong to the day on which they begin.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, specta::Type)]
pub struct Hours {
    /// From Monday on, whether it is one of the days.
    pub days: [bool; 7],
    /// Minutes after midnight, 0 to 1439.
    pub from_min: u16,
    /// Minutes after midnight, 0 to 1439; the same as `from_min`: a whole day.
    pub to_min: u16,
}

impl Hours {
    /// Whether there is a day, and whether the minutes are minutes of a day.
    pub fn is_valid(&self) -> bool {
        self.days.contains(&true) && self.from_min < DAY && self.to_min < DAY
    }

    /// Whether `at` lies within, by the wall clock of `zone`.
    pub fn contain(&self, at: UnixMicros, zone: &TimeZone) -> bool {
        let Ok(time) = Timestamp::from_microsecond(at.0) else { return false };
        let local = zone.to_datetime(time);
        let today = usize::try_from(local.weekday().to_monday_zero_offset()).unwrap_or(0) % 7;
        let yesterday = (today + 6) % 7;
        let minute = u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs());
        if self.from_min < self.to_min {
            self.days[today] && (self.from_min..self.to_min).contains(&minute)
        } else {
            (self.days[today] && minute >= self.from_min) || (self.days[yesterday] && minute < self.to_min)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> UnixMicros {
        UnixMicros(text.parse::<Timestamp>().unwrap().as_microsecond())
    }

    /// Berlin's rules, so that no table of time zones is needed.
    fn berlin() -> TimeZone {
        TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
    }

    #[test]
    fn the_wall_clock_decides() {
        let shop =
            Hours { days: [true, true, true, true, true, true, false], from_min: 8 * 60, to_min: 20 * 60 };
        for (time, open) in [
            ("2026-11-23T06:59:59.999Z", false),
            ("2026-11-23T07:00:00Z", true),
            ("2026-11-23T18:59:59Z", true),
            ("2026-11-23T19:00:00Z", false),
            ("2026-11-22T12:00:00Z", false),
            // In summer the same wall clock is another time.
            ("2026-07-20T06:00:00Z", true),
        ] {
            assert_eq!(shop.contain(at(time), &berlin()), open, "{time}");
        }
    }

    #[test]
    fn a_night_belongs_to_the_day_on_which_it_begins() {
        // The night from Friday to Saturday.
        let night =
            Hours { days: [false, false, false, false, true, false, false], from_min: 22 * 60, to_min: 360 };
        for (time, open) in [
            ("2026-11-27T20:59:00Z", false),
            ("2026-11-27T21:00:00Z", true),
            ("2026-11-28T04:59:00Z", true),
            ("2026-11-28T05:00:00Z", false),
            ("2026-11-28T22:00:00Z", false),
            ("2026-11-27T04:00:00Z", false),
        ] {
            assert_eq!(night.contain(at(time), &berlin()), open, "{time}");
        }
        let whole = Hours { days: [true; 7], from_min: 0, to_min: 0 };
        assert!(whole.contain(at("2026-11-28T05:00:00Z"), &berlin()));
        assert!(!Hours { days: [false; 7], ..whole }.is_valid());
        assert!(!Hours { to_min: 1440, ..whole }.is_valid());
    }
}
