//! Media2, the newer service. ONVIF Media2 Service Specification.

use super::{
    Caller, Fault, missing, overlay, ptz,
    shape::{
        AUDIO_OUTPUT_OPTIONS, SOURCE, asks_for_another, audio_decoder, audio_output, audio_source, encoder2,
        options2, profile_stream, set_audio_output, set_encoder, stream, video_source,
    },
};
use crate::{
    camera::Camera,
    feature::Feature,
    footage::Stream,
    soap::{Element, escape},
};

/// The body of the answer to `operation`.
pub(super) fn answer(camera: &Camera, operation: &Element, caller: &Caller) -> Result<String, Fault> {
    let name = operation.name.as_str();
    let respond = |content: String| Ok(format!("<tr2:{name}Response>{content}</tr2:{name}Response>"));
    let if_it_talks = |content: String| if camera.can(Feature::Talk) { content } else { String::new() };
    match name {
        "GetServiceCapabilities" => respond(capabilities(camera)),
        "GetProfiles" => respond(profiles(camera, operation)?),
        "GetVideoSourceConfigurations" => respond(if asks_for_another(operation, SOURCE) {
            return Err(missing(&["ter:InvalidArgVal", "ter:NoConfig"], "that configuration"));
        } else {
            video_source(camera, "tr2:Configurations")
        }),
        "GetVideoEncoderConfigurations" => {
            let some = encoders(camera, operation)?;
            respond(some.into_iter().map(|stream| encoder2(camera, stream, "tr2:Configurations")).collect())
        }
        "GetVideoEncoderConfigurationOptions" => {
            let some = encoders(camera, operation)?;
            respond(some.into_iter().map(|stream| options2(camera, stream)).collect())
        }
        "SetVideoEncoderConfiguration" => {
            set_encoder(camera, operation, true)?;
            respond(String::new())
        }
        "GetVideoEncoderInstances" => respond(instances(camera)),
        "GetAudioSourceConfigurations" => respond(if camera.sound {
            audio_source(camera, "tr2:Configurations")
        } else {
            String::new()
        }),
        "GetAudioOutputConfigurations" => respond(if_it_talks(audio_output(camera, "tr2:Configurations"))),
        "GetAudioOutputConfigurationOptions" if camera.can(Feature::Talk) => {
            respond(format!("<tr2:Options>{AUDIO_OUTPUT_OPTIONS}</tr2:Options>"))
        }
        "SetAudioOutputConfiguration" if camera.can(Feature::Talk) => {
            set_audio_output(camera, operation)?;
            respond(String::new())
        }
        "GetAudioDecoderConfigurations" => respond(if_it_talks(audio_decoder(camera, "tr2:Configurations"))),
        "GetAudioDecoderConfigurationOptions" if camera.can(Feature::Talk) => respond(
            "<tr2:Options><tt:Encoding>PCMU</tt:Encoding><tt:BitrateList><tt:Items>64</tt:Items></tt:BitrateList>\
             <tt:SampleRateList><tt:Items>8</tt:Items></tt:SampleRateList></tr2:Options>"
                .to_owned(),
        ),
        "GetStreamUri" => {
            let uri = caller.stream(profile_stream(camera, operation, true)?);
            respond(format!("<tr2:Uri>{}</tr2:Uri>", escape(&uri)))
        }
        "GetSnapshotUri" => {
            profile_stream(camera, operation, true)?;
            respond(format!("<tr2:Uri>{}</tr2:Uri>", escape(&caller.snapshot())))
        }
        // Every connection begins with a key frame, and there is one a second anyway.
        "SetSynchronizationPoint" => {
            profile_stream(camera, operation, true)?;
            respond(String::new())
        }
        _ if name.contains("Mask") && camera.can(Feature::Mask) => overlay::mask(camera, operation),
        _ if name.contains("OSD") && camera.can(Feature::Osd) => overlay::osd(camera, operation, "tr2"),
        other => Err(Fault::NotSupported(other.to_owned())),
    }
}

fn capabilities(camera: &Camera) -> String {
    let osd = camera.can(Feature::Osd);
    format!(
        "<tr2:Capabilities SnapshotUri=\"true\" Rotation=\"false\" OSD=\"{osd}\" Mask=\"{}\">\
         <tr2:ProfileCapabilities MaximumNumberOfProfiles=\"4\" ConfigurationsSupported=\"VideoSource VideoEncoder{}{}\"/>\
         <tr2:StreamingCapabilities RTSPStreaming=\"true\" RTPMulticast=\"false\" RTP_RTSP_TCP=\"true\"/></tr2:Capabilities>",
        camera.can(Feature::Mask),
        if camera.can(Feature::Talk) { " AudioOutput AudioDecoder" } else { "" },
        if camera.can(Feature::Ptz) { " PTZ" } else { "" },
    )
}

/// The streams whose encoders `operation` asks for, by configuration or by profile.
fn encoders(camera: &Camera, operation: &Element) -> Result<Vec<Stream>, Fault> {
    if let Some(token) = operation.text_of("ConfigurationToken") {
        let found = stream(camera, token, true);
        return Ok(vec![found.ok_or_else(|| missing(&["ter:InvalidArgVal", "ter:NoConfig"], token))?]);
    }
    if operation.child("ProfileToken").is_some() {
        return Ok(vec![profile_stream(camera, operation, true)?]);
    }
    Ok(camera.streams().collect())
}

fn instances(camera: &Camera) -> String {
    let count = camera.streams().count();
    format!("<tr2:Info><tr2:Total>{count}</tr2:Total></tr2:Info>")
}

fn profiles(camera: &Camera, operation: &Element) -> Result<String, Fault> {
    let wanted: Vec<&str> = operation.texts("Type").collect();
    let named = operation.text_of("Token");
    let profiles: String = camera
        .streams()
        .filter(|stream| named.is_none_or(|named| named == stream.token()))
        .map(|stream| profile(camera, stream, &wanted))
        .collect();
    match named {
        Some(named) if profiles.is_empty() => Err(Fault::NoProfile(format!("no profile “{named}”"))),
        Some(_) | None => Ok(profiles),
    }
}

/// A profile with those configurations that the client wants; without any of them if it names none.
fn profile(camera: &Camera, stream: Stream, wanted: &[&str]) -> String {
    let wants = |kind: &str| wanted.iter().any(|want| *want == kind || *want == "All");
    let token = stream.token();
    let mut configurations = String::new();
    if wants("VideoSource") {
        configurations += &video_source(camera, "tr2:VideoSource");
    }
    if wants("AudioSource") && camera.sound {
        configurations += &audio_source(camera, "tr2:AudioSource");
    }
    if wants("VideoEncoder") {
        configurations += &encoder2(camera, stream, "tr2:VideoEncoder");
    }
    if wants("PTZ") && camera.can(Feature::Ptz) {
        configurations += &ptz::configuration("tr2:PTZ");
    }
    if wants("AudioOutput") && camera.can(Feature::Talk) {
        configurations += &audio_output(camera, "tr2:AudioOutput");
    }
    if wants("AudioDecoder") && camera.can(Feature::Talk) {
        configurations += &audio_decoder(camera, "tr2:AudioDecoder");
    }
    if !configurations.is_empty() {
        configurations = format!("<tr2:Configurations>{configurations}</tr2:Configurations>");
    }
    format!(
        "<tr2:Profiles token=\"{token}\" fixed=\"true\"><tr2:Name>{token}</tr2:Name>{configurations}</tr2:Profiles>"
    )
}
