//! Which picture is shown when, and where decoding must begin for it.

use crate::clip_reader::Picture;

/// The pictures' times in the order in which they are shown; never empty.
#[derive(Debug)]
pub(super) struct Timeline {
    shown: Vec<u64>,
    /// Time and index of each key frame, ascending.
    keys: Vec<(u64, usize)>,
    duration_us: u64,
}

impl Timeline {
    /// Orders `pictures`, which stand in decode order.
    pub(super) fn new(pictures: &[Picture]) -> Self {
        let mut shown: Vec<u64> = pictures.iter().map(|picture| picture.pts_us).collect();
        shown.sort_unstable();
        shown.dedup();
        let keys =
            pictures.iter().enumerate().filter(|(_, p)| p.key).map(|(index, p)| (p.pts_us, index)).collect();
        let last = pictures.iter().max_by_key(|picture| picture.pts_us);
        let duration_us = last.map_or(0, |p| p.pts_us.saturating_add(u64::from(p.duration_us)));
        Self { shown, keys, duration_us }
    }

    /// The clip's length.
    pub(super) fn duration_us(&self) -> u64 {
        self.duration_us
    }

    /// Time of the first picture shown.
    pub(super) fn first_us(&self) -> u64 {
        self.shown.first().copied().unwrap_or(0)
    }

    /// Time of the last picture shown.
    pub(super) fn last_us(&self) -> u64 {
        self.shown.last().copied().unwrap_or(0)
    }

    /// Time of the picture that is shown at `time_us`.
    pub(super) fn at(&self, time_us: u64) -> u64 {
        let after = self.shown.partition_point(|shown| *shown <= time_us);
        self.shown.get(after.saturating_sub(1)).copied().unwrap_or(0)
    }

    /// Time of the picture that many pictures after the one shown at `from_us`; stops at both ends.
    pub(super) fn step(&self, from_us: u64, pictures: i32) -> u64 {
        let here = self.shown.partition_point(|shown| *shown <= from_us).saturating_sub(1);
        let there = here.saturating_add_signed(pictures as isize).min(self.shown.len().saturating_sub(1));
        self.shown.get(there).copied().unwrap_or(0)
    }

    /// Index of the key frame from which the picture at `target_us` is decoded.
    pub(super) fn group_of(&self, target_us: u64) -> usize {
        self.keys.iter().rev().find(|(pts_us, _)| *pts_us <= target_us).map_or(0, |(_, index)| *index)
    }

    /// Time of the key frame from which the picture at `target_us` is decoded.
    pub(super) fn group_start(&self, target_us: u64) -> u64 {
        self.keys.iter().rev().find(|(pts_us, _)| *pts_us <= target_us).map_or(0, |(pts_us, _)| *pts_us)
    }

    /// Time of the last picture shown before `time_us`, if there is one.
    pub(super) fn before(&self, time_us: u64) -> Option<u64> {
        let after = self.shown.partition_point(|shown| *shown < time_us);
        after.checked_sub(1).and_then(|index| self.shown.get(index).copied())
    }

    /// Times of the pictures from `first_us` to `last_us`, both included.
    pub(super) fn between(&self, first_us: u64, last_us: u64) -> &[u64] {
        let first = self.shown.partition_point(|shown| *shown < first_us);
        let behind = self.shown.partition_point(|shown| *shown <= last_us);
        self.shown.get(first..behind).unwrap_or_default()
    }

    /// Index of the last key frame.
    pub(super) fn last_group(&self) -> usize {
        self.keys.last().map_or(0, |(_, index)| *index)
    }

    /// Index of the first key frame at `index` or after it, shown at `from_us` or after it.
    pub(super) fn next_key(&self, index: usize, from_us: u64) -> Option<usize> {
        self.keys.iter().find(|(pts_us, key)| *key >= index && *pts_us >= from_us).map(|(_, key)| *key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pictures() -> Vec<Picture> {
        // Two groups of four in the order I P B B.
        [0, 3, 1, 2, 4, 7, 5, 6]
            .into_iter()
            .map(|n| Picture { offset: 0, size_bytes: 1, pts_us: n * 40, duration_us: 40, key: n % 4 == 0 })
            .collect()
    }

    #[test]
    fn pictures_are_found_by_time() {
        let timeline = Timeline::new(&pictures());
        assert_eq!((timeline.duration_us(), timeline.last_us()), (320, 280));
        assert_eq!([timeline.at(0), timeline.at(79), timeline.at(80), timeline.at(9999)], [0, 40, 80, 280]);
        assert_eq!([timeline.step(80, 1), timeline.step(80, -1), timeline.step(0, -5)], [120, 40, 0]);
        assert_eq!(timeline.step(80, i32::MAX), 280);
        assert_eq!([timeline.group_of(120), timeline.group_of(160), timeline.group_of(280)], [0, 4, 4]);
        assert_eq!([timeline.next_key(1, 0), timeline.next_key(0, 161)], [Some(4), None]);
    }
}
