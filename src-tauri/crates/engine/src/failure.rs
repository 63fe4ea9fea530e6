//! How failures of the parts become what the window and the command line are told.

use std::fmt;

use hausrecht_store::StoreError;
use hausrecht_vault::{OpenError, SealError, UnlockError, UnsealError, UnwrapError, WriteError};

use crate::wire::{Error, ErrorCode};

impl Error {
    /// A failure with its particulars.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(crate) fn internal(cause: impl fmt::Display) -> Self {
        Self::new(ErrorCode::Internal, cause.to_string())
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Invalid, message)
    }

    pub(crate) fn locked() -> Self {
        Self::new(ErrorCode::Locked, "nobody is signed in: sign in first")
    }

    pub(crate) fn owner_only() -> Self {
        Self::new(ErrorCode::NotAllowed, "only the owner may do this")
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(ErrorCode::NotFound, format!("{what} does not exist"))
    }

    /// The same failure where it kept an order from being written to the log before it is given.
    pub(crate) fn order_unwritable(self) -> Self {
        Self::new(
            ErrorCode::LogUnwritable,
            format!(
                "the log could not be written, so nothing was done: free disk space, then try again ({})",
                self.message
            ),
        )
    }

    /// The same failure where it kept something from being written to the log before it is shown.
    pub(crate) fn log_unwritable(self) -> Self {
        Self::new(
            ErrorCode::LogUnwritable,
            format!(
                "the log could not be written, so nothing is shown: free disk space, then try again ({})",
                self.message
            ),
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let code =
            if matches!(error, StoreError::DiskFull) { ErrorCode::DiskFull } else { ErrorCode::Internal };
        Self::new(code, error.to_string())
    }
}

impl From<hausrecht_onvif::Error> for Error {
    fn from(error: hausrecht_onvif::Error) -> Self {
        use hausrecht_onvif::Error as Onvif;
        let code = if matches!(
            error,
            Onvif::NotAuthorized { .. } | Onvif::PasswordNeeded { .. } | Onvif::LockedOut { .. }
        ) {
            ErrorCode::CameraRefused
        } else if matches!(error, Onvif::BadAddress { .. }) {
            ErrorCode::Invalid
        } else if matches!(
            error,
            Onvif::NothingThere { .. }
                | Onvif::NoNetwork { .. }
                | Onvif::Unreachable { .. }
                | Onvif::ClosedEarly { .. }
                | Onvif::TimedOut { .. }
        ) {
            ErrorCode::CameraUnreachable
        } else {
            ErrorCode::CameraUnsuitable
        };
        Self::new(code, error.to_string())
    }
}

impl From<OpenError> for Error {
    fn from(error: OpenError) -> Self {
        let code = match &error {
            OpenError::Missing { .. } => ErrorCode::ClipMissing,
            OpenError::Io { .. } => ErrorCode::Internal,
            OpenError::Forged { .. } | OpenError::WrongKey { .. } => ErrorCode::ClipChanged,
            OpenError::HeaderForged { .. } => ErrorCode::ClipChanged,
            OpenError::HeaderCut { .. } => ErrorCode::ClipCut,
            OpenError::TooMuchWork { .. } | _ => ErrorCode::Internal,
        };
        Self::new(code, error.to_string())
    }
}

impl From<WriteError> for Error {
    fn from(error: WriteError) -> Self {
        let code = if matches!(error, WriteError::DiskFull { .. }) {
            ErrorCode::DiskFull
        } else {
            ErrorCode::Internal
        };
        Self::new(code, error.to_string())
    }
}

impl From<UnlockError> for Error {
    fn from(error: UnlockError) -> Self {
        let code = if matches!(error, UnlockError::WrongPassphrase) {
            ErrorCode::WrongPassphrase
        } else {
            ErrorCode::Internal
        };
        Self::new(code, error.to_string())
    }
}

impl From<UnwrapError> for Error {
    fn from(error: UnwrapError) -> Self {
        Self::internal(error)
    }
}

impl From<UnsealError> for Error {
    fn from(error: UnsealError) -> Self {
        Self::internal(error)
    }
}

impl From<SealError> for Error {
    fn from(error: SealError) -> Self {
        Self::internal(error)
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::internal(error)
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        let full =
            matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded);
        Self::new(if full { ErrorCode::DiskFull } else { ErrorCode::Internal }, error.to_string())
    }
}
