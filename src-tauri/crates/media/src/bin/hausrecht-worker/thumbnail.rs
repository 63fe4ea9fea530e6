//! A clip's small picture: one key frame, decoded once by a decoder that lives no longer than that.

use std::{
    convert::Infallible,
    sync::mpsc::{self, Receiver, SyncSender},
    thread,
};

use anyhow::Context;
use gstreamer as gst;
use gstreamer_app as gst_app;
use hausrecht_media::bulk::BulkFrame;

use crate::{
    decode::{self, Branch, Threads},
    fmp4::Format,
    recorder::AccessUnit,
};

const WIDTH: u32 = 320;
const MAX_HEIGHT: u32 = 640;
const LIMIT: gst::ClockTime = gst::ClockTime::from_seconds(5);

/// Makes the thumbnail of clip `clip_seq` from its first key frame, on a thread of its own. What is returned hangs up once it was sent,
/// or cannot be made.
pub(crate) fn make(
    clip_seq: u64,
    unit: AccessUnit,
    format: std::sync::Arc<Format>,
    out: SyncSender<BulkFrame>,
) -> Receiver<Infallible> {
    let (made, done) = mpsc::channel();
    let work = move || {
        let _made = made;
        make_now(clip_seq, &unit, &format, &out);
    };
    if let Err(error) = thread::Builder::new().name("thumbnail".into()).spawn(work) {
        tracing::warn!("thumbnail of clip {clip_seq}: {error}");
    }
    done
}

/// The same at once, for who reads faster than thumbnails are made.
pub(crate) fn make_now(clip_seq: u64, unit: &AccessUnit, format: &Format, out: &SyncSender<BulkFrame>) {
    match jpeg(unit, format) {
        // An engine that is gone needs no thumbnail.
        Ok(jpeg) => drop(out.send(BulkFrame::Thumbnail { clip_seq, jpeg })),
        Err(error) => tracing::warn!("thumbnail of clip {clip_seq}: {error:#}"),
    }
}

fn jpeg(unit: &AccessUnit, format: &Format) -> anyhow::Result<Vec<u8>> {
    let height = (u64::from(WIDTH) * u64::from(format.height)).checked_div(u64::from(format.width));
    let height = u32::try_from(height.context("a picture without a width")?)?.clamp(16, MAX_HEIGHT) & !1;
    let caps = gst::Caps::builder("video/x-raw")
        .field("format", "I420")
        .field("width", WIDTH.cast_signed())
        .field("height", height.cast_signed())
        .field("pixel-aspect-ratio", gst::Fraction::new(1, 1))
        .build();
    let [scale, size] = decode::scale_to(&caps)?;
    let encoder = gst::ElementFactory::make("jpegenc").property("quality", 75_i32).build()?;
    let sink = gst_app::AppSink::builder().sync(false).build();
    let failed = |text| tracing::warn!("decoding for a thumbnail: {text}");
    let branch = Branch::start(format, Threads::One, &[scale, size, encoder], &sink, failed)?;
    branch.push(&unit.data, 0, true)?;
    branch.finish()?;
    let sample = sink.try_pull_sample(LIMIT);
    let sample = sample.context("the key frame gave no picture")?;
    let map = sample.buffer().context("an empty picture")?.map_readable()?;
    Ok(map.to_vec())
}
