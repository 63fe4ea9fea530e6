//! SOAP 1.2 as cameras speak it: a message read into a small tree, and envelopes and faults written.

use std::borrow::Cow;

use quick_xml::{NsReader, events::Event, name::ResolveResult};

/// Elements deeper than this are nobody's request.
const DEPTH: usize = 48;

/// `http://www.w3.org/2003/05/soap-envelope`.
pub const ENVELOPE: &str = "http://www.w3.org/2003/05/soap-envelope";

/// A message that is not SOAP.
#[derive(Debug, thiserror::Error)]
pub enum SoapError {
    /// Not XML in UTF-8.
    #[error("the message is not well-formed XML")]
    NotXml,
    /// XML without an envelope, or an envelope without a body.
    #[error("the message is no SOAP envelope with a body")]
    NoBody,
    /// More levels than any request has.
    #[error("the message is nested too deeply")]
    TooDeep,
}

/// An element of a message.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Element {
    /// Local name.
    pub name: String,
    /// Namespace, empty if there is none.
    pub namespace: String,
    /// Attributes by local name, without namespace declarations.
    pub attributes: Vec<(String, String)>,
    /// Text between the tags, not that of children.
    pub text: String,
    /// Elements within.
    pub children: Vec<Element>,
}

impl Element {
    /// The root element of `xml`.
    ///
    /// # Errors
    /// When it is not well-formed.
    pub fn parse(xml: &str) -> Result<Self, SoapError> {
        let mut reader = NsReader::from_str(xml);
        let mut open = vec![Self::default()];
        loop {
            let (namespace, event) = reader.read_resolved_event().map_err(|_| SoapError::NotXml)?;
            let namespace = match namespace {
                ResolveResult::Bound(namespace) => namespace.as_ref().to_owned(),
                ResolveResult::Unbound | ResolveResult::Unknown(_) => String::new(),
            };
            match event {
                Event::Start(tag) => {
                    if open.len() > DEPTH {
                        return Err(SoapError::TooDeep);
                    }
                    open.push(Self::begin(&tag, namespace)?);
                }
                Event::Empty(tag) => {
                    let element = Self::begin(&tag, namespace)?;
                    open.last_mut().ok_or(SoapError::NotXml)?.children.push(element);
                }
                Event::End(_) => {
                    let element = open.pop().ok_or(SoapError::NotXml)?;
                    open.last_mut().ok_or(SoapError::NotXml)?.children.push(element);
                }
                Event::Text(text) => open.last_mut().ok_or(SoapError::NotXml)?.text += &text.xml10_content(),
                Event::CData(text) => open.last_mut().ok_or(SoapError::NotXml)?.text += &text.xml10_content(),
                Event::GeneralRef(reference) => {
                    let escaped = format!("&{};", &*reference);
                    let text = quick_xml::escape::unescape(&escaped).map_err(|_| SoapError::NotXml)?;
                    open.last_mut().ok_or(SoapError::NotXml)?.text += &text;
                }
                Event::Eof => break,
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            }
        }
        let [document] = <[Self; 1]>::try_from(open).map_err(|_| SoapError::NotXml)?;
        document.children.into_iter().next().ok_or(SoapError::NotXml)
    }

    fn begin(tag: &quick_xml::events::BytesStart<'_>, namespace: String) -> Result<Self, SoapError> {
        let mut attributes = Vec::new();
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|_| SoapError::NotXml)?;
            if attribute.key.as_namespace_binding().is_none() {
                let value = attribute
                    .normalized_value(quick_xml::XmlVersion::Implicit1_0)
                    .map_err(|_| SoapError::NotXml)?;
                attributes.push((attribute.key.local_name().as_ref().to_owned(), value.into_owned()));
            }
        }
        Ok(Self { name: tag.local_name().as_ref().to_owned(), namespace, attributes, ..Self::default() })
    }

    /// The first child called `name`, in whatever namespace.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The first element called `name` at any depth below this one.
    pub fn find(&self, name: &str) -> Option<&Self> {
        self.child(name).or_else(|| self.children.iter().find_map(|child| child.find(name)))
    }

    /// The text of the first element called `name` at any depth, without the space around it.
    pub fn text_of(&self, name: &str) -> Option<&str> {
        self.find(name).map(|element| element.text.trim())
    }

    /// The texts of all children called `name`, without the space around them.
    pub fn texts<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.children.iter().filter(move |child| child.name == name).map(|child| child.text.trim())
    }

    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// A request: its header and its operation.
#[derive(Debug)]
pub struct Request {
    /// The header, empty if there was none.
    pub header: Element,
    /// The first element of the body.
    pub operation: Element,
}

