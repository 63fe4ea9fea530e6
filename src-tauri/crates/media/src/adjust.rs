//! Colours of what is shown, changed by whoever looks at it; the recording never is.

use serde::{Deserialize, Serialize};

/// How colours are changed. The units are those of GStreamer's `videobalance` and `gamma`.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Adjust {
    /// -1 (black) to 1 (white); 0 leaves it.
    pub brightness: f64,
    /// 0 (grey) to 2; 1 leaves it.
    pub contrast: f64,
    /// 0 (without colour) to 2; 1 leaves it.
    pub saturation: f64,
    /// 0.25 (dark parts darker) to 4 (dark parts brighter); 1 leaves it.
    pub gamma: f64,
}

impl Adjust {
    /// Everything as it was recorded.
    pub const NONE: Self = Self { brightness: 0.0, contrast: 1.0, saturation: 1.0, gamma: 1.0 };

    /// The nearest within the ranges; what is no number changes nothing.
    #[must_use]
    pub fn within(self) -> Self {
        let numbers = [self.brightness, self.contrast, self.saturation, self.gamma];
        if numbers.iter().any(|number| !number.is_finite()) {
            return Self::NONE;
        }
        Self {
            brightness: self.brightness.clamp(-1.0, 1.0),
            contrast: self.contrast.clamp(0.0, 2.0),
            saturation: self.saturation.clamp(0.0, 2.0),
            gamma: self.gamma.clamp(0.25, 4.0),
        }
    }
}

impl Default for Adjust {
    fn default() -> Self {
        Self::NONE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_of_range_is_brought_into_it() {
        let wild = Adjust { brightness: -9.0, contrast: 9.0, saturation: -9.0, gamma: 0.0 };
        let tame = Adjust { brightness: -1.0, contrast: 2.0, saturation: 0.0, gamma: 0.25 };
        assert_eq!(wild.within(), tame);
        assert_eq!(Adjust { gamma: f64::NAN, ..wild }.within(), Adjust::NONE);
    }
}
