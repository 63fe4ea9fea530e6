//! Exports by the worker program itself, in the codecs that the engine's own tests have no camera for.

use std::{
    io::Write,
    ops::Range,
    process::{Command, Stdio},
    sync::atomic::Ordering,
    thread,
};

use hausrecht_media::{BulkFrame, Event, ExportClip, ExportOpen, Order, Worker, bulk::FileEnd};

use crate::support::{LIMIT, Server, await_event, ffprobe_frames, gather_counting, launch, open};

/// How many events are waited for.
const STATES_MAX: u32 = 200;

/// Clips of a made-up stream, each in plain, of which at least so many came to their end before the camera went.
fn clips(special: &str, least: u64) -> Vec<Vec<u8>> {
    let source = "videotestsrc is-live=true pattern=ball";
    let server = Server::start(&[("/main", source, 25, special)]);
    // States come every two seconds; a camera that falls silent would be waited for much longer.
    let recording = gather_counting(&Order::Open(open(&server.uri("/main"))), |worker, ended| {
        let mut left = STATES_MAX;
        await_event(worker, |_| {
            left -= 1;
            assert!(left > 0, "{least} clips do not come");
            server.sent("/main") > 170 && ended.load(Ordering::SeqCst) >= least
        });
        worker.orders.send(&Order::Shutdown).unwrap();
    });
    recording.clips.into_iter().map(|clip| clip.bytes).collect()
}

/// Gives `clips` to an export worker, and returns the files that come.
fn export(clips: &[(ExportClip, &[u8])], caption: Option<&str>) -> Vec<(Vec<u8>, FileEnd)> {
    let Worker { orders, mut events, mut bulk, mut answers, process: _process } = launch();
    orders.send(&Order::ExportOpen(ExportOpen { caption: caption.map(str::to_owned) })).unwrap();
    let writing = thread::spawn(move || {
        let (mut files, mut current) = (Vec::new(), Vec::new());
        while let Some(frame) = bulk.next_frame().unwrap() {
            if let BulkFrame::FileWrite { offset, bytes } = frame {
                let at = usize::try_from(offset).unwrap();
                assert!(at <= current.len(), "a hole");
                current.resize(current.len().max(at + bytes.len()), 0);
                current[at..at + bytes.len()].copy_from_slice(&bytes);
            } else if let BulkFrame::FileEnd(end) = frame {
                files.push((std::mem::take(&mut current), end));
            } else {
                assert!(matches!(frame, BulkFrame::FileStart(_)), "{frame:?}");
            }
        }
        files
    });
    for (clip, bytes) in clips {
        orders.send(&Order::ExportClip(*clip)).unwrap();
        loop {
            let event = events.recv_timeout(LIMIT).unwrap().expect("an answer in time");
            assert!(!matches!(event, Event::Fault { .. }), "{event:?}");
            if let Event::Read { id, offset, len } = event {
                let start = usize::try_from(offset).unwrap().min(bytes.len());
                let end = (start + len as usize).min(bytes.len());
                answers.answer(id, &bytes[start..end]).unwrap();
            } else if event == (Event::Exported { number: clip.number }) {
                break;
            }
        }
    }
    orders.send(&Order::ExportEnd).unwrap();
    while let Ok(Some(event)) = events.recv_timeout(LIMIT) {
        assert!(!matches!(event, Event::Fault { .. }), "{event:?}");
    }
    writing.join().unwrap()
}

fn whole(number: u32, bytes: &[u8], start_unix_us: i64) -> ExportClip {
    ExportClip {
        number,
        size_bytes: bytes.len() as u64,
        start_unix_us,
        from_us: 0,
        until_us: u64::MAX / 4,
        joins: false,
        run_us: 2_000_000,
    }
}

const START_US: i64 = 1_795_349_980_000_000;

