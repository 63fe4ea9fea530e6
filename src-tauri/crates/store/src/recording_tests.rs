//! What is held is not chosen to be erased, what is stored is counted, and conditions are ended where they are.

use hausrecht_model::{CameraId, ClipId, EventKind, UnixMicros};

use super::*;

fn open() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("hausrecht.db")).unwrap();
    (folder, store)
}

fn camera(id: &str) -> CameraRow {
    CameraRow {
        id: id.parse().unwrap(),
        name: "Front".to_owned(),
        endpoint: String::new(),
        xaddr: String::new(),
        maker: String::new(),
        model: String::new(),
        firmware: String::new(),
        demo: false,
        main_uri: String::new(),
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

/// A second. Microseconds.
const S: i64 = 1_000_000;

/// A clip of ten seconds, which overlaps the next one a little.
fn clip(camera: CameraId, start_s: i64, size_bytes: u64) -> ClipRow {
    ClipRow {
        id: format!("{:016x}", 0xc11b_0000 + start_s).parse().unwrap(),
        camera,
        start_us: UnixMicros(start_s * S),
        duration_us: 10 * S + 4_000,
        size_bytes,
        plain_bytes: size_bytes,
        sha256: [0; 32],
        cut_short: false,
        codec: "h264".to_owned(),
        width: 640,
        height: 360,
        fragments: Vec::new(),
        thumbnail: None,
        entry: 0,
        from_card: false,
    }
}

fn hold(camera: CameraId, from_s: i64, to_s: i64) -> HoldRow {
    HoldRow {
        id: "00000000000000e0".parse().unwrap(),
        camera,
        from_us: UnixMicros(from_s * S),
        to_us: UnixMicros(to_s * S),
        cause: "asked".to_owned(),
        note: None,
        made_us: UnixMicros(1),
        until_us: None,
        entry: 0,
    }
}

#[test]
fn the_oldest_that_nothing_wants_goes_first() {
    let (_folder, mut store) = open();
    let (a, b) = (camera("00000000000000a0"), camera("00000000000000b0"));
    store
        .write(|tables| -> Result<()> {
            tables.put_camera(&a)?;
            tables.put_camera(&b)?;
            let clips: Vec<_> = [(a.id, 0, 5), (b.id, 5, 7), (a.id, 10, 5), (a.id, 20, 5)]
                .map(|(camera, start_s, size)| clip(camera, start_s, size))
                .into();
            for clip in &clips {
                tables.insert_clip(clip)?;
            }
            let all = Oldest { limit: 10, ..Oldest::default() };
            let ids = |which: Oldest| -> Result<Vec<ClipId>> {
                Ok(tables.may_go(which)?.into_iter().map(|goes| goes.clip).collect())
            };
            assert_eq!(ids(all)?, [clips[0].id, clips[1].id, clips[2].id, clips[3].id]);
            // The second of camera a is touched by a hold, the first ends where it begins.
            let kept = hold(a.id, 10, 12);
            tables.insert_hold(&kept)?;
            assert_eq!(ids(all)?, [clips[0].id, clips[1].id, clips[3].id]);
            assert_eq!(ids(Oldest { camera: Some(a.id), ..all })?, [clips[0].id, clips[3].id]);
            assert_eq!(
                ids(Oldest { ended_before_us: Some(UnixMicros(25 * S)), ..all })?,
                [clips[0].id, clips[1].id]
            );
            assert_eq!(
                tables.holds_of(a.id, UnixMicros(11 * S), UnixMicros(30 * S))?,
                std::slice::from_ref(&kept)
            );
            assert_eq!(tables.holds_of(b.id, UnixMicros(0), UnixMicros(30 * S))?, []);
            tables.delete_hold(kept.id)?;
            assert_eq!(tables.hold(kept.id)?, None);
            assert_eq!(ids(all)?.len(), 4);

            assert_eq!(tables.stored()?[&a.id], StoredRow { size_bytes: 15, clips: 3 });
            tables.put_cause(clips[0].id, "00000000000000ee".parse().unwrap(), EventKind::Person)?;
            assert_eq!(tables.cause(clips[0].id)?.map(|(_, kind)| kind), Some(EventKind::Person));
            tables.begin_erasing(clips[0].id)?;
            assert_eq!(tables.stored()?[&a.id], StoredRow { size_bytes: 10, clips: 2 });
            tables.finish_erasing(clips[0].id)?;
            assert_eq!(tables.stored()?[&a.id], StoredRow { size_bytes: 10, clips: 2 });
            assert_eq!(tables.cause(clips[0].id)?, None, "it goes with its clip");
            assert_eq!(tables.stored()?[&b.id], StoredRow { size_bytes: 7, clips: 1 });
            assert_eq!(tables.oldest_clip(None)?, Some(UnixMicros(5 * S)));
            assert_eq!(tables.oldest_clip(Some(a.id))?, Some(UnixMicros(10 * S)));
            assert_eq!(tables.recorded_since(a.id, UnixMicros(20 * S))?, (5, 10 * S.unsigned_abs() + 4_000));
            Ok(())
        })
        .unwrap();
}

#[test]
fn what_was_stored_before_the_upgrade_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hausrecht.db");
    let mut connection = Connection::open(&path).unwrap();
    migrations().to_version(&mut connection, 5).unwrap();
    let a = camera("00000000000000a0");
    // As that version wrote it.
    connection
        .execute(
            "INSERT INTO cameras (id, name, endpoint, xaddr, maker, model, firmware, demo, main_uri, sign_in, added_us)
             VALUES (?1, 'Front', '', '', '', '', '', 0, '', x'', 1)",
            [a.id.to_string()],
        )
        .unwrap();
    let tables = Tables { connection: &connection };
    tables.insert_clip(&clip(a.id, 0, 40)).unwrap();
    tables.insert_clip(&clip(a.id, 10, 2)).unwrap();
    drop(connection);
    let mut store = Store::open(&path).unwrap();
    let stored = store.read(|tables| tables.stored()).unwrap();
    assert_eq!(stored[&a.id], StoredRow { size_bytes: 42, clips: 2 });
}

#[test]
fn a_condition_ends_where_it_is_ended() {
    let (_folder, mut store) = open();
    let a = camera("00000000000000a0");
    store
        .write(|tables| -> Result<()> {
            tables.put_camera(&a)?;
            let gap = |from_us: i64, reason: &str| GapRow {
                camera: a.id,
                from_us: UnixMicros(from_us),
                to_us: None,
                reason: reason.to_owned(),
            };
            tables.insert_gap(&gap(10, "waiting"))?;
            assert_eq!(tables.open_gap(a.id)?, Some(gap(10, "waiting")));
            tables.end_gap(a.id, UnixMicros(30))?;
            tables.insert_gap(&gap(30, "off"))?;
            let seen: Vec<_> = tables
                .gaps(Some(a.id), UnixMicros(0), UnixMicros(100))?
                .into_iter()
                .map(|gap| (gap.from_us.0, gap.to_us.map(|to| to.0), gap.reason))
                .collect();
            assert_eq!(seen, [(10, Some(30), "waiting".to_owned()), (30, None, "off".to_owned())]);
            assert_eq!(tables.gaps(None, UnixMicros(30), UnixMicros(40))?.len(), 1);
            // A clock that was set back ends it before it began.
            tables.end_gap(a.id, UnixMicros(20))?;
            assert_eq!(tables.gaps(None, UnixMicros(0), UnixMicros(100))?.len(), 1);
            assert_eq!(tables.open_gap(a.id)?, None);
            Ok(())
        })
        .unwrap();
}

#[test]
fn what_was_imported_goes_by_no_rule() {
    let (_folder, mut store) = open();
    let own = camera("00000000000000a0");
    let source = CameraRow { imported: true, ..camera("00000000000000b0") };
    store
        .write(|tables| -> Result<()> {
            tables.put_camera(&own)?;
            tables.put_camera(&source)?;
            let (older, newer) = (clip(source.id, 0, 5), clip(own.id, 100, 5));
            tables.insert_clip(&older)?;
            tables.insert_clip(&newer)?;
            let rules = [
                Oldest { limit: 10, ..Oldest::default() },
                Oldest { limit: 10, camera: Some(source.id), ..Oldest::default() },
                Oldest { limit: 10, ended_before_us: Some(UnixMicros(1_000 * S)), ..Oldest::default() },
            ];
            let mut go = Vec::new();
            for rule in rules {
                go.extend(tables.may_go(rule)?.into_iter().map(|goes| goes.clip));
            }
            assert_eq!(go, [newer.id, newer.id], "by age, by size, and of its source");
            Ok(())
        })
        .unwrap();
}
