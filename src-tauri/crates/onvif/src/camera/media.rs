//! Profiles, stream addresses and still pictures, by Media2 where a camera has it (H.265 is only there), else Media.

use hausrecht_model::Codec;
use url::Url;

use super::{
    Camera, MediaService, Profile, not_offered,
    read::{count, listed, number, token},
    services::{Part, Services},
};
use crate::{
    Error,
    address::stream,
    http::Limits,
    session::{Service, Session},
    soap::{Operation, ns},
    xml::{Element, escape},
};

/// More profiles than a recorder with 64 channels has.
const PROFILES_MAX: usize = 512;
/// A smaller picture is too coarse even for a tile.
const SUB_WIDTH_MIN: u32 = 320;

pub(super) async fn profiles(session: &Session, services: &Services) -> Result<Vec<Profile>, Error> {
    let mut first_error = None;
    if let Some(media2) = services.get(Part::Media2) {
        let ask = Operation::new(ns::MEDIA2, "GetProfiles", "<Type>All</Type>");
        match session.call(media2, &ask).await.map(|body| read_profiles(&body, MediaService::Media2)) {
            Ok(profiles) if !profiles.is_empty() => return Ok(profiles),
            Ok(_) => {}
            Err(error) if error.needs_a_person() => return Err(error),
            Err(error) => first_error = Some(error),
        }
    }
    match services.get(Part::Media) {
        Some(media) => {
            let body = session.call(media, &Operation::new(ns::MEDIA, "GetProfiles", "")).await?;
            Ok(read_profiles(&body, MediaService::Media))
        }
        None => Err(first_error.unwrap_or_else(|| not_offered(session, "any stream"))),
    }
}

pub(super) async fn stream_uri(
    session: &Session,
    services: &Services,
    profile: &Profile,
) -> Result<Url, Error> {
    let token = escape(&profile.token);
    let content = match profile.service {
        MediaService::Media2 => {
            format!("<Protocol>RTSP</Protocol><ProfileToken>{token}</ProfileToken>")
        }
        MediaService::Media => format!(
            "<StreamSetup><tt:Stream>RTP-Unicast</tt:Stream><tt:Transport><tt:Protocol>RTSP</tt:Protocol>\
             </tt:Transport></StreamSetup><ProfileToken>{token}</ProfileToken>"
        ),
    };
    let body = ask(session, services, profile, "GetStreamUri", &content).await?;
    named_uri(session, &body, "an address for this stream")
}

pub(super) async fn snapshot_uri(
    session: &Session,
    services: &Services,
    profile: &Profile,
) -> Result<Url, Error> {
    let content = format!("<ProfileToken>{}</ProfileToken>", escape(&profile.token));
    let body = ask(session, services, profile, "GetSnapshotUri", &content).await?;
    let uri = named_uri(session, &body, "still pictures")?;
    if matches!(uri.scheme(), "http" | "https") {
        Ok(uri)
    } else {
        Err(not_offered(session, "still pictures"))
    }
}

pub(super) async fn snapshot(
    session: &Session,
    services: &Services,
    profile: &Profile,
) -> Result<Vec<u8>, Error> {
    let uri = snapshot_uri(session, services, profile).await?;
    let limits =
        Limits { timeout: session.settings.call_timeout, size_bytes: session.settings.snapshot_limit_bytes };
    session.fetch(&Service::new(session.origin(), uri.as_str()), limits).await
}

async fn ask(
    session: &Session,
    services: &Services,
    profile: &Profile,
    name: &'static str,
    content: &str,
) -> Result<Element, Error> {
    let part = profile.service.part();
    let service = services.get(part).ok_or_else(|| not_offered(session, part.words()))?;
    session.call(service, &Operation::new(part.namespace(), name, content)).await
}

/// A lens.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, specta::Type)]
pub struct VideoSource {
    /// The camera's id of it, [`Profile::source`].
    pub token: String,
    /// Width in pixels; 0 if not said.
    pub width: u32,
    /// Height in pixels; 0 if not said.
    pub height: u32,
    /// Frames per second; 0 if not said.
    pub fps: f32,
}

impl Camera {
    /// Asks for the lenses: by the media service, and by DeviceIO where a camera has Media2 only.
    ///
    /// # Errors
    /// What the camera answers instead; [`Error::NotOffered`] if it has neither service.
    pub async fn video_sources(&self) -> Result<Vec<VideoSource>, Error> {
        let part = if self.has(Part::Media) { Part::Media } else { Part::DeviceIo };
        // DeviceIO takes this operation in the words of the media service, but answers with tokens alone.
        let body = match self.ask_as(part, Part::Media, "GetVideoSources", "").await {
            Err(Error::Fault { .. }) if part == Part::DeviceIo => {
                self.ask(part, "GetVideoSources", "").await?
            }
            result => result?,
        };
        let sources = listed(&body, &["VideoSources", "VideoSource", "Token"]).filter_map(|source| {
            let token = token(source)
                .or_else(|| (&*source.name == "Token").then(|| source.text.trim().to_owned()))?;
            Some(VideoSource {
                token,
                width: count(source, &["Resolution", "Width"]).unwrap_or(0),
                height: count(source, &["Resolution", "Height"]).unwrap_or(0),
                fps: number(source, &["Framerate"]).unwrap_or(0.0),
            })
        });
        Ok(sources.filter(|source| !source.token.is_empty()).collect())
    }
}

