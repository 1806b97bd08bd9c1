//! Challenges and bearer tokens (distribution's token authentication; RFC 7235 challenges).
//!
//! Owns: reading `WWW-Authenticate` and asking a token service. Never does: deciding when (that is `session`).

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use ureq::http::{HeaderMap, Method, header};

use super::credentials::Credential;
use super::transport::{Ask, Payload};

/// One way in which a server wants to be told who asks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Challenge {
    Basic,
    Bearer { realm: String, service: Option<String>, scope: Option<String> },
}

/// A value of the Authorization header and until when it is good.
#[derive(Clone)]
pub(super) struct Granted {
    pub(super) header: String,
    pub(super) until: Option<Instant>,
}

impl std::fmt::Debug for Granted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Granted").field("until", &self.until).finish_non_exhaustive()
    }
}

/// Reads all challenges of an answer; Bearer first, as it never sends a password to the registry.
pub(super) fn challenges(headers: &HeaderMap) -> Vec<Challenge> {
    let values = headers.get_all(header::WWW_AUTHENTICATE).into_iter().filter_map(|v| v.to_str().ok());
    let mut found: Vec<Challenge> = values.flat_map(parse).collect();
    found.sort_by_key(|challenge| *challenge == Challenge::Basic);
    found
}

/// Reads one header value: `Scheme key="value", key=value, Scheme …`.
fn parse(text: &str) -> Vec<Challenge> {
    let mut found: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for item in split_outside_quotes(text) {
        let before_equals = item.split('=').next().unwrap_or_default().trim_end();
        let (scheme, parameter) = match before_equals.split_once(char::is_whitespace) {
            Some((scheme, _)) => (Some(scheme), item.get(scheme.len()..).unwrap_or_default().trim()),
            None if !item.contains('=') => (Some(item), ""),
            None => (None, item),
        };
        if let Some(scheme) = scheme {
            found.push((scheme.to_ascii_lowercase(), Vec::new()));
        }
        if let (Some((_, parameters)), Some((key, value))) = (found.last_mut(), parameter.split_once('=')) {
            let value = value.trim();
            let value = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value);
            parameters.push((key.trim().to_ascii_lowercase(), value.replace("\\\"", "\"")));
        }
    }
    found.into_iter().filter_map(|(scheme, parameters)| challenge(&scheme, parameters)).collect()
}

fn challenge(scheme: &str, parameters: Vec<(String, String)>) -> Option<Challenge> {
    let get = |key: &str| parameters.iter().find(|(k, _)| k == key).map(|(_, v)| v.clone());
    match scheme {
        "basic" => Some(Challenge::Basic),
        "bearer" => {
            Some(Challenge::Bearer { realm: get("realm")?, service: get("service"), scope: get("scope") })
        }
        _ => None,
    }
}

fn split_outside_quotes(text: &str) -> Vec<&str> {
    let mut quoted = false;
    let parts = text.split(|c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    });
    parts.map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// The Authorization value of a password.
pub(super) fn basic(username: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{username}:{password}")))
}

/// The request to a token service, and its Authorization. `form` keeps the bytes of a POST.
pub(super) fn token_request<'a>(
    realm: &str,
    service: Option<&str>,
    scopes: &[String],
    credential: Option<&Credential>,
    form: &'a mut String,
) -> (Ask<'a>, Option<String>) {
    if let Some(Credential::IdentityToken(token)) = credential {
        let mut fields =
            vec![("grant_type", "refresh_token"), ("client_id", "buildc"), ("refresh_token", token)];
        fields.extend(service.map(|s| ("service", s)));
        let scope = scopes.join(" ");
        fields.push(("scope", &scope));
        *form = encode_query(&fields);
        let ask = Ask::new(Method::POST, realm.to_owned())
            .with(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .carrying(Payload::Bytes(form.as_bytes()));
        return (ask, None);
    }
    let mut fields: Vec<(&str, &str)> = service.map(|s| ("service", s)).into_iter().collect();
    fields.extend(scopes.iter().map(|scope| ("scope", scope.as_str())));
    let (authorization, account) = match credential {
        Some(Credential::Password { username, password }) => {
            (Some(basic(username, password)), Some(username))
        }
        _ => (None, None),
    };
    fields.extend(account.map(|account| ("account", account.as_str())));
    let sign = if realm.contains('?') { '&' } else { '?' };
    (Ask::new(Method::GET, format!("{realm}{sign}{}", encode_query(&fields))), authorization)
}

#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<u64>,
}

