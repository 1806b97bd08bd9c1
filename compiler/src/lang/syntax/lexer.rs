//! Bytes → tokens, one at a time.
//!
//! Owns: which lexical form applies where: strings, paths and interpolations nest, so the lexer keeps a stack of modes. Also
//! documentation comments, which belong to the token after them.
//! Never does: look further ahead than the longest token.

use bumpalo::Bump;

use super::ast::Doc;
use super::error::{Result, SyntaxError};
use super::number;
use super::pos::Pos;
use super::scan;
use super::token::{Token, keyword};

mod text;

/// Where in nested strings, paths and interpolations the lexer is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    Expression,
    String,
    IndentedString,
    /// Within a path that may end here.
    Path,
    /// Within a path, just after `/`: it must not end here.
    PathAfterSlash,
}

/// What a rule of the lexer matched, as offsets in the source.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: usize,
    end: usize,
}

/// Bytes that may all belong to one path, found at some offset.
#[derive(Clone, Copy, Debug)]
struct PathRun {
    start: usize,
    end: usize,
    /// Just after the last `_` in it, or its start: from here on it may be the scheme of a URI.
    scheme: usize,
}

pub(super) struct Lexer<'a> {
    arena: &'a Bump,
    text: &'a [u8],
    base: Pos,
    pipe_operators: bool,
    mode: Mode,
    outer_modes: Vec<Mode>,
    /// Where the rest of the source starts.
    offset: usize,
    /// What the last rule matched, blanks and comments included. At the end of a path that ends the source, not the last one.
    matched: Span,
    /// What the rule before it matched.
    matched_before: Span,
    /// The last run found: `a.b.c` is scanned once, not from every word of it.
    path_run: PathRun,
    doc: Option<Doc>,
    docs: Vec<(Pos, Doc)>,
}

impl<'a> Lexer<'a> {
    pub fn new(arena: &'a Bump, text: &'a [u8], base: Pos, pipe_operators: bool) -> Self {
        let nothing = Span { start: 0, end: 0 };
        Lexer {
            arena,
            text,
            base,
            pipe_operators,
            mode: Mode::Expression,
            outer_modes: Vec::new(),
            offset: 0,
            matched: nothing,
            matched_before: nothing,
            path_run: PathRun { start: 0, end: 0, scheme: 0 },
            doc: None,
            docs: Vec::new(),
        }
    }

    /// Where the last token starts. Of [`Token::End`]: where errors about it point, the end of what was read.
    pub fn token_pos(&self, token: &Token<'_>) -> Pos {
        let offset = if *token == Token::End { self.matched.end } else { self.matched.start };
        self.pos(offset)
    }

    /// Documentation comments, each with the place of the token after it, in order.
    pub fn into_docs(self) -> Vec<(Pos, Doc)> {
        self.docs
    }

    /// The documentation comment in front of the token at `pos`.
    pub fn doc_before(&self, pos: Pos) -> Option<Doc> {
        let index = self.docs.binary_search_by_key(&pos, |(token, _)| *token).ok()?;
        Some(self.docs[index].1)
    }

    /// Bytes held beside the arena.
    pub fn held(&self) -> usize {
        self.docs.capacity() * size_of::<(Pos, Doc)>()
    }

    /// True when no documentation comment was met yet.
    pub fn has_no_docs(&self) -> bool {
        self.docs.is_empty()
    }

