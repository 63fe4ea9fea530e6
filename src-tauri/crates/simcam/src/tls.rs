//! The certificate that the camera makes for itself, as cameras do, and makes anew when a test asks.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex},
};

use tokio_rustls::rustls::{
    self, ServerConfig,
    pki_types::{PrivateKeyDer, pem::PemObject},
};

use crate::lock::lock;

/// A certificate that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The key or the certificate.
    #[error("no certificate can be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The key is not one that HTTPS can use.
    #[error("the certificate cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
    /// The key cannot be read back.
    #[error("the key cannot be read back: {0}")]
    Key(#[from] rustls::pki_types::pem::Error),
}

/// The camera's certificate of the moment.
#[derive(Debug)]
pub struct Identity {
    address: IpAddr,
    now: Mutex<Certificate>,
}

/// One certificate with its key.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// For HTTPS.
    pub https: Arc<ServerConfig>,
    /// Certificate and key as PEM, for RTSP.
    pub pem: String,
}

impl Identity {
    /// Makes the first certificate, for `address`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(address: IpAddr) -> Result<Self, TlsError> {
        Ok(Self { address, now: Mutex::new(Certificate::make(address)?) })
    }

    /// The certificate of the moment.
    pub fn certificate(&self) -> Certificate {
        lock(&self.now).clone()
    }

    /// Puts another certificate in its place.
    ///
    /// # Errors
    /// When it cannot be made; the old one stays.
    pub fn renew(&self) -> Result<Certificate, TlsError> {
        let new = Certificate::make(self.address)?;
        *lock(&self.now) = new.clone();
        Ok(new)
    }
}

impl Certificate {
    fn make(address: IpAddr) -> Result<Self, TlsError> {
        let made = rcgen::generate_simple_self_signed([address.to_string()])?;
        let key_pem = made.signing_key.serialize_pem();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let https = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(
                vec![made.cert.der().clone()],
                PrivateKeyDer::from_pem_slice(key_pem.as_bytes())?,
            )?;
        Ok(Self { https: Arc::new(https), pem: made.cert.pem() + &key_pem })
    }
}
