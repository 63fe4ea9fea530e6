//! What a camera's event topics mean: a table of makers' topics, kept as data in `topics.tsv`. A topic that the table
//! lacks is no error; it stays what it is and is shown raw.

use std::sync::LazyLock;

use hausrecht_model::EventKind;

/// What a notification says in Hausrecht's own terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// The kind; [`EventKind::Unknown`] for a topic that the table lacks.
    pub kind: EventKind,
    /// `true` when it starts, `false` when it ends, `None` for something without duration.
    pub active: Option<bool>,
    /// Whether an end need not follow: it has no duration, or it started and its message did not say that it is a state
    /// (no `PropertyOperation`). Every such start is news, even while the one before still goes on: some doorbells only
    /// ever say that they ring.
    pub is_momentary: bool,
}

impl Meaning {
    fn new(kind: EventKind, active: Option<bool>) -> Self {
        Self { kind, active, is_momentary: active.is_none() }
    }
}

/// What the owner has said a topic of a camera means; it comes before the table.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, specta::Type)]
pub struct Override {
    /// The topic without prefixes, in any case; `*` stands for one level.
    pub topic: String,
    /// The name in the message's data that tells whether it starts or ends; `None` takes the first that does.
    pub item: Option<String>,
    /// What it means; [`EventKind::Unknown`] for one that shall mean nothing.
    pub kind: EventKind,
}

/// Looks up a topic without prefixes, together with the data that came with it.
pub fn meaning(topic: &str, data: &[(String, String)]) -> Meaning {
    meaning_with(&[], topic, data)
}

/// As [`meaning`], after what the owner has said.
pub fn meaning_with(overrides: &[Override], topic: &str, data: &[(String, String)]) -> Meaning {
    for said in overrides {
        if !fits(said.topic.split('/'), topic) {
            continue;
        }
        let active = match &said.item {
            Some(name) => match value_of(data, name) {
                Some(value) => truth(value),
                None => continue,
            },
            None => first_truth(data),
        };
        return Meaning::new(said.kind, active);
    }
    let mut first = None;
    for line in TABLE.iter().filter(|line| line.fits(topic) && line.holds(data)) {
        let active = match line.item {
            Item::Message => None,
            Item::First => first_truth(data),
            Item::Named(name) => match value_of(data, name) {
                Some(value) => truth(value),
                None => continue,
            },
        };
        let meaning = Meaning::new(line.kind, active);
        if active != Some(false) {
            return meaning;
        }
        first.get_or_insert(meaning);
    }
    first.unwrap_or_else(|| Meaning::new(EventKind::Unknown, first_truth(data)))
}

/// The state in a message that does not say which item tells it: of the items that are called as states are, or else
/// of any that reads as one. The number of an object may read as one and is none.
fn first_truth(data: &[(String, String)]) -> Option<bool> {
    let of = |is_wanted: fn(&str) -> bool| {
        data.iter().filter(|(name, _)| is_wanted(name)).find_map(|(_, value)| truth(value))
    };
    of(is_state).or_else(|| of(|name| !is_number(name)))
}

/// Whether an item of this name is a state: `State`, `LogicalState`, `active`, `IsMotion`.
fn is_state(name: &str) -> bool {
    const NAMES: [&str; 5] = ["state", "logicalstate", "active", "triggered", "value"];
    let is_flag = name.strip_prefix("Is").or_else(|| name.strip_prefix("is"));
    is_flag.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
        || NAMES.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Whether an item of this name counts or names something: `ObjectId`, `Level`.
fn is_number(name: &str) -> bool {
    const ENDS: [&str; 9] =
        ["id", "token", "index", "count", "number", "level", "time", "percent", "likelihood"];
    let name = name.to_ascii_lowercase();
    ENDS.iter().any(|end| name.ends_with(end))
}

fn value_of<'a>(data: &'a [(String, String)], name: &str) -> Option<&'a str> {
    data.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// Everything that a topic can mean whose messages carry items of these names; empty for one that the table lacks.
pub fn kinds(topic: &str, names: &[String]) -> Vec<EventKind> {
    let lines = TABLE.iter().filter(|line| line.fits(topic));
    let told = lines.filter(|line| match line.item {
        Item::Message | Item::First => true,
        // A camera that describes no items may send them all the same.
        Item::Named(name) => names.is_empty() || names.iter().any(|known| known.eq_ignore_ascii_case(name)),
    });
    let mut kinds: Vec<EventKind> = told.map(|line| line.kind).collect();
    kinds.sort();
    kinds.dedup();
    kinds
}

#[derive(Debug)]
struct Line {
    levels: Vec<&'static str>,
    item: Item,
    /// A name and a word that its value must have among its words.
    condition: Option<(&'static str, &'static str)>,
    kind: EventKind,
}

