//! Streams that are unlike what cameras mostly send: what can be used of them is recorded and shown, the rest is refused with
//! a sentence.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

use hausrecht_media::{CameraOpen, Event, FaultCode, Order, Ring, Stream, Transport};

use super::support::{
    self, Recording, Server,
    between::{Between, Fate, Piece},
    open, record,
};

const BALL: &str = "videotestsrc is-live=true pattern=ball";
const X264: &str = "x264enc speed-preset=ultrafast tune=zerolatency key-int-max=25";
const PAY: &str = "rtph264pay name=pay0 pt=96 config-interval=1";

/// Both ways in which streams are read: `retina` and `rtspsrc`.
const READERS: [Transport; 2] = [Transport::Tcp, Transport::Udp];

/// Records a stream until its end or its silence, shown all the while, and gives what came and how many pictures were drawn.
fn record_shown(camera: CameraOpen) -> (Recording, u64) {
    let mut drawn = 0;
    let recording = record(camera, |worker| {
        let ring = Ring::create(0, 320, 180).unwrap();
        let view = Order::View { view: 1, stream: Stream::Main, ring: ring.shape() };
        worker.orders.send_with(&view, &[ring.as_fd()]).unwrap();
        while let Some(event) = worker.events.recv_timeout(support::LIMIT).unwrap() {
            if matches!(event, Event::Fault { .. }) {
                return;
            }
            if matches!(event, Event::Frame { .. }) {
                ring.newest(|_| ()).unwrap();
                drawn += 1;
            }
        }
    });
    (recording, drawn)
}

/// Every clip is whole for a foreign program.
fn check(recording: &Recording, sent: u64) {
    assert_eq!(recording.frames(), sent);
    for clip in &recording.clips {
        let end = clip.end.as_ref().expect("a clip that ended");
        assert_eq!(support::ffprobe_frames(&clip.bytes), end.frames);
    }
}

#[test]
fn a_picture_that_changes_its_size_goes_on_in_a_new_clip() {
    let part = |width: u32, height: u32, pad: &str| {
        format!(
            "{BALL} num-buffers=60 ! video/x-raw,width={width},height={height},framerate=25/1 ! {X264} ! h264parse ! {pad}"
        )
    };
    let pipeline =
        format!("{} {} concat name=both ! {PAY}", part(640, 360, "both."), part(320, 240, "both."));
    let server = Server::launching(&[("/main", &pipeline)]);
    for reader in READERS {
        let mut camera = open(&server.uri("/main"));
        camera.transport = reader;
        let (recording, drawn) = record_shown(camera);
        check(&recording, server.sent("/main"));
        let mut sizes: Vec<_> =
            recording.clips.iter().map(|clip| (clip.start.width, clip.start.height)).collect();
        sizes.dedup();
        assert_eq!(sizes, [(640, 360), (320, 240)], "{reader:?}");
        assert!(drawn > 60, "{drawn} of {} drawn by {reader:?}", recording.frames());
    }
}

#[test]
fn many_pictures_interlaced_ones_and_very_large_ones_are_recorded_and_shown() {
    let fast =
        format!("{BALL} num-buffers=360 ! video/x-raw,width=640,height=360,framerate=120/1 ! {X264} ! {PAY}");
    let interlaced = format!(
        "{BALL} num-buffers=75 ! video/x-raw,width=720,height=576,framerate=25/1,interlace-mode=progressive \
         ! interlace field-pattern=1:1 ! {X264} interlaced=true ! {PAY}"
    );
    let large = format!(
        "{BALL} num-buffers=6 ! video/x-raw,width=7680,height=4320,framerate=2/1 ! {X264} key-int-max=2 ! {PAY}"
    );
    let server = Server::launching(&[("/fast", &fast), ("/interlaced", &interlaced), ("/large", &large)]);
    for path in ["/fast", "/interlaced", "/large"] {
        let (recording, drawn) = record_shown(open(&server.uri(path)));
        check(&recording, server.sent(path));
        assert!(recording.frames() > 4, "{} of {path}", recording.frames());
        assert!(drawn > 1, "{drawn} of {path} drawn");
    }
}

#[test]
fn sound_alone_is_refused_with_a_sentence() {
    let server =
        Server::launching(&[("/main", "audiotestsrc is-live=true ! alawenc ! rtppcmapay name=pay0 pt=8")]);
    for reader in READERS {
        let mut camera = open(&server.uri("/main"));
        camera.transport = reader;
        let recording = record(camera, |_| {});
        assert_eq!(
            recording.fault,
            Some(FaultCode::UnsupportedCodec),
            "{reader:?}: {}",
            recording.fault_text
        );
        assert!(recording.clips.is_empty());
    }
}

#[test]
fn a_stream_without_parameter_sets_is_told() {
    let pipeline = format!("{BALL} ! video/x-raw,width=640,height=360,framerate=25/1 ! {X264} ! {PAY}");
    let server = Server::launching(&[("/main", &pipeline)]);
    let between = Between::start(server.port(), |_, _, piece| {
        without_parameter_sets(piece);
        Fate::Pass
    });
    let mut camera = open(&between.uri("/main"));
    camera.transport = Transport::Tcp;
    let recording = record(camera, |_| {});
    assert_eq!(recording.fault, Some(FaultCode::NoKeyFrame), "{}", recording.fault_text);
    assert_eq!(recording.frames(), 0);
}

