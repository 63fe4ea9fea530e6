//! A camera that was reached and, if it asks for it, signed in to.

use hausrecht_model::Codec;
use url::Url;

use crate::{Credentials, Error, Settings, Subscription};

/// What a camera says about itself. GetDeviceInformation; each may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Information {
    /// The maker.
    pub manufacturer: String,
    /// The model.
    pub model: String,
    /// The version of the firmware.
    pub firmware: String,
    /// The serial number.
    pub serial: String,
    /// The hardware id.
    pub hardware: String,
}

/// One of the streams that a camera offers.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// The camera's own id of this profile.
    pub token: String,
    /// The camera's name of it.
    pub name: String,
    /// How the picture is encoded; `None` if the camera does not say or uses something else.
    pub codec: Option<Codec>,
    /// Width in pixels; 0 if not said.
    pub width: u32,
    /// Height in pixels; 0 if not said.
    pub height: u32,
    /// Frames per second; 0 if not said.
    pub fps: f32,
    /// Bit rate limit in kbit/s; 0 if not said.
    pub bitrate_kbps: u32,
    /// The service that listed the profile.
    pub service: MediaService,
}

/// Which media service a profile came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaService {
    /// The first one, H.264 and older.
    Media,
    /// The second one, H.265 too.
    Media2,
}

/// How far a camera's clock is from ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockOffset {
    /// Camera time minus our time, in microseconds.
    pub offset_us: i64,
}

/// A camera that answers. Cheap to clone; all clones share one session.
#[derive(Clone, Debug)]
pub struct Camera {}

impl Camera {
    /// Reaches the camera at the first of `xaddrs` that answers and signs in once.
    ///
    /// # Errors
    /// [`Error::NotAuthorized`] at a wrong password, after exactly one attempt with it.
    pub async fn connect(_xaddrs: &[Url], _credentials: Option<Credentials>, _settings: Settings) -> Result<Self, Error> {
        todo!()
    }
    /// The address that answers, `http://host:port/path`.
    pub fn address(&self) -> &Url {
        todo!()
    }
    /// How far the camera's clock is from ours; `None` if it does not say.
    pub fn clock_offset(&self) -> Option<ClockOffset> {
        todo!()
    }
    /// Asks what the camera is.
    pub async fn information(&self) -> Result<Information, Error> {
        todo!()
    }
    /// Asks for the camera's scopes (`onvif://www.onvif.org/name/Front` and the like).
    pub async fn scopes(&self) -> Result<Vec<String>, Error> {
        todo!()
    }
    /// Asks for the streams: Media2 first, Media if that has none.
    pub async fn profiles(&self) -> Result<Vec<Profile>, Error> {
        todo!()
    }
    /// Asks where `profile` is streamed over RTSP: without credentials, at the host that answers.
    pub async fn stream_uri(&self, _profile: &Profile) -> Result<Url, Error> {
        todo!()
    }
    /// Asks where `profile` gives still pictures.
    pub async fn snapshot_uri(&self, _profile: &Profile) -> Result<Url, Error> {
        todo!()
    }
    /// Fetches a still picture, usually JPEG.
    pub async fn snapshot(&self, _profile: &Profile) -> Result<Vec<u8>, Error> {
        todo!()
    }
    /// Subscribes to the camera's events.
    pub async fn events(&self) -> Result<Subscription, Error> {
        todo!()
    }
}

/// Chooses the stream to record and, if there is a smaller one, the stream for tiles.
pub fn main_and_sub(_profiles: &[Profile]) -> Option<(Profile, Option<Profile>)> {
    todo!()
}
