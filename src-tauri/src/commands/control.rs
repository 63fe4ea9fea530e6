//! One camera in detail: its panel, its motors, its picture, its doors and accounts.

use hausrecht_engine::wire::{
    CameraPanel, CameraUserView, CertificateQuestion, Encoder, EncoderView, ImagingSettings, ImagingView,
    Mask, MaskView, MotionSettings, Osd, OsdView, PresetView, PtzVector, RelayView,
};
use hausrecht_model::CameraId;
use tauri::State;

use super::{Answer, Shell};

/// A camera as its panel shows it.
#[tauri::command]
#[specta::specta]
pub(crate) async fn camera_panel(shell: State<'_, Shell>, camera: CameraId) -> Answer<CameraPanel> {
    shell.engine.camera_panel(camera).await
}

/// Chooses which of a camera's streams is recorded and which is for small tiles, for good.
#[tauri::command]
#[specta::specta]
pub(crate) async fn choose_streams(
    shell: State<'_, Shell>,
    camera: CameraId,
    main: String,
    sub: Option<String>,
) -> Answer<()> {
    shell.engine.choose_streams(camera, main, sub).await
}

/// The question whether another certificate than the remembered one is right, if there is one.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn camera_certificate(
    shell: State<'_, Shell>,
    camera: CameraId,
) -> Answer<Option<CertificateQuestion>> {
    shell.engine.camera_certificate(camera)
}

/// Remembers the certificate that the camera shows now in place of the one before.
#[tauri::command]
#[specta::specta]
pub(crate) async fn accept_certificate(
    shell: State<'_, Shell>,
    camera: CameraId,
    seen: String,
) -> Answer<()> {
    shell.engine.accept_certificate(camera, seen).await
}

/// Restarts a camera.
#[tauri::command]
#[specta::specta]
pub(crate) async fn reboot_camera(shell: State<'_, Shell>, camera: CameraId) -> Answer<()> {
    shell.engine.reboot_camera(camera).await
}

/// Sets a camera's clock to this computer's time.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_camera_clock(shell: State<'_, Shell>, camera: CameraId) -> Answer<()> {
    shell.engine.set_camera_clock(camera).await
}

/// Turns a camera for one second at most, unless it is repeated.
#[tauri::command]
#[specta::specta]
pub(crate) async fn ptz_move(shell: State<'_, Shell>, camera: CameraId, speed: PtzVector) -> Answer<()> {
    shell.engine.ptz_move(camera, speed).await
}

/// Stops a camera.
#[tauri::command]
#[specta::specta]
pub(crate) async fn ptz_stop(shell: State<'_, Shell>, camera: CameraId) -> Answer<()> {
    shell.engine.ptz_stop(camera).await
}

/// The places that a camera remembers, with what was seen from there.
#[tauri::command]
#[specta::specta]
pub(crate) async fn ptz_presets(shell: State<'_, Shell>, camera: CameraId) -> Answer<Vec<PresetView>> {
    shell.engine.ptz_presets(camera).await
}

/// Lets a camera remember where it looks now, in place of preset `token` if that is given.
#[tauri::command]
#[specta::specta]
pub(crate) async fn ptz_save_preset(
    shell: State<'_, Shell>,
    camera: CameraId,
    name: String,
    token: Option<String>,
) -> Answer<PresetView> {
    shell.engine.ptz_save_preset(camera, name, token).await
}

/// Turns a camera to a place that it remembers.
#[tauri::command]
#[specta::specta]
pub(crate) async fn ptz_go_to_preset(shell: State<'_, Shell>, camera: CameraId, token: String) -> Answer<()> {
    shell.engine.ptz_go_to_preset(camera, token).await
}

/// Lets a camera forget a place.
#[tauri::command]
#[specta::specta]
pub(crate) async fn ptz_remove_preset(
    shell: State<'_, Shell>,
    camera: CameraId,
    token: String,
) -> Answer<()> {
    shell.engine.ptz_remove_preset(camera, token).await
}

/// Turns a camera to its home position.
#[tauri::command]
#[specta::specta]
pub(crate) async fn ptz_go_home(shell: State<'_, Shell>, camera: CameraId) -> Answer<()> {
    shell.engine.ptz_go_home(camera).await
}

/// Makes where a camera looks now its home position.
#[tauri::command]
#[specta::specta]
pub(crate) async fn ptz_set_home(shell: State<'_, Shell>, camera: CameraId) -> Answer<()> {
    shell.engine.ptz_set_home(camera).await
}

/// How a camera's picture is set, and what it can be set to.
#[tauri::command]
#[specta::specta]
pub(crate) async fn imaging(shell: State<'_, Shell>, camera: CameraId) -> Answer<ImagingView> {
    shell.engine.imaging(camera).await
}

