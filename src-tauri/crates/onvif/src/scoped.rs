//! Link-local IPv6 addresses in URLs. Such an address means something only together with a network interface, and a URL
//! has no place for that, so the interface's number is kept in the host's name, in the form that Windows introduced:
//! `fe80--1s3.ipv6-literal.net` is `fe80::1` on interface 3. These names are read here and never looked up.

use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

const SUFFIX: &str = ".ipv6-literal.net";

/// The host name for `ip` on the interface of this number.
pub(crate) fn host(ip: Ipv6Addr, scope: u32) -> String {
    format!("{}s{scope}{SUFFIX}", ip.to_string().replace(':', "-"))
}

/// The address that such a name stands for, with port 0.
pub(crate) fn address(host: &str) -> Option<SocketAddrV6> {
    let (ip, scope) = host.strip_suffix(SUFFIX)?.rsplit_once('s')?;
    Some(SocketAddrV6::new(ip.replace('-', ":").parse().ok()?, 0, 0, scope.parse().ok()?))
}

/// Cuts the interface out of `[fe80::1%eth0]` or `[fe80::1%25eth0]` in a URL that a camera names: it is the camera's
/// own interface and says nothing here.
pub(crate) fn without_zone(url: &str) -> String {
    let cut = || {
        let start = url.find('[')?;
        let end = start + url[start..].find(']')?;
        let zone = start + url[start..end].find('%')?;
        Some(format!("{}{}", &url[..zone], &url[end..]))
    };
    cut().unwrap_or_else(|| url.to_owned())
}

/// Reads the names of this module and asks the system for all others.
#[derive(Debug)]
pub(crate) struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        if let Some(address) = address(name.as_str()) {
            let all: Addrs = Box::new(std::iter::once(SocketAddr::V6(address)));
            return Box::pin(std::future::ready(Ok(all)));
        }
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let all: Addrs = Box::new(found.collect::<Vec<_>>().into_iter());
            Ok(all)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_local_address_keeps_its_interface() {
        let name = host("fe80::1:2".parse().unwrap(), 3);
        assert_eq!(name, "fe80--1-2s3.ipv6-literal.net");
        let url = url::Url::parse(&format!("http://{name}:8080/onvif")).unwrap();
        let address = address(url.host_str().unwrap()).unwrap();
        assert_eq!((address.ip().to_string().as_str(), address.scope_id()), ("fe80::1:2", 3));
    }

    #[test]
    fn other_names_are_none() {
        for name in ["camera.lan", "s.ipv6-literal.net", "fe80--1.ipv6-literal.net", "xs1.ipv6-literal.net"] {
            assert_eq!(address(name), None, "{name}");
        }
    }

    #[test]
    fn a_foreign_interface_is_cut_out() {
        assert_eq!(without_zone("http://[fe80::1%25eth0]:80/x"), "http://[fe80::1]:80/x");
        assert_eq!(without_zone("http://h/a%20b[1]"), "http://h/a%20b[1]");
    }
}
