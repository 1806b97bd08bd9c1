//! Characters to tokens.

use super::TemplateError;

/// A piece of a template.
#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    /// Text outside `{{ }}`.
    Text(String),
    /// `{{`
    Open,
    /// `}}`
    Close,
    /// A word: keyword, function, `true`.
    Word(String),
    /// `.A.B`; empty for `.` alone.
    Field(Vec<String>),
    /// `$name`, with the fields behind it.
    Variable(String, Vec<String>),
    /// A string in quotes.
    Quoted(String),
    /// A number.
    Number(f64),
    /// `|`
    Pipe,
    /// `(`
    Left,
    /// `)`, with the fields behind it.
    Right(Vec<String>),
    /// `:=` or `=`
    Assign,
    /// `,`
    Comma,
}

/// Splits a template into tokens; trim markers and comments are already applied.
pub fn lex(text: &str) -> Result<Vec<Token>, TemplateError> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut trim_next = false;
    while let Some(at) = rest.find("{{") {
        let column = text.len() - rest.len() + at + 1;
        let inside = &rest[at + 2..];
        let end = action_end(inside).ok_or(TemplateError::Unclosed { column })?;
        let (action, trim_left, trim_right) = trims(&inside[..end]);
        push_text(&mut tokens, &rest[..at], trim_next, trim_left);
        trim_next = trim_right;
        rest = &inside[end + 2..];
        let action = action.trim();
        if action.starts_with("/*") {
            continue;
        }
        tokens.push(Token::Open);
        lex_action(action, &mut tokens)?;
        tokens.push(Token::Close);
    }
    push_text(&mut tokens, rest, trim_next, false);
    Ok(tokens)
}

fn push_text(tokens: &mut Vec<Token>, text: &str, trim_start: bool, trim_end: bool) {
    let text = if trim_start { text.trim_start() } else { text };
    let text = if trim_end { text.trim_end() } else { text };
    if !text.is_empty() {
        tokens.push(Token::Text(text.to_owned()));
    }
}

/// Offset of the `}}` that ends an action, quoted ones skipped.
fn action_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut quote = None;
    let mut at = 0;
    while at < bytes.len() {
        match (quote, bytes[at]) {
            (Some(b'"'), b'\\') => at += 1,
            (Some(q), b) if q == b => quote = None,
            (Some(_), _) => {}
            (None, b @ (b'"' | b'`')) => quote = Some(b),
            (None, b'}') if bytes.get(at + 1) == Some(&b'}') => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

/// Takes `- ` and ` -` off an action.
fn trims(action: &str) -> (&str, bool, bool) {
    let left = action.strip_prefix('-').filter(|r| r.starts_with(char::is_whitespace));
    let action_left = left.unwrap_or(action);
    let right = action_left.strip_suffix('-').filter(|r| r.ends_with(char::is_whitespace));
    (right.unwrap_or(action_left), left.is_some(), right.is_some())
}

fn lex_action(text: &str, tokens: &mut Vec<Token>) -> Result<(), TemplateError> {
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, used) = match first {
            '|' => (Token::Pipe, 1),
            '(' => (Token::Left, 1),
            ',' => (Token::Comma, 1),
            '=' => (Token::Assign, 1),
            ':' if rest.starts_with(":=") => (Token::Assign, 2),
            ')' => {
                let (fields, used) = fields(&rest[1..]);
                (Token::Right(fields), used + 1)
            }
            '.' => {
                let (fields, used) = fields(rest);
                (Token::Field(fields), used.max(1))
            }
            '$' => {
                let name = word(&rest[1..]);
                let (fields, used) = fields(&rest[1 + name.len()..]);
                (Token::Variable(name.to_owned(), fields), 1 + name.len() + used)
            }
            '"' | '`' => quoted(rest, first)?,
            c if c.is_ascii_digit() || c == '-' => number(rest)?,
            c if c.is_alphabetic() || c == '_' => {
                let name = word(rest);
                (Token::Word(name.to_owned()), name.len())
            }
            other => return Err(TemplateError::Unexpected { found: other.to_string() }),
        };
        tokens.push(token);
        rest = rest[used..].trim_start();
    }
    Ok(())
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    &text[..end]
}

/// `.A.B` at the start of `text`, and its length.
fn fields(text: &str) -> (Vec<String>, usize) {
    let mut names = Vec::new();
    let mut used = 0;
    while let Some(rest) = text[used..].strip_prefix('.') {
        let name = word(rest);
        if name.is_empty() {
            break;
        }
        names.push(name.to_owned());
        used += 1 + name.len();
    }
    (names, used)
}

fn quoted(text: &str, quote: char) -> Result<(Token, usize), TemplateError> {
    let mut out = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == quote => return Ok((Token::Quoted(out), at + 1)),
            '\\' if quote == '"' => match chars.next() {
                Some((_, 'n')) => out.push('\n'),
                Some((_, 't')) => out.push('\t'),
                Some((_, other)) => out.push(other),
                None => break,
            },
            other => out.push(other),
        }
    }
    Err(TemplateError::Unexpected { found: quote.to_string() })
}

fn number(text: &str) -> Result<(Token, usize), TemplateError> {
    let end = text[1..].find(|c: char| !(c.is_ascii_digit() || c == '.')).map_or(text.len(), |at| at + 1);
    let digits = &text[..end];
    let value = digits.parse().map_err(|_| TemplateError::Unexpected { found: digits.to_owned() })?;
    Ok((Token::Number(value), end))
}