/// The `Uri` wherever it stands: Media wraps it into a `MediaUri`, Media2 does not.
pub(super) fn named_uri(session: &Session, body: &Element, what: &str) -> Result<Url, Error> {
    let said = body.find("Uri").map(|uri| uri.text.trim()).unwrap_or_default();
    stream(session.origin(), said).ok_or_else(|| not_offered(session, what))
}

fn read_profiles(body: &Element, service: MediaService) -> Vec<Profile> {
    let all = body.children.iter().filter(|child| matches!(&*child.name, "Profiles" | "Profile"));
    let read = all.filter_map(|element| {
        let token = element.attribute("token")?.to_owned();
        let part = |media: &str, media2: &str| match service {
            MediaService::Media => element.child(media),
            MediaService::Media2 => element.at(&["Configurations", media2]),
        };
        let token_of = |part: Option<&Element>| part?.attribute("token").map(str::to_owned);
        let source_configuration = part("VideoSourceConfiguration", "VideoSource");
        let source = source_configuration.and_then(|configuration| configuration.child("Bounds"));
        let encoder = part("VideoEncoderConfiguration", "VideoEncoder");
        let extended = |name| element.at(&["Extension", name]);
        let number = |path: &[&str]| encoder.and_then(|encoder| encoder.text_at(path)?.parse::<f32>().ok());
        let size = |name, bound| {
            let encoded = number(&["Resolution", name]);
            let bounded = || source?.attribute(bound)?.parse::<f32>().ok();
            encoded.or_else(bounded).unwrap_or(0.0) as u32
        };
        Some(Profile {
            name: element.text_at(&["Name"]).unwrap_or(&token).to_owned(),
            token,
            codec: encoder.and_then(|encoder| codec(encoder.text_at(&["Encoding"])?)),
            width: size("Width", "width"),
            height: size("Height", "height"),
            fps: number(&["RateControl", "FrameRateLimit"]).filter(|fps| fps.is_finite()).unwrap_or(0.0),
            bitrate_kbps: number(&["RateControl", "BitrateLimit"]).unwrap_or(0.0) as u32,
            source: source_configuration
                .and_then(|configuration| configuration.text_at(&["SourceToken"]))
                .map(str::to_owned),
            source_configuration: token_of(source_configuration),
            encoder: token_of(encoder),
            ptz: token_of(part("PTZConfiguration", "PTZ")),
            analytics: token_of(part("VideoAnalyticsConfiguration", "Analytics")),
            metadata: token_of(part("MetadataConfiguration", "Metadata")),
            audio_output: token_of(
                part("AudioOutputConfiguration", "AudioOutput")
                    .or_else(|| extended("AudioOutputConfiguration")),
            ),
            audio_decoder: token_of(
                part("AudioDecoderConfiguration", "AudioDecoder")
                    .or_else(|| extended("AudioDecoderConfiguration")),
            ),
            service,
        })
    });
    read.take(PROFILES_MAX).collect()
}

pub(super) fn codec(name: &str) -> Option<Codec> {
    match name.to_ascii_uppercase().replace(['.', '-', '_'], "").as_str() {
        "H264" => Some(Codec::H264),
        "H265" | "HEVC" => Some(Codec::H265),
        "JPEG" | "MJPEG" => Some(Codec::Mjpeg),
        _ => None,
    }
}

/// Chooses the stream to record and, if there is another one, the stream for tiles.
///
/// Main is the largest in H.264 or H.265, else the largest whose codec is not said (old services cannot name H.265),
/// else the largest of all. Sub is the smallest of at least 320 pixels width that is smaller than main, by the same
/// order of codecs; a slower profile of equal size counts as smaller.
pub fn main_and_sub(profiles: &[Profile]) -> Option<(Profile, Option<Profile>)> {
    let rank = |profile: &Profile| match profile.codec {
        Some(Codec::H264 | Codec::H265) => 0,
        None => 1,
        Some(Codec::Mjpeg) => 2,
    };
    let load = |profile: &Profile| (u64::from(profile.width) * u64::from(profile.height), profile.fps);
    let is_less = |a: &Profile, b: &Profile| {
        let ((a_size, a_fps), (b_size, b_fps)) = (load(a), load(b));
        a_size.cmp(&b_size).then(a_fps.total_cmp(&b_fps))
    };
    // The first of equals wins: cameras list their intended main stream first.
    let main = profiles
        .iter()
        .rev()
        .min_by(|a, b| rank(a).cmp(&rank(b)).then(is_less(b, a)).then(std::cmp::Ordering::Greater))?;
    let smaller = profiles.iter().filter(|sub| {
        sub.token != main.token && rank(sub) < 2 && is_less(sub, main).is_lt() && sub.width >= SUB_WIDTH_MIN
    });
    let sub = smaller.min_by(|a, b| rank(a).cmp(&rank(b)).then(is_less(a, b)));
    Some((main.clone(), sub.cloned()))
}

