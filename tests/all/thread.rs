//! The whole thread through the engine: find, show, record, let view, take back, and the log of it.

use std::time::Duration;

use hausrecht_engine::wire::{
    AddPerson, ErrorCode, GiveGrant, GrantScope, LogQuery, PlayerOrder, Session, TileSource,
};
use hausrecht_model::{EventKind, StreamRole};
use hausrecht_tests::{camera::SimCam, until::until};

use hausrecht_tests::stage::{PATIENCE, Stage, alone};

const PERSON: &str = "Robin";
const DAY: Duration = Duration::from_secs(24 * 3600);
const PERSON_PASSPHRASE: &str = "copper window maple seven drift anchor";

#[tokio::test(flavor = "multi_thread")]
async fn from_a_camera_on_the_network_to_a_clip_that_says_who_may_view_it() {
    if !alone("thread::from_a_camera_on_the_network_to_a_clip_that_says_who_may_view_it") {
        return;
    }
    let front = SimCam::start(&["--name", "Front", "--scene", "front"]);
    let garage = SimCam::start(&["--name", "Garage", "--scene", "garage"]);
    let stage = Stage::empty().await;
    let engine = &stage.engine;
    assert!(matches!(engine.session(), Session::Empty));

    let offered = engine.suggest_passphrase();
    assert_eq!(offered.words.split_whitespace().count(), 6);
    assert!(offered.bits > 60.0);
    let weak = engine.rate_passphrase("password1");
    let strong = engine.rate_passphrase(&offered.words);
    assert!(weak.score < 3 && strong.score == 4);

    drop(stage);
    let stage = Stage::owned().await;
    let engine = &stage.engine;
    let front_id = stage.connect(&front).await;
    let garage_id = stage.connect(&garage).await;
    let cameras = engine.cameras().unwrap();
    assert_eq!(cameras.len(), 2);
    assert!(cameras.iter().any(|camera| camera.name == "Front" && camera.id == front_id));

    stage.watch(front_id, StreamRole::Main, 10).await;
    stage.watch(garage_id, StreamRole::Sub, 10).await;

    // Two finished clips follow each other without a gap.
    let clips = stage.wait_for_clips(front_id, 2).await;
    let (first, second) = (&clips[0], &clips[1]);
    let gap_us = second.start_us.0 - (first.start_us.0 + first.duration_us);
    assert!(gap_us.abs() <= 40_000, "{gap_us} µs between two clips");
    assert!(!first.cut_short && first.has_thumbnail);

    // What the camera reports is marked where it happened.
    let before = stage.clips(front_id).await.len();
    front.control("motion");
    let mark = until("the motion on the timeline", PATIENCE, async || {
        let now = engine.now();
        let all = engine.timeline(now.minus(DAY), now.plus(DAY)).await.unwrap();
        let lane = all.lanes.into_iter().find(|lane| lane.camera == front_id).ok_or("no lane")?;
        let marked = lane.events.into_iter().rev().find(|event| event.kind == EventKind::Motion);
        marked.ok_or("no motion")
    })
    .await;
    let clips = stage.wait_for_clips(front_id, before + 2).await;
    let marked = clips
        .iter()
        .find(|clip| clip.start_us <= mark.to_us && mark.from_us.0 < clip.start_us.0 + clip.duration_us);
    assert!(marked.is_some_and(|clip| clip.events.contains(&EventKind::Motion)), "{mark:?} in {clips:?}");

    // Somebody else gets one clip.
    let new = AddPerson {
        name: PERSON.into(),
        passphrase: PERSON_PASSPHRASE.into(),
        accept_weak: false,
        ..AddPerson::default()
    };
    let person = engine.add_person(new).await.unwrap().face.id;
    let give = GiveGrant::plain(person, GrantScope::Clip { clip: first.id }, None, "Was there");
    let grant = engine.grant(give).await.unwrap().remove(0);
    let detail = engine.clip(first.id).await.unwrap();
    let names: Vec<_> = detail.may_view.iter().map(|who| who.face.name.as_str()).collect();
    assert_eq!(names, ["Alex", PERSON]);

    // They see exactly that.
    stage.sign_in(PERSON, PERSON_PASSPHRASE).await;
    let seen: Vec<_> = stage.clips(front_id).await.into_iter().map(|clip| clip.id).collect();
    assert_eq!(seen, [first.id]);
    assert!(stage.clips(garage_id).await.is_empty());
    assert!(engine.tiles().unwrap().is_empty());
    let refused = engine.open_clip(second.id).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::NotFound, "a clip that was not granted does not exist");
    let refused =
        engine.grant(GiveGrant::plain(person, GrantScope::Clip { clip: second.id }, None, String::new()));
    assert_eq!(refused.await.unwrap_err().code, ErrorCode::NotAllowed);

    let mut events = engine.subscribe();
    let view = engine.view(&TileSource::Player, 640, 360).unwrap();
    engine.open_clip(first.id).await.unwrap();
    engine.player(&PlayerOrder::Play).unwrap();
    let playing =
        stage.player_says(&mut events, "the first picture", |state| state.has_picture && state.playing).await;
    assert_eq!(playing.clip, first.id);
    engine.player(&PlayerOrder::Pause).unwrap();
    stage.player_says(&mut events, "the pause", |state| !state.playing).await;
    let wanted_us = first.duration_us / 2;
    engine.player(&PlayerOrder::Seek { to_us: wanted_us }).unwrap();
    stage.player_says(&mut events, "the seek", |state| (state.position_us - wanted_us).abs() <= 40_000).await;
    assert!(
        view.newest(|picture| picture.bgrx.iter().any(|byte| *byte != 0)).unwrap_or(false),
        "a picture, not black"
    );
    drop(view);
    engine.close_player();

    // The owner reads of it: the entry was there before the key was used.
    stage.sign_in_owner().await;
    let page = engine
        .log_page(LogQuery { limit: 100, kinds: vec!["opened".into()], ..LogQuery::default() })
        .await
        .unwrap();
    let opened =
        page.rows.iter().find(|row| row.clip == Some(first.id)).unwrap_or_else(|| panic!("{page:?}"));
    assert_eq!(opened.actor.as_ref().map(|face| face.name.as_str()), Some(PERSON));
    assert_eq!(opened.refers_to, Some(grant.entry));
    let entry = engine.log_entry(opened.index).await.unwrap();
    assert!(entry.proven);
    assert!(entry.released_us.is_some_and(|released| released >= opened.at_us), "{entry:?}");
    let detail = engine.clip(first.id).await.unwrap();
    assert_eq!(detail.opened.len(), 1);

    // Taken back: it is gone for them.
    assert_eq!(engine.take_back(grant.id).await.unwrap().opened, 1);
    stage.sign_in(PERSON, PERSON_PASSPHRASE).await;
    assert!(stage.clips(front_id).await.is_empty());
    assert_eq!(engine.open_clip(first.id).await.unwrap_err().code, ErrorCode::NotFound);

    // All of it holds together.
    stage.sign_in_owner().await;
    engine.verify_log().unwrap();
    let verified = until("the verification", PATIENCE, async || match engine.verify_state() {
        Some(state) if !state.running => Ok(state),
        other => Err(other),
    })
    .await;
    assert_eq!(verified.findings, [], "nothing was touched");
    assert!(verified.total > 0 && verified.done == verified.total);
    let note = engine.checkpoint().await.unwrap();
    assert!(note.lines().count() >= 5, "a signed note: {note}");

    // A camera from now on: live pictures and each new clip.
    let give = GiveGrant::plain(person, GrantScope::Camera { camera: garage_id }, None, "Shares it");
    engine.grant(give).await.unwrap();
    let so_far = stage.clips(garage_id).await;
    stage.sign_in(PERSON, PERSON_PASSPHRASE).await;
    stage.watch(garage_id, StreamRole::Sub, 3).await;
    let new = stage.wait_for_clips(garage_id, 1).await;
    assert!(new.iter().all(|clip| so_far.iter().all(|old| old.id != clip.id)), "only clips that came since");
    engine.open_clip(new[0].id).await.unwrap();
    engine.close_player();
    tokio::time::timeout(Duration::from_secs(30), engine.stop()).await.expect("the engine stops");
}
