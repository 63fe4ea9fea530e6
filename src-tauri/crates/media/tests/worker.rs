//! The worker program, driven as the engine drives it, against an RTSP server of GStreamer's own.
#![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

#[path = "worker/ahead.rs"]
mod ahead;
#[path = "worker/card.rs"]
mod card;
#[path = "worker/export.rs"]
mod export;
#[path = "worker/footage.rs"]
mod footage;
#[path = "worker/odd.rs"]
mod odd;
#[path = "worker/patient.rs"]
mod patient;
#[path = "worker/player.rs"]
mod player;
#[path = "worker/strange.rs"]
mod strange;
mod support;
#[path = "worker/talk.rs"]
mod talk;

use std::process::{Command, Stdio};

use hausrecht_media::{
    Event, FaultCode, MotionSettings, Order, PlayerOpen, Ring, Sandbox, Stream, Transport,
};
use hausrecht_model::Codec;
use support::{Server, launch, open, play, record};

const WORKER: &str = env!("CARGO_BIN_EXE_hausrecht-worker");

#[test]
fn the_sandbox_holds() {
    let checked = Command::new(WORKER).arg("check-sandbox").output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

#[test]
fn a_worker_ends_without_an_engine() {
    let ended = Command::new(WORKER).stdin(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert!(!ended.success());
}

#[test]
fn every_picture_is_recorded_once_across_clips() {
    let server =
        Server::start(&[("/main", "videotestsrc is-live=true num-buffers=160 pattern=ball", 25, "")]);
    let recording = record(open(&server.uri("/main")), |_| {});
    assert_eq!(recording.frames(), server.sent("/main"));
    assert!(recording.frames() > 150, "{} pictures", recording.frames());
    assert!(recording.clips.len() >= 3, "{} clips", recording.clips.len());
    assert_eq!(recording.fault, Some(FaultCode::Lost));
    assert_eq!(recording.sandbox, Some(Sandbox::Full));
    assert!(!recording.thumbnails.is_empty());
    assert!(recording.thumbnails.iter().all(|jpeg| jpeg.starts_with(&[0xff, 0xd8])));
    for clip in &recording.clips {
        assert_eq!(support::ffprobe_frames(&clip.bytes), clip.end.as_ref().unwrap().frames);
    }
}

#[test]
fn reordered_pictures_and_h265_are_recorded_whole() {
    let source = "videotestsrc is-live=true num-buffers=75 pattern=ball";
    let server =
        Server::start(&[("/b", source, 25, "bframes=2 b-adapt=false"), ("/hevc", source, 25, "hevc")]);
    for (path, codec) in [("/b", Codec::H264), ("/hevc", Codec::H265)] {
        let recording = record(open(&server.uri(path)), |_| {});
        let sent = server.sent(path);
        assert!(sent > 65, "{sent} pictures of {path}");
        assert_eq!(recording.frames(), sent, "{path}");
        let decoded: u64 = recording.clips.iter().map(|clip| support::ffprobe_frames(&clip.bytes)).sum();
        assert_eq!(decoded, sent, "{path}");
        assert!(recording.clips.iter().all(|clip| clip.start.codec == codec), "{path}");
    }
}

#[test]
fn mjpeg_is_recorded_shown_and_played_by_either_reader() {
    let server =
        Server::start(&[("/main", "videotestsrc is-live=true num-buffers=75 pattern=ball", 25, "mjpeg")]);
    for transport in [Transport::Tcp, Transport::Udp] {
        let mut camera = open(&server.uri("/main"));
        camera.transport = transport;
        let shown = |ring: &Ring| ring.newest(|picture| picture.bgrx.iter().any(|byte| *byte > 200));
        let recording = record(camera, |worker| {
            let ring = Ring::create(0, 320, 180).unwrap();
            let view = Order::View { view: 1, stream: Stream::Main, ring: ring.shape() };
            worker.orders.send_with(&view, &[ring.as_fd()]).unwrap();
            support::await_event(worker, |event| matches!(event, Event::Frame { .. }));
            assert_eq!(shown(&ring), Some(true), "the ball is in the picture");
        });
        assert_eq!(recording.fault, Some(FaultCode::Lost), "{}", recording.fault_text);
        let sent = server.sent("/main");
        assert!(sent > 65, "{sent} pictures by {transport:?}");
        assert_eq!(recording.frames(), sent, "{transport:?}");
        let decoded: u64 = recording.clips.iter().map(|clip| support::ffprobe_frames(&clip.bytes)).sum();
        assert_eq!(decoded, sent, "{transport:?}");
        assert!(
            recording.clips.iter().all(|clip| clip.start.codec == Codec::Mjpeg && clip.start.width == 640)
        );
        assert!(!recording.thumbnails.is_empty(), "{transport:?}");

        let clip = &recording.clips[0].bytes;
        let mut worker = launch();
        let order = PlayerOpen { size_bytes: clip.len() as u64, codec: Codec::Mjpeg, autoplay: true };
        worker.orders.send(&Order::PlayerOpen(order)).unwrap();
        let ring = Ring::create(0, 320, 180).unwrap();
        let view = Order::View { view: 1, stream: Stream::Main, ring: ring.shape() };
        worker.orders.send_with(&view, &[ring.as_fd()]).unwrap();
        play(&mut worker, clip, |event| matches!(event, Event::Position { ended: true, .. }));
        assert_eq!(shown(&ring), Some(true), "the ball is in the picture that is played");
    }
}

#[test]
fn a_stream_that_says_goodbye_is_lost() {
    let server = Server::start(&[("/main", "videotestsrc is-live=true num-buffers=50", 25, "bye")]);
    let recording = record(open(&server.uri("/main")), |_| {});
    assert_eq!(recording.fault, Some(FaultCode::Lost));
    assert!(recording.frames() > 25, "{} pictures", recording.frames());
}

#[test]
fn faults_are_told_apart() {
    let server = Server::start(&[("/main", "videotestsrc is-live=true", 25, "")]);
    server.require("wache", "geheim");
    assert_eq!(record(open("rtsp://127.0.0.1:1/main"), |_| {}).fault, Some(FaultCode::Refused));
    let mut camera = open(&server.uri("/main"));
    assert_eq!(record(camera.clone(), |_| {}).fault, Some(FaultCode::NotAuthorized));
    camera.user = "wache".into();
    camera.password = hausrecht_media::Password::new("falsch");
    assert_eq!(record(camera.clone(), |_| {}).fault, Some(FaultCode::NotAuthorized));
    camera.password = hausrecht_media::Password::new("geheim");
    camera.main_uri = server.uri("/elsewhere");
    assert_eq!(record(camera.clone(), |_| {}).fault, Some(FaultCode::NotFound));
    camera.main_uri = server.uri("/main");
    let recording = record(camera, |worker| {
        support::await_event(worker, |event| matches!(event, Event::State(state) if state.streaming));
        worker.orders.send(&Order::Shutdown).unwrap();
    });
    assert_eq!(recording.fault, None);
}

#[test]
fn udp_is_used_when_the_camera_has_no_tcp() {
    let server = Server::start(&[("/udp", "videotestsrc is-live=true", 25, "udp-only")]);
    let mut transport = None;
    record(open(&server.uri("/udp")), |worker| {
        support::await_event(worker, |event| {
            if let Event::State(state) = event {
                transport = state.streaming.then_some(state.transport);
            }
            transport.is_some()
        });
        worker.orders.send(&Order::Shutdown).unwrap();
    });
    assert_eq!(transport, Some(Transport::Udp));
}

#[test]
fn a_view_can_begin_move_and_end_while_recording_goes_on() {
    let live = "videotestsrc is-live=true pattern=ball";
    let server = Server::start(&[("/main", live, 25, ""), ("/sub", live, 15, "")]);
    let mut camera = open(&server.uri("/main"));
    camera.sub_uri = Some(server.uri("/sub"));
    let recording = record(camera, |worker| {
        support::await_event(worker, |event| matches!(event, Event::State(state) if state.streaming));
        let views = [
            (Stream::Main, 320, 180),
            (Stream::Sub, 160, 90),
            (Stream::Sub, 200, 120),
            (Stream::Main, 640, 360),
        ];
        for (generation, (stream, width, height)) in (0..).zip(views) {
            let ring = Ring::create(generation, width, height).unwrap();
            worker
                .orders
                .send_with(&Order::View { view: 1, stream, ring: ring.shape() }, &[ring.as_fd()])
                .unwrap();
            support::await_event(
                worker,
                |event| matches!(event, Event::Frame { generation: g, .. } if *g == generation),
            );
            let (bright, meta) = ring.newest(|p| (p.bgrx.iter().any(|b| *b > 200), p.meta)).unwrap();
            assert!(bright, "the ball is in the picture");
            assert!(meta.arrived_unix_us > 0);
        }
        worker.orders.send(&Order::NoView { view: 1 }).unwrap();
        worker.orders.send(&Order::Cut).unwrap();
        support::await_event(
            worker,
            |event| matches!(event, Event::State(state) if state.stream == Stream::Main),
        );
        worker.orders.send(&Order::Shutdown).unwrap();
    });
    assert!(recording.frames() > 0);
    assert!(recording.clips.iter().all(|clip| clip.end.is_some()));
}

#[test]
fn a_clip_plays_seeks_and_steps_even_when_cut_short() {
    let source = "videotestsrc is-live=true num-buffers=100 pattern=ball";
    let server = Server::start(&[("/b", source, 25, "bframes=2 b-adapt=false")]);
    let mut camera = open(&server.uri("/b"));
    camera.clip_target_ms = 60_000;
    let recording = record(camera, |_| {});
    let whole = &recording.clips[0].bytes;
    for size in [whole.len(), whole.len() - 1, whole.len() / 2] {
        let clip = &whole[..size];
        let mut worker = launch();
        let order = PlayerOpen { size_bytes: size as u64, codec: Codec::H264, autoplay: false };
        worker.orders.send(&Order::PlayerOpen(order)).unwrap();
        let mut frames = 0;
        let mut last = 0;
        play(&mut worker, clip, |event| {
            if let Event::Opened { frames: count, duration_us, .. } = event {
                (frames, last) = (*count, *duration_us);
            }
            frames > 0
        });
        assert_eq!(frames == recording.frames(), size == whole.len());
        let ring = Ring::create(0, 320, 180).unwrap();
        worker
            .orders
            .send_with(&Order::View { view: 1, stream: Stream::Main, ring: ring.shape() }, &[ring.as_fd()])
            .unwrap();
        let at =
            |event: &Event| if let Event::Position { pts_us, .. } = event { Some(*pts_us) } else { None };
        let mut here = 0;
        let mut await_position = |worker: &mut hausrecht_media::Worker| {
            play(worker, clip, |event| at(event).inspect(|pts_us| here = *pts_us).is_some());
            here
        };
        assert_eq!(await_position(&mut worker), 0);
        worker.orders.send(&Order::Seek { to_us: last / 2, accurate: true }).unwrap();
        let middle = await_position(&mut worker);
        assert!(middle.abs_diff(last / 2) < 100_000, "{middle} of {last}");
        worker.orders.send(&Order::Step { frames: 1 }).unwrap();
        let next = await_position(&mut worker);
        assert!(next > middle && next - middle < 200_000, "{middle} {next}");
        worker.orders.send(&Order::Step { frames: -1 }).unwrap();
        assert_eq!(await_position(&mut worker), middle);
        worker.orders.send(&Order::Seek { to_us: u64::MAX, accurate: true }).unwrap();
        assert!(last - await_position(&mut worker) < 200_000);
        worker.orders.send(&Order::Seek { to_us: last / 2, accurate: false }).unwrap();
        await_position(&mut worker);
        worker.orders.send(&Order::Speed { factor: 2.0 }).unwrap();
        worker.orders.send(&Order::Play).unwrap();
        play(&mut worker, clip, |event| matches!(event, Event::Position { ended: true, playing: false, .. }));
    }
}

#[test]
fn a_dead_worker_leaves_whole_fragments() {
    let server = Server::start(&[("/main", "videotestsrc is-live=true", 25, "")]);
    let mut camera = open(&server.uri("/main"));
    // No clip ends by itself before the worker is gone.
    camera.clip_target_ms = 60_000;
    let recording = record(camera, |worker| {
        let mut states = 0;
        support::await_event(worker, |event| {
            states += u32::from(matches!(event, Event::State(_)));
            states == 2
        });
        worker.process.kill().unwrap();
    });
    let clip = recording.clips.last().unwrap();
    assert_eq!(clip.end, None);
    assert!(recording.clips.iter().map(|clip| support::ffprobe_frames(&clip.bytes)).sum::<u64>() >= 25);
}

#[test]
fn motion_is_measured_while_asked_for_by_either_reader() {
    let ball = "videotestsrc is-live=true pattern=ball";
    let server = Server::start(&[
        ("/main", ball, 25, ""),
        ("/sub", ball, 15, ""),
        ("/udp", ball, 15, "udp-only"),
        ("/rare", ball, 15, "tune=zerolatency key-int-max=60"),
    ]);
    for (main, sub) in [("/main", Some("/sub")), ("/udp", None), ("/main", None), ("/rare", None)] {
        let mut camera = open(&server.uri(main));
        camera.sub_uri = sub.map(|path| server.uri(path));
        camera.record = main == "/main";
        record(camera, |worker| {
            let settings = MotionSettings { sensitivity: 6, zones: vec![] };
            worker.orders.send(&Order::Motion { settings: Some(settings) }).unwrap();
            let motion = |event: &Event, wanted: bool| {
                let Event::Motion { active, zone, share, arrived_unix_us, .. } = event else { return false };
                assert!(zone.is_none() && *share > 0.0 && *arrived_unix_us > 0);
                *active == wanted
            };
            support::await_event(worker, |event| motion(event, true));
            worker.orders.send(&Order::Motion { settings: None }).unwrap();
            support::await_event(worker, |event| motion(event, false));
            worker.orders.send(&Order::Shutdown).unwrap();
        });
    }
}

#[test]
fn a_still_stream_has_no_motion() {
    let still = "videotestsrc is-live=true pattern=smpte75";
    let server = Server::start(&[("/main", still, 15, "")]);
    record(open(&server.uri("/main")), |worker| {
        let settings = MotionSettings { sensitivity: 10, zones: vec![] };
        worker.orders.send(&Order::Motion { settings: Some(settings) }).unwrap();
        let mut states = 0;
        support::await_event(worker, |event| {
            assert!(!matches!(event, Event::Motion { .. }), "{event:?}");
            states += u32::from(matches!(event, Event::State(_)));
            states == 6
        });
        worker.orders.send(&Order::Shutdown).unwrap();
    });
}
