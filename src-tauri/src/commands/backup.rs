//! Backups, the test of the recovery sheet, and what is brought back. The page names no backup: one comes from the desktop's dialog, from a
//! drop or from the program's arguments.

use std::{path::PathBuf, sync::atomic::Ordering};

use hausrecht_engine::wire::{BackupMade, RecoveryShares, RestoreKey, Restored, SharedAmong, SheetTested};
use hausrecht_model::UnixMicros;
use tauri::{AppHandle, State};

use super::{Answer, Shell};
use crate::open;

/// Makes a backup in a folder.
#[tauri::command]
#[specta::specta]
pub(crate) async fn make_backup(shell: State<'_, Shell>, folder: String) -> Answer<BackupMade> {
    shell.engine.make_backup(PathBuf::from(folder)).await
}

/// The last backup that was made.
#[tauri::command]
#[specta::specta]
pub(crate) async fn last_backup(shell: State<'_, Shell>) -> Answer<Option<BackupMade>> {
    shell.engine.last_backup().await
}

/// Tests a recovery sheet: whether its identity opens this vault.
#[tauri::command]
#[specta::specta]
pub(crate) async fn test_sheet(shell: State<'_, Shell>, identity: String) -> Answer<SheetTested> {
    shell.engine.test_sheet(identity).await
}

/// When a recovery sheet that fits was tested last.
#[tauri::command]
#[specta::specta]
pub(crate) async fn sheet_tested(shell: State<'_, Shell>) -> Answer<Option<UnixMicros>> {
    shell.engine.sheet_tested().await
}

/// Shares the owner's keys among three people, against the passphrase.
#[tauri::command]
#[specta::specta]
pub(crate) async fn share_recovery(
    shell: State<'_, Shell>,
    passphrase: String,
    names: Vec<String>,
) -> Answer<RecoveryShares> {
    shell.engine.share_recovery(passphrase, names).await
}

/// Among whom the owner's keys are.
#[tauri::command]
#[specta::specta]
pub(crate) async fn shared_among(shell: State<'_, Shell>) -> Answer<Option<SharedAmong>> {
    shell.engine.shared_among().await
}

/// Name of the backup that waits to be restored; the shell's own.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn backup_given(app: AppHandle) -> Option<String> {
    open::given_backup(&app)
}

/// Lets the person choose a backup in the desktop's dialog with this title, and gives its name; the shell's own.
#[tauri::command]
#[specta::specta]
pub(crate) async fn choose_backup(app: AppHandle, title: String) -> Answer<Option<String>> {
    if let Some(path) = open::choose(&app, false, title).await.into_iter().next() {
        open::give_backup(&app, path);
    }
    Ok(open::given_backup(&app))
}

/// Lays the backup that waits ready for the next start.
#[tauri::command]
#[specta::specta]
pub(crate) async fn restore_backup(
    app: AppHandle,
    shell: State<'_, Shell>,
    key: RestoreKey,
) -> Answer<Restored> {
    let path = open::waiting_backup(&app)?;
    shell.engine.restore_backup(path, key).await
}

/// Waits with no backup any more; the shell's own.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn forget_backup(app: AppHandle) {
    open::forget_backup(&app);
}

/// Ends the program in order and starts it again, without the files that it was started with; the shell's own.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn start_anew(app: AppHandle, shell: State<'_, Shell>) {
    shell.anew.store(true, Ordering::SeqCst);
    app.exit(0);
}
