//! Functions, `let`, `with`, `assert`, `if` and pipes: what extends as far to the right as possible.

use std::cell::Cell;

use super::super::ast::{Bindings, Expr, Formals, Lambda, Node};
use super::super::error::{Result, SyntaxError};
use super::super::pos::Pos;
use super::super::symbol::Symbol;
use super::super::token::Token;
use super::{Operand, Parser};

/// What an opening brace turned out to open.
pub(super) enum Brace<'a> {
    Formals(Formals<'a>),
    Attrs(Node<'a>),
}

impl<'a> Parser<'_, 'a> {
    /// Any expression.
    pub(super) fn expr(&mut self) -> Result<Node<'a>> {
        self.check_depth()?;
        let token = self.peek()?;
        let start = self.peek_pos()?;
        match token {
            Token::Identifier(name) => {
                self.advance();
                match self.peek()? {
                    Token::Colon => self.function_of_name(start, name),
                    Token::At => self.function_of_named_set(start, name),
                    _ => {
                        let node = self.variable(start, name);
                        self.pipes(Some(Operand { start, node }))
                    }
                }
            }
            Token::BraceOpen => match self.brace(start)? {
                Brace::Formals(formals) => self.function_of_set(start, formals),
                Brace::Attrs(node) => self.pipes(Some(Operand { start, node })),
            },
            Token::Let => self.let_in(start),
            Token::Assert => {
                self.advance();
                let condition = self.expr_until(Token::Semicolon, &["';'"])?;
                let body = self.expr()?;
                Ok(self.alloc(Expr::Assert { pos: start, condition, body }))
            }
            Token::With => {
                self.advance();
                let attrs = self.expr_until(Token::Semicolon, &["';'"])?;
                let body = self.expr()?;
                Ok(self.alloc(Expr::With { pos: start, attrs, body }))
            }
            Token::If => {
                self.advance();
                let condition = self.expr_until(Token::Then, &["'then'"])?;
                let then = self.expr_until(Token::Else, &["'else'"])?;
                let otherwise = self.expr()?;
                Ok(self.alloc(Expr::If { pos: start, condition, then, otherwise }))
            }
            _ => self.pipes(None),
        }
    }

    /// An expression and the token after it.
    pub(super) fn expr_until(&mut self, end: Token<'_>, expected: &[&str]) -> Result<Node<'a>> {
        let node = self.expr()?;
        self.expect(end, expected)?;
        Ok(node)
    }

    /// `name: body`, at the colon. The name is interned after the body, as the reference parser does.
    fn function_of_name(&mut self, start: Pos, name: &[u8]) -> Result<Node<'a>> {
        self.advance();
        let body = self.expr()?;
        let arg = self.tables.symbols.intern(name);
        Ok(self.lambda(start, Some(arg), None, body))
    }

    /// `name @ { … }: body`, at the `@`.
    fn function_of_named_set(&mut self, start: Pos, name: &[u8]) -> Result<Node<'a>> {
        self.advance();
        self.expect(Token::BraceOpen, &["'{'"])?;
        let formals = self.formals(None)?;
        self.expect(Token::Colon, &["':'"])?;
        let body = self.expr()?;
        let arg = self.tables.symbols.intern(name);
        let formals = self.finish_formals(start, formals, Some(arg))?;
        Ok(self.lambda(start, Some(arg), Some(formals), body))
    }

    /// `{ … }: body` or `{ … } @ name: body`, after the closing brace.
    fn function_of_set(&mut self, start: Pos, formals: Formals<'a>) -> Result<Node<'a>> {
        let mut name = None;
        match self.peek()? {
            Token::Colon => self.advance(),
            Token::At => {
                self.advance();
                name = Some(self.expect_identifier()?);
                self.expect(Token::Colon, &["':'"])?;
            }
            _ => return Err(self.unexpected(&["':'", "'@'"])),
        }
        let body = self.expr()?;
        let arg = name.map(|name| self.tables.symbols.intern(name));
        let formals = self.finish_formals(start, formals, arg)?;
        Ok(self.lambda(start, arg, Some(formals), body))
    }

    fn lambda(
        &mut self,
        pos: Pos,
        arg: Option<Symbol>,
        formals: Option<Formals<'a>>,
        body: Node<'a>,
    ) -> Node<'a> {
        let arena = self.tables.arena;
        let lambda = Lambda { pos, name: Cell::new(None), arg, formals, body, doc: Cell::new(None) };
        let node = self.alloc(Expr::Lambda(arena.alloc(lambda)));
        if let Some(doc) = self.doc_before(pos) {
            node.document(doc);
        }
        node
    }

    /// `let … in body` or the old `let { … }`, at the keyword.
    fn let_in(&mut self, start: Pos) -> Result<Node<'a>> {
        self.advance();
        if self.accept(Token::BraceOpen)? {
            let node = self.let_body(start)?;
            return self.pipes(Some(Operand { start, node }));
        }
        let set = self.sets.open(Pos::NONE, false);
        self.binds(set, None)?;
        self.expect(Token::In, &["'in'", "'inherit'"])?;
        let bindings: &'a Bindings<'a> = self.sets.close(set, self.tables.arena);
        let body = self.expr()?;
        if !bindings.dynamic.is_empty() {
            return Err(SyntaxError::new(start, "dynamic attributes not allowed in let"));
        }
        Ok(self.alloc(Expr::Let { bindings, body }))
    }

    /// Operators with `|>` or `<|` between them, not both.
    fn pipes(&mut self, first: Option<Operand<'a>>) -> Result<Node<'a>> {
        let left = self.operators(first)?;
        match self.peek()? {
            Token::PipeFrom => self.pipe_from(left),
            Token::PipeInto => self.pipe_into(left),
            _ => Ok(left),
        }
    }

    /// `f <| g <| x`, which is `f (g x)`, at the first `<|`.
    fn pipe_from(&mut self, first: Node<'a>) -> Result<Node<'a>> {
        let base = self.concatenated.len();
        let mut last = first;
        while self.peek()? == Token::PipeFrom {
            let pos = self.peek_pos()?;
            self.concatenated.push((pos, last));
            self.advance();
            last = self.operators(None)?;
        }
        while self.concatenated.len() > base {
            if let Some((pos, function)) = self.concatenated.pop() {
                last = self.call(pos, function, last);
            }
        }
        Ok(last)
    }

    /// `x |> f |> g`, which is `g (f x)`, at the first `|>`.
    fn pipe_into(&mut self, first: Node<'a>) -> Result<Node<'a>> {
        let mut argument = first;
        while self.peek()? == Token::PipeInto {
            let pos = self.peek_pos()?;
            self.advance();
            let function = self.operators(None)?;
            argument = self.call(pos, function, argument);
        }
        Ok(argument)
    }
}
