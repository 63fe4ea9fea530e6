//! What lies on the disk: sealed, openable with stock `age` by the owner alone, and gone when its time is over.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use hausrecht_engine::wire::{AddPerson, CreateOwner, GiveGrant, GrantScope, LogQuery};
use hausrecht_model::{CameraId, ClipId, PersonId};
use hausrecht_store::Store;
use hausrecht_tests::{
    camera::{SimCam, USER},
    media_file::{age_decrypt, count},
    programs,
    until::until,
};
use hausrecht_vault::{DeviceKeys, ExposeSecret, PersonKeys, SecretString};

use hausrecht_tests::stage::{OWNER, OWNER_PASSPHRASE, PATIENCE, Stage, alone};

const PERSON: &str = "Robin Quellhorst";
const PERSON_PASSPHRASE: &str = "copper window maple seven drift anchor";
const REASON: &str = "was at the door when the parcel came";
const CAMERA_PASSWORD: &str = "kjeldahl-4711-kipp";

#[tokio::test(flavor = "multi_thread")]
async fn stock_age_opens_a_clip_for_the_owner_and_neither_half_of_a_grant_does() {
    if !alone("keeping::stock_age_opens_a_clip_for_the_owner_and_neither_half_of_a_grant_does") {
        return;
    }
    let camera = SimCam::start(&["--password", CAMERA_PASSWORD]);
    let stage = Stage::empty().await;
    let owner = CreateOwner { name: OWNER.into(), passphrase: OWNER_PASSPHRASE.into(), accept_weak: false };
    let sheet = stage.engine.create_owner(owner).await.unwrap();
    let found = stage.find(&camera.address()).await;
    let id =
        stage.connect_with(&found.key, USER, CAMERA_PASSWORD).await.camera.expect("the camera lets us in");
    let clips = stage.wait_for_clips(id, 3).await;
    let new = AddPerson {
        name: PERSON.into(),
        passphrase: PERSON_PASSPHRASE.into(),
        accept_weak: false,
        ..AddPerson::default()
    };
    let person = stage.engine.add_person(new).await.unwrap().face.id;
    let scope = GrantScope::Clip { clip: clips[1].id };
    let give = GiveGrant::plain(person, scope, None, REASON);
    stage.engine.grant(give).await.unwrap();
    let (folder, _) = stage.close().await;
    let folder = folder.path();

    // From here on there is no Hausrecht, only its folder, the recovery sheet, and Debian's age and ffprobe.
    let keys = tempfile::tempdir().unwrap();
    let sheet_file = keys.path().join("sheet.txt");
    let identity: String = sheet.identity.split_whitespace().collect();
    fs::write(&sheet_file, format!("{identity}\n")).unwrap();
    let mut frames = Vec::new();
    let mut joined: Vec<f64> = Vec::new();
    for clip in &clips[..3] {
        let wraps = wraps(folder, clip.id);
        let (_, wrap) = wraps.iter().find(|(grant, _)| grant.is_none()).expect("the owner has a wrap");
        let key_file = keys.path().join(format!("{}.txt", clip.id));
        fs::write(&key_file, age_decrypt(wrap, &sheet_file)).unwrap();
        let mp4 = age_decrypt(&fs::read(sealed(folder, id, clip.id)).unwrap(), &key_file);
        let counted = count(&mp4);
        assert_eq!((counted.codec.as_str(), counted.width, counted.height), ("h264", 1920, 1080));
        assert!(!counted.sound);
        // The footage has a key frame every 25 frames and clips are cut there, so a lost frame would leave an odd number.
        let per_second = counted.frames as f64 * 1e6 / clip.duration_us as f64;
        assert_eq!(counted.frames % 25, 0, "a frame is missing within the clip");
        assert!((per_second - 25.0).abs() < 1.0, "{} frames in {} µs", counted.frames, clip.duration_us);
        let start_s = clip.start_us.0 as f64 / 1e6;
        let first_s = counted.times_s.iter().copied().fold(f64::INFINITY, f64::min);
        joined.extend(counted.times_s.iter().map(|time| start_s + time - first_s));
        frames.push(counted.frames);
    }
    joined.sort_by(f64::total_cmp);
    let widest = joined.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
    // Times follow the arrival of the packets and waver by some frames on a busy machine; a lost group of pictures is a second.
    assert!(widest < 0.5, "pictures are missing between two clips: {widest} s between two frames");
    println!("stock age and ffprobe: {frames:?} frames in three clips, none missing between them");

    // A reader that a stranger wrote from the documents.
    let film = keys.path().join("film.mp4");
    let mut reader = Command::new("/usr/bin/python3");
    reader
        .arg(programs::root().join("src-tauri/crates/vault/check/open_clip.py"))
        .arg(folder)
        .arg(&sheet_file);
    let read = reader.arg(clips[1].id.to_string()).arg(&film).output().unwrap();
    let said = String::from_utf8_lossy(&read.stdout).into_owned();
    assert!(read.status.success(), "{said}{}", String::from_utf8_lossy(&read.stderr));
    assert!(said.starts_with("untouched since it was recorded: entry "), "{said}");
    let may_view: Vec<_> = said.lines().filter_map(|line| line.strip_prefix("may view: ")).collect();
    assert_eq!(may_view, [OWNER, PERSON]);
    assert_eq!(count(&fs::read(&film).unwrap()).frames, frames[1]);

    // A grant's wrap: neither this computer's key nor the person's alone.
    let granted = wraps(folder, clips[1].id);
    let (_, wrap) = granted.iter().find(|(grant, _)| grant.is_some()).expect("the grant has a wrap");
    let broker = DeviceKeys::load(folder).unwrap().expect("this computer has its keys");
    let own = person_keys(folder, person);
    assert!(hausrecht_vault::open_with(own.identity(), wrap).is_err(), "the person alone");
    let inner = hausrecht_vault::open_with(broker.broker(), wrap).unwrap();
    assert!(!inner.windows(14).any(|text| text == b"AGE-SECRET-KEY"), "this computer alone");
    assert!(hausrecht_vault::open_with(broker.broker(), &inner).is_err(), "this computer alone, twice");
    let both = keys.path().join("both.txt");
    let person_file = keys.path().join("person.txt");
    fs::write(&person_file, own.identity().to_secret_text().expose_secret()).unwrap();
    fs::write(&both, age_decrypt(&inner, &person_file)).unwrap();
    let mp4 = age_decrypt(&fs::read(sealed(folder, id, clips[1].id)).unwrap(), &both);
    assert_eq!(count(&mp4).frames, frames[1], "together they open it");

    // No picture, no name, no reason and no camera password is readable.
    for path in files_below(folder) {
        let bytes = fs::read(&path).unwrap();
        let holds = |word: &[u8]| bytes.windows(word.len()).any(|part| part == word);
        for word in [PERSON, REASON, CAMERA_PASSWORD, PERSON_PASSPHRASE, OWNER_PASSPHRASE, identity.as_str()]
        {
            assert!(!holds(word.as_bytes()), "{} holds “{word}”", path.display());
        }
        let fragment = bytes.windows(12).any(|part| part.starts_with(b"moof") && part.ends_with(b"mfhd"));
        assert!(!fragment && !holds(b"JFIF\0"), "{} holds a picture", path.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clips_are_erased_when_their_time_is_over() {
    if !alone("keeping::clips_are_erased_when_their_time_is_over") {
        return;
    }
    let camera = SimCam::start(&[]);
    let stage = Stage::owned().await;
    assert_eq!(stage.engine.settings().kept_hours, 72);
    let id = stage.connect(&camera).await;
    let old: Vec<ClipId> = stage.wait_for_clips(id, 2).await.into_iter().map(|clip| clip.id).collect();
    drop(camera);

    stage.clock.advance(Duration::from_secs(71 * 3600));
    let stage = stage.restart().await;
    stage.sign_in_owner().await;
    assert!(stage.clips(id).await.len() >= old.len(), "an hour too early");

    stage.clock.advance(Duration::from_secs(2 * 3600));
    let stage = stage.restart().await;
    stage.sign_in_owner().await;
    until("the old clips to be erased", PATIENCE, async || {
        let left = stage.clips(id).await;
        if left.iter().any(|clip| old.contains(&clip.id)) { Err(left) } else { Ok(()) }
    })
    .await;
    let query = LogQuery { limit: 10, kinds: vec!["erased".into()], ..LogQuery::default() };
    let page = stage.engine.log_page(query).await.unwrap();
    assert!(!page.rows.is_empty(), "the erasing is in the log");
    for clip in &old {
        assert!(!sealed(stage.folder.path(), id, *clip).exists(), "the file is gone");
    }
    let (folder, _) = stage.close().await;
    for clip in &old {
        assert!(wraps(folder.path(), *clip).is_empty(), "the wraps are gone");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn recording_goes_on_with_the_vault_locked_and_after_a_restart() {
    if !alone("keeping::recording_goes_on_with_the_vault_locked_and_after_a_restart") {
        return;
    }
    let camera = SimCam::start(&[]);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    stage.wait_for_clips(id, 1).await;
    // Nobody signs in after this start; the clips come all the same.
    let stage = stage.restart().await;
    let clips = stage.folder.path().join("clips").join(id.to_string());
    let before = sealed_count(&clips);
    until("two clips with the vault locked", PATIENCE, async || {
        let now = sealed_count(&clips);
        if now >= before + 2 { Ok(()) } else { Err(now) }
    })
    .await;
    stage.sign_in_owner().await;
    let newest = stage.clips(id).await.pop().unwrap();
    stage.engine.open_clip(newest.id).await.unwrap();
}

fn sealed_count(folder: &Path) -> usize {
    files_below(folder).iter().filter(|path| path.extension().is_some_and(|ending| ending == "age")).count()
}

fn sealed(folder: &Path, camera: CameraId, clip: ClipId) -> PathBuf {
    folder.join("clips").join(camera.to_string()).join(format!("{clip}.age"))
}

fn wraps(folder: &Path, clip: ClipId) -> Vec<(Option<hausrecht_model::GrantId>, Vec<u8>)> {
    let mut store = Store::open(&folder.join("hausrecht.db")).unwrap();
    store.read(|tables| tables.wraps(clip)).unwrap()
}

fn person_keys(folder: &Path, person: PersonId) -> PersonKeys {
    let file = fs::read(folder.join("people").join(format!("{person}.age"))).unwrap();
    PersonKeys::open(&file, &SecretString::from(PERSON_PASSPHRASE.to_owned())).unwrap()
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found
}
