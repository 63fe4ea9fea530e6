//! A small tree of XML from a foreign device: bounded in depth and size, without document types and entities of its
//! own, and lenient where cameras are known to be sloppy (undeclared prefixes, odd encodings, stray ampersands).

mod decode;
#[cfg(test)]
mod tests;

use quick_xml::{
    NsReader, XmlVersion,
    events::{BytesStart, Event},
    name::{NamespaceResolver, PrefixDeclaration, ResolveResult},
};

/// Deeper nesting than any ONVIF answer has.
const DEPTH_MAX: usize = 64;
/// More elements than any ONVIF answer of at most 4 MiB has.
const ELEMENTS_MAX: usize = 60_000;
/// More attributes than any ONVIF answer of at most 4 MiB has.
const ATTRIBUTES_MAX: usize = 120_000;
/// Longer than any namespace. Every element keeps a copy of its own, so a long one would multiply.
const NAMESPACE_MAX_BYTES: usize = 300;

/// More prefixes than any message declares.
const PREFIXES_MAX: usize = 256;

/// Why bytes are not a tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum XmlError {
    /// The text breaks the rules of XML beyond what is tolerated.
    #[error("it is broken XML near byte {at}: {reason}")]
    Broken { at: u64, reason: String },
    /// It ends in the middle, or there is no element at all.
    #[error("it is cut short")]
    CutShort,
    /// It declares a document type, which SOAP forbids and attacks use.
    #[error("it declares a document type, which is not accepted")]
    DocumentType,
    /// It is nested deeper than accepted.
    #[error("it is nested deeper than {DEPTH_MAX} levels")]
    TooDeep,
    /// It has more elements or attributes than accepted.
    #[error("it has more than {ELEMENTS_MAX} elements or {ATTRIBUTES_MAX} attributes")]
    TooMany,
}

/// An element with what it holds. Names are local; the text is that directly inside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Element {
    /// The namespace; `None` if none, or if its prefix was never declared.
    pub(crate) namespace: Option<Box<str>>,
    /// The name without prefix.
    pub(crate) name: Box<str>,
    /// Attributes by local name, without namespace declarations.
    pub(crate) attributes: Vec<(Box<str>, String)>,
    /// The text directly inside, its pieces joined.
    pub(crate) text: String,
    /// The elements inside, in order.
    pub(crate) children: Vec<Element>,
}

impl Element {
    /// The first child of this name, in whatever namespace.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| &*child.name == name)
    }

    /// All children of this name.
    pub(crate) fn children<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> + 'a {
        self.children.iter().filter(move |child| &*child.name == name)
    }

    /// The element at the end of a path of names.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |element, name| element.child(name))
    }

    /// The trimmed text at the end of a path; `None` if absent or empty.
    pub(crate) fn text_at(&self, path: &[&str]) -> Option<&str> {
        self.at(path).map(|element| element.text.trim()).filter(|text| !text.is_empty())
    }

    /// An attribute by local name.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| &**known == name).map(|(_, value)| value.as_str())
    }

    /// The first element of this name, at any depth.
    pub(crate) fn find(&self, name: &str) -> Option<&Self> {
        if &*self.name == name {
            return Some(self);
        }
        self.children.iter().find_map(|child| child.find(name))
    }

    /// Whether this is `name` in one of `namespaces`; an undeclared namespace is taken for the right one.
    pub(crate) fn is(&self, name: &str, namespaces: &[&str]) -> bool {
        &*self.name == name
            && self.namespace.as_deref().is_none_or(|said| {
                namespaces.iter().any(|known| known.trim_end_matches('/') == said.trim_end_matches('/'))
            })
    }

    /// Writes the element as XML that stands by itself, with `extra` put among its attributes.
    pub(crate) fn write_to(&self, out: &mut String, extra: &str) {
        out.push('<');
        out.push_str(&self.name);
        let namespace = self.namespace.as_deref().unwrap_or_default();
        out.push_str(&format!(" xmlns=\"{}\"", escape(namespace)));
        for (name, value) in &self.attributes {
            out.push_str(&format!(" {name}=\"{}\"", escape(value)));
        }
        out.push_str(extra);
        out.push('>');
        out.push_str(&escape(&self.text));
        for child in &self.children {
            child.write_to(out, "");
        }
        out.push_str("</");
        out.push_str(&self.name);
        out.push('>');
    }
}

/// Escapes text for element content and quoted attributes.
pub(crate) fn escape(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}

