//! The matcher under both pattern languages: a pattern is a literal head, wildcards, and a literal tail.
//!
//! Matching is a simulation of all positions at once, so its time is bounded by pattern length times text length
//! whatever the pattern; most texts are turned away by comparing head and tail.

/// A pattern with a syntax that Go's `filepath.Match` calls `ErrBadPattern`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Malformed;

/// Which language a text is read as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Language {
    /// `filepath.Match`.
    Glob,
    /// moby's patternmatcher: the same plus `**`.
    Ignore,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Token {
    Char(char),
    /// `?`: one character but `/`.
    One,
    /// `*`: any number of characters but `/`.
    Star,
    /// `**/`: nothing, or anything that ends in `/`.
    Depth,
    /// `**` at the end, and `**` before a plain text at the start: anything.
    All,
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Token {
    /// Whether the token takes this character on the way to the next token.
    fn takes(&self, c: char) -> bool {
        match self {
            Token::Char(own) => *own == c,
            Token::One => c != '/',
            Token::Class { negated, ranges } => {
                ranges.iter().any(|(lo, hi)| (*lo..=*hi).contains(&c)) != *negated
            }
            Token::Depth => c == '/',
            Token::Star | Token::All => false,
        }
    }

    /// Whether the token takes this character and stays.
    fn keeps(&self, c: char) -> bool {
        match self {
            Token::Star => c != '/',
            Token::Depth | Token::All => true,
            Token::Char(_) | Token::One | Token::Class { .. } => false,
        }
    }

    /// Whether the token may take nothing when it is reached.
    fn optional(&self) -> bool {
        matches!(self, Token::Star | Token::Depth | Token::All)
    }
}

/// A compiled pattern.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Matcher {
    head: Vec<u8>,
    middle: Vec<Token>,
    tail: Vec<u8>,
}

impl Matcher {
    pub(super) fn compile(text: &str, language: Language) -> Result<Self, Malformed> {
        let mut tokens = tokens(text, language)?;
        let plain = |t: &Token| matches!(t, Token::Char(_));
        let head_len = tokens.iter().take_while(|t| plain(t)).count();
        let tail_len = tokens[head_len..].iter().rev().take_while(|t| plain(t)).count();
        let tail = literal(&tokens.split_off(tokens.len() - tail_len));
        let middle = tokens.split_off(head_len);
        Ok(Self { head: literal(&tokens), middle, tail })
    }

    /// True when the whole text matches.
    pub(super) fn matches(&self, text: &[u8]) -> bool {
        let Some(rest) = text.strip_prefix(self.head.as_slice()) else { return false };
        let Some(rest) = rest.strip_suffix(self.tail.as_slice()) else { return false };
        match strip_end(&self.middle, rest) {
            None => false,
            Some(([], rest)) => rest.is_empty(),
            Some(([Token::All], _)) => true,
            Some(([Token::Star], rest)) => !rest.contains(&b'/'),
            Some(([Token::Depth], rest)) => rest.is_empty() || rest.ends_with(b"/"),
            Some((tokens, rest)) => States::run(tokens, rest).reached(tokens.len()),
        }
    }

    /// True when some text that starts with `prefix` matches.
    pub(super) fn may_match_below(&self, prefix: &[u8]) -> bool {
        if self.head.starts_with(prefix) {
            return true;
        }
        let Some(rest) = prefix.strip_prefix(self.head.as_slice()) else { return false };
        let tail = String::from_utf8_lossy(&self.tail);
        let tokens: Vec<Token> = self.middle.iter().cloned().chain(tail.chars().map(Token::Char)).collect();
        States::run(&tokens, rest).any()
    }
}

/// Takes tokens of exactly one character off the end with the ASCII characters they match; `None` when one does not.
/// It decides most texts without a simulation.
fn strip_end<'a>(mut tokens: &'a [Token], mut text: &'a [u8]) -> Option<(&'a [Token], &'a [u8])> {
    while let (Some((token, before)), Some((byte, rest))) = (tokens.split_last(), text.split_last()) {
        if token.optional() || !byte.is_ascii() {
            break;
        }
        if !token.takes(char::from(*byte)) {
            return None;
        }
        (tokens, text) = (before, rest);
    }
    Some((tokens, text))
}

