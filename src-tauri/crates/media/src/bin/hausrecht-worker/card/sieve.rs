//! Which of the pictures that a camera sends are wanted: each of the span once, however often the session is lost, wherever the
//! camera begins, and whatever times it tells.

/// Times this near are the same picture: RTSP has milliseconds.
const SAME_US: i64 = 1_000;
/// A camera that begins this much before the time that was asked for does not go by it.
const ELSEWHERE_US: i64 = 120_000_000;
/// Pictures that come after a key frame are not taken before it by more than this.
const LEADING_US: i64 = 2_000_000;
/// The most pictures after a key frame that are remembered.
const MAX_GROUP: usize = 10_000;

/// What becomes of a picture.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// It is left out.
    Skip,
    /// It is wanted, and follows the one before.
    Take,
    /// It is wanted, and begins anew after a gap: a key frame.
    TakeAfterGap,
    /// Neither it nor anything after it is wanted.
    End,
    /// The camera does not go by the time that was asked for.
    Elsewhere,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    /// A key frame is waited for.
    Begin,
    /// Pictures follow each other.
    Within,
    /// The current group comes again.
    Again,
}

/// See the module. All times are in microseconds, by the camera's clock.
#[derive(Debug)]
pub(super) struct Sieve {
    asked_us: i64,
    first_us: i64,
    until_us: i64,
    place: Place,
    /// Times of the last key frame and of what came after it, in that order.
    group: Vec<i64>,
    newest_us: Option<i64>,
    /// From one picture to the next.
    usual_us: Option<i64>,
}

impl Sieve {
    /// Lets through what was taken from `first_us` on, up to `until_us`, of what comes after `asked_us` was asked for.
    pub(super) fn new(asked_us: i64, first_us: i64, until_us: i64) -> Self {
        Self {
            asked_us,
            first_us,
            until_us,
            place: Place::Begin,
            group: Vec::new(),
            newest_us: None,
            usual_us: None,
        }
    }

    /// What to ask for after the session was lost: the key frame without which what is missing cannot be decoded.
    pub(super) fn resume_us(&self) -> i64 {
        self.group
            .first()
            .copied()
            .or_else(|| self.newest_us.map(|newest| newest + 1))
            .unwrap_or(self.asked_us)
    }

    /// What comes next comes from a new session, which was asked for [`Self::resume_us`].
    pub(super) fn resume(&mut self) {
        self.asked_us = self.resume_us();
        self.place = if self.group.is_empty() { Place::Begin } else { Place::Again };
    }

    /// Whether anything has been let through.
    pub(super) fn begun(&self) -> bool {
        self.newest_us.is_some()
    }

    /// Judges the next picture.
    pub(super) fn judge(&mut self, at_us: i64, key: bool, discontinuous: bool) -> Verdict {
        if at_us >= self.until_us {
            return Verdict::End;
        }
        if self.place != Place::Within && at_us < self.asked_us.saturating_sub(ELSEWHERE_US) {
            return Verdict::Elsewhere;
        }
        match self.place {
            Place::Begin => self.begin(at_us, key),
            Place::Again => self.again(at_us, key),
            Place::Within => self.within(at_us, key, discontinuous),
        }
    }

    fn begin(&mut self, at_us: i64, key: bool) -> Verdict {
        let fresh = self.newest_us.is_none_or(|newest| at_us > newest);
        if !key || at_us < self.first_us || !fresh {
            return Verdict::Skip;
        }
        let verdict = if self.begun() { Verdict::TakeAfterGap } else { Verdict::Take };
        self.take(at_us, key);
        verdict
    }

    fn again(&mut self, at_us: i64, key: bool) -> Verdict {
        let same = self.group.first().is_some_and(|first| first.abs_diff(at_us) <= SAME_US.unsigned_abs());
        if key && same {
            self.place = Place::Within;
            return Verdict::Skip;
        }
        let since_us = self.newest_us.map_or(0, |newest| at_us.saturating_sub(newest));
        if !key || since_us <= 0 {
            return Verdict::Skip;
        }
        let follows = self.usual_us.is_some_and(|usual| since_us <= usual + usual / 2);
        self.take(at_us, key);
        if follows { Verdict::Take } else { Verdict::TakeAfterGap }
    }

    fn within(&mut self, at_us: i64, key: bool, discontinuous: bool) -> Verdict {
        let first = self.group.first().copied().unwrap_or(at_us);
        let newest = self.newest_us.unwrap_or(at_us);
        let since_us = at_us.saturating_sub(newest);
        if key && since_us <= 0 {
            // Its time goes back: what is newer than all before is waited for.
            self.place = Place::Again;
            return Verdict::Skip;
        }
        let known = self.group.iter().rev().any(|known| known.abs_diff(at_us) <= SAME_US.unsigned_abs());
        if !key && (known || at_us < first.saturating_sub(LEADING_US)) {
            return Verdict::Skip;
        }
        if self.is_gap(since_us, discontinuous) {
            self.usual_us = None;
            if !key {
                self.group.clear();
                self.place = Place::Begin;
                return Verdict::Skip;
            }
            self.take(at_us, key);
            return Verdict::TakeAfterGap;
        }
        if since_us > 0 {
            self.usual_us = Some(since_us);
        }
        self.take(at_us, key);
        Verdict::Take
    }

