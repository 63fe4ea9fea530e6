//! How long to wait before a camera is tried again: longer after every failure, and never in step with others.

use std::time::Duration;

/// Pauses that double from `shortest` to `longest`, each shortened by chance so that the cameras of a house, which lose
/// their power together, are not all tried at the same moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backoff {
    shortest: Duration,
    longest: Duration,
    failures: u32,
}

impl Backoff {
    /// Starts without a failure.
    pub fn new(shortest: Duration, longest: Duration) -> Self {
        Self { shortest, longest: longest.max(shortest), failures: 0 }
    }

    /// Counts a failure and gives the pause after it: between half of its length and all of it. `chance` is random,
    /// from 0 to 1; what lies outside is cut off.
    pub fn failed(&mut self, chance: f64) -> Duration {
        let doublings = self.failures.min(30);
        self.failures = self.failures.saturating_add(1);
        let whole = self.shortest.saturating_mul(1 << doublings).min(self.longest);
        let chance = if chance.is_finite() { chance.clamp(0.0, 1.0) } else { 0.0 };
        whole.mul_f64(0.5 + chance / 2.0)
    }

    /// Forgets all failures: the camera has answered.
    pub fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// Failures since the last success.
    pub fn failures(&self) -> u32 {
        self.failures
    }
}

impl Default for Backoff {
    /// From two seconds to a minute.
    fn default() -> Self {
        Self::new(Duration::from_secs(2), Duration::from_secs(60))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_start_anew_after_a_success() {
        let mut backoff = Backoff::default();
        let pauses: Vec<u64> = (0..7).map(|_| backoff.failed(1.0).as_secs()).collect();
        assert_eq!(pauses, [2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(backoff.failures(), 7);
        backoff.succeeded();
        assert_eq!(backoff.failed(0.0), Duration::from_secs(1));
    }

    proptest! {
        #[test]
        fn pauses_stay_in_their_bounds(failures in 0_u32..100, chance in any::<f64>()) {
            let mut backoff = Backoff { failures, ..Backoff::default() };
            let pause = backoff.failed(chance);
            prop_assert!((Duration::from_secs(1)..=Duration::from_secs(60)).contains(&pause));
        }
    }
}
