//! Tests of what becomes an event.

use super::*;

const TOPIC: &str = "RuleEngine/CellMotionDetector/Motion";

fn notification(topic: &str, operation: Operation, on: bool) -> Notification {
    Notification {
        topic: topic.to_owned(),
        operation: Some(operation),
        at: UnixMicros(0),
        source: Vec::new(),
        data: vec![("IsMotion".to_owned(), on.to_string())],
    }
}

fn motion(on: bool) -> Notification {
    notification(TOPIC, Operation::Changed, on)
}

fn said(topic: &str, kind: EventKind) -> Override {
    Override { topic: topic.to_owned(), item: None, kind }
}

impl Intake {
    /// Takes in what leads to one step at most.
    fn take_one(
        &mut self,
        notification: Notification,
        said: &[Override],
        now: Duration,
        at: UnixMicros,
    ) -> Option<Step> {
        let mut steps = self.take(notification, said, now, at);
        assert!(steps.len() <= 1, "{steps:?}");
        steps.pop()
    }
}

fn bell(on: bool) -> Notification {
    notification("RuleEngine/MyRuleDetector/Visitor", Operation::Changed, on)
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn at(now: Duration) -> UnixMicros {
    UnixMicros(0).plus(now)
}

#[test]
fn a_start_and_its_end_are_one_event() {
    let mut intake = Intake::new(seconds(0));
    let Some(Step::Begin(begun)) = intake.take_one(motion(true), &[], seconds(1), at(seconds(1))) else {
        panic!()
    };
    assert!(begun.lasts && begun.is_news && begun.kind == EventKind::Motion);
    assert_eq!(intake.take_one(motion(true), &[], seconds(2), at(seconds(2))), None);
    let ended = intake.take_one(motion(false), &[], seconds(3), at(seconds(3)));
    assert_eq!(ended, Some(Step::End { id: begun.id, kind: EventKind::Motion, at: at(seconds(3)) }));
}

#[test]
fn a_first_state_is_an_event_only_if_it_goes_on_and_is_no_news() {
    let mut intake = Intake::new(seconds(0));
    let off = notification(TOPIC, Operation::Initialized, false);
    assert_eq!(intake.take_one(off, &[], seconds(0), at(seconds(0))), None);
    let on = notification(TOPIC, Operation::Initialized, true);
    let begun = intake.take_one(on, &[], seconds(0), at(seconds(0)));
    assert!(matches!(begun, Some(Step::Begin(Begun { is_news: false, lasts: true, .. }))));
}

#[test]
fn of_a_flood_a_bounded_number_begins_and_every_end_comes() {
    let mut intake = Intake::new(seconds(0));
    let mut going_on = std::collections::HashSet::new();
    let (mut began, mut words) = (0, Vec::new());
    for millisecond in 0..20_000_u64 {
        let now = Duration::from_millis(millisecond);
        let mut steps: Vec<_> =
            intake.take_one(motion(millisecond % 2 == 0), &[], now, at(now)).into_iter().collect();
        steps.extend(intake.settle(now, at(now)));
        for step in steps {
            match step {
                Step::Begin(begun) => {
                    began += 1;
                    going_on.insert(begun.id);
                }
                Step::End { id, .. } => assert!(going_on.remove(&id)),
            }
        }
        words.extend(intake.flood_word(now));
    }
    assert!(going_on.is_empty(), "the last word was that nothing moves");
    assert!(began <= 30 + 2 * 20, "{began} events of 10000 were kept");
    assert_eq!(words.len(), 2, "{words:?}");
    assert!(words[0] == FloodWord::Begins && matches!(words[1], FloodWord::LeftOut(1000..)), "{words:?}");
    let rest = intake.flood_word(seconds(100));
    assert!(matches!(rest, Some(FloodWord::LeftOut(_))), "the rest is said when it is over: {rest:?}");
    assert_eq!(intake.flood_word(seconds(900)), None);
}

#[test]
fn what_waits_for_room_begins_later_at_its_own_time() {
    let mut intake = Intake::new(seconds(0));
    for number in 0..40 {
        let mut one = motion(true);
        one.source = vec![("Source".to_owned(), number.to_string())];
        intake.take_one(one, &[], seconds(0), at(seconds(0)));
    }
    let steps = intake.settle(seconds(5), at(seconds(5)));
    assert_eq!(steps.len(), 10);
    assert!(steps.iter().all(|step| matches!(step, Step::Begin(begun) if begun.at == at(seconds(0)))));
    assert_eq!(intake.flood_word(seconds(5)), None, "nothing was left out");
}

#[test]
fn what_goes_on_when_the_camera_is_lost_ends_then_unless_it_is_confirmed() {
    let mut intake = Intake::new(seconds(0));
    let confirmed = notification("VideoSource/MotionAlarm", Operation::Changed, true);
    intake.take_one(motion(true), &[], seconds(1), at(seconds(1)));
    intake.take_one(confirmed.clone(), &[], seconds(1), at(seconds(1)));
    intake.lose_touch(at(seconds(10)));
    let again = Notification { operation: Some(Operation::Initialized), ..confirmed };
    intake.take_one(again, &[], seconds(20), at(seconds(20)));
    assert_eq!(intake.settle(seconds(69), at(seconds(69))), []);
    let steps = intake.settle(seconds(70), at(seconds(70)));
    assert!(matches!(&steps[..], [Step::End { at: ended, .. }] if *ended == at(seconds(10))), "{steps:?}");
    assert_eq!(intake.end_all(at(seconds(80))).len(), 1);
}

#[test]
fn what_the_owner_says_comes_first_and_unknown_topics_are_counted() {
    let mut intake = Intake::new(seconds(0));
    let bell = |on| notification("Acme/Bell", Operation::Changed, on);
    let Some(Step::Begin(begun)) = intake.take_one(bell(true), &[], seconds(1), at(seconds(1))) else {
        panic!()
    };
    assert_eq!((begun.kind, begun.mapped_from), (EventKind::Unknown, None));
    intake.take_one(bell(false), &[], seconds(1), at(seconds(1)));
    assert_eq!(intake.take_strange()["Acme/Bell"].count, 2);
    let map = [said("acme/bell", EventKind::Doorbell)];
    let Some(Step::Begin(begun)) = intake.take_one(bell(true), &map, seconds(2), at(seconds(2))) else {
        panic!()
    };
    assert_eq!((begun.kind, begun.mapped_from), (EventKind::Doorbell, Some(EventKind::Unknown)));
    assert!(intake.take_strange().is_empty());
    let nothing = [said("acme/bell", EventKind::Unknown)];
    let ended = intake.take_one(bell(true), &nothing, seconds(3), at(seconds(3)));
    assert!(matches!(ended, Some(Step::End { .. })), "what shall mean nothing ends: {ended:?}");
    assert_eq!(intake.take_one(bell(true), &nothing, seconds(4), at(seconds(4))), None);
}

#[test]
fn somebody_who_rings_comes_through_a_flood() {
    let mut intake = Intake::new(seconds(0));
    for number in 0..1000 {
        let mut one = motion(true);
        one.source = vec![("Source".to_owned(), number.to_string())];
        intake.take_one(one, &[], seconds(0), at(seconds(0)));
    }
    let rung = intake.take_one(bell(true), &[], seconds(0), at(seconds(0)));
    assert!(matches!(rung, Some(Step::Begin(Begun { kind: EventKind::Doorbell, .. }))), "{rung:?}");
    // But a bell that rings all the time has no more than its own room.
    let mut rings = 0;
    for millisecond in 0..20_000_u64 {
        let now = Duration::from_millis(millisecond);
        let steps = intake.take(bell(millisecond % 2 == 0), &[], now, at(now));
        rings += steps.iter().filter(|step| matches!(step, Step::Begin(_))).count();
    }
    assert!(rings <= 10 + 4 + 40, "{rings}");
}

#[test]
fn people_and_pets_of_one_topic_are_two_events() {
    let mut intake = Intake::new(seconds(0));
    let smart = |item: &str, on: bool| Notification {
        data: vec![(item.to_owned(), on.to_string())],
        ..notification("RuleEngine/TPSmartEventDetector/TPSmartEvent", Operation::Changed, on)
    };
    let mut begin = |item| match intake.take_one(smart(item, true), &[], seconds(1), at(seconds(1))) {
        Some(Step::Begin(begun)) => begun,
        other => panic!("{item}: {other:?}"),
    };
    let (person, pet) = (begin("IsPeople"), begin("IsPet"));
    assert_eq!((person.kind, pet.kind), (EventKind::Person, EventKind::Animal));
    let ended = intake.take_one(smart("IsPeople", false), &[], seconds(2), at(seconds(2)));
    assert_eq!(ended, Some(Step::End { id: person.id, kind: EventKind::Person, at: at(seconds(2)) }));
    // The source is gone, and with it whatever it reported.
    let gone = Notification { operation: Some(Operation::Deleted), ..smart("IsPeople", false) };
    let ended = intake.take_one(gone, &[], seconds(3), at(seconds(3)));
    assert!(matches!(ended, Some(Step::End { id, .. }) if id == pet.id), "{ended:?}");
}

#[test]
fn a_bell_that_is_never_let_go_rings_again() {
    let mut intake = Intake::new(seconds(0));
    let Some(Step::Begin(first)) = intake.take_one(bell(true), &[], seconds(1), at(seconds(1))) else {
        panic!()
    };
    assert_eq!(intake.take_one(bell(true), &[], seconds(2), at(seconds(2))), None, "it is held");
    let again = intake.take(bell(true), &[], seconds(20), at(seconds(20)));
    let [Step::End { id, at: ended, .. }, Step::Begin(second)] = &again[..] else { panic!("{again:?}") };
    assert_eq!((*id, *ended), (first.id, at(seconds(2))));
    assert!(second.kind == EventKind::Doorbell && second.is_news && second.at == at(seconds(20)));
    let state = Notification { operation: Some(Operation::Initialized), ..bell(true) };
    assert_eq!(intake.take_one(state, &[], seconds(40), at(seconds(40))), None, "nobody rings");
}

#[test]
fn measured_motion_has_the_same_room_and_outlives_the_conversation() {
    let mut intake = Intake::new(seconds(0));
    let begun = intake.measured(true, seconds(1), at(seconds(1)));
    assert!(matches!(&begun[..], [Step::Begin(Begun { kind: EventKind::Motion, lasts: true, .. })]));
    assert_eq!(intake.measured(true, seconds(2), at(seconds(2))), []);
    intake.lose_touch(at(seconds(3)));
    assert_eq!(intake.end_reported(at(seconds(3))), []);
    assert_eq!(intake.settle(seconds(300), at(seconds(300))), []);
    let ended = intake.measured(false, seconds(301), at(seconds(301)));
    assert!(matches!(ended[..], [Step::End { at: ended, .. }] if ended == at(seconds(301))));
    let mut began = 0;
    for millisecond in 0..10_000_u64 {
        let now = seconds(400) + Duration::from_millis(millisecond);
        let steps = intake.measured(millisecond % 2 == 0, now, at(now));
        began += steps.iter().filter(|step| matches!(step, Step::Begin(_))).count();
    }
    assert!(began <= 30 + 2 * 10, "{began}");
}
