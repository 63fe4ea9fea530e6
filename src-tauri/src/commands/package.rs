//! Packages that were given to whoever sits here. The page never names a path: a package comes from the desktop's dialog, from a
//! drop or from the program's arguments, and so does a key.

use hausrecht_engine::wire::{
    ExtractedFilms, GivenPackage, PackageCheck, PackageKey, PackageView, PlayerState,
};
use tauri::{AppHandle, State, WebviewWindow};

use super::{Answer, Shell};
use crate::{chooser, open};

/// The package that waits to be opened; the shell's own.
#[tauri::command]
#[specta::specta]
pub(crate) async fn package_given(app: AppHandle) -> Answer<Option<GivenPackage>> {
    open::given_package(&app).await
}

/// Lets the person choose a package in the desktop's dialog with this title; the shell's own.
#[tauri::command]
#[specta::specta]
pub(crate) async fn choose_package(app: AppHandle, title: String) -> Answer<Option<GivenPackage>> {
    let Some(path) = open::choose(&app, false, title).await.into_iter().next() else { return Ok(None) };
    open::give_package(&app, path);
    open::given_package(&app).await
}

/// Opens the package that waits, by a passphrase; without one, by a key file that is chosen in the dialog. `None` if none was chosen.
#[tauri::command]
#[specta::specta]
pub(crate) async fn open_package(
    app: AppHandle,
    shell: State<'_, Shell>,
    passphrase: Option<String>,
    title: String,
) -> Answer<Option<PackageView>> {
    let path = open::waiting_package(&app)?;
    let key = match passphrase {
        Some(passphrase) => PackageKey::Passphrase { passphrase },
        None => match open::choose(&app, false, title).await.into_iter().next() {
            Some(file) => PackageKey::File { path: file.to_string_lossy().into_owned() },
            None => return Ok(None),
        },
    };
    shell.engine.open_package(path, key).await.map(Some)
}

/// Checks the open package; `key` is the log's, as the reader knows it otherwise, and may be empty.
#[tauri::command]
#[specta::specta]
pub(crate) async fn check_package(shell: State<'_, Shell>, key: String) -> Answer<PackageCheck> {
    shell.engine.check_package(Some(key)).await
}

/// Plays a film of the open package.
#[tauri::command]
#[specta::specta]
pub(crate) async fn play_package(shell: State<'_, Shell>, film: u32) -> Answer<PlayerState> {
    shell.engine.play_package(film).await
}

/// Writes the films of the open package into a folder that is chosen in the dialog; `None` if none was.
#[tauri::command]
#[specta::specta]
pub(crate) async fn extract_package(
    window: WebviewWindow,
    shell: State<'_, Shell>,
    title: String,
) -> Answer<Option<ExtractedFilms>> {
    match chooser::choose(&window, title, String::new()).await? {
        Some(folder) => shell.engine.extract_package(folder.into()).await.map(Some),
        None => Ok(None),
    }
}

/// Closes the package.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn close_package(app: AppHandle, shell: State<'_, Shell>) -> Answer<()> {
    open::forget_package(&app);
    shell.engine.close_package();
    Ok(())
}
