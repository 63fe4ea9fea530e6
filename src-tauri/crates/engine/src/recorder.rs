//! Takes what a worker sends, seals it while it streams, and enters each clip into database and log.
//!
//! Order for each clip: part row with the wrapped key, `.part` file, at least one `fdatasync` a second, then the final
//! name, then one transaction for clip row, wraps and log entry. What a crash leaves is taken up by [`recover_parts`].

mod index;
mod recover;

use std::{os::unix::net::UnixStream, path::PathBuf, sync::Arc, time::Duration};

use hausrecht_ledger::Kind;
use hausrecht_media::{
    BulkFrame, BulkReader, Keep,
    bulk::{ClipStart, FRAGMENT_MAX_US, FragmentMeta},
    fmp4,
};
use hausrecht_model::{ClipId, UnixMicros};
use hausrecht_store::{ClipRow, GrantRow, PartRow};
use hausrecht_vault::{CHUNK_BYTES, ClipKey, ClipWriter, Sealed, seal_to};

use self::index::{Fragment, IndexFile};
pub(crate) use self::recover::{hash_file, recover_parts};
use crate::{
    Result,
    camera::{CameraTask, recording::Cause},
    handle::end_of,
    inner::{Inner, lock},
    logbook::Note,
    wire::Event,
    wire::{Error, ErrorCode, NoticeKind},
};

/// How often what was written is made durable.
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// A fragment that is longer than the longest by more than a picture's time is one of a camera with few pictures.
const LONG_FRAGMENT_US: u64 = FRAGMENT_MAX_US + 100_000;
const BOX_HEADER_BYTES: u64 = 8;

/// How far a camera's stream may run ahead of this computer's clock.
const CLOCK_SLACK: Duration = Duration::from_secs(30);
/// Below this much free space recording pauses: the log must still be writable, or nothing could be opened or erased.
pub(crate) const ROOM_BYTES: u64 = 128 << 20;

/// How far a live clip's start may lie from this computer's clock: a worker remembers 75 s at most, and a group of
/// pictures more. Microseconds.
const LIVE_SLACK_US: u64 = 120_000_000;

/// How far a clip from a card may begin before its span, which is what a clock's fractions come to.
const START_SLACK_US: i64 = 100_000;

/// No file is longer, whatever it says: 31 days. Microseconds.
const FILE_MAX_US: i64 = 31 * 86_400_000_000;

/// Where pictures come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Source {
    /// The camera, now.
    Live,
    /// The camera's card: a span of which the vault has nothing yet. What lies outside of it is not taken.
    Card { from_us: UnixMicros, to_us: UnixMicros },
    /// A file that something else recorded, from this time on.
    File { from_us: UnixMicros },
}

/// What was recorded until a worker's stream ended.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Clips sealed.
    pub(crate) clips: u64,
    /// Pictures in them.
    pub(crate) pictures: u64,
    /// Why a fetch did not go on. A live recording goes on whatever happens.
    pub(crate) failed: Option<Error>,
}

/// A clip that is being written.
struct Recording {
    clip: ClipId,
    start: ClipStart,
    source: Source,
    key: ClipKey,
    writer: ClipWriter,
    index: IndexFile,
    path: PathBuf,
    frames: u64,
    end_us: u64,
    /// Where the last fragment ends in the clip.
    fragments_end: u64,
    synced: Duration,
    began: Duration,
    thumbnail: Option<Vec<u8>>,
    /// The event for which it is recorded.
    cause: Option<Cause>,
    /// How much older its first picture was than its first bytes: what had waited in the worker's memory.
    ahead: Duration,
}

/// Records until the worker ends its stream. Never stops reading a live one: if the disk is full the pictures go nowhere,
/// but the live view goes on, and each new clip is a new try. A fetch ends with its first failure.
pub(crate) fn record(
    task: &CameraTask,
    inner: &Arc<Inner>,
    source: Source,
    mut bulk: BulkReader<UnixStream>,
) -> Tally {
    let mut current: Option<Recording> = None;
    let mut tally = Tally::default();
    loop {
        let frame = match bulk.next_frame() {
            Ok(Some(frame)) => frame,
            Ok(None) => break,
            Err(error) => {
                tracing::warn!(camera = %task.id, "the worker's stream ended: {error}");
                break;
            }
        };
        if let Err(error) = take(task, inner, source, &mut current, &mut tally, frame) {
            // What is on disk already stays as a part and is recovered like after a crash.
            let lost = current.take();
            set_recording(task, source, false);
            report(task, inner, &error);
            lock(&task.status).disk_full |= source == Source::Live && error.code == ErrorCode::DiskFull;
            if let Some(recording) = lost {
                drop(recording.writer);
                if let Err(error) = recover::recover_one(inner, recording.clip) {
                    tracing::error!(camera = %task.id, clip = %recording.clip, "not recovered yet: {error}");
                }
            }
            if source != Source::Live {
                tally.failed = Some(error);
                return tally;
            }
        }
    }
    if let Some(recording) = current.take()
        && let Err(error) = finish(task, inner, recording, &mut tally, true)
    {
        report(task, inner, &error);
        tally.failed = Some(error);
    }
    set_recording(task, source, false);
    tally
}

