//! RTSP by GStreamer's `rtspsrc`: UDP, TLS, and whatever a camera does that the stricter reader does not take.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::Context;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use hausrecht_media::{CameraOpen, FaultCode, Transport};
use hausrecht_model::{Clock, Codec, UnixMicros, clock::SystemClock};

use super::{
    Incoming, Tell,
    guard::{Account, guard},
    lateness::Lateness,
};
use crate::{decode, fmp4::Format, lock::lock, recorder::AccessUnit, source::Address};

/// A running pipeline. Stopped when dropped, on a thread of its own, for stopping waits for the camera.
#[derive(Debug)]
pub(crate) struct Pipeline {
    pipeline: gst::Pipeline,
}

/// How many arrivals are remembered: more than a jitter buffer ever holds.
const MAX_ARRIVALS: usize = 512;
const CONNECT_LIMIT_US: u64 = 5_000_000;

/// RTP time of video, in Hz. RFC 6184, 7798 and 2435.
const CLOCK_RATE: u32 = 90_000;
/// RFC 3550, 6.4.1.
const RTCP_SENDER_REPORT: u8 = 200;

/// When something arrived, and how much later than the most punctual.
type Arrival = (UnixMicros, Duration);

/// When packets arrived, by their RTP time, and then when pictures did, by their presentation time.
#[derive(Debug)]
struct Arrivals {
    by_rtp: VecDeque<(u32, Arrival)>,
    by_pts: VecDeque<(gst::ClockTime, Arrival)>,
    lateness: Lateness,
}

impl Default for Arrivals {
    fn default() -> Self {
        Self { by_rtp: VecDeque::new(), by_pts: VecDeque::new(), lateness: Lateness::new(CLOCK_RATE) }
    }
}

impl Arrivals {
    fn packet_came(&mut self, rtp_time: u32, now: UnixMicros, monotonic: Duration) {
        if self.by_rtp.back().is_none_or(|(last, _)| *last != rtp_time) {
            if self.by_rtp.len() >= MAX_ARRIVALS {
                self.by_rtp.pop_front();
            }
            self.by_rtp.push_back((rtp_time, (now, self.lateness.of_picture(rtp_time, monotonic))));
        }
    }

    fn packet_timed(&mut self, rtp_time: u32, pts: gst::ClockTime) {
        if self.by_pts.back().is_some_and(|(last, _)| *last == pts) {
            return;
        }
        if let Some((_, came)) = self.by_rtp.iter().find(|(time, _)| *time == rtp_time) {
            if self.by_pts.len() >= MAX_ARRIVALS {
                self.by_pts.pop_front();
            }
            self.by_pts.push_back((pts, *came));
        }
    }

    fn of_picture(&self, pts: gst::ClockTime) -> Option<Arrival> {
        self.by_pts.iter().rev().find(|(time, _)| *time == pts).map(|(_, came)| *came)
    }
}

type Shared<T> = Arc<Mutex<T>>;

