//! The timeline: bookmarks that keep clips, and the real window from a year to a second.

use std::time::Duration;

use hausrecht_engine::wire::{
    AddPerson, ClipView, EventQuery, GiveBookmark, GiveGrant, GrantScope, LogQuery, LogRow,
};
use hausrecht_model::{CameraId, EventKind, UnixMicros};
use hausrecht_tests::{
    camera::SimCam,
    desktop::Desktop,
    stage::{OWNER, OWNER_PASSPHRASE, PATIENCE, Stage, alone},
    until::until,
};
use serde_json::{Value, json};

const PERSON: &str = "Robin";
const PERSON_PASSPHRASE: &str = "copper window maple seven drift anchor";
const NOTE: &str = "the parcel was left in the rain";
const HOUR_US: i64 = 3_600_000_000;

async fn log(stage: &Stage, kind: &str) -> Vec<LogRow> {
    let query = LogQuery { offset: 0, limit: 100, kinds: vec![kind.into()], camera: None, person: None };
    stage.engine.log_page(query).await.unwrap().rows
}

fn middle(clip: &ClipView) -> UnixMicros {
    UnixMicros(clip.start_us.0 + clip.duration_us / 2)
}

fn all_events(now: UnixMicros) -> EventQuery {
    EventQuery {
        kinds: Vec::new(),
        cameras: Vec::new(),
        forward: false,
        from_us: now,
        from_id: None,
        until_us: None,
        limit: 100,
    }
}

