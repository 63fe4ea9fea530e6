//! Fetches and watches the card of a simulated camera, and of cameras that misbehave.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use hausrecht_media::{CardOpen, Event, FaultCode, Order, Password, Ring, Sandbox, Stream, Worker};
use hausrecht_model::UnixMicros;
use hausrecht_simcam::{
    card::{Span, spans},
    footage,
};

use crate::{
    odd::{Odd, described},
    support::{
        LIMIT, Recording, await_event,
        between::{Between, Fate},
        demo::{Demo, PASSWORD, USER},
        ffprobe_frames, gather, launch,
    },
};

const SECOND_US: i64 = 1_000_000;

fn demo() -> Demo {
    Demo::start(&["--scene", "shop"])
}

fn card(uri: &str, from_unix_us: i64, until_unix_us: i64) -> CardOpen {
    CardOpen {
        uri: uri.to_owned(),
        user: USER.into(),
        password: Password::new(PASSWORD),
        certificate: None,
        from_unix_us,
        until_unix_us,
        offset_us: 0,
        fetch: true,
        clip_target_ms: 4_000,
    }
}

fn fetch(open: CardOpen) -> Recording {
    gather(&Order::CardOpen(open), |_| {})
}

/// A span of the camera's card that is whole, and the one after it.
fn recorded(demo: &Demo) -> (Span, Span) {
    let spans = spans(demo.camera.loop_clock.camera_time());
    (spans[2], spans[3])
}

/// The pictures that the card has between two times, from the first key frame of each span on: times, and whether they are key frames.
fn pictures(demo: &Demo, from_us: i64, until_us: i64) -> Vec<(i64, bool)> {
    let track = demo.camera.footage.track(footage::Stream::Main);
    let time_of = |number: i64| (number * SECOND_US + i64::from(track.rate) - 1) / i64::from(track.rate);
    let mut pictures = Vec::new();
    for span in spans(demo.camera.loop_clock.camera_time()) {
        let (from_us, until_us) = (from_us.max(span.from.0), until_us.min(span.until.0));
        let first = from_us * i64::from(track.rate) / SECOND_US;
        let mut begun = false;
        for number in first.. {
            let at_us = time_of(number);
            if at_us >= until_us {
                break;
            }
            let key = track.unit(number.unsigned_abs()).is_key();
            begun |= key && at_us >= from_us;
            if begun {
                pictures.push((at_us, key));
            }
        }
    }
    pictures
}

/// Each picture is there once and at its time.
fn check(recording: &Recording, wanted: &[(i64, bool)], offset_us: i64) {
    let mut wanted_left = wanted.iter();
    for clip in &recording.clips {
        assert!(!clip.fragments.is_empty());
        for fragment in &clip.fragments {
            let at_us = clip.start.start_unix_us.0 + i64::try_from(fragment.start_us).unwrap();
            assert_eq!(wanted_left.next().map(|(at_us, _)| at_us + offset_us), Some(at_us));
            for _ in 1..fragment.frames {
                assert!(wanted_left.next().is_some(), "more pictures than there are on the card");
            }
        }
        assert_eq!(ffprobe_frames(&clip.bytes), clip.end.as_ref().unwrap().frames);
    }
    assert_eq!(wanted_left.count(), 0, "{} of {} pictures", recording.frames(), wanted.len());
}

#[test]
fn a_span_is_fetched_exactly_with_its_true_times() {
    let demo = demo();
    let (span, _) = recorded(&demo);
    let from_us = span.from.0 + 777 * SECOND_US + 123_456;
    let until_us = from_us + 31 * SECOND_US;
    let mut open = card(&demo.uri("/replay"), from_us, until_us);
    open.offset_us = -7_654_321;
    let recording = fetch(open);
    assert_eq!(recording.fault, None);
    assert!(recording.card_ended);
    assert_eq!(recording.sandbox, Some(Sandbox::Full));
    let wanted = pictures(&demo, from_us, until_us);
    assert!(wanted.len() > 200, "{}", wanted.len());
    check(&recording, &wanted, -7_654_321);
    assert!(recording.clips.len() >= 5, "{} clips", recording.clips.len());
    assert_eq!(recording.thumbnails.len(), recording.clips.len());
    assert_eq!(recording.card_position, wanted.last().map(|(at_us, _)| at_us - 7_654_321));
}

