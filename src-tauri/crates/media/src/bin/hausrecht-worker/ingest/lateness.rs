//! How late pictures come. A camera or a network that cannot keep up gathers them, and what is looked at is then long past though it
//! moves. The clocks of camera and computer need not agree: what counts is how much longer a picture took from one to the other than
//! the most punctual one did.
//!
//! The camera's time of a picture is that of its RTP packets. Some cameras count pictures there in place of time; what their sender
//! reports say of the time (RFC 3550, 6.4.1) corrects that, and shows it up.

use std::{collections::VecDeque, time::Duration};

/// What was punctual is remembered for this long at least, so that clocks of slightly different speed do not add up.
const REMEMBERED_PARTS: usize = 12;
const PART: Duration = Duration::from_secs(300);
/// Clocks that differ from each other by this much have been set, or never told the time.
const APART_US: i64 = 1_000_000;
/// After so many contradictions the camera's times are not believed any more.
const MAX_CONTRADICTIONS: u32 = 2;

/// Measures one connection.
#[derive(Debug)]
pub(super) struct Lateness {
    clock_rate: u32,
    /// RTP time and its unfolded form of the last picture.
    last: Option<(u32, i64)>,
    /// What the last sender report said: time of day and unfolded RTP time, both in microseconds.
    report: Option<(i64, i64)>,
    contradictions: u32,
    /// For each part of the last hour: when it began, and the shortest way, in microseconds on two different clocks.
    shortest: VecDeque<(Duration, i64)>,
}

impl Lateness {
    /// Measures a stream whose RTP time runs at `clock_rate` (in Hz).
    pub(super) fn new(clock_rate: u32) -> Self {
        Self {
            clock_rate: clock_rate.max(1),
            last: None,
            report: None,
            contradictions: 0,
            shortest: VecDeque::new(),
        }
    }

    /// Takes what a sender report says.
    pub(super) fn report(&mut self, ntp: u64, rtp_time: u32) {
        // Zero is said by those who have no clock.
        let (Some(_), false) = (self.last, ntp == 0) else { return };
        let ntp_us = i64::try_from((u128::from(ntp) * 1_000_000) >> 32).unwrap_or(i64::MAX);
        let rtp_us = self.unfold(rtp_time);
        if let Some((ntp_before, rtp_before)) = self.report {
            let contradiction = (ntp_us - ntp_before) - (rtp_us - rtp_before);
            if contradiction.abs() > APART_US {
                self.contradictions += 1;
                self.shortest.clear();
            }
        } else {
            self.shortest.clear();
        }
        self.report = Some((ntp_us, rtp_us));
    }

    /// How much later a picture of `rtp_time` that came at `came` is than the most punctual one.
    pub(super) fn of_picture(&mut self, rtp_time: u32, came: Duration) -> Duration {
        let before_us = self.last.map(|(_, unfolded)| self.to_us(unfolded));
        let rtp_us = self.unfold(rtp_time);
        if before_us.is_some_and(|before_us| rtp_us < before_us - APART_US) {
            // The camera's clock was set back; that is not lateness.
            self.shortest.clear();
            self.report = None;
        }
        self.last = Some((rtp_time, self.ticks(rtp_time)));
        if self.contradictions >= MAX_CONTRADICTIONS {
            return Duration::ZERO;
        }
        let sent_us = self.report.map_or(rtp_us, |(ntp, rtp)| ntp + (rtp_us - rtp));
        let way_us = i64::try_from(came.as_micros()).unwrap_or(i64::MAX).saturating_sub(sent_us);
        match self.shortest.back_mut() {
            Some((begun, shortest)) if came.saturating_sub(*begun) < PART => {
                *shortest = way_us.min(*shortest)
            }
            Some(_) | None => {
                self.shortest.push_back((came, way_us));
                if self.shortest.len() > REMEMBERED_PARTS {
                    self.shortest.pop_front();
                }
            }
        }
        let shortest = self.shortest.iter().map(|(_, shortest)| *shortest).min().unwrap_or(way_us);
        Duration::from_micros(u64::try_from(way_us.saturating_sub(shortest)).unwrap_or(0))
    }

    fn unfold(&self, rtp_time: u32) -> i64 {
        self.to_us(self.ticks(rtp_time))
    }