/// Reads a token service's answer. A token lives 60 s when nothing is said; a margin is taken off.
pub(super) fn read_token(body: &[u8], now: Instant) -> Option<Granted> {
    let answer: TokenAnswer = serde_json::from_slice(body).ok()?;
    let token = answer.token.or(answer.access_token).filter(|t| !t.is_empty())?;
    let life = Duration::from_secs(answer.expires_in.unwrap_or(60).clamp(60, 86_400));
    Some(Granted { header: format!("Bearer {token}"), until: now.checked_add(life * 9 / 10) })
}

fn encode_query(fields: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = fields.iter().map(|(key, value)| format!("{key}={}", encode(value))).collect();
    pairs.join("&")
}

/// Percent-encodes a query value (RFC 3986 section 2.3); `:`, `/` and `,` stay readable as they are legal there.
fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b if b.is_ascii_alphanumeric() || b"-._~:/,".contains(&b) => out.push(char::from(b)),
            b => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read_in_all_their_spellings() {
        let bearer = |scope: Option<&str>| Challenge::Bearer {
            realm: "https://a.example/token".to_owned(),
            service: Some("r.example".to_owned()),
            scope: scope.map(str::to_owned),
        };
        let text =
            r#"Bearer realm="https://a.example/token",service="r.example",scope="repository:x:pull,push""#;
        assert_eq!(parse(text), [bearer(Some("repository:x:pull,push"))]);
        assert_eq!(parse("bearer Realm=https://a.example/token, SERVICE=r.example"), [bearer(None)]);
        assert_eq!(parse(r#"Basic realm="a, b""#), [Challenge::Basic]);
        let two = r#"Negotiate, Basic realm="x", Bearer realm="https://a.example/token",service="r.example""#;
        assert_eq!(parse(two), [Challenge::Basic, bearer(None)]);
        assert_eq!(parse("Bearer"), []);
    }

    #[test]
    fn token_requests_carry_scope_and_login() {
        let scopes = ["repository:a/b:pull,push".to_owned(), "repository:c:pull".to_owned()];
        let login = Credential::Password { username: "u".to_owned(), password: "p".to_owned() };
        let mut form = String::new();
        let (ask, auth) = token_request("https://a/t", Some("s s"), &scopes, Some(&login), &mut form);
        let url =
            "https://a/t?service=s%20s&scope=repository:a/b:pull,push&scope=repository:c:pull&account=u";
        assert_eq!((ask.url.as_str(), auth), (url, Some("Basic dTpw".to_owned())));
        let refresh = Credential::IdentityToken("r+t".to_owned());
        let (ask, auth) = token_request("https://a/t", None, &scopes, Some(&refresh), &mut form);
        assert_eq!((ask.method, auth), (Method::POST, None));
        assert!(form.contains("refresh_token=r%2Bt"));
    }

    #[test]
    fn token_answers_come_in_two_spellings() {
        let now = Instant::now();
        assert_eq!(read_token(br#"{"token":"a"}"#, now).unwrap().header, "Bearer a");
        assert_eq!(read_token(br#"{"access_token":"b","expires_in":300}"#, now).unwrap().header, "Bearer b");
        assert!(read_token(b"{}", now).is_none() && read_token(b"<html>", now).is_none());
    }
}
