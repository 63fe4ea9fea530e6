//! Reads one `wsnt:NotificationMessage`.

use hausrecht_model::UnixMicros;

use super::{Notification, Operation};
use crate::xml::Element;

/// Names and values kept of one message.
const ITEMS_MAX: usize = 32;
/// Topics and messages kept of one notification.
const PARTS_MAX: usize = 16;
/// A camera's time is believed if it is this close to the arrival: some repeat the time of an older event, or send
/// none at all.
const BELIEVED_US: u64 = 60_000_000;

/// Reads all messages in an answer, one at a time, so that a flood takes no room. They stand directly inside it, or in
/// a `Notify` as in WS-BaseNotification.
pub(super) fn read_all(
    body: &Element,
    arrived: UnixMicros,
    offset_us: i64,
) -> impl Iterator<Item = Notification> {
    let wrapped = body.children("Notify").flat_map(|notify| notify.children("NotificationMessage"));
    let is_single = &*body.name == "NotificationMessage";
    let single = Some(body).filter(|_| is_single).into_iter();
    let all = single.chain(body.children("NotificationMessage")).chain(wrapped);
    all.flat_map(move |element| read(element, arrived, offset_us))
}

/// Reads a message that `arrived`. Most have one topic and one message; some cameras put several of one or of both into
/// it.
fn read(element: &Element, arrived: UnixMicros, offset_us: i64) -> Vec<Notification> {
    let texts = element.children("Topic").flat_map(|topic| topic.text.split('|'));
    let topics: Vec<String> =
        texts.map(without_prefixes).filter(|topic| !topic.is_empty()).take(PARTS_MAX).collect();
    let holders = element.children("Message");
    let messages = holders.flat_map(|holder| {
        let inside: Vec<&Element> = holder.children("Message").collect();
        if inside.is_empty() { vec![holder] } else { inside }
    });
    let messages: Vec<&Element> = messages.take(PARTS_MAX).collect();
    let one = |topic: &String, message: &Element| one(topic, message, arrived, offset_us);
    if topics.len() == messages.len() {
        return topics.iter().zip(messages).map(|(topic, message)| one(topic, message)).collect();
    }
    // Several topics with one message mean that it belongs to each, and the other way round.
    let pairs = topics.iter().flat_map(|topic| messages.iter().map(move |message| one(topic, message)));
    pairs.take(PARTS_MAX).collect()
}

fn one(topic: &str, message: &Element, arrived: UnixMicros, offset_us: i64) -> Notification {
    let operation = match message.attribute("PropertyOperation").map(str::to_ascii_lowercase).as_deref() {
        Some("initialized") => Some(Operation::Initialized),
        Some("changed") => Some(Operation::Changed),
        Some("deleted") => Some(Operation::Deleted),
        Some(_) | None => None,
    };
    let said = message.attribute("UtcTime").and_then(time).map(|said| said.0.saturating_sub(offset_us));
    let at = said.filter(|said| said.abs_diff(arrived.0) <= BELIEVED_US).map_or(arrived, UnixMicros);
    Notification {
        topic: topic.to_owned(),
        operation,
        at,
        source: items(message.child("Source")),
        data: items(message.child("Data")),
    }
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
    levels
        .filter(|level| !level.is_empty() && *level != ".")
        .collect::<Vec<_>>()
        .join("/")
        .chars()
        .take(256)
        .collect()
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
        let read = read(&element, arrived, -3_600_000_000).remove(0);
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
            assert_eq!(read(&element, arrived, 0)[0].at, arrived, "{said}");
        }
    }

    fn topics(body: &str) -> Vec<(String, usize)> {
        let element = parse(body.as_bytes()).unwrap();
        let all = read_all(&element, UnixMicros(0), 0);
        all.map(|read| (read.topic, read.data.len())).collect()
    }

    const STATE: &str =
        r#"<tt:Message><tt:Data><tt:SimpleItem Name="State" Value="1"/></tt:Data></tt:Message>"#;

    #[test]
    fn several_topics_and_several_messages_are_all_read() {
        let both = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), 1)).collect::<Vec<_>>();
        let several_topics = format!(
            "<r><NotificationMessage><Topic>t:A/B</Topic><Topic>t:C</Topic><Message>{STATE}</Message></NotificationMessage></r>"
        );
        assert_eq!(topics(&several_topics), both(&["A/B", "C"]));
        let joined = several_topics.replace("</Topic><Topic>", "|");
        assert_eq!(topics(&joined), both(&["A/B", "C"]));
        let several_messages = format!(
            "<r><NotificationMessage><Topic>t:A//.</Topic><Message>{STATE}{STATE}</Message></NotificationMessage></r>"
        );
        assert_eq!(topics(&several_messages), both(&["A", "A"]));
        let pairs = format!(
            "<r><NotificationMessage><Topic>A</Topic><Message>{STATE}</Message><Topic>B</Topic><Message>{STATE}</Message></NotificationMessage></r>"
        );
        assert_eq!(topics(&pairs), both(&["A", "B"]));
    }

    #[test]
    fn messages_in_a_notify_and_without_an_inner_message_are_read() {
        let wrapped = format!(
            "<r><w:Notify><w:NotificationMessage><w:Topic>A</w:Topic><w:Message>{STATE}</w:Message></w:NotificationMessage></w:Notify></r>"
        );
        assert_eq!(topics(&wrapped), [("A".to_owned(), 1)]);
        let bare = wrapped.replace("<tt:Message>", "").replace("</tt:Message>", "");
        assert_eq!(topics(&bare), [("A".to_owned(), 1)]);
        assert_eq!(
            topics("<r><NotificationMessage/><NotificationMessage><Topic/></NotificationMessage></r>"),
            []
        );
    }
}
