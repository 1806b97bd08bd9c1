//! String contexts: `getContext`, `hasContext`, `appendContext` and the builtins that change them.

use std::collections::BTreeMap;

use super::Builtin;
use super::strings::PLAIN;
use crate::lang::error::{EvalError, Result};
use crate::lang::eval::{Evaluator, canonical};
use crate::lang::store_path::{DERIVATION_ENDING, StoreDir};
use crate::lang::syntax::Pos;
use crate::lang::syntax::symbol::{known, quoted_name};
use crate::lang::value::attrs::AttrsBuilder;
use crate::lang::value::{Attrs, Context, ContextElement, Value, share};

pub(super) const BUILTINS: &[Builtin] = &[
    Builtin::new(
        "hasContext",
        &["string"],
        has_context,
        "True when *string* refers to something in the store.",
    )
    .forces(0),
    Builtin::new(
        "getContext",
        &["string"],
        get_context,
        "What *string* refers to: a set with, for each store path, `path` (the object itself), `outputs` (of a derivation) or \
         `allOutputs` (a derivation with all it needs).",
    ),
    Builtin::new(
        "appendContext",
        &["string", "context"],
        append_context,
        "*string* with the references of *context*, a set as `getContext` makes it, besides its own.",
    ),
    Builtin::new(
        "unsafeDiscardStringContext",
        &["string"],
        discard_context,
        "*string* without its references.",
    ),
    Builtin::new(
        "unsafeDiscardOutputDependency",
        &["string"],
        discard_output_dependency,
        "*string* with references to derivations and all they need turned into references to the derivations' files.",
    ),
    Builtin::new(
        "addDrvOutputDependencies",
        &["string"],
        add_output_dependencies,
        "*string*, whose only reference must be to a derivation's file, with a reference to the derivation and all it needs \
         instead.",
    ),
];

fn has_context<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the argument passed to builtins.hasContext";
    Ok(Value::Bool(ev.string_of(args[0], Pos::NONE, context)?.context.is_some()))
}

/// What a string refers to of one store path.
#[derive(Default)]
struct Reference<'a> {
    path: bool,
    all_outputs: bool,
    outputs: Vec<&'a [u8]>,
}

fn get_context<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the argument passed to builtins.getContext";
    let string = ev.string_of(args[0], Pos::NONE, context)?;
    let mut references: BTreeMap<&'a [u8], Reference<'a>> = BTreeMap::new();
    for element in string.context.map_or(&[][..], |context| context.elements) {
        match *element {
            ContextElement::Opaque(path) => references.entry(path).or_default().path = true,
            ContextElement::Deep(path) => references.entry(path).or_default().all_outputs = true,
            ContextElement::Built { derivation, output } => {
                references.entry(derivation).or_default().outputs.push(output);
            }
        }
    }
    let names = [ev.symbols.intern(b"path"), ev.symbols.intern(b"allOutputs")];
    let mut builder = AttrsBuilder::with_capacity(references.len());
    for (path, reference) in references {
        let mut inner = AttrsBuilder::with_capacity(3);
        for (name, is_set) in names.into_iter().zip([reference.path, reference.all_outputs]) {
            if is_set {
                inner.push(name, Pos::NONE, Value::Bool(true));
            }
        }
        if !reference.outputs.is_empty() {
            let outputs = ev.list(reference.outputs.into_iter().map(|output| ev.string(output)));
            inner.push(known::OUTPUTS, Pos::NONE, outputs);
        }
        builder.push(ev.symbols.intern(path), Pos::NONE, Value::Attrs(inner.finish(ev.arena)));
    }
    Ok(Value::Attrs(builder.finish(ev.arena)))
}

fn append_context<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the first argument passed to builtins.appendContext";
    let string = ev.string_of(args[0], Pos::NONE, context)?;
    let context = "while evaluating the second argument passed to builtins.appendContext";
    let set = ev.attrs_of(args[1], Pos::NONE, context)?;
    let store = ev.store_dir();
    let mut elements = Vec::new();
    for (symbol, found) in set.iter(ev.arena) {
        let pos = found.pos;
        let name = ev.symbols.name(symbol);
        let path = canonical(name);
        if name.first() != Some(&b'/') || store.parse(&path).is_err() {
            return Err(not_a_store_path(name).at(pos));
        }
        let path = ev.bytes(&path);
        let reference =
            ev.attrs_of(share(found.slot), pos, "while evaluating the value of a string context")?;
        read_reference(ev, reference, path, name, pos, &mut elements)?;
    }
    let added = Context::new(ev.arena, elements);
    let context = Context::union(ev.arena, string.context, added);
    Ok(ev.string_with(string.bytes(), context))
}

