//! RTSP over one TCP connection, read by `retina`.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::Context;
use futures_util::{FutureExt, StreamExt};
use hausrecht_media::{CameraOpen, FaultCode};
use hausrecht_model::{Clock, Codec, UnixMicros, clock::SystemClock};
use retina::{
    client::{
        Credentials, Demuxed, InitialTimestampPolicy, PlayOptions, Session, SessionIdPolicy, SessionOptions,
        SetupOptions,
    },
    codec::{CodecItem, FrameFormat, ParametersRef, VideoFrame},
};
use tokio::sync::oneshot;
use url::Url;

use super::{Incoming, Tell, challenge, lateness::Lateness};
use crate::{
    fmp4::Format,
    recorder::AccessUnit,
    source::{Address, CONNECT_LIMIT},
};

/// How long a camera may take for the whole sign-in, up to its consent to play.
const SETUP_LIMIT: Duration = Duration::from_secs(10);
/// How long the camera is waited for when its stream is given back.
const GOODBYE_LIMIT: Duration = Duration::from_millis(200);
/// How long pictures gather that nobody looks at. Together with what the system holds for a connection (128 KiB and more),
/// it is far below what would make a camera wait.
const GATHER: Duration = Duration::from_millis(60);
/// RFC 3550, 6.6: the camera ends its stream.
const RTCP_BYE: u8 = 203;
/// How `retina` says that it cannot read a `WWW-Authenticate`.
const CHALLENGE_UNREAD: &str = "Can't understand WWW-Authenticate";
/// How long pictures may come without the parameter sets that decoding needs.
const UNREADABLE_LIMIT: Duration = Duration::from_secs(10);
/// Where times begin, so that pictures which are shown before the first one have a time too; a day, because RTP counts half of one
/// backwards at most.
const ZERO_US: i64 = 86_400_000_000;

/// A running connection, on a thread of its own.
#[derive(Debug)]
pub(crate) struct Connection {
    watched: Arc<AtomicBool>,
    /// Dropping it ends the thread.
    _running: oneshot::Sender<()>,
}

impl Connection {
    /// Begins to fetch `address`; `tell` is called on the connection's thread.
    pub(super) fn start(address: &Address, open: &CameraOpen, tell: Tell) -> anyhow::Result<Self> {
        let url = Url::parse(&address.uri).context("the stream's address")?;
        let credentials = (!open.user.is_empty()).then(|| Credentials {
            username: open.user.clone(),
            password: open.password.reveal().to_owned(),
        });
        let watched = Arc::new(AtomicBool::new(false));
        let (running, mut ended) = oneshot::channel::<()>();
        let asked_first = credentials.is_some().then(|| address.clone());
        let reading = Reading { tell, watched: Arc::clone(&watched), clock: SystemClock::new(), asked_first };
        thread::Builder::new().name("rtsp".into()).spawn(move || {
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => {
                    (reading.tell)(Incoming::Failed(FaultCode::Internal, error.to_string()));
                    return;
                }
            };
            runtime.block_on(async {
                let group = Arc::new(retina::client::SessionGroup::default());
                let options = SessionOptions::default()
                    .creds(credentials)
                    .user_agent("Hausrecht".to_owned())
                    .session_id(SessionIdPolicy::UseFirst)
                    .session_group(Arc::clone(&group));
                tokio::select! {
                    what = reading.run(url, options) => (reading.tell)(what),
                    _ = &mut ended => {}
                }
                // A camera that does not answer keeps its session until it times out.
                let _ = tokio::time::timeout(GOODBYE_LIMIT, group.await_teardown()).await;
            });
            runtime.shutdown_background();
        })?;
        Ok(Self { watched, _running: running })
    }

    /// See [`super::Ingest::set_watched`].
    pub(super) fn set_watched(&self, watched: bool) {
        self.watched.store(watched, Ordering::Relaxed);
    }
}

struct Reading {
    tell: Tell,
    watched: Arc<AtomicBool>,
    clock: SystemClock,
    /// Set if there is a password, which the camera shall not have in clear.
    asked_first: Option<Address>,
}

