//! Braces that may hold formal arguments or attributes, and formal arguments.

use super::super::ast::{Formal, Formals};
use super::super::error::{Result, SyntaxError};
use super::super::pos::Pos;
use super::super::symbol::Symbol;
use super::super::token::Token;
use super::Parser;
use super::function::Brace;

/// As many named arguments a function may have at most.
const MOST: usize = 65535;

impl<'a> Parser<'_, 'a> {
    /// `{ … }` where both are possible, at the brace.
    pub(super) fn brace(&mut self, start: Pos) -> Result<Brace<'a>> {
        self.advance();
        match self.peek()? {
            Token::BraceClose => {
                self.advance();
                let none = Formals { formals: &[], ellipsis: false };
                match self.peek()? {
                    Token::Colon | Token::At => Ok(Brace::Formals(none)),
                    _ => Ok(Brace::Attrs(self.empty_set(start))),
                }
            }
            Token::Ellipsis => self.formals(None).map(Brace::Formals),
            Token::Identifier(name) => {
                let pos = self.peek_pos()?;
                self.advance();
                match self.peek()? {
                    Token::Question | Token::Comma | Token::BraceClose => {
                        self.formals(Some((pos, name))).map(Brace::Formals)
                    }
                    _ => {
                        let name = self.tables.symbols.intern(name);
                        self.set_after_brace(start, Some((pos, name))).map(Brace::Attrs)
                    }
                }
            }
            _ => self.set_after_brace(start, None).map(Brace::Attrs),
        }
    }

    /// The rest of the formals up to the closing brace; the first one's name may be taken already. Unsorted.
    pub(super) fn formals(&mut self, mut taken: Option<(Pos, &'a [u8])>) -> Result<Formals<'a>> {
        let base = self.formals.len();
        let mut ellipsis = false;
        loop {
            let (pos, name) = match taken.take() {
                Some(name) => name,
                None => match self.peek()? {
                    Token::Identifier(name) => {
                        let pos = self.peek_pos()?;
                        self.advance();
                        (pos, name)
                    }
                    Token::Ellipsis => {
                        self.advance();
                        self.expect(Token::BraceClose, &["'}'"])?;
                        ellipsis = true;
                        break;
                    }
                    Token::BraceClose => {
                        self.advance();
                        break;
                    }
                    _ => return Err(self.unexpected(&["identifier", "'...'", "'}'"])),
                },
            };
            let default = if self.accept(Token::Question)? { Some(self.expr()?) } else { None };
            let name = self.tables.symbols.intern(name);
            self.formals.push(Formal { pos, name, default });
            match self.peek()? {
                Token::Comma => self.advance(),
                Token::BraceClose => {
                    self.advance();
                    break;
                }
                _ => return Err(self.unexpected(&["'}'", "','"])),
            }
        }
        let formals = Self::slice(self.tables.arena, &mut self.formals, base);
        Ok(Formals { formals, ellipsis })
    }

    /// Sorts the formals of the function at `start` and refuses a name given twice, be it by the whole argument's, and
    /// more of them than Nix takes.
    pub(super) fn finish_formals(
        &self,
        start: Pos,
        formals: Formals<'a>,
        arg: Option<Symbol>,
    ) -> Result<Formals<'a>> {
        let sorted = self.tables.arena.alloc_slice_copy(formals.formals);
        sorted.sort_by_key(|formal| (formal.name, formal.pos));
        let duplicate = sorted.windows(2).find(|pair| pair[0].name == pair[1].name);
        if let Some(pair) = duplicate {
            return Err(self.duplicate_formal(pair[1].pos, pair[1].name));
        }
        if let Some(arg) = arg
            && sorted.binary_search_by_key(&arg, |formal| formal.name).is_ok()
        {
            return Err(self.duplicate_formal(start, arg));
        }
        if sorted.len() > MOST {
            let text = format!("too many formal arguments, implementation supports at most {MOST}");
            return Err(SyntaxError::new(start, text));
        }
        Ok(Formals { formals: sorted, ..formals })
    }

    #[cold]
    fn duplicate_formal(&self, pos: Pos, name: Symbol) -> Box<SyntaxError> {
        let name = self.tables.symbols.name(name);
        SyntaxError::quoting(pos, "duplicate formal function argument '", name, "'")
    }
}