#[cold]
fn not_a_store_path(name: &[u8]) -> Box<EvalError> {
    EvalError::new([b"context key '".as_slice(), &quoted_name(name), b"' is not a store path"].concat())
}

/// Adds the references that one attribute of a context asks for.
fn read_reference<'a>(
    ev: &mut Evaluator<'a>,
    reference: &'a Attrs<'a>,
    path: &'a [u8],
    name: &[u8],
    pos: Pos,
    elements: &mut Vec<ContextElement<'a>>,
) -> Result<()> {
    let (path_name, all_name) = (ev.symbols.intern(b"path"), ev.symbols.intern(b"allOutputs"));
    let refuse = |what: &str| {
        let text = [
            b"tried to add ",
            what.as_bytes(),
            b" context of \"",
            name,
            b"\", which is not a derivation, to a string",
        ];
        EvalError::new(text.concat()).at(pos)
    };
    let is_derivation = name.ends_with(DERIVATION_ENDING);
    if let Some(found) = reference.find(path_name) {
        let context = "while evaluating the `path` attribute of a string context";
        if ev.bool_of(share(found.slot), found.pos, context)? {
            elements.push(ContextElement::Opaque(path));
        }
    }
    if let Some(found) = reference.find(all_name) {
        let context = "while evaluating the `allOutputs` attribute of a string context";
        if ev.bool_of(share(found.slot), found.pos, context)? {
            if !is_derivation {
                return Err(refuse("all-outputs"));
            }
            elements.push(ContextElement::Deep(path));
        }
    }
    if let Some(found) = reference.find(known::OUTPUTS) {
        let context = "while evaluating the `outputs` attribute of a string context";
        let list = ev.list_of(share(found.slot), found.pos, context)?;
        if !list.is_empty() && !is_derivation {
            return Err(refuse("derivation output"));
        }
        for slot in list.items() {
            let context = "while evaluating an output name within a string context";
            let output = ev.plain_string_of(share(slot), found.pos, context)?;
            elements.push(ContextElement::Built { derivation: path, output });
        }
    }
    Ok(())
}

fn discard_context<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the argument passed to builtins.unsafeDiscardStringContext";
    let string = ev.coerced(args[0], context, PLAIN)?;
    Ok(if string.context.is_none() { Value::String(string) } else { ev.string(string.bytes()) })
}

fn discard_output_dependency<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the argument passed to builtins.unsafeDiscardOutputDependency";
    let string = ev.coerced(args[0], context, PLAIN)?;
    let Some(context) = string.context else { return Ok(Value::String(string)) };
    let shallow = context.elements.iter().map(|element| match *element {
        ContextElement::Deep(path) => ContextElement::Opaque(path),
        other => other,
    });
    let context = Context::new(ev.arena, shallow.collect());
    Ok(ev.string_with(string.bytes(), context))
}

fn add_output_dependencies<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the argument passed to builtins.addDrvOutputDependencies";
    let string = ev.coerced(args[0], context, PLAIN)?;
    let elements = string.context.map_or(&[][..], |context| context.elements);
    let path = match *elements {
        [ContextElement::Deep(path)] => path,
        [ContextElement::Opaque(path)] if path.ends_with(DERIVATION_ENDING) => path,
        [ContextElement::Opaque(path)] => {
            return Err(EvalError::new([b"path '", path, b"' is not a derivation"].concat()));
        }
        [ContextElement::Built { output, .. }] => {
            let text = b"`addDrvOutputDependencies` can only act on derivations, not on a derivation output such as '";
            return Err(EvalError::new([&text[..], output, b"'"].concat()));
        }
        _ => {
            let count = elements.len().to_string();
            let text = b"' must have exactly one element, but has ";
            let parts = [b"context of string '", string.bytes(), text, count.as_bytes()];
            return Err(EvalError::new(parts.concat()));
        }
    };
    let context = Context::new(ev.arena, vec![ContextElement::Deep(path)]);
    Ok(ev.string_with(string.bytes(), context))
}

impl<'a> Evaluator<'a> {
    /// The store directory.
    pub(in crate::lang) fn store_dir(&self) -> StoreDir {
        StoreDir::new(&self.options.store_dir)
    }
}

/// A reference as Nix's messages show it, without the store directory.
pub(in crate::lang) fn shown(element: &ContextElement<'_>) -> Vec<u8> {
    let base = |path: &[u8]| {
        let begin = path.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
        path[begin..].to_vec()
    };
    match element {
        ContextElement::Opaque(path) => base(path),
        ContextElement::Deep(path) => [b"=".as_slice(), &base(path)].concat(),
        ContextElement::Built { derivation, output } => {
            [b"!".as_slice(), output, b"!", &base(derivation)].concat()
        }
    }
}
