//! Encodes pictures anew: the few at the edge of a span that lie behind a key frame that is not wanted, or all of them when
//! something is written on them.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::{Context, bail};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use hausrecht_model::{Clock, clock::SystemClock};

use super::sets::Sets;
use crate::{
    decode::{self, Threads},
    fmp4::Format,
    lock::lock,
};

/// What an export uses besides what every worker loads.
pub(crate) const ELEMENTS: [&str; 4] = ["x264enc", "textoverlay", "videoconvert", "identity"];
/// How much may lie between what is pushed and what is decoded: little, so that what is told of the progress is true.
const AHEAD: u64 = 128 * 1024;
const PULL: Duration = Duration::from_millis(20);
/// How long nothing may come out although something is waiting inside.
const HUNG_AFTER: Duration = Duration::from_secs(30);

/// A picture that was encoded anew.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Encoded {
    /// Its bytes, as MP4 has them.
    pub(crate) data: Vec<u8>,
    /// When it was taken, as it was pushed.
    pub(crate) pts_us: u64,
    /// Whether decoding can begin here.
    pub(crate) key: bool,
}

/// How to encode.
#[derive(Clone, Debug)]
pub(crate) enum Style {
    /// So that the pictures lie in one track with those of this camera, their sets under a number of their own.
    Beside(Sets),
    /// With a line of text on each.
    Captioned(String),
}

/// A running encoder. It ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Recoder {
    pipeline: gst::Pipeline,
    source: gst_app::AppSrc,
    sink: gst_app::AppSink,
    /// Times of the pictures inside the encoder, which gives them out in order.
    times: Arc<Mutex<VecDeque<u64>>>,
    failed: Arc<Mutex<Option<String>>>,
    clock: SystemClock,
    sets: Option<Vec<u8>>,
}

/// Whether pictures can be encoded here at all.
pub(crate) fn can_encode() -> bool {
    gst::ElementFactory::find("x264enc").is_some()
}

impl Recoder {
    /// Begins to encode those pictures of `format` of whose time `wanted` says so.
    pub(crate) fn start(
        format: &Format,
        style: &Style,
        wanted: impl Fn(u64) -> bool + Send + Sync + 'static,
    ) -> anyhow::Result<Self> {
        let make = |name: &str| {
            gst::ElementFactory::make(name)
                .build()
                .with_context(|| format!("this computer's GStreamer lacks {name}"))
        };
        let source = gst_app::AppSrc::builder()
            .caps(&decode::caps(format))
            .format(gst::Format::Time)
            .max_bytes(0)
            .build();
        let (decoder, _) = decode::decoder(format.codec, Threads::Frames)?;
        let convert = make("videoconvert")?;
        let encoder = make("x264enc")?;
        encoder.set_property("bframes", 0_u32);
        encoder.set_property_from_str("pass", "qual");
        encoder.set_property_from_str("speed-preset", "veryfast");
        let mut between = vec![convert];
        let profile = match style {
            Style::Beside(sets) => {
                let number = sets.free_number().context("the camera uses all numbers of parameter sets")?;
                encoder.set_property("quantizer", 16_u32);
                encoder.set_property_from_str("tune", "zerolatency");
                encoder.set_property("key-int-max", 1000_u32);
                encoder.set_property_from_str("option-string", &format!("sps-id={number}:scenecut=0"));
                match sets.profile() {
                    66 => "constrained-baseline",
                    77 | 88 => "main",
                    _ => "high",
                }
            }
            Style::Captioned(text) => {
                encoder.set_property("quantizer", 21_u32);
                encoder.set_property("key-int-max", 50_u32);
                encoder.set_property("rc-lookahead", 8_i32);
                let overlay = make("textoverlay")?;
                overlay.set_property("text", gst::glib::markup_escape_text(text).as_str());
                overlay.set_property_from_str("valignment", "bottom");
                overlay.set_property_from_str("halignment", "left");
                overlay.set_property("shaded-background", true);
                overlay.set_property("font-desc", "Sans Bold 14");
                between.push(overlay);
                between.push(make("videoconvert")?);
                "high"
            }
        };
        let raw = gst::Caps::builder("video/x-raw").field("format", "I420").build();
        let raw = gst::ElementFactory::make("capsfilter").property("caps", raw).build()?;
        let coded = gst::Caps::builder("video/x-h264")
            .field("stream-format", "avc")
            .field("alignment", "au")
            .field("profile", profile)
            .build();
        let coded = gst::ElementFactory::make("capsfilter").property("caps", coded).build()?;
        let sink = gst_app::AppSink::builder().sync(false).build();
        let pipeline = gst::Pipeline::new();
        let mut elements = vec![source.clone().upcast::<gst::Element>(), decoder.clone()];
        elements.extend(between);
        elements.extend([raw, encoder.clone(), coded, sink.clone().upcast()]);
        pipeline.add_many(&elements)?;
        gst::Element::link_many(&elements)?;
        decoder.static_pad("src").context("a decoder without a source pad")?.add_probe(
            gst::PadProbeType::BUFFER,
            move |_, info| {
                let pts_us = info.buffer().and_then(|buffer| decode::pts_us(buffer));
                if pts_us.is_some_and(&wanted) { gst::PadProbeReturn::Ok } else { gst::PadProbeReturn::Drop }
            },
        );
        let times = Arc::new(Mutex::new(VecDeque::new()));
        let noted = Arc::clone(&times);
        encoder.static_pad("sink").context("an encoder without a sink pad")?.add_probe(
            gst::PadProbeType::BUFFER,
            move |_, info| {
                let pts_us = info.buffer().and_then(|buffer| decode::pts_us(buffer)).unwrap_or(0);
                lock(&noted).push_back(pts_us);
                gst::PadProbeReturn::Ok
            },
        );
        let failed = Arc::new(Mutex::new(None));
        let why = Arc::clone(&failed);
        let bus = pipeline.bus().context("a pipeline without a bus")?;
        bus.set_sync_handler(move |_, message| {
            if let gst::MessageView::Error(error) = message.view() {
                let text = format!("{}: {}", error.error(), error.debug().unwrap_or_default());
                lock(&why).get_or_insert(text);
            }
            gst::BusSyncReply::Drop
        });
        let recoder = Self { pipeline, source, sink, times, failed, clock: SystemClock::new(), sets: None };
        recoder.pipeline.set_state(gst::State::Playing).context("starting to encode")?;
        Ok(recoder)
    }

