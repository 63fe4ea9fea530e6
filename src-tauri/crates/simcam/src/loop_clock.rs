//! The one clock that both streams and the events of a camera follow.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use hausrecht_model::{Clock, UnixMicros};

/// Counts from the camera's start; the footage begins anew every `length`.
#[derive(Clone, Debug)]
pub struct LoopClock {
    clock: Arc<dyn Clock>,
    start: Duration,
    length: Duration,
    /// How far the camera's idea of the time is off, in microseconds; the same for every copy of this clock.
    offset_us: Arc<AtomicI64>,
}

impl LoopClock {
    /// Starts at the beginning of the footage.
    pub fn start(clock: Arc<dyn Clock>, length: Duration, offset_seconds: i64) -> Self {
        let start = clock.monotonic();
        let offset_us = Arc::new(AtomicI64::new(offset_seconds.saturating_mul(1_000_000)));
        Self { clock, start, length, offset_us }
    }

    /// Time since the camera's start.
    pub fn elapsed(&self) -> Duration {
        self.clock.monotonic().saturating_sub(self.start)
    }

    /// Time into the footage, less than its length.
    pub fn position(&self) -> Duration {
        let nanos = self.elapsed().as_nanos() % self.length.as_nanos();
        Duration::from_nanos(u64::try_from(nanos).expect("less than the length of the footage"))
    }

    /// When, since the camera's start, the footage is at `position` for the first time after `elapsed`.
    pub fn next(&self, position: Duration, elapsed: Duration) -> Duration {
        let mut round = Duration::ZERO;
        if elapsed >= position {
            let rounds = (elapsed - position).as_nanos() / self.length.as_nanos() + 1;
            round = self.length * u32::try_from(rounds).unwrap_or(u32::MAX);
        }
        round + position
    }

    /// When the footage began for the first time, by the computer's clock.
    pub fn began(&self) -> UnixMicros {
        let elapsed_us = i64::try_from(self.elapsed().as_micros()).unwrap_or(i64::MAX);
        UnixMicros(self.clock.now().0.saturating_sub(elapsed_us))
    }

    /// The time that the camera believes it is.
    pub fn camera_time(&self) -> UnixMicros {
        UnixMicros(self.clock.now().0.saturating_add(self.offset_us.load(Ordering::SeqCst)))
    }

    /// Makes the camera believe that it is `now`; the footage goes on as before.
    pub fn set_camera_time(&self, now: UnixMicros) {
        self.offset_us.store(now.0.saturating_sub(self.clock.now().0), Ordering::SeqCst);
    }

    /// Makes the camera believe what the computer believes, as NTP does.
    pub fn set_right(&self) {
        self.offset_us.store(0, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use hausrecht_model::clock::ManualClock;

    use super::*;

    #[test]
    fn the_footage_begins_anew() {
        let manual = ManualClock::new(UnixMicros(5_000_000));
        let clock = LoopClock::start(Arc::new(manual.clone()), Duration::from_secs(24), -3);
        manual.advance(Duration::from_secs(50));
        assert_eq!(clock.elapsed(), Duration::from_secs(50));
        assert_eq!(clock.position(), Duration::from_secs(2));
        assert_eq!(clock.camera_time(), UnixMicros(52_000_000));
        assert_eq!(clock.began(), UnixMicros(5_000_000));
    }

    #[test]
    fn the_next_time_is_always_later() {
        let clock = LoopClock::start(Arc::new(ManualClock::new(UnixMicros(0))), Duration::from_secs(24), 0);
        let at = Duration::from_secs(3);
        for (elapsed, next) in [(0, 3), (2, 3), (3, 27), (26, 27), (27, 51), (100, 123)] {
            assert_eq!(
                clock.next(at, Duration::from_secs(elapsed)),
                Duration::from_secs(next),
                "after {elapsed}"
            );
        }
    }
}
