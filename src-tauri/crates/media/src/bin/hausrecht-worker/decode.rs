//! Caps and elements for each codec, shared by viewing, thumbnails and playing.

use anyhow::Context;
use gstreamer as gst;
use gstreamer::prelude::*;
use hausrecht_model::Codec;

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

/// Makes a decoder.
pub(crate) fn decoder(codec: Codec, threads: Threads) -> anyhow::Result<gst::Element> {
    let name = match codec {
        Codec::H264 => "avdec_h264",
        Codec::H265 => "avdec_h265",
        Codec::Mjpeg => "jpegdec",
    };
    let decoder = gst::ElementFactory::make(name).build().with_context(|| format!("making {name}"))?;
    if codec != Codec::Mjpeg {
        match threads {
            Threads::One => decoder.set_property("max-threads", 1_i32),
            Threads::Frames => {
                decoder.set_property("max-threads", 0_i32);
                decoder.set_property_from_str("thread-type", "frame");
            }
        }
    }
    Ok(decoder)
}

/// The time of a buffer in microseconds.
pub(crate) fn pts_us(buffer: &gst::BufferRef) -> Option<u64> {
    buffer.pts().map(gst::ClockTime::useconds)
}

/// An access unit as a buffer, without copying it.
pub(crate) fn buffer(data: &std::sync::Arc<[u8]>, pts_us: u64, key: bool) -> gst::Buffer {
    let mut buffer = gst::Buffer::from_slice(std::sync::Arc::clone(data));
    if let Some(buffer) = buffer.get_mut() {
        buffer.set_pts(gst::ClockTime::from_useconds(pts_us));
        if !key {
            buffer.set_flags(gst::BufferFlags::DELTA_UNIT);
        }
    }
    buffer
}
