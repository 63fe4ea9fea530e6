//! The decode branch: access units in, pictures of exactly the tile's size into the ring. It exists only while somebody looks.

use std::{
    os::fd::OwnedFd,
    sync::{Arc, Mutex},
};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;
use gstreamer_video::VideoFrameExt;
use hausrecht_media::{Event, Region, RingShape, RingWriter, Sender};

use crate::{
    decode::{self, Crop, Decoder, LiveBranch},
    fmp4::Format,
    lock::lock,
    recorder::AccessUnit,
};

/// How much waits for the decoder before pictures are left out up to the next key frame.
const MAX_WAITING_BYTES: u64 = 8 * 1024 * 1024;

/// A ring and where its announcements go.
#[derive(Debug)]
pub(crate) struct Screen {
    ring: RingWriter,
    events: Sender<Event>,
}

impl Screen {
    /// Takes a ring that came with an order.
    pub(crate) fn open(memfd: &OwnedFd, shape: RingShape, events: Sender<Event>) -> anyhow::Result<Self> {
        Ok(Self { ring: RingWriter::open(memfd, shape)?, events })
    }

    /// The ring's measures.
    pub(crate) fn shape(&self) -> RingShape {
        self.ring.shape()
    }

    /// Shows a decoded picture. One of another size is left out: it comes from before a resize.
    pub(crate) fn show(&mut self, sample: &gst::Sample, pts_us: u64, arrived_unix_us: i64) -> bool {
        let shape = self.ring.shape();
        let shown = sample.buffer().zip(sample.caps()).and_then(|(buffer, caps)| {
            let info = gst_video::VideoInfo::from_caps(caps).ok()?;
            if (info.width(), info.height()) != (shape.width, shape.height) {
                return None;
            }
            let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, &info).ok()?;
            let stride = usize::try_from(*frame.plane_stride().first()?).ok()?;
            self.ring.publish(frame.plane_data(0).ok()?, stride, pts_us, arrived_unix_us)
        });
        let Some((slot, sequence)) = shown else { return false };
        let event = Event::Frame { generation: shape.generation, slot, sequence, pts_us, arrived_unix_us };
        // An engine that is behind finds the newest picture in the ring anyway.
        let _ = self.events.try_send(&event);
        true
    }
}

/// Caps of pictures for a ring: its exact size with square pixels, so that other shapes get black bars and never a stretch.
pub(crate) fn picture_caps(shape: RingShape) -> gst::Caps {
    gst::Caps::builder("video/x-raw")
        .field("format", "BGRx")
        .field("width", shape.width.cast_signed())
        .field("height", shape.height.cast_signed())
        .field("pixel-aspect-ratio", gst::Fraction::new(1, 1))
        .build()
}

#[derive(Debug)]
struct Shown {
    screen: Screen,
    not_before_us: u64,
}

/// A running decode branch.
#[derive(Debug)]
pub(crate) struct View {
    branch: LiveBranch,
    crop: Crop,
    size: gst::Element,
    shown: Arc<Mutex<Shown>>,
}

impl View {
    /// Begins to decode `format` to `screen`. Pictures before `not_before_us` are decoded and not shown: they only lead up
    /// to the present one.
    pub(crate) fn start(format: Arc<Format>, screen: Screen, not_before_us: u64) -> anyhow::Result<Self> {
        let [scale, size] = decode::scale_to(&picture_caps(screen.shape()))?;
        let sink = gst_app::AppSink::builder().sync(false).qos(false).max_buffers(1).drop(true).build();
        let shown = Arc::new(Mutex::new(Shown { screen, not_before_us }));
        let showing = Arc::clone(&shown);
        let show = move |sample: &gst::Sample, pts_us, arrived_unix_us| {
            let mut shown = lock(&showing);
            if pts_us >= shown.not_before_us {
                shown.screen.show(sample, pts_us, arrived_unix_us);
            }
        };
        let crop = Crop::new()?;
        let between = [crop.element(), scale, size.clone()];
        let branch = LiveBranch::start(format, &between, &sink, MAX_WAITING_BYTES, "decoding", show)?;
        Ok(Self { branch, crop, size, shown })
    }

    /// Moves to another ring; the decoder runs on.
    pub(crate) fn resize(&mut self, screen: Screen) {
        self.size.set_property("caps", picture_caps(screen.shape()));
        lock(&self.shown).screen = screen;
    }

    /// Shows this part of the picture from the next one on.
    pub(crate) fn show_region(&self, region: Region) {
        self.crop.leave(region);
    }

    /// What decodes.
    pub(crate) fn decoder(&self) -> Decoder {
        self.branch.decoder().clone()
    }

    /// Ends decoding and gives the ring back.
    pub(crate) fn into_screen(self) -> Option<Screen> {
        let Self { branch, shown, .. } = self;
        drop(branch);
        Some(Arc::into_inner(shown)?.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).screen)
    }

    /// The times of what follows begin anew.
    pub(crate) fn clock_changed(&mut self) {
        self.branch.wait_for_key();
        lock(&self.shown).not_before_us = 0;
    }

    /// What follows comes from elsewhere, and is shown from `not_before_us` on.
    pub(crate) fn jump(&mut self, not_before_us: u64) {
        self.clock_changed();
        lock(&self.shown).not_before_us = not_before_us;
    }

    /// Takes the next access unit; false if decoding has ended and must be started anew.
    pub(crate) fn push(&mut self, unit: &AccessUnit, format: &Arc<Format>) -> bool {
        {
            let mut shown = lock(&self.shown);
            if unit.pts_us < shown.not_before_us.saturating_sub(10_000_000) {
                // The stream's clock went back.
                shown.not_before_us = 0;
            }
        }
        self.branch.push(unit, format)
    }
}
