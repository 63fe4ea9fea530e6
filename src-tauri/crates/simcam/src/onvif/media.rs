//! Media, the older service. ONVIF Media Service Specification.

use super::{
    Caller, Fault, missing, overlay, ptz,
    shape::{
        AUDIO_OUTPUT_OPTIONS, MICROPHONE, SOURCE, SPEAKER, audio_decoder, audio_output, audio_source,
        encoder1, options1, profile_stream, set_audio_output, set_encoder, stream, video_source,
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
    let respond = |content: String| Ok(format!("<trt:{name}Response>{content}</trt:{name}Response>"));
    let streams = || camera.streams().filter(|stream| *stream != Stream::H265);
    let if_it_talks = |content: String| if camera.can(Feature::Talk) { content } else { String::new() };
    let if_it_hears = |content: String| if camera.sound { content } else { String::new() };
    match name {
        "GetServiceCapabilities" => respond(format!(
            "<trt:Capabilities SnapshotUri=\"true\" Rotation=\"false\" OSD=\"{}\"><trt:ProfileCapabilities MaximumNumberOfProfiles=\"4\"/>\
             <trt:StreamingCapabilities RTPMulticast=\"false\" RTP_TCP=\"true\" RTP_RTSP_TCP=\"true\"/></trt:Capabilities>",
            camera.can(Feature::Osd)
        )),
        "GetProfiles" => respond(streams().map(|stream| profile(camera, stream, "Profiles")).collect()),
        "GetProfile" => respond(profile(camera, profile_stream(camera, operation, false)?, "Profile")),
        "GetVideoSources" => {
            let main = camera.footage.track(Stream::Main);
            respond(format!(
                "<trt:VideoSources token=\"{SOURCE}\"><tt:Framerate>{}</tt:Framerate><tt:Resolution><tt:Width>{}</tt:Width>\
                 <tt:Height>{}</tt:Height></tt:Resolution></trt:VideoSources>",
                main.rate, main.width, main.height
            ))
        }
        "GetVideoSourceConfigurations" | "GetCompatibleVideoSourceConfigurations" => {
            respond(video_source(camera, "trt:Configurations"))
        }
        "GetVideoSourceConfiguration" => respond(video_source(camera, "trt:Configuration")),
        "GetVideoEncoderConfigurations" | "GetCompatibleVideoEncoderConfigurations" => {
            respond(streams().map(|stream| encoder1(camera, stream, "trt:Configurations")).collect())
        }
        "GetVideoEncoderConfiguration" => {
            respond(encoder1(camera, named_encoder(camera, operation)?, "trt:Configuration"))
        }
        "GetVideoEncoderConfigurationOptions" => {
            let stream = if operation.child("ConfigurationToken").is_some() {
                named_encoder(camera, operation)?
            } else if operation.child("ProfileToken").is_some() {
                profile_stream(camera, operation, false)?
            } else {
                Stream::Main
            };
            respond(format!("<trt:Options>{}</trt:Options>", options1(camera, stream)))
        }
        "SetVideoEncoderConfiguration" => {
            set_encoder(camera, operation, false)?;
            respond(String::new())
        }
        "GetAudioSources" => respond(if_it_hears(format!(
            "<trt:AudioSources token=\"{MICROPHONE}\"><tt:Channels>1</tt:Channels></trt:AudioSources>"
        ))),
        "GetAudioSourceConfigurations" => respond(if_it_hears(audio_source(camera, "trt:Configurations"))),
        "GetAudioOutputs" => {
            respond(if_it_talks(format!("<trt:AudioOutputs token=\"{SPEAKER}\"/>")))
        }
        "GetAudioOutputConfigurations" | "GetCompatibleAudioOutputConfigurations" => {
            respond(if_it_talks(audio_output(camera, "trt:Configurations")))
        }
        "GetAudioOutputConfigurationOptions" if camera.can(Feature::Talk) => {
            respond(format!("<trt:Options>{AUDIO_OUTPUT_OPTIONS}</trt:Options>"))
        }
        "SetAudioOutputConfiguration" if camera.can(Feature::Talk) => {
            set_audio_output(camera, operation)?;
            respond(String::new())
        }
        "GetAudioDecoderConfigurations" | "GetCompatibleAudioDecoderConfigurations" => {
            respond(if_it_talks(audio_decoder(camera, "trt:Configurations")))
        }
        "GetAudioDecoderConfigurationOptions" if camera.can(Feature::Talk) => respond(
            "<trt:Options><tt:G711DecOptions><tt:Bitrate><tt:Items>64</tt:Items></tt:Bitrate><tt:SampleRateRange>\
             <tt:Items>8</tt:Items></tt:SampleRateRange></tt:G711DecOptions></trt:Options>"
                .to_owned(),
        ),
        "GetStreamUri" => {
            respond(media_uri(&caller.stream(profile_stream(camera, operation, false)?)))
        }
        "GetSnapshotUri" => {
            profile_stream(camera, operation, false)?;
            respond(media_uri(&caller.snapshot()))
        }
        // Every connection begins with a key frame, and there is one a second anyway.
        "SetSynchronizationPoint" => {
            profile_stream(camera, operation, false)?;
            respond(String::new())
        }
        _ if camera.can(Feature::Osd) => overlay::osd(camera, operation, "trt"),
        other => Err(Fault::NotSupported(other.to_owned())),
    }
}

fn named_encoder(camera: &Camera, operation: &Element) -> Result<Stream, Fault> {
    let token = super::required(operation, "ConfigurationToken")?;
    stream(camera, token, false).ok_or_else(|| missing(&["ter:InvalidArgVal", "ter:NoConfig"], token))
}

fn media_uri(uri: &str) -> String {
    format!(
        "<trt:MediaUri><tt:Uri>{}</tt:Uri><tt:InvalidAfterConnect>false</tt:InvalidAfterConnect>\
         <tt:InvalidAfterReboot>false</tt:InvalidAfterReboot><tt:Timeout>PT0S</tt:Timeout></trt:MediaUri>",
        escape(uri)
    )
}

fn profile(camera: &Camera, stream: Stream, tag: &str) -> String {
    let token = stream.token();
    let head =
        if camera.can(Feature::Ptz) { ptz::configuration("tt:PTZConfiguration") } else { String::new() };
    let speaker = if camera.can(Feature::Talk) {
        format!(
            "<tt:Extension>{}{}</tt:Extension>",
            audio_output(camera, "tt:AudioOutputConfiguration"),
            audio_decoder(camera, "tt:AudioDecoderConfiguration")
        )
    } else {
        String::new()
    };
    let microphone =
        if camera.sound { audio_source(camera, "tt:AudioSourceConfiguration") } else { String::new() };
    format!(
        "<trt:{tag} token=\"{token}\" fixed=\"true\"><tt:Name>{token}</tt:Name>{}{microphone}{}{head}{speaker}</trt:{tag}>",
        video_source(camera, "tt:VideoSourceConfiguration"),
        encoder1(camera, stream, "tt:VideoEncoderConfiguration"),
    )
}
