//! The loop over expressions.

use std::cell::Cell;

use super::Evaluator;
use crate::lang::error::{ErrorKind, EvalError, Result};
use crate::lang::expr::{Assert, Binary, Chain, Dynamic, Expr, Item, Let, Logic, Node, Place, SlotInit};
use crate::lang::print;
use crate::lang::syntax::Pos;
use crate::lang::value::{Env, List, Slot, Suspension, Value, share};

/// The frame that many frames up.
#[inline(always)]
pub(super) fn outer_frame<'a>(env: &'a Env<'a>, depth: u32) -> &'a Env<'a> {
    let mut env = env;
    for _ in 0..depth {
        match env.up() {
            Some(up) => env = up,
            None => break,
        }
    }
    env
}

/// The slot of a variable of an outer frame.
#[inline(always)]
pub(super) fn outer<'a>(env: &'a Env<'a>, place: Place) -> &'a Slot<'a> {
    &outer_frame(env, place.depth).slots[place.slot as usize]
}

/// True for a reference to a slot of that very frame: `let y = x;` has one to the slot of `x`.
#[inline(always)]
fn refers_into<'a>(value: Value<'a>, env: &'a Env<'a>) -> bool {
    matches!(value, Value::Thunk(slot) if env.slots.as_ptr_range().contains(&std::ptr::from_ref(slot)))
}

