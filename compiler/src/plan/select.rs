//! What is said when a step asks for files that are not there.

use buildc_ir::graph::Node;
use buildc_ir::step::From;
use buildc_ir::world::SelectError;
use buildc_ir::{Diagnostic, SourceMap, Span};

/// The diagnostic for a failed selection, with the place of the instruction.
pub(super) fn diagnostic(node: &Node, from: &From, error: SelectError, sources: &SourceMap) -> Diagnostic {
    let written = match &error {
        SelectError::NotFound { pattern, .. }
        | SelectError::LeadsNowhere { pattern, .. }
        | SelectError::BadPattern { pattern } => Some(pattern.clone()),
        SelectError::UnknownContext(name) => Some(name.clone()),
        SelectError::Unreadable(_) => None,
    };
    let (problem, mark) = describe(node, from, error);
    let places = node.origins.iter().map(|origin| place(*origin, written.as_deref(), sources));
    places.fold(problem, |problem, span| problem.label(span, mark))
}

fn describe(node: &Node, from: &From, error: SelectError) -> (Diagnostic, &'static str) {
    let place = describe_place(from);
    match error {
        SelectError::NotFound { pattern, ignored_by: Some((file, line, rule)), .. } => {
            let message = format!("`{pattern}` is left out of {place} by `{file}` line {line}: `{rule}`");
            let help = format!("Add the line `!{pattern}` at the end of `{file}`, or copy something else");
            (Diagnostic::error("copy::ignored", message).help(help), "left out")
        }
        SelectError::NotFound { pattern, ignored_by: None, similar } => {
            let problem =
                Diagnostic::error("copy::not_found", format!("`{pattern}` does not exist in {place}"));
            (problem.help(not_found_help(&similar, from)), "not found")
        }
        SelectError::LeadsNowhere { link, target, .. } => {
            let message = format!("`{link}` in {place} is a symbolic link to `{target}`, where nothing is");
            let help = "Links are followed inside the source only; make the target part of it, or leave the link out";
            (Diagnostic::error("copy::dangling_link", message).help(help), "leads nowhere")
        }
        SelectError::BadPattern { pattern } => {
            let help = "Close every `[`, and write a character that is meant literally as `\\c`";
            let message = format!("`{pattern}` is not a valid wildcard pattern");
            (Diagnostic::error("copy::bad_pattern", message).help(help), "malformed")
        }
        SelectError::UnknownContext(name) => {
            let help = format!("Give it with `--build-context {name}=DIR`");
            let message = format!("There is no build context named `{name}`");
            (Diagnostic::error("copy::unknown_context", message).help(help), "unknown")
        }
        SelectError::Unreadable(error) => {
            let problem = Diagnostic::error(error.code, error.message);
            let help = error.help.unwrap_or_else(|| format!("`{}` needs to read it", node.text()));
            (problem.help(help), "needs to read it")
        }
    }
}

fn describe_place(from: &From) -> String {
    match from {
        From::Context(name) if name.is_empty() => "the build context".to_owned(),
        From::Context(name) => format!("the build context `{name}`"),
        From::Input(_) => "the tree it is copied from".to_owned(),
    }
}

fn not_found_help(similar: &[String], from: &From) -> String {
    match (similar, from) {
        ([], From::Context(_)) => "Paths are relative to the root of the build context".to_owned(),
        ([], From::Input(_)) => "Paths are relative to the root of that stage or image".to_owned(),
        (names, _) => format!("Did you mean `{}`?", names.join("` or `")),
    }
}

/// The word itself where it can be found in the instruction as written, else the whole instruction.
fn place(origin: Span, written: Option<&str>, sources: &SourceMap) -> Span {
    let (start, end) = (origin.start as usize, origin.end as usize);
    let text = sources.get(origin.file).and_then(|file| file.text.get(start..end));
    let word = written.filter(|w| !w.is_empty());
    match text.zip(word).and_then(|(text, word)| Some((text.find(word)?, word))) {
        Some((at, word)) => Span::new(origin.file, start + at, start + at + word.len()),
        None => origin,
    }
}
