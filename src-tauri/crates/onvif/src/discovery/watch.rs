//! Cameras that come and go while the program runs: Hello and Bye, which anybody in the network may send in anybody's
//! name. So they inform and decide nothing.

use std::{
    collections::{HashMap, VecDeque},
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use hausrecht_model::link_local;
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, MissedTickBehavior},
};

use super::{
    DATAGRAM_MAX_BYTES, Found, PATIENCE, PORT,
    answer::{self, Match, Said},
    probe,
    search::Allowance,
    sockets::{Interfaces, Listener},
};
use crate::Error;

/// Endpoints that are remembered; of more, the oldest is forgotten.
const ENDPOINTS_MAX: usize = 1024;
/// A Hello is repeated on every interface and for safety; within this time it is one.
const REPEATS: Duration = Duration::from_secs(2);
/// Cameras that are asked for their address at the same time.
const ASKED_MAX: usize = 8;

/// What was heard of a camera. None of it is proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sighting {
    /// A camera says that it is there: a new one, or one that has restarted.
    Appeared(Found),
    /// Something says that it is a known camera, at another host than before. Its address may have changed, or it may be
    /// an impostor that wants the password: a person decides, or the camera's certificate.
    Moved {
        /// What was said.
        found: Found,
        /// Where the camera was known to be.
        known_host: String,
    },
    /// The camera says that it goes. It is to be marked, never removed.
    Gone {
        /// The endpoint, written as [`Found::endpoint`].
        endpoint: String,
    },
}

/// How to watch.
#[derive(Clone, Debug)]
pub struct WatchOptions {
    /// The port that is listened on.
    pub port: u16,
    /// Which of this computer's own addresses to listen on; all if empty.
    pub from: Vec<IpAddr>,
    /// How often the interfaces are read again, because they come and go.
    pub reread: Duration,
    /// Cameras that are known already: [`Found::endpoint`] and the host of their address.
    pub known: Vec<(String, String)>,
}

impl Default for WatchOptions {
    fn default() -> Self {
        Self { port: PORT, from: Vec::new(), reread: Duration::from_secs(10), known: Vec::new() }
    }
}

/// Listens on every interface until the receiver is dropped. Must be called within a tokio runtime.
///
/// # Errors
/// [`Error::NoNetwork`] if the port cannot be listened on.
pub fn watch(options: WatchOptions) -> Result<mpsc::Receiver<Sighting>, Error> {
    let no_network = |reason: std::io::Error| Error::NoNetwork { reason: reason.to_string() };
    let mut listener = Listener::open(options.port).map_err(no_network)?;
    let interfaces = Interfaces::read()?;
    listener.follow(&interfaces.places(&options.from));
    let (sightings, receiver) = mpsc::channel(64);
    tokio::spawn(run(options, listener, interfaces, sightings));
    Ok(receiver)
}

async fn run(
    options: WatchOptions,
    mut listener: Listener,
    mut interfaces: Interfaces,
    sightings: mpsc::Sender<Sighting>,
) {
    let mut buffer = vec![0; DATAGRAM_MAX_BYTES];
    let mut reread = tokio::time::interval(options.reread.max(Duration::from_millis(10)));
    reread.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut allowance = Allowance::default();
    let mut asked: JoinSet<Option<Match>> = JoinSet::new();
    let mut roll = Roll::new(&options.known);
    loop {
        let sighting = tokio::select! {
            () = sightings.closed() => return,
            _ = reread.tick() => {
                allowance = Allowance::default();
                if let Ok(now) = Interfaces::read() {
                    interfaces = now;
                    listener.follow(&interfaces.places(&options.from));
                }
                continue;
            }
            Some(answered) = asked.join_next() => {
                let Ok(Some(answered)) = answered else { continue };
                roll.hello(answered.found, Instant::now())
            }
            received = listener.receive(&mut buffer) => {
                let Ok((length, from)) = received else {
                    tokio::task::yield_now().await;
                    continue;
                };
                if !allowance.admits(from.ip(), length) {
                    continue;
                }
                match answer::read(&buffer[..length], from, &interfaces) {
                    Some(Said::Hello(hello)) if hello.is_camera && hello.has_address => {
                        roll.hello(hello.found, Instant::now())
                    }
                    // Cameras that say nothing of themselves but their name have it asked for.
                    Some(Said::Hello(hello)) if asked.len() < ASKED_MAX => {
                        asked.spawn(ask_where(*hello, options.from.clone(), options.port));
                        None
                    }
                    Some(Said::Bye(endpoint)) => roll.bye(endpoint, from),
                    Some(Said::Hello(_) | Said::Matches(_)) | None => None,
                }
            }
        };
        if let Some(sighting) = sighting
            && sightings.send(sighting).await.is_err()
        {
            return;
        }
    }
}

