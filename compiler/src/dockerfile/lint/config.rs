//! Which rules speak, and whether a finding ends the build: `# check=skip=A,B;error=true;experimental=C`.
//!
//! Owns: the grammar of check options, of the directive, of BUILDKIT_DOCKERFILE_CHECK and of comments above one
//! instruction.

use std::collections::BTreeSet;

use buildc_ir::go;

use super::rule::Rule;
use crate::dockerfile::directives::without_comment;

/// Some rules, or all of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Selection {
    /// All.
    All,
    /// Those with these names.
    Named(BTreeSet<String>),
}

impl Default for Selection {
    fn default() -> Self {
        Self::Named(BTreeSet::new())
    }
}

impl Selection {
    fn parse(text: &str) -> Self {
        match text.trim() {
            "all" => Self::All,
            names => Self::Named(names.split(',').map(|n| n.trim().to_owned()).collect()),
        }
    }

    /// True when a rule is among them.
    pub fn has(&self, rule: &Rule) -> bool {
        match self {
            Self::All => true,
            Self::Named(names) => names.contains(rule.name),
        }
    }
}

/// Check options.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Config {
    /// Rules that are silent.
    pub skip: Selection,
    /// Experimental rules that speak.
    pub experimental: Selection,
    /// Findings end the build.
    pub error: bool,
}

/// Why check options cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ConfigError {
    /// Not `key=value`.
    #[error("check option `{0}` is not KEY=VALUE")]
    NoValue(String),
    /// A key that there is not.
    #[error("there is no check option `{0}`")]
    UnknownKey(String),
    /// `error=` neither true nor false.
    #[error("check option `error` is true or false, not `{0}`")]
    NotBoolean(String),
}

impl Config {
    /// Reads `key=value` options between semicolons. As in BuildKit there are at most three parts; what follows the third
    /// semicolon belongs to the last value.
    ///
    /// # Errors
    /// [`ConfigError`] for the first option that cannot be read.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let mut config = Self::default();
        if text.trim().is_empty() {
            return Ok(config);
        }
        for part in text.trim().splitn(3, ';') {
            let (key, value) = part.split_once('=').ok_or_else(|| ConfigError::NoValue(part.to_owned()))?;
            match key.trim() {
                "skip" => config.skip = Selection::parse(value),
                "experimental" => config.experimental = Selection::parse(value),
                "error" => config.error = boolean(value.trim())?,
                other => return Err(ConfigError::UnknownKey(other.to_owned())),
            }
        }
        Ok(config)
    }

    /// True when a rule speaks. `skip` does not reach experimental rules; they are silent unless asked for.
    pub fn speaks(&self, rule: &Rule) -> bool {
        if rule.experimental { self.experimental.has(rule) } else { !self.skip.has(rule) }
    }
}

fn boolean(text: &str) -> Result<bool, ConfigError> {
    go::truth(text).ok_or_else(|| ConfigError::NotBoolean(text.to_owned()))
}

/// Rules that comments above an instruction silence for it: `# check=skip=A,B`.
pub fn silenced(comments: &[String]) -> Vec<Selection> {
    fn value(comment: &str) -> Option<&str> {
        let (key, value) = comment.split_once('=')?;
        key.trim().eq_ignore_ascii_case("check").then(|| without_comment(value))
    }
    comments
        .iter()
        .filter_map(|comment| value(comment))
        .filter_map(|v| Config::parse(v).ok())
        .map(|c| c.skip)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::rule;
    use super::*;

    #[test]
    fn options_decide_who_speaks() {
        let config =
            Config::parse(" skip=StageNameCasing, FromAsCasing ;error=True;experimental=all").unwrap();
        assert!(
            config.error && !config.speaks(rule::STAGE_NAME_CASING) && !config.speaks(rule::FROM_AS_CASING)
        );
        assert!(config.speaks(rule::UNDEFINED_VAR) && config.speaks(rule::INVALID_DEFINITION_DESCRIPTION));
        let quiet = Config::parse("skip=all").unwrap();
        assert!(!quiet.speaks(rule::UNDEFINED_VAR) && !quiet.speaks(rule::INVALID_DEFINITION_DESCRIPTION));
        assert_eq!(Config::parse(""), Ok(Config::default()));
        for bad in ["skip", "x=y", "error=maybe", "skip=A;error=true;experimental=B;x=y=z=true;skip"] {
            assert_eq!(Config::parse(bad).is_err(), !bad.starts_with("skip=A"), "{bad}");
        }
    }

    #[test]
    fn comments_silence_one_instruction() {
        let comments = ["a note".to_owned(), "check = skip=UndefinedVar".to_owned()];
        assert!(silenced(&comments).iter().any(|s| s.has(rule::UNDEFINED_VAR)));
        let reasoned = ["check=skip=all // the base wants it".to_owned()];
        assert!(silenced(&reasoned).iter().any(|s| s.has(rule::UNDEFINED_VAR)));
        assert!(silenced(&["check=error=true".to_owned()]).iter().all(|s| !s.has(rule::UNDEFINED_VAR)));
    }
}
