//! A camera that does what a test tells it to, and counts what it was asked.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use hausrecht_model::{
    UnixMicros,
    clock::{Clock, ManualClock},
};
use hausrecht_onvif::{Camera, Credentials, Error, Settings};
use sha1::{Digest, Sha1};
use url::Url;

/// What the client asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Asked {
    /// Whether it asks for this operation.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.body.contains(&format!("<{name} "))
    }

    /// Whether it carries anything made from a password.
    pub(crate) fn is_signed(&self) -> bool {
        self.digest().is_some() || self.body.contains("UsernameToken")
    }

    /// The `Authorization` header.
    pub(crate) fn digest(&self) -> Option<&str> {
        self.headers.get("authorization").and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
    }

    /// Whether the token is right for `password` at the time `now`, within five seconds.
    pub(crate) fn has_token(&self, password: &str, now: UnixMicros) -> bool {
        let between = |from: &str, to: &str| {
            let start = self.body.find(from)? + from.len();
            let start = start + self.body[start..].find('>')? + 1;
            Some(self.body[start..start + self.body[start..].find(to)?].to_owned())
        };
        let values =
            (between("<wsse:Password", "</"), between("<wsse:Nonce", "</"), between("<wsu:Created", "</"));
        let (Some(digest), Some(nonce), Some(created)) = values else { return false };
        let nonce = STANDARD.decode(nonce).unwrap();
        let expected =
            Sha1::new().chain_update(nonce).chain_update(&created).chain_update(password).finalize();
        let at = created.parse::<jiff::Timestamp>().unwrap().as_microsecond();
        digest == STANDARD.encode(expected) && at.abs_diff(now.0) < 5_000_000
    }

    /// Whether the digest is right for `admin` and `password` (RFC 7616, MD5, qop auth).
    pub(crate) fn has_digest(&self, password: &str) -> bool {
        let Some(value) = self.digest() else { return false };
        // Its parser reads ASCII alone, so the realm is put in afterwards.
        let realm = value.split("realm=\"").nth(1).unwrap().split('"').next().unwrap();
        let ascii = value.replace(&format!("\"{realm}\""), "\"-\"");
        let mut header = digest_auth::AuthorizationHeader::parse(&ascii).unwrap();
        header.realm = realm.to_owned();
        let cnonce = header.cnonce.clone().unwrap_or_default();
        let method =
            if self.body.is_empty() { digest_auth::HttpMethod::GET } else { digest_auth::HttpMethod::POST };
        let mut context = digest_auth::AuthContext::new_with_method(
            "admin",
            password,
            self.uri.to_string(),
            Some(self.body.as_bytes()),
            method,
        );
        context.set_custom_cnonce(cnonce);
        let mut expected = header.clone();
        expected.digest(&context);
        expected.response == header.response && header.uri == self.uri.to_string()
    }
}

/// A running camera.
pub(crate) struct StandIn {
    pub(crate) address: Url,
    pub(crate) clock: ManualClock,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// The time at which every test starts, 2023-11-14T22:13:20Z.
pub(crate) const START: UnixMicros = UnixMicros(1_700_000_000_000_000);

impl StandIn {
    /// Starts a camera that answers everything with `answer`, and what that leaves out with [`usual`].
    pub(crate) async fn start<F>(answer: F) -> Self
    where
        F: Fn(&Asked) -> Option<Response> + Clone + Send + Sync + 'static,
    {
        Self::start_at("127.0.0.1", answer).await
    }

