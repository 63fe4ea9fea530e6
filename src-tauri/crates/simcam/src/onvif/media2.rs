//! Media2, the newer service. ONVIF Media2 Service Specification.

use hausrecht_model::StreamRole;

use super::{
    Caller, Fault,
    media::{ROLES, SOURCE, h264_profile, limit_kbps, role, token},
};
use crate::{
    camera::Camera,
    soap::{Element, escape},
};

/// The body of the answer to `operation`.
pub(super) fn answer(camera: &Camera, operation: &Element, caller: &Caller) -> Result<String, Fault> {
    match operation.name.as_str() {
        "GetProfiles" => {
            let wanted: Vec<&str> = operation
                .children
                .iter()
                .filter(|child| child.name == "Type")
                .map(|child| child.text.trim())
                .collect();
            let named = operation.text_of("Token");
            let profiles: String = ROLES
                .iter()
                .filter(|&&role| named.is_none_or(|named| named == token(role)))
                .map(|&role| profile(camera, role, &wanted))
                .collect();
            if let (Some(named), true) = (named, profiles.is_empty()) {
                return Err(Fault::NoProfile(format!("no profile “{named}”")));
            }
            Ok(format!("<tr2:GetProfilesResponse>{profiles}</tr2:GetProfilesResponse>"))
        }
        "GetStreamUri" => Ok(format!(
            "<tr2:GetStreamUriResponse><tr2:Uri>{}</tr2:Uri></tr2:GetStreamUriResponse>",
            escape(&caller.ports.stream(&caller.host, role(operation)?))
        )),
        "GetSnapshotUri" => {
            role(operation)?;
            Ok(format!(
                "<tr2:GetSnapshotUriResponse><tr2:Uri>{}</tr2:Uri></tr2:GetSnapshotUriResponse>",
                escape(&caller.http("/snapshot.jpg"))
            ))
        }
        other => Err(Fault::NotSupported(other.to_owned())),
    }
}

/// A profile with those configurations that the client wants; without any of them if it names none.
fn profile(camera: &Camera, role: StreamRole, wanted: &[&str]) -> String {
    let wants = |kind: &str| wanted.iter().any(|want| *want == kind || *want == "All");
    let (track, main) = (camera.footage.track(role), &camera.footage.main);
    let token = token(role);
    let mut configurations = String::new();
    if wants("VideoSource") {
        configurations += &format!(
            "<tr2:VideoSource token=\"{SOURCE}\"><tt:Name>{SOURCE}</tt:Name><tt:UseCount>2</tt:UseCount>\
             <tt:SourceToken>{SOURCE}</tt:SourceToken><tt:Bounds x=\"0\" y=\"0\" width=\"{}\" height=\"{}\"/></tr2:VideoSource>",
            main.width, main.height
        );
    }
    if wants("VideoEncoder") {
        configurations += &format!(
            "<tr2:VideoEncoder token=\"{token}\" GovLength=\"{rate}\" Profile=\"{}\"><tt:Name>{token}</tt:Name><tt:UseCount>1</tt:UseCount>\
             <tt:Encoding>H264</tt:Encoding><tt:Resolution><tt:Width>{}</tt:Width><tt:Height>{}</tt:Height></tt:Resolution>\
             <tt:RateControl ConstantBitRate=\"false\"><tt:FrameRateLimit>{rate}</tt:FrameRateLimit>\
             <tt:BitrateLimit>{}</tt:BitrateLimit></tt:RateControl><tt:Quality>5</tt:Quality></tr2:VideoEncoder>",
            h264_profile(role),
            track.width,
            track.height,
            limit_kbps(track),
            rate = track.rate,
        );
    }
    if !configurations.is_empty() {
        configurations = format!("<tr2:Configurations>{configurations}</tr2:Configurations>");
    }
    format!(
        "<tr2:Profiles token=\"{token}\" fixed=\"true\"><tr2:Name>{token}</tr2:Name>{configurations}</tr2:Profiles>"
    )
}
