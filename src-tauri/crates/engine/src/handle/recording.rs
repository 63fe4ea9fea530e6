//! When a camera is recorded, and what its clips take.

mod holds;

use std::{sync::Arc, time::Duration};

use hausrecht_ledger::Kind;
use hausrecht_model::{CameraId, UnixMicros};
use hausrecht_store::ClipFilter;

pub(super) use self::holds::hold_view;
use super::Handle;
use crate::{
    Result,
    camera::recording::is_week,
    inner::lock,
    logbook::Note,
    retention::{erase_old, gaps::gaps_of, keep_sizes, make_room, reserve_bytes},
    wire::{CameraStorage, Error, Event, Gap, KeepLimits, RecordMode, RecordingSettings, Storage},
};

const PRE_ROLL_MAX_S: u8 = 60;
const POST_ROLL_MAX_S: u16 = 600;
/// Above this a reason is asked for. Days.
const USUAL_DAYS: u16 = 3;
const DAY: Duration = Duration::from_secs(86_400);
/// Less than this of a camera says nothing of a day.
const ENOUGH: Duration = Duration::from_secs(60);
/// The longest span that gaps are asked for.
const SPAN_MAX_US: i64 = 400 * 86_400_000_000;

impl Handle {
    /// How a camera is recorded.
    ///
    /// # Errors
    /// Only the owner.
    pub async fn recording_settings(&self, camera: CameraId) -> Result<RecordingSettings> {
        self.camera_task(camera)?;
        let kept = self.inner.db.read(move |tables| Ok(tables.recording(camera)?)).await?;
        Ok(kept.map(|text| serde_json::from_str(&text)).transpose()?.unwrap_or_default())
    }

    /// Changes how a camera is recorded, at once.
    ///
    /// # Errors
    /// Only the owner; a value that cannot be.
    pub async fn set_recording_settings(
        &self,
        camera: CameraId,
        settings: RecordingSettings,
    ) -> Result<RecordingSettings> {
        let task = self.camera_task(camera)?;
        let person = self.inner.signed_in()?;
        let keys = person.owner_keys()?;
        let settings = checked(settings, lock(&self.inner.settings).kept_hours)?;
        let old = self.recording_settings(camera).await?;
        let text = serde_json::to_string(&settings)?;
        let mut note = Note::new(Kind::SettingChanged)
            .by(person.id)
            .camera(camera)
            .fact("setting", "recording")
            .fact("to", mode_name(&settings))
            .fact("pre_roll_s", settings.pre_roll_s)
            .fact("post_roll_s", settings.post_roll_s)
            .fact("kinds", settings.kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(" "));
        if let Some(days) = settings.kept_days {
            note = note.fact("kept_days", days);
        }
        if let Some(mb) = settings.size_mb {
            note = note.fact("size_mb", mb);
        }
        if !settings.kept_reason.is_empty() && settings.kept_reason != old.kept_reason {
            note = note.personal("reason", settings.kept_reason.clone());
        }
        let kept = settings.clone();
        let writer = Arc::clone(&self.inner);
        let index = self
            .inner
            .db
            .run(move |store| {
                let index = store.write(|tables| {
                    tables.put_recording(camera, &text)?;
                    writer.logbook.append(tables, &note, Some(&keys))
                })?;
                // On the database's thread, where changes follow one another.
                task.plan.set(kept);
                task.follow_plan(&writer);
                Ok(index)
            })
            .await?;
        self.inner.tell(Event::LogGrew(index + 1));
        self.inner.tell(Event::Tiles(self.inner.tiles_view()));
        if settings.kept_days < old.kept_days || settings.kept_days.is_some() != old.kept_days.is_some() {
            erase_old(&self.inner).await?;
        }
        if settings.size_mb.is_some() && settings.size_mb != old.size_mb {
            keep_sizes(&self.inner).await?;
        }
        Ok(settings)
    }

