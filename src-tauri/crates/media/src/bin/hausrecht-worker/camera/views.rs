//! What is looked at. Each view has a stream, a ring, a part of the picture and, while pictures come, a decode branch of its own.

use std::{os::fd::OwnedFd, sync::Arc};

use anyhow::Context;
use hausrecht_media::{BranchState, Event, FaultCode, Region, RingShape, Stream};

use super::{Camera, End};
use crate::{
    channel::tell_fault,
    fmp4::Format,
    recorder::AccessUnit,
    view::{Screen, View},
};

/// The most views of one camera; an engine that asks for more has a defect.
const MAX_VIEWS: usize = 16;

/// A view.
pub(super) struct Looking {
    view: u32,
    pub(super) stream: Stream,
    region: Region,
    /// Waits here until the stream's format is known.
    screen: Option<Screen>,
    branch: Option<View>,
    /// Its decoder gave up once.
    failed: bool,
}

impl Camera {
    /// Whether somebody looks at `stream`.
    pub(super) fn is_looked_at(&self, stream: Stream) -> bool {
        self.looking.iter().any(|looking| looking.stream == stream)
    }

    /// Begins a view, or moves it to another ring.
    pub(super) fn look(
        &mut self,
        view: u32,
        stream: Stream,
        ring: RingShape,
        descriptors: &[OwnedFd],
    ) -> Result<(), End> {
        let opened = descriptors
            .first()
            .context("no memory came with the order")
            .and_then(|memfd| Screen::open(memfd, ring, self.events.clone()));
        let screen = match opened {
            Ok(screen) => screen,
            Err(error) => {
                tracing::warn!("a ring was refused: {error:#}");
                return Ok(());
            }
        };
        // A camera without a substream shows its main stream small.
        let stream = if self.sub.is_none() { Stream::Main } else { stream };
        let full = self.looking.len() >= MAX_VIEWS;
        match self.looking.iter_mut().find(|looking| looking.view == view) {
            Some(Looking { stream: current, branch: Some(branch), .. }) if *current == stream => {
                branch.resize(screen);
            }
            Some(looking) => {
                looking.stream = stream;
                looking.branch = None;
                looking.screen = Some(screen);
            }
            None if full => {
                tracing::warn!("more than {MAX_VIEWS} views of one camera");
                return Ok(());
            }
            None => self.looking.push(Looking {
                view,
                stream,
                region: Region::WHOLE,
                screen: Some(screen),
                branch: None,
                failed: false,
            }),
        }
        self.stop_unwatched();
        self.fetch_looked_at(stream)?;
        self.begin_views(stream);
        self.tell_branches();
        Ok(())
    }

    /// Ends a view.
    pub(super) fn look_away(&mut self, view: u32) {
        self.looking.retain(|looking| looking.view != view);
        self.stop_unwatched();
        self.tell_branches();
    }

    /// Shows another part of the picture in a view.
    pub(super) fn show_region(&mut self, view: u32, region: Region) {
        let Some(looking) = self.looking.iter_mut().find(|looking| looking.view == view) else { return };
        looking.region = region.within();
        if let Some(branch) = &looking.branch {
            branch.show_region(looking.region);
        }
    }

    fn fetch_looked_at(&mut self, stream: Stream) -> Result<(), End> {
        let idle = self.source(stream).is_some_and(|source| source.ingest.is_none());
        if idle { self.connect_again(stream) } else { Ok(()) }
    }

    /// Stops the streams that nobody needs.
    pub(super) fn stop_unwatched(&mut self) {
        if !self.main_wanted() {
            self.main.stop();
        }
        let sub_wanted = self.is_looked_at(Stream::Sub) || self.measured_stream() == Some(Stream::Sub);
        if let Some(sub) = self.sub.as_mut().filter(|_| !sub_wanted) {
            sub.stop();
        }
    }

    /// Starts the decode branches of `stream` that wait for its format, with the pictures since the last key frame.
    fn begin_views(&mut self, stream: Stream) {
        let source = match stream {
            Stream::Main => &self.main,
            Stream::Sub => match &self.sub {
                Some(sub) => sub,
                None => return,
            },
        };
        let Some(format) = &source.format else { return };
        let newest_us = source.group.back().map_or(0, |unit| unit.pts_us);
        let mut begun = false;
        for looking in self.looking.iter_mut().filter(|looking| looking.stream == stream) {
            if looking.branch.is_some() {
                continue;
            }
            let Some(screen) = looking.screen.take() else { continue };
            match View::start(Arc::clone(format), screen, newest_us) {
                Ok(mut branch) => {
                    branch.show_region(looking.region);
                    for unit in &source.group {
                        branch.push(unit, format);
                    }
                    looking.branch = Some(branch);
                    begun = true;
                }
                Err(error) => {
                    tell_fault(&self.events, stream, FaultCode::UnsupportedCodec, &format!("{error:#}"));
                }
            }
        }
        if begun {
            self.tell_branches();
        }
    }

    /// Gives the next access unit of `stream` to whoever looks at it.
    pub(super) fn push_views(&mut self, stream: Stream, unit: &AccessUnit, format: &Arc<Format>) {
        let mut waiting = false;
        for looking in self.looking.iter_mut().filter(|looking| looking.stream == stream) {
            let Some(branch) = &mut looking.branch else {
                waiting |= unit.key || !looking.failed;
                continue;
            };
            if !branch.push(unit, format) {
                // Decoding has ended, by a decoder that failed for example: with the next key frame it begins anew.
                looking.screen = looking.branch.take().and_then(View::into_screen);
                looking.failed = true;
            }
        }
        if waiting {
            self.begin_views(stream);
        }
    }

    /// The times of `stream` begin anew.
    pub(super) fn views_clock_changed(&mut self, stream: Stream) {
        for looking in self.looking.iter_mut().filter(|looking| looking.stream == stream) {
            if let Some(branch) = &mut looking.branch {
                branch.clock_changed();
            }
        }
    }

    /// The substream failed: whoever looks at it is shown the main stream.
    pub(super) fn look_elsewhere(&mut self) -> Result<(), End> {
        if !self.is_looked_at(Stream::Sub) {
            return Ok(());
        }
        for looking in self.looking.iter_mut().filter(|looking| looking.stream == Stream::Sub) {
            looking.stream = Stream::Main;
            if let Some(branch) = looking.branch.take() {
                looking.screen = branch.into_screen();
            }
        }
        self.fetch_looked_at(Stream::Main)?;
        self.begin_views(Stream::Main);
        self.tell_branches();
        Ok(())
    }

    /// Lets the engine know what is decoded.
    pub(super) fn tell_branches(&self) {
        let branches = self.looking.iter().filter_map(|looking| {
            let decoder = looking.branch.as_ref()?.decoder();
            Some(BranchState {
                view: looking.view,
                stream: looking.stream,
                decoder: decoder.name,
                hardware: decoder.hardware,
            })
        });
        // It is told again with the states.
        let _ = self.events.try_send(&Event::Decoding { branches: branches.collect() });
    }

    /// Lets each reader know whether somebody looks.
    pub(super) fn tell_watched(&self) {
        for source in self.sub.iter().chain([&self.main]) {
            if let Some(ingest) = &source.ingest {
                ingest.set_watched(self.is_looked_at(source.stream));
            }
        }
    }
}
