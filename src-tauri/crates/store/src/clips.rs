//! Tables `parts`, `clips` and `wraps`: what is being recorded, what was, and the wrapped keys.

use hausrecht_model::{CameraId, ClipId, EventKind, GrantId, UnixMicros};
use rusqlite::{OptionalExtension, Row, ToSql, params};

use crate::{Result, Tables, row, timeline::LONG_US};

/// A clip that is being written.
#[derive(Clone, Debug)]
pub struct PartRow {
    /// Id.
    pub clip: ClipId,
    /// Camera.
    pub camera: CameraId,
    /// Start.
    pub start_us: UnixMicros,
    /// Clip key, wrapped for the owner.
    pub owner_wrap: Vec<u8>,
    /// Public half of the clip key, `age1…`.
    pub recipient: String,
    /// Fetched from the camera's card.
    pub from_card: bool,
}

/// A clip.
#[derive(Clone, Debug)]
pub struct ClipRow {
    /// Id.
    pub id: ClipId,
    /// Camera.
    pub camera: CameraId,
    /// Start.
    pub start_us: UnixMicros,
    /// Length. Microseconds.
    pub duration_us: i64,
    /// Size of the sealed file. Bytes.
    pub size_bytes: u64,
    /// Size of the fragmented MP4 inside. Bytes.
    pub plain_bytes: u64,
    /// SHA-256 of the sealed file.
    pub sha256: [u8; 32],
    /// Interrupted while recording.
    pub cut_short: bool,
    /// Codec name.
    pub codec: String,
    /// Width. Pixels.
    pub width: u32,
    /// Height. Pixels.
    pub height: u32,
    /// Index of the fragments; the engine knows its form.
    pub fragments: Vec<u8>,
    /// JPEG, sealed to the clip key.
    pub thumbnail: Option<Vec<u8>>,
    /// Entry that recorded it.
    pub entry: u64,
    /// The camera recorded it on its card, from where it was fetched later.
    pub from_card: bool,
}

/// When a clip is, without what makes it long: for timelines and walks over very many.
#[derive(Clone, Copy, Debug)]
pub struct ClipSpan {
    /// Id.
    pub id: ClipId,
    /// Camera.
    pub camera: CameraId,
    /// Start.
    pub start_us: UnixMicros,
    /// End.
    pub end_us: UnixMicros,
    /// Entry that recorded it.
    pub entry: u64,
}

/// Which clips.
#[derive(Clone, Debug, Default)]
pub struct ClipFilter {
    /// Only these cameras; empty: all.
    pub cameras: Vec<CameraId>,
    /// Overlapping this span.
    pub span_us: Option<(UnixMicros, UnixMicros)>,
    /// Only with an event of one of these kinds; empty: all.
    pub events: Vec<EventKind>,
    /// Only those with a wrap for one of these grants; `None`: all.
    pub grants: Option<Vec<GrantId>>,
    /// At most this many, newest first; `None`: all.
    pub limit: Option<u32>,
}

const COLUMNS: &str = "id, camera, start_us, duration_us, size_bytes, plain_bytes, sha256, cut_short, codec, width, \
                       height, fragments, thumbnail, entry, from_card";

fn read(row: &Row<'_>) -> rusqlite::Result<ClipRow> {
    Ok(ClipRow {
        id: row::parsed(row, 0)?,
        camera: row::parsed(row, 1)?,
        start_us: row::time(row, 2)?,
        duration_us: row.get(3)?,
        size_bytes: row::unsigned(row, 4)?,
        plain_bytes: row::unsigned(row, 5)?,
        sha256: row::hash(row, 6)?,
        cut_short: row.get(7)?,
        codec: row.get(8)?,
        width: row.get(9)?,
        height: row.get(10)?,
        fragments: row.get(11)?,
        thumbnail: row.get(12)?,
        entry: row::unsigned(row, 13)?,
        from_card: row.get(14)?,
    })
}

