//! Measures motion in a stream, for cameras that do not tell of it: access units in, changes out. It exists only while it is
//! asked for. How motion is told from light and noise stands in [`scene`].
//!
//! What it costs is the decoding, so pictures that are not needed are not decoded: of Motion-JPEG, every fifth of a second one
//! is taken; of a main stream, whose pictures are large, the key frames alone, if they come often enough. A substream is decoded whole, for its pictures
//! build on each other, and five of them a second are scaled and looked at.

pub(crate) mod scene;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;
use gstreamer_video::VideoFrameExt;
use hausrecht_media::{Event, MotionSettings, Sender};
use hausrecht_model::Codec;

use self::scene::{Change, HEIGHT, Scene, WIDTH};
use crate::{
    decode::{self, LiveBranch},
    fmp4::Format,
    lock::lock,
    recorder::AccessUnit,
};

/// The least time between two pictures that are looked at: five a second, with a little for cameras that are not punctual.
const EVERY_US: u64 = 190_000;
/// How much waits for the decoder before pictures are left out up to the next key frame.
const MAX_WAITING_BYTES: u64 = 4 * 1024 * 1024;
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
    branch: LiveBranch,
    looked: Arc<Mutex<Looked>>,
    pictures: Pictures,
    taken_us: Option<u64>,
    key_us: Option<u64>,
}

impl Motion {
    /// Begins to look at `format`.
    pub(crate) fn start(
        format: Arc<Format>,
        pictures: Pictures,
        settings: &MotionSettings,
        events: Sender<Event>,
    ) -> anyhow::Result<Self> {
        let looked = Arc::new(Mutex::new(Looked { scene: Scene::new(settings), newest: (0, 0), events }));
        let sink = gst_app::AppSink::builder().sync(false).qos(false).max_buffers(1).build();
        let looking = Arc::clone(&looked);
        let look = move |sample: &gst::Sample, pts_us, arrived_unix_us| {
            look(&mut lock(&looking), sample, pts_us, arrived_unix_us);
        };
        let branch =
            LiveBranch::start(format, &to_grey()?, &sink, MAX_WAITING_BYTES, "measuring motion", look)?;
        branch.keep_only(five_a_second())?;
        Ok(Self { branch, looked, pictures, taken_us: None, key_us: None })
    }

    /// Takes the next access unit; false if measuring has ended and must be started anew.
    pub(crate) fn push(&mut self, unit: &AccessUnit, format: &Arc<Format>) -> bool {
        if unit.key {
            self.key_us = Some(unit.pts_us);
        } else if self.pictures == Pictures::KeyFrames
            && self.key_us.is_some_and(|key| unit.pts_us.saturating_sub(key) > RARE_US)
        {
            self.pictures = Pictures::All;
            self.branch.wait_for_key();
        }
        let alone = self.pictures == Pictures::KeyFrames || format.codec == Codec::Mjpeg;
        let soon = self.taken_us.is_some_and(|taken| unit.pts_us.abs_diff(taken) < EVERY_US);
        if alone && (!unit.key || soon) {
            return true;
        }
        self.taken_us = Some(unit.pts_us);
        self.branch.push(unit, format)
    }
}

impl Drop for Motion {
    fn drop(&mut self) {
        // What was begun is ended after the last picture.
        self.branch.stop();
        let mut looked = lock(&self.looked);
        if let Some(change) = looked.scene.end() {
            looked.tell(change);
        }
    }
}

/// Elements that make small grey pictures, stretched so that they show the whole and nothing else.
fn to_grey() -> anyhow::Result<[gst::Element; 2]> {
    let caps = gst::Caps::builder("video/x-raw")
        .field("format", "GRAY8")
        .field("width", i32::try_from(WIDTH).unwrap_or(0))
        .field("height", i32::try_from(HEIGHT).unwrap_or(0))
        .build();
    let [scale, size] = decode::scale_to(&caps)?;
    scale.set_property("add-borders", false);
    Ok([scale, size])
}

/// Lets five pictures a second out of the decoder, so that no others are scaled.
fn five_a_second() -> impl Fn(u64) -> bool + Send + Sync + 'static {
    let passed_us = Mutex::new(None::<u64>);
    move |at_us| {
        let mut passed_us = lock(&passed_us);
        let due = passed_us.is_none_or(|passed| at_us.abs_diff(passed) >= EVERY_US);
        if due {
            *passed_us = Some(at_us);
        }
        due
    }
}

fn look(looked: &mut Looked, sample: &gst::Sample, pts_us: u64, arrived_unix_us: i64) {
    let Some(grey) = grey(sample) else { return };
    looked.newest = (pts_us, arrived_unix_us);
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