#[derive(Debug)]
enum Item {
    Message,
    First,
    Named(&'static str),
}

impl Line {
    fn fits(&self, topic: &str) -> bool {
        fits(self.levels.iter().copied(), topic)
    }

    fn holds(&self, data: &[(String, String)]) -> bool {
        self.condition.is_none_or(|(name, wanted)| {
            let words = value_of(data, name).unwrap_or_default().split([' ', ',', ';']);
            words.into_iter().any(|word| word.trim().eq_ignore_ascii_case(wanted))
        })
    }
}

fn fits<'a>(pattern: impl Iterator<Item = &'a str>, topic: &str) -> bool {
    let mut levels = topic.split('/');
    let mut pattern = pattern;
    let fits = pattern.all(|expected| {
        levels.next().is_some_and(|level| expected == "*" || expected.eq_ignore_ascii_case(level))
    });
    fits && levels.next().is_none()
}

static TABLE: LazyLock<Vec<Line>> = LazyLock::new(|| {
    let lines = include_str!("topics.tsv").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let lines = lines.filter_map(|line| {
        let mut columns = line.split('\t');
        let levels = columns.next()?.split('/').collect();
        let teller = columns.next()?;
        let (item, condition) = match teller.split_once('?') {
            Some((item, condition)) => (item, Some(condition.split_once('=')?)),
            None => (teller, None),
        };
        let item = match item {
            "-" => Item::Message,
            "*" => Item::First,
            name => Item::Named(name),
        };
        Some(Line { levels, item, condition, kind: EventKind::from_name(columns.next()?) })
    });
    lines.collect()
});

