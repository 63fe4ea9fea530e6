//! The decode branch: access units in, pictures of exactly the tile's size into the ring. It exists only while somebody looks.

use std::{
    collections::VecDeque,
    os::fd::OwnedFd,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::Context;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;
use gstreamer_video::VideoFrameExt;
use hausrecht_media::{Event, RingShape, RingWriter, Sender};

use crate::{
    decode::{self, Threads},
    fmp4::Format,
    recorder::AccessUnit,
};

/// How much waits for the decoder before pictures are left out up to the next key frame.
const MAX_WAITING_BYTES: u64 = 8 * 1024 * 1024;
/// How many pictures can be inside the decoder.
const MAX_INSIDE: usize = 128;

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
    arrivals: VecDeque<(u64, i64)>,
    not_before_us: u64,
}

/// A running decode branch.
#[derive(Debug)]
pub(crate) struct View {
    pipeline: gst::Pipeline,
    source: gst_app::AppSrc,
    size: gst::Element,
    shown: Arc<Mutex<Shown>>,
    format: Arc<Format>,
    wait_for_key: bool,
}

fn lock(shown: &Mutex<Shown>) -> MutexGuard<'_, Shown> {
    shown.lock().unwrap_or_else(PoisonError::into_inner)
}

impl View {
    /// Begins to decode `format` to `screen`. Pictures before `not_before_us` are decoded and not shown: they only lead up
    /// to the present one.
    pub(crate) fn start(format: Arc<Format>, screen: Screen, not_before_us: u64) -> anyhow::Result<Self> {
        let source = gst_app::AppSrc::builder()
            .caps(&decode::caps(&format))
            .format(gst::Format::Time)
            .is_live(true)
            .max_bytes(0)
            .build();
        let decoder = decode::decoder(format.codec, Threads::One)?;
        let scale =
            gst::ElementFactory::make("videoconvertscale").build().context("making videoconvertscale")?;
        let size = gst::ElementFactory::make("capsfilter")
            .property("caps", picture_caps(screen.shape()))
            .property_from_str("caps-change-mode", "delayed")
            .build()
            .context("making capsfilter")?;
        let sink = gst_app::AppSink::builder().sync(false).qos(false).max_buffers(1).drop(true).build();
        let shown = Arc::new(Mutex::new(Shown { screen, arrivals: VecDeque::new(), not_before_us }));
        {
            let shown = Arc::clone(&shown);
            let show = move |sink: &gst_app::AppSink| {
                let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                let pts_us = sample.buffer().and_then(decode::pts_us).unwrap_or(0);
                let mut shown = lock(&shown);
                while shown.arrivals.front().is_some_and(|(pts, _)| *pts + 5_000_000 < pts_us) {
                    shown.arrivals.pop_front();
                }
                let arrived =
                    shown.arrivals.iter().find(|(pts, _)| *pts == pts_us).map_or(0, |(_, came)| *came);
                if pts_us >= shown.not_before_us {
                    shown.screen.show(&sample, pts_us, arrived);
                }
                Ok(gst::FlowSuccess::Ok)
            };
            sink.set_callbacks(gst_app::AppSinkCallbacks::builder().new_sample(show).build());
        }
        let pipeline = gst::Pipeline::new();
        let elements = [source.upcast_ref(), &decoder, &scale, &size, sink.upcast_ref()];
        pipeline.add_many(elements)?;
        gst::Element::link_many(elements)?;
        let bus = pipeline.bus().context("a pipeline without a bus")?;
        bus.set_sync_handler(|_, message| {
            if let gst::MessageView::Error(error) = message.view() {
                tracing::warn!("decoding: {}: {}", error.error(), error.debug().unwrap_or_default());
            }
            gst::BusSyncReply::Drop
        });
        pipeline.set_state(gst::State::Playing).context("starting to decode")?;
        Ok(Self { pipeline, source, size, shown, format, wait_for_key: true })
    }

    /// Moves to another ring; the decoder runs on.
    pub(crate) fn resize(&mut self, screen: Screen) {
        self.size.set_property("caps", picture_caps(screen.shape()));
        lock(&self.shown).screen = screen;
    }

    /// The times of what follows begin anew.
    pub(crate) fn clock_changed(&mut self) {
        self.wait_for_key = true;
        lock(&self.shown).not_before_us = 0;
    }

    /// What follows comes from elsewhere, and is shown from `not_before_us` on.
    pub(crate) fn jump(&mut self, not_before_us: u64) {
        self.clock_changed();
        lock(&self.shown).not_before_us = not_before_us;
    }

    /// Takes the next access unit; false if decoding has ended and must be started anew.
    pub(crate) fn push(&mut self, unit: &AccessUnit, format: &Arc<Format>) -> bool {
        if !Arc::ptr_eq(&self.format, format) {
            self.source.set_caps(Some(&decode::caps(format)));
            self.format = Arc::clone(format);
            self.wait_for_key = true;
        }
        if self.source.current_level_bytes() > MAX_WAITING_BYTES {
            self.wait_for_key = true;
        }
        if self.wait_for_key && !unit.key {
            return true;
        }
        self.wait_for_key = false;
        {
            let mut shown = lock(&self.shown);
            if shown.arrivals.len() >= MAX_INSIDE {
                shown.arrivals.pop_front();
            }
            shown.arrivals.push_back((unit.pts_us, unit.arrived.0));
            if unit.pts_us < shown.not_before_us.saturating_sub(10_000_000) {
                // The stream's clock went back.
                shown.not_before_us = 0;
            }
        }
        self.source.push_buffer(decode::buffer(&unit.data, unit.pts_us, unit.key)).is_ok()
    }
}

impl Drop for View {
    fn drop(&mut self) {
        // Nothing is left to do with a pipeline that does not stop.
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}
