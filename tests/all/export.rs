//! Exports, played and counted by other people's tools: exact to the picture, untouched inside, nothing left of what did not
//! come to its end, and in the log before a key is used.

mod window;

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use hausrecht_engine::wire::{
    AddPerson, ClipView, ErrorCode, ExportOrder, ExportState, ExportView, GiveGrant, GrantScope, LogQuery,
    Session,
};
use hausrecht_model::{CameraId, Clock, UnixMicros};
use hausrecht_tests::{
    camera::SimCam,
    disk::SmallDisk,
    media_file::count,
    stage::{CLIP_LENGTH, PATIENCE, Stage, alone},
    until::until,
};

const RECIPIENT: &str = "Kanzlei Grün & <Söhne>";

fn order(camera: CameraId, from_us: i64, to_us: i64, folder: &Path) -> ExportOrder {
    ExportOrder {
        cameras: vec![camera],
        from_us: UnixMicros(from_us),
        to_us: UnixMicros(to_us),
        folder: folder.to_str().unwrap().into(),
        recipient: String::new(),
        on_picture: false,
        purpose: String::new(),
        packed: false,
    }
}

async fn ended(stage: &Stage, id: u32) -> ExportView {
    until("the export to end", PATIENCE, async || {
        let view = stage.engine.exports().unwrap().into_iter().find(|view| view.id == id).unwrap();
        match view.state {
            ExportState::Waiting | ExportState::Running => Err(view),
            ExportState::Done | ExportState::Failed | ExportState::Stopped => Ok(view),
        }
    })
    .await
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// Times in seconds and hashes of the packets, as ffprobe reads them.
fn packets(mp4: &Path) -> Vec<(f64, String)> {
    let out = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "v", "-show_data_hash", "md5", "-of", "json"])
        .args(["-show_entries", "packet=pts_time,data_hash"])
        .arg(mp4)
        .output()
        .unwrap();
    assert!(out.status.success());
    let listed: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    let list = listed["packets"].as_array().unwrap();
    list.iter()
        .map(|packet| {
            let time = packet["pts_time"].as_str().unwrap().parse().unwrap();
            (time, packet["data_hash"].as_str().unwrap().to_owned())
        })
        .collect()
}

/// Whether every picture can be decoded without one complaint.
fn complaints(mp4: &Path) -> String {
    let out = Command::new("ffmpeg")
        .args(["-v", "warning", "-xerror", "-i"])
        .arg(mp4)
        .args(["-f", "null", "-"])
        .output()
        .unwrap();
    String::from_utf8_lossy(&out.stderr).into_owned()
}

/// Pictures at a tenth of their size, grey, one after the other.
fn pixels(mp4: &Path, crop: &str) -> Vec<u8> {
    let out = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(mp4)
        .args(["-vf", &format!("{crop},scale=192:-2"), "-pix_fmt", "gray", "-fps_mode", "passthrough"])
        .args(["-f", "rawvideo", "-"])
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    out.stdout
}

fn mean_difference(one: &[u8], other: &[u8]) -> f64 {
    assert_eq!(one.len(), other.len());
    let sum: u64 = one.iter().zip(other).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / one.len() as f64
}

