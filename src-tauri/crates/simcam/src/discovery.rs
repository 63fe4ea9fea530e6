//! WS-Discovery: answers Probe and Resolve, and says Hello and Bye. OASIS WS-Discovery in the April 2005 form that ONVIF uses.
//! A camera with an IPv6 address speaks IPv6 alone here, one with an IPv4 address IPv4.

use std::{
    collections::BTreeSet,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use uuid::Uuid;

use crate::{
    camera::{Camera, Ports},
    onvif,
    soap::{Element, Request, escape},
};

/// The groups that every ONVIF device listens to.
const GROUP: Ipv4Addr = Ipv4Addr::new(239, 255, 255, 250);
const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xc);
const DISCOVERY: &str = "http://schemas.xmlsoap.org/ws/2005/04/discovery";
const ANONYMOUS: &str = "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous";
const EVERYBODY: &str = "urn:schemas-xmlsoap-org:ws:2005:04:discovery";
/// The largest datagram read; probes have a few hundred bytes.
const DATAGRAM_BYTES: usize = 16 << 10;

/// Discovery that cannot be answered.
#[derive(Debug, thiserror::Error)]
#[error("discovery cannot listen on port {port}: {source}")]
pub struct DiscoveryError {
    port: u16,
    source: io::Error,
}

/// One camera's part in discovery.
#[derive(Debug)]
pub struct Discovery {
    camera: Arc<Camera>,
    ports: Ports,
    socket: UdpSocket,
    port: u16,
}

impl Discovery {
    /// Joins the group on every interface, so that a client finds the camera on whichever it asks.
    ///
    /// # Errors
    /// When the port is taken by a program that does not share it.
    pub fn start(camera: Arc<Camera>, ports: Ports, port: u16) -> Result<Self, DiscoveryError> {
        let socket =
            open(port, camera.address.is_ipv6()).map_err(|source| DiscoveryError { port, source })?;
        Ok(Self { camera, ports, socket, port })
    }

    /// Says Hello and answers for ever.
    pub async fn run(&self) {
        self.hello().await;
        let mut datagram = vec![0; DATAGRAM_BYTES];
        loop {
            let (length, from) = match self.socket.recv_from(&mut datagram).await {
                Ok(received) => received,
                // An earlier answer came back undeliverable; the socket still works.
                Err(error) => {
                    tracing::debug!(%error, "discovery");
                    tokio::task::yield_now().await;
                    continue;
                }
            };
            let hides = self.camera.power.is_away() || !self.camera.settings.lock().discoverable;
            if hides || !self.may_know(from.ip()) {
                continue;
            }
            let Ok(request) = Request::parse(&datagram[..length]) else { continue };
            let Some(answer) = self.answer(&request, from.ip()) else { continue };
            if let Err(error) = self.socket.send_to(answer.as_bytes(), from).await {
                tracing::debug!(%error, %from, "discovery");
            }
        }
    }

    /// Says Hello.
    pub async fn hello(&self) {
        self.announce("Hello").await;
    }

    /// Says Bye.
    pub async fn bye(&self) {
        self.announce("Bye").await;
    }

    /// Whether a program at `peer` can use an address that this camera gives: one on loopback is of no use to another computer.
    fn may_know(&self, peer: IpAddr) -> bool {
        !self.camera.address.is_loopback()
            || peer.is_loopback()
            || if_addrs::get_if_addrs().unwrap_or_default().iter().any(|interface| interface.ip() == peer)
    }

    fn answer(&self, request: &Request, peer: IpAddr) -> Option<String> {
        let relates_to = request.message_id()?;
        let (action, tag, item) = match request.operation.name.as_str() {
            "Probe" if self.matches(&request.operation) => ("ProbeMatches", "ProbeMatches", "ProbeMatch"),
            "Resolve" if request.operation.text_of("Address")? == self.endpoint() => {
                ("ResolveMatches", "ResolveMatches", "ResolveMatch")
            }
            _ => return None,
        };
        let body = format!("<d:{tag}><d:{item}>{}</d:{item}></d:{tag}>", self.description(peer));
        Some(message(action, ANONYMOUS, Some(relates_to), &body))
    }

    /// Whether this camera is among those that `probe` looks for.
    fn matches(&self, probe: &Element) -> bool {
        let types = probe.text_of("Types").unwrap_or_default();
        let known = ["NetworkVideoTransmitter", "Device"];
        let has_type = |wanted: &str| known.contains(&wanted.rsplit(':').next().unwrap_or(wanted));
        let scopes = onvif::scopes(&self.camera);
        let wanted = probe.text_of("Scopes").unwrap_or_default();
        types.split_whitespace().all(has_type)
            && wanted.split_whitespace().all(|wanted| scopes.iter().any(|scope| scope.starts_with(wanted)))
    }

