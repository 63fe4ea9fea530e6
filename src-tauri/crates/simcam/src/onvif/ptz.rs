//! Pan, tilt and zoom. ONVIF PTZ Service Specification.

use std::time::Duration;

use super::{Fault, missing, required, shape};
use crate::{
    camera::Camera,
    ptz::{Axes, DEFAULT_TIMEOUT, MOST_PRESETS},
    soap::{Element, escape},
};

const NODE: &str = "head";
const SPACE: &str = "http://www.onvif.org/ver10/tptz";
/// The longest continuous move.
const LONGEST: Duration = Duration::from_secs(60);
const AUXILIARY: [&str; 4] = ["tt:Wiper|On", "tt:Wiper|Off", "tt:IRLamp|On", "tt:IRLamp|Off"];
const NO_TOKEN: &[&str] = &["ter:InvalidArgVal", "ter:NoToken"];

/// The body of the answer to `operation`.
pub(super) fn answer(camera: &Camera, operation: &Element) -> Result<String, Fault> {
    let name = operation.name.as_str();
    let respond = |content: String| Ok(format!("<tptz:{name}Response>{content}</tptz:{name}Response>"));
    let now = camera.loop_clock.elapsed();
    match name {
        "GetServiceCapabilities" => respond(
            "<tptz:Capabilities EFlip=\"false\" Reverse=\"false\" GetCompatibleConfigurations=\"true\" MoveStatus=\"true\" \
             StatusPosition=\"true\"/>"
                .to_owned(),
        ),
        "GetNodes" => respond(node()),
        "GetNode" => {
            known(operation, "NodeToken")?;
            respond(node())
        }
        "GetConfigurations" => respond(configuration("tptz:PTZConfiguration")),
        "GetCompatibleConfigurations" => {
            shape::profile_stream(camera, operation, true)?;
            respond(configuration("tptz:PTZConfiguration"))
        }
        "GetConfiguration" => {
            known(operation, "PTZConfigurationToken")?;
            respond(configuration("tptz:PTZConfiguration"))
        }
        "GetConfigurationOptions" => {
            known(operation, "ConfigurationToken")?;
            respond(format!(
                "<tptz:PTZConfigurationOptions><tt:Spaces>{}</tt:Spaces><tt:PTZTimeout><tt:Min>PT1S</tt:Min>\
                 <tt:Max>PT{}S</tt:Max></tt:PTZTimeout></tptz:PTZConfigurationOptions>",
                spaces(),
                LONGEST.as_secs()
            ))
        }
        _ => {
            shape::profile_stream(camera, operation, true)?;
            respond(act(camera, operation, now)?)
        }
    }
}