/// Notes whether the camera is being recorded; a fetch says nothing of that.
fn set_recording(task: &CameraTask, source: Source, is_recording: bool) {
    if source == Source::Live {
        let mut status = lock(&task.status);
        status.recording = is_recording;
        status.disk_full &= !is_recording;
    }
}

fn report(task: &CameraTask, inner: &Arc<Inner>, error: &Error) {
    let full = error.code == ErrorCode::DiskFull;
    let kind = if full {
        NoticeKind::DiskFull
    } else if error.code == ErrorCode::LogUnwritable {
        NoticeKind::LogUnwritable
    } else {
        NoticeKind::RecordingFailed
    };
    inner.notice(kind, Some(task.id), error.message.clone());
    let note = Note::new(Kind::Error)
        .camera(task.id)
        .fact("what", if full { "disk_full" } else { "recording_failed" })
        .fact("detail", error.message.clone());
    let writer = Arc::clone(inner);
    if let Err(error) = inner.db.write_blocking(move |tables| writer.logbook.append(tables, &note, None)) {
        tracing::error!("and that could not be logged: {error}");
    }
}

fn take(
    task: &CameraTask,
    inner: &Arc<Inner>,
    source: Source,
    current: &mut Option<Recording>,
    tally: &mut Tally,
    frame: BulkFrame,
) -> Result<()> {
    match frame {
        BulkFrame::ClipStart(start) => {
            // What went wrong with the clip before must not cost this one.
            if let Some(recording) = current.take()
                && let Err(error) = finish(task, inner, recording, tally, true)
            {
                report(task, inner, &error);
            }
            *current = begin(task, inner, source, start)?;
        }
        BulkFrame::Init { clip_seq, bytes } => {
            if let Some(recording) = current_of(current, clip_seq) {
                recording.writer.write_all(&bytes)?;
            }
        }
        BulkFrame::Fragment { meta, bytes } => {
            if let Some(recording) = current_of(current, meta.clip_seq) {
                write_fragment(inner, recording, &meta, &bytes)?;
                set_recording(task, source, true);
            }
        }
        BulkFrame::ClipEnd(end) => {
            if current_of(current, end.clip_seq).is_some()
                && let Some(recording) = current.take()
            {
                // What follows comes at once, or not before something happens.
                if !matches!(task.plan.order(), Keep::All { .. }) {
                    set_recording(task, source, false);
                }
                finish(task, inner, recording, tally, false)?;
            }
        }
        BulkFrame::Thumbnail { clip_seq, jpeg } => {
            if let Some(recording) = current_of(current, clip_seq) {
                recording.thumbnail = Some(seal_to(&[recording.key.recipient()], &jpeg)?);
            }
        }
        BulkFrame::FileStart(_) | BulkFrame::FileWrite { .. } | BulkFrame::FileEnd(_) => {
            return Err(Error::internal("a worker that records sends files"));
        }
    }
    Ok(())
}

fn current_of(current: &mut Option<Recording>, clip_seq: u64) -> Option<&mut Recording> {
    current.as_mut().filter(|recording| recording.start.clip_seq == clip_seq)
}

fn keep_room(inner: &Inner) -> Result<()> {
    if inner.options.disk.space(&inner.options.data_folder)?.free_bytes < ROOM_BYTES {
        return Err(Error::new(
            ErrorCode::DiskFull,
            format!(
                "less than {} MiB are free: recording pauses until there is room again",
                ROOM_BYTES >> 20
            ),
        ));
    }
    Ok(())
}

/// When a clip begins. A worker's word is not trusted further than it can be right; `None`: not to be taken at all.
fn start_of(inner: &Inner, source: Source, start: &ClipStart) -> Option<UnixMicros> {
    let said = start.start_unix_us;
    match source {
        // The worker's clock is this computer's.
        Source::Live => {
            let now = inner.now();
            Some(if now.0.abs_diff(said.0) > LIVE_SLACK_US { now } else { said })
        }
        Source::Card { from_us, to_us } => {
            (said.0 >= from_us.0.saturating_sub(START_SLACK_US) && said < to_us).then(|| said.max(from_us))
        }
        Source::File { from_us } => {
            (said >= from_us && said.0.saturating_sub(from_us.0) <= FILE_MAX_US).then_some(said)
        }
    }
}

