//! Variables: ordered environments, and the global scope that FROM lines see.
//!
//! Owns: automatic platform arguments, `--build-arg` against defaults. Stage scopes live in the lowered stage.

use buildc_ir::{Diagnostic, Platform};

use super::LowerOptions;
use super::ast::{Arg, Word};
use super::expand::{Expansion, Lexer};
use super::problem;

/// Variables in the order they were first set, names unique.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Env(Vec<(String, String)>);

impl Env {
    /// Takes over the variables of an image config.
    pub fn from_pairs(pairs: &[(String, String)]) -> Self {
        Self(pairs.to_vec())
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// Sets a variable in place, or appends it.
    pub fn set(&mut self, name: &str, value: &str) {
        match self.0.iter_mut().find(|(n, _)| n == name) {
            Some(pair) => value.clone_into(&mut pair.1),
            None => self.0.push((name.to_owned(), value.to_owned())),
        }
    }

    /// The names in order.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// All variables in order.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// Expands a word; a failure becomes a diagnostic.
    pub fn expand(&self, lexer: Lexer, word: &Word, problems: &mut Vec<Diagnostic>) -> Option<Expansion> {
        match lexer.expand(&word.text, &|name| self.get(name).map(str::to_owned)) {
            Ok(expansion) => Some(expansion),
            Err(error) => {
                problems.push(problem::bad_expansion(&error, &word.text, word.span));
                None
            }
        }
    }
}

/// The value that `--build-arg` gives a name.
pub fn build_arg<'a>(options: &'a LowerOptions, name: &str) -> Option<&'a str> {
    options.build_args.get(name)?.as_deref()
}

/// Platform arguments and TARGETSTAGE, overridable by `--build-arg`.
fn automatic(options: &LowerOptions, last_stage: Option<&str>) -> Env {
    let mut env = Env::default();
    let mut platform = |prefix: &str, platform: &Platform| {
        let variant = platform.variant.as_deref().unwrap_or("");
        let values = [
            ("PLATFORM", platform.to_string()),
            ("OS", platform.os.clone()),
            ("OSVERSION", platform.os_version.clone().unwrap_or_default()),
            ("ARCH", platform.arch.clone()),
            ("VARIANT", variant.to_owned()),
        ];
        for (suffix, value) in values {
            env.set(&format!("{prefix}{suffix}"), &value);
        }
    };
    platform("BUILD", &Platform::host());
    platform("TARGET", &options.platform);
    let stage = options.target.as_deref().or(last_stage).filter(|s| !s.is_empty()).unwrap_or("default");
    env.set("TARGETSTAGE", stage);
    let overridden: Vec<_> = env
        .pairs()
        .iter()
        .filter_map(|(name, _)| Some((name.clone(), build_arg(options, name)?.to_owned())))
        .collect();
    for (name, value) in overridden {
        env.set(&name, &value);
    }
    env
}

/// The scope of FROM lines: automatic arguments, then each ARG before the first FROM in turn.
pub fn globals(
    args: &[&Arg],
    lexer: Lexer,
    options: &LowerOptions,
    last_stage: Option<&str>,
    problems: &mut Vec<Diagnostic>,
) -> Env {
    let mut env = automatic(options, last_stage);
    for arg in args {
        let name = &arg.name.text;
        let value = match (build_arg(options, name), &arg.default) {
            (Some(given), _) => Some(given.to_owned()),
            (None, Some(default)) => env.expand(lexer, default, problems).map(|e| e.text),
            (None, None) => None,
        };
        if let Some(value) = value {
            env.set(name, &value);
        }
    }
    env
}

/// The ten proxy variables that are usable without ARG and never enter keys, as far as `--build-arg` gives them
/// a value.
pub fn proxies(options: &LowerOptions) -> Vec<(String, String)> {
    let mut found = Env::default();
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"] {
        for (given, value) in &options.build_args {
            let value = value.as_deref().filter(|value| !value.is_empty());
            if let Some(value) = value.filter(|_| given.eq_ignore_ascii_case(name)) {
                found.set(name, value);
                found.set(&name.to_ascii_lowercase(), value);
            }
        }
    }
    found.0
}
