//! Replacing what must not be told by placeholders. It works on the text and not on the tree, so that what is broken in
//! an answer stays broken, and it would rather replace too much than too little.

use std::net::{IpAddr, Ipv6Addr};

use crate::{Credentials, xml::escape};

const USER: &str = "user";
const PASSWORD: &str = "password";
const HOST: &str = "192.0.2.1";
const HOST6: &str = "2001:db8::1";
const SERIAL: &str = "SERIAL";
const MAC: &str = "00:00:5e:00:53:01";
const BARE_MAC: &str = "00005e005301";
const UUID: &str = "00000000-0000-4000-8000-000000000000";

/// Elements whose content is replaced, with the placeholder, and whether what they held is replaced elsewhere too.
const ELEMENTS: [(&str, &str, bool); 14] = [
    ("Password", PASSWORD, true),
    ("Nonce", "bm9uY2U=", true),
    ("Created", "2000-01-01T00:00:00Z", false),
    ("Username", USER, true),
    ("SerialNumber", SERIAL, true),
    ("HardwareId", "HARDWARE", false),
    ("HwAddress", MAC, true),
    ("IPv4Address", HOST, true),
    ("IPv6Address", HOST6, true),
    ("DNSname", "camera.example", true),
    ("SSID", "SSID", true),
    ("Key", "key", true),
    ("Passphrase", "passphrase", true),
    ("Latitude", "0", false),
];

/// What is replaced by what.
#[derive(Clone)]
pub(super) struct Scrubber {
    known: Vec<(String, &'static str)>,
}

impl std::fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scrubber").field("known", &self.known.len()).finish()
    }
}

impl Scrubber {
    pub(super) fn new(credentials: Option<&Credentials>) -> Self {
        let mut scrubber = Self { known: Vec::new() };
        if let Some(credentials) = credentials {
            scrubber.add(credentials.password(), PASSWORD);
            scrubber.add(credentials.user(), USER);
        }
        scrubber
    }

    /// Takes note of a host that was spoken to.
    pub(super) fn learn_host(&mut self, host: &str) {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        // Addresses of numbers are replaced wherever they are, known or not.
        if bare.parse::<IpAddr>().is_err() {
            self.add(bare, "camera.example");
        }
    }

    /// Takes note of what a text says of serial numbers and the like.
    pub(super) fn learn(&mut self, text: &str) {
        for (name, placeholder, is_everywhere) in ELEMENTS {
            if is_everywhere {
                for content in contents(text, name) {
                    self.add(&text[content], placeholder);
                }
            }
        }
    }

    fn add(&mut self, word: &str, placeholder: &'static str) {
        let word = word.trim();
        let forms = [
            word.to_owned(),
            escape(word),
            url::form_urlencoded::byte_serialize(word.as_bytes()).collect(),
            word.bytes()
                .map(|byte| {
                    if byte.is_ascii_alphanumeric() {
                        char::from(byte).to_string()
                    } else {
                        format!("%{byte:02X}")
                    }
                })
                .collect(),
        ];
        for form in forms {
            if !form.is_empty() && self.known.iter().all(|(known, _)| *known != form) {
                self.known.push((form, placeholder));
            }
        }
        // The longest first: one may be part of another.
        self.known.sort_by_key(|(known, _)| std::cmp::Reverse(known.len()));
    }

    /// Replaces all that is known and all that looks like an address.
    pub(super) fn scrub(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, placeholder, _) in ELEMENTS {
            for content in contents(&text, name).into_iter().rev() {
                text.replace_range(content, placeholder);
            }
        }
        for (word, placeholder) in &self.known {
            text = replace_word(&text, word, placeholder);
        }
        replace_shapes(&text)
    }
}

/// Where the text of elements of this name is, in order; elements with elements inside are left out.
fn contents(text: &str, name: &str) -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(open) = text[at..].find('<').map(|open| at + open) {
        let Some(end) = text[open..].find('>').map(|end| open + end) else { break };
        at = end + 1;
        let tag = &text[open + 1..end];
        let qualified = tag.split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or_default();
        let is_this =
            qualified.rsplit(':').next() == Some(name) && !tag.starts_with('/') && !tag.ends_with('/');
        if is_this {
            let until = text[at..].find('<').map_or(text.len(), |next| at + next);
            if !text[at..until].trim().is_empty() {
                found.push(at..until);
            }
            at = until;
        }
    }
    found
}

