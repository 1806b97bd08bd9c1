//! From text to values: arrays, tables, headers.

use super::error::{Problem, Source};
use super::grammar::{
    ARRAY_HEADER, BLANKS, BOOLEAN, COMMENT, COMMENT_LINE, EMPTY_LINE, EQUALS, FLOAT, NEWLINE, TABLE_BEGIN,
    TABLE_HEADER,
};
use super::number::{self, Kind};
use super::scan::Scan;
use super::text;
use super::value::{Content, Key, Members, Node, Origin, Value, append_table, insert_value, open_table};
use super::{Stop, TooDeep};
use crate::lang::stack::StackLimit;

mod inline;

pub(super) struct Parser<'t> {
    pub(super) source: Source<'t>,
    pub(super) at: usize,
    pub(super) problems: Vec<Problem>,
    stack: StackLimit,
    /// Values that the current one is in.
    depth: usize,
}

/// Values nested deeper than this are more than Nix's stack holds too; each of them may be an error of its own.
const DEPTH: usize = 25_000;

impl<'t> Parser<'t> {
    pub(super) fn new(source: Source<'t>, stack: StackLimit) -> Parser<'t> {
        let at = if source.text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        Parser { source, at, problems: Vec::new(), stack, depth: 0 }
    }

    pub(super) fn at_end(&self) -> bool {
        self.at >= self.source.text.len()
    }

    /// The current byte; NUL at the end.
    pub(super) fn current(&self) -> u8 {
        self.source.text.get(self.at).copied().unwrap_or(0)
    }

    pub(super) fn advance(&mut self) {
        self.at = (self.at + 1).min(self.source.text.len());
    }

    pub(super) fn check_depth(&self) -> Result<(), TooDeep> {
        if self.stack.is_exhausted() { Err(TooDeep) } else { Ok(()) }
    }

    fn eat(&mut self, scan: &Scan) -> bool {
        let end = scan.scan(self.source.text, self.at);
        self.at = end.unwrap_or(self.at);
        end.is_some()
    }

    fn problem(&self, title: &str, message: &str) -> Problem {
        Problem::new(title, self.source.point(self.at), message)
    }

    fn syntax(&self, title: &str, scan: &Scan) -> Problem {
        Problem::syntax(title, scan, self.source, self.at)
    }

    /// A comment to the end of the line, if there is one: whether there was.
    fn comment_line(&mut self) -> Result<bool, Problem> {
        let first = self.at;
        self.eat(&BLANKS);
        if !self.eat(&COMMENT) {
            self.at = first;
            return Ok(false);
        }
        if !self.at_end() && !self.eat(&NEWLINE) {
            while !self.at_end() {
                self.advance();
                if self.current() == b'\n' {
                    self.advance();
                    break;
                }
            }
            let title = "toml::parse_comment_line: newline (LF / CRLF) or EOF is expected";
            let hint = "Hint: most of the control characters are not allowed in comments";
            return Err(self.problem(title, "but got this").hint(hint));
        }
        Ok(true)
    }

    /// Blanks, line ends and comments: `None` when there are none, else whether a line ended.
    fn spacer(&mut self) -> Option<bool> {
        let mut found = None;
        while !self.at_end() {
            if self.eat(&COMMENT_LINE) || self.eat(&NEWLINE) {
                found = Some(true);
            } else if matches!(self.current(), b' ' | b'\t') {
                self.eat(&BLANKS);
                found = Some(found.unwrap_or(false));
            } else {
                break;
            }
        }
        found
    }

    /// What the value here looks like.
    pub(super) fn guess(&self) -> Result<Kind, Problem> {
        let lower = |word: &str, scan: &Scan| {
            let title = format!(
                "toml::parse_value: `{word}` must be in lowercase. A string must be surrounded by quotes."
            );
            Err(self.syntax(&title, scan))
        };
        let rest = &self.source.text[self.at.min(self.source.text.len())..];
        match self.current() {
            b'"' | b'\'' => Ok(Kind::String),
            b'[' => Ok(Kind::Array),
            b'{' => Ok(Kind::Table),
            b't' | b'f' => Ok(Kind::Boolean),
            b'T' => lower("true", &BOOLEAN),
            b'F' => lower("false", &BOOLEAN),
            b'i' if rest.starts_with(b"inf") => Ok(Kind::Float),
            b'n' if rest.starts_with(b"nan") => Ok(Kind::Float),
            b'i' | b'I' => lower("inf", &FLOAT),
            b'n' | b'N' => lower("nan", &FLOAT),
            _ => number::guess(self.source, self.at),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Node, Stop>) -> Result<Node, Stop> {
        self.depth += 1;
        let read = if self.depth > DEPTH { Err(Stop::TooDeep) } else { read(self) };
        self.depth -= 1;
        read
    }

    fn value(&mut self) -> Result<Node, Stop> {
        let begin = self.at;
        let read = match self.guess()? {
            Kind::Array => return self.nested(Self::array),
            Kind::Table => return self.nested(Self::inline_table),
            Kind::Boolean => {
                let Some(end) = BOOLEAN.scan(self.source.text, self.at) else {
                    let title = "toml::parse_boolean: invalid boolean: boolean must be `true` or `false`, in lowercase. string \
                                 must be surrounded by `\"`";
                    return Err(self.syntax(title, &BOOLEAN).into());
                };
                (Value::Boolean(self.source.text[begin] == b't'), end)
            }
            Kind::String => text::string(self.source, self.at)?,
            Kind::Integer => number::integer(self.source, self.at)?,
            Kind::Float => number::float(self.source, self.at)?,
            kind => number::time(self.source, self.at, kind)?,
        };
        self.at = read.1;
        Ok(Node { content: Content::Leaf(read.0), region: (begin, read.1) })
    }

    fn pair(&mut self) -> Result<(Key, Node), Stop> {
        let (key, end) = text::key(self.source, self.at)?;
        let Some(value) = EQUALS.scan(self.source.text, end) else {
            let title = "toml::parse_key_value_pair: invalid key value separator `=`";
            return Err(Problem::syntax(title, &EQUALS, self.source, end).into());
        };
        self.at = value;
        Ok((key, self.value()?))
    }

    /// The pairs of a table up to the next header. An error that ends the table early is returned.
    fn pairs(&mut self, members: &mut Members) -> Result<(), Stop> {
        let before = self.problems.len();
        let mut newline = true;
        while !self.at_end() {
            let start = self.at;
            let spacer = self.spacer();
            if self.at_end() {
                break;
            }
            if TABLE_BEGIN.scan(self.source.text, self.at).is_some() {
                self.at = start;
                break;
            }
            if !newline && spacer != Some(true) {
                let title = "toml::parse_table: newline (LF / CRLF) or EOF is expected";
                return Err(self.problem(title, "here").into());
            }
            newline = false;
            match self.pair() {
                Ok((key, value)) => {
                    match self.comment_line() {
                        Ok(found) => newline = found,
                        Err(problem) => self.problems.push(problem),
                    }
                    if let Err(problem) = insert_value(self.source, members, &key, value) {
                        self.problems.push(problem);
                    }
                }
                Err(Stop::TooDeep) => return Err(Stop::TooDeep),
                Err(Stop::Problem(problem)) => {
                    self.problems.push(*problem);
                    self.skip_pair()?;
                }
            }
        }
        match self.problems.len() > before {
            true => Err(self.problems.pop().map_or(Stop::TooDeep, Stop::from)),
            false => Ok(()),
        }
    }

    fn pairs_or_skip(&mut self, members: &mut Members) -> Result<(), TooDeep> {
        match self.pairs(members) {
            Ok(()) => Ok(()),
            Err(Stop::TooDeep) => Err(TooDeep),
            Err(Stop::Problem(problem)) => {
                self.problems.push(*problem);
                self.skip_to_table();
                Ok(())
            }
        }
    }

    /// Comments at the very top.
    fn top_comments(&mut self) {
        let first = self.at;
        while !self.at_end() {
            match self.comment_line() {
                Ok(true) => {}
                Ok(false) => {
                    if !self.eat(&EMPTY_LINE) {
                        self.at = first;
                    }
                    break;
                }
                Err(problem) => {
                    self.problems.push(problem);
                    self.skip_comment_block();
                }
            }
        }
    }

    /// The names of a header, when there is one here.
    fn header(&mut self, scan: &Scan, bracket: usize) -> Option<Key> {
        let begin = self.at;
        let end = scan.scan(self.source.text, begin)?;
        let inside = BLANKS.scan(self.source.text, begin + bracket)?;
        let (key, _) = text::key(self.source, inside).ok()?;
        self.at = end;
        Some(Key { names: key.names, region: (begin, end) })
    }

    /// What follows a header on its line; `false` when that is not allowed.
    fn header_end(&mut self) -> bool {
        match self.comment_line() {
            Ok(true) => true,
            Ok(false) => {
                self.eat(&BLANKS);
                if self.at_end() || self.eat(&NEWLINE) {
                    return true;
                }
                let problem = self.syntax("toml::parse_file: newline (or EOF) expected", &NEWLINE);
                self.problems.push(problem);
                false
            }
            Err(problem) => {
                self.problems.push(problem);
                false
            }
        }
    }

    /// The whole text.
    pub(super) fn file(&mut self) -> Result<Node, TooDeep> {
        let mut members = Members::new();
        if !self.at_end() {
            self.top_comments();
            self.pairs_or_skip(&mut members)?;
        }
        while !self.at_end() {
            self.spacer();
            self.section(&mut members)?;
        }
        Ok(Node { content: Content::Table { members, origin: Origin::Header }, region: (0, 0) })
    }

    /// A header and the pairs below it.
    fn section(&mut self, root: &mut Members) -> Result<(), TooDeep> {
        let (key, is_array) = if let Some(key) = self.header(&ARRAY_HEADER, 2) {
            (key, true)
        } else if let Some(key) = self.header(&TABLE_HEADER, 1) {
            (key, false)
        } else {
            let problem = match self.source.text[self.at..].starts_with(b"[[") {
                true => self.syntax("toml::parse_file: invalid array-table key", &ARRAY_HEADER),
                false => self.syntax("toml::parse_file: invalid table key", &TABLE_HEADER),
            };
            self.problems.push(problem);
            self.skip_to_table();
            return Ok(());
        };
        if !self.header_end() {
            self.skip_to_table();
            return Ok(());
        }
        let opened = if is_array {
            append_table(self.source, root, &key)
        } else {
            open_table(self.source, root, &key)
        };
        match opened {
            Ok(members) => self.pairs_or_skip(members),
            Err(problem) => {
                self.problems.push(problem);
                self.pairs_or_skip(&mut Members::new())
            }
        }
    }
}
