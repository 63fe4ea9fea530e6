//! Importing: the pictures of a file as clips, each in exactly one of them, at its own time. Nothing is decoded.

use std::{collections::VecDeque, os::unix::net::UnixStream, time::Duration};

use hausrecht_media::{Event, FaultCode, Sender};
use hausrecht_model::{Clock, UnixMicros, clock::SystemClock};

use super::{
    Failure, container,
    demux::{Demux, Unit},
    source::Source,
};
use crate::{
    channel::begin_bulk,
    fmp4::Format,
    recorder::{AccessUnit, Recorded, Recorder},
    thumbnail,
};

/// How many pictures after a key frame are looked at, to see whether one of them is shown before it.
const LOOK_AHEAD: usize = 6;
/// A clip that has grown to so many times its length is cut even where that costs pictures.
const MOST_LENGTHS: u64 = 5;
const TELL_EVERY: Duration = Duration::from_millis(250);

/// Takes over the whole file. All of it has been written when this returns.
pub(super) fn run(
    events: &Sender<Event>,
    mut source: Source,
    bulk: UnixStream,
    start_unix_us: i64,
    clip_target_ms: u32,
) -> Result<Event, Failure> {
    let container = container(&mut source)?;
    let demux = Demux::open(source, container)?;
    let (bulk_in, writing) =
        begin_bulk(bulk).map_err(|error| (FaultCode::Internal, format!("writing: {error}")))?;
    let target_us = u64::from(clip_target_ms.clamp(1_000, 3_600_000)) * 1_000;
    let mut import = Import {
        demux,
        ahead: VecDeque::new(),
        recorder: Recorder::new(bulk_in.clone(), target_us),
        target_us,
        start_unix_us,
        zero_us: None,
        clip_us: 0,
        left_out: 0,
    };
    let clock = SystemClock::new();
    let mut told = Duration::ZERO;
    let done = loop {
        match import.step(|seq, unit, format| thumbnail::make_now(seq, unit, format, &bulk_in)) {
            Ok(Some(done_us)) => {
                if clock.monotonic().saturating_sub(told) >= TELL_EVERY {
                    told = clock.monotonic();
                    // Another one follows soon.
                    let _ = events.try_send(&Event::FootagePosition { done_us });
                }
            }
            Ok(None) => break Ok(()),
            Err(failure) => break Err(failure),
        }
    };
    let Import { demux, mut recorder, zero_us, left_out, .. } = import;
    recorder.finish();
    let (cut, nothing) = (demux.cut(), demux.nothing());
    drop((demux, recorder, bulk_in));
    // A thread that writes does not panic; if it did, nothing more can be written.
    let _ = writing.join();
    match done {
        Err(failure) if zero_us.is_none() => Err(failure),
        Ok(()) if zero_us.is_none() => Err(nothing),
        Err((_, text)) => Ok(Event::FootageEnded { left_out, cut: Some(text) }),
        Ok(()) => {
            Ok(Event::FootageEnded { left_out, cut: cut.map(|text| text.chars().take(2_000).collect()) })
        }
    }
}

struct Import {
    demux: Demux,
    /// Read and not recorded yet.
    ahead: VecDeque<Unit>,
    recorder: Recorder,
    target_us: u64,
    start_unix_us: i64,
    /// The file's own time of the first picture that is taken over.
    zero_us: Option<u64>,
    /// The same of the current clip's.
    clip_us: u64,
    left_out: u64,
}

impl Import {
    /// Records the next picture, and says how far it is; `None`: there is none.
    fn step(&mut self, thumbnail: impl FnOnce(u64, &AccessUnit, &Format)) -> Result<Option<u64>, Failure> {
        while self.ahead.len() <= LOOK_AHEAD {
            match self.demux.next()? {
                Some(unit) => self.ahead.push_back(unit),
                None => break,
            }
        }
        let Some(unit) = self.ahead.pop_front() else { return Ok(None) };
        // Where pictures are shown before the key frame that they follow, they need what came before it: no clip begins there.
        let is_open =
            unit.key && self.ahead.iter().take_while(|next| !next.key).any(|next| next.pts_us < unit.pts_us);
        let overlong = unit.pts_us.saturating_sub(self.clip_us) >= self.target_us * MOST_LENGTHS;
        self.recorder.hold_together(is_open && !overlong);
        if self.zero_us.is_none() && unit.key {
            self.zero_us = Some(unit.pts_us);
        }
        let zero_us = self.zero_us.unwrap_or(unit.pts_us);
        let at = self.start_unix_us.saturating_add(unit.pts_us.saturating_sub(zero_us).cast_signed());
        if !unit.key && unit.pts_us < self.clip_us {
            self.left_out += 1;
            return Ok(Some(unit.pts_us.saturating_sub(zero_us)));
        }
        let access = AccessUnit {
            pts_us: unit.pts_us,
            arrived: UnixMicros(at),
            late: Duration::ZERO,
            key: unit.key,
            data: unit.data,
        };
        match self.recorder.push(access.clone(), &unit.format) {
            Recorded::Kept => {}
            Recorded::BeforeKey => self.left_out += 1,
            Recorded::BeganClip(seq) => {
                self.clip_us = unit.pts_us;
                thumbnail(seq, &access, &unit.format);
            }
            Recorded::Refused => {
                let size_bytes = access.data.len();
                let text =
                    format!("{:?} pictures of {size_bytes} bytes cannot be taken over", unit.format.codec);
                return Err((FaultCode::UnsupportedCodec, text));
            }
        }
        Ok(Some(unit.pts_us.saturating_sub(zero_us)))
    }
}
