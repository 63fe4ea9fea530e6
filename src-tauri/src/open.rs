//! Files that come from the desktop: dropped onto the window, named when the program was started, chosen in its dialog. A sealed
//! clip is opened, whatever else is listed to be imported; while nobody is signed in, they wait. A package that somebody was given
//! is opened at once, for it needs no vault.

use std::{
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use hausrecht_engine::wire::{Error, ErrorCode, GivenPackage, Notice, NoticeKind};
use tauri::{AppHandle, DragDropEvent, Manager};
use tauri_specta::Event as _;

use crate::{
    commands::Shell,
    events::{BackupGivenEvent, DropHoversEvent, NoticeEvent, OpenRouteEvent, PackageGivenEvent},
};

/// What waits for somebody to sign in.
#[derive(Debug, Default)]
pub(crate) struct Waiting(Mutex<Vec<PathBuf>>);

/// The package that is to be opened.
#[derive(Debug, Default)]
pub(crate) struct Package(Mutex<Option<PathBuf>>);

/// The backup that is to be restored.
#[derive(Debug, Default)]
pub(crate) struct Backup(Mutex<Option<PathBuf>>);

/// Follows what is dragged over the window.
pub(crate) fn dragged(app: &AppHandle, event: &DragDropEvent) {
    if let DragDropEvent::Drop { paths, .. } = event {
        open(app, paths.clone());
    }
    if matches!(event, DragDropEvent::Over { .. }) {
        return;
    }
    if let Err(error) = DropHoversEvent(matches!(event, DragDropEvent::Enter { .. })).emit(app) {
        tracing::warn!(%error, "the page does not hear of a drop");
    }
}

/// Opens what was given, or keeps it until somebody has signed in.
pub(crate) fn open(app: &AppHandle, paths: Vec<PathBuf>) {
    let (mut packages, paths): (Vec<_>, Vec<_>) =
        paths.into_iter().partition(|path| hausrecht_engine::is_package(path));
    if let Some(package) = packages.pop() {
        give_package(app, package);
    }
    let (mut backups, paths): (Vec<_>, Vec<_>) =
        paths.into_iter().partition(|path| hausrecht_engine::is_backup(path));
    if let Some(backup) = backups.pop() {
        give_backup(app, backup);
    }
    if let Some(waiting) = app.try_state::<Waiting>() {
        waiting.0.lock().unwrap_or_else(PoisonError::into_inner).extend(paths);
    }
    go_on(app);
}

/// Keeps a package until the page has asked for it, and tells the page.
pub(crate) fn give_package(app: &AppHandle, path: PathBuf) {
    if let Some(package) = app.try_state::<Package>() {
        *package.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(path);
    }
    if let Err(error) = PackageGivenEvent(()).emit(app) {
        tracing::warn!(%error, "the page does not hear of a package");
    }
}

/// The package that waits, if one does.
///
/// # Errors
/// What waits is no package. It waits no more.
pub(crate) async fn given_package(app: &AppHandle) -> Result<Option<GivenPackage>, Error> {
    let Ok(path) = waiting_package(app) else { return Ok(None) };
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let lock = hausrecht_engine::package_lock(path).await.inspect_err(|_| forget_package(app))?;
    Ok(Some(GivenPackage { file, lock }))
}

/// Where the package lies that waits.
///
/// # Errors
/// None does.
pub(crate) fn waiting_package(app: &AppHandle) -> Result<PathBuf, Error> {
    let kept = app.try_state::<Package>();
    let path = kept.and_then(|package| package.0.lock().unwrap_or_else(PoisonError::into_inner).clone());
    path.ok_or_else(|| Error::new(ErrorCode::NotFound, "no package was given"))
}

/// Keeps a backup until the page has asked for it, and tells the page.
pub(crate) fn give_backup(app: &AppHandle, path: PathBuf) {
    if let Some(backup) = app.try_state::<Backup>() {
        *backup.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(path);
    }
    if let Err(error) = BackupGivenEvent(()).emit(app) {
        tracing::warn!(%error, "the page does not hear of a backup");
    }
}

/// Name of the backup that waits.
pub(crate) fn given_backup(app: &AppHandle) -> Option<String> {
    let path = waiting_backup(app).ok()?;
    Some(path.file_name().unwrap_or_default().to_string_lossy().into_owned())
}

/// Where the backup lies that waits.
///
/// # Errors
/// None does.
pub(crate) fn waiting_backup(app: &AppHandle) -> Result<PathBuf, Error> {
    let kept = app.try_state::<Backup>();
    let path = kept.and_then(|backup| backup.0.lock().unwrap_or_else(PoisonError::into_inner).clone());
    path.ok_or_else(|| Error::new(ErrorCode::NotFound, "no backup was chosen"))
}

/// Waits with no backup any more.
pub(crate) fn forget_backup(app: &AppHandle) {
    if let Some(backup) = app.try_state::<Backup>() {
        backup.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Waits with no package any more.
pub(crate) fn forget_package(app: &AppHandle) {
    if let Some(package) = app.try_state::<Package>() {
        package.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Opens what waits, if somebody is signed in.
pub(crate) fn go_on(app: &AppHandle) {
    let (Some(shell), Some(waiting)) = (app.try_state::<Shell>(), app.try_state::<Waiting>()) else { return };
    if shell.engine.tiles().is_err() {
        return;
    }
    let paths = std::mem::take(&mut *waiting.0.lock().unwrap_or_else(PoisonError::into_inner));
    if paths.is_empty() {
        return;
    }
    let (app, engine) = (app.clone(), shell.engine.clone());
    tauri::async_runtime::spawn(async move {
        let is_sealed =
            |path: &PathBuf| path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("age"));
        let (sealed, films): (Vec<_>, Vec<_>) = paths.into_iter().partition(is_sealed);
        for path in sealed {
            let told = match engine.sealed_clip(&path).await {
                Ok(clip) => OpenRouteEvent(format!("#/clip/{clip}")).emit(&app),
                Err(error) => {
                    tracing::info!("{}: {error}", path.display());
                    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                    NoticeEvent(Notice { kind: NoticeKind::NotOfThisVault, camera: None, detail: name })
                        .emit(&app)
                }
            };
            if let Err(error) = told {
                tracing::warn!(%error, "the page does not hear of a sealed file");
            }
        }
        if films.is_empty() {
            return;
        }
        if let Err(error) = engine.look_at_footage(films).await {
            tracing::info!("what was dropped is not looked at: {error}");
            if error.code == ErrorCode::NotAllowed {
                let notice =
                    Notice { kind: NoticeKind::ImportIsTheOwners, camera: None, detail: String::new() };
                // A page that is gone shows nothing.
                let _ = NoticeEvent(notice).emit(&app);
            }
        }
    });
}

/// Lets the person choose files, or folders, in the desktop's own dialog.
pub(crate) async fn choose(app: &AppHandle, folder: bool, title: String) -> Vec<PathBuf> {
    let (chosen, answer) = tokio::sync::oneshot::channel();
    let asking = app.clone();
    if let Err(error) = app.run_on_main_thread(move || ask(&asking, folder, &title, chosen)) {
        tracing::warn!(%error, "no dialog");
    }
    answer.await.unwrap_or_default()
}

#[cfg(target_os = "linux")]
fn ask(app: &AppHandle, folder: bool, title: &str, chosen: tokio::sync::oneshot::Sender<Vec<PathBuf>>) {
    use gtk::prelude::*;

    let parent = app.get_webview_window("main").and_then(|window| window.gtk_window().ok());
    let action = if folder { gtk::FileChooserAction::SelectFolder } else { gtk::FileChooserAction::Open };
    let dialog = gtk::FileChooserNative::new(Some(title), parent.as_ref(), action, None, None);
    dialog.set_select_multiple(true);
    dialog.set_modal(true);
    let chosen = std::cell::Cell::new(Some(chosen));
    // The dialog lives until it has been answered.
    let kept = std::cell::RefCell::new(Some(dialog.clone()));
    dialog.connect_response(move |dialog, response| {
        let paths = if response == gtk::ResponseType::Accept { dialog.filenames() } else { Vec::new() };
        if let Some(chosen) = chosen.take() {
            // Whoever asked may be gone.
            let _ = chosen.send(paths);
        }
        kept.borrow_mut().take();
    });
    dialog.show();
}

#[cfg(not(target_os = "linux"))]
fn ask(_app: &AppHandle, _folder: bool, _title: &str, chosen: tokio::sync::oneshot::Sender<Vec<PathBuf>>) {
    // Elsewhere files are dropped onto the window.
    let _ = chosen.send(Vec::new());
}
