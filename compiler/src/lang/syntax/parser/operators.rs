//! Operators, by precedence climbing.

use super::super::ast::{BinaryOp, Expr, Node};
use super::super::error::Result;
use super::super::pos::Pos;
use super::super::symbol::known;
use super::super::token::Token;
use super::{Operand, Parser};

/// How tightly operators bind.
mod level {
    pub const IMPLIES: u8 = 1;
    pub const OR: u8 = 2;
    pub const AND: u8 = 3;
    pub const EQUAL: u8 = 4;
    pub const COMPARE: u8 = 5;
    pub const UPDATE: u8 = 6;
    pub const NOT: u8 = 7;
    pub const ADD: u8 = 8;
    pub const MULTIPLY: u8 = 9;
    pub const CONCAT: u8 = 10;
    pub const HAS_ATTR: u8 = 11;
    pub const NEGATE: u8 = 12;
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
    /// `a == b == c` is an error.
    Neither,
}

/// Level and associativity of a binary operator.
#[inline]
fn binding(token: &Token<'_>) -> Option<(u8, Side)> {
    Some(match token {
        Token::Implies => (level::IMPLIES, Side::Right),
        Token::Or => (level::OR, Side::Left),
        Token::And => (level::AND, Side::Left),
        Token::Equal | Token::NotEqual => (level::EQUAL, Side::Neither),
        Token::Less | Token::Greater | Token::LessEqual | Token::GreaterEqual => {
            (level::COMPARE, Side::Neither)
        }
        Token::Update => (level::UPDATE, Side::Right),
        Token::Plus | Token::Minus => (level::ADD, Side::Left),
        Token::Star | Token::Slash => (level::MULTIPLY, Side::Left),
        Token::Concat => (level::CONCAT, Side::Right),
        Token::Question => (level::HAS_ATTR, Side::Left),
        _ => return None,
    })
}

const SUB: Node<'static> = &Expr::Var(Pos::NONE, known::SUB);
const MUL: Node<'static> = &Expr::Var(Pos::NONE, known::MUL);
const DIV: Node<'static> = &Expr::Var(Pos::NONE, known::DIV);
const LESS_THAN: Node<'static> = &Expr::Var(Pos::NONE, known::LESS_THAN);
const ZERO: Node<'static> = &Expr::Int(0);

impl<'a> Parser<'_, 'a> {
    /// An expression of operators; its first operand may be read already.
    pub(super) fn operators(&mut self, first: Option<Operand<'a>>) -> Result<Node<'a>> {
        Ok(self.binary(first, 0)?.node)
    }

    /// Operators that bind at least as tightly as `least`.
    fn binary(&mut self, first: Option<Operand<'a>>, least: u8) -> Result<Operand<'a>> {
        let mut left = match first {
            Some(first) => self.application(Some(first))?,
            None => self.unary()?,
        };
        loop {
            let token = self.peek()?;
            let Some((level, side)) = binding(&token) else { return Ok(left) };
            if level < least {
                return Ok(left);
            }
            let pos = self.peek_pos()?;
            self.advance();
            if token == Token::Question {
                let path = self.attr_path()?;
                left.node = self.alloc(Expr::HasAttr { base: left.node, path });
                continue;
            }
            let right = self.binary(None, if side == Side::Right { level } else { level + 1 })?;
            left.node = self.apply(token, pos, left, right);
            if side == Side::Neither && binding(&self.peek()?).is_some_and(|(next, _)| next == level) {
                return Err(self.unexpected(&[]));
            }
        }
    }

    /// An operand with the prefix operators before it. These may stand right of any operator and reach as far as they bind.
    fn unary(&mut self) -> Result<Operand<'a>> {
        match self.peek()? {
            Token::Not => {
                self.check_depth()?;
                let start = self.peek_pos()?;
                self.advance();
                let inner = self.binary(None, level::NOT)?;
                Ok(Operand { start, node: self.alloc(Expr::Not(inner.node)) })
            }
            Token::Minus => {
                self.check_depth()?;
                let start = self.peek_pos()?;
                self.advance();
                let inner = self.binary(None, level::NEGATE)?;
                Ok(Operand { start, node: self.operator_call(start, SUB, ZERO, inner.node) })
            }
            _ => self.application(None),
        }
    }

    fn apply(&self, token: Token<'a>, pos: Pos, left: Operand<'a>, right: Operand<'a>) -> Node<'a> {
        let (a, b) = (left.node, right.node);
        let op = match token {
            Token::Plus => {
                let parts = self.tables.arena.alloc_slice_copy(&[(left.start, a), (right.start, b)]);
                return self.alloc(Expr::ConcatStrings { pos, force_string: false, parts });
            }
            Token::Minus => return self.operator_call(pos, SUB, a, b),
            Token::Star => return self.operator_call(pos, MUL, a, b),
            Token::Slash => return self.operator_call(pos, DIV, a, b),
            Token::Less => return self.operator_call(pos, LESS_THAN, a, b),
            Token::Greater => return self.operator_call(pos, LESS_THAN, b, a),
            Token::LessEqual => return self.alloc(Expr::Not(self.operator_call(pos, LESS_THAN, b, a))),
            Token::GreaterEqual => return self.alloc(Expr::Not(self.operator_call(pos, LESS_THAN, a, b))),
            Token::Equal => BinaryOp::Eq,
            Token::NotEqual => BinaryOp::NotEq,
            Token::And => BinaryOp::And,
            Token::Or => BinaryOp::Or,
            Token::Implies => BinaryOp::Implies,
            Token::Concat => BinaryOp::Concat,
            // `binding` knows no other token.
            _ => BinaryOp::Update,
        };
        let pos = if matches!(op, BinaryOp::Eq | BinaryOp::NotEq) { Pos::NONE } else { pos };
        self.alloc(Expr::Binary { pos, op, left: a, right: b })
    }

    fn operator_call(&self, pos: Pos, function: Node<'a>, left: Node<'a>, right: Node<'a>) -> Node<'a> {
        let args = self.tables.arena.alloc_slice_copy(&[left, right]);
        self.alloc(Expr::Call { pos, function, args })
    }
}
