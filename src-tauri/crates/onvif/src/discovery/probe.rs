//! WS-Discovery messages (OASIS, April 2005 draft, as ONVIF uses it): the Probe that asks, the ProbeMatches that answer.

use std::net::SocketAddr;

use url::Url;
use uuid::Uuid;

use super::Found;
use crate::xml::{Element, parse};

/// Addresses kept of one camera.
const XADDRS_MAX: usize = 8;
/// Scopes kept of one camera.
const SCOPES_MAX: usize = 64;
/// What a camera calls itself: the older and the newer type, and none for cameras that answer to neither.
const TYPES: [&str; 3] = [
    r#"<d:Types xmlns:dn="http://www.onvif.org/ver10/network/wsdl">dn:NetworkVideoTransmitter</d:Types>"#,
    r#"<d:Types xmlns:tds="http://www.onvif.org/ver10/device/wsdl">tds:Device</d:Types>"#,
    "",
];

/// The Probes of one round, each with an id of its own.
pub(super) fn messages() -> impl Iterator<Item = String> {
    TYPES.iter().map(|types| message(types, Uuid::new_v4()))
}

fn message(types: &str, id: Uuid) -> String {
    format!(
        concat!(
            r#"<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope""#,
            r#" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing""#,
            r#" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"><s:Header>"#,
            r#"<a:Action s:mustUnderstand="1">http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</a:Action>"#,
            r#"<a:MessageID>urn:uuid:{id}</a:MessageID><a:ReplyTo>"#,
            r#"<a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo>"#,
            r#"<a:To s:mustUnderstand="1">urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To></s:Header>"#,
            r#"<s:Body><d:Probe>{types}</d:Probe></s:Body></s:Envelope>"#,
        ),
        id = id,
        types = types,
    )
}

/// Reads an answer; nothing from what is not a camera (printers and computers answer to a Probe without types).
pub(super) fn read(datagram: &[u8], from: SocketAddr) -> Vec<Found> {
    let Ok(root) = parse(datagram) else { return Vec::new() };
    // Some cameras leave out the `ProbeMatches` around the one match.
    let holder = root.find("ProbeMatches").or_else(|| root.child("Body"));
    let matches = holder.into_iter().flat_map(|holder| holder.children("ProbeMatch"));
    matches.filter_map(|element| camera(element, from)).take(16).collect()
}

fn camera(element: &Element, from: SocketAddr) -> Option<Found> {
    let words = |name| element.text_at(&[name]).unwrap_or_default().split_whitespace();
    let scopes = scopes(words("Scopes"));
    let is_camera = words("Types")
        .any(|kind| kind.ends_with("NetworkVideoTransmitter") || kind.ends_with(":Device"))
        || scopes.iter().any(|scope| scope.starts_with("onvif://"));
    if !is_camera {
        return None;
    }
    let mut xaddrs: Vec<Url> = Vec::new();
    for xaddr in words("XAddrs").filter_map(|word| Url::parse(word).ok()) {
        let is_new = matches!(xaddr.scheme(), "http" | "https") && !xaddrs.contains(&xaddr);
        if is_new && xaddrs.len() < XADDRS_MAX {
            xaddrs.push(xaddr);
        }
    }
    order(&mut xaddrs, from);
    let said = element.text_at(&["EndpointReference", "Address"]);
    let endpoint = said.map(|text| {
        let plain = text.trim().trim_start_matches("urn:").trim_start_matches("uuid:");
        plain.chars().take(128).collect::<String>().to_ascii_lowercase()
    });
    let scope = |name: &str| {
        let prefix = format!("onvif://www.onvif.org/{name}/");
        scopes.iter().find_map(|scope| scope.strip_prefix(&prefix)).map(plain).filter(|text| !text.is_empty())
    };
    Some(Found {
        endpoint: endpoint.filter(|text| !text.is_empty()).or_else(|| xaddrs.first().map(Url::to_string))?,
        name: scope("name"),
        manufacturer: scope("manufacturer").or_else(|| scope("mfr")),
        hardware: scope("hardware"),
        location: scope("location"),
        xaddrs,
        scopes,
        from,
        in_own_range: false,
    })
}

/// Joins what belongs together: some cameras put a name with a space into a scope as it is.
fn scopes<'a>(words: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut scopes: Vec<String> = Vec::new();
    for word in words.take(4 * SCOPES_MAX) {
        let is_full = scopes.len() >= SCOPES_MAX;
        match scopes.last_mut() {
            Some(last) if !word.contains(':') => {
                last.push(' ');
                last.push_str(word);
            }
            Some(_) | None if is_full => break,
            Some(_) | None => scopes.push(word.to_owned()),
        }
    }
    scopes
}

