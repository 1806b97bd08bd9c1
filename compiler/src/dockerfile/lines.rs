//! Physical lines → logical lines: comments dropped, continuations joined, heredoc bodies attached.
//!
//! Owns: the only place that knows line ends, and the map from the joined text back to the source.

use std::ops::Range;

use buildc_ir::{Diagnostic, FileId, Span};

use super::ast::{Directives, Heredoc};
use super::{heredoc, problem, raw};

/// A physical line may not be longer than this many bytes without its line feed (BuildKit's scanner limit).
const MAX_LINE_BYTES: usize = 65_535;

/// One instruction's text before it is understood.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogicalLine {
    /// The joined text, without leading and trailing blanks; empty if a continuation is the last thing of the file.
    pub text: String,
    /// The trailing blanks, which ONBUILD keeps.
    pub tail: String,
    /// Where pieces of `text` stand in the source: (offset in text, offset in source), ascending.
    pieces: Vec<(usize, usize)>,
    /// Comment lines directly above, without the `#`.
    pub comments: Vec<String>,
    /// Blank lines inside a continuation, line ends included.
    pub blank_lines: Vec<Span>,
    /// The last physical line before heredocs.
    pub last_line: Span,
    /// Heredocs in order.
    pub heredocs: Vec<Heredoc>,
    /// Source offset one past the last line.
    end: usize,
    file: FileId,
}

impl LogicalLine {
    fn new(file: FileId) -> Self {
        let text = String::new();
        Self {
            text,
            tail: String::new(),
            pieces: Vec::new(),
            comments: Vec::new(),
            blank_lines: Vec::new(),
            last_line: Span::new(file, 0, 0),
            heredocs: Vec::new(),
            end: 0,
            file,
        }
    }

    /// Source offset of an offset in the joined text.
    fn source_offset(&self, offset: usize) -> usize {
        let index = self.pieces.partition_point(|(at, _)| *at <= offset).saturating_sub(1);
        self.pieces.get(index).map_or(0, |(at, source)| source + offset.saturating_sub(*at))
    }

    /// The source span of a range of the joined text.
    pub fn span(&self, range: Range<usize>) -> Span {
        let start = self.source_offset(range.start);
        let last = self.source_offset(range.end.saturating_sub(1).max(range.start));
        Span::new(self.file, start, last + usize::from(range.end > range.start))
    }

    /// The source span of the whole, heredocs included.
    pub fn full_span(&self) -> Span {
        Span::new(self.file, self.source_offset(0), self.end)
    }

    /// Drops the first `count` bytes of the joined text; spans stay right.
    pub fn drop_front(&mut self, count: usize) {
        let source = self.source_offset(count);
        self.text.drain(..count);
        self.pieces.retain(|(at, _)| *at > count);
        for (at, _) in &mut self.pieces {
            *at -= count;
        }
        self.pieces.insert(0, (0, source));
    }

    fn push(&mut self, text: &str, source: usize) {
        self.pieces.push((self.text.len(), source));
        self.text.push_str(text);
    }

    /// Drops blanks at both ends, as the instruction's name and arguments are trimmed.
    fn trim(&mut self) {
        self.tail = self.text.split_off(self.text.trim_end().len());
        self.drop_front(self.text.len() - self.text.trim_start().len());
    }
}

/// A reader of physical lines.
#[derive(Clone, Copy, Debug)]
struct Cursor<'a> {
    file: FileId,
    text: &'a str,
    at: usize,
    base: usize,
}

impl<'a> Cursor<'a> {
    /// The next line with its line end, and its offset in the source.
    fn next(&mut self) -> Option<(&'a str, usize)> {
        let rest = self.text.get(self.at..).filter(|r| !r.is_empty())?;
        let line = rest.split_inclusive('\n').next()?;
        let source = self.base + self.at;
        self.at += line.len();
        Some((line, source))
    }
}

/// What stands before a continuation mark: the escape character as the last thing before blanks, not doubled.
fn continuation(line: &str, escape: char) -> Option<&str> {
    let before = line.trim_end_matches([' ', '\t']).strip_suffix(escape)?;
    (!before.ends_with(escape)).then_some(before)
}

/// Reads all logical lines of `text`, which starts at `base` in the source. The check options of the whole file are no comment
/// of the instruction that they stand above.
pub fn split(
    file: FileId,
    text: &str,
    base: usize,
    directives: &Directives,
) -> (Vec<LogicalLine>, Vec<Diagnostic>) {
    let escape = directives.escape;
    let options = directives.check.as_ref().map(|check| check.span.start as usize);
    let mut cursor = Cursor { file, text, at: 0, base };
    let mut lines = Vec::new();
    let mut problems = Vec::new();
    let mut comments = Vec::new();
    while let Some((line, source)) = cursor.next() {
        check_length(file, line, source, &mut problems);
        let content = line.trim();
        if let Some(comment) = content.strip_prefix('#') {
            let comment = comment.trim();
            if comment.is_empty() {
                comments.clear();
            } else if !options.is_some_and(|at| (source..source + line.len()).contains(&at)) {
                comments.push(comment.to_owned());
            }
            continue;
        }
        if content.is_empty() {
            comments.clear();
            continue;
        }
        let mut logical = join(&mut cursor, line, source, escape, &mut problems);
        logical.comments = std::mem::take(&mut comments);
        attach_heredocs(&mut logical, &mut cursor, escape, &mut problems);
        lines.push(logical);
    }
    (lines, problems)
}

