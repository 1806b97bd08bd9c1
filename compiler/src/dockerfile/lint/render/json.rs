//! Findings for programs, in the form of BuildKit's `frontend.lint` request: warnings with locations, and the sources that
//! they point into.

use buildc_ir::{FileId, SourceMap};
use serde_json::{Value, json};

use super::{Finding, file_name, lines};

/// A JSON object with `warnings` and `sources`; `data` of a source is its text in base64, as BuildKit writes bytes.
pub fn json(findings: &[Finding], sources: &SourceMap) -> Value {
    let mut files: Vec<FileId> = findings.iter().map(|f| f.span.file).collect();
    files.sort_unstable();
    files.dedup();
    let warnings: Vec<Value> = findings.iter().map(|f| warning(f, sources, &files)).collect();
    let sources: Vec<Value> = files
        .iter()
        .filter_map(|id| sources.get(*id))
        .map(|file| {
            json!({ "filename": file.name, "language": "Dockerfile", "data": base64(file.text.as_bytes()) })
        })
        .collect();
    json!({ "warnings": warnings, "sources": sources })
}

fn warning(finding: &Finding, sources: &SourceMap, files: &[FileId]) -> Value {
    let (first, last) = lines(sources, finding.span);
    let source = files.iter().position(|id| *id == finding.span.file).unwrap_or_default();
    json!({
        "ruleName": finding.rule.name,
        "description": finding.rule.description,
        "url": finding.rule.url(),
        "detail": finding.message,
        "location": {
            "sourceIndex": source,
            "filename": file_name(sources, finding.span),
            "ranges": [{ "start": { "line": first }, "end": { "line": last } }],
        },
        "fixable": !finding.edits.is_empty(),
    })
}

/// RFC 4648, with padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * at) & 63) as usize];
            out.push(if at <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn vectors_of_rfc_4648() {
        for (text, want) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
        ] {
            assert_eq!(base64(text.as_bytes()), want);
        }
    }
}
