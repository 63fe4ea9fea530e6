//! Takes files over, one after the other: each whole or not at all. The entry that it begins comes before its first clip.

use std::{
    fs::Metadata,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use hausrecht_ledger::Kind;
use hausrecht_media::{Event as WorkerEvent, FootageTask};
use hausrecht_model::{CameraId, ImportId, PersonId};
use hausrecht_store::{CameraRow, ImportRow};

use super::{
    File,
    look::{hash, known_in, open},
    serve::{Bytes, Ended, serve},
};
use crate::{
    Result,
    camera::CameraTask,
    handle::blocking,
    inner::{Inner, lock},
    logbook::Note,
    recorder::{self, Source, Tally},
    retention,
    wire::{Error, ErrorCode, Event, FootageRefusal, FootageState, ImportFootage},
};

/// What became of one file.
enum Outcome {
    Done { tally: Tally, left_out: u64, cut: Option<String> },
    Refused(FootageRefusal, String),
    Known(String),
    Stopped,
}

/// Imports all that are queued, for `person`.
pub(crate) async fn import_all(inner: Arc<Inner>, person: PersonId) {
    while let Some(file) = inner.footage.next(FootageState::Queued, |shelf| shelf.importing = false) {
        let id = file.view.id;
        if inner.footage.stop.load(Ordering::Relaxed) || inner.is_stopping() {
            inner.change_footage(id, |file, _| file.view.state = FootageState::Stopped);
            continue;
        }
        inner.change_footage(id, |file, _| {
            file.view.state = FootageState::Importing;
            (file.view.refusal, file.view.done_us) = (None, 0);
            file.view.detail.clear();
        });
        let outcome = import(&inner, &file, person).await.unwrap_or_else(|error| {
            let is_ours = matches!(error.code, ErrorCode::DiskFull | ErrorCode::LogUnwritable);
            let refusal = if is_ours { FootageRefusal::NotWritten } else { FootageRefusal::Unreadable };
            Outcome::Refused(refusal, error.message)
        });
        inner.change_footage(id, |file, _| match outcome {
            Outcome::Done { tally, left_out, cut } => {
                file.view.state = FootageState::Done;
                file.view.done_us = file.view.duration_us;
                (file.view.clips, file.view.pictures, file.view.left_out) =
                    (tally.clips, tally.pictures, left_out);
                file.view.cut_short = cut.is_some();
                file.view.detail = cut.unwrap_or_default();
            }
            Outcome::Refused(refusal, text) => file.refuse(FootageState::Failed, refusal, text),
            Outcome::Known(source) => {
                file.view.known_in = Some(source);
                file.refuse(FootageState::Failed, FootageRefusal::Known, "");
            }
            Outcome::Stopped => file.view.state = FootageState::Stopped,
        });
        inner.clips_changed();
    }
    inner.footage.stop.store(false, Ordering::Relaxed);
    inner.tell_footage();
}

async fn import(inner: &Arc<Inner>, file: &File, person: PersonId) -> Result<Outcome> {
    let Some(wanted) = file.wanted.clone() else { return Ok(Outcome::Stopped) };
    let (working, opening) = (Arc::clone(inner), file.clone());
    let (bytes, before, sha256) = blocking(move || {
        let bytes = open(&opening)?;
        // What is entered is the hash of what is taken over: a change from here on makes it void.
        let before = bytes.file.metadata()?;
        let sha256 = hash(&working, &bytes)?;
        Ok((bytes, before, sha256))
    })
    .await?;
    let Some(sha256) = sha256 else { return Ok(Outcome::Stopped) };
    if let Some(source) = known_in(inner, sha256, bytes.size_bytes).await? {
        return Ok(Outcome::Known(source));
    }
    let (row, source) = begin(inner, file, &wanted, sha256, bytes.size_bytes, person).await?;
    let (working, start_us) = (Arc::clone(inner), wanted.start_us.0);
    let id = file.view.id;
    let taken = blocking(move || take(&working, id, (&bytes, &before), source, start_us)).await;
    let (outcome, is_whole) = match taken {
        Ok(done @ Outcome::Done { .. }) => (Ok(done), true),
        other => (other, false),
    };
    let erased = if is_whole { Ok(()) } else { undo(inner, &row).await };
    end(inner, &row, outcome.as_ref()).await?;
    erased?;
    outcome
}

/// Enters that it begins, and the source if there is none of this name yet.
async fn begin(
    inner: &Arc<Inner>,
    file: &File,
    wanted: &ImportFootage,
    sha256: [u8; 32],
    size_bytes: u64,
    person: PersonId,
) -> Result<(ImportRow, CameraRow)> {
    let note = Note::new(Kind::ImportBegun)
        .by(person)
        .fact("sha256", hex::encode(sha256))
        .fact("size_bytes", size_bytes)
        .fact("start_us", wanted.start_us.0)
        .fact("time_from", serde_json::to_value(file.view.time_from)?)
        .fact("time_changed", Some(wanted.start_us) != file.view.start_us)
        .fact("source", wanted.source.clone())
        .personal("file", file.view.name.clone());
    let note = match &file.track {
        Some(track) => note.fact("track_sha256", hex::encode(track.sha256)).fact("places", track.fixes.len()),
        None => note,
    };
    let track = match (&file.track, inner.logbook.owner()) {
        (Some(track), Some(owner)) => Some(track.sealed(&owner)?),
        _ => None,
    };
    let fresh = source_row(wanted.source.clone(), inner.now());
    let (writer, start_us) = (Arc::clone(inner), wanted.start_us);
    let (row, source, is_new) = inner
        .db
        .write(move |tables| {
            let known = tables.source_named(&fresh.name)?;
            let known = match known {
                Some(id) => tables.cameras()?.into_iter().find(|row| row.id == id),
                None => None,
            };
            let is_new = known.is_none();
            let source = known.unwrap_or(fresh);
            if is_new {
                tables.put_camera(&source)?;
            }
            let entry = writer.logbook.append(tables, &note.camera(source.id), None)?;
            let id = ImportId::random(&mut rand::rng());
            let row = ImportRow {
                id,
                source: source.id,
                sha256,
                size_bytes,
                start_us,
                entry,
                ended_us: None,
                track,
            };
            tables.insert_import(&row)?;
            Ok((row, source, is_new))
        })
        .await
        .map_err(Error::log_unwritable)?;
    if is_new {
        lock(&inner.camera_rows).insert(source.id, source.clone());
    }
    inner.tell(Event::LogGrew(row.entry + 1));
    Ok((row, source))
}

/// A source: no camera, so it has nothing that a camera has.
fn source_row(name: String, now: hausrecht_model::UnixMicros) -> CameraRow {
    CameraRow {
        id: CameraId::random(&mut rand::rng()),
        name,
        endpoint: String::new(),
        xaddr: String::new(),
        maker: String::new(),
        model: String::new(),
        firmware: String::new(),
        demo: false,
        main_uri: String::new(),
        sub_uri: None,
        sign_in: Vec::new(),
        added_us: now,
        removed_us: None,
        main_token: None,
        sub_token: None,
        certificate: None,
        own_level: None,
        imported: true,
    }
}

/// Lets a worker take the file apart, and seals what comes.
fn take(
    inner: &Arc<Inner>,
    id: u32,
    (bytes, before): (&Bytes, &Metadata),
    source: CameraRow,
    start_us: i64,
) -> Result<Outcome> {
    // Nothing runs for a source; the recorder only asks which one it is.
    let task = CameraTask::new(inner, source);
    let has_failed = AtomicBool::new(false);
    let stop = || {
        inner.footage.stop.load(Ordering::Relaxed)
            || inner.is_stopping()
            || has_failed.load(Ordering::Relaxed)
    };
    let mut ended = None;
    let told = |event| {
        if let WorkerEvent::FootagePosition { done_us } = event {
            inner.change_footage(id, |file, _| {
                file.view.done_us = i64::try_from(done_us).unwrap_or(i64::MAX);
            });
        } else if let WorkerEvent::FootageEnded { left_out, cut } = event {
            ended = Some((left_out, cut));
        }
    };
    let clip_target_ms = u32::try_from(inner.options.clip_length.as_millis()).unwrap_or(60_000);
    let wanted = FootageTask::Import { start_unix_us: start_us, clip_target_ms };
    let from_us = hausrecht_model::UnixMicros(start_us);
    let (end, tally) = serve(inner, bytes, wanted, stop, told, |bulk| {
        let tally = recorder::record(&task, inner, Source::File { from_us }, bulk);
        has_failed.store(tally.failed.is_some(), Ordering::Relaxed);
        tally
    })?;
    if let Some(error) = tally.failed {
        return Err(error);
    }
    let after = bytes.file.metadata()?;
    if after.len() != before.len() || after.modified().ok() != before.modified().ok() {
        let text = "the file was changed while it was being imported: import it again when it is whole";
        return Ok(Outcome::Refused(FootageRefusal::Changed, text.into()));
    }
    Ok(match (end, ended) {
        (Ended::Well, Some((left_out, cut))) => Outcome::Done { tally, left_out, cut },
        (Ended::Refused(refusal, text), _) => Outcome::Refused(refusal, text),
        (Ended::Died(text), _) => Outcome::Refused(FootageRefusal::ReaderDied, text),
        (Ended::Well | Ended::Stopped, _) => Outcome::Stopped,
    })
}

/// Erases what came of a file that did not become whole, and its source if nothing is left there.
async fn undo(inner: &Arc<Inner>, row: &ImportRow) -> Result<()> {
    let (writer, row) = (Arc::clone(inner), row.clone());
    let source = row.source;
    let now = inner.now();
    let gone = inner
        .db
        .write(move |tables| {
            let clips = tables.clips_entered_after(row.source, row.entry)?;
            // An entry has room for the tags of some hundreds.
            for clips in clips.chunks(super::ERASED_AT_ONCE) {
                let tags: Vec<_> =
                    clips.iter().map(|clip| writer.logbook.clip_tag(*clip).to_string()).collect();
                let mut note = Note::new(Kind::Erased)
                    .camera(row.source)
                    .fact("clips", clips.len())
                    .fact("why", "import_not_whole")
                    .fact("tags", tags);
                note.refers_to = Some(row.entry);
                for clip in clips {
                    tables.begin_erasing(*clip)?;
                }
                writer.logbook.append(tables, &note, None)?;
            }
            tables.delete_import(row.id)?;
            let is_empty = !tables.source_sums()?.iter().any(|sum| sum.source == row.source);
            let source = tables.cameras()?.into_iter().find(|one| one.id == row.source);
            let gone = source.filter(|_| is_empty).map(|one| CameraRow { removed_us: Some(now), ..one });
            if let Some(gone) = &gone {
                tables.put_camera(gone)?;
            }
            Ok(gone)
        })
        .await?;
    if let Some(gone) = gone {
        lock(&inner.camera_rows).insert(source, gone);
    }
    retention::finish_erasing(inner).await
}

/// Enters how it ended.
async fn end(inner: &Arc<Inner>, row: &ImportRow, outcome: Result<&Outcome, &Error>) -> Result<()> {
    let mut note = Note::new(Kind::ImportEnded).camera(row.source);
    note.refers_to = Some(row.entry);
    note = match outcome {
        Ok(Outcome::Done { tally, left_out, cut }) => {
            let note =
                note.fact("outcome", "done").fact("clips", tally.clips).fact("pictures", tally.pictures);
            let note = if *left_out > 0 { note.fact("left_out", *left_out) } else { note };
            if cut.is_some() { note.fact("cut_short", true) } else { note }
        }
        Ok(Outcome::Refused(refusal, _)) => {
            note.fact("outcome", "failed").fact("why", serde_json::to_value(refusal)?)
        }
        Ok(Outcome::Known(_) | Outcome::Stopped) => note.fact("outcome", "stopped"),
        Err(error) => note.fact("outcome", "failed").fact("why", serde_json::to_value(error.code)?),
    };
    let (writer, id, now) = (Arc::clone(inner), row.id, inner.now());
    let index = inner
        .db
        .write(move |tables| {
            tables.end_import(id, now)?;
            writer.logbook.append(tables, &note, None)
        })
        .await?;
    inner.tell(Event::LogGrew(index + 1));
    Ok(())
}

/// Erases what the last run had begun to take over and did not come to the end of.
pub(crate) async fn undo_unfinished(inner: &Arc<Inner>) -> Result<()> {
    for row in inner.db.read(|tables| Ok(tables.open_imports()?)).await? {
        undo(inner, &row).await?;
        end(inner, &row, Ok(&Outcome::Stopped)).await?;
    }
    Ok(())
}
