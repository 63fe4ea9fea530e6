//! What an export would open and write, from the database alone.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use hausrecht_model::{CameraId, ClipId, GrantId, Right, UnixMicros};
use hausrecht_store::{ClipFilter, ClipRow, GrantRow};

use super::target::unwritable;
use crate::{
    Result,
    grants::in_force,
    handle::end_of,
    inner::{Inner, lock},
    package,
    session::SignedIn,
    wire::{Error, ErrorCode, ExportOrder, ExportPlan},
};

/// The longest span of one export.
const SPAN_MAX_US: i64 = 31 * 86_400_000_000;
const CAMERAS_MAX: usize = 64;
/// The longest name of a recipient, and the longest purpose. Characters.
const RECIPIENT_MAX: usize = 100;
const PURPOSE_MAX: usize = 500;
/// Clips that are no further apart go into one file.
const JOIN_US: i64 = 500_000;
/// No picture begins so shortly before the end of its clip, so a clip is not opened for less.
const TAIL_US: i64 = 5_000;
/// The finest time that can be typed.
const FIELD_US: i64 = 1_000;
/// What the disk keeps besides.
const ROOM_BYTES: u64 = 32 << 20;
/// Pictures that are encoded anew are at most so many times as large as the camera's; what writes the files goes by it too.
pub(super) const ROOM_FACTOR: u64 = 4;
/// Copied in a second, about.
const COPIED_BYTES: u64 = 60_000_000;
/// Pixels that one processor encodes in a second, about.
const ENCODED_PIXELS: f64 = 25e6;
/// Pictures a second, where it is not known.
const USUAL_FPS: f64 = 25.0;

/// One clip of an export.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) clip: ClipId,
    pub(super) start_us: UnixMicros,
    /// What is wanted, from the clip's first picture.
    pub(super) from_us: i64,
    pub(super) until_us: i64,
    /// Whether it goes on where the one before it ended.
    pub(super) joins: bool,
    /// Up to where it goes on from here.
    pub(super) run_us: i64,
}

/// What one camera gives.
#[derive(Clone, Debug)]
pub(super) struct Reel {
    pub(super) camera: CameraId,
    pub(super) camera_name: String,
    pub(super) parts: Vec<Part>,
    /// Size of all of these clips, plain.
    pub(super) plain_bytes: u64,
}

/// A checked order.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub(super) reels: Vec<Reel>,
    pub(super) folder: PathBuf,
    pub(super) view: ExportPlan,
}

/// The grants through which `person` may copy clips now; `None` for the owner.
fn copy_grants(inner: &Inner, person: &SignedIn) -> Option<Vec<GrantId>> {
    if person.owner().is_some() {
        return None;
    }
    let now = inner.now();
    let copies = |grant: &&GrantRow| {
        grant.person == person.id
            && grant.rights.has(Right::Copy)
            && grant.rights.has(Right::Playback)
            && in_force(grant, now)
    };
    Some(lock(&inner.grants).iter().filter(copies).map(|grant| grant.id).collect())
}

