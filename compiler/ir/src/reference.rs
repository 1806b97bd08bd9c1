//! Image references: `[host[:port]/]path[:tag][@digest]` (distribution spec; Docker's normalisation rules).

use std::fmt;
use std::str::FromStr;

use buildc_digest::Digest;

/// The registry that names without a host mean.
pub const DEFAULT_REGISTRY: &str = "docker.io";

const IMPOSSIBLE_PORT: &str = "the registry's port is not a number from 1 to 65535";

/// A fully qualified image reference.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Reference {
    /// Registry host with optional port, for example `docker.io` or `127.0.0.1:5000`.
    pub host: String,
    /// Repository path, for example `library/busybox`.
    pub path: String,
    /// Tag; `latest` where neither tag nor digest was written, `None` where only a digest was.
    pub tag: Option<String>,
    /// Digest, which wins over the tag.
    pub digest: Option<Digest>,
    /// True when the user wrote no host: registries.conf may search other registries.
    pub short: bool,
}

/// A reference text that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseReferenceError {
    /// Nothing was written.
    #[error("image reference is empty")]
    Empty,
    /// The path breaks the rules.
    #[error("`{0}` is not a valid image name: {1}")]
    Name(String, &'static str),
    /// The tag breaks the rules.
    #[error("`{0}` is not a valid tag")]
    Tag(String),
    /// The digest cannot be read.
    #[error(transparent)]
    Digest(#[from] buildc_digest::ParseDigestError),
}

impl Reference {
    /// `host/path` without tag and digest, as in RepoDigests.
    pub fn repository(&self) -> String {
        format!("{}/{}", self.host, self.path)
    }

    /// The shortest text that means the same (`busybox:latest` for `docker.io/library/busybox:latest`).
    pub fn familiar(&self) -> String {
        let mut out = self.familiar_repository();
        if let Some(tag) = &self.tag {
            out.push(':');
            out.push_str(tag);
        }
        if let Some(digest) = &self.digest {
            out.push_str(&format!("@{digest}"));
        }
        out
    }

    /// The shortest text for the repository alone.
    pub fn familiar_repository(&self) -> String {
        if self.host == DEFAULT_REGISTRY {
            self.path.strip_prefix("library/").unwrap_or(&self.path).to_owned()
        } else {
            self.repository()
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.path)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        match &self.digest {
            Some(digest) => write!(f, "@{digest}"),
            None => Ok(()),
        }
    }
}

impl serde::Serialize for Reference {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl FromStr for Reference {
    type Err = ParseReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(ParseReferenceError::Empty);
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.parse()?)),
            None => (text, None),
        };
        let (name, tag) = match rest.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag.to_owned())),
            _ => (rest, None),
        };
        if let Some(tag) = &tag {
            check_tag(tag)?;
        }
        let (host, path) = split_host(name);
        let short = host.is_none();
        let host = match host {
            None | Some("index.docker.io") => DEFAULT_REGISTRY,
            Some(host) => host,
        };
        let path = if host == DEFAULT_REGISTRY && !path.contains('/') {
            format!("library/{path}")
        } else {
            path.to_owned()
        };
        if !has_possible_port(host) {
            return Err(ParseReferenceError::Name(name.to_owned(), IMPOSSIBLE_PORT));
        }
        check_path(name, &path)?;
        let tag = tag.or_else(|| digest.is_none().then(|| "latest".to_owned()));
        Ok(Self { host: host.to_owned(), path, tag, digest, short })
    }
}

fn split_host(name: &str) -> (Option<&str>, &str) {
    match name.split_once('/') {
        Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (Some(host), path),
        _ => (None, name),
    }
}

/// Whether the port of a host, if it has one, can be.
fn has_possible_port(host: &str) -> bool {
    let after_address = host.rsplit_once(']').map_or(host, |(_, rest)| rest);
    match after_address.split_once(':') {
        None => true,
        // `http://host/path` fails by its path, which says more.
        Some((_, "")) => true,
        Some((_, port)) => {
            port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
        }
    }
}

fn check_tag(tag: &str) -> Result<(), ParseReferenceError> {
    let ok = (1..=128).contains(&tag.len())
        && !tag.starts_with(['.', '-'])
        && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    ok.then_some(()).ok_or_else(|| ParseReferenceError::Tag(tag.to_owned()))
}

fn check_path(name: &str, path: &str) -> Result<(), ParseReferenceError> {
    let fail = |why| Err(ParseReferenceError::Name(name.to_owned(), why));
    if path.len() > 255 {
        return fail("it is longer than 255 characters");
    }
    if path.bytes().any(|b| b.is_ascii_uppercase()) {
        return fail("repository names are lower-case");
    }
    if path.len() == 64 && !path.contains('/') && path.bytes().all(|b| b.is_ascii_hexdigit()) {
        return fail("64 hexadecimal digits are an id, not a name");
    }
    if path.split('/').all(component) { Ok(()) } else { fail("a path component is malformed") }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn component(text: &str) -> bool {
    let bytes = text.as_bytes();
    let alnum = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let mut at = 0;
    loop {
        let run = bytes[at..].iter().take_while(|b| alnum(b)).count();
        if run == 0 {
            return false;
        }
        at += run;
        if at == bytes.len() {
            return true;
        }
        let separators = bytes[at..].iter().take_while(|b| !alnum(b)).count();
        let separator = &text[at..at + separators];
        if !matches!(separator, "." | "_" | "__") && !separator.bytes().all(|b| b == b'-') {
            return false;
        }
        at += separators;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_qualified_as_docker_does() {
        for (text, full, familiar) in [
            ("busybox", "docker.io/library/busybox:latest", "busybox:latest"),
            ("a/b:1", "docker.io/a/b:1", "a/b:1"),
            ("localhost/x", "localhost/x:latest", "localhost/x:latest"),
            ("127.0.0.1:5000/x/y:t", "127.0.0.1:5000/x/y:t", "127.0.0.1:5000/x/y:t"),
            ("index.docker.io/library/x", "docker.io/library/x:latest", "x:latest"),
        ] {
            let r: Reference = text.parse().unwrap();
            assert_eq!(r.to_string(), full);
            assert_eq!(r.familiar(), familiar);
            assert_eq!(r.familiar().parse::<Reference>().unwrap().to_string(), full);
        }
    }

    #[test]
    fn a_digest_alone_has_no_tag() {
        let digest = Digest::of(b"");
        let r: Reference = format!("busybox@{digest}").parse().unwrap();
        assert_eq!((r.tag, r.digest), (None, Some(digest)));
    }

    #[test]
    fn bad_names_are_refused() {
        for text in ["", "Foo", "a//b", "a:", "a/b:-x", "x@sha256:1", "a_-b", "ä", "a b", "-a", "a-"]
            .into_iter()
            .chain(["h:99999/x", "h:0/x", "h:a/x", "[::1]:70000/x", "http://h/x"])
        {
            assert!(text.parse::<Reference>().is_err(), "{text}");
        }
        for text in ["a--b", "a__b", "a.b_c", "x1", "h:65535/x", "[::1]:5000/x", "[::1]/x"] {
            assert!(text.parse::<Reference>().is_ok(), "{text}");
        }
    }
}
