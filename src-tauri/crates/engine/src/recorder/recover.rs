//! Takes up what a crash, a power cut or a full disk left: parts are cut to their last whole chunk and kept as clips
//! that say of themselves that they are cut short. Doing it twice changes nothing.

use std::{collections::BTreeSet, io::Read, path::Path, sync::Arc};

use hausrecht_ledger::Kind;
use hausrecht_model::{ClipId, Codec};
use hausrecht_store::{ClipRow, PartRow};
use hausrecht_vault::{CHUNK_BYTES, RecoverError, Recovered, Sealed, recover_part};
use sha2::{Digest, Sha256};

use super::{codec_name, enter, index, recorded_note};
use crate::{
    Result,
    inner::Inner,
    logbook::Note,
    wire::{Error, NoticeKind},
};

/// No clip lasts longer, whatever an index says.
const DAY_US: u64 = 86_400_000_000;

/// Recovers everything that was being written when the computer or the program stopped.
pub(crate) fn recover_parts(inner: &Arc<Inner>) -> Result<()> {
    let parts = inner.db.write_blocking(|tables| Ok(tables.parts()?))?;
    for part in parts {
        if let Err(error) = recover(inner, &part) {
            // It stays for the next start; recording goes on meanwhile.
            tracing::error!(clip = %part.clip, "not recovered: {error}");
        }
    }
    let left = inner.db.write_blocking(|tables| Ok(tables.parts()?))?;
    remove_strays(&inner.options.data_folder.join("clips"), &left.iter().map(|part| part.clip).collect())
}

/// Removes the indexes of clips that are not being written: a crash came between the clip's entry and the end of its index. The
/// database has what they say.
fn remove_strays(clips: &Path, written: &BTreeSet<ClipId>) -> Result<()> {
    let Ok(cameras) = std::fs::read_dir(clips) else { return Ok(()) };
    for camera in cameras {
        let camera = camera?.path();
        if !camera.is_dir() {
            continue;
        }
        for file in std::fs::read_dir(camera)? {
            let path = file?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let clip = name.strip_suffix(".age.index").and_then(|stem| stem.parse::<ClipId>().ok());
            if clip.is_some_and(|clip| !written.contains(&clip)) {
                std::fs::remove_file(&path)?;
            }
        }
    }
    Ok(())
}

/// Recovers one clip that could not be finished.
pub(super) fn recover_one(inner: &Arc<Inner>, clip: ClipId) -> Result<()> {
    let parts = inner.db.write_blocking(|tables| Ok(tables.parts()?))?;
    match parts.iter().find(|part| part.clip == clip) {
        Some(part) => recover(inner, part),
        None => Ok(()),
    }
}

fn recover(inner: &Arc<Inner>, part: &PartRow) -> Result<()> {
    let path = inner.clip_path(part.camera, part.clip);
    let found = index::read(&path);
    let recovered = match recover_part(&path) {
        Ok(recovered) => Some(recovered),
        // The crash came after the file had its final name.
        Err(RecoverError::Missing { .. } | RecoverError::Exists { .. }) if path.exists() => {
            Some(measure(&path)?)
        }
        Err(RecoverError::Missing { .. } | RecoverError::Nothing { .. }) => None,
        Err(error) => return Err(Error::internal(error)),
    };
    let plain_bytes = recovered.as_ref().map_or(0, |file| file.whole_chunks * CHUNK_BYTES);
    let fragments: Vec<_> = found
        .iter()
        .flat_map(|found| &found.fragments)
        .copied()
        .filter(|fragment| fragment.offset.saturating_add(u64::from(fragment.len)) <= plain_bytes)
        .collect();
    let Some(recovered) = recovered else { return forget(inner, part, &path) };
    // Without its index a clip can still be played: what is on disk is not given up.
    let found =
        found.unwrap_or(index::ClipIndex { codec: Codec::H264, width: 0, height: 0, fragments: Vec::new() });
    // The last fragment's own length is not known; what it starts with is.
    let duration_us = fragments.last().map_or(0, |last| {
        let mean_us =
            if fragments.len() > 1 { last.start_us / (fragments.len() as u64 - 1) } else { 1_000_000 };
        last.start_us.saturating_add(mean_us).min(DAY_US)
    });
    let row = ClipRow {
        id: part.clip,
        camera: part.camera,
        start_us: part.start_us,
        duration_us: i64::try_from(duration_us).map_err(Error::internal)?,
        size_bytes: recovered.size_bytes,
        plain_bytes,
        sha256: recovered.sha256,
        cut_short: true,
        codec: codec_name(found.codec).to_owned(),
        width: found.width,
        height: found.height,
        fragments: index::to_bytes(&fragments),
        thumbnail: None,
        entry: 0,
        from_card: part.from_card,
    };
    let sealed = Sealed { size_bytes: row.size_bytes, plain_bytes, sha256: row.sha256 };
    let note = recorded_note(Kind::CutShort, &row, &sealed);
    enter(inner, row, &note, None, None)?;
    remove_index(&path);
    inner.notice(
        NoticeKind::Recovered,
        Some(part.camera),
        format!("clip {} was cut short and recovered", part.clip),
    );
    Ok(())
}

/// Nothing in it can be played: that is said in the log, and the part goes.
fn forget(inner: &Arc<Inner>, part: &PartRow, path: &Path) -> Result<()> {
    let note = Note::new(Kind::CutShort)
        .camera(part.camera)
        .clip(part.clip)
        .fact("start_us", part.start_us.0)
        .fact("duration_us", 0);
    let writer = Arc::clone(inner);
    let clip = part.clip;
    inner.db.write_blocking(move |tables| {
        writer.logbook.append(tables, &note, None)?;
        Ok(tables.delete_part(clip)?)
    })?;
    for leftover in [path.to_owned(), hausrecht_vault::part_path(path)] {
        if leftover.exists() {
            std::fs::remove_file(&leftover)?;
        }
    }
    remove_index(path);
    Ok(())
}

fn remove_index(path: &Path) {
    let index = index::index_path(path);
    if index.exists()
        && let Err(error) = std::fs::remove_file(&index)
    {
        tracing::warn!("{}: {error}", index.display());
    }
}

/// Size and hash of a file that has its final name already.
fn measure(path: &Path) -> Result<Recovered> {
    let (size_bytes, sha256) = hash_file(path)?;
    Ok(Recovered { size_bytes, sha256, whole_chunks: size_bytes / (CHUNK_BYTES + 16) })
}

/// Size and SHA-256 of a file.
pub(crate) fn hash_file(path: &Path) -> Result<(u64, [u8; 32])> {
    let mut file = std::fs::File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    let mut size_bytes = 0;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((size_bytes, hash.finalize().into()));
        }
        hash.update(&buffer[..read]);
        size_bytes += read as u64;
    }
}
