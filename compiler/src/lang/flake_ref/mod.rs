//! References to sources as flakes write them: `github:owner/repo/ref?dir=sub`, and the same as a set of attributes.
//!
//! Owns: both forms, which attributes each scheme has, and when Nix takes a reference for locked. Never does: fetching, or
//! looking into a registry.
//!
//! The forms are those of Nix 2.34, <https://nix.dev/manual/nix/2.34/command-ref/new-cli/nix3-flake#flake-references>.

use std::collections::BTreeMap;

use crate::lang::eval::{Feature, Features};

mod git;
mod lock;
mod parse;
mod print;
mod scheme;
#[cfg(test)]
mod tests;
mod url;

pub use git::remote;
pub use lock::{is_locked, nar_hash, revision};
pub use print::to_url;
pub(in crate::lang) use url::is_scheme;
pub use url::{Reading, Url};

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
    /// Nix counts it as a usage error.
    pub is_usage: bool,
    /// A malformed URL, which may still be a path.
    is_url: bool,
}

impl FlakeRefError {
    fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_usage: false, is_url: false }
    }

    fn url(text: impl Into<String>) -> Self {
        Self { is_url: true, ..Self::new(text) }
    }
}

/// Reads references with the features that are on, and gathers what Nix warns of.
#[derive(Debug)]
pub struct Reader {
    features: Features,
    /// Without the word `warning:`, in their order.
    pub warnings: Vec<String>,
}

impl Reader {
    /// A reader that has read nothing.
    #[must_use]
    pub fn new(features: Features) -> Self {
        Self { features, warnings: Vec::new() }
    }

    /// The reference that attributes mean, as text.
    ///
    /// # Errors
    /// When they mean none, or their scheme's feature is off.
    pub fn to_text(&mut self, attributes: &Attributes) -> Result<String, FlakeRefError> {
        let directory = text_of(attributes, "dir")?.filter(|directory| !directory.is_empty());
        let mut input = attributes.clone();
        input.remove("dir");
        let input = self.check(&input)?;
        let mut url = self.url_of(&input)?;
        if let Some(directory) = directory {
            url.query.entry(b"dir".to_vec()).or_insert_with(|| directory.as_bytes().to_owned());
        }
        Ok(url.to_string())
    }

    /// The text of a reference whose attributes are checked.
    ///
    /// # Errors
    /// When its hashes are none.
    pub fn show(&mut self, attributes: &Attributes) -> Result<String, FlakeRefError> {
        Ok(self.url_of(attributes)?.to_string())
    }

    fn url_of(&mut self, attributes: &Attributes) -> Result<Url, FlakeRefError> {
        let mut ignored = Vec::new();
        let url = to_url(attributes, &mut ignored);
        self.ignored(&ignored);
        url
    }

    fn url(&mut self, text: &str) -> Result<Url, FlakeRefError> {
        let url = Url::parse(text, Reading::Strict)?;
        self.ignored(&url.ignored);
        Ok(url)
    }

    /// Warns of the parts of a query that mean nothing.
    fn ignored(&mut self, parts: &[String]) {
        let warning = |part| format!("dubious URI query '{part}' is missing equal sign '=', ignoring");
        self.warnings.extend(parts.iter().map(warning));
    }

    fn require(&self, feature: Feature) -> Result<(), FlakeRefError> {
        self.features.require(feature, "").map_err(FlakeRefError::new)
    }

    /// Insists on the feature that the scheme needs.
    fn require_scheme(&self, attributes: &Attributes) -> Result<(), FlakeRefError> {
        match text_of(attributes, "type")? {
            Some("github" | "gitlab" | "sourcehut" | "indirect" | "path") => self.require(Feature::Flakes),
            _ => Ok(()),
        }
    }
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
fn text_of<'t>(attributes: &'t Attributes, name: &str) -> Result<Option<&'t str>, FlakeRefError> {
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
fn required<'t>(attributes: &'t Attributes, name: &str) -> Result<&'t str, FlakeRefError> {
    let missing = || FlakeRefError::new(format!("input attribute '{name}' is missing"));
    text_of(attributes, name)?.ok_or_else(missing)
}

/// A switch that may be missing, which is off then.
fn switch_of(attributes: &Attributes, name: &str) -> Result<bool, FlakeRefError> {
    match attributes.get(name) {
        None => Ok(false),
        Some(Attribute::Switch(on)) => Ok(*on),
        Some(_) => Err(FlakeRefError::new(format!("input attribute '{name}' is not a Boolean"))),
    }
}
