//! What the desktop is told.

use hausrecht_engine::wire::NotifyRules;
use tauri::State;

use super::{Answer, Shell, internal};
use crate::notify::NotificationServer;

/// What the owner wants to be notified of.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn notify_rules(shell: State<'_, Shell>) -> Answer<NotifyRules> {
    shell.engine.notify_rules()
}

/// Sets what the owner wants to be notified of.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_notify_rules(shell: State<'_, Shell>, rules: NotifyRules) -> Answer<NotifyRules> {
    shell.engine.set_notify_rules(rules).await
}

/// The shell's own: which program of the desktop shows notifications, if any.
#[tauri::command]
#[specta::specta]
pub(crate) async fn notification_server() -> Answer<NotificationServer> {
    tauri::async_runtime::spawn_blocking(crate::notify::server).await.map_err(internal)
}
