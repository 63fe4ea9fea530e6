//! A camera by the address that a person entered: the usual ports of cameras are tried at once.

use std::{net::Ipv6Addr, time::Duration};

use hausrecht_model::link_local;
use tokio::{task::JoinSet, time::timeout};
use url::{Host, Url};

use crate::{
    Error, Settings,
    http::{Http, Limits, Payload},
    soap::{Operation, ns, open},
    xml::parse,
};

/// Ports that makers use for ONVIF, each with the scheme that is likelier there, most frequent first.
const PORTS: [(u16, &str); 9] = [
    (80, "http"),
    (2020, "http"),
    (8000, "http"),
    (8080, "http"),
    (8899, "http"),
    (6688, "http"),
    (443, "https"),
    (8443, "https"),
    (5000, "http"),
];
/// How long the other ports are waited for when one has answered.
const LATE: Duration = Duration::from_millis(500);
/// Where the device service is by the standard.
const PATH: &str = "/onvif/device_service";

/// How sure it is that a camera is there; the better one is less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Likeness {
    /// It speaks SOAP.
    Camera,
    /// It wants a password before it says anything.
    Closed,
}

/// Tries `192.168.1.5`, `host:port` or a URL at the usual ports; the device services that answer, best first.
///
/// # Errors
/// [`Error::BadAddress`], [`Error::NothingThere`].
pub async fn by_address(text: &str, settings: &Settings) -> Result<Vec<Url>, Error> {
    let candidates = candidates(text)?;
    let http = Http::new(settings, None)?;
    let limits = Limits { timeout: settings.call_timeout, size_bytes: settings.answer_limit_bytes };
    let mut trying = JoinSet::new();
    for (index, url) in candidates.into_iter().enumerate() {
        let http = http.clone();
        trying.spawn(async move { Some((likeness(&http, &url, limits).await?, index, url)) });
    }
    let mut answered = Vec::new();
    let mut patience = settings.connect_timeout + settings.call_timeout;
    while let Ok(Some(tried)) = timeout(patience, trying.join_next()).await {
        if let Ok(Some(answer)) = tried {
            answered.push(answer);
            // Ports that swallow packets would hold up one that has answered.
            patience = LATE;
        }
    }
    answered.sort();
    if answered.is_empty() {
        return Err(Error::NothingThere { address: text.trim().to_owned() });
    }
    Ok(answered.into_iter().map(|(_, _, url)| url).collect())
}

/// Asks for the time without signing.
async fn likeness(http: &Http, url: &Url, limits: Limits) -> Option<Likeness> {
    let operation = Operation::new(ns::DEVICE, "GetSystemDateAndTime", "");
    let envelope = operation.envelope("");
    let payload = Payload::Soap { action: &operation.action, envelope: &envelope };
    let reply = http.exchange(url, payload, None, limits).await.ok()?;
    match parse(&reply.body).ok().map(open) {
        Some(Ok(_)) => Some(Likeness::Camera),
        Some(Err(_)) | None => (reply.status == 401).then_some(Likeness::Closed),
    }
}

