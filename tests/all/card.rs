//! What lies on a camera's own card: listed, fetched into the vault, watched, and gaps filled from it.

pub(crate) mod window;

use std::{collections::BTreeMap, time::Duration};

use hausrecht_engine::wire::{
    CardJob, CardJobState, CardOrder, CardPlayerState, CardReason, CardSpan, ClipView, ErrorCode, Event,
    LogQuery, LogRow, TileSource,
};
use hausrecht_model::{CameraId, CardJobId, Clock, UnixMicros, clock::SystemClock};
use hausrecht_tests::{
    camera::SimCam,
    process::{children_of, signal},
    stage::{PATIENCE, SOON, Stage, alone},
    until::until,
};
use rustix::process::Signal;
use tokio::sync::broadcast;

const SECOND_US: i64 = 1_000_000;
const DAY: Duration = Duration::from_secs(24 * 3600);
/// The cameras' cards have gaps at the same times in every four hours; this is far from all of them.
const MIDDLE_S: i64 = 7200;
/// One of the gaps.
const GAP_S: (i64, i64) = (3600, 4200);
const ROUND_S: i64 = 4 * 3600;
/// Key frames come at least this often.
const KEY_EVERY_US: i64 = 2_500_000;

/// How far a camera's clock must be off so that its card has a long stretch around now.
fn middle_of_a_stretch() -> String {
    let now_s = SystemClock::new().now().0 / SECOND_US;
    (MIDDLE_S - now_s.rem_euclid(ROUND_S)).to_string()
}

/// A time in a round that is over, by a camera whose clock is right.
fn in_a_round_that_is_over(stage: &Stage, second: i64) -> UnixMicros {
    let now_s = stage.engine.now().0 / SECOND_US;
    UnixMicros((now_s - now_s.rem_euclid(ROUND_S) - ROUND_S + second) * SECOND_US)
}

/// What the card has around a time.
async fn around(stage: &Stage, camera: CameraId, at: UnixMicros, minutes: u64) -> Vec<CardSpan> {
    let span = Duration::from_secs(60 * minutes);
    let until = at.plus(span).min(stage.engine.now());
    stage.engine.card(camera, at.minus(span), until).await.unwrap().spans
}

fn job(stage: &Stage, id: CardJobId) -> CardJob {
    stage.engine.card_jobs().unwrap().into_iter().find(|job| job.id == id).unwrap()
}

async fn wait_for_state(stage: &Stage, id: CardJobId, wanted: CardJobState) -> CardJob {
    until(&format!("the fetch to be {wanted:?}"), PATIENCE, async || {
        let job = job(stage, id);
        assert!(job.error.is_none() || wanted == CardJobState::Failed, "{job:?}");
        if job.state == wanted { Ok(job) } else { Err(job) }
    })
    .await
}

/// Clips from the card, oldest first.
async fn fetched(stage: &Stage, camera: CameraId) -> Vec<ClipView> {
    let mut clips = stage.clips(camera).await;
    clips.retain(|clip| clip.from_card);
    clips
}

fn end(clip: &ClipView) -> i64 {
    clip.start_us.0 + clip.duration_us
}

/// No two clips of the camera show the same moment, to the length of a picture.
async fn assert_no_overlap(stage: &Stage, camera: CameraId) {
    for pair in stage.clips(camera).await.windows(2) {
        assert!(end(&pair[0]) <= pair[1].start_us.0 + 40_000, "{pair:?} overlap");
    }
}

