//! How late a stream is, from how late each picture came: one late picture is nothing, all of some seconds are.

use std::{collections::VecDeque, time::Duration};

/// Pictures of this long are looked at together.
const WINDOW: Duration = Duration::from_secs(3);
const MAX_ENTRIES: usize = 400;
/// Below this, a stream is punctual.
const SLIGHT: Duration = Duration::from_millis(500);
/// From this on it is told at once.
const TELLING: Duration = Duration::from_secs(3);
/// From this on, for as long as that, the stream is fetched anew, which brings the present back.
const TOO_LATE: Duration = Duration::from_secs(5);
const TOO_LATE_FOR: Duration = Duration::from_secs(5);
/// A stream that becomes late again, or only seems to be, is fetched anew after twice the time each.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// The delay of one stream.
#[derive(Debug, Default)]
pub(super) struct Delay {
    lately: VecDeque<(Duration, Duration)>,
    too_late_since: Option<Duration>,
    /// When it was last fetched anew, and how long it stays as it is after that.
    renewed: Option<(Duration, Duration)>,
    told: bool,
}

impl Delay {
    /// Notes that a picture came `late` at `now`.
    pub(super) fn add(&mut self, now: Duration, late: Duration) {
        self.lately.push_back((now, late));
        while self.lately.len() > MAX_ENTRIES
            || self.lately.front().is_some_and(|(came, _)| now.saturating_sub(*came) > WINDOW)
        {
            self.lately.pop_front();
        }
        if late < TOO_LATE {
            self.too_late_since = None;
        } else {
            self.too_late_since.get_or_insert(now);
        }
    }

    /// Forgets the pictures, for a new connection brings others.
    pub(super) fn begin_anew(&mut self) {
        self.lately.clear();
        self.too_late_since = None;
    }

    /// How late the least late picture of the last seconds was, in milliseconds; 0 for next to nothing.
    pub(super) fn ms(&self) -> u32 {
        let least = self.lately.iter().map(|(_, late)| *late).min().unwrap_or(Duration::ZERO);
        if least < SLIGHT { 0 } else { u32::try_from(least.as_millis()).unwrap_or(u32::MAX) }
    }

    /// Whether it has become late, or punctual, since this was last asked.
    pub(super) fn has_turned(&mut self) -> bool {
        let late = u128::from(self.ms()) >= TELLING.as_millis();
        std::mem::replace(&mut self.told, late) != late
    }

    /// Whether the stream must be fetched anew at `now`; if so, that is taken as done.
    pub(super) fn must_be_renewed(&mut self, now: Duration) -> bool {
        let lasting = self.too_late_since.is_some_and(|since| now.saturating_sub(since) >= TOO_LATE_FOR);
        let pause = match self.renewed {
            Some((at, pause)) if now.saturating_sub(at) < pause => return false,
            // It was punctual for long; what happens now is another matter.
            Some((at, pause)) if now.saturating_sub(at) < pause + LONGEST_PAUSE => pause * 2,
            Some(_) | None => FIRST_PAUSE,
        };
        if lasting {
            self.renewed = Some((now, pause.min(LONGEST_PAUSE)));
            self.begin_anew();
        }
        lasting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_stream_is_renewed_ever_more_rarely() {
        let mut delay = Delay::default();
        let mut renewed = Vec::new();
        for second in 0..4 * 3600 {
            let now = Duration::from_secs(second);
            delay.add(now, Duration::from_secs(6));
            if delay.must_be_renewed(now) {
                renewed.push(second);
            }
        }
        assert_eq!(renewed[..5], [5, 65, 185, 425, 905]);
        assert!(renewed.windows(2).all(|pair| (60..=3600).contains(&(pair[1] - pair[0]))), "{renewed:?}");
        assert!(renewed.len() <= 10, "{renewed:?}");
    }

    #[test]
    fn one_late_picture_is_nothing() {
        let mut delay = Delay::default();
        for tenth in 0..600 {
            let now = Duration::from_millis(tenth * 100);
            delay.add(now, Duration::from_secs(if tenth % 20 == 0 { 0 } else { 30 }));
            assert!(!delay.must_be_renewed(now) && delay.ms() == 0 && !delay.has_turned());
        }
        for tenth in 600..640 {
            delay.add(Duration::from_millis(tenth * 100), Duration::from_secs(4));
        }
        assert_eq!(delay.ms(), 4000);
        assert!(delay.has_turned() && !delay.has_turned());
    }
}
