//! HTTP to one camera: no proxy, no redirect followed by itself, bounded in time and size, and every failure named.

use std::{error::Error as _, io, sync::Arc, time::Duration};

use reqwest::{
    Response,
    header::{
        AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, LOCATION,
        WWW_AUTHENTICATE,
    },
};
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::{
    CertificatePin, Error, Settings,
    address::label,
    scoped::Resolver,
    tls::{Changed, Recognition},
};

/// What a body must bring in each [`Settings::stall_timeout`].
const PROGRESS_MIN_BYTES: usize = 256;

/// What is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Payload<'a> {
    /// A GET without body.
    Get,
    /// A SOAP request.
    Soap {
        /// The action URI for the content type.
        action: &'a str,
        /// The envelope.
        envelope: &'a str,
    },
}

impl Payload<'_> {
    /// The bytes of the body, for digests that cover it.
    pub(crate) fn body(&self) -> &[u8] {
        match self {
            Self::Get => &[],
            Self::Soap { envelope, .. } => envelope.as_bytes(),
        }
    }

    /// The end of the action, for messages.
    fn name(&self) -> &str {
        match self {
            Self::Get => "snapshot",
            Self::Soap { action, .. } => action.rsplit('/').next().unwrap_or(action),
        }
    }
}

/// What came back, whatever the status.
#[derive(Debug)]
pub(crate) struct Reply {
    /// The HTTP status.
    pub(crate) status: u16,
    /// All `WWW-Authenticate` headers.
    pub(crate) challenges: Vec<String>,
    /// The `Date` header in microseconds since 1970.
    pub(crate) date_us: Option<i64>,
    /// Where the camera sends the client to, with a status of 300 to 399.
    pub(crate) location: Option<String>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

/// Limits of one exchange.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// From the first byte sent to the last received.
    pub(crate) timeout: Duration,
    /// The largest body that is read.
    pub(crate) size_bytes: usize,
}

/// The connections to one camera.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    client: reqwest::Client,
    recognition: Arc<Recognition>,
    stall_timeout: Duration,
}

impl Http {
    /// Sets up without connecting; with `pin`, every certificate but that one is refused.
    pub(crate) fn new(settings: &Settings, pin: Option<CertificatePin>) -> Result<Self, Error> {
        let recognition = Recognition::new(pin);
        let tls = recognition.config().map_err(|reason| Error::NoNetwork { reason: reason.to_string() })?;
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .http1_only()
            // Small servers compare header names letter by letter, and write headers as no standard allows.
            .http1_title_case_headers()
            .http1_ignore_invalid_headers_in_responses(true)
            .http1_allow_spaces_after_header_name_in_responses(true)
            .http1_allow_obsolete_multiline_headers_in_responses(true)
            .connect_timeout(settings.connect_timeout)
            // Cameras close idle connections without notice; a fresh one a call avoids answers lost that way.
            .pool_max_idle_per_host(0)
            .dns_resolver(Arc::new(Resolver))
            .tls_backend_preconfigured(tls)
            .build()
            .map_err(|reason| Error::NoNetwork { reason: innermost(&reason) })?;
        Ok(Self { client, recognition, stall_timeout: settings.stall_timeout })
    }

    /// The certificate that the camera has shown, if it was spoken to over HTTPS.
    pub(crate) fn certificate(&self) -> Option<CertificatePin> {
        self.recognition.seen()
    }

    /// Sends one request and reads the whole answer within `limits`.
    pub(crate) async fn exchange(
        &self,
        url: &Url,
        payload: Payload<'_>,
        authorization: Option<String>,
        limits: Limits,
    ) -> Result<Reply, Error> {
        let mut request = match payload {
            Payload::Get => self.client.get(url.clone()),
            Payload::Soap { action, envelope } => self
                .client
                .post(url.clone())
                .header(CONTENT_TYPE, format!("application/soap+xml; charset=utf-8; action=\"{action}\""))
                .body(envelope.to_owned()),
        };
        // Names of users need not be ASCII; what no header can carry is left out and asked for again.
        if let Some(Ok(value)) = authorization.map(|value| HeaderValue::from_bytes(value.as_bytes())) {
            request = request.header(AUTHORIZATION, value);
        }
        let response = request.timeout(limits.timeout).send().await;
        let response = response.map_err(|reason| failure(url, &reason, limits.timeout))?;
        let status = response.status().as_u16();
        let headers = response.headers();
        let challenges = texts(headers);
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let date_us = text(DATE).and_then(date_us);
        let location = text(LOCATION).map(str::to_owned).filter(|_| (300..400).contains(&status));
        if let Some(coding) = text(CONTENT_ENCODING).filter(|coding| !coding.eq_ignore_ascii_case("identity"))
        {
            // Nothing compressed was asked for, and a small answer could unpack to any size.
            let coding: String = coding.chars().take(20).collect();
            return Err(Error::Unreadable {
                address: label(url),
                operation: payload.name().to_owned(),
                reason: format!("it is compressed ({coding}), which was not asked for"),
            });
        }
        let body = self.body(url, response, limits).await?;
        Ok(Reply { status, challenges, date_us, location, body })
    }