/// Records a few clips and something that happens in them.
async fn record(stage: &Stage, camera: &SimCam) -> (CameraId, Vec<ClipView>) {
    let id = stage.connect(camera).await;
    stage.wait_for_clips(id, 1).await;
    for _ in 0..3 {
        let before = stage.engine.walk_events(all_events(UnixMicros(i64::MAX / 2))).await.unwrap().len();
        camera.control("ring");
        until("the bell on the timeline", PATIENCE, async || {
            let found = stage.engine.walk_events(all_events(UnixMicros(i64::MAX / 2))).await.unwrap();
            if found.len() > before { Ok(()) } else { Err(found.len()) }
        })
        .await;
    }
    let mut clips = stage.wait_for_clips(id, 4).await;
    clips.sort_by_key(|clip| clip.start_us);
    (id, clips)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bookmarked_clip_stays_until_the_mark_is_removed() {
    if !alone("timeline::a_bookmarked_clip_stays_until_the_mark_is_removed") {
        return;
    }
    let stage = Stage::owned().await;
    let camera = SimCam::start(&["--name", "Front door", "--scene", "front"]);
    let (id, clips) = record(&stage, &camera).await;
    drop(camera);
    let engine = &stage.engine;

    // What is walked is what was recorded, each once, whichever way.
    let now = engine.now();
    let newest = engine.walk_events(all_events(now)).await.unwrap();
    let forward = EventQuery { forward: true, from_us: UnixMicros(0), ..all_events(now) };
    let mut oldest = engine.walk_events(forward).await.unwrap();
    oldest.reverse();
    assert_eq!(
        newest.iter().map(|event| event.id).collect::<Vec<_>>(),
        oldest.iter().map(|event| event.id).collect::<Vec<_>>()
    );
    assert!(newest.iter().any(|event| event.kind == EventKind::Doorbell), "{newest:?}");
    let lanes = engine.lanes(now.minus(Duration::from_secs(3600)), now).await.unwrap();
    assert_eq!((lanes.bucket_us, lanes.lanes.len()), (0, 1));
    let year = engine.lanes(now.minus(Duration::from_secs(365 * 86_400)), now).await.unwrap();
    let counted: u32 = year.lanes[0].density.iter().flat_map(|density| &density.counts).sum();
    assert_eq!(counted as usize, newest.len(), "a year counts what an hour shows");

    // The owner marks the first clip, somebody who may view it the second; nobody else can.
    let new = AddPerson {
        name: PERSON.into(),
        passphrase: PERSON_PASSPHRASE.into(),
        accept_weak: false,
        ..AddPerson::default()
    };
    let person = engine.add_person(new).await.unwrap().face.id;
    let scope = GrantScope::Clip { clip: clips[1].id };
    let give = GiveGrant::plain(person, scope, None, "looks after the house");
    engine.grant(give).await.unwrap();
    let mark =
        |clip: &ClipView, note: &str| GiveBookmark { camera: id, at_us: middle(clip), note: note.into() };
    let own = engine.give_bookmark(mark(&clips[0], NOTE)).await.unwrap();
    assert_eq!((own.clip, own.note.as_str(), own.mine), (clips[0].id, NOTE, true));
    assert!(
        engine
            .give_bookmark(GiveBookmark { camera: id, at_us: UnixMicros(5), note: String::new() })
            .await
            .is_err()
    );
    engine.lock().await;
    assert!(engine.bookmarks().await.is_err(), "nobody is signed in");
    stage.sign_in(PERSON, PERSON_PASSPHRASE).await;
    assert_eq!(engine.bookmarks().await.unwrap(), [], "what the owner marks is the owner's");
    assert!(engine.give_bookmark(mark(&clips[0], "")).await.is_err(), "not theirs to view");
    let theirs = engine.give_bookmark(mark(&clips[1], "mine")).await.unwrap();
    let changed = engine.change_bookmark(theirs.id, "seen again".into()).await.unwrap();
    assert_eq!(engine.bookmarks().await.unwrap(), std::slice::from_ref(&changed));
    assert!(engine.remove_bookmark(own.id).await.is_err(), "not theirs to remove");
    assert!(
        engine.lanes(now.minus(Duration::from_secs(20 * 86_400)), now).await.is_err(),
        "eight days at most"
    );
    let seen =
        engine.lanes(now.minus(Duration::from_secs(3600)), now.plus(Duration::from_secs(60))).await.unwrap();
    assert!(seen.lanes[0].gaps.is_empty() && seen.lanes[0].recorded.len() == 1, "{seen:?}");
    engine.lock().await;
    stage.sign_in_owner().await;
    let both = engine.bookmarks().await.unwrap();
    assert_eq!(both.iter().map(|one| one.note.as_str()).collect::<Vec<_>>(), ["seen again", NOTE]);
    assert!(!both[0].mine && both[0].by.name == PERSON);
    assert!(engine.change_bookmark(theirs.id, "other".into()).await.is_err(), "a note is its writer's");

    // Each is in the log, and no note lies in plain on the disk.
    assert_eq!(log(&stage, "bookmarked").await.len(), 2);
    assert_eq!(log(&stage, "bookmark_changed").await[0].refers_to, Some(theirs.entry));
    let database = std::fs::read(stage.folder.path().join("hausrecht.db")).unwrap();
    let wal = std::fs::read(stage.folder.path().join("hausrecht.db-wal")).unwrap_or_default();
    for bytes in [database, wal] {
        assert!(!bytes.windows(NOTE.len()).any(|window| window == NOTE.as_bytes()));
    }

    // Days later all are gone but these two, and what happened in them.
    stage.clock.advance(Duration::from_secs(80 * 3600));
    let stage = stage.restart().await;
    stage.sign_in_owner().await;
    let left: Vec<_> = stage.clips(id).await.iter().map(|clip| clip.id).collect();
    assert!(left.contains(&clips[0].id) && left.contains(&clips[1].id) && !left.contains(&clips[3].id));
    let detail = stage.engine.clip(clips[0].id).await.unwrap();
    assert_eq!(detail.bookmarks.len(), 1);
    let now = stage.engine.now();
    let year = stage.engine.lanes(now.minus(Duration::from_secs(365 * 86_400)), now).await.unwrap();
    let counted: u32 = year.lanes[0].density.iter().flat_map(|density| &density.counts).sum();
    assert_eq!(counted as usize, stage.engine.walk_events(all_events(now)).await.unwrap().len());

    // Released, they go like any other.
    for bookmark in stage.engine.bookmarks().await.unwrap() {
        stage.engine.remove_bookmark(bookmark.id).await.unwrap();
    }
    assert_eq!(log(&stage, "bookmark_removed").await.len(), 2);
    let stage = stage.restart().await;
    stage.sign_in_owner().await;
    let left: Vec<_> = stage.clips(id).await.iter().map(|clip| clip.id).collect();
    assert!(!left.contains(&clips[0].id) && !left.contains(&clips[1].id));
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_timeline_leads_from_a_year_to_a_second() {
    if !alone("timeline::the_timeline_leads_from_a_year_to_a_second") {
        return;
    }
    let stage = Stage::owned().await;
    let cameras =
        [SimCam::start(&["--name", "Front door", "--scene", "front"]), SimCam::start(&["--name", "Yard"])];
    record(&stage, &cameras[0]).await;
    let yard = stage.connect(&cameras[1]).await;
    stage.wait_for_clips(yard, 2).await;
    drop(cameras);
    let (folder, _) = stage.close().await;

    let desktop = Desktop::start_over("timeline", folder.path()).await;
    desktop.fill("lock-name", OWNER).await;
    desktop.fill("lock-passphrase", OWNER_PASSPHRASE).await;
    desktop.click("lock-submit").await;
    desktop.click("nav-clips").await;
    desktop.wait_for_count("[data-testid='lane']", 2, PATIENCE).await;
    desktop.find_by("[data-testid='timeline'][data-complete='true']").await;
    let (from_us, to_us) = shown(&desktop).await;
    assert!((23 * HOUR_US..=25 * HOUR_US).contains(&(to_us - from_us)), "a whole day");
    desktop.keep("01-day").await;

    // To the last event by a key; zoomed to a second by the wheel, around it; the head stays in view.
    press(&desktop, "p").await;
    let said = desktop.wait_for_text("found-time", PATIENCE, |text| text.contains(" · ")).await;
    for _ in 0..70 {
        wheel_at_head(&desktop, -240).await;
    }
    until("a second", PATIENCE, async || {
        let (from_us, to_us) = shown(&desktop).await;
        if to_us - from_us <= 1_000_001 { Ok(()) } else { Err(to_us - from_us) }
    })
    .await;
    desktop.find("head").await;
    assert_eq!(desktop.text("found-time").await, said);
    desktop.find_by("[data-testid='timeline'][data-complete='true']").await;
    desktop.keep("02-second").await;

    // The other way by keys, to a year and no farther.
    for _ in 0..50 {
        press(&desktop, "-").await;
    }
    let (from_us, to_us) = shown(&desktop).await;
    assert!(to_us - from_us >= 365 * 24 * HOUR_US, "{}", (to_us - from_us) / HOUR_US);
    desktop.choose("zoom", "year").await;
    desktop.find_by("[data-testid='timeline'][data-complete='true']").await;
    desktop.keep("03-year").await;

    // Dragged and moved by arrow keys.
    desktop.choose("zoom", "hour").await;
    let (from_us, _) = shown(&desktop).await;
    let field = desktop.find("timeline-field").await;
    press_on(&desktop, "ArrowLeft").await;
    until("the window to move", PATIENCE, async || {
        let (now, _) = shown(&desktop).await;
        if now < from_us { Ok(()) } else { Err(now) }
    })
    .await;
    drop(field);

    // Events as a list, filtered by kind, walked by keys; each leads the head.
    desktop.choose("list", "events").await;
    desktop.choose("zoom", "day").await;
    desktop.find("event-row").await;
    let all = desktop.text("event-count").await;
    desktop.click_by("[data-testid='filter-kinds'] [data-kind='doorbell']").await;
    until("the bell alone", PATIENCE, async || {
        let kinds = texts(&desktop, "[data-testid='event-row'] .what").await;
        if !kinds.is_empty() && kinds.iter().all(|kind| kind == "Doorbell") {
            Ok(())
        } else {
            Err((kinds, all.clone()))
        }
    })
    .await;
    let rows = desktop.all("[data-testid='event-row']").await.len();
    assert!(rows >= 3, "{rows} times it rang");
    walk_list(&desktop, "ArrowDown").await;
    desktop.wait_for_text("found-time", PATIENCE, |text| text.contains("Doorbell")).await;
    desktop.keep("04-events").await;

    // A bookmark with a note, on the event; then in the list, and its flag on the timeline.
    desktop.click("bookmark-give").await;
    desktop.fill("bookmark-note", NOTE).await;
    desktop.click("bookmark-submit").await;
    desktop.wait_until_gone("bookmark-dialog").await;
    desktop.choose("list", "bookmarks").await;
    desktop.wait_for_text("bookmark-row", PATIENCE, |text| text.contains(NOTE)).await;
    desktop.keep("05-bookmarks").await;

    // A time in words leads there.
    desktop.fill("find-time-text", "20 seconds ago").await;
    desktop.click("find-time-go").await;
    desktop.wait_for_text("found-time", PATIENCE, |text| text.starts_with("Marked")).await;
    desktop.find("head").await;

    // Under the pointer stand a time, and the small picture, which the log knows of.
    desktop.choose("list", "bookmarks").await;
    until("the small picture", PATIENCE, async || {
        point_at_recorded(&desktop).await;
        match desktop.all("[data-testid='scrub-picture']").await.len() {
            0 => Err(texts(&desktop, "[data-testid='scrub'], [data-testid='head']").await),
            _ => Ok(()),
        }
    })
    .await;
    desktop.keep("06-scrub").await;

    // The bookmark opens its clip at that moment.
    desktop.click_by("[data-testid='bookmark-row'] button").await;
    desktop.find_by("[data-testid='player-view'][data-state='picture']").await;
    desktop.find("timeline-field").await;
    desktop.keep("07-clip").await;
    desktop.click("clip-back").await;
    desktop.choose("list", "bookmarks").await;
    desktop.click("bookmark-remove").await;
    desktop.click("bookmark-remove-confirm-submit").await;
    desktop.find("bookmarks-empty").await;
    desktop.close().await;

    let stage = Stage::over(folder, hausrecht_tests::stage::MovedClock::default()).await;
    stage.sign_in_owner().await;
    assert_eq!(log(&stage, "bookmarked").await.len(), 1);
    assert_eq!(log(&stage, "bookmark_removed").await.len(), 1);
    assert!(!log(&stage, "previewed").await.is_empty(), "small pictures were looked at");
    stage.close().await;
}

/// What the timeline shows: from and to.
async fn shown(desktop: &Desktop) -> (i64, i64) {
    let script = "const t = document.querySelector(\"[data-testid='timeline']\").dataset; return [Number(t.from), Number(t.to)]";
    let value = desktop.page.execute(script, Vec::new()).await.unwrap();
    let numbers: Vec<i64> = value.as_array().unwrap().iter().map(|us| us.as_f64().unwrap() as i64).collect();
    (numbers[0], numbers[1])
}

async fn texts(desktop: &Desktop, selector: &str) -> Vec<String> {
    let script = "return [...document.querySelectorAll(arguments[0])].map(e => e.innerText.trim())";
    let value = desktop.page.execute(script, vec![json!(selector)]).await.unwrap();
    value.as_array().unwrap().iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

async fn press(desktop: &Desktop, key: &str) {
    desktop.find_by("body").await.send_keys(key).await.unwrap();
}

/// A key on the timeline itself.
async fn press_on(desktop: &Desktop, key: &str) {
    let script = "const f = document.querySelector(\"[data-testid='timeline-field']\"); f.focus(); \
                  f.dispatchEvent(new KeyboardEvent('keydown', { key: arguments[0], bubbles: true, cancelable: true }))";
    desktop.page.execute(script, vec![json!(key)]).await.unwrap();
}

/// A key in the list of events, from its first row on.
async fn walk_list(desktop: &Desktop, key: &str) {
    let script = "const r = document.querySelector(\"[data-testid='event-list'] [role=row]\"); r.focus(); \
                  r.dispatchEvent(new KeyboardEvent('keydown', { key: arguments[0], bubbles: true, cancelable: true }))";
    desktop.page.execute(script, vec![json!(key)]).await.unwrap();
}

/// A turn of the wheel where the head stands.
async fn wheel_at_head(desktop: &Desktop, delta_y: i32) {
    let script = "const f = document.querySelector(\"[data-testid='timeline-field']\"); \
                  const h = document.querySelector(\"[data-testid='head']\").getBoundingClientRect(); \
                  f.dispatchEvent(new WheelEvent('wheel', { deltaY: arguments[0], clientX: h.left + h.width / 2, \
                  clientY: f.getBoundingClientRect().top + 8, bubbles: true, cancelable: true }))";
    desktop.page.execute(script, vec![json!(delta_y)]).await.unwrap();
}

/// Moves the pointer over the first lane, a little before the head, where something was recorded.
async fn point_at_recorded(desktop: &Desktop) {
    let script = "const f = document.querySelector(\"[data-testid='timeline-field']\"); \
                  const b = document.querySelector(\"[data-testid='head']\").getBoundingClientRect(); \
                  const n = window.pointed = (window.pointed ?? 0) + 1; const at = Math.floor(n / 12) % 12; \
                  f.dispatchEvent(new PointerEvent('pointermove', { clientX: b.left + b.width / 2 - at, \
                  clientY: f.getBoundingClientRect().top + 8, bubbles: true }))";
    desktop.page.execute(script, Vec::new()).await.unwrap();
}
