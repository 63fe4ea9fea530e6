//! Configurations as both media services write and read them.

use super::{Fault, missing, number};
use crate::{
    camera::Camera,
    footage::Stream,
    picture::Encoder,
    soap::{Element, escape},
};

/// The token of the only video source, and of its configuration.
pub(super) const SOURCE: &str = "source";
/// The token of the loudspeaker, of its configuration, and of its decoder's.
pub(super) const SPEAKER: &str = "speaker";
/// The token of the microphone.
pub(super) const MICROPHONE: &str = "microphone";
/// Bit rates that an encoder takes, in kbit/s.
const KBPS: std::ops::RangeInclusive<u32> = 64..=200_000;
/// Distances of key frames that an encoder takes, in pictures.
const GOV: std::ops::RangeInclusive<u32> = 1..=250;

const NO_ADDRESS: &str = "<tt:Multicast><tt:Address><tt:Type>IPv4</tt:Type><tt:IPv4Address>0.0.0.0</tt:IPv4Address></tt:Address>\
     <tt:Port>0</tt:Port><tt:TTL>1</tt:TTL><tt:AutoStart>false</tt:AutoStart></tt:Multicast>";

/// The stream that a token names, among those of Media2 or of Media.
pub(super) fn stream(camera: &Camera, token: &str, media2: bool) -> Option<Stream> {
    camera.streams().find(|stream| stream.token() == token && (media2 || *stream != Stream::H265))
}

/// The stream of the profile that `operation` names.
pub(super) fn profile_stream(camera: &Camera, operation: &Element, media2: bool) -> Result<Stream, Fault> {
    let token = super::required(operation, "ProfileToken")?;
    stream(camera, token, media2).ok_or_else(|| Fault::NoProfile(format!("no profile “{token}”")))
}

/// Whether `operation` asks for a configuration by a token that is not `token`.
pub(super) fn asks_for_another(operation: &Element, token: &str) -> bool {
    operation.text_of("ConfigurationToken").is_some_and(|asked| asked != token)
}

fn encoding(stream: Stream) -> &'static str {
    match stream {
        Stream::Main | Stream::Sub => "H264",
        Stream::Mjpeg => "JPEG",
        Stream::H265 => "H265",
    }
}

/// The configuration of the video source.
pub(super) fn video_source(camera: &Camera, tag: &str) -> String {
    let main = camera.footage.track(Stream::Main);
    format!(
        "<{tag} token=\"{SOURCE}\"><tt:Name>{SOURCE}</tt:Name><tt:UseCount>{}</tt:UseCount>\
         <tt:SourceToken>{SOURCE}</tt:SourceToken><tt:Bounds x=\"0\" y=\"0\" width=\"{}\" height=\"{}\"/></{tag}>",
        camera.streams().count(),
        main.width,
        main.height
    )
}

/// The configuration of an encoder as Media has it.
pub(super) fn encoder1(camera: &Camera, stream: Stream, tag: &str) -> String {
    let encoder = camera.picture().encoder(stream).clone();
    let codec = if stream == Stream::Mjpeg {
        String::new()
    } else {
        format!(
            "<tt:H264><tt:GovLength>{}</tt:GovLength><tt:H264Profile>{}</tt:H264Profile></tt:H264>",
            encoder.gov_length, encoder.profile
        )
    };
    format!(
        "<{tag} token=\"{}\"><tt:Name>{}</tt:Name><tt:UseCount>1</tt:UseCount>\
         <tt:Encoding>{}</tt:Encoding><tt:Resolution><tt:Width>{}</tt:Width><tt:Height>{}</tt:Height></tt:Resolution>\
         <tt:Quality>{}</tt:Quality><tt:RateControl><tt:FrameRateLimit>{}</tt:FrameRateLimit>\
         <tt:EncodingInterval>1</tt:EncodingInterval><tt:BitrateLimit>{}</tt:BitrateLimit></tt:RateControl>\
         {codec}{NO_ADDRESS}<tt:SessionTimeout>PT60S</tt:SessionTimeout></{tag}>",
        stream.token(),
        escape(&encoder.name),
        encoding(stream),
        encoder.width,
        encoder.height,
        encoder.quality,
        encoder.rate,
        encoder.limit_kbps,
    )
}

