//! Takes a file apart into the pictures of its first video track, as they are, in the order in which they are decoded. Whatever
//! else it holds is left where it is.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Context;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use hausrecht_media::{
    FaultCode,
    footage::{Container, ReadAt},
};
use hausrecht_model::{Clock, Codec, clock::SystemClock};

use super::{Failure, source::Source};
use crate::{decode::pts_us, fmp4::Format, ingest::format_of, lock::lock};

/// What the worker uses besides what every worker uses.
const ELEMENTS: [&str; 4] = ["qtdemux", "matroskademux", "avidemux", "tsdemux"];
/// How long nothing may come. The file lies on this computer, but a stick or a card may be slow.
const LIMIT: Duration = Duration::from_secs(60);
/// How often it is looked whether reading has failed.
const LOOK_EVERY: gst::ClockTime = gst::ClockTime::from_mseconds(100);
/// Pictures that wait to be taken.
const WAITING: u32 = 8;
/// So long a picture lasts if nothing tells it.
const USUAL_US: u64 = 40_000;

/// Loads what the sandbox would keep from being loaded.
pub(super) fn load_elements() {
    for name in ELEMENTS {
        if gst::ElementFactory::find(name).and_then(|factory| factory.load().ok()).is_none() {
            tracing::warn!("GStreamer has no {name}");
        }
    }
}

/// One picture.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    /// When it is shown, on the file's own clock.
    pub(super) pts_us: u64,
    /// The same as seeking knows it.
    pub(super) place_us: u64,
    pub(super) key: bool,
    pub(super) data: Arc<[u8]>,
    pub(super) format: Arc<Format>,
}

/// An open file.
pub(super) struct Demux {
    pipeline: gst::Pipeline,
    from: gst_app::AppSrc,
    sink: gst_app::AppSink,
    source: Source,
    state: Arc<State>,
    format: Option<(gst::Caps, Arc<Format>)>,
    last_us: Option<u64>,
    clock: SystemClock,
}

/// What GStreamer's threads have found out.
#[derive(Default)]
struct State {
    has_video: AtomicBool,
    /// There is something in the file that is no picture.
    has_others: AtomicBool,
    /// What the pictures are if they are none of ours.
    foreign: Mutex<Option<String>>,
    failed: Mutex<Option<(bool, String)>>,
    position: AtomicU64,
    /// Nothing is read any more.
    ended: AtomicBool,
}

impl Demux {
    pub(super) fn open(source: Source, container: Container) -> Result<Self, Failure> {
        Self::build(source, container).map_err(|error| (FaultCode::Internal, format!("{error:#}")))
    }

    fn build(source: Source, container: Container) -> anyhow::Result<Self> {
        let state = Arc::new(State::default());
        let from = gst_app::AppSrc::builder()
            .format(gst::Format::Bytes)
            .stream_type(gst_app::AppStreamType::RandomAccess)
            .max_bytes(1 << 20)
            .build();
        from.set_size(i64::try_from(source.size_bytes())?);
        let (asked, mut reading, size_bytes) = (Arc::clone(&state), source.again(), source.size_bytes());
        let sought = Arc::clone(&state);
        let callbacks = gst_app::AppSrcCallbacks::builder()
            .need_data(move |from, wanted| {
                let at = asked.position.load(Ordering::Acquire);
                let wanted = if wanted == u32::MAX { 64 * 1024 } else { wanted.max(1) };
                let bytes = if asked.ended.load(Ordering::Acquire) {
                    Vec::new()
                } else {
                    reading.read_at(at, usize::try_from(wanted).unwrap_or(64 * 1024))
                };
                asked.position.store(at + bytes.len() as u64, Ordering::Release);
                // A pipeline that ends takes no more.
                let _ = if bytes.is_empty() {
                    from.end_of_stream()
                } else {
                    let mut buffer = gst::Buffer::from_slice(bytes);
                    if let Some(buffer) = buffer.get_mut() {
                        buffer.set_offset(at);
                    }
                    from.push_buffer(buffer)
                };
            })
            .seek_data(move |_, offset| {
                sought.position.store(offset, Ordering::Release);
                offset <= size_bytes && !sought.ended.load(Ordering::Acquire)
            });
        from.set_callbacks(callbacks.build());
        let name = match container {
            Container::Mp4 => "qtdemux",
            Container::Matroska => "matroskademux",
            Container::Avi => "avidemux",
            Container::Ts => "tsdemux",
        };
        let demuxer = gst::ElementFactory::make(name).build().with_context(|| format!("making {name}"))?;
        let sink = gst_app::AppSink::builder().sync(false).async_(false).max_buffers(WAITING).build();
        let pipeline = gst::Pipeline::new();
        pipeline.add_many([from.upcast_ref(), &demuxer, sink.upcast_ref()])?;
        gst::Element::link_many([from.upcast_ref(), &demuxer])?;
        let (found, into, target) = (Arc::clone(&state), pipeline.downgrade(), sink.downgrade());
        demuxer.connect_pad_added(move |_, pad| {
            if let (Some(pipeline), Some(sink)) = (into.upgrade(), target.upgrade())
                && let Err(error) = found.take_pad(pad, &pipeline, &sink)
            {
                found.fail(false, format!("{error:#}"));
            }
        });
        let failing = Arc::clone(&state);
        pipeline.bus().context("a pipeline without a bus")?.set_sync_handler(move |_, message| {
            if let gst::MessageView::Error(error) = message.view() {
                let is_protected = error.error().matches(gst::StreamError::DecryptNokey)
                    || error.error().matches(gst::StreamError::Decrypt);
                failing.fail(is_protected, error.error().to_string());
            }
            gst::BusSyncReply::Drop
        });
        pipeline.set_state(gst::State::Playing).context("opening the file")?;
        let clock = SystemClock::new();
        Ok(Self { pipeline, from, sink, source, state, format: None, last_us: None, clock })
    }

