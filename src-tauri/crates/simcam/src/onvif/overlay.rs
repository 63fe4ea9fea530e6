//! Texts over the picture and areas that are made black. ONVIF Media2 Service Specification, 5.10 and 5.11; the older service has
//! the same messages for texts.

use super::{Fault, missing, number, required, shape::SOURCE};
use crate::{
    camera::Camera,
    picture::{CORNERS, MOST_OVERLAYS, Mask, Osd},
    soap::{Element, escape},
};

const POSITIONS: [&str; 5] = ["UpperLeft", "UpperRight", "LowerLeft", "LowerRight", "Custom"];
const TEXTS: [&str; 4] = ["Plain", "Date", "Time", "DateAndTime"];
const DATES: [&str; 3] = ["yyyy-MM-dd", "dd/MM/yyyy", "MM/dd/yyyy"];
const TIMES: [&str; 2] = ["HH:mm:ss", "hh:mm:ss tt"];
const MASKS: [&str; 3] = ["Color", "Pixelized", "Blurred"];
/// The longest text, in characters.
const LONGEST_TEXT: usize = 64;
const NO_CONFIG: &[&str] = &["ter:InvalidArgVal", "ter:NoConfig"];
const MODIFY: &[&str] = &["ter:InvalidArgVal", "ter:ConfigModify"];
const FULL: &[&str] = &["ter:Action", "ter:MaxOSDs"];
const MASKS_FULL: &[&str] = &["ter:Action", "ter:MaxMasks"];

/// The body of the answer to an operation on texts; `prefix` is that of the service.
pub(super) fn osd(camera: &Camera, operation: &Element, prefix: &str) -> Result<String, Fault> {
    let name = operation.name.as_str();
    let respond =
        |content: String| Ok(format!("<{prefix}:{name}Response>{content}</{prefix}:{name}Response>"));
    match name {
        "GetOSDs" | "GetOSD" => {
            let wanted = operation.text_of("OSDToken");
            let picture = camera.picture();
            let some = picture.osds.iter().filter(|(token, _)| wanted.is_none_or(|wanted| wanted == *token));
            let tag = format!("{prefix}:{}", if name == "GetOSD" { "OSD" } else { "OSDs" });
            let found: String = some.map(|(token, osd)| osd_item(&tag, token, osd)).collect();
            match wanted {
                Some(wanted) if found.is_empty() => Err(missing(NO_CONFIG, wanted)),
                Some(_) | None => respond(found),
            }
        }
        "GetOSDOptions" => respond(osd_options(&format!("{prefix}:OSDOptions"))),
        "CreateOSD" => {
            let new = read_osd(operation)?;
            let mut picture = camera.picture();
            if picture.osds.len() >= MOST_OVERLAYS {
                return Err(Fault::Refused(FULL, "no room for another text".to_owned()));
            }
            let token = picture.new_token("osd");
            picture.osds.insert(token.clone(), new);
            respond(format!("<{prefix}:OSDToken>{token}</{prefix}:OSDToken>"))
        }
        "SetOSD" => {
            let new = read_osd(operation)?;
            let token = operation.child("OSD").and_then(|osd| osd.attribute("token")).unwrap_or_default();
            *camera.picture().osds.get_mut(token).ok_or_else(|| missing(NO_CONFIG, token))? = new;
            respond(String::new())
        }
        "DeleteOSD" => {
            let token = required(operation, "OSDToken")?;
            camera.picture().osds.remove(token).ok_or_else(|| missing(NO_CONFIG, token))?;
            respond(String::new())
        }
        other => Err(Fault::NotSupported(other.to_owned())),
    }
}

fn osd_item(tag: &str, token: &str, osd: &Osd) -> String {
    let at = osd.at.map_or_else(String::new, |(x, y)| format!("<tt:Pos x=\"{x}\" y=\"{y}\"/>"));
    let part = |name: &str, value: &Option<String>| {
        value.as_ref().map_or_else(String::new, |value| format!("<tt:{name}>{}</tt:{name}>", escape(value)))
    };
    let plain = if osd.kind == "Plain" {
        format!("<tt:PlainText>{}</tt:PlainText>", escape(&osd.text))
    } else {
        String::new()
    };
    format!(
        "<{tag} token=\"{token}\"><tt:VideoSourceConfigurationToken>{SOURCE}</tt:VideoSourceConfigurationToken>\
         <tt:Type>Text</tt:Type><tt:Position><tt:Type>{}</tt:Type>{at}</tt:Position>\
         <tt:TextString><tt:Type>{}</tt:Type>{}{}{}{plain}</tt:TextString></{tag}>",
        osd.corner,
        osd.kind,
        part("DateFormat", &osd.date_format),
        part("TimeFormat", &osd.time_format),
        part("FontSize", &osd.font_size.map(|size| size.to_string())),
    )
}

