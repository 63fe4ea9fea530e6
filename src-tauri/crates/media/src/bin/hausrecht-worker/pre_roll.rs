//! The last pictures of a stream, in memory, so that a recording can begin before what made it begin. They are kept as
//! they came, in whole groups from key frame to key frame, and nowhere else than here.

use std::{collections::VecDeque, sync::Arc};

use hausrecht_media::Keep;

use crate::{fmp4::Format, recorder::AccessUnit};

/// The most that one camera's memory takes: 75 s of 13 Mbit/s. What does not fit goes, the oldest first.
const MAX_BYTES: usize = 128 * 1024 * 1024;
/// The most pictures: 75 s of 120 a second, and as much again for groups that are longer than what is asked for.
const MAX_UNITS: usize = 18_000;

/// A jump of the stream's clock by more than this separates what comes from what was.
const CLOCK_JUMP_US: u64 = 10_000_000;

/// Pictures from one key frame up to the next.
#[derive(Debug)]
struct Group {
    units: Vec<AccessUnit>,
    format: Arc<Format>,
    bytes: usize,
}

impl Group {
    /// The stream's time of its key frame.
    fn pts_us(&self) -> u64 {
        self.units.first().map_or(0, |unit| unit.pts_us)
    }

    /// When its key frame arrived. Microseconds since 1970.
    fn arrived_us(&self) -> i64 {
        self.units.first().map_or(i64::MAX, |unit| unit.arrived.0)
    }
}

/// The memory of one stream.
#[derive(Debug)]
pub(crate) struct PreRoll {
    groups: VecDeque<Group>,
    reach_us: u64,
    bytes: usize,
    units: usize,
}

impl PreRoll {
    /// A memory that reaches back `memory_ms` at least, once so much has come.
    pub(crate) fn new(memory_ms: u32) -> Self {
        let mut memory = Self { groups: VecDeque::new(), reach_us: 0, bytes: 0, units: 0 };
        memory.reach_back(memory_ms);
        memory
    }

    /// Reaches back further or less far from now on.
    pub(crate) fn reach_back(&mut self, memory_ms: u32) {
        self.reach_us = u64::from(memory_ms.min(Keep::MAX_MEMORY_MS)) * 1_000;
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.groups.clear();
        (self.bytes, self.units) = (0, 0);
    }

    /// Takes the next picture. What comes before the first key frame, or after another format, is of no use.
    pub(crate) fn push(&mut self, unit: AccessUnit, format: &Arc<Format>) {
        let newest_us = unit.pts_us;
        let last_us = self.groups.back().and_then(|group| group.units.last()).map(|unit| unit.pts_us);
        if last_us.is_some_and(|last_us| last_us.abs_diff(newest_us) > CLOCK_JUMP_US) {
            self.clear();
        }
        self.bytes += unit.data.len();
        self.units += 1;
        match self.groups.back_mut() {
            Some(group) if !unit.key && *group.format == **format => {
                group.bytes += unit.data.len();
                group.units.push(unit);
            }
            Some(_) | None if !unit.key => {
                self.bytes -= unit.data.len();
                self.units -= 1;
                return;
            }
            Some(_) | None => {
                let bytes = unit.data.len();
                self.groups.push_back(Group { units: vec![unit], format: Arc::clone(format), bytes });
            }
        }
        // The second group reaches back far enough: the first is not needed.
        while self.groups.get(1).is_some_and(|second| second.pts_us().abs_diff(newest_us) >= self.reach_us) {
            self.drop_oldest();
        }
        while self.bytes > MAX_BYTES || self.units > MAX_UNITS {
            self.drop_oldest();
        }
    }

    /// Everything from the last key frame at or before `from_unix_us` on; all there is if none is that old, and the
    /// newest group without a time.
    pub(crate) fn from(
        mut self,
        from_unix_us: Option<i64>,
    ) -> impl Iterator<Item = (AccessUnit, Arc<Format>)> {
        let from_us = from_unix_us.unwrap_or(i64::MAX);
        let is_old_enough = |group: &Group| group.arrived_us() <= from_us;
        let first = self.groups.iter().rposition(is_old_enough).unwrap_or(0);
        self.groups.drain(..first);
        self.groups.into_iter().flat_map(|Group { units, format, .. }| {
            units.into_iter().map(move |unit| (unit, Arc::clone(&format)))
        })
    }

