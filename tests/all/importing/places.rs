//! What a dashcam writes beside a film: it says when the film begins, and where its camera was, to the owner alone.

use std::{fs, time::Duration};

use hausrecht_engine::wire::{AddPerson, FootageState, GiveGrant, GrantScope, TimeFrom};
use hausrecht_tests::stage::Stage;

use super::{H264, all_into, entries, film, imported, looked, sha256_of};

/// 2026-11-01 09:00:00 UTC.
const AT_US: i64 = 1_793_523_600_000_000;
const PERSON: &str = "Robin";
const PERSON_PASSPHRASE: &str = "copper window maple seven drift anchor";
/// Planted: it must stand nowhere in plain.
const MINUTES: &str = "08.2277";

/// Five seconds in Munich, the second place a little farther north.
fn sentences() -> String {
    let line = |second: i64| {
        let body = format!("GPRMC,09000{second}.000,A,48{MINUTES},N,01134.5280,E,027.0,231.8,011126,,,A");
        let sum = body.bytes().fold(0, |sum, byte| sum ^ byte);
        format!("[{}]${body}*{sum:02X}\r\n", AT_US / 1000 + second * 1000)
    };
    (0..5).map(line).collect()
}

/// The same pictures in another file.
fn titled(title: &str) -> Vec<&str> {
    [&H264[..], &["-metadata"]].concat().into_iter().chain([title]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dashcams_places_say_when_and_where() {
    let stage = Stage::owned_with_clips_of(Duration::from_secs(2)).await;
    // The recorder's own zone is none that anybody would guess.
    stage.engine.set_footage_zone("Asia/Tokyo").unwrap();
    let folder = tempfile::tempdir().unwrap();
    film(folder.path(), "20261101_020000_NF.mp4", &H264);
    film(folder.path(), "20261101_020000_NR.mp4", &titled("title=rear"));
    film(folder.path(), "20261101_030000.mp4", &titled("title=later"));
    fs::write(folder.path().join("20261101_020000_N.gps"), sentences()).unwrap();
    fs::write(folder.path().join("20261101_030000.GPX"), b"<gpx><trkpt lat='x'").unwrap();

    let footage = looked(&stage, &[folder.path().to_owned()]).await;
    assert_eq!((footage.files.len(), footage.left_out), (3, 0), "{footage:?}");
    for file in &footage.files[..2] {
        assert_eq!((file.start_us.unwrap().0, file.time_from), (AT_US, TimeFrom::Satellites), "{file:?}");
        assert_eq!(file.track, "20261101_020000_N.gps");
    }
    let other = &footage.files[2];
    assert_eq!(
        (other.time_from, other.track.as_str()),
        (TimeFrom::Name, ""),
        "what cannot be read is passed over"
    );
    let footage = imported(&stage, all_into(&footage, "Dashcam")).await;
    assert!(footage.files.iter().all(|file| file.state == FootageState::Done), "{footage:?}");

    // Each clip knows its own places; the film without them has none.
    let source = stage.engine.sources().await.unwrap()[0].id;
    let clips = stage.clips(source).await;
    let of_the_drive: Vec<_> =
        clips.iter().filter(|clip| (AT_US..AT_US + 60_000_000).contains(&clip.start_us.0)).collect();
    assert!(of_the_drive.len() >= 4, "{clips:?}");
    for clip in &clips {
        let track = stage.engine.clip(clip.id).await.unwrap().track;
        let is_of_the_drive = of_the_drive.iter().any(|one| one.id == clip.id);
        assert_eq!(!track.is_empty(), is_of_the_drive, "{track:?}");
        for place in track {
            assert!(
                (place.latitude - 48.137_128).abs() < 1e-5 && (place.longitude - 11.575_467).abs() < 1e-5
            );
            assert!((place.speed_kmh.unwrap() - 50.0).abs() < 0.1);
            assert!((place.at_us.0 - clip.start_us.0).abs() < 6_000_000);
        }
    }

    // The log says what stood beside it; nothing of it lies in plain on the disk.
    let begun = entries(&stage, "import_begun").await;
    let fact = |row: &hausrecht_engine::wire::LogRow, name: &str| {
        row.facts.iter().find(|fact| fact.name == name).map(|fact| fact.value.clone())
    };
    let hashes: Vec<_> = begun.iter().filter_map(|row| fact(row, "track_sha256")).collect();
    assert_eq!(hashes, vec![sha256_of(sentences().as_bytes()); 2]);
    for name in ["hausrecht.db", "hausrecht.db-wal"] {
        let bytes = fs::read(stage.folder.path().join(name)).unwrap_or_default();
        for planted in [MINUTES.as_bytes(), b"48.137"] {
            assert!(!bytes.windows(planted.len()).any(|window| window == planted), "{name}");
        }
    }

    // Whoever may view a clip is not told where it was taken.
    let new = AddPerson {
        name: PERSON.into(),
        passphrase: PERSON_PASSPHRASE.into(),
        accept_weak: false,
        ..AddPerson::default()
    };
    let person = stage.engine.add_person(new).await.unwrap().face.id;
    let scope = GrantScope::Clip { clip: of_the_drive[0].id };
    let give = GiveGrant::plain(person, scope, None, "the insurer's form");
    stage.engine.grant(give).await.unwrap();
    stage.sign_in(PERSON, PERSON_PASSPHRASE).await;
    assert_eq!(stage.engine.clip(of_the_drive[0].id).await.unwrap().track, []);
    stage.close().await;
}
