//! One HTTP exchange: connections, TLS trust, proxies, redirects.
//!
//! Owns: the agents of each host and the classification of what goes wrong on the wire. Never does: retries,
//! authentication, or reading of answers. Credentials never follow a redirect to another place.

use std::collections::HashMap;
use std::io::Read;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use ureq::http::{Method, Request, Response, Uri, header};
use ureq::tls::{PemItem, TlsConfig, parse_pem};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{ConnectProxyConnector, Connector, TcpConnector};
use ureq::{Agent, Body, SendBody};

use super::name::is_loopback;
use super::tls::TlsConnector;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
const STALL_TIMEOUT: Duration = Duration::from_secs(90);
const MAX_REDIRECTS: usize = 5;
const SYSTEM_BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Opens the bytes to send; called again for each attempt.
pub(super) type OpenBody<'a> = &'a dyn Fn() -> std::io::Result<Box<dyn Read + 'a>>;

/// What a request carries.
#[derive(Clone, Copy)]
pub(super) enum Payload<'a> {
    None,
    Bytes(&'a [u8]),
    Stream { open: OpenBody<'a>, size_bytes: u64 },
}

/// One request, repeatable.
#[derive(Clone)]
pub(super) struct Ask<'a> {
    pub(super) method: Method,
    pub(super) url: String,
    pub(super) headers: Vec<(header::HeaderName, String)>,
    pub(super) payload: Payload<'a>,
}

impl<'a> Ask<'a> {
    pub(super) fn new(method: Method, url: String) -> Self {
        Self { method, url, headers: Vec::new(), payload: Payload::None }
    }

    pub(super) fn with(mut self, name: header::HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn carrying(mut self, payload: Payload<'a>) -> Self {
        self.payload = payload;
        self
    }
}

/// What goes wrong before an answer arrives.
#[derive(Debug)]
pub(super) enum WireError {
    /// The certificate is not trusted, or the handshake fails.
    Tls(String),
    /// The other side does not speak TLS.
    NotTls,
    /// No connection, or it broke.
    Connection(String),
    /// The request itself cannot be sent.
    Request(String),
}

/// Connections to all hosts of one client.
#[derive(Debug, Default)]
pub(super) struct Transport {
    agents: Mutex<HashMap<(String, bool), Agent>>,
    certificate_dirs: Option<Vec<PathBuf>>,
}

impl Transport {
    /// Takes `certs.d` directories from these places instead of the system's and the user's.
    pub(super) fn with_certificate_dirs(dirs: Vec<PathBuf>) -> Self {
        Self { certificate_dirs: Some(dirs), ..Self::default() }
    }

    /// Sends one request and follows redirects. `authorization` goes to the first address only, and to redirects
    /// that stay on the same scheme, host and port.
    pub(super) fn exchange(
        &self,
        ask: &Ask<'_>,
        authorization: Option<&str>,
        insecure: bool,
    ) -> Result<Response<Body>, WireError> {
        let first = parse_url(&ask.url)?;
        let mut url = first.clone();
        for _ in 0..=MAX_REDIRECTS {
            let home = url.scheme() == first.scheme() && url.authority() == first.authority();
            let response = self.send(ask, &url, authorization.filter(|_| home), insecure && home)?;
            let moved = response.status().is_redirection()
                && matches!(ask.method, Method::GET | Method::HEAD)
                && response.headers().contains_key(header::LOCATION);
            if !moved {
                return Ok(response);
            }
            let location = response.headers().get(header::LOCATION).and_then(|v| v.to_str().ok());
            url = parse_url(&join(&url.to_string(), location.unwrap_or_default()))?;
        }
        Err(WireError::Request(format!("more than {MAX_REDIRECTS} redirects")))
    }

    /// Ends what is under way on any connection with an error; later exchanges make new ones.
    pub(super) fn close(&self) {
        let mut agents = self.agents.lock().unwrap_or_else(PoisonError::into_inner);
        agents.drain().for_each(|(_, agent)| agent.shutdown());
    }

    fn send(
        &self,
        ask: &Ask<'_>,
        url: &Uri,
        authorization: Option<&str>,
        insecure: bool,
    ) -> Result<Response<Body>, WireError> {
        let agent = self.agent(url, insecure)?;
        let mut request = Request::builder().method(ask.method.clone()).uri(url.clone());
        for (name, value) in &ask.headers {
            request = request.header(name, value);
        }
        if let Some(value) = authorization {
            request = request.header(header::AUTHORIZATION, value);
        }
        let bad = |error: ureq::http::Error| WireError::Request(error.to_string());
        let answer = match ask.payload {
            Payload::None if ask.method == Method::POST || ask.method == Method::PUT => {
                agent.run(request.body(&[][..]).map_err(bad)?)
            }
            Payload::None => agent.run(request.body(()).map_err(bad)?),
            Payload::Bytes(bytes) => agent.run(request.body(bytes).map_err(bad)?),
            Payload::Stream { open, size_bytes } => {
                let mut reader = open().map_err(|error| WireError::Request(error.to_string()))?;
                let request = request.header(header::CONTENT_LENGTH, size_bytes);
                agent.run(request.body(SendBody::from_reader(&mut reader)).map_err(bad)?)
            }
        };
        answer.map_err(classify)
    }

