//! RTP packets of a replay: what must be known of them, and the extension 0xABAC that says when a picture was taken. RFC 3550,
//! 5.1; ONVIF Streaming Specification, 6.3.

/// From 1900, where NTP begins, to 1970, in seconds.
const NTP_TO_UNIX_SECONDS: i64 = 2_208_988_800;
/// The number of the extension.
const REPLAY: u16 = 0xabac;

/// What is read of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Packet {
    /// The kind of payload, 0 to 127.
    pub(super) payload_type: u8,
    /// The picture's time on the stream's own clock.
    pub(super) rtp_time: u32,
    /// What the replay extension says, if it is there.
    pub(super) replay: Option<Replay>,
}

/// What the replay extension says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Replay {
    /// When the picture was taken by the camera's clock, in microseconds since 1970.
    pub(super) unix_us: i64,
    /// Flag D: the one before it is not the one that was taken before it.
    pub(super) discontinuous: bool,
    /// Flag T: nothing follows.
    pub(super) last: bool,
}

/// Reads an RTP packet; none if it is not one.
pub(super) fn read(bytes: &[u8]) -> Option<Packet> {
    let (header, rest) = bytes.split_first_chunk::<12>()?;
    let &[flags, kind, _, _, t3, t2, t1, t0, ..] = header;
    if flags >> 6 != 2 {
        return None;
    }
    let rest = rest.get(usize::from(flags & 0xf) * 4..)?;
    let replay = if flags & 0x10 == 0 { None } else { extension(rest)? };
    Some(Packet { payload_type: kind & 0x7f, rtp_time: u32::from_be_bytes([t3, t2, t1, t0]), replay })
}

/// What the extension at the start of `bytes` says; none in it if it is another one.
fn extension(bytes: &[u8]) -> Option<Option<Replay>> {
    let (&[i1, i0, l1, l0], rest) = bytes.split_first_chunk::<4>()?;
    let words = usize::from(u16::from_be_bytes([l1, l0]));
    let body = rest.get(..words * 4)?;
    // More words may follow: the header of a JPEG.
    let Some((&[s3, s2, s1, s0, f3, f2, f1, f0, flags, ..], _)) = body.split_first_chunk::<12>() else {
        return Some(None);
    };
    if u16::from_be_bytes([i1, i0]) != REPLAY {
        return Some(None);
    }
    let unix_us = unix_us(u32::from_be_bytes([s3, s2, s1, s0]), u32::from_be_bytes([f3, f2, f1, f0]));
    Some(Some(Replay { unix_us, discontinuous: flags & 0x20 != 0, last: flags & 0x10 != 0 }))
}

/// An NTP time in microseconds since 1970. Its seconds began anew in 2036; what lies before 1970 is of after that. RFC 5905, 6.
fn unix_us(seconds: u32, fraction: u32) -> i64 {
    let seconds = i64::from(seconds) - NTP_TO_UNIX_SECONDS;
    let seconds = if seconds < 0 { seconds + (1 << 32) } else { seconds };
    let micros = (i64::from(fraction) * 1_000_000 + (1 << 31)) >> 32;
    seconds * 1_000_000 + micros
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SAMPLE: [u8; 30] = [
        0x90, 0xe0, 0, 7, 0, 0, 0x0b, 0xb8, 1, 2, 3, 4, 0xab, 0xac, 0, 3, 0xee, 0xa0, 0xf5, 0x00, 0x80, 0, 0,
        0, 0xb0, 9, 0, 0, 0x65, 0x88,
    ];

    #[test]
    fn a_packet_says_when_its_picture_was_taken() {
        let replay = Replay { unix_us: 1_794_537_088_500_000, discontinuous: true, last: true };
        assert_eq!(read(&SAMPLE), Some(Packet { payload_type: 96, rtp_time: 3_000, replay: Some(replay) }));
        assert_eq!(unix_us(0, 0), 2_085_978_496_000_000, "2036");
        assert_eq!(unix_us(u32::MAX, u32::MAX), 2_085_978_496_000_000);
    }

    #[test]
    fn a_packet_without_the_extension_is_one_too() {
        let mut other = SAMPLE;
        other[12] = 0xbe;
        assert_eq!(read(&other).unwrap().replay, None);
        let mut none = SAMPLE;
        none[0] = 0x80;
        assert_eq!(read(&none).unwrap().replay, None);
        let mut short = SAMPLE;
        short[15] = 2;
        assert_eq!(read(&short).unwrap().replay, None);
    }

    #[test]
    fn what_is_cut_short_is_no_packet() {
        for length in 0..28 {
            assert_eq!(read(&SAMPLE[..length]), None, "{length}");
        }
        let mut version = SAMPLE;
        version[0] = 0x10;
        assert_eq!(read(&version), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_packet_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = read(&bytes);
        }

        #[test]
        fn a_time_survives_to_the_microsecond(unix_us in 0_i64..2_085_978_496_000_000) {
            let seconds = u32::try_from(unix_us / 1_000_000 + NTP_TO_UNIX_SECONDS).unwrap();
            let fraction = ((unix_us % 1_000_000) << 32) / 1_000_000;
            prop_assert_eq!(super::unix_us(seconds, u32::try_from(fraction).unwrap()), unix_us);
        }
    }
}
