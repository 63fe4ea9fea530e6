//! Reads what cameras say of themselves in WS-Discovery: ProbeMatches, ResolveMatches, Hello, Bye. Both the draft of
//! April 2005 and version 1.1 are accepted.

use std::net::{IpAddr, SocketAddr};

use hausrecht_model::link_local;
use url::Url;

use super::{Found, sockets::Interfaces};
use crate::{
    scoped,
    soap::ns,
    xml::{Element, declared_prefixes, parse},
};

/// Addresses kept of one camera.
const XADDRS_MAX: usize = 8;
/// Scopes kept of one camera.
const SCOPES_MAX: usize = 64;
/// The longest scope and the longest address that are kept, in bytes.
const WORD_MAX_BYTES: usize = 512;
/// Cameras read of one datagram: a recorder may answer for all of its channels.
const MATCHES_MAX: usize = 64;
/// What the scopes of cameras begin with.
const SCOPE: &str = "onvif://";
const NAMESPACES: [&str; 2] = [
    "http://schemas.xmlsoap.org/ws/2005/04/discovery",
    "http://docs.oasis-open.org/ws-dd/ns/discovery/2009/01",
];

/// What a datagram says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// Answers to a Probe or a Resolve.
    Matches(Vec<Match>),
    /// A camera has come.
    Hello(Box<Match>),
    /// The camera of this normalised endpoint goes.
    Bye(String),
}

/// One camera in an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Match {
    pub(super) found: Found,
    /// The endpoint as the camera wrote it.
    pub(super) endpoint_said: String,
    /// Whether it named an address; if not, the one in `found` is a guess.
    pub(super) has_address: bool,
    /// Whether it calls itself a camera. An answer to a Resolve need not.
    pub(super) is_camera: bool,
}

/// Reads a datagram; `None` for what is no message of WS-Discovery.
pub(super) fn read(datagram: &[u8], from: SocketAddr, interfaces: &Interfaces) -> Option<Said> {
    let root = parse(datagram).ok()?;
    let prefixes = declared_prefixes(datagram);
    let matched = |element| matched(element, &prefixes, from, interfaces);
    let body = root.find("Body")?;
    let named = |name: &'static str| body.child(name).filter(|element| element.is(name, &NAMESPACES));
    if let Some(hello) = named("Hello") {
        return matched(hello).map(|hello| Said::Hello(Box::new(hello)));
    }
    if let Some(bye) = named("Bye") {
        let said = bye.text_at(&["EndpointReference", "Address"])?;
        return Some(normalised(said)).filter(|endpoint| !endpoint.is_empty()).map(Said::Bye);
    }
    // Some cameras leave out the `ProbeMatches` around the one match.
    let holder = named("ProbeMatches").or_else(|| named("ResolveMatches")).unwrap_or(body);
    let elements =
        holder.children.iter().filter(|child| matches!(&*child.name, "ProbeMatch" | "ResolveMatch"));
    let matches = elements.filter_map(matched);
    Some(matches.take(MATCHES_MAX).collect::<Vec<_>>()).filter(|all| !all.is_empty()).map(Said::Matches)
}

