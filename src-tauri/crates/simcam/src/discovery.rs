//! WS-Discovery: answers Probe and Resolve, and says Hello and Bye. OASIS WS-Discovery in the April 2005 form that ONVIF uses.

use std::{
    collections::BTreeSet,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4},
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

/// The group that every ONVIF device listens to.
const GROUP: Ipv4Addr = Ipv4Addr::new(239, 255, 255, 250);
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
        let socket = open(port).map_err(|source| DiscoveryError { port, source })?;
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
        if peer.is_loopback() {
            return vec![Ipv4Addr::LOCALHOST.into()];
        }
        let own = interfaces()
            .into_iter()
            .filter(|address| !address.is_loopback())
            .map(IpAddr::V4)
            .collect::<Vec<_>>();
        if own.is_empty() { vec![Ipv4Addr::LOCALHOST.into()] } else { own }
    }

    /// Tells the group; a camera on loopback tells this computer alone.
    async fn announce(&self, what: &str) {
        let on_loopback = self.camera.address.is_loopback();
        for interface in interfaces() {
            if on_loopback && !interface.is_loopback() {
                continue;
            }
            let body = format!("<d:{what}>{}</d:{what}>", self.description(interface.into()));
            let text = message(what, EVERYBODY, None, &body);
            let shared = socket2::SockRef::from(&self.socket);
            if shared.set_multicast_if_v4(&interface).is_ok() {
                let group = SocketAddr::from((GROUP, self.port));
                if let Err(error) = self.socket.send_to(text.as_bytes(), group).await {
                    tracing::debug!(%error, %interface, "discovery");
                }
            }
        }
    }
}

/// The IPv4 addresses of this computer.
fn interfaces() -> BTreeSet<Ipv4Addr> {
    let all = if_addrs::get_if_addrs().unwrap_or_default();
    let v4 = all.into_iter().filter_map(|interface| match interface.ip() {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    });
    v4.chain([Ipv4Addr::LOCALHOST]).collect()
}

fn open(port: u16) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_address(true)?;
    // Several cameras on one computer share the port; each gets every probe that is sent to the group.
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port).into())?;
    for interface in interfaces() {
        if let Err(error) = socket.join_multicast_v4(&GROUP, &interface) {
            tracing::debug!(%error, %interface, "not listening to discovery here");
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
