//! Several cameras played in step: one clock, over the ends of clips, through gaps; and nothing that was not entered or given.

mod window;

use std::time::Duration;

use hausrecht_engine::{
    View,
    wire::{
        AddPerson, ClipView, ErrorCode, Event, GiveGrant, GrantScope, LogQuery, TileSource, TogetherOrder,
        TogetherState,
    },
};
use hausrecht_model::{CameraId, UnixMicros};
use hausrecht_tests::{
    camera::SimCam,
    stage::{PATIENCE, Stage, alone},
    until::until,
};
use tokio::sync::broadcast;

const PERSON: &str = "Robin";
const PERSON_PASSPHRASE: &str = "copper window maple seven drift anchor";
/// The simulated cameras send 25 or fewer pictures a second, and clips are cut at key frames.
const PICTURE_US: i64 = 110_000;

/// Records two cameras side by side, and lets the second go on alone, so that the first has a gap there.
async fn record(stage: &Stage) -> [(CameraId, Vec<ClipView>); 2] {
    let front = SimCam::start(&["--name", "Front door", "--scene", "front"]);
    let yard = SimCam::start(&["--name", "Yard"]);
    let (front_id, yard_id) = (stage.connect(&front).await, stage.connect(&yard).await);
    stage.wait_for_clips(front_id, 3).await;
    drop(front);
    let until_now = stage.clips(yard_id).await.len();
    stage.wait_for_clips(yard_id, until_now + 4).await;
    drop(yard);
    // What was being recorded is finished when its camera is gone.
    until("both to be gone", PATIENCE, async || {
        let gone = stage.engine.tiles().unwrap().iter().all(|tile| tile.fps == 0.0);
        if gone { Ok(()) } else { Err("still there") }
    })
    .await;
    [(front_id, stage.clips(front_id).await), (yard_id, stage.clips(yard_id).await)]
}

fn end_of(clip: &ClipView) -> UnixMicros {
    UnixMicros(clip.start_us.0 + clip.duration_us)
}

/// Looks at all seats, as the window does.
fn look(stage: &Stage, seats: u32) -> Vec<View> {
    let view = |seat| stage.engine.view(&TileSource::Together { seat }, 320, 180).unwrap();
    (0..seats).map(view).collect()
}

async fn says(
    events: &mut broadcast::Receiver<Event>,
    what: &str,
    fits: impl Fn(&TogetherState) -> bool,
) -> TogetherState {
    let mut last = std::collections::VecDeque::new();
    let waited = tokio::time::timeout(PATIENCE, async {
        loop {
            match events.recv().await {
                Ok(Event::Together(state)) if fits(&state) => return state,
                Ok(Event::Together(state)) => {
                    last.truncate(7);
                    last.push_front(state);
                }
                // Snapshots replace each other, so a skipped one is made good by the next.
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => panic!("the engine is gone"),
            }
        }
    });
    match waited.await {
        Ok(state) => state,
        Err(_) => panic!("waited in vain for {what}; last: {last:#?}"),
    }
}

/// Whether each seat shows the picture that stands at the clock's moment, no other.
fn stands(state: &TogetherState) -> bool {
    state
        .seats
        .iter()
        .all(|seat| seat.shown_us.is_some_and(|shown| (0..PICTURE_US).contains(&(state.at_us.0 - shown.0))))
}

