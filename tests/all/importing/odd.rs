//! Films that are no good, or become no good while they are read: each costs itself alone, and no original is touched.

use std::{
    fs,
    io::Write,
    os::unix::fs::symlink,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use hausrecht_engine::wire::{FootageRefusal, FootageState};
use hausrecht_tests::{
    stage::{PATIENCE, Stage},
    until::until,
};

use super::{H264, PICTURES, all_into, film, imported, looked};

/// Writes a hundred times the length into an MP4's `mvhd`, `tkhd` and `mdhd`, all of version 0.
fn lie_about_its_length(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let mut lies = 0;
    for (name, offset) in [(b"mvhd", 20), (b"tkhd", 24), (b"mdhd", 20)] {
        for at in 0..bytes.len() - 64 {
            if bytes[at..at + 4] == name[..] {
                let place = &mut bytes[at + offset..at + offset + 4];
                let told = u32::from_be_bytes((&*place).try_into().unwrap());
                place.copy_from_slice(&(told * 100).to_be_bytes());
                lies += 1;
            }
        }
    }
    assert!(lies >= 3, "{lies}");
    fs::write(path, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_false_length_a_pipe_and_a_circle_cost_nothing() {
    let stage = Stage::owned_with_clips_of(Duration::from_secs(2)).await;
    let folder = tempfile::tempdir().unwrap();
    let card = folder.path().join("card");
    fs::create_dir(&card).unwrap();
    let liar = film(&card, "20261101_100000.mp4", &H264);
    lie_about_its_length(&liar);
    symlink(&card, card.join("again")).unwrap();
    let pipe = folder.path().join("pipe.mp4");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let gone = folder.path().join("gone.mp4");
    let (bytes, changed) = (fs::read(&liar).unwrap(), fs::metadata(&liar).unwrap().modified().unwrap());

    let footage = looked(&stage, &[card, pipe.clone(), gone.clone()]).await;
    let mut refused: Vec<_> = footage
        .files
        .iter()
        .filter(|file| file.state == FootageState::Refused)
        .map(|file| (file.name.as_str(), file.refusal))
        .collect();
    refused.sort_by_key(|(name, _)| *name);
    let unreadable = Some(FootageRefusal::Unreadable);
    assert_eq!(refused, [("gone.mp4", unreadable), ("pipe.mp4", unreadable)]);
    assert_eq!(footage.files.len(), 3, "the circle is not walked: {footage:?}");

    let footage = imported(&stage, all_into(&footage, "Car")).await;
    let file = footage.files.iter().find(|file| file.name == "20261101_100000.mp4").unwrap();
    assert_eq!((file.state, file.pictures), (FootageState::Done, PICTURES), "{file:?}");
    let source = stage.engine.sources().await.unwrap().remove(0);
    let length_us: i64 = stage.clips(source.id).await.iter().map(|clip| clip.duration_us).sum();
    assert!((3_900_000..4_200_000).contains(&length_us), "as long as its pictures: {length_us}");
    assert_eq!(fs::read(&liar).unwrap(), bytes);
    assert_eq!(fs::metadata(&liar).unwrap().modified().unwrap(), changed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_that_changes_while_it_is_taken_over_is_not_kept() {
    let stage = Stage::owned_with_clips_of(Duration::from_secs(2)).await;
    let folder = tempfile::tempdir().unwrap();
    let short = film(folder.path(), "20261101_100000.mkv", &H264);
    let long = folder.path().join("20261101_120000.mkv");
    let list = folder.path().join("list");
    fs::write(&list, format!("file '{}'\n", short.display()).repeat(500)).unwrap();
    let joined = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "concat", "-safe", "0", "-i"])
        .arg(&list)
        .args(["-c", "copy", "-an"])
        .arg(&long)
        .stdin(Stdio::null())
        .status()
        .unwrap();
    assert!(joined.success());
    let footage = looked(&stage, std::slice::from_ref(&long)).await;
    stage.engine.import_footage(all_into(&footage, "Car")).unwrap();
    until("clips of it", PATIENCE, async || {
        let file = stage.engine.footage().unwrap().files.remove(0);
        if file.done_us > 4_000_000 { Ok(()) } else { Err(file) }
    })
    .await;
    fs::OpenOptions::new().append(true).open(&long).unwrap().write_all(b"more").unwrap();
    let file = until("the import to end", PATIENCE, async || {
        let footage = stage.engine.footage().unwrap();
        if footage.importing { Err(footage.files[0].clone()) } else { Ok(footage.files[0].clone()) }
    })
    .await;
    assert_eq!((file.state, file.refusal), (FootageState::Failed, Some(FootageRefusal::Changed)), "{file:?}");
    assert!(stage.engine.sources().await.unwrap().is_empty(), "nothing stays of it, nor its source");
    let folders = fs::read_dir(stage.folder.path().join("clips")).unwrap();
    let left: Vec<_> = folders.flat_map(|folder| fs::read_dir(folder.unwrap().path()).unwrap()).collect();
    assert!(left.is_empty(), "{left:?}");
}
