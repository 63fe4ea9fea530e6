//! Tests of the database as a whole.

use hausrecht_model::{CameraId, EventKind, PersonId, UnixMicros};

use super::*;

fn open() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("hausrecht.db")).unwrap();
    (folder, store)
}

fn entry(index: u64, kind: &str) -> EntryRow {
    EntryRow {
        index,
        at_us: hausrecht_model::UnixMicros(i64::try_from(index).unwrap()),
        kind: kind.to_owned(),
        actor: None,
        camera: None,
        clip: None,
        person: None,
        grant: None,
        refers_to: None,
        leaf: vec![7],
        personal: None,
    }
}

#[test]
fn a_newer_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hausrecht.db");
    drop(Store::open(&path).unwrap());
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    assert!(matches!(Store::open(&path), Err(StoreError::Newer { found: 99, known: NEWEST })));
    let connection = Connection::open(&path).unwrap();
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 99);
}

#[test]
fn something_else_is_called_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hausrecht.db");
    std::fs::write(&path, vec![0x55; 8192]).unwrap();
    assert!(matches!(Store::open(&path), Err(StoreError::Damaged(_))));
}

#[test]
fn a_failed_write_leaves_nothing() {
    let (_folder, mut store) = open();
    let outcome: Result<()> = store.write(|tables| {
        tables.append_entry(&entry(0, "started"), 0, &[[1; 32]])?;
        tables.append_entry(&entry(0, "started"), 1, &[])
    });
    assert!(outcome.is_err());
    assert_eq!(store.read(|tables| tables.log_size()).unwrap(), 0);
}

#[test]
fn pages_of_the_log_meet_without_a_gap() {
    let (_folder, mut store) = open();
    store
        .write(|tables| -> Result<()> {
            for index in 0..100 {
                let kind = if index % 3 == 0 { "opened" } else { "recorded" };
                tables.append_entry(&entry(index, kind), index, &[[0; 32]])?;
            }
            Ok(())
        })
        .unwrap();
    for kinds in [vec![], vec!["opened".to_owned()]] {
        let filter = EntryFilter { kinds, ..EntryFilter::default() };
        let all = store.read(|tables| tables.entries(&filter, 0, 500)).unwrap();
        let mut paged = Vec::new();
        while let page = store.read(|tables| tables.entries(&filter, paged.len() as u64, 7)).unwrap()
            && !page.is_empty()
        {
            paged.extend(page);
        }
        let numbers = |rows: &[EntryRow]| rows.iter().map(|row| row.index).collect::<Vec<_>>();
        assert_eq!(numbers(&paged), numbers(&all));
        assert_eq!(store.read(|tables| tables.count_entries(&filter)).unwrap(), all.len() as u64);
    }
}

