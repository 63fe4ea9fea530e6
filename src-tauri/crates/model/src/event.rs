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
    /// A face was seen.
    Face,
    /// A package was put down or taken away.
    Package,
    /// A line was crossed.
    Line,
    /// A zone was entered, left or lingered in.
    Intrusion,
    /// Somebody rang.
    Doorbell,
    /// A sound was heard.
    Sound,
    /// The camera was covered, turned or sprayed.
    Tamper,
    /// A digital input changed.
    Input,
    /// A topic that Hausrecht does not know; kept as it came.
    Unknown,
}

impl EventKind {
    /// All kinds, in the order in which they are shown.
    pub const ALL: [Self; 13] = [
        Self::Motion,
        Self::Person,
        Self::Vehicle,
        Self::Animal,
        Self::Face,
        Self::Package,
        Self::Line,
        Self::Intrusion,
        Self::Doorbell,
        Self::Sound,
        Self::Tamper,
        Self::Input,
        Self::Unknown,
    ];

    /// The kind's name in the database, the log and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Motion => "motion",
            Self::Person => "person",
            Self::Vehicle => "vehicle",
            Self::Animal => "animal",
            Self::Face => "face",
            Self::Package => "package",
            Self::Line => "line",
            Self::Intrusion => "intrusion",
            Self::Doorbell => "doorbell",
            Self::Sound => "sound",
            Self::Tamper => "tamper",
            Self::Input => "input",
            Self::Unknown => "unknown",
        }
    }

    /// The kind with this name; a name from a newer version is [`EventKind::Unknown`].
    pub fn from_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name).unwrap_or(Self::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_name() {
        for kind in EventKind::ALL {
            assert_eq!(EventKind::from_name(kind.as_str()), kind);
        }
        assert_eq!(EventKind::from_name("of a later version"), EventKind::Unknown);
    }
}