/// Asks one endpoint where it is. If it does not answer, the usual address at the host that said Hello is left, but only
/// if that said that it is a camera.
async fn ask_where(hello: Match, own: Vec<IpAddr>, port: u16) -> Option<Match> {
    let interfaces = Interfaces::read().ok()?;
    let senders = interfaces.open(&own, port).ok()?;
    let message = probe::resolve(&hello.endpoint_said);
    let mut to = hello.found.from;
    to.set_port(port);
    let (answers, mut arriving) = mpsc::channel(16);
    let mut listening = JoinSet::new();
    for sender in senders {
        let (answers, message) = (answers.clone(), message.clone());
        listening.spawn(async move {
            // What cannot be sent through this interface is sent through another one.
            let _ = sender.send(message.as_bytes()).await;
            let _ = sender.send_to(message.as_bytes(), to).await;
            let mut buffer = vec![0; DATAGRAM_MAX_BYTES];
            while let Ok((length, from)) = sender.receive(&mut buffer).await {
                if answers.send((buffer[..length].to_vec(), from)).await.is_err() {
                    return;
                }
            }
        });
    }
    drop(answers);
    let end = Instant::now() + PATIENCE;
    for _ in 0..64 {
        let Ok(Some((datagram, from))) = tokio::time::timeout_at(end, arriving.recv()).await else { break };
        let Some(Said::Matches(matches)) = answer::read(&datagram, from, &interfaces) else { continue };
        let same = matches.into_iter().find(|answered| {
            let is_same = answered.found.endpoint == hello.found.endpoint;
            is_same && answered.has_address && (answered.is_camera || hello.is_camera)
        });
        if same.is_some() {
            return same;
        }
    }
    Some(hello).filter(|hello| hello.is_camera)
}

/// Who was heard of, and when.
#[derive(Debug)]
struct Roll {
    entries: HashMap<String, Entry>,
    /// The endpoints in the order in which they came.
    order: VecDeque<String>,
}

#[derive(Debug)]
struct Entry {
    host: String,
    is_gone: bool,
    /// When the last Hello was told of.
    told: Option<Instant>,
}

impl Roll {
    fn new(known: &[(String, String)]) -> Self {
        let mut roll = Self { entries: HashMap::new(), order: VecDeque::new() };
        for (endpoint, host) in known {
            roll.remember(endpoint.clone(), Entry { host: host.clone(), is_gone: false, told: None });
        }
        roll
    }

    fn hello(&mut self, found: Found, now: Instant) -> Option<Sighting> {
        let host = found.xaddrs.first()?.host_str()?.to_owned();
        let Some(entry) = self.entries.get_mut(&found.endpoint) else {
            let entry = Entry { host, is_gone: false, told: Some(now) };
            self.remember(found.endpoint.clone(), entry);
            return Some(Sighting::Appeared(found));
        };
        if is_of_other_family(&entry.host, found.from.ip()) {
            // A camera greets over IPv4 and over IPv6; the greeting that can be compared comes as well.
            return None;
        }
        if entry.told.is_some_and(|told| now.duration_since(told) < REPEATS) {
            return None;
        }
        entry.told = Some(now);
        if entry.host == host {
            entry.is_gone = false;
            return Some(Sighting::Appeared(found));
        }
        let known_host = entry.host.clone();
        Some(Sighting::Moved { found, known_host })
    }

