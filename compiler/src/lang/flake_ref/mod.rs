//! References to sources as flakes write them: `github:owner/repo/ref?dir=sub`, and the same as a set of attributes.
//!
//! Owns: both forms, and which attributes each scheme has. Never does: fetching, or looking into a registry.
//!
//! The forms are those of Nix 2.34, <https://nix.dev/manual/nix/2.34/command-ref/new-cli/nix3-flake#flake-references>.

use std::collections::BTreeMap;

mod parse;
mod print;
mod scheme;
#[cfg(test)]
mod tests;
mod url;

pub use parse::{of_url, parse};
pub use scheme::check;
pub(in crate::lang) use url::is_scheme;
pub use url::{Url, of_path};

/// What an attribute of a reference is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Attribute {
    /// A text.
    Text(String),
    /// A number, never negative.
    Number(u64),
    /// A switch.
    Switch(bool),
}

/// The attributes of a reference, `type` among them.
pub type Attributes = BTreeMap<String, Attribute>;

/// Why something is no reference: Nix's text, without `error: `.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{text}")]
pub struct FlakeRefError {
    /// The text.
    pub text: String,
    /// Not written as a reference at all, so that it may be something else.
    other: bool,
}

impl FlakeRefError {
    fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), other: false }
    }

    /// A malformed URL, which may still be a path.
    fn url(text: impl Into<String>) -> Self {
        Self { text: text.into(), other: true }
    }
}

/// The reference that attributes mean, as text.
///
/// # Errors
/// When they mean none.
pub fn to_text(attributes: &Attributes) -> Result<String, FlakeRefError> {
    let mut input = attributes.clone();
    let directory = input.remove("dir");
    let input = check(&input)?;
    let directory = match directory {
        None => None,
        Some(Attribute::Text(directory)) => Some(directory).filter(|text| !text.is_empty()),
        Some(_) => {
            let shown = json(attributes);
            return Err(FlakeRefError::new(format!("input attribute 'dir' is not a string {shown}")));
        }
    };
    print::print(&input, directory.as_deref())
}

/// Whether the scheme that attributes name is as experimental as flakes are.
#[must_use]
pub fn is_experimental(attributes: &Attributes) -> bool {
    let Some(Attribute::Text(scheme)) = attributes.get("type") else { return false };
    matches!(scheme.as_str(), "github" | "gitlab" | "sourcehut" | "indirect" | "path")
}

/// Attributes as JSON, for errors.
pub fn json(attributes: &Attributes) -> String {
    let mut out = b"{".to_vec();
    for (index, (name, value)) in attributes.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        quote(&mut out, name);
        out.push(b':');
        match value {
            Attribute::Text(text) => quote(&mut out, text),
            Attribute::Number(number) => out.extend_from_slice(number.to_string().as_bytes()),
            Attribute::Switch(on) => out.extend_from_slice(on.to_string().as_bytes()),
        }
    }
    out.push(b'}');
    String::from_utf8_lossy(&out).into_owned()
}

fn quote(out: &mut Vec<u8>, text: &str) {
    // What is UTF-8 can be written.
    let _ = crate::lang::json::write::string(out, text.as_bytes());
}

/// The text of an attribute that may be missing.
pub(super) fn text_of<'t>(attributes: &'t Attributes, name: &str) -> Result<Option<&'t str>, FlakeRefError> {
    match attributes.get(name) {
        None => Ok(None),
        Some(Attribute::Text(text)) => Ok(Some(text)),
        Some(_) => {
            let shown = json(attributes);
            Err(FlakeRefError::new(format!("input attribute '{name}' is not a string {shown}")))
        }
    }
}

/// The text of an attribute that must be there.
pub(super) fn required<'t>(attributes: &'t Attributes, name: &str) -> Result<&'t str, FlakeRefError> {
    let missing = || FlakeRefError::new(format!("input attribute '{name}' is missing"));
    text_of(attributes, name)?.ok_or_else(missing)
}
