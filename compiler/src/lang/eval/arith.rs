//! Numbers and order.

use std::cmp::Ordering;

use super::Evaluator;
use super::call_builtin::while_calling;
use super::run::outer;
use crate::lang::error::{EvalError, Result};
use crate::lang::expr::{Add, Arith, Binary, Expr, Node};
use crate::lang::print;
use crate::lang::syntax::Pos;
use crate::lang::value::{Env, Slot, Value};

/// Calls below the limit at which nothing is computed ahead of need any more, so that the limit strikes where it does in
/// Nix.
const SPECULATION_RESERVE: u32 = 64;

/// What is done with two numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NumberOp {
    /// Sum.
    Add,
    /// Difference.
    Sub,
    /// Product.
    Mul,
    /// Quotient.
    Div,
}

impl NumberOp {
    fn integers(self, left: i64, right: i64) -> Option<i64> {
        match self {
            NumberOp::Add => left.checked_add(right),
            NumberOp::Sub => left.checked_sub(right),
            NumberOp::Mul => left.checked_mul(right),
            NumberOp::Div => left.checked_div(right),
        }
    }

    fn floats(self, left: f64, right: f64) -> f64 {
        match self {
            NumberOp::Add => left + right,
            NumberOp::Sub => left - right,
            NumberOp::Mul => left * right,
            NumberOp::Div => left / right,
        }
    }

    fn doing(self) -> &'static str {
        match self {
            NumberOp::Add => "adding",
            NumberOp::Sub => "subtracting",
            NumberOp::Mul => "multiplying",
            NumberOp::Div => "dividing",
        }
    }

    fn sign(self) -> char {
        match self {
            NumberOp::Add => '+',
            NumberOp::Sub => '-',
            NumberOp::Mul => '*',
            NumberOp::Div => '/',
        }
    }

    /// Trace lines for the operands, as Nix words them.
    fn operands(self) -> (&'static str, &'static str) {
        match self {
            NumberOp::Add => (
                "while evaluating the first argument of the addition",
                "while evaluating the second argument of the addition",
            ),
            NumberOp::Sub => (
                "while evaluating the first argument of the subtraction",
                "while evaluating the second argument of the subtraction",
            ),
            NumberOp::Mul => (
                "while evaluating the first argument of the multiplication",
                "while evaluating the second argument of the multiplication",
            ),
            NumberOp::Div => (
                "while evaluating the first operand of the division",
                "while evaluating the second operand of the division",
            ),
        }
    }

    /// The error of integers whose result does not fit.
    #[cold]
    pub(super) fn overflow(self, left: i64, right: i64) -> Box<EvalError> {
        EvalError::new(format!("integer overflow in {} {left} {} {right}", self.doing(), self.sign()))
    }
}

fn number_op(op: Arith) -> Option<(NumberOp, &'static str)> {
    match op {
        Arith::Sub => Some((NumberOp::Sub, "sub")),
        Arith::Mul => Some((NumberOp::Mul, "mul")),
        Arith::Div => Some((NumberOp::Div, "div")),
        Arith::Less => None,
    }
}

/// The result over numbers when there is one.
#[inline(always)]
fn quickly<'a>(op: Arith, left: Value<'a>, right: Value<'a>) -> Option<Value<'a>> {
    match (op, left, right) {
        (Arith::Sub, Value::Int(l), Value::Int(r)) => l.checked_sub(r).map(Value::Int),
        (Arith::Mul, Value::Int(l), Value::Int(r)) => l.checked_mul(r).map(Value::Int),
        (Arith::Div, Value::Int(l), Value::Int(r)) => l.checked_div(r).map(Value::Int),
        (Arith::Less, Value::Int(l), Value::Int(r)) => Some(Value::Bool(l < r)),
        (Arith::Sub, Value::Float(l), Value::Float(r)) => Some(Value::Float(l - r)),
        (Arith::Mul, Value::Float(l), Value::Float(r)) => Some(Value::Float(l * r)),
        (Arith::Less, Value::Float(l), Value::Float(r)) => Some(Value::Bool(l < r)),
        _ => None,
    }
}

