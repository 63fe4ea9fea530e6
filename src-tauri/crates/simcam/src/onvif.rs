//! The camera's ONVIF services. Each operation is a function from the camera to the body of an answer.

use std::sync::Arc;

use crate::{
    accounts::{AccountError, Level},
    camera::Camera,
    feature::Feature,
    footage::Stream,
    soap::{self, Element, Request},
};

mod card;
mod device;
mod event;
mod imaging;
mod media;
mod media2;
mod network;
mod overlay;
mod ptz;
mod shape;

pub(crate) use device::{percent_encode, scopes};

/// To which of the camera's addresses a request came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Service {
    /// Device management, `ver10/device`.
    Device,
    /// Media, `ver10/media`.
    Media,
    /// Media2, `ver20/media`.
    Media2,
    /// Events, `ver10/events`.
    Events,
    /// Imaging, `ver20/imaging`.
    Imaging,
    /// Pan, tilt and zoom, `ver20/ptz`.
    Ptz,
    /// Relays and inputs, `ver10/deviceIO`.
    DeviceIo,
    /// What is on the card, `ver10/recording`.
    Recording,
    /// Searching it, `ver10/search`.
    Search,
    /// Watching it, `ver10/replay`.
    Replay,
    /// One pull point subscription.
    Subscription(u64),
}

impl Service {
    /// Every service with an address of its own.
    pub const OFFERED: [Self; 10] = [
        Self::Device,
        Self::Media,
        Self::Media2,
        Self::Events,
        Self::Imaging,
        Self::Ptz,
        Self::DeviceIo,
        Self::Recording,
        Self::Search,
        Self::Replay,
    ];

    /// The last part of its address.
    pub fn path(self) -> &'static str {
        match self {
            Self::Device => "device_service",
            Self::Media => "media_service",
            Self::Media2 => "media2_service",
            Self::Events => "event_service",
            Self::Imaging => "imaging_service",
            Self::Ptz => "ptz_service",
            Self::DeviceIo => "deviceio_service",
            Self::Recording => "recording_service",
            Self::Search => "search_service",
            Self::Replay => "replay_service",
            Self::Subscription(_) => "subscription",
        }
    }

    /// Its namespace.
    pub fn namespace(self) -> &'static str {
        match self {
            Self::Device => "http://www.onvif.org/ver10/device/wsdl",
            Self::Media => "http://www.onvif.org/ver10/media/wsdl",
            Self::Media2 => "http://www.onvif.org/ver20/media/wsdl",
            Self::Events | Self::Subscription(_) => "http://www.onvif.org/ver10/events/wsdl",
            Self::Imaging => "http://www.onvif.org/ver20/imaging/wsdl",
            Self::Ptz => "http://www.onvif.org/ver20/ptz/wsdl",
            Self::DeviceIo => "http://www.onvif.org/ver10/deviceIO/wsdl",
            Self::Recording => "http://www.onvif.org/ver10/recording/wsdl",
            Self::Search => "http://www.onvif.org/ver10/search/wsdl",
            Self::Replay => "http://www.onvif.org/ver10/replay/wsdl",
        }
    }

    /// Whether `camera` has it.
    pub fn is_part_of(self, camera: &Camera) -> bool {
        match self {
            Self::Device | Self::Media | Self::Events | Self::Subscription(_) => true,
            Self::Media2 => camera.can(Feature::Media2),
            Self::Imaging => camera.can(Feature::Imaging),
            Self::Ptz => camera.can(Feature::Ptz),
            Self::DeviceIo => camera.can(Feature::Relay) || camera.can(Feature::Input),
            Self::Recording | Self::Search | Self::Replay => camera.can(Feature::Card),
        }
    }

    /// Whether `operation` needs no password: class PRE_AUTH in the ONVIF Core Specification, 5.9.1.
    pub fn is_open_to_all(self, operation: &str) -> bool {
        const OPEN: [&str; 4] = ["GetSystemDateAndTime", "GetServices", "GetCapabilities", "GetHostname"];
        self == Self::Device && OPEN.contains(&operation)
    }

    /// Whether an account of `level` may do `operation`: the default access policy, ONVIF Core Specification, 5.9.4. An
    /// administrator may do all, an operator all that does not change the device itself, a user may read.
    pub fn is_open_to(self, level: Level, operation: &str) -> bool {
        let reads = operation.starts_with("Get") && operation != "GetUsers";
        match level {
            Level::Administrator => true,
            Level::Operator => reads || self != Self::Device || operation == "SetRelayOutputState",
            Level::User => {
                reads
                    || matches!(self, Self::Events | Self::Subscription(_) | Self::Search)
                    || operation == "SetSynchronizationPoint"
            }
        }
    }
}

