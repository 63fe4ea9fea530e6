//! Time as a value and as something passed in, so that tests move a clock instead of sleeping.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

/// Microseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, specta::Type)]
#[serde(transparent)]
#[specta(transparent)]
pub struct UnixMicros(#[specta(type = u32)] pub i64);

impl UnixMicros {
    /// This time, `span` later.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }

    /// This time, `span` earlier.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }

    /// The time that has passed since `earlier`; zero if that lies in the future.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for UnixMicros {
    /// RFC 3339 in UTC, with milliseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(time) => write!(f, "{time:.3}"),
            Err(_) => write!(f, "{} µs", self.0),
        }
    }
}

/// Where the time comes from. `now` may step; `monotonic` never goes back.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The wall clock.
    fn now(&self) -> UnixMicros;
    /// Time since an arbitrary start that never goes back.
    fn monotonic(&self) -> Duration;
}

/// The computer's own clock. Its monotonic reading counts the time asleep too: who leaves a computer asleep overnight
/// finds the window locked.
#[derive(Debug)]
pub struct SystemClock {
    start: Duration,
}

#[cfg(target_os = "linux")]
fn since_boot() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(not(target_os = "linux"))]
fn since_boot() -> Duration {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    START.get_or_init(std::time::Instant::now).elapsed()
}

impl SystemClock {
    /// Starts the monotonic reading at zero.
    pub fn new() -> Self {
        Self { start: since_boot() }
    }

    /// Starts the monotonic reading with the computer, so that processes which read it agree on it.
    pub fn since_boot() -> Self {
        Self { start: Duration::ZERO }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is given")]
    fn now(&self) -> UnixMicros {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMicros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }

    fn monotonic(&self) -> Duration {
        since_boot().saturating_sub(self.start)
    }
}

/// A clock that tests set by hand.
#[derive(Clone, Debug)]
pub struct ManualClock {
    wall_us: Arc<AtomicI64>,
    monotonic_us: Arc<AtomicI64>,
}

impl ManualClock {
    /// Starts at `now`, monotonic time at zero.
    pub fn new(now: UnixMicros) -> Self {
        Self { wall_us: Arc::new(AtomicI64::new(now.0)), monotonic_us: Arc::default() }
    }

    /// Lets `span` pass on both readings.
    pub fn advance(&self, span: Duration) {
        let span_us = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        self.wall_us.fetch_add(span_us, Ordering::SeqCst);
        self.monotonic_us.fetch_add(span_us, Ordering::SeqCst);
    }

    /// Steps the wall clock alone, as a person or NTP does.
    pub fn step_to(&self, now: UnixMicros) {
        self.wall_us.store(now.0, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UnixMicros {
        UnixMicros(self.wall_us.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_micros(u64::try_from(self.monotonic_us.load(Ordering::SeqCst)).unwrap_or(0))
    }
}