impl Pipeline {
    /// Begins to fetch `address`; `tell` is called on GStreamer's threads.
    pub(super) fn start(
        address: &Address,
        open: &CameraOpen,
        transport: Transport,
        tell: Tell,
    ) -> anyhow::Result<Self> {
        let protocols = match transport {
            Transport::Udp => "udp",
            Transport::Http => "tcp+http",
            Transport::Tcp | Transport::Auto => "tcp",
        };
        let source = gst::ElementFactory::make("rtspsrc")
            .property("location", &address.uri)
            .property_from_str("protocols", protocols)
            .property("latency", open.latency_ms.min(10_000))
            .property("tcp-timeout", CONNECT_LIMIT_US)
            .property("timeout", CONNECT_LIMIT_US)
            .property("teardown-timeout", 200_000_000_u64)
            // It could send the other half of a tunnel to any computer.
            .property("ignore-x-server-reply", true)
            .build()
            .context("making rtspsrc")?;
        let pipeline = gst::Pipeline::new();
        pipeline.add(&source)?;
        super::certificate::keep_to(&source, open.certificate);
        select_video_only(&source);
        // Until the first request of RTSP, all that fails is the way to the camera.
        let reached = Arc::new(AtomicBool::new(false));
        {
            let (tell, sending) = (Arc::clone(&tell), Arc::clone(&reached));
            let account = Account { user: open.user.clone(), password: open.password.clone() };
            let reach = move || sending.store(true, Ordering::Relaxed);
            guard(&source, address, transport == Transport::Http, account, reach, move |code, text| {
                tell(Incoming::Failed(code, text))
            });
        }
        let arrivals: Shared<Arrivals> = Arc::default();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        note_arrivals(&source, &arrivals, &clock);
        {
            let (pipeline, tell) = (pipeline.downgrade(), Arc::clone(&tell));
            source.connect_pad_added(move |_, pad| {
                let Some(pipeline) = pipeline.upgrade() else { return };
                if let Err(error) = take_video(&pipeline, pad, &tell, &arrivals, &clock) {
                    tell(Incoming::Failed(FaultCode::Internal, format!("{error:#}")));
                }
            });
        }
        watch_bus(&pipeline, tell, reached)?;
        let running = Self { pipeline };
        // A failure is told on the bus, with its reason.
        let _ = running.pipeline.set_state(gst::State::Playing);
        Ok(running)
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        let pipeline = self.pipeline.clone();
        let stopping = thread::Builder::new().name("ingest-stop".into()).spawn(move || {
            // Nothing is left to do with a pipeline that does not stop.
            let _ = pipeline.set_state(gst::State::Null);
        });
        if let Err(error) = stopping {
            tracing::warn!("a stream could not be stopped: {error}");
        }
    }
}

/// Sets up the first video stream and no other.
fn select_video_only(source: &gst::Element) {
    let chosen = AtomicI64::new(-1);
    source.connect("select-stream", false, move |arguments| {
        let number = arguments.get(1).and_then(|value| value.get::<u32>().ok()).map_or(-1, i64::from);
        let video = arguments
            .get(2)
            .and_then(|value| value.get::<gst::Caps>().ok())
            .and_then(|caps| caps.structure(0).and_then(|s| s.get::<String>("media").ok()))
            .is_some_and(|media| media == "video");
        let first = chosen.load(Ordering::Relaxed);
        let take = video && (first == -1 || first == number);
        if take {
            chosen.store(number, Ordering::Relaxed);
        }
        Some(take.to_value())
    });
}

/// Notes when each RTP packet comes in, before the jitter buffer holds it.
fn note_arrivals(source: &gst::Element, arrivals: &Shared<Arrivals>, clock: &Arc<dyn Clock>) {
    let (arrivals, clock) = (Arc::clone(arrivals), Arc::clone(clock));
    source.connect("new-manager", false, move |arguments| {
        let manager = arguments.get(1).and_then(|value| value.get::<gst::Element>().ok())?;
        let (arrivals, clock) = (Arc::clone(&arrivals), Arc::clone(&clock));
        manager.connect_pad_added(move |_, pad| {
            let (arrivals, clock) = (Arc::clone(&arrivals), Arc::clone(&clock));
            if pad.name().starts_with("recv_rtp_sink_") {
                on_packets(pad, move |packet| {
                    if let Some(time) = rtp_time(packet) {
                        lock(&arrivals).packet_came(time, clock.now(), clock.monotonic());
                    }
                });
            } else if pad.name().starts_with("recv_rtcp_sink_") {
                on_packets(pad, move |packet| {
                    if let Some((ntp, rtp_time)) = sender_report(packet) {
                        lock(&arrivals).lateness.report(ntp, rtp_time);
                    }
                });
            }
        });
        None
    });
}

fn on_packets(pad: &gst::Pad, look: impl Fn(&gst::BufferRef) + Send + Sync + 'static) {
    pad.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |_, info| {
        if let Some(buffer) = info.buffer() {
            look(buffer);
        } else if let Some(list) = info.buffer_list() {
            list.iter().for_each(&look);
        }
        gst::PadProbeReturn::Ok
    });
}

