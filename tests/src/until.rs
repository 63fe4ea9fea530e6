//! Waiting for a condition, with an end: what a test awaits instead of a span of time.

use std::{
    thread,
    time::{Duration, Instant},
};

/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Waits until `look` finds something, at most `patience`.
///
/// # Panics
/// `patience` is over; the message names `what` and says what `look` saw last.
pub async fn until<T, E: std::fmt::Debug>(
    what: &str,
    patience: Duration,
    mut look: impl AsyncFnMut() -> Result<T, E>,
) -> T {
    let end = Instant::now() + patience;
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    loop {
        ticks.tick().await;
        match look().await {
            Ok(found) => return found,
            Err(seen) => {
                assert!(Instant::now() < end, "waited {patience:?} in vain for {what}; last seen: {seen:?}")
            }
        }
    }
}

/// The same for code that is not asynchronous.
///
/// # Panics
/// As [`until`].
pub fn until_blocking<T, E: std::fmt::Debug>(
    what: &str,
    patience: Duration,
    mut look: impl FnMut() -> Result<T, E>,
) -> T {
    let end = Instant::now() + patience;
    loop {
        match look() {
            Ok(found) => return found,
            Err(seen) => {
                assert!(Instant::now() < end, "waited {patience:?} in vain for {what}; last seen: {seen:?}")
            }
        }
        thread::park_timeout(LOOK_EVERY);
    }
}
