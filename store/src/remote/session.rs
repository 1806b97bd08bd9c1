//! Requests to one repository at one registry: scheme, authorisation, retries, and what a refusal means.
//!
//! Owns: when a request is repeated and with which Authorization. Never does: interpreting manifests or blobs.

use std::io::Read;
use std::sync::PoisonError;
use std::time::{Duration, Instant, SystemTime};

use ureq::Body;
use ureq::http::{Response, StatusCode, header};

use super::auth::{self, Challenge, Granted};
use super::client::Client;
use super::credentials::Credential;
use super::name::is_loopback;
use super::registries::{Place, api_host};
use super::transport::{Ask, WireError};
use super::{Progress, RemoteError, Result, Watch};

const ATTEMPTS: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
const ERROR_BODY_LIMIT: u64 = 64 * 1024;

/// Requests to one repository.
pub(super) struct Session<'c> {
    pub(super) client: &'c Client,
    pub(super) place: Place,
    pub(super) watch: Watch<'c>,
    scopes: Vec<String>,
}

impl<'c> Session<'c> {
    /// A session that asks for these actions (`pull`, `pull,push`) and for pulling from other repositories.
    pub(super) fn new(
        client: &'c Client,
        place: Place,
        actions: &str,
        from: &[String],
        watch: Watch<'c>,
    ) -> Self {
        let mut scopes = vec![format!("repository:{}:{actions}", place.path)];
        scopes.extend(from.iter().map(|path| format!("repository:{path}:pull")));
        Self { client, place, watch, scopes }
    }

    /// A session with the registry itself, for checking a login.
    pub(super) fn of_registry(client: &'c Client, place: Place, watch: Watch<'c>) -> Self {
        Self { client, place, watch, scopes: Vec::new() }
    }

    /// The address that every registry answers (distribution specification, "Determining Support").
    pub(super) fn registry_url(&self) -> String {
        format!("{}://{}/v2/", self.client.scheme(&self.place.host), api_host(&self.place.host))
    }

    /// `host/path`, for messages.
    pub(super) fn repository(&self) -> String {
        format!("{}/{}", self.place.host, self.place.path)
    }

    /// The address of something in this repository, for example `manifests/latest`.
    pub(super) fn url(&self, rest: &str) -> String {
        let host = &self.place.host;
        format!("{}://{}/v2/{}/{rest}", self.client.scheme(host), api_host(host), self.place.path)
    }

    /// Sends a request as often as needed. Any answer that a repetition would not change is returned.
    pub(super) fn send(&self, ask: &Ask<'_>) -> Result<Response<Body>> {
        let mut asked_again = false;
        let mut attempt = 0;
        loop {
            self.check_cancelled()?;
            let granted = self.client.granted(&self.place.host, &self.scopes);
            match self.exchange(ask, granted.as_ref().map(|g| g.header.as_str())) {
                Ok(response) if response.status() == StatusCode::UNAUTHORIZED && !asked_again => {
                    asked_again = true;
                    self.authorise(response, granted)?;
                }
                Ok(response) if is_transient(response.status()) && attempt + 1 < ATTEMPTS => {
                    let after = retry_after(&response);
                    let url = self.asked_at(&ask.url);
                    let text = format!("`{url}` answered {}, trying again", response.status());
                    self.pause(attempt, after, text)?;
                    attempt += 1;
                }
                Ok(response) => return Ok(response),
                Err(WireError::Connection(why)) if attempt + 1 < ATTEMPTS => {
                    self.pause(attempt, None, format!("`{}`: {why}, trying again", self.asked_at(&ask.url)))?;
                    attempt += 1;
                }
                Err(error) => return Err(wire(&self.asked_at(&ask.url), error)),
            }
        }
    }

    /// Sends a request a single time, for bodies that a failed attempt uses up.
    pub(super) fn send_once(&self, ask: &Ask<'_>) -> Result<Response<Body>> {
        let granted = self.client.granted(&self.place.host, &self.scopes);
        self.exchange(ask, granted.as_ref().map(|g| g.header.as_str()))
            .map_err(|error| wire(&self.asked_at(&ask.url), error))
    }