impl<'a> Evaluator<'a> {
    /// `-`, `*`, `/`, `<`: calls of builtins in Nix, and counted and traced as such.
    #[inline]
    pub(super) fn eval_arith(
        &mut self,
        op: Arith,
        operands: &'a Binary<'a>,
        env: &'a Env<'a>,
    ) -> Result<Value<'a>> {
        self.enter(operands.pos)?;
        let mut result = self.eval_operands(op, operands, env);
        self.leave();
        if let Err(error) = &mut result {
            let name = number_op(op).map_or("lessThan", |(_, name)| name);
            while_calling(error, name, operands.pos);
        }
        result
    }

    #[inline(always)]
    fn eval_operands(&mut self, op: Arith, operands: &'a Binary<'a>, env: &'a Env<'a>) -> Result<Value<'a>> {
        let left = self.number_operand(operands.left, env)?;
        let right = self.number_operand(operands.right, env)?;
        match quickly(op, left, right) {
            Some(value) => Ok(value),
            None => match number_op(op) {
                Some((op, _)) => self.arithmetic(op, left, right),
                None => Ok(Value::Bool(self.less_than(left, right)?)),
            },
        }
    }

    /// An operand. They are arguments of builtins, which do not say where they want a variable that needs itself.
    #[inline(always)]
    fn number_operand(&mut self, expr: Node<'a>, env: &'a Env<'a>) -> Result<Value<'a>> {
        match *expr {
            Expr::Local(slot, _) => self.force_slot(&env.slots[slot as usize], Pos::NONE),
            Expr::Outer(place, _) => self.force_slot(outer(env, place), Pos::NONE),
            _ => self.operand(expr, env),
        }
    }

    /// The value of a cheap expression over what is known already.
    pub(super) fn speculate(&self, node: Node<'a>, env: &'a Env<'a>) -> Option<Value<'a>> {
        if self.limits.depth + SPECULATION_RESERVE > self.options.max_call_depth {
            return None;
        }
        ahead(node, env)
    }

    /// What the builtins of arithmetic do.
    ///
    /// # Errors
    /// When an operand is no number, the result does not fit, or the divisor is zero.
    pub fn arithmetic(&mut self, op: NumberOp, left: Value<'a>, right: Value<'a>) -> Result<Value<'a>> {
        let (first, second) = op.operands();
        let left = self.force(left, Pos::NONE)?;
        let right = self.force(right, Pos::NONE)?;
        if matches!(left, Value::Float(_)) || matches!(right, Value::Float(_)) {
            if op == NumberOp::Div {
                self.divisor(right, second)?;
            }
            // Nix leaves out a word in this one.
            let first =
                if op == NumberOp::Mul { "while evaluating the first of the multiplication" } else { first };
            let left = self.float_of(left, Pos::NONE, first)?;
            let right = self.float_of(right, Pos::NONE, second)?;
            return Ok(Value::Float(op.floats(left, right)));
        }
        if op == NumberOp::Div {
            self.divisor(right, second)?;
        }
        let left = self.int_of(left, Pos::NONE, first)?;
        let right = self.int_of(right, Pos::NONE, second)?;
        op.integers(left, right).map(Value::Int).ok_or_else(|| op.overflow(left, right))
    }

    /// Nix looks at the divisor first.
    fn divisor(&mut self, right: Value<'a>, context: &'static str) -> Result<()> {
        if self.float_of(right, Pos::NONE, context)? == 0.0 {
            return Err(EvalError::new("division by zero"));
        }
        Ok(())
    }

    /// `left < right`.
    ///
    /// # Errors
    /// When they cannot be compared.
    pub fn less_than(&mut self, left: Value<'a>, right: Value<'a>) -> Result<bool> {
        self.check_stack()?;
        let order = match (left, right) {
            (Value::Int(l), Value::Int(r)) => l.cmp(&r),
            (Value::Float(l), Value::Float(r)) => return Ok(l < r),
            (Value::Int(l), Value::Float(r)) => return Ok((l as f64) < r),
            (Value::Float(l), Value::Int(r)) => return Ok(l < r as f64),
            (Value::String(l), Value::String(r)) => l.bytes().cmp(r.bytes()),
            (Value::Path(l), Value::Path(r)) => l.bytes.cmp(r.bytes),
            (Value::List(l), Value::List(r)) => return self.list_less_than(l.items(), r.items()),
            _ => return Err(self.incomparable(left, right)),
        };
        Ok(order == Ordering::Less)
    }

    fn list_less_than(
        &mut self,
        left: &'a [crate::lang::value::Slot<'a>],
        right: &'a [crate::lang::value::Slot<'a>],
    ) -> Result<bool> {
        for (index, r) in right.iter().enumerate() {
            let Some(l) = left.get(index) else { return Ok(true) };
            if !self.equal_slots(l, r, Pos::NONE)? {
                let l = self.force_slot(l, Pos::NONE)?;
                let r = self.force_slot(r, Pos::NONE)?;
                return self.less_than(l, r).map_err(|error| {
                    error.trace(Pos::NONE, b"while comparing two list elements".as_slice())
                });
            }
        }
        Ok(false)
    }

    #[cold]
    fn incomparable(&self, left: Value<'a>, right: Value<'a>) -> Box<EvalError> {
        let (l, r) = (print::type_phrase(left), print::type_phrase(right));
        let (shown_l, shown_r) = (print::in_error(self, left), print::in_error(self, right));
        let same = left.type_name() == right.type_name();
        let (between, end) = if same {
            ("values of that type are incomparable (values are ", ")")
        } else {
            ("values are ", "")
        };
        let mut text = format!("cannot compare {l} with {r}; {between}").into_bytes();
        text.extend_from_slice(&shown_l);
        text.extend_from_slice(b" and ");
        text.extend_from_slice(&shown_r);
        text.extend_from_slice(end.as_bytes());
        EvalError::new(text)
    }

    /// `left + right`.
    #[inline]
    pub(super) fn eval_add(&mut self, add: &'a Add<'a>, env: &'a Env<'a>) -> Result<Value<'a>> {
        let left = self.operand(add.left, env)?;
        match left {
            Value::Int(l) => match self.operand(add.right, env)? {
                Value::Int(r) => match l.checked_add(r) {
                    Some(sum) => Ok(Value::Int(sum)),
                    None => Err(NumberOp::Add.overflow(l, r).at(add.right_pos)),
                },
                Value::Float(r) => Ok(Value::Float(l as f64 + r)),
                other => Err(cannot_add(other, "an integer", add.right_pos)),
            },
            Value::Float(l) => match self.operand(add.right, env)? {
                Value::Int(r) => Ok(Value::Float(l + r as f64)),
                Value::Float(r) => Ok(Value::Float(l + r)),
                other => Err(cannot_add(other, "a float", add.right_pos)),
            },
            left => self.add_texts(left, add, env),
        }
    }
}

