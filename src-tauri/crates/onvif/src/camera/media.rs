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
    address::{label, stream},
    http::Limits,
    session::{Service, Session},
    soap::{Operation, ns},
    xml::{Element, escape},
};

/// More profiles than a recorder with 64 channels has.
const PROFILES_MAX: usize = 512;
/// A smaller picture is too coarse even for a tile.
const SUB_WIDTH_MIN: u32 = 320;
/// The two heads of a Windows bitmap.
const BMP_HEAD_BYTES: usize = 54;

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

/// Asks for the address as the profile's service wants it. The second service has had two names for RTSP, and what it
/// does not give at all the first one often does, for the same token.
pub(super) async fn stream_uri(
    session: &Session,
    services: &Services,
    profile: &Profile,
) -> Result<Url, Error> {
    let token = escape(&profile.token);
    let media2 = |protocol| format!("<Protocol>{protocol}</Protocol><ProfileToken>{token}</ProfileToken>");
    let media = format!(
        "<StreamSetup><tt:Stream>RTP-Unicast</tt:Stream><tt:Transport><tt:Protocol>RTSP</tt:Protocol>\
         </tt:Transport></StreamSetup><ProfileToken>{token}</ProfileToken>"
    );
    let ways = match profile.service {
        MediaService::Media2 => vec![
            (MediaService::Media2, media2("RTSP")),
            (MediaService::Media2, media2("RtspUnicast")),
            (MediaService::Media, media),
        ],
        MediaService::Media => vec![(MediaService::Media, media)],
    };
    let mut first_error = None;
    for (service, content) in ways {
        if first_error.is_some() && services.get(service.part()).is_none() {
            continue;
        }
        let named = ask(session, services, service, "GetStreamUri", &content).await;
        match named.and_then(|body| named_uri(session, &body, "an address for this stream")) {
            Ok(url) => return Ok(url),
            Err(
                error @ (Error::Fault { .. }
                | Error::Status { .. }
                | Error::NotOffered { .. }
                | Error::Unreadable { .. }),
            ) => {
                first_error.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    Err(first_error.unwrap_or_else(|| not_offered(session, "an address for this stream")))
}

pub(super) async fn snapshot_uri(
    session: &Session,
    services: &Services,
    profile: &Profile,
) -> Result<Url, Error> {
    let content = format!("<ProfileToken>{}</ProfileToken>", escape(&profile.token));
    let body = ask(session, services, profile.service, "GetSnapshotUri", &content).await?;
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
    let picture = session.fetch(&Service::new(session.origin(), uri.as_str()), limits).await?;
    if is_picture(&picture) {
        return Ok(picture);
    }
    Err(Error::Unreadable {
        address: label(&uri),
        operation: "snapshot".to_owned(),
        reason: "it is no picture".to_owned(),
    })
}

/// Whether bytes begin as a picture does: JPEG, PNG, and the others that a window can show. Some cameras answer with the page of their sign-in, and call that success.
fn is_picture(bytes: &[u8]) -> bool {
    let start = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(0);
    let bytes = &bytes[start..];
    let is_webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    let is_bmp = bytes.starts_with(b"BM") && bytes.len() > BMP_HEAD_BYTES;
    let starts: [&[u8]; 3] = [&[0xFF, 0xD8, 0xFF], b"\x89PNG\r\n", b"GIF8"];
    is_webp || is_bmp || starts.iter().any(|start| bytes.starts_with(start))
}

async fn ask(
    session: &Session,
    services: &Services,
    service: MediaService,
    name: &'static str,
    content: &str,
) -> Result<Element, Error> {
    let part = service.part();
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
        let encoding = encoder.and_then(|encoder| encoder.text_at(&["Encoding"]));
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
            codec: encoding.and_then(codec),
            foreign_codec: encoding
                .filter(|encoding| codec(encoding).is_none())
                .map(|encoding| encoding.chars().take(64).collect()),
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

/// Chooses the stream to record and, if there is another one of the same lens, the stream for tiles: first main with
/// [`main_of`], then sub with [`sub_of`].
pub fn main_and_sub(profiles: &[Profile]) -> Option<(Profile, Option<Profile>)> {
    let main = main_of(profiles)?;
    let sub = sub_of(profiles, &main);
    Some((main, sub))
}

/// Chooses the stream to record, of whatever lens: the largest in H.264 or H.265, else the largest whose codec is not
/// said, else the largest of all. `None` if the camera has no picture that Hausrecht can show.
///
/// The first media service cannot name H.265 and leaves its encoder out: such a profile counts as H.264 in the size of
/// its lens. A profile in another codec, and one that carries something else than a picture, is never chosen.
pub fn main_of(profiles: &[Profile]) -> Option<Profile> {
    // The first of equals wins: cameras list their intended main stream first.
    let ranked = profiles.iter().filter_map(|profile| Some((Rank::of(profile)?, profile)));
    let main = ranked.rev().min_by(|(a_rank, a), (b_rank, b)| {
        a_rank.cmp(b_rank).then(by_load(b, a)).then(std::cmp::Ordering::Greater)
    });
    main.map(|(_, profile)| profile.clone())
}

/// Chooses the stream for tiles beside `main`: the smallest of at least 320 pixels width that is smaller than main, by
/// the same order of codecs and never in MJPEG; a slower profile of equal size counts as smaller. It shows what main
/// shows: a profile of another lens (a heat camera beside a visible one, another channel of a recorder) is none, one
/// that does not say its lens comes after those that do.
pub fn sub_of(profiles: &[Profile], main: &Profile) -> Option<Profile> {
    let smaller = profiles.iter().filter_map(|sub| {
        let rank = Rank::of(sub).filter(|rank| *rank < Rank::Mjpeg)?;
        let is_of_lens = match (&sub.source, &main.source) {
            (Some(sub), Some(main)) => sub == main,
            (None, _) | (_, None) => true,
        };
        let is_sub = sub.token != main.token && by_load(sub, main).is_lt() && sub.width >= SUB_WIDTH_MIN;
        (is_of_lens && is_sub).then_some((sub.source != main.source, rank, sub))
    });
    let sub = smaller.min_by(|(a_strange, a_rank, a), (b_strange, b_rank, b)| {
        a_strange.cmp(b_strange).then(a_rank.cmp(b_rank)).then(by_load(a, b))
    });
    sub.map(|(_, _, profile)| profile.clone())
}

/// How well a profile can be shown; the better one is less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// H.264 or H.265, said or concluded.
    Video,
    /// A picture in an encoding that is not said.
    Unsaid,
    /// Large for what it shows.
    Mjpeg,
    /// The camera says of it nothing at all.
    Bare,
}

impl Rank {
    /// `None` for a profile without a picture that can be shown.
    fn of(profile: &Profile) -> Option<Self> {
        let has_encoder = profile.encoder.is_some() || profile.codec.is_some();
        let has_source =
            profile.source.is_some() || profile.source_configuration.is_some() || profile.width > 0;
        let carries_else = [
            &profile.metadata,
            &profile.ptz,
            &profile.analytics,
            &profile.audio_output,
            &profile.audio_decoder,
        ]
        .into_iter()
        .any(Option::is_some);
        match (profile.codec, profile.service) {
            (None, _) if profile.foreign_codec.is_some() => None,
            (Some(Codec::H264 | Codec::H265), _) => Some(Self::Video),
            (Some(Codec::Mjpeg), _) => Some(Self::Mjpeg),
            (None, _) if has_encoder => Some(Self::Unsaid),
            (None, MediaService::Media) if has_source => Some(Self::Video),
            (None, MediaService::Media2) if has_source => Some(Self::Bare),
            (None, _) => (!carries_else).then_some(Self::Bare),
        }
    }
}

/// By size, then by frames per second.
fn by_load(a: &Profile, b: &Profile) -> std::cmp::Ordering {
    let size = |profile: &Profile| u64::from(profile.width) * u64::from(profile.height);
    size(a).cmp(&size(b)).then(a.fps.total_cmp(&b.fps))
}

/// As [`main_and_sub`], with what the owner has chosen, by token. A choice that the camera no longer lists is as none.
/// The sub stream that is not chosen is the one of [`sub_of`]; one that is may be of another lens.
pub fn chosen_main_and_sub(
    profiles: &[Profile],
    main: Option<&str>,
    sub: Option<&str>,
) -> Option<(Profile, Option<Profile>)> {
    let named = |token: Option<&str>| profiles.iter().find(|profile| Some(profile.token.as_str()) == token);
    let main = named(main).cloned().or_else(|| main_of(profiles))?;
    let chosen = named(sub).filter(|sub| sub.token != main.token).cloned();
    let sub = chosen.or_else(|| sub_of(profiles, &main));
    Some((main, sub))
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

    fn of_lens(lens: &str, profile: Profile) -> Profile {
        Profile { source: Some(lens.to_owned()), ..profile }
    }

    #[test]
    fn sub_is_of_the_lens_of_main() {
        let h264 = Some(Codec::H264);
        let all = [
            of_lens("heat", profile("heat-main", h264, 1280, 25.0)),
            of_lens("heat", profile("heat-sub", h264, 352, 15.0)),
            of_lens("light", profile("light-main", h264, 2560, 25.0)),
            of_lens("light", profile("light-sub", h264, 704, 15.0)),
            profile("unsaid", h264, 640, 15.0),
        ];
        assert_eq!(chosen(&all), ("light-main".into(), Some("light-sub".into())));
        assert_eq!(chosen(&all[..3]), ("light-main".into(), None));
        assert_eq!(chosen(&all[2..]).1, Some("light-sub".into()), "one that says its lens comes first");
        let without = [all[2].clone(), all[4].clone()];
        assert_eq!(chosen(&without).1, Some("unsaid".into()));
        let by_owner = chosen_main_and_sub(&all, Some("heat-main"), None).unwrap();
        assert_eq!(by_owner.1.unwrap().token, "heat-sub");
        let across = chosen_main_and_sub(&all, Some("heat-main"), Some("light-sub")).unwrap();
        assert_eq!(across.1.unwrap().token, "light-sub", "the owner may choose another lens");
    }

    #[test]
    fn what_carries_no_picture_and_foreign_codecs_are_never_chosen() {
        let metadata = Profile { metadata: Some("m".to_owned()), ..profile("metadata", None, 0, 0.0) };
        let mpeg4 = Profile { foreign_codec: Some("MPEG4".to_owned()), ..profile("mpeg4", None, 1920, 25.0) };
        let mjpeg = profile("mjpeg", Some(Codec::Mjpeg), 640, 5.0);
        assert_eq!(chosen(&[metadata.clone(), mpeg4.clone(), mjpeg.clone()]), ("mjpeg".into(), None));
        assert_eq!(main_and_sub(&[metadata.clone(), mpeg4]), None);
        let bare = profile("bare", None, 0, 0.0);
        assert_eq!(chosen(&[bare.clone(), mjpeg]).0, "mjpeg");
        assert_eq!(chosen(&[metadata, bare]).0, "bare", "a camera that says nothing is tried all the same");
    }

    #[test]
    fn a_main_stream_that_the_first_service_cannot_name_stays_main() {
        let unnamed = Profile { source: Some("1".to_owned()), ..profile("main", None, 2560, 0.0) };
        let all = [unnamed.clone(), of_lens("1", profile("sub", Some(Codec::H264), 640, 15.0))];
        assert_eq!(chosen(&all), ("main".into(), Some("sub".into())));
        // The second service can name every codec, so there it is a lens without a stream.
        let lens = Profile { service: MediaService::Media2, ..unnamed };
        assert_eq!(chosen(&[lens, all[1].clone()]), ("sub".into(), None));
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
