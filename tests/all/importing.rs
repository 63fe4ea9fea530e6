//! Saved footage: files of other recorders become clips picture by picture, sealed, at their own time, under a name.

mod odd;
mod places;
mod window;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use hausrecht_engine::wire::{
    ErrorCode, Footage, FootageRefusal, FootageState, ImportFootage, Integrity, LogQuery, TimeFrom,
};
use hausrecht_model::UnixMicros;
use hausrecht_tests::{
    media_file::count,
    programs,
    stage::{OWNER_PASSPHRASE, PATIENCE, Stage},
    until::until,
};

const PICTURES: u64 = 100;
const H264: [&str; 8] = ["-c:v", "libx264", "-preset", "ultrafast", "-bf", "3", "-g", "25"];

/// Lets ffmpeg make a film of 100 pictures of the demo's footage, with sound.
pub(crate) fn film(folder: &Path, name: &str, arguments: &[&str]) -> PathBuf {
    let target = folder.join(name);
    let footage = programs::root().join("assets/footage/front.sub.h264");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "h264", "-r", "25", "-i"])
        .arg(footage)
        .args(["-f", "lavfi", "-i", "sine=frequency=440", "-frames:v", "100", "-shortest"])
        .args(arguments)
        .arg(&target)
        .stdin(Stdio::null())
        .status()
        .expect("ffmpeg starts");
    assert!(made.success(), "{name}");
    target
}

async fn looked(stage: &Stage, paths: &[PathBuf]) -> Footage {
    stage.engine.look_at_footage(paths.to_vec()).await.unwrap();
    until("the files to be looked at", PATIENCE, async || {
        let footage = stage.engine.footage().unwrap();
        if footage.looking { Err(footage) } else { Ok(footage) }
    })
    .await
}

async fn imported(stage: &Stage, wanted: Vec<ImportFootage>) -> Footage {
    stage.engine.import_footage(wanted).unwrap();
    until("the import to end", PATIENCE, async || {
        let footage = stage.engine.footage().unwrap();
        if footage.importing { Err(footage) } else { Ok(footage) }
    })
    .await
}

fn all_into(footage: &Footage, source: &str) -> Vec<ImportFootage> {
    footage
        .files
        .iter()
        .filter(|file| file.state == FootageState::Ready)
        .map(|file| ImportFootage { id: file.id, start_us: file.start_us.unwrap(), source: source.into() })
        .collect()
}

/// A clip in plain, through the owner's copy.
async fn plain(stage: &Stage, clip: hausrecht_model::ClipId) -> Vec<u8> {
    let file = tempfile::NamedTempFile::new().unwrap();
    stage.engine.copy_clip(clip, file.reopen().unwrap()).await.unwrap();
    fs::read(file.path()).unwrap()
}

async fn entries(stage: &Stage, kind: &str) -> Vec<hausrecht_engine::wire::LogRow> {
    let query = LogQuery { offset: 0, limit: 100, kinds: vec![kind.into()], person: None, camera: None };
    stage.engine.log_page(query).await.unwrap().rows
}

