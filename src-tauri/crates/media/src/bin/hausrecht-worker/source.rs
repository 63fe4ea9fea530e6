//! The camera's address taken apart, a first connection that tells why it fails, and loading of all that GStreamer needs.

use std::{
    io,
    net::{IpAddr, SocketAddrV6, TcpStream, ToSocketAddrs},
    time::Duration,
};

use gstreamer as gst;
use gstreamer::prelude::*;
use hausrecht_media::FaultCode;
use hausrecht_model::link_local;
use url::{Host, Position, Url};

/// How long a camera may take to accept a connection.
pub(crate) const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// Where cameras speak RTSP through HTTP besides the port of RTSP.
pub(crate) const HTTP_PORT: u16 = 80;

/// Every element that a worker uses. They are loaded before the sandbox closes, for afterwards no file can be read.
const ELEMENTS: [&str; 28] = [
    "rtspsrc",
    "rtpbin",
    "rtpjitterbuffer",
    "udpsrc",
    "udpsink",
    "multiudpsink",
    "fakesrc",
    "appsrc",
    "appsink",
    "capsfilter",
    "queue",
    "funnel",
    "rtph264depay",
    "rtph265depay",
    "rtpjpegdepay",
    "h264parse",
    "h265parse",
    "jpegparse",
    "avdec_h264",
    "avdec_h265",
    "jpegdec",
    "jpegenc",
    "pngenc",
    "videocrop",
    "videoconvertscale",
    "videobalance",
    "gamma",
    "typefind",
];

/// RTSP dialects of long ago that `rtspsrc` would load by itself; no camera speaks them, so they shall not parse anything.
const UNWANTED: [&str; 2] = ["rtspreal", "rtspwms"];

/// Loads the plugins. One that is missing is found out when it is needed.
pub(crate) fn load_elements() {
    for name in ELEMENTS {
        let loaded = gst::ElementFactory::find(name).and_then(|factory| factory.load().ok());
        if loaded.is_none() {
            tracing::warn!("GStreamer has no {name}");
        }
    }
    crate::decode::try_hardware();
    for name in UNWANTED {
        if let Some(factory) = gst::ElementFactory::find(name) {
            gst::Registry::get().remove_feature(&factory);
        }
    }
}

/// Where a stream comes from.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    /// The address as given; with a link-local host in the form of RFC 6874, as GLib reads it.
    pub(crate) uri: String,
    /// TCP port of the RTSP connection.
    pub(crate) port: u16,
    /// Whether the host is a name that must be looked up.
    pub(crate) named: bool,
    /// Whether it is spoken over TLS.
    pub(crate) tls: bool,
    /// Whether it means something only on one of this computer's networks.
    pub(crate) link_local: bool,
    host: String,
}

impl Address {
    /// Takes `uri` apart; `None` if it is not an RTSP address.
    pub(crate) fn parse(uri: &str) -> Option<Self> {
        let url = Url::parse(uri).ok()?;
        let (default_port, tls) = match url.scheme() {
            "rtsp" | "rtspt" | "rtspu" | "rtsph" => (554, false),
            "rtsps" => (322, true),
            _ => return None,
        };
        let port = url.port().unwrap_or(default_port);
        if let Some(address) = url.host_str().and_then(link_local::address) {
            return Some(Self::link_local(&url, address, port, tls));
        }
        let (host, named) = match url.host()? {
            // In an address of a scheme that `url` does not know, an IPv4 address is taken for a name.
            Host::Domain(name) => (name.to_owned(), name.parse::<IpAddr>().is_err()),
            Host::Ipv4(ip) => (ip.to_string(), false),
            Host::Ipv6(ip) => (ip.to_string(), false),
        };
        Some(Self { uri: uri.to_owned(), port, named, tls, link_local: false, host })
    }

    fn link_local(url: &Url, address: SocketAddrV6, port: u16, tls: bool) -> Self {
        let (ip, interface) = (address.ip(), address.scope_id());
        let (before, after) = (&url[..Position::BeforeHost], &url[Position::AfterHost..]);
        let uri = format!("{before}[{ip}%25{interface}]{after}");
        Self { uri, port, named: false, tls, link_local: true, host: format!("{ip}%{interface}") }
    }