/// Operations on the head through a profile, which is known; the content of the answer.
fn act(camera: &Camera, operation: &Element, now: Duration) -> Result<String, Fault> {
    let mut ptz = camera.ptz();
    let full = Axes { pan: 1.0, tilt: 1.0, zoom: 1.0 };
    let speed = match operation.child("Speed") {
        Some(speed) => axes(speed, full, 0.0..=1.0)?,
        None => full,
    };
    match operation.name.as_str() {
        "GetStatus" => {
            let (place, (turns, zooms)) = (ptz.place(now), ptz.moving(now));
            let state = |moves| if moves { "MOVING" } else { "IDLE" };
            return Ok(format!(
                "<tptz:PTZStatus><tt:Position>{}</tt:Position><tt:MoveStatus><tt:PanTilt>{}</tt:PanTilt><tt:Zoom>{}</tt:Zoom>\
                 </tt:MoveStatus><tt:UtcTime>{}</tt:UtcTime></tptz:PTZStatus>",
                vector(place),
                state(turns),
                state(zooms),
                camera.loop_clock.camera_time()
            ));
        }
        "ContinuousMove" => {
            let velocity = part(operation, "Velocity")?;
            let velocity = axes(velocity, Axes::default(), -1.0..=1.0)?;
            let span = match operation.text_of("Timeout") {
                Some(text) => {
                    let span = text.parse::<jiff::SignedDuration>().ok();
                    let span = span.and_then(|span| Duration::try_from(span).ok());
                    span.filter(|span| *span <= LONGEST).ok_or_else(|| {
                        let reason = format!("“{text}” is no time that a move can take");
                        Fault::Refused(&["ter:InvalidArgVal", "ter:TimeoutNotSupported"], reason)
                    })?
                }
                None => DEFAULT_TIMEOUT,
            };
            ptz.go_on(now, velocity, span);
        }
        "AbsoluteMove" => {
            let here = ptz.place(now);
            let place = axes(part(operation, "Position")?, here, -1.0..=1.0)?;
            if place.zoom < 0.0 {
                return Err(out_of_bounds());
            }
            ptz.go_to(now, place, speed);
        }
        "RelativeMove" => {
            let way = axes(part(operation, "Translation")?, Axes::default(), -2.0..=2.0)?;
            let place = ptz.place(now).moved(way);
            ptz.go_to(now, place, speed);
        }
        "Stop" => {
            let named = |name: &str| operation.text_of(name).is_none_or(|text| matches!(text, "true" | "1"));
            ptz.stop(now, named("PanTilt"), named("Zoom"));
        }
        "GetPresets" => {
            let item = |(token, preset): (&String, &crate::ptz::Preset)| {
                format!(
                    "<tptz:Preset token=\"{token}\"><tt:Name>{}</tt:Name><tt:PTZPosition>{}</tt:PTZPosition></tptz:Preset>",
                    escape(&preset.name),
                    vector(preset.place)
                )
            };
            return Ok(ptz.presets.iter().map(item).collect());
        }
        "SetPreset" => {
            let token = operation.text_of("PresetToken").filter(|token| !token.is_empty());
            if let Some(token) = token
                && !ptz.presets.contains_key(token)
            {
                return Err(missing(NO_TOKEN, token));
            }
            let kept = ptz.keep(now, token, operation.text_of("PresetName"));
            let token = kept.ok_or_else(|| {
                let reason = format!("{MOST_PRESETS} presets at most");
                Fault::Refused(&["ter:Action", "ter:TooManyPresets"], reason)
            })?;
            return Ok(format!("<tptz:PresetToken>{token}</tptz:PresetToken>"));
        }
        "GotoPreset" => {
            let token = required(operation, "PresetToken")?;
            let place = ptz.presets.get(token).ok_or_else(|| missing(NO_TOKEN, token))?.place;
            ptz.go_to(now, place, speed);
        }
        "RemovePreset" => {
            let token = required(operation, "PresetToken")?;
            ptz.presets.remove(token).ok_or_else(|| missing(NO_TOKEN, token))?;
        }
        "GotoHomePosition" => {
            let home = ptz.home;
            ptz.go_to(now, home, speed);
        }
        "SetHomePosition" => ptz.home = ptz.place(now),
        "SendAuxiliaryCommand" => {
            let data = required(operation, "AuxiliaryData")?;
            if !AUXILIARY.contains(&data) {
                return Err(Fault::InvalidArgument(format!("no auxiliary command “{data}”")));
            }
            ptz.auxiliary = Some(data.to_owned());
            return Ok(format!("<tptz:AuxiliaryResponse>{data}</tptz:AuxiliaryResponse>"));
        }
        other => return Err(Fault::NotSupported(other.to_owned())),
    }
    Ok(String::new())
}

fn known(operation: &Element, name: &str) -> Result<(), Fault> {
    match required(operation, name)? {
        NODE => Ok(()),
        other => Err(missing(&["ter:InvalidArgVal", "ter:NoEntity"], other)),
    }
}

fn part<'a>(operation: &'a Element, name: &str) -> Result<&'a Element, Fault> {
    operation.child(name).ok_or_else(|| Fault::InvalidArgument(format!("{name} is missing")))
}

fn out_of_bounds() -> Fault {
    Fault::Refused(&["ter:InvalidArgVal", "ter:InvalidPosition"], "outside of the space".to_owned())
}

/// The axes in `element`; one that it leaves out is as in `otherwise`.
fn axes(element: &Element, otherwise: Axes, range: std::ops::RangeInclusive<f64>) -> Result<Axes, Fault> {
    let axis = |part: &str, name: &str, otherwise: f64| {
        let Some(part) = element.child(part) else { return Ok(otherwise) };
        let value = part.attribute(name).and_then(|value| value.parse::<f64>().ok());
        value.filter(|value| range.contains(value)).ok_or_else(out_of_bounds)
    };
    Ok(Axes {
        pan: axis("PanTilt", "x", otherwise.pan)?,
        tilt: axis("PanTilt", "y", otherwise.tilt)?,
        zoom: axis("Zoom", "x", otherwise.zoom)?,
    })
}

fn vector(place: Axes) -> String {
    format!(
        "<tt:PanTilt x=\"{:.4}\" y=\"{:.4}\" space=\"{SPACE}/PanTiltSpaces/PositionGenericSpace\"/>\
         <tt:Zoom x=\"{:.4}\" space=\"{SPACE}/ZoomSpaces/PositionGenericSpace\"/>",
        place.pan, place.tilt, place.zoom
    )
}

fn range(tag: &str, min: i8, max: i8) -> String {
    format!("<tt:{tag}><tt:Min>{min}</tt:Min><tt:Max>{max}</tt:Max></tt:{tag}>")
}