#[test]
fn a_gap_on_the_card_ends_a_clip() {
    let demo = demo();
    let (before, after) = recorded(&demo);
    let (from_us, until_us) = (before.until.0 - 9 * SECOND_US, after.from.0 + 9 * SECOND_US);
    let mut open = card(&demo.uri("/replay"), from_us, until_us);
    open.clip_target_ms = 60_000;
    let recording = fetch(open);
    assert_eq!((recording.fault, recording.card_ended), (None, true));
    check(&recording, &pictures(&demo, from_us, until_us), 0);
    assert_eq!(recording.clips.len(), 2);
    assert!(recording.clips[1].start.start_unix_us >= after.from);
    let first = &recording.clips[0];
    let end_us =
        first.start.start_unix_us.0 + i64::try_from(first.end.as_ref().unwrap().duration_us).unwrap();
    assert!(end_us <= before.until.0 + SECOND_US);
}

#[test]
fn a_span_without_a_recording_is_fetched_as_nothing() {
    let demo = demo();
    let (before, after) = recorded(&demo);
    for (from_us, until_us) in [
        (before.until.0 + SECOND_US, after.from.0 - SECOND_US),
        (before.from.0 + 9 * SECOND_US, before.from.0),
    ] {
        let recording = fetch(card(&demo.uri("/replay"), from_us, until_us));
        assert_eq!((recording.fault, recording.card_ended, recording.frames()), (None, true, 0));
    }
}

#[test]
fn a_session_that_is_lost_while_fetching_goes_on_where_it_was() {
    let demo = demo();
    let (span, _) = recorded(&demo);
    let (from_us, until_us) = (span.from.0 + 60 * SECOND_US, span.from.0 + 90 * SECOND_US);
    let between = Between::start(demo.port(), |connection, piece, _| {
        if connection < 3 && piece == 150 + 61 * connection { Fate::Cut } else { Fate::Pass }
    });
    let recording = fetch(card(&between.uri("/replay"), from_us, until_us));
    assert_eq!((recording.fault, recording.card_ended), (None, true));
    assert_eq!(between.connections(), 4);
    check(&recording, &pictures(&demo, from_us, until_us), 0);
}

#[test]
fn a_camera_that_is_gone_while_fetching_is_lost_with_whole_clips() {
    let demo = demo();
    let (span, _) = recorded(&demo);
    let between =
        Between::start(
            demo.port(),
            |connection, piece, _| {
                if connection > 0 || piece > 300 { Fate::Cut } else { Fate::Pass }
            },
        );
    let from_us = span.from.0 + 60 * SECOND_US;
    let recording = fetch(card(&between.uri("/replay"), from_us, from_us + 600 * SECOND_US));
    assert_eq!((recording.fault, recording.card_ended), (Some(FaultCode::Lost), false));
    assert!(recording.frames() > 0);
    assert!(recording.clips.iter().all(|clip| clip.end.is_some()));
    let wanted = pictures(&demo, from_us, from_us + 600 * SECOND_US);
    check(&recording, &wanted[..usize::try_from(recording.frames()).unwrap()], 0);
}

#[test]
fn the_end_of_the_card_is_the_end_though_it_grows() {
    let demo = demo();
    let began = demo.camera.loop_clock.camera_time().0;
    let from_us = began - 20 * SECOND_US;
    let recording = fetch(card(&demo.uri("/replay"), from_us, began + 3_600 * SECOND_US));
    assert_eq!((recording.fault, recording.card_ended), (None, true));
    let now = demo.camera.loop_clock.camera_time().0;
    let frames = usize::try_from(recording.frames()).unwrap();
    assert!(frames >= pictures(&demo, from_us, began).len());
    check(&recording, &pictures(&demo, from_us, now)[..frames], 0);
}

