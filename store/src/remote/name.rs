//! Image names as registries use them: `host/path[:tag][@digest]`.
//!
//! Owns: reading a name and docker.io's special rules. Never does: search lists and aliases (`registries`).

use std::fmt;

use buildc_digest::Digest;

use super::{RemoteError, Result};

/// The registry that short names mean when nothing says otherwise.
pub(super) const DOCKER_IO: &str = "docker.io";

/// A name with its host spelled out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Name {
    /// Host with port.
    pub(super) host: String,
    /// Repository within the host.
    pub(super) path: String,
    /// Missing when only a digest was given.
    pub(super) tag: Option<String>,
    /// What is fetched when both are given.
    pub(super) digest: Option<Digest>,
}

impl Name {
    /// Reads a name; one without host is docker.io's.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let fail = |why| RemoteError::Name { text: text.to_owned(), why };
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => {
                let digest = digest.parse().map_err(|_| fail("its digest is not `sha256:` and 64 digits"))?;
                (rest, Some(digest))
            }
            None => (text, None),
        };
        let (name, tag) = match rest.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            _ => (rest, None),
        };
        if !tag.is_none_or(is_tag) {
            return Err(fail("its tag is malformed"));
        }
        let (host, path) = match split_host(name) {
            (None | Some("index.docker.io"), path) => (DOCKER_IO, path),
            (Some(host), path) => (host, path),
        };
        let path = match path.contains('/') || host != DOCKER_IO {
            true => path.to_owned(),
            false => format!("library/{path}"),
        };
        if !has_possible_port(host) {
            return Err(fail("the registry's port is not a number from 1 to 65535"));
        }
        check_path(&path).map_err(fail)?;
        let tag = tag.map(str::to_owned).or_else(|| digest.is_none().then(|| "latest".to_owned()));
        Ok(Self { host: host.to_owned(), path, tag, digest })
    }

    /// Says whether a text leaves the host open.
    pub(super) fn is_short(text: &str) -> bool {
        let name = text.split('@').next().unwrap_or(text);
        split_host(name).0.is_none()
    }

    /// `host/path`.
    pub(super) fn repository(&self) -> String {
        format!("{}/{}", self.host, self.path)
    }

    /// What stands behind `/manifests/`: the digest when there is one, else the tag.
    pub(super) fn reference(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => digest.to_string(),
            (None, Some(tag)) => tag.clone(),
            (None, None) => "latest".to_owned(),
        }
    }
}

impl fmt::Display for Name {
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

/// Splits a host off: the first component is one only with a dot, a colon, or as `localhost`.
pub(super) fn split_host(name: &str) -> (Option<&str>, &str) {
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

/// Says whether a host is this machine, so that plain http cannot be overheard.
pub(super) fn is_loopback(host: &str) -> bool {
    let bare = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => host.split(':').next().unwrap_or(host),
    };
    let address = bare.parse::<std::net::IpAddr>();
    bare == "localhost" || bare.ends_with(".localhost") || address.is_ok_and(|a| a.is_loopback())
}

fn is_tag(tag: &str) -> bool {
    (1..=128).contains(&tag.len())
        && !tag.starts_with(['.', '-'])
        && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

fn check_path(path: &str) -> std::result::Result<(), &'static str> {
    match path {
        _ if path.len() > 255 => Err("it is longer than 255 characters"),
        _ if path.bytes().any(|b| b.is_ascii_uppercase()) => Err("repository names are lower-case"),
        _ if !path.split('/').all(is_component) => Err("a path component is malformed"),
        _ => Ok(()),
    }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*` (distribution specification, "Pulling manifests").
fn is_component(text: &str) -> bool {
    let alnum = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let ends = text.bytes().next().is_some_and(alnum) && text.bytes().last().is_some_and(alnum);
    let separators = text.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    let known = |s: &str| matches!(s, "" | "." | "_" | "__") || s.bytes().all(|b| b == b'-');
    ends && separators.into_iter().all(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_qualified_as_docker_does() {
        for (text, full) in [
            ("busybox", "docker.io/library/busybox:latest"),
            ("a/b:1", "docker.io/a/b:1"),
            ("index.docker.io/x", "docker.io/library/x:latest"),
            ("localhost/x", "localhost/x:latest"),
            ("127.0.0.1:5000/x/y:t", "127.0.0.1:5000/x/y:t"),
        ] {
            assert_eq!(Name::parse(text).unwrap().to_string(), full);
        }
        assert!(Name::is_short("busybox:1") && Name::is_short("a/b") && !Name::is_short("localhost/b"));
    }

    #[test]
    fn malformed_names_are_refused() {
        for text in [
            "",
            "Foo",
            "a//b",
            "a:",
            "a/b:-x",
            "x@sha256:1",
            "a_-b",
            "ä",
            "a b",
            "-a",
            "a-",
            "a..b",
            "h:99999/x",
            "h:a/x",
        ] {
            assert!(Name::parse(text).is_err(), "{text}");
        }
        for text in ["a--b", "a__b", "a.b_c", "x1", "[::1]:5000/x"] {
            assert!(Name::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn loopback_is_this_machine_only() {
        for host in ["localhost:5000", "127.0.0.1", "127.9.9.9:1", "[::1]:5000", "x.localhost"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["localhost.example.com", "128.0.0.1", "[::2]:5000"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
