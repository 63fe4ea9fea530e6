//! Where a camera's motion is measured: in its substream; in its main stream if it has none, or if that does not work.

use std::sync::Arc;

use hausrecht_media::{MotionSettings, Stream};

use super::{Camera, End};
use crate::{
    fmp4::Format,
    motion::{Motion, Pictures},
    recorder::AccessUnit,
};

/// What is measured.
#[derive(Debug)]
pub(super) struct Measuring {
    stream: Stream,
    settings: MotionSettings,
    /// Runs once the stream's format is known.
    motion: Option<Motion>,
}

impl Camera {
    /// The stream in which motion is measured.
    pub(super) fn measured_stream(&self) -> Option<Stream> {
        self.measuring.as_ref().map(|measuring| measuring.stream)
    }

    /// Begins to measure motion, or ends it.
    pub(super) fn measure_motion(&mut self, settings: Option<MotionSettings>) -> Result<(), End> {
        // What was found with the settings before ends with them.
        self.measuring = None;
        let stream = if self.sub.is_some() { Stream::Sub } else { Stream::Main };
        self.measuring = settings.map(|settings| Measuring { stream, settings, motion: None });
        self.stop_unwatched();
        self.fetch_measured()
    }

    /// The substream failed: the main stream has to do.
    pub(super) fn measure_motion_elsewhere(&mut self) -> Result<(), End> {
        let Some(measuring) = self.measuring.as_mut().filter(|m| m.stream == Stream::Sub) else {
            return Ok(());
        };
        measuring.motion = None;
        measuring.stream = Stream::Main;
        self.fetch_measured()
    }

    fn fetch_measured(&mut self) -> Result<(), End> {
        let Some(stream) = self.measured_stream() else { return Ok(()) };
        if self.source(stream).is_some_and(|source| source.ingest.is_none()) {
            self.connect_again(stream)?;
        }
        Ok(())
    }

    /// Lets the next picture of `stream` be looked at, if it is the one that is measured.
    pub(super) fn push_motion(&mut self, stream: Stream, unit: &AccessUnit, format: &Arc<Format>) {
        let Some(measuring) = self.measuring.as_mut().filter(|m| m.stream == stream) else { return };
        if let Some(motion) = &mut measuring.motion {
            if !motion.push(unit, format) {
                measuring.motion = None;
            }
            return;
        }
        if !unit.key {
            return;
        }
        let pictures = match stream {
            Stream::Main => Pictures::KeyFrames,
            Stream::Sub => Pictures::All,
        };
        match Motion::start(Arc::clone(format), pictures, &measuring.settings, self.events.clone()) {
            Ok(mut motion) => {
                motion.push(unit, format);
                measuring.motion = Some(motion);
            }
            Err(error) => {
                tracing::warn!("motion is not measured: {error:#}");
                self.measuring = None;
            }
        }
    }

    /// The times of `stream` begin anew.
    pub(super) fn motion_clock_changed(&mut self, stream: Stream) {
        if let Some(measuring) = self.measuring.as_mut().filter(|m| m.stream == stream) {
            measuring.motion = None;
        }
    }
}