async fn opened(stage: &Stage) -> usize {
    let query = LogQuery { offset: 0, limit: 200, kinds: vec!["opened".into()], camera: None, person: None };
    stage.engine.log_page(query).await.unwrap().rows.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn cameras_stay_in_step_over_clips_gaps_steps_and_speeds() {
    if !alone("together::cameras_stay_in_step_over_clips_gaps_steps_and_speeds") {
        return;
    }
    let stage = Stage::owned().await;
    let [(front, front_clips), (yard, yard_clips)] = record(&stage).await;
    let engine = &stage.engine;
    let mut events = engine.subscribe();
    // In the first clip of both.
    let from_us = front_clips[0].start_us.max(yard_clips[0].start_us).plus(Duration::from_millis(500));

    for wrong in [vec![front], vec![front, front]] {
        assert_eq!(engine.open_together(wrong, from_us).await.unwrap_err().code, ErrorCode::Invalid);
    }
    let unknown = "0000000000000001".parse().unwrap();
    let refused = engine.open_together(vec![front, unknown], from_us).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::NotFound);
    assert_eq!(opened(&stage).await, 0);

    // Both begin together, and go on together over the ends of their clips.
    engine.open_together(vec![front, yard], from_us).await.unwrap();
    let views = look(&stage, 2);
    says(&mut events, "both to play", |state| state.playing && !state.waiting && stands(state)).await;
    let second = front_clips[1].id;
    says(&mut events, "the next clip of the first, in step", |state| {
        state.seats[0].clip == Some(second) && stands(state)
    })
    .await;
    assert!(opened(&stage).await >= 3);

    // Held, each shows what stands at that very moment; so it does after a jump.
    engine.together(TogetherOrder::Pause).unwrap();
    says(&mut events, "both to stand", |state| !state.playing && stands(state)).await;
    let to_us = yard_clips[1].start_us.max(front_clips[0].start_us).plus(Duration::from_millis(1_234));
    engine.together(TogetherOrder::Seek { to_us }).unwrap();
    let state = says(&mut events, "the moment that was sought", |state| {
        state.at_us == to_us && !state.playing && stands(state)
    })
    .await;

    // A step of one camera is a step of all, there and back.
    let was_us = state.seats[0].shown_us.unwrap();
    engine.together(TogetherOrder::Step { frames: 1, camera: front }).unwrap();
    let next = says(&mut events, "the next picture", |state| {
        state.seats[0].shown_us > Some(was_us) && stands(state)
    })
    .await;
    assert_eq!(Some(next.at_us), next.seats[0].shown_us, "the clock is where the picture is");
    assert!(next.at_us.0 - was_us.0 < PICTURE_US);
    engine.together(TogetherOrder::Step { frames: -1, camera: front }).unwrap();
    says(&mut events, "the picture before", |state| state.seats[0].shown_us == Some(was_us) && stands(state))
        .await;

    // Over the end of a clip a step leads into the next one.
    let edge_us = front_clips[1].start_us;
    engine.together(TogetherOrder::Seek { to_us: UnixMicros(edge_us.0 - 1) }).unwrap();
    says(&mut events, "the last picture", |state| state.at_us.0 == edge_us.0 - 1 && stands(state)).await;
    engine.together(TogetherOrder::Step { frames: 1, camera: front }).unwrap();
    says(&mut events, "the first picture of the next clip", |state| {
        state.seats[0].clip == Some(second) && state.at_us >= edge_us && stands(state)
    })
    .await;
    engine.together(TogetherOrder::Step { frames: -1, camera: front }).unwrap();
    let first = front_clips[0].id;
    says(&mut events, "the clip before", |state| state.seats[0].clip == Some(first) && stands(state)).await;

    // Fast, both are at the same moment still; then backwards past the beginning of a clip.
    engine.together(TogetherOrder::Speed { speed: 2.0 }).unwrap();
    engine.together(TogetherOrder::Play).unwrap();
    says(&mut events, "the next clip at twice the speed", |state| {
        state.seats[0].clip == Some(second) && state.speed == 2.0 && stands(state)
    })
    .await;
    engine.together(TogetherOrder::Speed { speed: -1.0 }).unwrap();
    says(&mut events, "the clip before, backwards", |state| {
        let near = |seat: &hausrecht_engine::wire::TogetherSeat| {
            seat.shown_us.is_some_and(|shown| (shown.0 - state.at_us.0).abs() < 2 * PICTURE_US)
        };
        state.seats[0].clip == Some(first) && state.speed == -1.0 && state.seats.iter().all(near)
    })
    .await;
    engine.together(TogetherOrder::Speed { speed: 1.0 }).unwrap();
    assert_eq!(engine.together(TogetherOrder::Speed { speed: 64.0 }).unwrap_err().code, ErrorCode::Invalid);

    // Where only the second was recorded the first shows nothing, and the second goes on.
    let last = front_clips.last().unwrap();
    let gap_us = end_of(last).plus(Duration::from_secs(2));
    assert!(gap_us < end_of(yard_clips.last().unwrap()), "the second was recorded for longer");
    engine.together(TogetherOrder::Seek { to_us: gap_us }).unwrap();
    says(&mut events, "a gap beside a picture", |state| {
        state.seats[0].clip.is_none() && state.seats[1].clip.is_some() && state.at_us > gap_us
    })
    .await;
    // After the end of all, the clock stands.
    says(&mut events, "the end", |state| {
        !state.playing && state.seats.iter().all(|seat| seat.clip.is_none()) && state.next_us.is_none()
    })
    .await;
    // Before the beginning of all, it is known where it begins.
    engine.together(TogetherOrder::Seek { to_us: UnixMicros(from_us.0 - 60_000_000) }).unwrap();
    let begins = front_clips[0].start_us.min(yard_clips[0].start_us);
    says(&mut events, "where the next clip begins", |state| state.next_us == Some(begins)).await;

    // A file that is gone says so in its place; the other plays on.
    let missing = stage.folder.path().join("clips").join(front.to_string()).join(format!("{first}.age"));
    std::fs::rename(&missing, missing.with_extension("away")).unwrap();
    engine.together(TogetherOrder::Seek { to_us: from_us }).unwrap();
    engine.together(TogetherOrder::Play).unwrap();
    says(&mut events, "what is missing to be said", |state| {
        let error = state.seats[0].error.as_ref().map(|error| error.code);
        error == Some(ErrorCode::ClipMissing) && state.seats[1].clip.is_some() && state.at_us > from_us
    })
    .await;
    std::fs::rename(missing.with_extension("away"), &missing).unwrap();

    // A locked vault shows none of it.
    let before = opened(&stage).await;
    assert!(views[0].changes().is_some());
    engine.lock().await;
    assert!(views.iter().all(|view| view.changes().is_none()));
    assert_eq!(engine.together(TogetherOrder::Play).unwrap_err().code, ErrorCode::Locked);
    stage.sign_in_owner().await;
    assert_eq!(engine.together(TogetherOrder::Play).unwrap_err().code, ErrorCode::NotFound);
    assert_eq!(opened(&stage).await, before);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_sees_what_was_given_and_nothing_else() {
    if !alone("together::a_member_sees_what_was_given_and_nothing_else") {
        return;
    }
    let stage = Stage::owned().await;
    let [(front, front_clips), (yard, yard_clips)] = record(&stage).await;
    let engine = &stage.engine;
    let new = AddPerson {
        name: PERSON.into(),
        passphrase: PERSON_PASSPHRASE.into(),
        accept_weak: false,
        ..AddPerson::default()
    };
    let person = engine.add_person(new).await.unwrap().face.id;
    let at_us = front_clips[0].start_us.max(yard_clips[0].start_us).plus(Duration::from_millis(500));
    let shown = |clips: &[ClipView]| {
        clips.iter().find(|clip| clip.start_us <= at_us && at_us < end_of(clip)).unwrap().id
    };
    let give = |clip| GiveGrant::plain(person, GrantScope::Clip { clip }, None, "looks after the house");
    engine.grant(give(shown(&front_clips))).await.unwrap();
    engine.lock().await;
    stage.sign_in(PERSON, PERSON_PASSPHRASE).await;
    let refused = engine.open_together(vec![front, yard], at_us).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::NotFound, "nothing of the second is theirs");
    stage.sign_in_owner().await;
    let last = yard_clips.last().unwrap().id;
    engine.grant(give(last)).await.unwrap();
    stage.sign_in(PERSON, PERSON_PASSPHRASE).await;

    let mut events = engine.subscribe();
    engine.open_together(vec![front, yard], at_us).await.unwrap();
    let _views = look(&stage, 2);
    says(&mut events, "the one clip that is theirs", |state| {
        state.seats[0].shown_us.is_some() && state.seats[1].clip.is_none() && !state.waiting
    })
    .await;
    engine.together(TogetherOrder::Seek { to_us: yard_clips.last().unwrap().start_us }).unwrap();
    says(&mut events, "the other that is theirs", |state| {
        state.seats[1].clip == Some(last) && state.seats[0].clip.is_none()
    })
    .await;
    stage.sign_in_owner().await;
    assert_eq!(opened(&stage).await, 2, "each that was shown, and no other");
    stage.close().await;
}
