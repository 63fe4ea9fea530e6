//! Tables `recorded_buckets` and `event_buckets`, which triggers keep, and short spans of clips and events: the timeline.

use hausrecht_model::{CameraId, EventId, EventKind, GrantId, UnixMicros};
use rusqlite::{OptionalExtension, ToSql, params, params_from_iter};

use crate::{ClipSpan, EventRow, Result, Tables, events, row};

/// The lengths of buckets that are kept. Microseconds.
pub const LEVELS_US: [i64; 4] = [600_000_000, 3_600_000_000, 21_600_000_000, 86_400_000_000];
/// Buckets that follow each other in one row.
pub const CHUNK: usize = 64;

/// A clip's place.
const CLIP_SPAN: &str = "SELECT id, camera, start_us, start_us + duration_us, entry FROM clips";
/// How long a clip or an event may be and still be found by its start alone; longer ones have an index. Microseconds.
pub(crate) const LONG_US: i64 = 3_600_000_000;
/// So many events are rare.
const RARE_MAX: i64 = 20_000;
/// Digits of a bucket in `recorded_buckets` and in `event_buckets`.
const RECORDED_DIGITS: usize = 14;
const EVENT_DIGITS: usize = 7;

/// What one camera has in [`CHUNK`] buckets that follow each other.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Buckets {
    /// Where the first begins, in UTC.
    pub from_us: UnixMicros,
    /// Camera.
    pub camera: CameraId,
    /// Microseconds that were recorded, or events that begin in it, a bucket.
    pub amounts: Vec<i64>,
}

/// The numbers of a row, `digits` each.
fn numbers(text: &str, digits: usize) -> Vec<i64> {
    text.as_bytes()
        .chunks(digits)
        .map(|number| number.iter().fold(0, |value, digit| value * 10 + i64::from(digit.wrapping_sub(b'0'))))
        .collect()
}

/// The first and the last chunk of a span.
fn chunks(length_us: i64, from_us: UnixMicros, to_us: UnixMicros) -> (i64, i64) {
    let chunk_us = length_us * CHUNK as i64;
    (from_us.0.div_euclid(chunk_us), (to_us.0 - 1).div_euclid(chunk_us))
}

/// Which events, and from where on.
#[derive(Clone, Debug)]
pub struct EventWalk {
    /// Only of these kinds; empty: all.
    pub kinds: Vec<EventKind>,
    /// Only of these cameras; empty: all.
    pub cameras: Vec<CameraId>,
    /// Only those in a clip with a wrap for one of these grants; `None`: all.
    pub grants: Option<Vec<GrantId>>,
    /// Later ones first to last, else earlier ones last to first.
    pub forward: bool,
    /// Beyond this moment.
    pub from_us: UnixMicros,
    /// Events of that very moment too, beyond this one.
    pub from_id: Option<EventId>,
    /// Not beyond this moment.
    pub until_us: Option<UnixMicros>,
    /// At most this many.
    pub limit: u32,
}