#[test]
fn every_filter_of_the_log_finds_what_a_look_at_each_entry_finds() {
    let (_folder, mut store) = open();
    let cameras: [CameraId; 2] = ["00000000000000c0".parse().unwrap(), "00000000000000c1".parse().unwrap()];
    let people: [PersonId; 2] = ["00000000000000e0".parse().unwrap(), "00000000000000e1".parse().unwrap()];
    let kinds = ["opened", "previewed", "recorded", "grant"];
    let rows: Vec<EntryRow> = (0..300_usize)
        .map(|number| EntryRow {
            camera: (number % 5 != 0).then(|| cameras[number % 2]),
            actor: (number % 3 != 0).then(|| people[number % 2]),
            // Some entries are by the person that they are about.
            person: (number % 7 < 3).then(|| people[number / 3 % 2]),
            ..entry(number as u64, kinds[number / 5 % 4])
        })
        .collect();
    store
        .write(|tables| -> Result<()> {
            for row in &rows {
                tables.append_entry(row, row.index, &[[0; 32]])?;
            }
            Ok(())
        })
        .unwrap();
    for wanted in [vec![], vec!["opened"], vec!["opened", "previewed", "grant"]] {
        for camera in [None, Some(cameras[0])] {
            for person in [None, Some(people[1])] {
                let filter = EntryFilter {
                    kinds: wanted.iter().map(ToString::to_string).collect(),
                    camera,
                    person,
                    ..EntryFilter::default()
                };
                let fits = |row: &&EntryRow| {
                    (wanted.is_empty() || wanted.contains(&row.kind.as_str()))
                        && (camera.is_none() || row.camera == camera)
                        && (person.is_none() || row.actor == person || row.person == person)
                };
                let expected: Vec<u64> = rows.iter().filter(fits).map(|row| row.index).rev().collect();
                assert!(!expected.is_empty());
                let (count, found) = store
                    .read(|tables| {
                        Ok::<_, StoreError>((tables.count_entries(&filter)?, tables.entries(&filter, 3, 40)?))
                    })
                    .unwrap();
                assert_eq!(count, expected.len() as u64, "{filter:?}");
                let found: Vec<u64> = found.iter().map(|row| row.index).collect();
                assert_eq!(
                    found,
                    expected.iter().skip(3).take(40).copied().collect::<Vec<_>>(),
                    "{filter:?}"
                );
            }
        }
    }
}

fn camera() -> CameraRow {
    CameraRow {
        id: "00000000000000c0".parse().unwrap(),
        name: "Front".to_owned(),
        endpoint: "endpoint".to_owned(),
        xaddr: "http://10.0.0.7/onvif/device_service".to_owned(),
        maker: String::new(),
        model: String::new(),
        firmware: String::new(),
        demo: false,
        main_uri: "rtsp://10.0.0.7/".to_owned(),
        sub_uri: None,
        sign_in: Vec::new(),
        added_us: UnixMicros(1),
        removed_us: None,
        main_token: None,
        sub_token: None,
        certificate: None,
        own_level: None,
        imported: false,
    }
}

fn event(camera: &CameraRow, kind: EventKind, topic: &str) -> EventRow {
    EventRow {
        id: if topic.starts_with("Acme") { "00000000000000e0" } else { "00000000000000e1" }.parse().unwrap(),
        camera: camera.id,
        kind,
        topic: topic.to_owned(),
        start_us: UnixMicros(5),
        end_us: Some(UnixMicros(6)),
        mapped_from: None,
    }
}

#[test]
fn what_the_owner_says_of_a_topic_holds_for_stored_events_and_can_be_forgotten() {
    let (_folder, mut store) = open();
    let camera = camera();
    let kinds = store
        .write(|tables| -> Result<_> {
            tables.put_camera(&camera)?;
            tables.insert_event(&event(&camera, EventKind::Unknown, "Acme/Bell"))?;
            tables.insert_event(&event(&camera, EventKind::Motion, "VideoSource/MotionAlarm"))?;
            let kinds = || -> Result<Vec<EventKind>> {
                let mut events = tables.events(UnixMicros(0), UnixMicros(9))?;
                events.sort_by(|one, other| one.topic.cmp(&other.topic));
                Ok(events.into_iter().map(|event| event.kind).collect())
            };
            let mut seen = Vec::new();
            for said in [Some(EventKind::Doorbell), Some(EventKind::Person), None] {
                tables.map_topic("acme/bell", said)?;
                seen.push(kinds()?);
            }
            Ok(seen)
        })
        .unwrap();
    let expected = [EventKind::Doorbell, EventKind::Person, EventKind::Unknown];
    assert_eq!(kinds, expected.map(|kind| vec![kind, EventKind::Motion]));
}

