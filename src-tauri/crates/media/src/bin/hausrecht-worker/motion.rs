//! Measures motion in a stream, for cameras that do not tell of it: access units in, changes out. It exists only while it is
//! asked for. How motion is told from light and noise stands in [`scene`].
//!
//! What it costs is the decoding, so pictures that are not needed are not decoded: of Motion-JPEG, every fifth of a second one
//! is taken; of a main stream, whose pictures are large, the key frames alone, if they come often enough. A substream is decoded whole, for its pictures
//! build on each other, and five of them a second are scaled and looked at.

pub(crate) mod scene;
#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::Context;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;
use gstreamer_video::VideoFrameExt;
use hausrecht_media::{Event, MotionSettings, Sender};
use hausrecht_model::Codec;

use self::scene::{Change, HEIGHT, Scene, WIDTH};
use crate::{
    decode::{self, Threads},
    fmp4::Format,
    recorder::AccessUnit,
};

/// The least time between two pictures that are looked at: five a second, with a little for cameras that are not punctual.
const EVERY_US: u64 = 190_000;
/// How much waits for the decoder before pictures are left out up to the next key frame.
const MAX_WAITING_BYTES: u64 = 4 * 1024 * 1024;
/// How many pictures can be inside the decoder.
const MAX_INSIDE: usize = 128;

/// Key frames that are further apart than this are too few.
const RARE_US: u64 = 2_000_000;

/// Which pictures are decoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Pictures {
    /// All, for the small ones of a substream.
    All,
    /// Those that need no other; all, once it is seen that these are rare.
    KeyFrames,
}

/// What the decoding thread works on.
#[derive(Debug)]
struct Looked {
    scene: Scene,
    arrivals: VecDeque<(u64, i64)>,
    /// The newest picture that was looked at.
    newest: (u64, i64),
    events: Sender<Event>,
}

impl Looked {
    fn tell(&self, change: Change) {
        let event = Event::Motion {
            active: change.active,
            zone: change.zone,
            pts_us: self.newest.0,
            arrived_unix_us: self.newest.1,
            share: change.share,
        };
        // Without an engine there is nobody to tell.
        let _ = self.events.send(&event);
    }
}

/// Motion in one stream.
#[derive(Debug)]
pub(crate) struct Motion {
    pipeline: gst::Pipeline,
    source: gst_app::AppSrc,
    looked: Arc<Mutex<Looked>>,
    format: Arc<Format>,
    pictures: Pictures,
    taken_us: Option<u64>,
    key_us: Option<u64>,
    wait_for_key: bool,
}

fn lock(looked: &Mutex<Looked>) -> MutexGuard<'_, Looked> {
    looked.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Motion {
    /// Begins to look at `format`.
    pub(crate) fn start(
        format: Arc<Format>,
        pictures: Pictures,
        settings: &MotionSettings,
        events: Sender<Event>,
    ) -> anyhow::Result<Self> {
        let looked = Arc::new(Mutex::new(Looked {
            scene: Scene::new(settings),
            arrivals: VecDeque::new(),
            newest: (0, 0),
            events,
        }));
        let source = gst_app::AppSrc::builder()
            .caps(&decode::caps(&format))
            .format(gst::Format::Time)
            .is_live(true)
            .max_bytes(0)
            .build();
        let decoder = decode::decoder(format.codec, Threads::One)?;
        let sink = gst_app::AppSink::builder().sync(false).qos(false).max_buffers(1).build();
        {
            let looked = Arc::clone(&looked);
            let take = move |sink: &gst_app::AppSink| {
                let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                look(&mut lock(&looked), &sample);
                Ok(gst::FlowSuccess::Ok)
            };
            sink.set_callbacks(gst_app::AppSinkCallbacks::builder().new_sample(take).build());
        }
        let pipeline = gst::Pipeline::new();
        let [scale, size] = to_grey()?;
        let elements = [source.upcast_ref(), &decoder, &scale, &size, sink.upcast_ref()];
        pipeline.add_many(elements)?;
        gst::Element::link_many(elements)?;
        thin_out(&decoder)?;
        let bus = pipeline.bus().context("a pipeline without a bus")?;
        bus.set_sync_handler(|_, message| {
            if let gst::MessageView::Error(error) = message.view() {
                tracing::warn!("measuring motion: {}: {}", error.error(), error.debug().unwrap_or_default());
            }
            gst::BusSyncReply::Drop
        });
        pipeline.set_state(gst::State::Playing).context("starting to measure motion")?;
        Ok(Self {
            pipeline,
            source,
            looked,
            format,
            pictures,
            taken_us: None,
            key_us: None,
            wait_for_key: true,
        })
    }

    /// Takes the next access unit; false if measuring has ended and must be started anew.
    pub(crate) fn push(&mut self, unit: &AccessUnit, format: &Arc<Format>) -> bool {
        if !Arc::ptr_eq(&self.format, format) {
            self.source.set_caps(Some(&decode::caps(format)));
            self.format = Arc::clone(format);
            self.wait_for_key = true;
        }
        if self.source.current_level_bytes() > MAX_WAITING_BYTES {
            self.wait_for_key = true;
        }
        if unit.key {
            self.key_us = Some(unit.pts_us);
        } else if self.pictures == Pictures::KeyFrames
            && self.key_us.is_some_and(|key| unit.pts_us.saturating_sub(key) > RARE_US)
        {
            self.pictures = Pictures::All;
            self.wait_for_key = true;
        }
        let alone = self.pictures == Pictures::KeyFrames || format.codec == Codec::Mjpeg;
        let soon = self.taken_us.is_some_and(|taken| unit.pts_us.abs_diff(taken) < EVERY_US);
        if (self.wait_for_key && !unit.key) || (alone && (!unit.key || soon)) {
            return true;
        }
        self.wait_for_key = false;
        self.taken_us = Some(unit.pts_us);
        {
            let mut looked = lock(&self.looked);
            if looked.arrivals.len() >= MAX_INSIDE {
                looked.arrivals.pop_front();
            }
            looked.arrivals.push_back((unit.pts_us, unit.arrived.0));
        }
        self.source.push_buffer(decode::buffer(&unit.data, unit.pts_us, unit.key)).is_ok()
    }
}

