//! Talks to a simulated camera and to servers without a back channel.

use hausrecht_media::{Event, FaultCode, Order, Password, Sandbox, TalkOpen, TalkSound, Transport, Worker};

use crate::odd::{Odd, Question, described};
use crate::support::{
    LIMIT, Server,
    demo::{Demo, PASSWORD, USER},
    launch,
};

fn talk(uri: &str, sound: TalkSound, limit_ms: u32) -> TalkOpen {
    TalkOpen {
        uri: uri.to_owned(),
        user: USER.into(),
        password: Password::new(PASSWORD),
        transport: Transport::Auto,
        certificate: None,
        sound,
        limit_ms,
    }
}

fn start(open: TalkOpen) -> Worker {
    let mut worker = launch();
    worker.orders.send(&Order::TalkOpen(open)).unwrap();
    assert_eq!(worker.events.recv().unwrap(), Event::Ready { sandbox: Sandbox::Full });
    worker
}

/// All that comes until the worker ends: its fault, and how often it said that it talks.
fn until_its_end(worker: &mut Worker) -> (Option<FaultCode>, usize) {
    let (mut fault, mut talking) = (None, 0);
    while let Ok(event) = worker.events.recv_timeout(LIMIT) {
        let event = event.expect("the worker ends in time");
        if let Event::Fault { code, text, .. } = event {
            assert!(!text.contains(PASSWORD));
            fault = Some(code);
        } else {
            assert!(matches!(event, Event::Talking { .. }), "{event:?}");
            talking += 1;
        }
    }
    (fault, talking)
}

/// How often a wave of G.711 mu-law goes up through zero.
fn rises(sound: &[u8]) -> usize {
    // The first bit is the sign: 1 is positive. ITU-T G.711, table 2a.
    sound.windows(2).filter(|pair| pair[0] & 0x80 == 0 && pair[1] & 0x80 != 0).count()
}

#[test]
fn a_tone_arrives_in_the_camera_at_its_frequency() {
    for (transport, hz) in [(Transport::Auto, 440), (Transport::Udp, 1_000)] {
        let demo = Demo::start(&["--scene", "front"]);
        let mut open = talk(&demo.uri("/main"), TalkSound::Tone { hz }, 60_000);
        open.transport = transport;
        let mut worker = start(open);
        let mut loudest = 0;
        loop {
            let event = worker.events.recv_timeout(LIMIT).unwrap().expect("a talk in time");
            let Event::Talking { packets, loudness } = event else { panic!("{event:?}") };
            loudest = loudest.max(loudness);
            // A second and a half, so that the last second is whole.
            if packets >= 75 && demo.camera.heard.sound().last.len() == 8_000 {
                break;
            }
        }
        worker.orders.send(&Order::Shutdown).unwrap();
        assert_eq!(until_its_end(&mut worker).0, None);
        assert!(worker.process.wait().unwrap().success());
        let sound = demo.camera.heard.sound();
        let last: Vec<u8> = sound.last.iter().copied().collect();
        let heard = rises(&last);
        assert!(
            heard.abs_diff(usize::from(hz)) <= usize::from(hz) / 50,
            "{heard} Hz of {hz} by {transport:?}"
        );
        assert!(loudest > 10_000 && sound.loudness() > 5_000, "{loudest} {}", sound.loudness());
    }
}

#[test]
fn a_talk_ends_by_itself() {
    let demo = Demo::start(&["--scene", "front"]);
    let mut worker = start(talk(&demo.uri("/main"), TalkSound::Tone { hz: 440 }, 1_500));
    let (fault, talking) = until_its_end(&mut worker);
    assert_eq!(fault, None);
    assert!(talking >= 2);
    assert!(worker.process.wait().unwrap().success());
    assert!(demo.camera.heard.sound().packets > 0);
}

#[test]
fn a_camera_that_only_listens_may_be_silent_by_udp() {
    let demo = Demo::start(&["--scene", "front"]);
    let mut open = talk(&demo.uri("/main"), TalkSound::Tone { hz: 440 }, 7_000);
    open.transport = Transport::Udp;
    assert_eq!(until_its_end(&mut start(open)).0, None);
    let heard = demo.camera.heard.sound();
    assert!(heard.packets > 250, "{} packets of 20 ms", heard.packets);
}

#[test]
fn a_talk_ends_with_the_engine() {
    let demo = Demo::start(&["--scene", "front"]);
    let mut worker = start(talk(&demo.uri("/main"), TalkSound::Tone { hz: 440 }, 60_000));
    assert!(matches!(worker.events.recv().unwrap(), Event::Talking { .. }));
    worker.orders.close();
    let status = worker.process.wait().unwrap();
    assert!(status.success(), "{status}");
}

#[test]
fn a_camera_without_a_back_channel_says_so() {
    let plain = Server::start(&[("/main", "videotestsrc is-live=true", 15, "")]);
    let silent = Demo::start(&["--scene", "front", "--without", "talk"]);
    for uri in [plain.uri("/main"), silent.uri("/main")] {
        let mut worker = start(talk(&uri, TalkSound::Tone { hz: 440 }, 60_000));
        assert_eq!(until_its_end(&mut worker), (Some(FaultCode::NoBackChannel), 0), "{uri}");
    }
}

#[test]
fn a_camera_that_answers_551_has_no_back_channel() {
    let refused = || "RTSP/1.0 551 Option not supported\r\n\r\n".to_owned();
    let wants = |question: &Question| question.iter().any(|line| line.starts_with("Require:"));
    let always = Odd::start(move |_| refused());
    let once = Odd::start(move |question| if wants(question) { refused() } else { described("") });
    for server in [always, once] {
        let mut open = talk(&server.uri(), TalkSound::Tone { hz: 440 }, 60_000);
        open.user.clear();
        assert_eq!(until_its_end(&mut start(open)), (Some(FaultCode::NoBackChannel), 0));
        assert!(!server.lines("Require: www.onvif.org/ver20/backchannel").is_empty());
        assert!(server.lines("SETUP").is_empty());
    }
}

#[test]
fn a_wrong_password_and_a_missing_camera_are_told_apart() {
    let demo = Demo::start(&["--scene", "front"]);
    let mut open = talk(&demo.uri("/main"), TalkSound::Tone { hz: 440 }, 60_000);
    open.password = Password::new("falsch");
    assert_eq!(until_its_end(&mut start(open)), (Some(FaultCode::NotAuthorized), 0));
    let open = talk("rtsp://127.0.0.1:1/main", TalkSound::Tone { hz: 440 }, 60_000);
    assert_eq!(until_its_end(&mut start(open)), (Some(FaultCode::Refused), 0));
    assert_eq!(demo.camera.heard.sound().packets, 0);
}

#[test]
fn the_password_of_a_talk_is_not_sent_in_clear() {
    let challenge = "WWW-Authenticate: Basic realm=\"x\"\r\n";
    let server = Odd::start(move |_| format!("RTSP/1.0 401 Unauthorized\r\n{challenge}\r\n"));
    let open = talk(&server.uri(), TalkSound::Tone { hz: 440 }, 60_000);
    assert_eq!(until_its_end(&mut start(open)), (Some(FaultCode::PasswordUnprotected), 0));
    assert_eq!(server.lines("Authorization:"), Vec::<String>::new());
}
