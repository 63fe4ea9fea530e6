//! What lies on the card in a camera.

use hausrecht_engine::wire::{CardJob, CardOrder, CardPlayerState, CardView};
use hausrecht_model::{CameraId, CardJobId, UnixMicros};
use tauri::State;

use super::{Answer, Shell};

/// What a camera's card has in a span of time.
#[tauri::command]
#[specta::specta]
pub(crate) async fn card(
    shell: State<'_, Shell>,
    camera: CameraId,
    from_us: UnixMicros,
    to_us: UnixMicros,
) -> Answer<CardView> {
    shell.engine.card(camera, from_us, to_us).await
}

/// Fetches a span from a camera's card into the vault; how far it is comes as an event.
#[tauri::command]
#[specta::specta]
pub(crate) async fn fetch_from_card(
    shell: State<'_, Shell>,
    camera: CameraId,
    recording: String,
    from_us: UnixMicros,
    to_us: UnixMicros,
) -> Answer<CardJobId> {
    shell.engine.fetch_from_card(camera, &recording, from_us, to_us).await
}

/// Stops a fetch; what came is kept.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn stop_card_job(shell: State<'_, Shell>, id: CardJobId) -> Answer<()> {
    shell.engine.stop_card_job(id)
}

/// Fetches since the start, oldest first.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn card_jobs(shell: State<'_, Shell>) -> Answer<Vec<CardJob>> {
    shell.engine.card_jobs()
}

/// Whether gaps are filled from a camera's card by themselves.
#[tauri::command]
#[specta::specta]
pub(crate) async fn fill_gaps(shell: State<'_, Shell>, camera: CameraId) -> Answer<bool> {
    shell.engine.fill_gaps(camera).await
}

/// Switches that on or off.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_fill_gaps(shell: State<'_, Shell>, camera: CameraId, on: bool) -> Answer<()> {
    shell.engine.set_fill_gaps(camera, on).await
}

/// Shows what a card has from a time on; the log has the entry before there is a picture.
#[tauri::command]
#[specta::specta]
pub(crate) async fn open_card(
    shell: State<'_, Shell>,
    camera: CameraId,
    recording: String,
    from_us: UnixMicros,
) -> Answer<CardPlayerState> {
    shell.engine.open_card(camera, &recording, from_us).await
}

/// Tells the player of the card what to do; what comes of it is an event.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn card_player(shell: State<'_, Shell>, order: CardOrder) -> Answer<()> {
    shell.engine.card_player(&order)
}

/// Ends watching.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn close_card(shell: State<'_, Shell>) {
    shell.engine.close_card();
}
