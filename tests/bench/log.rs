//! A log of years: how long a page, an entry with its proof, and the verification of the whole take.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use hausrecht_engine::wire::{CreateOwner, LogQuery, VerifyState};
use hausrecht_ledger::{Actor, Draft, HashStore, Kind, append_hashes, stored_position};
use hausrecht_model::{CameraId, ClipId, GrantId, PersonId, UnixMicros};
use hausrecht_store::{EntryRow, Store, StoreError, Tables};
use hausrecht_tests::desktop::Desktop;
use hausrecht_tests::stage::{MovedClock, OWNER, OWNER_PASSPHRASE, Stage};
use hausrecht_vault::DeviceKeys;

use crate::table::{print, row};

/// The entries come so far apart.
const APART_US: i64 = 30_000_000;
/// Entries written in one transaction.
const BATCH: u64 = 20_000;
const CAMERAS: usize = 8;
const ASKED: u64 = 60;

/// Fills a log with `entries` entries as a household makes them, then reads it in each way that the window does. With
/// `keep`, the data folder is left there, to be opened in the window; its owner is the one of the tests.
pub(crate) async fn measure(entries: u64, keep: Option<&Path>) {
    let spread_us = i64::try_from(entries).unwrap() * APART_US;
    let clock = MovedClock::default();
    clock.set_back(Duration::from_micros(u64::try_from(spread_us).unwrap() + 60_000_000));
    let stage = Stage::over(tempfile::tempdir().unwrap(), clock).await;
    let owner = CreateOwner { name: OWNER.into(), passphrase: OWNER_PASSPHRASE.into(), accept_weak: false };
    stage.engine.create_owner(owner).await.unwrap();
    let (folder, _) = stage.close().await;
    let begun = Instant::now();
    let (camera, person) = fill(folder.path(), entries);
    println!("\n{entries} entries written and signed in {:.0} s", begun.elapsed().as_secs_f64());
    let stage = Stage::over(folder, MovedClock::default()).await;
    stage.sign_in_owner().await;

    let all = LogQuery { offset: 0, limit: 100, kinds: Vec::new(), camera: None, person: None };
    let views = vec!["opened".to_owned(), "previewed".to_owned()];
    let mut rows = vec![row(["100 rows", "matching", "first ms", "p50 ms", "p95 ms", "worst ms"])];
    for (name, query) in [
        ("all", all.clone()),
        ("who opened", LogQuery { kinds: views.clone(), ..all.clone() }),
        ("one camera", LogQuery { camera: Some(camera), ..all.clone() }),
        ("one person", LogQuery { person: Some(person), ..all.clone() }),
        ("a kind that is rare", LogQuery { kinds: vec!["copy_made".into()], ..all.clone() }),
        (
            "all three at once",
            LogQuery { kinds: views, camera: Some(camera), person: Some(person), ..all.clone() },
        ),
    ] {
        let start = Instant::now();
        let matching = stage.engine.log_page(query.clone()).await.unwrap().matching;
        let first = ms(start);
        let mut took = Vec::new();
        for number in 0..ASKED {
            let offset = matching * (number * 618 % 1000) / 1000;
            let start = Instant::now();
            stage.engine.log_page(LogQuery { offset, ..query.clone() }).await.unwrap();
            took.push(ms(start));
        }
        let mut cells = vec![name.to_owned(), matching.to_string(), format!("{first:.1}")];
        cells.extend(spread(took));
        rows.push(cells);
    }
    print("Pages of the log anywhere in it (aim: the first under 16 ms)", &rows);

    let mut took = Vec::new();
    for number in 0..ASKED {
        let start = Instant::now();
        let detail = stage.engine.log_entry(entries * (number * 618 % 1000) / 1000).await.unwrap();
        took.push(ms(start));
        assert!(detail.proven);
    }
    let mut cells = vec!["an entry with its proof, checked".to_owned()];
    cells.extend(spread(took));
    let start = Instant::now();
    let found: VerifyState = stage.engine.verify_log_now().await.unwrap();
    let seconds = start.elapsed().as_secs_f64();
    assert_eq!(found.findings.len(), 0, "{:?}", found.findings);
    print("One entry", &[row(["", "p50 ms", "p95 ms", "worst ms"]), cells]);
    println!("\nThe whole log verified, signatures and tree (aim: under 5 s): {seconds:.1} s");

    let (folder, _) = stage.close().await;
    scroll(folder.path()).await;
    if let Some(keep) = keep {
        std::fs::rename(folder.keep(), keep).unwrap();
    }
}

