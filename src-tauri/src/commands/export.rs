//! Exports of recordings to files.

use hausrecht_engine::wire::{ExportOrder, ExportPlan, ExportView, PackageSeal};
use tauri::{State, WebviewWindow};

use super::{Answer, Shell};
use crate::chooser;

/// What an export would be. Nothing is opened for it.
#[tauri::command]
#[specta::specta]
pub(crate) async fn plan_export(shell: State<'_, Shell>, order: ExportOrder) -> Answer<ExportPlan> {
    shell.engine.plan_export(order).await
}

/// Begins an export; how far it is comes as an event. `seal` says who can open the package, if it is to be one.
#[tauri::command]
#[specta::specta]
pub(crate) async fn start_export(
    shell: State<'_, Shell>,
    order: ExportOrder,
    seal: Option<PackageSeal>,
) -> Answer<u32> {
    shell.engine.start_export(order, seal).await
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
    chooser::choose(&window, title, begin).await
}

/// Shows the folder of an export in the desktop's file manager; the shell's own.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn show_export(shell: State<'_, Shell>, window: WebviewWindow, id: u32) -> Answer<()> {
    let views = shell.engine.exports()?;
    let view = views.into_iter().find(|view| view.id == id);
    view.map_or(Ok(()), |view| chooser::show_folder(&window, view.order.folder))
}
