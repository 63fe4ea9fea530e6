//! A camera that is a table: the answer to each operation, and a note of each request.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    extract::Request,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use hausrecht_model::{UnixMicros, clock::ManualClock};
use hausrecht_onvif::{Camera, Credentials, Settings};
use url::Url;

/// The time at which every test starts, 2023-11-14T22:13:20Z.
pub(crate) const START: UnixMicros = UnixMicros(1_700_000_000_000_000);

/// All services, by the end of their path and their namespace.
const SERVICES: [(&str, &str); 11] = [
    ("device_service", "http://www.onvif.org/ver10/device/wsdl"),
    ("deviceio", "http://www.onvif.org/ver10/deviceIO/wsdl"),
    ("media", "http://www.onvif.org/ver10/media/wsdl"),
    ("media2", "http://www.onvif.org/ver20/media/wsdl"),
    ("events", "http://www.onvif.org/ver10/events/wsdl"),
    ("imaging", "http://www.onvif.org/ver20/imaging/wsdl"),
    ("ptz", "http://www.onvif.org/ver20/ptz/wsdl"),
    ("analytics", "http://www.onvif.org/ver20/analytics/wsdl"),
    ("recording", "http://www.onvif.org/ver10/recording/wsdl"),
    ("search", "http://www.onvif.org/ver10/search/wsdl"),
    ("replay", "http://www.onvif.org/ver10/replay/wsdl"),
];

/// What was asked: the end of the path, the operation and the envelope.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) service: String,
    pub(crate) operation: String,
    pub(crate) envelope: String,
}

impl Asked {
    /// What stands inside the operation's element.
    pub(crate) fn content(&self) -> &str {
        let start = self.envelope.find(&format!("<{} ", self.operation)).unwrap();
        let start = start + self.envelope[start..].find('>').unwrap() + 1;
        let end = self.envelope.rfind(&format!("</{}>", self.operation)).unwrap();
        &self.envelope[start..end]
    }
}

type Answers = Arc<dyn Fn(&Asked) -> Option<Response> + Send + Sync>;

