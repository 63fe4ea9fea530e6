//! Recorded clips.

use hausrecht_engine::wire::{
    ClipDetail, ClipQuery, ClipView, EraseOrder, EraseWhat, Erased, Thumbnail, Timeline,
};
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

/// What an order would erase.
#[tauri::command]
#[specta::specta]
pub(crate) async fn would_erase(shell: State<'_, Shell>, what: EraseWhat) -> Answer<Erased> {
    shell.engine.would_erase(what).await
}

/// Erases clips for good.
#[tauri::command]
#[specta::specta]
pub(crate) async fn erase(shell: State<'_, Shell>, order: EraseOrder) -> Answer<Erased> {
    shell.engine.erase(order).await
}
