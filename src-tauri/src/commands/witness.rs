//! Witnesses of the log.

use hausrecht_engine::wire::WitnessView;
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

/// The key of the log, which a witness is given.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn verifier_key(shell: State<'_, Shell>) -> Answer<String> {
    shell.engine.verifier_key()
}
