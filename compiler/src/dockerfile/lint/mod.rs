//! Checks: the 22 rules of BuildKit's linter (spec/dockerfile.md, Checks).
//!
//! Owns: the rules, what silences them, and the text forms of findings. `syntax` looks at instructions as they are
//! written; `bases`, `stages` and `values` are asked by lowering, which knows what words expand to.
//! Never does: stopping at a finding.

use buildc_ir::{Diagnostic, Span};

mod bases;
mod config;
mod fix;
pub mod render;
pub mod rule;
mod syntax;
mod values;

pub use config::{Config, ConfigError};
pub use fix::{Edit, apply};
pub use rule::Rule;
pub use syntax::check as syntax;

/// One finding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Which rule.
    pub rule: &'static Rule,
    /// What was found, in BuildKit's words.
    pub message: String,
    /// The instruction.
    pub span: Span,
    /// How to comply without changing what the file builds; empty where that takes a decision.
    pub edits: Vec<Edit>,
}

impl Finding {
    /// The warning that a build shows.
    pub fn warning(&self) -> Diagnostic {
        Diagnostic::warning(self.rule.code, format!("{}: {}", self.rule.name, self.message))
            .label(self.span, "")
            .help(format!("`# check=skip={}` above the instruction silences this", self.rule.name))
    }
}

/// Takes findings, as far as the check options let them through.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Lint {
    config: Config,
    /// Options of the instruction that is looked at.
    silenced: Vec<config::Selection>,
    findings: Vec<Finding>,
}

impl Lint {
    /// Without findings.
    pub fn new(config: Config) -> Self {
        Self { config, ..Self::default() }
    }

    /// Goes on to an instruction, whose comments may silence rules for it.
    pub fn enter(&mut self, comments: &[String]) {
        self.silenced = config::silenced(comments);
    }

    /// Takes a finding.
    pub fn find(&mut self, rule: &'static Rule, span: Span, message: String) {
        self.find_fixable(rule, span, message, Vec::new());
    }

    /// Takes a finding with its remedy.
    pub fn find_fixable(&mut self, rule: &'static Rule, span: Span, message: String, edits: Vec<Edit>) {
        if self.config.speaks(rule) && !self.silenced.iter().any(|s| s.has(rule)) {
            self.findings.push(Finding { rule, message, span, edits });
        }
    }

    /// True when findings end the build.
    pub fn is_strict(&self) -> bool {
        self.config.error
    }

    /// What was found, in the order in which BuildKit tells it: by pass over the file, then by place.
    pub fn finish(mut self) -> Vec<Finding> {
        self.findings.sort_by_key(|f| (f.rule.pass(), f.span.file, f.span.start));
        self.findings
    }
}

/// As [`Lint::finish`] for a file with a mistake that begins at `stop`, where BuildKit ends reading instructions.
pub fn before(lint: Lint, stop: Span) -> Vec<Finding> {
    let mut findings = lint.finish();
    findings.retain(|finding| match finding.rule.pass() {
        0 => true,
        1 => finding.span.start < stop.start,
        _ => false,
    });
    findings
}

/// The names of the rules that were broken, sorted and each once.
pub fn broken(findings: &[Finding]) -> Vec<&'static str> {
    let mut names: Vec<_> = findings.iter().map(|f| f.rule.name).collect();
    names.sort_unstable();
    names.dedup();
    names
}
