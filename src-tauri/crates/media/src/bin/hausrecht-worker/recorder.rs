//! Cuts the stream of access units into clips and fragments. Each unit goes into exactly one clip; nothing is decoded.

#[cfg(test)]
mod tests;

use std::{
    convert::Infallible,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, SyncSender},
    },
    time::Duration,
};

use hausrecht_media::bulk::{BulkFrame, ClipEnd, ClipStart, FRAGMENT_MAX_US, FragmentMeta};
use hausrecht_model::UnixMicros;

use crate::fmp4::{self, Format, SampleEntry};

/// One picture as the camera sent it.
#[derive(Clone, Debug)]
pub(crate) struct AccessUnit {
    /// When it is to be shown, on the stream's own clock.
    pub(crate) pts_us: u64,
    /// When its first packet arrived.
    pub(crate) arrived: UnixMicros,
    /// How much later it came than the most punctual ones of the last hour.
    pub(crate) late: Duration,
    /// Whether decoding can begin here.
    pub(crate) key: bool,
    /// Its bytes, with length prefixes.
    pub(crate) data: Arc<[u8]>,
}

/// A key frame ends a fragment that is at least this long, so that fragments begin with key frames.
const FRAGMENT_MIN_US: u64 = 250_000;
/// A fragment ends before it grows over this, whatever its length.
const FRAGMENT_MAX_BYTES: usize = 8 * 1024 * 1024;
/// The largest access unit that is believed.
const UNIT_MAX_BYTES: usize = 16 * 1024 * 1024;
/// A jump of the stream's clock by more than this begins a new clip.
const CLOCK_JUMP_US: u64 = 10_000_000;
/// The length given to the very last picture if nothing tells it.
const LAST_PICTURE_US: u64 = 40_000;

/// A key frame this little before the target ends the clip too, for cameras are not punctual to the microsecond.
const TARGET_TOLERANCE_US: u64 = 150_000;

/// What the recorder made of an access unit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Recorded {
    /// It is in the current clip.
    Kept,
    /// It is the first of a new clip.
    BeganClip(u64),
    /// It is left out: no key frame has come yet.
    BeforeKey,
    /// It cannot be recorded.
    Refused,
}

/// Stream time and wall clock this far apart have lost each other: a pause, or a clock that was set.
const APART_US: i64 = 500_000;
/// How far a clip's start is drawn towards the wall clock at most; far below the length of a picture.
const SLEW_US: i64 = 5_000;
/// How long a clip's end waits for its small picture. A clip that lasts longer than a moment never does.
const SMALL_LIMIT: Duration = Duration::from_secs(3);

/// Cuts and muxes one stream.
#[derive(Debug)]
pub(crate) struct Recorder {
    out: SyncSender<BulkFrame>,
    target_us: u64,
    next_seq: u64,
    cut: bool,
    /// What follows the next key frame needs what came before it.
    together: bool,
    clip: Option<Clip>,
    /// Wall time and stream time of the last clip's start.
    anchor: Option<(UnixMicros, u64)>,
    /// Hangs up once the current clip's small picture was sent, or cannot be made.
    small: Option<Receiver<Infallible>>,
}

#[derive(Debug)]
struct Clip {
    seq: u64,
    format: Arc<Format>,
    zero_pts_us: u64,
    last_pts_us: u64,
    pending: Vec<AccessUnit>,
    pending_bytes: usize,
    decode_us: u64,
    fragments: u32,
    frames: u64,
}

impl Recorder {
    /// Records to `out`, clips of about `target_us`.
    pub(crate) fn new(out: SyncSender<BulkFrame>, target_us: u64) -> Self {
        Self {
            out,
            target_us,
            next_seq: 0,
            cut: false,
            together: false,
            clip: None,
            anchor: None,
            small: None,
        }
    }

    /// Ends the current clip at the next key frame.
    pub(crate) fn cut_at_next_key(&mut self) {
        self.cut = true;
    }

