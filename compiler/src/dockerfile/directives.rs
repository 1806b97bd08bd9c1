//! Parser directives: `# syntax=`, `# escape=`, `# check=` at the top of the file.
//!
//! Owns: their grammar. The section ends at the first line that is not a known directive.

use buildc_ir::{Diagnostic, FileId, Span};
use nom::branch::alt;
use nom::bytes::complete::tag_no_case;
use nom::character::complete::{char, space0};
use nom::combinator::{all_consuming, map, rest, verify};
use nom::sequence::{delimited, preceded, separated_pair};
use nom::{IResult, Offset, Parser};

use super::ast::{Directives, Word};
use super::problem;

/// One line as a directive: lower-case name and value.
fn directive(line: &str) -> IResult<&str, (&'static str, &str)> {
    let name = alt((
        map(tag_no_case("syntax"), |_| "syntax"),
        map(tag_no_case("escape"), |_| "escape"),
        map(tag_no_case("check"), |_| "check"),
    ));
    let pair = separated_pair(
        name,
        delimited(space0, char('='), space0),
        verify(rest, |v: &str| !v.trim().is_empty()),
    );
    all_consuming(preceded((space0, char('#'), space0), pair)).parse(line)
}

/// Reads the directives of a file; `text` has no byte order mark in front, `at` is where it starts in the source.
pub fn parse(file: FileId, text: &str, at: usize) -> (Directives, Vec<Diagnostic>) {
    if text.starts_with("#!") {
        return (behind_shebang(file, text, at), Vec::new());
    }
    section(file, text, at)
}

fn section(file: FileId, text: &str, at: usize) -> (Directives, Vec<Diagnostic>) {
    let mut found = Directives::default();
    let mut problems = Vec::new();
    let mut escape_seen = false;
    for line in text.lines() {
        let Ok((_, (name, value))) = directive(line) else { break };
        let start = at + text.offset(line);
        let span = Span::new(file, start, start + line.trim_end().len());
        let value_at = at + text.offset(value);
        let value = if name == "check" { without_comment(value) } else { value.trim_end() };
        let word = Word { text: value.to_owned(), span: Span::new(file, value_at, value_at + value.len()) };
        let repeated = match name {
            "syntax" => found.syntax.replace(word).is_some(),
            "check" => found.check.replace(word).is_some(),
            _ => {
                read_escape(&word, &mut found, &mut problems);
                std::mem::replace(&mut escape_seen, true)
            }
        };
        if repeated {
            let message = format!("Directive `{name}` is given twice");
            problems.push(problem::bad_directive(message, span, "Keep one of the two"));
        }
    }
    (found, problems)
}

/// Check options without the comment that may follow them: `skip=all // why`.
pub fn without_comment(options: &str) -> &str {
    let mut ends = options.match_indices("//").map(|(at, _)| at);
    let end = ends.find(|at| options[..*at].ends_with(char::is_whitespace)).unwrap_or(options.len());
    options[..end].trim_end()
}

/// A first line that names an interpreter is skipped by whoever looks for `syntax` and `check`; for `escape` it is a comment
/// like any other and ends the section.
fn behind_shebang(file: FileId, text: &str, at: usize) -> Directives {
    let rest = text.split_once('\n').map_or("", |(_, rest)| rest);
    let (found, _) = section(file, rest, at + text.len() - rest.len());
    Directives { escape: Directives::default().escape, ..found }
}

fn read_escape(word: &Word, found: &mut Directives, problems: &mut Vec<Diagnostic>) {
    match word.text.as_str() {
        "\\" => found.escape = '\\',
        "`" => found.escape = '`',
        other => problems.push(problem::bad_directive(
            format!("Escape character `{other}` is not allowed"),
            word.span,
            "Use `\\` or a backquote",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_section_ends_at_the_first_other_line() {
        let (d, p) =
            parse(FileId(0), "# Syntax = docker/dockerfile:1\n#escape=`\n# hello=1\n# check=skip=all\n", 0);
        assert!(p.is_empty());
        assert_eq!(d.syntax.map(|w| w.text).as_deref(), Some("docker/dockerfile:1"));
        assert_eq!((d.escape, d.check), ('`', None));
    }

    #[test]
    fn a_shebang_hides_only_escape() {
        let (d, p) = parse(FileId(0), "#!/usr/bin/env x\n# escape=`\n# check=skip=all\n", 0);
        assert_eq!((d.escape, d.check.map(|w| w.text).as_deref(), p.len()), ('\\', Some("skip=all"), 0));
    }

    #[test]
    fn a_comment_behind_check_options_is_none_of_them() {
        let check = |text| parse(FileId(0), text, 0).0.check.map(|word| word.text);
        assert_eq!(check("# check = skip=all // why\n").as_deref(), Some("skip=all"));
        assert_eq!(check("# check=skip=A//B\n").as_deref(), Some("skip=A//B"));
    }

    #[test]
    fn repeats_and_other_escapes_are_errors() {
        assert_eq!(parse(FileId(0), "# escape=`\n# escape=`\n", 0).1.len(), 1);
        assert_eq!(parse(FileId(0), "# escape=x\n", 0).1.len(), 1);
        assert_eq!(parse(FileId(0), "# escape=\n# escape=x\n", 0).1.len(), 0);
    }
}