/// The addresses that a text may mean.
fn candidates(text: &str) -> Result<Vec<Url>, Error> {
    let bad = || Error::BadAddress { text: text.trim().chars().take(100).collect() };
    let text = text.trim();
    if text.contains("://") {
        let mut url = Url::parse(text).map_err(|_| bad())?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(bad());
        }
        // Whoever puts a password into an address must not find it in a log.
        url.set_username("").and_then(|()| url.set_password(None)).map_err(|()| bad())?;
        url.set_fragment(None);
        let mut all = vec![url.clone()];
        if url.path() != PATH {
            url.set_path(PATH);
            url.set_query(None);
            all.push(url);
        }
        return Ok(all);
    }
    let bracketed = match with_interface(text) {
        Some(name) => name,
        None => match text.parse::<Ipv6Addr>() {
            Ok(ip) => format!("[{ip}]"),
            Err(_) => text.to_owned(),
        },
    };
    let base = Url::parse(&format!("http://{bracketed}")).map_err(|_| bad())?;
    let is_plain = base.username().is_empty() && base.path() == "/" && base.query().is_none();
    let is_host = match base.host() {
        Some(Host::Domain(name)) => {
            name.len() <= 253 && name.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
        }
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => true,
        None => false,
    };
    if !is_plain || !is_host || text.contains('/') {
        return Err(bad());
    }
    let host = base.host_str().ok_or_else(bad)?;
    // `Url` drops the port 80 of http, so whether one was entered shows in the text.
    let entered = bracketed.rsplit_once(':').filter(|(_, port)| !port.contains(']'));
    let ports = match entered {
        Some((_, port)) => {
            let port = port.parse().map_err(|_| bad())?;
            let usual = PORTS.iter().find(|(known, _)| *known == port);
            vec![(port, usual.map_or("http", |(_, scheme)| *scheme))]
        }
        None => PORTS.to_vec(),
    };
    let address = |scheme: &str, port: u16| Url::parse(&format!("{scheme}://{host}:{port}{PATH}"));
    let likely = ports.iter().map(|(port, scheme)| address(scheme, *port));
    let other =
        ports.iter().map(|(port, scheme)| address(if *scheme == "http" { "https" } else { "http" }, *port));
    likely.chain(other).collect::<Result<_, _>>().map_err(|_| bad())
}

/// The name that stands for `fe80::1%eth0` or `fe80::1%3`, if the text is that.
fn with_interface(text: &str) -> Option<String> {
    let (ip, zone) = text.trim_matches(['[', ']']).split_once('%')?;
    let ip = ip.parse::<Ipv6Addr>().ok().filter(Ipv6Addr::is_unicast_link_local)?;
    let named = || {
        let all = if_addrs::get_if_addrs().ok()?;
        all.into_iter().find(|interface| interface.name == zone)?.index
    };
    zone.parse().ok().or_else(named).map(|index| link_local::host(ip, index))
}

/// Gives arbitrary text to the reader of addresses; the target of the fuzzer.
pub(super) fn fuzz_candidates(text: &str) {
    let _ = candidates(text);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(text: &str) -> Vec<String> {
        candidates(text).unwrap().into_iter().map(Into::into).collect()
    }

    #[test]
    fn a_host_alone_is_tried_at_the_usual_ports() {
        let all = texts(" 192.168.1.5 ");
        assert_eq!(all[0], "http://192.168.1.5/onvif/device_service");
        assert_eq!(all[1], "http://192.168.1.5:2020/onvif/device_service");
        assert!(all.contains(&"https://192.168.1.5/onvif/device_service".to_owned()));
        assert!(all.contains(&"https://192.168.1.5:2020/onvif/device_service".to_owned()));
        assert_eq!(all.len(), 2 * PORTS.len(), "both schemes at every port");
        assert_eq!(texts("fe80::1")[0], "http://[fe80::1]/onvif/device_service");
    }

    #[test]
    fn a_port_is_tried_in_both_schemes() {
        let expected =
            ["http://cam.lan:8000/onvif/device_service", "https://cam.lan:8000/onvif/device_service"];
        assert_eq!(texts("cam.lan:8000"), expected);
        assert_eq!(texts("cam.lan:80")[0], "http://cam.lan/onvif/device_service");
    }

    #[test]
    fn a_link_local_address_is_tried_on_its_interface() {
        assert_eq!(texts("fe80::1%4")[0], "http://fe80--1s4.ipv6-literal.net/onvif/device_service");
        let loopback = texts("fe80::1%lo");
        assert_eq!(loopback[0], "http://fe80--1s1.ipv6-literal.net/onvif/device_service");
    }

    #[test]
    fn a_url_is_taken_as_it_is_without_its_password() {
        let expected = ["http://h:81/x?y=1", "http://h:81/onvif/device_service"];
        assert_eq!(texts("http://u:p@h:81/x?y=1"), expected);
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "two words", "a/b", "http://", "rtsp://h/1", "h:99999", "user@h", "h:"] {
            assert!(matches!(candidates(text), Err(Error::BadAddress { .. })), "{text}");
        }
    }

    proptest! {
        #[test]
        fn parser_never_panics_on_addresses(text in "\\PC{0,30}") {
            let _ = candidates(&text);
        }
    }
}