    /// As [`StandIn::start`], at another address of this computer: it stands for another host.
    pub(crate) async fn start_at<F>(host: &str, answer: F) -> Self
    where
        F: Fn(&Asked) -> Option<Response> + Clone + Send + Sync + 'static,
    {
        let listener = tokio::net::TcpListener::bind((host, 0)).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let address = Url::parse(&format!("{base}/onvif/device_service")).unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        let router = Router::new().fallback(move |request: Request| {
            let (answer, seen, base) = (answer.clone(), Arc::clone(&seen), base.clone());
            async move {
                let (parts, body) = request.into_parts();
                let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
                let body = String::from_utf8(body.to_vec()).unwrap();
                let asked = Asked { uri: parts.uri, headers: parts.headers, body };
                seen.lock().unwrap().push(asked.clone());
                answer(&asked).unwrap_or_else(|| usual(&asked, &base))
            }
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, clock: ManualClock::new(START), asked }
    }

    /// What was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// How many requests carried something made from a password.
    pub(crate) fn signed(&self) -> usize {
        self.asked().iter().filter(|asked| asked.is_signed()).count()
    }

    /// How often an operation was asked for.
    pub(crate) fn count(&self, name: &str) -> usize {
        self.asked().iter().filter(|asked| asked.is(name)).count()
    }

    /// Short limits, so that a test of a limit is quick.
    pub(crate) fn settings(&self) -> Settings {
        let clock: Arc<dyn Clock> = Arc::new(self.clock.clone());
        Settings { call_timeout: Duration::from_secs(5), ..Settings::new(clock) }
    }

    /// Connects as `admin` with `password`.
    pub(crate) async fn connect(&self, password: &str) -> Result<Camera, Error> {
        let credentials = Credentials::new("admin", password.to_owned().into());
        Camera::connect(std::slice::from_ref(&self.address), Some(credentials), self.settings()).await
    }
}

/// An envelope around `body`.
pub(crate) fn envelope(body: &str) -> String {
    format!(
        r#"<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:tt="http://www.onvif.org/ver10/schema"
        xmlns:wsa="http://www.w3.org/2005/08/addressing" xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2"
        xmlns:tns1="http://www.onvif.org/ver10/topics"><s:Body>{body}</s:Body></s:Envelope>"#
    )
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

/// A refusal that offers HTTP Digest with `nonce`.
pub(crate) fn challenge(nonce: &str) -> Response {
    let value = format!(r#"Digest realm="camera", nonce="{nonce}", qop="auth", algorithm=MD5"#);
    (StatusCode::UNAUTHORIZED, [("www-authenticate", value)], Body::empty()).into_response()
}

/// The answer to GetSystemDateAndTime at `now`.
pub(crate) fn clock_answer(now: UnixMicros) -> Response {
    let time = jiff::Timestamp::from_microsecond(now.0).unwrap().to_zoned(jiff::tz::TimeZone::UTC);
    ok(&format!(
        "<GetSystemDateAndTimeResponse><SystemDateAndTime><tt:UTCDateTime><tt:Time><tt:Hour>{}</tt:Hour>\
         <tt:Minute>{}</tt:Minute><tt:Second>{}</tt:Second></tt:Time><tt:Date><tt:Year>{}</tt:Year>\
         <tt:Month>{}</tt:Month><tt:Day>{}</tt:Day></tt:Date></tt:UTCDateTime></SystemDateAndTime>\
         </GetSystemDateAndTimeResponse>",
        time.hour(),
        time.minute(),
        time.second(),
        time.year(),
        time.month(),
        time.day()
    ))
}

/// The list of services at `base`.
pub(crate) fn services(base: &str) -> Response {
    let service = |namespace: &str, path: &str| {
        format!("<Service><Namespace>{namespace}</Namespace><XAddr>{base}{path}</XAddr></Service>")
    };
    let all = [
        service("http://www.onvif.org/ver10/device/wsdl", "/onvif/device_service"),
        service("http://www.onvif.org/ver10/media/wsdl", "/onvif/media"),
        service("http://www.onvif.org/ver20/media/wsdl", "/onvif/media2"),
        service("http://www.onvif.org/ver10/events/wsdl", "/onvif/events"),
        service("http://www.onvif.org/ver20/imaging/wsdl", "/onvif/imaging"),
        service("http://www.onvif.org/ver20/ptz/wsdl", "/onvif/ptz"),
    ];
    ok(&format!("<GetServicesResponse>{}</GetServicesResponse>", all.concat()))
}

/// What a well-behaved camera without passwords answers.
pub(crate) fn usual(asked: &Asked, base: &str) -> Response {
    if asked.is("GetSystemDateAndTime") {
        return clock_answer(START);
    }
    if asked.is("GetServices") {
        return services(base);
    }
    if asked.is("GetDeviceInformation") {
        return ok("<GetDeviceInformationResponse><Manufacturer>Acme</Manufacturer><Model>One</Model>\
             <FirmwareVersion>1.2</FirmwareVersion><SerialNumber>S</SerialNumber><HardwareId>H</HardwareId>\
             </GetDeviceInformationResponse>");
    }
    if asked.is("GetProfiles") {
        return ok(
            r#"<GetProfilesResponse><Profiles token="p1"><Name>main</Name><Configurations><VideoEncoder>
            <tt:Encoding>H265</tt:Encoding><tt:Resolution><tt:Width>1920</tt:Width><tt:Height>1080</tt:Height></tt:Resolution>
            <tt:RateControl><tt:FrameRateLimit>25</tt:FrameRateLimit><tt:BitrateLimit>4096</tt:BitrateLimit></tt:RateControl>
            </VideoEncoder></Configurations></Profiles></GetProfilesResponse>"#,
        );
    }
    if asked.is("CreatePullPointSubscription") {
        return subscription(&format!("{base}/onvif/sub/1"));
    }
    if asked.is("PullMessages") {
        return motion("true");
    }
    if asked.is("Renew") || asked.is("Unsubscribe") {
        return ok("<Response/>");
    }
    fault(400, "ActionNotSupported", "not supported")
}

/// The answer to CreatePullPointSubscription, for a minute.
pub(crate) fn subscription(address: &str) -> Response {
    ok(&format!(
        r#"<CreatePullPointSubscriptionResponse><SubscriptionReference><wsa:Address>{address}</wsa:Address>
        <wsa:ReferenceParameters><v:Id xmlns:v="urn:acme">42</v:Id></wsa:ReferenceParameters></SubscriptionReference>
        <wsnt:CurrentTime>2023-11-14T22:13:20Z</wsnt:CurrentTime>
        <wsnt:TerminationTime>2023-11-14T22:14:20Z</wsnt:TerminationTime></CreatePullPointSubscriptionResponse>"#
    ))
}

/// The answer to PullMessages with one motion event.
pub(crate) fn motion(state: &str) -> Response {
    ok(&format!(
        r#"<PullMessagesResponse><wsnt:NotificationMessage><wsnt:Topic>tns1:RuleEngine/CellMotionDetector/Motion</wsnt:Topic>
        <wsnt:Message><tt:Message UtcTime="2023-11-14T22:13:20Z" PropertyOperation="Changed"><tt:Data>
        <tt:SimpleItem Name="IsMotion" Value="{state}"/></tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage>
        </PullMessagesResponse>"#
    ))
}