    /// Says whether the picture that is pushed next, if it is a key frame, must stay in the clip of those before it.
    pub(crate) fn hold_together(&mut self, together: bool) {
        self.together = together;
    }

    /// The clip that began does not end before `small` hangs up, or [`SMALL_LIMIT`] has passed: the engine takes a small picture for a
    /// clip that goes on.
    pub(crate) fn wait_for(&mut self, small: Receiver<Infallible>) {
        self.small = Some(small);
    }

    /// Takes the next access unit.
    pub(crate) fn push(&mut self, unit: AccessUnit, format: &Arc<Format>) -> Recorded {
        if unit.data.is_empty() || unit.data.len() > UNIT_MAX_BYTES {
            return Recorded::Refused;
        }
        if let Some(clip) = &self.clip {
            let jumped = unit.pts_us.abs_diff(clip.last_pts_us) > CLOCK_JUMP_US;
            let due = unit.pts_us.saturating_sub(clip.zero_pts_us) + TARGET_TOLERANCE_US >= self.target_us;
            let changed = *clip.format != **format;
            let wanted = (due || self.cut) && !self.together;
            if unit.key && (jumped || changed || wanted) {
                let end = if jumped || changed { None } else { Some(unit.pts_us) };
                self.finish_at(end);
            } else if jumped || changed {
                // What follows cannot be decoded with what the clip has, so it waits for its own key frame.
                self.finish_at(None);
            }
        }
        let mut result = Recorded::Kept;
        if self.clip.is_none() {
            if !unit.key {
                return Recorded::BeforeKey;
            }
            let Some(init) = fmp4::init_segment(format) else { return Recorded::Refused };
            result = Recorded::BeganClip(self.begin(&unit, format, init));
        }
        let Some(clip) = &mut self.clip else { return Recorded::BeforeKey };
        if let Some(fragment) = clip.fragment_before(&unit) {
            send(&self.out, fragment);
        }
        clip.last_pts_us = unit.pts_us;
        clip.pending_bytes += unit.data.len();
        clip.pending.push(unit);
        result
    }

    /// Ends the current clip where a picture that is not recorded any more begins.
    pub(crate) fn finish_before(&mut self, next_pts_us: u64) {
        self.finish_at(Some(next_pts_us));
    }

    /// Ends the current clip now, with all its pictures.
    pub(crate) fn finish(&mut self) {
        self.finish_at(None);
    }

    fn begin(&mut self, unit: &AccessUnit, format: &Arc<Format>, init: Vec<u8>) -> u64 {
        let seq = self.next_seq;
        self.next_seq += 1;
        self.cut = false;
        let start_unix_us = self.start_of(unit);
        self.anchor = Some((start_unix_us, unit.pts_us));
        send(
            &self.out,
            BulkFrame::ClipStart(ClipStart {
                clip_seq: seq,
                start_unix_us,
                codec: format.codec,
                width: format.width,
                height: format.height,
            }),
        );
        send(&self.out, BulkFrame::Init { clip_seq: seq, bytes: init });
        self.clip = Some(Clip {
            seq,
            format: Arc::clone(format),
            zero_pts_us: unit.pts_us,
            last_pts_us: unit.pts_us,
            pending: Vec::new(),
            pending_bytes: 0,
            decode_us: 0,
            fragments: 0,
            frames: 0,
        });
        seq
    }

    /// When a clip that begins with `unit` starts. Packets arrive unevenly, the stream's own time does not: a clip starts
    /// where the one before it ended, drawn a little towards the wall clock, unless the two have come apart.
    fn start_of(&self, unit: &AccessUnit) -> UnixMicros {
        let Some((at, pts_us)) = self.anchor else { return unit.arrived };
        let Some(passed_us) = unit.pts_us.checked_sub(pts_us) else { return unit.arrived };
        let continued = at.plus(Duration::from_micros(passed_us));
        let apart_us = unit.arrived.0.saturating_sub(continued.0);
        if apart_us.abs() > APART_US {
            return unit.arrived;
        }
        UnixMicros(continued.0 + (apart_us / 16).clamp(-SLEW_US, SLEW_US))
    }

