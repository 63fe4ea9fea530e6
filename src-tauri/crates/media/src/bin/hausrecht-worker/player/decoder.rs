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
use hausrecht_media::{Adjust, Region, RingShape};

use super::Input;
use crate::{
    decode::{self, Branch, Crop, Threads},
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
    branch: Branch,
    crop: Crop,
    size: gst::Element,
    balance: gst::Element,
    gamma: gst::Element,
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
        let crop = Crop::new()?;
        let [scale, size] = decode::scale_to(&picture_caps(ring))?;
        let sink = gst_app::AppSink::builder().sync(false).async_(false).qos(false).build();
        let show = Arc::clone(&tell);
        decode::each_picture(&sink, move |sample, time_us| {
            show(Input::Picture(Ticket::from_us(time_us), sample));
        });
        let failing = Arc::clone(&tell);
        let failed = move |text| failing(Input::DecoderFailed(text));
        let make =
            |name: &str| gst::ElementFactory::make(name).build().with_context(|| format!("making {name}"));
        // Behind the scaling, where there are the fewest pixels; without an adjustment they let pictures through as they are.
        let (balance, gamma) = (make("videobalance")?, make("gamma")?);
        let between = [crop.element(), scale, size.clone(), balance.clone(), gamma.clone()];
        let branch = Branch::start(format, Threads::Frames, &between, &sink, failed)?;
        let first_us = Arc::clone(&drop_before_us);
        branch.keep_only(move |time_us| {
            tell(Input::Decoded);
            time_us >= first_us.load(Ordering::Acquire)
        })?;
        Ok(Self { branch, crop, size, balance, gamma, drop_before_us })
    }

    /// Moves to the measures of another ring.
    pub(super) fn resize(&self, ring: RingShape) {
        self.size.set_property("caps", picture_caps(ring));
    }

    /// Shows this part of the pictures that are decoded from now on.
    pub(super) fn show_region(&self, region: Region) {
        self.crop.leave(region);
    }

    /// Changes the colours of the pictures that come out from now on.
    pub(super) fn adjust(&self, adjust: Adjust) {
        self.balance.set_property("brightness", adjust.brightness);
        self.balance.set_property("contrast", adjust.contrast);
        self.balance.set_property("saturation", adjust.saturation);
        self.gamma.set_property("gamma", adjust.gamma);
    }

    /// Lets pictures before `ticket` go unscaled and unseen.
    pub(super) fn drop_before(&self, ticket: Ticket) {
        self.drop_before_us.store(ticket.to_us(), Ordering::Release);
    }

    /// Takes one access unit.
    pub(super) fn push(&self, ticket: Ticket, data: &Arc<[u8]>, key: bool) {
        if let Err(error) = self.branch.push(data, ticket.to_us(), key) {
            tracing::warn!("the decoder takes nothing: {error}");
        }
    }
}
