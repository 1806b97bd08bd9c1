//! Derivations: `derivation`, `placeholder`, `outputOf`. `derivationStrict` has files of its own.

use super::Builtin;
use crate::lang::error::{EvalError, Result};
use crate::lang::eval::{Evaluator, Feature};
use crate::lang::store_path::output_placeholder;
use crate::lang::syntax::{Origin, Pos};
use crate::lang::value::{ContextElement, Value};

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

fn output_of<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    ev.require(Feature::DynamicDerivations, "")?;
    let context = "while evaluating the first argument to builtins.outputOf";
    let derivation = ev.string_of(args[0], Pos::NONE, context)?;
    let elements = derivation.context.map_or(&[][..], |context| context.elements);
    let [element] = elements else {
        let count =
            format!("' has {} entries in its context. It should only have exactly one entry", elements.len());
        let text = [b"string '", derivation.bytes(), count.as_bytes()].concat();
        return Err(EvalError::new(text).trace(Pos::NONE, context.as_bytes()));
    };
    ev.plain_string_of(args[1], Pos::NONE, "while evaluating the second argument to builtins.outputOf")?;
    let (ContextElement::Opaque(path)
    | ContextElement::Deep(path)
    | ContextElement::Built { derivation: path, .. }) = *element;
    if !matches!(ev.world.file_type(path), Ok(Some(_))) {
        return Err(EvalError::new([b"path '", path, b"' is not a valid store path"].concat()));
    }
    Err(EvalError::new("outputs of outputs are not known during evaluation"))
}
