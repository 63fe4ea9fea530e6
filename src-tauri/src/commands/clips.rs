//! Recorded clips.

use hausrecht_engine::wire::{ClipDetail, ClipQuery, ClipView, Thumbnail, Timeline};
use hausrecht_model::{ClipId, UnixMicros};
use tauri::State;

use super::{Answer, Shell};

/// The lanes of a span of time.
#[tauri::command]
#[specta::specta]
pub(crate) async fn timeline(
    shell: State<'_, Shell>,
    from_us: UnixMicros,
    to_us: UnixMicros,
) -> Answer<Timeline> {
    shell.engine.timeline(from_us, to_us).await
}

/// Clips, newest first.
#[tauri::command]
#[specta::specta]
pub(crate) async fn clips(shell: State<'_, Shell>, query: ClipQuery) -> Answer<Vec<ClipView>> {
    shell.engine.clips(query).await
}

/// Unsealed thumbnails, for this window only.
#[tauri::command]
#[specta::specta]
pub(crate) async fn thumbnails(shell: State<'_, Shell>, clips: Vec<ClipId>) -> Answer<Vec<Thumbnail>> {
    shell.engine.thumbnails(clips).await
}

/// One clip and its three questions.
#[tauri::command]
#[specta::specta]
pub(crate) async fn clip(shell: State<'_, Shell>, id: ClipId) -> Answer<ClipDetail> {
    shell.engine.clip(id).await
}
