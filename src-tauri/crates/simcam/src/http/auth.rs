//! Who may call: HTTP digest (RFC 7616) or WS-Security UsernameToken, both with the one account.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use axum::http::{HeaderMap, Method, Uri, header};
use base64::{Engine, engine::general_purpose::STANDARD};
use digest_auth::{AuthContext, AuthorizationHeader, HttpMethod};
use hausrecht_model::UnixMicros;
use rand::Rng;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::{camera::REALM, soap::Request};

/// How far a token's time may be from the camera's, either way.
const CREATED_WINDOW: Duration = Duration::from_secs(30);
/// Used tokens that are remembered against being sent again.
const REMEMBERED: usize = 1024;

/// Lets the one account in.
#[derive(Debug)]
pub struct Gate {
    user: String,
    password: String,
    secret: [u8; 32],
    /// Nonces of tokens that were let in, with the time at which they were made.
    used: Mutex<BTreeMap<(UnixMicros, Vec<u8>), ()>>,
}

impl Gate {
    /// Lets `user` in with `password`.
    pub fn new(user: &str, password: &str, rng: &mut impl Rng) -> Self {
        Self {
            user: user.to_owned(),
            password: password.to_owned(),
            secret: rng.random(),
            used: Mutex::default(),
        }
    }

    /// The value of `WWW-Authenticate`.
    pub fn challenge(&self, elapsed: Duration) -> String {
        let nonce = self.nonce(&format!("{:x}", elapsed.as_millis()));
        format!(r#"Digest realm="{REALM}", qop="auth", nonce="{nonce}", algorithm=MD5"#)
    }

    /// Whether a request with these headers and this token is by the account. `now` is the camera's time.
    pub fn lets_in(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        request: Option<&Request>,
        now: UnixMicros,
    ) -> bool {
        self.digest_matches(method, uri, headers)
            || request.is_some_and(|request| self.token_matches(request, now))
    }

    fn digest_matches(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
        let Some(sent) = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()) else {
            return false;
        };
        let Ok(sent) = AuthorizationHeader::parse(sent) else { return false };
        let named = sent.uri.parse::<Uri>();
        let same_uri = named.is_ok_and(|named| named.path_and_query() == uri.path_and_query());
        let issued = sent.nonce.split_once('-').is_some_and(|(stamp, _)| self.nonce(stamp) == sent.nonce);
        if sent.realm != REALM || sent.username != self.user || !issued || !same_uri || sent.qop.is_none() {
            return false;
        }
        let mut ours = sent.clone();
        let cnonce = sent.cnonce.clone();
        let method = HttpMethod::from(method.as_str());
        let mut secrets = AuthContext::new_with_method(
            &self.user,
            &self.password,
            &sent.uri,
            Option::<&[u8]>::None,
            method,
        );
        if let Some(cnonce) = cnonce {
            secrets.set_custom_cnonce(cnonce);
        }
        ours.digest(&secrets);
        ours.response == sent.response
    }

    fn token_matches(&self, request: &Request, now: UnixMicros) -> bool {
        let Some(token) = request.header.find("UsernameToken") else { return false };
        let (Some(user), Some(password)) = (token.text_of("Username"), token.child("Password")) else {
            return false;
        };
        let (Some(nonce), Some(created)) = (token.text_of("Nonce"), token.text_of("Created")) else {
            return false;
        };
        let is_digest = password.attribute("Type").is_some_and(|kind| kind.ends_with("#PasswordDigest"));
        let (Ok(nonce), Ok(time)) = (STANDARD.decode(nonce), created.parse::<jiff::Timestamp>()) else {
            return false;
        };
        let time = UnixMicros(time.as_microsecond());
        let off = now.since(time).max(time.since(now));
        let expected = STANDARD.encode(
            Sha1::new().chain_update(&nonce).chain_update(created).chain_update(&self.password).finalize(),
        );
        let right =
            is_digest && user == self.user && password.text.trim() == expected && off <= CREATED_WINDOW;
        right && self.is_first(time, nonce)
    }

