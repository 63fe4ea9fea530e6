//! Playing backwards. A decoder only goes forwards: so some pictures before the one that is shown are decoded from their key frame
//! on, kept, and shown last first, while those before them are being decoded.

use gstreamer as gst;

use super::timeline::Timeline;

/// What kept pictures may take; there are twice as many, those being shown and those being decoded.
const KEPT_BYTES: usize = 48 * 1024 * 1024;
const KEPT_LEAST: usize = 4;
const KEPT_MOST: usize = 60;

/// How many pictures of so many pixels are decoded at once.
pub(super) fn kept(width: u32, height: u32) -> usize {
    let bytes = (width as usize * height as usize * 4).max(1);
    (KEPT_BYTES / bytes).clamp(KEPT_LEAST, KEPT_MOST)
}

/// Pictures that are being decoded.
#[derive(Debug)]
pub(super) struct Backwards {
    /// Times of the pictures that are wanted, in the order in which they are shown forwards.
    wanted: Vec<u64>,
    came: Vec<(u64, gst::Sample)>,
}

impl Backwards {
    /// The pictures to be decoded so that those before `before_us` can be shown: at most `most`, all from the same key frame on.
    /// None at the beginning of the clip.
    pub(super) fn before(timeline: &Timeline, before_us: u64, most: usize) -> Option<Self> {
        let last_us = timeline.before(before_us)?;
        let first_us = timeline.group_start(last_us);
        let wanted = timeline.between(first_us, last_us);
        let skipped = wanted.len().saturating_sub(most);
        Some(Self { wanted: wanted[skipped..].to_vec(), came: Vec::new() })
    }

    /// The last key frame before `before_us` that is shown at `ideal_us` or before it, or else the first one there is.
    pub(super) fn key_before(timeline: &Timeline, before_us: u64, ideal_us: u64) -> Option<Self> {
        let last_us = timeline.before(before_us)?;
        let key_us = timeline.group_start(last_us.min(ideal_us.max(timeline.first_us())));
        Some(Self { wanted: vec![key_us], came: Vec::new() })
    }

    /// Time of the first picture that is wanted.
    pub(super) fn first_us(&self) -> u64 {
        self.wanted.first().copied().unwrap_or(0)
    }

    /// Takes a picture; one that is not wanted is dropped.
    pub(super) fn take(&mut self, pts_us: u64, sample: gst::Sample) {
        if self.wanted.binary_search(&pts_us).is_ok() {
            self.came.push((pts_us, sample));
        }
    }

    /// Whether all that is wanted is there.
    pub(super) fn is_whole(&self) -> bool {
        self.came.len() >= self.wanted.len()
    }

    /// The pictures, in the order in which they are to be shown.
    pub(super) fn into_shown(mut self) -> Vec<(u64, gst::Sample)> {
        self.came.sort_by_key(|(pts_us, _)| std::cmp::Reverse(*pts_us));
        self.came
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clip_reader::Picture;

    fn timeline() -> Timeline {
        // Groups of six pictures.
        let pictures: Vec<Picture> = (0..18)
            .map(|n| Picture { offset: 0, size_bytes: 1, pts_us: n * 40, duration_us: 40, key: n % 6 == 0 })
            .collect();
        Timeline::new(&pictures)
    }

    #[test]
    fn a_clip_is_gone_through_backwards_without_missing_a_picture() {
        let timeline = timeline();
        for most in [1, 4, 6, 100] {
            let (mut before_us, mut all) = (timeline.last_us() + 1, Vec::new());
            while let Some(part) = Backwards::before(&timeline, before_us, most) {
                assert!(part.wanted.len() <= most);
                before_us = part.first_us();
                all.extend(part.wanted.iter().rev().copied());
            }
            assert_eq!(all, (0..18).rev().map(|n| n * 40).collect::<Vec<u64>>());
        }
    }

    #[test]
    fn key_frames_alone_are_skipped_as_the_pace_asks() {
        let timeline = timeline();
        let key = |before, ideal| Backwards::key_before(&timeline, before, ideal).map(|part| part.first_us());
        assert_eq!(key(680, 680), Some(480));
        assert_eq!(key(480, 470), Some(240));
        assert_eq!(key(480, 100), Some(0));
        assert_eq!(key(0, 0), None);
    }

    #[test]
    fn large_pictures_are_few() {
        assert_eq!(kept(320, 180), KEPT_MOST);
        assert_eq!(kept(1920, 1080), 6);
        assert_eq!(kept(7680, 4320), KEPT_LEAST);
    }
}
