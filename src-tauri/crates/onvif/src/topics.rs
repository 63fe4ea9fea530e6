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
}

/// Looks up a topic without prefixes, together with the data that came with it.
pub fn meaning(topic: &str, data: &[(String, String)]) -> Meaning {
    let mut first = None;
    for line in TABLE.iter().filter(|line| line.fits(topic)) {
        let active = match line.item {
            Item::Message => None,
            Item::First => match data.first() {
                Some((_, value)) => truth(value),
                None => None,
            },
            Item::Named(name) => match data.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
                Some((_, value)) => truth(value),
                None => continue,
            },
        };
        let meaning = Meaning { kind: line.kind, active };
        if active != Some(false) {
            return meaning;
        }
        first.get_or_insert(meaning);
    }
    first.unwrap_or_else(|| Meaning {
        kind: EventKind::Unknown,
        active: data.iter().find_map(|(_, value)| truth(value)),
    })
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
        let mut levels = topic.split('/');
        let fits = self.levels.iter().all(|expected| {
            levels.next().is_some_and(|level| *expected == "*" || expected.eq_ignore_ascii_case(level))
        });
        fits && levels.next().is_none()
    }
}

static TABLE: LazyLock<Vec<Line>> = LazyLock::new(|| {
    let lines = include_str!("topics.tsv").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let lines = lines.filter_map(|line| {
        let mut columns = line.split('\t');
        let levels = columns.next()?.split('/').collect();
        let item = match columns.next()? {
            "-" => Item::Message,
            "*" => Item::First,
            name => Item::Named(name),
        };
        Some(Line { levels, item, kind: EventKind::from_name(columns.next()?) })
    });
    lines.collect()
});

/// Reads a state in the words that cameras use.
fn truth(value: &str) -> Option<bool> {
    match value.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "active" | "on" | "yes" | "high" | "closed" | "start" => Some(true),
        "false" | "0" | "inactive" | "off" | "no" | "low" | "open" | "stop" => Some(false),
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
        use EventKind::{Animal, Doorbell, Input, Motion, Person, Tamper, Vehicle};
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
            ("RuleEngine/LineDetector/Crossed", ("ObjectId", "7"), (Motion, None)),
        ];
        for (topic, item, expected) in cases {
            assert_eq!(looked_up(topic, &[item]), expected, "{topic}");
        }
    }

    #[test]
    fn of_several_flags_the_one_that_starts_wins() {
        let data = [("IsPeople", "false"), ("IsPet", "true")];
        let found = looked_up("RuleEngine/TPSmartEventDetector/TPSmartEvent", &data);
        assert_eq!(found, (EventKind::Animal, Some(true)));
    }

    #[test]
    fn an_unknown_topic_is_unknown_and_no_error() {
        assert_eq!(looked_up("Acme/Thing", &[("On", "true")]), (EventKind::Unknown, Some(true)));
        assert_eq!(looked_up("", &[]), (EventKind::Unknown, None));
    }
}
