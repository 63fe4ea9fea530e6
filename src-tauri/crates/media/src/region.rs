//! A part of a picture: what digital zoom shows.

use serde::{Deserialize, Serialize};

/// A rectangle of a picture, as fractions of its width and height from its top left corner.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, specta::Type)]
pub struct Region {
    /// Left edge, 0 to 1.
    pub left: f32,
    /// Top edge, 0 to 1.
    pub top: f32,
    /// Width, above 0 to 1.
    pub width: f32,
    /// Height, above 0 to 1.
    pub height: f32,
}

impl Default for Region {
    fn default() -> Self {
        Self::WHOLE
    }
}

impl Region {
    /// The whole picture.
    pub const WHOLE: Self = Self { left: 0.0, top: 0.0, width: 1.0, height: 1.0 };

    /// The least that is shown: a thirty-second of each side.
    pub const LEAST: f32 = 1.0 / 32.0;

    /// The same within bounds; what is no number at all is the whole picture.
    #[must_use]
    pub fn within_bounds(self) -> Self {
        if ![self.left, self.top, self.width, self.height].into_iter().all(f32::is_finite) {
            return Self::WHOLE;
        }
        let (width, height) = (self.width.clamp(Self::LEAST, 1.0), self.height.clamp(Self::LEAST, 1.0));
        Self {
            left: self.left.clamp(0.0, 1.0 - width),
            top: self.top.clamp(0.0, 1.0 - height),
            width,
            height,
        }
    }

    /// Whether nothing is cut away.
    pub fn is_whole(&self) -> bool {
        self.width >= 1.0 && self.height >= 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_stays_within_the_picture() {
        let given = Region { left: 0.9, top: -2.0, width: 0.5, height: 0.0 };
        let held = given.within_bounds();
        assert_eq!(held, Region { left: 0.5, top: 0.0, width: 0.5, height: Region::LEAST });
        assert_eq!(Region { left: f32::NAN, ..held }.within_bounds(), Region::WHOLE);
        assert!(Region { left: 0.3, top: 0.3, width: 7.0, height: 7.0 }.within_bounds().is_whole());
    }
}
