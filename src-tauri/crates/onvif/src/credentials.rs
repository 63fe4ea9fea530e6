//! A camera's user name and password.

use secrecy::{ExposeSecret, SecretString};

/// A camera's user name and password; the password is wiped on drop and never printed.
#[derive(Clone, Debug)]
pub struct Credentials {
    user: String,
    password: SecretString,
}

impl Credentials {
    /// Takes a user name and a password. Any character may occur in both.
    pub fn new(user: impl Into<String>, password: SecretString) -> Self {
        Self { user: user.into(), password }
    }

    /// The user name.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The password, for the computation of a digest only.
    pub(crate) fn password(&self) -> &str {
        self.password.expose_secret()
    }
}
