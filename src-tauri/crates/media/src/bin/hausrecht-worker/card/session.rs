//! A replay session: description, set-up of the video over this connection, and playing from a time on. ONVIF Streaming
//! Specification, 6: `Require: onvif-replay`, `Range: clock=`, `Rate-Control: no`, so that the camera sends as fast as it is read.

use std::{num::NonZeroU64, time::Duration};

use hausrecht_media::FaultCode;
use hausrecht_model::Codec;
use sdp_types::{Media, Session as Description};

use super::{
    Failure,
    connection::{Account, Connection},
    times,
    wire::Answer,
};
use crate::source::Address;

const REPLAY: &str = "Require: onvif-replay\r\n";
/// How long a session lasts without a sign of life if the camera does not say it. RFC 2326, 12.37.
const USUAL_TIMEOUT_SECONDS: u64 = 60;
/// The longest address of a stream.
const MAX_URI_BYTES: usize = 2_000;

/// The video of a replay, as its description has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Video {
    /// Its codec.
    pub(super) codec: Codec,
    /// The kind of payload in its packets, 0 to 127.
    pub(super) payload_type: u8,
    /// Ticks a second of its own clock.
    pub(super) clock_rate: u32,
    /// What a decoder must know, names in lower case.
    pub(super) parameters: Vec<(String, String)>,
    control: String,
}

/// How a session comes about.
#[derive(Debug)]
pub(super) enum Opened {
    /// The camera sends.
    Playing(Box<Session>),
    /// The camera says that it has nothing at that time.
    NothingThere,
}

/// A running session.
#[derive(Debug)]
pub(super) struct Session {
    /// Where the packets come.
    pub(super) connection: Connection,
    /// What comes.
    pub(super) video: Video,
    /// The channel of its packets; that of its reports is the next.
    pub(super) channel: u8,
    /// Where the camera says that it begins, and at which time of the stream's own clock.
    pub(super) begins: Option<(i64, Option<u32>)>,
    /// How often the camera must hear of us.
    pub(super) alive_every: Duration,
    name: String,
    uri: String,
    alive_by: &'static str,
}

impl Session {
    /// Asks for the pictures from `from_us` on, by the camera's clock; `until_us` only if the camera insists on an end.
    pub(super) fn open(
        address: &Address,
        account: Account,
        from_us: i64,
        until_us: i64,
    ) -> Result<Opened, Failure> {
        let mut connection = Connection::open(address, account)?;
        let uri = address.uri.clone();
        let answer = connection.ask("DESCRIBE", &uri, &format!("Accept: application/sdp\r\n{REPLAY}"))?;
        agreed("DESCRIBE", &answer)?;
        let base = base_of(&uri, &answer);
        let description = Description::parse(&answer.body).map_err(|error| {
            (FaultCode::Internal, format!("the camera describes its replay wrongly: {error}"))
        })?;
        let video = video_of(&description)?;
        let control = joined(&base, &video.control);
        let transport = format!("Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n{REPLAY}");
        let answer = connection.ask("SETUP", &control, &transport)?;
        agreed("SETUP", &answer)?;
        let (name, timeout_seconds) = session_of(&answer)?;
        let channel = answer.header("transport").and_then(channel_of).unwrap_or(0);
        let all = description.get_first_attribute_value("control").ok().flatten().unwrap_or("*");
        let uri = joined(&base, all);
        let alive_every = Duration::from_secs((timeout_seconds.get() / 2).clamp(2, 25));
        let mut session = Self {
            connection,
            video,
            channel,
            begins: None,
            alive_every,
            name,
            uri,
            alive_by: "GET_PARAMETER",
        };
        Ok(if session.play(from_us, until_us)? {
            Opened::Playing(Box::new(session))
        } else {
            Opened::NothingThere
        })
    }

    /// Begins to play; false if there is nothing at that time.
    fn play(&mut self, from_us: i64, until_us: i64) -> Result<bool, Failure> {
        let mut status = 457;
        // Some cameras want an end, or no fractions; a time that is a little early does no harm.
        for (until_us, fractions) in [(None, true), (Some(until_us), false)] {
            let Some(range) = times::range(from_us, until_us, fractions) else { return Ok(false) };
            let headers = format!(
                "Session: {}\r\nRange: {range}\r\n{REPLAY}Rate-Control: no\r\nImmediate: yes\r\n",
                self.name
            );
            let answer = self.connection.ask("PLAY", &self.uri, &headers)?;
            status = answer.status;
            if !matches!(status, 400 | 457) {
                agreed("PLAY", &answer)?;
                let rtp_time = answer.header("rtp-info").and_then(rtp_time_of);
                self.begins =
                    answer.header("range").and_then(times::range_start).map(|start| (start, rtp_time));
                return Ok(true);
            }
        }
        if status == 400 {
            return Err((
                FaultCode::Refused,
                "the camera does not understand from when it shall play (400)".into(),
            ));
        }
        Ok(false)
    }

