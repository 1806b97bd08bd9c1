//! Types of values: `typeOf`, `is…`, `functionArgs`, `toString`.

use super::Builtin;
use crate::lang::error::{EvalError, Result};
use crate::lang::eval::Evaluator;
use crate::lang::syntax::Pos;
use crate::lang::value::Value;
use crate::lang::value::attrs::AttrsBuilder;

pub(super) const BUILTINS: &[Builtin] = &[
    Builtin::new(
        "typeOf",
        &["value"],
        type_of,
        "The type of *value*: `int`, `bool`, `string`, `path`, `null`, `set`, `list`, `lambda` or `float`.",
    )
    .borrowing(&[0])
    .forces(0),
    Builtin::new("isNull", &["value"], is_null, "True of null.").borrowing(&[0]).forces(0).plain(),
    Builtin::new("isBool", &["value"], is_bool, "True of Booleans.").borrowing(&[0]).forces(0),
    Builtin::new("isInt", &["value"], is_int, "True of integers.").borrowing(&[0]).forces(0),
    Builtin::new("isFloat", &["value"], is_float, "True of floating-point numbers.")
        .borrowing(&[0])
        .forces(0),
    Builtin::new("isString", &["value"], is_string, "True of strings.").borrowing(&[0]).forces(0),
    Builtin::new("isPath", &["value"], is_path, "True of paths.").borrowing(&[0]).forces(0),
    Builtin::new("isList", &["value"], is_list, "True of lists.").borrowing(&[0]).forces(0),
    Builtin::new("isAttrs", &["value"], is_attrs, "True of attribute sets.").borrowing(&[0]).forces(0),
    Builtin::new("isFunction", &["value"], is_function, "True of functions and builtins.")
        .borrowing(&[0])
        .forces(0),
    Builtin::new(
        "functionArgs",
        &["function"],
        function_args,
        "The names in the set pattern of *function*, each with whether it has a default.",
    )
    .borrowing(&[0])
    .forces(0),
];

fn type_of<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let value = ev.force(args[0], Pos::NONE)?;
    Ok(ev.string(value.type_name().unwrap_or("thunk").as_bytes()))
}

macro_rules! is {
    ($($name:ident $pattern:pat)*) => {$(
        fn $name<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
            Ok(Value::Bool(matches!(ev.force(args[0], Pos::NONE)?, $pattern)))
        }
    )*};
}

is! {
    is_null Value::Null
    is_bool Value::Bool(_)
    is_int Value::Int(_)
    is_float Value::Float(_)
    is_string Value::String(_)
    is_path Value::Path(_)
    is_list Value::List(_)
    is_attrs Value::Attrs(_)
}

fn is_function<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    Ok(Value::Bool(ev.force(args[0], Pos::NONE)?.is_function()))
}

fn function_args<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let lambda = match ev.force(args[0], Pos::NONE)? {
        Value::Closure(closure) => closure.lambda,
        Value::PartialClosure(_) | Value::Builtin(_) | Value::PartialBuiltin(_) => return Ok(ev.no_attrs()),
        _ => return Err(EvalError::new("'functionArgs' requires a function")),
    };
    let Some(formals) = lambda.formals else { return Ok(ev.no_attrs()) };
    let mut builder = AttrsBuilder::with_capacity(formals.formals.len());
    for formal in formals.formals {
        builder.push(formal.name, formal.pos, Value::Bool(formal.default.is_some()));
    }
    Ok(Value::Attrs(builder.finish(ev.arena)))
}
