//! SOAP 1.2 envelopes: writing requests, and telling an answer from a fault whatever the HTTP status says.

use std::time::Duration;

use crate::{
    camera::duration,
    xml::{Element, escape, parse},
};

/// Namespaces of ONVIF services and of what they build on.
pub(crate) mod ns {
    pub(crate) const SOAP12: &str = "http://www.w3.org/2003/05/soap-envelope";
    pub(crate) const SOAP11: &str = "http://schemas.xmlsoap.org/soap/envelope/";
    pub(crate) const DEVICE: &str = "http://www.onvif.org/ver10/device/wsdl";
    pub(crate) const MEDIA: &str = "http://www.onvif.org/ver10/media/wsdl";
    pub(crate) const MEDIA2: &str = "http://www.onvif.org/ver20/media/wsdl";
    pub(crate) const EVENTS: &str = "http://www.onvif.org/ver10/events/wsdl";
    pub(crate) const DEVICE_IO: &str = "http://www.onvif.org/ver10/deviceIO/wsdl";
    pub(crate) const IMAGING: &str = "http://www.onvif.org/ver20/imaging/wsdl";
    pub(crate) const PTZ: &str = "http://www.onvif.org/ver20/ptz/wsdl";
    pub(crate) const ANALYTICS: &str = "http://www.onvif.org/ver20/analytics/wsdl";
    pub(crate) const RECORDING: &str = "http://www.onvif.org/ver10/recording/wsdl";
    pub(crate) const SEARCH: &str = "http://www.onvif.org/ver10/search/wsdl";
    pub(crate) const REPLAY: &str = "http://www.onvif.org/ver10/replay/wsdl";
    pub(crate) const SCHEMA: &str = "http://www.onvif.org/ver10/schema";
    pub(crate) const ADDRESSING: &str = "http://www.w3.org/2005/08/addressing";
    pub(crate) const NOTIFICATION: &str = "http://docs.oasis-open.org/wsn/b-2";
}

/// Codes kept of one fault.
const CODES_MAX: usize = 8;
/// No fault is larger; an answer that is brings messages.
const FAULT_MAX_BYTES: usize = 32_768;

/// One operation, ready to be put into an envelope.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    /// The operation's name, for messages and for finding the answer: `GetProfiles`.
    pub(crate) name: &'static str,
    /// The action URI.
    pub(crate) action: String,
    /// The content of the body.
    pub(crate) body: String,
    /// Header blocks besides the signature.
    pub(crate) headers: String,
}

impl Operation {
    /// `name` of the service `namespace` with `content` inside its element; without prefix it is the service, `tt` the schema.
    pub(crate) fn new(namespace: &str, name: &'static str, content: &str) -> Self {
        let schema =
            if content.contains("tt:") { format!(" xmlns:tt=\"{}\"", ns::SCHEMA) } else { String::new() };
        Self {
            name,
            action: format!("{namespace}/{name}"),
            body: format!("<{name} xmlns=\"{namespace}\"{schema}>{content}</{name}>"),
            headers: String::new(),
        }
    }

    /// Adds WS-Addressing with this action, for `to`, and the reference parameters that the camera gave.
    pub(crate) fn addressed(
        mut self,
        to: &str,
        action: &str,
        message_id: &str,
        parameters: &[Element],
    ) -> Self {
        self.action = action.to_owned();
        self.headers = format!(
            concat!(
                "<a:Action xmlns:a=\"{ns}\">{action}</a:Action>",
                "<a:MessageID xmlns:a=\"{ns}\">urn:uuid:{id}</a:MessageID>",
                "<a:ReplyTo xmlns:a=\"{ns}\"><a:Address>{ns}/anonymous</a:Address></a:ReplyTo>",
                "<a:To xmlns:a=\"{ns}\">{to}</a:To>",
            ),
            ns = ns::ADDRESSING,
            action = escape(action),
            id = message_id,
            to = escape(to),
        );
        let marked = format!(" a:IsReferenceParameter=\"true\" xmlns:a=\"{}\"", ns::ADDRESSING);
        for parameter in parameters {
            parameter.write_to(&mut self.headers, &marked);
        }
        self
    }

    /// The whole request; `security` is a header block or empty.
    pub(crate) fn envelope(&self, security: &str) -> String {
        let Self { headers, body, .. } = self;
        let header = if security.is_empty() && headers.is_empty() {
            String::new()
        } else {
            format!("<s:Header>{headers}{security}</s:Header>")
        };
        format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><s:Envelope xmlns:s=\"{}\">{header}<s:Body>{body}</s:Body></s:Envelope>",
            ns::SOAP12
        )
    }
}

/// A SOAP fault.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fault {
    /// All codes from the outside in, without prefixes.
    pub(crate) codes: Vec<String>,
    /// The camera's words, without line breaks, at most 300 characters.
    pub(crate) reason: String,
}

impl Fault {
    /// The innermost code.
    pub(crate) fn code(&self) -> &str {
        self.codes.last().map_or("Unknown", String::as_str)
    }

