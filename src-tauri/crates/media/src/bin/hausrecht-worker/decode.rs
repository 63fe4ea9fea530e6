//! From access units to pictures: the decode branch that viewing, measuring motion, thumbnails and playing are built on, and
//! what each codec needs for it. What becomes of the pictures is theirs.

mod choose;
mod crop;
mod live;

use anyhow::Context;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use hausrecht_model::Codec;

pub(crate) use self::{
    choose::{Decoder, hardware_devices, try_hardware, use_software},
    crop::Crop,
    live::LiveBranch,
};
use crate::fmp4::Format;

/// Caps of access units of `format`, as decoders take them.
pub(crate) fn caps(format: &Format) -> gst::Caps {
    let (name, stream_format) = match format.codec {
        Codec::H264 => ("video/x-h264", "avc"),
        Codec::H265 => ("video/x-h265", "hvc1"),
        Codec::Mjpeg => return gst::Caps::builder("image/jpeg").field("parsed", true).build(),
    };
    gst::Caps::builder(name)
        .field("stream-format", stream_format)
        .field("alignment", "au")
        .field("width", i32::try_from(format.width).unwrap_or(0))
        .field("height", i32::try_from(format.height).unwrap_or(0))
        .field("codec_data", gst::Buffer::from_slice(format.codec_data.clone()))
        .build()
}

/// How a decoder may use threads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Threads {
    /// One: no picture is held back.
    One,
    /// As many as there are processors, each with a picture of its own: more pictures a second, each later.
    Frames,
}

/// A running decode branch: access units in, pictures out at a sink. It ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Branch {
    pipeline: gst::Pipeline,
    source: gst_app::AppSrc,
    decoder: gst::Element,
    kind: Decoder,
}

impl Branch {
    /// Starts to decode `format`; pictures reach `sink` through the elements `between`. `failed` is called on GStreamer's
    /// threads.
    pub(crate) fn start(
        format: &Format,
        threads: Threads,
        between: &[gst::Element],
        sink: &gst_app::AppSink,
        failed: impl Fn(String) + Send + Sync + 'static,
    ) -> anyhow::Result<Self> {
        let source = gst_app::AppSrc::builder()
            .caps(&caps(format))
            .format(gst::Format::Time)
            .is_live(true)
            .max_bytes(0)
            .build();
        let (decoder, kind) = decoder(format.codec, threads)?;
        let hardware = kind.hardware;
        let pipeline = gst::Pipeline::new();
        let ends = ([source.upcast_ref(), &decoder], [sink.upcast_ref()]);
        let elements: Vec<&gst::Element> = ends.0.into_iter().chain(between).chain(ends.1).collect();
        pipeline.add_many(&elements)?;
        gst::Element::link_many(&elements)?;
        let bus = pipeline.bus().context("a pipeline without a bus")?;
        bus.set_sync_handler(move |_, message| {
            if let gst::MessageView::Error(error) = message.view() {
                if hardware {
                    use_software();
                }
                failed(format!("{}: {}", error.error(), error.debug().unwrap_or_default()));
            }
            gst::BusSyncReply::Drop
        });
        let branch = Self { pipeline, source, decoder, kind };
        branch.pipeline.set_state(gst::State::Playing).context("starting to decode")?;
        Ok(branch)
    }

    /// Lets only those pictures go on from the decoder of whose time, in microseconds, `wanted` says so.
    pub(crate) fn keep_only(
        &self,
        wanted: impl Fn(u64) -> bool + Send + Sync + 'static,
    ) -> anyhow::Result<()> {
        let out = self.decoder.static_pad("src").context("a decoder without a source pad")?;
        out.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            let pts_us = info.buffer().and_then(|buffer| pts_us(buffer)).unwrap_or(0);
            if wanted(pts_us) { gst::PadProbeReturn::Ok } else { gst::PadProbeReturn::Drop }
        });
        Ok(())
    }

    /// What decodes.
    pub(crate) fn decoder(&self) -> &Decoder {
        &self.kind
    }

    /// Takes one access unit; an error if decoding has ended.
    pub(crate) fn push(
        &self,
        data: &std::sync::Arc<[u8]>,
        pts_us: u64,
        key: bool,
    ) -> Result<(), gst::FlowError> {
        self.source.push_buffer(buffer(data, pts_us, key)).map(drop)
    }

    /// Lets out what the decoder holds back; nothing may be pushed any more.
    pub(crate) fn finish(&self) -> Result<(), gst::FlowError> {
        self.source.end_of_stream().map(drop)
    }

    /// Stops; no picture comes out after this.
    fn stop(&self) {
        // Nothing is left to do with a pipeline that does not stop.
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

impl Drop for Branch {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Calls `take` with each picture that arrives at `sink`, and its time in microseconds, on GStreamer's threads.
pub(crate) fn each_picture(sink: &gst_app::AppSink, mut take: impl FnMut(gst::Sample, u64) + Send + 'static) {
    let picture_came = move |sink: &gst_app::AppSink| {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        if let Some(pts_us) = sample.buffer().and_then(pts_us) {
            take(sample, pts_us);
        }
        Ok(gst::FlowSuccess::Ok)
    };
    sink.set_callbacks(gst_app::AppSinkCallbacks::builder().new_sample(picture_came).build());
}

/// Elements that bring pictures to the form of `caps`: the first scales, the second holds the caps, which may change later.
pub(crate) fn scale_to(caps: &gst::Caps) -> anyhow::Result<[gst::Element; 2]> {
    let scale = gst::ElementFactory::make("videoconvertscale").build().context("making videoconvertscale")?;
    let size = gst::ElementFactory::make("capsfilter")
        .property("caps", caps)
        .property_from_str("caps-change-mode", "delayed")
        .build()
        .context("making capsfilter")?;
    Ok([scale, size])
}

/// Makes a decoder.
pub(crate) fn decoder(codec: Codec, threads: Threads) -> anyhow::Result<(gst::Element, Decoder)> {
    let (decoder, kind) = choose::make(codec)?;
    // Only software of FFmpeg asks how many threads it may have.
    if decoder.has_property("max-threads") {
        match threads {
            Threads::One => decoder.set_property("max-threads", 1_i32),
            Threads::Frames => {
                decoder.set_property("max-threads", 0_i32);
                decoder.set_property_from_str("thread-type", "frame");
            }
        }
    }
    Ok((decoder, kind))
}

/// The time of a buffer in microseconds.
pub(crate) fn pts_us(buffer: &gst::BufferRef) -> Option<u64> {
    buffer.pts().map(gst::ClockTime::useconds)
}

/// An access unit as a buffer, without copying it.
fn buffer(data: &std::sync::Arc<[u8]>, pts_us: u64, key: bool) -> gst::Buffer {
    let mut buffer = gst::Buffer::from_slice(std::sync::Arc::clone(data));
    if let Some(buffer) = buffer.get_mut() {
        buffer.set_pts(gst::ClockTime::from_useconds(pts_us));
        if !key {
            buffer.set_flags(gst::BufferFlags::DELTA_UNIT);
        }
    }
    buffer
}
