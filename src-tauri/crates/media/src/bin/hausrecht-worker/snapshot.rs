//! A single picture at its full size: the newest one of a stream, decoded once from its key frame on, by a decoder that lives no
//! longer than that.

use std::{
    fs::File,
    io::Write,
    os::fd::OwnedFd,
    sync::{Arc, Mutex},
    thread,
};

use anyhow::{Context, ensure};
use gstreamer as gst;
use gstreamer_app as gst_app;
use hausrecht_media::{Event, Sender, SnapshotFormat};

use crate::{
    decode::{Branch, Threads},
    fmp4::Format,
    recorder::AccessUnit,
};

const LIMIT: gst::ClockTime = gst::ClockTime::from_seconds(10);

/// Encodes the last picture of `group` into the memory that came with the order, on a thread of its own, and answers.
pub(crate) fn make(
    id: u32,
    format: SnapshotFormat,
    group: Vec<AccessUnit>,
    video: Option<Arc<Format>>,
    descriptors: Vec<OwnedFd>,
    events: Sender<Event>,
) {
    let none = Event::Snapshot { id, len: None, width: 0, height: 0 };
    let to = events.clone();
    let no_thread = none.clone();
    let work = move || {
        let answer = encode(&group, video.as_deref(), format)
            .and_then(|(bytes, width, height)| {
                let memory = descriptors.into_iter().next().context("no memory came with the order")?;
                let mut memory = File::from(memory);
                ensure!(bytes.len() as u64 <= memory.metadata()?.len(), "{} bytes do not fit", bytes.len());
                memory.write_all(&bytes)?;
                Ok(Event::Snapshot { id, len: Some(u32::try_from(bytes.len())?), width, height })
            })
            .unwrap_or_else(|error| {
                tracing::warn!("no single picture: {error:#}");
                none
            });
        // An engine that is gone needs no picture.
        let _ = to.send(&answer);
    };
    if let Err(error) = thread::Builder::new().name("snapshot".into()).spawn(work) {
        tracing::warn!("no single picture: {error}");
        let _ = events.send(&no_thread);
    }
}

fn encode(
    group: &[AccessUnit],
    video: Option<&Format>,
    format: SnapshotFormat,
) -> anyhow::Result<(Vec<u8>, u32, u32)> {
    let video = video.context("the stream has not begun")?;
    let newest_us = group.iter().map(|unit| unit.pts_us).max().context("no key frame has come")?;
    let convert = gst::ElementFactory::make("videoconvertscale").build()?;
    let encoder = match format {
        SnapshotFormat::Jpeg => gst::ElementFactory::make("jpegenc").property("quality", 95_i32).build()?,
        SnapshotFormat::Png => gst::ElementFactory::make("pngenc").build()?,
    };
    let sink = gst_app::AppSink::builder().sync(false).build();
    let failure = Arc::new(Mutex::new(None));
    let failing = Arc::clone(&failure);
    let failed = move |text| *crate::lock::lock(&failing) = Some(text);
    let branch = Branch::start(video, Threads::One, &[convert, encoder], &sink, failed)?;
    // What leads up to the picture is decoded and not encoded.
    branch.keep_only(move |pts_us| pts_us >= newest_us)?;
    for unit in group {
        branch.push(&unit.data, unit.pts_us, unit.key)?;
    }
    branch.finish()?;
    let sample = sink.try_pull_sample(LIMIT).with_context(|| {
        crate::lock::lock(&failure).take().unwrap_or_else(|| "no picture came out".into())
    })?;
    let caps = sample.caps().context("a picture without a form")?;
    let size = |name| caps.structure(0).and_then(|form| form.get::<i32>(name).ok()).unwrap_or(0);
    let (width, height) = (size("width"), size("height"));
    let map = sample.buffer().context("an empty picture")?.map_readable()?;
    Ok((map.to_vec(), width.unsigned_abs(), height.unsigned_abs()))
}
