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

fn counted(buckets: Vec<Bucket>) -> Counted {
    buckets.into_iter().map(|bucket| ((bucket.from_us.0, bucket.camera), bucket.amount)).collect()
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
            prop_assert_eq!(counted(found), recorded);
            for kinds in [vec![], vec![EventKind::Doorbell], vec![EventKind::Doorbell, EventKind::Person]] {
                let mut happened = Counted::new();
                for event in left.iter().filter(|event| kinds.is_empty() || kinds.contains(&event.kind)) {
                    let bucket = event.start_us.0.div_euclid(length_us) * length_us;
                    *happened.entry((bucket, event.camera)).or_default() += 1;
                }
                let found = store.read(|tables| tables.event_buckets(length_us, from, to, &kinds)).unwrap();
                prop_assert_eq!(counted(found), happened);
            }
        }
        // What overlaps a short span is found, however long ago it began.
        let (from, to) = (UnixMicros(DAY_US), UnixMicros(DAY_US + 3_600_000_000));
        let spans = store.read(|tables| tables.recorded_spans(from, to)).unwrap();
        let overlapping =
            clips.iter().filter(|(_, start, length, fate)| *fate < 2 && *start < to.0 && start + length > from.0);
        prop_assert_eq!(spans.len(), overlapping.count());
        let shown = store.read(|tables| tables.events_shown(from, to, &[], 500)).unwrap();
        prop_assert_eq!(shown.len(), store.read(|tables| tables.events(from, to)).unwrap().len());
        let next = store.read(|tables| tables.event_beside(from, true, &[], None)).unwrap();
        let first = left.iter().map(|event| event.start_us).filter(|start| *start > from).min();
        prop_assert_eq!(next.map(|event| event.start_us), first);
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
                tables.event_buckets(LEVELS_US[3], from, to, &[EventKind::Person])?,
            ))
        })
        .unwrap();
    let bucket = |from_us, amount| Bucket { from_us: UnixMicros(from_us), camera: one.id, amount };
    assert_eq!(recorded, [bucket(0, 1_000_000), bucket(600_000_000, 1_000_000)]);
    assert_eq!(events, [bucket(0, 1)]);
}
