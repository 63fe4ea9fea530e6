//! How motion is measured in a camera's pictures.

use hausrecht_ledger::Kind;
use hausrecht_model::CameraId;

use crate::{
    Result,
    handle::Handle,
    logbook::Note,
    wire::{Error, MotionMode, MotionSettings},
};

impl Handle {
    /// How motion is measured in a camera's pictures.
    ///
    /// # Errors
    /// Only the owner.
    pub async fn motion_settings(&self, camera: CameraId) -> Result<MotionSettings> {
        self.camera_task(camera)?;
        let kept = self.inner.db.read(move |tables| Ok(tables.motion(camera)?)).await?;
        Ok(kept.map(|text| serde_json::from_str(&text)).transpose()?.unwrap_or_default())
    }

    /// Changes how motion is measured, at once.
    ///
    /// # Errors
    /// Only the owner; a value that cannot be.
    pub async fn set_motion_settings(&self, camera: CameraId, settings: MotionSettings) -> Result<()> {
        let task = self.camera_task(camera)?;
        let person = self.inner.signed_in()?;
        let keys = person.owner_keys()?;
        check(&settings)?;
        let text = serde_json::to_string(&settings)?;
        let mode = match settings.mode {
            MotionMode::Auto => "auto",
            MotionMode::On => "on",
            MotionMode::Off => "off",
        };
        let note = Note::new(Kind::SettingChanged)
            .by(person.id)
            .camera(camera)
            .fact("setting", "motion")
            .fact("to", mode)
            .fact("sensitivity", settings.sensitivity)
            .fact("zones", settings.zones.len());
        let writer = std::sync::Arc::clone(&self.inner);
        let index = self
            .inner
            .db
            .run(move |store| {
                let index = store.write(|tables| {
                    tables.put_motion(camera, &text)?;
                    writer.logbook.append(tables, &note, Some(&keys))
                })?;
                // On the database's thread, where changes follow one another.
                task.motion.set(settings);
                Ok(index)
            })
            .await?;
        self.inner.tell(crate::wire::Event::LogGrew(index + 1));
        Ok(())
    }
}

fn check(settings: &MotionSettings) -> Result<()> {
    use hausrecht_media::MotionSettings as Limits;
    if !(1..=10).contains(&settings.sensitivity) {
        return Err(Error::invalid("the sensitivity is a number from 1 to 10"));
    }
    if settings.zones.len() > Limits::MAX_ZONES {
        return Err(Error::invalid("there are too many zones: at most 16 can be drawn"));
    }
    for zone in &settings.zones {
        if !(3..=Limits::MAX_CORNERS).contains(&zone.len()) {
            return Err(Error::invalid("a zone has 3 to 64 corners"));
        }
        let is_inside = |value: f32| (0.0..=1.0).contains(&value);
        if !zone.iter().all(|corner| is_inside(corner.x) && is_inside(corner.y)) {
            return Err(Error::invalid("a zone lies inside the picture"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use hausrecht_onvif::camera::Point;

    use super::*;

    #[test]
    fn zones_have_corners_inside_the_picture() {
        let zone = |corners: &[(f32, f32)]| corners.iter().map(|(x, y)| Point { x: *x, y: *y }).collect();
        let with = |zones: Vec<Vec<Point>>| MotionSettings { zones, ..MotionSettings::default() };
        assert!(check(&with(vec![zone(&[(0.0, 0.0), (1.0, 0.0), (0.5, 1.0)])])).is_ok());
        assert!(check(&with(vec![zone(&[(0.0, 0.0), (1.0, 0.0)])])).is_err());
        assert!(check(&with(vec![zone(&[(0.0, 0.0), (1.1, 0.0), (0.5, 1.0)])])).is_err());
        assert!(check(&with(vec![zone(&[(0.0, f32::NAN), (1.0, 0.0), (0.5, 1.0)])])).is_err());
        assert!(check(&MotionSettings { sensitivity: 0, ..MotionSettings::default() }).is_err());
    }
}
