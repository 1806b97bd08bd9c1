//! Word expansion: what `$name`, `${name…}`, quotes and escapes in a word stand for (spec/dockerfile.md, Words).
//!
//! Owns: evaluation. The grammar is in `word`, the patterns in `pattern`. Values of variables are never parsed again.

use super::pattern::Pattern;
use super::word::{self, Grammar, Operation, Part, Variable};

/// An expansion may not grow over this many bytes: `ENV a=$a$a` doubles each time.
const MAX_BYTES: usize = 1 << 20;

/// Why a word cannot be expanded.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ExpandError {
    /// `${` without `}`.
    #[error("missing `}}`")]
    MissingBrace,
    /// `${n/p` without the second slash.
    #[error("missing `/` in a replacement")]
    MissingSlash,
    /// `${}`, `${:x}`.
    #[error("bad substitution")]
    BadSubstitution,
    /// A quote that is not closed.
    #[error("the quote {0} is not closed")]
    OpenQuote(char),
    /// `${n^x}`.
    #[error("modifier `{0}` does not exist")]
    UnknownModifier(String),
    /// An escape that patterns do not have.
    #[error("pattern `{0}` has an escape before something else than `*?\\/}}`")]
    BadPattern(String),
    /// `${n:?message}`.
    #[error("{name}: {message}")]
    Required {
        /// The variable.
        name: String,
        /// What the author says.
        message: String,
    },
    /// Nested too deeply.
    #[error("substitutions are nested too deeply")]
    TooDeep,
    /// The result is too long.
    #[error("the result is longer than 1 MiB")]
    TooLong,
}

impl ExpandError {
    /// The remedy.
    pub fn help(&self) -> &'static str {
        match self {
            Self::MissingBrace => {
                "Close the substitution; in ENV and ARG a word with blanks needs double quotes around it"
            }
            Self::MissingSlash => "Write `${name/pattern/replacement}`",
            Self::BadSubstitution => "Write `${name}` with a name after the brace",
            Self::OpenQuote(_) => "Close the quote, or escape it if it is meant as text",
            Self::UnknownModifier(_) => "There are `-` `:-` `+` `:+` `?` `:?` `#` `##` `%` `%%` `/` and `//`",
            Self::BadPattern(_) => "Only these characters may be escaped in a pattern",
            Self::Required { .. } => {
                "Declare the variable with ARG or ENV above this line, or pass `--build-arg`"
            }
            Self::TooDeep | Self::TooLong => "Put the text in a file and COPY it",
        }
    }
}

/// What a word became.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Expansion {
    /// As one word.
    pub text: String,
    /// As several words: split at blanks that are neither quoted nor escaped, also inside values.
    pub words: Vec<String>,
    /// Names that were asked for and set, in order.
    pub used: Vec<String>,
    /// Names that were asked for and not set, in order.
    pub unset: Vec<String>,
}

/// How words are read and evaluated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lexer {
    grammar: Grammar,
    raw_quotes: bool,
    raw_escapes: bool,
    keep_unset: bool,
    operators: bool,
}

/// Where values come from.
pub type Lookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

impl Lexer {
    /// Words of instructions.
    pub fn new(escape: char) -> Self {
        let grammar = Grammar { escape, quotes: true };
        Self { grammar, raw_quotes: false, raw_escapes: false, keep_unset: false, operators: false }
    }

    /// Bodies of COPY and ADD heredocs: quotes are text, the escape character is always `\`.
    pub fn heredoc_body() -> Self {
        Self { grammar: Grammar { escape: '\\', quotes: false }, ..Self::new('\\') }
    }

    /// The unquoted name of a heredoc.
    pub fn heredoc_name() -> Self {
        Self { keep_unset: true, ..Self::new('\\') }
    }

    /// A line in which heredoc words are looked for: everything stays as written, and blanks behind `<<` belong to
    /// the word.
    pub fn heredoc_line() -> Self {
        Self { raw_quotes: true, raw_escapes: true, keep_unset: true, operators: true, ..Self::new('\\') }
    }

    /// A RUN line as it is shown to people: quotes stay, unset variables stay.
    pub fn display(self) -> Self {
        Self { raw_quotes: true, keep_unset: true, ..self }
    }

    /// Expands one word.
    ///
    /// # Errors
    /// [`ExpandError`] for bad grammar, a required variable that is missing, or a result that is too long.
    pub fn expand(&self, source: &str, lookup: &Lookup<'_>) -> Result<Expansion, ExpandError> {
        let parts = word::parse(self.grammar, source)?;
        let mut evaluator = Evaluator { lexer: self, lookup, used: Vec::new(), unset: Vec::new() };
        let mut out = Output::default();
        evaluator.parts(&parts, self.raw_escapes, &mut out)?;
        let (text, words) = out.finish();
        Ok(Expansion { text, words, used: evaluator.used, unset: evaluator.unset })
    }
}

/// The result while it grows, as one text and as words.
#[derive(Default)]
struct Output {
    text: String,
    word: String,
    words: Vec<String>,
}

impl Output {
    /// Text that belongs to the current word whatever is in it.
    fn solid(&mut self, text: &str) {
        self.text.push_str(text);
        self.word.push_str(text);
    }

    /// Text that is split at blanks.
    fn splitting(&mut self, text: &str) {
        self.text.push_str(text);
        for c in text.chars() {
            if !c.is_whitespace() {
                self.word.push(c);
            } else if !self.word.is_empty() {
                self.words.push(std::mem::take(&mut self.word));
            }
        }
    }

