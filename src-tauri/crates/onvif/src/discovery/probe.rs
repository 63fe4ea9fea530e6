//! WS-Discovery messages that ask (OASIS, April 2005 draft, as ONVIF uses it): Probe for all cameras, Resolve for the
//! address of one.

use uuid::Uuid;

use crate::xml::escape;

/// What a camera calls itself: the older and the newer type, and none for cameras that answer to neither.
const TYPES: [&str; 3] = [
    r#"<d:Types xmlns:dn="http://www.onvif.org/ver10/network/wsdl">dn:NetworkVideoTransmitter</d:Types>"#,
    r#"<d:Types xmlns:tds="http://www.onvif.org/ver10/device/wsdl">tds:Device</d:Types>"#,
    "",
];

/// The Probes of one round, each with an id of its own.
pub(super) fn messages() -> impl Iterator<Item = String> {
    TYPES.iter().map(|types| message("Probe", types, Uuid::new_v4()))
}

/// Asks where the endpoint is, by the name that it gave itself.
pub(super) fn resolve(endpoint: &str) -> String {
    let address = escape(endpoint);
    let content = format!("<a:EndpointReference><a:Address>{address}</a:Address></a:EndpointReference>");
    message("Resolve", &content, Uuid::new_v4())
}

fn message(name: &str, content: &str, id: Uuid) -> String {
    format!(
        concat!(
            r#"<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope""#,
            r#" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing""#,
            r#" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"><s:Header>"#,
            r#"<a:Action s:mustUnderstand="1">http://schemas.xmlsoap.org/ws/2005/04/discovery/{name}</a:Action>"#,
            r#"<a:MessageID>urn:uuid:{id}</a:MessageID><a:ReplyTo>"#,
            r#"<a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo>"#,
            r#"<a:To s:mustUnderstand="1">urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To></s:Header>"#,
            r#"<s:Body><d:{name}>{content}</d:{name}></s:Body></s:Envelope>"#,
        ),
        name = name,
        id = id,
        content = content,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_is_as_the_standard_asks() {
        insta::assert_snapshot!(message("Probe", TYPES[0], Uuid::nil()));
    }

    #[test]
    fn a_resolve_names_the_endpoint_as_it_named_itself() {
        assert!(resolve("urn:uuid:A&B").contains("<a:Address>urn:uuid:A&amp;B</a:Address>"));
    }
}
