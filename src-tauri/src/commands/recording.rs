//! When cameras are recorded, and what is kept.

use hausrecht_engine::wire::{Gap, GiveHold, HoldView, KeepLimits, RecordingSettings, Storage};
use hausrecht_model::{CameraId, HoldId, UnixMicros};
use tauri::State;

use super::{Answer, Shell};

/// How a camera is recorded.
#[tauri::command]
#[specta::specta]
pub(crate) async fn recording_settings(
    shell: State<'_, Shell>,
    camera: CameraId,
) -> Answer<RecordingSettings> {
    shell.engine.recording_settings(camera).await
}

/// Changes how a camera is recorded, at once.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_recording_settings(
    shell: State<'_, Shell>,
    camera: CameraId,
    settings: RecordingSettings,
) -> Answer<RecordingSettings> {
    shell.engine.set_recording_settings(camera, settings).await
}

/// What the clips take, and how far back the disk reaches.
#[tauri::command]
#[specta::specta]
pub(crate) async fn storage(shell: State<'_, Shell>) -> Answer<Storage> {
    shell.engine.storage().await
}

/// How much all clips may take, and what stays free.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_keep_limits(shell: State<'_, Shell>, limits: KeepLimits) -> Answer<Storage> {
    shell.engine.set_keep_limits(limits).await
}

/// Why there are no clips of a camera in a span.
#[tauri::command]
#[specta::specta]
pub(crate) async fn gaps(
    shell: State<'_, Shell>,
    camera: CameraId,
    from_us: UnixMicros,
    to_us: UnixMicros,
) -> Answer<Vec<Gap>> {
    shell.engine.gaps(camera, from_us, to_us).await
}

/// Keeps a stretch of a camera until it is released.
#[tauri::command]
#[specta::specta]
pub(crate) async fn hold(shell: State<'_, Shell>, given: GiveHold) -> Answer<HoldView> {
    shell.engine.hold(given).await
}

/// Ends that.
#[tauri::command]
#[specta::specta]
pub(crate) async fn release_hold(shell: State<'_, Shell>, id: HoldId) -> Answer<()> {
    shell.engine.release_hold(id).await
}

/// All that is kept longer, the newest first.
#[tauri::command]
#[specta::specta]
pub(crate) async fn holds(shell: State<'_, Shell>) -> Answer<Vec<HoldView>> {
    shell.engine.holds().await
}