/// Changes how a camera's picture is set; what is `null` stays as it is.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_imaging(
    shell: State<'_, Shell>,
    camera: CameraId,
    settings: ImagingSettings,
) -> Answer<()> {
    shell.engine.set_imaging(camera, settings).await
}

/// The camera's encoders, and which streams in use they make.
#[tauri::command]
#[specta::specta]
pub(crate) async fn encoders(shell: State<'_, Shell>, camera: CameraId) -> Answer<Vec<EncoderView>> {
    shell.engine.encoders(camera).await
}

/// Changes an encoder; a stream that it makes breaks off and is opened anew.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_encoder(shell: State<'_, Shell>, camera: CameraId, encoder: Encoder) -> Answer<()> {
    shell.engine.set_encoder(camera, encoder).await
}

/// What a camera writes onto its picture.
#[tauri::command]
#[specta::specta]
pub(crate) async fn osds(shell: State<'_, Shell>, camera: CameraId) -> Answer<OsdView> {
    shell.engine.osds(camera).await
}

/// Changes what a camera writes onto its picture; with an empty token it is something new.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_osd(shell: State<'_, Shell>, camera: CameraId, osd: Osd) -> Answer<()> {
    shell.engine.set_osd(camera, osd).await
}

/// Takes something off a camera's picture.
#[tauri::command]
#[specta::specta]
pub(crate) async fn delete_osd(shell: State<'_, Shell>, camera: CameraId, osd: Osd) -> Answer<()> {
    shell.engine.delete_osd(camera, osd).await
}

/// Which parts of its picture a camera covers.
#[tauri::command]
#[specta::specta]
pub(crate) async fn masks(shell: State<'_, Shell>, camera: CameraId) -> Answer<MaskView> {
    shell.engine.masks(camera).await
}

/// Covers a part of the picture in the camera itself; with an empty token it is a new mask.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_mask(shell: State<'_, Shell>, camera: CameraId, mask: Mask) -> Answer<()> {
    shell.engine.set_mask(camera, mask).await
}

/// Uncovers what a mask covered.
#[tauri::command]
#[specta::specta]
pub(crate) async fn delete_mask(shell: State<'_, Shell>, camera: CameraId, mask: Mask) -> Answer<()> {
    shell.engine.delete_mask(camera, mask).await
}

/// The picture of now, JPEG as base64; in the log before it is shown.
#[tauri::command]
#[specta::specta]
pub(crate) async fn still_picture(shell: State<'_, Shell>, camera: CameraId) -> Answer<String> {
    shell.engine.still_picture(camera).await
}

/// The relays of a camera.
#[tauri::command]
#[specta::specta]
pub(crate) async fn relays(shell: State<'_, Shell>, camera: CameraId) -> Answer<Vec<RelayView>> {
    shell.engine.relays(camera).await
}

/// Switches a relay on, or lets it rest.
#[tauri::command]
#[specta::specta]
pub(crate) async fn operate_relay(
    shell: State<'_, Shell>,
    camera: CameraId,
    token: String,
    on: bool,
) -> Answer<()> {
    shell.engine.operate_relay(camera, token, on).await
}

/// The accounts of a camera.
#[tauri::command]
#[specta::specta]
pub(crate) async fn camera_users(shell: State<'_, Shell>, camera: CameraId) -> Answer<Vec<CameraUserView>> {
    shell.engine.camera_users(camera).await
}

/// Gives an account of a camera another password, in the camera.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_camera_user_password(
    shell: State<'_, Shell>,
    camera: CameraId,
    user: String,
    password: String,
) -> Answer<()> {
    shell.engine.set_camera_user_password(camera, user, password).await
}

/// Makes an account for Hausrecht alone and goes on with it.
#[tauri::command]
#[specta::specta]
pub(crate) async fn make_own_account(shell: State<'_, Shell>, camera: CameraId) -> Answer<()> {
    shell.engine.make_own_account(camera).await
}

/// Deletes an account of a camera.
#[tauri::command]
#[specta::specta]
pub(crate) async fn delete_camera_user(
    shell: State<'_, Shell>,
    camera: CameraId,
    user: String,
) -> Answer<()> {
    shell.engine.delete_camera_user(camera, user).await
}

/// Begins to talk through a camera with this computer's microphone, or ends that.
#[tauri::command]
#[specta::specta]
pub(crate) async fn talk(shell: State<'_, Shell>, camera: CameraId, on: bool) -> Answer<()> {
    shell.engine.talk(camera, on).await
}

/// How motion is measured in a camera's pictures.
#[tauri::command]
#[specta::specta]
pub(crate) async fn motion_settings(shell: State<'_, Shell>, camera: CameraId) -> Answer<MotionSettings> {
    shell.engine.motion_settings(camera).await
}

/// Changes how motion is measured.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_motion_settings(
    shell: State<'_, Shell>,
    camera: CameraId,
    settings: MotionSettings,
) -> Answer<()> {
    shell.engine.set_motion_settings(camera, settings).await
}