/// The error of `+` with a number on the left.
#[cold]
pub(super) fn cannot_add(value: Value<'_>, to: &str, pos: Pos) -> Box<EvalError> {
    EvalError::new(format!("cannot add {} to {to}", print::type_phrase(value))).at(pos)
}

fn ahead<'a>(node: Node<'a>, env: &'a Env<'a>) -> Option<Value<'a>> {
    match *node {
        Expr::Const(value) => Some(value),
        Expr::Local(slot, _) => known(&env.slots[slot as usize]),
        Expr::Outer(place, _) => known(outer(env, place)),
        Expr::Arith(op, operands) => quickly(op, ahead(operands.left, env)?, ahead(operands.right, env)?),
        Expr::Add(add) => match (ahead(add.left, env)?, ahead(add.right, env)?) {
            (Value::Int(l), Value::Int(r)) => l.checked_add(r).map(Value::Int),
            (Value::Float(l), Value::Float(r)) => Some(Value::Float(l + r)),
            _ => None,
        },
        _ => None,
    }
}

/// The value of a slot that has been evaluated.
#[inline(always)]
fn known<'a>(slot: &'a Slot<'a>) -> Option<Value<'a>> {
    let value = match slot.get() {
        Value::Thunk(slot) => slot.get(),
        value => value,
    };
    value.is_evaluated().then_some(value)
}
