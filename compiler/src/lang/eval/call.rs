//! Calls.

use super::Evaluator;
use super::run::outer_frame;
use crate::lang::error::{EvalError, Result};
use crate::lang::expr::{Call, Formals, Item, Lambda, Place};
use crate::lang::print;
use crate::lang::suggest::best_matches;
use crate::lang::syntax::Pos;
use crate::lang::syntax::symbol::known;
use crate::lang::value::{Attrs, Closure, Env, PartialClosure, Value, share};

/// The line of a trace that points at a call; where a builtin calls, it points nowhere.
const CALL_SITE: &[u8] = b"from call site";

impl<'a> Evaluator<'a> {
    /// The function that a lambda makes in a frame.
    #[inline(never)]
    pub(super) fn closure(&self, lambda: &'a Lambda<'a>, env: &'a Env<'a>) -> &'a Closure<'a> {
        self.arena.alloc(Closure { lambda, env: env.escape() })
    }

    /// The same for somebody who forgets it before the frame is left; what it is called in does not forget it.
    #[inline(always)]
    pub(super) fn lend(&self, lambda: &'a Lambda<'a>, env: &'a Env<'a>) -> &'a Closure<'a> {
        self.arena.alloc(Closure { lambda, env })
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
            known &= value.is_evaluated() || is_kept(arg, env);
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
    pub(super) fn call_items(
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
        self.forget_newest_but(Value::Null);
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
            closure.env.escape();
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

/// True for what lies in an outer frame that has escaped, whatever becomes of the frame at hand.
#[inline(always)]
fn is_kept<'a>(item: &Item<'a>, env: &'a Env<'a>) -> bool {
    match *item {
        Item::Outer(Place { depth, .. }) | Item::Function(_, _, depth) => {
            depth > 0 && outer_frame(env, depth).has_escaped()
        }
        _ => false,
    }
}

/// Adds the line `from call site`, if there is one.
#[cold]
fn call_site(error: &mut EvalError, pos: Pos) {
    if !pos.is_none() {
        error.add_trace(pos, CALL_SITE);
    }
}
