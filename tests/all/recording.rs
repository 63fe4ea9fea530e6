//! When cameras are recorded: on events with what was before them, by a plan of the week, or not at all; and what goes
//! first when there is no room for everything.

mod window;

use std::{
    io::Write,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use hausrecht_engine::{
    Disk, Space,
    wire::{
        ClipView, Event, Gap, GapReason, GiveHold, HoldView, KeepLimits, LogQuery, LogRow, NoticeKind,
        RecordMode, RecordState, RecordingSettings,
    },
};
use hausrecht_model::{CameraId, Clock, EventKind, StreamRole, UnixMicros};
use hausrecht_store::{ClipRow, Store};
use hausrecht_tests::{
    camera::SimCam,
    media_file::count,
    stage::{PATIENCE, Stage, alone},
    until::until,
};
use jiff::tz::TimeZone;

const SECOND_US: i64 = 1_000_000;
/// The footage has a key frame each second; packets arrive a little unevenly.
const GROUP_US: i64 = 1_000_000;
const UNEVEN_US: i64 = 300_000;

/// On events of the digital input alone, which only the test sets.
fn on_input() -> RecordingSettings {
    RecordingSettings {
        mode: RecordMode::Events,
        kinds: vec![EventKind::Input],
        pre_roll_s: 4,
        post_roll_s: 3,
        ..RecordingSettings::default()
    }
}

async fn wait_for_state(stage: &Stage, camera: CameraId, wanted: RecordState) {
    until(&format!("the state {wanted:?}"), PATIENCE, async || {
        let tiles = stage.engine.tiles().unwrap();
        let state = tiles.iter().find(|tile| tile.camera == camera).map(|tile| tile.record);
        if state == Some(wanted) { Ok(()) } else { Err(state) }
    })
    .await;
}

/// Waits until so much time has passed since `since`.
async fn wait_for_time(stage: &Stage, since: UnixMicros, span: Duration) {
    until("time to pass", PATIENCE, async || {
        let passed = stage.engine.now().since(since);
        if passed >= span { Ok(()) } else { Err(passed) }
    })
    .await;
}

async fn gaps(stage: &Stage, camera: CameraId, from_us: UnixMicros) -> Vec<Gap> {
    stage.engine.gaps(camera, from_us, stage.engine.now().plus(Duration::from_secs(1))).await.unwrap()
}

async fn log(stage: &Stage, kind: &str) -> Vec<LogRow> {
    let query = LogQuery { limit: 100, kinds: vec![kind.into()], ..LogQuery::default() };
    stage.engine.log_page(query).await.unwrap().rows
}

fn fact<'a>(row: &'a LogRow, name: &str) -> Option<&'a str> {
    row.facts.iter().find(|fact| fact.name == name).map(|fact| fact.value.as_str())
}

fn end_of(clip: &ClipView) -> i64 {
    clip.start_us.0 + clip.duration_us
}

