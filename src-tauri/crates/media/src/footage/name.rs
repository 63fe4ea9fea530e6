//! What the name of a file says: when it begins, and where its camera looks. The patterns are data (`names.tsv`).

use serde::{Deserialize, Serialize};

use super::date;

const NAMES: &str = include_str!("names.tsv");
const VIEWS: &str = include_str!("views.tsv");
/// No file system has longer names.
const MAX_NAME_BYTES: usize = 255;

/// Where one of several cameras of a recorder looks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// Ahead.
    Front,
    /// Back.
    Rear,
    /// Into the car.
    Inside,
    /// To the left.
    Left,
    /// To the right.
    Right,
}

/// What a name says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Named {
    /// When the file begins, by the recorder's own clock: microseconds since 1970 if the zone were UTC.
    pub local_us: i64,
    /// Where its camera looks, for recorders with several.
    pub view: Option<View>,
}

/// Reads the name of a file, with its ending; `None` if it has no time that is known here.
pub fn name_says(name: &str) -> Option<Named> {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_ascii_lowercase();
    if stem.len() > MAX_NAME_BYTES || !stem.is_ascii() {
        // Patterns are in ASCII; the digits of a name that is not can still stand between its blanks.
        let plain: String =
            stem.chars().take(MAX_NAME_BYTES).map(|c| if c.is_ascii() { c } else { ' ' }).collect();
        return patterns().find_map(|pattern| fit(pattern, &plain));
    }
    patterns().find_map(|pattern| fit(pattern, &stem))
}

fn patterns() -> impl Iterator<Item = &'static str> {
    rows(NAMES).map(|(_, pattern)| pattern)
}

/// The two columns of a table, without its remarks.
fn rows(table: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    table.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('\t'))
}

fn view_of(word: &str) -> Option<View> {
    let name = rows(VIEWS).find(|(known, _)| *known == word)?.1;
    [
        ("front", View::Front),
        ("rear", View::Rear),
        ("inside", View::Inside),
        ("left", View::Left),
        ("right", View::Right),
    ]
    .into_iter()
    .find_map(|(known, view)| (known == name).then_some(view))
}

/// What has been read of a name so far.
#[derive(Clone, Copy, Default)]
struct Read {
    year: Option<i16>,
    month: Option<i8>,
    day: Option<i8>,
    hour: Option<i8>,
    minute: Option<i8>,
    second: Option<i8>,
    view: Option<View>,
}

fn fit(pattern: &str, stem: &str) -> Option<Named> {
    let read = rest(pattern.as_bytes(), stem.as_bytes(), None, Read::default())?;
    let local = jiff::civil::DateTime::new(
        read.year?,
        read.month?,
        read.day?,
        read.hour?,
        read.minute?,
        read.second?,
        0,
    );
    Some(Named { local_us: date::as_utc(local.ok()?)?, view: read.view })
}

/// Fits what is left of a pattern to what is left of a name; `before` is the byte before it.
fn rest(pattern: &[u8], name: &[u8], before: Option<u8>, read: Read) -> Option<Read> {
    match pattern {
        [] => name.is_empty().then_some(read).filter(is_time),
        [b'%', b'*', after @ ..] => (0..=name.len())
            .find_map(|length| rest(after, &name[length..], last(&name[..length], before), read)),
        [b'%', b'#', after @ ..] => {
            let digits = name.iter().take_while(|byte| byte.is_ascii_digit()).count();
            (1..=digits)
                .rev()
                .find_map(|length| rest(after, &name[length..], last(&name[..length], before), read))
        }
        [b'%', b'v', after @ ..] => {
            let length = name.iter().take_while(|byte| byte.is_ascii_lowercase() || **byte == b'_').count();
            let view = view_of(std::str::from_utf8(&name[..length]).ok()?)?;
            rest(after, &name[length..], last(&name[..length], before), Read { view: Some(view), ..read })
        }
        [b'%', field, after @ ..] => {
            let length = if *field == b'Y' { 4 } else { 2 };
            let digits = name.get(..length).filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
            // A time is not cut out of a longer number.
            if matches!(field, b'Y' | b'y') && before.is_some_and(|byte| byte.is_ascii_digit()) {
                return None;
            }
            let value: i16 = std::str::from_utf8(digits).ok()?.parse().ok()?;
            let small = i8::try_from(value).ok();
            // A second time in the name is that of the end.
            let read = match field {
                b'Y' => Read { year: read.year.or(Some(value)), ..read },
                b'y' => Read { year: read.year.or(Some(2000 + value)), ..read },
                b'm' => Read { month: read.month.or(small), ..read },
                b'd' => Read { day: read.day.or(small), ..read },
                b'H' => Read { hour: read.hour.or(small), ..read },
                b'M' => Read { minute: read.minute.or(small), ..read },
                b'S' => Read { second: read.second.or(small), ..read },
                _ => return None,
            };
            rest(after, &name[length..], last(digits, before), read)
        }
        [letter, after @ ..] => {
            let (first, left) = name.split_first()?;
            (first == letter).then(|| rest(after, left, Some(*first), read)).flatten()
        }
    }
}

fn last(bytes: &[u8], before: Option<u8>) -> Option<u8> {
    bytes.last().copied().or(before)
}

fn is_time(read: &Read) -> bool {
    let within = |value: Option<i8>, least, most| value.is_some_and(|value| (least..=most).contains(&value));
    read.year.is_some_and(|year| (1990..=2099).contains(&year))
        && within(read.month, 1, 12)
        && within(read.day, 1, 31)
        && within(read.hour, 0, 23)
        && within(read.minute, 0, 59)
        && within(read.second, 0, 59)
}
