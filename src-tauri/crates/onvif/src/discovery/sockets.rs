//! One socket for each interface and address family, so that a Probe leaves through all of them.

use std::{
    collections::HashSet,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use if_addrs::{IfAddr, Interface};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

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

    /// A computer without addresses.
    pub(super) fn none() -> Self {
        Self(Vec::new())
    }

    /// Opens a socket for each that is to be searched, all if `from` is empty; fails only if none can be opened.
    pub(super) fn open(&self, from: &[IpAddr], port: u16) -> Result<Vec<Sender>, Error> {
        let mut senders: Vec<Sender> = Vec::new();
        let mut last = "there is none".to_owned();
        let mut indices = Vec::new();
        let wanted = |interface: &&Interface| from.is_empty() || from.contains(&interface.ip());
        for interface in self.0.iter().filter(wanted) {
            let opened = match interface.addr {
                IfAddr::V4(ref v4) => Sender::v4(&interface.name, v4.ip, port),
                IfAddr::V6(_) => match interface.index {
                    Some(index) if !indices.contains(&index) => {
                        indices.push(index);
                        Sender::v6(&interface.name, index, port)
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

    /// Where to listen: every IPv4 address, and the number of every interface that has an IPv6 address.
    pub(super) fn places(&self, from: &[IpAddr]) -> HashSet<Place> {
        let wanted = |interface: &&Interface| from.is_empty() || from.contains(&interface.ip());
        let places = self.0.iter().filter(wanted).filter_map(|interface| match interface.addr {
            IfAddr::V4(ref v4) => Some(Place::V4(v4.ip)),
            IfAddr::V6(_) => interface.index.map(Place::V6),
        });
        places.take(2 * SENDERS_MAX).collect()
    }

    /// Whether `ip` is an address of this computer itself.
    pub(super) fn are_of(&self, ip: IpAddr) -> bool {
        !self.0.is_empty() && (ip.is_loopback() || self.0.iter().any(|interface| interface.ip() == ip))
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

    /// Sends to one host.
    pub(super) async fn send_to(&self, message: &[u8], to: SocketAddr) -> io::Result<()> {
        if to.is_ipv4() == self.to.is_ipv4() {
            self.socket.send_to(message, to).await?;
        }
        Ok(())
    }

    /// Waits for a datagram.
    pub(super) async fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.socket.recv_from(buffer).await
    }
}

/// Where the group can be joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place {
    V4(Ipv4Addr),
    V6(u32),
}

/// Hears what is said to the group, beside other programs that do.
#[derive(Debug)]
pub(super) struct Listener {
    v4: Option<UdpSocket>,
    v6: Option<UdpSocket>,
    joined: HashSet<Place>,
}

impl Listener {
    /// Opens the port without joining the group; fails only if neither IPv4 nor IPv6 is to be had.
    pub(super) fn open(port: u16) -> io::Result<Self> {
        let v4 = Self::socket(Domain::IPV4, (Ipv4Addr::UNSPECIFIED, port).into());
        let v6 = Self::socket(Domain::IPV6, (Ipv6Addr::UNSPECIFIED, port).into());
        match (v4, v6) {
            (Err(reason), Err(_)) => Err(reason),
            (v4, v6) => Ok(Self { v4: v4.ok(), v6: v6.ok(), joined: HashSet::new() }),
        }
    }

    fn socket(domain: Domain, at: SocketAddr) -> io::Result<UdpSocket> {
        let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_reuse_address(true)?;
        // Linux shares a group among those that set either; others want this one.
        #[cfg(unix)]
        socket.set_reuse_port(true)?;
        if domain == Domain::IPV6 {
            socket.set_only_v6(true)?;
        }
        socket.bind(&at.into())?;
        socket.set_nonblocking(true)?;
        UdpSocket::from_std(socket.into())
    }

    /// Joins the group where it is not joined yet, and leaves it where there is nothing any more.
    pub(super) fn follow(&mut self, places: &HashSet<Place>) {
        for gone in self.joined.difference(places) {
            // The system has usually forgotten the membership together with the interface.
            let _ = match (gone, &self.v4, &self.v6) {
                (Place::V4(ip), Some(v4), _) => v4.leave_multicast_v4(GROUP_V4, *ip),
                (Place::V6(index), _, Some(v6)) => v6.leave_multicast_v6(&GROUP_V6, *index),
                (Place::V4(_) | Place::V6(_), _, _) => Ok(()),
            };
        }
        self.joined.retain(|place| places.contains(place));
        for place in places {
            if self.joined.contains(place) {
                continue;
            }
            let done = match (place, &self.v4, &self.v6) {
                (Place::V4(ip), Some(v4), _) => v4.join_multicast_v4(GROUP_V4, *ip),
                (Place::V6(index), _, Some(v6)) => v6.join_multicast_v6(&GROUP_V6, *index),
                (Place::V4(_) | Place::V6(_), _, _) => continue,
            };
            match done {
                Ok(()) => {
                    self.joined.insert(*place);
                }
                // Two addresses on one interface share a membership.
                Err(reason) if reason.kind() == io::ErrorKind::AddrInUse => {
                    self.joined.insert(*place);
                }
                Err(reason) => tracing::debug!(?place, %reason, "not listening for cameras here"),
            }
        }
    }

    /// Waits for a datagram.
    pub(super) async fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let readable = async |socket: &Option<UdpSocket>| match socket {
            Some(socket) => socket.readable().await,
            None => std::future::pending().await,
        };
        loop {
            tokio::select! {
                ready = readable(&self.v4) => ready?,
                ready = readable(&self.v6) => ready?,
            }
            for socket in [&self.v4, &self.v6].into_iter().flatten() {
                match socket.try_recv_from(buffer) {
                    Err(reason) if reason.kind() == io::ErrorKind::WouldBlock => {}
                    received => return received,
                }
            }
        }
    }
}