/// Puts the host that answered first; one that is named wrongly altogether is added from where the answer came.
fn order(xaddrs: &mut Vec<Url>, from: SocketAddr) {
    let answered = match from {
        SocketAddr::V4(v4) => v4.ip().to_string(),
        // A URL cannot say which link is meant, so what the camera names is all there is.
        SocketAddr::V6(v6) if v6.ip().is_unicast_link_local() => return,
        SocketAddr::V6(v6) => format!("[{}]", v6.ip()),
    };
    let is_here = |url: &Url| url.host_str() == Some(&answered);
    if !xaddrs.iter().any(is_here) {
        let mut here = xaddrs.first().cloned();
        let fallback = || Url::parse(&format!("http://{answered}/onvif/device_service")).ok();
        if here.as_mut().is_none_or(|url| url.set_host(Some(&answered)).is_err()) {
            here = fallback();
        }
        xaddrs.extend(here);
    }
    xaddrs.sort_by_key(|url| (!is_here(url), url.scheme() != "http"));
}

/// Undoes the percent encoding of a scope.
fn plain(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let pair = tail.get(..2).filter(|_| first == b'%').and_then(|pair| std::str::from_utf8(pair).ok());
        match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ANSWER: &str = r#"<SOAP-ENV:Envelope><SOAP-ENV:Body><d:ProbeMatches><d:ProbeMatch><a:EndpointReference>
        <a:Address>urn:uuid:1419D68A-1DD2-11B2-A105-000000000000</a:Address></a:EndpointReference>
        <d:Types>dn:NetworkVideoTransmitter</d:Types>
        <d:Scopes>onvif://www.onvif.org/type/video_encoder onvif://www.onvif.org/name/Front%20door
        onvif://www.onvif.org/hardware/IPC-1 onvif://www.onvif.org/location/</d:Scopes>
        <d:XAddrs>http://169.254.1.2/onvif/device_service http://192.168.1.5:2020/onvif/device_service ftp://x</d:XAddrs>
        </d:ProbeMatch></d:ProbeMatches></SOAP-ENV:Body></SOAP-ENV:Envelope>"#;

    fn from(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_answer_is_read_and_the_answering_host_comes_first() {
        let found = read(ANSWER.as_bytes(), from("192.168.1.5:3702"));
        insta::assert_debug_snapshot!(found);
    }

    #[test]
    fn a_camera_that_names_only_other_hosts_is_reached_where_it_answered_from() {
        let found = read(ANSWER.as_bytes(), from("10.0.0.7:3702"));
        assert_eq!(found[0].xaddrs[0].as_str(), "http://10.0.0.7/onvif/device_service");
        assert_eq!(found[0].xaddrs.len(), 3);
    }

    #[test]
    fn a_match_without_its_wrapper_and_a_name_with_a_space_are_read() {
        let bare = ANSWER.replace("<d:ProbeMatches>", "").replace("</d:ProbeMatches>", "");
        let found = read(bare.replace("Front%20door", "Front door").as_bytes(), from("192.168.1.5:3702"));
        assert_eq!(found[0].name.as_deref(), Some("Front door"));
        assert_eq!(found[0].hardware.as_deref(), Some("IPC-1"));
    }

    #[test]
    fn a_printer_is_no_camera() {
        let text = ANSWER.replace("dn:NetworkVideoTransmitter", "wsdp:Device1").replace("onvif://", "x://");
        assert!(read(text.as_bytes(), from("10.0.0.7:3702")).is_empty());
    }

    #[test]
    fn a_probe_is_as_the_standard_asks() {
        insta::assert_snapshot!(message(TYPES[0], Uuid::nil()));
    }

    proptest! {
        #[test]
        fn parser_never_panics_on_answers(at in 0..ANSWER.len(), with in "\\PC{0,12}", length in 0_usize..40) {
            let mut bytes = ANSWER.as_bytes().to_vec();
            let end = (at + length).min(bytes.len());
            bytes.splice(at..end, with.bytes());
            read(&bytes, from("10.0.0.7:3702"));
        }

        #[test]
        fn parser_never_panics_on_scopes(text in "(%[0-9a-gü]{0,2}|\\PC){0,20}") {
            plain(&text);
        }
    }
}
