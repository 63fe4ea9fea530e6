//! Finds cameras: WS-Discovery on every interface at once, a watch for those that come and go, or one address that a
//! person entered.

mod answer;
mod manual;
mod probe;
mod search;
mod sockets;
mod watch;

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use url::Url;

pub use self::{
    manual::by_address,
    search::search,
    watch::{Sighting, WatchOptions, watch},
};

/// The port of WS-Discovery.
const PORT: u16 = 3702;
/// The largest datagram there is.
const DATAGRAM_MAX_BYTES: usize = 65_536;
/// How long a camera that named no address is asked for one, and how long one that answered over link-local IPv6 is
/// given to answer over something that is easier to use.
const PATIENCE: Duration = Duration::from_millis(500);

/// A camera that answered a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The endpoint's id, a UUID in lower case without `urn:uuid:` in most cases; the same on every interface.
    pub endpoint: String,
    /// Where its device service is, at the host that answered and nowhere else; the first is the best to try.
    pub xaddrs: Vec<Url>,
    /// The name from its scopes.
    pub name: Option<String>,
    /// The maker from its scopes; many do not say.
    pub manufacturer: Option<String>,
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
    /// Which of this computer's own addresses to search from; all if empty.
    pub from: Vec<IpAddr>,
    /// The port that cameras listen on.
    pub port: u16,
}

impl Default for SearchOptions {
    fn default() -> Self {
        Self {
            duration: Duration::from_millis(3000),
            probes_at: [0, 200, 600].map(Duration::from_millis).to_vec(),
            cameras_max: 256,
            from: Vec::new(),
            port: PORT,
        }
    }
}

/// Reads an arbitrary datagram and gives the addresses that it leads to.
pub(crate) fn fuzz_answer(datagram: &[u8], from: SocketAddr) -> Vec<Url> {
    match answer::read(datagram, from, &sockets::Interfaces::none()) {
        Some(answer::Said::Matches(all)) => all.into_iter().flat_map(|one| one.found.xaddrs).collect(),
        Some(answer::Said::Hello(one)) => one.found.xaddrs,
        Some(answer::Said::Bye(_)) | None => Vec::new(),
    }
}

/// Reads arbitrary text as scopes and as what a person enters.
pub(crate) fn fuzz_scopes(text: &str) {
    answer::fuzz_scopes(text);
    manual::fuzz_candidates(text);
}
