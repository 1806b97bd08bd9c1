//! Settings of Nix on the command line of `buildc eval`, as flags of their own and through `--option`.
//!
//! Owns: which settings evaluation heeds, and which flags are taken for Nix's sake. Never does: evaluation.

use std::collections::BTreeSet;
use std::io::{self, Write};

use buildc_compiler::lang::eval::{Options, is_feature};
use buildc_compiler::lang::syntax::Lint;

use super::setting_names::is_setting;

// Flags that are settings.
#[derive(clap::Args, Debug)]
pub struct Settings {
    /// A setting of Nix; those that mean nothing here are passed over
    #[arg(long, num_args = 2, value_names = ["NAME", "VALUE"], hide = true)]
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
    #[arg(long, hide = true)]
    quiet: bool,
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
    #[arg(long = "read-write-mode", hide = true)]
    read_write_mode: bool,
    #[arg(long = "readonly-mode", hide = true)]
    readonly_mode: bool,
    #[arg(long = "log-format", hide = true)]
    log_format: Option<String>,
}

impl Settings {
    /// Whether programs see nothing of the machine, as far as settings say.
    pub fn is_pure(&self, config: &[(String, String)]) -> bool {
        let said = config.iter().rfind(|(name, _)| name == "pure-eval").map(|(_, value)| value.as_str());
        matches!(self.said("pure-eval").or(said), Some("true" | "yes" | "1"))
    }

    /// The search path that stands for NIX_PATH.
    pub fn nix_path(&self) -> Option<&str> {
        self.nix_path.as_deref().or_else(|| self.said("nix-path"))
    }

    /// What `--option NAME` said last.
    fn said(&self, name: &str) -> Option<&str> {
        self.option.chunks_exact(2).rfind(|pair| pair[0] == name).map(|pair| pair[1].as_str())
    }

    /// Puts the settings into effect, those of `config` first.
    pub fn apply(&self, config: &[(String, String)], options: &mut Options) {
        let given = self.option.chunks_exact(2).map(|pair| (pair[0].as_str(), pair[1].as_str()));
        let given: Vec<(&str, &str)> =
            config.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(given).collect();
        let unknown: BTreeSet<&str> =
            given.iter().map(|(name, _)| *name).filter(|name| !is_setting(name)).collect();
        unknown.iter().for_each(|name| warn(&format!("unknown setting '{name}'")));
        for (name, value) in given {
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
    match name {
        "max-call-depth" => match value.parse() {
            Ok(depth) => options.max_call_depth = depth,
            Err(_) => warn(&format!("setting '{name}' has invalid value '{value}'")),
        },
        "restrict-eval" => set_switch(&mut options.restricted, name, value),
        "allowed-uris" => options.allowed_uris = words(value),
        "extra-allowed-uris" => options.allowed_uris.extend(words(value)),
        "show-trace" => set_switch(&mut options.show_trace, name, value),
        "trace-verbose" => set_switch(&mut options.trace_verbose, name, value),
        "abort-on-warn" => set_switch(&mut options.abort_on_warn, name, value),
        "lint-url-literals" => set_lint(&mut options.url_literals, name, value),
        "lint-absolute-path-literals" => set_lint(&mut options.absolute_paths, name, value),
        "lint-short-path-literals" => set_lint(&mut options.short_paths, name, value),
        "warn-short-path-literals" => set_short_paths(&mut options.short_paths, name, value),
        "system" | "eval-system" => options.system = value.as_bytes().to_vec(),
        "experimental-features" | "extra-experimental-features" => enable(options, value),
        _ => {}
    }
}

fn words(value: &str) -> Vec<String> {
    value.split_whitespace().map(str::to_owned).collect()
}

/// The settings that NIX_CONFIG makes.
pub fn config_of_environment() -> Vec<(String, String)> {
    let config = std::env::var("NIX_CONFIG").unwrap_or_default();
    let lines = config.lines().filter_map(|line| line.split('#').next()?.split_once('='));
    lines.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect()
}

/// The entries of a search path; the colon of a URL separates nothing.
pub fn search_path_entries(path: &str) -> Vec<String> {
    let mut entries: Vec<String> = Vec::new();
    for part in path.split(':') {
        match entries.last_mut() {
            Some(last) if part.starts_with("//") => *last = format!("{last}:{part}"),
            _ => entries.push(part.to_owned()),
        }
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

fn set_switch(switch: &mut impl From<bool>, name: &str, value: &str) {
    match value {
        "true" | "yes" | "1" => *switch = true.into(),
        "false" | "no" | "0" => *switch = false.into(),
        _ => warn(&format!("Boolean setting '{name}' has invalid value '{value}'")),
    }
}

fn set_lint(lint: &mut Lint, name: &str, value: &str) {
    *lint = match value {
        "ignore" => Lint::Ignore,
        "warn" => Lint::Warn,
        "fatal" => Lint::Fatal,
        _ => {
            return warn(&format!(
                "option '{name}' has invalid value '{value}' (expected 'ignore', 'warn', or 'fatal')"
            ));
        }
    };
}

/// The switch that became a lint.
fn set_short_paths(lint: &mut Lint, name: &str, value: &str) {
    let mut on = None;
    set_switch(&mut on, name, value);
    let (how, word) = match on {
        Some(true) => (Lint::Warn, "warn"),
        Some(false) => (Lint::Ignore, "ignore"),
        None => return,
    };
    warn(&format!("'{name}' is deprecated, use 'lint-short-path-literals = {word}' instead"));
    *lint = how;
}

fn warn(text: &str) {
    // Nothing can be done when the user closed the stream.
    let _ = writeln!(io::stderr().lock(), "warning: {text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_in_a_search_path_stays_whole() {
        let entries = search_path_entries("a=/x:b=https://y.example/z::/w");
        assert_eq!(entries, ["a=/x", "b=https://y.example/z", "/w"]);
    }
}
