//! What is remembered of a camera's TLS certificate. Cameras sign their own, so no authority vouches for them: the
//! first one seen is remembered, and a change is put to a person.

use std::{fmt, str::FromStr};

use sha2::{Digest, Sha256};

/// The SHA-256 of a certificate's DER form, the fingerprint that browsers show.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CertificatePin([u8; 32]);

/// A text that is no fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a certificate's fingerprint has 64 hexadecimal digits, with or without colons")]
pub struct NotAPin;

impl CertificatePin {
    /// The fingerprint of a certificate in DER form.
    pub fn of_der(der: &[u8]) -> Self {
        Self(Sha256::digest(der).into())
    }

    /// Takes a fingerprint as it was stored.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The fingerprint, for storing.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for CertificatePin {
    /// Pairs of hexadecimal digits with colons, as browsers show them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let colon = if index == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for CertificatePin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertificatePin({self})")
    }
}

impl FromStr for CertificatePin {
    type Err = NotAPin;

    fn from_str(text: &str) -> Result<Self, NotAPin> {
        let digits: Vec<u32> = text
            .trim()
            .chars()
            .filter(|c| *c != ':')
            .map(|c| c.to_digit(16).ok_or(NotAPin))
            .take(65)
            .collect::<Result<_, _>>()?;
        let (pairs, rest) = digits.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(NotAPin);
        }
        let bytes: Vec<u8> = pairs.iter().map(|[high, low]| (high * 16 + low) as u8).collect();
        bytes.try_into().map(Self).map_err(|_| NotAPin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_written_and_read_back() {
        let pin = CertificatePin::of_der(b"certificate");
        assert_eq!(pin.to_string().len(), 95);
        assert_eq!(pin.to_string().parse(), Ok(pin));
        assert_eq!(pin.to_string().replace(':', "").to_lowercase().parse(), Ok(pin));
    }

    #[test]
    fn other_texts_are_no_fingerprints() {
        for text in ["", "AB", "xyz", &"A".repeat(63), &"A".repeat(66), &"ü".repeat(64)] {
            assert_eq!(text.parse::<CertificatePin>(), Err(NotAPin), "{text}");
        }
    }
}
