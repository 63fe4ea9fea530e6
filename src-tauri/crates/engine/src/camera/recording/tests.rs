//! What is ordered follows from mode, plan and events alone.

use super::*;
use crate::camera::events::Begun;

const START_US: i64 = 1_800_000_000_000_000;

/// A plan at a clock of its own.
struct Scene {
    plan: Plan,
    passed: Duration,
}

impl Scene {
    fn new(change: impl FnOnce(&mut RecordingSettings)) -> Self {
        let plan = Plan::default();
        let mut settings =
            RecordingSettings { mode: RecordMode::Events, post_roll_s: 30, ..RecordingSettings::default() };
        change(&mut settings);
        plan.set(settings);
        let scene = Self { plan, passed: Duration::ZERO };
        scene.follow();
        scene
    }

    fn now(&self) -> UnixMicros {
        UnixMicros(START_US).plus(self.passed)
    }

    fn follow(&self) -> Keep {
        self.plan.follow(self.now(), self.passed, &TimeZone::UTC);
        self.plan.order()
    }

    fn after(&mut self, seconds: u64) -> Keep {
        self.passed += Duration::from_secs(seconds);
        self.follow()
    }

    fn begin(&self, kind: EventKind, lasts: bool) -> EventId {
        let id = EventId::random(&mut rand::rng());
        let begun =
            Begun { id, kind, mapped_from: None, topic: String::new(), at: self.now(), lasts, is_news: true };
        self.plan.happens(&[Step::Begin(begun)], self.passed);
        id
    }

    fn end(&self, id: EventId) {
        self.plan.happens(&[Step::End { id, kind: EventKind::Motion, at: self.now() }], self.passed);
    }
}

const WAITS: Keep = Keep::Ahead { memory_ms: 15_000 };

fn records(keep: Keep) -> bool {
    matches!(keep, Keep::All { .. })
}

#[test]
fn an_event_is_recorded_with_what_was_before_it_and_what_comes_after() {
    let mut scene = Scene::new(|_| {});
    assert_eq!(scene.follow(), WAITS);
    scene.after(100);
    let motion = scene.begin(EventKind::Motion, true);
    assert_eq!(scene.follow(), Keep::All { from_unix_us: Some(START_US + 90_000_000) });
    assert_eq!(scene.plan.cause().map(|cause| (cause.event, cause.kind)), Some((motion, EventKind::Motion)));
    assert!(records(scene.after(3600)), "as long as it lasts");
    scene.end(motion);
    assert!(records(scene.after(29)));
    assert_eq!(scene.after(1), WAITS);
}

#[test]
fn events_that_follow_each_other_are_one_recording() {
    let mut scene = Scene::new(|_| {});
    scene.begin(EventKind::Doorbell, false);
    assert!(records(scene.follow()));
    assert!(records(scene.after(29)));
    let person = scene.begin(EventKind::Person, false);
    assert!(records(scene.after(29)), "29 s after the second");
    assert_eq!(scene.plan.cause().map(|cause| cause.event), Some(person));
    assert_eq!(scene.after(1), WAITS);
}

#[test]
fn only_kinds_that_count_begin_a_recording() {
    let mut scene = Scene::new(|settings| settings.kinds = vec![EventKind::Person]);
    let motion = scene.begin(EventKind::Motion, true);
    scene.begin(EventKind::Unknown, false);
    assert_eq!(scene.follow(), WAITS);
    scene.end(motion);
    assert_eq!(scene.after(1), WAITS, "nor does the end of one that did not count");
    scene.begin(EventKind::Person, false);
    assert!(records(scene.follow()));
    assert_eq!(scene.after(30), WAITS);
    // What counts may change while it goes on.
    scene.begin(EventKind::Vehicle, true);
    assert_eq!(scene.follow(), WAITS);
    let with = |kinds: Vec<EventKind>| RecordingSettings {
        mode: RecordMode::Events,
        kinds,
        ..RecordingSettings::default()
    };
    scene.plan.set(with(vec![EventKind::Vehicle]));
    assert!(records(scene.follow()));
    scene.plan.set(with(vec![EventKind::Person]));
    assert_eq!(scene.follow(), WAITS);
    let counted = RecordingSettings::default().kinds;
    assert!(!counted.contains(&EventKind::Unknown) && !counted.contains(&EventKind::Input));
    assert_eq!(counted.len(), EventKind::ALL.len() - 2);
}

#[test]
fn off_is_off_whatever_happens_and_what_goes_on_is_not_forgotten() {
    let mut scene = Scene::new(|settings| settings.mode = RecordMode::Off);
    assert_eq!(scene.follow(), Keep::Nothing);
    let motion = scene.begin(EventKind::Motion, true);
    assert_eq!(scene.after(10), Keep::Nothing);
    assert_eq!(scene.plan.cause(), None);
    scene.plan.set(RecordingSettings { mode: RecordMode::Events, ..RecordingSettings::default() });
    assert!(records(scene.follow()), "it goes on still");
    scene.end(motion);
    assert_eq!(scene.after(30), WAITS);
}

#[test]
fn the_week_switches_by_itself() {
    // 1 800 000 000 s is Friday, 15 January 2027, 8:00 UTC.
    let mut week = vec![vec![RecordMode::Always; 48]; 7];
    week[4][17] = RecordMode::Off;
    week[4][18] = RecordMode::Events;
    let mut scene = Scene::new(|settings| settings.week = Some(week));
    assert!(records(scene.follow()));
    assert!(records(scene.after(1799)));
    assert_eq!(scene.after(1), Keep::Nothing);
    assert_eq!(scene.plan.off(), Some(true));
    assert_eq!(scene.after(1800), WAITS);
    assert!(records(scene.after(1800)));
    assert_eq!(scene.plan.off(), None);
}
