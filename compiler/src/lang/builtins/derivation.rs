//! Derivations: `derivation`, `placeholder`, `outputOf`. `derivationStrict` has files of its own.

use super::Builtin;
use crate::lang::error::{EvalError, Result};
use crate::lang::eval::{Evaluator, Feature};
use crate::lang::store_path::output_placeholder;
use crate::lang::syntax::{Origin, Pos};
use crate::lang::value::Value;

pub(super) const BUILTINS: &[Builtin] = &[Builtin::new(
    "placeholder",
    &["output"],
    placeholder,
    "A text that stands for the path of the output *output* inside a derivation's own attributes.",
)
.plain()];

/// Builtins that exist only with the experimental feature `dynamic-derivations`.
pub(super) const DYNAMIC: &[Builtin] = &[Builtin::new(
    "outputOf",
    &["derivation", "output"],
    output_of,
    "A reference to the output *output* of *derivation*, which may itself be an output.",
)];

/// The text of the builtin `derivation`.
const DERIVATION: &[u8] = include_bytes!("derivation.nix");

/// The name that its places have.
const DERIVATION_FILE: &[u8] = b"/derivation-internal.nix";

/// Stands for `derivation` until it is wanted, when it is parsed.
pub(super) const LOADER: Builtin =
    Builtin::new("derivation", &["nothing"], load, "Makes a derivation.").untraced();

fn load<'a>(ev: &mut Evaluator<'a>, _: &[Value<'a>]) -> Result<Value<'a>> {
    ev.eval_text(Origin::Internal(DERIVATION_FILE), DERIVATION, b"/")
}

fn placeholder<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the first argument passed to builtins.placeholder";
    let output = ev.plain_string_of(args[0], Pos::NONE, context)?;
    Ok(ev.string(ev.bytes(&output_placeholder(output))))
}

fn output_of<'a>(ev: &mut Evaluator<'a>, _: &[Value<'a>]) -> Result<Value<'a>> {
    ev.require(Feature::DynamicDerivations, "")?;
    Err(EvalError::new("outputs of outputs are not known during evaluation"))
}
