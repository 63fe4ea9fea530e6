//! Sends each picture to the connections when the loop clock says it is due. A connection begins, and goes on after a pause, with a
//! key frame; its timestamps run on through the end of the footage.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use gstreamer::{Buffer, ClockTime, prelude::*};
use gstreamer_app::AppSrc;
use tokio::sync::Notify;

use crate::{
    camera::Camera,
    fault::Fault,
    footage::{AccessUnit, Stream, Track},
    lock::lock,
};

/// What a connection that does not read may hold back before pictures are left out.
const BACKLOG_BYTES: u64 = 8 << 20;
/// How late pictures may be sent; after a longer stop of the program they are left out.
const LATE: Duration = Duration::from_secs(1);

/// The connections of one camera.
#[derive(Debug)]
pub struct Feed {
    camera: Arc<Camera>,
    outputs: Mutex<Vec<Output>>,
    joined: Notify,
}

/// A stream's pictures as buffers, made once for all cameras that see the same; sending one copies nothing.
#[derive(Debug)]
pub(crate) struct Buffers {
    whole: Vec<Buffer>,
    /// Key frames without their picture: delimiter and parameter sets alone.
    headers: Vec<Option<Buffer>>,
}

impl Buffers {
    pub(super) fn new(track: &Track) -> Self {
        let header = |unit: &AccessUnit| {
            unit.key_header_bytes.map(|bytes| Buffer::from_slice(unit.bytes[..bytes].to_vec()))
        };
        Self {
            whole: track.units.iter().map(|unit| Buffer::from_slice(unit.bytes.clone())).collect(),
            headers: track.units.iter().map(header).collect(),
        }
    }

    /// A copy of picture `number`, counted from any beginning of the footage.
    pub(super) fn whole(&self, number: u64) -> Buffer {
        self.whole[self.index(number)].copy()
    }

    fn index(&self, number: u64) -> usize {
        usize::try_from(number % self.whole.len() as u64).expect("less than the number of pictures")
    }
}

#[derive(Debug)]
struct Output {
    stream: Stream,
    source: AppSrc,
    /// Running time of the pipeline minus time since the camera's start; known with the first picture.
    shift: Option<i128>,
    /// Whether a key frame must come first.
    waiting: bool,
}

impl Feed {
    /// A feed without connections.
    pub fn new(camera: Arc<Camera>) -> Self {
        Self { camera, outputs: Mutex::default(), joined: Notify::new() }
    }

    /// Sends `stream` to `source` until that is closed.
    pub fn add(&self, stream: Stream, source: AppSrc) {
        self.lock().push(Output { stream, source, shift: None, waiting: true });
        self.joined.notify_one();
    }

    /// Sends pictures for ever; calls `drop_connections` when a planned fault asks for it.
    pub async fn run(&self, drop_connections: impl Fn()) {
        let mut planned = self.camera.planned.clone();
        let mut first_sent: Option<Duration> = None;
        let mut next = self.numbers_now();
        loop {
            if self.lock().is_empty() {
                self.joined.notified().await;
                next = self.numbers_now();
            }
            let footage = &self.camera.footage;
            let due = footage.tracks.iter().zip(&next).map(|((_, track), &number)| track.due(number));
            let due = due.min().expect("a camera has streams");
            let now = self.camera.loop_clock.elapsed();
            if due > now {
                tokio::time::sleep(due - now).await;
            } else if now - due > LATE {
                next = self.numbers_now();
                self.pause();
                continue;
            }
            let now = self.camera.loop_clock.elapsed();
            for ((stream, track), number) in footage.tracks.iter().zip(&mut next) {
                while track.due(*number) <= now {
                    if self.send(*stream, track, *number) {
                        first_sent.get_or_insert(now);
                    }
                    *number += 1;
                }
            }
            if let Some(first) = first_sent {
                planned.retain(|fault| !self.arrive(fault, now - first, &drop_connections));
            }
        }
    }

    /// Brings about `fault` if its time has come; says whether it need not be looked at again.
    fn arrive(&self, fault: &Fault, since_first: Duration, drop_connections: &impl Fn()) -> bool {
        if let Fault::FreezeAfter(span) = fault {
            if since_first >= *span {
                self.camera.faults.frozen.set(true);
                return true;
            }
            return false;
        }
        if let Fault::DropAfter(span) = fault {
            if since_first >= *span {
                drop_connections();
                return true;
            }
            return false;
        }
        true
    }

    /// Sends picture `number` of `stream`; says whether anybody got it.
    fn send(&self, stream: Stream, track: &Track, number: u64) -> bool {
        if self.camera.faults.frozen.is_on() {
            self.pause();
            return false;
        }
        let unit = track.unit(number);
        let due = i128::try_from(track.due(number).as_nanos()).expect("a time since the camera's start");
        let buffers = track.buffers.get_or_init(|| Buffers::new(track));
        let index = buffers.index(number);
        let no_keyframe = self.camera.faults.no_keyframe.is_on();
        let mut sent = false;
        self.lock().retain_mut(|output| {
            if output.stream != stream {
                return true;
            }
            if output.source.current_level_bytes() > BACKLOG_BYTES {
                output.waiting = true;
                return true;
            }
            if output.waiting && !unit.is_key() {
                return true;
            }
            let Some(running) = output.source.current_running_time() else {
                // Not playing yet; the server's pipelines are within milliseconds.
                return output.is_open();
            };
            output.waiting = false;
            let shift = *output.shift.get_or_insert(i128::from(running.nseconds()) - due);
            let mut buffer = match &buffers.headers[index] {
                Some(header) if no_keyframe => header.copy(),
                Some(_) | None => buffers.whole[index].copy(),
            };
            let about = buffer.get_mut().expect("a fresh copy has one owner");
            about.set_pts(ClockTime::from_nseconds(u64::try_from(due + shift).unwrap_or(0)));
            about.set_duration(ClockTime::from_nseconds(1_000_000_000 / u64::from(track.rate)));
            if !unit.is_key() {
                about.set_flags(gstreamer::BufferFlags::DELTA_UNIT);
            }
            let open = output.source.push_buffer(buffer).is_ok();
            sent |= open;
            open
        });
        sent
    }

    /// Lets every connection wait for a key frame.
    fn pause(&self) {
        self.lock().retain_mut(|output| {
            output.waiting = true;
            output.is_open()
        });
    }

    /// The next picture of each stream, in the order of the tracks.
    fn numbers_now(&self) -> Vec<u64> {
        let now = self.camera.loop_clock.elapsed();
        self.camera.footage.tracks.iter().map(|(_, track)| track.number_at(now)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Output>> {
        lock(&self.outputs)
    }
}

impl Output {
    /// Whether somebody still holds the pipeline: a closed one has left its parent or stopped.
    fn is_open(&self) -> bool {
        self.source.parent().is_some()
    }
}