    /// The next picture; none at the end, or where nothing more can be read: [`Demux::cut`] tells which.
    pub(super) fn next(&mut self) -> Result<Option<Unit>, Failure> {
        loop {
            let Some(sample) = self.pull()? else { return Ok(None) };
            let (Some(buffer), Some(caps)) = (sample.buffer(), sample.caps_owned()) else { continue };
            let Some(format) = self.format_of(&caps) else { continue };
            let data = buffer.map_readable().map_err(|error| (FaultCode::Internal, error.to_string()))?;
            if data.is_empty() {
                continue;
            }
            // AVI tells the order of decoding alone, and some files nothing at all.
            let told = pts_us(buffer).or_else(|| buffer.dts().map(gst::ClockTime::useconds));
            let at = told.unwrap_or_else(|| self.last_us.map_or(0, |last| last + USUAL_US));
            self.last_us = Some(at);
            let place = sample.segment().and_then(|segment| {
                let time = segment.downcast_ref::<gst::ClockTime>()?;
                time.to_stream_time(gst::ClockTime::from_useconds(at))
            });
            return Ok(Some(Unit {
                pts_us: at,
                place_us: place.map_or(at, gst::ClockTime::useconds),
                key: format.codec == Codec::Mjpeg || !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT),
                data: Arc::from(&data[..]),
                format,
            }));
        }
    }

    fn pull(&self) -> Result<Option<gst::Sample>, Failure> {
        let until = self.clock.monotonic() + LIMIT;
        loop {
            // What was read before a failure still counts, so it is looked for the failure first.
            let is_over = lock(&self.state.failed).is_some();
            if let Some(sample) = self.sink.try_pull_sample(LOOK_EVERY) {
                return Ok(Some(sample));
            }
            if is_over || self.sink.is_eos() {
                return Ok(None);
            }
            if self.clock.monotonic() > until {
                return Err((FaultCode::Timeout, "the file gives no more pictures".into()));
            }
        }
    }

    fn format_of(&mut self, caps: &gst::Caps) -> Option<Arc<Format>> {
        if let Some((known, format)) = &self.format
            && known == caps
        {
            return Some(Arc::clone(format));
        }
        let codec = codec_of(caps.structure(0)?.name())?;
        let format = Arc::new(format_of(codec, caps)?);
        if format.width == 0 || format.height == 0 {
            return None;
        }
        self.format = Some((caps.clone(), Arc::clone(&format)));
        Some(format)
    }

    /// Goes to the key frame at `place_us` or before it.
    pub(super) fn seek(&mut self, place_us: u64) -> Result<(), Failure> {
        *lock(&self.state.failed) = None;
        let flags = gst::SeekFlags::FLUSH | gst::SeekFlags::KEY_UNIT | gst::SeekFlags::SNAP_BEFORE;
        self.pipeline
            .seek_simple(flags, gst::ClockTime::from_useconds(place_us))
            .map_err(|error| (FaultCode::Internal, format!("jumping in the file: {error}")))
    }

    /// How long the file says it is.
    pub(super) fn duration_us(&self) -> Option<u64> {
        self.pipeline.query_duration::<gst::ClockTime>().map(gst::ClockTime::useconds)
    }

    /// Why reading ended before the end of the file; `None`: it did not.
    pub(super) fn cut(&self) -> Option<String> {
        if self.source.has_failed() {
            return Some("the file cannot be read to its end".into());
        }
        lock(&self.state.failed).as_ref().map(|(_, text)| text.clone())
    }

    /// Why there is no picture at all.
    pub(super) fn nothing(&self) -> Failure {
        if let Some(foreign) = lock(&self.state.foreign).clone() {
            return (FaultCode::UnsupportedCodec, foreign);
        }
        match &*lock(&self.state.failed) {
            Some((true, text)) => (FaultCode::NotAuthorized, text.clone()),
            _ if !self.state.has_video.load(Ordering::Acquire)
                && self.state.has_others.load(Ordering::Acquire) =>
            {
                (FaultCode::NotFound, "there is no video in the file".into())
            }
            Some((false, text)) if !self.state.has_video.load(Ordering::Acquire) => {
                (FaultCode::Lost, text.clone())
            }
            Some((false, text)) => (FaultCode::NoKeyFrame, text.clone()),
            None if self.state.has_video.load(Ordering::Acquire) => (
                FaultCode::NoKeyFrame,
                "there is no picture in the file with which showing could begin".into(),
            ),
            None => (FaultCode::NotFound, "there is no video in the file".into()),
        }
    }
}