    /// The agent of one host; certificates are read when the first https connection needs them.
    fn agent(&self, url: &Uri, insecure: bool) -> Result<Agent, WireError> {
        let host = url.authority().map(|a| a.as_str().to_owned()).unwrap_or_default();
        let tls = url.scheme_str() == Some("https");
        let key = (format!("{}://{host}", url.scheme_str().unwrap_or_default()), insecure);
        let mut agents = self.agents.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(agent) = agents.get(&key) {
            return Ok(agent.clone());
        }
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("buildc/", env!("CARGO_PKG_VERSION")))
            // Blobs must arrive as they are stored.
            .accept_encoding(ureq::config::AutoHeaderValue::None)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_per_read(Some(STALL_TIMEOUT))
            .timeout_per_write(Some(STALL_TIMEOUT));
        if is_loopback(&host) {
            config = config.proxy(None);
        }
        let agent = if tls && !insecure {
            let connector = TlsConnector::new(self.trusted(&host)).map_err(|error| of_rustls(&error))?;
            let plain = ().chain(ConnectProxyConnector::default()).chain(TcpConnector::default());
            Agent::with_parts(config.build(), plain.chain(connector), DefaultResolver::default())
        } else {
            let unverified = TlsConfig::builder().disable_verification(insecure);
            Agent::new_with_config(config.tls_config(unverified.build()).build())
        };
        agents.insert(key, agent.clone());
        Ok(agent)
    }

    /// `$SSL_CERT_FILE` or the system's bundle, `$SSL_CERT_DIR`, and `certs.d/HOST/*.crt`.
    fn trusted(&self, host: &str) -> Vec<CertificateDer<'static>> {
        let set = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let bundle = set("SSL_CERT_FILE")
            .or_else(|| SYSTEM_BUNDLES.iter().map(PathBuf::from).find(|path| path.exists()));
        let mut files: Vec<PathBuf> = bundle.into_iter().collect();
        files.extend(set("SSL_CERT_DIR").into_iter().flat_map(|dir| certificates_in(&dir)));
        for dir in self.certificate_dirs.clone().unwrap_or_else(default_certificate_dirs) {
            files.extend(certificates_in(&dir.join(host)));
        }
        let texts = files.iter().filter_map(|path| std::fs::read(path).ok());
        texts.flat_map(|text| parse_pem(&text).filter_map(certificate).collect::<Vec<_>>()).collect()
    }
}

fn certificate(item: Result<PemItem<'static>, ureq::Error>) -> Option<CertificateDer<'static>> {
    match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate.der().to_vec().into()),
        _ => None,
    }
}

fn certificates_in(dir: &std::path::Path) -> Vec<PathBuf> {
    let is_certificate = |p: &PathBuf| p.extension().is_some_and(|e| e == "crt" || e == "pem");
    let mut files: Vec<PathBuf> = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| e.path())
        .filter(is_certificate)
        .collect();
    files.sort();
    files
}

/// Where Docker and containers keep the CAs of single registries (containers-certs.d(5)).
fn default_certificate_dirs() -> Vec<PathBuf> {
    let user = super::registries::user_config_dir().map(|dir| dir.join("containers/certs.d"));
    let system = ["/etc/containers/certs.d", "/etc/docker/certs.d"].map(PathBuf::from);
    user.into_iter().chain(system).collect()
}

fn parse_url(text: &str) -> Result<Uri, WireError> {
    let uri: Uri = text.parse().map_err(|_| WireError::Request(format!("`{text}` is not an address")))?;
    match (uri.scheme_str(), uri.authority()) {
        (Some("http" | "https"), Some(_)) => Ok(uri),
        _ => Err(WireError::Request(format!("`{text}` is not an http address"))),
    }
}

/// Resolves a Location against the address that answered it (RFC 3986 section 5, the forms registries use).
pub(super) fn join(base: &str, location: &str) -> String {
    if location.contains("://") {
        return location.to_owned();
    }
    let (scheme, rest) = base.split_once("://").unwrap_or(("https", base));
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if let Some(other) = location.strip_prefix("//") {
        return format!("{scheme}://{other}");
    }
    if location.starts_with('/') {
        return format!("{scheme}://{authority}{location}");
    }
    let path = path.split('?').next().unwrap_or(path);
    let dir = path.rsplit_once('/').map_or("", |(dir, _)| dir);
    let slash = if dir.is_empty() { "" } else { "/" };
    format!("{scheme}://{authority}/{dir}{slash}{location}")
}

fn classify(error: ureq::Error) -> WireError {
    match error {
        ureq::Error::Rustls(error) => of_rustls(&error),
        ureq::Error::Io(error) => match error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>()) {
            Some(tls) => of_rustls(tls),
            None => WireError::Connection(error.to_string()),
        },
        ureq::Error::Tls(why) => WireError::Tls(why.to_owned()),
        ureq::Error::HostNotFound => WireError::Connection("the host name is not known".to_owned()),
        ureq::Error::BadUri(why) => WireError::Request(why),
        ureq::Error::Http(error) => WireError::Request(error.to_string()),
        other => WireError::Connection(other.to_string()),
    }
}

fn of_rustls(error: &rustls::Error) -> WireError {
    match error {
        rustls::Error::InvalidMessage(_) => WireError::NotTls,
        other => WireError::Tls(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_resolved_against_the_address() {
        let base = "http://h:5000/v2/x/blobs/uploads/?a=b";
        for (location, want) in [
            ("https://o/x?q=1", "https://o/x?q=1"),
            ("/v2/y?_state=z", "http://h:5000/v2/y?_state=z"),
            ("//o/y", "http://o/y"),
            ("u1?s=/", "http://h:5000/v2/x/blobs/uploads/u1?s=/"),
        ] {
            assert_eq!(join(base, location), want);
        }
    }

    #[test]
    fn a_port_without_listener_is_a_connection_error() {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let ask = Ask::new(Method::GET, format!("http://127.0.0.1:{port}/v2/"));
        let error = Transport::default().exchange(&ask, None, false).unwrap_err();
        assert!(matches!(error, WireError::Connection(_)), "{error:?}");
    }
}
