//! A year of sixteen cameras: how long the lanes take at each zoom, what the buckets cost recording, and how the window pans.

use std::{
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use hausrecht_engine::wire::{CreateOwner, EventQuery, RecordingSettings};
use hausrecht_model::{CameraId, EventId, EventKind, UnixMicros};
use hausrecht_store::{CameraRow, ClipRow, EventRow, Store, StoreError, bulk::Bulk};
use hausrecht_tests::desktop::Desktop;
use hausrecht_tests::stage::{MovedClock, OWNER, OWNER_PASSPHRASE, Stage};

use crate::table::{print, row};

const CAMERAS: u64 = 16;
const DAY_US: i64 = 86_400_000_000;
const DAYS: i64 = 365;
/// Clips and events a camera.
const CLIPS: u32 = 525_000;
const EVENTS: u32 = 125_000;
/// Questions a zoom.
const ASKED: i64 = 200;
/// Rows of the comparison with and without buckets.
const WRITTEN: usize = 4_000;
/// Zooms and how long each is.
const ZOOMS: [(&str, i64); 7] = [
    ("year", DAYS * DAY_US),
    ("month", 30 * DAY_US),
    ("week", 7 * DAY_US),
    ("day", DAY_US),
    ("hour", 3_600_000_000),
    ("minute", 60_000_000),
    ("second", 1_000_000),
];

/// Fills a store, then asks it in each way that the window does. With `keep`, the data folder is left there, to be opened in
/// the window; its owner is the one of the tests.
pub(crate) async fn measure(keep: Option<&Path>) {
    cost_of_buckets();
    let stage = Stage::over(tempfile::tempdir().unwrap(), MovedClock::default()).await;
    let owner = CreateOwner { name: OWNER.into(), passphrase: OWNER_PASSPHRASE.into(), accept_weak: false };
    stage.engine.create_owner(owner).await.unwrap();
    let (folder, _) = stage.close().await;
    let now = now_us();
    let from_us = (now - DAYS * DAY_US).div_euclid(60_000_000) * 60_000_000;
    let begun = Instant::now();
    let cameras = fill(folder.path(), UnixMicros(from_us), UnixMicros(now));
    println!(
        "\n{} clips and {} events of {CAMERAS} cameras made in {:.0} s",
        u64::from(CLIPS) * CAMERAS,
        u64::from(EVENTS) * CAMERAS,
        begun.elapsed().as_secs_f64()
    );
    let fsync = spread(fsyncs(folder.path()));
    let stage = Stage::over(folder, MovedClock::default()).await;
    stage.sign_in_owner().await;

    let mut rows =
        vec![row(["16 lanes", "buckets", "events", "p50 ms", "p99 ms", "worst ms", "KiB as JSON"])];
    for (name, length_us) in ZOOMS {
        let mut took = Vec::new();
        let (mut bucket_us, mut events, mut bytes) = (0, 0, 0);
        for number in 0..ASKED {
            // Steps by the golden ratio visit the year evenly and never in order.
            let at = from_us + (DAYS * DAY_US - length_us).max(0) / 1_000 * (number * 618 % 1_000);
            let start = Instant::now();
            let lanes = stage.engine.lanes(UnixMicros(at), UnixMicros(at + length_us)).await.unwrap();
            took.push(ms(start));
            assert_eq!(lanes.lanes.len(), CAMERAS as usize, "every camera has a lane");
            bucket_us = lanes.bucket_us;
            events += lanes.lanes.iter().map(|lane| lane.events.len()).sum::<usize>();
            bytes += serde_json::to_string(&lanes).unwrap().len();
        }
        let events = if bucket_us == 0 { (events / ASKED as usize).to_string() } else { "counted".into() };
        let buckets = if bucket_us == 0 { "none".into() } else { format!("{} min", bucket_us / 60_000_000) };
        let mut cells = vec![format!("a {name}"), buckets, events];
        cells.extend(spread(took));
        cells.push((bytes / ASKED as usize / 1024).to_string());
        rows.push(cells);
    }
    let mut cells = vec!["beside: an fsync of 4 KiB here".to_owned(), String::new(), String::new()];
    cells.extend(fsync);
    rows.push(cells);
    print("A whole window of lanes anywhere in the year, from the engine (aim: p99 under 16 ms)", &rows);

    let mut rows = vec![row(["", "p50 ms", "p99 ms", "worst ms"])];
    for (name, kinds, limit) in [
        ("to the next event", Vec::new(), 1),
        ("to the next doorbell", vec![EventKind::Doorbell], 1),
        ("to the next of a kind that never came", vec![EventKind::Package], 1),
        ("200 events", Vec::new(), 200),
        ("200 doorbells", vec![EventKind::Doorbell], 200),
    ] {
        let mut took = Vec::new();
        for number in 0..ASKED / 2 {
            let from_us = UnixMicros(from_us + DAYS * DAY_US / 1_000 * (number * 618 % 1_000));
            let query = EventQuery {
                kinds: kinds.clone(),
                cameras: Vec::new(),
                forward: number % 2 == 0,
                from_us,
                from_id: None,
                until_us: None,
                limit,
            };
            let start = Instant::now();
            stage.engine.walk_events(query).await.unwrap();
            took.push(ms(start));
        }
        let mut cells = vec![name.to_owned()];
        cells.extend(spread(took));
        rows.push(cells);
    }
    let mut took = Vec::new();
    for number in 0..ASKED {
        let at = UnixMicros(from_us + DAYS * DAY_US / 1_000 * (number * 618 % 1_000));
        let camera = cameras[usize::try_from(number).unwrap() % cameras.len()];
        let start = Instant::now();
        stage
            .engine
            .clip_in(camera, at, UnixMicros(at.0 + 1))
            .await
            .unwrap()
            .expect("a clip at every moment");
        took.push(ms(start));
    }
    let mut cells = vec!["the clip under the pointer".to_owned()];
    cells.extend(spread(took));
    rows.push(cells);
    print("From place to place", &rows);

    let (folder, _) = stage.close().await;
    pan(folder.path()).await;
    if let Some(keep) = keep {
        std::fs::rename(folder.keep(), keep).unwrap();
    }
}

/// What recording a clip and noting an event cost with the triggers that keep the buckets, and without them.
fn cost_of_buckets() {
    let mut rows = vec![row(["rows a second", "clips", "events", "clips, each durable"])];
    for (name, with) in [("with buckets", true), ("without", false)] {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("hausrecht.db")).unwrap();
        if !with {
            store.without_buckets().unwrap();
        }
        let camera = camera(0, UnixMicros(0));
        let mut cells = vec![name.to_owned()];
        let rate =
            |rows: usize, start: Instant| format!("{:.0}", rows as f64 / start.elapsed().as_secs_f64());
        store.write(|tables| tables.put_camera(&camera)).unwrap();
        let start = Instant::now();
        store
            .write(|tables| (0..WRITTEN).try_for_each(|number| tables.insert_clip(&clip(camera.id, number))))
            .unwrap();
        cells.push(rate(WRITTEN, start));
        let start = Instant::now();
        store
            .write(|tables| {
                (0..WRITTEN).try_for_each(|number| tables.insert_event(&event(camera.id, number)))
            })
            .unwrap();
        cells.push(rate(WRITTEN, start));
        let start = Instant::now();
        for number in 0..WRITTEN / 8 {
            store.write(|tables| tables.insert_clip(&clip(camera.id, WRITTEN + number))).unwrap();
        }
        cells.push(rate(WRITTEN / 8, start));
        rows.push(cells);
    }
    print("What the buckets cost (16 cameras record 0.3 clips a second)", &rows);
}