#[test]
fn pictures_with_nonsense_for_times_are_all_recorded() {
    let pipeline =
        format!("{BALL} num-buffers=150 ! video/x-raw,width=640,height=360,framerate=25/1 ! {X264} ! {PAY}");
    // In ticks of 90 kHz.
    let faults: [(&str, Offset); 4] = [
        ("jumps back by a minute", |number| if number < 60 { 0 } else { 0_u32.wrapping_sub(60 * 90_000) }),
        ("jumps forth by an hour", |number| if number < 60 { 0 } else { 3600 * 90_000 }),
        ("is off by up to two pictures", |number| number.wrapping_mul(2_654_435_761) % 7200),
        ("stands still", |number| 0_u32.wrapping_sub(number * 3600)),
    ];
    thread::scope(|scope| {
        for (what, offset) in faults {
            let pipeline = &pipeline;
            scope.spawn(move || record_with_times(pipeline, what, offset));
        }
    });
}

/// What is added to the time of a picture, by its number.
type Offset = fn(u32) -> u32;

fn record_with_times(pipeline: &str, what: &str, offset: Offset) {
    let server = Server::launching(&[("/main", pipeline)]);
    let known = Mutex::new((None, 0));
    let between = Between::start(server.port(), move |_, _, piece| {
        shift_time(piece, &known, offset);
        Fate::Pass
    });
    let mut camera = open(&between.uri("/main"));
    camera.transport = Transport::Tcp;
    let recording = record(camera, |_| {});
    let sent = server.sent("/main");
    assert!(sent > 140, "{sent}");
    assert_eq!(recording.frames(), sent, "a time that {what}: {}", recording.fault_text);
    let ends = recording.clips.iter().map(|clip| clip.end.as_ref().expect("an end"));
    let seconds: f64 = ends.map(|end| end.duration_us as f64 / 1e6).sum();
    assert!((4.0..8.0).contains(&seconds), "a time that {what} makes six seconds {seconds:.1}");
}

#[test]
fn what_comes_in_bursts_is_recorded_whole() {
    let pipeline =
        format!("{BALL} num-buffers=200 ! video/x-raw,width=640,height=360,framerate=25/1 ! {X264} ! {PAY}");
    let server = Server::launching(&[("/main", &pipeline)]);
    // The network is away for two seconds in each four of the stream; this is the fault itself and waits for nothing.
    let last = AtomicU32::new(0);
    let between = Between::start(server.port(), move |_, _, piece| {
        if is_picture(piece) {
            let fourth = time_of(piece) / (4 * 90_000);
            let before = last.swap(fourth, Ordering::SeqCst);
            if before != 0 && before != fourth {
                thread::sleep(Duration::from_secs(2));
            }
        }
        Fate::Pass
    });
    let mut camera = open(&between.uri("/main"));
    camera.transport = Transport::Tcp;
    let recording = record(camera, |_| {});
    check(&recording, server.sent("/main"));
    assert!(recording.frames() > 190, "{}", recording.frames());
}

/// Takes the parameter sets out of a description, and out of RTP (RFC 6184, 5.2), where they become filler.
fn without_parameter_sets(piece: &mut Piece) {
    const FILLER: u8 = 12;
    if is_picture(piece) {
        let header = &mut piece[16];
        // Sequence and picture parameter sets, alone or several in a packet.
        if matches!(*header & 0x1f, 7 | 8 | 24) {
            *header = *header & 0xe0 | FILLER;
        }
        return;
    }
    let text = String::from_utf8_lossy(piece).into_owned();
    if piece.starts_with(b"$") || !text.contains("sprop-parameter-sets") {
        return;
    }
    let (head, body) = text.split_once("\r\n\r\n").expect("a description");
    let body: String = body
        .lines()
        .map(|line| {
            let kept: Vec<&str> =
                line.split(';').filter(|part| !part.contains("sprop-parameter-sets")).collect();
            kept.join(";") + "\r\n"
        })
        .collect();
    let head: String = head
        .lines()
        .map(|line| {
            if line.to_ascii_lowercase().starts_with("content-length:") {
                format!("Content-Length: {}\r\n", body.len())
            } else {
                format!("{line}\r\n")
            }
        })
        .collect();
    *piece = format!("{head}\r\n{body}").into_bytes();
}

/// The time of an RTP packet (RFC 3550, 5.1).
fn time_of(piece: &Piece) -> u32 {
    u32::from_be_bytes(piece[8..12].try_into().expect("four bytes"))
}

/// Channel 0 has the pictures, the one after it the reports.
fn is_picture(piece: &Piece) -> bool {
    piece.len() > 16 && piece[0] == b'$' && piece[1] == 0
}

/// Adds what `offset` says to the time of an RTP packet of pictures; `known` is the time before and its number.
fn shift_time(piece: &mut Piece, known: &Mutex<(Option<u32>, u32)>, offset: Offset) {
    if !is_picture(piece) {
        return;
    }
    let time = time_of(piece);
    let number = {
        let mut known = known.lock().unwrap();
        if known.0 != Some(time) {
            *known = (Some(time), known.1 + u32::from(known.0.is_some()));
        }
        known.1
    };
    piece[8..12].copy_from_slice(&time.wrapping_add(offset(number)).to_be_bytes());
}