impl Drop for Motion {
    fn drop(&mut self) {
        // Nothing is left to do with a pipeline that does not stop.
        let _ = self.pipeline.set_state(gst::State::Null);
        let mut looked = lock(&self.looked);
        if let Some(change) = looked.scene.end() {
            looked.tell(change);
        }
    }
}

/// Elements that make small grey pictures, stretched so that they show the whole and nothing else.
fn to_grey() -> anyhow::Result<[gst::Element; 2]> {
    let scale = gst::ElementFactory::make("videoconvertscale")
        .property("add-borders", false)
        .build()
        .context("making videoconvertscale")?;
    let caps = gst::Caps::builder("video/x-raw")
        .field("format", "GRAY8")
        .field("width", i32::try_from(WIDTH).unwrap_or(0))
        .field("height", i32::try_from(HEIGHT).unwrap_or(0))
        .build();
    let size = gst::ElementFactory::make("capsfilter")
        .property("caps", caps)
        .build()
        .context("making capsfilter")?;
    Ok([scale, size])
}

/// Lets five pictures a second out of the decoder, so that no others are scaled.
fn thin_out(decoder: &gst::Element) -> anyhow::Result<()> {
    let out = decoder.static_pad("src").context("a decoder without a source")?;
    let passed_us = Mutex::new(None::<u64>);
    out.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let Some(at_us) = info.buffer().and_then(|buffer| decode::pts_us(buffer)) else {
            return gst::PadProbeReturn::Drop;
        };
        let mut passed_us = passed_us.lock().unwrap_or_else(PoisonError::into_inner);
        if passed_us.is_some_and(|passed| at_us.abs_diff(passed) < EVERY_US) {
            return gst::PadProbeReturn::Drop;
        }
        *passed_us = Some(at_us);
        gst::PadProbeReturn::Ok
    });
    Ok(())
}

fn look(looked: &mut Looked, sample: &gst::Sample) {
    let pts_us = sample.buffer().and_then(decode::pts_us);
    let Some((grey, pts_us)) = grey(sample).zip(pts_us) else { return };
    while looked.arrivals.front().is_some_and(|(pts, _)| *pts + 5_000_000 < pts_us) {
        looked.arrivals.pop_front();
    }
    let arrived = looked.arrivals.iter().find(|(pts, _)| *pts == pts_us).map_or(0, |(_, came)| *came);
    looked.newest = (pts_us, arrived);
    if let Some(change) = looked.scene.look(&grey, pts_us) {
        looked.tell(change);
    }
}

/// The picture without what pads its lines.
fn grey(sample: &gst::Sample) -> Option<Vec<u8>> {
    let buffer = sample.buffer()?;
    let info = gst_video::VideoInfo::from_caps(sample.caps()?).ok()?;
    let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, &info).ok()?;
    let stride = usize::try_from(*frame.plane_stride().first()?).ok()?;
    let lines = frame.plane_data(0).ok()?.chunks(stride).take(HEIGHT);
    Some(lines.filter_map(|line| line.get(..WIDTH)).flatten().copied().collect())
}
