//! Settings.

use hausrecht_engine::wire::Settings;
use tauri::{AppHandle, State};

use super::{Answer, Shell};

/// The settings.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn settings(shell: State<'_, Shell>) -> Settings {
    shell.engine.settings()
}

/// Names the entries of the tray's menu, which stands outside the page, in the language of the page.
#[tauri::command]
#[specta::specta]
pub(crate) fn name_tray(app: AppHandle, show: &str, quit: &str) {
    crate::tray::name(&app, show, quit);
}

/// Changes the settings; another presenter draws at once.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_settings(shell: State<'_, Shell>, settings: Settings) -> Answer<Settings> {
    let settings = shell.engine.set_settings(settings).await?;
    shell.screens.draw_by(settings.presenter);
    Ok(settings)
}