/// What was written, for looking at it afterwards.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_events_a_clip_begins_at_the_key_frame_before_the_pre_roll_and_ends_after_the_post_roll() {
    if !alone(
        "recording::on_events_a_clip_begins_at_the_key_frame_before_the_pre_roll_and_ends_after_the_post_roll",
    ) {
        return;
    }
    let camera = SimCam::start(&["--feature", "input"]);
    let stage = Stage::owned_with_clips_of(Duration::from_secs(60)).await;
    let id = stage.connect(&camera).await;
    wait_for_state(&stage, id, RecordState::Recording).await;
    stage.engine.set_recording_settings(id, on_input()).await.unwrap();
    wait_for_state(&stage, id, RecordState::Waiting).await;
    let waiting = stage.engine.now();
    let before = stage.wait_for_clips(id, 1).await.len();
    // Memory reaches back four seconds, and five more for an event that is heard of late.
    wait_for_time(&stage, waiting, Duration::from_secs(10)).await;
    assert_eq!(stage.clips(id).await.len(), before, "nothing is recorded meanwhile");
    let folder = stage.folder.path().join("clips").join(id.to_string());
    let parts = |folder: &Path| {
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        files.filter(|file| file.extension().is_none_or(|ending| ending != "age")).count()
    };
    assert_eq!(parts(&folder), 0, "what is remembered is not on the disk");

    camera.control("input-on");
    wait_for_state(&stage, id, RecordState::Recording).await;
    camera.control("input-off");
    let clips = stage.wait_for_clips(id, before + 1).await;
    wait_for_state(&stage, id, RecordState::Waiting).await;
    let clip = &clips[before];
    let now = stage.engine.now();
    let lanes = stage.engine.timeline(now.minus(Duration::from_secs(3600)), now).await.unwrap().lanes;
    let event = lanes[0].events.iter().find(|event| event.kind == EventKind::Input).unwrap();
    let early_us = event.from_us.0 - 4 * SECOND_US - clip.start_us.0;
    println!("the clip begins {early_us} us before what was asked for");
    assert!((-UNEVEN_US..GROUP_US + UNEVEN_US).contains(&early_us), "{early_us} us");
    let late_us = end_of(clip) - event.to_us.0 - 3 * SECOND_US;
    println!("it ends {late_us} us after what was asked for");
    assert!((-UNEVEN_US..5 * SECOND_US).contains(&late_us), "{late_us} us");

    // Frame by frame: whole groups of 25, one after the other, none missing where memory meets what came then.
    let copy = Memory::default();
    stage.engine.copy_clip(clip.id, copy.clone()).await.unwrap();
    let counted = count(&copy.0.lock().unwrap());
    assert_eq!(counted.frames % 25, 0, "it begins and ends at key frames");
    assert_eq!(counted.times_s.len() as u64, counted.frames);
    let widest = counted.times_s.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
    assert!(widest < 0.081, "{widest} s between two frames");
    let seconds = clip.duration_us as f64 / 1e6;
    assert!((counted.frames as f64 / 25.0 - seconds).abs() < 0.1, "{} frames in {seconds} s", counted.frames);

    // What made it is said, in the window and in the log; and why there is nothing before it.
    assert_eq!(stage.engine.clip(clip.id).await.unwrap().cause, Some(EventKind::Input));
    assert_eq!(stage.engine.clip(clips[0].id).await.unwrap().cause, None);
    assert_eq!(fact(&log(&stage, "recorded").await[0], "event"), Some("input"));
    let seen = gaps(&stage, id, waiting).await;
    assert!(seen.iter().all(|gap| gap.reason == GapReason::Waiting), "{seen:?}");
    assert!(seen.iter().all(|gap| gap.to_us <= clip.start_us || gap.from_us.0 >= end_of(clip)), "{seen:?}");
    assert!(seen.iter().any(|gap| gap.to_us == clip.start_us), "{seen:?}");

    // Always again: what is remembered belongs to it, so nothing is lost between the two.
    stage.engine.set_recording_settings(id, RecordingSettings::default()).await.unwrap();
    wait_for_state(&stage, id, RecordState::Recording).await;
    let settings = log(&stage, "setting_changed").await;
    assert_eq!(
        (fact(&settings[0], "setting"), fact(&settings[0], "to")),
        (Some("recording"), Some("always"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn motion_is_measured_for_a_camera_that_reports_nothing_and_begins_a_recording() {
    if !alone("recording::motion_is_measured_for_a_camera_that_reports_nothing_and_begins_a_recording") {
        return;
    }
    let camera = SimCam::start(&["--fault", "no-events"]);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    let settings = RecordingSettings { kinds: vec![EventKind::Motion], pre_roll_s: 0, ..on_input() };
    stage.engine.set_recording_settings(id, settings).await.unwrap();
    let clip = until("a clip that motion has made", PATIENCE, async || {
        for clip in stage.clips(id).await {
            if stage.engine.clip(clip.id).await.unwrap().cause.is_some() {
                return Ok(clip);
            }
        }
        Err(stage.engine.tiles().unwrap())
    })
    .await;
    let detail = stage.engine.clip(clip.id).await.unwrap();
    assert_eq!(detail.cause, Some(EventKind::Motion));
    assert!(detail.clip.events.contains(&EventKind::Motion), "the event lies in its clip: {detail:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plan_of_the_week_switches_and_off_shows_pictures_all_the_same() {
    if !alone("recording::the_plan_of_the_week_switches_and_off_shows_pictures_all_the_same") {
        return;
    }
    let camera = SimCam::start(&[]);
    let stage = Stage::owned_with(|options| options.time_zone = Some(TimeZone::UTC)).await;
    let id = stage.connect(&camera).await;
    wait_for_state(&stage, id, RecordState::Recording).await;
    // To the begin of a half hour, so that none ends during the test.
    let half_us = 1800 * SECOND_US;
    let into_us = stage.engine.now().0.rem_euclid(half_us);
    stage.clock.advance(Duration::from_micros((half_us - into_us).unsigned_abs()));
    let local = jiff::Timestamp::from_microsecond(stage.engine.now().0).unwrap().to_zoned(TimeZone::UTC);
    let day = usize::try_from(local.weekday().to_monday_zero_offset()).unwrap();
    let cell = usize::try_from(local.hour()).unwrap() * 2 + usize::from(local.minute() >= 30);
    let mut week = vec![vec![RecordMode::Always; 48]; 7];
    week[day][cell] = RecordMode::Off;
    let plan = RecordingSettings { week: Some(week), ..RecordingSettings::default() };
    let since = stage.engine.now();
    stage.engine.set_recording_settings(id, plan).await.unwrap();
    wait_for_state(&stage, id, RecordState::OffBySchedule).await;

    // Nothing is recorded, not even a part; and the camera can be looked at, small and large.
    let before = until("what was recorded to be sealed", PATIENCE, async || {
        let files = std::fs::read_dir(stage.folder.path().join("clips").join(id.to_string())).unwrap();
        let open = files.filter(|file| file.as_ref().unwrap().path().extension().is_none_or(|e| e != "age"));
        if open.count() == 0 { Ok(stage.clips(id).await.len()) } else { Err("a part is open") }
    })
    .await;
    stage.watch(id, StreamRole::Sub, 3).await;
    stage.watch(id, StreamRole::Main, 3).await;
    wait_for_time(&stage, since, Duration::from_secs(20)).await;
    // A worker that fetches nothing is not taken for one that hangs.
    stage.watch(id, StreamRole::Sub, 3).await;
    assert_eq!(stage.clips(id).await.len(), before);
    let seen = until("the gap to be told", PATIENCE, async || {
        let seen = gaps(&stage, id, since).await;
        if seen.iter().any(|gap| gap.reason == GapReason::Schedule) { Ok(seen) } else { Err(seen) }
    })
    .await;
    assert!(seen.iter().all(|gap| gap.reason == GapReason::Schedule), "{seen:?}");

    // The half hour is over: it goes on by itself. That the clock was set is a gap of its own.
    stage.clock.advance(Duration::from_secs(1800));
    wait_for_state(&stage, id, RecordState::Recording).await;
    stage.wait_for_clips(id, before + 1).await;
    let seen = gaps(&stage, id, since).await;
    let step = seen.iter().find(|gap| gap.reason == GapReason::ClockStep).expect("the step of the clock");
    assert!((step.to_us.0 - step.from_us.0 - half_us).abs() < 5 * SECOND_US, "{step:?}");

    // Off is off at once.
    let off = RecordingSettings { mode: RecordMode::Off, ..RecordingSettings::default() };
    stage.engine.set_recording_settings(id, off).await.unwrap();
    wait_for_state(&stage, id, RecordState::Off).await;
    let stage = stage.restart().await;
    stage.sign_in_owner().await;
    wait_for_state(&stage, id, RecordState::Off).await;
    let seen = gaps(&stage, id, since).await;
    println!("{seen:#?}");
    assert!(seen.windows(2).all(|pair| pair[0].to_us <= pair[1].from_us), "they follow each other");
}

/// A disk that is as full as the test says.
#[derive(Debug)]
struct PretendDisk {
    free_bytes: AtomicU64,
}

const TOTAL_BYTES: u64 = 1_000_000_000_000;

impl Disk for PretendDisk {
    fn space(&self, _folder: &Path) -> std::io::Result<Space> {
        let free_bytes = self.free_bytes.load(Ordering::SeqCst);
        Ok(Space { total_bytes: TOTAL_BYTES, free_bytes })
    }
}

async fn hold(stage: &Stage, clip: &ClipView) -> HoldView {
    let given = GiveHold {
        camera: clip.camera,
        from_us: clip.start_us,
        to_us: UnixMicros(end_of(clip)),
        note: "the parcel".into(),
        until_us: None,
    };
    stage.engine.hold(given).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_that_is_not_held_goes_before_the_disk_is_full() {
    if !alone("recording::the_oldest_that_is_not_held_goes_before_the_disk_is_full") {
        return;
    }
    let camera = SimCam::start(&[]);
    let disk = Arc::new(PretendDisk { free_bytes: AtomicU64::new(TOTAL_BYTES / 2) });
    let given = Arc::clone(&disk) as Arc<dyn Disk>;
    let stage = Stage::owned_with(|options| {
        options.disk = given;
        options.clip_length = Duration::from_secs(3);
    })
    .await;
    let id = stage.connect(&camera).await;
    let clips = stage.wait_for_clips(id, 5).await;
    let off = RecordingSettings { mode: RecordMode::Off, ..RecordingSettings::default() };
    stage.engine.set_recording_settings(id, off).await.unwrap();
    let held = hold(&stage, &clips[0]).await;
    assert_eq!((held.note.as_str(), held.until_us), ("the parcel", None));
    assert_eq!(stage.engine.clip(clips[0].id).await.unwrap().holds, std::slice::from_ref(&held));
    assert_eq!(stage.engine.clip(clips[2].id).await.unwrap().holds, []);

    // A byte too little: the oldest goes that is not held, and no other.
    let reserve = stage.engine.storage().await.unwrap().reserve_bytes;
    assert_eq!(reserve, TOTAL_BYTES / 50);
    disk.free_bytes.store(reserve - 1, Ordering::SeqCst);
    until("room to be made", PATIENCE, async || {
        let left: Vec<_> = stage.clips(id).await.iter().map(|clip| clip.id).collect();
        if left.contains(&clips[1].id) { Err(left) } else { Ok(()) }
    })
    .await;
    disk.free_bytes.store(reserve, Ordering::SeqCst);
    let left = stage.clips(id).await;
    assert_eq!(left[0].id, clips[0].id, "what is held stays");
    let gone = log(&stage, "erased").await;
    assert_eq!(fact(gone.last().unwrap(), "why"), Some("disk_low"));
    assert_eq!(fact(gone.last().unwrap(), "clips"), Some("1"));
    let path = |clip: &ClipView| stage.folder.path().join(format!("clips/{id}/{}.age", clip.id));
    assert!(path(&clips[0]).exists() && !path(&clips[1]).exists());

    // Only what is held is left: the owner is asked, and nothing goes.
    for clip in &left[1..] {
        hold(&stage, clip).await;
    }
    let mut told = stage.engine.subscribe();
    disk.free_bytes.store(reserve / 2, Ordering::SeqCst);
    let asked = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Ok(Event::Notice(notice)) = told.recv().await
                && notice.kind == NoticeKind::OnlyHeldLeft
            {
                return;
            }
        }
    });
    asked.await.expect("the owner is asked");
    assert!(stage.engine.storage().await.unwrap().only_held_left);
    assert_eq!(stage.clips(id).await.len(), left.len());

    // Released by the owner, the oldest goes, and each of it stands in the log.
    let holds = stage.engine.holds().await.unwrap();
    assert_eq!(holds.len(), left.len());
    stage.engine.release_hold(held.id).await.unwrap();
    until("what was released to go", PATIENCE, async || {
        let now = stage.clips(id).await;
        if now.len() + 1 == left.len() && now[0].id != clips[0].id { Ok(()) } else { Err(now.len()) }
    })
    .await;
    assert!(stage.engine.storage().await.unwrap().only_held_left, "the others are held still");
    let ended = log(&stage, "hold_ended").await;
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0].refers_to, Some(held.entry));
    assert_eq!(log(&stage, "held").await.len(), left.len());
    assert!(stage.engine.release_hold(held.id).await.is_err(), "it is over");
}