fn check_length(file: FileId, line: &str, source: usize, problems: &mut Vec<Diagnostic>) {
    if line.strip_suffix('\n').unwrap_or(line).len() > MAX_LINE_BYTES {
        problems.push(problem::line_too_long(Span::new(file, source, source + line.len())));
    }
}

/// Joins a first line with its continuations. Leading blanks of the first line go, those of later ones stay.
fn join(
    cursor: &mut Cursor<'_>,
    first: &str,
    source: usize,
    escape: char,
    problems: &mut Vec<Diagnostic>,
) -> LogicalLine {
    let mut logical = LogicalLine::new(cursor.file);
    let body = first.trim_end_matches(['\r', '\n']);
    let lead = body.len() - body.trim_start().len();
    let mut open = append(&mut logical, &body[lead..], source + lead, escape);
    logical.end = source + body.trim_end().len();
    logical.last_line = Span::new(cursor.file, source + lead, logical.end);
    while open {
        let Some((line, source)) = cursor.next() else { break };
        check_length(cursor.file, line, source, problems);
        let body = line.trim_end_matches(['\r', '\n']);
        if body.trim_start().starts_with('#') {
            continue;
        }
        if body.trim().is_empty() {
            logical.blank_lines.push(Span::new(cursor.file, source, source + line.len()));
            continue;
        }
        open = append(&mut logical, body, source, escape);
        logical.end = source + body.trim_end().len();
        logical.last_line = Span::new(cursor.file, source, logical.end);
    }
    logical.trim();
    logical
}

/// Appends one line without its continuation mark; true when the instruction goes on.
fn append(logical: &mut LogicalLine, body: &str, source: usize, escape: char) -> bool {
    match continuation(body, escape) {
        Some(before) => {
            logical.push(before, source);
            true
        }
        None => {
            logical.push(body, source);
            false
        }
    }
}

fn attach_heredocs(
    logical: &mut LogicalLine,
    cursor: &mut Cursor<'_>,
    escape: char,
    problems: &mut Vec<Diagnostic>,
) {
    if !raw::may_have_heredocs(logical, escape) {
        return;
    }
    for mut found in heredoc::find(&logical.text) {
        let mut closed = false;
        while let Some((line, source)) = cursor.next() {
            check_length(cursor.file, line, source, problems);
            let bare = line.trim_end_matches(['\r', '\n']);
            logical.end = source + bare.len();
            let candidate = if found.strip_tabs { bare.trim_start_matches('\t') } else { bare };
            if candidate == found.name {
                closed = true;
                break;
            }
            found.body.push_str(line);
        }
        if !closed {
            let at = logical.text.find("<<").unwrap_or(0);
            problems.push(problem::unterminated_heredoc(&found.name, logical.span(at..logical.text.len())));
        }
        logical.heredocs.push(found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<String> {
        split(FileId(0), source, 0, &Directives::default()).0.into_iter().map(|l| l.text).collect()
    }

    #[test]
    fn continuations_join_without_a_blank_and_keep_leading_blanks() {
        assert_eq!(texts("  RUN a\\\n  b \\  \n# no\n\n c\nRUN d"), ["RUN a  b  c", "RUN d"]);
        assert_eq!(texts("RUN a \\"), ["RUN a"]);
        assert_eq!(texts("RUN a \\\\\nRUN b"), ["RUN a \\\\", "RUN b"]);
        assert_eq!(texts("RUN a\\\r\nb\r\nRUN c"), ["RUN ab", "RUN c"]);
        assert_eq!(texts("RUN a\\\n\\\nb"), ["RUN ab"]);
        assert_eq!(texts("\\\n RUN a"), ["RUN a"]);
        assert_eq!(texts("RUN a\n\\"), ["RUN a", ""]);
    }

    #[test]
    fn spans_point_into_the_source() {
        let source = "RUN aa \\\n  bb";
        let (lines, _) = split(FileId(0), source, 0, &Directives::default());
        let at = lines[0].text.find("bb").unwrap();
        let span = lines[0].span(at..at + 2);
        assert_eq!(&source[span.start as usize..span.end as usize], "bb");
    }

    #[test]
    fn heredocs_end_at_their_word() {
        let (lines, problems) =
            split(FileId(0), "RUN <<A cat <<-B\n1\nA\n\t2\n\tB\nRUN c\n", 0, &Directives::default());
        assert!(problems.is_empty());
        let bodies: Vec<_> = lines[0].heredocs.iter().map(|h| (h.body.as_str(), h.content())).collect();
        assert_eq!(bodies, [("1\n", "1\n".to_owned()), ("\t2\n", "2\n".to_owned())]);
        assert_eq!(lines.len(), 2);
        assert_eq!(split(FileId(0), "RUN <<A\nx", 0, &Directives::default()).1.len(), 1);
    }
}