#[test]
fn unknown_topics_are_counted_and_their_number_is_bounded() {
    let (_folder, mut store) = open();
    let camera = camera();
    let seen = |topic: &str, last_us| UnknownTopicRow {
        camera: camera.id,
        topic: topic.to_owned(),
        data: "[]".to_owned(),
        count: 2,
        last_us: UnixMicros(last_us),
    };
    store
        .write(|tables| -> Result<()> {
            tables.put_camera(&camera)?;
            tables.add_unknown_topic(&seen("Acme/Bell", 1))?;
            tables.add_unknown_topic(&seen("ACME/bell", 2))?;
            let all = tables.unknown_topics()?;
            assert_eq!((all.len(), all[0].count, all[0].last_us), (1, 4, UnixMicros(2)));
            tables.map_topic("Acme/Bell", Some(EventKind::Doorbell))?;
            assert_eq!(tables.unknown_topics()?, [], "it is known now");
            for number in 0..300 {
                tables.add_unknown_topic(&seen(&format!("Acme/{number}"), 10 + number))?;
            }
            assert_eq!(tables.unknown_topics()?.len(), 256);
            tables.erase_events(camera.id, UnixMicros(300))?;
            assert_eq!(tables.unknown_topics()?.len(), 10, "what a camera said is kept no longer than clips");
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_database_of_the_first_schema_is_upgraded_with_what_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hausrecht.db");
    let mut connection = Connection::open(&path).unwrap();
    migrations().to_version(&mut connection, 1).unwrap();
    let camera = camera();
    connection
        .execute(
            "INSERT INTO cameras (id, name, endpoint, xaddr, maker, model, firmware, demo, main_uri, sign_in, added_us)
             VALUES (?1, 'Front', 'endpoint', 'http://10.0.0.7/', '', '', '', 0, 'rtsp://10.0.0.7/', x'', 1)",
            [camera.id.to_string()],
        )
        .unwrap();
    connection
        .execute(
            "INSERT INTO events VALUES ('00000000000000aa', ?1, 'unknown', 'Acme/Bell', 5, 6)",
            [camera.id.to_string()],
        )
        .unwrap();
    drop(connection);
    let mut store = Store::open(&path).unwrap();
    let events = store.read(|tables| tables.events(UnixMicros(0), UnixMicros(9))).unwrap();
    assert_eq!((events.len(), events[0].kind), (1, EventKind::Unknown));
    let kept = store.read(|tables| tables.cameras()).unwrap();
    assert_eq!((kept.len(), kept[0].id, kept[0].certificate), (1, camera.id, None));
}

#[test]
fn the_schema_is_the_golden_one() {
    let (_folder, mut store) = open();
    let schema: Vec<String> = store
        .connection
        .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<rusqlite::Result<_>>()
        .unwrap();
    insta::assert_snapshot!(schema.join(";\n\n"));
    store.truncate_wal().unwrap();
}

#[test]
fn a_camera_of_the_first_schema_is_kept_when_the_database_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hausrecht.db");
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch(STEPS[0]).unwrap();
    connection.pragma_update(None, "user_version", 1).unwrap();
    connection
        .execute(
            "INSERT INTO cameras VALUES ('00000000000000c1', 'Yard', 'e', 'http://c/', 'm', 'n', 'f', 0, 'rtsp://c/', \
             NULL, x'07', 5, NULL)",
            [],
        )
        .unwrap();
    drop(connection);
    let mut store = Store::open(&path).unwrap();
    let cameras = store.read(|tables| tables.cameras()).unwrap();
    assert_eq!(cameras.len(), 1);
    assert_eq!(
        (cameras[0].name.as_str(), &cameras[0].main_token, cameras[0].certificate),
        ("Yard", &None, None)
    );
    store
        .write(|tables| -> Result<()> {
            tables.put_camera(&CameraRow { certificate: Some([9; 32]), ..cameras[0].clone() })?;
            let intended = IntendedSignIn { camera: cameras[0].id, sign_in: vec![1], own_level: None };
            tables.put_intended_sign_in(&intended)?;
            tables.put_preset_picture(cameras[0].id, "1", &[2])
        })
        .unwrap();
    let read = store.read(|tables| -> Result<_> {
        Ok((tables.cameras()?, tables.intended_sign_ins()?, tables.preset_picture(cameras[0].id, "1")?))
    });
    let (again, intended, picture) = read.unwrap();
    assert_eq!(again[0].certificate, Some([9; 32]));
    assert_eq!((intended[0].sign_in.as_slice(), picture), ([1].as_slice(), Some(vec![2])));
}

#[test]
fn a_fetch_is_remembered_until_it_has_ended_and_gaps_are_looked_at_once() {
    let (_folder, mut store) = open();
    let camera = camera();
    let job = CardJobRow {
        id: "00000000000000f0".parse().unwrap(),
        camera: camera.id,
        recording: "r0".to_owned(),
        from_us: UnixMicros(5),
        to_us: UnixMicros(9),
        asked_by: None,
    };
    store
        .write(|tables| -> Result<()> {
            tables.put_camera(&camera)?;
            tables.insert_card_job(&job)?;
            assert_eq!(tables.card_jobs(camera.id)?, std::slice::from_ref(&job));
            tables.delete_card_job(job.id)?;
            assert!(tables.card_jobs(camera.id)?.is_empty());
            tables.advance_gap_filling(camera.id, UnixMicros(7))?;
            assert_eq!(tables.gap_filling(camera.id)?, None, "nobody wished for it");
            tables.put_gap_filling(camera.id, UnixMicros(3))?;
            for (since, kept) in [(7, 7), (4, 7)] {
                tables.advance_gap_filling(camera.id, UnixMicros(since))?;
                assert_eq!(tables.gap_filling(camera.id)?, Some(UnixMicros(kept)));
            }
            tables.insert_card_job(&job)?;
            tables.forget_card(camera.id)?;
            assert_eq!((tables.gap_filling(camera.id)?, tables.card_jobs(camera.id)?.len()), (None, 0));
            Ok(())
        })
        .unwrap();
}

#[test]
fn spans_of_clips_say_which_came_from_a_card() {
    let (_folder, mut store) = open();
    let camera = camera();
    let clip = |id: &str, start_us, from_card| ClipRow {
        id: id.parse().unwrap(),
        camera: camera.id,
        start_us: UnixMicros(start_us),
        duration_us: 10,
        size_bytes: 1,
        plain_bytes: 1,
        sha256: [0; 32],
        cut_short: false,
        codec: "h264".to_owned(),
        width: 1,
        height: 1,
        fragments: Vec::new(),
        thumbnail: None,
        entry: 0,
        from_card,
    };
    let (live, fetched) = (clip("00000000000000b0", 10, false), clip("00000000000000b1", 30, true));
    let read = store.write(|tables| -> Result<_> {
        tables.put_camera(&camera)?;
        tables.insert_clip(&live)?;
        tables.insert_clip(&fetched)?;
        let spans = |from, to| {
            let filter = ClipFilter {
                cameras: vec![camera.id],
                span_us: Some((UnixMicros(from), UnixMicros(to))),
                ..ClipFilter::default()
            };
            let clips = tables.clip_spans(&filter)?;
            Ok::<_, StoreError>(clips.iter().map(|clip| (clip.start_us, clip.end_us)).collect::<Vec<_>>())
        };
        let first =
            (tables.first_live(camera.id, UnixMicros(0))?, tables.first_live(camera.id, UnixMicros(11))?);
        Ok((spans(0, 100)?, spans(20, 30)?, first, tables.clip(live.id)?, tables.clip(fetched.id)?))
    });
    let (all, between, first, live, fetched) = read.unwrap();
    assert_eq!(first, (Some(UnixMicros(10)), None));
    let span = |from, to| (UnixMicros(from), UnixMicros(to));
    assert_eq!((all, between), (vec![span(30, 40), span(10, 20)], vec![]));
    assert_eq!((live.unwrap().from_card, fetched.unwrap().from_card), (false, true));
}
