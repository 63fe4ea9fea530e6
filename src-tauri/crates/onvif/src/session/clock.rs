//! The camera's clock. Tokens are signed with the time that the camera believes in, because cameras without NTP are
//! off by hours or years and refuse everything else.

use url::Url;

use crate::{
    Error,
    http::Payload,
    session::{Session, reply::redirection},
    soap::{Answer, Operation, ns, open},
    xml::{Element, parse},
};

/// Differences below this are the round trip and the whole seconds of the answer.
const TOLERANCE_US: i64 = 2_000_000;

/// Whether `after` is another time than `before` for the purpose of a signature.
pub(super) fn clock_differs(before: Option<i64>, after: i64) -> bool {
    before.is_none_or(|before| before.abs_diff(after) > TOLERANCE_US.unsigned_abs())
}

/// Whether two readings are apart by what a wrong time zone explains: quarters of an hour, up to fifteen hours.
pub(super) fn is_zone_error(before: Option<i64>, after: i64) -> bool {
    const QUARTER_US: u64 = 900_000_000;
    let Some(before) = before else { return true };
    let apart_us = before.abs_diff(after);
    let beside_us = (apart_us + QUARTER_US / 2) % QUARTER_US;
    (QUARTER_US..=60 * QUARTER_US).contains(&(apart_us + TOLERANCE_US.unsigned_abs()))
        && beside_us.abs_diff(QUARTER_US / 2) <= TOLERANCE_US.unsigned_abs()
}

/// What came of asking for the time.
pub(super) struct Reading {
    /// How far it is from ours; `None` if the camera answers but does not say.
    pub(super) offset_us: Option<i64>,
    /// Where the camera redirects to.
    pub(super) moved: Option<Url>,
    /// Whether it was a device service that answered: it spoke SOAP, or it wants a sign-in before it does.
    pub(super) is_service: bool,
}

impl Session {
    /// Asks for the time without signing.
    pub(super) async fn read_clock(&self) -> Result<Reading, Error> {
        let operation = Operation::new(ns::DEVICE, "GetSystemDateAndTime", "");
        let envelope = operation.envelope("");
        let payload = Payload::Soap { action: &operation.action, envelope: &envelope };
        let asked_us = self.settings.clock.now().0;
        let reply = self.exchange(&self.origin, payload, None, self.limits()).await?;
        let moved = redirection(&self.origin, &reply);
        let answered_us = self.settings.clock.now().0;
        let ours_us = asked_us.midpoint(answered_us);
        let (body, is_soap) = match parse(&reply.body).ok().map(open) {
            Some(Ok(Answer::Body(body))) => (body, true),
            Some(Ok(Answer::Fault(_))) => (Element::default(), true),
            Some(Err(_)) | None => (Element::default(), false),
        };
        let said_us =
            time_us(&body, "UTCDateTime").or(reply.date_us).or_else(|| time_us(&body, "LocalDateTime"));
        let offset_us = said_us.map(|said_us| said_us.saturating_sub(ours_us));
        Ok(Reading { offset_us, moved, is_service: is_soap || matches!(reply.status, 401 | 403) })
    }
}

/// Reads one of the two times of a GetSystemDateAndTimeResponse.
fn time_us(body: &Element, name: &str) -> Option<i64> {
    let time = body.find(name)?;
    let number = |path: [&str; 2]| time.text_at(&path)?.parse::<i64>().ok();
    let date = |name| number(["Date", name]);
    let clock = |name| number(["Time", name]);
    let civil = jiff::civil::DateTime::new(
        date("Year")?.try_into().ok()?,
        date("Month")?.try_into().ok()?,
        date("Day")?.try_into().ok()?,
        clock("Hour")?.try_into().ok()?,
        clock("Minute")?.try_into().ok()?,
        // Leap seconds are beyond what a camera or jiff knows.
        clock("Second").unwrap_or(0).min(59).try_into().ok()?,
        0,
    );
    let zoned = civil.ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(zoned.timestamp().as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    const UTC: &str = "<R><SystemDateAndTime><UTCDateTime><Time><Hour>7</Hour><Minute>50</Minute><Second>60</Second></Time>\
        <Date><Year>2010</Year><Month>9</Month><Day>16</Day></Date></UTCDateTime></SystemDateAndTime></R>";

    #[test]
    fn a_time_is_read_and_a_leap_second_is_tolerated() {
        assert_eq!(time_us(&parse(UTC.as_bytes()).unwrap(), "UTCDateTime"), Some(1_284_623_459_000_000));
    }

    #[test]
    fn only_quarters_of_an_hour_are_a_zone_error() {
        let minute_us = 60_000_000;
        for minutes in [-720, -60, 15, 120, 345, 840] {
            assert!(is_zone_error(Some(7), minutes * minute_us + 1_000_000), "{minutes}");
        }
        for minutes in [0, 1, 20, 70, 1440, 525_600] {
            assert!(!is_zone_error(Some(7), minutes * minute_us), "{minutes}");
        }
    }

    #[test]
    fn an_impossible_time_is_none() {
        let text = UTC.replace("<Month>9<", "<Month>0<");
        assert_eq!(time_us(&parse(text.as_bytes()).unwrap(), "UTCDateTime"), None);
    }
}
