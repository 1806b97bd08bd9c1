//! The grammar of a word: quotes, escapes, `$name`, `${name…}` (nom). Nothing is evaluated here.

use nom::branch::alt;
use nom::bytes::complete::{take_till, take_while1};
use nom::character::complete::{anychar, char, satisfy};
use nom::combinator::{cut, opt, recognize, verify};
use nom::error::{ErrorKind, ParseError};
use nom::sequence::preceded;
use nom::{Err, IResult, Parser};

use super::expand::ExpandError;

/// Nesting of `${a:-${b:-…}}` that is followed.
const MAX_DEPTH: usize = 48;

/// A piece of a word.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Part {
    /// Plain text outside quotes.
    Text(String),
    /// An escaped character outside quotes, or a lone escape at the end.
    Escaped(Option<char>),
    /// Text in single quotes.
    Single(String),
    /// Pieces in double quotes.
    Double(Vec<Part>),
    /// In double quotes: the escape character before `"`, `$` or itself.
    QuotedEscape(char),
    /// In double quotes: the escape character before anything else; stays text.
    LiteralEscape,
    /// A variable.
    Variable(Variable),
}

/// A reference to a variable.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Variable {
    /// Its name; may be empty in `${-x}`-like oddities, which is never set.
    pub name: String,
    /// What is done with its value.
    pub operation: Operation,
    /// As written, for text that keeps unset variables.
    pub source: String,
}

/// What is done with a variable's value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Operation {
    /// `$n`, `${n}`.
    Value,
    /// `${n-w}`; with a colon empty counts as unset.
    Default(bool, Vec<Part>),
    /// `${n+w}`.
    Alternative(bool, Vec<Part>),
    /// `${n?w}`.
    Required(bool, Vec<Part>),
    /// `${n#p}`, `${n##p}`: the pattern still has its second `#`.
    TrimPrefix(Vec<Part>),
    /// `${n%p}`, `${n%%p}`.
    TrimSuffix(Vec<Part>),
    /// `${n/p/r}`, `${n//p/r}`.
    Replace {
        /// All occurrences.
        all: bool,
        /// What.
        pattern: Vec<Part>,
        /// By what.
        replacement: Vec<Part>,
    },
}

/// How words are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Grammar {
    /// The quote character.
    pub escape: char,
    /// False where quotes are text (heredoc bodies).
    pub quotes: bool,
}

/// A grammar error as nom carries it.
#[derive(Debug)]
struct Fault(ExpandError);

impl ParseError<&str> for Fault {
    fn from_error_kind(_: &str, _: ErrorKind) -> Self {
        Fault(ExpandError::MissingBrace)
    }
    fn append(_: &str, _: ErrorKind, other: Self) -> Self {
        other
    }
}

type Parsed<'a, T> = IResult<&'a str, T, Fault>;

fn fail<T>(error: ExpandError) -> Result<T, Err<Fault>> {
    Err(Err::Failure(Fault(error)))
}

/// Reads a whole word.
///
/// # Errors
/// [`ExpandError`] for unclosed quotes and malformed substitutions.
pub fn parse(grammar: Grammar, word: &str) -> Result<Vec<Part>, ExpandError> {
    match parts(grammar, word, None, 0) {
        Ok((_, parts)) => Ok(parts),
        Err(Err::Error(Fault(error)) | Err::Failure(Fault(error))) => Err(error),
        Err(Err::Incomplete(_)) => Err(ExpandError::MissingBrace),
    }
}

/// Pieces up to `stop` (consumed) or the end of the input.
fn parts(grammar: Grammar, mut input: &str, stop: Option<char>, depth: usize) -> Parsed<'_, Vec<Part>> {
    let mut found = Vec::new();
    loop {
        let Some(next) = input.chars().next() else {
            return match stop {
                None => Ok((input, found)),
                Some('/') => fail(ExpandError::MissingSlash),
                Some(_) => fail(ExpandError::MissingBrace),
            };
        };
        if stop == Some(next) {
            return Ok((&input[next.len_utf8()..], found));
        }
        let (rest, part) = match next {
            '$' => dollar(grammar, input, depth)?,
            '\'' if grammar.quotes => single_quoted(input)?,
            '"' if grammar.quotes => double_quoted(grammar, input, depth)?,
            c if c == grammar.escape => {
                preceded(char(grammar.escape), opt(anychar)).map(Part::Escaped).parse(input)?
            }
            _ => plain(grammar, stop, input)?,
        };
        found.push(part);
        input = rest;
    }
}

fn plain(grammar: Grammar, stop: Option<char>, input: &str) -> Parsed<'_, Part> {
    let special = move |c: char| {
        c == '$' || c == grammar.escape || Some(c) == stop || (grammar.quotes && (c == '\'' || c == '"'))
    };
    take_while1(move |c| !special(c)).map(|text: &str| Part::Text(text.to_owned())).parse(input)
}