/// Replaces `word`: a long one everywhere, a short one only where it stands alone, or little would be left of the rest.
fn replace_word(text: &str, word: &str, placeholder: &str) -> String {
    const ALONE_BELOW: usize = 6;
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(found) = rest.find(word) {
        let (before, after) = (&rest[..found], &rest[found + word.len()..]);
        let joins = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        out.push_str(before);
        let is_alone = !joins(out.chars().next_back()) && !joins(after.chars().next());
        let replaces = (word.len() >= ALONE_BELOW || is_alone) && !is_markup(&out, after);
        out.push_str(if replaces { placeholder } else { word });
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Whether what stands between these is the name of an element or of an attribute: the standard's own word, whatever a
/// person chose for a name.
fn is_markup(before: &str, after: &str) -> bool {
    let tag = before.rfind('<').map(|open| &before[open + 1..]).filter(|tag| !tag.contains('>'));
    tag.is_some_and(|tag| !tag.contains(char::is_whitespace) || after.starts_with("=\""))
}

/// Replaces UUIDs, hardware addresses and IP addresses by their shape.
fn replace_shapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut word = String::new();
    for character in text.chars() {
        if character.is_ascii_alphanumeric() || matches!(character, '.' | ':' | '-' | '%') {
            word.push(character);
            continue;
        }
        out.push_str(&shape(&word));
        word.clear();
        out.push(character);
    }
    out.push_str(&shape(&word));
    out
}

/// What is written for a word of letters, digits, dots, colons and hyphens.
fn shape(word: &str) -> String {
    if word.len() < 7 {
        return word.to_owned();
    }
    let bytes = word.as_bytes();
    let is_mac = |part: &[u8]| {
        part.len() == 17
            && part.chunks(3).all(|pair| {
                pair[..2].iter().all(u8::is_ascii_hexdigit)
                    && pair.get(2).is_none_or(|c| matches!(c, b':' | b'-'))
            })
    };
    if is_mac(bytes) {
        return MAC.to_owned();
    }
    let is_version6 = word.matches(':').count() >= 2
        && word.split('%').next().is_some_and(|w| w.parse::<Ipv6Addr>().is_ok());
    if is_version6 {
        return HOST6.to_owned();
    }
    // What is left may be joined to other things by the same characters: `urn:uuid:...`, `192.168.1.5:8080`.
    let pieces = word.split_inclusive(':').map(|piece| {
        let (bare, colon) = piece.strip_suffix(':').map_or((piece, ""), |bare| (bare, ":"));
        format!("{}{colon}", piece_shape(bare))
    });
    pieces.collect()
}

fn piece_shape(piece: &str) -> String {
    let is_hex = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let parts: Vec<&str> = piece.split('-').collect();
    let uuid = [8, 4, 4, 4, 12];
    if parts.len() == 5 && parts.iter().zip(uuid).all(|(part, length)| part.len() == length && is_hex(part)) {
        return UUID.to_owned();
    }
    if is_version4(piece) {
        return HOST.to_owned();
    }
    let shaped = parts.into_iter().map(|part| {
        let has_digit = part.bytes().any(|byte| byte.is_ascii_digit());
        if part.len() == 12 && is_hex(part) && has_digit {
            BARE_MAC.to_owned()
        } else if part.len() == 32 && is_hex(part) {
            UUID.replace('-', "")
        } else if is_version4(part) {
            HOST.to_owned()
        } else {
            part.to_owned()
        }
    });
    shaped.collect::<Vec<_>>().join("-")
}

/// Whether this is an IPv4 address that says something of a network.
fn is_version4(word: &str) -> bool {
    word.parse::<std::net::Ipv4Addr>()
        .is_ok_and(|address| !address.is_unspecified() && !address.is_loopback())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scrubber() -> Scrubber {
        let credentials = Credentials::new("admin", "p&ss 1".to_owned().into());
        let mut scrubber = Scrubber::new(Some(&credentials));
        scrubber.learn("<a><tds:SerialNumber>ACC8E1234567</tds:SerialNumber></a>");
        scrubber.learn_host("front-door.lan");
        scrubber
    }

    #[test]
    fn what_must_not_be_told_is_replaced() {
        let text = "<wsse:Username>admin</wsse:Username><wsse:Password Type=\"x\">R0lG=</wsse:Password>\n\
            rtsp://admin:p%26ss%201@192.168.1.64:554/Streaming http://[fe80::1]/x http://front-door.lan/y\n\
            urn:uuid:4d454930-0000-1000-8000-acc8e1234567 ACC8E1234567 ac:cc:8e:12:34:56 AC-CC-8E-12-34-56\n\
            onvif://www.onvif.org/MAC/accc8e123456 p&amp;ss 1 p&ss 1 <tt:UserLevel>Administrator</tt:UserLevel>";
        insta::assert_snapshot!(scrubber().scrub(text));
    }

    #[test]
    fn the_standards_own_words_stay() {
        let text = "<tt:Hour>12</tt:Hour> 2024-03-12T00:45:48Z PT10S http://www.onvif.org/ver10/schema 127.0.0.1 0.0.0.0 \
            tns1:RuleEngine/CellMotionDetector <tt:Video/> 1920x1080";
        assert_eq!(scrubber().scrub(text), text);
        let mut scrubber = Scrubber { known: Vec::new() };
        scrubber.learn("<Username>User</Username>");
        let users = "<tt:User><tt:Username>User</tt:Username></tt:User>";
        assert_eq!(scrubber.scrub(users), "<tt:User><tt:Username>user</tt:Username></tt:User>");
    }

    proptest! {
        #[test]
        fn a_secret_is_gone_wherever_it_stands(
            before in r"[ -;=-~é\n]{0,40}",
            secret in r"[A-Za-z0-9&%ü]{6,20}",
            after in r"[ -;=-~é\n]{0,40}",
        ) {
            let credentials = Credentials::new("nobody-else", secret.clone().into());
            let scrubbed = Scrubber::new(Some(&credentials)).scrub(&format!("{before}{secret}{after}"));
            prop_assert!(!scrubbed.contains(&secret) || "password".contains(&secret));
        }

        #[test]
        fn scrubbing_never_panics(text in r"[<>/ :a-f0-9.%é-]{0,80}|(<Password>|</|<|>|é|SSID|Key){0,20}") {
            let mut scrubber = scrubber();
            scrubber.learn(&text);
            scrubber.scrub(&text);
        }
    }
}
