//! One search: Probes through every interface, answers gathered so that each camera is told of once.

use std::{
    collections::{HashMap, HashSet},
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use tokio::{sync::mpsc, task::JoinSet, time::Instant};

use super::{
    DATAGRAM_MAX_BYTES, Found, PATIENCE, SearchOptions,
    answer::{self, Match, Said},
    probe,
    sockets::{Interfaces, Sender},
};
use crate::Error;

/// Answers looked at in one search, whatever they are, and their bytes: a flood costs bounded work.
const ANSWERS_MAX: usize = 20_000;
const ANSWERS_MAX_BYTES: usize = 32 << 20;
/// Answers looked at from one host, so that one that floods does not hide the others. A recorder may stand for all of
/// its channels, each on several Probes.
const ANSWERS_MAX_PER_HOST: u32 = 600;
const HOSTS_MAX: usize = 4096;

/// Searches every interface at once; each camera arrives once, as soon as it answers. The channel closes at the
/// end of the search; dropping it ends the search. Must be called within a tokio runtime.
///
/// # Errors
/// [`Error::NoNetwork`] if no interface can be used.
pub fn search(options: SearchOptions) -> Result<mpsc::Receiver<Found>, Error> {
    let interfaces = Interfaces::read()?;
    let senders = interfaces.open(&options.from, options.port)?;
    let (found, receiver) = mpsc::channel(options.cameras_max.clamp(1, 4096));
    tokio::spawn(run(options, interfaces, senders, found));
    Ok(receiver)
}

/// A datagram: through which sender it came, what is in it, and from where.
type Arrived = (usize, Vec<u8>, SocketAddr);

async fn run(
    options: SearchOptions,
    interfaces: Interfaces,
    senders: Vec<Sender>,
    found: mpsc::Sender<Found>,
) {
    let start = Instant::now();
    let end = start + options.duration;
    let (answers, mut arriving) = mpsc::channel::<Arrived>(64);
    let senders: Vec<Arc<Sender>> = senders.into_iter().map(Arc::new).collect();
    // The set ends its tasks when it goes out of scope.
    let mut tasks = JoinSet::new();
    for (index, sender) in senders.iter().enumerate() {
        let (sender, answers) = (Arc::clone(sender), answers.clone());
        let probes_at: Vec<Instant> = options.probes_at.iter().map(|at| start + *at).collect();
        tasks.spawn(async move { converse(&sender, index, probes_at, &answers).await });
    }
    drop(answers);
    let mut gathered = Gathered::new(options.cameras_max);
    let mut allowance = Allowance::default();
    loop {
        let due = gathered.next_due().unwrap_or(end).min(end);
        let arrived = tokio::select! {
            arrived = arriving.recv() => arrived,
            () = tokio::time::sleep_until(due) => None,
            () = found.closed() => return,
        };
        let mut cameras = Vec::new();
        if let Some((index, datagram, from)) = arrived
            && allowance.admits(from.ip(), datagram.len())
            && let Some(Said::Matches(matches)) = answer::read(&datagram, from, &interfaces)
        {
            for answered in matches {
                match gathered.take(answered) {
                    Taken::New(camera) => cameras.push(*camera),
                    Taken::Unresolved { endpoint_said } => {
                        ask_where(&senders[index], &endpoint_said, from, options.port).await;
                    }
                    Taken::Nothing => {}
                }
            }
        }
        let now = Instant::now();
        cameras.extend(gathered.overdue(now, now >= end));
        for camera in cameras {
            if found.send(camera).await.is_err() {
                return;
            }
        }
        if now >= end || allowance.is_used_up() {
            return;
        }
    }
}

/// Asks the group and the host itself where the endpoint is.
async fn ask_where(sender: &Sender, endpoint: &str, from: SocketAddr, port: u16) {
    let message = probe::resolve(endpoint);
    let mut beside = from;
    beside.set_port(port);
    if let Err(reason) = sender.send(message.as_bytes()).await {
        tracing::debug!(interface = sender.name, %reason, "resolve");
    }
    for to in [Some(from), Some(beside).filter(|beside| *beside != from)].into_iter().flatten() {
        if let Err(reason) = sender.send_to(message.as_bytes(), to).await {
            tracing::debug!(interface = sender.name, %reason, "resolve");
        }
    }
}

/// What to do after an answer.
#[derive(Debug)]
enum Taken {
    New(Box<Found>),
    Unresolved { endpoint_said: String },
    Nothing,
}

/// The cameras of one search.
#[derive(Debug)]
struct Gathered {
    known: HashSet<String>,
    xaddrs: HashSet<String>,
    /// Cameras that a better answer may still come from, and until when.
    pending: Vec<(Instant, Found)>,
    cameras_max: usize,
}

impl Gathered {
    fn new(cameras_max: usize) -> Self {
        Self { known: HashSet::new(), xaddrs: HashSet::new(), pending: Vec::new(), cameras_max }
    }

    fn take(&mut self, answered: Match) -> Taken {
        let Match { found, endpoint_said, has_address, is_camera } = answered;
        if self.known.contains(&found.endpoint) {
            return Taken::Nothing;
        }
        let waiting = self.pending.iter().position(|(_, known)| known.endpoint == found.endpoint);
        if !is_camera && waiting.is_none() {
            return Taken::Nothing;
        }
        let is_link_local = match found.from {
            SocketAddr::V4(_) => false,
            SocketAddr::V6(v6) => v6.ip().is_unicast_link_local(),
        };
        if has_address && !is_link_local {
            // What the first answer said of itself is kept where the second one, to a Resolve, says nothing.
            let earlier = waiting.map(|index| self.pending.swap_remove(index).1);
            return match self.announced(merged(found, earlier)) {
                Some(camera) => Taken::New(Box::new(camera)),
                None => Taken::Nothing,
            };
        }
        match waiting {
            Some(index) if has_address => {
                let (_, earlier) = &self.pending[index];
                if earlier.from.is_ipv6() {
                    self.pending[index].1 = merged(found, Some(earlier.clone()));
                }
                Taken::Nothing
            }
            Some(_) => Taken::Nothing,
            None if self.known.len() + self.pending.len() >= self.cameras_max => Taken::Nothing,
            None => {
                self.pending.push((Instant::now() + PATIENCE, found));
                if has_address { Taken::Nothing } else { Taken::Unresolved { endpoint_said } }
            }
        }
    }

    /// Tells of a camera unless it was told of: by its endpoint, or by an address that is the very same.
    fn announced(&mut self, found: Found) -> Option<Found> {
        if self.known.len() >= self.cameras_max || !self.known.insert(found.endpoint.clone()) {
            return None;
        }
        let is_new = found.xaddrs.iter().all(|xaddr| !self.xaddrs.contains(xaddr.as_str()));
        self.xaddrs.extend(found.xaddrs.iter().map(ToString::to_string));
        is_new.then_some(found)
    }

    fn next_due(&self) -> Option<Instant> {
        self.pending.iter().map(|(due, _)| *due).min()
    }

    /// The cameras of which no better answer came in time, or all if it is the end.
    fn overdue(&mut self, now: Instant, is_end: bool) -> Vec<Found> {
        let (due, pending) = self.pending.drain(..).partition(|(due, _)| is_end || *due <= now);
        self.pending = pending;
        let due: Vec<(Instant, Found)> = due;
        due.into_iter().filter_map(|(_, found)| self.announced(found)).collect()
    }
}

fn merged(found: Found, earlier: Option<Found>) -> Found {
    let Some(earlier) = earlier else { return found };
    Found {
        name: found.name.or(earlier.name),
        manufacturer: found.manufacturer.or(earlier.manufacturer),
        hardware: found.hardware.or(earlier.hardware),
        location: found.location.or(earlier.location),
        scopes: if found.scopes.is_empty() { earlier.scopes } else { found.scopes },
        ..found
    }
}

/// How much is still looked at.
#[derive(Debug, Default)]
pub(super) struct Allowance {
    answers: usize,
    bytes: usize,
    hosts: HashMap<IpAddr, u32>,
}

impl Allowance {
    pub(super) fn admits(&mut self, host: IpAddr, bytes: usize) -> bool {
        if !self.hosts.contains_key(&host) && self.hosts.len() >= HOSTS_MAX {
            return false;
        }
        let of_host = self.hosts.entry(host).or_default();
        *of_host = of_host.saturating_add(1);
        if *of_host > ANSWERS_MAX_PER_HOST {
            return false;
        }
        self.answers += 1;
        self.bytes += bytes;
        !self.is_used_up()
    }

    pub(super) fn is_used_up(&self) -> bool {
        self.answers > ANSWERS_MAX || self.bytes > ANSWERS_MAX_BYTES
    }
}

/// Sends the Probes of one interface in time and hands on what arrives in between.
async fn converse(sender: &Sender, index: usize, probes_at: Vec<Instant>, answers: &mpsc::Sender<Arrived>) {
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
                    if answers.send((index, buffer[..length].to_vec(), from)).await.is_err() {
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
