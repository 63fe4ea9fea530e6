//! Files that something else recorded: what is in them is told, and each picture is taken over as it is, at its own time.

use std::{
    path::Path,
    process::{Command, Stdio},
    thread,
};

use hausrecht_media::{
    Event, FaultCode, FootageInfo, FootageOpen, FootageTask, Order, Stream,
    footage::{Container, Created},
};
use hausrecht_model::Codec;

use super::support::{LIMIT, Recording, ffprobe_frames, launch};

const FRAMES: u64 = 100;
const START_US: i64 = 1_795_271_400_000_000;

/// Lets ffmpeg make a file of 100 pictures of the demo's footage.
fn made(name: &str, arguments: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join(name);
    let footage = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../assets/footage/front.sub.h264");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "h264", "-r", "25", "-i"])
        .arg(footage)
        .args(["-f", "lavfi", "-i", "sine=frequency=440", "-frames:v", "100", "-shortest"])
        .args(arguments)
        .arg(&target)
        .stdin(Stdio::null())
        .status()
        .unwrap();
    assert!(made.success(), "{name}");
    std::fs::read(target).unwrap()
}

const H264_B: [&str; 8] = ["-c:v", "libx264", "-preset", "ultrafast", "-bf", "3", "-g", "25"];

fn given(file: &[u8], task: FootageTask) -> (Recording, Vec<Event>) {
    let mut worker = launch();
    let open = FootageOpen { size_bytes: file.len() as u64, task };
    worker.orders.send(&Order::FootageOpen(open)).unwrap();
    let (_, unused) = std::os::unix::net::UnixStream::pair().unwrap();
    let mut bulk = std::mem::replace(&mut worker.bulk, hausrecht_media::BulkReader::new(unused));
    let storing = thread::spawn(move || {
        let mut recording = Recording::default();
        while let Ok(Some(frame)) = bulk.next_frame() {
            recording.take(frame);
        }
        recording
    });
    let mut events = Vec::new();
    while let Ok(Some(event)) = worker.events.recv_timeout(LIMIT) {
        if let Event::Read { id, offset, len } = event {
            let start = usize::try_from(offset).unwrap().min(file.len());
            let end = (start + len as usize).min(file.len());
            worker.answers.answer(id, &file[start..end]).unwrap();
        } else {
            events.push(event);
        }
    }
    (storing.join().unwrap(), events)
}

fn look(file: &[u8]) -> Result<FootageInfo, (FaultCode, String)> {
    let (_, events) = given(file, FootageTask::Look);
    let told = events.into_iter().find_map(|event| {
        if let Event::Footage(info) = event {
            Some(Ok(info))
        } else if let Event::Fault { code, text, .. } = event {
            Some(Err((code, text)))
        } else {
            None
        }
    });
    told.expect("an answer")
}

/// What was taken over, how many pictures were not, and why it broke off.
fn import(file: &[u8]) -> (Recording, u64, Option<String>) {
    let task = FootageTask::Import { start_unix_us: START_US, clip_target_ms: 2_000 };
    let (recording, events) = given(file, task);
    let Some(Event::FootageEnded { left_out, cut }) = events.last().cloned() else { panic!("{events:?}") };
    (recording, left_out, cut)
}

fn frames(recording: &Recording) -> u64 {
    recording.clips.iter().map(|clip| clip.end.as_ref().unwrap().frames).sum()
}