/// What ffmpeg says of a file that it decodes whole.
fn complaints(mp4: &[u8]) -> String {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(mp4).unwrap();
    let out = Command::new("ffmpeg")
        .args(["-v", "repeat+warning", "-xerror", "-i"])
        .arg(file.path())
        .args(["-f", "null", "-"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    String::from_utf8_lossy(&out.stderr).into_owned()
}

#[test]
fn a_span_is_exact_in_every_codec_whether_or_not_it_can_be_encoded() {
    for (special, encodes, hides) in [
        ("", true, false),
        ("bframes=2 b-adapt=false", true, false),
        ("hevc", false, true),
        ("mjpeg", false, false),
    ] {
        let clips = clips(special, 0);
        let clip = &clips[0];
        // From the 11th to the 40th picture, both between key frames.
        let cut = ExportClip { from_us: 390_000, until_us: 1_590_000, ..whole(0, clip, START_US) };
        let files = export(&[(cut, clip)], None);
        let [(mp4, end)] = &files[..] else { panic!("{special}: {} files", files.len()) };
        assert!((29..=31).contains(&end.pictures), "{special}: {end:?}");
        assert_eq!(ffprobe_frames(mp4), end.pictures, "{special}: {end:?}");
        assert_eq!(end.encoded > 0, encodes, "{special}: {end:?}");
        assert_eq!(end.hidden_us > 0, hides, "{special}: {end:?}");
        assert_eq!(complaints(mp4), "", "{special}");
    }
}

#[test]
fn clips_join_without_a_lost_picture_and_a_gap_begins_another_file() {
    // The H.265 encoder of these tests makes one key frame only, and so one clip.
    for special in ["", "bframes=2 b-adapt=false", "mjpeg"] {
        let clips = clips(special, 2);
        let counted: Vec<u64> = clips.iter().map(|clip| ffprobe_frames(clip)).collect();
        assert!(counted.len() >= 2, "{special}: {counted:?}");
        let second = START_US + 2_000_000;
        let given = |joins| {
            let next = ExportClip { joins, ..whole(1, &clips[1], second) };
            [(whole(0, &clips[0], START_US), &clips[0][..]), (next, &clips[1][..])]
        };
        let joined = export(&given(true), None);
        assert_eq!(joined.len(), 1, "{special}");
        assert_eq!(ffprobe_frames(&joined[0].0), counted[0] + counted[1], "{special}");
        assert_eq!((joined[0].1.encoded, complaints(&joined[0].0).as_str()), (0, ""), "{special}");
        let apart = export(&given(false), None);
        let apart: Vec<u64> = apart.iter().map(|(mp4, _)| ffprobe_frames(mp4)).collect();
        assert_eq!(apart, counted[..2], "{special}");
    }
}

#[test]
fn a_name_can_be_written_on_the_pictures_of_every_codec() {
    for special in ["", "hevc", "mjpeg"] {
        let clips = clips(special, 0);
        let clip = &clips[0];
        let cut = ExportClip { from_us: 390_000, ..whole(0, clip, START_US) };
        let files = export(&[(cut, clip)], Some("Kanzlei <Grün> & Söhne · 2026-11-22"));
        let [(mp4, end)] = &files[..] else { panic!("{special}: {} files", files.len()) };
        assert_eq!(end.encoded, end.pictures, "{special}");
        assert_eq!(end.pictures, ffprobe_frames(clip) - 10, "{special}");
        assert_eq!(ffprobe_frames(mp4), end.pictures, "{special}");
        assert_eq!(complaints(mp4), "", "{special}");
    }
}

/// A packet as ffprobe sees it: whether it is a key frame, times in microseconds, and where its bytes are.
struct Packet {
    key: bool,
    pts_us: i64,
    dts_us: i64,
    bytes: Range<usize>,
}

fn packets(mp4: &[u8]) -> Vec<Packet> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(mp4).unwrap();
    let out = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "v", "-of", "json"])
        .args(["-show_entries", "packet=pts_time,dts_time,size,pos,flags"])
        .arg(file.path())
        .output()
        .unwrap();
    let listed: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    let text = |packet: &serde_json::Value, name: &str| packet[name].as_str().unwrap().to_owned();
    let micros = |text: String| (text.parse::<f64>().unwrap() * 1e6).round() as i64;
    let read = |packet: &serde_json::Value| {
        let at: usize = text(packet, "pos").parse().unwrap();
        Packet {
            key: text(packet, "flags").starts_with('K'),
            pts_us: micros(text(packet, "pts_time")),
            dts_us: micros(text(packet, "dts_time")),
            bytes: at..at + text(packet, "size").parse::<usize>().unwrap(),
        }
    };
    listed["packets"].as_array().unwrap().iter().map(read).collect()
}

/// A box of MP4.
fn boxed(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let size = u32::try_from(content.len() + 8).unwrap();
    [&size.to_be_bytes()[..], kind, content].concat()
}