#[test]
fn without_the_extension_times_are_counted_from_the_answer() {
    let demo = demo();
    let (span, _) = recorded(&demo);
    let (from_us, until_us) = (span.from.0 + 60 * SECOND_US, span.from.0 + 80 * SECOND_US);
    let wanted = pictures(&demo, from_us, until_us);
    let begins = UnixMicros(wanted[0].0).to_string().replace(['-', ':'], "");
    let between = Between::start(demo.port(), move |_, _, piece| {
        if let Some(extension) = piece.get_mut(16..18).filter(|extension| *extension == [0xab, 0xac]) {
            extension.fill(0xbe);
        } else if let Some(at) = String::from_utf8_lossy(piece).find("Range: ") {
            let text = String::from_utf8(piece.clone()).unwrap();
            let end = at + text[at..].find("\r\n").unwrap();
            *piece = [&text[..at], "Range: clock=", &begins, "-", &text[end..]].concat().into_bytes();
        }
        Fate::Pass
    });
    let recording = fetch(card(&between.uri("/replay"), from_us, until_us));
    assert_eq!((recording.fault, recording.card_ended), (None, true));
    // The answer has milliseconds, and the stream's own clock ninety thousand parts of a second.
    let first = &recording.clips[0];
    assert!(first.start.start_unix_us.0.abs_diff(wanted[0].0) <= 1_000);
    assert!(recording.frames().abs_diff(wanted.len() as u64) <= 1, "{} {}", recording.frames(), wanted.len());
}

#[test]
fn a_camera_that_tells_no_times_is_refused() {
    let demo = demo();
    let (span, _) = recorded(&demo);
    let between = Between::start(demo.port(), |_, _, piece| {
        if let Some(extension) = piece.get_mut(16..18).filter(|extension| *extension == [0xab, 0xac]) {
            extension.fill(0xbe);
        } else if piece.starts_with(b"RTSP/") {
            *piece = String::from_utf8_lossy(piece).replace("Range: ", "X-Range: ").into_bytes();
        }
        Fate::Pass
    });
    let recording = fetch(card(&between.uri("/replay"), span.from.0, span.from.0 + 60 * SECOND_US));
    assert_eq!((recording.fault, recording.card_ended), (Some(FaultCode::Refused), false));
}

#[test]
fn a_camera_that_begins_elsewhere_or_repeats_itself_comes_to_an_end() {
    let demo = demo();
    let (span, _) = recorded(&demo);
    let (from_us, until_us) = (span.from.0 + 600 * SECOND_US, span.from.0 + 630 * SECOND_US);
    // Two hours before what was asked for, and two hours after it.
    for (shift, fault, ended) in [(7_200_i64, Some(FaultCode::Refused), false), (-7_200, None, true)] {
        let between = Between::start(demo.port(), move |_, _, piece| {
            if piece.get(16..18) == Some(&[0xab, 0xac]) {
                let seconds = u32::from_be_bytes(piece[20..24].try_into().unwrap());
                let shifted = u32::try_from(i64::from(seconds) - shift).unwrap();
                piece[20..24].copy_from_slice(&shifted.to_be_bytes());
            }
            Fate::Pass
        });
        let recording = fetch(card(&between.uri("/replay"), from_us, until_us));
        assert_eq!((recording.fault, recording.card_ended, recording.frames()), (fault, ended, 0), "{shift}");
    }
}

#[test]
fn a_wrong_password_is_tried_once() {
    let demo = demo();
    let between = Between::start(demo.port(), |_, _, _| Fate::Pass);
    for fetch_it in [true, false] {
        let mut open = card(&between.uri("/replay"), 0, i64::MAX);
        open.password = Password::new("falsch");
        open.fetch = fetch_it;
        assert_eq!(fetch(open).fault, Some(FaultCode::NotAuthorized));
    }
    assert_eq!(between.connections(), 2);
    let odd = Odd::start(|_| {
        "RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"x\", nonce=\"y\"\r\n\r\n".to_owned()
    });
    assert_eq!(fetch(card(&odd.uri(), 0, i64::MAX)).fault, Some(FaultCode::NotAuthorized));
    assert_eq!(odd.lines("Authorization: Digest").len(), 1);
}

#[test]
fn the_password_is_not_sent_in_clear_to_a_card_where_digest_is_offered() {
    let odd = Odd::start(|_| {
        "RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\
         WWW-Authenticate: Digest realm=\"x\", nonce=\"y\", algorithm=\"odd\"\r\n\r\n"
            .to_owned()
    });
    assert_eq!(fetch(card(&odd.uri(), 0, i64::MAX)).fault, Some(FaultCode::NotAuthorized));
    assert_eq!(odd.lines("Authorization"), Vec::<String>::new());
}

