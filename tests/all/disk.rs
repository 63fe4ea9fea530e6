//! Disks that are full, and programs that are killed while they write: nothing that was whole is lost, nothing is shown
//! that could not be logged.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use hausrecht_engine::wire::{ErrorCode, LogQuery};
use hausrecht_tests::{
    camera::SimCam,
    disk::SmallDisk,
    process::{Owned, descendants, signal},
    programs,
    stage::{CLIP_LENGTH, PATIENCE, Stage, alone},
    until::{until, until_blocking},
};
use rustix::process::Signal;

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_pauses_recording_and_shows_nothing_that_cannot_be_logged() {
    if !alone("disk::a_full_disk_pauses_recording_and_shows_nothing_that_cannot_be_logged") {
        return;
    }
    let Some(disk) = SmallDisk::of_mib(400) else {
        println!("not tried: this user may not mount a small disk");
        return;
    };
    let camera = SimCam::start(&[]);
    let stage = Stage::owned_at(disk.path(), CLIP_LENGTH).await;
    let id = stage.connect(&camera).await;
    let before = stage.wait_for_clips(id, 2).await;

    // Little room: recording pauses, says so, and the log can still be written.
    let ballast = disk.fill_up_to(100 << 20);
    until("recording to pause", PATIENCE, async || {
        let tiles = stage.engine.tiles().unwrap();
        if tiles.iter().all(|tile| !tile.recording) { Ok(()) } else { Err(tiles) }
    })
    .await;
    until("the log to say that the disk is full", PATIENCE, async || {
        let query = LogQuery { limit: 10, kinds: vec!["error".into()], ..LogQuery::default() };
        let page = stage.engine.log_page(query).await.unwrap();
        if page.rows.is_empty() { Err(page) } else { Ok(()) }
    })
    .await;
    stage.watch(id, hausrecht_model::StreamRole::Main, 3).await;
    stage.engine.open_clip(before[0].id).await.unwrap();
    stage.engine.close_player();

    // No room at all: what cannot be logged is not shown. The log's own file has some room inside, so it takes some openings.
    let rest = disk.path().join("rest");
    let mut file = fs::File::create(&rest).unwrap();
    while file.write_all(&[0x5a; 4096]).is_ok() {}
    let refused = until("an opening to be refused", PATIENCE, async || {
        let size = stage.engine.log_page(LogQuery { limit: 1, ..LogQuery::default() }).await.unwrap().size;
        match stage.engine.open_clip(before[0].id).await {
            Ok(_) => {
                let after =
                    stage.engine.log_page(LogQuery { limit: 1, ..LogQuery::default() }).await.unwrap().size;
                assert!(after > size, "a clip was opened without an entry");
                stage.engine.close_player();
                Err("opened, and logged".to_owned())
            }
            Err(error) => Ok(error),
        }
    })
    .await;
    assert!(matches!(refused.code, ErrorCode::LogUnwritable | ErrorCode::DiskFull), "{refused:?}");

    // Room again: everything goes on by itself, and nothing that was whole is lost.
    drop(file);
    fs::remove_file(rest).unwrap();
    fs::remove_file(ballast).unwrap();
    stage.wait_for_clips(id, before.len() + 2).await;
    stage.engine.open_clip(before[0].id).await.unwrap();
    stage.engine.close_player();
    stage.engine.verify_log().unwrap();
    let verified = until("the verification", PATIENCE, async || match stage.engine.verify_state() {
        Some(state) if !state.running => Ok(state),
        other => Err(other),
    })
    .await;
    assert!(verified.findings.is_empty(), "{:?}", verified.findings);
    let (_folder, _) = stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_killed_while_it_records_loses_no_more_than_a_second() {
    if !alone("disk::a_program_killed_while_it_records_loses_no_more_than_a_second") {
        return;
    }
    let camera = SimCam::start(&[]);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    let (folder, clock) = stage.close().await;
    let mut command = Command::new(programs::cli());
    command.args(["run", "--data-dir"]).arg(folder.path()).stdin(Stdio::null()).stdout(Stdio::null());
    let recording = Owned::start(&mut command);
    let workers = until_blocking("three seconds of a clip", PATIENCE, || {
        let fragments = index_files(folder.path());
        let workers: Vec<u32> = descendants(recording.0.id()).into_iter().skip(1).collect();
        // 24 bytes of header, 24 bytes a fragment, two fragments a second.
        if fragments.iter().any(|bytes| *bytes >= 24 * 7) { Ok(workers) } else { Err(fragments) }
    });
    signal(recording.0.id(), Signal::KILL);
    drop(recording);
    until_blocking("the workers to end with it", PATIENCE, || {
        let left: Vec<&u32> =
            workers.iter().filter(|pid| Path::new(&format!("/proc/{pid}")).exists()).collect();
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    });

    let stage = Stage::over(folder, clock).await;
    stage.sign_in_owner().await;
    let clips = stage.clips(id).await;
    let cut: Vec<_> = clips.iter().filter(|clip| clip.cut_short).collect();
    let [cut] = cut[..] else { panic!("one clip was being written: {clips:?}") };
    // What was lost is one fragment that was written, and one that the worker was filling.
    assert!(cut.duration_us >= 2_400_000, "{cut:?}");
    stage.engine.open_clip(cut.id).await.unwrap();
    stage.engine.close_player();
    let query = LogQuery { limit: 10, kinds: vec!["cut_short".into()], ..LogQuery::default() };
    assert_eq!(stage.engine.log_page(query).await.unwrap().rows.len(), 1);
    stage.engine.verify_log().unwrap();
    let verified = until("the verification", PATIENCE, async || match stage.engine.verify_state() {
        Some(state) if !state.running => Ok(state),
        other => Err(other),
    })
    .await;
    assert!(verified.findings.is_empty(), "{:?}", verified.findings);
}

/// Sizes of the index files of clips that are being written.
fn index_files(folder: &Path) -> Vec<u64> {
    let cameras = fs::read_dir(folder.join("clips")).into_iter().flatten().filter_map(Result::ok);
    cameras
        .flat_map(|camera| fs::read_dir(camera.path()).into_iter().flatten().filter_map(Result::ok))
        .filter(|file| file.path().extension().is_some_and(|ending| ending == "index"))
        .filter_map(|file| Some(file.metadata().ok()?.len()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_a_crash_left_beside_a_whole_clip_goes_at_the_next_start() {
    if !alone("disk::an_index_that_a_crash_left_beside_a_whole_clip_goes_at_the_next_start") {
        return;
    }
    let camera = SimCam::start(&[]);
    let stage = Stage::owned_with_clips_of(Duration::from_secs(2)).await;
    let id = stage.connect(&camera).await;
    let clip = stage.wait_for_clips(id, 1).await[0].id;
    drop(camera);
    let (folder, clock) = stage.close().await;
    let clips = folder.path().join("clips").join(id.to_string());
    // As it is when the program is killed between the clip's entry and the end of its index.
    let stray = clips.join(format!("{clip}.age.index"));
    fs::write(&stray, [0; 48]).unwrap();
    let stage = Stage::over(folder, clock).await;
    assert!(!stray.exists());
    stage.sign_in_owner().await;
    stage.engine.open_clip(clip).await.unwrap();
    stage.engine.close_player();
    stage.close().await;
}