impl Reading {
    /// Delivers pictures until the stream ends, and says why it did.
    async fn run(&self, url: Url, options: SessionOptions) -> Incoming {
        let mut signs_in = false;
        if let Some(address) = &self.asked_first {
            let address = address.clone();
            let asked =
                tokio::task::spawn_blocking(move || challenge::ask(&address, &challenge::RETINA)).await;
            match asked {
                Ok(Ok(wants_password)) => signs_in = wants_password,
                Ok(Err((FaultCode::Timeout, text))) => return Incoming::Silent(text),
                Ok(Err((FaultCode::Refused, text))) => {
                    return Incoming::Unreachable(FaultCode::Refused, text);
                }
                Ok(Err((code, text))) => return Incoming::Failed(code, text),
                Err(error) => return Incoming::Failed(FaultCode::Internal, error.to_string()),
            }
        }
        let playing = tokio::time::timeout(SETUP_LIMIT, set_up(url, options, signs_in)).await;
        let (mut stream, codec, number) = match playing {
            Ok(Ok(playing)) => playing,
            Ok(Err(why)) => return why,
            // It has described its stream, for which the limit is shorter.
            Err(_) => {
                let text = format!("the camera did not begin to play within {} s", SETUP_LIMIT.as_secs());
                return Incoming::Silent(text);
            }
        };
        let mut format: Option<Arc<Format>> = None;
        let mut lateness: Option<Lateness> = None;
        let mut unreadable_since = None;
        let mut delivered = false;
        let mut ending = false;
        loop {
            let item = match stream.next().now_or_never() {
                Some(item) => item,
                None => {
                    if !self.watched.load(Ordering::Relaxed) {
                        tokio::time::sleep(GATHER).await;
                    }
                    let patience = if ending { GOODBYE_LIMIT } else { Duration::MAX };
                    tokio::time::timeout(patience, stream.next()).await.ok().flatten()
                }
            };
            let Some(item) = item else { break };
            let frame = match item {
                Ok(CodecItem::VideoFrame(frame)) => frame,
                Ok(CodecItem::Rtcp(report)) => {
                    // What was sent before it may still be on its way.
                    ending |= report.pkts().any(|packet| packet.payload_type() == RTCP_BYE);
                    let told = report.pkts().find_map(|packet| packet.as_sender_report().ok().flatten());
                    if let (Some(told), Some(lateness)) = (told, &mut lateness) {
                        lateness.report(told.ntp_timestamp().0, told.rtp_timestamp());
                    }
                    continue;
                }
                Ok(_) => continue,
                Err(error) => {
                    return failure(
                        &error,
                        if delivered { Stage::Delivering } else { Stage::SettingUp(signs_in) },
                    );
                }
            };
            if format.is_none() || frame.has_new_parameters() {
                format = format_of(&stream, codec, number, format);
            }
            let Some(format) = &format else {
                let since = *unreadable_since.get_or_insert_with(|| self.clock.monotonic());
                if self.clock.monotonic().saturating_sub(since) > UNREADABLE_LIMIT {
                    let text = "pictures come without the parameter sets that decoding needs: restart the camera, \
                                or choose another profile";
                    return Incoming::Failed(FaultCode::NoKeyFrame, text.into());
                }
                continue;
            };
            if format.width == 0 || format.height == 0 {
                // RFC 2435 has no room for more than 2040 pixels; the description says then how many there are.
                return Incoming::NotUnderstood("the stream does not say how large its pictures are".into());
            }
            delivered = true;
            let lateness =
                lateness.get_or_insert_with(|| Lateness::new(frame.timestamp().clock_rate().get()));
            (self.tell)(Incoming::Unit(self.unit(frame, lateness), Arc::clone(format)));
        }
        Incoming::Failed(FaultCode::Lost, "the camera ended the stream".into())
    }

    fn unit(&self, frame: VideoFrame, lateness: &mut Lateness) -> AccessUnit {
        let held = frame.start_ctx().received().elapsed();
        let came = self.clock.monotonic().saturating_sub(held);
        // RTP has the lower half of it.
        let rtp_time = (frame.timestamp().timestamp() & i64::from(u32::MAX)) as u32;
        let arrived = self.clock.now().0.saturating_sub(i64::try_from(held.as_micros()).unwrap_or(0));
        AccessUnit {
            pts_us: pts_us(frame.timestamp().elapsed(), frame.timestamp().clock_rate()),
            arrived: UnixMicros(arrived),
            late: lateness.of_picture(rtp_time, came),
            key: frame.is_random_access_point(),
            data: Arc::from(frame.into_data()),
        }
    }
}

fn pts_us(elapsed: i64, clock_rate: NonZeroU32) -> u64 {
    let us = i128::from(elapsed) * 1_000_000 / i128::from(clock_rate.get()) + i128::from(ZERO_US);
    u64::try_from(us).unwrap_or(0)
}

