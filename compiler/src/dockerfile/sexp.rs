//! The parser's tree as S-expressions, as the parser tests of BuildKit dump theirs (spec/dockerfile.md, Text forms).
//!
//! Owns: the text form. Nothing is validated or expanded, so a file can be dumped that cannot be built.

use buildc_ir::{Diagnostic, FileId, Severity};

use super::ast::Word;
use super::quote;
use super::raw::{self, Raw, RawArgs};

/// One `(name ["--flag"…] "argument"…)` line per instruction; heredoc bodies are left out.
///
/// # Errors
/// What makes it impossible to split the text into instructions.
pub fn dump(file: FileId, text: &str) -> Result<String, Vec<Diagnostic>> {
    let (directives, lines, mut problems) = super::split(file, text);
    let mut out = String::new();
    for line in &lines {
        match raw::parse(line, directives.escape) {
            Ok(raw) => out.push_str(&format!("({})\n", node(&raw))),
            Err(problem) => problems.push(problem),
        }
    }
    problems.retain(|p| p.severity == Severity::Error);
    if problems.is_empty() { Ok(out) } else { Err(problems) }
}

fn node(raw: &Raw) -> String {
    let mut parts = vec![raw.name.text.to_lowercase()];
    if !raw.flags.is_empty() {
        parts.push(quote::go_list(raw.flags.iter().map(|f| f.text.as_str())));
    }
    parts.extend(arguments(&raw.args));
    parts.retain(|part| !part.is_empty());
    parts.join(" ")
}

fn arguments(args: &RawArgs) -> Vec<String> {
    let quoted = |word: &Word| quote::go(&word.text);
    match args {
        RawArgs::Nothing => Vec::new(),
        RawArgs::Ignored => vec![quote::go("")],
        RawArgs::Json(texts) => texts.iter().map(|t| quote::go(t)).collect(),
        RawArgs::Text(word) => vec![quoted(word)],
        RawArgs::Words(words) => words.iter().map(quoted).collect(),
        RawArgs::Pairs(list) => {
            let separator = quote::go(if list.legacy { "" } else { "=" });
            list.pairs.iter().flat_map(|(k, v)| [quoted(k), quoted(v), separator.clone()]).collect()
        }
        RawArgs::Check(kind, command) => std::iter::once(quoted(kind)).chain(arguments(command)).collect(),
        RawArgs::Inner(inner) => vec![format!("({})", node(inner))],
    }
}
