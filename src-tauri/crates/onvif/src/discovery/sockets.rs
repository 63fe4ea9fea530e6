//! One socket for each interface and address family, so that a Probe leaves through all of them.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use if_addrs::{IfAddr, Interface};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

use super::SearchOptions;
use crate::Error;

/// The group of WS-Discovery.
const GROUP_V4: Ipv4Addr = Ipv4Addr::new(239, 255, 255, 250);
/// The same for IPv6, on the link.
const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xc);
/// A computer with containers may have hundreds of interfaces.
const SENDERS_MAX: usize = 64;

/// This computer's own addresses.
#[derive(Debug)]
pub(super) struct Interfaces(Vec<Interface>);

impl Interfaces {
    /// Asks the system.
    pub(super) fn read() -> Result<Self, Error> {
        let all =
            if_addrs::get_if_addrs().map_err(|reason| Error::NoNetwork { reason: reason.to_string() })?;
        Ok(Self(all))
    }

    /// Opens a socket for each that is to be searched; fails only if none can be opened.
    pub(super) fn open(&self, options: &SearchOptions) -> Result<Vec<Sender>, Error> {
        let mut senders: Vec<Sender> = Vec::new();
        let mut last = "there is none".to_owned();
        let mut indices = Vec::new();
        let wanted =
            |interface: &&Interface| options.from.is_empty() || options.from.contains(&interface.ip());
        for interface in self.0.iter().filter(wanted) {
            let opened = match interface.addr {
                IfAddr::V4(ref v4) => Sender::v4(&interface.name, v4.ip, options.port),
                IfAddr::V6(_) => match interface.index {
                    Some(index) if !indices.contains(&index) => {
                        indices.push(index);
                        Sender::v6(&interface.name, index, options.port)
                    }
                    Some(_) | None => continue,
                },
            };
            match opened {
                Ok(sender) if senders.len() < SENDERS_MAX => senders.push(sender),
                Ok(_) => break,
                Err(reason) => last = reason.to_string(),
            }
        }
        if senders.is_empty() { Err(Error::NoNetwork { reason: last }) } else { Ok(senders) }
    }

    /// Whether `ip` lies in the range of one of the interfaces.
    pub(super) fn contain(&self, ip: IpAddr) -> bool {
        self.0.iter().any(|interface| match (&interface.addr, ip) {
            (IfAddr::V4(own), IpAddr::V4(ip)) => {
                let mask = own.netmask.to_bits();
                own.ip.to_bits() & mask == ip.to_bits() & mask
            }
            (IfAddr::V6(own), IpAddr::V6(ip)) => {
                let mask = own.netmask.to_bits();
                ip.is_unicast_link_local() || own.ip.to_bits() & mask == ip.to_bits() & mask
            }
            (IfAddr::V4(_), IpAddr::V6(_)) | (IfAddr::V6(_), IpAddr::V4(_)) => false,
        })
    }
}

/// A socket bound to one interface.
#[derive(Debug)]
pub(super) struct Sender {
    /// The interface, for messages.
    pub(super) name: String,
    socket: UdpSocket,
    to: SocketAddr,
}

impl Sender {
    fn v4(name: &str, ip: Ipv4Addr, port: u16) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_multicast_if_v4(&ip)?;
        socket.set_multicast_ttl_v4(1)?;
        socket.set_multicast_loop_v4(true)?;
        socket.bind(&SocketAddr::from((ip, 0)).into())?;
        Self::finish(name, socket, SocketAddr::from((GROUP_V4, port)))
    }

    fn v6(name: &str, index: u32, port: u16) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV6, Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_only_v6(true)?;
        socket.set_multicast_if_v6(index)?;
        socket.set_multicast_hops_v6(1)?;
        socket.set_multicast_loop_v6(true)?;
        socket.bind(&SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)).into())?;
        let to = std::net::SocketAddrV6::new(GROUP_V6, port, 0, index);
        Self::finish(name, socket, to.into())
    }

    fn finish(name: &str, socket: Socket, to: SocketAddr) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self { name: name.to_owned(), socket: UdpSocket::from_std(socket.into())?, to })
    }

    /// Sends to the group.
    pub(super) async fn send(&self, message: &[u8]) -> io::Result<()> {
        self.socket.send_to(message, self.to).await.map(|_| ())
    }

    /// Waits for a datagram.
    pub(super) async fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.socket.recv_from(buffer).await
    }
}
