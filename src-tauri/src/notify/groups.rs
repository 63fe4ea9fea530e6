//! What belongs into one notification: what follows on something within a minute is added to it.

use std::{
    collections::HashMap,
    hash::Hash,
    time::{Duration, Instant},
};

/// How long after the last of it a group takes in more.
const SPAN: Duration = Duration::from_secs(60);

/// The newest group of each key.
#[derive(Debug)]
pub(super) struct Groups<K>(HashMap<K, (Instant, u32)>);

impl<K> Default for Groups<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash> Groups<K> {
    /// Adds what came at `now`; says whether it goes into the notification before, and how many are in that besides.
    pub(super) fn note(&mut self, key: K, now: Instant) -> (bool, u32) {
        self.0.retain(|_, (last, _)| now.duration_since(*last) < SPAN);
        let is_update = self.0.contains_key(&key);
        let (last, more) = self.0.entry(key).or_insert((now, 0));
        if is_update {
            *last = now;
            *more += 1;
        }
        (is_update, *more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_within_a_minute_is_counted_and_then_a_new_one_begins() {
        let mut groups = Groups::default();
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        assert_eq!(groups.note("front", at(0)), (false, 0));
        assert_eq!(groups.note("front", at(50)), (true, 1));
        assert_eq!(groups.note("garage", at(51)), (false, 0));
        assert_eq!(groups.note("front", at(100)), (true, 2));
        assert_eq!(groups.note("front", at(105)), (true, 3));
        assert_eq!(groups.note("front", at(165)), (false, 0));
    }
}