    /// Whether the camera refuses because of who asks, or because of how or when the request was signed.
    pub(crate) fn is_about_sign_in(&self) -> bool {
        const CODES: [&str; 11] = [
            "NotAuthorized",
            "SenderNotAuthorized",
            "Sender not Authorized",
            "FailedAuthentication",
            "FailedCheck",
            "InvalidSecurity",
            "InvalidSecurityToken",
            "MessageExpired",
            "SecurityTokenUnavailable",
            "UnsupportedSecurityToken",
            "UnsupportedAlgorithm",
        ];
        let reason = self.reason.to_ascii_lowercase();
        self.codes.iter().any(|code| CODES.contains(&code.as_str()))
            || [
                "not authorized",
                "unauthorized",
                "authority failure",
                "authentication failed",
                "message has expired",
                "message expired",
            ]
            .iter()
            .any(|words| reason.contains(words))
    }

    /// Whether the camera says that it has locked the account: it says that something is locked, and either that it
    /// refuses because of who asks or that it is the account. Motors that another user has locked are not meant.
    pub(crate) fn is_about_lock(&self) -> bool {
        self.says_locked() && (self.is_about_sign_in() || self.names_the_account())
    }

    /// Whether anything at all is said to be locked; enough together with HTTP 401.
    pub(crate) fn says_locked(&self) -> bool {
        self.codes.iter().any(|code| is_locked_code(code)) || self.words().iter().any(|word| is_locked(word))
    }

    fn names_the_account(&self) -> bool {
        let is_account = |text: &str| {
            let text = text.to_ascii_lowercase();
            ["account", "user", "login"].iter().any(|name| text.contains(name))
        };
        if self.codes.iter().any(|code| is_locked_code(code) && is_account(code)) {
            return true;
        }
        let words = self.words();
        let Some(at) = words.iter().position(|word| is_locked(word)) else { return false };
        let (before, after) = words.split_at(at);
        let is_by_others = before.iter().any(|word| matches!(word.as_str(), "another" | "other"));
        let is_before = before.iter().any(|word| is_account(word)) && !is_by_others;
        let is_after =
            after.iter().any(|word| word.starts_with("account")) && !after.contains(&"by".to_owned());
        is_before || is_after
    }

    /// The words of the reason, in lower case.
    fn words(&self) -> Vec<String> {
        let words = self.reason.split(|c: char| !c.is_alphanumeric());
        words.filter(|word| !word.is_empty()).map(str::to_ascii_lowercase).collect()
    }
}

fn is_locked_code(code: &str) -> bool {
    code.contains("Locked") || code.eq_ignore_ascii_case("lockout")
}

fn is_locked(word: &str) -> bool {
    matches!(word, "locked" | "lockedout" | "lockout" | "blocked")
}

/// What a camera accepts of a pull at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PullLimits {
    /// How long it holds a pull.
    pub(crate) timeout: Option<Duration>,
    /// How many messages it gives at once.
    pub(crate) messages: Option<usize>,
}

impl PullLimits {
    /// Reads the detail of a `PullMessagesFaultResponse`, ONVIF Core Specification, PullMessages; `None` if it is none.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let is_short = body.len() <= FAULT_MAX_BYTES;
        let names: [&[u8]; 2] = [b"MaxTimeout", b"MaxMessageLimit"];
        let is_named = |name: &[u8]| body.windows(name.len()).any(|window| window == name);
        if !is_short || !names.into_iter().any(is_named) {
            return None;
        }
        let root = parse(body).ok()?;
        let text = |name| root.find(name).map(|element| element.text.trim());
        Some(Self {
            timeout: text("MaxTimeout").and_then(duration),
            messages: text("MaxMessageLimit").and_then(|text| text.parse().ok()).filter(|limit| *limit > 0),
        })
    }
}

/// What an envelope held.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The first element of the body.
    Body(Element),
    /// A fault.
    Fault(Fault),
}

/// Takes an envelope apart; the reason if it is none.
pub(crate) fn open(root: Element) -> Result<Answer, String> {
    let soap = [ns::SOAP12, ns::SOAP11];
    if !root.is("Envelope", &soap) {
        let name: String = root.name.chars().take(40).collect();
        return Err(format!("it is no SOAP envelope but “{name}”"));
    }
    let Some(body) = root.children.into_iter().find(|child| child.is("Body", &soap)) else {
        return Err("the envelope has no body".to_owned());
    };
    match body.children.into_iter().next() {
        Some(element) if element.is("Fault", &soap) => Ok(Answer::Fault(fault(&element))),
        Some(element) => Ok(Answer::Body(element)),
        None => Ok(Answer::Body(Element::default())),
    }
}