    /// The source from `start` to the end of the last token.
    pub fn text_since(&self, start: Pos) -> &'a [u8] {
        self.text.get(start.since(self.base)..self.matched.end).unwrap_or_default()
    }

    /// Reads the next token.
    pub fn next(&mut self) -> Result<Token<'a>> {
        match self.mode {
            Mode::Expression => self.expression(),
            Mode::String => self.string(),
            Mode::IndentedString => self.indented_string(),
            Mode::Path | Mode::PathAfterSlash => self.path(),
        }
    }

    fn pos(&self, offset: usize) -> Pos {
        self.base.offset(offset as u32)
    }

    fn rest(&self) -> &'a [u8] {
        &self.text[self.offset..]
    }

    /// Records that a rule matched so many bytes.
    fn matched(&mut self, length: usize) {
        self.matched_before = self.matched;
        self.matched = Span { start: self.offset, end: self.offset + length };
        self.offset += length;
    }

    fn token(&mut self, length: usize, token: Token<'a>) -> Result<Token<'a>> {
        self.matched(length);
        Ok(token)
    }

    fn push(&mut self, mode: Mode) {
        self.outer_modes.push(self.mode);
        self.mode = mode;
    }

    /// Leaves a mode; a brace too many at the outermost level leaves nothing.
    fn pop(&mut self) {
        if let Some(mode) = self.outer_modes.pop() {
            self.mode = mode;
        }
    }

    fn skip_blanks_and_comments(&mut self) {
        let mut rest = self.rest();
        loop {
            let skipped = match rest {
                [b' ' | b'\t' | b'\n' | b'\r', ..] => scan::spaces(rest),
                [b'#', ..] => scan::line_comment(rest),
                [b'/', b'*', ..] => scan::long_comment(rest),
                _ => break,
            };
            let Ok((tail, skipped)) = skipped else { break };
            if matches!(skipped, [b'/', b'*', b'*', third, ..] if !matches!(third, b'/' | b'*')) {
                let start = self.pos(self.text.len() - rest.len());
                self.doc = Some(Doc { start, length: skipped.len() as u32 });
            }
            rest = tail;
        }
        let end = self.text.len() - rest.len();
        if end > self.offset {
            self.matched(end - self.offset);
        }
    }

    fn expression(&mut self) -> Result<Token<'a>> {
        self.skip_blanks_and_comments();
        if let Some(doc) = self.doc.take() {
            self.docs.push((self.pos(self.offset), doc));
        }
        let rest = self.rest();
        let Some(&first) = rest.first() else { return Ok(Token::End) };
        if scan::starts_identifier(first) {
            return self.word(rest);
        }
        match first {
            b'0'..=b'9' | b'.' | b'+' | b'-' | b'/' | b'~' => {
                if let Some(path) = self.path_start(rest) {
                    return self.token(path.0, path.1);
                }
            }
            _ => {}
        }
        match first {
            b'0'..=b'9' => self.number(rest),
            b'.' if rest.get(1).is_some_and(u8::is_ascii_digit) => self.number(rest),
            b'"' => self.open(1, Token::Quote, Mode::String),
            b'{' => self.open(1, Token::BraceOpen, Mode::Expression),
            b'$' if rest.starts_with(b"${") => self.open(2, Token::DollarCurly, Mode::Expression),
            b'\'' if rest.starts_with(b"''") => {
                let length = scan::indented_open(rest).map_or(2, |(_, matched)| matched.len());
                self.open(length, Token::IndentedOpen, Mode::IndentedString)
            }
            b'}' => {
                self.pop();
                self.token(1, Token::BraceClose)
            }
            b'<' => self.less(rest),
            b'|' if rest.starts_with(b"|>") => self.pipe(Token::PipeInto),
            _ => {
                let (length, token) = operator(rest);
                self.token(length, token)
            }
        }
    }

    fn open(&mut self, length: usize, token: Token<'a>, mode: Mode) -> Result<Token<'a>> {
        self.push(mode);
        self.token(length, token)
    }

    /// An identifier, a keyword, or a path or URI that starts like one.
    #[inline]
    fn word(&mut self, rest: &'a [u8]) -> Result<Token<'a>> {
        let word = scan::identifier(rest).map_or(rest, |(_, word)| word);
        if let Some(b'/' | b':' | b'.' | b'+') = rest.get(word.len())
            && let Some((length, token)) = self.path_start(rest).or_else(|| self.uri(rest))
        {
            return self.token(length, token);
        }
        self.token(word.len(), keyword(word).unwrap_or(Token::Identifier(word)))
    }

    /// Length of the run of bytes of paths at the current offset.
    fn path_run(&mut self) -> usize {
        let start = self.offset;
        if !(self.path_run.start..self.path_run.end).contains(&start) {
            let length = self.rest().iter().take_while(|byte| scan::is_path_byte(**byte)).count();
            let run = &self.rest()[..length];
            let scheme = run.iter().rposition(|byte| *byte == b'_').map_or(0, |underscore| underscore + 1);
            self.path_run = PathRun { start, end: start + length, scheme: start + scheme };
        }
        self.path_run.end - start
    }

    /// A path that starts here, and the mode for what follows it.
    fn path_start(&mut self, rest: &'a [u8]) -> Option<(usize, Token<'a>)> {
        if rest[0] == b'~' {
            let path = scan::home_path(rest).ok()?.1;
            self.enter_path(path);
            return Some((path.len(), Token::HomePath(path)));
        }
        let run = self.path_run();
        let tail = &rest[run..];
        if tail.first() != Some(&b'/') {
            return None;
        }
        let length = match scan::path_tail(tail) {
            Ok((_, tail)) => run + tail.len(),
            Err(_) => run + scan::path_before_interpolation(tail).ok()?.1.len(),
        };
        let path = &rest[..length];
        self.enter_path(path);
        Some((length, Token::Path(path)))
    }

    fn enter_path(&mut self, path: &[u8]) {
        self.push(if path.ends_with(b"/") { Mode::PathAfterSlash } else { Mode::Path });
    }

    fn uri(&mut self, rest: &'a [u8]) -> Option<(usize, Token<'a>)> {
        let run = self.path_run();
        if self.path_run.scheme > self.offset {
            return None;
        }
        let (_, tail) = scan::uri_tail(&rest[run..]).ok()?;
        let length = run + tail.len();
        Some((length, Token::Uri(&rest[..length])))
    }

    fn number(&mut self, rest: &'a [u8]) -> Result<Token<'a>> {
        if let Ok((_, digits)) = scan::float(rest) {
            self.matched(digits.len());
            return number::float(digits).map(Token::Float).ok_or_else(|| self.invalid("float", digits));
        }
        let digits = scan::integer(rest).map_or(rest, |(_, digits)| digits);
        self.matched(digits.len());
        number::integer(digits).map(Token::Integer).ok_or_else(|| self.invalid("integer", digits))
    }

    fn invalid(&self, what: &str, digits: &[u8]) -> Box<SyntaxError> {
        SyntaxError::quoting(self.pos(self.matched.start), &format!("invalid {what} '"), digits, "'")
    }

    fn less(&mut self, rest: &'a [u8]) -> Result<Token<'a>> {
        if let Ok((_, path)) = scan::search_path(rest) {
            return self.token(path.len() + 2, Token::SearchPath(path));
        }
        match rest.get(1) {
            Some(b'=') => self.token(2, Token::LessEqual),
            Some(b'|') => self.pipe(Token::PipeFrom),
            _ => self.token(1, Token::Less),
        }
    }

    fn pipe(&mut self, token: Token<'a>) -> Result<Token<'a>> {
        self.matched(2);
        if self.pipe_operators {
            return Ok(token);
        }
        let message = "experimental Nix feature 'pipe-operators' is disabled; \
                       add '--extra-experimental-features pipe-operators' to enable it";
        Err(SyntaxError::new(self.pos(self.matched.start), message))
    }
}

/// A token that is an operator or a single byte.
fn operator(rest: &[u8]) -> (usize, Token<'static>) {
    match rest {
        [b'=', b'=', ..] => (2, Token::Equal),
        [b'!', b'=', ..] => (2, Token::NotEqual),
        [b'>', b'=', ..] => (2, Token::GreaterEqual),
        [b'/', b'/', ..] => (2, Token::Update),
        [b'+', b'+', ..] => (2, Token::Concat),
        [b'&', b'&', ..] => (2, Token::And),
        [b'|', b'|', ..] => (2, Token::Or),
        [b'-', b'>', ..] => (2, Token::Implies),
        [b'.', b'.', b'.', ..] => (3, Token::Ellipsis),
        [first, ..] => (1, single(*first)),
        [] => (0, Token::End),
    }
}

fn single(byte: u8) -> Token<'static> {
    match byte {
        // What the reference lexer returns for a null byte is its mark of the end.
        0 => Token::End,
        b'>' => Token::Greater,
        b'+' => Token::Plus,
        b'-' => Token::Minus,
        b'*' => Token::Star,
        b'/' => Token::Slash,
        b'?' => Token::Question,
        b'!' => Token::Not,
        b'(' => Token::ParenOpen,
        b')' => Token::ParenClose,
        b'[' => Token::BracketOpen,
        b']' => Token::BracketClose,
        b':' => Token::Colon,
        b';' => Token::Semicolon,
        b'@' => Token::At,
        b'.' => Token::Dot,
        b'=' => Token::Assign,
        b',' => Token::Comma,
        _ => Token::Invalid,
    }
}
