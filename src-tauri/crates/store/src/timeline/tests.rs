//! The buckets that triggers keep are those that a count of everything finds.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{CameraRow, ClipRow, Store, StoreError};

const DAY_US: i64 = 86_400_000_000;

fn camera(number: u64) -> CameraRow {
    CameraRow {
        id: format!("{:016x}", 0xc0 + number).parse().unwrap(),
        name: "Front".to_owned(),
        endpoint: format!("endpoint {number}"),
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

fn clip(number: usize, camera: CameraId, start_us: i64, duration_us: i64) -> ClipRow {
    ClipRow {
        id: format!("{number:016x}").parse().unwrap(),
        camera,
        start_us: UnixMicros(start_us),
        duration_us,
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
        from_card: false,
    }
}

/// A clip or an event: camera, start, length, and what happens to it later.
fn thing() -> impl Strategy<Value = (u64, i64, i64, u8)> {
    (0..3_u64, -2 * DAY_US..4 * DAY_US, prop_oneof![0..700_000_000_i64, 0..2 * DAY_US], 0..4_u8)
}

type Counted = BTreeMap<(i64, CameraId), i64>;

/// The buckets that hold something.
fn counted<'b>(length_us: i64, buckets: impl IntoIterator<Item = &'b Buckets>) -> Counted {
    let mut counted = Counted::new();
    for chunk in buckets {
        for (number, amount) in chunk.amounts.iter().enumerate().filter(|(_, amount)| **amount > 0) {
            let at = chunk.from_us.0 + i64::try_from(number).unwrap() * length_us;
            *counted.entry((at, chunk.camera)).or_default() += amount;
        }
    }
    counted
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn buckets_equal_a_recount(
        clips in prop::collection::vec(thing(), 0..24),
        events in prop::collection::vec(thing(), 0..24),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("hausrecht.db")).unwrap();
        let cameras: Vec<CameraRow> = (0..3).map(camera).collect();
        let (from, to) = (UnixMicros(-9 * DAY_US), UnixMicros(9 * DAY_US));
        store.write(|tables| -> Result<()> {
            for camera in &cameras {
                tables.put_camera(camera)?;
            }
            for (number, (camera, start, length, fate)) in clips.iter().enumerate() {
                let row = clip(number, cameras[*camera as usize].id, *start, *length);
                tables.insert_clip(&row)?;
                if *fate > 1 { tables.begin_erasing(row.id)?; }
                if *fate > 2 { tables.finish_erasing(row.id)?; }
            }
            for (number, (camera, start, length, fate)) in events.iter().enumerate() {
                let id = format!("{number:016x}").parse().unwrap();
                tables.insert_event(&EventRow {
                    id,
                    camera: cameras[*camera as usize].id,
                    kind: if fate % 2 == 0 { EventKind::Unknown } else { EventKind::Person },
                    topic: "Acme/Bell".to_owned(),
                    start_us: UnixMicros(*start),
                    end_us: None,
                    mapped_from: None,
                })?;
                if *fate > 0 { tables.end_event(id, UnixMicros(start + length))?; }
            }
            tables.map_topic("acme/bell", Some(EventKind::Doorbell))?;
            for camera in &cameras {
                tables.erase_events(camera.id, UnixMicros(DAY_US))?;
            }
            Ok(())
        }).unwrap();
        let left = store.read(|tables| tables.events(from, to)).unwrap();
        for length_us in LEVELS_US {
            let mut recorded = Counted::new();
            for (camera, start, length, _) in clips.iter().filter(|clip| clip.3 < 2) {
                let mut at = *start;
                while at < start + length {
                    let bucket = at.div_euclid(length_us) * length_us;
                    let end = (bucket + length_us).min(start + length);
                    *recorded.entry((bucket, cameras[*camera as usize].id)).or_default() += end - at;
                    at = end;
                }
            }
            let found = store.read(|tables| tables.recorded_buckets(length_us, from, to)).unwrap();
            prop_assert!(found.iter().all(|chunk| chunk.amounts.iter().any(|amount| *amount > 0)));
            prop_assert_eq!(counted(length_us, &found), recorded);
            let found = store.read(|tables| tables.event_buckets(length_us, from, to)).unwrap();
            for wanted in EventKind::ALL {
                let mut happened = Counted::new();
                for event in left.iter().filter(|event| event.kind == wanted) {
                    let bucket = event.start_us.0.div_euclid(length_us) * length_us;
                    *happened.entry((bucket, event.camera)).or_default() += 1;
                }
                let of_kind = found.iter().filter(|(kind, _)| *kind == wanted).map(|(_, chunk)| chunk);
                prop_assert_eq!(counted(length_us, of_kind), happened);
            }
        }
        // What overlaps a short span is found, however long ago it began.
        let (from, to) = (UnixMicros(DAY_US), UnixMicros(DAY_US + 3_600_000_000));
        let spans = store.read(|tables| tables.recorded_spans(from, to)).unwrap();
        let overlapping =
            clips.iter().filter(|(_, start, length, fate)| *fate < 2 && *start < to.0 && start + length > from.0);
        prop_assert_eq!(spans.len(), overlapping.count());
        let shown = store.read(|tables| tables.events(from, to)).unwrap();
        let all = store.read(|tables| tables.events(UnixMicros(-9 * DAY_US), UnixMicros(9 * DAY_US))).unwrap();
        let overlaps = |event: &&EventRow| event.start_us < to && event.end_us.is_none_or(|end| end >= from);
        prop_assert_eq!(shown.len(), all.iter().filter(overlaps).count());
        for kind in [EventKind::Doorbell, EventKind::Person] {
            let filter = crate::ClipFilter {
                events: vec![kind],
                span_us: Some((from, to)),
                ..crate::ClipFilter::default()
            };
            let found = store.read(|tables| tables.clip_spans(&filter)).unwrap();
            let expected = spans.iter().filter(|clip| {
                all.iter().any(|event| {
                    event.kind == kind
                        && event.camera == clip.0
                        && event.start_us < clip.2
                        && event.end_us.is_none_or(|end| end >= clip.1)
                })
            });
            prop_assert_eq!(found.len(), expected.count());
        }
        for clip in &spans {
            let last = store.read(|tables| tables.last_clip_in(clip.0, from, to, None)).unwrap().unwrap();
            prop_assert!(last.start_us >= clip.1);
        }
        // From anywhere on leads one question to the next clip.
        for at in [from.0, to.0, -3 * DAY_US, 3 * DAY_US] {
            for camera in &cameras {
                let mut ask = |forward| store.read(|tables| tables.clip_from(camera.id, UnixMicros(at), forward, None));
                let own = || clips.iter().filter(|(of, _, _, fate)| cameras[*of as usize].id == camera.id && *fate < 2);
                let after = own().filter(|(_, start, length, _)| start + length > at).map(|clip| clip.1).min();
                prop_assert_eq!(ask(true).unwrap().map(|clip| clip.start_us.0), after);
                let before = own().filter(|(_, start, ..)| *start <= at).map(|clip| clip.1).max();
                prop_assert_eq!(ask(false).unwrap().map(|clip| clip.start_us.0), before);
                prop_assert!(store.read(|tables| tables.clip_from(camera.id, UnixMicros(at), true, Some(&[]))).unwrap().is_none());
            }
        }
        // A walk meets every event once, in order, one or several at a time, whatever is filtered.
        for (forward, limit, kinds, camera) in [
            (true, 1, vec![], None),
            (false, 3, vec![], None),
            (true, 2, vec![EventKind::Doorbell, EventKind::Person], None),
            (false, 1, vec![EventKind::Person], Some(cameras[1].id)),
            (true, 4, vec![], Some(cameras[0].id)),
        ] {
            let mut walk = EventWalk {
                kinds: kinds.clone(),
                cameras: camera.into_iter().collect(),
                forward,
                from_us: UnixMicros(if forward { -9 * DAY_US } else { 9 * DAY_US }),
                from_id: None,
                until_us: None,
                grants: None,
                limit,
            };
            let mut met = Vec::new();
            loop {
                let found = store.read(|tables| tables.walk_events(&walk)).unwrap();
                let Some(last) = found.last() else { break };
                (walk.from_us, walk.from_id) = (last.start_us, Some(last.id));
                met.extend(found.iter().map(|event| (event.start_us, event.id)));
            }
            let mut expected: Vec<_> = left
                .iter()
                .filter(|event| kinds.is_empty() || kinds.contains(&event.kind))
                .filter(|event| camera.is_none_or(|camera| event.camera == camera))
                .map(|event| (event.start_us, event.id))
                .collect();
            expected.sort();
            if !forward {
                expected.reverse();
            }
            prop_assert_eq!(met, expected);
        }
    }
}