fn begin(
    task: &CameraTask,
    inner: &Arc<Inner>,
    source: Source,
    start: ClipStart,
) -> Result<Option<Recording>> {
    let Some(start_us) = start_of(inner, source, &start) else {
        tracing::warn!(camera = %task.id, at = %start.start_unix_us, "a clip from the card lies outside of the span that was asked for");
        return Ok(None);
    };
    keep_room(inner)?;
    let owner =
        inner.logbook.owner().ok_or_else(|| Error::internal("there is no owner to seal a clip for"))?;
    let clip = ClipId::random(&mut rand::rng());
    let key = ClipKey::generate();
    let start = ClipStart { start_unix_us: start_us, ..start };
    let part = PartRow {
        clip,
        camera: task.id,
        start_us,
        owner_wrap: key.wrap_for_owner(&owner),
        recipient: key.recipient().to_string(),
        from_card: matches!(source, Source::Card { .. }),
    };
    inner.db.write_blocking(move |tables| Ok(tables.insert_part(&part)?))?;
    if source == Source::Live {
        // Only now is it known where a gap ends.
        task.card.camera_is_back();
    }
    let path = inner.clip_path(task.id, clip);
    let files = || -> Result<_> {
        let folder = inner.clips_folder(task.id);
        std::fs::create_dir_all(&folder)?;
        let writer = ClipWriter::create(&path, &key.recipient())?;
        let index = IndexFile::create(&path, &start)?;
        std::fs::File::open(&folder)?.sync_all()?;
        Ok((writer, index))
    };
    let (writer, index) = files().inspect_err(|_| {
        // Nothing was recorded into them: neither they nor their row may look like a clip cut short.
        let _ = std::fs::remove_file(hausrecht_vault::part_path(&path));
        let _ = std::fs::remove_file(index::index_path(&path));
        let _ = inner.db.write_blocking(move |tables| Ok(tables.delete_part(clip)?));
    })?;
    Ok(Some(Recording {
        clip,
        start,
        source,
        key,
        writer,
        index,
        path,
        frames: 0,
        end_us: 0,
        fragments_end: 0,
        synced: inner.options.clock.monotonic(),
        began: inner.options.clock.monotonic(),
        thumbnail: None,
        cause: if source == Source::Live { task.plan.cause() } else { None },
        ahead: inner.now().since(start_us),
    }))
}

fn write_fragment(inner: &Inner, recording: &mut Recording, meta: &FragmentMeta, bytes: &[u8]) -> Result<()> {
    let now = inner.options.clock.monotonic();
    // The worker says how long its pictures last.
    let limit_us = match recording.source {
        // It cannot be longer than the time that has passed.
        Source::Live => {
            let limit = now.saturating_sub(recording.began) + recording.ahead + CLOCK_SLACK;
            u64::try_from(limit.as_micros()).unwrap_or(u64::MAX)
        }
        // Nor than the span.
        Source::Card { to_us, .. } => {
            let limit_us = u64::try_from(to_us.0 - recording.start.start_unix_us.0).unwrap_or(0);
            if meta.start_us >= limit_us {
                return Ok(());
            }
            limit_us
        }
        Source::File { .. } => FILE_MAX_US.unsigned_abs(),
    };
    let start_us = meta.start_us.min(limit_us);
    let fragment = Fragment {
        start_us,
        offset: recording.writer.plain_bytes(),
        len: u32::try_from(bytes.len()).map_err(Error::internal)?,
        frames: meta.frames,
        key: meta.key,
    };
    recording.writer.write_all(bytes)?;
    let end = recording.writer.plain_bytes();
    if recording.source == Source::Live {
        close_chunk(recording, meta)?;
    }
    recording.fragments_end = end;
    recording.index.push(fragment)?;
    recording.frames += u64::from(meta.frames);
    recording.end_us = recording.end_us.max(start_us.saturating_add(meta.duration_us).min(limit_us));
    if now.saturating_sub(recording.synced) >= SYNC_EVERY {
        recording.writer.sync()?;
        recording.index.sync()?;
        recording.synced = now;
        keep_room(inner)?;
    }
    Ok(())
}

/// Fills the chunk that is open with a box that says nothing, if a crash would cost more than [`FRAGMENT_MAX_US`] with it: so it is with
/// cameras that send less than a chunk in that time. What is fetched or imported can be had again.
fn close_chunk(recording: &mut Recording, meta: &FragmentMeta) -> Result<()> {
    let unsealed = recording.writer.unsealed_bytes();
    let has_older = recording.writer.plain_bytes() - unsealed < recording.fragments_end;
    if !has_older && meta.duration_us <= LONG_FRAGMENT_US {
        return Ok(());
    }
    // A chunk is written once another has begun: the box reaches a little into it.
    let mut filling = Vec::new();
    let len = CHUNK_BYTES - unsealed + BOX_HEADER_BYTES;
    fmp4::free(&mut filling, u32::try_from(len).map_err(Error::internal)?);
    Ok(recording.writer.write_all(&filling)?)
}