    /// How much all clips may take, and what stays free.
    ///
    /// # Errors
    /// Only the owner; a value that cannot be.
    pub async fn set_keep_limits(&self, limits: KeepLimits) -> Result<Storage> {
        let person = self.inner.signed_in()?;
        let keys = person.owner_keys()?;
        if limits.size_mb.is_some_and(|mb| mb < 1_000) {
            return Err(Error::invalid("all clips together may take 1 GB at least"));
        }
        if limits.reserve_mb.is_some_and(|mb| mb < 256) {
            return Err(Error::invalid("256 MB of the disk stay free at least, for the log"));
        }
        let old = *lock(&self.inner.keep_limits);
        if old != limits {
            let text = serde_json::to_string(&limits)?;
            let mb = |value: Option<u32>| value.map_or_else(|| "auto".to_owned(), |mb| mb.to_string());
            let note = Note::new(Kind::SettingChanged)
                .by(person.id)
                .fact("setting", "keep_limits")
                .fact("size_mb", mb(limits.size_mb))
                .fact("reserve_mb", mb(limits.reserve_mb));
            let writer = Arc::clone(&self.inner);
            let index = self
                .inner
                .db
                .write(move |tables| {
                    tables.set_meta("keep_limits", &text)?;
                    writer.logbook.append(tables, &note, Some(&keys))
                })
                .await?;
            *lock(&self.inner.keep_limits) = limits;
            self.inner.tell(Event::LogGrew(index + 1));
            keep_sizes(&self.inner).await?;
            make_room(&self.inner).await?;
        }
        self.storage().await
    }

    /// What the clips take, and how far back the disk reaches.
    ///
    /// # Errors
    /// Only the owner; the disk cannot be asked.
    pub async fn storage(&self) -> Result<Storage> {
        let inner = &self.inner;
        inner.signed_in()?.owner_keys()?;
        let space = inner.options.disk.space(&inner.options.data_folder)?;
        let limits = *lock(&inner.keep_limits);
        let now = inner.now();
        let mut rows: Vec<_> = lock(&inner.camera_rows).values().cloned().collect();
        rows.sort_by_key(|row| (row.added_us, row.id));
        let found = inner
            .db
            .read(move |tables| {
                let stored = tables.stored()?;
                let mut found = Vec::new();
                for row in rows {
                    let takes = stored.get(&row.id).copied().unwrap_or_default();
                    if takes.clips == 0 && row.removed_us.is_some() {
                        continue;
                    }
                    let oldest_us = tables.oldest_clip(Some(row.id))?;
                    let last_day = tables.recorded_since(row.id, now.minus(DAY))?;
                    found.push((row, takes, oldest_us, last_day));
                }
                Ok(found)
            })
            .await?;
        let mut day_bytes = None;
        let mut cameras = Vec::new();
        for (row, takes, oldest_us, (last_day_bytes, length_us)) in found {
            let recorded = Duration::from_micros(length_us);
            let enough = recorded >= ENOUGH;
            // What was recorded of a camera that has not been here for a day stands for a whole one.
            let here = oldest_us.map_or(DAY, |oldest| now.since(oldest).min(DAY)).max(recorded);
            if enough && row.removed_us.is_none() {
                *day_bytes.get_or_insert(0) += scaled(last_day_bytes, here);
            }
            cameras.push(CameraStorage {
                camera: row.id,
                name: row.name,
                stored_bytes: takes.size_bytes,
                clips: takes.clips,
                oldest_us,
                last_day_bytes,
                whole_day_bytes: enough.then(|| scaled(last_day_bytes, recorded)),
            });
        }
        let stored_bytes: u64 = cameras.iter().map(|camera| camera.stored_bytes).sum();
        let reserve_bytes = reserve_bytes(limits, space.total_bytes);
        let by_disk = (stored_bytes + space.free_bytes).saturating_sub(reserve_bytes);
        let room = limits.size_mb.map_or(by_disk, |mb| by_disk.min(u64::from(mb) * 1_000_000));
        #[expect(clippy::cast_precision_loss, reason = "days for a person, with one digit after the point")]
        let reach_days =
            day_bytes.filter(|bytes| *bytes > 0).map(|bytes| (room as f64 / bytes as f64) as f32);
        Ok(Storage {
            limits,
            total_bytes: space.total_bytes,
            free_bytes: space.free_bytes,
            reserve_bytes,
            stored_bytes,
            day_bytes,
            reach_days,
            only_held_left: inner.only_held_left.load(std::sync::atomic::Ordering::Relaxed),
            cameras,
        })
    }

