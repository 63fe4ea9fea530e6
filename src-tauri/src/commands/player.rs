//! The player.

use hausrecht_engine::wire::{PlayerOrder, PlayerState};
use hausrecht_model::ClipId;
use tauri::State;

use super::{Answer, Shell};

/// Opens a clip; the log has the entry before there is a picture.
#[tauri::command]
#[specta::specta]
pub(crate) async fn open_clip(shell: State<'_, Shell>, id: ClipId) -> Answer<PlayerState> {
    shell.engine.open_clip(id).await
}

/// Tells the player what to do.
#[tauri::command]
#[specta::specta]
pub(crate) async fn player(shell: State<'_, Shell>, order: PlayerOrder) -> Answer<PlayerState> {
    shell.engine.player(order).await
}

/// Closes the clip.
#[tauri::command]
#[specta::specta]
pub(crate) async fn close_player(shell: State<'_, Shell>) -> Answer<()> {
    shell.engine.close_player().await
}
