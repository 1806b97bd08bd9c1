//! Calls of builtins: what becomes of their arguments.
//!
//! An argument that a builtin evaluates before anything else needs no slot, and one that it does not keep needs not outlive
//! the frame that it comes from: [`Builtin`] says which.
//! Never does: what a builtin does.

use super::Evaluator;
use super::run::{outer, outer_frame};
use crate::lang::builtins::Builtin;
use crate::lang::error::{EvalError, Result};
use crate::lang::expr::{Call, Item};
use crate::lang::syntax::Pos;
use crate::lang::value::{Env, PartialBuiltin, Value};

/// Arguments that are brought together on the stack.
const FEW: usize = 3;

impl<'a> Evaluator<'a> {
    /// A call of a builtin with all its arguments.
    #[inline(always)]
    pub(super) fn call_builtin(
        &mut self,
        builtin: &'static Builtin,
        call: &'a Call<'a>,
        env: &'a Env<'a>,
    ) -> Result<Value<'a>> {
        match call.args {
            [arg] => self.call_builtin_of_one(builtin, arg, env, call.pos),
            args if args.len() <= FEW => self.call_builtin_of_few(builtin, args, env, call.pos),
            args => self.call_items(Value::Builtin(builtin), args, env, call.pos),
        }
    }

    #[inline(never)]
    fn call_builtin_of_one(
        &mut self,
        builtin: &'static Builtin,
        arg: &'a Item<'a>,
        env: &'a Env<'a>,
        pos: Pos,
    ) -> Result<Value<'a>> {
        self.enter(pos)?;
        let mut value = Value::Null;
        self.put_builtin_argument(builtin, 0, builtin.forced.is_some(), arg, env, &mut value);
        let result = self.traced_builtin(builtin, std::slice::from_ref(&value), pos);
        self.leave();
        result
    }

    #[inline(never)]
    fn call_builtin_of_few(
        &mut self,
        builtin: &'static Builtin,
        args: &'a [Item<'a>],
        env: &'a Env<'a>,
        pos: Pos,
    ) -> Result<Value<'a>> {
        self.enter(pos)?;
        let mut values = [Value::Null; FEW];
        for (index, item) in args.iter().enumerate() {
            let index = index as u8;
            let wanted = builtin.forced == Some(index)
                || builtin.next == Some(index)
                    && builtin.forced.is_some_and(|first| values[first as usize].is_function());
            self.put_builtin_argument(builtin, index, wanted, item, env, &mut values[index as usize]);
        }
        let result = self.traced_builtin(builtin, &values[..args.len()], pos);
        self.leave();
        result
    }

    /// An argument of a builtin. What the builtin evaluates before anything else happens is `wanted`, and is evaluated here,
    /// without a slot for it; when that fails, it fails again where the builtin wants it, and is traced as it should be.
    #[inline(always)]
    fn put_builtin_argument(
        &mut self,
        builtin: &Builtin,
        index: u8,
        wanted: bool,
        item: &'a Item<'a>,
        env: &'a Env<'a>,
        place: &mut Value<'a>,
    ) {
        if let Item::Local(slot) = *item {
            let value = env.slots[slot as usize].get();
            if value.is_evaluated() {
                *place = value;
                return;
            }
        }
        let borrowed = builtin.borrows(index);
        if let Item::Function(_, lambda, hops) = *item
            && !builtin.as_given
        {
            let env = outer_frame(env, hops);
            *place =
                Value::Closure(if borrowed { self.lend(lambda, env) } else { self.closure(lambda, env) });
        } else if !wanted {
            if borrowed {
                self.put_lent_argument(item, env, place);
            } else {
                self.put_argument(item, env, place);
            }
        } else if builtin.coerces {
            self.put_coerced_argument(item, env, place);
        } else {
            self.put_forced_argument(item, env, place);
        }
    }

    /// The same within the call that the builtin will make for it; where that is one too many, the builtin says so.
    #[inline(never)]
    fn put_coerced_argument(&mut self, item: &'a Item<'a>, env: &'a Env<'a>, place: &mut Value<'a>) {
        if !self.may_enter() {
            return self.put_argument(item, env, place);
        }
        let depth = self.limits.depth;
        self.limits.depth += 1;
        self.put_forced_argument(item, env, place);
        self.limits.depth = depth;
    }

    #[inline(never)]
    fn put_forced_argument(&mut self, item: &'a Item<'a>, env: &'a Env<'a>, place: &mut Value<'a>) {
        let result = match *item {
            Item::Const(value) => Ok(value),
            Item::Local(slot) => self.force_slot(&env.slots[slot as usize], Pos::NONE),
            Item::Outer(place) => self.force_slot(outer(env, place), Pos::NONE),
            Item::Lazy(code) | Item::Cheap(code, _) => self.eval(self.code(code), env),
            Item::Function(_, lambda, hops) => {
                Ok(Value::Closure(self.closure(lambda, outer_frame(env, hops))))
            }
        };
        *place = match result {
            Ok(value) => value,
            Err(error) => self.failed(*error),
        };
    }

    /// A suspension that fails with an error.
    #[cold]
    fn failed(&mut self, error: EvalError) -> Value<'a> {
        let index = self.failures.len() as u32;
        self.failures.push(error);
        self.thunk(Value::Failed(index))
    }

    pub(super) fn apply_builtin(
        &mut self,
        builtin: &'static Builtin,
        held: &[Value<'a>],
        args: &[Value<'a>],
        pos: Pos,
    ) -> Result<(Value<'a>, usize)> {
        let missing = builtin.arity() - held.len();
        if args.len() < missing {
            let args = self.arena.alloc_slice_copy(&[held, args].concat());
            let partial = self.arena.alloc(PartialBuiltin { builtin, args });
            return Ok((Value::PartialBuiltin(partial), args.len() - held.len()));
        }
        let value = match (held, &args[..missing]) {
            ([], args) => self.traced_builtin(builtin, args, pos)?,
            (&[a], &[b]) => self.traced_builtin(builtin, &[a, b], pos)?,
            (held, args) => self.traced_builtin(builtin, &[held, args].concat(), pos)?,
        };
        Ok((value, missing))
    }

    #[inline]
    fn traced_builtin(
        &mut self,
        builtin: &'static Builtin,
        args: &[Value<'a>],
        pos: Pos,
    ) -> Result<Value<'a>> {
        if builtin.sited {
            (self.sites.call, self.sites.called) = (pos, builtin.name);
        }
        let mut result = (builtin.run)(self, args);
        self.forget_newest_but(*result.as_ref().unwrap_or(&Value::Null));
        if let Err(error) = &mut result
            && builtin.traced
        {
            while_calling(error, builtin.name, pos);
        }
        result
    }
}

/// Adds the line of a builtin.
#[cold]
pub(super) fn while_calling(error: &mut EvalError, name: &str, pos: Pos) {
    error.add_trace(pos, format!("while calling the '{name}' builtin").into_bytes());
}
