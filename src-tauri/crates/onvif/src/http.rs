//! HTTP to one camera: no redirects, no proxy, bounded in time and size, and every failure named.

use std::{error::Error as _, time::Duration};

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, WWW_AUTHENTICATE};
use url::Url;

use crate::{Error, Settings, address::label};

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

/// The connection pool of one camera.
#[derive(Clone, Debug)]
pub(crate) struct Http(reqwest::Client);

impl Http {
    /// Sets up without connecting.
    ///
    /// Certificates of cameras are self-signed and name nothing useful; no password ever travels in clear inside,
    /// only digests of it.
    pub(crate) fn new(settings: &Settings) -> Result<Self, Error> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .http1_only()
            .connect_timeout(settings.connect_timeout)
            // Cameras close idle connections without notice; a fresh one a call avoids answers lost that way.
            .pool_max_idle_per_host(0)
            .tls_danger_accept_invalid_certs(true)
            .build()
            .map_err(|reason| Error::NoNetwork { reason: innermost(&reason) })?;
        Ok(Self(client))
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
            Payload::Get => self.0.get(url.clone()),
            Payload::Soap { action, envelope } => self
                .0
                .post(url.clone())
                .header(CONTENT_TYPE, format!("application/soap+xml; charset=utf-8; action=\"{action}\""))
                .body(envelope.to_owned()),
        };
        if let Some(value) = authorization {
            request = request.header(AUTHORIZATION, value);
        }
        let failed = |reason: reqwest::Error| failure(url, &reason, limits.timeout);
        let mut response = request.timeout(limits.timeout).send().await.map_err(failed)?;
        let status = response.status().as_u16();
        let challenges = texts(response.headers());
        let date_us = response.headers().get(DATE).and_then(|value| date_us(value.to_str().ok()?));
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > limits.size_bytes {
                return Err(Error::TooLarge { address: label(url), limit_bytes: limits.size_bytes });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status, challenges, date_us, body })
    }
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
    if error.is_connect() {
        Error::Unreachable { address, reason: innermost(error) }
    } else if error.is_timeout() {
        Error::TimedOut { address, seconds: waited.as_secs() }
    } else {
        Error::ClosedEarly { address }
    }
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
