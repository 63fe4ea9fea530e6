//! Puts the films of an export into a package. Its entry is durable before the package has a name; if it does not get one after
//! that, the log says so too.

use hausrecht_ledger::{Entry, Kind};
use hausrecht_media::bulk::FileEnd;
use hausrecht_model::{CameraId, UnixMicros};
use hausrecht_store::{ClipRow, EntryFilter, EntryRow};
use hausrecht_vault::{SealFor, StreamSealer};

use super::{
    Job, file_view, named,
    plan::Planned,
    scratch::Film,
    target::{Published, Target, unwritable},
    work::{Made, stem},
};
use crate::{
    Handle, Result,
    inner::lock,
    logbook::Note,
    package::{
        self, EarlierKey,
        write::{About, Archive, Papers, Source},
    },
    wire::Error,
};

/// Bytes of a camera's name in a film's: in an archive that every program reads, a path has 100.
const NAME_MAX_BYTES: usize = 40;

/// A film that waits for its package.
pub(super) struct Waiting {
    pub(super) film: Film,
    pub(super) camera: CameraId,
    pub(super) camera_name: String,
    pub(super) from_us: UnixMicros,
    pub(super) end: FileEnd,
}

/// Makes the package.
pub(super) fn pack(
    handle: &Handle,
    runtime: &tokio::runtime::Handle,
    job: &Job,
    planned: &Planned,
    (ordered, seal): (u64, &SealFor),
    waiting: Vec<Waiting>,
) -> Result<Made> {
    let inner = &handle.inner;
    let folder = &planned.folder;
    let failed = |error: std::io::Error| unwritable(folder, &error);
    let order = lock(&job.view).order.clone();
    let clips = runtime.block_on(clip_rows(handle, planned))?;
    let owner_key = runtime.block_on(handle.owner_signing_key())?;
    let earlier = runtime.block_on(earlier_keys(handle))?;
    let made_us = inner.now();
    let about = About {
        recipient: order.recipient.clone(),
        purpose: order.purpose.clone(),
        caption: planned.view.caption.clone(),
        ordered,
        made_us,
        log_key: inner.logbook.verifier()?,
        earlier_keys: earlier.clone(),
        owner_key: owner_key.map(|key| hex::encode(key.as_bytes())),
        clips: clips.clone(),
    };
    let target = Target::begin(folder, |part| inner.remember_part(part))?;
    let mut archive = Archive::begin(StreamSealer::begin(seal, target).map_err(failed)?, about);
    let mut made = Made::default();
    for (number, waiting) in (1..).zip(&waiting) {
        let Waiting { film, camera, camera_name, from_us, end } = waiting;
        let short = &camera_name[..camera_name.floor_char_boundary(NAME_MAX_BYTES)];
        let name = format!("{number:03} {}.mp4", stem(short, *from_us));
        made.files.push(file_view(name.clone(), film.size_bytes, camera_name, *from_us, end));
        let source = Source {
            name,
            camera: *camera,
            camera_name: camera_name.clone(),
            from_us: *from_us,
            end: end.clone(),
            size_bytes: film.size_bytes,
            film: film.read().map_err(failed)?,
        };
        archive.film(source, || job.ended().is_none()).map_err(failed)?;
    }
    let manifest_sha256 = archive.manifest().map_err(failed)?;
    if let Some(error) = job.ended() {
        return Err(error);
    }
    let mut note = named(Note::new(Kind::Disclosed), &order)
        .by(job.person.id)
        .fact("manifest_sha256", manifest_sha256)
        .fact("films", waiting.len())
        .fact("clips", clips.len())
        .fact("sealed", if matches!(seal, SealFor::Recipient(_)) { "key" } else { "passphrase" });
    note.refers_to = Some(ordered);
    let (writer, keys) = (std::sync::Arc::clone(inner), job.person.owner().cloned());
    let (given, checkpoint) = runtime
        .block_on(inner.db.write(move |tables| package::write::give(&writer, tables, &note, keys.as_deref())))
        .map_err(Error::order_unwritable)?;
    inner.tell(crate::wire::Event::LogGrew(given + 1));
    let published = runtime
        .block_on(package::write::papers(inner, given, checkpoint, &clips, &earlier))
        .and_then(|papers| publish(job, archive, &papers, &order.recipient, made_us, folder))
        .inspect_err(|error| {
            let mut note = Note::new(Kind::Error)
                .by(job.person.id)
                .fact("what", "package")
                .fact("why", error.message.clone());
            note.refers_to = Some(given);
            runtime.block_on(inner.log_or_tell(note));
        })?;
    made.package = Some(published.name());
    Ok(made)
}

fn publish(
    job: &Job,
    archive: Archive<Target>,
    papers: &Papers,
    recipient: &str,
    made_us: UnixMicros,
    folder: &std::path::Path,
) -> Result<Published> {
    let target = archive.finish(papers).map_err(|error| unwritable(folder, &error))?;
    if let Some(error) = job.ended() {
        return Err(error);
    }
    target.publish(&stem(&format!("Hausrecht {recipient}"), made_us), package::EXTENSION)
}

/// The logs that this one succeeds, each with the entry that names it.
async fn earlier_keys(handle: &Handle) -> Result<Vec<EarlierKey>> {
    let kinds = vec![Kind::Succeeded.as_str().to_owned()];
    let filter = EntryFilter { kinds, ..EntryFilter::default() };
    let rows = handle.inner.db.read(move |tables| Ok(tables.entries(&filter, 0, 500)?)).await?;
    let key = |row: &EntryRow| {
        let entry = Entry::parse(&row.leaf).ok()?;
        Some(EarlierKey { key: entry.facts.get("key")?.as_str()?.to_owned(), entry: row.index })
    };
    Ok(rows.iter().filter_map(key).collect())
}

/// The clips as they are now: one that was erased meanwhile is given to nobody.
async fn clip_rows(handle: &Handle, planned: &Planned) -> Result<Vec<ClipRow>> {
    let mut wanted: Vec<_> =
        planned.reels.iter().flat_map(|reel| reel.parts.iter().map(|part| part.clip)).collect();
    wanted.dedup();
    handle
        .inner
        .db
        .read(move |tables| {
            wanted
                .into_iter()
                .map(|clip| {
                    let row = tables.clip(clip)?;
                    row.ok_or_else(|| {
                        Error::not_found("a clip that was to be given: it was erased meanwhile, and it")
                    })
                })
                .collect()
        })
        .await
}
