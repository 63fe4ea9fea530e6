//! A single picture at its full size, decoded once from its key frame on, by a decoder that lives no longer than that.

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
};

const LIMIT: gst::ClockTime = gst::ClockTime::from_seconds(10);

/// What a picture is decoded from.
pub(crate) struct Group {
    /// When the picture is shown.
    pub(crate) shown_us: u64,
    /// From the key frame on, in decode order: when each is shown, whether it is a key frame, its bytes.
    pub(crate) units: Vec<(u64, bool, Arc<[u8]>)>,
}

/// Encodes the picture into the memory that came with the order, on a thread of its own, and answers.
pub(crate) fn make(
    id: u32,
    format: SnapshotFormat,
    group: Option<Group>,
    video: Option<Arc<Format>>,
    descriptors: Vec<OwnedFd>,
    events: Sender<Event>,
) {
    let shown_us = group.as_ref().map_or(0, |group| group.shown_us);
    let none = Event::Snapshot { id, len: None, width: 0, height: 0, shown_us };
    let to = events.clone();
    let no_thread = none.clone();
    let work = move || {
        let answer = encode(group.as_ref(), video.as_deref(), format)
            .and_then(|(bytes, width, height)| {
                let memory = descriptors.into_iter().next().context("no memory came with the order")?;
                let mut memory = File::from(memory);
                ensure!(bytes.len() as u64 <= memory.metadata()?.len(), "{} bytes do not fit", bytes.len());
                memory.write_all(&bytes)?;
                Ok(Event::Snapshot { id, len: Some(u32::try_from(bytes.len())?), width, height, shown_us })
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
    group: Option<&Group>,
    video: Option<&Format>,
    format: SnapshotFormat,
) -> anyhow::Result<(Vec<u8>, u32, u32)> {
    let video = video.context("the stream has not begun")?;
    let Group { shown_us, units } = group.context("no key frame has come")?;
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
    let first_us = *shown_us;
    branch.keep_only(move |pts_us| pts_us >= first_us)?;
    for (pts_us, key, data) in units {
        branch.push(data, *pts_us, *key)?;
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
