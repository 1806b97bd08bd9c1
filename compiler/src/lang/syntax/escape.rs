//! Text of strings without its escapes and its indentation.
//!
//! Owns: what `\n`, carriage returns and leading spaces become.
//! Never does: look for the end of a string.

use bumpalo::Bump;

use super::ast::{Expr, Node};
use super::pos::Pos;
use super::token::IndentedPart;

/// Replaces the escapes of a piece of a string; `\r\n` and `\r` become `\n` unless escaped. Text without either is returned
/// as it is.
pub(super) fn unescape<'a>(arena: &'a Bump, text: &'a [u8]) -> &'a [u8] {
    let special = |byte: &u8| matches!(byte, b'\\' | b'\r');
    let Some(first) = text.iter().position(special) else { return text };
    let mut out = bumpalo::collections::Vec::with_capacity_in(text.len(), arena);
    let mut rest = text;
    let mut plain = first;
    loop {
        out.extend_from_slice(&rest[..plain]);
        rest = match &rest[plain..] {
            [b'\\', escaped, tail @ ..] => {
                out.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    other => *other,
                });
                tail
            }
            [b'\r', b'\n', tail @ ..] | [b'\r', tail @ ..] => {
                out.push(b'\n');
                tail
            }
            // Nothing, or a backslash cut off by the end of the input, which the lexer keeps out.
            tail => {
                out.extend_from_slice(tail);
                return out.into_bump_slice();
            }
        };
        plain = rest.iter().position(special).unwrap_or(rest.len());
    }
}

/// A part of an indented string: text, or an interpolation.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part<'a> {
    Text(IndentedPart<'a>),
    Interpolation(Node<'a>),
}

/// Strips the indentation that all lines share, the last line if it is blank, and texts that become empty.
pub(super) fn strip_indentation<'a>(
    arena: &'a Bump,
    parts: &[(Pos, Part<'a>)],
    stripped: &mut Vec<(Pos, Node<'a>)>,
) {
    let indentation = shared_indentation(parts);
    let mut line = LineStart { is_open: true, dropped: 0 };
    for (index, (pos, part)) in parts.iter().enumerate() {
        let text = match part {
            Part::Interpolation(node) => {
                line = LineStart { is_open: false, dropped: 0 };
                stripped.push((*pos, node));
                continue;
            }
            Part::Text(text) => text.text,
        };
        let mut text = line.strip(arena, text, indentation);
        if index + 1 == parts.len() {
            text = without_blank_last_line(text);
        }
        if !text.is_empty() {
            stripped.push((*pos, arena.alloc(Expr::String(text))));
        }
    }
}

/// The smallest number of spaces in front of anything. Lines of nothing but spaces do not count.
fn shared_indentation(parts: &[(Pos, Part<'_>)]) -> usize {
    let mut least = 1_000_000;
    let mut spaces = 0;
    let mut at_start = true;
    for (_, part) in parts {
        let text = match part {
            Part::Text(IndentedPart { text, is_verbatim: true }) => *text,
            Part::Text(_) | Part::Interpolation(_) => {
                if at_start {
                    at_start = false;
                    least = least.min(spaces);
                }
                continue;
            }
        };
        for byte in text {
            match byte {
                b'\n' => (at_start, spaces) = (true, 0),
                b' ' if at_start => spaces += 1,
                _ if at_start => {
                    at_start = false;
                    least = least.min(spaces);
                }
                _ => {}
            }
        }
    }
    least
}

/// Progress in the spaces at the start of a line, which may be cut into several parts.
struct LineStart {
    is_open: bool,
    dropped: usize,
}

impl LineStart {
    fn strip<'a>(&mut self, arena: &'a Bump, text: &'a [u8], indentation: usize) -> &'a [u8] {
        let mut out = bumpalo::collections::Vec::with_capacity_in(text.len(), arena);
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            out.extend_from_slice(&line[self.dropped_from(line, indentation)..]);
        }
        out.into_bump_slice()
    }

    /// How many bytes at the start of `line` are dropped; `line` ends with its `\n` if it is complete.
    fn dropped_from(&mut self, line: &[u8], indentation: usize) -> usize {
        let mut dropped = 0;
        if self.is_open {
            let spaces = line.iter().take_while(|byte| **byte == b' ').count();
            dropped = spaces.min(indentation.saturating_sub(self.dropped));
            self.dropped += spaces;
            if spaces < line.len() {
                *self = LineStart { is_open: false, dropped: 0 };
            }
        }
        if line.ends_with(b"\n") {
            *self = LineStart { is_open: true, dropped: 0 };
        }
        dropped
    }
}

/// Drops what follows the last `\n` if it is nothing but spaces.
fn without_blank_last_line(text: &[u8]) -> &[u8] {
    match text.iter().rposition(|byte| *byte == b'\n') {
        Some(end) if text[end + 1..].iter().all(|byte| *byte == b' ') => &text[..=end],
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_replaced() {
        let arena = Bump::new();
        let cases: [(&[u8], &[u8]); 7] = [
            (b"plain", b"plain"),
            (b"a\\nb\\tc\\rd", b"a\nb\tc\rd"),
            (b"\\\\\\\"\\$\\x", b"\\\"$x"),
            (b"a\r\nb\rc", b"a\nb\nc"),
            (b"\\\r\nx", b"\r\nx"),
            (b"$\\n", b"$\n"),
            (b"\r", b"\n"),
        ];
        for (text, expected) in cases {
            assert_eq!(unescape(&arena, text), expected, "{}", String::from_utf8_lossy(text));
        }
    }

    fn strip(parts: &[(&'static [u8], bool)]) -> Vec<String> {
        let arena = Bump::new();
        let parts: Vec<_> = parts
            .iter()
            .map(|(text, is_verbatim)| {
                (Pos::NONE, Part::Text(IndentedPart { text, is_verbatim: *is_verbatim }))
            })
            .collect();
        let mut stripped = Vec::new();
        strip_indentation(&arena, &parts, &mut stripped);
        stripped
            .iter()
            .map(|(_, node)| match node {
                Expr::String(text) => String::from_utf8_lossy(text).into_owned(),
                _ => panic!("no interpolation was given"),
            })
            .collect()
    }

    #[test]
    fn shared_indentation_and_a_blank_last_line_are_dropped() {
        assert_eq!(strip(&[(b"  a\n    b\n  ", true)]), ["a\n  b\n"]);
        assert_eq!(strip(&[(b"  a\n\n      \n  b", true)]), ["a\n\n    \nb"]);
        assert_eq!(strip(&[(b"    a\n  ", true), (b"''", false), (b" b\n", true)]), ["  a\n", "''", " b\n"]);
        assert_eq!(strip(&[(b"   ", true)]), Vec::<String>::new());
        assert_eq!(strip(&[(b"\ta\n  b", true)]), ["\ta\n  b"]);
    }
}
