//! Reading values out of answers: numbers, flags, ranges and lists in every shape that cameras give them.

use std::time::Duration;

use hausrecht_model::UnixMicros;

use crate::xml::Element;

/// The smallest and the largest value that a camera accepts.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize, specta::Type)]
pub struct Range {
    /// The smallest.
    pub min: f32,
    /// The largest.
    pub max: f32,
}

impl Range {
    /// The nearest value that the camera accepts.
    pub fn nearest(self, value: f32) -> f32 {
        value.max(self.min).min(self.max)
    }

    /// Reads `Min` and `Max`, in whatever order; `None` unless both are there and make sense.
    pub(super) fn read(element: Option<&Element>) -> Option<Self> {
        let element = element?;
        let (min, max) = (number(element, &["Min"])?, number(element, &["Max"])?);
        (min <= max).then_some(Self { min, max })
    }
}

/// A finite number at the end of a path.
pub(super) fn number(element: &Element, path: &[&str]) -> Option<f32> {
    // Some cameras write numbers with a comma.
    element.text_at(path)?.replace(',', ".").parse::<f32>().ok().filter(|number| number.is_finite())
}

/// A count at the end of a path; a fraction is cut off, a negative one is zero.
pub(super) fn count(element: &Element, path: &[&str]) -> Option<u32> {
    number(element, path).map(|number| number as u32)
}

/// `true`, `1`, `on` and the like at the end of a path.
pub(super) fn flag(element: &Element, path: &[&str]) -> Option<bool> {
    element.text_at(path).and_then(as_flag)
}

/// A flag in an attribute.
pub(super) fn flag_attribute(element: &Element, name: &str) -> Option<bool> {
    element.attribute(name).and_then(as_flag)
}

fn as_flag(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "on" | "enabled" => Some(true),
        "false" | "0" | "off" | "disabled" => Some(false),
        _ => None,
    }
}

/// A number in an attribute.
pub(super) fn number_attribute(element: &Element, name: &str) -> Option<f32> {
    element.attribute(name)?.trim().parse::<f32>().ok().filter(|number| number.is_finite())
}

/// A text at the end of a path, at most 512 characters.
pub(super) fn text(element: &Element, path: &[&str]) -> Option<String> {
    element.text_at(path).map(short)
}

/// The token of an element.
pub(super) fn token(element: &Element) -> Option<String> {
    element.attribute("token").or_else(|| element.text_at(&["token"])).map(str::to_owned)
}

/// All texts of children of this name.
pub(super) fn texts(element: &Element, name: &str) -> Vec<String> {
    let all = element.children(name).map(|child| child.text.trim()).filter(|text| !text.is_empty());
    all.take(LIST_MAX).map(short).collect()
}

/// The words of a list, whether as one text with blanks between, as repeated elements, or as `Items` inside.
pub(super) fn words(element: &Element, name: &str) -> Vec<String> {
    let inside = element.children(name).flat_map(|child| {
        let items = child.children.iter().map(|item| item.text.as_str());
        std::iter::once(child.text.as_str()).chain(items)
    });
    inside.flat_map(str::split_whitespace).take(LIST_MAX).map(short).collect()
}

/// The elements that an answer lists, whatever it calls them: plural or singular.
pub(super) fn listed<'a>(body: &'a Element, names: &'a [&'a str]) -> impl Iterator<Item = &'a Element> {
    body.children.iter().filter(|child| names.contains(&&*child.name)).take(LIST_MAX)
}

/// An `xs:duration` of days and less, as `PT10S` or `P0Y0M0DT0H1M0.5S`.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let span = text.trim().parse::<jiff::Span>().ok()?;
    let days = i64::from(span.get_days());
    let seconds = ((days * 24 + i64::from(span.get_hours())) * 60 + span.get_minutes()) * 60;
    let milliseconds = seconds.checked_add(span.get_seconds())?.checked_mul(1000)? + span.get_milliseconds();
    u64::try_from(milliseconds).ok().map(Duration::from_millis)
}

/// An `xs:dateTime`; one without a zone is taken for UTC.
pub(super) fn time(text: &str) -> Option<UnixMicros> {
    let text = text.trim();
    let zoned = text.parse::<jiff::Timestamp>().ok();
    let parsed = zoned.or_else(|| format!("{text}Z").parse().ok())?;
    Some(UnixMicros(parsed.as_microsecond()))
}

/// A duration as `xs:duration`.
pub(super) fn iso_duration(duration: Duration) -> String {
    let fraction = duration.subsec_millis();
    if fraction == 0 {
        format!("PT{}S", duration.as_secs())
    } else {
        format!("PT{}.{fraction:03}S", duration.as_secs())
    }
}

/// More entries than any list of a camera has.
const LIST_MAX: usize = 1024;

fn short(text: &str) -> String {
    text.chars().take(512).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::parse;

    #[test]
    fn durations_are_read_and_written() {
        for (text, seconds) in [("PT10S", 10), ("PT1M5S", 65), ("P1DT1H", 90_000), (" PT0S ", 0)] {
            assert_eq!(duration(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(duration("ten"), None);
        assert_eq!(duration("-PT5S"), None);
        assert_eq!(iso_duration(Duration::from_millis(1500)), "PT1.500S");
        assert_eq!(duration("PT1.5S"), Some(Duration::from_millis(1500)));
    }

    #[test]
    fn a_list_is_read_in_each_of_its_shapes() {
        let shapes = [
            "<r><L>Baseline Main</L></r>",
            "<r><L>Baseline</L><L>Main</L></r>",
            "<r><L><Items>Baseline</Items><Items>Main</Items></L></r>",
        ];
        for shape in shapes {
            assert_eq!(words(&parse(shape.as_bytes()).unwrap(), "L"), ["Baseline", "Main"], "{shape}");
        }
    }

    #[test]
    fn a_range_with_its_ends_swapped_or_missing_is_none() {
        let range = |text: &str| Range::read(Some(&parse(text.as_bytes()).unwrap()));
        assert_eq!(range("<r><Max>2</Max><Min>1</Min></r>"), Some(Range { min: 1.0, max: 2.0 }));
        assert_eq!(range("<r><Min>3</Min><Max>1</Max></r>"), None);
        assert_eq!(range("<r><Min>NaN</Min><Max>1</Max></r>"), None);
    }
}
