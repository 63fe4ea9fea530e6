//! Frames survive the stream, and hostile streams are refused.

use super::*;

fn samples() -> Vec<BulkFrame> {
    vec![
        BulkFrame::ClipStart(ClipStart {
            clip_seq: 7,
            start_unix_us: UnixMicros(1_700_000_000_000_000),
            codec: Codec::H265,
            width: 1920,
            height: 1080,
        }),
        BulkFrame::Init { clip_seq: 7, bytes: vec![1, 2, 3] },
        BulkFrame::Fragment {
            meta: FragmentMeta { clip_seq: 7, start_us: 0, duration_us: 1_000_000, key: true, frames: 25 },
            bytes: vec![9; 70_000],
        },
        BulkFrame::Thumbnail { clip_seq: 7, jpeg: vec![0xff, 0xd8] },
        BulkFrame::FileStart(FileStart { start_unix_us: UnixMicros(5) }),
        BulkFrame::FileWrite { offset: 9, bytes: vec![1, 2] },
        BulkFrame::FileEnd(FileEnd { duration_us: 4, pictures: 3, encoded: 2, hidden_us: 1 }),
        BulkFrame::ClipEnd(ClipEnd { clip_seq: 7, duration_us: 1_000_000, frames: 25 }),
    ]
}

fn written(frames: &[BulkFrame]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = BulkWriter::new(&mut bytes);
    for frame in frames {
        writer.write(frame).unwrap();
    }
    bytes
}

#[test]
fn frames_survive_the_stream() {
    let bytes = written(&samples());
    let mut reader = BulkReader::new(&bytes[..]);
    for expected in samples() {
        assert_eq!(reader.next_frame().unwrap(), Some(expected));
    }
    assert_eq!(reader.next_frame().unwrap(), None);
}

#[test]
fn a_stream_cut_at_any_byte_gives_whole_frames_and_then_an_error() {
    let frames = samples();
    let bytes = written(&frames[..2]);
    for len in 0..bytes.len() {
        let mut reader = BulkReader::new(&bytes[..len]);
        let mut whole = 0;
        let end = loop {
            match reader.next_frame() {
                Ok(Some(_)) => whole += 1,
                end => break end,
            }
        };
        assert!(whole < 2, "cut at {len}");
        assert!(matches!(end, Ok(None) | Err(BulkError::CutShort)), "cut at {len}: {end:?}");
    }
}

#[test]
fn lengths_over_the_limit_are_refused_before_reading() {
    let claim = |kind: u8, header: u16, payload: u32| {
        let mut bytes = vec![kind];
        bytes.extend(header.to_le_bytes());
        bytes.extend(payload.to_le_bytes());
        BulkReader::new(&bytes[..]).next_frame()
    };
    assert!(matches!(claim(3, 2, u32::MAX), Err(BulkError::TooLong { .. })));
    assert!(matches!(claim(2, 2, 64 * 1024 + 1), Err(BulkError::TooLong { .. })));
    assert!(matches!(claim(1, 2, 1), Err(BulkError::TooLong { .. })));
    assert!(matches!(claim(5, u16::MAX, 0), Err(BulkError::TooLong { .. })));
    assert!(matches!(claim(0, 0, 0), Err(BulkError::UnknownKind(0))));
    assert!(matches!(claim(9, 0, 0), Err(BulkError::UnknownKind(9))));
    assert!(matches!(claim(3, 100, 32 * 1024 * 1024), Err(BulkError::CutShort)));
}

#[test]
fn a_bad_header_is_refused() {
    let mut bytes = vec![3, 2, 0, 0, 0, 0, 0];
    bytes.extend(b"{}");
    assert!(matches!(BulkReader::new(&bytes[..]).next_frame(), Err(BulkError::Malformed(_))));
}