fn matched(
    element: &Element,
    prefixes: &[(String, String)],
    from: SocketAddr,
    interfaces: &Interfaces,
) -> Option<Match> {
    let words = |name| {
        let words = element.text_at(&[name]).unwrap_or_default().split_whitespace();
        words.filter(|word| word.len() <= WORD_MAX_BYTES)
    };
    let scopes = scopes(words("Scopes"));
    let has_scope = scopes
        .iter()
        .any(|scope| scope.get(..SCOPE.len()).is_some_and(|start| start.eq_ignore_ascii_case(SCOPE)));
    let is_camera = has_scope || words("Types").any(|kind| is_camera_type(kind, prefixes));
    let mut named: Vec<Url> = Vec::new();
    for word in words("XAddrs") {
        let Ok(url) = Url::parse(&scoped::without_zone(word)) else { continue };
        if matches!(url.scheme(), "http" | "https") && !named.contains(&url) && named.len() < XADDRS_MAX {
            named.push(url);
        }
    }
    let has_address = !named.is_empty();
    let xaddrs = at_the_host_that_answered(named, from, interfaces);
    let endpoint_said = element.text_at(&["EndpointReference", "Address"]).unwrap_or_default();
    let endpoint_said: String = endpoint_said.chars().take(256).collect();
    let endpoint = Some(normalised(&endpoint_said)).filter(|text| !text.is_empty());
    let scope = |name: &str| {
        let prefix = format!("onvif://www.onvif.org/{name}/");
        scopes.iter().find_map(|scope| scope.strip_prefix(&prefix)).map(plain).filter(|text| !text.is_empty())
    };
    let found = Found {
        endpoint: endpoint.or_else(|| xaddrs.first().map(Url::to_string))?,
        name: scope("name"),
        manufacturer: scope("manufacturer").or_else(|| scope("mfr")),
        hardware: scope("hardware"),
        location: scope("location"),
        xaddrs,
        scopes,
        from,
        in_own_range: interfaces.contain(from.ip()),
    };
    Some(Match { found, endpoint_said, has_address, is_camera })
}

/// Whether a type is one of ONVIF's. Its older types are nobody else's. The newer one is `Device` in the namespace of
/// the device service, but every Windows computer and printer is a `Device` too, in a namespace of its own: where the
/// prefix is declared, that decides, and otherwise only the customary prefix is believed.
fn is_camera_type(kind: &str, prefixes: &[(String, String)]) -> bool {
    let (prefix, name) = kind.rsplit_once(':').unwrap_or(("", kind));
    match name {
        _ if name.ends_with("NetworkVideoTransmitter") => true,
        "NetworkVideoStorage" | "NetworkVideoAnalytics" => true,
        "Device" => {
            let mut declared = prefixes.iter().filter(|(known, _)| known == prefix).peekable();
            match declared.peek() {
                Some(_) => declared.any(|(_, namespace)| namespace.trim_end_matches('/') == ns::DEVICE),
                None => prefix == "tds",
            }
        }
        _ => false,
    }
}

/// An endpoint's name in the one form in which it is compared: cameras write their UUID with and without `urn:`, in
/// capitals, and in braces, and not always the same on every interface.
fn normalised(endpoint: &str) -> String {
    let mut plain = endpoint.trim();
    for prefix in ["urn:", "uuid:"] {
        let is_there = plain.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        plain = if is_there { plain[prefix.len()..].trim_start() } else { plain };
    }
    let plain = plain.trim_start_matches('{').trim_end_matches('}').trim_end_matches('/');
    plain.chars().take(128).collect::<String>().to_ascii_lowercase()
}

/// Joins what belongs together: some cameras put a name with a space into a scope as it is.
fn scopes<'a>(words: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut scopes: Vec<String> = Vec::new();
    for word in words.take(4 * SCOPES_MAX) {
        let is_full = scopes.len() >= SCOPES_MAX;
        match scopes.last_mut() {
            Some(last) if !word.contains(':') => {
                if last.len() + word.len() < WORD_MAX_BYTES {
                    last.push(' ');
                    last.push_str(word);
                }
            }
            Some(_) | None if is_full => break,
            Some(_) | None => scopes.push(word.to_owned()),
        }
    }
    scopes
}

