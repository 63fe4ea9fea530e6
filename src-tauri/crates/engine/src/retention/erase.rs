//! What goes, and why: clips whose time is over, the oldest of a camera that takes more than it may, the oldest of all
//! when all take more than they may or the disk runs low. What is held never goes.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use hausrecht_ledger::Kind;
use hausrecht_model::{CameraId, ClipId, UnixMicros};
use hausrecht_store::{Goes, GrantRow, Oldest, ScopeRow, Tables};

use crate::{
    Result,
    inner::{Inner, lock},
    logbook::{Logbook, Note},
    recorder::ROOM_BYTES,
    wire::{Event, KeepLimits, NoticeKind, RecordingSettings},
};

/// How many clips are erased in one transaction.
const BATCH: u32 = 200;
/// Sizes that the owner sets are in these. Bytes.
const MB: u64 = 1_000_000;
/// How long it is remembered why nothing was recorded: longer than any clip is kept.
const GAPS_KEPT: Duration = Duration::from_secs(800 * 86_400);

/// Why clips are erased.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Why {
    /// They were kept as long as was set. Hours.
    KeptTime(u64),
    /// The camera's clips take more than they may.
    CameraSize,
    /// All clips take more than they may.
    TotalSize,
    /// The disk has less room than is to stay free.
    DiskLow,
}

impl Why {
    fn note(self, camera: CameraId) -> Note {
        let note = Note::new(Kind::Erased).camera(camera);
        match self {
            Self::KeptTime(hours) => note.fact("why", "kept_time").fact("kept_hours", hours),
            Self::CameraSize => note.fact("why", "camera_size"),
            Self::TotalSize => note.fact("why", "total_size"),
            Self::DiskLow => note.fact("why", "disk_low"),
        }
    }
}

/// What of the disk stays free: what the owner has set, else the larger of a fiftieth and 2 GiB, but no more than a tenth.
pub(crate) fn reserve_bytes(limits: KeepLimits, total_bytes: u64) -> u64 {
    match limits.reserve_mb {
        Some(mb) => u64::from(mb) * MB,
        None => (total_bytes / 50).max(2 << 30).min(total_bytes / 10),
    }
}

impl Inner {
    /// How long clips of `camera` are kept.
    pub(crate) fn kept(&self, camera: CameraId) -> Duration {
        let task = lock(&self.cameras).get(&camera).cloned();
        let own = task.and_then(|task| task.plan.settings().kept_days).map(|days| u64::from(days) * 24);
        let hours = own.unwrap_or_else(|| u64::from(lock(&self.settings).kept_hours));
        Duration::from_secs(hours * 3600)
    }
}

/// Erases what is older than it may be, and ends holds whose time is over.
pub(crate) async fn erase_old(inner: &Arc<Inner>) -> Result<u64> {
    super::holds::end_holds(inner).await?;
    let now = inner.now();
    let cameras: Vec<_> = lock(&inner.camera_rows).keys().copied().collect();
    let usual_hours = u64::from(lock(&inner.settings).kept_hours);
    let mut erased = 0;
    loop {
        let writer = Arc::clone(inner);
        let cameras = cameras.clone();
        let batch = inner
            .db
            .write(move |tables| {
                let mut batch = 0;
                for camera in cameras {
                    // At the start no camera runs yet that could say how long its clips are kept.
                    let hours = own_hours(tables, camera)?.unwrap_or(usual_hours);
                    let before = now.minus(Duration::from_secs(hours * 3600));
                    let which =
                        Oldest { camera: Some(camera), ended_before_us: Some(before), limit: BATCH - batch };
                    let goes = tables.may_go(which)?;
                    batch += u32::try_from(goes.len()).unwrap_or(BATCH);
                    begin_erasing(&writer.logbook, tables, &goes, Why::KeptTime(hours))?;
                    tables.erase_events(camera, before)?;
                }
                tables.forget_gaps(now.minus(GAPS_KEPT))?;
                Ok(batch)
            })
            .await?;
        finish_erasing(inner).await?;
        erased += u64::from(batch);
        if batch < BATCH {
            break;
        }
    }
    settle(inner, erased).await?;
    Ok(erased)
}

