//! What cameras report, and cameras that come, go and move while the engine runs.

use std::{collections::BTreeSet, net::UdpSocket, sync::Arc, time::Duration};

use hausrecht_engine::wire::{
    DeadReason, ErrorCode, Event, EventMark, LogQuery, NoticeKind, PictureState, UserLevel,
};
use hausrecht_model::{CameraId, EventKind};
use hausrecht_onvif::{Camera, Credentials, Settings, camera::User};
use hausrecht_tests::{
    camera::{PASSWORD, SimCam, USER},
    process::signal,
    stage::{PATIENCE, SOON, Stage, alone},
    until::until,
};
use secrecy::SecretString;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::broadcast::{Receiver, error::TryRecvError},
};

use crate::control::state_under_tls;

const DAY: Duration = Duration::from_secs(24 * 3600);
const VISITOR: &str = "RuleEngine/MyRuleDetector/Visitor";

/// Events of `camera` of one kind, oldest first.
async fn events(stage: &Stage, camera: CameraId, kind: EventKind) -> Vec<EventMark> {
    let now = stage.engine.now();
    let all = stage.engine.timeline(now.minus(DAY), now.plus(DAY)).await.unwrap();
    let lane = all.lanes.into_iter().find(|lane| lane.camera == camera);
    lane.map(|lane| lane.events).unwrap_or_default().into_iter().filter(|event| event.kind == kind).collect()
}

async fn wait_for_event(
    stage: &Stage,
    camera: CameraId,
    kind: EventKind,
    more_than: usize,
) -> Vec<EventMark> {
    until(&format!("an event of kind {}", kind.as_str()), PATIENCE, async || {
        let marks = events(stage, camera, kind).await;
        if marks.len() > more_than { Ok(marks) } else { Err(marks.len()) }
    })
    .await
}