/// The addresses at the host that answered: the others were not heard of, and a password sent there might go to
/// somebody else. A camera that names only other hosts (its address before a move, the one inside its container) is
/// tried where the answer came from.
fn at_the_host_that_answered(named: Vec<Url>, from: SocketAddr, interfaces: &Interfaces) -> Vec<Url> {
    let ip = from.ip().to_canonical();
    let host = match from {
        SocketAddr::V6(v6) if v6.ip().is_unicast_link_local() => link_local::host(*v6.ip(), v6.scope_id()),
        SocketAddr::V4(_) | SocketAddr::V6(_) => match ip {
            IpAddr::V4(v4) => v4.to_string(),
            IpAddr::V6(v6) => format!("[{v6}]"),
        },
    };
    let is_this_computer = interfaces.are_of(ip);
    let is_here = |url: &Url| {
        let said = match url.host() {
            Some(url::Host::Ipv4(said)) => IpAddr::V4(said),
            Some(url::Host::Ipv6(said)) => IpAddr::V6(said).to_canonical(),
            Some(url::Host::Domain(_)) | None => return false,
        };
        said == ip || (is_this_computer && interfaces.are_of(said))
    };
    let is_scoped = host.ends_with(char::is_alphabetic);
    let (here, elsewhere): (Vec<Url>, Vec<Url>) = named.into_iter().partition(is_here);
    let mut xaddrs: Vec<Url> = Vec::new();
    let is_moved = here.is_empty();
    for mut url in if is_moved { elsewhere } else { here } {
        let fits = !(is_moved || is_scoped) || url.set_host(Some(&host)).is_ok();
        if fits && !xaddrs.contains(&url) {
            xaddrs.push(url);
        }
    }
    if xaddrs.is_empty() {
        xaddrs.extend(Url::parse(&format!("http://{host}/onvif/device_service")));
    }
    xaddrs.sort_by_key(|url| url.scheme() != "http");
    xaddrs
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

/// Gives arbitrary text to the reader of scopes; the target of the fuzzer.
pub(super) fn fuzz_scopes(text: &str) {
    for scope in scopes(text.split_whitespace()) {
        plain(&scope);
    }
    normalised(text);
    scoped::without_zone(text);
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

    fn matches(text: &str, host: &str) -> Vec<Match> {
        match read(text.as_bytes(), from(host), &Interfaces::none()) {
            Some(Said::Matches(all)) => all,
            other => panic!("{other:?}"),
        }
    }

    fn xaddrs(text: &str, host: &str) -> Vec<String> {
        matches(text, host).remove(0).found.xaddrs.into_iter().map(Into::into).collect()
    }

    #[test]
    fn an_answer_is_read_and_leads_to_the_host_that_answered() {
        insta::assert_debug_snapshot!(matches(ANSWER, "192.168.1.5:3702"));
    }

    #[test]
    fn a_camera_that_names_only_other_hosts_is_reached_where_it_answered_from() {
        let expected = ["http://10.0.0.7/onvif/device_service", "http://10.0.0.7:2020/onvif/device_service"];
        assert_eq!(xaddrs(ANSWER, "10.0.0.7:3702"), expected);
    }

    #[test]
    fn a_camera_on_this_computer_may_name_any_of_its_addresses() {
        let interfaces = Interfaces::read().unwrap();
        let text = ANSWER.replace("192.168.1.5:2020", "127.0.0.1:2020");
        let said = read(text.as_bytes(), from("127.0.0.1:3702"), &interfaces);
        let Some(Said::Matches(all)) = said else { panic!("{said:?}") };
        assert_eq!(all[0].found.xaddrs[0].as_str(), "http://127.0.0.1:2020/onvif/device_service");
        assert_eq!(all[0].found.xaddrs.len(), 1);
    }

    #[test]
    fn a_link_local_address_keeps_the_interface_that_it_answered_on() {
        let text = ANSWER.replace("192.168.1.5:2020", "[fe80::7%25eth0]:2020");
        let answered = SocketAddr::V6(std::net::SocketAddrV6::new("fe80::7".parse().unwrap(), 3702, 0, 4));
        let said = read(text.as_bytes(), answered, &Interfaces::none());
        let Some(Said::Matches(all)) = said else { panic!("{said:?}") };
        let expected = "http://fe80--7s4.ipv6-literal.net:2020/onvif/device_service";
        assert_eq!(all[0].found.xaddrs[0].as_str(), expected);
    }

    #[test]
    fn a_match_without_its_wrapper_and_a_name_with_a_space_are_read() {
        let bare = ANSWER.replace("<d:ProbeMatches>", "").replace("</d:ProbeMatches>", "");
        let found = matches(&bare.replace("Front%20door", "Front door"), "192.168.1.5:3702").remove(0).found;
        assert_eq!(found.name.as_deref(), Some("Front door"));
        assert_eq!(found.hardware.as_deref(), Some("IPC-1"));
    }

    #[test]
    fn both_versions_of_the_standard_are_read_and_others_are_not() {
        for (namespace, is_read) in [(NAMESPACES[0], true), (NAMESPACES[1], true), ("urn:other", false)] {
            let text =
                ANSWER.replace("<SOAP-ENV:Envelope", &format!("<SOAP-ENV:Envelope xmlns:d=\"{namespace}\""));
            let hello = text.replace("<d:ProbeMatch>", "").replace("</d:ProbeMatch>", "");
            let hello = hello.replace("ProbeMatches", "Hello");
            let said = read(hello.as_bytes(), from("10.0.0.7:3702"), &Interfaces::none());
            assert_eq!(matches!(said, Some(Said::Hello(_))), is_read, "{namespace}");
        }
    }

    #[test]
    fn one_endpoint_is_the_same_however_it_is_written() {
        let expected = "1419d68a-1dd2-11b2-a105-000000000000";
        for prefix in ["", "urn:uuid:", "uuid:", "URN:UUID:", "urn:uuid:{"] {
            let end = if prefix.ends_with('{') { "}" } else { "" };
            assert_eq!(
                normalised(&format!(" {prefix}1419D68A-1DD2-11B2-A105-000000000000{end}\n")),
                expected
            );
        }
    }

    #[test]
    fn a_printer_is_no_camera() {
        let is_camera = |types: &str, declared: &str, scope: &str| {
            let text = ANSWER.replace("dn:NetworkVideoTransmitter", types).replace("onvif://", scope);
            let text = text.replace("<SOAP-ENV:Envelope", &format!("<SOAP-ENV:Envelope {declared}"));
            matches(&text, "10.0.0.7:3702")[0].is_camera
        };
        let devices = r#"xmlns:wsdp="http://schemas.xmlsoap.org/ws/2006/02/devprof""#;
        for (types, declared) in
            [("wsdp:Device pub:Computer", devices), ("wsdp:Device wprt:PrintDeviceType", ""), ("Device", "")]
        {
            assert!(!is_camera(types, declared, "x://"), "{types}");
            assert!(is_camera(types, declared, "onvif://"), "{types} with a scope of ONVIF");
        }
        let onvif = format!("xmlns:q=\"{}\"", ns::DEVICE);
        assert!(is_camera("q:Device", &onvif, "x://"));
        assert!(is_camera("tds:Device", "", "x://"));
        assert!(!is_camera("tds:Device", "xmlns:tds=\"urn:other\"", "x://"));
        assert!(is_camera("dn:NetworkVideoTransmitter", "", "x://"));
    }

    #[test]
    fn a_bye_names_the_endpoint() {
        let bye = ANSWER.replace("<d:ProbeMatch>", "").replace("</d:ProbeMatch>", "");
        let said =
            read(bye.replace("ProbeMatches", "Bye").as_bytes(), from("10.0.0.7:1"), &Interfaces::none());
        assert_eq!(said, Some(Said::Bye("1419d68a-1dd2-11b2-a105-000000000000".to_owned())));
    }

    proptest! {
        #[test]
        fn parser_never_panics_on_answers(at in 0..ANSWER.len(), with in "\\PC{0,12}", length in 0_usize..40) {
            let mut bytes = ANSWER.as_bytes().to_vec();
            let end = (at + length).min(bytes.len());
            bytes.splice(at..end, with.bytes());
            read(&bytes, from("10.0.0.7:3702"), &Interfaces::none());
        }

        #[test]
        fn parser_never_panics_on_scopes(text in "(%[0-9a-gü]{0,2}|\\PC){0,20}") {
            fuzz_scopes(&text);
        }
    }
}
