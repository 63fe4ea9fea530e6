//! What trust costs: grants for many people over many clips, opening a clip with its durable entry, sealing next to age's own stream.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use hausrecht_engine::wire::{
    AddPerson, CreateOwner, GiveGrant, GrantScope, LogQuery, RecordingSettings, Terms,
};
use hausrecht_model::{CameraId, Right, UnixMicros};
use hausrecht_store::{ClipFilter, Store, StoreError, bulk::Bulk};
use hausrecht_tests::{
    camera::SimCam,
    stage::{MovedClock, OWNER, OWNER_PASSPHRASE, Stage},
};
use hausrecht_vault::{ClipKey, ClipReader, ClipWriter, Identity, Recipient, reference};

use crate::{
    table::{print, row},
    timeline::{camera, fsyncs, ms, spread},
};

const PEOPLE: usize = 100;
const CLIPS: u32 = 10_000;
/// Openings.
const OPENED: usize = 200;
/// Sealed and opened in one go. MiB.
const SEALED_MIB: usize = 256;
/// Of several tries the best is taken: others disturb, nothing helps.
const TRIES: usize = 3;

pub(crate) async fn measure() {
    seal();
    open().await;
    grant().await;
}

/// A hundred people, ten thousand clips: a million wraps, beside everything else.
async fn grant() {
    let stage = Stage::over(tempfile::tempdir().unwrap(), MovedClock::default()).await;
    let owner = CreateOwner { name: OWNER.into(), passphrase: OWNER_PASSPHRASE.into(), accept_weak: false };
    stage.engine.create_owner(owner).await.unwrap();
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        let new = AddPerson {
            name: format!("Person {number}"),
            passphrase: "copper window maple seven drift anchor".into(),
            ..AddPerson::default()
        };
        people.push(stage.engine.add_person(new).await.unwrap().face.id);
    }
    let now = stage.engine.now();
    let (folder, _) = stage.close().await;
    let camera = fill(folder.path(), now);
    let stage = Stage::over(folder, MovedClock::default()).await;
    stage.sign_in_owner().await;
    let give = GiveGrant {
        people: people.clone(),
        scopes: vec![GrantScope::Camera { camera }],
        terms: Terms {
            rights: vec![Right::Live, Right::Playback],
            back_hours: Some(8_784),
            ..Terms::default()
        },
        reason: "a measurement".into(),
        template: None,
    };
    let begun = Instant::now();
    stage.engine.grant(give).await.unwrap();
    let given = begun.elapsed();
    // What everybody else waits for the database meanwhile.
    let mut waited = Vec::new();
    let engine = stage.engine.clone();
    let made = async move { engine.wraps_made().await };
    tokio::pin!(made);
    loop {
        tokio::select! {
            () = &mut made => break,
            () = tokio::time::sleep(Duration::from_millis(20)) => {
                let start = Instant::now();
                stage.engine.log_page(LogQuery { limit: 1, ..LogQuery::default() }).await.unwrap();
                waited.push(ms(start));
            }
        }
    }
    let took = begun.elapsed();
    let seen = stage.engine.would_see(people[PEOPLE - 1]).await.unwrap();
    assert_eq!(seen.cameras[0].clips, u64::from(CLIPS));
    let wraps = PEOPLE as f64 * f64::from(CLIPS);
    print(
        "Grants to 100 people over 10 000 clips (aim: under 3 minutes in the background)",
        &[
            row(["", ""]),
            vec!["the window has its answer after".into(), format!("{:.2} s", given.as_secs_f64())],
            vec!["all wraps are made after".into(), format!("{:.0} s", took.as_secs_f64())],
            vec![
                "a wrap, all processors together".into(),
                format!("{:.3} ms", took.as_secs_f64() * 1000.0 / wraps),
            ],
        ],
    );
    let mut cells = vec!["a question to the database meanwhile".to_owned()];
    cells.extend(spread(waited));
    print("Beside it", &[row(["", "p50 ms", "p99 ms", "worst ms"]), cells]);
    stage.close().await;
}

