//! Whether the owner wants to be notified of something at this hour.

use hausrecht_engine::wire::{CameraKinds, NotifyRules, QuietHours};
use hausrecht_model::{CameraId, EventKind};

/// Whether `kind` at `camera` is to be shown at `minute`, in minutes since midnight.
pub(super) fn wanted(rules: &NotifyRules, camera: CameraId, kind: EventKind, minute: u16) -> bool {
    let is_quiet = rules
        .quiet
        .is_some_and(|quiet| holds(quiet, minute) && (kind != EventKind::Doorbell || quiet.doorbell_too));
    let kinds = rules.kinds.iter().find(|kinds| kinds.camera == camera);
    let is_chosen = kinds.map_or(&CameraKinds::USUAL[..], |kinds| &kinds.kinds).contains(&kind);
    rules.enabled && is_chosen && !is_quiet
}

/// Whether `minute` lies in the quiet hours. From and to at the same minute are no hours at all.
fn holds(quiet: QuietHours, minute: u16) -> bool {
    let QuietHours { from_min, to_min, .. } = quiet;
    if from_min <= to_min {
        (from_min..to_min).contains(&minute)
    } else {
        minute >= from_min || minute < to_min
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn camera(name: &str) -> CameraId {
        name.parse().unwrap()
    }

    fn quiet(from_min: u16, to_min: u16, doorbell_too: bool) -> NotifyRules {
        let quiet = Some(QuietHours { from_min, to_min, doorbell_too });
        NotifyRules { quiet, ..NotifyRules::default() }
    }

    #[test]
    fn quiet_hours_go_over_midnight_and_end_on_the_minute() {
        let front = camera("00000000000000c0");
        let rules = quiet(22 * 60, 6 * 60, true);
        let shown = |minute| wanted(&rules, front, EventKind::Person, minute);
        assert!(shown(22 * 60 - 1) && !shown(22 * 60) && !shown(0) && !shown(6 * 60 - 1) && shown(6 * 60));
        let noon = quiet(12 * 60, 13 * 60, true);
        assert!(!wanted(&noon, front, EventKind::Doorbell, 12 * 60));
        assert!(wanted(&noon, front, EventKind::Doorbell, 13 * 60));
        assert!(wanted(&quiet(60, 60, true), front, EventKind::Person, 60));
    }

    #[test]
    fn the_doorbell_may_be_let_through() {
        let front = camera("00000000000000c0");
        let rules = quiet(0, 1439, false);
        assert!(wanted(&rules, front, EventKind::Doorbell, 5));
        assert!(!wanted(&rules, front, EventKind::Person, 5));
    }

    #[test]
    fn each_camera_has_its_own_kinds_and_one_that_is_not_named_the_usual_ones() {
        let (front, garage) = (camera("00000000000000c0"), camera("00000000000000c1"));
        let kinds = vec![CameraKinds { camera: garage, kinds: vec![EventKind::Vehicle] }];
        let mut rules = NotifyRules { kinds, ..NotifyRules::default() };
        assert!(wanted(&rules, garage, EventKind::Vehicle, 0));
        assert!(!wanted(&rules, garage, EventKind::Person, 0));
        assert!(wanted(&rules, front, EventKind::Person, 0) && !wanted(&rules, front, EventKind::Motion, 0));
        rules.enabled = false;
        assert!(!wanted(&rules, front, EventKind::Doorbell, 0));
    }
}
