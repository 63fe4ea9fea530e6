//! Topics that cameras report: those that nobody knows, and what the owner says of them.

use std::sync::Arc;

use hausrecht_ledger::Kind;
use hausrecht_model::EventKind;
use hausrecht_onvif::topics::Override;

use super::Handle;
use crate::{
    Result,
    camera::Said,
    inner::lock,
    logbook::Note,
    wire::{Error, TopicMapping, UnknownTopic},
};

/// Longest topic, in bytes.
const TOPIC_MAX_BYTES: usize = 512;
/// Topics that the owner can say something of.
const TOPICS_MAX: usize = 1000;

impl Handle {
    /// Topics that Hausrecht does not know and the owner has said nothing of, the last that came first.
    ///
    /// # Errors
    /// Only the owner.
    pub async fn unknown_topics(&self) -> Result<Vec<UnknownTopic>> {
        self.inner.signed_in()?.owner_keys()?;
        let rows = self.inner.db.read(|tables| Ok(tables.unknown_topics()?)).await?;
        rows.into_iter()
            .map(|row| {
                Ok(UnknownTopic {
                    camera: row.camera,
                    topic: row.topic,
                    data: serde_json::from_str(&row.data)?,
                    count: row.count,
                    last_us: row.last_us,
                })
            })
            .collect()
    }

    /// What the owner has said of topics.
    ///
    /// # Errors
    /// Only the owner.
    pub async fn topic_map(&self) -> Result<Vec<TopicMapping>> {
        self.inner.signed_in()?.owner_keys()?;
        let rows = self.inner.db.read(|tables| Ok(tables.topic_map()?)).await?;
        Ok(rows.into_iter().map(|(topic, kind)| TopicMapping { topic, kind }).collect())
    }

    /// Lets a topic of all cameras mean `kind`, at once and in the events that are stored as unknown; `None` forgets what
    /// was said of it.
    ///
    /// # Errors
    /// Only the owner; no topic.
    pub async fn map_topic(&self, topic: &str, kind: Option<EventKind>) -> Result<()> {
        let person = self.inner.signed_in()?;
        let keys = person.owner_keys()?;
        let topic = topic.trim().to_owned();
        let is_topic = (1..=TOPIC_MAX_BYTES).contains(&topic.len())
            && !topic.contains(|letter: char| letter == '*' || letter.is_control());
        if !is_topic {
            return Err(Error::invalid("a topic is levels with / between them, without a *"));
        }
        let note = Note::new(Kind::SettingChanged)
            .by(person.id)
            .fact("setting", "topic")
            .fact("topic", topic.clone())
            .fact("to", kind.map_or("forgotten", EventKind::as_str));
        let inner = Arc::clone(&self.inner);
        self.inner
            .db
            .run(move |store| {
                let map = store.write(|tables| {
                    tables.map_topic(&topic, kind)?;
                    let map = tables.topic_map()?;
                    if map.len() > TOPICS_MAX {
                        return Err(Error::invalid("too many topics: let some be forgotten first"));
                    }
                    inner.logbook.append(tables, &note, Some(&keys))?;
                    Ok(map)
                })?;
                // On the database's thread, where changes follow one another.
                *lock(&inner.said) = said(map);
                Ok(())
            })
            .await?;
        self.inner.clips_changed();
        Ok(())
    }
}

/// The owner's words as the cameras' tasks use them.
pub(crate) fn said(map: Vec<(String, EventKind)>) -> Said {
    map.into_iter().map(|(topic, kind)| Override { topic, item: None, kind }).collect()
}
