//! Settings of Nix on the command line of `buildc eval`, as flags of their own and through `--option`.
//!
//! Owns: which settings evaluation heeds, and which flags are taken for Nix's sake. Never does: evaluation.

use std::collections::BTreeSet;

use buildc_compiler::lang::eval::{Options, is_feature};
use buildc_compiler::lang::syntax::Lint;

use super::setting_names::find_or_extra;
use super::setting_values::{check, number, switch};
use crate::output::warn;

// Flags that are settings.
#[derive(clap::Args, Debug)]
pub struct Settings {
    /// A setting of Nix; those that mean nothing here are passed over
    #[arg(long, num_args = 2, value_names = ["NAME", "VALUE"], hide = true, allow_hyphen_values = true)]
    option: Vec<String>,
    /// What is done about URLs that are not quoted: ignore, warn or fatal
    #[arg(long, value_name = "HOW", hide = true)]
    lint_url_literals: Option<String>,
    /// What is done about absolute paths
    #[arg(long, value_name = "HOW", hide = true)]
    lint_absolute_path_literals: Option<String>,
    /// What is done about paths that begin with neither `/` nor `.`
    #[arg(long, value_name = "HOW", hide = true)]
    lint_short_path_literals: Option<String>,
    #[arg(long, hide = true)]
    warn_short_path_literals: bool,
    #[arg(long, hide = true, overrides_with = "warn_short_path_literals")]
    no_warn_short_path_literals: bool,
    /// What `builtins.currentSystem` is
    #[arg(long, visible_alias = "eval-system", value_name = "SYSTEM")]
    system: Option<String>,
    /// Where `<NAME>` is looked for, instead of NIX_PATH
    #[arg(long, value_name = "PATHS", hide = true)]
    nix_path: Option<String>,
    /// Let programs see no files but those of the search path and the store
    #[arg(long, hide = true, overrides_with = "no_restrict_eval")]
    restrict_eval: bool,
    #[arg(long, hide = true, overrides_with = "restrict_eval")]
    no_restrict_eval: bool,
    /// What may be fetched all the same
    #[arg(long, value_name = "URIS", hide = true)]
    allowed_uris: Option<String>,
    #[command(flatten)]
    accepted: Accepted,
}

// Flags that say nothing about an evaluation that builds nothing.
#[derive(clap::Args, Debug)]
struct Accepted {
    #[arg(long, hide = true, action = clap::ArgAction::Count)]
    quiet: u8,
    #[arg(short = 'Q', long = "no-build-output", hide = true)]
    no_build_output: bool,
    #[arg(short = 'k', long, hide = true)]
    keep_going: bool,
    #[arg(short = 'j', long, hide = true)]
    max_jobs: Option<String>,
    #[arg(long, hide = true)]
    cores: Option<String>,
    #[arg(long, hide = true)]
    timeout: Option<String>,
    #[arg(long, hide = true)]
    store: Option<String>,
    #[arg(long, hide = true)]
    eval_store: Option<String>,
    #[arg(long, hide = true)]
    dry_run: bool,
    #[arg(long, hide = true)]
    repair: bool,
    #[arg(long, hide = true)]
    fallback: bool,
    #[arg(long, hide = true)]
    indirect: bool,
    #[arg(long, hide = true)]
    no_pure_eval: bool,
    #[arg(long, hide = true)]
    allow_import_from_derivation: bool,
    #[arg(long, hide = true)]
    no_allow_import_from_derivation: bool,
    #[arg(long, hide = true)]
    no_warn_dirty: bool,
    #[arg(short = 'v', long, hide = true, action = clap::ArgAction::Count)]
    verbose: u8,
    #[arg(long, hide = true)]
    debug: bool,
    #[arg(short = 'K', long, hide = true)]
    keep_failed: bool,
    #[arg(long, hide = true)]
    max_silent_time: Option<String>,
    #[arg(long, hide = true)]
    add_root: Option<String>,
    #[arg(long, hide = true)]
    no_eval_cache: bool,
    #[arg(long = "eval-only", hide = true)]
    eval_only: bool,
    #[arg(long = "log-format", hide = true)]
    log_format: Option<String>,
}

impl Settings {
    /// Whether programs see nothing of the machine, as far as settings say.
    pub fn is_pure(&self) -> bool {
        self.said("pure-eval").and_then(switch).unwrap_or(false)
    }

    /// The search path that stands for `environment`, NIX_PATH, and what is added to it.
    pub fn search_path(&self, environment: &str) -> Vec<String> {
        let path = self.nix_path.as_deref().or_else(|| self.said("nix-path"));
        let mut entries = search_path_entries(path.unwrap_or(environment));
        let added = self.options().filter(|(name, _)| *name == "extra-nix-path");
        entries.extend(added.flat_map(|(_, entries)| entries.split_whitespace()).map(str::to_owned));
        entries
    }

    /// How much Nix would say of what it does, in steps above or below its usual.
    pub fn verbosity(&self) -> i16 {
        let debug = if self.accepted.debug { 3 } else { 0 };
        i16::from(self.accepted.verbose).max(debug) - i16::from(self.accepted.quiet)
    }

    /// Whether what is said is wanted as JSON.
    pub fn is_json_log(&self) -> bool {
        self.accepted.log_format.as_deref() == Some("internal-json")
    }

