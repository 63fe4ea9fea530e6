//! Finds cameras: WS-Discovery on every interface at once, or one address that a person entered.

use std::{net::SocketAddr, time::Duration};

use tokio::sync::mpsc;
use url::Url;

use crate::{Error, Settings};

/// A camera that answered a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The endpoint's id, a UUID without `urn:uuid:` in most cases; the same on every interface.
    pub endpoint: String,
    /// Where its device service is said to be; the first is the best to try.
    pub xaddrs: Vec<Url>,
    /// The name from its scopes.
    pub name: Option<String>,
    /// The hardware or model from its scopes.
    pub hardware: Option<String>,
    /// The place from its scopes.
    pub location: Option<String>,
    /// All scopes as they came.
    pub scopes: Vec<String>,
    /// Where the answer came from.
    pub from: SocketAddr,
    /// Whether `from` lies in the range of one of this computer's own interfaces.
    pub in_own_range: bool,
}

/// How to search.
#[derive(Clone, Debug)]
pub struct SearchOptions {
    /// How long to listen for answers.
    pub duration: Duration,
    /// When the Probe is sent, from the start of the search.
    pub probes_at: Vec<Duration>,
    /// How many cameras are reported at most.
    pub cameras_max: usize,
}

impl Default for SearchOptions {
    fn default() -> Self {
        Self {
            duration: Duration::from_millis(3000),
            probes_at: [0, 200, 600].map(Duration::from_millis).to_vec(),
            cameras_max: 256,
        }
    }
}

/// Searches every interface at once; each camera arrives once, as soon as it answers. The channel closes at the
/// end of the search; dropping it ends the search. Must be called within a tokio runtime.
///
/// # Errors
/// [`Error::NoNetwork`] if no interface can be used.
pub fn search(_options: SearchOptions) -> Result<mpsc::Receiver<Found>, Error> {
    todo!()
}

/// Tries `192.168.1.5`, `host:port` or a URL at the usual ports; the device services that answer, best first.
///
/// # Errors
/// [`Error::BadAddress`], [`Error::NothingThere`].
pub async fn by_address(_text: &str, _settings: &Settings) -> Result<Vec<Url>, Error> {
    todo!()
}