    /// Whether so long a time without a picture is one without a recording. Some recordings have a picture in many seconds.
    fn is_gap(&self, since_us: i64, discontinuous: bool) -> bool {
        match (self.usual_us, discontinuous) {
            (Some(usual), true) => since_us > 500_000.max(usual.saturating_mul(2)),
            (Some(usual), false) => since_us > 1_500_000.max(usual.saturating_mul(4)),
            (None, true) => since_us > 1_500_000,
            (None, false) => since_us > 10_000_000,
        }
    }

    fn take(&mut self, at_us: i64, key: bool) {
        self.place = Place::Within;
        if key {
            self.group.clear();
        }
        if self.group.len() < MAX_GROUP {
            self.group.push(at_us);
        }
        self.newest_us = Some(self.newest_us.map_or(at_us, |newest| newest.max(at_us)));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PICTURE_US: i64 = 40_000;

    /// Key frames every ten pictures, two of which come out of order, and none in a second and more from picture 35 on.
    fn recorded() -> Vec<(i64, bool, bool)> {
        let time = |n: i64| n * PICTURE_US + if n >= 35 { 61_000_000 } else { 0 };
        let mut pictures: Vec<_> =
            (0..100).filter(|n| !(35..40).contains(n)).map(|n| (time(n), n % 10 == 0, n == 40)).collect();
        for at in (4..90).step_by(10).filter(|at| !(30..40).contains(at)) {
            pictures.swap(at, at + 1);
        }
        pictures
    }

    /// What comes through, when the camera begins with the key frame at or before what is asked for, or with the one after it.
    fn through(sieve: &mut Sieve, sent: usize, before: bool) -> (Vec<i64>, usize, bool) {
        let asked = sieve.asked_us;
        let recorded = recorded();
        let keys = || recorded.iter().enumerate().filter(|(_, (_, key, _))| *key);
        let first = if before {
            keys().rfind(|(_, (at, ..))| *at <= asked).map(|(n, _)| n).or(Some(0))
        } else {
            keys().find(|(_, (at, ..))| *at >= asked).map(|(n, _)| n)
        };
        let (mut out, mut gaps) = (Vec::new(), 0);
        let Some(first) = first else { return (out, gaps, false) };
        for &(at_us, key, discontinuous) in recorded[first..].iter().take(sent) {
            match sieve.judge(at_us, key, discontinuous) {
                Verdict::Skip => {}
                Verdict::Take => out.push(at_us),
                Verdict::TakeAfterGap => {
                    assert!(key);
                    gaps += 1;
                    out.push(at_us);
                }
                Verdict::End => return (out, gaps, true),
                Verdict::Elsewhere => panic!("{at_us} was not asked for"),
            }
        }
        (out, gaps, false)
    }

    proptest! {
        #[test]
        fn every_picture_comes_once_however_often_the_session_is_lost(
            from in 0_i64..90, cuts in proptest::collection::vec(1_usize..60, 0..8), before: bool,
        ) {
            let recorded = recorded();
            let from_us = recorded[usize::try_from(from).unwrap().min(recorded.len() - 1)].0;
            let mut sieve = Sieve::new(from_us, from_us, i64::MAX);
            let (mut out, mut gaps) = (Vec::new(), 0);
            for sent in cuts.into_iter().chain([1_000]) {
                let (more, more_gaps, _) = through(&mut sieve, sent, before);
                out.extend(more);
                gaps += more_gaps;
                sieve.resume();
            }
            let first = recorded.iter().position(|(at, key, _)| *key && *at >= from_us);
            let wanted: Vec<_> = first.map_or(Vec::new(), |first| recorded[first..].iter().map(|(at, ..)| *at).collect());
            prop_assert_eq!(gaps, usize::from(wanted.first().is_some_and(|first| *first < 35 * PICTURE_US)));
            prop_assert_eq!(out, wanted);
        }

        #[test]
        fn no_times_make_it_fail_or_let_a_picture_through_twice(
            pictures in proptest::collection::vec((any::<i64>(), any::<bool>(), any::<bool>()), 0..60),
        ) {
            let mut sieve = Sieve::new(0, 0, 1_000_000_000);
            for (at_us, key, discontinuous) in pictures {
                sieve.judge(at_us, key, discontinuous);
                let again = sieve.judge(at_us, key, discontinuous);
                prop_assert!(!matches!(again, Verdict::Take | Verdict::TakeAfterGap));
            }
        }
    }

    #[test]
    fn it_ends_with_the_span_and_notices_a_camera_that_begins_elsewhere() {
        let mut sieve = Sieve::new(0, 0, 20 * PICTURE_US);
        let (out, gaps, ended) = through(&mut sieve, 1_000, false);
        assert_eq!((out.len(), gaps, ended), (20, 0, true));
        let mut sieve = Sieve::new(3_600_000_000, 3_600_000_000, i64::MAX);
        assert_eq!(sieve.judge(0, true, false), Verdict::Elsewhere);
        assert_eq!(sieve.judge(3_599_000_000, true, false), Verdict::Skip);
    }

    #[test]
    fn a_recording_of_few_pictures_has_no_gaps() {
        let mut sieve = Sieve::new(0, 0, i64::MAX);
        for n in 0..20 {
            assert_eq!(sieve.judge(n * 5_000_000, true, false), Verdict::Take, "{n}");
        }
        assert_eq!(sieve.judge(200_000_000, true, false), Verdict::TakeAfterGap);
    }
}
