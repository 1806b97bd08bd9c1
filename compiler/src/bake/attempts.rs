//! `try` and `can`: functions whose arguments may fail.
//!
//! The evaluator's functions get values, so these calls are answered before an expression is evaluated. Where an argument speaks
//! of a variable that only a `for` or a function's call has, there is no answer yet, and the call is refused.

use hcl::Expression;
use hcl::Value;
use hcl::eval::{Context, ErrorKind, Evaluate};
use hcl::expr::FuncCall;

use super::{operators, walk};

/// The value of an expression in which `try` and `can` may stand.
///
/// # Errors
/// Why it has none.
pub(super) fn value(expression: &Expression, context: &Context<'_>) -> Result<Value, String> {
    let settled = walk::calls(expression.clone(), &mut |call| settle(call, context))?;
    settled
        .evaluate(context)
        .map_err(|error| format!("{} in `{expression}`", operators::shown(error.kind().to_string())))
}

fn settle(call: FuncCall, context: &Context<'_>) -> Result<Expression, String> {
    let name = call.name.name.to_string();
    if !call.name.namespace.is_empty() || !matches!(name.as_str(), "try" | "can") {
        return Ok(Expression::from(call));
    }
    let mut why = format!("`{name}` has no arguments");
    for argument in &call.args {
        match argument.evaluate(context) {
            Ok(_) if name == "can" => return Ok(Expression::Bool(true)),
            Ok(value) => return Ok(Expression::from(value)),
            Err(error) => {
                if let ErrorKind::UndefinedVar(variable) = error.kind() {
                    return Err(format!("`{name}` cannot speak of `{variable}`, which has no value outside"));
                }
                why = operators::shown(error.kind().to_string());
            }
        }
    }
    match name == "can" && call.args.len() == 1 {
        true => Ok(Expression::Bool(false)),
        false => Err(why),
    }
}
