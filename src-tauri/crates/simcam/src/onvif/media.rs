//! Media, the older service. ONVIF Media Service Specification.

use hausrecht_model::StreamRole;

use super::{Caller, Fault};
use crate::{
    camera::Camera,
    footage::Track,
    soap::{Element, escape},
};

/// The body of the answer to `operation`.
pub(super) fn answer(camera: &Camera, operation: &Element, caller: &Caller) -> Result<String, Fault> {
    match operation.name.as_str() {
        "GetProfiles" => {
            let profiles: String = ROLES.iter().map(|&role| profile(camera, role, "Profiles")).collect();
            Ok(format!("<trt:GetProfilesResponse>{profiles}</trt:GetProfilesResponse>"))
        }
        "GetProfile" => {
            let profile = profile(camera, role(operation)?, "Profile");
            Ok(format!("<trt:GetProfileResponse>{profile}</trt:GetProfileResponse>"))
        }
        "GetVideoSources" => Ok(format!(
            "<trt:GetVideoSourcesResponse><trt:VideoSources token=\"{SOURCE}\"><tt:Framerate>{}</tt:Framerate>\
             <tt:Resolution><tt:Width>{}</tt:Width><tt:Height>{}</tt:Height></tt:Resolution></trt:VideoSources>\
             </trt:GetVideoSourcesResponse>",
            camera.footage.main.rate, camera.footage.main.width, camera.footage.main.height
        )),
        "GetStreamUri" => Ok(format!(
            "<trt:GetStreamUriResponse>{}</trt:GetStreamUriResponse>",
            media_uri(&caller.ports.stream(&caller.host, role(operation)?))
        )),
        "GetSnapshotUri" => {
            role(operation)?;
            let uri = media_uri(&caller.http("/snapshot.jpg"));
            Ok(format!("<trt:GetSnapshotUriResponse>{uri}</trt:GetSnapshotUriResponse>"))
        }
        other => Err(Fault::NotSupported(other.to_owned())),
    }
}

pub(super) const ROLES: [StreamRole; 2] = [StreamRole::Main, StreamRole::Sub];
/// The token of the only video source.
pub(super) const SOURCE: &str = "source";

/// A profile's token.
pub(super) fn token(role: StreamRole) -> &'static str {
    match role {
        StreamRole::Main => "main",
        StreamRole::Sub => "sub",
    }
}

/// The stream that `operation` names by its profile.
pub(super) fn role(operation: &Element) -> Result<StreamRole, Fault> {
    let named = operation
        .text_of("ProfileToken")
        .ok_or_else(|| Fault::InvalidArgument("ProfileToken is missing".to_owned()))?;
    ROLES
        .into_iter()
        .find(|&role| token(role) == named)
        .ok_or_else(|| Fault::NoProfile(format!("no profile “{named}”")))
}

/// What the padded or bare stream needs at most, in kbit/s.
pub(super) fn limit_kbps(track: &Track) -> u64 {
    let bytes: u64 = track.units.iter().map(|unit| unit.bytes.len() as u64).sum();
    let mean = bytes * 8 * u64::from(track.rate) / track.units.len() as u64 / 1000;
    (mean * 5 / 4).max(64)
}

/// The quotes of H.264 profiles in ONVIF: the footage's main stream is High, its sub stream Main.
pub(super) fn h264_profile(role: StreamRole) -> &'static str {
    match role {
        StreamRole::Main => "High",
        StreamRole::Sub => "Main",
    }
}

fn media_uri(uri: &str) -> String {
    format!(
        "<trt:MediaUri><tt:Uri>{}</tt:Uri><tt:InvalidAfterConnect>false</tt:InvalidAfterConnect>\
         <tt:InvalidAfterReboot>false</tt:InvalidAfterReboot><tt:Timeout>PT0S</tt:Timeout></trt:MediaUri>",
        escape(uri)
    )
}

fn profile(camera: &Camera, role: StreamRole, tag: &str) -> String {
    let (track, main) = (camera.footage.track(role), &camera.footage.main);
    let token = token(role);
    format!(
        "<trt:{tag} token=\"{token}\" fixed=\"true\"><tt:Name>{token}</tt:Name>\
         <tt:VideoSourceConfiguration token=\"{SOURCE}\"><tt:Name>{SOURCE}</tt:Name><tt:UseCount>2</tt:UseCount>\
         <tt:SourceToken>{SOURCE}</tt:SourceToken><tt:Bounds x=\"0\" y=\"0\" width=\"{}\" height=\"{}\"/></tt:VideoSourceConfiguration>\
         <tt:VideoEncoderConfiguration token=\"{token}\"><tt:Name>{token}</tt:Name><tt:UseCount>1</tt:UseCount>\
         <tt:Encoding>H264</tt:Encoding><tt:Resolution><tt:Width>{}</tt:Width><tt:Height>{}</tt:Height></tt:Resolution>\
         <tt:Quality>5</tt:Quality><tt:RateControl><tt:FrameRateLimit>{rate}</tt:FrameRateLimit>\
         <tt:EncodingInterval>1</tt:EncodingInterval><tt:BitrateLimit>{}</tt:BitrateLimit></tt:RateControl>\
         <tt:H264><tt:GovLength>{rate}</tt:GovLength><tt:H264Profile>{}</tt:H264Profile></tt:H264>\
         <tt:Multicast><tt:Address><tt:Type>IPv4</tt:Type><tt:IPv4Address>0.0.0.0</tt:IPv4Address></tt:Address>\
         <tt:Port>0</tt:Port><tt:TTL>1</tt:TTL><tt:AutoStart>false</tt:AutoStart></tt:Multicast>\
         <tt:SessionTimeout>PT60S</tt:SessionTimeout></tt:VideoEncoderConfiguration></trt:{tag}>",
        main.width,
        main.height,
        track.width,
        track.height,
        limit_kbps(track),
        h264_profile(role),
        rate = track.rate,
    )
}