/// The configuration of an encoder as Media2 has it.
pub(super) fn encoder2(camera: &Camera, stream: Stream, tag: &str) -> String {
    let encoder = camera.picture().encoder(stream).clone();
    let codec = if stream == Stream::Mjpeg {
        String::new()
    } else {
        format!(" GovLength=\"{}\" Profile=\"{}\"", encoder.gov_length, encoder.profile)
    };
    format!(
        "<{tag} token=\"{}\"{codec}><tt:Name>{}</tt:Name><tt:UseCount>1</tt:UseCount>\
         <tt:Encoding>{}</tt:Encoding><tt:Resolution><tt:Width>{}</tt:Width><tt:Height>{}</tt:Height></tt:Resolution>\
         <tt:RateControl ConstantBitRate=\"false\"><tt:FrameRateLimit>{}</tt:FrameRateLimit>\
         <tt:BitrateLimit>{}</tt:BitrateLimit></tt:RateControl>{NO_ADDRESS}<tt:Quality>{}</tt:Quality></{tag}>",
        stream.token(),
        escape(&encoder.name),
        encoding(stream),
        encoder.width,
        encoder.height,
        encoder.rate,
        encoder.limit_kbps,
        encoder.quality,
    )
}

/// What an encoder can be set to, as Media has it: the answer of one stream.
pub(super) fn options1(camera: &Camera, stream: Stream) -> String {
    let track = camera.footage.track(stream);
    let sizes = format!(
        "<tt:ResolutionsAvailable><tt:Width>{}</tt:Width><tt:Height>{}</tt:Height></tt:ResolutionsAvailable>",
        track.width, track.height
    );
    let rates = format!(
        "<tt:FrameRateRange><tt:Min>1</tt:Min><tt:Max>{}</tt:Max></tt:FrameRateRange>\
         <tt:EncodingIntervalRange><tt:Min>1</tt:Min><tt:Max>1</tt:Max></tt:EncodingIntervalRange>",
        track.rate
    );
    let bits = format!(
        "<tt:BitrateRange><tt:Min>{}</tt:Min><tt:Max>{}</tt:Max></tt:BitrateRange>",
        KBPS.start(),
        KBPS.end()
    );
    let (codec, extension) = if stream == Stream::Mjpeg {
        let jpeg = format!("<tt:JPEG>{sizes}{rates}</tt:JPEG>");
        (jpeg, format!("<tt:JPEG>{sizes}{rates}{bits}</tt:JPEG>"))
    } else {
        let profiles = "<tt:H264ProfilesSupported>Baseline</tt:H264ProfilesSupported>\
             <tt:H264ProfilesSupported>Main</tt:H264ProfilesSupported><tt:H264ProfilesSupported>High</tt:H264ProfilesSupported>";
        let gov = format!(
            "<tt:GovLengthRange><tt:Min>{}</tt:Min><tt:Max>{}</tt:Max></tt:GovLengthRange>",
            GOV.start(),
            GOV.end()
        );
        let h264 = format!("<tt:H264>{sizes}{gov}{rates}{profiles}</tt:H264>");
        (h264, format!("<tt:H264>{sizes}{gov}{rates}{profiles}{bits}</tt:H264>"))
    };
    format!(
        "<tt:QualityRange><tt:Min>1</tt:Min><tt:Max>10</tt:Max></tt:QualityRange>{codec}<tt:Extension>{extension}</tt:Extension>"
    )
}

/// What an encoder can be set to, as Media2 has it.
pub(super) fn options2(camera: &Camera, stream: Stream) -> String {
    let track = camera.footage.track(stream);
    let rates: Vec<String> = (1..=track.rate).rev().map(|rate| rate.to_string()).collect();
    let codec = match stream {
        Stream::Main | Stream::Sub => " ProfilesSupported=\"Baseline Main High\"",
        Stream::H265 => " ProfilesSupported=\"Main\"",
        Stream::Mjpeg => "",
    };
    format!(
        "<tr2:Options GovLengthRange=\"{} {}\" FrameRatesSupported=\"{}\"{codec} ConstantBitRateSupported=\"false\">\
         <tt:Encoding>{}</tt:Encoding><tt:QualityRange><tt:Min>1</tt:Min><tt:Max>10</tt:Max></tt:QualityRange>\
         <tt:ResolutionsAvailable><tt:Width>{}</tt:Width><tt:Height>{}</tt:Height></tt:ResolutionsAvailable>\
         <tt:BitrateRange><tt:Min>{}</tt:Min><tt:Max>{}</tt:Max></tt:BitrateRange></tr2:Options>",
        GOV.start(),
        GOV.end(),
        rates.join(" "),
        encoding(stream),
        track.width,
        track.height,
        KBPS.start(),
        KBPS.end()
    )
}

