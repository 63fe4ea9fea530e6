//! The certificate of a camera that streams over TLS. Cameras sign their own, so no authority is asked: it is the one that
//! was seen when the camera was added, or, where none was, the first that this worker sees.

use std::sync::Mutex;

use gstreamer as gst;
use gstreamer::{glib, prelude::*};
use sha2::{Digest, Sha256};

use crate::lock::lock;

/// The first certificate that was seen, for cameras of which none is known.
static FIRST_SEEN: Mutex<Option<[u8; 32]>> = Mutex::new(None);

/// Lets `source`, an `rtspsrc`, go on with a certificate that is not of a known authority only if its SHA-256 is `expected`.
pub(crate) fn keep_to(source: &gst::Element, expected: Option<[u8; 32]>) {
    source.connect("accept-certificate", false, move |arguments| {
        let seen = arguments.get(2).and_then(fingerprint);
        let accepted = seen.is_some_and(|seen| is_right(seen, expected));
        if !accepted {
            tracing::warn!("the stream shows another certificate than the one that is known of this camera");
        }
        Some(accepted.to_value())
    });
}

fn is_right(seen: [u8; 32], expected: Option<[u8; 32]>) -> bool {
    seen == expected.unwrap_or_else(|| *lock(&FIRST_SEEN).get_or_insert(seen))
}

/// SHA-256 of a `GTlsCertificate`'s DER.
fn fingerprint(certificate: &glib::Value) -> Option<[u8; 32]> {
    let certificate = certificate.get::<glib::Object>().ok()?;
    certificate.find_property("certificate")?;
    let der = certificate.property::<Option<glib::ByteArray>>("certificate")?;
    Some(Sha256::digest(&*der).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_known_certificate_is_right_and_without_one_the_first_that_was_seen() {
        assert!(is_right([1; 32], Some([1; 32])));
        assert!(!is_right([2; 32], Some([1; 32])));
        assert!(is_right([3; 32], None));
        assert!(is_right([3; 32], None));
        assert!(!is_right([4; 32], None));
    }
}