impl Request {
    /// Reads a message.
    ///
    /// # Errors
    /// When it is not a SOAP envelope with something in its body.
    pub fn parse(message: &[u8]) -> Result<Self, SoapError> {
        let text = std::str::from_utf8(message).map_err(|_| SoapError::NotXml)?;
        let mut envelope = Element::parse(text.trim_start_matches('\u{feff}'))?;
        if envelope.name != "Envelope" {
            return Err(SoapError::NoBody);
        }
        let mut take = |name: &str| {
            let index = envelope.children.iter().position(|child| child.name == name)?;
            Some(envelope.children.swap_remove(index))
        };
        let header = take("Header").unwrap_or_default();
        let body = take("Body").ok_or(SoapError::NoBody)?;
        let operation = body.children.into_iter().next().ok_or(SoapError::NoBody)?;
        Ok(Self { header, operation })
    }

    /// The sender's id of this message.
    pub fn message_id(&self) -> Option<&str> {
        self.header.child("MessageID").map(|id| id.text.trim())
    }
}

/// `text` as it stands in XML.
pub fn escape(text: &str) -> Cow<'_, str> {
    quick_xml::escape::escape(text)
}

/// An envelope around `body`, which uses the prefixes declared here.
pub fn envelope(header: &str, body: &str) -> String {
    format!(
        concat!(
            r#"<?xml version="1.0" encoding="UTF-8"?>"#,
            "\n",
            r#"<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:wsa="http://www.w3.org/2005/08/addressing""#,
            r#" xmlns:tds="http://www.onvif.org/ver10/device/wsdl" xmlns:trt="http://www.onvif.org/ver10/media/wsdl""#,
            r#" xmlns:tr2="http://www.onvif.org/ver20/media/wsdl" xmlns:tev="http://www.onvif.org/ver10/events/wsdl""#,
            r#" xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:ter="http://www.onvif.org/ver10/error""#,
            r#" xmlns:tns1="http://www.onvif.org/ver10/topics" xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2""#,
            r#" xmlns:tptz="http://www.onvif.org/ver20/ptz/wsdl" xmlns:timg="http://www.onvif.org/ver20/imaging/wsdl""#,
            r#" xmlns:tmd="http://www.onvif.org/ver10/deviceIO/wsdl" xmlns:trc="http://www.onvif.org/ver10/recording/wsdl""#,
            r#" xmlns:tse="http://www.onvif.org/ver10/search/wsdl" xmlns:trp="http://www.onvif.org/ver10/replay/wsdl""#,
            r#" xmlns:wstop="http://docs.oasis-open.org/wsn/t-1" xmlns:xs="http://www.w3.org/2001/XMLSchema">"#,
            "<s:Header>{}</s:Header><s:Body>{}</s:Body></s:Envelope>"
        ),
        header, body
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_whatever_its_prefixes() {
        let request = Request::parse(
            br#"<x:Envelope xmlns:x="http://www.w3.org/2003/05/soap-envelope"><x:Header><a:MessageID xmlns:a="urn:a"> urn:1 </a:MessageID></x:Header>
            <x:Body><GetStreamUri xmlns="http://www.onvif.org/ver10/media/wsdl"><ProfileToken kind="a&amp;b">m&amp;n</ProfileToken></GetStreamUri></x:Body></x:Envelope>"#,
        )
        .unwrap();
        assert_eq!(request.message_id(), Some("urn:1"));
        assert_eq!(request.operation.name, "GetStreamUri");
        assert_eq!(request.operation.namespace, "http://www.onvif.org/ver10/media/wsdl");
        assert_eq!(request.operation.text_of("ProfileToken"), Some("m&n"));
        assert_eq!(request.operation.find("ProfileToken").unwrap().attribute("kind"), Some("a&b"));
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for wrong in [
            "",
            "hello",
            "<a/>",
            "<Envelope/>",
            "<Envelope><Body/></Envelope>",
            "<Envelope><Body>",
            "<a></b>",
        ] {
            assert!(Request::parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
        let deep = format!("<Envelope><Body>{}{}</Body></Envelope>", "<a>".repeat(100), "</a>".repeat(100));
        assert!(matches!(Request::parse(deep.as_bytes()), Err(SoapError::TooDeep)));
    }

    #[test]
    fn an_envelope_reads_back() {
        let text = envelope("", &format!("<tds:Name>{}</tds:Name>", escape("Anna & <Lena>")));
        let request = Request::parse(text.as_bytes()).unwrap();
        assert_eq!(request.operation.text, "Anna & <Lena>");
        assert_eq!(request.operation.namespace, "http://www.onvif.org/ver10/device/wsdl");
    }
}