fn rtp_time(packet: &gst::BufferRef) -> Option<u32> {
    let mut head = [0; 8];
    packet.copy_to_slice(0, &mut head).ok()?;
    let [_, _, _, _, t0, t1, t2, t3] = head;
    Some(u32::from_be_bytes([t0, t1, t2, t3]))
}

/// Time of day (NTP) and RTP time of a sender report, which is the first part of what a sender says.
fn sender_report(packet: &gst::BufferRef) -> Option<(u64, u32)> {
    let mut head = [0; 20];
    packet.copy_to_slice(0, &mut head).ok()?;
    let ntp = u64::from_be_bytes(head.get(8..16)?.try_into().ok()?);
    let rtp_time = u32::from_be_bytes(head.get(16..20)?.try_into().ok()?);
    (head.get(1) == Some(&RTCP_SENDER_REPORT)).then_some((ntp, rtp_time))
}

fn take_video(
    pipeline: &gst::Pipeline,
    pad: &gst::Pad,
    tell: &Tell,
    arrivals: &Shared<Arrivals>,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<()> {
    let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
    let structure = caps.structure(0).context("a stream without a type")?;
    if structure.get::<String>("media").is_ok_and(|media| media != "video") {
        return Ok(());
    }
    let encoding = structure.get::<String>("encoding-name").unwrap_or_default();
    let (codec, depay, parse) = match encoding.as_str() {
        "H264" => (Codec::H264, "rtph264depay", "h264parse"),
        "H265" => (Codec::H265, "rtph265depay", "h265parse"),
        "JPEG" => (Codec::Mjpeg, "rtpjpegdepay", "jpegparse"),
        other => {
            let other: String = other.chars().filter(char::is_ascii_graphic).take(40).collect();
            tell(Incoming::Failed(FaultCode::UnsupportedCodec, format!("the camera sends “{other}”")));
            return Ok(());
        }
    };
    let depay = gst::ElementFactory::make(depay).build().context("making a depayloader")?;
    let parse = gst::ElementFactory::make(parse).build().context("making a parser")?;
    let wanted = match codec {
        Codec::H264 => {
            gst::Caps::builder("video/x-h264").field("stream-format", "avc").field("alignment", "au").build()
        }
        Codec::H265 => {
            gst::Caps::builder("video/x-h265").field("stream-format", "hvc1").field("alignment", "au").build()
        }
        Codec::Mjpeg => gst::Caps::builder("image/jpeg").build(),
    };
    let sink = gst_app::AppSink::builder()
        .caps(&wanted)
        .sync(false)
        .async_(false)
        .qos(false)
        .max_buffers(64)
        .build();
    deliver(&sink, codec, Arc::clone(tell), Arc::clone(arrivals), Arc::clone(clock));
    let elements = [&depay, &parse, sink.upcast_ref()];
    pipeline.add_many(elements)?;
    gst::Element::link_many(elements)?;
    let entry = depay.static_pad("sink").context("a depayloader without a sink")?;
    {
        let arrivals = Arc::clone(arrivals);
        on_packets(&entry, move |packet| {
            if let (Some(time), Some(pts)) = (rtp_time(packet), packet.pts()) {
                lock(&arrivals).packet_timed(time, pts);
            }
        });
    }
    for element in elements {
        element.sync_state_with_parent()?;
    }
    pad.link(&entry)?;
    Ok(())
}

/// Turns what arrives at `sink` into access units.
fn deliver(
    sink: &gst_app::AppSink,
    codec: Codec,
    tell: Tell,
    arrivals: Shared<Arrivals>,
    clock: Arc<dyn Clock>,
) {
    let mut known: Option<(gst::Caps, Arc<Format>)> = None;
    let mut last_pts_us = 0;
    let take = move |sink: &gst_app::AppSink| {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        let (Some(buffer), Some(caps)) = (sample.buffer(), sample.caps()) else {
            return Ok(gst::FlowSuccess::Ok);
        };
        if known.as_ref().is_none_or(|(known_caps, _)| known_caps.as_ref() != caps) {
            let Some(format) = format_of(codec, caps) else { return Ok(gst::FlowSuccess::Ok) };
            // Caps change with every small thing (a frame rate in the stream); a new format is a new clip.
            let format = match &known {
                Some((_, before)) if **before == format => Arc::clone(before),
                Some(_) | None => Arc::new(format),
            };
            known = Some((caps.to_owned(), format));
        }
        let Some((_, format)) = &known else { return Ok(gst::FlowSuccess::Ok) };
        let map = buffer.map_readable().map_err(|_| gst::FlowError::Error)?;
        let arrived = buffer.pts().and_then(|pts| lock(&arrivals).of_picture(pts));
        let pts_us = decode::pts_us(buffer).unwrap_or(last_pts_us + 1);
        last_pts_us = pts_us;
        let (arrived, late) = arrived.unwrap_or_else(|| (clock.now(), Duration::ZERO));
        let unit = AccessUnit {
            pts_us,
            arrived,
            late,
            key: !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT),
            data: Arc::from(map.as_slice()),
        };
        tell(Incoming::Unit(unit, Arc::clone(format)));
        Ok(gst::FlowSuccess::Ok)
    };
    sink.set_callbacks(gst_app::AppSinkCallbacks::builder().new_sample(take).build());
}