#[test]
fn every_picture_of_every_container_is_taken_over_at_its_time() {
    let mjpeg = ["-c:v", "mjpeg", "-q:v", "5"];
    let h265 =
        ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:keyint=25:open-gop=0"];
    let open_h265 = [
        "-c:v",
        "libx265",
        "-preset",
        "ultrafast",
        "-x265-params",
        "log-level=error:keyint=25:open-gop=1:bframes=3",
    ];
    for (name, arguments, container, codec) in [
        ("b.mp4", &H264_B[..], Container::Mp4, Codec::H264),
        ("b.mov", &H264_B[..], Container::Mp4, Codec::H264),
        ("b.mkv", &H264_B[..], Container::Matroska, Codec::H264),
        ("b.ts", &H264_B[..], Container::Ts, Codec::H264),
        (
            "plain.avi",
            &["-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", "25"][..],
            Container::Avi,
            Codec::H264,
        ),
        ("mjpeg.avi", &mjpeg[..], Container::Avi, Codec::Mjpeg),
        ("mjpeg.mov", &mjpeg[..], Container::Mp4, Codec::Mjpeg),
        ("h265.mp4", &h265[..], Container::Mp4, Codec::H265),
        ("h265.mkv", &h265[..], Container::Matroska, Codec::H265),
        ("open.mp4", &open_h265[..], Container::Mp4, Codec::H265),
        ("open.mkv", &open_h265[..], Container::Matroska, Codec::H265),
    ] {
        let file = made(name, arguments);
        let info = look(&file).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!(
            (info.container, info.codec, info.width, info.height),
            (container, codec, 640, 360),
            "{name}"
        );
        let (recording, left_out, cut) = import(&file);
        assert_eq!((frames(&recording), left_out, cut), (FRAMES, 0, None), "{name}");
        let decoded: u64 = recording.clips.iter().map(|clip| ffprobe_frames(&clip.bytes)).sum();
        assert_eq!(decoded, FRAMES, "{name}");
        let end_us = recording.clips.last().map(|clip| {
            clip.start.start_unix_us.0 + i64::try_from(clip.end.as_ref().unwrap().duration_us).unwrap()
        });
        let length_us = end_us.unwrap() - START_US;
        assert_eq!(recording.clips[0].start.start_unix_us.0, START_US, "{name}");
        assert!((3_990_000..=4_060_000).contains(&length_us), "{name}: {length_us}");
        if !name.starts_with("open") && codec != Codec::Mjpeg {
            assert_eq!(recording.clips.len(), 2, "{name}");
        }
    }
}

#[test]
fn what_a_file_says_of_its_time_is_told() {
    let dated = |name: &str| {
        made(name, &[&H264_B[..], &["-metadata", "creation_time=2026-11-21T14:30:00Z"]].concat())
    };
    for name in ["a.mp4", "a.mov", "a.mkv"] {
        assert_eq!(look(&dated(name)).unwrap().created, Some(Created::Utc { unix_us: START_US }), "{name}");
    }
    assert_eq!(look(&made("a.mp4", &H264_B)).unwrap().created, None, "1904 is nobody's time");
}

#[test]
fn a_file_that_is_cut_short_is_taken_over_as_far_as_it_goes() {
    let fast = made("fast.mp4", &[&H264_B[..], &["-movflags", "faststart"]].concat());
    for (name, file) in [("mkv", made("a.mkv", &H264_B)), ("ts", made("a.ts", &H264_B)), ("mp4", fast)] {
        let (recording, left_out, _) = import(&file[..file.len() * 6 / 10]);
        let count = frames(&recording);
        assert!((30..90).contains(&count) && left_out == 0, "{name}: {count}");
    }
    let no_index = made("a.mp4", &H264_B);
    let (code, text) = look(&no_index[..no_index.len() / 2]).unwrap_err();
    assert_eq!(code, FaultCode::Lost, "{text}");
}

#[test]
fn what_is_no_film_is_refused_with_a_reason() {
    let sound = made("sound.mp4", &["-vn", "-c:a", "aac", "-t", "2"]);
    let vp9 = made("a.mkv", &["-c:v", "mpeg4"]);
    for (what, file, wanted) in [
        ("nothing", vec![], FaultCode::Refused),
        ("text", b"This is a text that calls itself film.mp4. ".repeat(100), FaultCode::Refused),
        ("sound", sound, FaultCode::NotFound),
        ("codec", vp9, FaultCode::UnsupportedCodec),
        ("noise", [&b"\0\0\0\x20ftypisom"[..], &[0x5a; 4096]].concat(), FaultCode::Lost),
    ] {
        let (code, text) = look(&file).unwrap_err();
        assert_eq!(code, wanted, "{what}: {text}");
        assert!(!text.is_empty());
    }
}

#[test]
fn a_file_is_watched_without_being_taken_over() {
    let file = made("b.mp4", &H264_B);
    let mut worker = launch();
    let open = FootageOpen { size_bytes: file.len() as u64, task: FootageTask::Watch { autoplay: false } };
    worker.orders.send(&Order::FootageOpen(open)).unwrap();
    super::support::play(
        &mut worker,
        &file,
        |event| matches!(event, Event::Opened { frames, width: 640, height: 360, .. } if *frames == FRAMES),
    );
    let ring = hausrecht_media::Ring::create(1, 320, 180).unwrap();
    worker
        .orders
        .send_with(&Order::View { view: 1, stream: Stream::Main, ring: ring.shape() }, &[ring.as_fd()])
        .unwrap();
    for to_us in [0, 2_000_000, 40_000, 3_960_000, 1_320_000] {
        worker.orders.send(&Order::Seek { to_us, accurate: true }).unwrap();
        super::support::play(
            &mut worker,
            &file,
            |event| matches!(event, Event::Position { pts_us, .. } if *pts_us == to_us),
        );
    }
}
