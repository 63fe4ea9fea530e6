//! Makes further streams of the small one: a pipeline that decodes it and encodes it otherwise, once, at the start.

use std::sync::OnceLock;

use gstreamer::{Buffer, BufferFlags, ClockTime, prelude::*};
use gstreamer_app::{AppSink, AppSrc};

use crate::footage::{AccessUnit, Stream, Track};

/// JPEG pictures a second: few, for they are large.
const JPEG_RATE: u32 = 5;
/// How long one picture may take; all of them take a few seconds.
const PATIENCE: ClockTime = ClockTime::from_seconds(30);

/// Another codec that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum TranscodeError {
    /// An element is missing.
    #[error("GStreamer lacks a codec: install gstreamer1.0-libav, -plugins-good and -plugins-bad ({0})")]
    Missing(#[from] gstreamer::glib::Error),
    /// The pipeline broke off.
    #[error("the footage could not be encoded anew: {found} of {expected} pictures came out")]
    Broken {
        /// Pictures that came out.
        found: usize,
        /// Pictures that should have.
        expected: usize,
    },
}

/// The pictures of `track`, which is in H.264, as `stream` has them.
///
/// # Errors
/// When an encoder is missing or fails.
pub fn transcode(track: &Track, stream: Stream) -> Result<Track, TranscodeError> {
    gstreamer::init()?;
    let (rate, encode) = if stream == Stream::Mjpeg {
        (JPEG_RATE, format!("videorate ! video/x-raw,framerate={JPEG_RATE}/1 ! jpegenc quality=60"))
    } else {
        let rate = track.rate;
        let encode = format!(
            "x265enc speed-preset=ultrafast key-int-max={rate} option-string=bframes=0:scenecut=0:log-level=error \
             ! h265parse config-interval=-1 ! video/x-h265,stream-format=byte-stream,alignment=au"
        );
        (rate, encode)
    };
    let pipeline = gstreamer::parse::launch(&format!(
        "appsrc name=in format=time caps=video/x-h264,stream-format=byte-stream,alignment=au,width={},height={},framerate={}/1 \
         ! h264parse ! avdec_h264 ! videoconvert ! video/x-raw,format=I420 ! {encode} ! appsink name=out sync=false",
        track.width, track.height, track.rate
    ))?;
    let pipeline = pipeline.downcast::<gstreamer::Pipeline>().expect("several elements make a pipeline");
    let element = |name| pipeline.by_name(name).expect("the description names it");
    let source = element("in").downcast::<AppSrc>().expect("an appsrc");
    let sink = element("out").downcast::<AppSink>().expect("an appsink");
    let units = run(&pipeline, &source, &sink, track, stream);
    let _ = pipeline.set_state(gstreamer::State::Null);
    let expected = track.units.len() * rate as usize / track.rate as usize;
    if units.len() < expected {
        return Err(TranscodeError::Broken { found: units.len(), expected });
    }
    Ok(Track {
        width: track.width,
        height: track.height,
        rate,
        units: units.into_iter().take(expected).collect(),
        buffers: OnceLock::new(),
    })
}

/// All pictures that come out before the pipeline ends or fails.
fn run(
    pipeline: &gstreamer::Pipeline,
    source: &AppSrc,
    sink: &AppSink,
    track: &Track,
    stream: Stream,
) -> Vec<AccessUnit> {
    let mut units = Vec::new();
    if pipeline.set_state(gstreamer::State::Playing).is_err() {
        return units;
    }
    for (number, unit) in (0..).zip(&track.units) {
        let mut buffer = Buffer::from_slice(unit.bytes.clone());
        let about = buffer.get_mut().expect("a new buffer has one owner");
        let due = |number| ClockTime::from_nseconds(u64::try_from(track.due(number).as_nanos()).unwrap_or(0));
        about.set_pts(due(number));
        about.set_duration(due(number + 1) - due(number));
        if source.push_buffer(buffer).is_err() {
            return units;
        }
    }
    let _ = source.end_of_stream();
    while let Some(sample) = sink.try_pull_sample(PATIENCE) {
        let Some(buffer) = sample.buffer() else { continue };
        let Ok(bytes) = buffer.map_readable() else { continue };
        let is_key = !buffer.flags().contains(BufferFlags::DELTA_UNIT);
        let header = if stream == Stream::Mjpeg { bytes.len() } else { hevc_header_bytes(&bytes) };
        units.push(AccessUnit { bytes: bytes.to_vec().into(), key_header_bytes: is_key.then_some(header) });
    }
    units
}

/// How many of the first bytes come before the picture: the first NAL unit of a type below 32 begins it (ITU-T H.265, table 7-1).
fn hevc_header_bytes(unit: &[u8]) -> usize {
    let begins_picture = |window: &[u8]| window[..3] == [0, 0, 1] && (window[3] >> 1) & 0x3f < 32;
    unit.windows(4).position(begins_picture).map_or(unit.len(), |at| at.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::{
        feature::Feature,
        footage::{Footage, Scene, Stream},
    };

    #[test]
    fn the_small_stream_is_made_into_jpeg_and_h265() {
        let features = BTreeSet::from([Feature::Mjpeg, Feature::H265]);
        let footage = Footage::load(Scene::Garage, &features, 0).unwrap();
        let jpeg = footage.track(Stream::Mjpeg);
        assert_eq!(jpeg.units.len(), 24 * 5);
        assert!(jpeg.units.iter().all(|unit| unit.is_key() && unit.bytes.starts_with(&[0xff, 0xd8])));
        let hevc = footage.track(Stream::H265);
        assert_eq!(hevc.units.len(), 24 * 15);
        assert!(hevc.units[0].key_header_bytes.is_some_and(|bytes| bytes > 20));
        assert!(hevc.units.iter().filter(|unit| unit.is_key()).count() >= 24);
    }
}