/// What a decoder must know of pictures with `caps`; none if that does not stand there yet.
pub(crate) fn format_of(codec: Codec, caps: &gst::CapsRef) -> Option<Format> {
    let structure = caps.structure(0)?;
    let measure =
        |name| structure.get::<i32>(name).ok().and_then(|value| u32::try_from(value).ok()).unwrap_or(0);
    let codec_data = match structure.get::<gst::Buffer>("codec_data") {
        Ok(data) => data.map_readable().ok()?.to_vec(),
        Err(_) if codec == Codec::Mjpeg => Vec::new(),
        Err(_) => return None,
    };
    Some(Format { codec, width: measure("width"), height: measure("height"), codec_data })
}

fn watch_bus(pipeline: &gst::Pipeline, tell: Tell, reached: Arc<AtomicBool>) -> anyhow::Result<()> {
    let bus = pipeline.bus().context("a pipeline without a bus")?;
    bus.set_sync_handler(move |_, message| {
        if let gst::MessageView::Error(error) = message.view() {
            let detail = error.debug().unwrap_or_default();
            let (code, text) = classify(&error.error(), &detail);
            if reached.load(Ordering::Relaxed) {
                tell(Incoming::Failed(code, text));
            } else {
                let code = if code == FaultCode::Timeout { code } else { FaultCode::Refused };
                tell(Incoming::Unreachable(code, text));
            }
        } else if message.type_() == gst::MessageType::Eos {
            tell(Incoming::Failed(FaultCode::Lost, "the camera ended the stream".into()));
        }
        gst::BusSyncReply::Drop
    });
    Ok(())
}

/// What an error of `rtspsrc` means.
pub(crate) fn classify(error: &gst::glib::Error, detail: &str) -> (FaultCode, String) {
    let text = format!("{error}: {detail}");
    let code = match error.kind::<gst::ResourceError>() {
        Some(gst::ResourceError::NotAuthorized) => FaultCode::NotAuthorized,
        Some(gst::ResourceError::NotFound) => FaultCode::NotFound,
        _ if detail.contains("Unauthorized") || detail.contains("(401)") => FaultCode::NotAuthorized,
        _ if detail.contains("Not Found") || detail.contains("(404)") => FaultCode::NotFound,
        _ if detail.contains("imed out") || detail.contains("imeout") => FaultCode::Timeout,
        Some(gst::ResourceError::OpenRead | gst::ResourceError::OpenReadWrite) => FaultCode::Refused,
        _ if error.matches(gst::StreamError::CodecNotFound) => FaultCode::UnsupportedCodec,
        Some(gst::ResourceError::Read | gst::ResourceError::Write | gst::ResourceError::Close) => {
            FaultCode::Lost
        }
        _ => FaultCode::Internal,
    };
    (code, text)
}
