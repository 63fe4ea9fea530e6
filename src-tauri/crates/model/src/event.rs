//! Kinds of what a camera reports, common to all makers.

use serde::{Deserialize, Serialize};

/// What happened in front of a camera.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventKind {
    /// Something moved.
    Motion,
    /// A person was recognised.
    Person,
    /// A vehicle was recognised.
    Vehicle,
    /// An animal was recognised.
    Animal,
    /// Somebody rang.
    Doorbell,
    /// The camera was covered, turned or sprayed.
    Tamper,
    /// A digital input changed.
    Input,
    /// A topic that Hausrecht does not know; kept as it came.
    Unknown,
}

impl EventKind {
    /// The kind's name in the database, the log and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Motion => "motion",
            Self::Person => "person",
            Self::Vehicle => "vehicle",
            Self::Animal => "animal",
            Self::Doorbell => "doorbell",
            Self::Tamper => "tamper",
            Self::Input => "input",
            Self::Unknown => "unknown",
        }
    }

    /// The kind with this name; a name from a newer version is [`EventKind::Unknown`].
    pub fn from_name(name: &str) -> Self {
        [Self::Motion, Self::Person, Self::Vehicle, Self::Animal, Self::Doorbell, Self::Tamper, Self::Input]
            .into_iter()
            .find(|kind| kind.as_str() == name)
            .unwrap_or(Self::Unknown)
    }
}