fn spaces() -> String {
    let plane = |tag: &str, uri: &str| {
        let (x, y) = (range("XRange", -1, 1), range("YRange", -1, 1));
        format!("<tt:{tag}><tt:URI>{SPACE}/PanTiltSpaces/{uri}</tt:URI>{x}{y}</tt:{tag}>")
    };
    let line = |tag: &str, group: &str, uri: &str, min: i8| {
        format!("<tt:{tag}><tt:URI>{SPACE}/{group}/{uri}</tt:URI>{}</tt:{tag}>", range("XRange", min, 1))
    };
    [
        plane("AbsolutePanTiltPositionSpace", "PositionGenericSpace"),
        line("AbsoluteZoomPositionSpace", "ZoomSpaces", "PositionGenericSpace", 0),
        plane("RelativePanTiltTranslationSpace", "TranslationGenericSpace"),
        line("RelativeZoomTranslationSpace", "ZoomSpaces", "TranslationGenericSpace", -1),
        plane("ContinuousPanTiltVelocitySpace", "VelocityGenericSpace"),
        line("ContinuousZoomVelocitySpace", "ZoomSpaces", "VelocityGenericSpace", -1),
        line("PanTiltSpeedSpace", "PanTiltSpaces", "GenericSpeedSpace", 0),
        line("ZoomSpeedSpace", "ZoomSpaces", "ZoomGenericSpeedSpace", 0),
    ]
    .concat()
}

fn node() -> String {
    let auxiliary: String =
        AUXILIARY.iter().map(|name| format!("<tt:AuxiliaryCommands>{name}</tt:AuxiliaryCommands>")).collect();
    format!(
        "<tptz:PTZNode token=\"{NODE}\" FixedHomePosition=\"false\"><tt:Name>{NODE}</tt:Name><tt:SupportedPTZSpaces>{}\
         </tt:SupportedPTZSpaces><tt:MaximumNumberOfPresets>{MOST_PRESETS}</tt:MaximumNumberOfPresets>\
         <tt:HomeSupported>true</tt:HomeSupported>{auxiliary}</tptz:PTZNode>",
        spaces()
    )
}

/// The configuration of the head, which every profile has.
pub(super) fn configuration(tag: &str) -> String {
    format!(
        "<{tag} token=\"{NODE}\"><tt:Name>{NODE}</tt:Name><tt:UseCount>2</tt:UseCount><tt:NodeToken>{NODE}</tt:NodeToken>\
         <tt:DefaultAbsolutePantTiltPositionSpace>{SPACE}/PanTiltSpaces/PositionGenericSpace</tt:DefaultAbsolutePantTiltPositionSpace>\
         <tt:DefaultAbsoluteZoomPositionSpace>{SPACE}/ZoomSpaces/PositionGenericSpace</tt:DefaultAbsoluteZoomPositionSpace>\
         <tt:DefaultRelativePanTiltTranslationSpace>{SPACE}/PanTiltSpaces/TranslationGenericSpace</tt:DefaultRelativePanTiltTranslationSpace>\
         <tt:DefaultRelativeZoomTranslationSpace>{SPACE}/ZoomSpaces/TranslationGenericSpace</tt:DefaultRelativeZoomTranslationSpace>\
         <tt:DefaultContinuousPanTiltVelocitySpace>{SPACE}/PanTiltSpaces/VelocityGenericSpace</tt:DefaultContinuousPanTiltVelocitySpace>\
         <tt:DefaultContinuousZoomVelocitySpace>{SPACE}/ZoomSpaces/VelocityGenericSpace</tt:DefaultContinuousZoomVelocitySpace>\
         <tt:DefaultPTZSpeed><tt:PanTilt x=\"1\" y=\"1\" space=\"{SPACE}/PanTiltSpaces/GenericSpeedSpace\"/>\
         <tt:Zoom x=\"1\" space=\"{SPACE}/ZoomSpaces/ZoomGenericSpeedSpace\"/></tt:DefaultPTZSpeed>\
         <tt:DefaultPTZTimeout>PT{}S</tt:DefaultPTZTimeout>\
         <tt:PanTiltLimits><tt:Range><tt:URI>{SPACE}/PanTiltSpaces/PositionGenericSpace</tt:URI>{}{}</tt:Range></tt:PanTiltLimits>\
         <tt:ZoomLimits><tt:Range><tt:URI>{SPACE}/ZoomSpaces/PositionGenericSpace</tt:URI>{}</tt:Range></tt:ZoomLimits></{tag}>",
        DEFAULT_TIMEOUT.as_secs(),
        range("XRange", -1, 1),
        range("YRange", -1, 1),
        range("XRange", 0, 1)
    )
}