    fn endpoint(&self) -> String {
        format!("urn:uuid:{}", self.camera.uuid)
    }

    fn description(&self, peer: IpAddr) -> String {
        let addresses: Vec<String> =
            self.addresses(peer).into_iter().map(|host| self.ports.device_service(host)).collect();
        format!(
            "<a:EndpointReference><a:Address>{}</a:Address></a:EndpointReference>\
             <d:Types>dn:NetworkVideoTransmitter tds:Device</d:Types><d:Scopes>{}</d:Scopes>\
             <d:XAddrs>{}</d:XAddrs><d:MetadataVersion>1</d:MetadataVersion>",
            self.endpoint(),
            escape(&onvif::scopes(&self.camera).join(" ")),
            escape(&addresses.join(" "))
        )
    }

    /// The addresses under which the camera answers, for a client at `peer`.
    fn addresses(&self, peer: IpAddr) -> Vec<IpAddr> {
        if !self.camera.address.is_unspecified() {
            return vec![self.camera.address];
        }
        let own = interfaces(self.camera.address.is_ipv6()).into_iter().map(|(address, _)| address);
        let (near, far): (Vec<_>, Vec<_>) = own.partition(IpAddr::is_loopback);
        if peer.is_loopback() || far.is_empty() { near } else { far }
    }

    /// Tells the group; a camera on loopback tells this computer alone.
    async fn announce(&self, what: &str) {
        let on_loopback = self.camera.address.is_loopback();
        for (address, index) in interfaces(self.camera.address.is_ipv6()) {
            if on_loopback && !address.is_loopback() {
                continue;
            }
            let body = format!("<d:{what}>{}</d:{what}>", self.description(address));
            let text = message(what, EVERYBODY, None, &body);
            let shared = socket2::SockRef::from(&self.socket);
            let (group, chosen): (IpAddr, _) = match address {
                IpAddr::V4(address) => (GROUP.into(), shared.set_multicast_if_v4(&address)),
                IpAddr::V6(_) => (GROUP_V6.into(), shared.set_multicast_if_v6(index)),
            };
            if chosen.is_ok() {
                let group = SocketAddr::from((group, self.port));
                if let Err(error) = self.socket.send_to(text.as_bytes(), group).await {
                    tracing::debug!(%error, %address, "discovery");
                }
            }
        }
    }
}

/// The addresses of this computer in one family, loopback among them, each with the number of its interface.
fn interfaces(is_ipv6: bool) -> BTreeSet<(IpAddr, u32)> {
    let all = if_addrs::get_if_addrs().unwrap_or_default();
    let numbered = all.into_iter().map(|interface| (interface.ip(), interface.index.unwrap_or(0)));
    let loopback: IpAddr = if is_ipv6 { Ipv6Addr::LOCALHOST.into() } else { Ipv4Addr::LOCALHOST.into() };
    let mut own: BTreeSet<_> = numbered.filter(|(address, _)| address.is_ipv6() == is_ipv6).collect();
    if own.iter().all(|(address, _)| *address != loopback) {
        own.insert((loopback, 0));
    }
    own
}

fn open(port: u16, is_ipv6: bool) -> io::Result<UdpSocket> {
    let (domain, everywhere): (_, IpAddr) = if is_ipv6 {
        (Domain::IPV6, Ipv6Addr::UNSPECIFIED.into())
    } else {
        (Domain::IPV4, Ipv4Addr::UNSPECIFIED.into())
    };
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_address(true)?;
    // Several cameras on one computer share the port; each gets every probe that is sent to the group.
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    if is_ipv6 {
        socket.set_only_v6(true)?;
    }
    socket.bind(&SocketAddr::from((everywhere, port)).into())?;
    for (address, index) in interfaces(is_ipv6) {
        let joined = match address {
            IpAddr::V4(address) => socket.join_multicast_v4(&GROUP, &address),
            IpAddr::V6(_) => socket.join_multicast_v6(&GROUP_V6, index),
        };
        if let Err(error) = joined {
            tracing::debug!(%error, %address, "not listening to discovery here");
        }
    }
    UdpSocket::from_std(socket.into())
}

fn message(action: &str, to: &str, relates_to: Option<&str>, body: &str) -> String {
    let relates_to =
        relates_to.map_or_else(String::new, |id| format!("<a:RelatesTo>{}</a:RelatesTo>", escape(id)));
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" \
         xmlns:d=\"{DISCOVERY}\" xmlns:dn=\"http://www.onvif.org/ver10/network/wsdl\" xmlns:tds=\"http://www.onvif.org/ver10/device/wsdl\">\
         <s:Header><a:MessageID>urn:uuid:{}</a:MessageID>{relates_to}<a:To>{to}</a:To><a:Action>{DISCOVERY}/{action}</a:Action>\
         </s:Header><s:Body>{body}</s:Body></s:Envelope>",
        Uuid::new_v4()
    )
}