/// Reads the first element of `bytes`, in whatever encoding; what follows it is ignored.
pub(crate) fn parse(bytes: &[u8]) -> Result<Element, XmlError> {
    let text = decode::decode(bytes);
    let mut reader = NsReader::from_str(decode::without_preamble(&text));
    let config = reader.config_mut();
    config.allow_dangling_amp = true;
    config.check_end_names = false;
    config.expand_empty_elements = true;
    let mut open: Vec<Element> = Vec::new();
    let mut elements = 0_usize;
    let mut attributes = 0_usize;
    loop {
        let at = reader.buffer_position();
        let event = reader.read_event().map_err(|reason| {
            let reason = reason.to_string().chars().take(200).collect();
            XmlError::Broken { at, reason }
        })?;
        match event {
            Event::Start(start) => {
                elements += 1;
                if open.len() >= DEPTH_MAX {
                    return Err(XmlError::TooDeep);
                }
                if elements > ELEMENTS_MAX {
                    return Err(XmlError::TooMany);
                }
                let element = element(reader.resolver(), &start);
                if !is_name(&element.name) {
                    let name: String = element.name.chars().take(40).collect();
                    return Err(XmlError::Broken { at, reason: format!("“{name}” is no name") });
                }
                attributes += element.attributes.len();
                if attributes > ATTRIBUTES_MAX {
                    return Err(XmlError::TooMany);
                }
                open.push(element);
            }
            Event::End(_) => {
                let Some(done) = open.pop() else { return Err(XmlError::CutShort) };
                match open.last_mut() {
                    Some(parent) => parent.children.push(done),
                    None => return Ok(done),
                }
            }
            Event::Text(text) => append(&mut open, &text.xml10_content()),
            Event::CData(text) => append(&mut open, &text.xml10_content()),
            Event::GeneralRef(reference) => match reference.resolve_char_ref() {
                Ok(Some(character)) => append(&mut open, character.encode_utf8(&mut [0; 4])),
                Ok(None) | Err(_) => {
                    let name = reference.into_inner();
                    match quick_xml::escape::resolve_xml_entity(&name) {
                        Some(text) => append(&mut open, text),
                        // Names and texts with the entities of HTML; no harm is in keeping them as they stand.
                        None => append(&mut open, &format!("&{name};")),
                    }
                }
            },
            Event::DocType(_) => return Err(XmlError::DocumentType),
            Event::Eof => return Err(XmlError::CutShort),
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
}

/// The prefixes that `bytes` declare anywhere, each with its namespace, for names that stand in a text.
pub(crate) fn declared_prefixes(bytes: &[u8]) -> Vec<(String, String)> {
    let text = decode::decode(bytes);
    let mut reader = NsReader::from_str(decode::without_preamble(&text));
    let config = reader.config_mut();
    config.allow_dangling_amp = true;
    config.check_end_names = false;
    config.expand_empty_elements = true;
    let mut all = Vec::new();
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                for attribute in start.attributes().with_checks(false).flatten().take(ATTRIBUTES_MAX) {
                    if let Some(PrefixDeclaration::Named(prefix)) = attribute.key.as_namespace_binding() {
                        let end = attribute.value.floor_char_boundary(NAMESPACE_MAX_BYTES);
                        all.push((prefix.to_owned(), attribute.value[..end].to_owned()));
                    }
                }
                if all.len() >= PREFIXES_MAX {
                    return all;
                }
            }
            Ok(Event::Eof) | Err(_) => return all,
            Ok(_) => {}
        }
    }
}

/// Whether a name can be written back without becoming something else. More than XML allows passes, for no camera is
/// refused because of it.
fn is_name(name: &str) -> bool {
    let breaks_out = |c: char| c.is_whitespace() || c.is_control() || "<>\"'&=/!?:".contains(c);
    !name.is_empty() && !name.contains(breaks_out)
}

fn append(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn element(resolver: &NamespaceResolver, start: &BytesStart<'_>) -> Element {
    let (namespace, local) = resolver.resolve_element(start.name());
    let namespace = match namespace {
        ResolveResult::Bound(namespace) if !namespace.0.is_empty() => {
            let end = namespace.0.floor_char_boundary(NAMESPACE_MAX_BYTES);
            Some(namespace.0[..end].into())
        }
        ResolveResult::Bound(_) | ResolveResult::Unbound | ResolveResult::Unknown(_) => None,
    };
    let mut attributes = Vec::new();
    for attribute in start.attributes().with_checks(false).flatten().take(ATTRIBUTES_MAX + 1) {
        if attribute.key.as_namespace_binding().is_none() && is_name(attribute.key.local_name().into_inner())
        {
            let value = match attribute.normalized_value(XmlVersion::Explicit1_0) {
                Ok(value) => value.into_owned(),
                Err(_) => attribute.value.clone().into_owned(),
            };
            attributes.push((attribute.key.local_name().into_inner().into(), value));
        }
    }
    Element { namespace, name: local.into_inner().into(), attributes, ..Element::default() }
}