/// What the client's own request says about the way to the camera.
#[derive(Debug)]
pub struct Caller {
    /// The beginning of HTTP addresses as the client can reach them.
    pub http: String,
    /// The beginning of RTSP addresses as the client can reach them.
    pub rtsp: String,
}

impl Caller {
    /// The address of a service.
    fn service(&self, service: Service) -> String {
        format!("{}/onvif/{}", self.http, service.path())
    }

    /// The address of a snapshot.
    fn snapshot(&self) -> String {
        format!("{}/snapshot.jpg", self.http)
    }

    /// The address of a stream.
    fn stream(&self, stream: Stream) -> String {
        format!("{}{}", self.rtsp, stream.mount())
    }
}

/// An answer: HTTP status and envelope.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The envelope.
    pub xml: String,
}

/// Why a request is not done. ONVIF Core Specification, 5.11.2.
#[derive(PartialEq, Eq, Debug)]
pub enum Fault {
    /// No or a wrong password.
    NotAuthorized,
    /// An account that may not do this.
    TooLow,
    /// A request that cannot be done as it is; with its subcodes.
    Refused(&'static [&'static str], String),
    /// An operation that this camera has not.
    NotSupported(String),
    /// No profile with this token.
    NoProfile(String),
    /// A subscription that does not exist, or no longer.
    NoSubscription,
    /// Something missing or unreadable in the request.
    InvalidArgument(String),
    /// Not a SOAP request at all.
    Malformed(String),
}

impl Fault {
    /// The answer that tells the client.
    pub fn answer(&self) -> Answer {
        let (status, side, codes, reason): (u16, &str, &[&str], &str) = match self {
            Self::NotAuthorized => (401, "Sender", &["ter:NotAuthorized"], "Sender not authorized"),
            Self::TooLow => (400, "Sender", &["ter:NotAuthorized"], "This account may not do that"),
            Self::Refused(codes, reason) => (400, "Sender", codes, reason),
            Self::NotSupported(operation) => (500, "Receiver", &["ter:ActionNotSupported"], operation),
            Self::NoProfile(token) => (400, "Sender", &["ter:InvalidArgVal", "ter:NoProfile"], token),
            Self::NoSubscription => {
                (400, "Sender", &["ter:InvalidArgVal"], "The subscription does not exist, or no longer")
            }
            Self::InvalidArgument(what) => (400, "Sender", &["ter:InvalidArgs"], what),
            Self::Malformed(what) => (400, "Sender", &["ter:WellFormed"], what),
        };
        let open: String = codes.iter().map(|code| format!("<s:Subcode><s:Value>{code}</s:Value>")).collect();
        let close = "</s:Subcode>".repeat(codes.len());
        let detail = match self {
            Self::NoSubscription => "<s:Detail><wsnt:ResourceUnknownFault/></s:Detail>",
            Self::NotAuthorized
            | Self::TooLow
            | Self::Refused(..)
            | Self::NotSupported(_)
            | Self::NoProfile(_)
            | Self::InvalidArgument(_)
            | Self::Malformed(_) => "",
        };
        let body = format!(
            r#"<s:Fault><s:Code><s:Value>s:{side}</s:Value>{open}{close}</s:Code><s:Reason><s:Text xml:lang="en">{}</s:Text></s:Reason>{detail}</s:Fault>"#,
            soap::escape(reason)
        );
        Answer { status, xml: soap::envelope("", &body) }
    }
}

impl From<AccountError> for Fault {
    fn from(error: AccountError) -> Self {
        let codes: &[&str] = match error {
            AccountError::Taken => &["ter:OperationProhibited", "ter:UsernameClash"],
            AccountError::Missing => &["ter:InvalidArgVal", "ter:UsernameMissing"],
            AccountError::LastAdministrator => &["ter:InvalidArgVal", "ter:FixedUser"],
            AccountError::TooMany => &["ter:OperationProhibited", "ter:TooManyUsers"],
            AccountError::Length => &["ter:OperationProhibited", "ter:PasswordTooWeak"],
            AccountError::Level => &["ter:InvalidArgVal"],
        };
        Self::Refused(codes, error.to_string())
    }
}

