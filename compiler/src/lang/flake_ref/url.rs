//! URLs, taken apart and put together again as Nix does.

use std::collections::BTreeMap;

use super::FlakeRefError;

/// A URL. All parts but the fragment are decoded where they are read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Url {
    /// Before the first colon.
    pub scheme: String,
    /// Between `//` and the path, as written.
    pub authority: Option<String>,
    /// Decoded; with the slash in front if there is one.
    pub path: String,
    /// Decoded names and values.
    pub query: BTreeMap<String, String>,
    /// Decoded text after `#`.
    pub fragment: String,
}

impl Url {
    /// Takes a URL apart.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, FlakeRefError> {
        let wrong = || FlakeRefError::url(format!("'{text}' is not a valid URL"));
        let (scheme, rest) = text
            .split_once(':')
            .ok_or_else(|| FlakeRefError::url(format!("'{text}' doesn't have a scheme")))?;
        if !is_scheme(scheme) {
            return Err(FlakeRefError::url(format!("'{text}' doesn't have a scheme")));
        }
        let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        if rest.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(wrong());
        }
        let (authority, path) = match rest.strip_prefix("//") {
            None => (None, rest),
            Some(rest) => {
                let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                (Some(authority.to_owned()), path)
            }
        };
        Ok(Self {
            scheme: scheme.to_owned(),
            authority,
            path: decode(path).ok_or_else(wrong)?,
            query: parse_query(query).ok_or_else(wrong)?,
            fragment: decode(fragment).ok_or_else(wrong)?,
        })
    }
}

impl std::fmt::Display for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:", self.scheme)?;
        if let Some(authority) = &self.authority {
            write!(f, "//{authority}")?;
        }
        f.write_str(&encode(&self.path, ":@/"))?;
        for (index, (name, value)) in self.query.iter().enumerate() {
            let before = if index == 0 { '?' } else { '&' };
            write!(f, "{before}{}={}", encode(name, ":@/?"), encode(value, ":@/?"))?;
        }
        if self.fragment.is_empty() { Ok(()) } else { write!(f, "#{}", encode(&self.fragment, ":@/?")) }
    }
}

/// The URL of an absolute path of this machine.
pub fn of_path(path: &str) -> String {
    format!("file://{}", encode(path, ":@/"))
}

/// `[a-zA-Z][a-zA-Z0-9+.-]*` (RFC 3986, 3.1)
pub(in crate::lang) fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

/// The names and values of a query; a part without `=` says nothing.
pub(super) fn parse_query(query: &str) -> Option<BTreeMap<String, String>> {
    let parts = query.split('&').filter_map(|part| part.split_once('='));
    parts.map(|(name, value)| Some((decode(name)?, decode(value)?))).collect()
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || (rest.next()? as char).to_digit(16);
        bytes.push((digit()? << 4 | digit()?) as u8);
    }
    String::from_utf8(bytes).ok()
}

/// Everything but letters, digits, `-._~` and `kept` is written as `%XX`.
fn encode(text: &str, kept: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        let c = byte as char;
        if c.is_ascii_alphanumeric() || "-._~".contains(c) || kept.contains(c) {
            out.push(c);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
