//! The grammar of URLs (RFC 3986, appendix A), and how Nix names what is wrong.
//!
//! Owns: where the parts of a text are. Never does: decoding them.

use std::net::Ipv6Addr;

/// What is wrong with a text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Syntax {
    /// A beginning is a URL, the rest is not.
    Leftover,
    /// A part is none.
    Mismatch,
}

impl Syntax {
    pub(super) fn text(self) -> &'static str {
        match self {
            Syntax::Leftover => "leftover",
            Syntax::Mismatch => "mismatch",
        }
    }
}

/// The parts of a URL, or of a reference relative to one, as written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts<'t> {
    pub(super) scheme: Option<&'t str>,
    pub(super) authority: Option<AuthorityParts<'t>>,
    pub(super) path: &'t str,
    pub(super) query: &'t str,
    pub(super) fragment: &'t str,
}

/// `[USER[:PASSWORD]@]HOST[:PORT]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct AuthorityParts<'t> {
    pub(super) user: Option<&'t str>,
    pub(super) host: &'t str,
    pub(super) port: Option<&'t str>,
}

/// Takes a whole text apart.
pub(super) fn scan(text: &str) -> Result<Parts<'_>, Syntax> {
    let scheme = text.split_once(':').filter(|(scheme, _)| super::is_scheme(scheme));
    let rest = scheme.map_or(text, |(_, rest)| rest);
    let (authority, rest) = match rest.strip_prefix("//") {
        Some(rest) => {
            let (authority, rest) = authority(rest)?;
            (Some(authority), rest)
        }
        None => (None, rest),
    };
    let (path, rest) = match authority {
        Some(_) if !rest.starts_with('/') => ("", rest),
        _ => run(rest, |c| is_pchar(c) || c == '/')?,
    };
    let first = path.split('/').next().unwrap_or_default();
    if scheme.is_none() && authority.is_none() && !first.starts_with(':') && first.contains(':') {
        return Err(Syntax::Mismatch);
    }
    // A path that starts with a colon is empty without a scheme.
    if scheme.is_none() && authority.is_none() && first.starts_with(':') {
        return Err(Syntax::Leftover);
    }
    let (query, rest) = match rest.strip_prefix('?') {
        Some(rest) => run(rest, is_query_char).map_err(|_| Syntax::Leftover)?,
        None => ("", rest),
    };
    let (fragment, rest) = match rest.strip_prefix('#') {
        Some(rest) => run(rest, |c| is_pchar(c) || "/?#".contains(c))?,
        None => ("", rest),
    };
    if !rest.is_empty() {
        return Err(Syntax::Leftover);
    }
    Ok(Parts { scheme: scheme.map(|(scheme, _)| scheme), authority, path, query, fragment })
}

/// Whether a text is a query, without the question mark.
pub(super) fn is_query(text: &str) -> bool {
    run(text, is_query_char).is_ok_and(|(_, rest)| rest.is_empty())
}

/// The longest beginning of such characters and of `%XX`, and the rest.
fn run(text: &str, is_part: impl Fn(char) -> bool) -> Result<(&str, &str), Syntax> {
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        if c == '%' {
            let digits = text.as_bytes().get(at + 1..at + 3).ok_or(Syntax::Mismatch)?;
            if !digits.iter().all(u8::is_ascii_hexdigit) {
                return Err(Syntax::Mismatch);
            }
            at += 3;
        } else if is_part(c) {
            at += c.len_utf8();
        } else {
            break;
        }
    }
    Ok(text.split_at(at))
}

/// The authority that a text starts with, and the rest.
fn authority(text: &str) -> Result<(AuthorityParts<'_>, &str), Syntax> {
    let named = run(text, |c| is_name_char(c) || c == ':').ok();
    let named = named.and_then(|(user, rest)| Some((user, rest.strip_prefix('@')?)));
    let (user, rest) = named.map_or((None, text), |(user, rest)| (Some(user), rest));
    let (host, rest) = match rest.strip_prefix('[') {
        Some(inside) => {
            let (address, _) = inside.split_once(']').ok_or(Syntax::Mismatch)?;
            if !is_address(address) {
                return Err(Syntax::Mismatch);
            }
            rest.split_at(address.len() + 2)
        }
        None => run(rest, is_name_char)?,
    };
    let (port, rest) = match rest.strip_prefix(':') {
        Some(rest) => {
            let (port, rest) = rest.split_at(rest.bytes().take_while(u8::is_ascii_digit).count());
            (Some(port), rest)
        }
        None => (None, rest),
    };
    Ok((AuthorityParts { user, host, port }, rest))
}

/// What may stand between brackets: an address of IPv6 with a zone or without, or one of a later version.
fn is_address(text: &str) -> bool {
    if let Some(later) = text.strip_prefix('v') {
        return later.split_once('.').is_some_and(|(version, address)| {
            let is_version = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_hexdigit());
            let is_part = |c: char| c.is_ascii() && (is_unreserved(c) || is_delimiter(c) || c == ':');
            is_version && !address.is_empty() && address.chars().all(is_part)
        });
    }
    let (address, zone) = match text.split_once("%25") {
        Some((address, zone)) => (address, Some(zone)),
        None => (text, None),
    };
    let is_zone =
        |zone: &str| !zone.is_empty() && run(zone, is_unreserved).is_ok_and(|(_, rest)| rest.is_empty());
    address.parse::<Ipv6Addr>().is_ok() && zone.is_none_or(is_zone)
}

fn is_unreserved(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~".contains(c)
}

fn is_delimiter(c: char) -> bool {
    "!$&'()*+,;=".contains(c)
}

fn is_name_char(c: char) -> bool {
    is_unreserved(c) || is_delimiter(c)
}

fn is_pchar(c: char) -> bool {
    is_name_char(c) || c == ':' || c == '@'
}

fn is_query_char(c: char) -> bool {
    is_pchar(c) || "/?[]".contains(c)
}