async fn entries(stage: &Stage, kinds: &[&str]) -> Vec<(LogRow, BTreeMap<String, String>)> {
    let query = LogQuery {
        limit: 500,
        kinds: kinds.iter().map(|&kind| kind.to_owned()).collect(),
        ..LogQuery::default()
    };
    let page = stage.engine.log_page(query).await.unwrap();
    let facts = |row: &LogRow| row.facts.iter().map(|fact| (fact.name.clone(), fact.value.clone())).collect();
    page.rows.into_iter().rev().map(|row| (row.clone(), facts(&row))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_span_of_the_card_becomes_clips_like_any_other_at_their_true_times() {
    if !alone("card::a_span_of_the_card_becomes_clips_like_any_other_at_their_true_times") {
        return;
    }
    let camera = SimCam::start(&[]);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    let middle = in_a_round_that_is_over(&stage, MIDDLE_S);
    let spans = around(&stage, id, middle, 10).await;
    let [span] = spans.as_slice() else { panic!("{spans:?}") };
    assert_eq!(span.to_us.0 - span.from_us.0, 20 * 60 * SECOND_US, "{span:?}");
    let from_us = UnixMicros(span.from_us.0 + 60 * SECOND_US);
    let to_us = UnixMicros(from_us.0 + 20 * SECOND_US);

    let asked = stage.engine.fetch_from_card(id, &span.recording, from_us, to_us).await.unwrap();
    let done = wait_for_state(&stage, asked, CardJobState::Done).await;
    assert_eq!((done.reason, done.done_us, done.error), (CardReason::Asked, 20 * SECOND_US, None));
    let clips = fetched(&stage, id).await;
    let (first, last) = (clips.first().unwrap(), clips.last().unwrap());
    assert!((from_us.0..from_us.0 + KEY_EVERY_US).contains(&first.start_us.0), "{first:?} from {from_us:?}");
    assert!((to_us.0 - SECOND_US..=to_us.0).contains(&end(last)), "{last:?} to {to_us:?}");
    assert_no_overlap(&stage, id).await;

    // All pictures are there, and the log has everything in its order.
    let panel = stage.engine.camera_panel(id).await.unwrap();
    let fps = panel.profiles.iter().find(|profile| profile.token == panel.main).unwrap().fps;
    let log = entries(&stage, &["card_fetch_begun", "recorded", "card_fetch_ended"]).await;
    let from_card: Vec<_> = log
        .iter()
        .filter(|(row, facts)| row.kind != "recorded" || facts.get("from_card").is_some())
        .collect();
    let kinds: Vec<_> = from_card.iter().map(|(row, _)| row.kind.as_str()).collect();
    assert_eq!((kinds[0], kinds[kinds.len() - 1]), ("card_fetch_begun", "card_fetch_ended"), "{kinds:?}");
    assert!(kinds[1..kinds.len() - 1].iter().all(|kind| *kind == "recorded"), "{kinds:?}");
    let number = |facts: &BTreeMap<String, String>, name: &str| facts[name].parse::<i64>().unwrap();
    let (begun, begun_facts) = from_card[0];
    assert_eq!((begun_facts["reason"].as_str(), number(begun_facts, "from_us")), ("asked", from_us.0));
    assert!(begun.actor.is_some());
    let (ended, facts) = from_card[from_card.len() - 1];
    assert_eq!((ended.refers_to, facts["outcome"].as_str()), (Some(begun.index), "done"));
    assert_eq!(number(facts, "clips"), i64::try_from(clips.len()).unwrap());
    let pictures = number(facts, "pictures");
    let lasted_us: i64 = clips.iter().map(|clip| clip.duration_us).sum();
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a count of pictures")]
    let expected = (lasted_us as f64 / 1e6 * f64::from(fps)).round() as i64;
    assert!((pictures - expected).abs() <= 3, "{pictures} pictures in {lasted_us} µs at {fps}");

    // A fetched clip is opened like any other.
    let mut events = stage.engine.subscribe();
    stage.engine.open_clip(first.id).await.unwrap();
    let view = stage.engine.view(&TileSource::Player, 320, 180).unwrap();
    stage.player_says(&mut events, "a picture", |state| state.clip == first.id && state.has_picture).await;
    drop(view);
    stage.engine.close_player();

    // What is there already is not fetched again.
    let again = stage.engine.fetch_from_card(id, &span.recording, from_us, to_us).await.unwrap();
    wait_for_state(&stage, again, CardJobState::Done).await;
    assert_no_overlap(&stage, id).await;
    let inside_us: i64 = fetched(&stage, id).await.iter().map(|clip| clip.duration_us).sum();
    assert!(inside_us <= 20 * SECOND_US, "{inside_us}");

    let future = UnixMicros(stage.engine.now().0 + 60 * SECOND_US);
    let refused = stage.engine.fetch_from_card(id, &span.recording, future, UnixMicros(i64::MAX)).await;
    assert_eq!(refused.unwrap_err().code, ErrorCode::Invalid);
    stage.engine.lock().await;
    assert_eq!(stage.engine.card_jobs().unwrap_err().code, ErrorCode::Locked);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_on_the_card_is_a_gap_between_clips() {
    if !alone("card::a_gap_on_the_card_is_a_gap_between_clips") {
        return;
    }
    let camera = SimCam::start(&[]);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    let at = in_a_round_that_is_over(&stage, GAP_S.0);
    let spans = around(&stage, id, at, 20).await;
    let [before, after] = spans.as_slice() else { panic!("{spans:?}") };
    let (gap_from, gap_to) = (before.to_us.0, after.from_us.0);
    assert_eq!((gap_from, gap_to - gap_from), (at.0, (GAP_S.1 - GAP_S.0) * SECOND_US), "{spans:?}");
    let from_us = UnixMicros(gap_from - 8 * SECOND_US);
    let to_us = UnixMicros(gap_to + 8 * SECOND_US);
    let asked = stage.engine.fetch_from_card(id, &before.recording, from_us, to_us).await.unwrap();
    wait_for_state(&stage, asked, CardJobState::Done).await;
    let clips = fetched(&stage, id).await;
    assert!(
        clips.iter().any(|clip| end(clip) > gap_from - SECOND_US && end(clip) <= gap_from + 40_000),
        "{clips:?}"
    );
    assert!(
        clips.iter().any(|clip| clip.start_us.0 >= gap_to && clip.start_us.0 < gap_to + KEY_EVERY_US),
        "{clips:?}"
    );
    let across = clips.iter().find(|clip| clip.start_us.0 < gap_from && end(clip) > gap_to);
    assert!(across.is_none(), "{across:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_that_is_stopped_keeps_what_came_and_one_that_is_interrupted_goes_on() {
    if !alone("card::a_fetch_that_is_stopped_keeps_what_came_and_one_that_is_interrupted_goes_on") {
        return;
    }
    let camera = SimCam::start(&["--clock-offset", &middle_of_a_stretch()]);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    let spans = around(&stage, id, stage.engine.now(), 45).await;
    let span = spans.last().unwrap();
    let from_us = UnixMicros(span.from_us.0 + 10 * SECOND_US);
    let to_us = UnixMicros(span.to_us.0 - 60 * SECOND_US);
    let asked = stage.engine.fetch_from_card(id, &span.recording, from_us, to_us).await.unwrap();
    let waits = stage.engine.fetch_from_card(id, &span.recording, from_us, to_us).await.unwrap();
    assert_eq!(job(&stage, waits).state, CardJobState::Waiting);
    until("a first clip", PATIENCE, async || {
        let clips = fetched(&stage, id).await;
        if clips.is_empty() { Err(job(&stage, asked)) } else { Ok(()) }
    })
    .await;
    // A worker that dies costs a moment: another one goes on with what is missing.
    let live = stage.engine.worker_pid(id);
    let readers = children_of(std::process::id(), "hausrecht-worker");
    let readers: Vec<_> = readers.into_iter().filter(|pid| Some(*pid) != live).collect();
    assert_eq!(readers.len(), 1, "one reads the card");
    signal(readers[0], Signal::KILL);
    let at_death = fetched(&stage, id).await.len();
    until("more clips from another worker", PATIENCE, async || {
        let now = job(&stage, asked);
        assert_eq!(now.state, CardJobState::Running, "{now:?}");
        if fetched(&stage, id).await.len() > at_death + 1 { Ok(()) } else { Err(now) }
    })
    .await;
    stage.engine.stop_card_job(asked).unwrap();
    wait_for_state(&stage, asked, CardJobState::Stopped).await;
    assert_no_overlap(&stage, id).await;
    assert_eq!(stage.engine.stop_card_job(asked).unwrap_err().code, ErrorCode::NotFound);
    let kept = fetched(&stage, id).await.len();
    assert!(kept > 0);

    // The other one has its turn now, and is interrupted.
    wait_for_state(&stage, waits, CardJobState::Running).await;
    until("more clips", PATIENCE, async || {
        let clips = fetched(&stage, id).await.len();
        if clips > kept { Ok(()) } else { Err(clips) }
    })
    .await;
    let stage = stage.restart().await;
    stage.sign_in_owner().await;
    let before = fetched(&stage, id).await.len();
    assert!(before > kept);
    until("the fetch to go on", PATIENCE, async || {
        let clips = fetched(&stage, id).await.len();
        if clips > before { Ok(()) } else { Err((clips, stage.engine.card_jobs().unwrap())) }
    })
    .await;
    stage.engine.stop_card_job(waits).unwrap();
    wait_for_state(&stage, waits, CardJobState::Stopped).await;
    assert_no_overlap(&stage, id).await;
    let outcomes: Vec<_> = entries(&stage, &["card_fetch_ended"])
        .await
        .iter()
        .map(|(_, facts)| facts["outcome"].clone())
        .collect();
    assert_eq!(outcomes, ["stopped", "interrupted", "stopped"]);
    let resumed = entries(&stage, &["card_fetch_begun"]).await;
    assert_eq!(resumed.last().unwrap().1["resumed"], "true");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_is_filled_from_the_card_after_an_outage_if_the_owner_wishes_it() {
    if !alone("card::a_gap_is_filled_from_the_card_after_an_outage_if_the_owner_wishes_it") {
        return;
    }
    let offset = middle_of_a_stretch();
    let args =
        ["--name", "Gone", "--http-port", "18080", "--rtsp-port", "18554", "--clock-offset", offset.as_str()];
    let camera = SimCam::start(&args);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    assert!(!stage.engine.fill_gaps(id).await.unwrap());
    stage.wait_for_clips(id, 1).await;
    // What was fetched from before the camera was recorded here makes no gap of the time between.
    let an_hour_ago = stage.engine.now().minus(Duration::from_secs(3600));
    let spans = around(&stage, id, an_hour_ago, 5).await;
    let until_us = UnixMicros(an_hour_ago.0 + 5 * SECOND_US);
    let asked = stage.engine.fetch_from_card(id, &spans[0].recording, an_hour_ago, until_us).await.unwrap();
    wait_for_state(&stage, asked, CardJobState::Done).await;
    stage.engine.set_fill_gaps(id, true).await.unwrap();
    assert!(stage.engine.fill_gaps(id).await.unwrap());
    drop(camera);
    // Long enough that there is something to fetch whatever the camera's pauses for trying again are.
    let gone_us = stage.engine.now();
    until("ten seconds without a camera", PATIENCE, async || {
        if stage.engine.now().since(gone_us) > Duration::from_secs(10) { Ok(()) } else { Err(()) }
    })
    .await;
    let _camera = SimCam::start(&args);
    let filled = until("the gap to be filled", PATIENCE, async || {
        let jobs = stage.engine.card_jobs().unwrap();
        let done = jobs.iter().find(|job| job.reason == CardReason::Gap && job.state == CardJobState::Done);
        done.cloned().ok_or(jobs)
    })
    .await;
    let clips = stage.clips(id).await;
    let last_before = clips.iter().rev().find(|clip| end(clip) <= filled.from_us.0 + 40_000).unwrap();
    assert!(filled.from_us.0 - end(last_before) < 40_000 && !last_before.from_card, "{last_before:?}");
    let from_card: Vec<_> = clips.iter().filter(|clip| clip.from_card && clip.start_us > until_us).collect();
    assert!(from_card.iter().all(|clip| clip.start_us >= filled.from_us && end(clip) <= filled.to_us.0));
    let covered_us: i64 = from_card.iter().map(|clip| clip.duration_us).sum();
    let gap_us = filled.to_us.0 - filled.from_us.0;
    assert!(
        gap_us > 10 * SECOND_US && covered_us > gap_us - KEY_EVERY_US - SECOND_US,
        "{covered_us} of {gap_us}"
    );
    assert_no_overlap(&stage, id).await;
    let ended = entries(&stage, &["card_fetch_begun", "card_fetch_ended"]).await;
    assert_eq!(ended.len(), 4, "{ended:?}");
    assert!(
        ended.iter().skip(2).all(|(row, facts)| row.actor.is_none() && facts["reason"] == "gap"),
        "{ended:?}"
    );
    let settings = entries(&stage, &["setting_changed"]).await;
    assert_eq!(settings.last().unwrap().1["setting"], "fill_gaps");

    // It is not tried over and over: with the next clips, nothing more is begun.
    let begun = ended.len();
    let live = clips.len();
    stage.wait_for_clips(id, live + 2).await;
    assert_eq!(entries(&stage, &["card_fetch_begun", "card_fetch_ended"]).await.len(), begun);
}

async fn card_says(
    events: &mut broadcast::Receiver<Event>,
    what: &str,
    fits: impl Fn(&CardPlayerState) -> bool,
) -> CardPlayerState {
    let mut last = None;
    let waited = tokio::time::timeout(SOON, async {
        loop {
            match events.recv().await {
                Ok(Event::CardPlayer(state)) if fits(&state) => return state,
                Ok(Event::CardPlayer(state)) => last = Some(state),
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => panic!("the engine is gone"),
            }
        }
    });
    match waited.await {
        Ok(state) => state,
        Err(_) => panic!("waited in vain for {what}; last: {last:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_is_watched_after_the_log_says_so_and_no_longer_than_its_owner_is_there() {
    if !alone("card::a_card_is_watched_after_the_log_says_so_and_no_longer_than_its_owner_is_there") {
        return;
    }
    let camera = SimCam::start(&["--clock-offset", &middle_of_a_stretch()]);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    let spans = around(&stage, id, stage.engine.now(), 45).await;
    let span = spans.last().unwrap();
    let from_us = UnixMicros(span.from_us.0 + 120 * SECOND_US);
    let mut events = stage.engine.subscribe();
    let opened = stage.engine.open_card(id, &span.recording, from_us).await.unwrap();
    assert!(!opened.has_picture, "a picture came before the entry was there: {opened:?}");
    let entry = entries(&stage, &["card_opened"]).await;
    assert_eq!(entry.len(), 1);
    assert_eq!(entry[0].1["from_us"], from_us.0.to_string());
    assert!(entry[0].0.actor.is_some());

    let view = stage.engine.view(&TileSource::Card, 480, 270).unwrap();
    let shown = card_says(&mut events, "a picture", |state| state.has_picture && state.at_us > from_us).await;
    assert!(shown.at_us.0 < from_us.0 + 30 * SECOND_US, "{shown:?}");
    let changes = view.changes().unwrap();
    let first = *changes.borrow();
    until("pictures to follow", SOON, async || {
        let now = *changes.borrow();
        if now > first + 5 { Ok(()) } else { Err(now) }
    })
    .await;
    stage.engine.card_player(&CardOrder::Pause).unwrap();
    card_says(&mut events, "the pause", |state| !state.playing).await;
    let to_us = UnixMicros(from_us.0 + 300 * SECOND_US);
    stage.engine.card_player(&CardOrder::Seek { to_us }).unwrap();
    stage.engine.card_player(&CardOrder::Play).unwrap();
    let there = card_says(&mut events, "the jump", |state| state.playing && state.at_us > to_us).await;
    assert!(there.at_us.0 < to_us.0 + 30 * SECOND_US, "{there:?}");
    let wrong = stage.engine.card_player(&CardOrder::Speed { speed: 40.0 }).unwrap_err();
    assert_eq!(wrong.code, ErrorCode::Invalid);
    assert!(fetched(&stage, id).await.is_empty(), "watching keeps nothing");

    let nothing = stage.engine.open_card(id, "another", from_us).await.unwrap_err();
    assert_eq!(nothing.code, ErrorCode::NotFound);

    // With the session the pictures go, also for a view that is still held.
    stage.engine.lock().await;
    assert!(view.newest(|_| ()).is_none());
    assert_eq!(stage.engine.card_player(&CardOrder::Play).unwrap_err().code, ErrorCode::Locked);
    stage.sign_in_owner().await;
    assert_eq!(stage.engine.card_player(&CardOrder::Play).unwrap_err().code, ErrorCode::NotFound);
    assert!(stage.engine.view(&TileSource::Card, 480, 270).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_without_a_card_says_so() {
    if !alone("card::a_camera_without_a_card_says_so") {
        return;
    }
    let camera = SimCam::start(&["--without", "card"]);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    let now = stage.engine.now();
    let refused = stage.engine.card(id, now.minus(DAY), now).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::CameraUnsuitable, "{refused:?}");
    let refused = stage.engine.open_card(id, "r0", now.minus(DAY)).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::CameraUnsuitable, "{refused:?}");
}
