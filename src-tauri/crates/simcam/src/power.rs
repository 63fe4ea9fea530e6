//! Whether the camera is there at all: a reboot and the sleep of a battery camera take it off the network.

use std::{sync::Mutex, time::Duration};

use tokio::sync::Notify;

use crate::{fault::Switch, lock::lock};

/// Whether the camera is on the network, and who wants it off.
#[derive(Debug, Default)]
pub struct Power {
    away: Switch,
    asked: Mutex<Option<Duration>>,
    changed: Notify,
}

impl Power {
    /// Asks that the camera be off the network for `span`.
    pub fn leave_for(&self, span: Duration) {
        *lock(&self.asked) = Some(span);
        self.changed.notify_one();
    }

    /// Waits until somebody asks that the camera leave; says for how long.
    pub async fn asked_to_leave(&self) -> Duration {
        loop {
            if let Some(span) = lock(&self.asked).take() {
                return span;
            }
            self.changed.notified().await;
        }
    }

    /// Says that the camera is off the network, or on it again.
    pub fn set_away(&self, away: bool) {
        self.away.set(away);
    }

    /// Whether the camera is off the network.
    pub fn is_away(&self) -> bool {
        self.away.is_on()
    }
}