    fn finish_at(&mut self, next_pts_us: Option<u64>) {
        let Some(mut clip) = self.clip.take() else { return };
        if let Some(fragment) = clip.take_fragment(next_pts_us) {
            send(&self.out, fragment);
        }
        if let Some(small) = self.small.take()
            && matches!(small.recv_timeout(SMALL_LIMIT), Err(RecvTimeoutError::Timeout))
        {
            tracing::warn!("clip {} ends before its small picture was made", clip.seq);
        }
        let end = ClipEnd { clip_seq: clip.seq, duration_us: clip.decode_us, frames: clip.frames };
        send(&self.out, BulkFrame::ClipEnd(end));
    }
}

/// Waits while the engine is behind. An engine that is gone closes the control channel too, which ends the worker.
fn send(out: &SyncSender<BulkFrame>, frame: BulkFrame) {
    let _ = out.send(frame);
}

impl Clip {
    /// The fragment that must end before `unit` is added.
    fn fragment_before(&mut self, unit: &AccessUnit) -> Option<BulkFrame> {
        let first = self.pending.first()?;
        let length_us = unit.pts_us.saturating_sub(first.pts_us);
        let full = self.pending_bytes + unit.data.len() > FRAGMENT_MAX_BYTES;
        let due = length_us >= FRAGMENT_MAX_US || (unit.key && length_us >= FRAGMENT_MIN_US);
        if full || due { self.take_fragment(Some(unit.pts_us)) } else { None }
    }

    /// Makes a fragment of all pending pictures. Decode times are the presentation times in order, so they never go back,
    /// and what reordering there is stands in the composition offsets.
    fn take_fragment(&mut self, next_pts_us: Option<u64>) -> Option<BulkFrame> {
        if self.pending.is_empty() {
            return None;
        }
        let pending = std::mem::take(&mut self.pending);
        self.pending_bytes = 0;
        let from_zero = |pts_us: u64| pts_us.saturating_sub(self.zero_pts_us);
        let mut ordered: Vec<u64> = pending.iter().map(|unit| from_zero(unit.pts_us)).collect();
        ordered.sort_unstable();
        let start_us = pending.first().map_or(0, |unit| from_zero(unit.pts_us));
        let last = ordered.last().copied().unwrap_or(0);
        let usual = match (ordered.first(), ordered.len()) {
            (Some(first), count) if count > 1 => (last - first) / (count as u64 - 1),
            _ => LAST_PICTURE_US,
        };
        let end = next_pts_us.map(from_zero).filter(|next| *next > last).unwrap_or(last + usual.max(1));
        ordered.push(end);
        let base_us = self.decode_us;
        let mut samples = Vec::with_capacity(pending.len());
        for (index, unit) in pending.iter().enumerate() {
            // The decode time has run ahead of the pictures if a fragment before this one ended inside a reordering.
            let next = ordered.get(index + 1).copied().unwrap_or(end);
            let duration_us = next.saturating_sub(self.decode_us).clamp(1, u64::from(u32::MAX));
            let composition = from_zero(unit.pts_us).cast_signed() - self.decode_us.cast_signed();
            samples.push(SampleEntry {
                duration_us: u32::try_from(duration_us).unwrap_or(u32::MAX),
                size_bytes: u32::try_from(unit.data.len()).unwrap_or(u32::MAX),
                key: unit.key,
                composition_us: i32::try_from(composition).unwrap_or(0),
            });
            self.decode_us += duration_us;
        }
        self.fragments += 1;
        self.frames += pending.len() as u64;
        let bytes =
            fmp4::fragment(self.fragments, base_us, &samples, pending.iter().map(|unit| &unit.data[..]));
        let meta = FragmentMeta {
            clip_seq: self.seq,
            start_us,
            duration_us: self.decode_us - base_us,
            key: pending.first().is_some_and(|unit| unit.key),
            frames: u32::try_from(pending.len()).unwrap_or(u32::MAX),
        };
        Some(BulkFrame::Fragment { meta, bytes })
    }
}