/// Clips of a year with their owner's wraps, and no files.
fn fill(folder: &Path, now: UnixMicros) -> CameraId {
    let mut store = Store::open(&folder.join("hausrecht.db")).unwrap();
    let row = camera(0, now);
    let id = row.id;
    let kept = RecordingSettings {
        kept_days: Some(366),
        kept_reason: "A measurement".to_owned(),
        ..RecordingSettings::default()
    };
    let kept = serde_json::to_string(&kept).unwrap();
    store
        .write(|tables| {
            tables.put_camera(&row)?;
            tables.put_recording(id, &kept)?;
            Ok::<_, StoreError>(())
        })
        .unwrap();
    let from_us = UnixMicros(now.0 - i64::from(CLIPS + 60) * 60_000_000);
    store.fill(&Bulk { cameras: vec![id], from_us, clips: CLIPS, events: 100 }).unwrap();
    store
        .write(|tables| {
            let owner = tables.people()?.into_iter().find(|row| row.owner).expect("there is an owner");
            let owner: Recipient = owner.recipient.parse().expect("a key");
            for clip in tables.clips(&ClipFilter::default())? {
                tables.insert_wrap(clip.id, None, &ClipKey::generate().wrap_for_owner(&owner))?;
            }
            Ok::<_, StoreError>(())
        })
        .unwrap();
    id
}

/// From the click to a key: the entry is durable before. The clip is short, so that what is read of it does not count.
async fn open() {
    let camera = SimCam::start(&["--name", "Front", "--scene", "front"]);
    let stage = Stage::owned_with_clips_of(Duration::from_secs(2)).await;
    let id = stage.connect(&camera).await;
    let clip = stage.wait_for_clips(id, 2).await.remove(0);
    drop(camera);
    let fsync: Vec<_> = fsyncs(stage.folder.path());
    let mut took = Vec::new();
    for _ in 0..OPENED {
        let start = Instant::now();
        stage.engine.copy_clip(clip.id, std::io::sink()).await.unwrap();
        took.push(ms(start));
    }
    let mut rows = vec![row(["", "p50 ms", "p99 ms", "worst ms"])];
    for (name, took) in
        [("the disk's own fsync", fsync), ("entry durable, key, all of a 2 s clip read", took)]
    {
        let mut cells = vec![name.to_owned()];
        cells.extend(spread(took));
        rows.push(cells);
    }
    print("Opening a clip (aim: p99 under 20 ms over the fsync)", &rows);
    stage.close().await;
}

/// A quarter of a gigabyte sealed and opened, by this program and by the crate `age` alone, in memory where there is room.
fn seal() {
    let folder =
        tempfile::tempdir_in(if Path::new("/dev/shm").is_dir() { "/dev/shm" } else { "/tmp" }).unwrap();
    let plain: Vec<u8> = (0..1 << 20).map(|n: u32| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    let key = ClipKey::generate();
    let identity = Identity::generate();
    let mut best = [f64::MAX; 4];
    for number in 0..TRIES {
        let (ours, theirs) =
            (folder.path().join(format!("{number}.age")), folder.path().join(format!("{number}")));
        let start = Instant::now();
        let mut writer = ClipWriter::create(&ours, &key.recipient()).unwrap();
        for _ in 0..SEALED_MIB {
            writer.write_all(&plain).unwrap();
        }
        writer.finish().unwrap();
        best[0] = best[0].min(ms(start));

        let start = Instant::now();
        reference::seal(&theirs, &identity, &plain, SEALED_MIB).unwrap();
        best[1] = best[1].min(ms(start));

        let mut buffer = vec![0; 1 << 20];
        let start = Instant::now();
        let mut reader = ClipReader::open(&ours, &key).unwrap();
        let mut at = 0;
        loop {
            let read = reader.read_at(at, &mut buffer).unwrap();
            if read == 0 {
                break;
            }
            at += read as u64;
        }
        assert_eq!(at, (SEALED_MIB << 20) as u64);
        best[2] = best[2].min(ms(start));

        let start = Instant::now();
        let sum = reference::open(&theirs, &identity, &mut buffer).unwrap();
        assert_eq!(sum, (SEALED_MIB << 20) as u64);
        best[3] = best[3].min(ms(start));
        std::fs::remove_file(&ours).unwrap();
        std::fs::remove_file(&theirs).unwrap();
    }
    let rate = |took: f64| format!("{:.0} MiB/s", SEALED_MIB as f64 * 1000.0 / took);
    print(
        "Sealing and opening (aim: at least 0.9 x the crate age's own stream)",
        &[
            row(["", "Hausrecht", "age", "ratio"]),
            vec!["sealing".into(), rate(best[0]), rate(best[1]), format!("{:.2}", best[1] / best[0])],
            vec!["opening".into(), rate(best[2]), rate(best[3]), format!("{:.2}", best[3] / best[2])],
        ],
    );
}
