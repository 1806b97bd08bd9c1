//! Strings, paths and URIs.

use super::super::ast::{Expr, Node};
use super::super::error::{Result, SyntaxError, Warning};
use super::super::escape::{self, Part};
use super::super::path::absolute;
use super::super::pos::Pos;
use super::super::settings::Lint;
use super::super::symbol::known;
use super::super::token::Token;
use super::Parser;

const FIND_FILE: Node<'static> = &Expr::Var(Pos::NONE, known::FIND_FILE);
const NIX_PATH: Node<'static> = &Expr::Var(Pos::NONE, known::NIX_PATH);

/// What stands between quotes.
pub(super) enum Text<'a> {
    Plain(&'a [u8]),
    Interpolated(Node<'a>),
}

impl<'a> Parser<'_, 'a> {
    /// A string, at the opening quote.
    pub(super) fn string(&mut self) -> Result<Node<'a>> {
        Ok(match self.text()? {
            Text::Plain(text) => self.alloc(Expr::String(text)),
            Text::Interpolated(node) => node,
        })
    }

    /// What stands between quotes, at the opening one.
    pub(super) fn text(&mut self) -> Result<Text<'a>> {
        self.check_depth()?;
        self.advance();
        let start = self.peek_pos()?;
        let base = self.concatenated.len();
        if let Token::String(text) = self.peek()? {
            self.advance();
            if self.accept(Token::Quote)? {
                return Ok(Text::Plain(text));
            }
            let text = self.alloc(Expr::String(text));
            self.concatenated.push((start, text));
        }
        loop {
            let pos = self.peek_pos()?;
            match self.peek()? {
                Token::DollarCurly => self.interpolation(pos)?,
                Token::String(text) => {
                    self.advance();
                    let text = self.alloc(Expr::String(text));
                    self.concatenated.push((pos, text));
                }
                Token::Quote => {
                    self.advance();
                    if self.concatenated.len() == base {
                        return Ok(Text::Plain(b""));
                    }
                    return Ok(Text::Interpolated(self.concatenation(start, true, base)));
                }
                _ => return Err(self.unexpected(&["'\"'"])),
            }
        }
    }

    /// `${ … }`, at its start.
    fn interpolation(&mut self, pos: Pos) -> Result<()> {
        self.advance();
        let node = self.expr_until(Token::BraceClose, &["'}'"])?;
        self.concatenated.push((pos, node));
        Ok(())
    }

    fn concatenation(&mut self, pos: Pos, force_string: bool, base: usize) -> Node<'a> {
        let parts = Self::slice(self.tables.arena, &mut self.concatenated, base);
        self.alloc(Expr::ConcatStrings { pos, force_string, parts })
    }

    /// An indented string, at its start.
    pub(super) fn indented_string(&mut self, start: Pos) -> Result<Node<'a>> {
        self.check_depth()?;
        self.advance();
        let base = self.indented.len();
        loop {
            let pos = self.peek_pos()?;
            match self.peek()? {
                Token::IndentedString(text) => {
                    self.advance();
                    self.indented.push((pos, Part::Text(text)));
                }
                Token::DollarCurly => {
                    self.advance();
                    let node = self.expr_until(Token::BraceClose, &["'}'"])?;
                    self.indented.push((pos, Part::Interpolation(node)));
                }
                Token::IndentedClose => break,
                _ => {
                    let expected = ["indented string", "'${'", "end of an indented string"];
                    return Err(self.unexpected(&expected));
                }
            }
        }
        self.advance();
        let stripped = self.concatenated.len();
        escape::strip_indentation(self.tables.arena, &self.indented[base..], &mut self.concatenated);
        self.indented.truncate(base);
        Ok(match self.concatenated[stripped..] {
            [] => self.alloc(Expr::String(b"")),
            [(_, text @ Expr::String(_))] => {
                self.concatenated.truncate(stripped);
                text
            }
            _ => self.concatenation(start, true, stripped),
        })
    }

    /// A path with or without interpolations, at its first part.
    pub(super) fn path(&mut self, start: Pos) -> Result<Node<'a>> {
        let path = match self.peek()? {
            Token::HomePath(literal) => self.home_path(start, literal)?,
            Token::Path(literal) => self.literal_path(start, literal)?,
            _ => return Err(self.unexpected(&[])),
        };
        self.advance();
        let first = self.alloc(Expr::Path(path));
        if self.accept(Token::PathEnd)? {
            return Ok(first);
        }
        let base = self.concatenated.len();
        self.concatenated.push((start, first));
        if let Token::String(text) = self.peek()? {
            let pos = self.peek_pos()?;
            self.advance();
            let text = self.alloc(Expr::String(text));
            self.concatenated.push((pos, text));
            if self.peek()? != Token::DollarCurly {
                return Err(self.unexpected(&["'${'"]));
            }
        }
        loop {
            let pos = self.peek_pos()?;
            match self.peek()? {
                Token::DollarCurly => self.interpolation(pos)?,
                Token::String(text) => {
                    self.advance();
                    let text = self.alloc(Expr::String(text));
                    self.concatenated.push((pos, text));
                }
                Token::PathEnd => break,
                _ => return Err(self.unexpected(&["string", "end of path", "'${'"])),
            }
        }
        self.advance();
        Ok(self.concatenation(start, false, base))
    }

    /// A path literal made absolute; the slash at its end stays if an interpolation follows.
    fn literal_path(&mut self, pos: Pos, literal: &[u8]) -> Result<&'a [u8]> {
        let settings = self.tables.settings;
        match literal.first() {
            Some(b'/') => self.lint(settings.absolute_paths, pos, |_| {
                [
                    &b"absolute path literals are not portable. Consider replacing path literal '"[..],
                    literal,
                    b"' by a string, relative path, or parameter (lint-absolute-path-literals)",
                ]
                .concat()
            })?,
            Some(b'.') => {}
            _ => self.lint(settings.short_paths, pos, |_| {
                [
                    &b"relative path literal '"[..],
                    literal,
                    b"' should be prefixed with '.' for clarity: './",
                    literal,
                    b"' (lint-short-path-literals)",
                ]
                .concat()
            })?,
        }
        let mut path = absolute(settings.base, literal);
        if literal.len() > 1 && literal.ends_with(b"/") {
            path.push(b'/');
        }
        Ok(self.tables.arena.alloc_slice_copy(&path))
    }

    fn home_path(&mut self, pos: Pos, literal: &[u8]) -> Result<&'a [u8]> {
        let settings = self.tables.settings;
        let Some(home) = settings.home else {
            let after = "' can not be resolved in pure mode";
            return Err(SyntaxError::quoting(Pos::NONE, "the path '", literal, after));
        };
        self.lint(settings.absolute_paths, pos, |_| {
            [
                &b"home path literals are not portable. Consider replacing path literal '"[..],
                literal,
                b"' by a string, relative path, or parameter (lint-absolute-path-literals)",
            ]
            .concat()
        })?;
        let path = [home, &literal[1..]].concat();
        Ok(self.tables.arena.alloc_slice_copy(&path))
    }

    pub(super) fn search_path(&mut self, pos: Pos, path: &'a [u8]) -> Node<'a> {
        self.advance();
        let path = self.alloc(Expr::String(path));
        let args = self.tables.arena.alloc_slice_copy(&[NIX_PATH, path]);
        self.alloc(Expr::Call { pos, function: FIND_FILE, args })
    }

    pub(super) fn uri(&mut self, pos: Pos, uri: &'a [u8]) -> Result<Node<'a>> {
        self.advance();
        self.lint(self.tables.settings.url_literals, pos, |is_fatal| {
            [
                &b"URL literals are "[..],
                if is_fatal { &b"disallowed"[..] } else { b"discouraged" },
                b". Consider using a string literal \"",
                uri,
                b"\" instead (lint-url-literals)",
            ]
            .concat()
        })?;
        Ok(self.alloc(Expr::String(uri)))
    }

    /// Does about a discouraged form what the settings say; `message` is told whether it is refused.
    fn lint(&mut self, lint: Lint, pos: Pos, message: impl FnOnce(bool) -> Vec<u8>) -> Result<()> {
        match lint {
            Lint::Ignore => Ok(()),
            Lint::Warn => {
                self.tables.warnings.push(Warning { pos, message: message(false) });
                Ok(())
            }
            Lint::Fatal => Err(SyntaxError::new(pos, message(true))),
        }
    }
}
