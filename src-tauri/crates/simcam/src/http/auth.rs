//! Who calls: HTTP digest (RFC 7616) or WS-Security UsernameToken, both with the camera's accounts.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::http::{HeaderMap, Method, Uri, header};
use base64::{Engine, engine::general_purpose::STANDARD};
use digest_auth::{AuthContext, AuthorizationHeader, HttpMethod};
use hausrecht_model::UnixMicros;
use rand::Rng;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::{
    accounts::{Accounts, Level},
    camera::REALM,
    soap::Request,
};

/// How far a token's time may be from the camera's, either way.
const CREATED_WINDOW: Duration = Duration::from_secs(30);
/// Used tokens that are remembered against being sent again.
const REMEMBERED: usize = 1024;

/// Knows the camera's accounts by what they sign.
#[derive(Debug)]
pub struct Gate {
    accounts: Arc<Accounts>,
    /// Whether it understands HTTP digest, and asks for it.
    digest: bool,
    /// Whether it understands tokens.
    token: bool,
    secret: [u8; 32],
    /// Nonces of tokens that were let in, with the time at which they were made.
    used: Mutex<BTreeMap<(UnixMicros, Vec<u8>), ()>>,
    /// Requests that came with a sign-in, right or wrong.
    sign_ins: AtomicU64,
}

impl Gate {
    /// Knows `accounts`, by HTTP digest, by tokens, or both.
    pub fn new(accounts: Arc<Accounts>, digest: bool, token: bool, rng: &mut impl Rng) -> Self {
        Self {
            accounts,
            digest,
            token,
            secret: rng.random(),
            used: Mutex::default(),
            sign_ins: AtomicU64::new(0),
        }
    }

    /// Whether an answer to somebody unknown asks for HTTP digest.
    pub fn challenges(&self) -> bool {
        self.digest
    }

    /// The value of `WWW-Authenticate`.
    pub fn challenge(&self, elapsed: Duration) -> String {
        let nonce = self.nonce(&format!("{:x}", elapsed.as_millis()));
        format!(r#"Digest realm="{REALM}", qop="auth", nonce="{nonce}", algorithm=MD5"#)
    }

    /// How many requests came with a sign-in so far, right or wrong.
    pub fn sign_ins(&self) -> u64 {
        self.sign_ins.load(Ordering::Relaxed)
    }

    /// What the account may do that signed a request with these headers or this token; none if no account did. `now` is the
    /// camera's time.
    pub fn level(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        request: Option<&Request>,
        now: UnixMicros,
    ) -> Option<Level> {
        let has_token = request.is_some_and(|request| request.header.find("UsernameToken").is_some());
        if has_token || headers.contains_key(header::AUTHORIZATION) {
            self.sign_ins.fetch_add(1, Ordering::Relaxed);
        }
        let by_digest = if self.digest { self.digest_level(method, uri, headers) } else { None };
        by_digest
            .or_else(|| request.filter(|_| self.token).and_then(|request| self.token_level(request, now)))
    }

    fn digest_level(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<Level> {
        let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok())?;
        let sent = AuthorizationHeader::parse(sent).ok()?;
        let account = self.accounts.find(&sent.username)?;
        let named = sent.uri.parse::<Uri>();
        let same_uri = named.is_ok_and(|named| named.path_and_query() == uri.path_and_query());
        let issued = sent.nonce.split_once('-').is_some_and(|(stamp, _)| self.nonce(stamp) == sent.nonce);
        if sent.realm != REALM || !issued || !same_uri || sent.qop.is_none() {
            return None;
        }
        let mut ours = sent.clone();
        let cnonce = sent.cnonce.clone();
        let method = HttpMethod::from(method.as_str());
        let mut secrets = AuthContext::new_with_method(
            &account.name,
            &account.password,
            &sent.uri,
            Option::<&[u8]>::None,
            method,
        );
        if let Some(cnonce) = cnonce {
            secrets.set_custom_cnonce(cnonce);
        }
        ours.digest(&secrets);
        (ours.response == sent.response).then_some(account.level)
    }

    fn token_level(&self, request: &Request, now: UnixMicros) -> Option<Level> {
        let token = request.header.find("UsernameToken")?;
        let (user, password) = (token.text_of("Username")?, token.child("Password")?);
        let (nonce, created) = (token.text_of("Nonce")?, token.text_of("Created")?);
        let account = self.accounts.find(user)?;
        let is_digest = password.attribute("Type").is_some_and(|kind| kind.ends_with("#PasswordDigest"));
        let (nonce, time) = (STANDARD.decode(nonce).ok()?, created.parse::<jiff::Timestamp>().ok()?);
        let time = UnixMicros(time.as_microsecond());
        let off = now.since(time).max(time.since(now));
        let expected = STANDARD.encode(
            Sha1::new().chain_update(&nonce).chain_update(created).chain_update(&account.password).finalize(),
        );
        let right = is_digest && password.text.trim() == expected && off <= CREATED_WINDOW;
        (right && self.is_first(time, nonce)).then_some(account.level)
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

    fn gate_with_seed(seed: u64) -> Gate {
        let accounts = Arc::new(Accounts::new("demo", "pass:word"));
        Gate::new(accounts, true, true, &mut StdRng::seed_from_u64(seed))
    }

    fn gate() -> Gate {
        gate_with_seed(1)
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
            assert_eq!(
                gate.level(&Method::POST, &uri, &headers, None, NOW).is_some(),
                right,
                "{user} {password}"
            );
        }
        let headers = signed(&gate, "demo", "pass:word", &Method::POST);
        assert!(gate.level(&Method::GET, &uri, &headers, None, NOW).is_none(), "signed for POST");
        assert!(gate.level(&Method::POST, &Uri::from_static("/snapshot.jpg"), &headers, None, NOW).is_none());
        let other = gate_with_seed(2);
        assert!(other.level(&Method::POST, &uri, &headers, None, NOW).is_none(), "another camera's nonce");
    }

    #[test]
    fn a_token_counts_by_the_cameras_clock_and_once() {
        let (gate, uri, none) = (gate(), Uri::from_static("/onvif/device_service"), HeaderMap::new());
        let lets_in =
            |request: &Request| gate.level(&Method::POST, &uri, &none, Some(request), NOW).is_some();
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