/// Reads SOAP 1.2 faults and those of SOAP 1.1 that some cameras send in an envelope of 1.2.
fn fault(element: &Element) -> Fault {
    let mut codes = Vec::new();
    let mut code = element.child("Code");
    while let Some(level) = code.filter(|_| codes.len() < CODES_MAX) {
        codes.extend(level.text_at(&["Value"]).map(local));
        code = level.child("Subcode");
    }
    codes.extend(element.text_at(&["faultcode"]).map(local));
    let reason = element.text_at(&["Reason", "Text"]).or_else(|| element.text_at(&["faultstring"]));
    let reason = reason.unwrap_or("no reason given").split_whitespace().collect::<Vec<_>>().join(" ");
    Fault { codes, reason: reason.chars().take(300).collect() }
}

/// A qualified name without its prefix.
fn local(name: &str) -> String {
    name.rsplit(':').next().unwrap_or(name).chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault_of(text: &str) -> Fault {
        match open(parse(text.as_bytes()).unwrap()).unwrap() {
            Answer::Fault(fault) => fault,
            Answer::Body(body) => panic!("no fault: {body:?}"),
        }
    }

    #[test]
    fn requests_are_as_the_services_ask() {
        let operation = Operation::new(ns::MEDIA, "GetStreamUri", "<ProfileToken>a&amp;b</ProfileToken>");
        insta::assert_snapshot!("get_stream_uri", operation.envelope("<security/>"));
        let parameter = parse(br#"<v:Id xmlns:v="urn:v">5</v:Id>"#).unwrap();
        let pull = Operation::new(ns::EVENTS, "PullMessages", "<Timeout>PT20S</Timeout>").addressed(
            "http://h/sub?a=1&b=2",
            "http://www.onvif.org/ver10/events/wsdl/PullPointSubscription/PullMessagesRequest",
            "00000000-0000-4000-8000-000000000000",
            &[parameter],
        );
        insta::assert_snapshot!("pull_messages", pull.envelope(""));
    }

    #[test]
    fn a_fault_is_read_from_the_outside_in() {
        let fault = fault_of(
            r#"<env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope" xmlns:ter="http://www.onvif.org/ver10/error">
            <env:Body><env:Fault><env:Code><env:Value>env:Sender</env:Value><env:Subcode><env:Value>ter:NotAuthorized</env:Value>
            </env:Subcode></env:Code><env:Reason><env:Text xml:lang="en">Sender
            not Authorized</env:Text></env:Reason></env:Fault></env:Body></env:Envelope>"#,
        );
        assert_eq!(fault.codes, ["Sender", "NotAuthorized"]);
        assert_eq!(fault.reason, "Sender not Authorized");
        assert!(fault.is_about_sign_in());
    }

    #[test]
    fn a_fault_of_soap_11_is_read_too() {
        let fault = fault_of(
            r#"<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault>
            <faultcode>s:Client</faultcode><faultstring>Account locked</faultstring></s:Fault></s:Body></s:Envelope>"#,
        );
        assert_eq!(fault.code(), "Client");
        assert!(fault.is_about_lock() && !fault.is_about_sign_in());
    }

    #[test]
    fn the_limits_of_pulls_are_read_from_a_fault() {
        let limits = |text: &str| PullLimits::read(text.as_bytes());
        let both = limits(
            "<E><B><F><Detail><PullMessagesFaultResponse><MaxTimeout>PT1M5S</MaxTimeout><MaxMessageLimit>16</MaxMessageLimit>\
             </PullMessagesFaultResponse></Detail></F></B></E>",
        );
        let expected = PullLimits { timeout: Some(Duration::from_secs(65)), messages: Some(16) };
        assert_eq!(both, Some(expected));
        assert_eq!(limits("<E><MaxMessageLimit>0</MaxMessageLimit></E>"), Some(PullLimits::default()));
        assert_eq!(limits("<E>no limits</E>"), None);
    }

    #[test]
    fn only_a_lock_of_the_account_is_one() {
        let fault = |code: &str, reason: &str| Fault {
            codes: vec!["Sender".to_owned(), code.to_owned()],
            reason: reason.to_owned(),
        };
        for (code, reason) in [
            ("NotAuthorized", "The account is locked for 30 minutes"),
            ("NotAuthorized", "locked"),
            ("Client", "Account locked"),
            ("Client", "User admin has been locked out"),
            ("Client", "you have locked your account"),
            ("AccountLocked", "try later"),
        ] {
            assert!(fault(code, reason).is_about_lock(), "{code} {reason}");
        }
        for (code, reason) in [
            ("Action", "PTZ is locked by another user"),
            ("Action", "another user has locked the motors"),
            ("ConfigurationConflict", "The configuration is locked"),
            ("Action", "the door was unlocked for this user"),
            ("SettingsLocked", "no change while recording"),
        ] {
            assert!(!fault(code, reason).is_about_lock(), "{code} {reason}");
        }
    }

    #[test]
    fn faults_of_the_clock_and_of_the_signature_are_about_the_sign_in() {
        for code in ["MessageExpired", "FailedCheck", "InvalidSecurity", "FailedAuthentication"] {
            let fault = Fault { codes: vec!["Sender".to_owned(), code.to_owned()], reason: "no".to_owned() };
            assert!(fault.is_about_sign_in(), "{code}");
        }
    }
}