/// Pans the real window at several zooms and prints how long frames took.
async fn pan(folder: &Path) {
    let desktop = Desktop::start_over("timeline", folder).await;
    desktop.fill("lock-name", OWNER).await;
    desktop.fill("lock-passphrase", OWNER_PASSPHRASE).await;
    desktop.click("lock-submit").await;
    desktop.click("nav-clips").await;
    desktop.find("timeline-field").await;
    let mut rows = vec![row(["a frame while panning", "p50 ms", "p99 ms", "worst ms", "over 17 ms"])];
    for zoom in ["year", "month", "day", "hour", "minute"] {
        // Each begins at yesterday, of which everything is there.
        desktop.fill("find-time-text", "yesterday 12:00").await;
        desktop.click("find-time-go").await;
        desktop.choose("zoom", zoom).await;
        // The list below is there too: what is measured is the timeline.
        desktop.find("clip-row").await;
        desktop.find_by("[data-testid='timeline'][data-complete='true']").await;
        desktop.keep(zoom).await;
        let took = desktop.page.execute_async(include_str!("timeline/pan.js"), Vec::new()).await.unwrap();
        let took: Vec<f64> = took.as_array().unwrap().iter().filter_map(serde_json::Value::as_f64).collect();
        let late = took.iter().filter(|ms| **ms > 17.5).count() * 100 / took.len();
        let mut cells = vec![zoom.to_owned()];
        cells.extend(spread(took));
        cells.push(format!("{late} %"));
        rows.push(cells);
    }
    desktop.close().await;
    print("16 lanes in the real window, drawn by the processor (a frame of the screen: 16.7 ms)", &rows);
}

