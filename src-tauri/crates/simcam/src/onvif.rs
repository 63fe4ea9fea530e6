//! The ONVIF services that a plain fixed camera offers. Each operation is a function from the camera to the body of an answer.

use std::sync::Arc;

use crate::{
    camera::{Camera, Ports},
    soap::{self, Request},
};

mod device;
mod event;
mod media;
mod media2;

pub(crate) use device::scopes;

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
    /// One pull point subscription.
    Subscription(u64),
}

impl Service {
    /// Whether `operation` needs no password: class PRE_AUTH in the ONVIF Core Specification, 5.9.1.
    pub fn is_open_to_all(self, operation: &str) -> bool {
        const OPEN: [&str; 4] = ["GetSystemDateAndTime", "GetServices", "GetCapabilities", "GetHostname"];
        self == Self::Device && OPEN.contains(&operation)
    }
}

/// What the client's own request says about the way to the camera.
#[derive(Debug)]
pub struct Caller {
    /// The host by which the client knows the camera, as in a URI.
    pub host: String,
    /// The HTTP port by which the client knows it.
    pub http_port: u16,
    /// Where the camera listens.
    pub ports: Ports,
}

impl Caller {
    /// The address of `path` as the client can reach it.
    fn http(&self, path: &str) -> String {
        format!("http://{}:{}{path}", self.host, self.http_port)
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
}