/// Takes the encoder configuration in `operation`, of either service.
pub(super) fn set_encoder(camera: &Camera, operation: &Element, media2: bool) -> Result<(), Fault> {
    let configuration = operation
        .child("Configuration")
        .ok_or_else(|| Fault::InvalidArgument("Configuration is missing".to_owned()))?;
    let token = configuration.attribute("token").unwrap_or_default();
    let stream = stream(camera, token, media2)
        .ok_or_else(|| missing(&["ter:InvalidArgVal", "ter:NoConfig"], token))?;
    let track = camera.footage.track(stream);
    let mut picture = camera.picture();
    let known = picture.encoder_mut(stream);
    let in_codec = configuration.child("H264").unwrap_or(configuration);
    let gov = match configuration.attribute("GovLength") {
        Some(text) => text.parse().ok(),
        None => number(in_codec, "GovLength")?,
    };
    let profile = configuration.attribute("Profile").or_else(|| in_codec.text_of("H264Profile"));
    // Media2 has rates with a fraction.
    let rate: Option<f64> = number(configuration, "FrameRateLimit")?;
    let new = Encoder {
        name: configuration.text_of("Name").unwrap_or(&known.name).to_owned(),
        width: number(configuration, "Width")?.unwrap_or(known.width),
        height: number(configuration, "Height")?.unwrap_or(known.height),
        rate: rate.map_or(known.rate, |rate| rate.round().clamp(0.0, 1000.0) as u32),
        limit_kbps: number(configuration, "BitrateLimit")?.unwrap_or(known.limit_kbps),
        quality: number(configuration, "Quality")?.unwrap_or(known.quality),
        gov_length: gov.unwrap_or(known.gov_length),
        profile: profile.unwrap_or(&known.profile).to_owned(),
    };
    let same_codec = configuration.text_of("Encoding").is_none_or(|named| named == encoding(stream));
    let fits = same_codec
        && (new.width, new.height) == (track.width, track.height)
        && (1..=track.rate).contains(&new.rate)
        && KBPS.contains(&new.limit_kbps)
        && (1.0..=10.0).contains(&new.quality)
        && GOV.contains(&new.gov_length)
        && ["", "Baseline", "Main", "High"].contains(&new.profile.as_str());
    if !fits {
        let reason = "the encoder has no such settings; its options say which it has".to_owned();
        return Err(Fault::Refused(&["ter:InvalidArgVal", "ter:ConfigModify"], reason));
    }
    *known = new;
    Ok(())
}

/// The configuration of the loudspeaker.
pub(super) fn audio_output(camera: &Camera, tag: &str) -> String {
    format!(
        "<{tag} token=\"{SPEAKER}\"><tt:Name>{SPEAKER}</tt:Name><tt:UseCount>{}</tt:UseCount><tt:OutputToken>{SPEAKER}</tt:OutputToken>\
         <tt:SendPrimacy>www.onvif.org/ver20/HalfDuplex/Client</tt:SendPrimacy><tt:OutputLevel>{}</tt:OutputLevel></{tag}>",
        camera.streams().count(),
        camera.picture().output_level
    )
}

/// What the loudspeaker can be set to.
pub(super) const AUDIO_OUTPUT_OPTIONS: &str = "<tt:OutputTokensAvailable>speaker</tt:OutputTokensAvailable>\
     <tt:SendPrimacyOptions>www.onvif.org/ver20/HalfDuplex/Client</tt:SendPrimacyOptions>\
     <tt:OutputLevelRange><tt:Min>0</tt:Min><tt:Max>100</tt:Max></tt:OutputLevelRange>";

/// Takes the configuration of the loudspeaker in `operation`.
pub(super) fn set_audio_output(camera: &Camera, operation: &Element) -> Result<(), Fault> {
    let token =
        operation.child("Configuration").and_then(|found| found.attribute("token")).unwrap_or_default();
    if token != SPEAKER {
        return Err(missing(&["ter:InvalidArgVal", "ter:NoConfig"], token));
    }
    match number(operation, "OutputLevel")? {
        Some(level @ 0..=100) => camera.picture().output_level = level,
        Some(_) | None => {
            let reason = "the level is from 0 to 100".to_owned();
            return Err(Fault::Refused(&["ter:InvalidArgVal", "ter:ConfigModify"], reason));
        }
    }
    Ok(())
}

/// The configuration of the decoder behind the loudspeaker.
pub(super) fn audio_decoder(camera: &Camera, tag: &str) -> String {
    let count = camera.streams().count();
    format!("<{tag} token=\"{SPEAKER}\"><tt:Name>G.711</tt:Name><tt:UseCount>{count}</tt:UseCount></{tag}>")
}

/// The configuration of the microphone.
pub(super) fn audio_source(camera: &Camera, tag: &str) -> String {
    format!(
        "<{tag} token=\"{MICROPHONE}\"><tt:Name>{MICROPHONE}</tt:Name><tt:UseCount>{}</tt:UseCount>\
         <tt:SourceToken>{MICROPHONE}</tt:SourceToken></{tag}>",
        camera.streams().count()
    )
}
