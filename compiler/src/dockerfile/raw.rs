//! A logical line as the parser sees it: name, flags, and arguments split as the instruction wants them split.
//!
//! Owns: which instruction splits its arguments how. Nothing is validated or expanded here: an unknown instruction, an
//! unknown flag or a missing argument is a matter of `instruction`. The few things that are wrong already at this
//! stage are those that BuildKit's parser refuses: JSON arrays with something else than strings, and ENV and LABEL
//! pairs that are none.

use buildc_ir::{Diagnostic, Span};

use super::ast::{Pairs, Word};
use super::json::{self, JsonForm};
use super::lines::LogicalLine;
use super::words::{self, Placed};
use super::{heredoc, problem};

/// One instruction, split and nothing else.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Raw {
    /// The name as written; empty where a continuation at the end of the file has nothing before it.
    pub name: Word,
    /// `--name[=value]` words, quotes and escapes resolved.
    pub flags: Vec<Word>,
    /// Where the arguments start in the logical line.
    pub start: usize,
    /// The place of all arguments, or of the name where there are none.
    pub span: Span,
    /// What stands behind the flags.
    pub args: RawArgs,
}

/// Arguments, split.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RawArgs {
    /// None.
    Nothing,
    /// The instruction is unknown, so nobody knows how to split them.
    Ignored,
    /// A JSON array of strings.
    Json(Vec<String>),
    /// One text up to the end of the line.
    Text(Word),
    /// Words.
    Words(Vec<Word>),
    /// `KEY=VALUE` pairs, or the old `KEY rest of line`.
    Pairs(Pairs),
    /// HEALTHCHECK: a type, and what follows it.
    Check(Word, Box<RawArgs>),
    /// ONBUILD: another instruction.
    Inner(Box<Raw>),
}

/// How an instruction splits its arguments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Form {
    /// One text.
    Text,
    /// At blanks; quotes mean nothing.
    Words,
    /// At blanks that are neither quoted nor escaped.
    Quoted,
    /// Pairs.
    Pairs,
    /// JSON, else one text.
    JsonOrText,
    /// JSON, else words at blanks.
    JsonOrWords,
    /// A type, then JSON or text.
    Check,
    /// An instruction.
    Inner,
}

fn form(name: &str) -> Option<Form> {
    Some(match name.to_ascii_lowercase().as_str() {
        "maintainer" | "stopsignal" | "user" | "workdir" => Form::Text,
        "expose" | "from" => Form::Words,
        "arg" => Form::Quoted,
        "env" | "label" => Form::Pairs,
        "cmd" | "entrypoint" | "run" | "shell" => Form::JsonOrText,
        "add" | "copy" | "volume" => Form::JsonOrWords,
        "healthcheck" => Form::Check,
        "onbuild" => Form::Inner,
        _ => return None,
    })
}

/// ONBUILD in ONBUILD is followed so far; deeper ones are taken for unknown.
const MAX_NESTING: usize = 16;

/// Splits a logical line.
///
/// # Errors
/// The diagnostic, where no tree can be made of the line.
pub fn parse(line: &LogicalLine, escape: char) -> Result<Raw, Diagnostic> {
    Splitter { line, escape }.instruction(0, MAX_NESTING)
}

struct Splitter<'a> {
    line: &'a LogicalLine,
    escape: char,
}

