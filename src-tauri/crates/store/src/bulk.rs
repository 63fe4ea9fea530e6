//! A store of years, made for measurements in minutes: rows without files, and buckets counted in one pass over them.
//!
//! Not part of the product: it is built only with the feature `bulk`.

use std::collections::HashMap;

use hausrecht_model::{CameraId, EventKind, UnixMicros};
use rusqlite::params;

use crate::{LEVELS_US, Result, Store, row};

/// What is to be made.
#[derive(Clone, Debug)]
pub struct Bulk {
    /// Cameras, which are known already.
    pub cameras: Vec<CameraId>,
    /// When the first clips begin.
    pub from_us: UnixMicros,
    /// Clips a camera, a minute each.
    pub clips: u32,
    /// Events a camera, spread over all of that.
    pub events: u32,
}

/// Kinds by how often they come, in a hundred.
const KINDS: [(EventKind, u32); 6] = [
    (EventKind::Motion, 60),
    (EventKind::Person, 78),
    (EventKind::Vehicle, 92),
    (EventKind::Animal, 97),
    (EventKind::Doorbell, 99),
    (EventKind::Tamper, 100),
];
const MINUTE_US: i64 = 60_000_000;
const CHUNK: usize = crate::CHUNK;

type Counted = HashMap<(i64, i64, String, String), Vec<i64>>;

fn count(counted: &mut Counted, camera: &str, kind: &str, start_us: i64, length_us: i64) {
    for level_us in LEVELS_US {
        let mut at = start_us;
        loop {
            let bucket = at.div_euclid(level_us);
            let end = ((bucket + 1) * level_us).min(start_us + length_us);
            let chunk = bucket.div_euclid(CHUNK as i64);
            let place = usize::try_from(bucket.rem_euclid(CHUNK as i64)).unwrap_or(0);
            let key = (level_us, chunk, camera.to_owned(), kind.to_owned());
            let amounts = counted.entry(key).or_insert_with(|| vec![0; CHUNK]);
            // An event has no length here: it is counted where it begins.
            amounts[place] += if length_us == 0 { 1 } else { end - at };
            at = end;
            if at >= start_us + length_us {
                break;
            }
        }
    }
}

impl Store {
    /// Adds the rows; what triggers and indexes would have done one by one is done at the end.
    ///
    /// # Errors
    /// A failure of the database; it is then of no use any more.
    pub fn fill(&mut self, bulk: &Bulk) -> Result<()> {
        self.connection.pragma_update(None, "synchronous", "OFF")?;
        let put_off = self.take_away()?;
        let transaction = self.connection.transaction()?;
        for (number, camera) in bulk.cameras.iter().enumerate() {
            transaction.execute(
                "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?3)
                 INSERT INTO clips (id, camera, start_us, duration_us, size_bytes, plain_bytes, sha256, cut_short,
                     codec, width, height, fragments, entry)
                 SELECT printf('%04x%012x', ?4, i), ?1, ?2 + i * 60000000, 60000000, 1000, 900, zeroblob(32), 0, 'h264', 1920,
                     1080, x'', 0 FROM n",
                params![camera.to_string(), bulk.from_us.0, bulk.clips, row::signed(number as u64)],
            )?;
            let apart_us = i64::from(bulk.clips) * MINUTE_US / i64::from(bulk.events.max(1));
            let kinds: String = KINDS
                .iter()
                .map(|(kind, until)| format!("WHEN h < {until} THEN '{}' ", kind.as_str()))
                .collect();
            transaction.execute(
                &format!(
                    "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?3),
                     spread AS (SELECT i, (i * 7919 + ?4 * 104729) % 997 AS r, (i * 31 + ?4 * 17) * 2654435761 / 65536 % 100 AS h FROM n)
                     INSERT INTO events (id, camera, kind, topic, start_us, end_us)
                     SELECT printf('%04x%012x', ?4, i), ?1, CASE {kinds} END, '',
                         ?2 + i * ?5 + ?5 * r / 997, ?2 + i * ?5 + ?5 * r / 997 + (5 + r % 40) * 1000000 FROM spread"
                ),
                params![camera.to_string(), bulk.from_us.0, bulk.events, row::signed(number as u64), apart_us],
            )?;
        }
        transaction.execute(
            "INSERT INTO stored SELECT camera, sum(size_bytes), count(*) FROM clips GROUP BY camera
             ON CONFLICT DO UPDATE SET size_bytes = excluded.size_bytes, clips = excluded.clips",
            [],
        )?;
        transaction.commit()?;
        self.count_anew()?;
        for sql in put_off {
            self.connection.execute_batch(&sql)?;
        }
        self.connection.execute_batch("ANALYZE")?;
        self.connection.pragma_update(None, "synchronous", "FULL")?;
        self.truncate_wal()
    }

