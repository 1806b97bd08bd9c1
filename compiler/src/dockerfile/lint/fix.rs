//! Remedies: edits of the source that keep what it builds.

use buildc_ir::Span;

use super::Finding;

/// A piece of the source and what takes its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edit {
    /// What goes.
    pub span: Span,
    /// What comes.
    pub text: String,
}

impl Edit {
    /// An edit.
    pub fn new(span: Span, text: impl Into<String>) -> Self {
        Self { span, text: text.into() }
    }
}

/// Applies the remedies of findings to the source they are about: the new text, and how many findings are remedied.
/// A remedy that overlaps an earlier one is left for the next run.
pub fn apply(text: &str, findings: &[Finding]) -> (String, usize) {
    let mut fixed = 0;
    let mut taken: Vec<&Edit> = Vec::new();
    for finding in findings.iter().filter(|f| !f.edits.is_empty()) {
        let clash = |edit: &Edit| {
            taken.iter().any(|t| edit.span.start < t.span.end && t.span.start < edit.span.end && *t != edit)
        };
        if finding.edits.iter().any(clash) {
            continue;
        }
        fixed += 1;
        taken.extend(&finding.edits);
    }
    taken.sort_by_key(|edit| edit.span.start);
    taken.dedup();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for edit in taken {
        let (start, end) = (edit.span.start as usize, edit.span.end as usize);
        out.push_str(text.get(at..start).unwrap_or_default());
        out.push_str(&edit.text);
        at = end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    (out, fixed)
}
