//! Where a camera was: the file that dashcams write beside a film, as NMEA 0183 sentences (Transcend, Mio and others; BlackVue, with
//! the time in brackets before each) or as GPX 1.1. What cannot be read is passed over; nothing of it is needed to take the film.

use jiff::civil::DateTime;
use quick_xml::{Reader, events::Event};

use super::{date, is_believable};

/// More of such a file is not read. Bytes.
pub const MAX_TRACK_BYTES: usize = 16 * 1024 * 1024;
/// More places are not kept: a day, one a second.
pub(super) const MAX_FIXES: usize = 86_400;
/// Endings of such files.
pub const TRACK_ENDINGS: [&str; 5] = ["gpx", "nmea", "gps", "nma", "log"];
/// A knot in metres a second.
const KNOT: f64 = 1852.0 / 3600.0;
/// Places closer together are one. Microseconds.
const LEAST_US: i64 = 500_000;

/// A place at a time, by the satellites.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Fix {
    /// Microseconds since 1970.
    pub unix_us: i64,
    /// Degrees, north is above zero.
    pub latitude: f64,
    /// Degrees, east is above zero.
    pub longitude: f64,
    /// Metres a second, if it was written.
    pub speed: Option<f64>,
}

/// Reads all places of a file, in the order of their times; about one a second. `now_us` is the time now: places of times that
/// cannot be are left out.
pub fn track(bytes: &[u8], now_us: i64) -> Vec<Fix> {
    let bytes = &bytes[..bytes.len().min(MAX_TRACK_BYTES)];
    let text = String::from_utf8_lossy(bytes);
    let start = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    let mut fixes = if start.starts_with('<') { gpx(start) } else { nmea(start) };
    fixes.retain(|fix| is_believable(fix.unix_us, now_us));
    fixes.sort_by_key(|fix| fix.unix_us);
    fixes.dedup_by(|later, earlier| later.unix_us - earlier.unix_us < LEAST_US);
    fixes.truncate(MAX_FIXES);
    fixes
}

/// Whether a file of this name may belong to the film `film`, both without their folder. BlackVue writes one for the front and the
/// rear camera together, without their letter.
pub fn belongs_to(name: &str, film: &str) -> bool {
    let Some((stem, ending)) = name.rsplit_once('.') else { return false };
    if !TRACK_ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)) {
        return false;
    }
    let film = film.rsplit_once('.').map_or(film, |(stem, _)| stem);
    let without_letter = film
        .strip_suffix(['F', 'R', 'I'])
        .filter(|rest| rest.ends_with(|last: char| last.is_ascii_uppercase() || last == '_'));
    stem.eq_ignore_ascii_case(film) || without_letter.is_some_and(|rest| stem.eq_ignore_ascii_case(rest))
}

fn place(unix_us: i64, latitude: f64, longitude: f64, speed: Option<f64>) -> Option<Fix> {
    let is_place = (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude);
    // What was never set stands on the equator off Africa.
    let is_set = latitude != 0.0 || longitude != 0.0;
    // Faster than sound is no car.
    let speed = speed.filter(|speed| (0.0..340.0).contains(speed));
    (is_place && is_set).then_some(Fix { unix_us, latitude, longitude, speed })
}

/// `RMC` sentences: the only common ones with a date.
fn nmea(text: &str) -> Vec<Fix> {
    text.lines().filter_map(rmc).take(MAX_FIXES * 20).collect()
}