    /// Shows the camera that somebody is there.
    pub(super) fn show_alive(&mut self) -> Result<(), Failure> {
        let headers = format!("Session: {}\r\n", self.name);
        self.connection.tell(self.alive_by, &self.uri, &headers).map(drop)
    }

    /// Looks at an answer that came while playing, which is one to [`Self::show_alive`].
    pub(super) fn heard(&mut self, answer: &Answer) -> Result<(), Failure> {
        match answer.status {
            454 => Err((FaultCode::Lost, "the camera does not know the session any more".into())),
            300.. => {
                self.alive_by = "OPTIONS";
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Gives the session back. Cameras have few of them, so it is seen to that the camera reads that.
    pub(super) fn end(self) {
        let headers = format!("Session: {}\r\n", self.name);
        self.connection.say_goodbye(&self.uri, &headers);
    }
}

/// An error if the answer says no.
fn agreed(method: &str, answer: &Answer) -> Result<(), Failure> {
    let code = match answer.status {
        200..=299 => return Ok(()),
        401 | 403 => FaultCode::NotAuthorized,
        404 | 410 => FaultCode::NotFound,
        415 => FaultCode::UnsupportedCodec,
        _ => FaultCode::Refused,
    };
    let text = match answer.status {
        300..=399 => "the camera sends elsewhere, where Hausrecht does not follow".to_owned(),
        401 | 403 => "this user may not watch what is on the card".to_owned(),
        404 | 410 => "the camera has no such recording".to_owned(),
        461 => "the camera does not send its recordings over TCP (461)".to_owned(),
        551 => "the camera does not replay its card as ONVIF has it (551)".to_owned(),
        status => format!("the camera refuses {method} ({status})"),
    };
    Err((code, text))
}

/// The first video whose encoding is known.
fn video_of(description: &Description) -> Result<Video, Failure> {
    let videos = || description.medias.iter().filter(|media| media.media == "video");
    if let Some(video) = videos().find_map(known_video) {
        return Ok(video);
    }
    let other: String = videos()
        .find_map(|media| media.get_first_attribute_value("rtpmap").ok().flatten())
        .unwrap_or("no video")
        .chars()
        .filter(|c| c.is_ascii_graphic() || *c == ' ')
        .take(40)
        .collect();
    Err((FaultCode::UnsupportedCodec, format!("on the card is “{other}”")))
}

fn known_video(media: &Media) -> Option<Video> {
    let payload_type: u8 = media.fmt.split_whitespace().next()?.parse().ok().filter(|kind| *kind < 128)?;
    let of_payload = |attribute: &str| {
        media.get_attribute_values(attribute).ok()?.flatten().find_map(|value| {
            let (kind, rest) = value.trim().split_once(' ')?;
            (kind == payload_type.to_string()).then(|| rest.trim().to_owned())
        })
    };
    // RFC 3551: 26 needs no map.
    let map = of_payload("rtpmap").or_else(|| (payload_type == 26).then(|| "JPEG/90000".to_owned()))?;
    let (name, rate) = map.split_once('/').unwrap_or((&map, "90000"));
    let codec = match name.to_ascii_uppercase().as_str() {
        "H264" => Codec::H264,
        "H265" => Codec::H265,
        "JPEG" => Codec::Mjpeg,
        _ => return None,
    };
    let clock_rate = rate.split('/').next()?.trim().parse().ok().filter(|rate| *rate > 0)?;
    let format = of_payload("fmtp").unwrap_or_default();
    let parameters = format
        .split(';')
        .filter_map(|parameter| parameter.split_once('='))
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let control = media.get_first_attribute_value("control").ok().flatten().unwrap_or("*").to_owned();
    Some(Video { codec, payload_type, clock_rate, parameters, control })
}

/// Where the addresses of streams begin: what the camera says, if it is of use.
fn base_of(uri: &str, answer: &Answer) -> String {
    let told = answer.header("content-base").or_else(|| answer.header("content-location"));
    told.filter(|told| is_address(told)).unwrap_or(uri).to_owned()
}

fn is_address(text: &str) -> bool {
    let known = text.starts_with("rtsp://") || text.starts_with("rtsps://");
    known && text.len() <= MAX_URI_BYTES && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The address of a stream. It is only what is written into the question, which goes to the camera whatever stands there.
fn joined(base: &str, control: &str) -> String {
    if is_address(control) {
        return control.to_owned();
    }
    let control: String = control.chars().filter(char::is_ascii_graphic).take(MAX_URI_BYTES).collect();
    match control.as_str() {
        "*" | "" => base.to_owned(),
        control => format!("{}/{}", base.trim_end_matches('/'), control.trim_start_matches('/')),
    }
}

/// The session's name, and how many seconds it lasts.
fn session_of(answer: &Answer) -> Result<(String, NonZeroU64), Failure> {
    let header = answer.header("session").unwrap_or_default();
    let mut parts = header.split(';').map(str::trim);
    let name: String =
        parts.next().unwrap_or_default().chars().filter(char::is_ascii_graphic).take(256).collect();
    if name.is_empty() {
        return Err((FaultCode::Internal, "the camera gives its session no name".into()));
    }
    let told = parts.find_map(|part| part.strip_prefix("timeout=")?.trim().parse().ok());
    let usual = NonZeroU64::new(USUAL_TIMEOUT_SECONDS).unwrap_or(NonZeroU64::MIN);
    Ok((name, told.unwrap_or(usual)))
}

fn channel_of(transport: &str) -> Option<u8> {
    let channels = transport.split(';').find_map(|part| part.trim().strip_prefix("interleaved="))?;
    channels.split('-').next()?.parse().ok().filter(|channel| *channel < u8::MAX)
}

fn rtp_time_of(info: &str) -> Option<u32> {
    let first = info.split(',').next()?;
    first.split(';').find_map(|part| part.trim().strip_prefix("rtptime="))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DESCRIPTION: &str = "v=0\r\no=- 0 0 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\na=control:*\r\nm=audio 0 RTP/AVP 0\r\n\
        m=video 0 RTP/AVP 97\r\na=rtpmap:97 h264/90000\r\na=fmtp:97 packetization-mode=1; Sprop-Parameter-Sets=Z2QAKA==,aO48sA==\r\n\
        a=control:trackID=1\r\n";

    #[test]
    fn the_video_of_a_description_is_found() {
        let video = video_of(&Description::parse(DESCRIPTION.as_bytes()).unwrap()).unwrap();
        assert_eq!((video.codec, video.payload_type, video.clock_rate), (Codec::H264, 97, 90_000));
        assert_eq!(video.control, "trackID=1");
        assert_eq!(video.parameters[1], ("sprop-parameter-sets".to_owned(), "Z2QAKA==,aO48sA==".to_owned()));
        let other = DESCRIPTION.replace("h264", "MP4V-ES");
        let failure = video_of(&Description::parse(other.as_bytes()).unwrap()).unwrap_err();
        assert_eq!(failure.0, FaultCode::UnsupportedCodec);
        let none = DESCRIPTION.split("m=video").next().unwrap();
        assert!(video_of(&Description::parse(none.as_bytes()).unwrap()).is_err());
    }

    #[test]
    fn addresses_of_streams_are_joined() {
        for (base, control, joined_) in [
            ("rtsp://192.0.2.1/replay", "track1", "rtsp://192.0.2.1/replay/track1"),
            ("rtsp://192.0.2.1/replay/", "/track1", "rtsp://192.0.2.1/replay/track1"),
            ("rtsp://192.0.2.1/replay", "*", "rtsp://192.0.2.1/replay"),
            ("rtsp://192.0.2.1/replay", "rtsp://192.0.2.9/x", "rtsp://192.0.2.9/x"),
            ("rtsp://192.0.2.1/replay", "a b\r\nX: y", "rtsp://192.0.2.1/replay/abX:y"),
        ] {
            assert_eq!(joined(base, control), joined_);
        }
    }

    #[test]
    fn headers_are_read() {
        assert_eq!(channel_of("RTP/AVP/TCP;unicast; interleaved=4-5;ssrc=1"), Some(4));
        assert_eq!(channel_of("RTP/AVP/TCP;interleaved=300-301"), None);
        assert_eq!(rtp_time_of("url=rtsp://192.0.2.1/x;seq=3;rtptime=77,url=y;rtptime=8"), Some(77));
        assert_eq!(rtp_time_of("url=x"), None);
    }
}