    /// One exchange. A host that may be spoken to in plain http is tried with https first, once.
    fn exchange(
        &self,
        ask: &Ask<'_>,
        authorization: Option<&str>,
    ) -> std::result::Result<Response<Body>, WireError> {
        let host = &self.place.host;
        let insecure = self.place.insecure;
        let transport = &self.client.transport;
        if self.client.scheme_is_known(host) || !(insecure || is_loopback(host)) {
            return transport.exchange(&self.with_scheme(ask), authorization, insecure);
        }
        // Until the scheme is known nothing secret has been granted, so the first question goes out bare.
        match transport.exchange(ask, None, insecure) {
            Err(WireError::NotTls | WireError::Connection(_)) if !(self.watch.cancelled)() => {
                let plain = Ask { url: ask.url.replacen("https://", "http://", 1), ..ask.clone() };
                let answer = transport.exchange(&plain, None, insecure)?;
                self.client.learn_scheme(host, "http");
                Ok(answer)
            }
            Ok(answer) => {
                self.client.learn_scheme(host, "https");
                Ok(answer)
            }
            Err(error) => Err(error),
        }
    }

    /// A request that was made before the scheme was known may have to be repeated in the other one.
    pub(super) fn with_scheme<'a>(&self, ask: &Ask<'a>) -> Ask<'a> {
        Ask { url: self.asked_at(&ask.url), ..ask.clone() }
    }

    /// An address of before the scheme was known as it is asked at, also for messages.
    pub(super) fn asked_at(&self, url: &str) -> String {
        let home = format!("https://{}/", api_host(&self.place.host));
        match self.client.scheme(&self.place.host) == "http" && url.starts_with(&home) {
            true => url.replacen("https://", "http://", 1),
            false => url.to_owned(),
        }
    }

    /// Answers a 401 by getting a token, or by a password where the server wants one.
    /// `used` is what was refused; when another thread has got something newer since, that is tried instead.
    fn authorise(&self, response: Response<Body>, used: Option<Granted>) -> Result<()> {
        let _alone = self.client.authorising.lock().unwrap_or_else(PoisonError::into_inner);
        let challenges = auth::challenges(response.headers());
        let host = &self.place.host;
        let newer = self.client.granted(host, &self.scopes);
        if newer.is_some_and(|newer| used.is_none_or(|used| used.header != newer.header)) {
            return Ok(());
        }
        let credential = self.client.credential(host, &self.place.path)?;
        for challenge in &challenges {
            let granted = match (challenge, &credential) {
                (_, Some(Credential::RegistryToken(token))) => {
                    Some(Granted { header: format!("Bearer {token}"), until: None })
                }
                (Challenge::Basic, Some(Credential::Password { username, password })) => {
                    Some(Granted { header: auth::basic(username, password), until: None })
                }
                (Challenge::Basic, _) => None,
                (Challenge::Bearer { realm, service, scope }, credential) => {
                    let scopes = self.scopes_with(scope.as_deref());
                    Some(self.token(realm, service.as_deref(), &scopes, credential.as_ref())?)
                }
            };
            if let Some(granted) = granted {
                self.client.grant(host, &self.scopes, granted);
                return Ok(());
            }
        }
        Err(self.refusal(response, credential.is_some()))
    }

    fn scopes_with(&self, asked: Option<&str>) -> Vec<String> {
        let mut scopes = self.scopes.clone();
        for scope in asked.into_iter().flat_map(str::split_whitespace) {
            let covered =
                |own: &String| own == scope || own.strip_prefix(scope).is_some_and(|r| r.starts_with(','));
            if !scopes.iter().any(covered) {
                scopes.push(scope.to_owned());
            }
        }
        scopes.retain(|scope| !scope.is_empty());
        scopes
    }

    /// Asks a token service. A login goes there only over https, or to places where plain http is allowed.
    fn token(
        &self,
        realm: &str,
        service: Option<&str>,
        scopes: &[String],
        credential: Option<&Credential>,
    ) -> Result<Granted> {
        let realm_host = realm.split("://").nth(1).and_then(|r| r.split('/').next()).unwrap_or_default();
        let insecure = self.client.registries.is_insecure(realm_host);
        let private = realm.starts_with("https://") || is_loopback(realm_host) || insecure;
        let credential = credential.filter(|_| private);
        let mut form = String::new();
        let (ask, authorization) = auth::token_request(realm, service, scopes, credential, &mut form);
        let mut attempt = 0;
        let mut response = loop {
            match self.client.transport.exchange(&ask, authorization.as_deref(), insecure) {
                Ok(response) if is_transient(response.status()) && attempt + 1 < ATTEMPTS => {
                    self.pause(
                        attempt,
                        retry_after(&response),
                        format!("`{realm}` answered {}", response.status()),
                    )?;
                }
                Ok(response) => break response,
                Err(WireError::Connection(why)) if attempt + 1 < ATTEMPTS => {
                    self.pause(attempt, None, format!("`{realm}`: {why}, trying again"))?;
                }
                Err(error) => return Err(wire(realm, error)),
            }
            attempt += 1;
        };
        if !response.status().is_success() {
            return Err(self.refusal(response, credential.is_some()));
        }
        let body = read_limited(&mut response, 1024 * 1024);
        let why = "its token service sent no token".to_owned();
        auth::read_token(&body, Instant::now()).ok_or(RemoteError::Protocol { url: realm.to_owned(), why })
    }

    /// Turns an answer that is no success into an error.
    pub(super) fn refusal(&self, mut response: Response<Body>, with_credentials: bool) -> RemoteError {
        let status = response.status();
        let detail = detail(&mut response);
        let (host, what) = (self.place.host.clone(), self.place.path.clone());
        match status.as_u16() {
            401 => RemoteError::Unauthorized { host, what, detail, with_credentials },
            403 => RemoteError::Denied { host, what, detail },
            429 => RemoteError::RateLimited { host, detail },
            status => RemoteError::Status { url: self.url(""), status, detail },
        }
    }

    /// As [`Session::refusal`], saying which address answered.
    pub(super) fn refused(&self, url: &str, response: Response<Body>) -> RemoteError {
        let sent = self.client.granted(&self.place.host, &self.scopes).is_some();
        let with_credentials =
            sent && self.client.credential(&self.place.host, &self.place.path).is_ok_and(|c| c.is_some());
        match self.refusal(response, with_credentials) {
            RemoteError::Status { status, detail, .. } => {
                RemoteError::Status { url: self.asked_at(url), status, detail }
            }
            other => other,
        }
    }

    pub(super) fn check_cancelled(&self) -> Result<()> {
        if (self.watch.cancelled)() { Err(RemoteError::Cancelled) } else { Ok(()) }
    }

    /// Waits before the next attempt: as long as the server asks, else twice as long each time, spread a little so
    /// that many clients do not come back together.
    pub(super) fn pause(&self, attempt: u32, asked: Option<Duration>, text: String) -> Result<()> {
        self.check_cancelled()?;
        (self.watch.progress)(Progress::Notice { text });
        let backoff = FIRST_PAUSE.saturating_mul(1 << attempt.min(8));
        let nanos = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.subsec_nanos());
        let spread = backoff.mul_f64(f64::from(nanos % 1000) / 4000.0);
        let end = Instant::now() + asked.unwrap_or(backoff + spread).min(LONGEST_PAUSE);
        while let Some(left) = end.checked_duration_since(Instant::now()).filter(|d| !d.is_zero()) {
            self.check_cancelled()?;
            std::thread::sleep(left.min(Duration::from_millis(50)));
        }
        Ok(())
    }
}

