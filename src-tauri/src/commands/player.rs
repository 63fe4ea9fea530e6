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

/// Tells the player what to do; what comes of it is an event.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn player(shell: State<'_, Shell>, order: PlayerOrder) -> Answer<()> {
    shell.engine.player(&order)
}

/// Closes the clip.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn close_player(shell: State<'_, Shell>) {
    shell.engine.close_player();
}