    /// Remembers a token; says whether it is new.
    fn is_first(&self, time: UnixMicros, nonce: Vec<u8>) -> bool {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.len() >= REMEMBERED {
            used.pop_first();
        }
        used.insert((time, nonce), ()).is_none()
    }

    /// The nonce for `stamp`; only this camera can make it.
    fn nonce(&self, stamp: &str) -> String {
        let proof = Sha256::new().chain_update(self.secret).chain_update(stamp).finalize();
        format!("{stamp}-{}", hex::encode(&proof[..16]))
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    const NOW: UnixMicros = UnixMicros(1_800_000_000_000_000);

    fn gate() -> Gate {
        Gate::new("demo", "pass:word", &mut StdRng::seed_from_u64(1))
    }

    fn signed(gate: &Gate, user: &str, password: &str, method: &Method) -> HeaderMap {
        let mut prompt = digest_auth::parse(&gate.challenge(Duration::from_secs(5))).unwrap();
        let context = AuthContext::new_with_method(
            user,
            password,
            "/onvif/device_service",
            Option::<&[u8]>::None,
            HttpMethod::from(method.as_str()),
        );
        let answer = prompt.respond(&context).unwrap().to_header_string();
        HeaderMap::from_iter([(header::AUTHORIZATION, answer.parse().unwrap())])
    }

    fn token(user: &str, password: &str, created: UnixMicros, nonce: &[u8]) -> Request {
        let created = created.to_string();
        let digest = STANDARD
            .encode(Sha1::new().chain_update(nonce).chain_update(&created).chain_update(password).finalize());
        let security = format!(
            r#"<Security><UsernameToken><Username>{user}</Username><Password Type="x#PasswordDigest">{digest}</Password><Nonce>{}</Nonce><Created>{created}</Created></UsernameToken></Security>"#,
            STANDARD.encode(nonce)
        );
        Request::parse(crate::soap::envelope(&security, "<tds:GetUsers/>").as_bytes()).unwrap()
    }

    #[test]
    fn digest_lets_only_the_account_in() {
        let (gate, uri) = (gate(), Uri::from_static("/onvif/device_service"));
        let tries = [("demo", "pass:word", true), ("demo", "wrong", false), ("other", "pass:word", false)];
        for (user, password, right) in tries {
            let headers = signed(&gate, user, password, &Method::POST);
            assert_eq!(gate.lets_in(&Method::POST, &uri, &headers, None, NOW), right, "{user} {password}");
        }
        let headers = signed(&gate, "demo", "pass:word", &Method::POST);
        assert!(!gate.lets_in(&Method::GET, &uri, &headers, None, NOW), "signed for POST");
        assert!(!gate.lets_in(&Method::POST, &Uri::from_static("/snapshot.jpg"), &headers, None, NOW));
        let other = Gate::new("demo", "pass:word", &mut StdRng::seed_from_u64(2));
        assert!(!other.lets_in(&Method::POST, &uri, &headers, None, NOW), "another camera's nonce");
    }

    #[test]
    fn a_token_counts_by_the_cameras_clock_and_once() {
        let (gate, uri, none) = (gate(), Uri::from_static("/onvif/device_service"), HeaderMap::new());
        let lets_in = |request: &Request| gate.lets_in(&Method::POST, &uri, &none, Some(request), NOW);
        let good = token("demo", "pass:word", NOW, b"one");
        assert!(lets_in(&good));
        assert!(!lets_in(&good), "sent again");
        assert!(!lets_in(&token("demo", "wrong", NOW, b"two")));
        assert!(!lets_in(&token("other", "pass:word", NOW, b"three")));
        for hours in [-1, 1] {
            let off = UnixMicros(NOW.0 + hours * 3_600_000_000);
            assert!(!lets_in(&token("demo", "pass:word", off, b"four")), "{hours} h off");
        }
        assert!(lets_in(&token("demo", "pass:word", NOW.plus(CREATED_WINDOW), b"five")));
    }
}