impl Splitter<'_> {
    /// The instruction that starts at an offset of the line.
    fn instruction(&self, at: usize, depth: usize) -> Result<Raw, Diagnostic> {
        let text = &self.line.text[at..];
        let (name, rest) = words::head(text);
        let after = at + text.len() - rest.map_or(0, str::len);
        let (found, skipped) = words::flags(rest.unwrap_or(""));
        let start = after + skipped;
        let name = self.word(at, (0, name));
        let flags = found
            .into_iter()
            .map(|f| Word { text: f.text, span: self.line.span(after + f.start..after + f.end) })
            .collect();
        let end = self.line.text.len();
        let span = if start < end { self.line.span(start..end) } else { name.span };
        let args = match form(&name.text).filter(|form| *form != Form::Inner || depth > 0) {
            Some(form) => self.args(form, &name.text, start, span, depth)?,
            None => RawArgs::Ignored,
        };
        Ok(Raw { name, flags, start, span, args })
    }

    fn word(&self, base: usize, (at, text): Placed<'_>) -> Word {
        let start = base + at;
        Word { text: text.to_owned(), span: self.line.span(start..start + text.len()) }
    }

    fn words(&self, base: usize, found: Vec<Placed<'_>>) -> RawArgs {
        if found.is_empty() {
            return RawArgs::Nothing;
        }
        RawArgs::Words(found.into_iter().map(|w| self.word(base, w)).collect())
    }

    fn args(
        &self,
        form: Form,
        name: &str,
        start: usize,
        span: Span,
        depth: usize,
    ) -> Result<RawArgs, Diagnostic> {
        let text = &self.line.text[start..];
        if text.is_empty() {
            return Ok(RawArgs::Nothing);
        }
        Ok(match form {
            Form::Text => RawArgs::Text(self.word(start, (0, text))),
            Form::Words => self.words(start, words::plain(text)),
            Form::Quoted => self.words(start, words::quoted(text, self.escape)),
            Form::Pairs => self.pairs(name, start, span)?,
            Form::JsonOrText => self.json_or(name, start, |s| RawArgs::Text(s.word(start, (0, text))))?,
            Form::JsonOrWords => self.json_or(name, start, |s| s.words(start, words::plain(text)))?,
            Form::Check => self.check(name, start)?,
            Form::Inner => RawArgs::Inner(Box::new(self.instruction(start, depth - 1)?)),
        })
    }

    fn json_or(
        &self,
        name: &str,
        start: usize,
        otherwise: impl FnOnce(&Self) -> RawArgs,
    ) -> Result<RawArgs, Diagnostic> {
        let text = &self.line.text[start..];
        match json::parse(text) {
            JsonForm::Strings(words) => Ok(RawArgs::Json(words)),
            JsonForm::NotJson => Ok(otherwise(self)),
            JsonForm::OtherMembers => {
                let name = name.to_ascii_uppercase();
                let message = format!("The JSON array of {name} holds something else than strings");
                Err(problem::bad_json(message, self.line.span(start..self.line.text.len())))
            }
        }
    }

    fn check(&self, name: &str, start: usize) -> Result<RawArgs, Diagnostic> {
        let text = &self.line.text[start..];
        let kind = text.split(char::is_whitespace).next().unwrap_or(text);
        let rest = text[kind.len()..].trim_start();
        let at = start + text.len() - rest.len();
        let command = if rest.is_empty() {
            RawArgs::Nothing
        } else {
            self.json_or(name, at, |s| RawArgs::Text(s.word(at, (0, rest))))?
        };
        Ok(RawArgs::Check(self.word(start, (0, kind)), Box::new(command)))
    }

    fn pairs(&self, name: &str, start: usize, span: Span) -> Result<RawArgs, Diagnostic> {
        let found = words::quoted(&self.line.text[start..], self.escape);
        let Some((_, first)) = found.first() else { return Ok(RawArgs::Nothing) };
        if !first.contains('=') {
            return self.legacy_pair(name, start, span);
        }
        let mut pairs = Vec::new();
        for (at, text) in found {
            let Some((key, value)) = text.split_once('=') else {
                let word = self.word(start, (at, text));
                return Err(problem::missing_equals(&name.to_ascii_uppercase(), &word.text, word.span));
            };
            let value_at = at + key.len() + 1;
            pairs.push((self.word(start, (at, key)), self.word(start, (value_at, value))));
        }
        Ok(RawArgs::Pairs(Pairs { pairs, legacy: false }))
    }

    /// `KEY rest of the line`.
    fn legacy_pair(&self, name: &str, start: usize, span: Span) -> Result<RawArgs, Diagnostic> {
        let text = &self.line.text[start..];
        let (key, Some(value)) = words::head(text) else {
            return Err(problem::missing_value(&name.to_ascii_uppercase(), span));
        };
        let value_at = text.len() - value.len();
        let pair = (self.word(start, (0, key)), self.word(start, (value_at, value)));
        Ok(RawArgs::Pairs(Pairs { pairs: vec![pair], legacy: true }))
    }
}

/// True when the lines below may be heredoc bodies: RUN, COPY and ADD not in JSON form, also behind one ONBUILD.
pub fn may_have_heredocs(line: &LogicalLine, escape: char) -> bool {
    let Ok(raw) = parse(line, escape) else { return false };
    let inner = match &raw.args {
        RawArgs::Inner(inner) => inner,
        _ => &raw,
    };
    heredoc::is_carrier(&inner.name.text) && !matches!(inner.args, RawArgs::Json(_))
}
