//! Findings for programs, in the form of BuildKit's `frontend.lint` request: warnings with locations, and the sources that
//! they point into.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use buildc_ir::{Diagnostic, FileId, SourceMap, Span};
use serde_json::{Value, json};

use super::{Finding, file_name, lines};

/// A JSON object with `warnings`, `sources` and, where the file cannot be built, `buildError`; `data` of a source is its
/// text in base64, as BuildKit writes bytes.
pub fn json(findings: &[Finding], error: Option<&Diagnostic>, sources: &SourceMap) -> Value {
    let place = error.and_then(|error| error.labels.first()).map(|label| label.span);
    let mut files: Vec<FileId> = findings.iter().map(|f| f.span.file).chain(place.map(|p| p.file)).collect();
    files.sort_unstable();
    files.dedup();
    let warnings: Vec<Value> = findings.iter().map(|f| warning(f, sources, &files)).collect();
    let contents: Vec<Value> = files
        .iter()
        .filter_map(|id| sources.get(*id))
        .map(|file| json!({ "filename": file.name, "language": "Dockerfile", "data": data(&file.text) }))
        .collect();
    let mut out = json!({ "warnings": warnings, "sources": contents });
    if let Some(error) = error {
        let mut location = json!({});
        if let Some(place) = place {
            location = json!({
                "sourceIndex": files.iter().position(|id| *id == place.file),
                "ranges": ranges(place, sources),
            });
        }
        out["buildError"] = json!({ "message": message(error), "location": location });
    }
    out
}

/// What programs look for begins as BuildKit has it.
fn message(error: &Diagnostic) -> String {
    match error.message.strip_prefix("Lint violation") {
        Some(rest) => format!("lint violation{rest}"),
        None => error.message.clone(),
    }
}

/// The text of a source.
pub(in crate::dockerfile) fn data(text: &str) -> String {
    STANDARD.encode(text)
}

/// One range a line, as BuildKit gives them.
fn ranges(span: Span, sources: &SourceMap) -> Vec<Value> {
    let (first, last) = lines(sources, span);
    (first..=last).map(|line| json!({ "start": { "line": line }, "end": { "line": line } })).collect()
}

fn warning(finding: &Finding, sources: &SourceMap, files: &[FileId]) -> Value {
    let source = files.iter().position(|id| *id == finding.span.file).unwrap_or_default();
    json!({
        "ruleName": finding.rule.name,
        "description": finding.rule.description,
        "url": finding.rule.url(),
        "detail": finding.message,
        "location": {
            "sourceIndex": source,
            "filename": file_name(sources, finding.span),
            "ranges": ranges(finding.span, sources),
        },
        "fixable": !finding.edits.is_empty(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dockerfile::problem;

    #[test]
    fn broken_rules_are_a_build_error_in_the_words_of_buildkit() {
        let mut sources = SourceMap::new();
        let file = sources.add("Dockerfile", "#check=error=true\nFROM x as y\n");
        let error = problem::rules_broken(&["FromAsCasing"], Span::new(file, 18, 29));
        let told = &json(&[], Some(&error), &sources)["buildError"];
        assert_eq!(told["message"], "lint violation found for rules: FromAsCasing");
        assert_eq!(told["location"]["ranges"][0]["start"]["line"], 2);
    }
}
