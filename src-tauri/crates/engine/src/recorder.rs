//! Takes what a worker sends, seals it while it streams, and enters each clip into database and log.
//!
//! Order for each clip: part row with the wrapped key, `.part` file, at least one `fdatasync` a second, then the final
//! name, then one transaction for clip row, wraps and log entry. What a crash leaves is taken up by [`recover_parts`].

mod index;
mod recover;

use std::{os::unix::net::UnixStream, path::PathBuf, sync::Arc, time::Duration};

use hausrecht_ledger::Kind;
use hausrecht_media::{
    BulkFrame, BulkReader,
    bulk::{ClipStart, FragmentMeta},
};
use hausrecht_model::{ClipId, GrantId, UnixMicros};
use hausrecht_store::{ClipRow, PartRow, ScopeRow, Tables};
use hausrecht_vault::{ClipKey, ClipWriter, Sealed, seal_to};

use self::index::{Fragment, IndexFile};
pub(crate) use self::recover::{hash_file, recover_parts};
use crate::{
    Result,
    camera::CameraTask,
    inner::{Inner, lock},
    logbook::Note,
    wire::Event,
    wire::{Error, ErrorCode, NoticeKind},
};

/// How often what was written is made durable.
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// How far a camera's stream may run ahead of this computer's clock.
const CLOCK_SLACK: Duration = Duration::from_secs(30);
/// Below this much free space recording pauses: the log must still be writable, or nothing could be opened or erased.
const ROOM_BYTES: u64 = 128 << 20;

/// A clip that is being written.
struct Recording {
    clip: ClipId,
    start: ClipStart,
    key: ClipKey,
    writer: ClipWriter,
    index: IndexFile,
    path: PathBuf,
    frames: u64,
    end_us: u64,
    synced: Duration,
    began: Duration,
    thumbnail: Option<Vec<u8>>,
}

/// Records until the worker ends its stream. Never stops reading: if the disk is full the pictures go nowhere, but the
/// live view goes on, and each new clip is a new try.
pub(crate) fn record(task: &CameraTask, inner: &Arc<Inner>, mut bulk: BulkReader<UnixStream>) {
    let mut current: Option<Recording> = None;
    loop {
        let frame = match bulk.next_frame() {
            Ok(Some(frame)) => frame,
            Ok(None) => break,
            Err(error) => {
                tracing::warn!(camera = %task.id, "the worker's stream ended: {error}");
                break;
            }
        };
        if let Err(error) = take(task, inner, &mut current, frame) {
            // What is on disk already stays as a part and is recovered like after a crash.
            let lost = current.take();
            lock(&task.status).recording = false;
            report(task, inner, &error);
            if let Some(recording) = lost {
                drop(recording.writer);
                if let Err(error) = recover::recover_one(inner, recording.clip) {
                    tracing::error!(camera = %task.id, clip = %recording.clip, "not recovered yet: {error}");
                }
            }
        }
    }
    if let Some(recording) = current.take()
        && let Err(error) = finish(task, inner, recording, true)
    {
        report(task, inner, &error);
    }
    lock(&task.status).recording = false;
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
    current: &mut Option<Recording>,
    frame: BulkFrame,
) -> Result<()> {
    match frame {
        BulkFrame::ClipStart(start) => {
            // What went wrong with the clip before must not cost this one.
            if let Some(recording) = current.take()
                && let Err(error) = finish(task, inner, recording, true)
            {
                report(task, inner, &error);
            }
            *current = Some(begin(task, inner, start)?);
        }
        BulkFrame::Init { clip_seq, bytes } => {
            if let Some(recording) = current_of(current, clip_seq) {
                recording.writer.write_all(&bytes)?;
            }
        }
        BulkFrame::Fragment { meta, bytes } => {
            if let Some(recording) = current_of(current, meta.clip_seq) {
                write_fragment(inner, recording, &meta, &bytes)?;
                lock(&task.status).recording = true;
            }
        }
        BulkFrame::ClipEnd(end) => {
            if current_of(current, end.clip_seq).is_some()
                && let Some(recording) = current.take()
            {
                finish(task, inner, recording, false)?;
            }
        }
        BulkFrame::Thumbnail { clip_seq, jpeg } => {
            if let Some(recording) = current_of(current, clip_seq) {
                recording.thumbnail = Some(seal_to(&[recording.key.recipient()], &jpeg)?);
            }
        }
    }
    Ok(())
}

fn current_of(current: &mut Option<Recording>, clip_seq: u64) -> Option<&mut Recording> {
    current.as_mut().filter(|recording| recording.start.clip_seq == clip_seq)
}