    /// Takes one access unit, and gives what has been encoded by now.
    pub(crate) fn push(&mut self, data: Vec<u8>, pts_us: u64, key: bool) -> anyhow::Result<Vec<Encoded>> {
        let mut buffer = gst::Buffer::from_mut_slice(data);
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(gst::ClockTime::from_useconds(pts_us));
            if !key {
                buffer.set_flags(gst::BufferFlags::DELTA_UNIT);
            }
        }
        self.source.push_buffer(buffer).map_err(|error| self.why(&format!("decoding: {error}")))?;
        let mut encoded = Vec::new();
        let mut last = self.clock.monotonic();
        loop {
            let full = self.source.current_level_bytes() > AHEAD;
            let level = self.source.current_level_bytes();
            match self.pull(if full { PULL } else { Duration::ZERO })? {
                Some(picture) => {
                    encoded.push(picture);
                    last = self.clock.monotonic();
                }
                None if !full => return Ok(encoded),
                // Pictures that are not wanted come out nowhere, and are progress all the same.
                None if self.source.current_level_bytes() < level => last = self.clock.monotonic(),
                None if self.clock.monotonic().saturating_sub(last) > HUNG_AFTER => {
                    bail!(self.why("the encoder hangs"))
                }
                None => {}
            }
        }
    }

    /// Gives the rest, and the parameter sets by which all of it is decoded.
    pub(crate) fn finish(mut self) -> anyhow::Result<(Vec<Encoded>, Vec<u8>)> {
        self.source.end_of_stream().map_err(|error| self.why(&format!("decoding: {error}")))?;
        let mut encoded = Vec::new();
        let mut last = self.clock.monotonic();
        while !self.sink.is_eos() {
            match self.pull(PULL)? {
                Some(picture) => {
                    encoded.push(picture);
                    last = self.clock.monotonic();
                }
                None if self.clock.monotonic().saturating_sub(last) > HUNG_AFTER => {
                    bail!(self.why("the encoder does not come to its end"))
                }
                None => {}
            }
        }
        let sets = self.sets.take().context("nothing could be decoded, so nothing was encoded")?;
        Ok((encoded, sets))
    }

    fn pull(&mut self, wait: Duration) -> anyhow::Result<Option<Encoded>> {
        if lock(&self.failed).is_some() {
            bail!(self.why("encoding"));
        }
        let wait = gst::ClockTime::from_useconds(u64::try_from(wait.as_micros()).unwrap_or(0));
        let Some(sample) = self.sink.try_pull_sample(wait) else { return Ok(None) };
        if self.sets.is_none() {
            let sets = sample
                .caps()
                .and_then(|caps| caps.structure(0))
                .and_then(|structure| structure.get::<gst::Buffer>("codec_data").ok())
                .and_then(|buffer| buffer.map_readable().ok().map(|map| map.to_vec()));
            self.sets = sets;
        }
        let buffer = sample.buffer().context("an encoder that gives nothing")?;
        let pts_us =
            lock(&self.times).pop_front().context("the encoder made more pictures than it was given")?;
        let data = buffer.map_readable().context("reading what was encoded")?.to_vec();
        Ok(Some(Encoded { data, pts_us, key: !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT) }))
    }

    fn why(&self, otherwise: &str) -> anyhow::Error {
        anyhow::anyhow!(lock(&self.failed).clone().unwrap_or_else(|| otherwise.to_owned()))
    }
}

impl Drop for Recoder {
    fn drop(&mut self) {
        // Nothing is left to do with a pipeline that does not stop.
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}