fn osd_options(tag: &str) -> String {
    let list = |name: &str, values: &[&str]| -> String {
        values.iter().map(|value| format!("<tt:{name}>{value}</tt:{name}>")).collect()
    };
    format!(
        "<{tag}><tt:MaximumNumberOfOSDs Total=\"{MOST_OVERLAYS}\" PlainText=\"{MOST_OVERLAYS}\"/><tt:Type>Text</tt:Type>{}\
         <tt:TextOption>{}<tt:FontSizeRange><tt:Min>8</tt:Min><tt:Max>72</tt:Max></tt:FontSizeRange>{}{}</tt:TextOption></{tag}>",
        list("PositionOption", &POSITIONS),
        list("Type", &TEXTS),
        list("DateFormat", &DATES),
        list("TimeFormat", &TIMES),
    )
}

fn read_osd(operation: &Element) -> Result<Osd, Fault> {
    let wrong = |what: &str| Fault::Refused(MODIFY, what.to_owned());
    let osd = operation.child("OSD").ok_or_else(|| Fault::InvalidArgument("OSD is missing".to_owned()))?;
    if osd.text_of("VideoSourceConfigurationToken") != Some(SOURCE) {
        return Err(missing(NO_CONFIG, osd.text_of("VideoSourceConfigurationToken").unwrap_or_default()));
    }
    if osd.child("Type").is_none_or(|kind| kind.text.trim() != "Text") {
        return Err(wrong("only texts can be put over the picture"));
    }
    let position = osd.child("Position").ok_or_else(|| wrong("Position is missing"))?;
    let corner = required(position, "Type")?;
    let at = position.child("Pos").map(point).transpose()?;
    let text = osd.child("TextString").ok_or_else(|| wrong("TextString is missing"))?;
    let kind = required(text, "Type")?;
    let plain = text.text_of("PlainText").unwrap_or_default();
    let font_size: Option<i32> = number(text, "FontSize")?;
    if !POSITIONS.contains(&corner) || (corner == "Custom") != at.is_some() {
        return Err(wrong("no such position"));
    }
    if !TEXTS.contains(&kind) || (kind == "Plain") == plain.is_empty() || plain.chars().count() > LONGEST_TEXT
    {
        return Err(wrong("no such text"));
    }
    if font_size.is_some_and(|size| !(8..=72).contains(&size)) {
        return Err(wrong("the font size is from 8 to 72"));
    }
    let format = |name: &str, known: &[&str]| match text.text_of(name) {
        Some(format) if !known.contains(&format) => Err(wrong("no such form of date or time")),
        other => Ok(other.map(ToOwned::to_owned)),
    };
    Ok(Osd {
        corner: corner.to_owned(),
        at,
        kind: kind.to_owned(),
        text: plain.to_owned(),
        font_size,
        date_format: format("DateFormat", &DATES)?,
        time_format: format("TimeFormat", &TIMES)?,
    })
}

