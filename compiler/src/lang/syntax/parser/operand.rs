//! Operands: applications, selections, and what needs no parentheses.

use super::super::ast::{AttrName, Expr, MAX_MERGED_ARGS, Node};
use super::super::error::{Result, Warning};
use super::super::pos::Pos;
use super::super::symbol::known;
use super::super::token::Token;
use super::{Operand, Parser};

/// A selection, and where it ends if it is a call of the variable `or` that looks like half of `a.b or c`.
struct Selection<'a> {
    operand: Operand<'a>,
    ends_in_or: bool,
}

impl<'a> Parser<'_, 'a> {
    /// A function with arguments, or a selection without.
    pub(super) fn application(&mut self, first: Option<Operand<'a>>) -> Result<Operand<'a>> {
        let function = self.selection(first)?.operand;
        if !self.peek()?.starts_operand() {
            return Ok(function);
        }
        let base = self.nodes.len();
        let (pos, callee) = self.unfold_call(function.start, function.node);
        while self.peek()?.starts_operand() {
            let argument = self.selection(None)?;
            self.warn_of_or(&argument);
            self.nodes.push(argument.operand.node);
        }
        let args = Self::slice(self.tables.arena, &mut self.nodes, base);
        let node = self.alloc(Expr::Call { pos, function: callee, args });
        Ok(Operand { start: function.start, node })
    }

    /// A call of `function`, joined with it if it is a call itself.
    pub(super) fn call(&mut self, pos: Pos, function: Node<'a>, argument: Node<'a>) -> Node<'a> {
        let base = self.nodes.len();
        let (pos, function) = self.unfold_call(pos, function);
        self.nodes.push(argument);
        let args = Self::slice(self.tables.arena, &mut self.nodes, base);
        self.alloc(Expr::Call { pos, function, args })
    }

    /// If `function` is a call, puts its arguments on the stack and returns its place and function.
    fn unfold_call(&mut self, pos: Pos, function: Node<'a>) -> (Pos, Node<'a>) {
        match *function {
            Expr::Call { pos, function, args } if args.len() < MAX_MERGED_ARGS => {
                self.nodes.extend_from_slice(args);
                (pos, function)
            }
            _ => (pos, function),
        }
    }

    /// `base`, `base.path`, `base.path or default`, or `base or`, which calls `base` with the variable `or`.
    fn selection(&mut self, first: Option<Operand<'a>>) -> Result<Selection<'a>> {
        let base = match first {
            Some(first) => first,
            None => self.simple()?,
        };
        let start = base.start;
        match self.peek()? {
            Token::Dot => {
                self.advance();
                let path = self.attr_path()?;
                let mut default = None;
                if self.accept(Token::OrKeyword)? {
                    self.check_depth()?;
                    let selection = self.selection(None)?;
                    self.warn_of_or(&selection);
                    default = Some(selection.operand.node);
                }
                let node = self.alloc(Expr::Select { pos: start, base: base.node, path, default });
                Ok(Selection { operand: Operand { start, node }, ends_in_or: false })
            }
            Token::OrKeyword => {
                self.advance();
                let or = self.alloc(Expr::Var(start, known::OR));
                let args = self.tables.arena.alloc_slice_copy(&[or]);
                let node = self.alloc(Expr::Call { pos: start, function: base.node, args });
                Ok(Selection { operand: Operand { start, node }, ends_in_or: true })
            }
            _ => Ok(Selection { operand: base, ends_in_or: false }),
        }
    }

    fn warn_of_or(&mut self, selection: &Selection<'a>) {
        if !selection.ends_in_or {
            return;
        }
        let start = selection.operand.start;
        let Some(place) = self.tables.sources.resolve(start) else { return };
        let mut message = b"at ".to_vec();
        place.write(&mut message);
        message.extend_from_slice(
            b": This expression uses `or` as an identifier in a way that will change in a future Nix release.\n\
              Wrap this entire expression in parentheses to preserve its current meaning:\n    (",
        );
        message.extend_from_slice(self.lexer.text_since(start));
        message.extend_from_slice(b")\nGive feedback at https://github.com/NixOS/nix/pull/11121");
        self.tables.warnings.push(Warning { pos: Pos::NONE, message });
    }

    /// What can be selected from.
    fn simple(&mut self) -> Result<Operand<'a>> {
        let token = self.peek()?;
        let start = self.peek_pos()?;
        let node = match token {
            Token::Identifier(name) => {
                self.advance();
                self.variable(start, name)
            }
            Token::Integer(value) => {
                self.advance();
                self.alloc(Expr::Int(value))
            }
            Token::Float(value) => {
                self.advance();
                self.alloc(Expr::Float(value))
            }
            Token::Quote => self.string()?,
            Token::IndentedOpen => self.indented_string(start)?,
            Token::Path(_) | Token::HomePath(_) => self.path(start)?,
            Token::SearchPath(path) => self.search_path(start, path),
            Token::Uri(uri) => self.uri(start, uri)?,
            Token::ParenOpen => {
                self.advance();
                self.expr_until(Token::ParenClose, &["')'"])?
            }
            Token::BracketOpen => self.list()?,
            Token::BraceOpen => {
                self.advance();
                self.set(start)?
            }
            Token::Rec => {
                self.advance();
                self.expect(Token::BraceOpen, &["'{'"])?;
                self.recursive_set(start)?
            }
            Token::Let => {
                self.advance();
                self.expect(Token::BraceOpen, &["'{'"])?;
                self.let_body(start)?
            }
            _ => return Err(self.unexpected(&[])),
        };
        Ok(Operand { start, node })
    }

    /// A variable, or `__curPos`.
    pub(super) fn variable(&mut self, pos: Pos, name: &[u8]) -> Node<'a> {
        if name == b"__curPos" {
            return self.alloc(Expr::CurPos(pos));
        }
        let name = self.tables.symbols.intern(name);
        self.alloc(Expr::Var(pos, name))
    }

    fn list(&mut self) -> Result<Node<'a>> {
        self.check_depth()?;
        self.advance();
        let base = self.nodes.len();
        while !self.accept(Token::BracketClose)? {
            if !self.peek()?.starts_operand() {
                return Err(self.unexpected(&[]));
            }
            let item = self.selection(None)?;
            self.warn_of_or(&item);
            self.nodes.push(item.operand.node);
        }
        let items = Self::slice(self.tables.arena, &mut self.nodes, base);
        Ok(self.alloc(Expr::List(items)))
    }

    /// `{ … }` where no function can be, after the brace.
    fn set(&mut self, start: Pos) -> Result<Node<'a>> {
        self.check_depth()?;
        if self.accept(Token::BraceClose)? {
            return Ok(self.empty_set(start));
        }
        self.set_after_brace(start, None)
    }

    /// The old `let { …; body = …; }`, after the brace.
    pub(super) fn let_body(&mut self, start: Pos) -> Result<Node<'a>> {
        let base = self.recursive_set(start)?;
        let path: &'a [AttrName<'a>] = &[AttrName::Static(known::BODY)];
        Ok(self.alloc(Expr::Select { pos: Pos::NONE, base, path, default: None }))
    }
}
