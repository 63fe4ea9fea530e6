//! Live pictures: what a tile says, and where it stands.

use hausrecht_engine::wire::{TilePlace, TileState};
use tauri::{State, WebviewWindow};

use super::{Answer, Shell, internal};
use crate::presenter::canvas::StreamEndpoint;

/// What each tile says about its camera.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn tiles(shell: State<'_, Shell>) -> Answer<Vec<TileState>> {
    shell.engine.tiles()
}

/// The shell's own: where this window's page wants pictures; all of them each time. Returns the generation of this placement,
/// which the pictures for canvases carry.
#[tauri::command]
#[specta::specta]
pub(crate) fn place_tiles(window: WebviewWindow, shell: State<'_, Shell>, places: Vec<TilePlace>) -> u32 {
    shell.screens.of(window.label()).map_or(0, |screen| screen.wall.place(places))
}

/// The shell's own: where canvases get their pictures.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn stream_endpoint(window: WebviewWindow, shell: State<'_, Shell>) -> Answer<StreamEndpoint> {
    let screen = shell.screens.of(window.label()).ok_or_else(|| internal("this window shows no pictures"))?;
    Ok(screen.canvas.endpoint())
}