    /// What `--option NAME` said last.
    fn said(&self, name: &str) -> Option<&str> {
        self.options().rfind(|(said, _)| *said == name).map(|(_, value)| value)
    }

    fn options(&self) -> impl DoubleEndedIterator<Item = (&str, &str)> {
        self.option.chunks_exact(2).map(|pair| (pair[0].as_str(), pair[1].as_str()))
    }

    /// Puts the settings into effect.
    pub fn apply(&self, options: &mut Options) {
        let unknown: BTreeSet<&str> =
            self.options().map(|(name, _)| name).filter(|name| find_or_extra(name).is_none()).collect();
        unknown.iter().for_each(|name| warn(&format!("unknown setting '{name}'")));
        for (name, value) in self.options() {
            set(options, name, value);
        }
        for (on, name, value) in [
            (self.warn_short_path_literals, "warn-short-path-literals", "true"),
            (self.no_warn_short_path_literals, "warn-short-path-literals", "false"),
            (self.restrict_eval, "restrict-eval", "true"),
            (self.no_restrict_eval, "restrict-eval", "false"),
        ] {
            if on {
                set(options, name, value);
            }
        }
        let flags = [
            ("lint-url-literals", &self.lint_url_literals),
            ("lint-absolute-path-literals", &self.lint_absolute_path_literals),
            ("lint-short-path-literals", &self.lint_short_path_literals),
            ("system", &self.system),
            ("allowed-uris", &self.allowed_uris),
        ];
        for (name, value) in flags {
            value.iter().for_each(|value| set(options, name, value));
        }
    }
}

fn set(options: &mut Options, name: &str, value: &str) {
    if let Err(refusal) = check(name, value) {
        return warn(&refusal.text);
    }
    let on = switch(value).unwrap_or(false);
    match name {
        "max-call-depth" => {
            let depth = number(value).and_then(|depth| u32::try_from(depth).ok());
            options.max_call_depth = depth.unwrap_or(options.max_call_depth);
        }
        "restrict-eval" => options.restricted = on,
        "allowed-uris" => options.allowed_uris = words(value),
        "extra-allowed-uris" => options.allowed_uris.extend(words(value)),
        "show-trace" => options.show_trace = on,
        "trace-verbose" => options.trace_verbose = on,
        "abort-on-warn" => options.abort_on_warn = on,
        "lint-url-literals" => options.url_literals = lint(value),
        "lint-absolute-path-literals" => options.absolute_paths = lint(value),
        "lint-short-path-literals" => options.short_paths = lint(value),
        "warn-short-path-literals" => options.short_paths = lint_of_switch(on),
        "system" | "eval-system" => options.system = value.as_bytes().to_vec(),
        "experimental-features" | "extra-experimental-features" => enable(options, value),
        _ => {}
    }
}

fn words(value: &str) -> Vec<String> {
    value.split_whitespace().map(str::to_owned).collect()
}

/// The entries of a search path. As in Nix, the first colon of a URL whose scheme it knows separates nothing.
pub fn search_path_entries(path: &str) -> Vec<String> {
    let next = |text: &str, from: usize| text[from..].find(':').map_or(text.len(), |at| from + at);
    let mut entries = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        let mut end = next(rest, 0);
        let value = rest[..end].rfind('=').map_or(0, |at| at + 1);
        let is_url = match &rest[value..end] {
            "channel" | "flake" => end < rest.len(),
            "http" | "https" | "file" | "git" | "s3" | "ssh" => rest[end..].starts_with("://"),
            _ => false,
        };
        if is_url {
            end = next(rest, end + 1);
        }
        entries.push(rest[..end].to_owned());
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    entries.retain(|entry| !entry.is_empty());
    entries
}

/// Turns experimental features on.
pub fn enable(options: &mut Options, names: &str) {
    for name in names.split_whitespace() {
        if name == "no-url-literals" {
            warn(
                "experimental feature 'no-url-literals' has been stabilized and renamed; use 'lint-url-literals = fatal' setting instead",
            );
        } else if !is_feature(name) {
            warn(&format!("unknown experimental feature '{name}'"));
        }
    }
    options.features.enable(names);
}

fn lint(value: &str) -> Lint {
    match value {
        "warn" => Lint::Warn,
        "fatal" => Lint::Fatal,
        _ => Lint::Ignore,
    }
}

/// The switch that became a lint.
fn lint_of_switch(on: bool) -> Lint {
    let (lint, word) = if on { (Lint::Warn, "warn") } else { (Lint::Ignore, "ignore") };
    warn(&format!(
        "'warn-short-path-literals' is deprecated, use 'lint-short-path-literals = {word}' instead"
    ));
    lint
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_in_a_search_path_stays_whole() {
        let cases: [(&str, &[&str]); 6] = [
            ("a=/x:b=https://y.example/z::/w", &["a=/x", "b=https://y.example/z", "/w"]),
            ("nixpkgs=flake:nixpkgs:/w", &["nixpkgs=flake:nixpkgs", "/w"]),
            ("channel:nixos:a=channel:b:", &["channel:nixos", "a=channel:b"]),
            ("a=b=flake:github:c", &["a=b=flake:github", "c"]),
            ("a=git+ssh://b:http:c:HTTP://d", &["a=git+ssh", "//b", "http", "c", "HTTP", "//d"]),
            ("flake", &["flake"]),
        ];
        for (path, wanted) in cases {
            assert_eq!(search_path_entries(path), wanted, "{path}");
        }
    }
}