/// Turns the wheel in the real window, then jumps about by the scroll bar, and prints how long frames and rows took.
async fn scroll(folder: &Path) {
    let desktop = Desktop::start_over("log", folder).await;
    desktop.fill("lock-name", OWNER).await;
    desktop.fill("lock-passphrase", OWNER_PASSPHRASE).await;
    desktop.click("lock-submit").await;
    desktop.click("nav-log").await;
    desktop.find("log-row").await;
    let mut rows = vec![row(["", "p50 ms", "p95 ms", "worst ms"])];
    for (name, script) in [
        ("a frame while the wheel turns, 120 px each", include_str!("log/wheel.js")),
        ("from a jump of the bar to its rows", include_str!("log/jump.js")),
    ] {
        let took = desktop.page.execute_async(script, Vec::new()).await.unwrap();
        let took: Vec<f64> = took.as_array().unwrap().iter().filter_map(serde_json::Value::as_f64).collect();
        let mut cells = vec![name.to_owned()];
        cells.extend(spread(took));
        rows.push(cells);
    }
    desktop.keep("scrolled").await;
    desktop.close().await;
    print("The log in the real window, drawn by the processor (a frame of the screen: 16.7 ms)", &rows);
}

fn ms(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1000.0
}

fn spread(mut took: Vec<f64>) -> Vec<String> {
    took.sort_by(f64::total_cmp);
    let at = |part: f64| format!("{:.1}", took[((took.len() - 1) as f64 * part).round() as usize]);
    vec![at(0.5), at(0.95), at(1.0)]
}

/// Appends the entries to the log in `folder`, whose engine is stopped, up to now.
fn fill(folder: &Path, entries: u64) -> (CameraId, PersonId) {
    let keys = DeviceKeys::load(folder).unwrap().expect("an engine has run here");
    let mut store = Store::open(&folder.join("hausrecht.db")).unwrap();
    let mut rng = rand::rng();
    let cameras: Vec<CameraId> = (0..CAMERAS).map(|_| CameraId::random(&mut rng)).collect();
    let people: Vec<PersonId> =
        store.read(|tables| tables.people()).unwrap().iter().map(|row| row.id).collect();
    let (from, last) = store
        .read(|tables| {
            let size = tables.log_size()?;
            Ok::<_, StoreError>((size, tables.entry(size - 1)?.expect("the last entry").at_us))
        })
        .unwrap();
    let begin_us = last.0 + APART_US / 10;
    let mut next = from;
    while next < from + entries {
        let until = (next + BATCH).min(from + entries);
        store
            .write(|tables| {
                for index in next..until {
                    let number = index - from;
                    let at = UnixMicros(begin_us + i64::try_from(number).unwrap() * APART_US);
                    let camera = cameras[usize::try_from(number).unwrap() % CAMERAS];
                    let clip = ClipId::random(&mut rng);
                    // In a thousand entries: clips and events, some openings, a copy, a grant, a camera that went and came.
                    let (kind, by, about, facts) = match number % 1_000 {
                        7 => (Kind::CopyMade, Some(people[0]), Some(clip), vec![("what", "mp4")]),
                        17 => (Kind::Grant, Some(people[0]), Some(clip), vec![("scope", "clip")]),
                        27 => (Kind::CameraLost, None, None, vec![("reason", "unreachable")]),
                        28 => (Kind::CameraBack, None, None, vec![]),
                        100..200 => (Kind::Opened, Some(people[0]), Some(clip), vec![]),
                        200..600 => (Kind::Event, None, None, vec![("event", "motion"), ("state", "begin")]),
                        _ => (Kind::Recorded, None, Some(clip), vec![("frames", "1500")]),
                    };
                    let actor = by.map_or(Actor::Device, Actor::Person);
                    let monotonic_us = number * APART_US.unsigned_abs();
                    let mut draft = Draft::new(kind, at, monotonic_us, "bench", actor);
                    draft.camera = Some(camera);
                    draft.clip = about.map(|clip| hausrecht_ledger::ClipTag::of(keys.tag_key(), clip));
                    draft.grant = (kind == Kind::Grant).then(|| GrantId::random(&mut rng));
                    for (name, value) in facts {
                        draft = draft.fact(name, value);
                    }
                    let grant = draft.grant;
                    let sealed = draft.seal(&mut rng, keys.log_signing()).unwrap();
                    let hashes = append_hashes(index, &sealed.leaf, &Hashes(tables)).unwrap();
                    tables.append_entry(
                        &EntryRow {
                            index,
                            at_us: at,
                            kind: kind.as_str().to_owned(),
                            actor: by,
                            camera: Some(camera),
                            clip: about,
                            person: None,
                            grant,
                            refers_to: None,
                            leaf: sealed.leaf,
                            personal: None,
                        },
                        stored_position(0, index),
                        &hashes,
                    )?;
                }
                Ok::<_, StoreError>(())
            })
            .unwrap();
        next = until;
    }
    (cameras[0], people[0])
}

struct Hashes<'t, 'c>(&'t Tables<'c>);

impl HashStore for Hashes<'_, '_> {
    type Error = StoreError;

    fn read(&self, positions: &[u64]) -> Result<Vec<[u8; 32]>, StoreError> {
        positions.iter().map(|position| self.0.hash(*position)).collect()
    }
}
