//! A camera that was reached and, if it asks for it, signed in to.

mod analytics;
mod audio;
mod coordinates;
mod device;
mod encoder;
mod features;
mod imaging;
mod masks;
mod media;
mod metadata;
mod network;
mod osd;
mod patch;
mod ptz;
mod read;
mod recordings;
mod relays;
mod services;
mod users;

use std::{fmt, sync::Arc};

use hausrecht_model::Codec;
use tokio::task::JoinSet;
use url::Url;

pub(crate) use self::read::duration;
use self::services::{Part, Services};
pub use self::{
    analytics::{Rule, RuleKind, TopicOffered},
    audio::{AudioOutput, TalkFormat},
    coordinates::Point,
    device::{CameraClock, Reset},
    encoder::{Encoder, EncoderOptions},
    features::{Features, Presence},
    imaging::{
        ExposureMode, FocusOptions, FocusStatus, ImagingOptions, ImagingSettings, IrCut, WhiteBalance,
    },
    masks::{Mask, MaskOptions},
    media::{VideoSource, chosen_main_and_sub, main_and_sub, main_of, sub_of},
    metadata::Metadata,
    network::{Hostname, NamedServers, NetworkInterface, NetworkProtocol},
    osd::{Osd, OsdContent, OsdOptions, OsdPosition},
    ptz::{Preset, Ptz, PtzAbilities, PtzNode, PtzStatus, PtzVector},
    read::Range,
    recordings::{RecordedEvent, RecordedSpan, Recording, RecordingSummary, Span},
    relays::{DigitalInput, Relay, RelayMode},
    users::{User, UserLevel},
};
use crate::{
    CertificatePin, Credentials, Error, Settings, Subscription,
    address::label,
    session::Session,
    soap::{Operation, ns},
    xml::Element,
};

/// No camera has more addresses than this; the rest of a longer list is ignored.
const XADDRS_MAX: usize = 8;

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
    /// The camera's name of an encoding that Hausrecht cannot show, `MPEG4`; `None` if `codec` is known or not said.
    pub foreign_codec: Option<String>,
    /// Width in pixels; 0 if not said.
    pub width: u32,
    /// Height in pixels; 0 if not said.
    pub height: u32,
    /// Frames per second; 0 if not said.
    pub fps: f32,
    /// Bit rate limit in kbit/s; 0 if not said.
    pub bitrate_kbps: u32,
    /// The video source behind it, for [`Camera::imaging`]. This and the following tokens are `None` where the
    /// profile lacks the part or its service does not say.
    pub source: Option<String>,
    /// The video source configuration, for texts and masks on the picture.
    pub source_configuration: Option<String>,
    /// The encoder configuration, for [`Camera::encoder`].
    pub encoder: Option<String>,
    /// The PTZ configuration.
    pub ptz: Option<String>,
    /// The analytics configuration, for [`Camera::rules`].
    pub analytics: Option<String>,
    /// The metadata configuration.
    pub metadata: Option<String>,
    /// The audio output configuration: the loudspeaker.
    pub audio_output: Option<String>,
    /// The audio decoder configuration: what the loudspeaker understands.
    pub audio_decoder: Option<String>,
    /// The service that listed the profile.
    pub service: MediaService,
}

/// Which media service a profile came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum MediaService {
    /// The first one, H.264 and older.
    Media,
    /// The second one, H.265 too.
    Media2,
}

#[cfg(test)]
impl Profile {
    /// A profile of which nothing is known but who listed it.
    pub(crate) fn empty(service: MediaService) -> Self {
        Self {
            token: String::new(),
            name: String::new(),
            codec: None,
            foreign_codec: None,
            width: 0,
            height: 0,
            fps: 0.0,
            bitrate_kbps: 0,
            source: None,
            source_configuration: None,
            encoder: None,
            ptz: None,
            analytics: None,
            metadata: None,
            audio_output: None,
            audio_decoder: None,
            service,
        }
    }
}

impl MediaService {
    fn part(self) -> Part {
        match self {
            Self::Media => Part::Media,
            Self::Media2 => Part::Media2,
        }
    }
}

/// How far a camera's clock is from ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockOffset {
    /// Camera time minus our time, in microseconds.
    pub offset_us: i64,
}

/// A camera that answers. Cheap to clone; all clones share one session.
#[derive(Clone)]
pub struct Camera(Arc<Parts>);

struct Parts {
    session: Arc<Session>,
    services: Services,
}

impl fmt::Debug for Camera {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Camera").field(&self.address().as_str()).finish()
    }
}

