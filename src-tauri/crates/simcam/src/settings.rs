//! What the device service sets and gives back: names, time, discovery and relays.

use std::{
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use crate::lock::lock;

/// How long the relay that opens a door stays on.
const DOOR: Duration = Duration::from_secs(3);

/// Settings of the device itself.
#[derive(Debug)]
pub struct Settings(Mutex<Values>);

/// The values of all settings.
#[derive(Clone, Debug)]
pub struct Values {
    /// Its name in the network.
    pub hostname: String,
    /// The scopes that a client may replace, whole URIs.
    pub scopes: Vec<String>,
    /// Whether it answers discovery.
    pub discoverable: bool,
    /// Whether the time comes from NTP; by hand otherwise.
    pub time_by_ntp: bool,
    /// Whether summer time is on.
    pub daylight_saving: bool,
    /// The time zone in the form of POSIX.
    pub time_zone: String,
    /// Servers for NTP: names or addresses.
    pub ntp: Vec<String>,
    /// Relay outputs, none in a camera without.
    pub relays: Vec<Relay>,
    /// The digital input; none in a camera without.
    pub input: Option<bool>,
}

/// One relay output.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Relay {
    /// Its token.
    pub token: &'static str,
    /// How long it stays active; until it is told otherwise if there is none.
    pub falls_back_after: Option<Duration>,
    /// Whether its contact is closed while it is not active.
    pub idle_closed: bool,
    /// Whether it is active.
    pub active: bool,
    /// Counts how often it was set, so that an old fall-back does not end a new activity.
    pub times_set: u64,
}

impl Relay {
    /// The relays of a camera that has some: one that opens a door, and one that stays.
    pub fn pair() -> Vec<Self> {
        let relay = |token, falls_back_after| Self {
            token,
            falls_back_after,
            idle_closed: false,
            active: false,
            times_set: 0,
        };
        vec![relay("door", Some(DOOR)), relay("light", None)]
    }
}

impl Settings {
    /// Starts with `values`.
    pub fn new(values: Values) -> Self {
        Self(Mutex::new(values))
    }

    /// The values, to read and to change.
    pub fn lock(&self) -> MutexGuard<'_, Values> {
        lock(&self.0)
    }
}