impl<'a> Evaluator<'a> {
    /// The same as [`Evaluator::eval`], without a call for constants and variables that have been evaluated.
    ///
    /// # Errors
    /// Whatever evaluation raises.
    #[inline(always)]
    pub(super) fn operand(&mut self, expr: Node<'a>, env: &'a Env<'a>) -> Result<Value<'a>> {
        match *expr {
            Expr::Const(value) => Ok(value),
            Expr::Local(slot, pos) => self.force_slot(&env.slots[slot as usize], pos),
            Expr::Outer(place, pos) => self.force_slot(outer(env, place), pos),
            _ => self.eval(expr, env),
        }
    }

    /// The value of an expression, in weak head normal form.
    ///
    /// # Errors
    /// Whatever evaluation raises.
    pub fn eval(&mut self, expr: Node<'a>, env: &'a Env<'a>) -> Result<Value<'a>> {
        let (mut expr, mut env) = (expr, env);
        loop {
            match *expr {
                Expr::Const(value) => return Ok(value),
                Expr::Local(slot, pos) => return self.force_slot(&env.slots[slot as usize], pos),
                Expr::Outer(place, pos) => return self.force_slot(outer(env, place), pos),
                Expr::Global(slot, pos) => return self.force_slot(slot, pos),
                Expr::Dynamic(variable) => return self.eval_dynamic(variable, env),
                Expr::Select(select) => return self.eval_select(select, env),
                Expr::Attrs(attrs) => return Ok(Value::Attrs(self.eval_attrs(attrs, env))),
                Expr::RichAttrs(attrs) => return self.eval_rich_attrs(attrs, env),
                Expr::List(items) => return Ok(self.eval_list(items, env)),
                Expr::Lambda(lambda, hops) => {
                    return Ok(Value::Closure(self.closure(lambda, outer_frame(env, hops))));
                }
                Expr::Call(call) => return self.eval_call(call, env),
                Expr::Let(scope) => {
                    env = self.enter_let(scope, env);
                    expr = scope.body;
                }
                Expr::With(with) => {
                    let attrs = self.item(&with.attrs, env);
                    env.slots[with.slot as usize].set(attrs);
                    expr = with.body;
                }
                Expr::If(branch) => {
                    let context = "while evaluating a branch condition";
                    let condition = self.eval_bool(branch.condition, env, branch.pos, context)?;
                    expr = if condition { branch.then } else { branch.otherwise };
                }
                Expr::Assert(assert) => {
                    self.eval_assert(assert, env)?;
                    expr = assert.body;
                }
                Expr::Not(..) | Expr::Logic(_) | Expr::Equal(..) | Expr::HasAttr(_) => {
                    return Ok(Value::Bool(self.eval_condition(expr, env)?));
                }
                Expr::Update(operands) => return self.eval_update(operands, env),
                Expr::Concat(operands) => return self.eval_concat(operands, env),
                Expr::Arith(op, operands) => return self.eval_arith(op, operands, env),
                Expr::Add(add) => return self.eval_add(add, env),
                Expr::Interpolation(parts) => return self.eval_interpolation(parts, env),
            }
        }
    }

    /// The forms whose value is a Boolean whatever their operands are.
    #[inline(never)]
    fn eval_condition(&mut self, expr: Node<'a>, env: &'a Env<'a>) -> Result<bool> {
        match *expr {
            Expr::Equal(wanted, operands) => {
                let left = self.operand(operands.left, env)?;
                let right = self.operand(operands.right, env)?;
                Ok(self.equal_at_once(left, right, operands.pos)? == wanted)
            }
            Expr::Logic(chain) => self.eval_logic(chain, env),
            Expr::HasAttr(has) => self.eval_has_attr(has, env),
            Expr::Not(inner, pos) => {
                Ok(!self.eval_bool(inner, env, pos, "in the argument of the not operator")?)
            }
            // Nothing else is given to this function.
            _ => self.eval_truth(expr, env, Pos::NONE),
        }
    }

    /// What goes into a slot for an item. A result that is not evaluated refers to `env`, which the caller marks as
    /// escaped unless the slot is one of `env` itself.
    #[inline(always)]
    pub(super) fn item(&self, item: &Item<'a>, env: &'a Env<'a>) -> Value<'a> {
        match *item {
            Item::Const(value) => value,
            Item::Local(slot) => share(&env.slots[slot as usize]),
            Item::Outer(place) => share(outer(env, place)),
            Item::Lazy(code) => Suspension::expression(code, env),
            Item::Function(code, _, hops) => Suspension::expression(code, outer_frame(env, hops)),
            Item::Cheap(code, node) => match self.speculate(node, env) {
                Some(value) => value,
                None => Suspension::expression(code, env),
            },
        }
    }

    /// The same for a slot outside of `env`.
    #[inline(always)]
    pub(super) fn escaping_item(&self, item: &Item<'a>, env: &'a Env<'a>) -> Value<'a> {
        let value = self.item(item, env);
        if !value.is_evaluated() {
            match *item {
                Item::Outer(Place { depth, .. }) | Item::Function(_, _, depth) => {
                    outer_frame(env, depth).escape();
                }
                Item::Local(_) if !refers_into(value, env) => env.escape_beyond(),
                _ => {
                    env.escape();
                }
            }
        }
        value
    }

    /// The same as a value that can be passed around.
    #[inline]
    pub(super) fn argument(&self, item: &Item<'a>, env: &'a Env<'a>) -> Value<'a> {
        let mut value = Value::Null;
        self.put_argument(item, env, &mut value);
        value
    }

    /// The same, put where it is wanted.
    #[inline(never)]
    pub(super) fn put_argument(&self, item: &Item<'a>, env: &'a Env<'a>, place: &mut Value<'a>) {
        *place = match self.escaping_item(item, env) {
            suspended @ Value::Suspended(_) => self.thunk(suspended),
            value => value,
        };
    }

    /// The same for somebody who forgets it before the frame is left.
    #[inline(never)]
    pub(super) fn put_lent_argument(&self, item: &Item<'a>, env: &'a Env<'a>, place: &mut Value<'a>) {
        *place = match self.item(item, env) {
            suspended @ Value::Suspended(_) => self.thunk(suspended),
            value => value,
        };
    }

    #[inline]
    fn enter_let(&mut self, scope: &'a Let<'a>, env: &'a Env<'a>) -> &'a Env<'a> {
        let env = match scope.frame {
            None => env,
            Some(size) => self.frames.make(Some(env.escape()), size as usize),
        };
        self.fill(scope.slots, env);
        env
    }

    /// Starts the slots of `env` that a scope owns.
    #[inline(always)]
    pub(super) fn fill(&self, slots: &'a [SlotInit<'a>], env: &'a Env<'a>) {
        for init in slots {
            env.slots[init.slot as usize].set(self.item(&init.item, env));
        }
    }

    #[inline(never)]
    fn eval_list(&mut self, items: &'a [Item<'a>], env: &'a Env<'a>) -> Value<'a> {
        if items.is_empty() {
            return Value::List(self.empty_list);
        }
        let items = self
            .arena
            .alloc_slice_fill_with(items.len(), |index| Cell::new(self.escaping_item(&items[index], env)));
        self.list_of_slots(items)
    }

    /// The value of an expression that must be a Boolean.
    #[inline]
    pub(super) fn eval_bool(
        &mut self,
        expr: Node<'a>,
        env: &'a Env<'a>,
        pos: Pos,
        context: &'static str,
    ) -> Result<bool> {
        let result = match *expr {
            Expr::Not(..) | Expr::Logic(_) | Expr::Equal(..) | Expr::HasAttr(_) => {
                self.eval_condition(expr, env)
            }
            _ => self.eval_truth(expr, env, pos),
        };
        match result {
            Ok(value) => Ok(value),
            Err(error) => Err(error.trace(pos, context.as_bytes())),
        }
    }

    #[inline(never)]
    fn eval_truth(&mut self, expr: Node<'a>, env: &'a Env<'a>, pos: Pos) -> Result<bool> {
        match self.operand(expr, env)? {
            Value::Bool(value) => Ok(value),
            other => Err(self.type_error("a Boolean", other).at(pos)),
        }
    }

    #[inline(never)]
    fn eval_logic(&mut self, chain: &'a Chain<'a>, env: &'a Env<'a>) -> Result<bool> {
        let decided_by = chain.op == Logic::Or;
        for (index, operand) in chain.operands.iter().enumerate() {
            let result = match **operand {
                Expr::Not(..) | Expr::Logic(_) | Expr::Equal(..) | Expr::HasAttr(_) => {
                    self.eval_condition(operand, env)
                }
                _ => self.eval_truth(operand, env, chain.place_of(index)),
            };
            match result {
                Ok(value) if value != decided_by => {}
                // `a -> b` is true when `a` is false.
                Ok(value) if chain.op == Logic::Implies => return Ok(index == 0 || value),
                Ok(value) => return Ok(value),
                Err(error) => return Err(chain.trace(error, index)),
            }
        }
        Ok(!decided_by)
    }

    #[inline(never)]
    fn eval_concat(&mut self, operands: &Binary<'a>, env: &'a Env<'a>) -> Result<Value<'a>> {
        const CONTEXT: &str = "while evaluating one of the elements to concatenate";
        let left = self.operand(operands.left, env)?;
        let right = self.operand(operands.right, env)?;
        let left = self.list_of(left, operands.pos, CONTEXT)?;
        let right = self.list_of(right, operands.pos, CONTEXT)?;
        self.room_for(left.len().saturating_add(right.len()).saturating_mul(size_of::<Value<'_>>()))?;
        let joined = List::join(self.arena, left, right);
        if !std::ptr::eq(joined, left) && !std::ptr::eq(joined, right) {
            self.newest.set(Some(joined));
        }
        Ok(Value::List(joined))
    }

    /// A variable that only a `with` can give: the innermost that has it.
    #[inline(never)]
    fn eval_dynamic(&mut self, variable: &Dynamic<'a>, env: &'a Env<'a>) -> Result<Value<'a>> {
        for scope in variable.withs {
            let slot = outer(env, scope.place);
            let value = self.force_slot(slot, scope.pos)?;
            let attrs = self.attrs_of(
                value,
                scope.pos,
                "while evaluating the first subexpression of a with expression",
            )?;
            if let Some(slot) = attrs.get_hinted(variable.name, &variable.hint) {
                return self.force_slot(slot, variable.pos);
            }
        }
        Err(undefined(&self.symbols.shown(variable.name), variable.pos))
    }

    #[inline(never)]
    fn eval_assert(&mut self, assert: &Assert<'a>, env: &'a Env<'a>) -> Result<()> {
        if self.eval_bool(assert.condition, env, assert.pos, "in the condition of the assert statement")? {
            return Ok(());
        }
        let source = print::source(&self.symbols, assert.source);
        if let Expr::Equal(true, operands) = *assert.condition {
            let left = self.eval(operands.left, env)?;
            let right = self.eval(operands.right, env)?;
            if let Err(error) = self.explain_unequal(left, right, operands.pos) {
                if error.kind != ErrorKind::Assert {
                    return Err(error);
                }
                let text =
                    [b"while evaluating the condition of the assertion '".as_slice(), &source, b"'"].concat();
                return Err(error.trace(assert.pos, text));
            }
        }
        let text = [b"assertion '".as_slice(), &source, b"' failed"].concat();
        Err(EvalError::of_kind(ErrorKind::Assert, text).at(assert.pos))
    }
}

impl Chain<'_> {
    /// The operator that an operand is of: the first operand is left of the first operator, every other right of one.
    fn place_of(&self, index: usize) -> Pos {
        self.places.get(index.saturating_sub(1)).copied().unwrap_or(Pos::NONE)
    }

    /// Adds to the error of an operand what Nix says of it: `a && b && c` is `(a && b) && c`.
    #[cold]
    fn trace(&self, error: Box<EvalError>, index: usize) -> Box<EvalError> {
        let (left, right) = self.op.contexts();
        let first = if index == 0 { left } else { right };
        let error = error.trace(self.place_of(index), first.as_bytes());
        let outer = self.places.get(index.max(1)..).unwrap_or(&[]);
        outer.iter().fold(error, |error, place| error.trace(*place, left.as_bytes()))
    }
}

impl Logic {
    /// Trace lines for the operands, as Nix words them.
    fn contexts(self) -> (&'static str, &'static str) {
        match self {
            Logic::And => (
                "in the left operand of the AND (&&) operator",
                "in the right operand of the AND (&&) operator",
            ),
            Logic::Or => (
                "in the left operand of the OR (||) operator",
                "in the right operand of the OR (||) operator",
            ),
            Logic::Implies => (
                "in the left operand of the IMPL (->) operator",
                "in the right operand of the IMPL (->) operator",
            ),
        }
    }
}

/// The error of a name that nothing gives, as errors show names.
#[cold]
pub(in crate::lang) fn undefined(name: &[u8], pos: Pos) -> Box<EvalError> {
    EvalError::new([b"undefined variable '".as_slice(), name, b"'"].concat()).at(pos)
}
