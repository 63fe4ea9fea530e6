//! The windows themselves: the shell's own.

use std::path::PathBuf;

use hausrecht_engine::wire::{KeepWall, KeptPicture, PictureFormat, SavedWall, TileDetails, ViewSettings};
use hausrecht_model::{CameraId, WallId};
use tauri::{AppHandle, State, WebviewWindow};

use super::{Answer, Shell, internal};
use crate::{
    events::OpenRouteEvent,
    window::extra::{self, Edge, WindowRole},
};

/// The walls of whoever is signed in.
#[tauri::command]
#[specta::specta]
pub(crate) async fn walls(shell: State<'_, Shell>) -> Answer<Vec<SavedWall>> {
    shell.engine.walls().await
}

/// Keeps a wall.
#[tauri::command]
#[specta::specta]
pub(crate) async fn keep_wall(shell: State<'_, Shell>, wall: KeepWall) -> Answer<SavedWall> {
    shell.engine.keep_wall(wall).await
}

/// Forgets a wall.
#[tauri::command]
#[specta::specta]
pub(crate) async fn remove_wall(shell: State<'_, Shell>, id: WallId) -> Answer<()> {
    shell.engine.remove_wall(id).await
}

/// How whoever is signed in likes the window.
#[tauri::command]
#[specta::specta]
pub(crate) async fn view_settings(shell: State<'_, Shell>) -> Answer<ViewSettings> {
    shell.engine.view_settings().await
}

/// Keeps that.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_view_settings(shell: State<'_, Shell>, settings: ViewSettings) -> Answer<()> {
    shell.engine.set_view_settings(settings).await
}

/// What a tile's details say.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn tile_details(shell: State<'_, Shell>, camera: CameraId) -> Answer<TileDetails> {
    shell.engine.tile_details(camera)
}

/// Keeps what a camera shows now as a file among the owner's pictures.
#[tauri::command]
#[specta::specta]
pub(crate) async fn keep_live_picture(
    app: AppHandle,
    shell: State<'_, Shell>,
    camera: CameraId,
    format: PictureFormat,
) -> Answer<KeptPicture> {
    let kept = shell.engine.keep_live_picture(camera, format, crate::folder::pictures(&app)).await?;
    shell.kept.note(&kept.path);
    Ok(kept)
}

/// Keeps the picture of the open clip that stands as a file among the owner's pictures.
#[tauri::command]
#[specta::specta]
pub(crate) async fn keep_player_picture(
    app: AppHandle,
    shell: State<'_, Shell>,
    format: PictureFormat,
) -> Answer<KeptPicture> {
    let kept = shell.engine.keep_player_picture(format, crate::folder::pictures(&app)).await?;
    shell.kept.note(&kept.path);
    Ok(kept)
}

/// The shell's own: shows a file that was kept in the desktop's file manager.
#[tauri::command]
#[specta::specta]
pub(crate) async fn show_in_folder(shell: State<'_, Shell>, path: String) -> Answer<()> {
    if !shell.kept.knows(&path) {
        return Err(internal("this file was not kept by this window"));
    }
    tokio::task::spawn_blocking(move || crate::folder::show(&PathBuf::from(path)))
        .await
        .map_err(internal)?
        .map_err(internal)
}

/// The shell's own: what this window is there for.
#[tauri::command]
#[specta::specta]
pub(crate) async fn window_role(window: WebviewWindow, shell: State<'_, Shell>) -> Answer<WindowRole> {
    Ok(extra::role(&shell, window.label()).await)
}

/// The shell's own: keeps what this window shows.
#[tauri::command]
#[specta::specta]
pub(crate) async fn remember_shown(
    window: WebviewWindow,
    shell: State<'_, Shell>,
    shows: String,
) -> Answer<()> {
    extra::remember(&shell, &window, shows.chars().take(80).collect()).await
}

/// The shell's own: opens the window with a wall of its own.
#[tauri::command]
#[specta::specta]
pub(crate) async fn open_second_window(app: AppHandle) -> Answer<()> {
    extra::open_second(&app).await.map_err(internal)
}

/// The shell's own: shows a camera in the small window that stays above all others.
#[tauri::command]
#[specta::specta]
pub(crate) async fn open_small_window(app: AppHandle, camera: CameraId) -> Answer<()> {
    extra::open_small(&app, camera).await.map_err(internal)
}

/// The shell's own: closes the window that called; the main one stays.
#[tauri::command]
#[specta::specta]
pub(crate) fn close_this_window(window: WebviewWindow) -> Answer<()> {
    if window.label() == crate::window::MAIN {
        return Ok(());
    }
    window.close().map_err(internal)
}

/// The shell's own: back from the small window to the main one, with this camera large.
#[tauri::command]
#[specta::specta]
pub(crate) fn back_to_main(app: AppHandle, window: WebviewWindow, camera: CameraId) -> Answer<()> {
    use tauri_specta::Event as _;
    crate::window::show(&app);
    OpenRouteEvent(format!("#/live/{camera}")).emit_to(&app, crate::window::MAIN).map_err(internal)?;
    close_this_window(window)
}

/// The shell's own: the person moves this window.
#[tauri::command]
#[specta::specta]
pub(crate) fn drag_window(window: WebviewWindow) -> Answer<()> {
    extra::drag(&window).map_err(internal)
}

/// The shell's own: the person resizes this window.
#[tauri::command]
#[specta::specta]
pub(crate) fn resize_window(window: WebviewWindow, edge: Edge) -> Answer<()> {
    extra::resize(&window, edge).map_err(internal)
}

/// The shell's own: enlarges everything in this window's page, to 100 to 200 percent.
#[tauri::command]
#[specta::specta]
pub(crate) fn enlarge_page(window: WebviewWindow, shell: State<'_, Shell>, percent: u16) -> Answer<()> {
    let zoom = f64::from(percent.clamp(100, 200)) / 100.0;
    window.set_zoom(zoom).map_err(internal)?;
    if let Some(screen) = shell.screens.of(window.label()) {
        screen.wall.set_zoom(zoom);
    }
    Ok(())
}
