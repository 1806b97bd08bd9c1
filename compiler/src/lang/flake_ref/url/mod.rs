//! URLs, taken apart and put together again as Nix does.
//!
//! Owns: the parts and their decoding. What may stand where is in [`grammar`]. Never does: knowing what a URL leads to.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::FlakeRefError;
use grammar::{Syntax, scan};
pub(super) use percent::{checked, decode, encode};

mod authority;
mod grammar;
mod percent;

use authority::Authority;

/// What stands unencoded in paths, and in queries.
const PATH: &str = ":@";
const QUERY: &str = ":@/?";

/// Names and values, decoded.
pub(super) type Query = BTreeMap<Vec<u8>, Vec<u8>>;

/// How strictly a text is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reading {
    /// As RFC 3986 has it.
    Strict,
    /// Blanks and quotes may stand in queries and fragments, carets in fragments.
    Lenient,
}

/// A URL.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Url {
    /// Before the first colon, as written.
    pub scheme: String,
    /// Between `//` and the path.
    pub(super) authority: Option<Authority>,
    /// The decoded texts between slashes; the first is empty where the path starts with one.
    pub(super) path: Vec<Vec<u8>>,
    pub(super) query: Query,
    /// Decoded text after `#`.
    pub(super) fragment: Vec<u8>,
    /// Parts of the query without `=`, as written. They mean nothing, and Nix warns of them.
    pub(super) ignored: Vec<String>,
}

impl Url {
    /// Takes a URL apart.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str, reading: Reading) -> Result<Self, FlakeRefError> {
        let wrong = |why: &str| FlakeRefError::url(format!("'{text}' is not a valid URL: {why}"));
        let read = match reading {
            Reading::Strict => Cow::Borrowed(text),
            Reading::Lenient => Cow::Owned(mended(text)),
        };
        let parts = scan(&read).map_err(|syntax| wrong(syntax.text()))?;
        let Some(scheme) = parts.scheme else {
            return Err(FlakeRefError::url(format!("'{read}' doesn't have a scheme")));
        };
        let authority = parts.authority.map(Authority::parse).transpose()?;
        let is_file = split_scheme(scheme).1 == "file";
        if let Some(authority) = authority.as_ref().filter(|authority| is_file && authority.has_host()) {
            let text = format!("file:// URL '{read}' has unexpected authority '{authority}'");
            return Err(FlakeRefError::url(text));
        }
        let path = if is_file && parts.path.is_empty() { "/" } else { parts.path };
        let (query, ignored) = parse_query(parts.query)?;
        Ok(Self {
            scheme: scheme.to_owned(),
            authority,
            path: path.split('/').map(decode).collect(),
            query,
            fragment: decode(parts.fragment),
            ignored,
        })
    }

    /// A URL of a scheme and a path that is written with slashes.
    pub(super) fn of_parts(scheme: &str, path: &str) -> Self {
        let path = path.split('/').map(|segment| segment.as_bytes().to_owned()).collect();
        Self { scheme: scheme.to_owned(), path, ..Self::default() }
    }

    /// The same with an authority that is empty.
    pub(super) fn with_empty_authority(self) -> Self {
        Self { authority: Some(Authority::default()), ..self }
    }

    /// The path as files have it: slashes are not repeated.
    ///
    /// # Errors
    /// Where a part has a slash or a NUL in it.
    pub fn file_path(&self) -> Result<String, FlakeRefError> {
        for segment in &self.path {
            let wrong = match (segment.contains(&b'/'), segment.contains(&0)) {
                (true, _) => "contains '/', which is not allowed in file names",
                (_, true) => "contains NUL byte which is not allowed",
                _ => continue,
            };
            let segment = shown(segment).replace('\0', "␀");
            return Err(FlakeRefError::url(format!("URL path component '{segment}' {wrong}")));
        }
        let named: Vec<&[u8]> = self.segments().collect();
        let mut path = named.join(&b'/');
        if self.path.first().is_none_or(Vec::is_empty) {
            path.insert(0, b'/');
        }
        if !named.is_empty() && self.path.last().is_some_and(Vec::is_empty) {
            path.push(b'/');
        }
        Ok(shown(&path))
    }

    /// The parts of the path that are not empty.
    pub(super) fn segments(&self) -> impl Iterator<Item = &[u8]> {
        self.path.iter().map(Vec::as_slice).filter(|segment| !segment.is_empty())
    }

    /// Takes a parameter out of the query.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        self.query.remove(name.as_bytes()).map(|value| shown(&value))
    }

    /// Adds a parameter, in the place of another of this name.
    pub(super) fn set(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.query.insert(name.as_bytes().to_owned(), value.into());
    }
}

impl std::fmt::Display for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:", self.scheme)?;
        if let Some(authority) = &self.authority {
            write!(f, "//{authority}")?;
        }
        let path: Vec<String> = self.path.iter().map(|segment| encode(segment, PATH)).collect();
        f.write_str(&path.join("/"))?;
        for (index, (name, value)) in self.query.iter().enumerate() {
            let before = if index == 0 { '?' } else { '&' };
            write!(f, "{before}{}={}", encode(name, QUERY), encode(value, QUERY))?;
        }
        if self.fragment.is_empty() { Ok(()) } else { write!(f, "#{}", encode(&self.fragment, "")) }
    }
}

/// The URL of an absolute path of this machine.
#[must_use]
pub fn of_path(path: &str) -> Url {
    Url::of_parts("file", path).with_empty_authority()
}

/// Bytes as attributes and errors have them.
pub(super) fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `APPLICATION+TRANSPORT`, or the transport alone.
pub(super) fn split_scheme(scheme: &str) -> (Option<&str>, &str) {
    match scheme.split_once('+') {
        Some((application, transport)) => (Some(application), transport),
        None => (None, scheme),
    }
}

/// `[a-zA-Z][a-zA-Z0-9+.-]*` (RFC 3986, 3.1)
pub(in crate::lang) fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

/// The names and values of a query, the first of each name, and the parts that have no `=`.
pub(super) fn parse_query(query: &str) -> Result<(Query, Vec<String>), FlakeRefError> {
    let (mut found, mut ignored) = (Query::new(), Vec::new());
    let mended = escaped(query, " \"");
    if !grammar::is_query(&mended) {
        let why = Syntax::Leftover.text();
        return Err(FlakeRefError::url(format!("invalid URI query '{query}': {why}")));
    }
    for part in mended.split('&').filter(|_| !mended.is_empty()) {
        match part.split_once('=') {
            Some((name, value)) => drop(found.entry(decode(name)).or_insert_with(|| decode(value))),
            None => ignored.push(part.to_owned()),
        }
    }
    Ok((found, ignored))
}

/// A text with what [`Reading::Lenient`] lets stand encoded.
fn mended(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    if let Some((before, after)) = text.split_once('?') {
        let (query, fragment) = after.split_at(after.find('#').unwrap_or(after.len()));
        out.extend([before, "?", &escaped(query, " \"")]);
        rest = fragment;
    }
    match rest.split_once('#') {
        Some((before, fragment)) => out.extend([before, "#", &escaped(fragment, " \"^")]),
        None => out.push_str(rest),
    }
    out
}

fn escaped(text: &str, which: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if which.contains(c) { out.push_str(&format!("%{:02X}", c as u32)) } else { out.push(c) }
    }
    out
}
