//! Reaches cameras at link-local IPv6 addresses: the names that stand for these ([`hausrecht_model::link_local`]) are read and
//! not looked up, and what a camera says about its own interface is left out.

use std::net::SocketAddr;

use hausrecht_model::link_local;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

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
        if let Some(address) = link_local::address(name.as_str()) {
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
    fn a_foreign_interface_is_cut_out() {
        assert_eq!(without_zone("http://[fe80::1%25eth0]:80/x"), "http://[fe80::1]:80/x");
        assert_eq!(without_zone("http://h/a%20b[1]"), "http://h/a%20b[1]");
    }
}