    /// As `splitting`, but blanks directly behind `<<` are kept in the word: `<< EOF` is one.
    fn operators(&mut self, mut text: &str) {
        while let Some(at) = text.find("<<") {
            let behind = &text[at + 2..];
            let blanks = behind.len() - behind.trim_start_matches([' ', '\t']).len();
            self.splitting(&text[..at]);
            self.solid(&text[at..at + 2 + blanks]);
            text = &behind[blanks..];
        }
        self.splitting(text);
    }

    fn finish(mut self) -> (String, Vec<String>) {
        if !self.word.is_empty() {
            self.words.push(self.word);
        }
        (self.text, self.words)
    }
}

struct Evaluator<'a> {
    lexer: &'a Lexer,
    lookup: &'a Lookup<'a>,
    used: Vec<String>,
    unset: Vec<String>,
}

impl Evaluator<'_> {
    fn parts(&mut self, parts: &[Part], raw_escapes: bool, out: &mut Output) -> Result<(), ExpandError> {
        let quote = |q: &'static str| if self.lexer.raw_quotes { q } else { "" };
        let (single, double) = (quote("'"), quote("\""));
        for part in parts {
            match part {
                Part::Text(text) if self.lexer.operators => out.operators(text),
                Part::Text(text) => out.splitting(text),
                Part::Escaped(c) => {
                    if raw_escapes {
                        out.solid(self.lexer.grammar.escape.encode_utf8(&mut [0; 4]));
                    }
                    if let Some(c) = c {
                        out.solid(c.encode_utf8(&mut [0; 4]));
                    }
                }
                Part::Single(text) => out.solid(&format!("{single}{text}{single}")),
                Part::Double(inner) => {
                    let inner = self.quoted(inner, raw_escapes)?;
                    out.solid(&format!("{double}{inner}{double}"));
                }
                Part::Variable(variable) => {
                    let value = self.variable(variable)?;
                    out.splitting(&value);
                }
                Part::QuotedEscape(_) | Part::LiteralEscape => {}
            }
            if out.text.len() > MAX_BYTES {
                return Err(ExpandError::TooLong);
            }
        }
        Ok(())
    }

    fn quoted(&mut self, parts: &[Part], raw_escapes: bool) -> Result<String, ExpandError> {
        let mut out = String::new();
        let escape = self.lexer.grammar.escape;
        for part in parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::QuotedEscape(c) => {
                    out.extend(raw_escapes.then_some(escape));
                    out.push(*c);
                }
                Part::LiteralEscape => {
                    out.extend(raw_escapes.then_some(escape));
                    out.push(escape);
                }
                Part::Variable(variable) => out.push_str(&self.variable(variable)?),
                Part::Escaped(_) | Part::Single(_) | Part::Double(_) => {}
            }
            if out.len() > MAX_BYTES {
                return Err(ExpandError::TooLong);
            }
        }
        Ok(out)
    }

    fn word(&mut self, parts: &[Part], raw_escapes: bool) -> Result<String, ExpandError> {
        let mut out = Output::default();
        self.parts(parts, raw_escapes, &mut out)?;
        Ok(out.text)
    }

    fn variable(&mut self, variable: &Variable) -> Result<String, ExpandError> {
        let (word, replacement) = self.operands(&variable.operation)?;
        let found = (self.lookup)(&variable.name);
        let names = if found.is_some() { &mut self.used } else { &mut self.unset };
        if !names.contains(&variable.name) {
            names.push(variable.name.clone());
        }
        if found.is_none() && self.lexer.keep_unset {
            return Ok(variable.source.clone());
        }
        let usable = |colon: bool| found.as_deref().is_some_and(|v| !colon || !v.is_empty());
        let value = found.clone().unwrap_or_default();
        match &variable.operation {
            Operation::Value => Ok(value),
            Operation::Default(colon, _) => Ok(if usable(*colon) { value } else { word }),
            Operation::Alternative(colon, _) => Ok(if usable(*colon) { word } else { String::new() }),
            Operation::Required(colon, _) if usable(*colon) => Ok(value),
            Operation::Required(..) => {
                let fallback =
                    if found.is_some() { "is not allowed to be empty" } else { "is not allowed to be unset" };
                let message = if word.is_empty() { fallback.to_owned() } else { word };
                Err(ExpandError::Required { name: variable.name.clone(), message })
            }
            Operation::TrimPrefix(_) => {
                let (pattern, longest) = trim(&word, '#')?;
                Ok(pattern.trim_prefix(&value, longest))
            }
            Operation::TrimSuffix(_) => {
                let (pattern, longest) = trim(&word, '%')?;
                Ok(pattern.trim_suffix(&value, longest))
            }
            Operation::Replace { all, .. } => Ok(Pattern::parse(&word)?.replace(&value, &replacement, *all)),
        }
    }

    /// The word of an operation and its replacement, empty where it has none. They are expanded whether they are needed or
    /// not, as in BuildKit: `${a:-${b:?}}` wants `b` even where `a` is set.
    fn operands(&mut self, operation: &Operation) -> Result<(String, String), ExpandError> {
        Ok(match operation {
            Operation::Value => Default::default(),
            Operation::Default(_, word) | Operation::Alternative(_, word) | Operation::Required(_, word) => {
                (self.word(word, false)?, String::new())
            }
            Operation::TrimPrefix(word) | Operation::TrimSuffix(word) => {
                (self.word(word, true)?, String::new())
            }
            Operation::Replace { pattern, replacement, .. } => {
                (self.word(pattern, true)?, self.word(replacement, true)?)
            }
        })
    }
}

/// The pattern of a trim, and whether the longest match goes (the mark is doubled).
fn trim(word: &str, mark: char) -> Result<(Pattern, bool), ExpandError> {
    match word.strip_prefix(mark) {
        Some(rest) => Ok((Pattern::parse(rest)?, true)),
        None => Ok((Pattern::parse(word)?, false)),
    }
}

#[cfg(test)]
mod tests;