fn keep_room(inner: &Inner) -> Result<()> {
    let disk = rustix::fs::statvfs(&inner.options.data_folder).map_err(std::io::Error::from)?;
    if disk.f_bavail.saturating_mul(disk.f_frsize) < ROOM_BYTES {
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

fn begin(task: &CameraTask, inner: &Arc<Inner>, start: ClipStart) -> Result<Recording> {
    keep_room(inner)?;
    let owner =
        inner.logbook.owner().ok_or_else(|| Error::internal("there is no owner to seal a clip for"))?;
    let clip = ClipId::random(&mut rand::rng());
    let key = ClipKey::generate();
    // The worker's clock is this computer's, but its word is not trusted further than a minute.
    let now = inner.now();
    let start_us = if now.0.abs_diff(start.start_unix_us.0) > 60_000_000 { now } else { start.start_unix_us };
    let start = ClipStart { start_unix_us: start_us, ..start };
    let part = PartRow {
        clip,
        camera: task.id,
        start_us,
        owner_wrap: key.wrap_for_owner(&owner),
        recipient: key.recipient().to_string(),
    };
    inner.db.write_blocking(move |tables| Ok(tables.insert_part(&part)?))?;
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
    Ok(Recording {
        clip,
        start,
        key,
        writer,
        index,
        path,
        frames: 0,
        end_us: 0,
        synced: inner.options.clock.monotonic(),
        began: inner.options.clock.monotonic(),
        thumbnail: None,
    })
}

fn write_fragment(inner: &Inner, recording: &mut Recording, meta: &FragmentMeta, bytes: &[u8]) -> Result<()> {
    // The worker says how long its pictures last; it cannot be longer than the time that has passed.
    let now = inner.options.clock.monotonic();
    let limit = now.saturating_sub(recording.began) + CLOCK_SLACK;
    let limit_us = u64::try_from(limit.as_micros()).unwrap_or(u64::MAX);
    let start_us = meta.start_us.min(limit_us);
    let fragment = Fragment {
        start_us,
        offset: recording.writer.plain_bytes(),
        len: u32::try_from(bytes.len()).map_err(Error::internal)?,
        frames: meta.frames,
        key: meta.key,
    };
    recording.writer.write_all(bytes)?;
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

/// Closes a clip. `interrupted` says that the stream broke off; the file is whole up to there.
fn finish(task: &CameraTask, inner: &Arc<Inner>, recording: Recording, interrupted: bool) -> Result<()> {
    let Recording { clip, start, key, writer, index, path, frames, end_us, thumbnail, .. } = recording;
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
    };
    let mut note = recorded_note(Kind::Recorded, &row, &sealed).fact("frames", frames);
    if interrupted {
        note = note.fact("interrupted", true);
    }
    enter(inner, row, &note, Some(key))?;
    index.remove();
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
    Note::new(kind)
        .camera(row.camera)
        .clip(row.id)
        .fact("start_us", row.start_us.0)
        .fact("duration_us", row.duration_us)
        .fact("size_bytes", sealed.size_bytes)
        .fact("sha256", hex::encode(sealed.sha256))
}

/// One transaction: log entry, clip row, wraps; the part row goes. `key` wraps the clip for standing grants; a recovered
/// clip has only its owner's wrap, because nobody but the owner can open it to wrap it again.
fn enter(inner: &Arc<Inner>, row: ClipRow, note: &Note, key: Option<ClipKey>) -> Result<()> {
    let writer = Arc::clone(inner);
    let note = note.clone();
    let start_us = row.start_us;
    let size = inner.db.write_blocking(move |tables| {
        let part = tables.parts()?.into_iter().find(|part| part.clip == row.id);
        let part = part.ok_or_else(|| Error::internal("the clip's part row is gone"))?;
        let entry = writer.logbook.append(tables, &note, None)?;
        let clip = ClipRow { entry, ..row };
        tables.insert_clip(&clip)?;
        tables.insert_wrap(clip.id, None, &part.owner_wrap)?;
        if let Some(key) = key {
            for (grant, wrap) in standing_wraps(&writer, tables, &clip, &key)? {
                tables.insert_wrap(clip.id, Some(grant), &wrap)?;
            }
        }
        tables.delete_part(clip.id)?;
        Ok(entry + 1)
    })?;
    inner.tell(Event::LogGrew(size));
    inner.clips_changed();
    tracing::debug!(%start_us, "clip entered");
    Ok(())
}

/// Wraps for the grants that cover a clip which is being recorded now.
fn standing_wraps(
    inner: &Inner,
    tables: &Tables<'_>,
    clip: &ClipRow,
    key: &ClipKey,
) -> Result<Vec<(GrantId, Vec<u8>)>> {
    let broker = inner.logbook.device.broker_recipient();
    let now = inner.now();
    let end_us = UnixMicros(clip.start_us.0 + clip.duration_us);
    let people = tables.people()?;
    Ok(tables
        .grants()?
        .iter()
        .filter(|grant| grant.camera == clip.camera && grant.holds(now))
        .filter(|grant| match grant.scope {
            // From the grant on, not before it.
            ScopeRow::Camera => clip.start_us >= grant.given_us,
            ScopeRow::Span { from_us, to_us } => clip.start_us < to_us && end_us > from_us,
            ScopeRow::Clip(_) => false,
        })
        .filter_map(|grant| {
            let person = people.iter().find(|person| person.id == grant.person)?;
            let recipient = person.recipient.parse().ok()?;
            Some((grant.id, key.wrap_for_person(&broker, &recipient)))
        })
        .collect())
}
