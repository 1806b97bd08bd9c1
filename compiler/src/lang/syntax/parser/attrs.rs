//! Bindings and attribute paths.

use super::super::ast::{AttrName, Expr, Node};
use super::super::bindings::{Duplicate, Set};
use super::super::error::{Result, SyntaxError};
use super::super::pos::Pos;
use super::super::print;
use super::super::symbol::{Symbol, known};
use super::super::token::Token;
use super::Parser;
use super::literals::Text;

impl<'a> Parser<'_, 'a> {
    /// `{ }`
    pub(super) fn empty_set(&mut self, pos: Pos) -> Node<'a> {
        let set = self.sets.open(pos, false);
        self.close_set(set, pos, false)
    }

    /// What follows `{` up to `}`; the first name may be taken already.
    pub(super) fn set_after_brace(&mut self, start: Pos, first: Option<(Pos, Symbol)>) -> Result<Node<'a>> {
        let set = self.sets.open(start, false);
        self.binds(set, first)?;
        self.expect(Token::BraceClose, &["'inherit'"])?;
        Ok(self.close_set(set, start, false))
    }

    /// What follows `rec {` or `let {` up to `}`.
    pub(super) fn recursive_set(&mut self, start: Pos) -> Result<Node<'a>> {
        self.check_depth()?;
        let set = self.sets.open(start, true);
        self.binds(set, None)?;
        self.expect(Token::BraceClose, &["'inherit'", "'}'"])?;
        Ok(self.close_set(set, start, true))
    }

    /// A set without its braces.
    pub(super) fn bare_bindings(&mut self, start: Pos) -> Result<Node<'a>> {
        let set = self.sets.open(start, false);
        self.binds(set, None)?;
        Ok(self.close_set(set, start, false))
    }

    fn close_set(&mut self, set: Set, pos: Pos, recursive: bool) -> Node<'a> {
        let bindings = self.sets.close(set, self.tables.arena);
        self.alloc(Expr::Attrs { pos, recursive, bindings })
    }

    /// Bindings up to something that is none; the name that the first one starts with may be taken already.
    pub(super) fn binds(&mut self, set: Set, mut first: Option<(Pos, Symbol)>) -> Result<()> {
        loop {
            let pos = match first {
                Some((pos, _)) => pos,
                None => match self.peek()? {
                    Token::Identifier(_) | Token::OrKeyword | Token::Quote | Token::DollarCurly => {
                        self.peek_pos()?
                    }
                    Token::Inherit => {
                        self.advance();
                        self.inherit(set)?;
                        continue;
                    }
                    _ => return Ok(()),
                },
            };
            let base = self.names.len();
            self.attr_names(first.take().map(|(_, name)| name))?;
            self.expect(Token::Assign, &["'.'", "'='"])?;
            let value_pos = self.peek_pos()?;
            let value = self.expr_until(Token::Semicolon, &["';'"])?;
            let added = self.sets.add(set, &self.names[base..], pos, value, self.tables.arena);
            added.map_err(|duplicate| self.duplicate(*duplicate))?;
            self.names.truncate(base);
            if let Some(doc) = self.doc_before(pos) {
                value.document(doc);
                self.docs_of_values.push((value_pos, doc));
            }
        }
    }

    /// `inherit …;` after the keyword. Nothing is added before the semicolon, so that is when duplicates are found.
    fn inherit(&mut self, set: Set) -> Result<()> {
        let mut source = None;
        if self.accept(Token::ParenOpen)? {
            let pos = self.peek_pos()?;
            source = Some((pos, self.expr_until(Token::ParenClose, &["')'"])?));
        }
        let base = self.inherited.len();
        loop {
            let pos = self.peek_pos()?;
            match self.peek()? {
                Token::Semicolon => break,
                Token::Identifier(_) | Token::OrKeyword | Token::Quote | Token::DollarCurly => {}
                _ => return Err(self.unexpected(&[])),
            }
            match self.attr_name()? {
                AttrName::Static(name) => self.inherited.push((name, pos)),
                AttrName::Dynamic(_) => {
                    return Err(SyntaxError::new(pos, "dynamic attributes not allowed in inherit"));
                }
            }
        }
        self.advance();
        let names = &self.inherited[base..];
        let added = self.sets.inherit(set, source, names, self.tables.arena);
        self.inherited.truncate(base);
        added.map_err(|duplicate| self.duplicate(*duplicate))
    }

    /// An attribute path of a selection.
    pub(super) fn attr_path(&mut self) -> Result<&'a [AttrName<'a>]> {
        let base = self.names.len();
        self.attr_names(None)?;
        Ok(Self::slice(self.tables.arena, &mut self.names, base))
    }

    /// Puts the names of an attribute path on the stack.
    fn attr_names(&mut self, first: Option<Symbol>) -> Result<()> {
        let name = match first {
            Some(name) => AttrName::Static(name),
            None => self.attr_name()?,
        };
        self.names.push(name);
        while self.accept(Token::Dot)? {
            let name = self.attr_name()?;
            self.names.push(name);
        }
        Ok(())
    }

    fn attr_name(&mut self) -> Result<AttrName<'a>> {
        match self.peek()? {
            Token::Identifier(name) => {
                self.advance();
                Ok(AttrName::Static(self.tables.symbols.intern(name)))
            }
            Token::OrKeyword => {
                self.advance();
                Ok(AttrName::Static(known::OR))
            }
            Token::Quote => Ok(match self.text()? {
                Text::Plain(name) => AttrName::Static(self.tables.symbols.intern(name)),
                Text::Interpolated(node) => AttrName::Dynamic(node),
            }),
            Token::DollarCurly => {
                self.advance();
                Ok(match self.expr_until(Token::BraceClose, &["'}'"])? {
                    Expr::String(name) => AttrName::Static(self.tables.symbols.intern(name)),
                    node => AttrName::Dynamic(node),
                })
            }
            _ => Err(self.unexpected(&["identifier", "'or'", "'${'", "'\"'"])),
        }
    }

    #[cold]
    fn duplicate(&self, duplicate: Duplicate<'a>) -> Box<SyntaxError> {
        let Duplicate::Defined { path, pos, before } = duplicate else { return super::too_deep() };
        let mut message = b"attribute '".to_vec();
        print::attr_path(&mut message, &path, self.tables.symbols);
        message.extend_from_slice(b"' already defined at ");
        if let Some(place) = self.tables.sources.resolve(before) {
            place.write(&mut message);
        }
        SyntaxError::new(pos, message)
    }
}
