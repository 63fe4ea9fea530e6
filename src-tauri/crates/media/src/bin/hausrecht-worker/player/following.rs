//! Playing by the engine's clock: several players that are told the same moment stay in step, however late one of them begins.

use std::time::Duration;

use super::{Player, TOO_LATE_US};

impl Player {
    /// Plays so that `clip_us` is shown at `at_boot_us`, whatever is shown now.
    pub(super) fn follow(&mut self, at_boot_us: u64, clip_us: i64, factor: f64) -> anyhow::Result<()> {
        let other_pictures = self.change_speed(factor);
        self.anchor = anchor(at_boot_us, clip_us, self.speed);
        (self.following, self.playing, self.ended) = (true, true, false);
        let standing = self.standing_us();
        let ahead = if self.is_reversed() {
            standing.saturating_sub(self.ideal_us())
        } else {
            self.ideal_us().saturating_sub(standing)
        };
        // Only the pictures between this one and that of the clock are gone through; more than that would be seen.
        let is_near = self.timeline.at(self.ideal_us()) == standing || (1..=TOO_LATE_US).contains(&ahead);
        if is_near && !other_pictures && (self.shown_us.is_some() || self.wanted_us.is_some()) {
            return self.tell_position(true);
        }
        self.catch_up()
    }

    /// Goes to the picture that the clock asks for.
    pub(super) fn catch_up(&mut self) -> anyhow::Result<()> {
        self.restart_at(self.timeline.at(self.ideal_us()))?;
        self.tell_position(true)
    }
}

/// When to count from, and from which picture: never from one before the clip's first.
fn anchor(at_boot_us: u64, clip_us: i64, speed: f64) -> (Duration, u64) {
    let at = Duration::from_micros(at_boot_us);
    let Ok(clip_us) = u64::try_from(clip_us) else {
        let away_us = clip_us.unsigned_abs() as f64 / speed.abs();
        return if speed > 0.0 {
            (at + Duration::from_micros(away_us as u64), 0)
        } else {
            // Backwards the clip was over before.
            (at.saturating_sub(Duration::from_micros(away_us as u64)), 0)
        };
    };
    (at, clip_us)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clip_that_comes_later_is_counted_from_its_beginning() {
        let second = Duration::from_secs(1);
        assert_eq!(anchor(5_000_000, 40_000, 1.0), (second * 5, 40_000));
        assert_eq!(anchor(5_000_000, -3_000_000, 1.0), (second * 8, 0));
        assert_eq!(anchor(5_000_000, -3_000_000, 0.5), (second * 11, 0));
        assert_eq!(anchor(5_000_000, -3_000_000, -3.0), (second * 4, 0));
        assert_eq!(anchor(1_000_000, i64::MIN, -0.125), (Duration::ZERO, 0));
    }
}
