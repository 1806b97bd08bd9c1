//! What surrounds a program: `getEnv`. The constants `currentSystem` and `currentTime` are among the globals.

use super::Builtin;
use crate::lang::error::Result;
use crate::lang::eval::Evaluator;
use crate::lang::syntax::Pos;
use crate::lang::value::Value;

pub(super) const BUILTINS: &[Builtin] = &[Builtin::new(
    "getEnv",
    &["name"],
    get_env,
    "The environment variable *name*; the empty string when it is not set or must not be seen.",
)];

fn get_env<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the first argument passed to builtins.getEnv";
    let name = ev.plain_string_of(args[0], Pos::NONE, context)?;
    let value = if ev.options.impure { ev.world.variable(name) } else { None };
    Ok(ev.string(ev.bytes(&value.unwrap_or_default())))
}