impl Tables<'_> {
    /// How much each camera recorded in the buckets of `length_us` (one of [`LEVELS_US`]) that touch a span, by time;
    /// whole chunks.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn recorded_buckets(
        &self,
        length_us: i64,
        from_us: UnixMicros,
        to_us: UnixMicros,
    ) -> Result<Vec<Buckets>> {
        let (first, last) = chunks(length_us, from_us, to_us);
        let mut statement = self.connection.prepare_cached(
            "SELECT chunk, camera, amounts FROM recorded_buckets WHERE length_us = ?1 AND chunk BETWEEN ?2 AND ?3",
        )?;
        let rows = statement.query_map(params![length_us, first, last], |row| {
            Ok(Buckets {
                from_us: UnixMicros(row.get::<_, i64>(0)? * length_us * CHUNK as i64),
                camera: row::parsed(row, 1)?,
                amounts: numbers(row.get_ref(2)?.as_str()?, RECORDED_DIGITS),
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// How many events of each kind begin in the buckets of `length_us` that touch a span, by time; whole chunks.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn event_buckets(
        &self,
        length_us: i64,
        from_us: UnixMicros,
        to_us: UnixMicros,
    ) -> Result<Vec<(EventKind, Buckets)>> {
        let (first, last) = chunks(length_us, from_us, to_us);
        let mut statement = self.connection.prepare_cached(
            "SELECT chunk, camera, amounts, kind FROM event_buckets WHERE length_us = ?1 AND chunk BETWEEN ?2 AND ?3",
        )?;
        let rows = statement.query_map(params![length_us, first, last], |row| {
            let buckets = Buckets {
                from_us: UnixMicros(row.get::<_, i64>(0)? * length_us * CHUNK as i64),
                camera: row::parsed(row, 1)?,
                amounts: numbers(row.get_ref(2)?.as_str()?, EVENT_DIGITS),
            };
            Ok((EventKind::from_name(row.get_ref(3)?.as_str()?), buckets))
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Whether at most `limit` clips and at most `limit` events begin in a span.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn is_sparse(&self, from_us: UnixMicros, to_us: UnixMicros, limit: u32) -> Result<bool> {
        for sql in [
            "SELECT count(*) FROM (SELECT 1 FROM clips INDEXED BY clips_by_time WHERE start_us >= ?1 AND start_us < ?2 LIMIT ?3)",
            "SELECT count(*) FROM (SELECT 1 FROM events INDEXED BY events_by_time WHERE start_us >= ?1 AND start_us < ?2 LIMIT ?3)",
        ] {
            let count: u32 = self
                .connection
                .prepare_cached(sql)?
                .query_row(params![from_us.0, to_us.0, i64::from(limit) + 1], |row| row.get(0))?;
            if count > limit {
                return Ok(false);
            }
        }
        Ok(true)
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

    /// No clip that overlaps a span begins before this: a walk back over the clips ends here.
    ///
    /// # Errors
    /// A failure of the database.
    pub(crate) fn earliest_start(&self, from_us: UnixMicros, to_us: UnixMicros) -> Result<i64> {
        // Clips of the product are a minute long; the few that are longer than an hour have an index of their own.
        let long: Option<i64> = self
            .connection
            .prepare_cached(
                "SELECT min(start_us) FROM clips INDEXED BY clips_long
                 WHERE duration_us > 3600000000 AND start_us < ?2 AND start_us + duration_us > ?1",
            )?
            .query_row(params![from_us.0, to_us.0], |row| row.get(0))?;
        let usual = from_us.0.saturating_sub(LONG_US);
        Ok(long.map_or(usual, |long| long.min(usual)))
    }

    /// Whether these kinds are so rare in a span that clips are found by way of their events.
    ///
    /// # Errors
    /// A failure of the database.
    pub(crate) fn is_rare(
        &self,
        kinds: &[EventKind],
        from_us: UnixMicros,
        to_us: UnixMicros,
    ) -> Result<bool> {
        let (first, last) = chunks(LEVELS_US[3], from_us, to_us);
        let sql = format!(
            "SELECT ifnull(sum(total), 0) FROM event_buckets WHERE length_us = ? AND chunk BETWEEN ? AND ? AND kind IN ({})",
            row::placeholders(kinds.len())
        );
        let mut values: Vec<Box<dyn ToSql>> = vec![Box::new(LEVELS_US[3]), Box::new(first), Box::new(last)];
        values.extend(kinds.iter().map(|kind| Box::new(kind.as_str()) as Box<dyn ToSql>));
        let count: i64 =
            self.connection.prepare_cached(&sql)?.query_row(params_from_iter(values), |row| row.get(0))?;
        Ok(count <= RARE_MAX)
    }

    /// The next events from one on, in one direction; each is met once, those that begin in the same moment too.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn walk_events(&self, walk: &EventWalk) -> Result<Vec<EventRow>> {
        let mut found = Vec::new();
        match (walk.cameras.as_slice(), walk.kinds.as_slice()) {
            ([], []) => found = self.walk_one(walk, None, None)?,
            (cameras, []) => {
                for camera in cameras {
                    found.extend(self.walk_one(walk, Some(*camera), None)?);
                }
            }
            (cameras, kinds) => {
                let all;
                let cameras = if cameras.is_empty() {
                    all = self.cameras()?.into_iter().map(|camera| camera.id).collect::<Vec<_>>();
                    &all
                } else {
                    cameras
                };
                for camera in cameras {
                    for kind in kinds {
                        found.extend(self.walk_one(walk, Some(*camera), Some(*kind))?);
                    }
                }
            }
        }
        found.sort_by_key(|event| (event.start_us, event.id));
        if !walk.forward {
            found.reverse();
        }
        found.truncate(walk.limit as usize);
        Ok(found)
    }

    /// The same of one camera and kind: a stretch of one index.
    fn walk_one(
        &self,
        walk: &EventWalk,
        camera: Option<CameraId>,
        kind: Option<EventKind>,
    ) -> Result<Vec<EventRow>> {
        let (sign, reach, order) = if walk.forward { (">", "<=", "ASC") } else { ("<", ">=", "DESC") };
        let beyond = match (walk.from_id, walk.forward) {
            (Some(id), _) => id.to_string(),
            // Behind every id, and before every one.
            (None, true) => "g".to_owned(),
            (None, false) => String::new(),
        };
        let mut sql = format!("SELECT {} FROM events WHERE (start_us, id) {sign} (?, ?)", events::COLUMNS);
        let mut values: Vec<Box<dyn ToSql>> = vec![Box::new(walk.from_us.0), Box::new(beyond)];
        if let Some(camera) = camera {
            sql += " AND camera = ?";
            values.push(Box::new(camera.to_string()));
        }
        if let Some(kind) = kind {
            sql += " AND kind = ?";
            values.push(Box::new(kind.as_str()));
        }
        if let Some(until_us) = walk.until_us {
            sql += &format!(" AND start_us {reach} ?");
            values.push(Box::new(until_us.0));
        }
        if let Some(grants) = &walk.grants {
            sql += &format!(
                " AND EXISTS (SELECT 1 FROM clips JOIN wraps ON wraps.clip = clips.id
                    WHERE clips.camera = events.camera AND NOT clips.erasing AND grant_id IN ({})
                    AND clips.start_us <= ifnull(events.end_us, events.start_us)
                    AND clips.start_us + clips.duration_us > events.start_us)",
                row::placeholders(grants.len())
            );
            values.extend(grants.iter().map(|id| Box::new(id.to_string()) as Box<dyn ToSql>));
        }
        sql += &format!(" ORDER BY start_us {order}, id {order} LIMIT ?");
        values.push(Box::new(walk.limit));
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map(params_from_iter(values), events::read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The last clip of `camera` that overlaps a span and that has a wrap for one of `grants` (`None`: any).
    ///
    /// # Errors
    /// A failure of the database.
    pub fn last_clip_in(
        &self,
        camera: CameraId,
        from_us: UnixMicros,
        to_us: UnixMicros,
        grants: Option<&[GrantId]>,
    ) -> Result<Option<ClipSpan>> {
        let mut sql = format!(
            "{CLIP_SPAN} WHERE camera = ? AND start_us < ? AND start_us + duration_us > ? AND NOT erasing
             AND start_us >= ?"
        );
        let mut values: Vec<Box<dyn ToSql>> = vec![
            Box::new(camera.to_string()),
            Box::new(to_us.0),
            Box::new(from_us.0),
            Box::new(self.earliest_start(from_us, to_us)?),
        ];
        among(grants, &mut sql, &mut values);
        sql += " ORDER BY start_us DESC LIMIT 1";
        self.clip_span(&sql, values)
    }

    /// The first clip of a camera that ends after a moment, or the last that begins up to it: the one at that moment if there is one,
    /// else the next in that direction. Backwards, a clip that overlaps the one found is not seen.
    pub fn clip_from(
        &self,
        camera: CameraId,
        at_us: UnixMicros,
        forward: bool,
        grants: Option<&[GrantId]>,
    ) -> Result<Option<ClipSpan>> {
        let mut values: Vec<Box<dyn ToSql>> = vec![Box::new(camera.to_string()), Box::new(at_us.0)];
        let mut sql = format!("{CLIP_SPAN} WHERE camera = ? AND NOT erasing AND ");
        if forward {
            sql += "start_us + duration_us > ? AND start_us >= ?";
            values.push(Box::new(self.earliest_start(at_us, UnixMicros(at_us.0.saturating_add(1)))?));
        } else {
            sql += "start_us <= ?";
        }
        among(grants, &mut sql, &mut values);
        sql += if forward { " ORDER BY start_us LIMIT 1" } else { " ORDER BY start_us DESC LIMIT 1" };
        self.clip_span(&sql, values)
    }

    fn clip_span(&self, sql: &str, values: Vec<Box<dyn ToSql>>) -> Result<Option<ClipSpan>> {
        Ok(self
            .connection
            .prepare_cached(sql)?
            .query_row(params_from_iter(values), |row| {
                Ok(ClipSpan {
                    id: row::parsed(row, 0)?,
                    camera: row::parsed(row, 1)?,
                    start_us: row::time(row, 2)?,
                    end_us: row::time(row, 3)?,
                    entry: row::unsigned(row, 4)?,
                })
            })
            .optional()?)
    }
}

/// Narrows a question about clips to those that were given through one of `grants`.
fn among(grants: Option<&[GrantId]>, sql: &mut String, values: &mut Vec<Box<dyn ToSql>>) {
    if let Some(grants) = grants {
        *sql += &format!(
            " AND EXISTS (SELECT 1 FROM wraps WHERE wraps.clip = clips.id AND grant_id IN ({}))",
            row::placeholders(grants.len())
        );
        values.extend(grants.iter().map(|id| Box::new(id.to_string()) as Box<dyn ToSql>));
    }
}

#[cfg(test)]
mod tests;
