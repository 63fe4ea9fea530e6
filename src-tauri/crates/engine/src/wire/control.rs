//! One camera in detail: what it is and has, and what its owner can change. Types of the ONVIF client pass through.

use hausrecht_model::{CameraId, Codec, StreamRole};
pub use hausrecht_onvif::camera::{
    Encoder, EncoderOptions, Features, ImagingOptions, ImagingSettings, Mask, MaskOptions, Osd, OsdContent,
    OsdOptions, OsdPosition, Point, Presence, PtzAbilities, PtzVector, UserLevel,
};
use serde::Serialize;

/// A camera as its panel shows it.
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
pub struct CameraPanel {
    /// Camera.
    pub camera: CameraId,
    /// Maker and model, as the camera says now.
    pub maker_model: String,
    /// Firmware version.
    pub firmware: String,
    /// Host and port.
    pub address: String,
    /// Whether requests to it travel encrypted.
    pub encrypted: bool,
    /// SHA-256 of the certificate that it shows, pairs of hexadecimal digits with colons; `None` without encryption.
    pub certificate: Option<String>,
    /// Camera time minus this computer's, in milliseconds; `None` if it does not say.
    #[specta(type = Option<i32>)]
    pub clock_offset_ms: Option<i64>,
    /// The account in use.
    pub account: String,
    /// What it may do; `None` if the camera does not tell this account.
    pub account_level: Option<UserLevel>,
    /// Whether Hausrecht made this account.
    pub own_account: bool,
    /// The password in use is empty or one that makers give to all their cameras.
    pub factory_password_suspected: bool,
    /// What it has.
    pub features: Features,
    /// What its motors can do; `None` without motors.
    pub ptz: Option<PtzAbilities>,
    /// Whether it has a loudspeaker.
    pub talk: bool,
    /// Its streams.
    pub profiles: Vec<ProfileView>,
    /// The stream that is recorded, by token.
    pub main: String,
    /// The stream for small tiles, by token.
    pub sub: Option<String>,
}

/// One of a camera's streams.
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
pub struct ProfileView {
    /// The camera's id of it.
    pub token: String,
    /// The camera's name of it.
    pub name: String,
    /// Codec; `None` for one that cannot be recorded, or if the camera does not say.
    pub codec: Option<Codec>,
    /// Width in pixels; 0 if not said.
    pub width: u32,
    /// Height in pixels; 0 if not said.
    pub height: u32,
    /// Frames per second; 0 if not said.
    pub fps: f32,
    /// Bit rate limit in kbit/s; 0 if not said.
    pub bitrate_kbps: u32,
}

/// A camera shows another certificate than the one that is remembered. Nothing is sent to it until the owner decides.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, specta::Type)]
pub struct CertificateQuestion {
    /// SHA-256 of the one that is remembered.
    pub expected: String,
    /// SHA-256 of the one that it shows.
    pub seen: String,
}

/// A place that a camera remembers.
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
pub struct PresetView {
    /// The camera's id of it.
    pub token: String,
    /// Its name.
    pub name: String,
    /// What was seen from there when it was saved, JPEG as base64.
    pub picture: Option<String>,
}

/// How the picture is set, and what it can be set to.
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
pub struct ImagingView {
    /// As it is.
    pub settings: ImagingSettings,
    /// As it may be.
    pub options: ImagingOptions,
}

/// An encoder of the camera.
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
pub struct EncoderView {
    /// As it is.
    pub encoder: Encoder,
    /// As it may be, one entry a codec.
    pub options: Vec<EncoderOptions>,
    /// Which of the streams in use it makes.
    pub used_for: Vec<StreamRole>,
}

/// Texts on the picture.
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
pub struct OsdView {
    /// Those that are there.
    pub osds: Vec<Osd>,
    /// What can be there.
    pub options: OsdOptions,
}

/// Masks that the camera itself puts onto its picture.
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
pub struct MaskView {
    /// Those that are there.
    pub masks: Vec<Mask>,
    /// What can be there.
    pub options: MaskOptions,
}

/// A relay: a door opener, a lamp.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, specta::Type)]
pub struct RelayView {
    /// The camera's id of it.
    pub token: String,
    /// It falls back by itself after a while.
    pub momentary: bool,
    /// Whether the contact is open while the relay rests; `None` if the camera does not say.
    pub is_idle_open: Option<bool>,
}

/// An account of the camera.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, specta::Type)]
pub struct CameraUserView {
    /// Name to sign in with.
    pub name: String,
    /// What it may do.
    pub level: UserLevel,
    /// Whether Hausrecht signs in with it.
    pub in_use: bool,
}
