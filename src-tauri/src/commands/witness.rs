//! Witnesses of the log.

use std::path::PathBuf;

use hausrecht_engine::wire::{StampsExported, TimeStamps, WitnessView};
use tauri::State;

use super::{Answer, Shell};

/// The witnesses and what they have said.
#[tauri::command]
#[specta::specta]
pub(crate) async fn witnesses(shell: State<'_, Shell>) -> Answer<Vec<WitnessView>> {
    shell.engine.witnesses().await
}

/// Names a witness, and shows it the log at once.
#[tauri::command]
#[specta::specta]
pub(crate) async fn add_witness(
    shell: State<'_, Shell>,
    url: String,
    key: String,
) -> Answer<Vec<WitnessView>> {
    shell.engine.add_witness(url, key).await
}

/// Shows a witness the log no more.
#[tauri::command]
#[specta::specta]
pub(crate) async fn remove_witness(shell: State<'_, Shell>, url: String) -> Answer<Vec<WitnessView>> {
    shell.engine.remove_witness(url).await
}

/// Shows all witnesses the log now.
#[tauri::command]
#[specta::specta]
pub(crate) async fn ask_witnesses(shell: State<'_, Shell>) -> Answer<Vec<WitnessView>> {
    shell.engine.ask_witnesses().await
}

/// The time stamping authority and what it has stamped.
#[tauri::command]
#[specta::specta]
pub(crate) async fn time_stamps(shell: State<'_, Shell>) -> Answer<TimeStamps> {
    shell.engine.time_stamps().await
}

/// Names an authority and lets it stamp the log at once, or none.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_time_authority(shell: State<'_, Shell>, url: Option<String>) -> Answer<TimeStamps> {
    shell.engine.set_time_authority(url).await
}

/// Lets the authority stamp the log now.
#[tauri::command]
#[specta::specta]
pub(crate) async fn stamp_now(shell: State<'_, Shell>) -> Answer<TimeStamps> {
    shell.engine.stamp_now().await
}

/// Writes all stamps with their checkpoints into a folder below `folder`.
#[tauri::command]
#[specta::specta]
pub(crate) async fn export_stamps(shell: State<'_, Shell>, folder: String) -> Answer<StampsExported> {
    shell.engine.export_stamps(&PathBuf::from(folder)).await
}

/// The key of the log, which a witness is given.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn verifier_key(shell: State<'_, Shell>) -> Answer<String> {
    shell.engine.verifier_key()
}
