//! Brightness and the like. ONVIF Imaging Service Specification.

use super::{Fault, missing, number, required, shape::SOURCE};
use crate::{camera::Camera, picture::Imaging, soap::Element};

const LEVEL: &str = "<tt:Min>0</tt:Min><tt:Max>100</tt:Max>";
/// Exposure times, in microseconds.
const EXPOSURE_US: std::ops::RangeInclusive<f64> = 100.0..=40_000.0;
/// Gains, in dB.
const GAIN_DB: std::ops::RangeInclusive<f64> = 0.0..=48.0;

/// The body of the answer to `operation`.
pub(super) fn answer(camera: &Camera, operation: &Element) -> Result<String, Fault> {
    let name = operation.name.as_str();
    let respond = |content: String| Ok(format!("<timg:{name}Response>{content}</timg:{name}Response>"));
    if name == "GetServiceCapabilities" {
        return respond("<timg:Capabilities ImageStabilization=\"false\" Presets=\"false\"/>".to_owned());
    }
    let known = ["GetImagingSettings", "SetImagingSettings", "GetOptions", "GetMoveOptions", "GetStatus"];
    if !known.contains(&name) {
        return Err(Fault::NotSupported(name.to_owned()));
    }
    let source = required(operation, "VideoSourceToken")?;
    if source != SOURCE {
        return Err(missing(&["ter:InvalidArgVal", "ter:NoSource"], source));
    }
    match name {
        "GetImagingSettings" => respond(settings(&camera.picture().imaging)),
        "SetImagingSettings" => {
            let sent = operation
                .child("ImagingSettings")
                .ok_or_else(|| Fault::InvalidArgument("ImagingSettings is missing".to_owned()))?;
            let mut picture = camera.picture();
            let new = changed(&picture.imaging, sent)?;
            picture.imaging = new;
            respond(String::new())
        }
        "GetOptions" => respond(options()),
        // The lens has no motor, so there is nothing to move and nothing to tell of it.
        "GetMoveOptions" => respond("<timg:MoveOptions/>".to_owned()),
        _ => respond("<timg:Status/>".to_owned()),
    }
}

fn on_off(on: bool) -> &'static str {
    if on { "ON" } else { "OFF" }
}

fn settings(imaging: &Imaging) -> String {
    let manual = if imaging.exposure == "MANUAL" {
        format!(
            "<tt:ExposureTime>{}</tt:ExposureTime><tt:Gain>{}</tt:Gain>",
            imaging.exposure_time_us, imaging.gain
        )
    } else {
        String::new()
    };
    format!(
        "<timg:ImagingSettings><tt:BacklightCompensation><tt:Mode>{}</tt:Mode><tt:Level>{}</tt:Level></tt:BacklightCompensation>\
         <tt:Brightness>{}</tt:Brightness><tt:ColorSaturation>{}</tt:ColorSaturation><tt:Contrast>{}</tt:Contrast>\
         <tt:Exposure><tt:Mode>{}</tt:Mode>{manual}</tt:Exposure><tt:IrCutFilter>{}</tt:IrCutFilter><tt:Sharpness>{}</tt:Sharpness>\
         <tt:WideDynamicRange><tt:Mode>{}</tt:Mode><tt:Level>{}</tt:Level></tt:WideDynamicRange>\
         <tt:WhiteBalance><tt:Mode>{}</tt:Mode></tt:WhiteBalance></timg:ImagingSettings>",
        on_off(imaging.backlight.0),
        imaging.backlight.1,
        imaging.brightness,
        imaging.saturation,
        imaging.contrast,
        imaging.exposure,
        imaging.ir_cut,
        imaging.sharpness,
        on_off(imaging.wide_dynamic_range.0),
        imaging.wide_dynamic_range.1,
        imaging.white_balance,
    )
}