#[test]
fn refusals_are_told_apart() {
    for (status, fault) in [
        ("551 Option not supported", FaultCode::Refused),
        ("404 Not Found", FaultCode::NotFound),
        ("302 Moved", FaultCode::Refused),
        ("503 Service Unavailable", FaultCode::Refused),
    ] {
        let odd = Odd::start(move |_| format!("RTSP/1.0 {status}\r\nLocation: rtsp://192.0.2.1/\r\n\r\n"));
        assert_eq!(fetch(card(&odd.uri(), 0, i64::MAX)).fault, Some(fault), "{status}");
        assert!(odd.lines("Require: onvif-replay").len() == 1);
    }
    assert_eq!(fetch(card("rtsp://127.0.0.1:1/replay", 0, 1)).fault, Some(FaultCode::Refused));
    let mut worker = launch();
    worker.orders.send(&Order::CardOpen(card("http://127.0.0.1:1/replay", 0, 1))).unwrap();
    let event = worker.events.recv_timeout(LIMIT).unwrap();
    assert!(matches!(event, Some(Event::Fault { code: FaultCode::NotFound, .. })), "{event:?}");
}

/// A camera that agrees to everything and then sends `after`.
fn agreeing(play: &'static str, after: String) -> Odd {
    let asked = AtomicU64::new(0);
    let after = Arc::new(after);
    Odd::start(move |question| match question[0].split(' ').next() {
        Some("DESCRIBE") => described(""),
        Some("SETUP") => {
            asked.fetch_add(1, Ordering::SeqCst);
            "RTSP/1.0 200 OK\r\nSession: a;timeout=60\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\n\r\n"
                .to_owned()
        }
        Some("PLAY") => format!("RTSP/1.0 {play}\r\n\r\n{after}"),
        _ => "RTSP/1.0 200 OK\r\n\r\n".to_owned(),
    })
}

#[test]
fn a_camera_that_has_nothing_at_that_time_is_asked_in_two_ways() {
    let odd = agreeing("457 Invalid Range", String::new());
    let recording = fetch(card(&odd.uri(), 1_700_000_000_000_000, 1_700_000_060_000_000));
    assert_eq!((recording.fault, recording.card_ended, recording.frames()), (None, true, 0));
    assert_eq!(
        odd.lines("Range"),
        ["Range: clock=20231114T221320.000Z-", "Range: clock=20231114T221320Z-20231114T221420Z"]
    );
}

#[test]
fn a_picture_without_end_is_a_fault() {
    let demo = demo();
    let (span, _) = recorded(&demo);
    let begun = AtomicU64::new(0);
    let between = Between::start(demo.port(), move |_, _, piece| {
        if piece.starts_with(b"$\0") && piece.get(16..18) == Some(&[0xab, 0xac]) {
            // The first fragment of a picture, and then ever more, none of which is its last. RFC 6184, 5.8.
            let first = begun.fetch_add(1, Ordering::SeqCst) == 0;
            piece.truncate(32);
            piece[5] &= 0x7f;
            piece.extend([0x7c, if first { 0x85 } else { 0x05 }]);
            piece.resize(60_000, 1);
            let length = u16::try_from(piece.len() - 4).unwrap();
            piece[2..4].copy_from_slice(&length.to_be_bytes());
        }
        Fate::Pass
    });
    let recording = fetch(card(&between.uri("/replay"), span.from.0, span.until.0));
    assert_eq!((recording.fault, recording.frames()), (Some(FaultCode::Internal), 0));
}

#[test]
fn a_session_is_given_back_whether_it_was_stopped_or_failed() {
    let quiet = agreeing("200 OK", String::new());
    let wrong = agreeing("200 OK", "$\0\0\x04abcd".repeat(2_000));
    for (odd, fault) in [(&quiet, None), (&wrong, Some(FaultCode::Internal))] {
        let mut open = card(&odd.uri(), 1_700_000_000_000_000, 1_700_000_060_000_000);
        open.fetch = fault.is_some();
        let recording = gather(&Order::CardOpen(open), |worker| {
            if fault.is_none() {
                until(|| !odd.lines("PLAY").is_empty());
                worker.orders.send(&Order::Shutdown).unwrap();
            }
        });
        assert_eq!(recording.fault, fault);
        until(|| odd.lines("TEARDOWN").len() == 1);
    }
}

/// Waits until something is so.
fn until(is_so: impl Fn() -> bool) {
    let began = std::time::Instant::now();
    while !is_so() {
        assert!(began.elapsed() < LIMIT, "it does not come");
        std::thread::yield_now();
    }
}