/// Checks `order` and finds what it needs; the folder is not looked at if it is empty.
pub(super) async fn plan(inner: &Inner, person: &SignedIn, order: &ExportOrder) -> Result<Planned> {
    check(order)?;
    // Whoever may copy nothing is told so, and nothing of what there is.
    let grants = copy_grants(inner, person);
    if grants.as_ref().is_some_and(Vec::is_empty) {
        return Err(Error::owner_only());
    }
    let filter = ClipFilter {
        cameras: order.cameras.clone(),
        span_us: Some((order.from_us, order.to_us)),
        grants,
        ..ClipFilter::default()
    };
    let mut rows = inner.db.read(move |tables| Ok(tables.clips(&filter)?)).await?;
    rows.sort_by_key(|row| row.start_us);
    let mut by_camera: BTreeMap<CameraId, Vec<ClipRow>> = BTreeMap::new();
    for row in rows {
        by_camera.entry(row.camera).or_default().push(row);
    }
    let names = lock(&inner.camera_rows).clone();
    let mut view = ExportPlan {
        clips: 0,
        files: 0,
        recorded_us: 0,
        size_bytes: 0,
        room_bytes: 0,
        free_bytes: None,
        seconds: 0,
        caption: caption(order, inner.now()),
        hides: false,
    };
    let mut seconds = 0.0;
    let mut reels = Vec::new();
    for camera in &order.cameras {
        let Some(rows) = by_camera.remove(camera) else { continue };
        let parts = parts(&rows, order.from_us, order.to_us);
        for part in &parts {
            let Some(row) = rows.iter().find(|row| row.id == part.clip) else { continue };
            let wanted_us = part.until_us.min(row.duration_us) - part.from_us;
            let share = wanted_us.max(0) as f64 / row.duration_us.max(1) as f64;
            view.clips += 1;
            view.files += u32::from(!part.joins);
            view.recorded_us += wanted_us.max(0);
            let bytes = (row.plain_bytes as f64 * share) as u64;
            view.size_bytes += bytes;
            let cut = part.from_us > 0 || part.until_us < row.duration_us;
            // Of a clip that is cut all may be encoded anew, or what is not wanted be in the file as well.
            let most = match (&view.caption, cut) {
                (Some(_), _) => bytes.saturating_mul(ROOM_FACTOR),
                (None, true) => row.plain_bytes.max(bytes.saturating_mul(ROOM_FACTOR)),
                (None, false) => bytes,
            };
            view.room_bytes = view.room_bytes.saturating_add(most);
            view.hides |= cut && view.caption.is_none() && row.codec == "h265";
            seconds += if view.caption.is_some() {
                let pixels = f64::from(row.width) * f64::from(row.height);
                wanted_us as f64 / 1e6 * USUAL_FPS * pixels / (ENCODED_PIXELS * processors())
            } else {
                row.plain_bytes as f64 * share / COPIED_BYTES as f64 + 0.02 + if cut { 1.0 } else { 0.0 }
            };
        }
        if !parts.is_empty() {
            let camera_name = names.get(camera).map(|row| row.name.clone()).unwrap_or_default();
            let plain_bytes = rows.iter().map(|row| row.plain_bytes).sum();
            reels.push(Reel { camera: *camera, camera_name, parts, plain_bytes });
        }
    }
    if view.caption.is_some() {
        // What is written on pictures costs some room, and the encoder is not the camera's.
        view.size_bytes += view.size_bytes / 2;
    }
    view.size_bytes += u64::from(view.files) << 20;
    view.room_bytes = view.room_bytes.max(view.size_bytes).saturating_add(ROOM_BYTES);
    if order.packed {
        if view.clips as usize > package::CLIPS_MAX {
            let most = package::CLIPS_MAX;
            return Err(Error::invalid(format!(
                "a package is made of {most} clips at most: choose a shorter span"
            )));
        }
        // All films lie there, sealed, until the package is made.
        view.room_bytes = view.room_bytes.saturating_mul(2);
    }
    view.seconds = seconds.ceil().min(f64::from(u32::MAX)) as u32;
    let folder = PathBuf::from(&order.folder);
    view.free_bytes = free_bytes(&folder).ok();
    Ok(Planned { reels, folder, view })
}

impl Planned {
    /// Whether it can be begun: there is something, and the folder has room.
    pub(super) fn check_target(&self) -> Result<()> {
        if self.reels.is_empty() {
            return Err(Error::not_found("a recording of these cameras in this span"));
        }
        if !self.folder.is_absolute() {
            return Err(Error::invalid("choose a folder with its whole path"));
        }
        let free = free_bytes(&self.folder)?;
        if free < self.view.room_bytes {
            return Err(Error::new(
                ErrorCode::DiskFull,
                format!(
                    "{} has {} MiB free, and the export may need up to {}: free some or choose another folder",
                    self.folder.display(),
                    free >> 20,
                    (self.view.room_bytes >> 20) + 1
                ),
            ));
        }
        Ok(())
    }
}

fn processors() -> f64 {
    std::thread::available_parallelism().map_or(1.0, |count| count.get() as f64)
}

