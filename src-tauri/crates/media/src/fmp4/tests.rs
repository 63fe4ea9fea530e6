//! What is written can be read, and nothing that is read makes the reader panic.

use super::{read::ParseError, *};

fn format() -> Format {
    Format { codec: Codec::H264, width: 1920, height: 1080, codec_data: vec![1, 66, 0, 30, 0xff] }
}

fn mjpeg() -> Format {
    Format { codec: Codec::Mjpeg, width: 1280, height: 720, codec_data: Vec::new() }
}

#[test]
fn an_init_segment_can_be_read_again() {
    for format in [format(), Format { codec: Codec::H265, ..format() }, mjpeg()] {
        let bytes = init_segment(&format).unwrap();
        assert_eq!(parse_init(find_box(&bytes, b"moov").unwrap()).unwrap(), format);
    }
}

#[test]
fn another_codec_under_the_name_of_mjpeg_is_refused() {
    let mut bytes = init_segment(&mjpeg()).unwrap();
    let at = bytes.windows(2).position(|pair| pair == [0x6c, 0x11]).unwrap();
    bytes[at] = 0x20;
    assert!(matches!(parse_init(find_box(&bytes, b"moov").unwrap()), Err(ParseError::Codec)));
}

#[test]
fn a_fragment_can_be_read_again() {
    let sample = |size_bytes, key, composition_us| SampleEntry {
        duration_us: 40_000,
        size_bytes,
        key,
        composition_us,
    };
    let samples = [sample(3, true, 0), sample(2, false, 40_000), sample(1, false, -40_000)];
    let payloads: [&[u8]; 3] = [b"abc", b"de", b"f"];
    let bytes = fragment(1, 1_000_000, &samples, payloads.into_iter());
    let read = parse_moof(find_box(&bytes, b"moof").unwrap()).unwrap();
    assert_eq!(read.iter().map(|s| s.pts_us).collect::<Vec<_>>(), [1_000_000, 1_080_000, 1_040_000]);
    assert_eq!(read.iter().map(|s| s.key).collect::<Vec<_>>(), [true, false, false]);
    for (sample, payload) in read.iter().zip(payloads) {
        let start = usize::try_from(sample.offset).unwrap();
        assert_eq!(&bytes[start..start + sample.size_bytes as usize], payload);
    }
}

#[test]
fn damaged_bytes_are_refused_without_a_panic() {
    let init = init_segment(&format()).unwrap();
    let sample = SampleEntry { duration_us: 1, size_bytes: 3, key: true, composition_us: i32::MIN };
    let moof = fragment(1, u64::MAX, &[sample], [&b"abc"[..]].into_iter());
    for whole in [init, init_segment(&mjpeg()).unwrap(), moof] {
        for at in 0..whole.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] = value;
                for cut in [&bytes[..], &bytes[..at]] {
                    let _ = find_box(cut, b"moov").map(parse_init);
                    let _ = find_box(cut, b"moof").map(parse_moof);
                }
            }
        }
    }
}
