//! Several cameras played in step.

use hausrecht_engine::wire::{TogetherOrder, TogetherState};
use hausrecht_model::{CameraId, UnixMicros};
use tauri::State;

use super::{Answer, Shell};

/// Plays cameras in step from a moment on; the log has an entry for each clip before there is a picture of it.
#[tauri::command]
#[specta::specta]
pub(crate) async fn open_together(
    shell: State<'_, Shell>,
    cameras: Vec<CameraId>,
    at_us: UnixMicros,
) -> Answer<TogetherState> {
    shell.engine.open_together(cameras, at_us).await
}

/// Tells all of them what to do; what comes of it is an event.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn together(shell: State<'_, Shell>, order: TogetherOrder) -> Answer<()> {
    shell.engine.together(order)
}

/// Closes all of them.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn close_together(shell: State<'_, Shell>) {
    shell.engine.close_together();
}
