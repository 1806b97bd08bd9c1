//! Numbers: `add`, `sub`, `mul`, `div`, `lessThan`, `bitAnd`, `bitOr`, `bitXor`, `ceil`, `floor`.

use super::Builtin;
use crate::lang::error::{EvalError, Result};
use crate::lang::eval::Evaluator;
use crate::lang::eval::arith::NumberOp;
use crate::lang::number;
use crate::lang::syntax::Pos;
use crate::lang::value::Value;

pub(super) const BUILTINS: &[Builtin] = &[
    Builtin::new("add", &["a", "b"], add, "The sum of the numbers *a* and *b*.").borrowing(&[0, 1]),
    Builtin::new("sub", &["a", "b"], sub, "The number *a* less the number *b*.").borrowing(&[0, 1]),
    Builtin::new("mul", &["a", "b"], mul, "The product of the numbers *a* and *b*.").borrowing(&[0, 1]),
    Builtin::new(
        "div",
        &["a", "b"],
        div,
        "The quotient of the numbers *a* and *b*; of integers, rounded towards zero.",
    )
    .borrowing(&[0, 1]),
    Builtin::new(
        "lessThan",
        &["a", "b"],
        less_than,
        "True when *a* comes before *b*: two numbers, strings, paths, or lists of them.",
    )
    .borrowing(&[0, 1]),
    Builtin::new("bitAnd", &["a", "b"], bit_and, "The bitwise conjunction of the integers *a* and *b*.")
        .borrowing(&[0, 1]),
    Builtin::new("bitOr", &["a", "b"], bit_or, "The bitwise disjunction of the integers *a* and *b*.")
        .borrowing(&[0, 1]),
    Builtin::new(
        "bitXor",
        &["a", "b"],
        bit_xor,
        "The bitwise exclusive disjunction of the integers *a* and *b*.",
    )
    .borrowing(&[0, 1]),
    Builtin::new("ceil", &["number"], ceil, "The smallest integer that is not less than *number*.")
        .borrowing(&[0]),
    Builtin::new("floor", &["number"], floor, "The largest integer that is not greater than *number*.")
        .borrowing(&[0]),
];

fn add<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    ev.arithmetic(NumberOp::Add, args[0], args[1])
}

fn sub<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    ev.arithmetic(NumberOp::Sub, args[0], args[1])
}

fn mul<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    ev.arithmetic(NumberOp::Mul, args[0], args[1])
}

fn div<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    ev.arithmetic(NumberOp::Div, args[0], args[1])
}

fn less_than<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let left = ev.force(args[0], Pos::NONE)?;
    let right = ev.force(args[1], Pos::NONE)?;
    Ok(Value::Bool(ev.less_than(left, right)?))
}

fn bit_and<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let a = ev.int_of(args[0], Pos::NONE, "while evaluating the first argument passed to builtins.bitAnd")?;
    let b =
        ev.int_of(args[1], Pos::NONE, "while evaluating the second argument passed to builtins.bitAnd")?;
    Ok(Value::Int(a & b))
}

fn bit_or<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let a = ev.int_of(args[0], Pos::NONE, "while evaluating the first argument passed to builtins.bitOr")?;
    let b = ev.int_of(args[1], Pos::NONE, "while evaluating the second argument passed to builtins.bitOr")?;
    Ok(Value::Int(a | b))
}

fn bit_xor<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let a = ev.int_of(args[0], Pos::NONE, "while evaluating the first argument passed to builtins.bitXor")?;
    let b =
        ev.int_of(args[1], Pos::NONE, "while evaluating the second argument passed to builtins.bitXor")?;
    Ok(Value::Int(a ^ b))
}

fn ceil<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    round(ev, args[0], f64::ceil, "while evaluating the first argument passed to builtins.ceil")
}

fn floor<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    round(ev, args[0], f64::floor, "while evaluating the first argument passed to builtins.floor")
}

/// Rounds by way of a double even where the argument is an integer, as Nix does, and refuses where that would show.
fn round<'a>(
    ev: &mut Evaluator<'a>,
    arg: Value<'a>,
    rounded: fn(f64) -> f64,
    context: &'static str,
) -> Result<Value<'a>> {
    let argument = ev.float_of(arg, Pos::NONE, context)?;
    let value = ev.force(arg, Pos::NONE)?;
    let result = rounded(argument);
    // i64::MAX is no double; the limits that Nix compares with are the nearest doubles inside.
    let inside = result >= i64::MIN as f64 && result < i64::MAX as f64;
    match value {
        Value::Int(n) if inside && result as i64 == n => Ok(Value::Int(n)),
        Value::Int(n) => {
            let bug = if inside {
                let rounded = result as i64;
                format!(
                    "a loss of precision occurred in previous Nix versions because the NixInt argument {n} was \
                     rounded to {rounded}"
                )
            } else {
                format!("the NixInt argument {n} caused undefined behavior in previous Nix versions")
            };
            Err(EvalError::new(format!(
                "Due to a bug (see https://github.com/NixOS/nix/issues/12899) {bug}.\n\tFuture Nix versions might \
                 implement the correct behavior."
            )))
        }
        _ if inside => Ok(Value::Int(result as i64)),
        _ => Err(EvalError::new(format!(
            "NixFloat argument {} is not in the range of NixInt",
            number::general(argument)
        ))),
    }
}