/// As [`main_and_sub`], with what the owner has chosen, by token. A choice that the camera no longer lists is as none.
/// The sub stream that is not chosen is one that is smaller than main.
pub fn chosen_main_and_sub(
    profiles: &[Profile],
    main: Option<&str>,
    sub: Option<&str>,
) -> Option<(Profile, Option<Profile>)> {
    let named = |token: Option<&str>| profiles.iter().find(|profile| Some(profile.token.as_str()) == token);
    let by_rule = || main_and_sub(profiles);
    let chosen = match named(main) {
        None => by_rule()?,
        Some(main) => {
            let size = |profile: &Profile| u64::from(profile.width) * u64::from(profile.height);
            let smaller: Vec<Profile> = profiles
                .iter()
                .filter(|other| other.token != main.token && size(other) < size(main))
                .filter(|other| other.width >= SUB_WIDTH_MIN && other.codec != Some(Codec::Mjpeg))
                .cloned()
                .collect();
            let smallest = smaller.into_iter().min_by_key(size);
            (main.clone(), smallest)
        }
    };
    let sub = named(sub).filter(|sub| sub.token != chosen.0.token).cloned();
    Some((chosen.0, sub.or(chosen.1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::parse;

    fn profile(token: &str, codec: Option<Codec>, width: u32, fps: f32) -> Profile {
        let (name, height, service) = (token.to_owned(), width * 9 / 16, MediaService::Media);
        Profile { token: token.to_owned(), name, codec, width, height, fps, ..Profile::empty(service) }
    }

    fn chosen(profiles: &[Profile]) -> (String, Option<String>) {
        let (main, sub) = main_and_sub(profiles).unwrap();
        (main.token, sub.map(|sub| sub.token))
    }

    #[test]
    fn main_is_large_and_sub_is_small_but_not_tiny() {
        let h264 = Some(Codec::H264);
        let all = [
            profile("tiny", h264, 176, 10.0),
            profile("sub", h264, 640, 15.0),
            profile("mid", h264, 1280, 25.0),
            profile("main", Some(Codec::H265), 2560, 25.0),
            profile("still", Some(Codec::Mjpeg), 3840, 1.0),
        ];
        assert_eq!(chosen(&all), ("main".into(), Some("sub".into())));
    }

    #[test]
    fn one_stream_is_main_and_has_no_sub() {
        assert_eq!(chosen(&[profile("only", Some(Codec::Mjpeg), 640, 5.0)]), ("only".into(), None));
        assert_eq!(main_and_sub(&[]), None);
    }

    #[test]
    fn what_the_owner_chooses_wins_while_the_camera_has_it() {
        let h264 = Some(Codec::H264);
        let all = [
            profile("4k", h264, 3840, 25.0),
            profile("hd", h264, 1920, 25.0),
            profile("sd", h264, 640, 15.0),
            profile("vga", Some(Codec::Mjpeg), 480, 15.0),
        ];
        let tokens = |main, sub| {
            let (main, sub) = chosen_main_and_sub(&all, main, sub).unwrap();
            (main.token, sub.map(|sub| sub.token))
        };
        assert_eq!(tokens(None, None), ("4k".into(), Some("sd".into())));
        assert_eq!(tokens(Some("hd"), None), ("hd".into(), Some("sd".into())));
        assert_eq!(tokens(Some("hd"), Some("vga")), ("hd".into(), Some("vga".into())));
        assert_eq!(tokens(Some("gone"), Some("hd")), ("4k".into(), Some("hd".into())));
        assert_eq!(tokens(Some("sd"), Some("sd")), ("sd".into(), None));
    }

    #[test]
    fn the_first_of_equal_streams_is_main() {
        let all = [profile("a", Some(Codec::H264), 1920, 25.0), profile("b", Some(Codec::H264), 1920, 25.0)];
        assert_eq!(chosen(&all), ("a".into(), None));
    }

    #[test]
    fn a_profile_without_encoder_takes_its_size_from_the_source() {
        let body = parse(
            br#"<r><Profiles token="p"><Name>Main</Name><VideoSourceConfiguration><Bounds width="2560" height="1440"/>
            </VideoSourceConfiguration></Profiles><Profiles><Name>no token</Name></Profiles></r>"#,
        );
        let profiles = read_profiles(&body.unwrap(), MediaService::Media);
        assert_eq!(profiles.len(), 1);
        assert_eq!((profiles[0].codec, profiles[0].width, profiles[0].height), (None, 2560, 1440));
    }
}