fn options() -> String {
    let switched = |tag: &str| {
        format!(
            "<tt:{tag}><tt:Mode>OFF</tt:Mode><tt:Mode>ON</tt:Mode><tt:Level>{LEVEL}</tt:Level></tt:{tag}>"
        )
    };
    let range = |tag: &str, range: &std::ops::RangeInclusive<f64>| {
        format!("<tt:{tag}><tt:Min>{}</tt:Min><tt:Max>{}</tt:Max></tt:{tag}>", range.start(), range.end())
    };
    format!(
        "<timg:ImagingOptions>{}<tt:Brightness>{LEVEL}</tt:Brightness><tt:ColorSaturation>{LEVEL}</tt:ColorSaturation>\
         <tt:Contrast>{LEVEL}</tt:Contrast><tt:Exposure><tt:Mode>AUTO</tt:Mode><tt:Mode>MANUAL</tt:Mode>{}{}</tt:Exposure>\
         <tt:IrCutFilterModes>ON</tt:IrCutFilterModes><tt:IrCutFilterModes>OFF</tt:IrCutFilterModes>\
         <tt:IrCutFilterModes>AUTO</tt:IrCutFilterModes><tt:Sharpness>{LEVEL}</tt:Sharpness>{}\
         <tt:WhiteBalance><tt:Mode>AUTO</tt:Mode><tt:Mode>MANUAL</tt:Mode></tt:WhiteBalance></timg:ImagingOptions>",
        switched("BacklightCompensation"),
        range("ExposureTime", &EXPOSURE_US),
        range("Gain", &GAIN_DB),
        switched("WideDynamicRange"),
    )
}

/// `before` with what `sent` names; what it leaves out stays.
fn changed(before: &Imaging, sent: &Element) -> Result<Imaging, Fault> {
    let wrong = |name: &str| {
        Fault::Refused(
            &["ter:InvalidArgVal", "ter:SettingsInvalid"],
            format!("{name} is outside of what the options say"),
        )
    };
    let within =
        |element: &Element, name: &str, range: &std::ops::RangeInclusive<f64>, before: f64| match number(
            element, name,
        )? {
            Some(value) if range.contains(&value) => Ok(value),
            Some(_) => Err(wrong(name)),
            None => Ok(before),
        };
    let one_of = |text: Option<&str>, known: &[&str], before: &str| match text {
        Some(text) if known.contains(&text) => Ok(text.to_owned()),
        Some(text) => Err(wrong(text)),
        None => Ok(before.to_owned()),
    };
    let levels = 0.0..=100.0;
    let switched = |name: &str, before: (bool, f64)| -> Result<(bool, f64), Fault> {
        match sent.child(name) {
            Some(part) => Ok((
                one_of(part.text_of("Mode"), &["ON", "OFF"], on_off(before.0))? == "ON",
                within(part, "Level", &levels, before.1)?,
            )),
            None => Ok(before),
        }
    };
    let own = |name: &str| sent.child(name).map(|part| part.text.trim());
    let level = |name: &str, before: f64| match own(name) {
        Some(text) => {
            text.parse::<f64>().ok().filter(|value| levels.contains(value)).ok_or_else(|| wrong(name))
        }
        None => Ok(before),
    };
    let nothing = Element::default();
    let exposure = sent.child("Exposure").unwrap_or(&nothing);
    let balance = sent.child("WhiteBalance").and_then(|part| part.text_of("Mode"));
    Ok(Imaging {
        backlight: switched("BacklightCompensation", before.backlight)?,
        brightness: level("Brightness", before.brightness)?,
        saturation: level("ColorSaturation", before.saturation)?,
        contrast: level("Contrast", before.contrast)?,
        sharpness: level("Sharpness", before.sharpness)?,
        exposure: one_of(exposure.text_of("Mode"), &["AUTO", "MANUAL"], &before.exposure)?,
        exposure_time_us: within(exposure, "ExposureTime", &EXPOSURE_US, before.exposure_time_us)?,
        gain: within(exposure, "Gain", &GAIN_DB, before.gain)?,
        ir_cut: one_of(own("IrCutFilter"), &["ON", "OFF", "AUTO"], &before.ir_cut)?,
        wide_dynamic_range: switched("WideDynamicRange", before.wide_dynamic_range)?,
        white_balance: one_of(balance, &["AUTO", "MANUAL"], &before.white_balance)?,
    })
}
