//! Exports of recordings to files.

use std::path::PathBuf;

use hausrecht_engine::wire::{ExportOrder, ExportPlan, ExportView};
use tauri::{State, WebviewWindow};

use super::{Answer, Shell, internal};
use crate::folder;

/// What an export would be. Nothing is opened for it.
#[tauri::command]
#[specta::specta]
pub(crate) async fn plan_export(shell: State<'_, Shell>, order: ExportOrder) -> Answer<ExportPlan> {
    shell.engine.plan_export(order).await
}

/// Begins an export; how far it is comes as an event.
#[tauri::command]
#[specta::specta]
pub(crate) async fn start_export(shell: State<'_, Shell>, order: ExportOrder) -> Answer<u32> {
    shell.engine.start_export(order).await
}

/// Stops an export: nothing of it is kept.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn stop_export(shell: State<'_, Shell>, id: u32) -> Answer<()> {
    shell.engine.stop_export(id)
}

/// Exports of this run, oldest first.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn exports(shell: State<'_, Shell>) -> Answer<Vec<ExportView>> {
    shell.engine.exports()
}

/// The folder of the last export.
#[tauri::command]
#[specta::specta]
pub(crate) async fn export_folder(shell: State<'_, Shell>) -> Answer<String> {
    shell.engine.export_folder().await
}

/// Lets the person choose a folder in the desktop's own dialog, `None` if they do not; the shell's own. `begin` is where the
/// dialog begins.
#[tauri::command]
#[specta::specta]
pub(crate) async fn choose_folder(
    window: WebviewWindow,
    title: String,
    begin: String,
) -> Answer<Option<String>> {
    folder::choose(&window, title, begin).await
}

/// Shows the files of an export in the desktop's file manager; the shell's own.
#[tauri::command]
#[specta::specta]
pub(crate) async fn show_export(shell: State<'_, Shell>, id: u32) -> Answer<()> {
    let Some(view) = shell.engine.exports()?.into_iter().find(|view| view.id == id) else { return Ok(()) };
    let folder = PathBuf::from(view.order.folder);
    let path = view.files.first().map_or_else(|| folder.clone(), |file| folder.join(&file.name));
    tokio::task::spawn_blocking(move || folder::show(&path)).await.map_err(internal)?.map_err(internal)
}
