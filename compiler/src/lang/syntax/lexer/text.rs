//! Tokens inside of strings and paths.
//!
//! Owns: what a string, an indented string or a path goes on with: text, an interpolation, or its end.
//! Never does: find out that one begins.

use super::super::error::{Result, SyntaxError};
use super::super::token::{IndentedPart, Token};
use super::super::{escape, scan};
use super::{Lexer, Mode};

impl<'a> Lexer<'a> {
    pub(super) fn string(&mut self) -> Result<Token<'a>> {
        let rest = self.rest();
        if let Ok((_, text)) = scan::string_text(rest) {
            self.matched(text.len());
            let text = escape::unescape(self.arena, text);
            self.refuse_null_byte(text)?;
            return Ok(Token::String(text));
        }
        match rest {
            [b'"', ..] => {
                self.pop();
                self.token(1, Token::Quote)
            }
            [b'$', b'{', ..] => self.open(2, Token::DollarCurly, Mode::Expression),
            // Nothing, or the start of an escape: the source ends within the string.
            _ => {
                if !rest.is_empty() {
                    self.matched(rest.len());
                }
                Ok(Token::End)
            }
        }
    }

    pub(super) fn indented_string(&mut self) -> Result<Token<'a>> {
        let rest = self.rest();
        if let Ok((_, text)) = scan::indented_text(rest) {
            self.matched(text.len());
            self.refuse_null_byte(text)?;
            return Ok(Token::IndentedString(IndentedPart { text, is_verbatim: true }));
        }
        let (length, text) = match rest {
            [] => return Ok(Token::End),
            [b'$', b'{', ..] => return self.open(2, Token::DollarCurly, Mode::Expression),
            [b'\'', b'\'', b'$', ..] => (3, &rest[2..3]),
            [b'\'', b'\'', b'\'', ..] => (3, &rest[..2]),
            [b'\'', b'\'', b'\\', _, ..] => (4, escape::unescape(self.arena, &rest[2..4])),
            [b'\'', b'\'', ..] => {
                self.pop();
                return self.token(2, Token::IndentedClose);
            }
            _ => (1, &rest[..1]),
        };
        self.matched(length);
        self.refuse_null_byte(text)?;
        Ok(Token::IndentedString(IndentedPart { text, is_verbatim: false }))
    }

    fn refuse_null_byte(&self, text: &[u8]) -> Result<()> {
        if !text.contains(&0) {
            return Ok(());
        }
        let shown = text.iter().fold(Vec::new(), |mut shown, byte| {
            shown.extend_from_slice(if *byte == 0 { "␀".as_bytes() } else { std::slice::from_ref(byte) });
            shown
        });
        let after = "' cannot be represented as Nix string because it contains null bytes";
        Err(SyntaxError::quoting(self.pos(self.matched.start), "input string '", &shown, after))
    }

    pub(super) fn path(&mut self) -> Result<Token<'a>> {
        let rest = self.rest();
        if rest.starts_with(b"${") {
            self.mode = Mode::Path;
            return self.open(2, Token::DollarCurly, Mode::Expression);
        }
        if let Ok((_, piece)) = scan::path_piece(rest) {
            self.pop();
            self.enter_path(piece);
            return self.token(piece.len(), Token::String(piece));
        }
        if self.mode == Mode::PathAfterSlash {
            if !rest.is_empty() {
                self.matched(1);
            }
            return Err(SyntaxError::new(self.pos(self.matched.start), "path has a trailing slash"));
        }
        self.pop();
        if rest.is_empty() {
            // The reference lexer steps back by one rule here, and errors point there.
            self.matched = self.matched_before;
        }
        Ok(Token::PathEnd)
    }
}
