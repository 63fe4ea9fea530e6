//! Settings of the picture and what they may be, read and written in the order of the schema (ImagingSettings20).

use crate::{
    camera::read::{Range, number, texts},
    xml::{Element, escape},
};

/// Whether the filter that keeps infrared light out is in the light's way: in by day, out by night.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum IrCut {
    /// In: colours as by day.
    On,
    /// Out: sees infrared light, usually in black and white.
    Off,
    /// As the camera thinks best.
    Auto,
}

/// How the exposure is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum ExposureMode {
    /// By the camera.
    Auto,
    /// By hand.
    Manual,
}

/// How white is found.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum WhiteBalance {
    /// By the camera.
    Auto,
    /// By these gains of red and blue, on the camera's own scale.
    Manual {
        /// Gain of red.
        red: Option<f32>,
        /// Gain of blue.
        blue: Option<f32>,
    },
}

/// How a picture is set, each on the camera's own scale, see [`ImagingOptions`]. `None` is what a camera does not have,
/// and what stays as it is when the settings are written.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize, specta::Type)]
pub struct ImagingSettings {
    /// Brightness.
    pub brightness: Option<f32>,
    /// Contrast.
    pub contrast: Option<f32>,
    /// Strength of colours.
    pub saturation: Option<f32>,
    /// Sharpness.
    pub sharpness: Option<f32>,
    /// Day or night.
    pub ir_cut: Option<IrCut>,
    /// Whether backlight is compensated.
    pub has_backlight_compensation: Option<bool>,
    /// How strongly; only where it is on.
    pub backlight_compensation_level: Option<f32>,
    /// Whether dark and bright parts are both kept visible.
    pub has_wide_dynamic_range: Option<bool>,
    /// How strongly; only where it is on.
    pub wide_dynamic_range_level: Option<f32>,
    /// How the exposure is chosen.
    pub exposure: Option<ExposureMode>,
    /// The exposure time in microseconds; by hand only.
    pub exposure_time_us: Option<f32>,
    /// The gain in dB; by hand only.
    pub gain_db: Option<f32>,
    /// How white is found.
    pub white_balance: Option<WhiteBalance>,
    /// Whether the camera focuses by itself.
    pub is_autofocus: Option<bool>,
}

/// What the settings may be.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize, specta::Type)]
pub struct ImagingOptions {
    /// Brightness.
    pub brightness: Option<Range>,
    /// Contrast.
    pub contrast: Option<Range>,
    /// Strength of colours.
    pub saturation: Option<Range>,
    /// Sharpness.
    pub sharpness: Option<Range>,
    /// Day and night modes.
    pub ir_cut: Vec<IrCut>,
    /// Whether backlight can be compensated.
    pub has_backlight_compensation: bool,
    /// How strongly.
    pub backlight_compensation_level: Option<Range>,
    /// Whether there is a wide dynamic range.
    pub has_wide_dynamic_range: bool,
    /// How strong it may be.
    pub wide_dynamic_range_level: Option<Range>,
    /// The ways in which the exposure can be chosen.
    pub exposure: Vec<ExposureMode>,
    /// Exposure times in microseconds.
    pub exposure_time_us: Option<Range>,
    /// Gains in dB.
    pub gain_db: Option<Range>,
    /// Whether white can be found by the camera.
    pub has_auto_white_balance: bool,
    /// Whether white can be set by hand.
    pub has_manual_white_balance: bool,
    /// Gains of red.
    pub white_balance_red: Option<Range>,
    /// Gains of blue.
    pub white_balance_blue: Option<Range>,
    /// Whether the camera can focus by itself.
    pub has_autofocus: bool,
}

impl ImagingSettings {
    /// Reads an `ImagingSettings20`, and what is common with its predecessor.
    pub(super) fn read(element: &Element) -> Self {
        let is =
            |path: &[&str], word: &str| element.text_at(path).map(|text| text.eq_ignore_ascii_case(word));
        let exposure = element.text_at(&["Exposure", "Mode"]).and_then(exposure_mode);
        Self {
            brightness: number(element, &["Brightness"]),
            contrast: number(element, &["Contrast"]),
            saturation: number(element, &["ColorSaturation"]),
            sharpness: number(element, &["Sharpness"]),
            ir_cut: element.text_at(&["IrCutFilter"]).and_then(ir_cut),
            has_backlight_compensation: is(&["BacklightCompensation", "Mode"], "ON"),
            backlight_compensation_level: number(element, &["BacklightCompensation", "Level"]),
            has_wide_dynamic_range: is(&["WideDynamicRange", "Mode"], "ON"),
            wide_dynamic_range_level: number(element, &["WideDynamicRange", "Level"]),
            exposure,
            exposure_time_us: number(element, &["Exposure", "ExposureTime"]),
            gain_db: number(element, &["Exposure", "Gain"]),
            white_balance: is(&["WhiteBalance", "Mode"], "AUTO").map(|is_auto| {
                if is_auto {
                    return WhiteBalance::Auto;
                }
                WhiteBalance::Manual {
                    red: number(element, &["WhiteBalance", "CrGain"]),
                    blue: number(element, &["WhiteBalance", "CbGain"]),
                }
            }),
            is_autofocus: is(&["Focus", "AutoFocusMode"], "AUTO"),
        }
    }

