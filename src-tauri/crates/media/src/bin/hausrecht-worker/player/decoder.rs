//! The player's decoder. Each access unit carries a ticket in place of its time: the jump it belongs to and its place in the
//! clip. Pictures of an earlier jump are dropped before they are scaled, so a jump needs no flush.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use anyhow::Context;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use hausrecht_media::RingShape;

use super::Input;
use crate::{
    decode::{self, Threads},
    fmp4::Format,
    view::picture_caps,
};

/// Room for a clip of more than two hours in each epoch; two million epochs fit into GStreamer's time.
const EPOCH_US: u64 = 1 << 33;

/// Which picture of which jump.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Ticket {
    /// Counts the jumps.
    pub(super) epoch: u32,
    /// Time in the clip.
    pub(super) pts_us: u64,
}

impl Ticket {
    fn to_us(self) -> u64 {
        u64::from(self.epoch) * EPOCH_US + self.pts_us.min(EPOCH_US - 1)
    }

    fn from_us(time_us: u64) -> Self {
        Self { epoch: u32::try_from(time_us / EPOCH_US).unwrap_or(u32::MAX), pts_us: time_us % EPOCH_US }
    }
}

/// A running decoder.
#[derive(Debug)]
pub(super) struct Decoder {
    pipeline: gst::Pipeline,
    source: gst_app::AppSrc,
    size: gst::Element,
    drop_before_us: Arc<AtomicU64>,
}

impl Decoder {
    /// Starts to decode `format` into pictures for `ring`; `tell` is called on GStreamer's threads.
    pub(super) fn start(
        format: &Format,
        ring: RingShape,
        tell: impl Fn(Input) + Send + Sync + 'static,
    ) -> anyhow::Result<Self> {
        let tell = Arc::new(tell);
        let drop_before_us = Arc::new(AtomicU64::new(0));
        let source = gst_app::AppSrc::builder()
            .caps(&decode::caps(format))
            .format(gst::Format::Time)
            .max_bytes(0)
            .build();
        let decoder = decode::decoder(format.codec, Threads::Frames)?;
        let scale =
            gst::ElementFactory::make("videoconvertscale").build().context("making videoconvertscale")?;
        let size = gst::ElementFactory::make("capsfilter")
            .property("caps", picture_caps(ring))
            .property_from_str("caps-change-mode", "delayed")
            .build()
            .context("making capsfilter")?;
        let sink = gst_app::AppSink::builder().sync(false).async_(false).qos(false).build();
        let pipeline = gst::Pipeline::new();
        let elements = [source.upcast_ref(), &decoder, &scale, &size, sink.upcast_ref()];
        pipeline.add_many(elements)?;
        gst::Element::link_many(elements)?;
        {
            let (tell, drop_before_us) = (Arc::clone(&tell), Arc::clone(&drop_before_us));
            let out = decoder.static_pad("src").context("a decoder without a source pad")?;
            out.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
                tell(Input::Decoded);
                let time_us = info.buffer().and_then(|buffer| decode::pts_us(buffer)).unwrap_or(0);
                if time_us < drop_before_us.load(Ordering::Acquire) {
                    gst::PadProbeReturn::Drop
                } else {
                    gst::PadProbeReturn::Ok
                }
            });
        }
        {
            let tell = Arc::clone(&tell);
            let show = move |sink: &gst_app::AppSink| {
                let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                if let Some(time_us) = sample.buffer().and_then(decode::pts_us) {
                    tell(Input::Picture(Ticket::from_us(time_us), sample));
                }
                Ok(gst::FlowSuccess::Ok)
            };
            sink.set_callbacks(gst_app::AppSinkCallbacks::builder().new_sample(show).build());
        }
        let bus = pipeline.bus().context("a pipeline without a bus")?;
        bus.set_sync_handler(move |_, message| {
            if let gst::MessageView::Error(error) = message.view() {
                tell(Input::DecoderFailed(format!(
                    "{}: {}",
                    error.error(),
                    error.debug().unwrap_or_default()
                )));
            }
            gst::BusSyncReply::Drop
        });
        pipeline.set_state(gst::State::Playing).context("starting to decode")?;
        Ok(Self { pipeline, source, size, drop_before_us })
    }

    /// Moves to the measures of another ring.
    pub(super) fn resize(&self, ring: RingShape) {
        self.size.set_property("caps", picture_caps(ring));
    }

    /// Lets pictures before `ticket` go unscaled and unseen.
    pub(super) fn drop_before(&self, ticket: Ticket) {
        self.drop_before_us.store(ticket.to_us(), Ordering::Release);
    }

    /// Takes one access unit.
    pub(super) fn push(&self, ticket: Ticket, data: &Arc<[u8]>, key: bool) {
        if let Err(error) = self.source.push_buffer(decode::buffer(data, ticket.to_us(), key)) {
            tracing::warn!("the decoder takes nothing: {error}");
        }
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // Nothing is left to do with a pipeline that does not stop.
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}