    fn drop_oldest(&mut self) {
        if let Some(group) = self.groups.pop_front() {
            self.bytes -= group.bytes;
            self.units -= group.units.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hausrecht_model::{Codec, UnixMicros};

    use super::*;

    const WALL_US: i64 = 1_000_000_000_000;

    fn format(width: u32) -> Arc<Format> {
        Arc::new(Format { codec: Codec::H264, width, height: 360, codec_data: vec![1, 2, 3] })
    }

    /// Picture `number` of a stream at 25 a second with a key frame each second.
    fn unit(number: u64, bytes: usize) -> AccessUnit {
        let pts_us = number * 40_000;
        AccessUnit {
            pts_us,
            arrived: UnixMicros(WALL_US + pts_us.cast_signed()),
            late: Duration::ZERO,
            key: number.is_multiple_of(25),
            data: Arc::from(vec![0; bytes]),
        }
    }

    fn filled(memory_ms: u32, numbers: std::ops::Range<u64>) -> PreRoll {
        let mut memory = PreRoll::new(memory_ms);
        for number in numbers {
            memory.push(unit(number, 10), &format(640));
        }
        memory
    }

    fn numbers(memory: PreRoll, from_unix_us: Option<i64>) -> Vec<u64> {
        memory.from(from_unix_us).map(|(unit, _)| unit.pts_us / 40_000).collect()
    }

    #[test]
    fn a_recording_begins_at_the_key_frame_at_or_before_what_is_wanted() {
        for (wanted_ms, first) in [(0, 0), (999, 0), (1_000, 25), (1_001, 25), (7_960, 175), (99_000, 200)] {
            let found = numbers(filled(60_000, 3..215), Some(WALL_US + wanted_ms * 1_000));
            // What came before the first key frame cannot be decoded.
            let first = if first == 0 { 25 } else { first };
            assert_eq!(found, (first..215).collect::<Vec<_>>(), "{wanted_ms} ms");
        }
        assert_eq!(numbers(filled(60_000, 0..215), None), (200..215).collect::<Vec<_>>());
    }

    #[test]
    fn the_memory_holds_what_is_asked_for_and_no_group_more() {
        for (memory_ms, first) in [(0, 200), (500, 175), (5_000, 75), (8_000, 0)] {
            let memory = filled(memory_ms, 0..213);
            assert_eq!(numbers(memory, Some(0)), (first..213).collect::<Vec<_>>(), "{memory_ms} ms");
        }
    }

    #[test]
    fn memory_is_bounded_whatever_comes() {
        let mut memory = PreRoll::new(u32::MAX);
        for number in 0..300 {
            memory.push(unit(number, 2 << 20), &format(640));
            assert!(memory.bytes <= MAX_BYTES);
        }
        // 25 pictures of 2 MiB are 50 MiB, so two whole groups fit, and what has come of the third.
        assert_eq!(numbers(memory, Some(0)).first(), Some(&250));
        let mut endless = PreRoll::new(60_000);
        for number in 1..40_000 {
            endless.push(AccessUnit { key: number == 1, ..unit(number, 1) }, &format(640));
        }
        assert!(endless.units <= MAX_UNITS, "a stream with one key frame is not kept for ever");
    }

    #[test]
    fn another_format_waits_for_its_key_frame_and_a_jump_of_the_clock_forgets_what_was() {
        let mut memory = filled(60_000, 0..30);
        memory.push(unit(31, 10), &format(1280));
        assert_eq!(numbers(memory, Some(0)).last(), Some(&29));
        let mut memory = filled(5_000, 0..60);
        let mut later = unit(75, 10);
        later.pts_us += 3_600_000_000;
        memory.push(later, &format(640));
        assert_eq!(memory.groups.len(), 1, "nothing in it belongs to what comes");
    }
}
