//! Calls.

use super::Evaluator;
use super::run::outer;
use crate::lang::builtins::Builtin;
use crate::lang::error::{EvalError, Result};
use crate::lang::expr::{Call, Formals, Item, Lambda};
use crate::lang::print;
use crate::lang::suggest::best_matches;
use crate::lang::syntax::Pos;
use crate::lang::syntax::symbol::known;
use crate::lang::value::{Attrs, Closure, Env, PartialBuiltin, PartialClosure, Value, share};

/// The line of a trace that points at a call; where a builtin calls, it points nowhere.
const CALL_SITE: &[u8] = b"from call site";

/// Arguments of a builtin that are brought together on the stack.
const FEW: usize = 3;

impl<'a> Evaluator<'a> {
    /// The function that a lambda makes in a frame.
    #[inline(never)]
    pub(super) fn closure(&self, lambda: &'a Lambda<'a>, env: &'a Env<'a>) -> &'a Closure<'a> {
        self.arena.alloc(Closure { lambda, env: env.escape() })
    }

    /// A call in the program: arguments go straight into the frame of the function where it takes just as many.
    #[inline]
    pub(super) fn eval_call(&mut self, call: &'a Call<'a>, env: &'a Env<'a>) -> Result<Value<'a>> {
        match self.operand(call.function, env)? {
            Value::Closure(closure) if closure.lambda.params.len() == call.args.len() => {
                match &closure.lambda.formals {
                    None => self.call_exactly(closure, call.args, env, call.pos),
                    Some(formals) => self.call_with_set(closure, formals, &call.args[0], env, call.pos),
                }
            }
            Value::Builtin(builtin) if builtin.arity() == call.args.len() => {
                self.call_builtin(builtin, call, env)
            }
            function => self.call_items(function, call.args, env, call.pos),
        }
    }

    #[inline(never)]
    fn call_exactly(
        &mut self,
        closure: &'a Closure<'a>,
        args: &'a [Item<'a>],
        env: &'a Env<'a>,
        pos: Pos,
    ) -> Result<Value<'a>> {
        self.enter(pos)?;
        let lambda = closure.lambda;
        let frame = self.frames.make(Some(closure.env), lambda.frame.get() as usize);
        let mut known = true;
        for (slot, arg) in frame.slots.iter().zip(args) {
            let value = self.item(arg, env);
            known &= value.is_evaluated();
            slot.set(value);
        }
        if !known {
            frame.called_from(env);
        }
        let result = self.run_body(lambda, frame, pos);
        self.leave();
        result
    }

    /// A call of a function that takes a set pattern.
    #[inline(never)]
    fn call_with_set(
        &mut self,
        closure: &'a Closure<'a>,
        formals: &Formals<'a>,
        arg: &'a Item<'a>,
        env: &'a Env<'a>,
        pos: Pos,
    ) -> Result<Value<'a>> {
        self.enter(pos)?;
        let lambda = closure.lambda;
        let frame = self.frames.make(Some(closure.env), lambda.frame.get() as usize);
        let arg = match *arg {
            // It is wanted at once, so it need not be suspended.
            Item::Lazy(code) => self.eval(self.code(code), env),
            ref item => Ok(self.argument(item, env)),
        };
        let matched = match arg {
            Ok(arg) => self.bind_formals(lambda, *formals, arg, frame, pos),
            Err(mut error) => {
                call_site(&mut error, pos);
                Err(error)
            }
        };
        let result = match matched {
            Ok(()) => self.run_body(lambda, frame, pos),
            Err(error) => Err(error),
        };
        self.leave();
        result
    }

    /// A call of a builtin with all its arguments.
    #[inline(always)]
    fn call_builtin(
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
        self.put_builtin_argument(builtin, 0, arg, env, &mut value);
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
        for ((index, item), value) in args.iter().enumerate().zip(&mut values) {
            self.put_builtin_argument(builtin, index as u8, item, env, value);
        }
        let result = self.traced_builtin(builtin, &values[..args.len()], pos);
        self.leave();
        result
    }

    /// An argument of a builtin. What the builtin evaluates first of all is evaluated here, without a slot for it; when that
    /// fails, it fails again where the builtin wants it, and is traced as it should be.
    #[inline(always)]
    fn put_builtin_argument(
        &mut self,
        builtin: &Builtin,
        index: u8,
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
        if builtin.forced != Some(index) {
            self.put_argument(item, env, place);
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

    /// Evaluates the body of a function whose arguments are in `frame`.
    #[inline(always)]
    fn run_body(&mut self, lambda: &'a Lambda<'a>, frame: &'a Env<'a>, pos: Pos) -> Result<Value<'a>> {
        let mut result = self.eval(lambda.body.get(), frame);
        match &mut result {
            Ok(_) => self.frames.release(frame),
            Err(error) => self.trace_call(error, lambda, pos),
        }
        result
    }

    #[cold]
    fn trace_call(&self, error: &mut EvalError, lambda: &Lambda<'a>, pos: Pos) {
        if !self.options.show_trace {
            return;
        }
        let place = lambda.params.last().map_or(Pos::NONE, |param| param.pos);
        let text = match lambda.name.get() {
            Some(name) => [b"while calling '".as_slice(), self.symbols.name(name), b"'"].concat(),
            None => b"while calling anonymous lambda".to_vec(),
        };
        error.add_trace(place, text);
        call_site(error, pos);
    }

    /// Puts the attributes of an argument into the slots of the names in a set pattern.
    fn bind_formals(
        &mut self,
        lambda: &'a Lambda<'a>,
        formals: Formals<'a>,
        arg: Value<'a>,
        frame: &'a Env<'a>,
        pos: Pos,
    ) -> Result<()> {
        let place = lambda.params[0].pos;
        let attrs = self
            .attrs_of(arg, place, "while evaluating the value passed for the lambda argument")
            .map_err(|mut error| {
                call_site(&mut error, pos);
                error
            })?;
        let (whole, slots) = (&frame.slots[0], &frame.slots[1..]);
        whole.set(Value::Attrs(attrs));
        let mut used = 0;
        for (formal, slot) in formals.formals.iter().zip(slots) {
            match (attrs.get(formal.name), &formal.default) {
                (Some(given), _) => {
                    used += 1;
                    slot.set(share(given));
                }
                (None, Some(default)) => slot.set(self.item(default, frame)),
                (None, None) => {
                    let problem = "called without required argument";
                    let error = self.argument_error(lambda, problem, &self.symbols.shown(formal.name));
                    return Err(error.trace(pos, CALL_SITE));
                }
            }
        }
        if !formals.ellipsis && used != attrs.len(self.arena) {
            return Err(self.unexpected_argument(lambda, formals, attrs).trace(pos, CALL_SITE));
        }
        Ok(())
    }

    #[cold]
    fn argument_error(&self, lambda: &Lambda<'a>, problem: &str, name: &[u8]) -> Box<EvalError> {
        let function =
            lambda.name.get().map_or(b"anonymous lambda".as_slice(), |name| self.symbols.name(name));
        let text =
            [b"function '".as_slice(), function, b"' ", problem.as_bytes(), b" '", name, b"'"].concat();
        EvalError::new(text).at(lambda.params[0].pos)
    }

    #[cold]
    fn unexpected_argument(
        &self,
        lambda: &Lambda<'a>,
        formals: Formals<'a>,
        attrs: &'a Attrs<'a>,
    ) -> Box<EvalError> {
        let (shape, _) = attrs.flatten(self.arena);
        let known = |name| formals.formals.binary_search_by_key(&name, |formal| formal.name).is_ok();
        let unexpected = shape.symbols.iter().find(|name| !known(**name));
        let shown = unexpected.map_or(Vec::new(), |name| self.symbols.shown(*name));
        let mut error = self.argument_error(lambda, "called with unexpected argument", &shown);
        let name = unexpected.map_or(b"".as_slice(), |name| self.symbols.name(*name));
        let names = formals.formals.iter().map(|formal| self.symbols.name(formal.name));
        error.suggestions = best_matches(names, name);
        error
    }

    /// The general case of a call in the program.
    #[inline(never)]
    fn call_items(
        &mut self,
        function: Value<'a>,
        args: &'a [Item<'a>],
        env: &'a Env<'a>,
        pos: Pos,
    ) -> Result<Value<'a>> {
        let args: Vec<Value<'a>> = args.iter().map(|arg| self.argument(arg, env)).collect();
        self.call(function, &args, pos)
    }

    /// `function arg …`, in weak head normal form. `pos` is the place of the call.
    ///
    /// # Errors
    /// Whatever evaluation raises; when `function` is none; when calls are nested too deeply.
    pub fn call(&mut self, function: Value<'a>, args: &[Value<'a>], pos: Pos) -> Result<Value<'a>> {
        self.enter(pos)?;
        let result = match function {
            Value::Closure(closure)
                if closure.lambda.formals.is_none() && closure.lambda.params.len() == args.len() =>
            {
                let lambda = closure.lambda;
                let frame = self.frames.make(Some(closure.env), lambda.frame.get() as usize);
                for (slot, arg) in frame.slots.iter().zip(args) {
                    slot.set(*arg);
                }
                self.run_body(lambda, frame, pos)
            }
            function => self.apply(function, args, pos),
        };
        self.leave();
        result
    }

    #[inline(never)]
    fn apply(&mut self, function: Value<'a>, args: &[Value<'a>], pos: Pos) -> Result<Value<'a>> {
        let mut function = self.force(function, pos)?;
        let mut args = args;
        while !args.is_empty() {
            let taken;
            (function, taken) = match function {
                Value::Closure(closure) => self.apply_closure(closure, &[], args, pos)?,
                Value::PartialClosure(partial) => {
                    self.apply_closure(partial.closure, partial.args, args, pos)?
                }
                Value::Builtin(builtin) => self.apply_builtin(builtin, &[], args, pos)?,
                Value::PartialBuiltin(partial) => {
                    self.apply_builtin(partial.builtin, partial.args, args, pos)?
                }
                Value::Attrs(attrs) if attrs.get(known::FUNCTOR).is_some() => {
                    (self.apply_functor(attrs, args[0], pos)?, 1)
                }
                other => return Err(self.not_a_function(other, pos)),
            };
            args = &args[taken..];
        }
        Ok(function)
    }

    /// Applies a function to what it still waits for, or to all there is; says how many arguments it took.
    fn apply_closure(
        &mut self,
        closure: &'a Closure<'a>,
        held: &[Value<'a>],
        args: &[Value<'a>],
        pos: Pos,
    ) -> Result<(Value<'a>, usize)> {
        let lambda = closure.lambda;
        let missing = lambda.params.len() - held.len();
        if args.len() < missing {
            let args = self.arena.alloc_slice_copy(&[held, args].concat());
            let partial = self.arena.alloc(PartialClosure { closure, args });
            return Ok((Value::PartialClosure(partial), args.len() - held.len()));
        }
        let frame = self.frames.make(Some(closure.env), lambda.frame.get() as usize);
        match lambda.formals {
            None => {
                for (slot, arg) in frame.slots.iter().zip(held.iter().chain(&args[..missing])) {
                    slot.set(*arg);
                }
            }
            Some(formals) => self.bind_formals(lambda, formals, args[0], frame, pos)?,
        }
        Ok((self.run_body(lambda, frame, pos)?, missing))
    }

    fn apply_builtin(
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
        if let Err(error) = &mut result
            && builtin.traced
        {
            while_calling(error, builtin.name, pos);
        }
        result
    }

    fn apply_functor(&mut self, attrs: &'a Attrs<'a>, arg: Value<'a>, pos: Pos) -> Result<Value<'a>> {
        let Some(functor) = attrs.find(known::FUNCTOR) else {
            return Err(self.not_a_function(Value::Attrs(attrs), pos));
        };
        self.call(share(functor.slot), &[Value::Attrs(attrs), arg], functor.pos).map_err(|error| {
            let text = b"while calling a functor (an attribute set with a '__functor' attribute)".as_slice();
            error.trace(pos, text)
        })
    }

    #[cold]
    fn not_a_function(&self, value: Value<'a>, pos: Pos) -> Box<EvalError> {
        let phrase = print::type_phrase(value);
        let mut text =
            format!("attempt to call something which is not a function but {phrase}: ").into_bytes();
        text.extend_from_slice(&print::in_error(self, value));
        EvalError::new(text).at(pos)
    }
}

/// Adds the line `from call site`, if there is one.
#[cold]
fn call_site(error: &mut EvalError, pos: Pos) {
    if !pos.is_none() {
        error.add_trace(pos, CALL_SITE);
    }
}

/// Adds the line of a builtin.
#[cold]
pub(super) fn while_calling(error: &mut EvalError, name: &str, pos: Pos) {
    error.add_trace(pos, format!("while calling the '{name}' builtin").into_bytes());
}
