//! HTTP Digest (RFC 7616, and RFC 2069 as old cameras still speak it). Basic is never answered.

use digest_auth::{AuthContext, HttpMethod, WwwAuthenticateHeader};
use url::Url;

use crate::{Credentials, http::Payload};

/// A challenge with the count of its uses.
#[derive(Clone, Debug)]
pub(super) struct Challenge(WwwAuthenticateHeader);

impl Challenge {
    /// The first Digest challenge that can be answered; headers may hold several schemes each.
    pub(super) fn best_of(headers: &[String]) -> Option<Self> {
        headers.iter().find_map(|header| {
            let header: String =
                header.chars().take(2000).map(|c| if c.is_ascii() { c } else { '?' }).collect();
            let start = header.to_ascii_lowercase().find("digest ")?;
            let parameters = header[start + "digest ".len()..].trim();
            WwwAuthenticateHeader::parse(parameters).ok().map(Self)
        })
    }

    /// Whether the camera says that only the nonce was too old.
    pub(super) fn is_stale(&self) -> bool {
        self.0.stale
    }

    /// The value of the `Authorization` header for this request.
    pub(super) fn answer(
        &mut self,
        credentials: &Credentials,
        url: &Url,
        payload: Payload<'_>,
    ) -> Option<String> {
        let path = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let (method, body) = match payload {
            Payload::Get => (HttpMethod::GET, None),
            Payload::Soap { .. } => (HttpMethod::POST, Some(payload.body())),
        };
        let context =
            AuthContext::new_with_method(credentials.user(), credentials.password(), path, body, method);
        self.0.respond(&context).ok().map(|header| header.to_header_string())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn digest_is_found_behind_basic_and_in_any_case() {
        let basic = r#"Basic realm="x""#.to_owned();
        let digest = r#"DIGEST realm="r", nonce="n", qop="auth", stale=TRUE"#.to_owned();
        let joined = format!("{basic}, {digest}");
        assert!(Challenge::best_of(&[basic.clone(), digest]).unwrap().is_stale());
        assert!(Challenge::best_of(&[joined]).is_some());
        assert!(Challenge::best_of(&[basic]).is_none());
    }

    proptest! {
        #[test]
        fn parser_never_panics_on_challenges(text in r#"Digest ([a-z]{0,8}|=|"|\\|,| |ü|realm="x"|nonce="y"|qop="auth"){0,20}"#) {
            let _ = Challenge::best_of(&[text]);
        }
    }
}