#[tokio::test(flavor = "multi_thread")]
async fn films_of_all_containers_become_sealed_clips_at_their_time() {
    let stage = Stage::owned_with_clips_of(Duration::from_secs(2)).await;
    stage.engine.set_footage_zone("Europe/Berlin").unwrap();
    let folder = tempfile::tempdir().unwrap();
    film(folder.path(), "20261101_100000.mp4", &H264);
    film(folder.path(), "2026-11-01-10-01-00.mkv", &H264);
    film(folder.path(), "2026-11-01_10-02-00-front.mov", &H264);
    film(folder.path(), "ch1_20261101100300.ts", &H264);
    film(folder.path(), "20261101_100400.avi", &["-c:v", "mjpeg", "-q:v", "5"]);
    let h265 = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:keyint=25"];
    film(folder.path(), "20261101_100500.mp4", &h265);
    let before = fs::read(folder.path().join("20261101_100000.mp4")).unwrap();

    let footage = looked(&stage, &[folder.path().to_owned()]).await;
    assert_eq!(footage.files.len(), 6, "{footage:?}");
    assert!(
        footage
            .files
            .iter()
            .all(|file| file.state == FootageState::Ready && file.time_from == TimeFrom::Name)
    );
    let footage = imported(&stage, all_into(&footage, "Dashcam")).await;
    for file in &footage.files {
        assert_eq!((file.state, file.pictures, file.left_out), (FootageState::Done, PICTURES, 0), "{file:?}");
    }

    let sources = stage.engine.sources().await.unwrap();
    assert_eq!((sources.len(), sources[0].name.as_str()), (1, "Dashcam"));
    assert!(
        stage.engine.cameras().unwrap().is_empty() && stage.engine.tiles().unwrap().is_empty(),
        "a source is no camera"
    );
    let clips = stage.clips(sources[0].id).await;
    // 10:00 in Berlin is 9:00 UTC in November.
    assert_eq!(clips[0].start_us, UnixMicros(1_793_523_600_000_000));
    assert!(clips.iter().all(|clip| clip.imported && clip.has_thumbnail));
    let mut codecs = Vec::new();
    let mut decoded = 0;
    for clip in &clips {
        let counted = count(&plain(&stage, clip.id).await);
        assert!(!counted.sound, "sound is dropped");
        decoded += counted.frames;
        codecs.push(counted.codec);
        assert_eq!(stage.engine.clip(clip.id).await.unwrap().integrity, Integrity::Untouched);
    }
    assert_eq!(decoded, 6 * PICTURES, "each picture is in exactly one clip");
    assert!(
        ["h264", "hevc", "mjpeg"].iter().all(|codec| codecs.iter().any(|one| one == codec)),
        "{codecs:?}"
    );

    let begun = entries(&stage, "import_begun").await;
    let hash = |row: &hausrecht_engine::wire::LogRow, name: &str| {
        row.facts.iter().find(|fact| fact.name == name).map(|fact| (fact.value.clone(), fact.personal))
    };
    assert_eq!(begun.len(), 6);
    let first = begun
        .iter()
        .find(|row| hash(row, "file").is_some_and(|(name, _)| name == "20261101_100000.mp4"))
        .unwrap();
    assert_eq!(hash(first, "sha256"), Some((sha256_of(&before), false)));
    assert!(hash(first, "file").is_some_and(|(_, personal)| personal), "the name is personal");
    assert_eq!(
        fs::read(folder.path().join("20261101_100000.mp4")).unwrap(),
        before,
        "the original is left alone"
    );

    // The same file once more, by another name.
    stage.engine.close_footage().unwrap();
    fs::copy(folder.path().join("20261101_100000.mp4"), folder.path().join("copy of it.mp4")).unwrap();
    let again = looked(&stage, &[folder.path().join("copy of it.mp4")]).await;
    assert_eq!(again.files[0].known_in.as_deref(), Some("Dashcam"));
    let wanted = ImportFootage { id: again.files[0].id, start_us: clips[0].start_us, source: "Other".into() };
    let again = imported(&stage, vec![wanted]).await;
    assert_eq!(
        (again.files[0].state, again.files[0].refusal),
        (FootageState::Failed, Some(FootageRefusal::Known))
    );
    assert_eq!(stage.engine.sources().await.unwrap().len(), 1, "and makes no source");

    // Old by nature: what erases after days leaves it.
    stage.clock.pass(Duration::from_secs(90 * 86_400));
    let stage = stage.restart().await;
    stage.sign_in_owner().await;
    assert_eq!(stage.clips(sources[0].id).await.len(), clips.len());

    // Until the source is removed.
    stage.engine.rename_source(sources[0].id, "Car").await.unwrap();
    assert_eq!(stage.clips(sources[0].id).await[0].camera_name, "Car");
    assert!(stage.engine.remove_source(sources[0].id).await.unwrap().is_empty());
    assert!(stage.clips(sources[0].id).await.is_empty());
    let kept = fs::read_dir(stage.folder.path().join("clips")).unwrap().flat_map(|source| {
        fs::read_dir(source.unwrap().path()).unwrap().map(|file| file.unwrap().path()).collect::<Vec<_>>()
    });
    assert_eq!(kept.collect::<Vec<_>>(), Vec::<PathBuf>::new());
    assert!(!entries(&stage, "erased").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_is_refused_with_a_reason_and_the_others_go_on() {
    let stage = Stage::owned_with_clips_of(Duration::from_secs(2)).await;
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read(film(folder.path(), "20261101_100000.mkv", &H264)).unwrap();
    fs::write(folder.path().join("20261101_110000.mkv"), &whole[..whole.len() * 6 / 10]).unwrap();
    fs::write(folder.path().join("a text.mp4"), b"This is a text, whatever its name says.").unwrap();
    fs::write(folder.path().join("empty.mp4"), b"").unwrap();
    let no_index = fs::read(film(folder.path(), "no index.mp4", &H264)).unwrap();
    fs::write(folder.path().join("no index.mp4"), &no_index[..no_index.len() / 2]).unwrap();
    film(folder.path(), "only sound.mp4", &["-vn", "-c:a", "aac", "-t", "2"]);
    film(folder.path(), "other codec.mkv", &["-c:v", "mpeg4"]);
    film(folder.path(), "no time.mp4", &H264);
    fs::write(folder.path().join("noise.ts"), [&[0x47; 1][..], &[0x5a; 187]].concat().repeat(200)).unwrap();

    let footage = looked(&stage, &[folder.path().to_owned()]).await;
    let refusal = |name: &str| footage.files.iter().find(|file| file.name == name).unwrap().refusal;
    assert_eq!(refusal("a text.mp4"), Some(FootageRefusal::NotAFilm));
    assert_eq!(refusal("empty.mp4"), Some(FootageRefusal::Empty));
    assert_eq!(refusal("no index.mp4"), Some(FootageRefusal::Damaged));
    assert_eq!(refusal("only sound.mp4"), Some(FootageRefusal::NoVideo));
    assert_eq!(refusal("other codec.mkv"), Some(FootageRefusal::Codec));
    assert!(refusal("noise.ts").is_some());
    let untimed = footage.files.iter().find(|file| file.name == "no time.mp4").unwrap();
    assert_eq!((untimed.start_us, untimed.time_from), (None, TimeFrom::Nowhere), "1904 is nobody's time");

    // One of them is watched as it is, and nothing of it kept.
    let mut events = stage.engine.subscribe();
    let view = stage.engine.view(&hausrecht_engine::wire::TileSource::Player, 320, 180).unwrap();
    stage.engine.watch_footage(untimed.id).await.unwrap();
    stage
        .player_says(&mut events, "a picture of the file", |state| state.has_picture && state.position_us > 0)
        .await;
    assert!(view.newest(|picture| picture.bgrx.iter().any(|byte| *byte != 0)).unwrap_or_default());
    stage.engine.close_player();
    assert_eq!(entries(&stage, "file_watched").await.len(), 1);
    assert_eq!(fs::read_dir(stage.folder.path().join("clips")).unwrap().count(), 0, "nothing is kept of it");

    let mut wanted: Vec<_> = footage
        .files
        .iter()
        .filter(|file| file.state == FootageState::Ready && file.start_us.is_some())
        .map(|file| ImportFootage { id: file.id, start_us: file.start_us.unwrap(), source: "Found".into() })
        .collect();
    wanted.push(ImportFootage {
        id: untimed.id,
        start_us: UnixMicros(1_700_000_000_000_000),
        source: "Given".into(),
    });
    let future = ImportFootage { start_us: UnixMicros(i64::MAX / 2), ..wanted[0].clone() };
    assert_eq!(stage.engine.import_footage(vec![future]).unwrap_err().code, ErrorCode::Invalid);
    let footage = imported(&stage, wanted).await;
    let of = |name: &str| footage.files.iter().find(|file| file.name == name).unwrap();
    assert_eq!(
        (of("20261101_100000.mkv").state, of("20261101_100000.mkv").pictures),
        (FootageState::Done, PICTURES)
    );
    assert_eq!(of("no time.mp4").pictures, PICTURES);
    let cut = of("20261101_110000.mkv");
    assert!(cut.state == FootageState::Done && (30..90).contains(&cut.pictures), "{cut:?}");
    assert_eq!(stage.engine.sources().await.unwrap().len(), 2);
    let given =
        stage.engine.sources().await.unwrap().into_iter().find(|source| source.name == "Given").unwrap();
    assert_eq!(given.from_us, Some(UnixMicros(1_700_000_000_000_000)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_dies_costs_its_file_alone_and_leaves_nothing_of_it() {
    let stage = Stage::owned_with_clips_of(Duration::from_secs(2)).await;
    let folder = tempfile::tempdir().unwrap();
    // A hundred minutes, so that there is time to end its reader.
    let big = film(folder.path(), "20261101_100000.mkv", &H264);
    let longer = folder.path().join("20261101_120000.mkv");
    let list = folder.path().join("list");
    fs::write(&list, format!("file '{}'\n", big.display()).repeat(1_500)).unwrap();
    let joined = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "concat", "-safe", "0", "-i"])
        .arg(&list)
        .args(["-c", "copy", "-an"])
        .arg(&longer)
        .stdin(Stdio::null())
        .status()
        .unwrap();
    assert!(joined.success());
    let footage = looked(&stage, &[big, longer]).await;
    stage.engine.import_footage(all_into(&footage, "Car")).unwrap();
    until("clips of the long one", PATIENCE, async || {
        let footage = stage.engine.footage().unwrap();
        let long = footage.files[1].clone();
        if long.done_us > 4_000_000 { Ok(()) } else { Err(long) }
    })
    .await;
    for worker in hausrecht_tests::process::children_of(std::process::id(), "hausrecht-worker") {
        hausrecht_tests::process::signal(worker, rustix::process::Signal::KILL);
    }
    let footage = until("the import to end", PATIENCE, async || {
        let footage = stage.engine.footage().unwrap();
        if footage.importing { Err(footage.files[1].clone()) } else { Ok(footage) }
    })
    .await;
    assert_eq!(footage.files[0].state, FootageState::Done);
    let long = &footage.files[1];
    assert_eq!(
        (long.state, long.refusal),
        (FootageState::Failed, Some(FootageRefusal::ReaderDied)),
        "{long:?}"
    );
    let source = stage.engine.sources().await.unwrap().remove(0);
    let pictures: i64 = stage.clips(source.id).await.iter().map(|clip| clip.duration_us).sum();
    assert!(pictures < 4_200_000, "only the whole file is there: {pictures}");
    let ended = entries(&stage, "import_ended").await;
    assert_eq!(ended.len(), 2);

    // It can be tried again, and be stopped.
    stage
        .engine
        .import_footage(vec![ImportFootage {
            id: long.id,
            start_us: long.start_us.unwrap(),
            source: "Car".into(),
        }])
        .unwrap();
    until("it to be under way", PATIENCE, async || {
        let long = stage.engine.footage().unwrap().files[1].clone();
        if long.state == FootageState::Importing && long.done_us > 0 { Ok(()) } else { Err(long) }
    })
    .await;
    stage.engine.stop_footage().unwrap();
    until("it to be stopped", PATIENCE, async || {
        let footage = stage.engine.footage().unwrap();
        if footage.files[1].state == FootageState::Stopped { Ok(()) } else { Err(footage.files[1].clone()) }
    })
    .await;
    let clips = stage.clips(source.id).await;
    assert!(clips.iter().map(|clip| clip.duration_us).sum::<i64>() < 4_200_000);

    // A clip's own sealed file leads to it, wherever a copy of it lies.
    let sealed = folder.path().join(format!("{}.age", clips[0].id));
    assert_eq!(stage.engine.sealed_clip(&sealed).await.unwrap(), clips[0].id);
    let foreign = stage.engine.sealed_clip(&folder.path().join("00000000000000ff.age")).await.unwrap_err();
    assert_eq!(foreign.code, ErrorCode::NotFound);
}

#[test]
fn the_command_line_imports_a_folder_with_its_two_views() {
    let folder = tempfile::tempdir().unwrap();
    let card = folder.path().join("card");
    fs::create_dir(&card).unwrap();
    film(&card, "20261101100000_000123F.MP4", &H264);
    film(&card, "20261101100000_000124R.MP4", &[&["-vf", "hflip"][..], &H264].concat());
    let secret = folder.path().join("secret");
    fs::write(&secret, OWNER_PASSPHRASE).unwrap();
    let run = |args: &[&str]| {
        Command::new(programs::cli())
            .arg("--data-dir")
            .arg(folder.path().join("vault"))
            .arg("--passphrase-file")
            .arg(&secret)
            .arg("--json")
            .args(args)
            .stdin(Stdio::null())
            .env_remove("HAUSRECHT_DATA")
            .env_remove("HAUSRECHT_NAME")
            .output()
            .unwrap()
    };
    assert!(run(&["init", "--owner", "Alex"]).status.success());
    let path = card.display().to_string();
    let import = ["clips", "import", &path, "--source", "Car", "--time-zone", "UTC"];
    let out = run(&import);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let listed: serde_json::Value = serde_json::from_slice(&run(&["clips"]).stdout).unwrap();
    let mut names: Vec<_> =
        listed.as_array().unwrap().iter().map(|clip| clip["camera_name"].as_str().unwrap()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names, ["Car (front)", "Car (rear)"]);
    let again: serde_json::Value = serde_json::from_slice(&run(&import).stdout).unwrap();
    assert!(again["files"].as_array().unwrap().iter().all(|file| file["known_in"].is_string()), "{again}");
}

fn sha256_of(bytes: &[u8]) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), bytes).unwrap();
    let out = Command::new("sha256sum").arg(file.path()).output().unwrap();
    String::from_utf8(out.stdout).unwrap()[..64].to_owned()
}
