//! Exports by the worker program itself, in the codecs that the engine's own tests have no camera for.

use std::{
    io::Write,
    process::{Command, Stdio},
    thread,
};

use hausrecht_media::{BulkFrame, Event, ExportClip, ExportOpen, Order, Worker, bulk::FileEnd};

use crate::support::{LIMIT, Server, await_event, ffprobe_frames, launch, open, record};

/// Clips of a made-up stream, each in plain.
fn clips(special: &str) -> Vec<Vec<u8>> {
    let source = "videotestsrc is-live=true pattern=ball";
    let server = Server::start(&[("/main", source, 25, special)]);
    // States come every two seconds; a camera that falls silent would be waited for much longer.
    let recording = record(open(&server.uri("/main")), |worker| {
        await_event(worker, |_| server.sent("/main") > 170);
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
        .args(["-v", "warning", "-xerror", "-i"])
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
        let clips = clips(special);
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
        let clips = clips(special);
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
        let clips = clips(special);
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
