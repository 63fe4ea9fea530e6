//! The one clock of all cameras: which moment is shown, and how it moves.

use std::time::Duration;

use hausrecht_model::UnixMicros;

/// A moment that moves with the time since the computer's start, or stands.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Pace {
    at: Duration,
    shown_us: UnixMicros,
    speed: f64,
    running: bool,
}

impl Pace {
    /// Stands at a moment.
    pub(super) fn new(shown_us: UnixMicros) -> Self {
        Self { at: Duration::ZERO, shown_us, speed: 1.0, running: false }
    }

    /// The moment that is shown at `boot`.
    pub(super) fn shown(&self, boot: Duration) -> UnixMicros {
        if !self.running {
            return self.shown_us;
        }
        // It may begin in a moment only; until then it stands.
        let passed_us = boot.saturating_sub(self.at).as_micros() as f64 * self.speed;
        UnixMicros(self.shown_us.0.saturating_add(passed_us as i64))
    }

    /// Runs from `boot` on.
    pub(super) fn run(&mut self, boot: Duration) {
        (self.at, self.running) = (boot, true);
    }

    /// Stands where it is.
    pub(super) fn hold(&mut self, boot: Duration) {
        self.shown_us = self.shown(boot);
        self.running = false;
    }

    /// Shows another moment, and stands there.
    pub(super) fn jump(&mut self, to_us: UnixMicros) {
        (self.shown_us, self.running) = (to_us, false);
    }

    /// Moves faster or slower from now on, or the other way.
    pub(super) fn set_speed(&mut self, boot: Duration, speed: f64) {
        self.shown_us = self.shown(boot);
        (self.at, self.speed) = (self.at.max(boot), speed);
    }

    pub(super) fn speed(&self) -> f64 {
        self.speed
    }

    pub(super) fn is_running(&self) -> bool {
        self.running
    }

    pub(super) fn is_reversed(&self) -> bool {
        self.speed < 0.0
    }

    /// From when on which moment counts, for a player that follows. Microseconds since the computer's start.
    pub(super) fn anchor(&self) -> (u64, UnixMicros) {
        (u64::try_from(self.at.as_micros()).unwrap_or(u64::MAX), self.shown_us)
    }

    /// How long it takes to get to a moment; `None` if it lies behind.
    pub(super) fn until(&self, boot: Duration, moment_us: UnixMicros) -> Option<Duration> {
        let way_us = moment_us.0.saturating_sub(self.shown(boot).0) as f64 / self.speed;
        (way_us >= 0.0).then(|| Duration::from_micros(way_us as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn it_moves_stands_turns_and_jumps() {
        let mut pace = Pace::new(UnixMicros(10_000_000));
        assert_eq!(pace.shown(SECOND * 5), UnixMicros(10_000_000));
        pace.run(SECOND * 5);
        assert_eq!(pace.shown(SECOND * 4), UnixMicros(10_000_000), "it begins in a second");
        assert_eq!(pace.shown(SECOND * 7), UnixMicros(12_000_000));
        pace.set_speed(SECOND * 7, -4.0);
        assert_eq!(pace.shown(SECOND * 8), UnixMicros(8_000_000));
        assert_eq!(pace.anchor(), (7_000_000, UnixMicros(12_000_000)));
        pace.hold(SECOND * 8);
        assert_eq!(pace.shown(SECOND * 80), UnixMicros(8_000_000));
        pace.jump(UnixMicros(3));
        pace.run(SECOND * 80);
        assert_eq!(pace.shown(SECOND * 80), UnixMicros(3));
    }

    #[test]
    fn the_way_to_a_moment_takes_as_long_as_the_speed_says() {
        let mut pace = Pace::new(UnixMicros(10_000_000));
        assert_eq!(pace.until(SECOND, UnixMicros(14_000_000)), Some(SECOND * 4));
        pace.set_speed(SECOND, 2.0);
        assert_eq!(pace.until(SECOND, UnixMicros(14_000_000)), Some(SECOND * 2));
        assert_eq!(pace.until(SECOND, UnixMicros(9_000_000)), None);
        pace.set_speed(SECOND, -0.5);
        assert_eq!(pace.until(SECOND, UnixMicros(9_000_000)), Some(SECOND * 2));
    }
}