fn single_quoted(input: &str) -> Parsed<'_, Part> {
    let (rest, (_, text)) = (char('\''), take_till(|c| c == '\'')).parse(input)?;
    match rest.strip_prefix('\'') {
        Some(rest) => Ok((rest, Part::Single(text.to_owned()))),
        None => fail(ExpandError::OpenQuote('\'')),
    }
}

fn double_quoted(grammar: Grammar, input: &str, depth: usize) -> Parsed<'_, Part> {
    let mut found = Vec::new();
    let mut input = &input[1..];
    loop {
        let Some(next) = input.chars().next() else { return fail(ExpandError::OpenQuote('"')) };
        let (rest, part) = match next {
            '"' => return Ok((&input[1..], Part::Double(found))),
            '$' => dollar(grammar, input, depth)?,
            c if c == grammar.escape => {
                let special = satisfy(|c| c == '"' || c == '$' || c == grammar.escape);
                preceded(char(grammar.escape), opt(special))
                    .map(|c| c.map_or(Part::LiteralEscape, Part::QuotedEscape))
                    .parse(input)?
            }
            _ => take_while1(|c| c != '"' && c != '$' && c != grammar.escape)
                .map(|text: &str| Part::Text(text.to_owned()))
                .parse(input)?,
        };
        found.push(part);
        input = rest;
    }
}

/// `$`, `$name` or `${…}`.
fn dollar(grammar: Grammar, input: &str, depth: usize) -> Parsed<'_, Part> {
    let after = &input[1..];
    if let Some(inner) = after.strip_prefix('{') {
        if depth >= MAX_DEPTH {
            return fail(ExpandError::TooDeep);
        }
        let (rest, (name, operation)) = braces(grammar, inner, depth + 1)?;
        let source = input[..input.len() - rest.len()].to_owned();
        return Ok((rest, Part::Variable(Variable { name, operation, source })));
    }
    let (rest, name) = opt(name).parse(after)?;
    Ok(match name {
        None => (rest, Part::Text("$".to_owned())),
        Some(name) => {
            let (name, source) = (name.to_owned(), format!("${name}"));
            (rest, Part::Variable(Variable { name, operation: Operation::Value, source }))
        }
    })
}

/// Digits, one special parameter, or letters, digits and `_`.
fn name(input: &str) -> Parsed<'_, &str> {
    let digits = take_while1(char::is_numeric);
    let special = recognize(satisfy(|c| "@*#?-$!".contains(c)));
    let word = verify(take_while1(|c: char| c.is_alphabetic() || c.is_numeric() || c == '_'), |w: &str| {
        !w.is_empty()
    });
    alt((digits, special, word)).parse(input)
}

/// The inside of `${…}`, closing brace included.
fn braces(grammar: Grammar, input: &str, depth: usize) -> Parsed<'_, (String, Operation)> {
    match input.chars().next() {
        None => return fail(ExpandError::MissingBrace),
        Some('{' | '}' | ':') => return fail(ExpandError::BadSubstitution),
        Some(_) => {}
    }
    let (rest, name) = opt(name).parse(input)?;
    let name = name.unwrap_or("").to_owned();
    let (rest, mark) = match cut(anychar::<&str, Fault>).parse(rest) {
        Ok(found) => found,
        Err(_) => return fail(ExpandError::MissingBrace),
    };
    if mark == '}' {
        return Ok((rest, (name, Operation::Value)));
    }
    let (rest, operation) = modifier(grammar, rest, mark, depth)?;
    Ok((rest, (name, operation)))
}

fn modifier(grammar: Grammar, rest: &str, mark: char, depth: usize) -> Parsed<'_, Operation> {
    let colon = mark == ':';
    let (rest, mark) = match (colon, rest.chars().next()) {
        (false, _) => (rest, mark),
        (true, Some(next)) => (&rest[next.len_utf8()..], next),
        (true, None) => return fail(ExpandError::MissingBrace),
    };
    let word = |stop| parts(grammar, rest, Some(stop), depth);
    match mark {
        '-' => word('}').map(|(rest, w)| (rest, Operation::Default(colon, w))),
        '+' => word('}').map(|(rest, w)| (rest, Operation::Alternative(colon, w))),
        '?' => word('}').map(|(rest, w)| (rest, Operation::Required(colon, w))),
        '#' if !colon => word('}').map(|(rest, w)| (rest, Operation::TrimPrefix(w))),
        '%' if !colon => word('}').map(|(rest, w)| (rest, Operation::TrimSuffix(w))),
        '/' if !colon => replace(grammar, rest, depth),
        other => {
            let shown = if colon { format!(":{other}") } else { other.to_string() };
            fail(ExpandError::UnknownModifier(shown))
        }
    }
}

fn replace(grammar: Grammar, input: &str, depth: usize) -> Parsed<'_, Operation> {
    let (rest, all) = opt(char('/')).parse(input)?;
    let (rest, pattern) = parts(grammar, rest, Some('/'), depth)?;
    let (rest, replacement) = parts(grammar, rest, Some('}'), depth)?;
    Ok((rest, Operation::Replace { all: all.is_some(), pattern, replacement }))
}
