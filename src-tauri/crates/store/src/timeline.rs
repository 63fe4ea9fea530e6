//! Tables `recorded_buckets` and `event_buckets`, which triggers keep, and short spans of clips and events: the timeline.

use hausrecht_model::{CameraId, EventKind, GrantId, UnixMicros};
use rusqlite::{Row, ToSql, params, params_from_iter};

use crate::{EventRow, Result, Tables, events, row};

/// The lengths of buckets that are kept. Microseconds.
pub const LEVELS_US: [i64; 4] = [600_000_000, 3_600_000_000, 21_600_000_000, 86_400_000_000];

/// How long a clip or an event may be and still be found by its start alone; longer ones have an index. Microseconds.
const LONG_US: i64 = 3_600_000_000;

/// What one camera has in a bucket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bucket {
    /// Where it begins, in UTC.
    pub from_us: UnixMicros,
    /// Camera.
    pub camera: CameraId,
    /// Microseconds that were recorded, or events that begin in it.
    pub amount: i64,
}

fn read(row: &Row<'_>) -> rusqlite::Result<Bucket> {
    Ok(Bucket { from_us: row::time(row, 0)?, camera: row::parsed(row, 1)?, amount: row.get(2)? })
}

impl Tables<'_> {
    /// How much each camera recorded in the buckets of `length_us` (one of [`LEVELS_US`]) that touch a span, by time.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn recorded_buckets(
        &self,
        length_us: i64,
        from_us: UnixMicros,
        to_us: UnixMicros,
    ) -> Result<Vec<Bucket>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT bucket_us, camera, recorded_us FROM recorded_buckets
             WHERE length_us = ?1 AND bucket_us > ?2 - ?1 AND bucket_us < ?3 ORDER BY bucket_us, camera",
        )?;
        let rows = statement.query_map(params![length_us, from_us.0, to_us.0], read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// How many events of these kinds (none: all) begin in the buckets of `length_us` that touch a span, by time.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn event_buckets(
        &self,
        length_us: i64,
        from_us: UnixMicros,
        to_us: UnixMicros,
        kinds: &[EventKind],
    ) -> Result<Vec<Bucket>> {
        let names: Vec<&str> =
            if kinds.is_empty() { vec![""] } else { kinds.iter().map(|kind| kind.as_str()).collect() };
        let sql = format!(
            "SELECT bucket_us, camera, sum(count) FROM event_buckets
             WHERE length_us = ?1 AND bucket_us > ?2 - ?1 AND bucket_us < ?3 AND kind IN ({})
             GROUP BY 1, 2 ORDER BY 1, 2",
            row::placeholders(names.len())
        );
        let mut values: Vec<&dyn ToSql> = vec![&length_us, &from_us.0, &to_us.0];
        values.extend(names.iter().map(|name| name as &dyn ToSql));
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map(params_from_iter(values), read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// When the clips of all cameras are that overlap a span, by start; read from indexes alone.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn recorded_spans(
        &self,
        from_us: UnixMicros,
        to_us: UnixMicros,
    ) -> Result<Vec<(CameraId, UnixMicros, UnixMicros)>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT camera, start_us, start_us + duration_us FROM clips
             WHERE start_us >= ?1 - ?3 AND start_us < ?2 AND NOT erasing AND start_us + duration_us > ?1
             UNION ALL SELECT camera, start_us, start_us + duration_us FROM clips INDEXED BY clips_long
             WHERE duration_us > 3600000000 AND start_us < ?1 - ?3 AND NOT erasing AND start_us + duration_us > ?1
             ORDER BY 2",
        )?;
        let rows = statement.query_map(params![from_us.0, to_us.0, LONG_US], |row| {
            Ok((row::parsed(row, 0)?, row::time(row, 1)?, row::time(row, 2)?))
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Up to `limit` events of these kinds (none: all) that overlap a span.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn events_shown(
        &self,
        from_us: UnixMicros,
        to_us: UnixMicros,
        kinds: &[EventKind],
        limit: u32,
    ) -> Result<Vec<EventRow>> {
        let of_kind = if kinds.is_empty() {
            String::new()
        } else {
            let names: Vec<String> = kinds.iter().map(|kind| format!("'{}'", kind.as_str())).collect();
            format!("AND kind IN ({})", names.join(","))
        };
        let columns = events::COLUMNS;
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {columns} FROM events
             WHERE start_us >= ?1 - ?3 AND start_us < ?2 AND ifnull(end_us, ?2) >= ?1 {of_kind}
             UNION ALL SELECT {columns} FROM events INDEXED BY events_long
             WHERE (end_us IS NULL OR end_us - start_us > 3600000000)
                 AND start_us < ?1 - ?3 AND ifnull(end_us, ?2) >= ?1 {of_kind}
             LIMIT ?4"
        ))?;
        let rows = statement.query_map(params![from_us.0, to_us.0, LONG_US, limit], events::read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The first event of these kinds (none: all) that begins after a moment, or the last one before it. With `grants`,
    /// only one that lies in a clip with a wrap for one of them.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn event_beside(
        &self,
        at_us: UnixMicros,
        forward: bool,
        kinds: &[EventKind],
        grants: Option<&[GrantId]>,
    ) -> Result<Option<EventRow>> {
        let (sign, order) = if forward { (">", "ASC") } else { ("<", "DESC") };
        let mut sql = format!("SELECT {} FROM events WHERE start_us {sign} ?", events::COLUMNS);
        let mut values: Vec<Box<dyn ToSql>> = vec![Box::new(at_us.0)];
        if !kinds.is_empty() {
            sql += &format!(" AND kind IN ({})", row::placeholders(kinds.len()));
            values.extend(kinds.iter().map(|kind| Box::new(kind.as_str()) as Box<dyn ToSql>));
        }
        if let Some(grants) = grants {
            sql += &format!(
                " AND EXISTS (SELECT 1 FROM clips JOIN wraps ON wraps.clip = clips.id
                    WHERE clips.camera = events.camera AND NOT clips.erasing AND grant_id IN ({})
                    AND clips.start_us <= ifnull(events.end_us, events.start_us)
                    AND clips.start_us + clips.duration_us > events.start_us)",
                row::placeholders(grants.len())
            );
            values.extend(grants.iter().map(|id| Box::new(id.to_string()) as Box<dyn ToSql>));
        }
        sql += &format!(" ORDER BY start_us {order} LIMIT 1");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query_map(params_from_iter(values), events::read)?;
        Ok(rows.next().transpose()?)
    }
}

#[cfg(test)]
mod tests;
