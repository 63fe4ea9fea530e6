//! A worker that remembers pictures until it is told to record them.

use hausrecht_media::{CameraOpen, Event, Keep, Order, Stream, Worker};

use crate::support::{self, Recording, Server, open, record};

/// Seven seconds of 25 pictures each, with a key frame a second.
fn server() -> Server {
    Server::start(&[("/main", "videotestsrc is-live=true num-buffers=175 pattern=ball", 25, "")])
}

fn silent(server: &Server) -> CameraOpen {
    CameraOpen { record: false, clip_target_ms: 60_000, ..open(&server.uri("/main")) }
}

fn order(worker: &Worker, keep: Keep) {
    worker.orders.send(&Order::Record { keep }).unwrap();
}

/// Waits until the stream's state was told `count` times: it is told at once and then every two seconds.
fn wait_for_states(worker: &mut Worker, count: usize) {
    for _ in 0..count {
        support::await_event(
            worker,
            |event| matches!(event, Event::State(state) if state.stream == Stream::Main && state.streaming),
        );
    }
}

fn starts_with_key_frames(recording: &Recording) {
    for clip in &recording.clips {
        assert!(clip.fragments.first().is_some_and(|fragment| fragment.key));
        assert_eq!(support::ffprobe_frames(&clip.bytes), clip.end.as_ref().unwrap().frames);
    }
}

#[test]
fn what_was_remembered_is_recorded_first_and_whole() {
    let server = server();
    let recording = record(silent(&server), |worker| {
        order(worker, Keep::Ahead { memory_ms: 60_000 });
        wait_for_states(worker, 3);
        order(worker, Keep::All { from_unix_us: Some(0) });
    });
    assert_eq!(recording.clips.len(), 1);
    assert_eq!(recording.frames(), server.sent("/main"), "from the very first picture to the last");
    starts_with_key_frames(&recording);
}

#[test]
fn a_recording_begins_at_the_key_frame_before_and_not_at_the_one_before_that() {
    let server = server();
    let mut wanted_us = 0;
    let recording = record(silent(&server), |worker| {
        order(worker, Keep::Ahead { memory_ms: 60_000 });
        wait_for_states(worker, 3);
        let now = hausrecht_model::Clock::now(&hausrecht_model::clock::SystemClock::new());
        wanted_us = now.0 - 1_500_000;
        order(worker, Keep::All { from_unix_us: Some(wanted_us) });
    });
    let start_us = recording.clips[0].start.start_unix_us.0;
    assert!(start_us <= wanted_us, "{} us too late", start_us - wanted_us);
    // A key frame a second, which arrives a little unevenly.
    assert!(wanted_us - start_us < 1_300_000, "{} us too early", wanted_us - start_us);
    assert!(recording.frames() < server.sent("/main") - 25, "what is older is not recorded");
    starts_with_key_frames(&recording);
}

#[test]
fn switching_loses_and_doubles_no_picture() {
    let server = server();
    let camera = CameraOpen { record: true, ..silent(&server) };
    let recording = record(camera, |worker| {
        wait_for_states(worker, 1);
        for _ in 0..2 {
            order(worker, Keep::Ahead { memory_ms: 60_000 });
            wait_for_states(worker, 1);
            order(worker, Keep::All { from_unix_us: Some(0) });
        }
    });
    assert!(recording.clips.len() > 1, "{} clips", recording.clips.len());
    assert_eq!(recording.frames(), server.sent("/main"));
    starts_with_key_frames(&recording);
    for pair in recording.clips.windows(2) {
        let end_us = pair[0].start.start_unix_us.0 + pair[0].end.as_ref().unwrap().duration_us.cast_signed();
        let apart_us = pair[1].start.start_unix_us.0 - end_us;
        assert!(apart_us.abs() < 100_000, "{apart_us} us between two clips");
    }
}

#[test]
fn nothing_is_recorded_where_nothing_is_wanted_and_the_worker_says_that_it_lives() {
    let server = server();
    let recording = record(silent(&server), |worker| {
        // Nothing is fetched: that is told, so that it is not taken for one that hangs.
        for _ in 0..2 {
            support::await_event(worker, |event| matches!(event, Event::State(state) if !state.streaming));
        }
        order(worker, Keep::All { from_unix_us: None });
        wait_for_states(worker, 1);
        order(worker, Keep::Nothing);
        support::await_event(worker, |event| matches!(event, Event::State(state) if !state.streaming));
        worker.orders.send(&Order::Shutdown).unwrap();
    });
    assert_eq!(recording.fault, None);
    assert!(recording.clips.len() <= 1 && recording.frames() < 100, "{} pictures", recording.frames());
    starts_with_key_frames(&recording);
}