fn literal(tokens: &[Token]) -> Vec<u8> {
    let text: String =
        tokens.iter().filter_map(|t| if let Token::Char(c) = t { Some(*c) } else { None }).collect();
    text.into_bytes()
}

/// The set of positions between tokens that the text read so far can have led to.
struct States(Vec<bool>);

impl States {
    fn run(tokens: &[Token], text: &[u8]) -> Self {
        let mut now = Self(vec![false; tokens.len() + 1]);
        let mut next = Self(vec![false; tokens.len() + 1]);
        now.enter(tokens, 0);
        for c in characters(text) {
            for (at, token) in tokens.iter().enumerate() {
                if !now.0[at] {
                    continue;
                }
                match token {
                    Token::Star | Token::All if token.keeps(c) => next.enter(tokens, at),
                    Token::Depth => next.0[at] = true,
                    _ => {}
                }
                if token.takes(c) {
                    next.enter(tokens, at + 1);
                }
            }
            std::mem::swap(&mut now, &mut next);
            next.0.fill(false);
            if !now.any() {
                break;
            }
        }
        now
    }

    /// Marks a position and those behind tokens that may take nothing.
    fn enter(&mut self, tokens: &[Token], mut at: usize) {
        self.0[at] = true;
        while tokens.get(at).is_some_and(Token::optional) {
            at += 1;
            self.0[at] = true;
        }
    }

    fn reached(&self, position: usize) -> bool {
        self.0[position]
    }

    fn any(&self) -> bool {
        self.0.contains(&true)
    }
}

/// Characters of a path; bytes that are no UTF-8 count as one character each, as in Go.
fn characters(text: &[u8]) -> impl Iterator<Item = char> {
    text.utf8_chunks().flat_map(|chunk| {
        chunk.valid().chars().chain(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER))
    })
}

fn tokens(text: &str, language: Language) -> Result<Vec<Token>, Malformed> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let start = rest.len() == text.len();
        rest = &rest[c.len_utf8()..];
        match c {
            '*' if language == Language::Ignore && rest.starts_with('*') => {
                rest = &rest[1..];
                out.push(double_star(&mut rest, start));
            }
            // Neighbouring stars mean the same as one.
            '*' if out.last() == Some(&Token::Star) => {}
            '*' => out.push(Token::Star),
            '?' => out.push(Token::One),
            '[' => out.push(class(&mut rest)?),
            '\\' => out.push(Token::Char(take(&mut rest)?)),
            c => out.push(Token::Char(c)),
        }
    }
    Ok(out)
}

/// moby's reading of `**`: at the end it takes everything, `**/` takes whole directories, and `**` right before a
/// text without wildcards at the start of a pattern takes anything (`**.go`).
fn double_star(rest: &mut &str, start: bool) -> Token {
    if let Some(after) = rest.strip_prefix('/') {
        *rest = after;
        return if rest.is_empty() { Token::All } else { Token::Depth };
    }
    let plain = !rest.contains(['*', '?', '[', ']', '\\']);
    if rest.is_empty() || (start && plain) { Token::All } else { Token::Depth }
}

fn take(rest: &mut &str) -> Result<char, Malformed> {
    let c = rest.chars().next().ok_or(Malformed)?;
    *rest = &rest[c.len_utf8()..];
    Ok(c)
}

/// What follows `[`, through the closing `]`.
fn class(rest: &mut &str) -> Result<Token, Malformed> {
    let negated = rest.starts_with('^');
    if negated {
        *rest = &rest[1..];
    }
    let mut ranges = Vec::new();
    loop {
        if !ranges.is_empty()
            && let Some(after) = rest.strip_prefix(']')
        {
            *rest = after;
            return Ok(Token::Class { negated, ranges });
        }
        let lo = class_char(rest)?;
        let hi = match rest.strip_prefix('-') {
            Some(after) => {
                *rest = after;
                class_char(rest)?
            }
            None => lo,
        };
        ranges.push((lo, hi));
    }
}

fn class_char(rest: &mut &str) -> Result<char, Malformed> {
    match take(rest)? {
        '-' | ']' => Err(Malformed),
        '\\' => take(rest),
        c => Ok(c),
    }
}
