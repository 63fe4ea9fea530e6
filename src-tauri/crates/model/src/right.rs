//! What a person may do with a camera: separate rights, and sets of them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One thing that a grant allows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// Live pictures.
    Live,
    /// Recorded clips.
    Playback,
    /// Turning the camera, and its places.
    Ptz,
    /// Talking through the camera.
    Talk,
    /// Keeping a single picture outside the vault.
    Snapshot,
    /// Taking a copy of clips outside the vault.
    Copy,
}

impl Right {
    /// All rights, in the order in which they are shown.
    pub const ALL: [Self; 6] =
        [Self::Live, Self::Playback, Self::Ptz, Self::Talk, Self::Snapshot, Self::Copy];

    /// The right's name in the log and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Playback => "playback",
            Self::Ptz => "ptz",
            Self::Talk => "talk",
            Self::Snapshot => "snapshot",
            Self::Copy => "copy",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of rights.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Rights(u8);

impl Rights {
    /// No right.
    pub const NONE: Self = Self(0);

    /// Every right.
    pub fn all() -> Self {
        Right::ALL.into_iter().collect()
    }

    /// Whether `right` is in the set.
    pub fn has(self, right: Right) -> bool {
        self.0 & right.bit() != 0
    }

    /// Whether nothing is in the set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The rights that are in either set.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The rights in the order in which they are shown.
    pub fn iter(self) -> impl Iterator<Item = Right> {
        Right::ALL.into_iter().filter(move |right| self.has(*right))
    }

    /// The set as one number, a bit a right in the order of [`Right::ALL`] from the lowest bit on.
    pub fn bits(self) -> u8 {
        self.0
    }

    /// The set of a number; `None` if it has a bit that is no right of this version.
    pub fn from_bits(bits: u8) -> Option<Self> {
        (bits & !Self::all().0 == 0).then_some(Self(bits))
    }
}

impl FromIterator<Right> for Rights {
    fn from_iter<I: IntoIterator<Item = Right>>(rights: I) -> Self {
        Self(rights.into_iter().fold(0, |bits, right| bits | right.bit()))
    }
}

impl fmt::Debug for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_put_into_it_and_nothing_else() {
        let some: Rights = [Right::Copy, Right::Live].into_iter().collect();
        assert!(some.has(Right::Live) && some.has(Right::Copy) && !some.has(Right::Playback));
        assert_eq!(some.iter().collect::<Vec<_>>(), [Right::Live, Right::Copy]);
        assert_eq!(Rights::from_bits(some.bits()), Some(some));
        assert_eq!(Rights::from_bits(0x40), None, "a bit of a later version");
        assert!(Rights::NONE.is_empty() && !Rights::all().is_empty());
    }
}
