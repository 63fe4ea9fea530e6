//! HTTP Digest (RFC 7616, and RFC 2069 as old cameras still speak it). Basic is never answered.

use digest_auth::{Algorithm, AlgorithmType, AuthContext, Charset, HttpMethod, Qop, WwwAuthenticateHeader};
use url::Url;

use crate::{Credentials, http::Payload};

/// The longest header that is looked at, in characters.
const HEADER_MAX: usize = 4000;
const SCHEMES: [&str; 5] = ["digest", "basic", "bearer", "negotiate", "ntlm"];

/// A challenge with the count of its uses.
#[derive(Clone, Debug)]
pub(super) struct Challenge(WwwAuthenticateHeader);

impl Challenge {
    /// The strongest Digest challenge that can be answered; headers may hold several schemes each.
    pub(super) fn best_of(headers: &[String]) -> Option<Self> {
        let all = headers.iter().flat_map(|header| challenges(header));
        let strength = |header: &WwwAuthenticateHeader| match header.algorithm.algo {
            AlgorithmType::MD5 => 0,
            AlgorithmType::SHA2_512_256 => 1,
            AlgorithmType::SHA2_256 => 2,
        };
        // The first of equals: cameras list what they prefer first.
        all.rev().max_by_key(strength).map(Self)
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
        let method = match payload {
            Payload::Get => HttpMethod::GET,
            Payload::Soap { .. } => HttpMethod::POST,
        };
        let body = Some(payload.body());
        let context =
            AuthContext::new_with_method(credentials.user(), credentials.password(), path, body, method);
        self.0.respond(&context).ok().map(|header| header.to_header_string())
    }
}

/// The Digest challenges in one header that can be answered.
fn challenges(header: &str) -> Vec<WwwAuthenticateHeader> {
    let mut all = Vec::new();
    let mut current: Option<Vec<(String, String)>> = None;
    for part in parts(header) {
        match part {
            Part::Scheme(is_digest) => {
                all.extend(current.take().and_then(challenge));
                current = is_digest.then(Vec::new);
            }
            Part::Parameter(name, value) => current.iter_mut().for_each(|known| {
                known.push((name.clone(), value.clone()));
            }),
        }
    }
    all.extend(current.and_then(challenge));
    all
}

fn challenge(parameters: Vec<(String, String)>) -> Option<WwwAuthenticateHeader> {
    let find =
        |name: &str| parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let algorithm = find("algorithm").unwrap_or("MD5").to_ascii_uppercase();
    let (name, is_session) = match algorithm.strip_suffix("-SESS") {
        Some(name) => (name, true),
        None => (algorithm.as_str(), false),
    };
    let kind = match name {
        "MD5" | "" => AlgorithmType::MD5,
        "SHA-256" | "SHA256" => AlgorithmType::SHA2_256,
        "SHA-512-256" => AlgorithmType::SHA2_512_256,
        _ => return None,
    };
    let offered: Vec<Qop> = find("qop").map_or_else(Vec::new, |words| {
        let words = words.split([',', ' ']);
        let known = words.filter_map(|word| match word.trim().to_ascii_lowercase().as_str() {
            "auth" => Some(Qop::AUTH),
            "auth-int" => Some(Qop::AUTH_INT),
            _ => None,
        });
        known.collect()
    });
    // Cameras announce the protection of the body and get it wrong; it is used only where nothing else is offered.
    let qop = [Qop::AUTH, Qop::AUTH_INT].into_iter().find(|qop| offered.contains(qop));
    Some(WwwAuthenticateHeader {
        domain: None,
        realm: find("realm").unwrap_or_default().to_owned(),
        nonce: find("nonce")?.to_owned(),
        opaque: find("opaque").map(str::to_owned),
        stale: find("stale").is_some_and(|text| text.eq_ignore_ascii_case("true")),
        algorithm: Algorithm::new(kind, is_session),
        qop: qop.map(|qop| vec![qop]),
        userhash: false,
        charset: Charset::UTF8,
        nc: 0,
    })
}

enum Part {
    /// A scheme begins; whether it is Digest.
    Scheme(bool),
    /// A parameter, its name in lower case.
    Parameter(String, String),
}

