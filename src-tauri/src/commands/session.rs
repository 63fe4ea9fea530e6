//! Who is at the window.

use hausrecht_engine::wire::{CreateOwner, PassphraseRating, RecoverySheet, Session, SuggestedPassphrase};
use tauri::State;

use super::{Answer, Shell};

/// Who is signed in.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn session(shell: State<'_, Shell>) -> Session {
    shell.engine.session()
}

/// Makes the vault and its owner, and signs the owner in.
#[tauri::command]
#[specta::specta]
pub(crate) async fn create_owner(shell: State<'_, Shell>, owner: CreateOwner) -> Answer<RecoverySheet> {
    shell.engine.create_owner(owner).await
}

/// The recovery sheet again, against the passphrase.
#[tauri::command]
#[specta::specta]
pub(crate) async fn recovery_sheet(shell: State<'_, Shell>, passphrase: String) -> Answer<RecoverySheet> {
    shell.engine.recovery_sheet(passphrase).await
}

/// The owner has printed or saved the sheet.
#[tauri::command]
#[specta::specta]
pub(crate) async fn recovery_done(shell: State<'_, Shell>) -> Answer<()> {
    shell.engine.recovery_done().await
}

/// Six words drawn at random.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn suggest_passphrase(shell: State<'_, Shell>) -> SuggestedPassphrase {
    shell.engine.suggest_passphrase()
}

/// How strong a passphrase of one's own is.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn rate_passphrase(shell: State<'_, Shell>, text: String) -> PassphraseRating {
    shell.engine.rate_passphrase(&text)
}

/// Signs somebody in.
#[tauri::command]
#[specta::specta]
pub(crate) async fn unlock(shell: State<'_, Shell>, name: String, passphrase: String) -> Answer<Session> {
    shell.engine.unlock(&name, passphrase).await
}

/// Signs out. Recording goes on.
#[tauri::command]
#[specta::specta]
pub(crate) async fn lock(shell: State<'_, Shell>) -> Answer<()> {
    shell.engine.lock().await;
    Ok(())
}

/// Somebody is there: puts the idle lock off.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn touch(shell: State<'_, Shell>) {
    shell.engine.touch();
}
