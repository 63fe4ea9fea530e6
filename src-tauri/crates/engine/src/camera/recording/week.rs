//! The week's plan: seven days of half hours by the wall clock. Where that is set forward, cells are left out; where it is
//! set back, they hold twice.

use hausrecht_model::UnixMicros;
use jiff::{Timestamp, tz::TimeZone};

use crate::wire::RecordMode;

/// Days, and half hours of each.
const DAYS: usize = 7;
const CELLS: usize = 48;

/// Whether a week has seven days of 48 half hours.
pub(crate) fn is_week(week: &[Vec<RecordMode>]) -> bool {
    week.len() == DAYS && week.iter().all(|day| day.len() == CELLS)
}

/// What the plan says of a moment. A plan that says nothing of it lets everything be recorded.
pub(super) fn mode_at(week: &[Vec<RecordMode>], at: UnixMicros, zone: &TimeZone) -> RecordMode {
    let Ok(time) = Timestamp::from_microsecond(at.0) else { return RecordMode::Always };
    let local = zone.to_datetime(time);
    let day = usize::try_from(local.weekday().to_monday_zero_offset()).unwrap_or(0);
    let half = usize::from(local.minute() >= 30);
    let cell = usize::try_from(local.hour()).unwrap_or(0) * 2 + half;
    week.get(day).and_then(|cells| cells.get(cell)).copied().unwrap_or_default()
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

    fn always() -> Vec<Vec<RecordMode>> {
        vec![vec![RecordMode::Always; CELLS]; DAYS]
    }

    #[test]
    fn the_wall_clock_decides_in_half_hours() {
        let mut week = always();
        // Monday, 8:00 to 8:30.
        week[0][16] = RecordMode::Off;
        for (time, mode) in [
            ("2026-11-23T06:59:59.999Z", RecordMode::Always),
            ("2026-11-23T07:00:00Z", RecordMode::Off),
            ("2026-11-23T07:29:59.999Z", RecordMode::Off),
            ("2026-11-23T07:30:00Z", RecordMode::Always),
            ("2026-11-22T07:00:00Z", RecordMode::Always),
            // In summer the same wall clock is another time.
            ("2026-07-20T06:00:00Z", RecordMode::Off),
            ("2026-07-20T07:00:00Z", RecordMode::Always),
        ] {
            assert_eq!(mode_at(&week, at(time), &berlin()), mode, "{time}");
        }
        week[6][47] = RecordMode::Events;
        assert_eq!(
            mode_at(&week, at("2026-11-22T22:45:00Z"), &berlin()),
            RecordMode::Events,
            "Sunday, 23:45"
        );
    }

    #[test]
    fn an_hour_that_comes_twice_holds_twice_and_one_that_is_left_out_not_at_all() {
        let mut week = always();
        // Sunday, 2:00 to 2:30.
        week[6][4] = RecordMode::Off;
        let off = |time: &str| mode_at(&week, at(time), &berlin()) == RecordMode::Off;
        // 25 October 2026: three o'clock becomes two.
        assert!(off("2026-10-25T00:10:00Z") && off("2026-10-25T01:10:00Z"));
        assert!(!off("2026-10-25T00:40:00Z") && !off("2026-10-25T02:10:00Z"));
        // 29 March 2026: two o'clock becomes three.
        assert!(!off("2026-03-29T00:59:00Z") && !off("2026-03-29T01:00:00Z"));
    }

    #[test]
    fn a_week_has_seven_days_of_forty_eight_cells() {
        assert!(is_week(&always()));
        assert!(!is_week(&always()[1..]));
        let mut short = always();
        short[3].pop();
        assert!(!is_week(&short));
    }
}
