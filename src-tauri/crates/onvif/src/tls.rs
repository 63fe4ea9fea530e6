//! TLS with devices that sign their own certificates: the chain proves nothing, so the certificate itself is what is
//! recognised. Whoever shows it must still prove to hold its key.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use rustls::{
    ClientConfig, DigitallySignedStruct, OtherError, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs as provider},
    pki_types::{CertificateDer, ServerName, UnixTime},
};

use crate::CertificatePin;

/// The certificate changed; travels inside the error of the connection.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the certificate changed")]
pub(crate) struct Changed {
    pub(crate) expected: CertificatePin,
    pub(crate) seen: CertificatePin,
}

/// Keeps to one certificate: the given one, or else the first that is seen.
#[derive(Debug)]
pub(crate) struct Recognition {
    provider: CryptoProvider,
    known: Mutex<Known>,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    expected: Option<CertificatePin>,
    seen: Option<CertificatePin>,
}

impl Recognition {
    pub(crate) fn new(expected: Option<CertificatePin>) -> Arc<Self> {
        let known = Mutex::new(Known { expected, seen: None });
        Arc::new(Self { provider: provider::default_provider(), known })
    }

    /// The certificate that was shown and recognised, if there was a TLS connection.
    pub(crate) fn seen(&self) -> Option<CertificatePin> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).seen
    }

    /// A configuration that asks this for its opinion.
    pub(crate) fn config(self: &Arc<Self>) -> Result<ClientConfig, rustls::Error> {
        let builder = ClientConfig::builder_with_provider(Arc::new(self.provider.clone()))
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::<Self>::clone(self));
        Ok(builder.with_no_client_auth())
    }

    fn verify(
        &self,
        message: &[u8],
        certificate: &[u8],
        signed: &DigitallySignedStruct,
        is_tls13: bool,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let failed = || rustls::Error::InvalidCertificate(rustls::CertificateError::BadSignature);
        let key = PublicKey::of(certificate)
            .ok_or(rustls::Error::InvalidCertificate(rustls::CertificateError::BadEncoding))?;
        let mapping = self.provider.signature_verification_algorithms.mapping;
        let (_, algorithms) =
            mapping.iter().find(|(scheme, _)| *scheme == signed.scheme).ok_or_else(failed)?;
        // In TLS 1.3 a scheme is bound to one curve, and the old padding of RSA is gone.
        let algorithms = if is_tls13 { &algorithms[..1] } else { algorithms };
        let is_old_padding = matches!(
            signed.scheme,
            SignatureScheme::RSA_PKCS1_SHA256
                | SignatureScheme::RSA_PKCS1_SHA384
                | SignatureScheme::RSA_PKCS1_SHA512
        );
        if is_tls13 && is_old_padding {
            return Err(failed());
        }
        let is_signed = algorithms.iter().any(|algorithm| {
            *algorithm.public_key_alg_id() == *key.algorithm
                && algorithm.verify_signature(key.bits, message, signed.signature()).is_ok()
        });
        if is_signed || (!is_tls13 && key.has_signed_with_few_bits(message, signed)) {
            Ok(HandshakeSignatureValid::assertion())
        } else {
            Err(failed())
        }
    }
}

impl ServerCertVerifier for Recognition {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let seen = CertificatePin::of_der(end_entity);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match known.expected {
            Some(expected) if expected != seen => {
                Err(rustls::Error::Other(OtherError(Arc::new(Changed { expected, seen }))))
            }
            Some(_) | None => {
                *known = Known { expected: Some(seen), seen: Some(seen) };
                Ok(ServerCertVerified::assertion())
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verify(message, certificate, signed, false)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verify(message, certificate, signed, true)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// The key in a certificate. Read without a library for certificates, because those refuse what cameras really have:
/// version 1, serial numbers below zero, and missing fields.
struct PublicKey<'a> {
    /// What is inside the AlgorithmIdentifier.
    algorithm: &'a [u8],
    bits: &'a [u8],
}

impl<'a> PublicKey<'a> {
    fn of(certificate: &'a [u8]) -> Option<Self> {
        const SEQUENCE: u8 = 0x30;
        const BIT_STRING: u8 = 0x03;
        const VERSION: u8 = 0xA0;
        let (_, certificate, _) = element(certificate)?;
        let (_, mut rest, _) = element(certificate)?;
        if *rest.first()? == VERSION {
            rest = element(rest)?.2;
        }
        // Serial number, signature, issuer, validity, subject.
        for _ in 0..5 {
            rest = element(rest)?.2;
        }
        let (SEQUENCE, key, _) = element(rest)? else { return None };
        let (SEQUENCE, algorithm, rest) = element(key)? else { return None };
        let (BIT_STRING, bits, _) = element(rest)? else { return None };
        let (0, bits) = bits.split_first().map(|(unused, bits)| (*unused, bits))? else { return None };
        Some(Self { algorithm, bits })
    }

    /// Whether an RSA key of 1024 bits or more has signed: too short by today's rules, and all that old cameras have.
    fn has_signed_with_few_bits(&self, message: &[u8], signed: &DigitallySignedStruct) -> bool {
        use aws_lc_rs::signature::{self, UnparsedPublicKey};
        let algorithm = if signed.scheme == SignatureScheme::RSA_PKCS1_SHA256 {
            &signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY
        } else if signed.scheme == SignatureScheme::RSA_PKCS1_SHA512 {
            &signature::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY
        } else {
            return false;
        };
        *self.algorithm == *rustls::pki_types::alg_id::RSA_ENCRYPTION
            && UnparsedPublicKey::new(algorithm, self.bits).verify(message, signed.signature()).is_ok()
    }
}

impl fmt::Debug for PublicKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey").finish_non_exhaustive()
    }
}

/// Splits the first DER element off: its tag, what is inside, what follows.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let count = usize::from(first & 0x7F);
        let (length, rest) = rest.split_at_checked(count).filter(|_| (1..=3).contains(&count))?;
        (length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), rest)
    };
    let (inside, rest) = rest.split_at_checked(length)?;
    Some((tag, inside, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn parser_never_panics_on_certificates(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = PublicKey::of(&bytes);
        }

        #[test]
        fn parser_never_panics_on_broken_certificates(at in 0_usize..400, with in any::<u8>()) {
            let mut bytes = include_bytes!("../tests/field/certificates/one.der").to_vec();
            let at = at % bytes.len();
            bytes[at] = with;
            let _ = PublicKey::of(&bytes);
        }
    }

    #[test]
    fn the_key_of_a_certificate_of_version_1_is_found() {
        let key = PublicKey::of(include_bytes!("../tests/field/certificates/old.der")).unwrap();
        assert_eq!(key.algorithm, &*rustls::pki_types::alg_id::RSA_ENCRYPTION);
    }
}
