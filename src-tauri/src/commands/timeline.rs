//! The timeline at any zoom, and bookmarks on it.

use hausrecht_engine::wire::{BookmarkView, ClipPlace, EventLine, EventQuery, GiveBookmark, Lanes};
use hausrecht_model::{BookmarkId, CameraId, UnixMicros};
use tauri::State;

use super::{Answer, Shell};

/// What was recorded and what happened, a lane a camera.
#[tauri::command]
#[specta::specta]
pub(crate) async fn lanes(shell: State<'_, Shell>, from_us: UnixMicros, to_us: UnixMicros) -> Answer<Lanes> {
    shell.engine.lanes(from_us, to_us).await
}

/// Events from one on, in one direction.
#[tauri::command]
#[specta::specta]
pub(crate) async fn walk_events(shell: State<'_, Shell>, query: EventQuery) -> Answer<Vec<EventLine>> {
    shell.engine.walk_events(query).await
}

/// The last clip of a camera in a span.
#[tauri::command]
#[specta::specta]
pub(crate) async fn clip_in(
    shell: State<'_, Shell>,
    camera: CameraId,
    from_us: UnixMicros,
    to_us: UnixMicros,
) -> Answer<Option<ClipPlace>> {
    shell.engine.clip_in(camera, from_us, to_us).await
}

/// The bookmarks that whoever is signed in may see.
#[tauri::command]
#[specta::specta]
pub(crate) async fn bookmarks(shell: State<'_, Shell>) -> Answer<Vec<BookmarkView>> {
    shell.engine.bookmarks().await
}

/// Marks a moment.
#[tauri::command]
#[specta::specta]
pub(crate) async fn give_bookmark(shell: State<'_, Shell>, given: GiveBookmark) -> Answer<BookmarkView> {
    shell.engine.give_bookmark(given).await
}

/// Changes the note of a bookmark.
#[tauri::command]
#[specta::specta]
pub(crate) async fn change_bookmark(
    shell: State<'_, Shell>,
    id: BookmarkId,
    note: String,
) -> Answer<BookmarkView> {
    shell.engine.change_bookmark(id, note).await
}

/// Removes a bookmark.
#[tauri::command]
#[specta::specta]
pub(crate) async fn remove_bookmark(shell: State<'_, Shell>, id: BookmarkId) -> Answer<()> {
    shell.engine.remove_bookmark(id).await
}