    /// Writes what is set, in the order of the schema.
    pub(super) fn written(&self) -> String {
        let mut out = String::new();
        let on_off = |is_on: bool| if is_on { "ON" } else { "OFF" };
        let level = |level: Option<f32>| one("Level", level);
        if let Some(is_on) = self.has_backlight_compensation {
            // The level of something that is off is refused by some cameras.
            let level = level(self.backlight_compensation_level.filter(|_| is_on));
            out.push_str(&format!(
                "<tt:BacklightCompensation><tt:Mode>{}</tt:Mode>{level}</tt:BacklightCompensation>",
                on_off(is_on)
            ));
        }
        out.push_str(&one("Brightness", self.brightness));
        out.push_str(&one("ColorSaturation", self.saturation));
        out.push_str(&one("Contrast", self.contrast));
        match self.exposure {
            Some(ExposureMode::Auto) => out.push_str("<tt:Exposure><tt:Mode>AUTO</tt:Mode></tt:Exposure>"),
            Some(ExposureMode::Manual) => out.push_str(&format!(
                "<tt:Exposure><tt:Mode>MANUAL</tt:Mode>{}{}</tt:Exposure>",
                one("ExposureTime", self.exposure_time_us),
                one("Gain", self.gain_db)
            )),
            None => {}
        }
        if let Some(is_auto) = self.is_autofocus {
            let mode = if is_auto { "AUTO" } else { "MANUAL" };
            out.push_str(&format!("<tt:Focus><tt:AutoFocusMode>{mode}</tt:AutoFocusMode></tt:Focus>"));
        }
        if let Some(mode) = self.ir_cut {
            out.push_str(&format!("<tt:IrCutFilter>{}</tt:IrCutFilter>", escape(ir_cut_name(mode))));
        }
        out.push_str(&one("Sharpness", self.sharpness));
        if let Some(is_on) = self.has_wide_dynamic_range {
            let level = level(self.wide_dynamic_range_level.filter(|_| is_on));
            out.push_str(&format!(
                "<tt:WideDynamicRange><tt:Mode>{}</tt:Mode>{level}</tt:WideDynamicRange>",
                on_off(is_on)
            ));
        }
        match self.white_balance {
            Some(WhiteBalance::Auto) => {
                out.push_str("<tt:WhiteBalance><tt:Mode>AUTO</tt:Mode></tt:WhiteBalance>");
            }
            Some(WhiteBalance::Manual { red, blue }) => out.push_str(&format!(
                "<tt:WhiteBalance><tt:Mode>MANUAL</tt:Mode>{}{}</tt:WhiteBalance>",
                one("CrGain", red),
                one("CbGain", blue)
            )),
            None => {}
        }
        out
    }
}

impl ImagingOptions {
    /// Reads an `ImagingOptions20`, and what is common with its predecessor.
    pub(super) fn read(element: &Element) -> Self {
        let range = |path: &[&str]| Range::read(element.at(path)).filter(|range| range.max > range.min);
        let modes = |name: &str, mode: &str| -> Vec<String> {
            element.child(name).map(|child| texts(child, mode)).unwrap_or_default()
        };
        let has =
            |name: &str, word: &str| modes(name, "Mode").iter().any(|mode| mode.eq_ignore_ascii_case(word));
        Self {
            brightness: range(&["Brightness"]),
            contrast: range(&["Contrast"]),
            saturation: range(&["ColorSaturation"]),
            sharpness: range(&["Sharpness"]),
            ir_cut: texts(element, "IrCutFilterModes").iter().filter_map(|mode| ir_cut(mode)).collect(),
            has_backlight_compensation: has("BacklightCompensation", "ON"),
            backlight_compensation_level: range(&["BacklightCompensation", "Level"]),
            has_wide_dynamic_range: has("WideDynamicRange", "ON"),
            wide_dynamic_range_level: range(&["WideDynamicRange", "Level"]),
            exposure: modes("Exposure", "Mode").iter().filter_map(|mode| exposure_mode(mode)).collect(),
            exposure_time_us: range(&["Exposure", "ExposureTime"]),
            gain_db: range(&["Exposure", "Gain"]),
            has_auto_white_balance: has("WhiteBalance", "AUTO"),
            has_manual_white_balance: has("WhiteBalance", "MANUAL"),
            white_balance_red: range(&["WhiteBalance", "YrGain"]),
            white_balance_blue: range(&["WhiteBalance", "YbGain"]),
            has_autofocus: modes("Focus", "AutoFocusModes")
                .iter()
                .any(|mode| mode.eq_ignore_ascii_case("AUTO")),
        }
    }
}

fn one(name: &str, value: Option<f32>) -> String {
    value.map(|value| format!("<tt:{name}>{value}</tt:{name}>")).unwrap_or_default()
}

fn exposure_mode(text: &str) -> Option<ExposureMode> {
    match text.to_ascii_uppercase().as_str() {
        "AUTO" => Some(ExposureMode::Auto),
        "MANUAL" => Some(ExposureMode::Manual),
        _ => None,
    }
}

fn ir_cut(text: &str) -> Option<IrCut> {
    match text.to_ascii_uppercase().as_str() {
        "ON" => Some(IrCut::On),
        "OFF" => Some(IrCut::Off),
        "AUTO" => Some(IrCut::Auto),
        _ => None,
    }
}

fn ir_cut_name(mode: IrCut) -> &'static str {
    match mode {
        IrCut::On => "ON",
        IrCut::Off => "OFF",
        IrCut::Auto => "AUTO",
    }
}