    /// Why there are no clips of a camera in a span, oldest first.
    ///
    /// # Errors
    /// Only the owner; a span that is empty or too long.
    pub async fn gaps(&self, camera: CameraId, from_us: UnixMicros, to_us: UnixMicros) -> Result<Vec<Gap>> {
        self.inner.signed_in()?.owner_keys()?;
        if to_us <= from_us || to_us.0.saturating_sub(from_us.0) > SPAN_MAX_US {
            return Err(Error::invalid("gaps are told for a span of up to 400 days"));
        }
        let now = self.inner.now();
        let filter =
            ClipFilter { cameras: vec![camera], span_us: Some((from_us, to_us)), ..ClipFilter::default() };
        let (rows, clips) = self
            .inner
            .db
            .read(move |tables| Ok((tables.gaps(Some(camera), from_us, to_us)?, tables.clip_spans(&filter)?)))
            .await?;
        let have: Vec<_> = clips.iter().rev().map(|clip| (clip.start_us, clip.end_us)).collect();
        Ok(gaps_of(&rows, &have, from_us, to_us, now))
    }
}

/// What a day brings if `span` brought `bytes`.
fn scaled(bytes: u64, span: Duration) -> u64 {
    let micros = span.as_micros().max(1);
    u64::try_from(u128::from(bytes) * DAY.as_micros() / micros).unwrap_or(u64::MAX)
}

fn mode_name(settings: &RecordingSettings) -> &'static str {
    match (&settings.week, settings.mode) {
        (Some(_), _) => "week",
        (None, RecordMode::Always) => "always",
        (None, RecordMode::Events) => "events",
        (None, RecordMode::Off) => "off",
    }
}

fn checked(mut settings: RecordingSettings, usual_hours: u32) -> Result<RecordingSettings> {
    if settings.week.as_ref().is_some_and(|week| !is_week(week)) {
        return Err(Error::invalid("a week has seven days of 48 half hours"));
    }
    if settings.pre_roll_s > PRE_ROLL_MAX_S {
        return Err(Error::invalid("0 to 60 seconds before an event can be kept"));
    }
    if settings.post_roll_s > POST_ROLL_MAX_S {
        return Err(Error::invalid("0 to 600 seconds after an event can be kept"));
    }
    settings.kinds.sort_unstable();
    settings.kinds.dedup();
    let is_used = |mode: RecordMode| match &settings.week {
        Some(week) => week.iter().flatten().any(|cell| *cell == mode),
        None => settings.mode == mode,
    };
    if is_used(RecordMode::Events) && settings.kinds.is_empty() {
        return Err(Error::invalid("recording on events needs a kind of event that counts"));
    }
    settings.kept_reason = settings.kept_reason.trim().to_owned();
    if let Some(days) = settings.kept_days {
        if !(1..=366).contains(&days) {
            return Err(Error::invalid("clips are kept 1 to 366 days"));
        }
        let is_longer = days > USUAL_DAYS && u32::from(days) * 24 > usual_hours;
        if is_longer && settings.kept_reason.is_empty() {
            return Err(Error::invalid("keeping clips longer than 72 hours needs a reason"));
        }
    }
    if settings.size_mb.is_some_and(|mb| mb < 100) {
        return Err(Error::invalid("the clips of a camera may take 100 MB at least"));
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_is_refused() {
        let with = |change: &dyn Fn(&mut RecordingSettings)| {
            let mut settings = RecordingSettings::default();
            change(&mut settings);
            checked(settings, 72).map_err(|error| error.message)
        };
        assert!(with(&|_| {}).is_ok());
        assert!(with(&|s| s.pre_roll_s = 61).is_err());
        assert!(with(&|s| s.post_roll_s = 601).is_err());
        assert!(with(&|s| s.week = Some(Vec::new())).is_err());
        assert!(with(&|s| s.kept_days = Some(0)).is_err());
        assert!(with(&|s| s.kept_days = Some(4)).is_err_and(|text| text.contains("reason")));
        assert!(with(&|s| (s.kept_days, s.kept_reason) = (Some(4), "Break-ins".to_owned())).is_ok());
        assert!(with(&|s| s.kept_days = Some(3)).is_ok());
        assert!(with(&|s| s.size_mb = Some(99)).is_err());
        assert!(with(&|s| s.kinds.clear()).is_ok(), "nothing is asked of them");
        assert!(with(&|s| (s.kinds, s.mode) = (Vec::new(), RecordMode::Events)).is_err());
        let settings = RecordingSettings { kept_days: Some(10), ..RecordingSettings::default() };
        assert!(checked(settings, 240).is_ok(), "all are kept as long, and that has its reason");
    }
}
