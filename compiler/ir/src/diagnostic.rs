//! What is told to the user about their input: pure data; the cli renders it with miette.

use crate::origin::Span;

/// How bad a diagnostic is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; the work goes on.
    Warning,
    /// The work stops.
    Error,
}

/// A marked place and what is to be said about it.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// Shown beside the mark; may be empty.
    pub text: String,
}

/// One message about the user's input, with its place and remedy.
///
/// `code` is stable (for example `dockerfile::unknown_instruction`) and has a page in `spec/errors/`.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Diagnostic {
    /// Stable code.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The fact: starts upper-case, no final period, names in backticks.
    pub message: String,
    /// Places; the first is the main one.
    pub labels: Vec<Label>,
    /// The remedy, one line.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error without place or help.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, severity: Severity::Error, message: message.into(), labels: Vec::new(), help: None }
    }

    /// A warning without place or help.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// Adds a marked place.
    #[must_use]
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Sets the remedy.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