fn now_us() -> i64 {
    use hausrecht_model::{Clock, clock::SystemClock};
    SystemClock::default().now().0
}

pub(crate) fn ms(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1000.0
}

pub(crate) fn spread(mut took: Vec<f64>) -> Vec<String> {
    took.sort_by(f64::total_cmp);
    let at = |part: f64| format!("{:.1}", took[((took.len() - 1) as f64 * part).round() as usize]);
    vec![at(0.5), at(0.99), at(1.0)]
}

pub(crate) fn fsyncs(folder: &Path) -> Vec<f64> {
    let mut file = std::fs::File::create(folder.join("beside")).unwrap();
    let took = (0..100)
        .map(|_| {
            let start = Instant::now();
            file.write_all(&[7; 4096]).unwrap();
            file.sync_all().unwrap();
            ms(start)
        })
        .collect();
    std::fs::remove_file(folder.join("beside")).unwrap();
    took
}

pub(crate) fn camera(number: u64, removed_us: UnixMicros) -> CameraRow {
    CameraRow {
        id: format!("{:016x}", 0xc0 + number).parse().unwrap(),
        name: format!("Camera {}", number + 1),
        endpoint: format!("urn:uuid:{number}"),
        xaddr: "http://127.0.0.1:1/onvif/device_service".to_owned(),
        maker: String::new(),
        model: String::new(),
        firmware: String::new(),
        demo: false,
        main_uri: "rtsp://127.0.0.1:1/".to_owned(),
        sub_uri: None,
        sign_in: Vec::new(),
        added_us: UnixMicros(i64::try_from(number).unwrap() + 1),
        // Nothing is recorded while it is measured.
        removed_us: Some(removed_us),
        main_token: None,
        sub_token: None,
        certificate: None,
        own_level: None,
        imported: false,
    }
}

fn clip(camera: CameraId, number: usize) -> ClipRow {
    ClipRow {
        id: format!("{number:016x}").parse().unwrap(),
        camera,
        start_us: UnixMicros(i64::try_from(number).unwrap() * 60_000_000),
        duration_us: 60_000_000,
        size_bytes: 1,
        plain_bytes: 1,
        sha256: [0; 32],
        cut_short: false,
        codec: "h264".to_owned(),
        width: 1,
        height: 1,
        fragments: vec![0; 24 * 60],
        thumbnail: Some(vec![0; 4_000]),
        entry: 0,
        from_card: false,
    }
}

fn event(camera: CameraId, number: usize) -> EventRow {
    let start_us = UnixMicros(i64::try_from(number).unwrap() * 252_000_000);
    let id: EventId = format!("{number:016x}").parse().unwrap();
    let kind = if number.is_multiple_of(4) { EventKind::Person } else { EventKind::Motion };
    EventRow { id, camera, kind, topic: String::new(), start_us, end_us: None, mapped_from: None }
}

/// A year of sixteen cameras, with gaps as a household has them, up to now.
fn fill(folder: &Path, from_us: UnixMicros, now: UnixMicros) -> Vec<CameraId> {
    let mut store = Store::open(&folder.join("hausrecht.db")).unwrap();
    let cameras: Vec<_> = (0..CAMERAS).map(|number| camera(number, now)).collect();
    let kept = RecordingSettings {
        kept_days: Some(366),
        kept_reason: "A measurement".to_owned(),
        ..RecordingSettings::default()
    };
    let kept = serde_json::to_string(&kept).unwrap();
    store
        .write(|tables| {
            for camera in &cameras {
                tables.put_camera(camera)?;
                tables.put_recording(camera.id, &kept)?;
                for number in 0..200 {
                    let begin = from_us
                        .plus(Duration::from_secs(number * 157_000 + camera.added_us.0.unsigned_abs() * 997));
                    tables.insert_gap(&hausrecht_store::GapRow {
                        camera: camera.id,
                        from_us: begin,
                        to_us: Some(begin.plus(Duration::from_secs(600 + number * 20))),
                        reason: "unreachable".to_owned(),
                    })?;
                }
            }
            Ok::<_, StoreError>(())
        })
        .unwrap();
    let ids: Vec<_> = cameras.iter().map(|camera| camera.id).collect();
    store.fill(&Bulk { cameras: ids.clone(), from_us, clips: CLIPS, events: EVENTS }).unwrap();
    ids
}