/// A running camera.
pub(crate) struct Table {
    pub(crate) address: Url,
    pub(crate) clock: ManualClock,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Table {
    /// Starts a camera with these services, whose table has lines of a service, an operation and the body of the
    /// answer. What the table lacks is refused as not supported.
    pub(crate) async fn start(
        services: &[&str],
        table: &[(&'static str, &'static str, &'static str)],
    ) -> Self {
        let table: Vec<_> = table.to_vec();
        Self::start_with(services, move |asked| {
            let line = table
                .iter()
                .find(|(service, operation, _)| asked.service == *service && asked.operation == *operation);
            line.map(|(_, _, body)| ok(body))
        })
        .await
    }

    /// As [`Table::start`], with answers that are computed.
    pub(crate) async fn start_with(
        services: &[&str],
        answers: impl Fn(&Asked) -> Option<Response> + Send + Sync + 'static,
    ) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/onvif/", listener.local_addr().unwrap());
        let named: String = SERVICES
            .iter()
            .filter(|(path, _)| services.contains(path) || *path == "device_service")
            .map(|(path, namespace)| {
                format!("<Service><Namespace>{namespace}</Namespace><XAddr>{base}{path}</XAddr></Service>")
            })
            .collect();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (seen, answers): (_, Answers) = (Arc::clone(&asked), Arc::new(answers));
        let router = Router::new().fallback(move |request: Request| {
            let (answers, seen, named) = (Arc::clone(&answers), Arc::clone(&seen), named.clone());
            async move {
                let (parts, body) = request.into_parts();
                let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
                let envelope = String::from_utf8(body.to_vec()).unwrap();
                let service = parts.uri.path().rsplit('/').next().unwrap().to_owned();
                let asked = Asked { service, operation: operation(&envelope), envelope };
                seen.lock().unwrap().push(asked.clone());
                answers(&asked).unwrap_or_else(|| usual(&asked, &named))
            }
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        let address = Url::parse(&format!("{base}device_service")).unwrap();
        Self { address, clock: ManualClock::new(START), asked }
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings::new(Arc::new(self.clock.clone()))
    }

    /// Connects as `admin` with `secret-word`.
    pub(crate) async fn connect(&self) -> Camera {
        let credentials = Credentials::new("admin", "secret-word".to_owned().into());
        let xaddrs = std::slice::from_ref(&self.address);
        Camera::connect(xaddrs, Some(credentials), self.settings()).await.unwrap()
    }

    /// What was asked of this operation, in order.
    pub(crate) fn asked(&self, operation: &str) -> Vec<Asked> {
        self.all().into_iter().filter(|asked| asked.operation == operation).collect()
    }

    /// The last request of this operation: what stands inside its element.
    pub(crate) fn last(&self, operation: &str) -> String {
        self.asked(operation).last().unwrap().content().to_owned()
    }

    pub(crate) fn all(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

/// The name of the first element of the body.
fn operation(envelope: &str) -> String {
    let body = envelope.split_once("<s:Body><").map_or("", |(_, body)| body);
    body.chars().take_while(char::is_ascii_alphanumeric).collect()
}

/// What every camera here answers.
fn usual(asked: &Asked, services: &str) -> Response {
    match asked.operation.as_str() {
        "GetSystemDateAndTime" => ok("<GetSystemDateAndTimeResponse><SystemDateAndTime>\
             <tt:DateTimeType>Manual</tt:DateTimeType><tt:DaylightSavings>true</tt:DaylightSavings>\
             <tt:TimeZone><tt:TZ>CET-1CEST</tt:TZ></tt:TimeZone><tt:UTCDateTime><tt:Time><tt:Hour>22</tt:Hour>\
             <tt:Minute>13</tt:Minute><tt:Second>20</tt:Second></tt:Time><tt:Date><tt:Year>2023</tt:Year>\
             <tt:Month>11</tt:Month><tt:Day>14</tt:Day></tt:Date></tt:UTCDateTime></SystemDateAndTime>\
             </GetSystemDateAndTimeResponse>"),
        "GetServices" => ok(&format!("<GetServicesResponse>{services}</GetServicesResponse>")),
        "GetDeviceInformation" => ok("<GetDeviceInformationResponse><Manufacturer>Acme</Manufacturer>\
             <Model>One</Model><FirmwareVersion>1.2</FirmwareVersion><SerialNumber>SN-4711-0815</SerialNumber>\
             <HardwareId>H</HardwareId></GetDeviceInformationResponse>"),
        _ => fault(400, "ActionNotSupported", "not supported"),
    }
}

/// A good answer.
pub(crate) fn ok(body: &str) -> Response {
    envelope(body).into_response()
}

/// A SOAP fault with an HTTP status.
pub(crate) fn fault(status: u16, code: &str, reason: &str) -> Response {
    let body = envelope(&format!(
        "<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:{code}</s:Value></s:Subcode></s:Code>\
         <s:Reason><s:Text>{reason}</s:Text></s:Reason></s:Fault>"
    ));
    (StatusCode::from_u16(status).unwrap(), body).into_response()
}

fn envelope(body: &str) -> String {
    format!(
        r#"<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:tt="http://www.onvif.org/ver10/schema"
        xmlns:trt="http://www.onvif.org/ver10/media/wsdl" xmlns:tr2="http://www.onvif.org/ver20/media/wsdl"
        xmlns:tds="http://www.onvif.org/ver10/device/wsdl" xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2"
        xmlns:wstop="http://docs.oasis-open.org/wsn/t-1" xmlns:tns1="http://www.onvif.org/ver10/topics"
        ><s:Body>{body}</s:Body></s:Envelope>"#
    )
}

/// A profile of Media2 with everything in it.
pub(crate) const PROFILES2: (&str, &str, &str) = (
    "media2",
    "GetProfiles",
    r#"<tr2:GetProfilesResponse><tr2:Profiles token="p1" fixed="true"><tr2:Name>main</tr2:Name><tr2:Configurations>
    <tr2:VideoSource token="vsc1"><tt:Name>v</tt:Name><tt:SourceToken>vs1</tt:SourceToken>
    <tt:Bounds x="0" y="0" width="2560" height="1440"/></tr2:VideoSource>
    <tr2:VideoEncoder token="ve1" GovLength="50" Profile="Main"><tt:Encoding>H265</tt:Encoding><tt:Resolution>
    <tt:Width>2560</tt:Width><tt:Height>1440</tt:Height></tt:Resolution><tt:RateControl><tt:FrameRateLimit>25</tt:FrameRateLimit>
    <tt:BitrateLimit>4096</tt:BitrateLimit></tt:RateControl></tr2:VideoEncoder>
    <tr2:Analytics token="va1"/><tr2:PTZ token="ptz1"/><tr2:Metadata token="m1"/>
    </tr2:Configurations></tr2:Profiles></tr2:GetProfilesResponse>"#,
);

/// A profile of Media.
pub(crate) const PROFILES: (&str, &str, &str) = (
    "media",
    "GetProfiles",
    r#"<trt:GetProfilesResponse><trt:Profiles fixed="true" token="Profile_1"><tt:Name>mainStream</tt:Name>
    <tt:VideoSourceConfiguration token="VideoSourceToken"><tt:Name>VideoSourceConfig</tt:Name><tt:UseCount>2</tt:UseCount>
    <tt:SourceToken>VideoSource_1</tt:SourceToken><tt:Bounds height="1080" width="1920" y="0" x="0"/></tt:VideoSourceConfiguration>
    <tt:VideoEncoderConfiguration token="VideoEncoderToken_1"><tt:Name>VideoEncoder_1</tt:Name><tt:Encoding>H264</tt:Encoding>
    <tt:Resolution><tt:Width>1920</tt:Width><tt:Height>1080</tt:Height></tt:Resolution></tt:VideoEncoderConfiguration>
    <tt:VideoAnalyticsConfiguration token="VideoAnalyticsToken"/><tt:PTZConfiguration token="PTZToken"/>
    <tt:Extension><tt:AudioOutputConfiguration token="AudioOutputConfigToken"/></tt:Extension>
    </trt:Profiles></trt:GetProfilesResponse>"#,
);
