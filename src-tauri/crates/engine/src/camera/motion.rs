//! Motion measured in a camera's pictures: where the owner wants it, or where the camera reports nothing itself.

use std::sync::Arc;

use hausrecht_model::EventKind;
use tokio::sync::watch;

use super::CameraTask;
use crate::{
    Result,
    inner::{Inner, lock},
    wire::{MotionMode, MotionSettings},
};

/// What is wished for and what follows from it.
#[derive(Debug)]
pub(crate) struct Motion {
    state: std::sync::Mutex<State>,
    /// What the worker is to do; `None`: nothing.
    order: watch::Sender<Option<hausrecht_media::MotionSettings>>,
}

#[derive(Debug, Default)]
struct State {
    settings: MotionSettings,
    /// Whether the camera reports nothing, so far as anybody knows.
    is_silent: bool,
    /// Whether it has reported something all the same.
    has_reported: bool,
}

impl Default for Motion {
    fn default() -> Self {
        Self { state: std::sync::Mutex::default(), order: watch::channel(None).0 }
    }
}

impl Motion {
    /// What the worker is to do, now and when that changes.
    pub(crate) fn orders(&self) -> watch::Receiver<Option<hausrecht_media::MotionSettings>> {
        self.order.subscribe()
    }

    /// Follows the owner's wish.
    pub(crate) fn set(&self, settings: MotionSettings) {
        lock(&self.state).settings = settings;
        self.follow();
    }

    /// Takes note of whether the camera reports events itself.
    pub(crate) fn set_silent(&self, is_silent: bool) {
        lock(&self.state).is_silent = is_silent;
        self.follow();
    }

    /// Takes note that the camera has reported motion, or what moves, whatever it says that it can.
    pub(crate) fn note_reports(&self) {
        if !std::mem::replace(&mut lock(&self.state).has_reported, true) {
            self.follow();
        }
    }

    fn follow(&self) {
        let order = {
            let state = lock(&self.state);
            let is_on = match state.settings.mode {
                MotionMode::On => true,
                MotionMode::Off => false,
                MotionMode::Auto => state.is_silent && !state.has_reported,
            };
            is_on.then(|| hausrecht_media::MotionSettings {
                sensitivity: state.settings.sensitivity,
                zones: state
                    .settings
                    .zones
                    .iter()
                    .map(|zone| zone.iter().map(|corner| (corner.x, corner.y)).collect())
                    .collect(),
            })
        };
        self.order.send_if_modified(|current| {
            let changed = *current != order;
            *current = order;
            changed
        });
    }
}

impl CameraTask {
    /// Reads what the owner has wished for.
    pub(super) async fn learn_motion(&self, inner: &Arc<Inner>) -> Result<()> {
        let id = self.id;
        let kept = inner.db.read(move |tables| Ok(tables.motion(id)?)).await?;
        if let Some(text) = kept {
            self.motion.set(serde_json::from_str(&text)?);
        }
        Ok(())
    }
}

/// What a camera reports in whose pictures nothing needs to be measured.
pub(super) const REPORTED: [EventKind; 4] =
    [EventKind::Motion, EventKind::Person, EventKind::Vehicle, EventKind::Animal];

/// The kind and the topic of what is measured here.
pub(super) const MEASURED: (EventKind, &str) = (EventKind::Motion, "Hausrecht/Motion");

#[cfg(test)]
mod tests {
    use super::*;

    fn is_on(motion: &Motion) -> bool {
        motion.orders().borrow().is_some()
    }

    #[test]
    fn pictures_are_measured_where_the_camera_reports_nothing() {
        let motion = Motion::default();
        assert!(!is_on(&motion), "nobody knows yet whether the camera reports");
        motion.set_silent(true);
        assert!(is_on(&motion));
        motion.set_silent(false);
        assert!(!is_on(&motion));
        motion.set_silent(true);
        motion.note_reports();
        assert!(!is_on(&motion), "it reports, whatever it says");
        motion.set_silent(true);
        assert!(!is_on(&motion));
    }

    #[test]
    fn the_owners_wish_comes_first() {
        let motion = Motion::default();
        motion.set(MotionSettings { mode: MotionMode::On, ..MotionSettings::default() });
        assert!(is_on(&motion));
        motion.set(MotionSettings { mode: MotionMode::Off, ..MotionSettings::default() });
        motion.set_silent(true);
        assert!(!is_on(&motion));
    }
}
