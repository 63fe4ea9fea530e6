//! The log.

use hausrecht_engine::wire::{LogEntryDetail, LogPage, LogQuery, PhotographedCheckpoint, VerifyState};
use tauri::{AppHandle, Manager, State};

use super::{Answer, Shell, internal};

/// A page of the log, newest first.
#[tauri::command]
#[specta::specta]
pub(crate) async fn log_page(shell: State<'_, Shell>, query: LogQuery) -> Answer<LogPage> {
    shell.engine.log_page(query).await
}

/// One entry with its proof.
#[tauri::command]
#[specta::specta]
pub(crate) async fn log_entry(shell: State<'_, Shell>, index: u32) -> Answer<LogEntryDetail> {
    shell.engine.log_entry(u64::from(index)).await
}

/// Starts to verify everything; how far it is comes as events.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn verify_log(shell: State<'_, Shell>) -> Answer<()> {
    shell.engine.verify_log()
}

/// How far the last verification is, or what it found.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn verify_state(shell: State<'_, Shell>) -> Option<VerifyState> {
    shell.engine.verify_state()
}

/// The newest checkpoint, a signed note.
#[tauri::command]
#[specta::specta]
pub(crate) async fn checkpoint(shell: State<'_, Shell>) -> Answer<String> {
    shell.engine.checkpoint().await
}

/// The newest checkpoint as a QR code.
#[tauri::command]
#[specta::specta]
pub(crate) async fn photograph_checkpoint(shell: State<'_, Shell>) -> Answer<PhotographedCheckpoint> {
    shell.engine.photograph_checkpoint().await
}

/// Writes the newest checkpoint into the person's downloads, else into their home. Returns the file's path.
#[tauri::command]
#[specta::specta]
pub(crate) async fn export_checkpoint(app: AppHandle, shell: State<'_, Shell>) -> Answer<String> {
    let folder = app.path().download_dir().ok().filter(|folder| folder.is_dir());
    let folder = folder.map_or_else(|| app.path().home_dir(), Ok).map_err(internal)?;
    shell.engine.export_checkpoint(&folder).await
}