/// The body of the answer to an operation on areas.
pub(super) fn mask(camera: &Camera, operation: &Element) -> Result<String, Fault> {
    let name = operation.name.as_str();
    let respond = |content: String| Ok(format!("<tr2:{name}Response>{content}</tr2:{name}Response>"));
    match name {
        "GetMasks" => {
            let wanted = operation.text_of("Token");
            let picture = camera.picture();
            let some = picture.masks.iter().filter(|(token, _)| wanted.is_none_or(|wanted| wanted == *token));
            let found: String = some.map(|(token, mask)| mask_item(token, mask)).collect();
            match wanted {
                Some(wanted) if found.is_empty() => Err(missing(NO_CONFIG, wanted)),
                Some(_) | None => respond(found),
            }
        }
        "GetMaskOptions" => {
            let types: String = MASKS.iter().map(|kind| format!("<tr2:Types>{kind}</tr2:Types>")).collect();
            respond(format!(
                "<tr2:Options RectangleOnly=\"false\" SingleColorOnly=\"false\"><tr2:MaxMasks>{MOST_OVERLAYS}</tr2:MaxMasks>\
                 <tr2:MaxPoints>{}</tr2:MaxPoints>{types}<tr2:Color><tt:ColorspaceRange><tt:X><tt:Min>0</tt:Min><tt:Max>255</tt:Max></tt:X>\
                 <tt:Y><tt:Min>0</tt:Min><tt:Max>255</tt:Max></tt:Y><tt:Z><tt:Min>0</tt:Min><tt:Max>255</tt:Max></tt:Z>\
                 <tt:Colorspace>http://www.onvif.org/ver10/colorspace/YCbCr</tt:Colorspace></tt:ColorspaceRange></tr2:Color></tr2:Options>",
                CORNERS.end()
            ))
        }
        "CreateMask" => {
            let new = read_mask(operation)?;
            let mut picture = camera.picture();
            if picture.masks.len() >= MOST_OVERLAYS {
                return Err(Fault::Refused(MASKS_FULL, "no room for another mask".to_owned()));
            }
            let token = picture.new_token("mask");
            picture.masks.insert(token.clone(), new);
            respond(format!("<tr2:Token>{token}</tr2:Token>"))
        }
        "SetMask" => {
            let new = read_mask(operation)?;
            let token = operation.child("Mask").and_then(|mask| mask.attribute("token")).unwrap_or_default();
            *camera.picture().masks.get_mut(token).ok_or_else(|| missing(NO_CONFIG, token))? = new;
            respond(String::new())
        }
        "DeleteMask" => {
            let token = required(operation, "Token")?;
            camera.picture().masks.remove(token).ok_or_else(|| missing(NO_CONFIG, token))?;
            respond(String::new())
        }
        other => Err(Fault::NotSupported(other.to_owned())),
    }
}

fn mask_item(token: &str, mask: &Mask) -> String {
    let points: String =
        mask.corners.iter().map(|(x, y)| format!("<tt:Point x=\"{x}\" y=\"{y}\"/>")).collect();
    let color = mask.color.map_or_else(String::new, |(x, y, z)| {
        format!("<tr2:Color X=\"{x}\" Y=\"{y}\" Z=\"{z}\" Colorspace=\"http://www.onvif.org/ver10/colorspace/YCbCr\"/>")
    });
    format!(
        "<tr2:Masks token=\"{token}\"><tr2:ConfigurationToken>{SOURCE}</tr2:ConfigurationToken><tr2:Polygon>{points}</tr2:Polygon>\
         <tr2:Type>{}</tr2:Type>{color}<tr2:Enabled>{}</tr2:Enabled></tr2:Masks>",
        mask.kind, mask.enabled
    )
}

fn read_mask(operation: &Element) -> Result<Mask, Fault> {
    let wrong = |what: &str| Fault::Refused(MODIFY, what.to_owned());
    let mask = operation.child("Mask").ok_or_else(|| Fault::InvalidArgument("Mask is missing".to_owned()))?;
    let configuration = required(mask, "ConfigurationToken")?;
    if configuration != SOURCE {
        return Err(missing(NO_CONFIG, configuration));
    }
    let polygon = mask.child("Polygon").ok_or_else(|| wrong("Polygon is missing"))?;
    let corners: Vec<(f64, f64)> =
        polygon.children.iter().filter(|child| child.name == "Point").map(point).collect::<Result<_, _>>()?;
    if !CORNERS.contains(&corners.len()) {
        return Err(wrong("an area has 3 to 10 corners"));
    }
    let kind = required(mask, "Type")?;
    if !MASKS.contains(&kind) {
        return Err(wrong("no such kind of mask"));
    }
    let color = mask.child("Color").and_then(|color| {
        let axis = |name: &str| color.attribute(name).and_then(|value| value.parse().ok());
        Some((axis("X")?, axis("Y")?, axis("Z")?))
    });
    let enabled = matches!(required(mask, "Enabled")?, "true" | "1");
    Ok(Mask { corners, kind: kind.to_owned(), color, enabled })
}

/// A point on the picture, from -1.0 to 1.0 either way.
fn point(element: &Element) -> Result<(f64, f64), Fault> {
    let axis = |name: &str| {
        let value = element.attribute(name).and_then(|value| value.parse::<f64>().ok());
        value
            .filter(|value| (-1.0..=1.0).contains(value))
            .ok_or_else(|| Fault::Refused(MODIFY, "points are from -1 to 1".to_owned()))
    };
    Ok((axis("x")?, axis("y")?))
}
