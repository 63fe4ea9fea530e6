//! RTP packets into access units, by GStreamer's depayloaders and parsers. They run on the thread that pushes: a packet goes in,
//! and what it completes has come out when the call returns. There is no pipeline, no queue and no clock.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use gstreamer as gst;
use gstreamer::prelude::*;
use hausrecht_model::Codec;

use super::session::Video;
use crate::{decode, fmp4::Format, ingest::format_of};

/// An access unit, and the time that its packets were given.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    /// As given to [`Depay::push`], in microseconds.
    pub(super) at_us: u64,
    /// Whether decoding can begin here.
    pub(super) key: bool,
    /// Its bytes, with length prefixes.
    pub(super) data: Arc<[u8]>,
    /// What a decoder must know.
    pub(super) format: Arc<Format>,
}

#[derive(Debug, Default)]
struct Out {
    units: Vec<Unit>,
    known: Option<Arc<Format>>,
    last_us: u64,
}

/// A depayloader and a parser, joined.
#[derive(Debug)]
pub(super) struct Depay {
    elements: [gst::Element; 2],
    entry: gst::Pad,
    /// Nobody else holds it.
    _exit: gst::Pad,
    out: Arc<Mutex<Out>>,
}

impl Depay {
    /// Makes them for the video of a session.
    pub(super) fn new(video: &Video) -> anyhow::Result<Self> {
        let (encoding, depay, parse) = match video.codec {
            Codec::H264 => ("H264", "rtph264depay", "h264parse"),
            Codec::H265 => ("H265", "rtph265depay", "h265parse"),
            Codec::Mjpeg => ("JPEG", "rtpjpegdepay", "jpegparse"),
        };
        let wanted = match video.codec {
            Codec::H264 => gst::Caps::builder("video/x-h264")
                .field("stream-format", "avc")
                .field("alignment", "au")
                .build(),
            Codec::H265 => gst::Caps::builder("video/x-h265")
                .field("stream-format", "hvc1")
                .field("alignment", "au")
                .build(),
            Codec::Mjpeg => gst::Caps::builder("image/jpeg").build(),
        };
        let depay = gst::ElementFactory::make(depay).build().context("making a depayloader")?;
        let parse = gst::ElementFactory::make(parse).build().context("making a parser")?;
        depay.link(&parse).context("joining a depayloader and a parser")?;
        let out = Arc::new(Mutex::new(Out::default()));
        let sink = sink(video.codec, &wanted, &out)?;
        let entry = gst::Pad::builder(gst::PadDirection::Src).name("packets").build();
        entry.link(&depay.static_pad("sink").context("a depayloader without a sink")?)?;
        parse.static_pad("src").context("a parser without a source")?.link(&sink)?;
        sink.set_active(true)?;
        entry.set_active(true)?;
        let made = Self { elements: [parse, depay], entry, _exit: sink, out };
        for element in &made.elements {
            element.set_state(gst::State::Playing).context("starting to take packets apart")?;
        }
        let mut caps = gst::Structure::builder("application/x-rtp")
            .field("media", "video")
            .field("clock-rate", i32::try_from(video.clock_rate).context("a clock rate")?)
            .field("encoding-name", encoding)
            .field("payload", i32::from(video.payload_type))
            .build();
        for (name, value) in &video.parameters {
            let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            if plain
                && name.starts_with(|first: char| first.is_ascii_alphabetic())
                && !caps.has_field(name.as_str())
            {
                caps.set(name.as_str(), value.as_str());
            }
        }
        let segment = gst::FormattedSegment::<gst::ClockTime>::new();
        for event in [
            gst::event::StreamStart::new("card"),
            gst::event::Caps::new(&gst::Caps::from(caps)),
            gst::event::Segment::new(&segment),
        ] {
            made.entry.push_event(event);
        }
        Ok(made)
    }

    /// Takes a packet whose picture has the time `at_us`, and gives what is complete now.
    pub(super) fn push(&self, packet: Vec<u8>, at_us: u64) -> Result<Vec<Unit>, gst::FlowError> {
        let mut buffer = gst::Buffer::from_mut_slice(packet);
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(gst::ClockTime::from_useconds(at_us));
        }
        self.entry.push(buffer)?;
        Ok(self.take())
    }

    /// Gives what was not known to be complete: there are no more packets.
    pub(super) fn finish(&self) -> Vec<Unit> {
        self.entry.push_event(gst::event::Eos::new());
        self.take()
    }

    fn take(&self) -> Vec<Unit> {
        std::mem::take(&mut self.out.lock().unwrap_or_else(PoisonError::into_inner).units)
    }
}

impl Drop for Depay {
    fn drop(&mut self) {
        for element in &self.elements {
            // Nothing is left to do with an element that does not stop.
            let _ = element.set_state(gst::State::Null);
        }
    }
}

/// The pad at the end, which gathers what comes out.
fn sink(codec: Codec, wanted: &gst::Caps, out: &Arc<Mutex<Out>>) -> anyhow::Result<gst::Pad> {
    let template = gst::PadTemplate::new("units", gst::PadDirection::Sink, gst::PadPresence::Always, wanted)?;
    let (chained, told) = (Arc::clone(out), Arc::clone(out));
    let sink = gst::Pad::builder_from_template(&template)
        .chain_function(move |_, _, buffer| {
            let mut out = chained.lock().unwrap_or_else(PoisonError::into_inner);
            let at_us = decode::pts_us(&buffer).unwrap_or(out.last_us);
            out.last_us = at_us;
            let Some(format) = out.known.clone() else { return Ok(gst::FlowSuccess::Ok) };
            let data = Arc::from(buffer.map_readable().map_err(|_| gst::FlowError::Error)?.as_slice());
            let key = !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
            out.units.push(Unit { at_us, key, data, format });
            Ok(gst::FlowSuccess::Ok)
        })
        .event_function(move |_, _, event| {
            if let gst::EventView::Caps(caps) = event.view() {
                let mut out = told.lock().unwrap_or_else(PoisonError::into_inner);
                // Caps change with every small thing (a frame rate in the stream); a new format is a new clip.
                if let Some(format) = format_of(codec, caps.caps())
                    && out.known.as_deref() != Some(&format)
                {
                    out.known = Some(Arc::new(format));
                }
            }
            true
        })
        .build();
    Ok(sink)
}