impl Camera {
    /// Reaches the camera at the first of `xaddrs` that answers, and signs in if it asks for that.
    ///
    /// Nothing secret is sent before the camera has asked for it; then the password is sent once, in the form that the
    /// camera asked for.
    ///
    /// # Errors
    /// [`Error::NotAuthorized`] at a wrong password, after exactly one request with it. [`Error::PasswordNeeded`] if
    /// the camera asks for one and `credentials` is `None`.
    pub async fn connect(
        xaddrs: &[Url],
        credentials: Option<Credentials>,
        settings: Settings,
    ) -> Result<Self, Error> {
        let session = Arc::new(reach_any(xaddrs, credentials, settings).await?);
        let services = Services::read(&session).await?;
        let operation = Operation::new(ns::DEVICE, "GetDeviceInformation", "");
        match session.call(services.get(Part::Device).expect("the device service answered"), &operation).await
        {
            Ok(_) | Err(Error::Fault { .. } | Error::Status { .. }) => {}
            Err(error) => return Err(error),
        }
        Ok(Self(Arc::new(Parts { session, services })))
    }

    /// The device service that answers, `http://host:port/path`.
    pub fn address(&self) -> &Url {
        self.0.session.origin()
    }

    /// The certificate that the camera shows, to be remembered; `None` over plain HTTP.
    pub fn certificate(&self) -> Option<CertificatePin> {
        self.0.session.certificate()
    }

    /// How far the camera's clock is from ours; `None` if it does not say.
    pub fn clock_offset(&self) -> Option<ClockOffset> {
        self.0.session.offset_us().map(|offset_us| ClockOffset { offset_us })
    }

    /// Whether the camera has asked for the password and accepted it. `false` means that it lets anybody in so far.
    pub fn is_signed_in(&self) -> bool {
        self.0.session.is_proven()
    }

    /// Asks what the camera is.
    ///
    /// # Errors
    /// What the camera answers instead.
    pub async fn information(&self) -> Result<Information, Error> {
        self.ask(Part::Device, "GetDeviceInformation", "").await.map(|body| information(&body))
    }

    /// Whether the camera names an event service.
    pub fn has_events(&self) -> bool {
        self.has(Part::Events)
    }

    /// Asks for the camera's scopes (`onvif://www.onvif.org/name/Front` and the like).
    ///
    /// # Errors
    /// What the camera answers instead.
    pub async fn scopes(&self) -> Result<Vec<String>, Error> {
        let body = self.ask(Part::Device, "GetScopes", "").await?;
        let items = body.children("Scopes").filter_map(|scope| scope.text_at(&["ScopeItem"]));
        Ok(items.map(str::to_owned).collect())
    }

    /// Asks for the streams: Media2 first, Media if that has none.
    ///
    /// # Errors
    /// What the camera answers instead; [`Error::NotOffered`] if it has no media service.
    pub async fn profiles(&self) -> Result<Vec<Profile>, Error> {
        media::profiles(&self.0.session, &self.0.services).await
    }

    /// Asks where `profile` is streamed over RTSP: without credentials, at the host that answers.
    ///
    /// # Errors
    /// What the camera answers instead; [`Error::NotOffered`] if it names no address.
    pub async fn stream_uri(&self, profile: &Profile) -> Result<Url, Error> {
        media::stream_uri(&self.0.session, &self.0.services, profile).await
    }

    /// Asks where `profile` gives still pictures: without credentials, at the host that answers.
    ///
    /// # Errors
    /// What the camera answers instead; [`Error::NotOffered`] if it gives none.
    pub async fn snapshot_uri(&self, profile: &Profile) -> Result<Url, Error> {
        media::snapshot_uri(&self.0.session, &self.0.services, profile).await
    }

    /// Fetches a still picture, usually JPEG. It is not looked into further than its first bytes: what follows is as
    /// hostile as the camera.
    ///
    /// # Errors
    /// As [`Camera::snapshot_uri`]; [`Error::TooLarge`], [`Error::PasswordInClear`], [`Error::Unreadable`] for what is
    /// no picture.
    pub async fn snapshot(&self, profile: &Profile) -> Result<Vec<u8>, Error> {
        media::snapshot(&self.0.session, &self.0.services, profile).await
    }

    /// Subscribes to the camera's events.
    ///
    /// # Errors
    /// What the camera answers instead; [`Error::NotOffered`] if it has no events.
    pub async fn events(&self) -> Result<Subscription, Error> {
        let services = &self.0.services;
        let (Some(events), Some(said)) = (services.get(Part::Events), services.said(Part::Events)) else {
            return Err(self.lacks(Part::Events.words()));
        };
        Subscription::open(Arc::clone(&self.0.session), events.again(), said.to_owned()).await
    }
}

impl Camera {
    /// Whether the camera names the second media service.
    pub fn has_media2(&self) -> bool {
        self.has(Part::Media2)
    }

    /// The user name that the camera is signed in to with; `None` if none was given.
    pub fn user_name(&self) -> Option<&str> {
        self.0.session.user_name()
    }

    /// Hosts with their ports, other than the host that answers, at which the camera says that its services are.
    pub(crate) fn addresses_elsewhere(&self) -> Vec<String> {
        let mut elsewhere: Vec<String> = Vec::new();
        for said in self.0.services.all_said().filter_map(|said| Url::parse(said).ok()) {
            let is_here = said.host() == self.address().host();
            if !is_here && !elsewhere.contains(&label(&said)) {
                elsewhere.push(label(&said));
            }
        }
        elsewhere
    }