/// Reads a state in the words that cameras use.
fn truth(value: &str) -> Option<bool> {
    match value.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "active" | "on" | "yes" | "high" | "closed" | "start" | "ring" | "pressed"
        | "alarm" | "detected" | "triggered" => Some(true),
        "false" | "0" | "inactive" | "off" | "no" | "low" | "open" | "stop" | "normal" | "released"
        | "idle" | "clear" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looked_up(topic: &str, data: &[(&str, &str)]) -> (EventKind, Option<bool>) {
        let data: Vec<_> = data.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let meaning = meaning(topic, &data);
        (meaning.kind, meaning.active)
    }

    #[test]
    fn every_line_of_the_table_has_four_columns_and_a_known_kind() {
        let lines = include_str!("topics.tsv").lines().filter(|line| !line.starts_with('#'));
        let lines: Vec<_> = lines.collect();
        for line in &lines {
            let columns: Vec<_> = line.split('\t').collect();
            assert_eq!(columns.len(), 4, "{line}");
            assert_eq!(EventKind::from_name(columns[2]).as_str(), columns[2], "{line}");
        }
        assert_eq!(TABLE.len(), lines.len());
    }

    #[test]
    fn makers_topics_are_understood() {
        use EventKind::{
            Animal, Doorbell, Face, Input, Intrusion, Line, Motion, Package, Person, Sound, Tamper, Vehicle,
        };
        let cases = [
            ("RuleEngine/CellMotionDetector/Motion", ("IsMotion", "true"), (Motion, Some(true))),
            ("RuleEngine/MotionRegionDetector/Motion", ("State", "0"), (Motion, Some(false))),
            ("RuleEngine/MyRuleDetector/Visitor", ("State", "true"), (Doorbell, Some(true))),
            ("RuleEngine/MyRuleDetector/DogCatDetect", ("State", "false"), (Animal, Some(false))),
            ("RuleEngine/PeopleDetector/People", ("IsPeople", "true"), (Person, Some(true))),
            ("RuleEngine/TPSmartEventDetector/TPSmartEvent", ("IsVehicle", "true"), (Vehicle, Some(true))),
            ("CameraApplicationPlatform/VMD/Camera1Profile1", ("active", "1"), (Motion, Some(true))),
            ("VideoSource/GlobalSceneChange/ImagingService", ("State", "true"), (Tamper, Some(true))),
            ("Device/Trigger/DigitalInput", ("LogicalState", "true"), (Input, Some(true))),
            ("RuleEngine/LineDetector/Crossed", ("ObjectId", "7"), (Line, None)),
            ("RuleEngine/LineCrossDetector/LineCross", ("IsLineCross", "true"), (Line, Some(true))),
            ("RuleEngine/FieldDetector/ObjectsInside", ("IsInside", "false"), (Intrusion, Some(false))),
            ("RuleEngine/MyRuleDetector/FaceDetect", ("State", "true"), (Face, Some(true))),
            ("RuleEngine/MyRuleDetector/Package", ("State", "true"), (Package, Some(true))),
            ("AudioAnalytics/Audio/DetectedSound", ("IsSoundDetected", "1"), (Sound, Some(true))),
            ("AudioSource/TriggerLevel", ("triggered", "0"), (Sound, Some(false))),
            ("VideoAnalytics/MotionDetection", ("Motion", "1"), (Motion, Some(true))),
            ("VideoAnalytics/MotionAlarm", ("State", "true"), (Motion, Some(true))),
            ("UserAlarm/IVA/HumanShapeDetect", ("State", "true"), (Person, Some(true))),
            ("VehicleAlarm/IVB/VehicleDetect", ("State", "true"), (Vehicle, Some(true))),
            (
                "CameraApplicationPlatform/FenceGuard/Camera1ProfileANY",
                ("active", "1"),
                (Intrusion, Some(true)),
            ),
            ("VideoSource/Alarm", ("State", "Ring"), (Doorbell, Some(true))),
            ("RuleEngine/Recognition/LicensePlate", ("Plate", "M AB 1"), (Vehicle, None)),
            ("RuleEngine/ObjectDetection/Object", ("ClassTypes", "Human Face"), (Person, None)),
            ("RuleEngine/ObjectDetection/Object", ("ClassTypes", "Bus"), (Motion, None)),
        ];
        for (topic, item, expected) in cases {
            assert_eq!(looked_up(topic, &[item]), expected, "{topic}");
        }
    }

    #[test]
    fn the_item_that_is_a_state_tells_wherever_it_stands() {
        let topic = "RuleEngine/MyRuleDetector/PeopleDetect";
        for (data, active) in [
            (&[("ObjectId", "7"), ("State", "true")][..], Some(true)),
            (&[("ObjectId", "1"), ("State", "false")], Some(false)),
            (&[("Level", "0"), ("Alarm", "true")], Some(true)),
            (&[("Zone", "1"), ("IsPeople", "0")], Some(false)),
            (&[("ObjectId", "1")], None),
            (&[("Plate", "M AB 1")], None),
            (&[("People", "1")], Some(true)),
        ] {
            assert_eq!(looked_up(topic, data), (EventKind::Person, active), "{data:?}");
        }
    }

    #[test]
    fn of_several_flags_the_one_that_starts_wins() {
        let data = [("IsPeople", "false"), ("IsPet", "true")];
        let found = looked_up("RuleEngine/TPSmartEventDetector/TPSmartEvent", &data);
        assert_eq!(found, (EventKind::Animal, Some(true)));
    }

    #[test]
    fn a_condition_chooses_the_kind_and_the_item_tells_the_end() {
        let topic = "CameraApplicationPlatform/ObjectAnalytics/Device1Scenario1";
        let person = [("active", "0"), ("classTypes", "human")];
        assert_eq!(looked_up(topic, &person), (EventKind::Person, Some(false)));
        let anything = [("active", "1"), ("classTypes", "kite")];
        assert_eq!(looked_up(topic, &anything), (EventKind::Motion, Some(true)));
    }

    #[test]
    fn what_the_owner_says_comes_first() {
        let said = |topic: &str, item: Option<&str>, kind| Override {
            topic: topic.to_owned(),
            item: item.map(str::to_owned),
            kind,
        };
        let data = [("Level".to_owned(), "7".to_owned()), ("On".to_owned(), "true".to_owned())];
        let overrides = [
            said("acme/*", Some("Missing"), EventKind::Person),
            said("acme/*", None, EventKind::Doorbell),
            said("VideoSource/MotionAlarm", Some("on"), EventKind::Unknown),
        ];
        let found = |topic| meaning_with(&overrides, topic, &data);
        assert_eq!(found("Acme/Thing"), Meaning::new(EventKind::Doorbell, Some(true)));
        assert_eq!(found("VideoSource/MotionAlarm").kind, EventKind::Unknown);
        assert_eq!(found("Acme").kind, EventKind::Unknown);
    }

    #[test]
    fn a_topic_can_mean_several_kinds() {
        let topic = "RuleEngine/TPSmartEventDetector/TPSmartEvent";
        let names = ["IsPeople", "IsVehicle"].map(str::to_owned);
        assert_eq!(kinds(topic, &names), [EventKind::Motion, EventKind::Person, EventKind::Vehicle]);
        assert!(kinds("Acme/Thing", &names).is_empty());
    }

    #[test]
    fn an_unknown_topic_is_unknown_and_no_error() {
        assert_eq!(looked_up("Acme/Thing", &[("On", "true")]), (EventKind::Unknown, Some(true)));
        assert_eq!(looked_up("", &[]), (EventKind::Unknown, None));
    }
}