fn free_bytes(folder: &Path) -> Result<u64> {
    let is_folder = std::fs::metadata(folder).map_err(|error| unwritable(folder, &error))?.is_dir();
    if !is_folder {
        return Err(Error::invalid(format!("{} is not a folder: choose another", folder.display())));
    }
    let disk = rustix::fs::statvfs(folder).map_err(|error| unwritable(folder, &error.into()))?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

fn check(order: &ExportOrder) -> Result<()> {
    if order.cameras.is_empty() || order.cameras.len() > CAMERAS_MAX {
        return Err(Error::invalid("choose at least one camera"));
    }
    let span_us = order.to_us.0.saturating_sub(order.from_us.0);
    if order.from_us.0 < 0 || !(1..=SPAN_MAX_US).contains(&span_us) {
        return Err(Error::invalid("a span ends after it begins, and lasts 31 days at most"));
    }
    if order.recipient.chars().count() > RECIPIENT_MAX || order.purpose.chars().count() > PURPOSE_MAX {
        return Err(Error::invalid("name 100 characters at most, and write 500 about the purpose"));
    }
    if order.recipient.chars().any(char::is_control) {
        return Err(Error::invalid("a name is one line of text"));
    }
    if order.packed && order.recipient.trim().is_empty() {
        return Err(Error::invalid("say who the package is for"));
    }
    if order.on_picture && order.recipient.trim().is_empty() {
        return Err(Error::invalid("say whose name is to stand on the pictures"));
    }
    Ok(())
}

/// The line on every picture: who was given it, and when.
fn caption(order: &ExportOrder, now: UnixMicros) -> Option<String> {
    let day = jiff::Timestamp::from_microsecond(now.0).ok()?.to_zoned(jiff::tz::TimeZone::system());
    order.on_picture.then(|| format!("{} · {}", order.recipient.trim(), day.strftime("%Y-%m-%d")))
}

/// The clips of one camera, oldest first, each with what is wanted of it and nothing twice.
fn parts(rows: &[ClipRow], from: UnixMicros, to: UnixMicros) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut ended: Option<UnixMicros> = None;
    for (index, row) in rows.iter().enumerate() {
        // A clip that only reaches a little beyond where the next one begins has nothing that the next has not: whoever exports one
        // clip does not open the one before it.
        let is_in_next = |next: &ClipRow| next.start_us.0 <= from.0 + FIELD_US && end_of(next) >= end_of(row);
        if rows.get(index + 1).is_some_and(is_in_next) {
            continue;
        }
        let joins = ended.is_some_and(|ended| (row.start_us.0 - ended.0).abs() <= JOIN_US);
        // What a clip has in common with the one before it by more than their clocks differ is in that one already.
        let begin = match ended {
            Some(ended) if !joins && ended > row.start_us => from.max(ended),
            Some(_) | None => from,
        };
        let from_us = (begin.0 - row.start_us.0).max(0);
        let end = end_of(row);
        // The last picture of a clip may be shown a little longer than its row says.
        let until_us = if to >= end { i64::MAX / 4 } else { to.0 - row.start_us.0 };
        if row.duration_us - from_us < TAIL_US || until_us <= from_us {
            continue;
        }
        ended = Some(end);
        parts.push(Part {
            clip: row.id,
            start_us: row.start_us,
            from_us,
            until_us,
            joins,
            run_us: row.duration_us,
        });
    }
    for index in (1..parts.len()).rev() {
        if parts[index].joins {
            parts[index - 1].run_us += parts[index].run_us;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A clip from `from_ms` to `to_ms`.
    fn row(number: u64, from_ms: i64, to_ms: i64) -> ClipRow {
        ClipRow {
            id: format!("{number:016x}").parse().unwrap(),
            camera: "0000000000000001".parse().unwrap(),
            start_us: UnixMicros(from_ms * 1000),
            duration_us: (to_ms - from_ms) * 1000,
            size_bytes: 1,
            plain_bytes: 1,
            sha256: [0; 32],
            cut_short: false,
            codec: "h264".into(),
            width: 1920,
            height: 1080,
            fragments: Vec::new(),
            thumbnail: None,
            entry: number,
            from_card: false,
        }
    }

    #[test]
    fn one_clip_is_exported_without_opening_its_neighbours() {
        // Clocks are drawn together, so each reaches a little into the next.
        let rows = [row(1, 1_000, 7_040), row(2, 7_000, 13_040), row(3, 13_000, 19_000)];
        let ids = |from_ms: i64, to_ms: i64| -> Vec<ClipId> {
            let parts = parts(&rows, UnixMicros(from_ms * 1000), UnixMicros(to_ms * 1000));
            parts.iter().map(|part| part.clip).collect()
        };
        assert_eq!(ids(7_000, 13_000), [rows[1].id]);
        assert_eq!(ids(6_999, 13_000), [rows[1].id], "a field has milliseconds, and rounds down");
        assert_eq!(ids(6_900, 13_000), [rows[0].id, rows[1].id]);
        assert_eq!(ids(1_000, 20_000), [rows[0].id, rows[1].id, rows[2].id]);
        // One that goes on longer than the next is not left out.
        let long = [row(1, 1_000, 20_000), row(2, 7_000, 13_000)];
        let first = parts(&long, UnixMicros(7_000_000), UnixMicros(20_000_000));
        assert_eq!(first[0].clip, long[0].id);
    }
}
