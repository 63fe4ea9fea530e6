//! What can go wrong between Hausrecht and a camera, each with a sentence that says what to do about it.

use crate::CertificatePin;

/// Why a camera could not be found, asked or listened to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text that the person entered is neither an address nor a URL.
    #[error(
        "“{text}” is not an address: enter something like 192.168.1.20, 192.168.1.20:8000 or http://camera/onvif"
    )]
    BadAddress {
        /// What was entered.
        text: String,
    },
    /// No camera answered at any usual port of this address.
    #[error(
        "no ONVIF camera answers at {address}: check that it is on and in the same network, and that ONVIF is switched on in its settings"
    )]
    NothingThere {
        /// Host, or host and port, as entered.
        address: String,
    },
    /// No network interface could be used to search.
    #[error("no network interface can be searched: {reason}")]
    NoNetwork {
        /// What the system said.
        reason: String,
    },
    /// The camera could not be reached.
    #[error("the camera at {address} cannot be reached ({reason}): check its power and network")]
    Unreachable {
        /// Host and port.
        address: String,
        /// What the system said.
        reason: String,
    },
    /// The camera closed the connection before it had answered.
    #[error(
        "the camera at {address} closed the connection without answering: it may be overloaded or restarting"
    )]
    ClosedEarly {
        /// Host and port.
        address: String,
    },
    /// The camera did not answer in time.
    #[error("the camera at {address} did not answer within {seconds} s: it may be overloaded or restarting")]
    TimedOut {
        /// Host and port.
        address: String,
        /// How long was waited, in seconds.
        seconds: u64,
    },
    /// The camera sent its answer byte by byte, or stopped in the middle.
    #[error(
        "the camera at {address} sends its answer too slowly ({bytes} bytes in {seconds} s): check its network, or restart it"
    )]
    TooSlow {
        /// Host and port.
        address: String,
        /// What arrived in that time.
        bytes: usize,
        /// How long was waited, in seconds.
        seconds: u64,
    },
    /// The camera shows another TLS certificate than before; nothing was sent to it.
    #[error(
        "the camera at {address} shows another certificate than before ({seen} instead of {expected}): if it was reset or updated, accept the new one; if not, something else may answer in its place"
    )]
    CertificateChanged {
        /// Host and port.
        address: String,
        /// The one that is remembered.
        expected: CertificatePin,
        /// The one that it shows.
        seen: CertificatePin,
    },
    /// The camera was used over HTTPS before and now is known by an address without encryption only.
    #[error(
        "the camera at {address} was encrypted before and now is not: switch HTTPS on again in its settings, or remove the camera and add it anew"
    )]
    EncryptionLost {
        /// Host and port.
        address: String,
    },
    /// The camera refused a password that it had accepted before; it may have too many connections.
    #[error(
        "the camera at {address} refused a sign-in that it had accepted before: it may have too many connections; it is tried again later"
    )]
    RefusedForNow {
        /// Host and port.
        address: String,
    },
    /// The password is right, and still the account may not do this.
    #[error(
        "the camera at {address} does not let “{user}” do this ({operation}): give the account more rights in the camera's settings"
    )]
    NotAllowed {
        /// Host and port.
        address: String,
        /// The user name that was used.
        user: String,
        /// The ONVIF operation.
        operation: String,
    },
    /// The camera wants a user name and password, and none were given.
    #[error("the camera at {address} asks for a user name and password: enter those of the camera")]
    PasswordNeeded {
        /// Host and port.
        address: String,
    },
    /// The camera refused the user name or password. Nothing is tried again, so that it does not lock the account.
    #[error(
        "the camera at {address} refused the sign-in of “{user}”: check user name and password; some makers keep an ONVIF account of its own. It is not tried again by itself"
    )]
    NotAuthorized {
        /// Host and port.
        address: String,
        /// The user name that was used.
        user: String,
    },
    /// The camera has locked the account after too many wrong passwords.
    #[error(
        "the camera at {address} has locked the account of “{user}”: wait some minutes or restart the camera, then sign in again"
    )]
    LockedOut {
        /// Host and port.
        address: String,
        /// The user name that was used.
        user: String,
    },
    /// The camera accepts the password in clear only (HTTP Basic without TLS), which Hausrecht never sends.
    #[error(
        "the camera at {address} wants the password unprotected (HTTP Basic): switch on Digest or HTTPS in its settings"
    )]
    PasswordInClear {
        /// Host and port.
        address: String,
    },
    /// The camera answered with a SOAP fault.
    #[error("the camera at {address} refused {operation}: {reason}")]
    Fault {
        /// Host and port.
        address: String,
        /// The ONVIF operation, for example `GetProfiles`.
        operation: String,
        /// Innermost fault code without prefix, for example `ActionNotSupported`.
        code: String,
        /// The camera's own words.
        reason: String,
    },
    /// The camera answered with an HTTP status that means neither success nor a SOAP fault.
    #[error(
        "the camera at {address} answered {operation} with HTTP {status}: its ONVIF service may be switched off"
    )]
    Status {
        /// Host and port.
        address: String,
        /// The ONVIF operation, or `snapshot`.
        operation: String,
        /// The HTTP status.
        status: u16,
    },
    /// The answer is larger than accepted.
    #[error("the camera at {address} sent more than {limit_bytes} bytes as an answer; it was cut off")]
    TooLarge {
        /// Host and port.
        address: String,
        /// The limit.
        limit_bytes: usize,
    },
    /// The answer is not the XML that was asked for.
    #[error("the camera at {address} gave an answer to {operation} that cannot be read: {reason}")]
    Unreadable {
        /// Host and port.
        address: String,
        /// The ONVIF operation.
        operation: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The camera does not offer what was asked for.
    #[error("the camera at {address} does not offer {what}")]
    NotOffered {
        /// Host and port.
        address: String,
        /// The missing service or value.
        what: String,
    },
}

impl Error {
    /// A stable name for programs: the window, the command line and the log branch on it, never on the text.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadAddress { .. } => "camera_bad_address",
            Self::NothingThere { .. } => "camera_nothing_there",
            Self::NoNetwork { .. } => "camera_no_network",
            Self::Unreachable { .. } => "camera_unreachable",
            Self::ClosedEarly { .. } => "camera_closed_early",
            Self::TimedOut { .. } => "camera_timed_out",
            Self::TooSlow { .. } => "camera_too_slow",
            Self::CertificateChanged { .. } => "camera_certificate_changed",
            Self::EncryptionLost { .. } => "camera_encryption_lost",
            Self::RefusedForNow { .. } => "camera_refused_for_now",
            Self::NotAllowed { .. } => "camera_not_allowed",
            Self::PasswordNeeded { .. } => "camera_password_needed",
            Self::NotAuthorized { .. } => "camera_not_authorized",
            Self::LockedOut { .. } => "camera_locked_out",
            Self::PasswordInClear { .. } => "camera_password_in_clear",
            Self::Fault { .. } => "camera_fault",
            Self::Status { .. } => "camera_http_status",
            Self::TooLarge { .. } => "camera_answer_too_large",
            Self::Unreadable { .. } => "camera_answer_unreadable",
            Self::NotOffered { .. } => "camera_not_offered",
        }
    }

    /// Whether only a person can help, so that trying again is useless or harmful.
    pub fn needs_a_person(&self) -> bool {
        matches!(
            self,
            Self::BadAddress { .. }
                | Self::PasswordNeeded { .. }
                | Self::NotAuthorized { .. }
                | Self::LockedOut { .. }
                | Self::PasswordInClear { .. }
                | Self::CertificateChanged { .. }
                | Self::EncryptionLost { .. }
        )
    }
}
