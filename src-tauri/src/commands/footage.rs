//! Saved footage. The page never names a path: files come from the desktop's own dialog, from a drop, or from the program's
//! arguments.

use hausrecht_engine::wire::{Footage, ImportFootage, PlayerState, SourceView};
use hausrecht_model::CameraId;
use tauri::{AppHandle, State};

use super::{Answer, Shell};
use crate::open;

/// The files that are listed.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn footage(shell: State<'_, Shell>) -> Answer<Footage> {
    shell.engine.footage()
}

/// Lets the person choose files, or a folder, in the desktop's dialog with this title, and lists them; the shell's own.
#[tauri::command]
#[specta::specta]
pub(crate) async fn choose_footage(
    app: AppHandle,
    shell: State<'_, Shell>,
    folder: bool,
    title: String,
) -> Answer<Footage> {
    let before = shell.engine.footage()?;
    let paths = open::choose(&app, folder, title).await;
    if paths.is_empty() { Ok(before) } else { shell.engine.look_at_footage(paths).await }
}

/// Says in which zone the recorders' clocks were.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn set_footage_zone(shell: State<'_, Shell>, zone: String) -> Answer<Footage> {
    shell.engine.set_footage_zone(&zone)
}

/// Takes a file off the list.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn drop_footage(shell: State<'_, Shell>, id: u32) -> Answer<Footage> {
    shell.engine.drop_footage(id)
}

/// Empties the list, unless something of it is being imported.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn close_footage(shell: State<'_, Shell>) -> Answer<()> {
    shell.engine.close_footage()
}

/// Imports files of the list; how far it is comes as an event.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn import_footage(shell: State<'_, Shell>, wanted: Vec<ImportFootage>) -> Answer<Footage> {
    shell.engine.import_footage(wanted)
}

/// Ends the import; files that are whole stay.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn stop_footage(shell: State<'_, Shell>) -> Answer<()> {
    shell.engine.stop_footage()
}

/// Shows a file of the list as it is; nothing of it is kept.
#[tauri::command]
#[specta::specta]
pub(crate) async fn watch_footage(shell: State<'_, Shell>, id: u32) -> Answer<PlayerState> {
    shell.engine.watch_footage(id).await
}

/// The sources of imported clips.
#[tauri::command]
#[specta::specta]
pub(crate) async fn sources(shell: State<'_, Shell>) -> Answer<Vec<SourceView>> {
    shell.engine.sources().await
}

/// Gives a source another name.
#[tauri::command]
#[specta::specta]
pub(crate) async fn rename_source(
    shell: State<'_, Shell>,
    id: CameraId,
    name: String,
) -> Answer<Vec<SourceView>> {
    shell.engine.rename_source(id, &name).await
}

/// Removes a source and erases its clips.
#[tauri::command]
#[specta::specta]
pub(crate) async fn remove_source(shell: State<'_, Shell>, id: CameraId) -> Answer<Vec<SourceView>> {
    shell.engine.remove_source(id).await
}
