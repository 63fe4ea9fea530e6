//! Notices an encoder that repeats itself. A sensor has noise, and most cameras write the time into the picture, so two key frames are
//! never the same bit for bit, unless the encoder got no new picture.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use crate::recorder::AccessUnit;

/// Of a stream of key frames alone, one is looked at in this time.
const EVERY: Duration = Duration::from_secs(1);
/// Shorter than this is no matter.
const SLIGHT: Duration = Duration::from_secs(10);

/// Compares the key frames of one stream.
#[derive(Debug, Default)]
pub(super) struct Still {
    /// What the last ones were. Some encoders number them in turn (`idr_pic_id`), and parameter sets do not precede each.
    last: [Option<u64>; 4],
    looked: Option<Duration>,
    since: Option<Duration>,
}

impl Still {
    /// Takes the next access unit, at `now`.
    pub(super) fn add(&mut self, now: Duration, unit: &AccessUnit) {
        let soon = self.looked.is_some_and(|looked| now.saturating_sub(looked) < EVERY);
        if !unit.key || soon {
            return;
        }
        self.looked = Some(now);
        let mut hasher = DefaultHasher::new();
        unit.data.hash(&mut hasher);
        let this = Some(hasher.finish());
        if self.last.contains(&this) {
            self.since.get_or_insert(now);
        } else {
            self.since = None;
        }
        self.last.rotate_left(1);
        self.last[3] = this;
    }

    /// For how long the same picture has come, in milliseconds; 0 below ten seconds.
    pub(super) fn ms(&self, now: Duration) -> u32 {
        let same = self.since.map_or(Duration::ZERO, |since| now.saturating_sub(since));
        if same < SLIGHT { 0 } else { u32::try_from(same.as_millis()).unwrap_or(u32::MAX) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hausrecht_model::UnixMicros;

    use super::*;

    fn after_30_s(key_frame: impl Fn(u64) -> u64) -> u32 {
        let mut still = Still::default();
        for second in 0..=30 {
            for key in [true, false] {
                still.add(
                    Duration::from_secs(second),
                    &AccessUnit {
                        pts_us: second * 1_000_000,
                        arrived: UnixMicros(0),
                        late: Duration::ZERO,
                        key,
                        data: Arc::from(&key_frame(second).to_be_bytes()[..]),
                    },
                );
            }
        }
        still.ms(Duration::from_secs(30))
    }

    #[test]
    fn the_same_picture_is_noticed_and_a_new_one_ends_that() {
        assert_eq!(after_30_s(|_| 7), 29_000);
        assert_eq!(after_30_s(|second| second % 2), 28_000);
        assert_eq!(after_30_s(|second| second), 0);
        assert_eq!(after_30_s(|second| if second < 25 { 7 } else { second }), 0);
        assert_eq!(after_30_s(|second| if second < 5 { second } else { 7 }), 24_000);
    }
}
