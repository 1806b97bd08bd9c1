//! Strings and keys.

use super::error::{Problem, Source};
use super::grammar::{
    BARE_KEY, BASIC_LINES, BASIC_STRING, DOT, ESCAPED_NEWLINE, LITERAL_LINES, LITERAL_STRING,
};
use super::value::{Key, Value};

/// A string of any kind, and its end.
pub(super) fn string(source: Source, at: usize) -> Result<(Value, usize), Problem> {
    let rest = &source.text[at..];
    let (text, end) = if rest.starts_with(b"\"\"\"") {
        let (content, end) =
            lines(source, at, &BASIC_LINES, "toml::parse_ml_basic_string: invalid string format")?;
        (unescaped(content)?, end)
    } else if rest.starts_with(b"'''") {
        let title = "toml::parse_ml_literal_string: invalid string format";
        let (content, end) = lines(source, at, &LITERAL_LINES, title)?;
        (content.to_vec(), end)
    } else if rest.first() == Some(&b'"') {
        basic(source, at)?
    } else {
        literal(source, at)?
    };
    Ok((Value::String(text), end))
}

/// What is between triple quotes; a line end right behind the first is not part of it.
fn lines<'t>(
    source: Source<'t>,
    at: usize,
    scan: &super::scan::Scan,
    title: &str,
) -> Result<(&'t [u8], usize), Problem> {
    let Some(end) = scan.scan(source.text, at) else { return Err(Problem::syntax(title, scan, source, at)) };
    let content = &source.text[at + 3..end - 3];
    let content = content.strip_prefix(b"\n").or_else(|| content.strip_prefix(b"\r\n")).unwrap_or(content);
    Ok((content, end))
}

fn basic(source: Source, at: usize) -> Result<(Vec<u8>, usize), Problem> {
    match BASIC_STRING.scan(source.text, at) {
        Some(end) => Ok((unescaped(&source.text[at + 1..end - 1])?, end)),
        None => {
            let title = "toml::parse_basic_string: invalid string format";
            Err(Problem::syntax(title, &BASIC_STRING, source, at))
        }
    }
}

fn literal(source: Source, at: usize) -> Result<(Vec<u8>, usize), Problem> {
    match LITERAL_STRING.scan(source.text, at) {
        Some(end) => Ok((source.text[at + 1..end - 1].to_vec(), end)),
        None => {
            let title = "toml::parse_literal_string: invalid string format";
            Err(Problem::syntax(title, &LITERAL_STRING, source, at))
        }
    }
}

/// The text that a content with escapes stands for. Its grammar was checked, so escapes are complete.
fn unescaped(content: &[u8]) -> Result<Vec<u8>, Problem> {
    let mut text = Vec::with_capacity(content.len());
    let mut rest = content;
    while let Some(at) = rest.iter().position(|b| *b == b'\\') {
        text.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        if let Some(end) = ESCAPED_NEWLINE.scan(rest, 0) {
            rest = &rest[end..];
            continue;
        }
        let (byte, length) = match rest.get(1) {
            Some(b'b') => (8, 2),
            Some(b'f') => (12, 2),
            Some(b'n') => (b'\n', 2),
            Some(b'r') => (b'\r', 2),
            Some(b't') => (b'\t', 2),
            Some(b'u') => (0, 6),
            Some(b'U') => (0, 10),
            Some(other) => (*other, 2),
            None => (b'\\', 1),
        };
        match length {
            6 | 10 => {
                let character = code_point(rest, length)?;
                text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            _ => text.push(byte),
        }
        rest = &rest[length..];
    }
    text.extend_from_slice(rest);
    Ok(text)
}

/// The character of `\uXXXX` or `\UXXXXXXXX`. Errors are placed in what is left of the string.
fn code_point(rest: &[u8], length: usize) -> Result<char, Problem> {
    let digits = std::str::from_utf8(&rest[2..length]).unwrap_or_default();
    let code = u32::from_str_radix(digits, 16).unwrap_or(u32::MAX);
    char::from_u32(code).ok_or_else(|| {
        let place = Source { file: "internal temporary", text: rest, line_ends: &[] }.region((1, length));
        if code > 0x10_ffff {
            let title = "toml::parse_utf8_codepoint: input codepoint is too large.";
            Problem::new(title, place, "must be in range [0x00, 0x10FFFF]")
        } else {
            Problem::new("toml::parse_utf8_codepoint: [0xD800, 0xDFFF] is not a valid UTF-8", place, "here")
        }
    })
}

fn simple_key(source: Source, at: usize) -> Result<(Vec<u8>, usize), Problem> {
    match source.text.get(at) {
        Some(b'"') => basic(source, at),
        Some(b'\'') => literal(source, at),
        _ => match BARE_KEY.scan(source.text, at) {
            Some(end) => Ok((source.text[at..end].to_vec(), end)),
            None => {
                let title = "toml::parse_simple_key: invalid key: key must be \"quoted\", 'quoted-literal', or bare key.";
                let hint = "Hint: non-ASCII scripts are allowed in toml v1.1.0, but not in v1.0.0.\n";
                Err(Problem::syntax(title, &BARE_KEY, source, at).hint(hint))
            }
        },
    }
}

/// A key with its dots, and its end.
pub(super) fn key(source: Source, begin: usize) -> Result<(Key, usize), Problem> {
    let mut names = Vec::new();
    let mut at = begin;
    while at < source.text.len() {
        let (name, end) = simple_key(source, at)?;
        names.push(name);
        at = end;
        match DOT.scan(source.text, at) {
            Some(next) => at = next,
            None => break,
        }
    }
    if names.is_empty() {
        let title = "toml::parse_key: expected a new key, but got nothing";
        return Err(Problem::new(title, source.point(begin), "reached EOF"));
    }
    Ok((Key { names, region: (begin, at) }, at))
}
