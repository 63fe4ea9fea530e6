//! Limits and the clock that a session with a camera is given.

use std::{sync::Arc, time::Duration};

use hausrecht_model::Clock;

/// How patient and how generous the client is with a camera, and where it reads the time.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The clock of this computer.
    pub clock: Arc<dyn Clock>,
    /// Sees every exchange, for a bug report.
    pub capture: Option<Arc<dyn crate::capture::Capture>>,
    /// How long a connection may take to come up.
    pub connect_timeout: Duration,
    /// How long one call may take from the first byte sent to the last received.
    pub call_timeout: Duration,
    /// How long a camera is asked to hold a pull for events; the client waits ten seconds more.
    pub pull_timeout: Duration,
    /// How long a camera is asked to keep a subscription before it must be renewed.
    pub subscription_lifetime: Duration,
    /// The largest SOAP answer that is read.
    pub answer_limit_bytes: usize,
    /// The largest still picture that is read.
    pub snapshot_limit_bytes: usize,
}

impl Settings {
    /// The values that suit cameras in a home: 5 s to connect, 10 s a call, 20 s a pull, 4 MiB an answer.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            capture: None,
            connect_timeout: Duration::from_secs(5),
            call_timeout: Duration::from_secs(10),
            pull_timeout: Duration::from_secs(20),
            subscription_lifetime: Duration::from_secs(600),
            answer_limit_bytes: 4 << 20,
            snapshot_limit_bytes: 16 << 20,
        }
    }
}