/// The clips as they are, joined by time: when each packet is, in microseconds, and its hash.
async fn source(stage: &Stage, clips: &[ClipView], folder: &Path) -> Vec<(i64, String)> {
    let mut all = Vec::new();
    for clip in clips {
        let path = folder.join(format!("{}.mp4", clip.id));
        stage.engine.copy_clip(clip.id, fs::File::create(&path).unwrap()).await.unwrap();
        for (time, hash) in packets(&path) {
            all.push((clip.start_us.0 + (time * 1e6).round() as i64, hash));
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_span_over_three_clips_is_exact_to_the_picture_and_untouched_inside() {
    if !alone("export::a_span_over_three_clips_is_exact_to_the_picture_and_untouched_inside") {
        return;
    }
    let camera = SimCam::start(&[]);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    let clips = stage.wait_for_clips(id, 3).await;
    let plain = tempfile::tempdir().unwrap();
    let target = tempfile::tempdir().unwrap();
    let source = source(&stage, &clips[..3], plain.path()).await;

    // From between two key frames to between two others.
    let from_us = clips[0].start_us.0 + 1_470_000;
    let to_us = clips[2].start_us.0 + 2_130_000;
    let wanted: Vec<_> = source.iter().filter(|(at, _)| (from_us..to_us).contains(at)).collect();
    let before = stage.engine.log_page(LogQuery { limit: 1, ..LogQuery::default() }).await.unwrap().size;
    let plan = stage.engine.plan_export(order(id, from_us, to_us, target.path())).await.unwrap();
    assert_eq!((plan.clips, plan.files), (3, 1));
    let wish = ExportOrder { recipient: RECIPIENT.into(), ..order(id, from_us, to_us, target.path()) };
    let job = stage.engine.start_export(wish, None).await.unwrap();
    let view = ended(&stage, job).await;
    assert_eq!(view.state, ExportState::Done, "{view:?}");
    let [file] = &view.files[..] else { panic!("{view:?}") };
    assert!((1..25).contains(&file.encoded), "{file:?}");
    assert_eq!(file.hidden_us, 0);
    let path = target.path().join(&file.name);
    assert_eq!(files(target.path()), std::slice::from_ref(&path));

    let counted = count(&fs::read(&path).unwrap());
    assert_eq!(counted.frames as usize, wanted.len());
    assert_eq!(file.pictures as usize, wanted.len());
    assert_eq!((counted.width, counted.height, counted.sound), (1920, 1080, false));
    assert_eq!(complaints(&path), "");
    let got = packets(&path);
    let copied: Vec<&String> = got.iter().skip(file.encoded as usize).map(|(_, hash)| hash).collect();
    let original: Vec<&String> = wanted.iter().skip(file.encoded as usize).map(|(_, hash)| hash).collect();
    assert_eq!(copied, original, "inside, every packet is the camera's own");
    for ((time, _), (at, _)) in got.iter().zip(&wanted) {
        let off_us = (time * 1e6) as i64 - (at - wanted[0].0);
        assert!(off_us.abs() < 5_000, "a picture is off by {off_us} us");
    }
    let first = stage.engine.exports().unwrap()[0].files[0].from_us.0;
    assert!((first - wanted[0].0).abs() < 1_000, "{first} {}", wanted[0].0);

    // The pictures at the edge look as the camera's.
    let joined = plain.path().join(format!("{}.mp4", clips[0].id));
    let (theirs, ours) = (pixels(&joined, "null"), pixels(&path, "null"));
    let skipped = source.iter().position(|(at, _)| *at >= from_us).unwrap();
    let size = 192 * 108;
    for picture in 0..file.encoded as usize {
        let theirs = &theirs[(skipped + picture) * size..][..size];
        let difference = mean_difference(theirs, &ours[picture * size..][..size]);
        assert!(difference < 2.0, "picture {picture} differs by {difference}");
    }

    // The log: the export itself, then each clip before its key, all with the recipient that only the owner reads.
    let query = LogQuery { limit: 50, kinds: vec!["copy_made".into()], ..LogQuery::default() };
    let rows = stage.engine.log_page(query).await.unwrap().rows;
    let rows: Vec<_> = rows.iter().filter(|row| row.index >= before).collect();
    assert_eq!(rows.len(), 4);
    for row in &rows {
        assert!(
            row.facts.iter().any(|fact| fact.name == "recipient" && fact.value == RECIPIENT && fact.personal)
        );
    }
    let detail = stage.engine.clip(clips[1].id).await.unwrap();
    assert!(detail.copies.iter().any(|copy| copy.recipient.as_deref() == Some(RECIPIENT)));

    // A second one of the same span overwrites nothing.
    let job = stage.engine.start_export(order(id, from_us, to_us, target.path()), None).await.unwrap();
    assert_eq!(ended(&stage, job).await.state, ExportState::Done);
    assert_eq!(files(target.path()).len(), 2);
    stage.engine.verify_log().unwrap();
    let verified = until("the verification", PATIENCE, async || match stage.engine.verify_state() {
        Some(state) if !state.running => Ok(state),
        other => Err(other),
    })
    .await;
    assert!(verified.findings.is_empty(), "{:?}", verified.findings);
    println!("{} pictures, {} of them encoded anew", file.pictures, file.encoded);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_name_of_the_recipient_stands_on_every_picture() {
    if !alone("export::the_name_of_the_recipient_stands_on_every_picture") {
        return;
    }
    let camera = SimCam::start(&[]);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    let clips = stage.wait_for_clips(id, 2).await;
    let (plain, named) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (from_us, to_us) = (clips[0].start_us.0 + 4_200_000, clips[1].start_us.0 + 1_500_000);
    let wish = order(id, from_us, to_us, plain.path());
    let one = stage.engine.start_export(wish.clone(), None).await.unwrap();
    let folder = named.path().to_str().unwrap().to_owned();
    let wish = ExportOrder { recipient: RECIPIENT.into(), on_picture: true, folder, ..wish };
    assert!(stage.engine.plan_export(wish.clone()).await.unwrap().caption.unwrap().contains(RECIPIENT));
    let other = stage.engine.start_export(wish, None).await.unwrap();
    let (one, other) = (ended(&stage, one).await, ended(&stage, other).await);
    assert_eq!((one.state, other.state), (ExportState::Done, ExportState::Done), "{other:?}");
    assert_eq!(other.files[0].pictures, one.files[0].pictures);
    assert_eq!(other.files[0].encoded, other.files[0].pictures);
    let (one, other) = (files(plain.path()).remove(0), files(named.path()).remove(0));
    assert_eq!(complaints(&other), "");
    let counted = count(&fs::read(&other).unwrap());
    assert_eq!(counted.frames, count(&fs::read(&one).unwrap()).frames);
    let strip = "crop=iw/2:ih/8:0:ih-ih/8";
    let rest = "crop=iw:ih/2:0:0";
    let (text, size) = (pixels(&one, strip), pixels(&one, strip).len() / counted.frames as usize);
    for (picture, (one, other)) in text.chunks(size).zip(pixels(&other, strip).chunks(size)).enumerate() {
        let difference = mean_difference(one, other);
        assert!(difference > 3.0, "no text on picture {picture}: {difference}");
    }
    let difference = mean_difference(&pixels(&one, rest), &pixels(&other, rest));
    assert!(difference < 2.0, "the rest of the picture differs by {difference}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_come_to_its_end_leaves_nothing() {
    if !alone("export::what_does_not_come_to_its_end_leaves_nothing") {
        return;
    }
    let camera = SimCam::start(&[]);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    let clips = stage.wait_for_clips(id, 3).await;
    let target = tempfile::tempdir().unwrap();
    let (from_us, to_us) = (clips[0].start_us.0, clips[2].start_us.0 + 5_000_000);
    let slow = ExportOrder {
        recipient: RECIPIENT.into(),
        on_picture: true,
        ..order(id, from_us, to_us, target.path())
    };

    // Stopped in the middle.
    let job = stage.engine.start_export(slow.clone(), None).await.unwrap();
    until("some of it to be done", PATIENCE, async || {
        let view = stage.engine.exports().unwrap().into_iter().find(|view| view.id == job).unwrap();
        if view.done_permille > 100 { Ok(()) } else { Err(view) }
    })
    .await;
    // One that waits for its turn is stopped without waiting for it, and the other goes on.
    let waiting = stage.engine.start_export(slow.clone(), None).await.unwrap();
    stage.engine.stop_export(waiting).unwrap();
    assert_eq!(ended(&stage, waiting).await.state, ExportState::Stopped);
    let state =
        |id| stage.engine.exports().unwrap().into_iter().find(|view| view.id == id).map(|view| view.state);
    assert_eq!(state(job), Some(ExportState::Running));
    // The vault does not lock by itself while it runs, and does once nothing runs any more.
    let idle = Duration::from_secs(20 * 60);
    stage.clock.pass(idle);
    until("the idle lock to be put off", PATIENCE, async || match stage.engine.session() {
        Session::Open { locks_at_us, .. } if locks_at_us > stage.clock.now().plus(idle / 2) => Ok(()),
        Session::Open { .. } => Err("not yet"),
        Session::Empty | Session::Locked { .. } => panic!("locked under an export"),
    })
    .await;
    assert_eq!(state(job), Some(ExportState::Running));
    stage.engine.stop_export(job).unwrap();
    assert_eq!(ended(&stage, job).await.state, ExportState::Stopped);
    assert_eq!(files(target.path()), Vec::<PathBuf>::new());
    stage.clock.pass(idle);
    until("the idle lock", PATIENCE, async || match stage.engine.session() {
        Session::Locked { .. } => Ok(()),
        Session::Open { .. } | Session::Empty => Err("open"),
    })
    .await;
    stage.sign_in_owner().await;

    // Locked in the middle.
    let job = stage.engine.start_export(slow, None).await.unwrap();
    until("it to run", PATIENCE, async || {
        let view = stage.engine.exports().unwrap().into_iter().find(|view| view.id == job).unwrap();
        if view.done_permille > 100 { Ok(()) } else { Err(view) }
    })
    .await;
    stage.engine.lock().await;
    assert_eq!(stage.engine.exports().unwrap_err().code, ErrorCode::Locked);
    stage.sign_in_owner().await;
    let view = ended(&stage, job).await;
    assert_eq!(
        (view.state, view.error.map(|error| error.code)),
        (ExportState::Failed, Some(ErrorCode::Locked))
    );
    assert_eq!(files(target.path()), Vec::<PathBuf>::new());

    // Refused before anything is opened, and before there is an entry.
    let size =
        async || stage.engine.log_page(LogQuery { limit: 1, ..LogQuery::default() }).await.unwrap().size;
    let before = size().await;
    let nowhere = order(id, from_us, to_us, &target.path().join("not-there"));
    assert_eq!(stage.engine.start_export(nowhere, None).await.unwrap_err().code, ErrorCode::Invalid);
    let empty = order(id, 1, 2, target.path());
    assert_eq!(stage.engine.start_export(empty, None).await.unwrap_err().code, ErrorCode::NotFound);
    if let Some(disk) = SmallDisk::of_mib(20) {
        let full = order(id, from_us, to_us, disk.path());
        assert_eq!(stage.engine.start_export(full, None).await.unwrap_err().code, ErrorCode::DiskFull);
    }
    let query = LogQuery { limit: 50, kinds: vec!["copy_made".into()], ..LogQuery::default() };
    let rows = stage.engine.log_page(query).await.unwrap().rows;
    assert!(rows.iter().all(|row| row.index < before), "an entry of what was refused");

    // A person with a grant may look, and may not take away.
    let passphrase = "copper window maple seven drift anchor";
    let new = AddPerson {
        name: "Robin".into(),
        passphrase: passphrase.into(),
        accept_weak: false,
        ..AddPerson::default()
    };
    let person = stage.engine.add_person(new).await.unwrap().face.id;
    let give = GiveGrant::plain(person, GrantScope::Clip { clip: clips[0].id }, None, "parcel");
    stage.engine.grant(give).await.unwrap();
    stage.sign_in("Robin", passphrase).await;
    let theirs = order(id, from_us, to_us, target.path());
    assert_eq!(stage.engine.plan_export(theirs.clone()).await.unwrap_err().code, ErrorCode::NotAllowed);
    assert_eq!(stage.engine.start_export(theirs, None).await.unwrap_err().code, ErrorCode::NotAllowed);
    assert_eq!(files(target.path()), Vec::<PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_up_in_the_middle_keeps_nothing_half_written() {
    if !alone("export::a_disk_that_fills_up_in_the_middle_keeps_nothing_half_written") {
        return;
    }
    let Some(disk) = SmallDisk::of_mib(120) else {
        println!("not tried: this user may not mount a small disk");
        return;
    };
    let camera = SimCam::start(&[]);
    let stage = Stage::owned_with_clips_of(CLIP_LENGTH).await;
    let id = stage.connect(&camera).await;
    let clips = stage.wait_for_clips(id, 3).await;
    let (from_us, to_us) = (clips[0].start_us.0, clips[2].start_us.0 + 5_000_000);
    let wish = ExportOrder {
        recipient: RECIPIENT.into(),
        on_picture: true,
        ..order(id, from_us, to_us, disk.path())
    };
    let job = stage.engine.start_export(wish, None).await.unwrap();
    // The room was there when it was looked for, and is taken by somebody else now.
    let ballast = disk.fill_up_to(200 << 10);
    let view = ended(&stage, job).await;
    assert_eq!(view.state, ExportState::Failed, "{view:?}");
    assert_eq!(view.error.map(|error| error.code), Some(ErrorCode::DiskFull));
    let left: HashSet<PathBuf> = files(disk.path()).into_iter().collect();
    assert_eq!(left, HashSet::from([ballast]));
}