/// How long the clips of `camera` are kept, if that is not as long as all are. Hours.
fn own_hours(tables: &Tables<'_>, camera: CameraId) -> Result<Option<u64>> {
    let Some(text) = tables.recording(camera)? else { return Ok(None) };
    let settings: RecordingSettings = serde_json::from_str(&text)?;
    Ok(settings.kept_days.map(|days| u64::from(days) * 24))
}

/// Erases the oldest of each camera, and of all, that takes more than it may.
pub(crate) async fn keep_sizes(inner: &Arc<Inner>) -> Result<u64> {
    let stored = inner.db.read(|tables| Ok(tables.stored()?)).await?;
    let tasks: Vec<_> = lock(&inner.cameras).values().cloned().collect();
    let mut erased = 0;
    for task in tasks {
        let Some(limit) = task.plan.settings().size_mb else { continue };
        let takes = stored.get(&task.id).map_or(0, |row| row.size_bytes);
        let over = takes.saturating_sub(u64::from(limit) * MB);
        erased += erase_oldest(inner, Some(task.id), over, Why::CameraSize).await?.clips;
    }
    let limits = *lock(&inner.keep_limits);
    if let Some(limit) = limits.size_mb {
        let stored = inner.db.read(|tables| Ok(tables.stored()?)).await?;
        let takes: u64 = stored.values().map(|row| row.size_bytes).sum();
        let over = takes.saturating_sub(u64::from(limit) * MB);
        erased += erase_oldest(inner, None, over, Why::TotalSize).await?.clips;
    }
    settle(inner, erased).await?;
    Ok(erased)
}

/// Erases the oldest while the disk has less room than is to stay free. If only held clips are left, the owner is asked.
pub(crate) async fn make_room(inner: &Arc<Inner>) -> Result<u64> {
    let space = inner.options.disk.space(&inner.options.data_folder)?;
    let limits = *lock(&inner.keep_limits);
    let missing = reserve_bytes(limits, space.total_bytes).saturating_sub(space.free_bytes);
    // Who waits for an event does not find out by writing.
    let is_full = space.free_bytes < ROOM_BYTES;
    for task in lock(&inner.cameras).values() {
        lock(&task.status).disk_full = is_full;
    }
    let erased = erase_oldest(inner, None, missing, Why::DiskLow).await?;
    let stored = inner.db.read(|tables| Ok(tables.stored()?)).await?;
    let has_clips = stored.values().any(|row| row.clips > 0);
    let is_stuck = missing > 0 && erased.bytes < missing && has_clips;
    if !inner.only_held_left.swap(is_stuck, Ordering::Relaxed) && is_stuck {
        inner.notice(
            NoticeKind::OnlyHeldLeft,
            None,
            "the disk runs low, and every clip that is left is kept longer: release some, or make room",
        );
    }
    settle(inner, erased.clips).await?;
    Ok(erased.clips)
}

#[derive(Clone, Copy, Default)]
struct Erased {
    clips: u64,
    bytes: u64,
}

/// Erases the oldest until `bytes` are free, or until nothing is left that may go.
async fn erase_oldest(inner: &Arc<Inner>, camera: Option<CameraId>, bytes: u64, why: Why) -> Result<Erased> {
    let mut erased = Erased::default();
    while erased.bytes < bytes {
        let writer = Arc::clone(inner);
        let missing = bytes - erased.bytes;
        let batch = inner
            .db
            .write(move |tables| {
                let mut found = 0;
                let mut goes = tables.may_go(Oldest { camera, ended_before_us: None, limit: BATCH })?;
                goes.retain(|clip| {
                    let is_needed = found < missing;
                    found += if is_needed { clip.size_bytes } else { 0 };
                    is_needed
                });
                begin_erasing(&writer.logbook, tables, &goes, why)?;
                Ok(Erased { clips: goes.len() as u64, bytes: found })
            })
            .await?;
        finish_erasing(inner).await?;
        if batch.clips == 0 {
            break;
        }
        erased.clips += batch.clips;
        erased.bytes += batch.bytes;
    }
    Ok(erased)
}

