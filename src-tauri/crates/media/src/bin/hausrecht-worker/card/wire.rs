//! What comes over a replay's connection, cut into pieces: answers, and packets that lie between them. RFC 2326, 4, 7 and
//! 10.12. Every length is bounded, and nothing is believed that does not look like RTSP.

/// The longest head of a message.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// The longest body; descriptions are far shorter.
const MAX_BODY_BYTES: usize = 256 * 1024;
/// The most header lines.
const MAX_HEADERS: usize = 100;

/// One piece.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Piece {
    /// An answer to a question of ours.
    Answer(Answer),
    /// A question of the camera; there is nothing that it would need to know.
    Question,
    /// A packet of a channel.
    Packet {
        /// Its channel, as agreed in SETUP.
        channel: u8,
        /// RTP or RTCP.
        bytes: Vec<u8>,
    },
}

/// An answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Answer {
    /// 100 to 999.
    pub(super) status: u16,
    /// Names in lower case, and values, in order.
    headers: Vec<(String, String)>,
    /// What follows the head.
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// The first header of a name in lower case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All headers of a name in lower case.
    pub(super) fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The bytes are not RTSP.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum NotRtsp {
    /// Neither a message nor a packet begins here.
    #[error("the camera sends what is not RTSP")]
    Start,
    /// A head or a body is longer than any that makes sense.
    #[error("the camera sends a message that is too long")]
    TooLong,
}

/// Takes the first piece from `bytes`, and says how many of them it took; nothing while it is not whole.
///
/// # Errors
/// The bytes are not RTSP; what follows them cannot be understood either.
pub(super) fn piece(bytes: &[u8]) -> Result<Option<(Piece, usize)>, NotRtsp> {
    // Empty lines between messages are harmless. RFC 2326, 4.1.
    let skipped = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    if skipped > MAX_HEAD_BYTES {
        return Err(NotRtsp::TooLong);
    }
    let rest = bytes.get(skipped..).unwrap_or_default();
    let found = match rest.first() {
        None => return Ok(None),
        Some(b'$') => packet(rest),
        Some(_) => message(rest)?,
    };
    Ok(found.map(|(piece, taken)| (piece, skipped + taken)))
}

fn packet(bytes: &[u8]) -> Option<(Piece, usize)> {
    let (&[_, channel, high, low], rest) = bytes.split_first_chunk::<4>()?;
    let length = usize::from(u16::from_be_bytes([high, low]));
    let bytes = rest.get(..length)?.to_vec();
    Some((Piece::Packet { channel, bytes }, 4 + length))
}

fn message(bytes: &[u8]) -> Result<Option<(Piece, usize)>, NotRtsp> {
    let printable = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ' || *byte >= 0x80;
    let first = bytes.iter().take_while(|byte| printable(byte)).count();
    if bytes.get(first).is_some_and(|byte| !matches!(byte, b'\r' | b'\n')) {
        return Err(NotRtsp::Start);
    }
    let looked_at = bytes.get(..MAX_HEAD_BYTES.min(bytes.len())).unwrap_or_default();
    let ending = |mark: &[u8]| {
        looked_at.windows(mark.len()).position(|window| window == mark).map(|at| (at, at + mark.len()))
    };
    let end = [ending(b"\r\n\r\n"), ending(b"\n\n")].into_iter().flatten().min();
    let Some((head_bytes, body_at)) = end else {
        return if bytes.len() >= MAX_HEAD_BYTES { Err(NotRtsp::TooLong) } else { Ok(None) };
    };
    let head = String::from_utf8_lossy(bytes.get(..head_bytes).unwrap_or_default());
    let mut lines = head.lines();
    let start = lines.next().unwrap_or_default();
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        .take(MAX_HEADERS)
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.map_or(Ok(0), |(_, value)| value.parse()).map_err(|_| NotRtsp::Start)?;
    if length > MAX_BODY_BYTES {
        return Err(NotRtsp::TooLong);
    }
    let Some(body) = bytes.get(body_at..body_at + length) else { return Ok(None) };
    let piece = match start.strip_prefix("RTSP/") {
        Some(rest) => {
            let status = rest.split(' ').nth(1).and_then(|status| status.parse().ok());
            let status = status.filter(|status| (100..1000).contains(status)).ok_or(NotRtsp::Start)?;
            Piece::Answer(Answer { status, headers, body: body.to_vec() })
        }
        None if start.contains(" RTSP/") => Piece::Question,
        None => return Err(NotRtsp::Start),
    };
    Ok(Some((piece, body_at + length)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pieces_are_cut_apart() {
        let mut bytes = b"\r\nRTSP/1.0 200 OK\r\nCSeq: 4\r\ncontent-length:3\r\n\r\nabc".to_vec();
        bytes.extend(b"$\x01\x00\x02hi");
        bytes.extend(b"ANNOUNCE rtsp://192.0.2.1/ RTSP/1.0\nCSeq: 9\n\n$\x00\x00\x05h");
        let (first, taken) = piece(&bytes).unwrap().unwrap();
        let Piece::Answer(answer) = first else { panic!("{first:?}") };
        assert_eq!((answer.status, answer.header("cseq"), &answer.body[..]), (200, Some("4"), &b"abc"[..]));
        bytes.drain(..taken);
        let (second, taken) = piece(&bytes).unwrap().unwrap();
        assert_eq!(second, Piece::Packet { channel: 1, bytes: b"hi".to_vec() });
        bytes.drain(..taken);
        let (third, taken) = piece(&bytes).unwrap().unwrap();
        assert_eq!(third, Piece::Question);
        bytes.drain(..taken);
        assert_eq!(piece(&bytes), Ok(None));
    }

    #[test]
    fn what_is_not_rtsp_or_without_end_is_refused() {
        for bytes in [
            &b"\x80\x60\x00\x01"[..],
            b"HTTP/1.1 200 OK\r\n\r\n",
            b"RTSP/1.0 99999 OK\r\n\r\n",
            b"RTSP/1.0 200 OK\r\nContent-Length: -4\r\n\r\n",
        ] {
            assert_eq!(piece(bytes), Err(NotRtsp::Start), "{bytes:?}");
        }
        let long = b"RTSP/1.0 200 OK\r\nContent-Length: 99999999\r\n\r\n";
        for bytes in [&long[..], &[b'x'; MAX_HEAD_BYTES], &[b'\n'; MAX_HEAD_BYTES + 1]] {
            assert_eq!(piece(bytes), Err(NotRtsp::TooLong));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_piece_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..600), sign in "(RTSP/1.0 [0-9]{1,4} |\\$|)") {
            let bytes = [sign.as_bytes(), &bytes].concat();
            if let Ok(Some((_, taken))) = piece(&bytes) {
                prop_assert!(taken > 0 && taken <= bytes.len());
            }
        }
    }
}