/// Waits for a notice of this kind; others are passed over.
async fn wait_for_notice(told: &mut Receiver<Event>, kind: NoticeKind) -> hausrecht_engine::wire::Notice {
    let waited = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Ok(Event::Notice(notice)) = told.recv().await
                && notice.kind == kind
            {
                return notice;
            }
        }
    });
    waited.await.unwrap_or_else(|_| panic!("waited in vain for {kind:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn one_subscription_outlives_a_reboot_a_refused_renewal_and_pulls_that_close_early() {
    if !alone("events::one_subscription_outlives_a_reboot_a_refused_renewal_and_pulls_that_close_early") {
        return;
    }
    let wrong = ["--fault", "renew-refused", "--fault", "pull-closes-early=1"];
    let camera = SimCam::start(&[&["--name", "Front", "--reboot-seconds", "3"][..], &wrong].concat());
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    stage.watch(id, hausrecht_model::StreamRole::Sub, 2).await;
    camera.control("ring");
    let rung = wait_for_event(&stage, id, EventKind::Doorbell, 0).await;
    let made = || camera.state()["subscriptions_made"].as_u64().unwrap();
    assert_eq!(
        (made(), camera.state()["subscriptions"].as_u64()),
        (1, Some(1)),
        "pulls that close early cost none"
    );
    camera.control("reboot");
    until("the camera to be gone", PATIENCE, async || {
        let tiles = stage.engine.tiles().unwrap();
        if tiles.iter().all(|tile| tile.picture == PictureState::Live) { Err(tiles) } else { Ok(()) }
    })
    .await;
    until("the camera to be back", PATIENCE, async || TcpStream::connect(camera.address()).await.map(drop))
        .await;
    // Whether it is subscribed again is not to be seen from outside, so it rings until it is heard.
    until("the bell after the reboot", PATIENCE, async || {
        camera.control("ring");
        let heard = events(&stage, id, EventKind::Doorbell).await;
        if heard.len() > rung.len() { Ok(()) } else { Err(heard.len()) }
    })
    .await;
    assert_eq!((made(), camera.state()["subscriptions"].as_u64()), (2, Some(1)), "one more after the reboot");
}

#[tokio::test(flavor = "multi_thread")]
async fn that_a_camera_refuses_the_sign_in_all_at_once_is_said_and_not_for_ever() {
    if !alone("events::that_a_camera_refuses_the_sign_in_all_at_once_is_said_and_not_for_ever") {
        return;
    }
    const NEW: &str = "Another-4711";
    let camera = SimCam::start(&["--name", "Front", "--reboot-seconds", "1"]);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    stage.watch(id, hausrecht_model::StreamRole::Sub, 2).await;
    camera.control("ring");
    wait_for_event(&stage, id, EventKind::Doorbell, 0).await;

    // Somebody changes the password elsewhere.
    let mut told = stage.engine.subscribe();
    let address = camera.ready["http"].as_str().unwrap().parse().unwrap();
    let known = Credentials::new(USER, SecretString::from(PASSWORD));
    let settings = Settings::new(Arc::new(stage.clock.clone()));
    let outside = Camera::connect(&[address], Some(known), settings).await.unwrap();
    let user = User { name: USER.to_owned(), level: UserLevel::Administrator };
    outside.set_user(&user, Some(&SecretString::from(NEW))).await.unwrap();
    camera.control("reboot");
    let (now, again) = until("the stream to be refused too", PATIENCE, async || {
        let tile = stage.engine.tiles().unwrap().remove(0);
        match tile.picture {
            PictureState::Dead { reason: DeadReason::WrongPassword, retry_at_us, .. } => {
                Ok((stage.engine.now(), retry_at_us))
            }
            other @ (PictureState::Starting | PictureState::Live | PictureState::Dead { .. }) => Err(other),
        }
    })
    .await;
    let pause = again.expect("it had streamed with this password, so it is tried again").since(now);
    assert!(pause > Duration::from_secs(200), "{pause:?}");

    // It may only be busy: it is left alone, and asked again after half a minute and after four more, before that is said.
    let notice = tokio::select! {
        notice = wait_for_notice(&mut told, NoticeKind::EventsRefused) => notice,
        () = async {
            let mut ticks = tokio::time::interval(Duration::from_millis(250));
            loop {
                ticks.tick().await;
                stage.clock.pass(Duration::from_secs(5));
            }
        } => unreachable!("time passes for ever"),
    };
    assert_eq!(notice.camera, Some(id));
    let tried = camera.state()["sign_ins"].as_u64().unwrap();
    assert_eq!(stage.engine.camera_panel(id).await.unwrap_err().code, ErrorCode::CameraRefused);
    println!("{tried} requests with the old password");
    assert_eq!(camera.state()["sign_ins"].as_u64(), Some(tried), "it is not sent any more");

    stage.engine.set_camera_password(id, USER, NEW.into()).await.unwrap();
    stage.watch(id, hausrecht_model::StreamRole::Sub, 2).await;
    let said = until("events to be heard again", PATIENCE, async || {
        let query = LogQuery { limit: 50, kinds: vec!["camera_changed".into()], ..LogQuery::default() };
        let page = stage.engine.log_page(query).await.unwrap();
        let facts = page.rows.iter().rev().flat_map(|row| &row.facts);
        let said: Vec<_> =
            facts.filter(|fact| fact.value.starts_with("events_")).map(|fact| fact.value.clone()).collect();
        if said.len() > 1 { Ok(said) } else { Err(said) }
    })
    .await;
    assert_eq!(said, ["events_refused", "events_again"], "each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_flood_little_is_written_and_the_owner_is_told_once() {
    if !alone("events::of_a_flood_little_is_written_and_the_owner_is_told_once") {
        return;
    }
    let camera = SimCam::start(&["--name", "Front", "--fault", "event-flood=10000"]);
    let stage = Stage::owned().await;
    let mut told = stage.engine.subscribe();
    let began = std::time::Instant::now();
    let id = stage.connect(&camera).await;
    let notice = wait_for_notice(&mut told, NoticeKind::EventFlood).await;
    assert_eq!(notice.camera, Some(id));
    let query = || LogQuery { limit: 500, kinds: vec!["event".into()], ..LogQuery::default() };
    let left_out = until("the log to say how many were left out", PATIENCE, async || {
        let page = stage.engine.log_page(query()).await.unwrap();
        let facts = page.rows.iter().flat_map(|row| &row.facts);
        let left_out = facts.filter(|fact| fact.name == "left_out").map(|fact| fact.value.clone()).next();
        left_out.ok_or(page.rows.len())
    })
    .await;
    let page = stage.engine.log_page(query()).await.unwrap();
    let bound = 30 + 3 * (began.elapsed().as_secs() + 1);
    println!("{} entries after {:?} of 10000/s, {left_out} left out", page.matching, began.elapsed());
    assert!(page.matching <= bound, "{} entries, at most {bound}", page.matching);
    let mut again = 0;
    loop {
        match told.try_recv() {
            Ok(Event::Notice(notice)) if notice.kind == NoticeKind::EventFlood => again += 1,
            Ok(_) | Err(TryRecvError::Lagged(_)) => {}
            Err(TryRecvError::Empty | TryRecvError::Closed) => break,
        }
    }
    assert_eq!(again, 0, "one notice for one flood");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_says_what_a_topic_means_also_of_what_is_stored() {
    if !alone("events::the_owner_says_what_a_topic_means_also_of_what_is_stored") {
        return;
    }
    let camera = SimCam::start(&["--name", "Front", "--feature", "relay"]);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    let engine = &stage.engine;
    let unknown = until("a topic that nobody knows", PATIENCE, async || {
        let topics = engine.unknown_topics().await.unwrap();
        topics.into_iter().find(|topic| topic.topic.ends_with("Relay")).ok_or("none")
    })
    .await;
    assert_eq!(unknown.camera, id);
    assert!(unknown.data.iter().any(|(name, _)| name == "LogicalState"), "{unknown:?}");

    // The owner's word comes before the table, and from then on.
    camera.control("ring");
    let rung = wait_for_event(&stage, id, EventKind::Doorbell, 0).await.len();
    engine.map_topic(VISITOR, Some(EventKind::Package)).await.unwrap();
    camera.control("ring");
    wait_for_event(&stage, id, EventKind::Package, 0).await;
    assert_eq!(
        events(&stage, id, EventKind::Doorbell).await.len(),
        rung,
        "what the table knew stays as it was"
    );
    assert_eq!(engine.topic_map().await.unwrap().len(), 1);
    engine.map_topic(VISITOR, None).await.unwrap();
    let back = events(&stage, id, EventKind::Doorbell).await.len();
    assert!(back > rung, "what was forgotten is what the table says again");
    engine.map_topic(&unknown.topic, Some(EventKind::Input)).await.unwrap();
    assert!(engine.unknown_topics().await.unwrap().iter().all(|topic| topic.topic != unknown.topic));
    assert!(engine.map_topic("a/*", Some(EventKind::Input)).await.is_err());

    let stage = stage.restart().await;
    stage.sign_in_owner().await;
    assert_eq!(stage.engine.topic_map().await.unwrap()[0].kind, EventKind::Input, "it is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_comes_is_shown_and_one_that_goes_is_marked() {
    if !alone("events::a_camera_that_comes_is_shown_and_one_that_goes_is_marked") {
        return;
    }
    let stage = Stage::owned().await;
    let mut told = stage.engine.subscribe();
    let uuid = "6c0b5d0e-0000-4000-8000-000000000001";
    let camera = SimCam::start(&["--name", "Front", "--uuid", uuid]);
    let notice = wait_for_notice(&mut told, NoticeKind::CameraCame).await;
    assert_eq!(notice.detail, "Front");
    let found = stage.engine.discovery().cameras.into_iter().find(|found| found.key == uuid).unwrap();
    assert!(found.new && !found.gone && !found.known, "{found:?}");

    let id = stage.connect(&camera).await;
    stage.watch(id, hausrecht_model::StreamRole::Sub, 2).await;
    let is_away = || stage.engine.cameras().unwrap().iter().any(|camera| camera.id == id && camera.away);
    assert!(!is_away());
    let address = camera.address();
    let port = address.rsplit(':').next().unwrap().to_owned();
    signal(camera.pid(), rustix::process::Signal::TERM);
    until("the camera to be away", PATIENCE, async || if is_away() { Ok(()) } else { Err("here") }).await;
    let found = stage.engine.discovery().cameras.into_iter().find(|found| found.key == uuid).unwrap();
    assert!(found.gone, "it said Bye: {found:?}");
    drop(camera);
    let _again = SimCam::start(&["--name", "Front", "--uuid", uuid, "--http-port", &port]);
    until("the camera to be back", PATIENCE, async || if is_away() { Err("away") } else { Ok(()) }).await;
    // It may have answered its next question before its Hello was heard.
    until("its Hello", PATIENCE, async || {
        let found = stage.engine.discovery().cameras.into_iter().find(|found| found.key == uuid).unwrap();
        if found.gone { Err(found) } else { Ok(()) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_moved_proves_itself_before_any_password_goes_there() {
    if !alone("events::a_camera_that_moved_proves_itself_before_any_password_goes_there") {
        return;
    }
    let uuid = "6c0b5d0e-0000-4000-8000-000000000002";
    let camera = SimCam::start(&["--name", "Front", "--uuid", uuid, "--tls", "--fault", "refuse-stream"]);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    let address = || stage.engine.cameras().unwrap().into_iter().find(|view| view.id == id).unwrap().address;
    assert_eq!(address(), camera.address());
    until("the stream to be refused", SOON, async || {
        let tiles = stage.engine.tiles().unwrap();
        let is_dead = tiles.iter().any(|tile| matches!(tile.picture, PictureState::Dead { .. }));
        if is_dead { Ok(()) } else { Err(tiles) }
    })
    .await;

    // Another device that calls itself the same has another certificate, and gets nothing.
    let mut told = stage.engine.subscribe();
    let impostor = SimCam::start(&["--name", "Front", "--uuid", uuid, "--tls"]);
    let notice = wait_for_notice(&mut told, NoticeKind::CameraMoved).await;
    assert_eq!((notice.camera, notice.detail), (Some(id), impostor.address()));
    assert_eq!(address(), camera.address(), "an impostor changes nothing");
    // Not even when the owner connects it as the camera that has moved: first the certificate is asked about.
    let outcome = stage.connect_with(uuid, USER, PASSWORD).await;
    assert_eq!(outcome.error.map(|error| error.code), Some(ErrorCode::CameraUnsuitable));
    assert_eq!(address(), camera.address());
    assert_eq!(state_under_tls(&impostor).await["sign_ins"], 0, "nor is it told anything");
    assert!(state_under_tls(&camera).await["sign_ins"].as_u64() > Some(0), "sign-ins are counted");
    drop(impostor);

    // The camera itself, at another address: its key is the same.
    let door = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let elsewhere = door.local_addr().unwrap();
    let behind = camera.address();
    tokio::spawn(async move {
        while let Ok((mut from, _)) = door.accept().await {
            let behind = behind.clone();
            tokio::spawn(async move {
                let Ok(mut to) = TcpStream::connect(behind).await else { return };
                // Either side may end the conversation.
                let _ = copy_bidirectional(&mut from, &mut to).await;
            });
        }
    });
    until("the camera to be known at its new address", PATIENCE, async || {
        say_hello(uuid, &format!("https://{elsewhere}/onvif/device_service"));
        if address() == elsewhere.to_string() { Ok(()) } else { Err(address()) }
    })
    .await;
    assert_eq!(stage.engine.camera_certificate(id).unwrap(), None, "there is nothing to ask any more");
    let query = LogQuery { limit: 50, kinds: vec!["camera_changed".into()], ..LogQuery::default() };
    let page = stage.engine.log_page(query).await.unwrap();
    let facts: BTreeSet<_> = page.rows[0].facts.iter().map(|fact| (&*fact.name, &*fact.value)).collect();
    assert!(facts.contains(&("proven_by", "certificate")), "{facts:?}");
    let tiles = stage.engine.tiles().unwrap();
    assert!(
        !tiles
            .iter()
            .any(|tile| matches!(tile.picture, PictureState::Dead { reason: DeadReason::WrongPassword, .. })),
        "{tiles:?}"
    );
}

/// Says Hello in the name of `uuid`.
fn say_hello(uuid: &str, address: &str) {
    let discovery = "http://schemas.xmlsoap.org/ws/2005/04/discovery";
    let hello = format!(
        "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" \
         xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" xmlns:d=\"{discovery}\" \
         xmlns:dn=\"http://www.onvif.org/ver10/network/wsdl\"><s:Header><a:Action>{discovery}/Hello</a:Action></s:Header>\
         <s:Body><d:Hello><a:EndpointReference><a:Address>urn:uuid:{uuid}</a:Address></a:EndpointReference>\
         <d:Types>dn:NetworkVideoTransmitter</d:Types><d:XAddrs>{address}</d:XAddrs>\
         <d:MetadataVersion>2</d:MetadataVersion></d:Hello></s:Body></s:Envelope>"
    );
    let socket = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    socket.send_to(hello.as_bytes(), ("239.255.255.250", 3702)).unwrap();
}