#[test]
fn buckets_are_made_for_what_was_there_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hausrecht.db");
    let one = camera(0);
    let mut connection = rusqlite::Connection::open(&path).unwrap();
    crate::migrations().to_version(&mut connection, 5).unwrap();
    connection
        .execute_batch(&format!(
            "INSERT INTO cameras (id, name, endpoint, xaddr, maker, model, firmware, demo, main_uri, sign_in, added_us)
             VALUES ('{0}', 'Front', 'e', 'http://c/', '', '', '', 0, 'rtsp://c/', x'', 1);
             INSERT INTO clips VALUES ('00000000000000b0', '{0}', 599000000, 2000000, 1, 1, x'', 0, '', 1, 1, x'', NULL, 0, 0, 0);
             INSERT INTO events VALUES ('00000000000000e0', '{0}', 'person', '', 5, 6, NULL);",
            one.id
        ))
        .unwrap();
    drop(connection);
    let mut store = Store::open(&path).unwrap();
    let (recorded, events) = store
        .read(|tables| -> Result<_, StoreError> {
            let (from, to) = (UnixMicros(0), UnixMicros(DAY_US));
            Ok((
                tables.recorded_buckets(LEVELS_US[0], from, to)?,
                tables.event_buckets(LEVELS_US[3], from, to)?,
            ))
        })
        .unwrap();
    let bucket = |at_us| (at_us, one.id);
    let recorded = counted(LEVELS_US[0], &recorded);
    assert_eq!(recorded, Counted::from([(bucket(0), 1_000_000), (bucket(600_000_000), 1_000_000)]));
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].0, EventKind::Person);
    assert_eq!(counted(LEVELS_US[3], [&events[0].1]), Counted::from([(bucket(0), 1)]));
}

