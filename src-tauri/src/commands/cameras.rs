//! Cameras: found, connected, renamed, removed; and those of the demo.

use hausrecht_engine::wire::{CameraView, ConnectCameras, ConnectOutcome, Discovery, FoundCamera};
use hausrecht_model::CameraId;
use tauri::State;

use super::{Answer, Shell, internal};

/// Searches the network for five seconds; what answers comes as events.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn discover(shell: State<'_, Shell>) -> Answer<()> {
    shell.engine.discover()
}

/// The search as it stands.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn discovery(shell: State<'_, Shell>) -> Discovery {
    shell.engine.discovery()
}

/// Looks for a camera at an address.
#[tauri::command]
#[specta::specta]
pub(crate) async fn add_by_address(shell: State<'_, Shell>, address: String) -> Answer<FoundCamera> {
    shell.engine.add_by_address(&address).await
}

/// A picture of a camera that is not connected yet, where it gives one: JPEG as base64.
#[tauri::command]
#[specta::specta]
pub(crate) async fn found_picture(
    shell: State<'_, Shell>,
    key: String,
    user: String,
    password: String,
) -> Answer<Option<String>> {
    shell.engine.found_picture(&key, &user, password).await
}

/// Connects cameras with one sign-in, tried once on each.
#[tauri::command]
#[specta::specta]
pub(crate) async fn connect_cameras(
    shell: State<'_, Shell>,
    request: ConnectCameras,
) -> Answer<Vec<ConnectOutcome>> {
    shell.engine.connect_cameras(request).await
}

/// The cameras that were added.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn cameras(shell: State<'_, Shell>) -> Answer<Vec<CameraView>> {
    shell.engine.cameras()
}

/// Gives a camera another name.
#[tauri::command]
#[specta::specta]
pub(crate) async fn rename_camera(shell: State<'_, Shell>, id: CameraId, name: String) -> Answer<CameraView> {
    shell.engine.rename_camera(id, &name).await
}

/// Gives a camera another sign-in.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_camera_password(
    shell: State<'_, Shell>,
    id: CameraId,
    user: String,
    password: String,
) -> Answer<CameraView> {
    shell.engine.set_camera_password(id, &user, password).await
}

/// Stops recording a camera and forgets it; its clips stay until their time.
#[tauri::command]
#[specta::specta]
pub(crate) async fn remove_camera(shell: State<'_, Shell>, id: CameraId) -> Answer<()> {
    shell.engine.remove_camera(id).await?;
    if !shell.engine.cameras()?.iter().any(|camera| camera.demo) {
        shell.demo.end().map_err(internal)?;
    }
    Ok(())
}

/// The shell's own: starts the demo cameras and searches for them.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn start_demo(shell: State<'_, Shell>) -> Answer<()> {
    shell.demo.start().map_err(internal)?;
    shell.engine.discover()
}

/// The shell's own: whether there are demo cameras to start.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn demo_available(shell: State<'_, Shell>) -> bool {
    shell.demo.available()
}
