//! The one place where positions change between the picture's coordinates (0 to 1, from the upper left corner, y down)
//! and ONVIF's normalised ones (-1 to 1, from the middle, y up; ONVIF Core Specification, "Normalized coordinates").

use super::read::number_attribute;
use crate::xml::Element;

/// A place in the picture: (0, 0) is the upper left corner, (1, 1) the lower right.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize, specta::Type)]
pub struct Point {
    /// From the left edge, 0 to 1.
    pub x: f32,
    /// From the upper edge, 0 to 1.
    pub y: f32,
}

impl Point {
    /// Reads the attributes `x` and `y`; what lies outside the picture is moved to its edge.
    pub(super) fn read(element: &Element) -> Option<Self> {
        Some(Self::from_onvif(number_attribute(element, "x")?, number_attribute(element, "y")?))
    }

    /// From normalised coordinates.
    pub(super) fn from_onvif(x: f32, y: f32) -> Self {
        Self { x: ((x + 1.0) / 2.0).clamp(0.0, 1.0), y: ((1.0 - y) / 2.0).clamp(0.0, 1.0) }
    }

    /// To normalised coordinates, x and y.
    pub(super) fn to_onvif(self) -> (f32, f32) {
        (self.x.clamp(0.0, 1.0) * 2.0 - 1.0, 1.0 - self.y.clamp(0.0, 1.0) * 2.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn corners_are_where_onvif_has_them() {
        assert_eq!(Point { x: 0.0, y: 0.0 }.to_onvif(), (-1.0, 1.0));
        assert_eq!(Point { x: 1.0, y: 1.0 }.to_onvif(), (1.0, -1.0));
    }

    proptest! {
        #[test]
        fn there_and_back_is_the_same_place(x in 0.0_f32..=1.0, y in 0.0_f32..=1.0) {
            let (onvif_x, onvif_y) = Point { x, y }.to_onvif();
            let back = Point::from_onvif(onvif_x, onvif_y);
            prop_assert!((back.x - x).abs() < 1e-5 && (back.y - y).abs() < 1e-5);
        }
    }
}
