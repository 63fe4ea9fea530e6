//! A decode branch that follows a camera: it begins at a key frame, leaves pictures out when it cannot keep up, takes each new
//! format of the stream, and knows when the picture that comes out came in.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use gstreamer_app as gst_app;

use super::{Branch, Decoder, Threads, caps, each_picture};
use crate::{fmp4::Format, lock::lock, recorder::AccessUnit};

/// How many pictures can be inside the decoder.
const MAX_INSIDE: usize = 128;
/// A picture that comes out so much later than another one went in: the other one never will.
const LOST_INSIDE_US: u64 = 5_000_000;

/// When pictures that are inside the decoder arrived: their own time, and Unix time, both in microseconds.
type Arrivals = VecDeque<(u64, i64)>;

/// A running branch; it ends when it is dropped.
#[derive(Debug)]
pub(crate) struct LiveBranch {
    branch: Branch,
    format: Arc<Format>,
    arrivals: Arc<Mutex<Arrivals>>,
    max_waiting_bytes: u64,
    wait_for_key: bool,
}

impl LiveBranch {
    /// Begins to decode `format`. Pictures reach `sink` through the elements `between`, and `picture` with their own time and
    /// that of their arrival (Unix), both in microseconds, on GStreamer's threads. If more than `max_waiting_bytes` wait for
    /// the decoder, pictures are left out up to the next key frame. `purpose` stands in the log when decoding fails.
    pub(crate) fn start(
        format: Arc<Format>,
        between: &[gstreamer::Element],
        sink: &gst_app::AppSink,
        max_waiting_bytes: u64,
        purpose: &'static str,
        mut picture: impl FnMut(&gstreamer::Sample, u64, i64) + Send + 'static,
    ) -> anyhow::Result<Self> {
        let arrivals = Arc::new(Mutex::new(Arrivals::new()));
        let arrived = Arc::clone(&arrivals);
        each_picture(sink, move |sample, pts_us| {
            let arrived_unix_us = came_out(&mut lock(&arrived), pts_us);
            picture(&sample, pts_us, arrived_unix_us);
        });
        let failed = move |text| tracing::warn!("{purpose}: {text}");
        let branch = Branch::start(&format, Threads::One, between, sink, failed)?;
        Ok(Self { branch, format, arrivals, max_waiting_bytes, wait_for_key: true })
    }

    /// See [`Branch::keep_only`].
    pub(crate) fn keep_only(
        &self,
        wanted: impl Fn(u64) -> bool + Send + Sync + 'static,
    ) -> anyhow::Result<()> {
        self.branch.keep_only(wanted)
    }

    /// What decodes.
    pub(crate) fn decoder(&self) -> &Decoder {
        self.branch.decoder()
    }

    /// Leaves out what follows, up to the next key frame.
    pub(crate) fn wait_for_key(&mut self) {
        self.wait_for_key = true;
    }

    /// Takes the next access unit; false if decoding has ended and must be started anew.
    pub(crate) fn push(&mut self, unit: &AccessUnit, format: &Arc<Format>) -> bool {
        if !Arc::ptr_eq(&self.format, format) {
            self.branch.source.set_caps(Some(&caps(format)));
            self.format = Arc::clone(format);
            self.wait_for_key = true;
        }
        if self.branch.source.current_level_bytes() > self.max_waiting_bytes {
            self.wait_for_key = true;
        }
        if self.wait_for_key && !unit.key {
            return true;
        }
        self.wait_for_key = false;
        {
            let mut arrivals = lock(&self.arrivals);
            if arrivals.len() >= MAX_INSIDE {
                arrivals.pop_front();
            }
            arrivals.push_back((unit.pts_us, unit.arrived.0));
        }
        self.branch.push(&unit.data, unit.pts_us, unit.key).is_ok()
    }

    /// Stops; no picture comes out after this.
    pub(crate) fn stop(&self) {
        self.branch.stop();
    }
}

/// When the picture of time `pts_us` arrived; 0 if that is not known.
fn came_out(arrivals: &mut Arrivals, pts_us: u64) -> i64 {
    while arrivals.front().is_some_and(|(pts, _)| *pts + LOST_INSIDE_US < pts_us) {
        arrivals.pop_front();
    }
    arrivals.iter().find(|(pts, _)| *pts == pts_us).map_or(0, |(_, came)| *came)
}
