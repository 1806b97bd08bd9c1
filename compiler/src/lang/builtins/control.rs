//! Evaluation itself: `seq`, `deepSeq`, `tryEval`, `throw`, `abort`, `trace`, `warn`, `addErrorContext`, `break`.

use std::cell::Cell;

use super::Builtin;
use crate::lang::error::{ErrorKind, EvalError, Result, Trace};
use crate::lang::eval::{Coercion, Evaluator};
use crate::lang::syntax::Pos;
use crate::lang::syntax::symbol::known;
use crate::lang::value::{Attrs, Shape, Value};
use crate::lang::{print, report};

pub(super) const BUILTINS: &[Builtin] = &[
    Builtin::new("seq", &["first", "second"], seq, "*second*, after *first* is evaluated.").forces(0),
    Builtin::new(
        "deepSeq",
        &["first", "second"],
        deep_seq,
        "*second*, after *first* is evaluated with all that is in it.",
    ),
    Builtin::new(
        "tryEval",
        &["value"],
        try_eval,
        "`{ success = true; value; }`, or `{ success = false; value = false; }` when evaluating *value* throws.",
    ),
    Builtin::new("throw", &["message"], throw, "Fails with *message*; `tryEval` can catch it.")
        .borrowing(&[0])
        .plain(),
    Builtin::new("abort", &["message"], abort, "Fails with *message* for good.").borrowing(&[0]).plain(),
    Builtin::new("trace", &["message", "value"], trace, "*value*, after *message* is shown."),
    Builtin::new(
        "traceVerbose",
        &["message", "value"],
        trace_verbose,
        "*value*, after *message* is shown if the option `trace-verbose` is set.",
    ),
    Builtin::new(
        "warn",
        &["message", "value"],
        warn,
        "*value*, after the string *message* is shown as a warning.",
    ),
    Builtin::new(
        "addErrorContext",
        &["message", "value"],
        add_error_context,
        "*value*; should evaluating it fail, *message* is part of the trace.",
    )
    .untraced(),
    Builtin::new("break", &["value"], break_, "*value*. A debugger would stop here.").plain().untraced(),
];

fn seq<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    ev.force(args[0], Pos::NONE)?;
    ev.force(args[1], Pos::NONE)
}

fn deep_seq<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    ev.force_deep(args[0])?;
    ev.force(args[1], Pos::NONE)
}

fn try_eval<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let caught = ev.try_catch(|ev| ev.force(args[0], Pos::NONE))?;
    let (success, value) = match caught {
        Some(value) => (true, value),
        None => (false, Value::Bool(false)),
    };
    let shape = ev.try_eval_shape();
    // The symbols of a shape are sorted, and `value` is one of the first.
    let values = [Cell::new(value), Cell::new(Value::Bool(success))];
    debug_assert_eq!(shape.symbols[0], known::VALUE);
    Ok(Value::Attrs(Attrs::new(ev.arena, shape, ev.arena.alloc(values))))
}

impl<'a> Evaluator<'a> {
    fn try_eval_shape(&mut self) -> &'a Shape<'a> {
        let success = self.symbols.intern(b"success");
        let symbols = self.arena.alloc([known::VALUE, success]);
        Shape::new(self.arena, symbols, &[])
    }
}

fn message<'a>(ev: &mut Evaluator<'a>, value: Value<'a>, context: &'static str) -> Result<Vec<u8>> {
    let how = Coercion { more: false, copy: true, canonical: true };
    Ok(ev.coerce_to_string(value, Pos::NONE, context, how)?.bytes)
}

fn throw<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let text = message(ev, args[0], "while evaluating the error message passed to builtin.throw")?;
    Err(EvalError::of_kind(ErrorKind::Throw, text))
}

fn abort<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let text = message(ev, args[0], "while evaluating the error message passed to builtins.abort")?;
    let text = [b"evaluation aborted with the following error message: '".as_slice(), &text, b"'"].concat();
    Err(EvalError::new(text))
}

fn trace<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let shown = ev.force(args[0], Pos::NONE)?;
    say_trace(ev, shown);
    ev.force(args[1], Pos::NONE)
}

fn say_trace<'a>(ev: &Evaluator<'a>, shown: Value<'a>) {
    let mut line = b"trace: ".to_vec();
    match shown {
        Value::String(text) => line.extend_from_slice(text.bytes()),
        other => line.extend_from_slice(&print::in_trace(ev, other)),
    }
    ev.world.say(&report::printable(&line));
}

fn trace_verbose<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    if ev.options.trace_verbose {
        return trace(ev, args);
    }
    ev.force(args[1], Pos::NONE)
}

fn warn<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the first argument; the message passed to builtins.warn";
    let text = ev.string_of(args[0], Pos::NONE, context)?;
    // Nix prefixes lines, and a blank message has none.
    let line = match text.bytes().trim_ascii() {
        b"" => Vec::new(),
        _ => report::finish(text.bytes(), b"evaluation warning:"),
    };
    ev.narrate(-2, &[&line]);
    if ev.options.abort_on_warn {
        let text = "aborting to reveal stack trace of warning, as abort-on-warn is set";
        return Err(EvalError::new(text));
    }
    ev.force(args[1], Pos::NONE)
}

fn add_error_context<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    ev.force(args[1], Pos::NONE).or_else(|mut error| {
        let context = "while evaluating the error message passed to builtins.addErrorContext";
        let how = Coercion { more: false, copy: false, canonical: true };
        let text = ev.coerce_to_string(args[0], Pos::NONE, context, how)?.bytes;
        if error.is_traced() {
            error.traces.push(Trace { pos: Pos::NONE, text: text.into(), always: true });
        }
        Err(error)
    })
}

fn break_<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    ev.force(args[0], Pos::NONE)
}
