//! When the pictures of a replay were taken: as each packet says it, or counted from where the camera said that it begins. And how
//! times are written in RTSP: `clock=`, RFC 2326, 3.7.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use super::packet::Packet;

/// A span of time as RTSP has it, from a time on, or up to another. Microseconds since 1970, with and without fractions.
pub(super) fn range(from_us: i64, until_us: Option<i64>, fractions: bool) -> Option<String> {
    let written = |us: i64| {
        let time = Timestamp::from_microsecond(us).ok()?;
        let format = if fractions { "%Y%m%dT%H%M%S%.3fZ" } else { "%Y%m%dT%H%M%SZ" };
        Some(time.strftime(format).to_string())
    };
    let until = until_us.map_or(Some(String::new()), written)?;
    Some(format!("clock={}-{until}", written(from_us)?))
}

/// Where a `Range` header begins, in microseconds since 1970; none if it does not say so by the clock.
pub(super) fn range_start(header: &str) -> Option<i64> {
    let value = header.trim().strip_prefix("clock=")?.split(['-', ';']).next()?.trim();
    let (time, fraction) =
        value.strip_suffix('Z')?.split_once('.').unwrap_or((value.strip_suffix('Z')?, "0"));
    let time = DateTime::strptime("%Y%m%dT%H%M%S", time).ok()?;
    let seconds = TimeZone::UTC.to_timestamp(time).ok()?.as_second();
    if fraction.is_empty() || !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let micros: i64 =
        fraction.bytes().chain(*b"000000").take(6).fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    Some(seconds * 1_000_000 + micros)
}

/// Gives each packet the time of its picture.
#[derive(Debug)]
pub(super) struct PictureClock {
    clock_rate: u32,
    /// Where the camera said that it begins, and at which time of the stream's own clock.
    begins: Option<(i64, Option<u32>)>,
    /// Time of the last picture on both clocks, and whether the packets themselves say it.
    last: Option<(u32, i64)>,
}

impl PictureClock {
    /// Counts `clock_rate` a second from `begins`, where packets do not say their time.
    pub(super) fn new(clock_rate: u32, begins: Option<(i64, Option<u32>)>) -> Self {
        Self { clock_rate: clock_rate.max(1), begins, last: None }
    }

    /// When the packet's picture was taken; none if nothing says it.
    pub(super) fn time_of(&mut self, packet: &Packet) -> Option<i64> {
        let unix_us = match (packet.replay, self.last, self.begins) {
            // Only the first packet of a picture needs to say it.
            (_, Some((rtp_time, unix_us)), _) if rtp_time == packet.rtp_time => unix_us,
            (Some(replay), _, _) => replay.unix_us,
            (None, Some((rtp_time, unix_us)), _) => {
                unix_us.saturating_add(self.passed_us(rtp_time, packet.rtp_time))
            }
            (None, None, Some((unix_us, rtp_time))) => {
                let rtp_time = rtp_time.unwrap_or(packet.rtp_time);
                unix_us.saturating_add(self.passed_us(rtp_time, packet.rtp_time))
            }
            (None, None, None) => return None,
        };
        self.last = Some((packet.rtp_time, unix_us));
        Some(unix_us)
    }

    fn passed_us(&self, from: u32, to: u32) -> i64 {
        // Pictures may come out of order, and the stream's clock begins anew after 2^32.
        i64::from(to.wrapping_sub(from).cast_signed()) * 1_000_000 / i64::from(self.clock_rate)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::card::packet::Replay;

    #[test]
    fn times_are_written_as_rtsp_has_them() {
        let (from, until) = (1_794_590_848_512_345, 1_794_590_858_000_000);
        assert_eq!(range(from, None, true).unwrap(), "clock=20261113T172728.512Z-");
        assert_eq!(range(from, Some(until), false).unwrap(), "clock=20261113T172728Z-20261113T172738Z");
        assert_eq!(range(i64::MAX, None, true), None);
        assert_eq!(range_start("clock=20261113T172728.5Z-"), Some(1_794_590_848_500_000));
        assert_eq!(
            range_start("clock=20261113T172728Z-20261113T172738Z;time=x"),
            Some(1_794_590_848_000_000)
        );
        for wrong in [
            "npt=0-",
            "clock=",
            "clock=now-",
            "clock=20261313T172728Z-",
            "clock=20261113T172728.xZ-",
            "clock=20261113T172728.Z",
        ] {
            assert_eq!(range_start(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn without_the_extension_times_are_counted_from_where_the_camera_begins() {
        let packet = |rtp_time, replay| Packet { payload_type: 96, rtp_time, replay };
        let mut clock = PictureClock::new(90_000, Some((1_000_000, None)));
        assert_eq!(clock.time_of(&packet(u32::MAX - 899, None)), Some(1_000_000));
        assert_eq!(clock.time_of(&packet(8_100, None)), Some(1_100_000));
        assert_eq!(clock.time_of(&packet(4_500, None)), Some(1_060_000));
        let replay = Replay { unix_us: 5_000_000, discontinuous: false, last: false };
        assert_eq!(clock.time_of(&packet(9_000, Some(replay))), Some(5_000_000));
        assert_eq!(clock.time_of(&packet(9_000, None)), Some(5_000_000));
        assert_eq!(clock.time_of(&packet(18_000, None)), Some(5_100_000));
        assert_eq!(PictureClock::new(0, None).time_of(&packet(0, None)), None);
    }

    proptest! {
        #[test]
        fn a_time_is_read_as_it_was_written(us in 0_i64..4_000_000_000_000_000) {
            prop_assert_eq!(range_start(&range(us, None, true).unwrap()), Some(us / 1000 * 1000));
        }

        #[test]
        fn any_header_is_a_time_or_none(header in "(clock=)?[0-9TZ.;=\\- \u{e4}]{0,40}") {
            let _ = range_start(&header);
        }
    }
}