    /// Path and query, as HTTP asks for them.
    pub(crate) fn path(&self) -> &str {
        let after = self.uri.split_once("://").map_or("", |(_, after)| after);
        after.find('/').and_then(|at| after.get(at..)).unwrap_or("/")
    }

    /// Where RTSP may be had through HTTP: at the port of RTSP itself, unless nobody answers there, and at that of the web.
    pub(crate) fn tunnels(&self, port_answers: bool) -> Vec<Self> {
        if self.tls {
            return Vec::new();
        }
        let own = port_answers.then_some(self.port);
        let web = (self.port != HTTP_PORT).then_some(HTTP_PORT);
        own.into_iter().chain(web).filter_map(|port| self.through_http(port)).collect()
    }

    /// This address in the form that tells `rtspsrc` to make a tunnel; none for a link-local one.
    fn through_http(&self, port: u16) -> Option<Self> {
        let mut url = Url::parse(&self.uri).ok()?;
        url.set_port(Some(port)).ok()?;
        Self::parse(&format!("rtsph{}", &url[Position::AfterScheme..]))
    }

    /// The address as requests name it.
    pub(crate) fn request_uri(&self) -> String {
        self.uri.replacen("rtsph://", "rtsp://", 1)
    }

    /// Whether `other` is served by the same program of the same camera, as well protected.
    pub(crate) fn is_beside(&self, other: &Self) -> bool {
        (&self.host, self.port, self.tls) == (&other.host, other.port, other.tls)
    }

    /// Connects once and hangs up, for `rtspsrc` does not say whether a host refused or is not there.
    pub(crate) fn probe(&self) -> Result<(), (FaultCode, String)> {
        self.connect().map(drop)
    }

    /// Connects, and tells why it fails.
    pub(crate) fn connect(&self) -> Result<TcpStream, (FaultCode, String)> {
        let failed = |error: io::Error| {
            let silent =
                [io::ErrorKind::TimedOut, io::ErrorKind::HostUnreachable, io::ErrorKind::NetworkUnreachable];
            let code = if silent.contains(&error.kind()) { FaultCode::Timeout } else { FaultCode::Refused };
            (code, format!("{}:{}: {error}", self.host, self.port))
        };
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for address in (self.host.as_str(), self.port).to_socket_addrs().map_err(failed)? {
            match TcpStream::connect_timeout(&address, CONNECT_LIMIT) {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(failed(last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let address = Address::parse("rtsp://192.0.2.1/main").unwrap();
        assert_eq!((address.port, address.named, address.tls), (554, false, false));
        let address = Address::parse("rtsps://[2001:db8::1]:8322/x?y=z").unwrap();
        assert_eq!((address.port, address.named, address.tls), (8322, false, true));
        assert!(Address::parse("rtsp://kamera.local/").unwrap().named);
        let address = Address::parse("rtsp://fe80--1s3.ipv6-literal.net:8554/main?x=1").unwrap();
        assert_eq!((address.port, address.named, address.link_local), (8554, false, true));
        assert_eq!(address.uri, "rtsp://[fe80::1%253]:8554/main?x=1");
        assert_eq!(address.host, "fe80::1%3");
        let here = Address::parse("rtsp://192.0.2.1/main").unwrap();
        let tunnels = Address::parse("rtsp://192.0.2.1:8554/main/?a=1").unwrap().tunnels(true);
        assert_eq!(tunnels.iter().map(|tunnel| tunnel.port).collect::<Vec<_>>(), [8554, 80]);
        assert_eq!(
            (tunnels[1].uri.as_str(), tunnels[1].path()),
            ("rtsph://192.0.2.1:80/main/?a=1", "/main/?a=1")
        );
        assert_eq!(tunnels[1].request_uri(), "rtsp://192.0.2.1:80/main/?a=1");
        assert_eq!(here.tunnels(false).len(), 1);
        assert!(here.is_beside(&Address::parse("rtsp://192.0.2.1:554/other?x").unwrap()));
        for elsewhere in ["rtsp://192.0.2.2/main", "rtsp://192.0.2.1:555/main", "rtsps://192.0.2.1:554/main"]
        {
            assert!(!here.is_beside(&Address::parse(elsewhere).unwrap()), "{elsewhere}");
        }
        assert!(Address::parse("file:///etc/passwd").is_none());
        assert!(Address::parse("rtsp:///").is_none());
    }
}