/// Takes the keys of `goes` away and says so in the log, an entry a camera.
fn begin_erasing(logbook: &Logbook, tables: &Tables<'_>, goes: &[Goes], why: Why) -> Result<()> {
    let mut by_camera: BTreeMap<CameraId, Vec<&Goes>> = BTreeMap::new();
    for clip in goes {
        by_camera.entry(clip.camera).or_default().push(clip);
    }
    for (camera, clips) in by_camera {
        let tag = |clip: ClipId| logbook.clip_tag(clip).to_string();
        let tags: Vec<_> = clips.iter().map(|goes| tag(goes.clip)).collect();
        let size_bytes: u64 = clips.iter().map(|goes| goes.size_bytes).sum();
        let note =
            why.note(camera).fact("clips", clips.len()).fact("size_bytes", size_bytes).fact("tags", tags);
        for goes in clips {
            tables.begin_erasing(goes.clip)?;
        }
        logbook.append(tables, &note, None)?;
    }
    Ok(())
}

/// Tells of what was erased.
pub(crate) async fn settle(inner: &Arc<Inner>, erased: u64) -> Result<()> {
    if erased > 0 {
        // The wraps' bytes must not stay behind in the write-ahead log.
        inner.db.run(|store| Ok(store.truncate_wal()?)).await?;
        let size = inner.db.read(|tables| Ok(tables.log_size()?)).await?;
        inner.tell(Event::LogGrew(size));
        inner.clips_changed();
    }
    Ok(())
}

/// Unlinks files whose wraps are gone; also what an earlier run did not come to.
pub(crate) async fn finish_erasing(inner: &Arc<Inner>) -> Result<()> {
    for (clip, camera) in inner.db.read(|tables| Ok(tables.erasing()?)).await? {
        match std::fs::remove_file(inner.clip_path(camera, clip)) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                tracing::warn!(%clip, "cannot be unlinked, its key is gone: {error}");
                continue;
            }
        }
        inner.db.write(move |tables| Ok(tables.finish_erasing(clip)?)).await?;
    }
    forget_grants(inner).await
}

/// Grants of single clips go with their clips: what is kept of them here follows the store.
async fn forget_grants(inner: &Arc<Inner>) -> Result<()> {
    let is_single = |grant: &GrantRow| matches!(grant.scope, ScopeRow::Clip(_));
    // Looked at before the store is read: what is granted in between is not taken for gone.
    let known: Vec<_> =
        lock(&inner.grants).iter().filter(|grant| is_single(grant)).map(|grant| grant.id).collect();
    if known.is_empty() {
        return Ok(());
    }
    let left: HashSet<_> =
        inner.db.read(|tables| Ok(tables.grants()?.into_iter().map(|grant| grant.id).collect())).await?;
    let gone: HashSet<_> = known.into_iter().filter(|id| !left.contains(id)).collect();
    if !gone.is_empty() {
        lock(&inner.grants).retain(|grant| !gone.contains(&grant.id));
        inner.tell(Event::GrantsChanged);
    }
    Ok(())
}

/// When a clip of `camera` that ends at `end_us` is erased, unless something wants it or the room is needed.
pub(crate) fn kept_until(inner: &Inner, camera: CameraId, end_us: UnixMicros) -> UnixMicros {
    end_us.plus(inner.kept(camera))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_of_the_disk_stays_free() {
        let none = KeepLimits::default();
        let gib = |count: u64| count << 30;
        assert_eq!(reserve_bytes(none, gib(1000)), gib(20));
        assert_eq!(reserve_bytes(none, gib(50)), gib(2), "a fiftieth would be too little");
        assert_eq!(reserve_bytes(none, gib(10)), gib(1), "2 GiB would be too much");
        let set = KeepLimits { reserve_mb: Some(300), ..none };
        assert_eq!(reserve_bytes(set, gib(1000)), 300_000_000);
    }
}
