//! Programs that are killed at every step: with the n-th call that changes something in the data folder, wherever that is, in recording,
//! granting, opening, sealing anew, erasing or writing a checkpoint, or in taking up what the one before left.
//!
//! One vault goes through all of it. A life begins over what the life before left, checks it against a journal that lies beside the
//! vault, does what comes, and is killed at a step that is drawn by lot. `HAUSRECHT_CRASH_KILLS` says how often in all (`make crash`).

mod life;

use std::{
    fs,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    time::Duration,
};

use hausrecht_engine::wire::AddPerson;
use hausrecht_model::CameraId;
use hausrecht_tests::{
    camera::SimCam,
    disk::copy_all,
    programs,
    stage::{Stage, alone},
};
use rand::{Rng, SeedableRng, rngs::StdRng};

use self::life::{Kind, Order};

/// Kills in the ordinary run: of programs over what was recorded, and of programs that record.
const KILLS: (u32, u32) = (240, 24);
/// One vault serves so many lives, then one begins that has all its clips again.
const LIVES: u32 = 60;
/// Clips that a vault begins with.
const CLIPS: usize = 5;
/// Who may be granted something, with this passphrase.
pub(crate) const MEMBER: &str = "Mira";
pub(crate) const MEMBERS: &str = "copper window maple seven drift anchor";

/// Recorded, granted, opened, erased: over clips that are there.
#[tokio::test(flavor = "multi_thread")]
async fn a_program_killed_at_any_step_leaves_a_log_that_holds_and_nothing_half() {
    const NAME: &str = "crash::a_program_killed_at_any_step_leaves_a_log_that_holds_and_nothing_half";
    if let Some(order) = Order::of_this_process() {
        return life::live(order).await;
    }
    if !alone(NAME) {
        return;
    }
    let camera = SimCam::start(&[]);
    let stage = Stage::owned_with_clips_of(Duration::from_secs(2)).await;
    let id = stage.connect(&camera).await;
    stage.wait_for_clips(id, CLIPS).await;
    let new = AddPerson { name: MEMBER.into(), passphrase: MEMBERS.into(), ..AddPerson::default() };
    stage.engine.add_person(new).await.unwrap();
    stage.engine.remove_camera(id).await.unwrap();
    drop(camera);
    let (template, _) = stage.close().await;
    let kills = wanted().map_or(KILLS.0, |(all, recording)| all - recording);
    go_through(NAME, Kind::Kept, template.path(), id, kills);
}

/// The same while a camera is recorded.
#[tokio::test(flavor = "multi_thread")]
async fn a_program_killed_at_any_step_of_recording_keeps_what_was_written() {
    const NAME: &str = "crash::a_program_killed_at_any_step_of_recording_keeps_what_was_written";
    if let Some(order) = Order::of_this_process() {
        return life::live(order).await;
    }
    if !alone(NAME) {
        return;
    }
    let camera = SimCam::start(&[]);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    stage.wait_for_clips(id, 1).await;
    let new = AddPerson { name: MEMBER.into(), passphrase: MEMBERS.into(), ..AddPerson::default() };
    stage.engine.add_person(new).await.unwrap();
    let (template, _) = stage.close().await;
    let kills = wanted().map_or(KILLS.1, |(_, recording)| recording);
    go_through(NAME, Kind::Recording, template.path(), id, kills);
    drop(camera);
}

/// Kills in all, and those of them while a camera is recorded, if somebody asks for a number.
fn wanted() -> Option<(u32, u32)> {
    let all: u32 =
        std::env::var("HAUSRECHT_CRASH_KILLS").ok()?.parse().expect("HAUSRECHT_CRASH_KILLS is a number");
    Some((all, all / 10))
}

/// Lives over copies of `template` until so many were killed; the last one of each copy ends in order.
fn go_through(test: &str, kind: Kind, template: &Path, camera: CameraId, kills: u32) {
    let away = tempfile::tempdir().unwrap();
    let counter = counter(away.path());
    let seed = std::env::var("HAUSRECHT_CRASH_SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(rand::random);
    println!("HAUSRECHT_CRASH_SEED={seed}");
    let mut lot = StdRng::seed_from_u64(seed);
    let (mut killed, mut lived, mut vault) = (0, 0, 0);
    let mut of_kind: std::collections::BTreeMap<String, u32> = std::collections::BTreeMap::new();
    while killed < kills {
        let folder = away.path().join(format!("vault-{vault}"));
        copy_all(template, &folder);
        let journal = away.path().join(format!("journal-{vault}"));
        vault += 1;
        let one = |at: u64, lot: &mut StdRng| {
            let order =
                Order { kind, folder: folder.clone(), journal: journal.clone(), camera, seed: lot.random() };
            live_elsewhere(test, &order, &counter, at)
        };
        // How many steps a life has that nobody ends.
        let (status, steps) = one(0, &mut lot);
        assert!(status.success(), "{status}");
        let mut steps = steps.expect("a program that ends in order says how many steps it took");
        for _ in 0..LIVES {
            if killed >= kills {
                break;
            }
            let at = lot.random_range(1..=steps);
            let (status, counted) = one(at, &mut lot);
            match (status.signal(), counted) {
                (Some(9), _) => {
                    killed += 1;
                    *of_kind.entry(life::last_try(&journal)).or_default() += 1;
                }
                (None, Some(counted)) if status.success() => {
                    lived += 1;
                    steps = steps.max(counted);
                }
                _ => panic!("killed at step {at}: {status}"),
            }
        }
        let (status, _) = one(0, &mut lot);
        assert!(status.success(), "{status}");
        fs::remove_dir_all(&folder).unwrap();
    }
    println!("{killed} killed, {lived} ended before their step came; killed in: {of_kind:?}");
}

/// One life in a process of its own. Its steps, where it came to its end.
fn live_elsewhere(test: &str, order: &Order, counter: &Path, at: u64) -> (ExitStatus, Option<u64>) {
    let count = order.journal.with_extension("count");
    let _ = fs::remove_file(&count);
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads", "1"])
        .envs(order.environment())
        .env("LD_PRELOAD", counter)
        .env("CRASH_FOLDER", &order.folder)
        .env("CRASH_COUNT", &count)
        .env("CRASH_AT", at.to_string())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    if !output.status.success() && output.status.signal() != Some(9) {
        println!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        println!("{}", fs::read_to_string(&order.journal).unwrap_or_default());
    }
    let counted = fs::read_to_string(&count).ok().and_then(|text| text.trim().parse().ok());
    (output.status, counted)
}

/// The library that counts steps.
fn counter(folder: &Path) -> PathBuf {
    let library = folder.join("steps.so");
    let built = Command::new("cc")
        .args(["-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(programs::root().join("tests/all/crash/steps.c"))
        .arg("-ldl")
        .status()
        .unwrap();
    assert!(built.success());
    library
}
