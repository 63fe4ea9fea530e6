//! Tables `topic_map` and `unknown_topics`: what the owner says a topic means, and topics that nobody knows.

use hausrecht_model::{CameraId, EventKind, UnixMicros};
use rusqlite::params;

use crate::{Result, Tables, row};

/// Topics that are kept of one camera; of more, the one that has not come for the longest time goes.
const TOPICS_MAX: u32 = 256;

/// A topic that Hausrecht does not know, as it last came from a camera.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnknownTopicRow {
    /// Camera.
    pub camera: CameraId,
    /// The topic without prefixes.
    pub topic: String,
    /// Names and values of the last message, as JSON.
    pub data: String,
    /// How often it came; what tells a first state alone does not count.
    pub count: u64,
    /// When it came last.
    pub last_us: UnixMicros,
}

impl Tables<'_> {
    /// Adds `seen.count` to what is known of a topic and replaces the rest.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn add_unknown_topic(&self, seen: &UnknownTopicRow) -> Result<()> {
        let camera = seen.camera.to_string();
        self.connection
            .prepare_cached(
                "INSERT INTO unknown_topics VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (camera, topic) DO UPDATE
                 SET data = ?3, count = count + ?4, last_us = ?5",
            )?
            .execute(params![camera, seen.topic, seen.data, row::signed(seen.count), seen.last_us.0])?;
        self.connection
            .prepare_cached(
                "DELETE FROM unknown_topics WHERE camera = ?1 AND topic IN (SELECT topic FROM unknown_topics
                 WHERE camera = ?1 ORDER BY last_us DESC LIMIT -1 OFFSET ?2)",
            )?
            .execute(params![camera, TOPICS_MAX])?;
        Ok(())
    }

    /// Topics that nobody has said anything of, the last that came first.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn unknown_topics(&self) -> Result<Vec<UnknownTopicRow>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT camera, topic, data, count, last_us FROM unknown_topics
             WHERE topic NOT IN (SELECT topic FROM topic_map) ORDER BY last_us DESC, camera, topic",
        )?;
        let rows = statement.query_map([], |row| {
            Ok(UnknownTopicRow {
                camera: row::parsed(row, 0)?,
                topic: row.get(1)?,
                data: row.get(2)?,
                count: row::unsigned(row, 3)?,
                last_us: row::time(row, 4)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// What the owner has said of topics, by topic.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn topic_map(&self) -> Result<Vec<(String, EventKind)>> {
        let mut statement =
            self.connection.prepare_cached("SELECT topic, kind FROM topic_map ORDER BY topic")?;
        let rows = statement
            .query_map([], |row| Ok((row.get(0)?, EventKind::from_name(&row.get::<_, String>(1)?))))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Lets `topic` mean `kind`, also in the events that are stored as unknown or by an earlier word of the owner. `None`
    /// forgets what was said; the events get back the kind they had.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn map_topic(&self, topic: &str, kind: Option<EventKind>) -> Result<()> {
        let Some(kind) = kind else {
            self.connection.execute("DELETE FROM topic_map WHERE topic = ?1", [topic])?;
            self.connection.execute(
                "UPDATE events SET kind = mapped_from, mapped_from = NULL
                 WHERE topic = ?1 COLLATE NOCASE AND mapped_from IS NOT NULL",
                [topic],
            )?;
            return Ok(());
        };
        self.connection.execute(
            "INSERT INTO topic_map VALUES (?1, ?2) ON CONFLICT (topic) DO UPDATE SET kind = ?2",
            [topic, kind.as_str()],
        )?;
        self.connection.execute(
            "UPDATE events SET mapped_from = ifnull(mapped_from, kind), kind = ?2
             WHERE topic = ?1 COLLATE NOCASE AND (kind = 'unknown' OR mapped_from IS NOT NULL)",
            [topic, kind.as_str()],
        )?;
        Ok(())
    }
}
