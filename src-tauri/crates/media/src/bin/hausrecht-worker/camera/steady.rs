//! Times of pictures that can be recorded and shown whatever the camera's clock does: it is followed as long as it goes forward
//! about as fast as pictures come, and otherwise stepped over.

use std::time::Duration;

/// Reordered pictures go back by less than this.
const BACK_US: i64 = 1_500_000;
/// The stream's clock may run ahead of the arrivals by less than this.
const AHEAD_US: i64 = 3_000_000;
/// So many pictures in no time at all, over a second, have no times.
const JUDGED_PICTURES: u32 = 50;
const JUDGED_US: i64 = 50_000;
const JUDGED_FOR: Duration = Duration::from_secs(1);
/// What lies between two pictures at least where their own times say nothing.
const LEAST_US: i64 = 1_000;

/// The clock of one connection.
#[derive(Debug, Default)]
pub(super) struct Steady {
    last: Option<Last>,
    /// What is added to the camera's times.
    shift_us: i64,
    judged_from: Option<(i64, Duration)>,
    judged: u32,
    /// The camera's times are of no use; those of arrival stand for them.
    stands_still: bool,
}

#[derive(Clone, Copy, Debug)]
struct Last {
    given_us: i64,
    out_us: i64,
    came: Duration,
}

impl Steady {
    /// The time of a picture that the camera says is of `given_us`, and that came at `came` on the monotonic clock.
    pub(super) fn time(&mut self, given_us: u64, came: Duration) -> u64 {
        let given_us = i64::try_from(given_us).unwrap_or(i64::MAX);
        let out_us = match self.last {
            None => given_us,
            Some(last) => self.next(last, given_us, came),
        };
        self.last = Some(Last { given_us, out_us, came });
        u64::try_from(out_us).unwrap_or(0)
    }

    fn next(&mut self, last: Last, given_us: i64, came: Duration) -> i64 {
        let passed_us = i64::try_from(came.saturating_sub(last.came).as_micros()).unwrap_or(i64::MAX);
        let continued_us = last.out_us.saturating_add(passed_us.max(LEAST_US));
        self.judge(given_us, came);
        if self.stands_still {
            return continued_us;
        }
        let moved_us = given_us.saturating_sub(last.given_us);
        if moved_us < -BACK_US || moved_us.saturating_sub(passed_us) > AHEAD_US {
            self.shift_us = continued_us.saturating_sub(given_us);
        }
        given_us.saturating_add(self.shift_us)
    }

    /// Looks whether the camera's clock moves at all.
    fn judge(&mut self, given_us: i64, came: Duration) {
        let (from_us, since) = *self.judged_from.get_or_insert((given_us, came));
        self.judged += 1;
        if self.judged < JUDGED_PICTURES {
            return;
        }
        let moved_us = given_us.saturating_sub(from_us);
        self.stands_still |= moved_us.abs() < JUDGED_US && came.saturating_sub(since) > JUDGED_FOR;
        self.judged_from = None;
        self.judged = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PICTURE_US: u64 = 40_000;

    /// Times that come out for pictures which come every 40 ms.
    fn times(given_us: impl Fn(u64) -> u64) -> Vec<u64> {
        let mut steady = Steady::default();
        (0..200).map(|n| steady.time(given_us(n), Duration::from_micros(n * PICTURE_US))).collect()
    }

    #[test]
    fn a_good_clock_is_left_alone() {
        let reordered = |n: u64| 10_000_000 + (n / 4 * 4 + [0, 3, 1, 2][(n % 4) as usize]) * PICTURE_US;
        assert_eq!(times(reordered), (0..200).map(reordered).collect::<Vec<_>>());
    }

    #[test]
    fn jumps_are_stepped_over() {
        for jump in [-90_000_000_i64, -3_000_000, 3_600_000_000] {
            let given =
                |n: u64| (100_000_000 + n * PICTURE_US).saturating_add_signed(if n < 60 { 0 } else { jump });
            let expected: Vec<u64> = (0..200).map(|n| 100_000_000 + n * PICTURE_US).collect();
            assert_eq!(times(given), expected, "a jump by {jump} µs");
        }
    }

    #[test]
    fn a_clock_that_stands_still_gives_way_to_the_arrivals() {
        let out = times(|_| 10_000_000);
        assert_eq!(out[199] - out[100], 99 * PICTURE_US);
    }

    #[test]
    fn what_comes_late_in_a_burst_keeps_its_times() {
        let mut steady = Steady::default();
        // Nothing comes for eight seconds, then all of it at once.
        let came = |n: u64| Duration::from_micros(if n < 50 { n * PICTURE_US } else { 10_000_000 + n * 100 });
        for n in 0..200 {
            assert_eq!(steady.time(n * PICTURE_US, came(n)), n * PICTURE_US);
        }
    }
}