#[tokio::test(flavor = "multi_thread")]
async fn days_and_sizes_are_kept_to_by_camera_and_in_all_and_holds_outlast_them() {
    if !alone("recording::days_and_sizes_are_kept_to_by_camera_and_in_all_and_holds_outlast_them") {
        return;
    }
    const HOUR: Duration = Duration::from_secs(3600);
    let camera = SimCam::start(&[]);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    let off = RecordingSettings { mode: RecordMode::Off, ..RecordingSettings::default() };
    stage.engine.set_recording_settings(id, off.clone()).await.unwrap();
    drop(camera);
    let now = stage.clock.now();
    let (folder, clock) = stage.close().await;
    // Clips as large as real ones, of which nobody needs the pictures: each is 300 MB by what the database says.
    let mut store = Store::open(&folder.path().join("hausrecht.db")).unwrap();
    let clips: Vec<ClipRow> = (0..8_u32)
        .map(|number| ClipRow {
            id: hausrecht_model::ClipId::random(&mut rand::rng()),
            camera: id,
            start_us: now.minus(HOUR * (64 - number * 8)).plus(HOUR / 2),
            duration_us: 60 * SECOND_US,
            size_bytes: 300_000_000,
            plain_bytes: 300_000_000,
            sha256: [0; 32],
            cut_short: false,
            codec: "h264".into(),
            width: 1920,
            height: 1080,
            fragments: Vec::new(),
            thumbnail: None,
            entry: 0,
            from_card: false,
        })
        .collect();
    store
        .write(|tables| -> Result<(), hausrecht_store::StoreError> {
            clips.iter().try_for_each(|clip| tables.insert_clip(clip))
        })
        .unwrap();
    drop(store);
    let stage = Stage::over(folder, clock).await;
    stage.sign_in_owner().await;
    let left = async || -> Vec<usize> {
        let ids: Vec<_> = stage.clips(id).await.iter().map(|clip| clip.id).collect();
        (0..clips.len()).filter(|number| ids.contains(&clips[*number].id)).collect()
    };
    // What it recorded before it was switched off is there too, and small.
    let own = stage.clips(id).await.len() - clips.len();
    assert_eq!(left().await, [0, 1, 2, 3, 4, 5, 6, 7]);
    let takes = stage.engine.storage().await.unwrap();
    assert!((2_400_000_000..2_500_000_000).contains(&takes.stored_bytes), "{takes:?}");
    assert_eq!(takes.cameras[0].clips, (clips.len() + own) as u64);

    // 64 to 8 hours old. The second is held, so the first and the third go where there is room for six.
    let second = GiveHold {
        camera: id,
        from_us: clips[1].start_us,
        to_us: clips[1].start_us.plus(Duration::from_secs(10)),
        note: String::new(),
        until_us: Some(stage.engine.now().plus(HOUR)),
    };
    stage.engine.hold(second).await.unwrap();
    let sized = RecordingSettings { size_mb: Some(1_900), ..off.clone() };
    stage.engine.set_recording_settings(id, sized).await.unwrap();
    assert_eq!(left().await, [1, 3, 4, 5, 6, 7]);
    assert_eq!(fact(&log(&stage, "erased").await[0], "why"), Some("camera_size"));
    let limits = KeepLimits { size_mb: Some(1_600), reserve_mb: None };
    assert_eq!(stage.engine.set_keep_limits(limits).await.unwrap().limits, limits);
    assert_eq!(left().await, [1, 4, 5, 6, 7]);
    assert_eq!(fact(&log(&stage, "erased").await[0], "why"), Some("total_size"));

    // A day for this camera alone, though all are kept for three. The hold outlasts that, until its own end.
    let dated = RecordingSettings { kept_days: Some(1), ..off.clone() };
    stage.engine.set_recording_settings(id, dated).await.unwrap();
    assert_eq!(left().await, [1, 5, 6, 7], "24 hours and less, and what is held");
    stage.clock.advance(Duration::from_secs(3500));
    let stage = stage.restart().await;
    stage.sign_in_owner().await;
    assert_eq!(stage.engine.holds().await.unwrap().len(), 1);
    stage.clock.advance(Duration::from_secs(200));
    let stage = stage.restart().await;
    stage.sign_in_owner().await;
    assert_eq!(stage.engine.holds().await.unwrap(), []);
    let ids: Vec<_> = stage.clips(id).await.iter().map(|clip| clip.id).collect();
    assert!(!ids.contains(&clips[1].id), "its time was over long ago");
    assert!(ids.contains(&clips[7].id));
    assert_eq!(fact(&log(&stage, "hold_ended").await[0], "why"), Some("time_is_up"));
}