    /// Removes the triggers that keep the buckets: what recording costs without them.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn without_buckets(&mut self) -> Result<()> {
        for name in ["clip_recorded", "event_happened"] {
            self.connection.execute_batch(&format!("DROP TRIGGER {name}"))?;
        }
        Ok(())
    }

    /// Removes the indexes and triggers of clips and events; returns what makes them again.
    fn take_away(&mut self) -> Result<Vec<String>> {
        let mut statement = self.connection.prepare(
            "SELECT type, name, sql FROM sqlite_master
             WHERE tbl_name IN ('clips', 'events') AND type IN ('index', 'trigger') AND sql IS NOT NULL",
        )?;
        let rows = statement.query_map([], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
        })?;
        let found: Vec<_> = rows.collect::<rusqlite::Result<_>>()?;
        drop(statement);
        for (kind, name, _) in &found {
            self.connection.execute_batch(&format!("DROP {kind} {name}"))?;
        }
        Ok(found.into_iter().map(|(_, _, sql)| sql).collect())
    }

    /// Counts all buckets from the rows.
    fn count_anew(&mut self) -> Result<()> {
        let mut recorded = Counted::new();
        let mut happened = Counted::new();
        {
            let mut statement = self
                .connection
                .prepare("SELECT camera, start_us, duration_us FROM clips WHERE NOT erasing")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let camera = row.get_ref(0)?.as_str().unwrap_or_default();
                count(&mut recorded, camera, "", row.get(1)?, row.get(2)?);
            }
            let mut statement = self.connection.prepare("SELECT camera, kind, start_us FROM events")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let (camera, kind) = (row.get_ref(0)?.as_str(), row.get_ref(1)?.as_str());
                count(&mut happened, camera.unwrap_or_default(), kind.unwrap_or_default(), row.get(2)?, 0);
            }
        }
        let transaction = self.connection.transaction()?;
        transaction.execute_batch("DELETE FROM recorded_buckets; DELETE FROM event_buckets")?;
        for ((level_us, chunk, camera, _), amounts) in recorded {
            let digits: String = amounts.iter().map(|amount| format!("{amount:014}")).collect();
            transaction.execute(
                "INSERT INTO recorded_buckets VALUES (?1, ?2, ?3, ?4, ?5)",
                params![level_us, chunk, camera, amounts.iter().sum::<i64>(), digits],
            )?;
        }
        for ((level_us, chunk, camera, kind), amounts) in happened {
            let digits: String = amounts.iter().map(|amount| format!("{amount:07}")).collect();
            transaction.execute(
                "INSERT INTO event_buckets VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![level_us, chunk, camera, kind, amounts.iter().sum::<i64>(), digits],
            )?;
        }
        Ok(transaction.commit()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_at_once_is_counted_as_triggers_count_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("hausrecht.db")).unwrap();
        let ids: Vec<CameraId> = (0..2).map(|n| format!("{n:016x}").parse().unwrap()).collect();
        for id in &ids {
            store
                .connection
                .execute(
                    "INSERT INTO cameras (id, name, endpoint, xaddr, maker, model, firmware, demo, main_uri, sign_in, added_us)
                     VALUES (?1, '', ?1, '', '', '', '', 0, '', x'', 1)",
                    [id.to_string()],
                )
                .unwrap();
        }
        let from_us = UnixMicros(1_795_305_600_000_000 - 7 * MINUTE_US);
        store.fill(&Bulk { cameras: ids, from_us, clips: 1_500, events: 300 }).unwrap();
        let dump = |store: &Store| -> Vec<(i64, i64, String, i64, String)> {
            let sql = "SELECT length_us, chunk, camera, total_us, amounts FROM recorded_buckets
                UNION ALL SELECT length_us, chunk, camera || kind, total, amounts FROM event_buckets ORDER BY 1, 2, 3, 4, 5";
            let mut statement = store.connection.prepare(sql).unwrap();
            let rows = statement
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)));
            rows.unwrap().collect::<rusqlite::Result<_>>().unwrap()
        };
        let made = dump(&store);
        assert!(made.len() > 40, "{}", made.len());
        // Out and in again, past the triggers.
        store
            .connection
            .execute_batch(
                "CREATE TEMP TABLE c AS SELECT * FROM clips; CREATE TEMP TABLE e AS SELECT * FROM events;
                 DELETE FROM clips; DELETE FROM events;",
            )
            .unwrap();
        assert_eq!(dump(&store), []);
        store
            .connection
            .execute_batch("INSERT INTO clips SELECT * FROM c; INSERT INTO events SELECT * FROM e;")
            .unwrap();
        assert_eq!(dump(&store), made);
    }
}