/// Takes a header apart. Commas may be missing, doubled, or stand inside values without quotes; a quote may never end.
fn parts(header: &str) -> Vec<Part> {
    // A realm may be in any language and goes into the answer as it came; what no header can carry does not.
    let is_fit = |c: &char| !c.is_control() && *c != char::REPLACEMENT_CHARACTER;
    let text: Vec<char> = header.chars().take(HEADER_MAX).map(|c| if is_fit(&c) { c } else { ' ' }).collect();
    let mut all = Vec::new();
    let mut at = 0;
    while at < text.len() {
        if text[at] == ',' || text[at] == ' ' {
            at += 1;
            continue;
        }
        let start = at;
        while at < text.len() && !matches!(text[at], '=' | ',' | ' ') {
            at += 1;
        }
        let word: String = text[start..at].iter().collect::<String>().to_ascii_lowercase();
        let mut next = at;
        while next < text.len() && text[next] == ' ' {
            next += 1;
        }
        if text.get(next) != Some(&'=') {
            if SCHEMES.contains(&word.as_str()) {
                all.push(Part::Scheme(word == "digest"));
            }
            continue;
        }
        at = next + 1;
        while at < text.len() && text[at] == ' ' {
            at += 1;
        }
        let mut value = String::new();
        if text.get(at) == Some(&'"') {
            at += 1;
            while at < text.len() && text[at] != '"' {
                if text[at] == '\\' && at + 1 < text.len() {
                    at += 1;
                }
                value.push(text[at]);
                at += 1;
            }
            at += 1;
        } else {
            while at < text.len() && !matches!(text[at], ',' | ' ') {
                value.push(text[at]);
                at += 1;
            }
        }
        all.push(Part::Parameter(word, value));
    }
    all
}

/// Reads arbitrary text as a challenge.
pub(super) fn fuzz_challenge(text: &str) {
    let _ = Challenge::best_of(&[text.to_owned()]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn best(headers: &[&str]) -> Option<WwwAuthenticateHeader> {
        let headers: Vec<String> = headers.iter().map(|header| (*header).to_owned()).collect();
        Challenge::best_of(&headers).map(|challenge| challenge.0)
    }

    #[test]
    fn digest_is_found_behind_basic_and_in_any_case() {
        let basic = r#"Basic realm="x""#;
        let digest = r#"DIGEST realm="r", nonce="n", qop="auth", stale=TRUE"#;
        let joined = format!("{basic}, {digest}");
        assert!(best(&[basic, digest]).unwrap().stale);
        let found = best(&[&joined]).unwrap();
        assert_eq!((found.realm.as_str(), found.nonce.as_str()), ("r", "n"));
        assert!(best(&[basic]).is_none());
        assert_eq!(best(&[&format!("{digest}, {basic}")]).unwrap().realm, "r");
    }

    #[test]
    fn the_strongest_algorithm_wins_and_unknown_ones_are_passed_over() {
        let md5 = r#"Digest realm="r", nonce="1", algorithm=MD5"#;
        let sha = r#"Digest realm="r", nonce="2", algorithm=SHA-256"#;
        let unknown = r#"Digest realm="r", nonce="3", algorithm="SHA3-512""#;
        for headers in [[md5, sha, unknown], [unknown, sha, md5]] {
            assert_eq!(best(&headers).unwrap().nonce, "2");
        }
        assert_eq!(best(&[md5, unknown]).unwrap().nonce, "1");
        assert!(best(&[unknown]).is_none());
        assert!(best(&[r#"Digest realm="r", nonce="1", algorithm="MD5-sess""#]).unwrap().algorithm.sess);
    }

    #[test]
    fn broken_commas_and_quotes_are_tolerated() {
        for header in [
            r#"Digest realm="a, b" nonce="n" qop="auth" opaque="o""#,
            r#"Digest realm="a, b",,nonce="n",  qop = "auth,auth-int" , opaque=o,"#,
            r#"Digest qop=auth,opaque="o",nonce=n, realm="a, b"#,
        ] {
            let found = best(&[header]).unwrap();
            assert_eq!((found.realm.as_str(), found.nonce.as_str()), ("a, b", "n"), "{header}");
            assert_eq!(found.qop, Some(vec![Qop::AUTH]), "{header}");
            assert_eq!(found.opaque.as_deref(), Some("o"), "{header}");
        }
        assert_eq!(best(&[r#"Digest realm="r", nonce="n""#]).unwrap().qop, None);
        assert_eq!(best(&[r#"Digest nonce="n", qop="auth-int""#]).unwrap().qop, Some(vec![Qop::AUTH_INT]));
    }

    #[test]
    fn a_realm_in_another_language_is_kept_and_control_characters_are_not() {
        assert_eq!(best(&["Digest realm=\"Büro 摄像机\", nonce=\"n\""]).unwrap().realm, "Büro 摄像机");
        assert_eq!(best(&["Digest realm=\"a\r\nb\u{0}c\", nonce=\"n\""]).unwrap().realm, "a  b c");
    }

    /// RFC 7616, 3.9.1.
    #[test]
    fn the_examples_of_the_standard_give_their_responses() {
        let expected = [
            ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
            ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ];
        for (algorithm, expected) in expected {
            let header = format!(
                r#"Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm},
                nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS""#
            );
            let mut challenge = best(&[&header]).unwrap();
            let mut context = AuthContext::new("Mufasa", "Circle of Life", "/dir/index.html");
            context.set_custom_cnonce("f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ");
            assert_eq!(challenge.respond(&context).unwrap().response, expected);
        }
    }

    proptest! {
        #[test]
        fn parser_never_panics_on_challenges(text in r#"Digest ([a-z]{0,8}|=|"|\\|,| |ü|realm="x"|nonce="y"|qop="auth"){0,20}"#) {
            let _ = Challenge::best_of(&[text]);
        }
    }
}