pub(super) fn is_transient(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

/// `Retry-After` in either form (RFC 9110 section 10.2.3).
fn retry_after(response: &Response<Body>) -> Option<Duration> {
    let text = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    match text.trim().parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => httpdate::parse_http_date(text).ok()?.duration_since(SystemTime::now()).ok(),
    }
}

/// At most so many bytes of an answer; what cannot be read is left out.
fn read_limited(response: &mut Response<Body>, limit_bytes: u64) -> Vec<u8> {
    let mut body = Vec::new();
    // An error text that breaks off still says more than nothing.
    let _ = response.body_mut().as_reader().take(limit_bytes).read_to_end(&mut body);
    body
}

/// What a server says of its refusal: the protocol's error list, else its first line.
fn detail(response: &mut Response<Body>) -> String {
    let body = read_limited(response, ERROR_BODY_LIMIT);
    if let Ok(document) = serde_json::from_slice::<serde_json::Value>(&body) {
        let errors = document.get("errors").and_then(|e| e.as_array()).into_iter().flatten();
        let said: Vec<String> = errors
            .filter_map(|e| Some(format!("{}: {}", e.get("code")?.as_str()?, e.get("message")?.as_str()?)))
            .collect();
        let details = document.get("details").or_else(|| document.get("message")).and_then(|d| d.as_str());
        match (said.is_empty(), details) {
            (false, _) => return said.join("; "),
            (true, Some(text)) => return text.chars().take(200).collect(),
            (true, None) => {}
        }
    }
    let text = String::from_utf8_lossy(&body);
    match text.lines().next().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('<')) {
        Some(line) => line.chars().take(200).collect(),
        None => response.status().canonical_reason().unwrap_or("no reason given").to_owned(),
    }
}

/// A failure on the wire, with the address.
pub(super) fn wire(url: &str, error: WireError) -> RemoteError {
    let url = url.to_owned();
    match error {
        WireError::Tls(why) => RemoteError::Tls { url, why },
        WireError::NotTls => RemoteError::Tls { url, why: "the server does not speak TLS".to_owned() },
        WireError::Connection(why) => RemoteError::Unreachable { url, why },
        WireError::Request(why) => RemoteError::Protocol { url, why },
    }
}
