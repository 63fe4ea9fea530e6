//! The readers of foreign bytes, one function each, for the targets in `fuzz/`. Beside not failing they check what must
//! hold for any input. No part of the library's use.

use std::net::SocketAddr;

use hausrecht_model::UnixMicros;
use url::Url;

use crate::{
    address, discovery, events, session, soap,
    xml::{self, Element},
};

/// A SOAP answer: what is read can be sent back and read again.
pub fn soap_answer(bytes: &[u8]) {
    let Ok(root) = xml::parse(bytes) else { return };
    let mut again = String::new();
    root.write_to(&mut again, "");
    assert!(xml::parse(again.as_bytes()).is_ok(), "{again}");
    if let Ok(soap::Answer::Fault(fault)) = soap::open(root) {
        let _ = (fault.is_about_sign_in(), fault.is_about_lock());
    }
}

/// A datagram of WS-Discovery: nothing in it leads to another host than the one that sent it.
pub fn discovery_answer(bytes: &[u8]) {
    let from = SocketAddr::from(([192, 0, 2, 7], 3702));
    for xaddr in discovery::fuzz_answer(bytes, from) {
        assert_eq!(xaddr.host_str(), Some("192.0.2.7"));
    }
}

/// An answer to PullMessages.
pub fn event_message(bytes: &[u8]) {
    let Ok(root) = xml::parse(bytes) else { return };
    let body: &Element = root.find("PullMessagesResponse").unwrap_or(&root);
    for notification in events::fuzz_messages(body, UnixMicros(1_700_000_000_000_000)) {
        let _ = notification.meaning();
    }
}

/// Scopes, and what a person enters as an address.
pub fn scopes(bytes: &[u8]) {
    discovery::fuzz_scopes(&String::from_utf8_lossy(bytes));
}

/// The addresses that a camera names: none of them leads elsewhere or keeps a password.
pub fn uri(bytes: &[u8]) {
    let said = String::from_utf8_lossy(bytes);
    for answered in ["http://192.0.2.7:8080/onvif/device_service", "https://camera.lan/onvif/device_service"]
    {
        let Ok(answered) = Url::parse(answered) else { return };
        for url in address::candidates(&answered, &said).iter().chain(&address::stream(&answered, &said)) {
            assert_eq!(url.host_str(), answered.host_str(), "{said}");
            assert!(url.username().is_empty() && url.password().is_none(), "{said}");
            let is_downgrade = answered.scheme() == "https" && url.scheme() == "http";
            assert!(!is_downgrade || address::stream(&answered, &said).is_some(), "{said}");
        }
    }
    session::fuzz_challenge(&said);
}