fn rmc(line: &str) -> Option<Fix> {
    let sentence = &line[line.find('$')? + 1..];
    let (body, sum) = match sentence.split_once('*') {
        Some((body, sum)) => (body, sum.get(..2)),
        None => (sentence.trim_end(), None),
    };
    if let Some(sum) = sum {
        let told = u8::from_str_radix(sum, 16).ok()?;
        if body.bytes().fold(0, |sum, byte| sum ^ byte) != told {
            return None;
        }
    }
    let mut fields = body.split(',');
    let kind = fields.next()?;
    if kind.len() != 5 || !kind.ends_with("RMC") {
        return None;
    }
    let [clock, valid, lat, north, lon, east, knots] = take_seven(&mut fields)?;
    let day = fields.nth(1)?;
    if valid != "A" {
        return None;
    }
    let unix_us = utc(day, clock)?;
    let latitude = degrees(lat, 2)? * if north == "S" { -1.0 } else { 1.0 };
    let longitude = degrees(lon, 3)? * if east == "W" { -1.0 } else { 1.0 };
    place(unix_us, latitude, longitude, knots.parse().ok().map(|knots: f64| knots * KNOT))
}

fn take_seven<'a>(fields: &mut impl Iterator<Item = &'a str>) -> Option<[&'a str; 7]> {
    let mut taken = [""; 7];
    for field in &mut taken {
        *field = fields.next()?;
    }
    Some(taken)
}

/// `ddmmyy` and `hhmmss.sss`.
fn utc(day: &str, clock: &str) -> Option<i64> {
    let two = |text: &str, at: usize| text.get(at..at + 2)?.parse::<i8>().ok();
    let fraction: f64 = match clock.get(6..) {
        None | Some("") => 0.0,
        Some(rest) => format!("0{rest}").parse().ok()?,
    };
    let year = 2000 + i16::from(two(day, 4)?);
    let nanos = (fraction.clamp(0.0, 0.999_999) * 1e9) as i32;
    let time = DateTime::new(
        year,
        two(day, 2)?,
        two(day, 0)?,
        two(clock, 0)?,
        two(clock, 2)?,
        two(clock, 4)?.min(59),
        nanos,
    );
    date::as_utc(time.ok()?)
}

/// `ddmm.mmmm` or `dddmm.mmmm`.
fn degrees(text: &str, digits: usize) -> Option<f64> {
    let whole: f64 = text.get(..digits)?.parse().ok()?;
    let minutes: f64 = text.get(digits..)?.parse().ok()?;
    (0.0..60.0).contains(&minutes).then_some(whole + minutes / 60.0)
}

/// `trkpt` with `time`; `speed` stands in extensions under whatever prefix.
fn gpx(text: &str) -> Vec<Fix> {
    let mut reader = Reader::from_str(text);
    let mut fixes = Vec::new();
    let mut point: Option<(f64, f64)> = None;
    let (mut time_us, mut speed) = (None, None);
    let mut element = String::new();
    while fixes.len() < MAX_FIXES * 20 {
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                start.local_name().as_ref().clone_into(&mut element);
                if element == "trkpt" {
                    let number = |name: &str| -> Option<f64> {
                        let value = start.try_get_attribute(name).ok()??.value;
                        value.trim().parse().ok()
                    };
                    point = number("lat").zip(number("lon"));
                    (time_us, speed) = (None, None);
                }
            }
            Ok(Event::Text(text)) => match element.as_str() {
                "time" => time_us = gpx_time(&text),
                "speed" => speed = text.trim().parse().ok(),
                _ => {}
            },
            Ok(Event::End(end)) => {
                element.clear();
                if end.local_name().as_ref() == "trkpt"
                    && let (Some((latitude, longitude)), Some(unix_us)) = (point.take(), time_us)
                {
                    fixes.extend(place(unix_us, latitude, longitude, speed));
                }
            }
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    fixes
}

