//! Topics that cameras report.

use hausrecht_engine::wire::{TopicMapping, UnknownTopic};
use hausrecht_model::EventKind;
use tauri::State;

use super::{Answer, Shell};

/// Topics that Hausrecht does not know, the last that came first.
#[tauri::command]
#[specta::specta]
pub(crate) async fn unknown_topics(shell: State<'_, Shell>) -> Answer<Vec<UnknownTopic>> {
    shell.engine.unknown_topics().await
}

/// What the owner has said of topics.
#[tauri::command]
#[specta::specta]
pub(crate) async fn topic_map(shell: State<'_, Shell>) -> Answer<Vec<TopicMapping>> {
    shell.engine.topic_map().await
}

/// Lets a topic mean something, also in events that are stored as unknown; without a kind, forgets what was said.
#[tauri::command]
#[specta::specta]
pub(crate) async fn map_topic(shell: State<'_, Shell>, topic: String, kind: Option<EventKind>) -> Answer<()> {
    shell.engine.map_topic(&topic, kind).await
}