#[test]
fn garbage_without_end_is_a_fault() {
    let noise = "x".repeat(1_000_000);
    let wrong_packets = "$\0\0\x04abcd".repeat(100_000);
    let empty_packets = "$\0\0\0".repeat(100_000);
    for after in [noise, wrong_packets, empty_packets] {
        let odd = agreeing("200 OK", after);
        let recording = fetch(card(&odd.uri(), 1_700_000_000_000_000, 1_700_000_060_000_000));
        assert_eq!((recording.fault, recording.card_ended), (Some(FaultCode::Internal), false));
    }
    let odd = Odd::start(|_| {
        format!("RTSP/1.0 200 OK\r\nContent-Length: 99999999\r\n\r\n{}", "x".repeat(1_000_000))
    });
    assert_eq!(fetch(card(&odd.uri(), 0, i64::MAX)).fault, Some(FaultCode::Internal));
}

#[test]
fn a_fetch_can_be_stopped() {
    let demo = demo();
    let (span, _) = recorded(&demo);
    let open = card(&demo.uri("/replay"), span.from.0, span.until.0);
    let recording = gather(&Order::CardOpen(open), |worker| {
        await_event(worker, |event| matches!(event, Event::CardPosition { .. }));
        worker.orders.send(&Order::Shutdown).unwrap();
    });
    assert_eq!((recording.fault, recording.card_ended), (None, false));
    assert!(recording.frames() > 0);
    assert!(recording.clips.iter().all(|clip| clip.end.is_some()));
}

/// A card that is watched.
struct Watched {
    worker: Worker,
    ring: Ring,
    wanted: Vec<(i64, bool)>,
    offset_us: i64,
}

impl Watched {
    fn start(demo: &Demo, uri: &str, from_us: i64, until_us: i64) -> Self {
        let mut open = card(uri, from_us, until_us);
        open.fetch = false;
        open.offset_us = 3_000_111;
        let mut worker = launch();
        worker.orders.send(&Order::CardOpen(open.clone())).unwrap();
        assert_eq!(worker.events.recv().unwrap(), Event::Ready { sandbox: Sandbox::Full });
        let ring = Ring::create(0, 320, 180).unwrap();
        let wanted = pictures(demo, from_us - 10 * SECOND_US, until_us);
        let mut watched = Self { worker, ring, wanted, offset_us: open.offset_us };
        watched.look(0);
        watched
    }

    fn look(&mut self, generation: u32) {
        self.ring = Ring::create(generation, 320, 180).unwrap();
        let order = Order::View { view: 1, stream: Stream::Main, ring: self.ring.shape() };
        self.worker.orders.send_with(&order, &[self.ring.as_fd()]).unwrap();
    }

    fn order(&self, order: &Order) {
        self.worker.orders.send(order).unwrap();
    }

    fn seek(&self, at_us: i64) {
        self.order(&Order::CardSeek { to_unix_us: at_us + self.offset_us });
    }

    fn next(&mut self) -> Event {
        self.worker.events.recv_timeout(LIMIT).unwrap().expect("an event in time")
    }

    /// The next picture's time by the camera's clock, and whether it is a key frame; each is one that the card has.
    fn picture(&mut self) -> (i64, bool) {
        loop {
            let event = self.next();
            assert!(!matches!(event, Event::Fault { .. }), "{event:?}");
            if let Event::Frame { pts_us, arrived_unix_us, .. } = event {
                assert_eq!(arrived_unix_us, 0);
                let at_us = i64::try_from(pts_us).unwrap() - self.offset_us;
                let known = self.wanted.iter().find(|(wanted, _)| *wanted == at_us);
                return *known.expect("a picture of the card");
            }
        }
    }

    /// The place that is told next with these signs.
    fn position(&mut self, playing: bool, ended: bool) -> i64 {
        loop {
            let event = self.next();
            assert!(!matches!(event, Event::Fault { .. }), "{event:?}");
            if let Event::CardPosition { unix_us, playing: p, ended: e } = event
                && (p, e) == (playing, ended)
            {
                return unix_us - self.offset_us;
            }
        }
    }

