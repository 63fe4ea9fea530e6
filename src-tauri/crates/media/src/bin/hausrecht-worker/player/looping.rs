//! A span that is played again and again.

/// Times of its first and its last picture; both are shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Loop {
    first_us: u64,
    last_us: u64,
}

impl Loop {
    /// A span between two times, whichever is the earlier.
    pub(super) fn new(one_us: u64, other_us: u64) -> Self {
        Self { first_us: one_us.min(other_us), last_us: one_us.max(other_us) }
    }

    /// Where the span begins for whoever plays forwards or backwards.
    pub(super) fn start(self, reversed: bool) -> u64 {
        if reversed { self.last_us } else { self.first_us }
    }

    /// Where to go instead of showing the picture at `next_us`; nowhere while it lies before the span's end.
    pub(super) fn back_to(self, next_us: u64, reversed: bool) -> Option<u64> {
        let is_over = if reversed { next_us < self.first_us } else { next_us > self.last_us };
        is_over.then(|| self.start(reversed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_left_at_its_ends_only() {
        let span = Loop::new(200, 80);
        assert_eq!(
            [span.back_to(40, false), span.back_to(200, false), span.back_to(240, false)],
            [None, None, Some(80)]
        );
        assert_eq!(
            [span.back_to(240, true), span.back_to(80, true), span.back_to(40, true)],
            [None, None, Some(200)]
        );
    }
}