/// The text of a part that an operation must have.
fn required<'a>(operation: &'a Element, name: &str) -> Result<&'a str, Fault> {
    operation.text_of(name).ok_or_else(|| Fault::InvalidArgument(format!("{name} is missing")))
}

/// The number in a part, if the part is there.
fn number<T: std::str::FromStr>(operation: &Element, name: &str) -> Result<Option<T>, Fault> {
    let parse = |text: &str| {
        text.parse().map_err(|_| Fault::InvalidArgument(format!("{name}: “{text}” is no number")))
    };
    operation.text_of(name).map(parse).transpose()
}

/// Something that is not there; the subcode says of what kind.
fn missing(code: &'static [&'static str], token: &str) -> Fault {
    Fault::Refused(code, format!("no “{token}”"))
}

/// Does what `request` asks for.
///
/// # Errors
/// When the camera has no such operation, profile or subscription.
pub async fn handle(
    camera: &Arc<Camera>,
    service: Service,
    request: &Request,
    caller: &Caller,
) -> Result<Answer, Fault> {
    let operation = &request.operation;
    let (action, body) = match service {
        Service::Device => (None, device::answer(camera, operation, caller)?),
        Service::Imaging => (None, imaging::answer(camera, operation)?),
        Service::Ptz => (None, ptz::answer(camera, operation)?),
        Service::DeviceIo => (None, network::device_io(camera, operation)?),
        Service::Recording => (None, card::recording(camera, operation)?),
        Service::Search => (None, card::search(camera, operation)?),
        Service::Replay => (None, card::replay(operation, caller)?),
        Service::Media => (None, media::answer(camera, operation, caller)?),
        Service::Media2 => (None, media2::answer(camera, operation, caller)?),
        Service::Events => event::service(camera, operation, caller)?,
        Service::Subscription(number) => event::subscription(camera, number, operation, caller).await?,
    };
    let mut header = String::new();
    if let Some(action) = action {
        header += &format!("<wsa:Action>{action}</wsa:Action>");
        if let Some(id) = request.message_id() {
            header += &format!("<wsa:RelatesTo>{}</wsa:RelatesTo>", soap::escape(id));
        }
    }
    Ok(Answer { status: 200, xml: soap::envelope(&header, &body) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_envelopes_with_onvif_subcodes() {
        let answer = Fault::NoProfile("<x>".to_owned()).answer();
        assert_eq!(answer.status, 400);
        let fault = Request::parse(answer.xml.as_bytes()).unwrap().operation;
        assert_eq!((fault.name.as_str(), fault.namespace.as_str()), ("Fault", soap::ENVELOPE));
        assert_eq!(fault.text_of("Text"), Some("<x>"));
        let subcode = fault.find("Subcode").unwrap();
        assert_eq!(subcode.text_of("Value"), Some("ter:InvalidArgVal"));
        assert_eq!(subcode.find("Subcode").unwrap().text_of("Value"), Some("ter:NoProfile"));
    }

    #[test]
    fn only_harmless_operations_are_open() {
        assert!(Service::Device.is_open_to_all("GetSystemDateAndTime"));
        assert!(!Service::Device.is_open_to_all("GetDeviceInformation"));
        assert!(!Service::Media.is_open_to_all("GetServices"));
    }

    #[test]
    fn who_may_only_watch_changes_nothing() {
        for (service, operation, operator, user) in [
            (Service::Device, "GetDeviceInformation", true, true),
            (Service::Device, "GetUsers", false, false),
            (Service::Device, "SystemReboot", false, false),
            (Service::Device, "SetRelayOutputState", true, false),
            (Service::Media2, "SetVideoEncoderConfiguration", true, false),
            (Service::Ptz, "ContinuousMove", true, false),
            (Service::Subscription(1), "PullMessages", true, true),
        ] {
            assert_eq!(service.is_open_to(Level::Operator, operation), operator, "{operation}");
            assert_eq!(service.is_open_to(Level::User, operation), user, "{operation}");
            assert!(service.is_open_to(Level::Administrator, operation));
        }
    }
}
