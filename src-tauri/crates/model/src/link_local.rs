//! Link-local IPv6 addresses in URLs. Such an address means something only together with a network interface, and a URL
//! has no place for that, so the interface's number is kept in the host's name, in the form that Windows introduced:
//! `fe80--1s3.ipv6-literal.net` is `fe80::1` on interface 3. These names are read here and never looked up.

// `core` has the addresses without the sockets.
use core::net::{Ipv6Addr, SocketAddrV6};

const SUFFIX: &str = ".ipv6-literal.net";

/// The host name for `ip` on the interface of this number.
pub fn host(ip: Ipv6Addr, interface: u32) -> String {
    format!("{}s{interface}{SUFFIX}", ip.to_string().replace(':', "-"))
}

/// The address that such a name stands for, with port 0; `None` for every other name.
pub fn address(host: &str) -> Option<SocketAddrV6> {
    let (ip, interface) = host.strip_suffix(SUFFIX)?.rsplit_once('s')?;
    Some(SocketAddrV6::new(ip.replace('-', ":").parse().ok()?, 0, 0, interface.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_local_address_keeps_its_interface() {
        let name = host("fe80::1:2".parse().unwrap(), 3);
        assert_eq!(name, "fe80--1-2s3.ipv6-literal.net");
        let address = address(&name).unwrap();
        assert_eq!((address.ip().to_string().as_str(), address.scope_id()), ("fe80::1:2", 3));
    }

    #[test]
    fn other_names_are_none() {
        for name in ["camera.lan", "s.ipv6-literal.net", "fe80--1.ipv6-literal.net", "xs1.ipv6-literal.net"] {
            assert_eq!(address(name), None, "{name}");
        }
    }
}