impl Drop for Demux {
    fn drop(&mut self) {
        // A demuxer that pulls from an appsrc may miss that the pipeline stops (GStreamer 1.22 takes the flush back before the puller
        // has seen it), and would wait for bytes for ever: so its file ends first.
        self.state.ended.store(true, Ordering::Release);
        let _ = self.from.end_of_stream();
        // Nothing is left to do with a pipeline that does not stop.
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

impl State {
    fn fail(&self, is_protected: bool, text: String) {
        lock(&self.failed).get_or_insert((is_protected, text));
    }

    /// Takes the first track of pictures that is one of ours.
    fn take_pad(
        &self,
        pad: &gst::Pad,
        pipeline: &gst::Pipeline,
        sink: &gst_app::AppSink,
    ) -> anyhow::Result<()> {
        let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
        let Some(structure) = caps.structure(0) else { return Ok(()) };
        let name = structure.name().as_str();
        let Some(codec) = codec_of(name) else {
            self.has_others.store(true, Ordering::Release);
            if name.starts_with("application/x-cenc") || name.starts_with("application/x-aavd") {
                self.fail(true, "the file is protected against copying".into());
            } else if name.starts_with("video/") || name.starts_with("image/") {
                lock(&self.foreign).get_or_insert_with(|| name.to_owned());
            }
            return Ok(());
        };
        if self.has_video.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        *lock(&self.foreign) = None;
        let (parser, form) = match codec {
            Codec::H264 => ("h264parse", "video/x-h264, stream-format=avc, alignment=au"),
            Codec::H265 => ("h265parse", "video/x-h265, stream-format=hvc1, alignment=au"),
            Codec::Mjpeg => ("jpegparse", "image/jpeg"),
        };
        sink.set_caps(Some(&form.parse::<gst::Caps>()?));
        let parser = gst::ElementFactory::make(parser).build().with_context(|| format!("making {parser}"))?;
        pipeline.add(&parser)?;
        parser.sync_state_with_parent()?;
        gst::Element::link_many([&parser, sink.upcast_ref()])?;
        pad.link(&parser.static_pad("sink").context("a parser without a sink pad")?)?;
        Ok(())
    }
}

fn codec_of(name: &str) -> Option<Codec> {
    match name {
        "video/x-h264" => Some(Codec::H264),
        "video/x-h265" => Some(Codec::H265),
        "image/jpeg" => Some(Codec::Mjpeg),
        _ => None,
    }
}
