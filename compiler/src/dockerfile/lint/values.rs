//! Rules about what instructions of a stage say once their words are expanded.

use buildc_ir::Span;
use buildc_ir::pattern::PatternSet;

use super::{Edit, Lint, rule};
use crate::dockerfile::ast::{Command, Word};
use crate::dockerfile::{problem, quote};

/// Words of a name that make it sound like a secret.
const SECRET: [&str; 11] = [
    "apikey",
    "auth",
    "credential",
    "credentials",
    "key",
    "password",
    "pword",
    "pwd",
    "passwd",
    "secret",
    "token",
];
/// Words that take this back.
const HARMLESS: [&str; 3] = ["public", "file", "version"];
/// ARGs that steer the builder and are never environment.
const BUILDER_ARGS: [&str; 2] = ["BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"];

impl Lint {
    /// Variables that were asked for and not set; `declared` are the ARGs so far, `set` all names that have a value.
    pub fn undefined<'a>(
        &mut self,
        span: Span,
        unset: &[String],
        declared: &[(String, Option<String>)],
        set: impl Iterator<Item = &'a str> + Clone,
    ) {
        for name in unset {
            if declared.iter().any(|(arg, _)| arg == name) || BUILDER_ARGS.contains(&name.as_str()) {
                continue;
            }
            let hint = problem::nearest_variable(name, set.clone());
            let hint = hint.map_or_else(String::new, |best| format!(" (did you mean ${best}?)"));
            self.find(rule::UNDEFINED_VAR, span, format!("Usage of undefined variable '${name}'{hint}"));
        }
    }

    /// A name that ARG or ENV sets.
    pub fn secret_name(&mut self, span: Span, instruction: &str, name: &str) {
        let lower = name.to_lowercase();
        let has = |words: &[&str]| lower.split('_').any(|word| words.contains(&word));
        if has(&SECRET) && !has(&HARMLESS) {
            let name = quote::go(name);
            let message =
                format!("Do not use ARG or ENV instructions for sensitive data ({instruction} {name})");
            self.find(rule::SECRETS_USED_IN_ARG_OR_ENV, span, message);
        }
    }

    /// WORKDIR while no absolute one stands above it in the file.
    pub fn workdir(&mut self, span: Span, path: &str) {
        if !path.starts_with('/') {
            let path = quote::go(path);
            let message =
                format!("Relative workdir {path} can have unexpected results if the base image changes");
            self.find(rule::WORKDIR_RELATIVE_PATH, span, message);
        }
    }

    /// CMD or ENTRYPOINT while no SHELL is set.
    pub fn command_form(&mut self, span: Span, instruction: &str, command: &Command) {
        if matches!(command, Command::Shell(_)) {
            let message = format!(
                "JSON arguments recommended for {instruction} to prevent unintended behavior related to OS signals"
            );
            self.find(rule::JSON_ARGS_RECOMMENDED, span, message);
        }
    }

    /// CMD, ENTRYPOINT or HEALTHCHECK that a later one of the stage overrides; `span` is the earlier one.
    pub fn overridden(&mut self, span: Span, instruction: &str) {
        let message = format!(
            "Multiple {instruction} instructions should not be used in the same stage because only the last one will be used"
        );
        self.find(rule::MULTIPLE_INSTRUCTIONS_DISALLOWED, span, message);
    }

    /// One port of EXPOSE; `word` is what was written.
    pub fn port(&mut self, span: Span, word: &Word, port: &str) {
        if let Some((_, protocol)) = port.rsplit_once('/')
            && protocol != protocol.to_lowercase()
        {
            let message = format!("Defined protocol '{port}' in EXPOSE instruction should be lowercase");
            let literal = word.text == port && (word.span.end - word.span.start) as usize == port.len();
            let edits = literal.then(|| Edit::new(word.span, port.to_lowercase())).into_iter().collect();
            self.find_fixable(rule::EXPOSE_PROTO_CASING, span, message, edits);
        }
        if port.contains(':') {
            let message = format!(
                "EXPOSE instruction should not define an IP address or host-port mapping, found '{port}'"
            );
            self.find(rule::EXPOSE_INVALID_FORMAT, span, message);
        }
    }

    /// A source of COPY or ADD in the build context. Ignore files that take something back in are not judged.
    pub fn copied(&mut self, span: Span, add: bool, source: &str, ignore: &PatternSet) {
        // The context itself has no name that a rule such as `.*` could mean.
        let path = Some(source.trim_matches('/')).filter(|path| *path != ".").unwrap_or_default();
        if !ignore.takes_back() && ignore.judge_path(path.as_bytes()).excluded {
            let (command, source) = (if add { "Add" } else { "Copy" }, quote::go(source));
            let message = format!("Attempting to {command} file {source} that is excluded by .dockerignore");
            self.find(rule::COPY_IGNORED_FILE, span, message);
        }
    }
}
