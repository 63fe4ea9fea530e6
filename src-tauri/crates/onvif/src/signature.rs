//! WS-Security UsernameToken with PasswordDigest (OASIS UsernameToken Profile 1.0): base64(SHA-1(nonce + created +
//! password)). The scheme and SHA-1 are the standard's; HTTP Digest is preferred where a camera offers it.

use base64::{Engine, engine::general_purpose::STANDARD};
use hausrecht_model::UnixMicros;
use sha1::{Digest, Sha1};

use crate::{Credentials, xml::escape};

/// Writes the security header; `created` is the time that the camera believes in.
pub(crate) fn security_header(credentials: &Credentials, nonce: [u8; 16], created: UnixMicros) -> String {
    let created = created.to_string();
    let digest = Sha1::new()
        .chain_update(nonce)
        .chain_update(&created)
        .chain_update(credentials.password())
        .finalize();
    format!(
        concat!(
            r#"<wsse:Security s:mustUnderstand="1""#,
            r#" xmlns:wsse="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd""#,
            r#" xmlns:wsu="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd">"#,
            r#"<wsse:UsernameToken><wsse:Username>{user}</wsse:Username>"#,
            r#"<wsse:Password Type="http://docs.oasis-open.org/wss/2004/01/"#,
            r#"oasis-200401-wss-username-token-profile-1.0#PasswordDigest">{digest}</wsse:Password>"#,
            r#"<wsse:Nonce EncodingType="http://docs.oasis-open.org/wss/2004/01/"#,
            r#"oasis-200401-wss-soap-message-security-1.0#Base64Binary">{nonce}</wsse:Nonce>"#,
            r#"<wsu:Created>{created}</wsu:Created></wsse:UsernameToken></wsse:Security>"#,
        ),
        user = escape(credentials.user()),
        digest = STANDARD.encode(digest),
        nonce = STANDARD.encode(nonce),
        created = created,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked example of the ONVIF Application Programmer's Guide, 6.1.1.3.
    #[test]
    fn the_guides_example_gives_its_digest() {
        let nonce: [u8; 16] = STANDARD.decode("LKqI6G/AikKCQrN0zqZFlg==").unwrap().try_into().unwrap();
        let created = "2010-09-16T07:50:45Z";
        let digest =
            Sha1::new().chain_update(nonce).chain_update(created).chain_update("userpassword").finalize();
        assert_eq!(STANDARD.encode(digest), "tuOSpGlFlIXsozq4HFNeeGeFLEI=");
    }

    #[test]
    fn a_header_is_as_the_profile_asks() {
        let credentials = Credentials::new("a&b", "p@ss/?:%".to_owned().into());
        insta::assert_snapshot!(security_header(&credentials, [7; 16], UnixMicros(1_700_000_000_123_000)));
    }
}