/// Closes a clip. `interrupted` says that the stream broke off; the file is whole up to there.
fn finish(
    task: &CameraTask,
    inner: &Arc<Inner>,
    recording: Recording,
    tally: &mut Tally,
    interrupted: bool,
) -> Result<()> {
    let Recording { clip, start, source, key, writer, index, path, frames, end_us, thumbnail, cause, .. } =
        recording;
    if frames == 0 {
        writer.abandon()?;
        index.remove();
        return inner.db.write_blocking(move |tables| Ok(tables.delete_part(clip)?));
    }
    let sealed = writer.finish()?;
    let row = ClipRow {
        id: clip,
        camera: task.id,
        start_us: start.start_unix_us,
        duration_us: i64::try_from(end_us).map_err(Error::internal)?,
        size_bytes: sealed.size_bytes,
        plain_bytes: sealed.plain_bytes,
        sha256: sealed.sha256,
        cut_short: false,
        codec: codec_name(start.codec).to_owned(),
        width: start.width,
        height: start.height,
        fragments: index.to_bytes(),
        thumbnail,
        entry: 0,
        from_card: matches!(source, Source::Card { .. }),
    };
    let mut note = recorded_note(Kind::Recorded, &row, &sealed).fact("frames", frames);
    if matches!(source, Source::File { .. }) {
        note = note.fact("imported", true);
    }
    if interrupted {
        note = note.fact("interrupted", true);
    }
    if let Some(cause) = cause {
        note = note.fact("event", cause.kind.as_str());
    }
    enter(inner, row, &note, Some(key), cause)?;
    index.remove();
    tally.clips += 1;
    tally.pictures += frames;
    tracing::debug!(camera = %task.id, clip = %clip, path = %path.display(), frames, "clip sealed");
    Ok(())
}

pub(crate) fn codec_name(codec: hausrecht_model::Codec) -> &'static str {
    match codec {
        hausrecht_model::Codec::H264 => "h264",
        hausrecht_model::Codec::H265 => "h265",
        hausrecht_model::Codec::Mjpeg => "mjpeg",
    }
}

fn recorded_note(kind: Kind, row: &ClipRow, sealed: &Sealed) -> Note {
    let note = Note::new(kind)
        .camera(row.camera)
        .clip(row.id)
        .fact("start_us", row.start_us.0)
        .fact("duration_us", row.duration_us)
        .fact("size_bytes", sealed.size_bytes)
        .fact("sha256", hex::encode(sealed.sha256));
    if row.from_card { note.fact("from_card", true) } else { note }
}

/// One transaction: log entry, clip row, wraps; the part row goes. `key` wraps the clip for standing grants; a recovered
/// clip has only its owner's wrap until the owner signs in, because nobody but the owner can open it to wrap it again.
fn enter(
    inner: &Arc<Inner>,
    row: ClipRow,
    note: &Note,
    key: Option<ClipKey>,
    cause: Option<Cause>,
) -> Result<()> {
    let writer = Arc::clone(inner);
    let note = note.clone();
    let start_us = row.start_us;
    let (size, left) = inner.db.write_blocking(move |tables| {
        let part = tables.parts()?.into_iter().find(|part| part.clip == row.id);
        let part = part.ok_or_else(|| Error::internal("the clip's part row is gone"))?;
        let entry = writer.logbook.append(tables, &note, None)?;
        let clip = ClipRow { entry, ..row };
        tables.insert_clip(&clip)?;
        tables.insert_wrap(clip.id, None, &part.owner_wrap)?;
        if let Some(cause) = cause {
            tables.put_cause(clip.id, cause.event, cause.kind)?;
        }
        let mut left = Vec::new();
        if let Some(key) = key {
            for (grant, wrap) in writer.standing_wraps(tables, &clip, &key)? {
                tables.insert_wrap(clip.id, Some(grant), &wrap)?;
            }
        } else {
            // Only the owner can open it to wrap it: that waits for their next sign-in.
            let now = writer.now();
            let grants = tables.grants_of_camera(clip.camera)?;
            let covers = |grant: &&GrantRow| grant.covers(clip.id, clip.start_us, end_of(&clip), now);
            for grant in grants.iter().filter(covers) {
                tables.set_grant_pending(grant.id, true)?;
                left.push(grant.id);
            }
        }
        tables.delete_part(clip.id)?;
        Ok((entry + 1, left))
    })?;
    if !left.is_empty() {
        for grant in lock(&inner.grants).iter_mut().filter(|grant| left.contains(&grant.id)) {
            grant.pending = true;
        }
        inner.wrap_soon();
    }
    inner.tell(Event::LogGrew(size));
    inner.clips_changed();
    tracing::debug!(%start_us, "clip entered");
    Ok(())
}