    /// Waits until the picture of this time is shown and told as the place, in whichever order.
    fn arrive(&mut self, at_us: i64) {
        let (mut shown, mut told) = (false, false);
        while !(shown && told) {
            let event = self.next();
            assert!(!matches!(event, Event::Fault { .. }), "{event:?}");
            if let Event::Frame { pts_us, .. } = event {
                shown |= i64::try_from(pts_us).unwrap() - self.offset_us == at_us;
            } else if let Event::CardPosition { unix_us, .. } = event {
                told |= unix_us - self.offset_us == at_us;
            }
        }
    }

    fn end(mut self) {
        self.order(&Order::Shutdown);
        while self.worker.events.recv_timeout(LIMIT).is_ok_and(|event| event.is_some()) {}
        assert!(self.worker.process.wait().unwrap().success());
    }

    /// The first picture at this time or after it.
    fn at(&self, at_us: i64) -> i64 {
        self.wanted.iter().find(|(wanted, _)| *wanted >= at_us).unwrap().0
    }
}

#[test]
fn a_card_is_watched_held_sought_and_sped_up() {
    let demo = demo();
    let (span, _) = recorded(&demo);
    let (from_us, until_us) = (span.from.0 + 300 * SECOND_US + 345_678, span.from.0 + 420 * SECOND_US);
    let mut watched = Watched::start(&demo, &demo.uri("/replay"), from_us, until_us);
    let first = watched.picture().0;
    assert!((from_us..from_us + 5 * SECOND_US).contains(&first), "{}", first - from_us);
    assert!(watched.ring.newest(|picture| picture.bgrx.iter().any(|byte| *byte > 60)).unwrap());
    let mut last = first;
    for _ in 0..10 {
        let next = watched.picture().0;
        assert!(next > last);
        last = next;
    }
    watched.order(&Order::Pause);
    let held = watched.position(false, false);
    // What is looked at in another size is the picture that is held.
    watched.look(1);
    while watched.picture().0 != held {}
    watched.order(&Order::Play);
    watched.position(true, false);
    assert!(watched.picture().0 > held);
    // While it is held, and exactly.
    watched.order(&Order::Pause);
    watched.position(false, false);
    let aim = span.from.0 + 360 * SECOND_US + 200_000;
    watched.seek(span.from.0 + 310 * SECOND_US);
    watched.seek(aim);
    let there = watched.at(aim);
    watched.arrive(there);
    // Back, and at sixteen times the speed only key frames.
    watched.seek(from_us);
    watched.order(&Order::Speed { factor: 16.0 });
    watched.order(&Order::Play);
    let mut keys = 0;
    while keys < 8 {
        keys = if watched.picture().1 { keys + 1 } else { 0 };
    }
    watched.order(&Order::Speed { factor: 2.0 });
    watched.seek(until_us - SECOND_US);
    let end = watched.position(false, true);
    assert_eq!(Some(end), watched.wanted.last().map(|(at_us, _)| *at_us));
    // From the end it begins anew.
    watched.order(&Order::Play);
    while watched.position(true, false) > from_us + 20 * SECOND_US {}
    watched.end();
}

#[test]
fn watching_goes_on_behind_a_gap_and_after_a_lost_session() {
    let demo = demo();
    let (before, after) = recorded(&demo);
    let from_us = before.until.0 - 4 * SECOND_US;
    let between =
        Between::start(
            demo.port(),
            |connection, piece, _| {
                if connection < 2 && piece == 60 { Fate::Cut } else { Fate::Pass }
            },
        );
    let until_us = after.from.0 + 30 * SECOND_US;
    let mut watched = Watched::start(&demo, &between.uri("/replay"), from_us, until_us);
    watched.order(&Order::Speed { factor: 2.0 });
    let mut last = 0;
    while last < after.from.0 + 2 * SECOND_US {
        let next = watched.picture().0;
        assert!(next > last && next >= from_us, "{}", next - last);
        last = next;
    }
    assert_eq!(between.connections(), 3);
    watched.end();
}

#[test]
fn watching_a_camera_that_is_gone_is_lost() {
    let demo = demo();
    let (span, _) = recorded(&demo);
    let between =
        Between::start(
            demo.port(),
            |connection, piece, _| {
                if connection > 0 || piece == 60 { Fate::Cut } else { Fate::Pass }
            },
        );
    let mut watched = Watched::start(&demo, &between.uri("/replay"), span.from.0, span.until.0);
    loop {
        if let Event::Fault { code, .. } = watched.next() {
            assert_eq!(code, FaultCode::Lost);
            break;
        }
    }
    assert!(!watched.worker.process.wait().unwrap().success());
}
