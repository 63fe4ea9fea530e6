//! Tells success from refusal in what a camera answered.

use url::Url;

use crate::{
    Error,
    address::label,
    http::Reply,
    soap::{Answer, Fault, open},
    xml::{Element, parse},
};

/// What a request ended with, if not with success.
pub(super) enum Refusal {
    /// The camera asks who is there, or says no.
    SignIn { fault: Option<Fault>, reply: Box<Reply> },
    /// Something else.
    Other(Error),
}

/// Tells success from refusal: faults count inside any HTTP status.
pub(super) fn judge(url: &Url, name: &'static str, reply: Reply) -> Result<Reply, Refusal> {
    // A picture is not looked into, unless it is a fault in its place; everything else is to be XML, whatever it starts
    // with.
    let first = reply.body.iter().find(|byte| !byte.is_ascii_whitespace());
    let is_xml = first.is_some_and(|&byte| byte == b'<' || name != "snapshot");
    let fault = match is_xml.then(|| read_body(url, name, &reply.body)) {
        Some(Err(Refusal::SignIn { fault, .. })) => {
            return Err(Refusal::SignIn { fault, reply: Box::new(reply) });
        }
        Some(Err(Refusal::Other(error))) => Some(error),
        Some(Ok(_)) | None => None,
    };
    match (reply.status, fault) {
        (401 | 403, fault) => {
            let fault = match fault {
                Some(Error::Fault { code, reason, .. }) => Some(Fault { codes: vec![code], reason }),
                Some(_) | None => None,
            };
            Err(Refusal::SignIn { fault, reply: Box::new(reply) })
        }
        (_, Some(fault @ Error::Fault { .. })) => Err(Refusal::Other(fault)),
        (200..=299, Some(error)) if name != "snapshot" => Err(Refusal::Other(error)),
        (200..=299, _) => Ok(reply),
        (status, _) => {
            Err(Refusal::Other(Error::Status { address: label(url), operation: name.to_owned(), status }))
        }
    }
}

/// Opens the envelope. Cameras answer commands, and pulls that bring nothing, with no body at all: that is an empty
/// answer, except to a question.
pub(super) fn read_body(url: &Url, name: &str, body: &[u8]) -> Result<Element, Refusal> {
    let is_blank = body.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0);
    if is_blank && !name.starts_with("Get") {
        return Ok(Element::default());
    }
    let unreadable = |reason: String| {
        Refusal::Other(Error::Unreadable { address: label(url), operation: name.to_owned(), reason })
    };
    let root = parse(body).map_err(|reason| unreadable(reason.to_string()))?;
    match open(root).map_err(unreadable)? {
        Answer::Body(element) => Ok(element),
        Answer::Fault(fault) if fault.is_about_sign_in() || fault.is_about_lock() => {
            let reply = Box::new(Reply {
                status: 0,
                challenges: Vec::new(),
                date_us: None,
                location: None,
                body: Vec::new(),
            });
            Err(Refusal::SignIn { fault: Some(fault), reply })
        }
        Answer::Fault(fault) => Err(Refusal::Other(Error::Fault {
            address: label(url),
            operation: name.to_owned(),
            code: fault.code().to_owned(),
            reason: fault.reason,
        })),
    }
}

/// Where a reply redirects to, if that is on the same host and no less protected.
pub(super) fn redirection(asked: &Url, reply: &Reply) -> Option<Url> {
    let is_redirection = matches!(reply.status, 301 | 302 | 307 | 308);
    let said = reply.location.as_deref().filter(|_| is_redirection)?;
    let mut to = asked.join(said.trim()).ok()?;
    to.set_username("").ok()?;
    to.set_password(None).ok()?;
    to.set_fragment(None);
    let is_same_place =
        to.scheme() == asked.scheme() && to.port_or_known_default() == asked.port_or_known_default();
    let is_upgrade = asked.scheme() == "http" && to.scheme() == "https";
    let is_fine = to.host() == asked.host() && (is_same_place || is_upgrade) && to != *asked;
    is_fine.then_some(to)
}
