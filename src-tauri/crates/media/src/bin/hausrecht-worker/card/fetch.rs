//! Fetching: the pictures of a span as clips at their true times, as fast as the camera gives them.

use std::{
    os::unix::net::UnixStream,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use hausrecht_media::{CardOpen, Event, FaultCode, Order, Sender, bulk::BulkFrame};
use hausrecht_model::{Clock, UnixMicros, clock::SystemClock};

use super::{Failure, Input, POSITION_EVERY, TICK, feed::Feed, reader::Picture};
use crate::{
    channel::begin_bulk,
    recorder::{AccessUnit, Recorded, Recorder},
    thumbnail,
};

/// More pictures a second than any camera records; a span has no more.
const MAX_RATE: u64 = 240;
/// How many more than that are believed, for spans of less than a second.
const MAX_MORE: u64 = 1_000;

/// A span that is fetched.
#[derive(Debug)]
pub(super) struct Fetch {
    events: Sender<Event>,
    feed: Feed,
    recorder: Recorder,
    bulk: mpsc::SyncSender<BulkFrame>,
    writing: thread::JoinHandle<()>,
    clock: SystemClock,
    span_us: (i64, i64),
    offset_us: i64,
    taken: u64,
    position: Option<i64>,
    position_told: Duration,
}

/// How far it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Done {
    Everything,
    Stopped,
}

impl Fetch {
    /// Prepares to write clips to `bulk`.
    pub(super) fn new(
        events: Sender<Event>,
        feed: Feed,
        bulk: UnixStream,
        open: &CardOpen,
    ) -> anyhow::Result<Self> {
        let (bulk_in, writing) = begin_bulk(bulk)?;
        let target_us = u64::from(open.clip_target_ms.clamp(1_000, 3_600_000)) * 1_000;
        Ok(Self {
            events,
            feed,
            recorder: Recorder::new(bulk_in.clone(), target_us),
            bulk: bulk_in,
            writing,
            clock: SystemClock::new(),
            span_us: (open.from_unix_us, open.until_unix_us),
            offset_us: open.offset_us,
            taken: 0,
            position: None,
            position_told: Duration::ZERO,
        })
    }

    /// Fetches it. All that was fetched has been written when this returns.
    pub(super) fn work(mut self, incoming: &mpsc::Receiver<Input>) -> Result<(), Failure> {
        let done = self.fetch(incoming);
        self.feed.suspend();
        self.recorder.finish();
        let Self { recorder, bulk, writing, events, .. } = self;
        drop((recorder, bulk));
        // A thread that writes does not panic; if it did, nothing more can be written.
        let _ = writing.join();
        if done? == Done::Everything {
            // An engine that is gone fetches it again.
            let _ = events.send(&Event::CardEnded);
        }
        Ok(())
    }

    fn fetch(&mut self, incoming: &mpsc::Receiver<Input>) -> Result<Done, Failure> {
        let (from_us, until_us) = self.span_us;
        if from_us >= until_us {
            return Ok(Done::Everything);
        }
        self.feed.go(from_us, from_us)?;
        while !self.feed.ended() {
            let now = self.clock.monotonic();
            let patience = self.feed.due().map_or(TICK, |due| TICK.min(due.saturating_sub(now)));
            match incoming.recv_timeout(patience) {
                Ok(Input::Order(Order::Shutdown, _)) | Err(mpsc::RecvTimeoutError::Disconnected) => {
                    return Ok(Done::Stopped);
                }
                Ok(Input::Order(other, _)) => {
                    tracing::warn!("not an order for a card that is fetched: {other:?}")
                }
                Ok(Input::Card { attempt, what }) => {
                    let now = self.clock.monotonic();
                    if let Some((picture, after_gap)) = self.feed.take(attempt, what, now)? {
                        self.record(picture, after_gap)?;
                    }
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {}
            }
            self.feed.tick(self.clock.monotonic())?;
        }
        self.tell_position(true);
        Ok(Done::Everything)
    }

    fn record(&mut self, picture: Picture, after_gap: bool) -> Result<(), Failure> {
        self.taken += 1;
        let span_seconds = self.span_us.0.abs_diff(self.span_us.1) / 1_000_000;
        if self.taken > span_seconds.saturating_mul(MAX_RATE).saturating_add(MAX_MORE) {
            return Err((
                FaultCode::Internal,
                "the camera sends more pictures than the span can have".into(),
            ));
        }
        let at_us = picture.at_us.saturating_add(self.offset_us);
        let Ok(pts_us) = u64::try_from(at_us) else {
            return Err((FaultCode::Refused, "the camera's pictures are from before 1970".into()));
        };
        let weight = picture.weight();
        if after_gap {
            self.recorder.finish();
        }
        let unit = AccessUnit {
            pts_us,
            arrived: UnixMicros(at_us),
            late: Duration::ZERO,
            key: picture.key,
            data: picture.data,
        };
        let size_bytes = unit.data.len();
        match self.recorder.push(unit.clone(), &picture.format) {
            Recorded::Kept | Recorded::BeforeKey => {}
            Recorded::BeganClip(seq) => {
                self.recorder.wait_for(thumbnail::make(
                    seq,
                    unit,
                    Arc::clone(&picture.format),
                    self.bulk.clone(),
                ));
            }
            Recorded::Refused => {
                let text =
                    format!("{:?} pictures of {size_bytes} bytes cannot be recorded", picture.format.codec);
                return Err((FaultCode::UnsupportedCodec, text));
            }
        }
        self.feed.done(weight);
        self.position = Some(at_us);
        self.tell_position(false);
        Ok(())
    }

    fn tell_position(&mut self, always: bool) {
        let now = self.clock.monotonic();
        let Some(unix_us) = self.position else { return };
        if always || now.saturating_sub(self.position_told) >= POSITION_EVERY {
            self.position_told = now;
            let event = Event::CardPosition { unix_us, playing: true, ended: always };
            // Another one follows soon, and without an engine there is nobody to tell.
            let _ = if always { self.events.send(&event) } else { self.events.try_send(&event) };
        }
    }
}
