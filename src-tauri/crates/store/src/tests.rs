//! Tests of the database as a whole.

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
