//! Findings as text, JSON and SARIF.
//!
//! Owns: the forms. All three name lines, never bytes, since that is what people and other tools go to.

use buildc_ir::{SourceMap, Span};

use super::Finding;

mod json;
mod sarif;
mod text;

pub(in crate::dockerfile) use json::data;
pub use json::json;
pub use sarif::sarif;
pub use text::text;

/// The first and the last line of a span, counted from 1.
fn lines(sources: &SourceMap, span: Span) -> (u32, u32) {
    let (first, _) = sources.line_col(span.file, span.start);
    let (last, _) = sources.line_col(span.file, span.end.saturating_sub(1).max(span.start));
    (first, last)
}

/// The name of the source that a span is in.
fn file_name(sources: &SourceMap, span: Span) -> &str {
    sources.get(span.file).map_or("", |file| file.name.as_str())
}