    /// Whether the camera names this service.
    fn has(&self, part: Part) -> bool {
        self.0.services.get(part).is_some()
    }

    /// Calls an operation of a service; [`Error::NotOffered`] if the camera names no such service.
    async fn ask(&self, part: Part, name: &'static str, content: &str) -> Result<Element, Error> {
        self.ask_as(part, part, name, content).await
    }

    /// As [`Camera::ask`], with an operation in the namespace of another service.
    async fn ask_as(
        &self,
        part: Part,
        namespace_of: Part,
        name: &'static str,
        content: &str,
    ) -> Result<Element, Error> {
        let service = self.0.services.get(part).ok_or_else(|| self.lacks(part.words()))?;
        self.0.session.call(service, &Operation::new(namespace_of.namespace(), name, content)).await
    }

    /// Calls an operation that both media services have: Media2 first, Media if the camera has none or if it refuses.
    /// `names` and `contents` are those of Media2 and Media.
    async fn ask_media(
        &self,
        names: [&'static str; 2],
        contents: [&str; 2],
        is_enough: impl Fn(&Element) -> bool,
    ) -> Result<(MediaService, Element), Error> {
        let mut first = None;
        if self.has(Part::Media2) {
            match self.ask(Part::Media2, names[0], contents[0]).await {
                Ok(body) if is_enough(&body) || !self.has(Part::Media) => {
                    return Ok((MediaService::Media2, body));
                }
                Ok(body) => first = Some(Ok((MediaService::Media2, body))),
                Err(error) if error.needs_a_person() => return Err(error),
                Err(error) => first = Some(Err(error)),
            }
        }
        if !self.has(Part::Media) {
            return first.unwrap_or_else(|| Err(self.lacks(Part::Media.words())));
        }
        match (self.ask(Part::Media, names[1], contents[1]).await, first) {
            (Ok(body), _) => Ok((MediaService::Media, body)),
            (Err(error), None) => Err(error),
            (Err(_), Some(first)) => first,
        }
    }

    fn lacks(&self, what: &str) -> Error {
        not_offered(&self.0.session, what)
    }

    fn unreadable(&self, operation: &str, reason: &str) -> Error {
        Error::Unreadable {
            address: label(self.address()),
            operation: operation.to_owned(),
            reason: reason.to_owned(),
        }
    }
}

/// Reaches the first address at which a device service answers; all are asked at once, because dead ones take seconds to
/// fail. Something else that answers, as the web server of the camera, is taken only if there is nothing better.
async fn reach_any(
    xaddrs: &[Url],
    credentials: Option<Credentials>,
    settings: Settings,
) -> Result<Session, Error> {
    let is_pinned = settings.pin.is_some();
    if is_pinned && !xaddrs.is_empty() && xaddrs.iter().all(|xaddr| xaddr.scheme() != "https") {
        return Err(Error::EncryptionLost { address: label(&xaddrs[0]) });
    }
    let mut asked: Vec<&Url> = Vec::new();
    let mut reaching = JoinSet::new();
    for xaddr in xaddrs {
        let is_fit = xaddr.scheme() == "https" || (xaddr.scheme() == "http" && !is_pinned);
        if asked.len() < XADDRS_MAX && is_fit && !asked.contains(&xaddr) {
            asked.push(xaddr);
            reaching.spawn(Session::reach(xaddr.clone(), credentials.clone(), settings.clone()));
        }
    }
    let mut doubtful = None;
    let mut last = Error::BadAddress { text: xaddrs.first().map(Url::to_string).unwrap_or_default() };
    while let Some(reached) = reaching.join_next().await {
        match reached {
            Ok(Ok(session)) if session.is_service() => return Ok(session),
            Ok(Ok(session)) => doubtful = doubtful.or(Some(session)),
            // That something else may answer in the camera's place matters more than that a further address is dead.
            Ok(Err(_)) if matches!(last, Error::CertificateChanged { .. }) => {}
            Ok(Err(error)) => last = error,
            Err(broken) => tracing::warn!(%broken, "reaching a camera ended unexpectedly"),
        }
    }
    match (doubtful, last) {
        (Some(session), last) if !matches!(last, Error::CertificateChanged { .. }) => Ok(session),
        (_, last) => Err(last),
    }
}

fn information(body: &Element) -> Information {
    let text = |name| body.text_at(&[name]).unwrap_or_default().chars().take(200).collect();
    Information {
        manufacturer: text("Manufacturer"),
        model: text("Model"),
        firmware: text("FirmwareVersion"),
        serial: text("SerialNumber"),
        hardware: text("HardwareId"),
    }
}

fn not_offered(session: &Session, what: &str) -> Error {
    Error::NotOffered { address: label(session.origin()), what: what.to_owned() }
}
