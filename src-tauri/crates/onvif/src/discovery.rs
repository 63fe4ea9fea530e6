//! Finds cameras: WS-Discovery on every interface at once, or one address that a person entered.

mod manual;
mod probe;
mod sockets;

use std::{
    collections::HashSet,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use tokio::{sync::mpsc, task::JoinSet, time::Instant};
use url::Url;

pub use self::manual::by_address;
use self::sockets::{Interfaces, Sender};
use crate::Error;

/// The largest datagram there is.
const DATAGRAM_MAX_BYTES: usize = 65_536;
/// Answers looked at in one search, whatever they are: a flood costs bounded work.
const ANSWERS_MAX: usize = 20_000;

/// A camera that answered a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The endpoint's id, a UUID without `urn:uuid:` in most cases; the same on every interface.
    pub endpoint: String,
    /// Where its device service is said to be; the first is the best to try.
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
            port: 3702,
        }
    }
}

/// Searches every interface at once; each camera arrives once, as soon as it answers. The channel closes at the
/// end of the search; dropping it ends the search. Must be called within a tokio runtime.
///
/// # Errors
/// [`Error::NoNetwork`] if no interface can be used.
pub fn search(options: SearchOptions) -> Result<mpsc::Receiver<Found>, Error> {
    let interfaces = Interfaces::read()?;
    let senders = interfaces.open(&options)?;
    let (found, receiver) = mpsc::channel(options.cameras_max.clamp(1, 4096));
    tokio::spawn(run(options, interfaces, senders, found));
    Ok(receiver)
}

async fn run(
    options: SearchOptions,
    interfaces: Interfaces,
    senders: Vec<Sender>,
    found: mpsc::Sender<Found>,
) {
    let start = Instant::now();
    let (answers, mut arriving) = mpsc::channel(64);
    // The set ends its tasks when it goes out of scope.
    let mut tasks = JoinSet::new();
    for sender in senders {
        let answers = answers.clone();
        let probes_at: Vec<Instant> = options.probes_at.iter().map(|at| start + *at).collect();
        tasks.spawn(async move { converse(&sender, probes_at, &answers).await });
    }
    drop(answers);
    let mut known = HashSet::new();
    for _ in 0..ANSWERS_MAX {
        let next = tokio::select! {
            next = tokio::time::timeout_at(start + options.duration, arriving.recv()) => next,
            () = found.closed() => break,
        };
        let Ok(Some((datagram, from))) = next else { break };
        for camera in probe::read(&datagram, from) {
            if !known.contains(&camera.endpoint) && known.len() < options.cameras_max {
                known.insert(camera.endpoint.clone());
                let camera = Found { in_own_range: interfaces.contain(from.ip()), ..camera };
                if found.send(camera).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Sends the Probes of one interface in time and hands on what arrives in between.
async fn converse(sender: &Sender, probes_at: Vec<Instant>, answers: &mpsc::Sender<(Vec<u8>, SocketAddr)>) {
    let mut buffer = vec![0; DATAGRAM_MAX_BYTES];
    let mut probes = probes_at.into_iter().peekable();
    loop {
        let due = probes.peek().copied();
        let wait = async {
            match due {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = wait => {
                probes.next();
                for message in probe::messages() {
                    if let Err(reason) = sender.send(message.as_bytes()).await {
                        tracing::debug!(interface = sender.name, %reason, "probe");
                    }
                }
            }
            received = sender.receive(&mut buffer) => match received {
                Ok((length, from)) => {
                    if answers.send((buffer[..length].to_vec(), from)).await.is_err() {
                        return;
                    }
                }
                Err(reason) => {
                    // An ICMP refusal of one host arrives here too; it must not end the search.
                    tracing::debug!(interface = sender.name, %reason, "receive");
                    tokio::task::yield_now().await;
                }
            }
        }
    }
}