impl Tables<'_> {
    /// Notes a clip that is being written.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn insert_part(&self, part: &PartRow) -> Result<()> {
        self.connection.prepare_cached("INSERT INTO parts VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?.execute(
            params![
                part.clip.to_string(),
                part.camera.to_string(),
                part.start_us.0,
                part.owner_wrap,
                part.recipient,
                part.from_card
            ],
        )?;
        Ok(())
    }

    /// What is being written, or was when the computer stopped.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn parts(&self) -> Result<Vec<PartRow>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT clip, camera, start_us, owner_wrap, recipient, from_card FROM parts ORDER BY start_us",
        )?;
        let rows = statement.query_map([], |row| {
            Ok(PartRow {
                clip: row::parsed(row, 0)?,
                camera: row::parsed(row, 1)?,
                start_us: row::time(row, 2)?,
                owner_wrap: row.get(3)?,
                recipient: row.get(4)?,
                from_card: row.get(5)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Forgets a clip that is no longer being written.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn delete_part(&self, clip: ClipId) -> Result<()> {
        self.connection.execute("DELETE FROM parts WHERE clip = ?1", [clip.to_string()])?;
        Ok(())
    }

    /// Adds a clip.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn insert_clip(&self, clip: &ClipRow) -> Result<()> {
        self.connection
            .prepare_cached(
                "INSERT INTO clips VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, 0, ?15)",
            )?
            .execute(params![
                clip.id.to_string(),
                clip.camera.to_string(),
                clip.start_us.0,
                clip.duration_us,
                row::signed(clip.size_bytes),
                row::signed(clip.plain_bytes),
                clip.sha256,
                clip.cut_short,
                clip.codec,
                clip.width,
                clip.height,
                clip.fragments,
                clip.thumbnail,
                row::signed(clip.entry),
                clip.from_card
            ])?;
        Ok(())
    }

    /// Another file, with another key, in place of the one that a clip had: its size, hash, small picture and entry.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn replace_clip_file(&self, clip: &ClipRow) -> Result<()> {
        self.connection.execute(
            "UPDATE clips SET size_bytes = ?2, plain_bytes = ?3, sha256 = ?4, thumbnail = ?5, entry = ?6 WHERE id = ?1",
            params![
                clip.id.to_string(),
                row::signed(clip.size_bytes),
                row::signed(clip.plain_bytes),
                clip.sha256,
                clip.thumbnail,
                row::signed(clip.entry)
            ],
        )?;
        Ok(())
    }

    /// Deletes all wraps of a clip, and the agreements about it.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn drop_clip_wraps(&self, clip: ClipId) -> Result<()> {
        self.connection.execute("DELETE FROM wraps WHERE clip = ?1", [clip.to_string()])?;
        self.connection.execute("DELETE FROM asks WHERE clip = ?1", [clip.to_string()])?;
        Ok(())
    }

    /// One clip.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn clip(&self, id: ClipId) -> Result<Option<ClipRow>> {
        let sql = format!("SELECT {COLUMNS} FROM clips WHERE id = ?1 AND NOT erasing");
        Ok(self.connection.prepare_cached(&sql)?.query_row([id.to_string()], read).optional()?)
    }

    /// Clips, newest first.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn clips(&self, filter: &ClipFilter) -> Result<Vec<ClipRow>> {
        self.select_clips(COLUMNS, filter, read)
    }

    /// When clips are, newest first.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn clip_spans(&self, filter: &ClipFilter) -> Result<Vec<ClipSpan>> {
        self.select_clips("id, camera, start_us, start_us + duration_us, entry", filter, |row| {
            Ok(ClipSpan {
                id: row::parsed(row, 0)?,
                camera: row::parsed(row, 1)?,
                start_us: row::time(row, 2)?,
                end_us: row::time(row, 3)?,
                entry: row::unsigned(row, 4)?,
            })
        })
    }

    fn select_clips<T>(
        &self,
        columns: &str,
        filter: &ClipFilter,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let mut sql = format!("SELECT {columns} FROM clips WHERE NOT erasing");
        let mut values: Vec<Box<dyn ToSql>> = Vec::new();
        if !filter.cameras.is_empty() {
            sql += &format!(" AND camera IN ({})", row::placeholders(filter.cameras.len()));
            values.extend(filter.cameras.iter().map(|id| Box::new(id.to_string()) as Box<dyn ToSql>));
        }
        if let Some((from_us, to_us)) = filter.span_us {
            sql += " AND start_us < ? AND start_us + duration_us > ? AND start_us >= ?";
            values.push(Box::new(to_us.0));
            values.push(Box::new(from_us.0));
            values.push(Box::new(self.earliest_start(from_us, to_us)?));
        }
        if !filter.events.is_empty() {
            let kinds = row::placeholders(filter.events.len());
            let names = || filter.events.iter().map(|kind| Box::new(kind.as_str()) as Box<dyn ToSql>);
            sql += &format!(
                " AND (EXISTS (SELECT 1 FROM events WHERE events.camera = clips.camera AND kind IN ({kinds})
                    AND events.start_us < clips.start_us + clips.duration_us
                    AND events.start_us >= clips.start_us - {LONG_US}
                    AND ifnull(events.end_us, clips.start_us) >= clips.start_us)
                OR EXISTS (SELECT 1 FROM events INDEXED BY events_long
                    WHERE events.camera = clips.camera AND kind IN ({kinds})
                    AND (end_us IS NULL OR end_us - start_us > {LONG_US})
                    AND events.start_us < clips.start_us - {LONG_US}
                    AND ifnull(events.end_us, clips.start_us) >= clips.start_us))",
            );
            values.extend(names());
            values.extend(names());
            // What is rare is looked for among the events: there are far more clips, and most without one of them.
            if let Some((from_us, to_us)) = filter.span_us
                && self.is_rare(&filter.events, from_us, to_us)?
            {
                sql += &format!(
                    " AND id IN (SELECT found.id FROM events CROSS JOIN clips AS found
                        WHERE kind IN ({kinds}) AND events.camera IN (SELECT id FROM cameras)
                        AND events.start_us >= ? AND events.start_us < ?
                        AND found.camera = events.camera
                        AND found.start_us > events.start_us - {LONG_US}
                        AND found.start_us <= ifnull(events.end_us, ?)
                    UNION ALL SELECT id FROM clips INDEXED BY clips_long WHERE duration_us > {LONG_US})",
                );
                values.extend(names());
                let earliest: Option<i64> = self.connection.query_row(
                    &format!(
                        "SELECT min(start_us) FROM events INDEXED BY events_long
                         WHERE end_us IS NULL OR end_us - start_us > {LONG_US}"
                    ),
                    [],
                    |row| row.get(0),
                )?;
                let from = from_us.0.saturating_sub(2 * LONG_US);
                values.push(Box::new(earliest.map_or(from, |earliest| earliest.min(from))));
                values.push(Box::new(to_us.0.saturating_add(LONG_US)));
                values.push(Box::new(to_us.0));
            }
        }
        if let Some(grants) = &filter.grants {
            sql += &format!(
                " AND EXISTS (SELECT 1 FROM wraps WHERE wraps.clip = clips.id AND grant_id IN ({}))",
                row::placeholders(grants.len())
            );
            values.extend(grants.iter().map(|id| Box::new(id.to_string()) as Box<dyn ToSql>));
        }
        sql += " ORDER BY start_us DESC, id";
        if let Some(limit) = filter.limit {
            sql += " LIMIT ?";
            values.push(Box::new(limit));
        }
        let mut statement = self.connection.prepare(&sql)?;
        let rows = statement.query_map(rusqlite::params_from_iter(values), read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// When the first clip of `camera` after `from_us` begins that was recorded live, also if it is still being written.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn first_live(&self, camera: CameraId, from_us: UnixMicros) -> Result<Option<UnixMicros>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT min(start_us) FROM
                 (SELECT start_us FROM clips WHERE camera = ?1 AND NOT erasing AND NOT from_card AND start_us >= ?2
                  UNION ALL SELECT start_us FROM parts WHERE camera = ?1 AND NOT from_card AND start_us >= ?2)",
        )?;
        Ok(statement.query_row(params![camera.to_string(), from_us.0], |row| row::time_opt(row, 0))?)
    }

    /// Adds a wrapped key: the owner's (`grant` is `None`) or a grant's. One that is there stays.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn insert_wrap(&self, clip: ClipId, grant: Option<GrantId>, wrap: &[u8]) -> Result<()> {
        self.connection
            .prepare_cached("INSERT OR IGNORE INTO wraps VALUES (?1, ?2, ?3)")?
            .execute(params![clip.to_string(), grant.map(|id| id.to_string()), wrap])?;
        Ok(())
    }

    /// Adds the wrap of a grant, unless the grant has ended or the clip is being erased meanwhile. Says whether it was added.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn add_grant_wrap(&self, clip: ClipId, grant: GrantId, wrap: &[u8]) -> Result<bool> {
        let added = self
            .connection
            .prepare_cached(
                "INSERT OR IGNORE INTO wraps
                 SELECT ?1, ?2, ?3
                 WHERE EXISTS (SELECT 1 FROM clips WHERE id = ?1 AND NOT erasing)
                   AND EXISTS (SELECT 1 FROM grants WHERE id = ?2 AND ended_us IS NULL)",
            )?
            .execute(params![clip.to_string(), grant.to_string(), wrap])?;
        Ok(added == 1)
    }

    /// The wraps of a clip: the owner's has no grant.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn wraps(&self, clip: ClipId) -> Result<Vec<(Option<GrantId>, Vec<u8>)>> {
        let mut statement =
            self.connection.prepare_cached("SELECT grant_id, wrap FROM wraps WHERE clip = ?1")?;
        let rows =
            statement.query_map([clip.to_string()], |row| Ok((row::parsed_opt(row, 0)?, row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// How many clips of a camera start within a span.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn count_clips(&self, camera: CameraId, from_us: UnixMicros, to_us: UnixMicros) -> Result<u64> {
        Ok(self
            .connection
            .prepare_cached(
                "SELECT count(*) FROM clips WHERE camera = ?1 AND start_us >= ?2 AND start_us < ?3 AND NOT erasing",
            )?
            .query_row(params![camera.to_string(), from_us.0, to_us.0], |row| row::unsigned(row, 0))?)
    }

    /// Clips that have a wrap of a grant, and when each starts.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn wrapped_clips(&self, grant: GrantId) -> Result<Vec<(ClipId, UnixMicros)>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT clips.id, clips.start_us FROM wraps JOIN clips ON clips.id = wraps.clip WHERE wraps.grant_id = ?1",
        )?;
        let rows =
            statement.query_map([grant.to_string()], |row| Ok((row::parsed(row, 0)?, row::time(row, 1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// First step of erasing: the clip can no longer be opened by anyone, by deleting its wraps and thumbnail; the personal fields
    /// of its entries go, but for those that say who was given a copy; and the log's side column forgets which clip it was.
    /// The row stays until the file is gone.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn begin_erasing(&self, clip: ClipId) -> Result<()> {
        self.connection
            .prepare_cached("UPDATE entries SET personal = NULL WHERE clip = ?1 AND kind <> 'copy_made'")?
            .execute([clip.to_string()])?;
        self.begin_erasing_but_for_words(clip)
    }

    /// The same, and who was given a copy is forgotten too.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn begin_erasing_with_copies(&self, clip: ClipId) -> Result<()> {
        self.connection
            .prepare_cached("UPDATE entries SET personal = NULL WHERE clip = ?1")?
            .execute([clip.to_string()])?;
        self.begin_erasing_but_for_words(clip)
    }

    fn begin_erasing_but_for_words(&self, clip: ClipId) -> Result<()> {
        let id = clip.to_string();
        self.connection.execute("DELETE FROM wraps WHERE clip = ?1", [&id])?;
        self.connection.execute("DELETE FROM asks WHERE clip = ?1", [&id])?;
        // What was granted of it alone is about nothing any more, and would name it for good.
        self.connection.execute("DELETE FROM grants WHERE clip = ?1", [&id])?;
        self.connection.execute("UPDATE clips SET erasing = 1, thumbnail = NULL WHERE id = ?1", [&id])?;
        self.connection.execute("UPDATE entries SET clip = NULL WHERE clip = ?1", [&id])?;
        Ok(())
    }

    /// Clips whose wraps are gone and whose file may still be there.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn erasing(&self) -> Result<Vec<(ClipId, CameraId)>> {
        let mut statement = self.connection.prepare_cached("SELECT id, camera FROM clips WHERE erasing")?;
        let rows = statement.query_map([], |row| Ok((row::parsed(row, 0)?, row::parsed(row, 1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Last step of erasing, after the file is gone.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn finish_erasing(&self, clip: ClipId) -> Result<()> {
        self.connection.execute("DELETE FROM clips WHERE id = ?1 AND erasing", [clip.to_string()])?;
        Ok(())
    }
}
