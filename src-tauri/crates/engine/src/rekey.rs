//! Seals clips anew to fresh keys, so that no earlier wrap of them opens anything: for clips of a grant that was taken back, which
//! were never opened through it. Whoever had copied a wrap aside, and came by this computer's key later, would hold a key to
//! nothing.
//!
//! The new file lies beside the old one until the database says that it counts; a start after a crash finds which of the two is meant.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use hausrecht_ledger::Kind;
use hausrecht_model::{ClipId, GrantId};
use hausrecht_store::ClipRow;
use hausrecht_vault::{ClipKey, ClipReader, ClipWriter, OwnerKeys, open_with, seal_to};

use crate::{
    Result, handle::blocking, inner::Inner, logbook::Note, recorder::hash_file, session::SignedIn,
    wire::Error,
};

/// How a new file ends until it takes the place of the old one.
const ENDING: &str = "age.new";
/// Read and sealed at a time.
const PIECE: usize = 1 << 20;

/// Seals `clips` anew, one after the other, for as long as `person` is signed in. Says how many were.
pub(crate) async fn rekey(inner: &Arc<Inner>, person: &SignedIn, clips: Vec<ClipId>) -> Result<u64> {
    let owner = person.owner_keys()?;
    let mut done = 0;
    for clip in clips {
        inner.still(person)?;
        done += u64::from(one(inner, person, &owner, clip).await?);
    }
    Ok(done)
}

async fn one(inner: &Arc<Inner>, person: &SignedIn, owner: &Arc<OwnerKeys>, clip: ClipId) -> Result<bool> {
    let found = inner
        .db
        .read(move |tables| {
            let Some(row) = tables.clip(clip)? else { return Ok(None) };
            let wrap = tables.wraps(clip)?.into_iter().find(|(grant, _)| grant.is_none());
            Ok(wrap.map(|(_, wrap)| (row, wrap)))
        })
        .await?;
    // It was erased in the meantime.
    let Some((row, wrap)) = found else { return Ok(false) };
    let path = inner.clip_path(row.camera, row.id);
    let beside = path.with_extension(ENDING);
    let (keys, source, target) = (Arc::clone(owner), path.clone(), beside.clone());
    let (row, key, owner_wrap) = blocking(move || seal_anew(&row, &wrap, &keys, &source, &target)).await?;
    let note = Note::new(Kind::Rekeyed)
        .by(person.id)
        .camera(row.camera)
        .clip(row.id)
        .fact("start_us", row.start_us.0)
        .fact("duration_us", row.duration_us)
        .fact("size_bytes", row.size_bytes)
        .fact("sha256", hex::encode(row.sha256));
    let (writer, keys, mut row) = (Arc::clone(inner), Arc::clone(owner), row);
    let mut note = note;
    note.refers_to = Some(row.entry);
    // Whoever opens it now sees the old wraps with the old file or the new ones with the new, and nothing between.
    let _swap = inner.files.write().await;
    let (from, to) = (beside.clone(), path.clone());
    let swapped = inner
        .db
        .run(move |store| {
            let there = store.write(|tables| {
                if tables.clip(row.id)?.is_none() {
                    return Ok::<_, Error>(false);
                }
                row.entry = writer.logbook.append(tables, &note, Some(&keys))?;
                tables.replace_clip_file(&row)?;
                tables.drop_clip_wraps(row.id)?;
                tables.insert_wrap(row.id, None, &owner_wrap)?;
                for (grant, wrap) in writer.standing_wraps(tables, &row, &key)? {
                    tables.insert_wrap(row.id, Some(grant), &wrap)?;
                }
                Ok(true)
            })?;
            if there {
                swap(&from, &to)?;
            }
            Ok(there)
        })
        .await;
    if !matches!(swapped, Ok(true)) {
        let _ = fs::remove_file(&beside);
    }
    swapped
}

/// The clip in a new file for a new key, and what its row then says.
fn seal_anew(
    row: &ClipRow,
    wrap: &[u8],
    owner: &OwnerKeys,
    source: &Path,
    target: &Path,
) -> Result<(ClipRow, ClipKey, Vec<u8>)> {
    let old = ClipKey::unwrap_as_owner(wrap, owner.identity())?;
    let mut reader = ClipReader::open_sized(source, &old, row.size_bytes)?;
    let key = ClipKey::generate();
    let _ = fs::remove_file(target);
    let _ = fs::remove_file(hausrecht_vault::part_path(target));
    let mut writer = ClipWriter::create(target, &key.recipient())?;
    let mut buffer = vec![0; PIECE];
    let mut at = 0;
    loop {
        let read = reader.read_at(at, &mut buffer)?;
        if read == 0 {
            break;
        }
        writer.write_all(&buffer[..read])?;
        at += read as u64;
    }
    let sealed = writer.finish()?;
    let thumbnail = row.thumbnail.as_ref().map(|sealed| -> Result<Vec<u8>> {
        let jpeg = open_with(old.identity(), sealed)?;
        Ok(seal_to(&[key.recipient()], &jpeg)?)
    });
    let owner_wrap = key.wrap_for_owner(&owner.recipient());
    let row = ClipRow {
        size_bytes: sealed.size_bytes,
        plain_bytes: sealed.plain_bytes,
        sha256: sealed.sha256,
        thumbnail: thumbnail.transpose()?,
        ..row.clone()
    };
    Ok((row, key, owner_wrap))
}

/// Lets the new file take the place of the old one, durably.
fn swap(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to)?;
    if let Some(folder) = to.parent() {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

impl Inner {
    /// Ends what a crash left between two files: the one that the database names stays.
    pub(crate) async fn finish_rekeying(&self) -> Result<()> {
        for beside in beside_files(&self.options.data_folder.join("clips"))? {
            let part_of_it = beside.extension().is_some_and(|ending| ending == "part");
            let stem = beside.file_name().and_then(|name| name.to_str()?.split('.').next()?.parse().ok());
            let row = match stem {
                Some(clip) => {
                    let clip: ClipId = clip;
                    self.db.read(move |tables| Ok(tables.clip(clip)?)).await?
                }
                None => None,
            };
            let counts = !part_of_it
                && row.as_ref().is_some_and(|row| {
                    hash_file(&beside).is_ok_and(|(_, found)| found.as_slice() == row.sha256.as_slice())
                });
            match (counts, row) {
                (true, Some(row)) => swap(&beside, &self.clip_path(row.camera, row.id))?,
                (_, _) => fs::remove_file(&beside)?,
            }
        }
        Ok(())
    }

    /// Clips of a grant that nobody has opened through it, and that can be sealed anew.
    pub(crate) async fn never_opened(&self, grant: GrantId) -> Result<Vec<ClipId>> {
        self.db.read(move |tables| Ok(tables.never_opened(grant)?)).await
    }
}

fn beside_files(clips: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let Ok(cameras) = fs::read_dir(clips) else { return Ok(found) };
    for camera in cameras.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        for file in fs::read_dir(camera.path())?.flatten() {
            let name = file.file_name();
            let is_beside = name.to_str().is_some_and(|name| {
                name.ends_with(&format!(".{ENDING}")) || name.ends_with(&format!(".{ENDING}.part"))
            });
            if is_beside {
                found.push(file.path());
            }
        }
    }
    Ok(found)
}