/// GPX times are UTC, whether they say so or not.
fn gpx_time(text: &str) -> Option<i64> {
    Some(match date::parse(text)? {
        super::Created::Zoned { unix_us } | super::Created::Utc { unix_us } => unix_us,
        super::Created::Local { local_us } => local_us,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_US: i64 = 1_795_348_800_000_000;
    /// 2026-11-18 13:30:00 UTC.
    const AT_US: i64 = 1_795_008_600_000_000;

    fn near(fix: &Fix, latitude: f64, longitude: f64) -> bool {
        (fix.latitude - latitude).abs() < 1e-6 && (fix.longitude - longitude).abs() < 1e-6
    }

    fn with_sum(body: &str) -> String {
        format!("${body}*{:02X}", body.bytes().fold(0, |sum, byte| sum ^ byte))
    }

    #[test]
    fn sentences_are_read_and_others_passed_over() {
        let text = [
            "[1795008600123]".to_owned()
                + &with_sum("GPRMC,133000.000,A,4808.2270,N,01134.5280,E,027.0,231.8,181126,,,A"),
            with_sum("GPGGA,133000.000,4808.2270,N,01134.5280,E,1,08,0.9,545.4,M,46.9,M,,"),
            with_sum("GNRMC,133001.500,A,3351.6500,S,07012.0000,W,,,181126,,,A"),
            with_sum("GPRMC,133002.000,V,,,,,,,181126,,,N"),
            "$GPRMC,133003.000,A,4808.2270,N,01134.5280,E,027.0,231.8,181126,,,A*00".into(),
            "$GPRMC,133004.000,A,4899.2270,N,01134.5280,E,0,0,181126,,,A".into(),
            "noise".into(),
        ]
        .join("\r\n");
        let fixes = track(text.as_bytes(), NOW_US);
        assert_eq!(fixes.iter().map(|fix| fix.unix_us - AT_US).collect::<Vec<_>>(), [0, 1_500_000]);
        assert!(near(&fixes[0], 48.137_117, 11.575_467), "{fixes:?}");
        assert!(near(&fixes[1], -33.860_833, -70.2), "{fixes:?}");
        assert!((fixes[0].speed.unwrap() - 13.89).abs() < 0.01 && fixes[1].speed.is_none());
    }

    #[test]
    fn gpx_is_read_with_its_speeds() {
        let text = "\u{feff}<?xml version=\"1.0\"?><gpx xmlns=\"http://www.topografix.com/GPX/1/1\"><metadata><time>2020-01-01T00:00:00Z</time></metadata>
            <trk><trkseg><trkpt lat=\"48.137\" lon=\"11.5755\"><ele>5</ele><time>2026-11-18T13:30:00Z</time><extensions><a:speed>3.5</a:speed></extensions></trkpt>
            <trkpt lat=\"200\" lon=\"11\"><time>2026-11-18T13:30:01Z</time></trkpt><trkpt lat=\"48\" lon=\"11\"></trkpt>
            <trkpt lat='48.2' lon='11.6'><time>2026-11-18T13:30:02.000Z</time></trkpt>";
        let fixes = track(text.as_bytes(), NOW_US);
        assert_eq!(fixes.iter().map(|fix| fix.unix_us - AT_US).collect::<Vec<_>>(), [0, 2_000_000]);
        assert_eq!((fixes[0].speed, fixes[1].speed), (Some(3.5), None));
    }

    #[test]
    fn times_that_cannot_be_are_left_out() {
        let old = with_sum("GPRMC,133000.000,A,4808.2270,N,01134.5280,E,0,0,180180,,,A");
        assert_eq!(track(old.as_bytes(), NOW_US), []);
        assert_eq!(track(&[0xff; 5000], NOW_US), []);
    }

    #[test]
    fn a_track_belongs_to_its_film() {
        for (name, film, belongs) in [
            ("20261118_143000_NF.GPX", "20261118_143000_NF.mp4", true),
            ("20261118_143000_N.gps", "20261118_143000_NF.mp4", true),
            ("20261118_143000_N.gps", "20261118_143000_NR.mp4", true),
            ("FILE0001.nmea", "file0001.MOV", true),
            ("FILE0001.txt", "FILE0001.MOV", false),
            ("FILE0002.nmea", "FILE0001.MOV", false),
            ("garde.log", "gardeR.mp4", false),
        ] {
            assert_eq!(belongs_to(name, film), belongs, "{name} {film}");
        }
    }
}
