//! What real recorders write is read; what is plainly wrong is not believed; nothing makes the readers fail.

use proptest::prelude::*;

use super::*;

const NOW_US: i64 = 1_795_348_800_000_000;

fn boxed(kind: &[u8; 4], inner: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(inner.len() + 8).unwrap().to_be_bytes().to_vec();
    bytes.extend(kind);
    bytes.extend(inner);
    bytes
}

fn mp4(mvhd_seconds: u32, more: &[u8]) -> Vec<u8> {
    let mvhd = [&[0; 4][..], &mvhd_seconds.to_be_bytes(), &[0; 92]].concat();
    [
        boxed(b"ftyp", b"isom\0\0\0\0"),
        boxed(b"mdat", &[7; 999]),
        boxed(b"moov", &[boxed(b"mvhd", &mvhd), more.to_vec()].concat()),
    ]
    .concat()
}

fn apple(date: &str) -> Vec<u8> {
    let key = boxed(b"mdta", b"com.apple.quicktime.creationdate");
    let keys = boxed(b"keys", &[&[0, 0, 0, 0, 0, 0, 0, 1][..], &key].concat());
    let data = boxed(b"data", &[&[0, 0, 0, 1, 0, 0, 0, 0][..], date.as_bytes()].concat());
    let ilst = boxed(b"ilst", &boxed(&[0, 0, 0, 1], &data));
    boxed(b"meta", &[boxed(b"hdlr", &[0; 25]), keys, ilst].concat())
}

fn read(container: Container, bytes: &[u8]) -> Option<Created> {
    created(container, &mut &bytes[..], NOW_US)
}

#[test]
fn an_mp4_tells_its_time_and_a_zone_counts_more() {
    // 2026-11-22 14:30:00 UTC.
    let unix_us = 1_795_357_800_000_000 - 86_400_000_000;
    let seconds = u32::try_from(unix_us / 1_000_000 + 2_082_844_800).unwrap();
    assert_eq!(read(Container::Mp4, &mp4(seconds, &[])), Some(Created::Utc { unix_us }));
    let with = mp4(seconds, &apple("2026-11-21T15:30:00+0100"));
    assert_eq!(read(Container::Mp4, &with), Some(Created::Zoned { unix_us }));
    assert_eq!(Container::of(&with), Some(Container::Mp4));
}

#[test]
fn what_nobody_set_or_cannot_be_is_not_believed() {
    for seconds in [0, 1, 2_082_844_800, 2_082_844_801, u32::MAX] {
        assert_eq!(read(Container::Mp4, &mp4(seconds, &[])), None, "{seconds}");
    }
    assert_eq!(read(Container::Mp4, b"not a file at all"), None);
    assert!(is_believable(NOW_US, NOW_US) && !is_believable(NOW_US + 100_000_000_000, NOW_US));
}

#[test]
fn matroska_counts_from_2001() {
    let date = (NOW_US - 978_307_200_000_000 - 5_000_000) * 1_000;
    let info = [&[0x44, 0x61, 0x88][..], &date.to_be_bytes()].concat();
    let mut file = vec![
        0x1a, 0x45, 0xdf, 0xa3, 0x80, 0x18, 0x53, 0x80, 0x67, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    ];
    file.extend([0x15, 0x49, 0xa9, 0x66, 0x80 | u8::try_from(info.len()).unwrap()]);
    file.extend(info);
    assert_eq!(read(Container::Matroska, &file), Some(Created::Utc { unix_us: NOW_US - 5_000_000 }));
    assert_eq!(Container::of(&file), Some(Container::Matroska));
}

#[test]
fn an_avi_tells_the_camera_s_own_time() {
    for text in
        ["SAT NOV 21 14:30:00 2026\n\0", "2026-11-21 14:30:00", "2026:11:21 14:30:00", "2026/11/21/ 14:30:00"]
    {
        let mut idit = b"IDIT".to_vec();
        idit.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
        idit.extend(text.as_bytes());
        let mut file = b"RIFF\xff\xff\0\0AVI LIST".to_vec();
        file.extend(u32::try_from(idit.len() + 4).unwrap().to_le_bytes());
        file.extend(b"hdrl");
        file.extend(idit);
        let local_us = 1_795_271_400_000_000;
        assert_eq!(read(Container::Avi, &file), Some(Created::Local { local_us }), "{text}");
        assert_eq!(Container::of(&file), Some(Container::Avi));
    }
}