    /// The RTP time as a number that does not begin again after 2^32, nearest to the last one.
    fn ticks(&self, rtp_time: u32) -> i64 {
        let (last, unfolded) = self.last.unwrap_or((rtp_time, i64::from(rtp_time)));
        unfolded.saturating_add(i64::from(rtp_time.wrapping_sub(last).cast_signed()))
    }

    fn to_us(&self, ticks: i64) -> i64 {
        i64::try_from(i128::from(ticks) * 1_000_000 / i128::from(self.clock_rate)).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START_TICKS: u64 = u32::MAX as u64 - 900_000;
    /// Somewhere in 2026, in seconds since 1900.
    const START_NTP: u64 = 3_990_000_000;

    /// RTP time after `seconds` of the camera's clock.
    fn rtp(seconds: f64) -> u32 {
        (START_TICKS + (seconds * 90_000.0) as u64) as u32
    }

    fn ntp(seconds: f64) -> u64 {
        (START_NTP << 32) + (seconds * 4_294_967_296.0) as u64
    }

    /// The largest and the last lateness, in seconds, of pictures that the camera takes at each second up to `until`, and that
    /// are in its own words taken at `says` and come at `comes`. A report follows every fifth, if it says something.
    fn measure(
        until: u32,
        says: impl Fn(f64) -> f64,
        reports: impl Fn(f64) -> Option<f64>,
        comes: impl Fn(f64) -> f64,
    ) -> (f64, f64) {
        let mut lateness = Lateness::new(90_000);
        let (mut largest, mut last) = (0.0_f64, 0.0);
        for second in 0..until {
            let taken = f64::from(second);
            last = lateness.of_picture(rtp(says(taken)), Duration::from_secs_f64(comes(taken))).as_secs_f64();
            largest = largest.max(last);
            if let Some(told) = reports(taken).filter(|_| second % 5 == 0) {
                lateness.report(ntp(told), rtp(says(taken)));
            }
        }
        (largest, last)
    }

    #[test]
    fn growing_delay_is_measured_with_and_without_reports() {
        let (_, last) = measure(100, |t| t, |_| None, |t| 1.0 + t * 1.1);
        assert!((last - 9.9).abs() < 0.01, "{last}");
        // The first report begins anew, on the camera's time of day.
        let (_, last) = measure(100, |t| t, Some, |t| 1.0 + t * 1.1);
        assert!((last - 9.8).abs() < 0.2, "{last}");
    }

    #[test]
    fn clocks_of_different_speed_are_not_late() {
        let (largest, _) = measure(4 * 3600, |t| t * 0.9998, |_| None, |t| 1.0 + t);
        assert!(largest < 1.0, "{largest}");
    }

    #[test]
    fn a_burst_after_a_pause_is_late_no_longer_than_it_lasts() {
        let (largest, last) = measure(60, |t| t, |_| None, |t| if t < 20.0 { t } else { t.max(28.0) });
        assert!((largest - 8.0).abs() < 0.01 && last < 0.01, "{largest} {last}");
    }

    #[test]
    fn a_clock_that_is_set_is_not_late() {
        for by in [-7.0, 7.0] {
            let set = move |t: f64| if t < 30.0 { t + 100.0 } else { t + 100.0 + by };
            let (largest, _) = measure(100, set, |_| None, |t| 1.0 + t);
            assert!(largest < 0.01, "{by}: {largest}");
            let (largest, _) = measure(100, |t| t, |t| Some(set(t)), |t| 1.0 + t);
            assert!(largest < 0.01, "{by}: {largest}");
        }
    }

    #[test]
    fn a_camera_that_counts_pictures_in_place_of_time_is_not_late() {
        // Half as many pictures at night as it says: each second is told as half of one.
        let (largest, last) = measure(1000, |t| t / 2.0, Some, |t| 1.0 + t);
        assert!(largest < 3.0 && last == 0.0, "{largest} {last}");
    }

    #[test]
    fn any_numbers_are_taken() {
        let mut lateness = Lateness::new(0);
        for number in [0, u32::MAX, 1 << 31, 7, u32::MAX / 2] {
            lateness.report(u64::MAX, number);
            lateness.of_picture(number, Duration::from_secs(u64::from(number)));
            lateness.report(u64::from(number), number.wrapping_mul(3));
        }
    }
}
