//! Table `events`: what cameras reported, with start and end.

use hausrecht_model::{CameraId, EventId, EventKind, UnixMicros};
use rusqlite::{Row, params};

use crate::{Result, Tables, row, timeline::LONG_US};

/// An event.
#[derive(Clone, Debug)]
pub struct EventRow {
    /// Id.
    pub id: EventId,
    /// Camera.
    pub camera: CameraId,
    /// Kind.
    pub kind: EventKind,
    /// The camera's own topic.
    pub topic: String,
    /// Start.
    pub start_us: UnixMicros,
    /// End; `None`: still going on.
    pub end_us: Option<UnixMicros>,
    /// The kind by the makers' table, where the owner has said another one.
    pub mapped_from: Option<EventKind>,
}

/// The columns of an event, in the order of [`read`].
pub(crate) const COLUMNS: &str = "id, camera, kind, topic, start_us, end_us, mapped_from";

pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<EventRow> {
    Ok(EventRow {
        id: row::parsed(row, 0)?,
        camera: row::parsed(row, 1)?,
        kind: EventKind::from_name(&row.get::<_, String>(2)?),
        topic: row.get(3)?,
        start_us: row::time(row, 4)?,
        end_us: row::time_opt(row, 5)?,
        mapped_from: row.get::<_, Option<String>>(6)?.map(|name| EventKind::from_name(&name)),
    })
}

impl Tables<'_> {
    /// Adds an event.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn insert_event(&self, event: &EventRow) -> Result<()> {
        self.connection.execute(
            "INSERT INTO events VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                event.id.to_string(),
                event.camera.to_string(),
                event.kind.as_str(),
                event.topic,
                event.start_us.0,
                event.end_us.map(|time| time.0),
                event.mapped_from.map(EventKind::as_str)
            ],
        )?;
        Ok(())
    }

    /// Ends an event.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn end_event(&self, id: EventId, end_us: UnixMicros) -> Result<()> {
        self.connection
            .execute("UPDATE events SET end_us = ?2 WHERE id = ?1", params![id.to_string(), end_us.0])?;
        Ok(())
    }

    /// Ends what a crash left open, at its own start.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn close_open_events(&self) -> Result<()> {
        self.connection.execute("UPDATE events SET end_us = start_us WHERE end_us IS NULL", [])?;
        Ok(())
    }

    /// Events of any camera that overlap a span, by start. `now_us` stands for the end of those that go on.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn events(&self, from_us: UnixMicros, to_us: UnixMicros) -> Result<Vec<EventRow>> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM events
             WHERE start_us >= ?1 - ?3 AND start_us < ?2 AND ifnull(end_us, ?2) >= ?1
             UNION ALL SELECT {COLUMNS} FROM events INDEXED BY events_long
             WHERE (end_us IS NULL OR end_us - start_us > 3600000000)
                 AND start_us < ?1 - ?3 AND ifnull(end_us, ?2) >= ?1
             ORDER BY start_us"
        ))?;
        let rows = statement.query_map([from_us.0, to_us.0, LONG_US], read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Erases events of `camera` that ended before `before_us`, but those of what is kept longer or bookmarked, and topics that nobody
    /// knows and that came last before it: what came with them may tell of people as well.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn erase_events(&self, camera: CameraId, before_us: UnixMicros) -> Result<usize> {
        let values = params![camera.to_string(), before_us.0];
        self.connection.execute("DELETE FROM unknown_topics WHERE camera = ?1 AND last_us < ?2", values)?;
        Ok(self.connection.execute(
            "DELETE FROM events WHERE camera = ?1 AND start_us < ?2 AND ifnull(end_us, start_us) < ?2
                 AND NOT EXISTS (SELECT 1 FROM holds WHERE holds.camera = events.camera
                     AND holds.from_us < ifnull(events.end_us, events.start_us) + 1 AND holds.to_us > events.start_us)
                 AND NOT EXISTS (SELECT 1 FROM bookmarks JOIN clips ON clips.id = bookmarks.clip
                     WHERE clips.camera = events.camera AND clips.start_us < ifnull(events.end_us, events.start_us) + 1
                     AND clips.start_us + clips.duration_us > events.start_us)",
            values,
        )?)
    }
}
