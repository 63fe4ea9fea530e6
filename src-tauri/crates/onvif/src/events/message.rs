//! Reads one `wsnt:NotificationMessage`.

use hausrecht_model::UnixMicros;

use super::{Notification, Operation};
use crate::xml::Element;

/// Names and values kept of one message.
const ITEMS_MAX: usize = 64;
/// A camera's time is believed if it is this close to the arrival: some repeat the time of an older event, or send
/// none at all.
const BELIEVED_US: u64 = 60_000_000;

/// Reads a message that `arrived`; `None` without a topic.
pub(super) fn read(element: &Element, arrived: UnixMicros, offset_us: i64) -> Option<Notification> {
    let topic = element.text_at(&["Topic"])?;
    let message = element.at(&["Message", "Message"]).or_else(|| element.child("Message"))?;
    let operation = match message.attribute("PropertyOperation") {
        Some("Initialized") => Some(Operation::Initialized),
        Some("Changed") => Some(Operation::Changed),
        Some("Deleted") => Some(Operation::Deleted),
        Some(_) | None => None,
    };
    let said = message.attribute("UtcTime").and_then(time).map(|said| said.0.saturating_sub(offset_us));
    let at = said.filter(|said| said.abs_diff(arrived.0) <= BELIEVED_US).map_or(arrived, UnixMicros);
    Some(Notification {
        topic: without_prefixes(topic),
        operation,
        at,
        source: items(message.child("Source")),
        data: items(message.child("Data")),
    })
}

/// Reads an `xs:dateTime`; one without a zone is taken for UTC.
pub(super) fn time(text: &str) -> Option<UnixMicros> {
    let text = text.trim();
    let zoned = text.parse::<jiff::Timestamp>().ok();
    let parsed = zoned.or_else(|| format!("{text}Z").parse().ok())?;
    Some(UnixMicros(parsed.as_microsecond()))
}

fn without_prefixes(topic: &str) -> String {
    let levels = topic.split('/').map(|level| level.rsplit(':').next().unwrap_or(level).trim());
    levels.filter(|level| !level.is_empty()).collect::<Vec<_>>().join("/").chars().take(256).collect()
}

fn items(holder: Option<&Element>) -> Vec<(String, String)> {
    let items = holder.into_iter().flat_map(|holder| holder.children("SimpleItem"));
    let named = items.filter_map(|item| {
        let short = |name| item.attribute(name).map(|text: &str| text.chars().take(256).collect::<String>());
        Some((short("Name")?, short("Value")?))
    });
    named.take(ITEMS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::parse;

    fn message(attributes: &str) -> Element {
        let text = format!(
            r#"<wsnt:NotificationMessage><wsnt:Topic Dialect="x"> tns1:RuleEngine/CellMotionDetector/tnshik:Motion
            </wsnt:Topic><wsnt:Message><tt:Message {attributes}><tt:Source><tt:SimpleItem Name="Rule" Value="R1"/>
            </tt:Source><tt:Data><tt:SimpleItem Name="IsMotion" Value="true"/><tt:SimpleItem Name="nothing"/></tt:Data>
            </tt:Message></wsnt:Message></wsnt:NotificationMessage>"#
        );
        parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_message_is_read_with_undeclared_prefixes() {
        let arrived = time("2024-03-12T01:45:50Z").unwrap();
        let element = message(r#"UtcTime="2024-03-12T00:45:48Z" PropertyOperation="Changed""#);
        let read = read(&element, arrived, -3_600_000_000).unwrap();
        assert_eq!(read.topic, "RuleEngine/CellMotionDetector/Motion");
        assert_eq!(read.operation, Some(Operation::Changed));
        assert_eq!(read.at, time("2024-03-12T01:45:48Z").unwrap());
        assert_eq!(read.source, [("Rule".to_owned(), "R1".to_owned())]);
        assert_eq!(read.data, [("IsMotion".to_owned(), "true".to_owned())]);
    }

    #[test]
    fn an_impossible_or_stale_time_gives_the_arrival() {
        let arrived = time("2024-03-12T00:45:48Z").unwrap();
        for said in ["0000-00-00T00:00:00Z", "1970-01-01T00:00:00Z", "yesterday"] {
            let element = message(&format!("UtcTime=\"{said}\""));
            assert_eq!(read(&element, arrived, 0).unwrap().at, arrived, "{said}");
        }
    }
}