    /// A Bye in the name of a camera from a host that it never was at is not believed.
    fn bye(&mut self, endpoint: String, from: SocketAddr) -> Option<Sighting> {
        let from = from.ip().to_canonical();
        match self.entries.get_mut(&endpoint) {
            Some(entry) if entry.is_gone => return None,
            Some(entry) => {
                let is_other = ip_of(&entry.host).is_some_and(|known| known != from);
                if is_other && !is_of_other_family(&entry.host, from) {
                    return None;
                }
                entry.is_gone = true;
            }
            None => {
                let host = from.to_string();
                self.remember(endpoint.clone(), Entry { host, is_gone: true, told: None });
            }
        }
        Some(Sighting::Gone { endpoint })
    }

    fn remember(&mut self, endpoint: String, entry: Entry) {
        if self.order.len() >= ENDPOINTS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.entries.remove(&oldest);
        }
        if self.entries.insert(endpoint.clone(), entry).is_none() {
            self.order.push_back(endpoint);
        }
    }
}

/// The address in a URL's host.
fn ip_of(host: &str) -> Option<IpAddr> {
    let scoped = link_local::address(host).map(|address| IpAddr::V6(*address.ip()));
    scoped.or_else(|| host.trim_matches(['[', ']']).parse().ok())
}

fn is_of_other_family(host: &str, ip: IpAddr) -> bool {
    ip_of(host).is_some_and(|known| known.is_ipv4() != ip.to_canonical().is_ipv4())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(endpoint: &str, host: &str) -> Found {
        Found {
            endpoint: endpoint.to_owned(),
            xaddrs: vec![url::Url::parse(&format!("http://{host}/onvif")).unwrap()],
            name: None,
            manufacturer: None,
            hardware: None,
            location: None,
            scopes: Vec::new(),
            from: SocketAddr::from(([10, 0, 0, 1], 3702)),
            in_own_range: true,
        }
    }

    #[test]
    fn a_known_camera_at_another_host_has_moved_and_stays_known_where_it_was() {
        let mut roll = Roll::new(&[("a".to_owned(), "10.0.0.1".to_owned())]);
        let now = Instant::now();
        for index in 0..3 {
            let sighting = roll.hello(found("a", "10.0.0.66"), now + REPEATS * index).unwrap();
            assert!(matches!(sighting, Sighting::Moved { known_host, .. } if known_host == "10.0.0.1"));
        }
        let back = roll.hello(found("a", "10.0.0.1"), now + REPEATS * 9);
        assert!(matches!(back, Some(Sighting::Appeared(_))));
    }

    #[test]
    fn a_bye_from_another_host_is_not_believed_and_a_second_one_is_no_news() {
        let mut roll = Roll::new(&[("a".to_owned(), "10.0.0.1".to_owned())]);
        let at = |text: &str| text.parse().unwrap();
        assert_eq!(roll.bye("a".to_owned(), at("10.0.0.66:3702")), None);
        let gone = Some(Sighting::Gone { endpoint: "a".to_owned() });
        assert_eq!(roll.bye("a".to_owned(), at("10.0.0.1:3702")), gone);
        assert_eq!(roll.bye("a".to_owned(), at("10.0.0.1:3702")), None);
    }

    #[test]
    fn a_flood_of_names_is_bounded() {
        let mut roll = Roll::new(&[]);
        for index in 0..5 * ENDPOINTS_MAX {
            roll.hello(found(&index.to_string(), "10.0.0.1"), Instant::now());
        }
        assert_eq!((roll.entries.len(), roll.order.len()), (ENDPOINTS_MAX, ENDPOINTS_MAX));
    }
}