#[test]
fn what_is_bookmarked_stays_with_its_events() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(&folder.path().join("hausrecht.db")).unwrap();
    let camera = camera(0);
    let clips = [clip(1, camera.id, 0, 60_000_000), clip(2, camera.id, 60_000_000, 60_000_000)];
    let person = crate::PersonRow {
        id: "00000000000000aa".parse().unwrap(),
        owner: true,
        color: 0,
        recipient: "age1".to_owned(),
        name_tag: vec![1],
        name_owner: Vec::new(),
        name_self: Vec::new(),
        added_us: UnixMicros(1),
        role: None,
        until_us: None,
        language: None,
        removed_us: None,
    };
    let bookmark = crate::BookmarkRow {
        id: "00000000000000bb".parse().unwrap(),
        clip: clips[0].id,
        camera: camera.id,
        person: person.id,
        at_us: UnixMicros(30_000_000),
        note: Some(vec![7]),
        made_us: UnixMicros(5),
        entry: 3,
    };
    let event = |number: u8, start_us: i64| EventRow {
        id: format!("{number:016x}").parse().unwrap(),
        camera: camera.id,
        kind: EventKind::Person,
        topic: String::new(),
        start_us: UnixMicros(start_us),
        end_us: Some(UnixMicros(start_us + 1_000_000)),
        mapped_from: None,
    };
    let all = crate::Oldest { limit: 10, ..crate::Oldest::default() };
    store
        .write(|tables| -> Result<()> {
            tables.put_camera(&camera)?;
            tables.insert_person(&person)?;
            for clip in &clips {
                tables.insert_clip(clip)?;
            }
            tables.insert_event(&event(1, 20_000_000))?;
            tables.insert_event(&event(2, 80_000_000))?;
            tables.put_bookmark(&bookmark)?;
            // What is changed is its note alone.
            let changed = crate::BookmarkRow { note: None, at_us: UnixMicros(9), ..bookmark.clone() };
            tables.put_bookmark(&changed)?;
            assert_eq!(tables.bookmarks()?, [crate::BookmarkRow { note: None, ..bookmark.clone() }]);
            let goes: Vec<_> = tables.may_go(all)?.iter().map(|goes| goes.clip).collect();
            assert_eq!(goes, [clips[1].id]);
            assert_eq!(tables.erase_events(camera.id, UnixMicros(DAY_US))?, 1);
            tables.delete_bookmark(bookmark.id)?;
            assert_eq!(tables.may_go(all)?.len(), 2);
            assert_eq!(tables.erase_events(camera.id, UnixMicros(DAY_US))?, 1);
            // A clip that is erased by hand takes its bookmarks with it.
            tables.put_bookmark(&bookmark)?;
            tables.begin_erasing(clips[0].id)?;
            assert_eq!(tables.bookmarks()?, []);
            tables.finish_erasing(clips[0].id)?;
            assert_eq!(tables.bookmark(bookmark.id)?, None);
            Ok(())
        })
        .unwrap();
}