/// A clip of four seconds whose groups of pictures are open: the first pictures of each, as they are shown, refer to the group
/// before, and only the first key frame begins anew.
fn open_clip() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("open.mp4");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25:duration=4"])
        .args(["-c:v", "libx264", "-pix_fmt", "yuv420p", "-x264-params"])
        .arg("open-gop=1:keyint=25:min-keyint=25:bframes=2:b-adapt=0:scenecut=0")
        .args(["-movflags", "frag_keyframe+empty_moov+default_base_moof"])
        .arg(&path)
        .status()
        .unwrap();
    assert!(made.success());
    let theirs = std::fs::read(&path).unwrap();
    let moov_at = theirs.windows(4).position(|kind| kind == b"moov").unwrap() - 4;
    let size = u32::from_be_bytes(theirs[moov_at..moov_at + 4].try_into().unwrap()) as usize;
    let mut clip = theirs[moov_at..moov_at + size].to_vec();
    let packets = packets(&theirs);
    let first_pts_us = packets.iter().map(|packet| packet.pts_us).min().unwrap();
    let first_dts_us = packets[0].dts_us;
    for group in packets.chunk_by(|_, next| !next.key) {
        let rows = group.iter().flat_map(|packet| {
            let flags: u32 = if packet.key { 0x0200_0000 } else { 0x0101_0000 };
            let late = (packet.pts_us - first_pts_us) - (packet.dts_us - first_dts_us);
            let size = u32::try_from(packet.bytes.len()).unwrap();
            [40_000, size, flags, i32::try_from(late).unwrap().cast_unsigned()].map(u32::to_be_bytes).concat()
        });
        let rows: Vec<u8> = rows.collect();
        let decode_us = u64::try_from(group[0].dts_us - first_dts_us).unwrap();
        let tfdt = boxed(b"tfdt", &[&[1, 0, 0, 0][..], &decode_us.to_be_bytes()].concat());
        // `moof`, `traf` and `trun` have heads of 8 bytes, and `trun` 12 more before its rows.
        let data_at = u32::try_from(8 + 8 + tfdt.len() + 8 + 12 + rows.len() + 8).unwrap();
        let count = u32::try_from(group.len()).unwrap();
        let head = [0x0100_0f01, count, data_at].map(u32::to_be_bytes).concat();
        let trun = boxed(b"trun", &[head, rows].concat());
        clip.extend(boxed(b"moof", &boxed(b"traf", &[tfdt, trun].concat())));
        let data: Vec<u8> = group.iter().flat_map(|packet| &theirs[packet.bytes.clone()]).copied().collect();
        clip.extend(boxed(b"mdat", &data));
    }
    clip
}

/// What is seen, small and grey, one picture after the other.
fn pixels(mp4: &[u8]) -> Vec<Vec<u8>> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(mp4).unwrap();
    let out = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(file.path())
        .args(["-vf", "scale=160:90", "-pix_fmt", "gray", "-fps_mode", "passthrough", "-f", "rawvideo", "-"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    out.stdout.chunks(160 * 90).map(<[u8]>::to_vec).collect()
}

#[test]
fn pictures_that_refer_to_the_group_before_are_whole_wherever_a_span_begins() {
    let clip = open_clip();
    let whole_span = export(&[(whole(0, &clip, START_US), &clip)], None);
    let source = pixels(&whole_span[0].0);
    assert_eq!((source.len(), whole_span[0].1.encoded), (100, 0));
    for first in [10, 22, 23, 24, 25, 26, 27, 28, 40, 52] {
        let (from, until) = (first as u64 * 40_000 - 10_000, 80 * 40_000 - 10_000);
        let cut = ExportClip { from_us: from, until_us: until, ..whole(0, &clip, START_US) };
        let files = export(&[(cut, &clip)], None);
        let mut shown = Vec::new();
        for (mp4, end) in &files {
            // A key frame that does not begin anew may let go of pictures that were never there: decoders remark on it.
            let said = complaints(mp4);
            let worse: Vec<_> =
                said.lines().filter(|line| !line.contains("mmco: unref short failure")).collect();
            assert!(worse.is_empty(), "from picture {first}: {worse:?}");
            assert_eq!(ffprobe_frames(mp4), end.pictures, "from picture {first}: {end:?}");
            shown.extend(pixels(mp4));
        }
        assert_eq!(shown.len(), 80 - first, "from picture {first}: {} files", files.len());
        for (at, (ours, theirs)) in shown.iter().zip(&source[first..]).enumerate() {
            let sum: u64 = ours.iter().zip(theirs).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
            let difference = sum as f64 / ours.len() as f64;
            assert!(difference < 2.0, "from picture {first}: picture {at} differs by {difference}");
        }
    }
}

#[test]
fn an_edge_that_cannot_be_decoded_is_copied_whole_and_hidden() {
    let mut clip = clips("", 0).swap_remove(0);
    let damaged = packets(&clip).swap_remove(20);
    assert!(!damaged.key);
    clip[damaged.bytes].fill(0);
    let cut = ExportClip { from_us: 390_000, ..whole(0, &clip, START_US) };
    let files = export(&[(cut, &clip)], None);
    let [(mp4, end)] = &files[..] else { panic!("{} files", files.len()) };
    assert_eq!(end.encoded, 0, "{end:?}");
    assert!((300_000..=400_000).contains(&end.hidden_us), "{end:?}");
    assert_eq!(packets(mp4).len(), packets(&clip).len(), "nothing of what the camera sent is lost");
}