/// Signs in, sets up the first video stream and no other, and begins to play.
async fn set_up(
    url: Url,
    options: SessionOptions,
    signs_in: bool,
) -> Result<(Demuxed, Codec, usize), Incoming> {
    let before = |error: retina::Error| failure(&error, Stage::SettingUp(signs_in));
    let described = tokio::time::timeout(CONNECT_LIMIT, Session::describe(url, options)).await;
    let mut session = match described {
        Ok(described) => described.map_err(|error| failure(&error, Stage::Describing))?,
        Err(_) => {
            let text = format!("no answer within {} s", CONNECT_LIMIT.as_secs());
            return Err(Incoming::Silent(text));
        }
    };
    let chosen = session.streams().iter().position(|stream| stream.media() == "video");
    let Some(number) = chosen else {
        return Err(Incoming::Failed(FaultCode::UnsupportedCodec, "the camera sends no video".into()));
    };
    let codec = match session.streams().get(number).map(|stream| stream.encoding_name()) {
        Some("h264") => Codec::H264,
        Some("h265") => Codec::H265,
        Some("jpeg") => Codec::Mjpeg,
        other => {
            let other: String = other.unwrap_or("").chars().filter(char::is_ascii_graphic).take(40).collect();
            return Err(Incoming::Failed(FaultCode::UnsupportedCodec, format!("the camera sends “{other}”")));
        }
    };
    session.setup(number, SetupOptions::default().frame_format(FrameFormat::MP4)).await.map_err(before)?;
    let play = PlayOptions::default().initial_timestamp(InitialTimestampPolicy::Ignore);
    let playing = session.play(play).await.map_err(before)?;
    let stream = playing.demuxed().map_err(before)?;
    Ok((stream, codec, number))
}

/// The format as the stream says it now; the one before if nothing in it has changed, for a new one begins a new clip.
fn format_of(
    stream: &Demuxed,
    codec: Codec,
    number: usize,
    before: Option<Arc<Format>>,
) -> Option<Arc<Format>> {
    let Some(ParametersRef::Video(parameters)) = stream.streams().get(number)?.parameters() else {
        return before;
    };
    let (width, height) = parameters.pixel_dimensions();
    let codec_data = if codec == Codec::Mjpeg { Vec::new() } else { parameters.extra_data().to_vec() };
    let format = Format { codec, width, height, codec_data };
    match before {
        Some(before) if *before == format => Some(before),
        Some(_) | None => Some(Arc::new(format)),
    }
}

/// How far a connection has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// The camera has not described its stream yet.
    Describing,
    /// It has, after it was given the password if this is true; no picture has come.
    SettingUp(bool),
    /// Pictures have come.
    Delivering,
}

/// What a failure means. Until the first picture the other reader may do better, unless the camera has clearly said no: it
/// asks for the options first, takes a new nonce at any time, reads more forms of a challenge, and follows a redirection that
/// leads to where the password may go.
fn failure(error: &retina::Error, stage: Stage) -> Incoming {
    // The first paragraph is the reason; what follows names connections and positions.
    let text = error.to_string();
    let text = text.split("\n\n").next().unwrap_or_default().to_owned();
    let code = match error.status_code() {
        Some(401) if text.contains(CHALLENGE_UNREAD) => return Incoming::NotUnderstood(text),
        // The password was right a moment ago; the nonce has become old.
        Some(401) if stage == Stage::SettingUp(true) => return Incoming::NotUnderstood(text),
        Some(401 | 403) => FaultCode::NotAuthorized,
        Some(404) => FaultCode::NotFound,
        // Only UDP is offered; the owner of this ingest asks for that.
        Some(461) => return Incoming::Failed(FaultCode::Refused, format!("461: {text}")),
        // Not enough bandwidth, or too many watch already.
        Some(453 | 503) => FaultCode::Refused,
        Some(_) => return Incoming::NotUnderstood(text),
        None if text.starts_with("Unable to connect") => {
            return Incoming::Unreachable(FaultCode::Refused, text);
        }
        None if text.starts_with("Timeout") => FaultCode::Timeout,
        None if stage != Stage::Delivering => return Incoming::NotUnderstood(text),
        None if text.starts_with("Error reading") || text.starts_with("Error writing") => FaultCode::Lost,
        None if text.contains("EOF") => FaultCode::Lost,
        None => return Incoming::NotUnderstood(text),
    };
    Incoming::Failed(code, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_before_the_first_one_have_a_time() {
        let rate = NonZeroU32::new(90_000).unwrap();
        assert_eq!(pts_us(0, rate), 86_400_000_000);
        assert_eq!(pts_us(90_000, rate), 86_401_000_000);
        assert_eq!(pts_us(-3_600, rate), 86_399_960_000);
        assert_eq!(pts_us(i64::MIN, rate), 0);
    }
}