    /// Reads a body that is not too large and does not trickle.
    async fn body(&self, url: &Url, mut response: Response, limits: Limits) -> Result<Vec<u8>, Error> {
        let too_large = || Error::TooLarge { address: label(url), limit_bytes: limits.size_bytes };
        let announced = response.content_length().unwrap_or(0);
        if usize::try_from(announced).is_ok_and(|announced| announced > limits.size_bytes) {
            return Err(too_large());
        }
        let mut body = Vec::new();
        let mut span_start_bytes = 0;
        let mut span_end = Instant::now() + self.stall_timeout;
        loop {
            let Ok(chunk) = timeout_at(span_end, response.chunk()).await else {
                if is_whole(&body) {
                    return Ok(body);
                }
                let bytes = body.len() - span_start_bytes;
                // A camera may send the head of its answer at once and hold back the rest until there is an event.
                let has_begun = body.iter().any(|byte| !byte.is_ascii_whitespace());
                if has_begun && bytes < PROGRESS_MIN_BYTES {
                    let seconds = self.stall_timeout.as_secs();
                    return Err(Error::TooSlow { address: label(url), bytes, seconds });
                }
                span_start_bytes = body.len();
                span_end += self.stall_timeout;
                continue;
            };
            let chunk = match chunk {
                Ok(Some(chunk)) => chunk,
                Ok(None) => return Ok(body),
                Err(_) if is_whole(&body) => return Ok(body),
                Err(reason) => return Err(failure(url, &reason, limits.timeout)),
            };
            if body.len() + chunk.len() > limits.size_bytes {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
    }
}

/// Whether an envelope has ended: cameras announce more bytes than they send, or forget to close the connection.
fn is_whole(body: &[u8]) -> bool {
    let end = body.iter().rposition(|byte| !byte.is_ascii_whitespace() && *byte != 0);
    end.is_some_and(|end| body[..=end].ends_with(b"Envelope>"))
}

fn texts(headers: &HeaderMap) -> Vec<String> {
    let all = headers.get_all(WWW_AUTHENTICATE).iter();
    all.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
}

/// Reads `Sun, 06 Nov 1994 08:49:37 GMT`.
fn date_us(text: &str) -> Option<i64> {
    let parsed = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(parsed.as_microsecond())
}

fn failure(url: &Url, error: &reqwest::Error, waited: Duration) -> Error {
    let address = label(url);
    if let Some(changed) = certificate_changed(error) {
        Error::CertificateChanged { address, expected: changed.expected, seen: changed.seen }
    } else if error.is_connect() {
        Error::Unreachable { address, reason: innermost(error) }
    } else if error.is_timeout() {
        Error::TimedOut { address, seconds: waited.as_secs() }
    } else {
        Error::ClosedEarly { address }
    }
}

/// The change of certificate inside an error, wherever the layers in between have put it. An I/O error is passed over
/// in the chain of sources, so it is opened.
fn certificate_changed(error: &(dyn std::error::Error + 'static)) -> Option<Changed> {
    if let Some(rustls::Error::Other(other)) = error.downcast_ref() {
        return other.0.downcast_ref().copied();
    }
    let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    let inner = inner.map(|inner| inner as &(dyn std::error::Error + 'static)).or_else(|| error.source());
    certificate_changed(inner?)
}

fn innermost(error: &reqwest::Error) -> String {
    let mut source = error.source();
    let mut words = error.to_string();
    while let Some(inner) = source {
        words = inner.to_string();
        source = inner.source();
    }
    words
}
