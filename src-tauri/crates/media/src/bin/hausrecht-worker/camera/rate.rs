//! Pictures and bits a second over the last seconds.

use std::{collections::VecDeque, time::Duration};

const WINDOW: Duration = Duration::from_secs(4);
const MAX_ENTRIES: usize = 1000;

/// Counts what came lately.
#[derive(Debug, Default)]
pub(super) struct Rate {
    lately: VecDeque<(Duration, usize)>,
}

impl Rate {
    /// Notes a picture of `bytes` at `now`.
    pub(super) fn add(&mut self, now: Duration, bytes: usize) {
        self.lately.push_back((now, bytes));
        while self.lately.len() > MAX_ENTRIES
            || self.lately.front().is_some_and(|(came, _)| now.saturating_sub(*came) > WINDOW)
        {
            self.lately.pop_front();
        }
    }

    /// Pictures a second; zero before there are two.
    pub(super) fn fps(&self, now: Duration) -> f32 {
        self.over(now).map_or(0.0, |(pictures, _, span)| (pictures as f64 / span) as f32)
    }

    /// Bits a second; zero before there are two pictures.
    pub(super) fn bits_per_second(&self, now: Duration) -> u64 {
        self.over(now).map_or(0, |(_, bytes, span)| (bytes as f64 * 8.0 / span) as u64)
    }

    /// Pictures and bytes after the first one, and the seconds they took.
    fn over(&self, now: Duration) -> Option<(usize, usize, f64)> {
        let fresh = || self.lately.iter().filter(|(came, _)| now.saturating_sub(*came) <= WINDOW);
        let (first, _) = fresh().next()?;
        let (last, _) = fresh().next_back()?;
        let span = last.saturating_sub(*first);
        (!span.is_zero())
            .then(|| (fresh().count() - 1, fresh().skip(1).map(|(_, bytes)| bytes).sum(), span.as_secs_f64()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_stream_has_its_rate_and_silence_has_none() {
        let mut rate = Rate::default();
        for n in 0..200 {
            rate.add(Duration::from_millis(n * 40), 1000);
        }
        let now = Duration::from_secs(8);
        assert!((rate.fps(now) - 25.0).abs() < 0.1);
        assert_eq!(rate.bits_per_second(now), 200_000);
        assert!(rate.fps(Duration::from_secs(20)) == 0.0);
    }
}