#[test]
fn names_of_recorders_are_read() {
    let at = |name: &str| {
        name_says(name).map(|named| {
            let text = jiff::Timestamp::from_microsecond(named.local_us).unwrap().to_string();
            (text, named.view)
        })
    };
    let same = Some("2026-11-22T14:30:00Z".to_owned());
    for (name, view) in [
        ("20261122_143000.mp4", None),
        ("2026-11-22-14-30-00.mkv", None),
        ("20261122143000_000123F.MP4", Some(View::Front)),
        ("20261122143000_000124R.MP4", Some(View::Rear)),
        ("2026_1122_143000_017I.MP4", Some(View::Inside)),
        ("20261122_143000_NF.mp4", Some(View::Front)),
        ("20261122_143000_ER.mp4", Some(View::Rear)),
        ("2026-11-22_14-30-00-front.mp4", Some(View::Front)),
        ("2026-11-22_14-30-00-left_repeater.mp4", Some(View::Left)),
        ("261122_143000_012_FR.MP4", Some(View::Front)),
        ("NO20261122-143000-000123F.MP4", Some(View::Front)),
        ("Einfahrt_00_20261122143000.mp4", None),
        ("192.168.1.64_01_20261122143000123.mp4", None),
        ("NVR_ch1_main_20261122143000_20261122150000.avi", None),
        ("DJI_20261122143000_0001_D.MP4", None),
        ("VID_20261122_143000.mp4", None),
        ("Bildschirm 2026-11-22 14.30.00.mov", None),
        ("Tür_20261122_143000.ts", None),
    ] {
        assert_eq!(at(name), same.clone().map(|text| (text, view)), "{name}");
    }
    for name in [
        "GX010123.MP4",
        "MOVI0001.avi",
        "20261322_143000.mp4",
        "20261122_256000.mp4",
        "991234567890123456789.mp4",
        "",
        ".mp4",
    ] {
        assert_eq!(at(name), None, "{name}");
    }
}

#[test]
fn each_row_of_the_tables_can_be_used() {
    let text = include_str!("names.tsv");
    assert!(text.lines().filter(|line| !line.starts_with('#')).all(|line| line.split('\t').count() == 2));
    let lines = include_str!("views.tsv").lines().filter(|line| !line.starts_with('#'));
    for line in lines {
        let word = line.split('\t').next().unwrap();
        assert!(name_says(&format!("2026-11-22_14-30-00-{word}.mp4")).unwrap().view.is_some(), "{word}");
    }
}

#[test]
fn containers_are_told_by_their_beginning() {
    let mut ts = vec![0; 188 * 4];
    (0..4).for_each(|n| ts[n * 188] = 0x47);
    assert_eq!(Container::of(&ts), Some(Container::Ts));
    assert_eq!(Container::of(b"This is a text that calls itself a film."), None);
    assert_eq!(Container::of(b""), None);
}

proptest! {
    #[test]
    fn no_bytes_make_the_readers_fail(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        fuzz::file(&bytes);
        fuzz::name(&bytes);
    }

    #[test]
    fn a_damaged_file_is_read_or_not(at in 0_usize..1200, value in any::<u8>()) {
        let mut bytes = mp4(3_800_000_000, &apple("2026-11-21T15:30:00+0100"));
        if let Some(byte) = bytes.get_mut(at) { *byte = value; }
        fuzz::file(&bytes);
    }

    #[test]
    fn any_time_in_a_name_is_found_again(second in 631_152_000_i64..4_102_444_799) {
        let time = jiff::Timestamp::from_second(second).unwrap().to_zoned(jiff::tz::TimeZone::UTC);
        let name = time.strftime("cam1_%Y%m%d%H%M%S.mp4").to_string();
        prop_assert_eq!(name_says(&name).map(|named| named.local_us), Some(second * 1_000_000));
    }
}
