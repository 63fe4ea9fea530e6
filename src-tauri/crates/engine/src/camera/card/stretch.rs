//! Stretches of time, and what is missing in them.

use hausrecht_model::UnixMicros;

/// What is shorter is not worth a connection: between two clips that follow each other there is no picture less.
pub(crate) const LEAST_US: i64 = 2_000_000;

/// From when to when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Stretch {
    pub(super) from_us: UnixMicros,
    pub(super) to_us: UnixMicros,
}

impl Stretch {
    pub(super) fn new(from_us: UnixMicros, to_us: UnixMicros) -> Self {
        Self { from_us, to_us }
    }

    /// Length, 0 if it ends before it begins. Microseconds.
    pub(super) fn length_us(self) -> i64 {
        self.to_us.0.saturating_sub(self.from_us.0).max(0)
    }

    /// What both have in common, if that is long enough.
    pub(super) fn common(self, other: Self) -> Option<Self> {
        let both = Self::new(self.from_us.max(other.from_us), self.to_us.min(other.to_us));
        (both.length_us() >= LEAST_US).then_some(both)
    }

    /// What is left of it without `have`, oldest first, as far as it is long enough.
    pub(super) fn without(self, have: &[Self]) -> Vec<Self> {
        let mut have: Vec<_> = have.to_vec();
        have.sort_by_key(|stretch| stretch.from_us);
        let mut left = Vec::new();
        let mut from_us = self.from_us;
        for stretch in have.iter().filter(|stretch| stretch.length_us() > 0) {
            left.extend(Self::new(from_us, stretch.from_us.min(self.to_us)).common(self));
            from_us = from_us.max(stretch.to_us);
        }
        left.extend(Self::new(from_us, self.to_us).common(self));
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(from: i64, to: i64) -> Stretch {
        Stretch::new(UnixMicros(from * 1_000_000), UnixMicros(to * 1_000_000))
    }

    #[test]
    fn what_is_missing_is_what_the_clips_leave() {
        let day = s(0, 100);
        assert_eq!(day.without(&[]), [day]);
        assert_eq!(day.without(&[s(50, 60), s(10, 20)]), [s(0, 10), s(20, 50), s(60, 100)]);
        assert_eq!(day.without(&[s(-10, 10), s(90, 200)]), [s(10, 90)]);
        assert_eq!(day.without(&[s(-10, 200)]), []);
        // Clips inside of others, empty ones, and ones that lie outside.
        assert_eq!(day.without(&[s(10, 80), s(20, 30), s(85, 85), s(300, 400)]), [s(0, 10), s(80, 100)]);
    }

    #[test]
    fn what_is_too_short_is_not_missing() {
        assert_eq!(s(0, 100).without(&[s(1, 50), s(51, 98)]), [s(98, 100)]);
        assert_eq!(s(0, 1).without(&[]), []);
        assert_eq!(s(0, 10).common(s(9, 20)), None);
        assert_eq!(s(0, 10).common(s(8, 20)), Some(s(8, 10)));
    }
}
