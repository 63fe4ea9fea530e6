//! The part of a picture that is looked at: digital zoom and pan. A worker cuts it out before it scales, so it is sharp.

use serde::{Deserialize, Serialize};

/// A rectangle within a picture, as fractions of it: (0, 0) is the top left corner, (1, 1) the bottom right one.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Region {
    /// Left edge, 0 to 1.
    pub left: f64,
    /// Upper edge, 0 to 1.
    pub top: f64,
    /// Width, [`Region::SMALLEST`] to 1.
    pub width: f64,
    /// Height, [`Region::SMALLEST`] to 1.
    pub height: f64,
}

impl Region {
    /// The smallest side: thirty-two-fold zoom.
    pub const SMALLEST: f64 = 1.0 / 32.0;
    /// The whole picture.
    pub const WHOLE: Self = Self { left: 0.0, top: 0.0, width: 1.0, height: 1.0 };

    /// The nearest region that lies within the picture; what is no number becomes the whole.
    #[must_use]
    pub fn within(self) -> Self {
        let numbers = [self.left, self.top, self.width, self.height];
        if numbers.iter().any(|number| !number.is_finite()) {
            return Self::WHOLE;
        }
        let width = self.width.clamp(Self::SMALLEST, 1.0);
        let height = self.height.clamp(Self::SMALLEST, 1.0);
        Self {
            left: self.left.clamp(0.0, 1.0 - width),
            top: self.top.clamp(0.0, 1.0 - height),
            width,
            height,
        }
    }

    /// Whether it is all of the picture.
    #[must_use]
    pub fn is_whole(self) -> bool {
        self.width >= 1.0 && self.height >= 1.0
    }

    /// What is to be cut off a picture of `width` x `height` pixels: left, right, top, bottom. Even numbers, so that the colours of
    /// subsampled pictures stay where they are; at least two pixels are left each way.
    #[must_use]
    pub fn margins(self, width: u32, height: u32) -> (u32, u32, u32, u32) {
        let region = self.within();
        let (left, right) = edges(region.left, region.width, width);
        let (top, bottom) = edges(region.top, region.height, height);
        (left, right, top, bottom)
    }
}

impl Default for Region {
    fn default() -> Self {
        Self::WHOLE
    }
}

/// What is cut off before and behind `start..start + length` of a side of `side` pixels.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "both fractions lie between 0 and 1"
)]
fn edges(start: f64, length: f64, side: u32) -> (u32, u32) {
    let before = (start * f64::from(side)) as u32 & !1;
    let before = before.min(side.saturating_sub(2) & !1);
    let kept = ((length * f64::from(side)).round() as u32).clamp(2, side.max(2));
    (before, side.saturating_sub(before + kept) & !1)
}

#[cfg(test)]
mod tests {
    use super::Region;

    #[test]
    fn the_whole_picture_loses_nothing() {
        assert_eq!(Region::WHOLE.margins(1920, 1080), (0, 0, 0, 0));
    }

    #[test]
    fn a_quarter_in_the_middle_is_cut_out_evenly() {
        let middle = Region { left: 0.25, top: 0.25, width: 0.5, height: 0.5 };
        assert_eq!(middle.margins(1920, 1080), (480, 480, 270, 270));
    }

    #[test]
    fn what_lies_outside_is_moved_inside() {
        let outside = Region { left: 0.9, top: -3.0, width: 0.5, height: f64::NAN };
        assert_eq!(outside.within(), Region::WHOLE);
        let outside = Region { left: 0.9, top: -3.0, width: 0.5, height: 0.0 };
        assert_eq!(outside.within(), Region { left: 0.5, top: 0.0, width: 0.5, height: Region::SMALLEST });
        let (left, right, top, bottom) = outside.margins(64, 64);
        assert!(left + right < 64 && top + bottom < 64);
    }
}
