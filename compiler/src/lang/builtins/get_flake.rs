//! `getFlake`: a flake by its reference, its inputs as its lock file has them.
//!
//! Owns: the flake itself and its checks. What the lock means is written in the language (`flake.nix`). Never does: making a
//! lock; a flake with inputs needs one.

use super::Builtin;
use super::fetch_tree::TREE;
use super::flakes::reference_error;
use super::json::from_json;
use crate::lang::error::{EvalError, Result};
use crate::lang::eval::{Evaluator, Feature};
use crate::lang::flake_ref::{self, Attribute};
use crate::lang::print;
use crate::lang::syntax::{Origin, Pos};
use crate::lang::value::attrs::AttrsBuilder;
use crate::lang::value::{Attrs, Value};

pub(super) const BUILTINS: &[Builtin] = &[Builtin::new(
    "getFlake",
    &["reference"],
    get_flake,
    "The outputs of the flake at *reference*, with its inputs and itself. Needs the experimental feature `flakes`.",
)];

const CALL_FLAKE: &[u8] = include_bytes!("flake.nix");
const CALL_FLAKE_NAME: &[u8] = "«flakes-internal»/call-flake.nix".as_bytes();

/// What a flake without a lock file has.
const NO_INPUTS: &[u8] = br#"{ nodes.root = { }; root = "root"; version = 7; }"#;

/// The versions of lock files that are read.
const LOCK_VERSIONS: std::ops::RangeInclusive<i64> = 5..=7;

/// The attributes that a flake may have, with the types that are checked.
const ALLOWED: &[(&[u8], Option<&str>)] = &[
    (b"edition", None),
    (b"description", Some("a string")),
    (b"inputs", Some("a set")),
    (b"outputs", Some("a function")),
    (b"nixConfig", None),
];

fn get_flake<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the argument passed to builtins.getFlake";
    let text = String::from_utf8_lossy(ev.plain_string_of(args[0], Pos::NONE, context)?).into_owned();
    let mut attributes = ev.references(|reader| reader.parse(&text))?;
    let dir = match attributes.remove("dir") {
        Some(Attribute::Text(dir)) => dir,
        _ => String::new(),
    };
    if !ev.may_be_unlocked() && !flake_ref::is_locked(&attributes).map_err(reference_error)? {
        return Err(EvalError::new(format!(
            "cannot call 'getFlake' on unlocked flake reference '{text}', at «none»:0 (use --impure to override)"
        )));
    }
    ev.require(Feature::Flakes, "")?;
    let shown = ev.references(|reader| reader.show(&attributes))?;
    let tree = ev.tree(&attributes, &shown, b"source")?;
    let mut home = ev.store_dir().print(&tree.path);
    if !dir.is_empty() {
        home.push(b'/');
        home.extend_from_slice(dir.as_bytes());
    }
    let flake = checked(ev, &home, &shown)?;
    let lock = lock_file(ev, &home, &shown)?;
    let tree = ev.tree_value(&tree, false);
    let (shown, dir) = (ev.bytes(shown.as_bytes()), ev.bytes(dir.as_bytes()));
    let mut given = AttrsBuilder::with_capacity(6);
    for (name, value) in [
        ("fetch", Value::Builtin(&TREE[0])),
        ("shown", ev.string(shown)),
        ("tree", tree),
        ("dir", ev.string(dir)),
        ("flake", Value::Attrs(flake)),
        ("lock", lock),
    ] {
        given.push(ev.symbols.intern(name.as_bytes()), Pos::NONE, value);
    }
    let given = Value::Attrs(given.finish(ev.arena));
    let call = ev.eval_text(Origin::File(CALL_FLAKE_NAME), CALL_FLAKE, b"/")?;
    ev.call(call, &[given], Pos::NONE)
}

/// The flake at `home`, once its attributes are those that a flake may have.
fn checked<'a>(ev: &mut Evaluator<'a>, home: &[u8], shown: &str) -> Result<&'a Attrs<'a>> {
    let file = [home, b"/flake.nix"].concat();
    if matches!(ev.world.file_type(&file), Ok(None)) {
        return Err(EvalError::new([b"path '", &file[..], b"' does not exist"].concat()));
    }
    let Value::Attrs(flake) = ev.eval_file(&file)? else {
        let text = [b"file '", &file[..], b"' must be an attribute set"].concat();
        let reading = [b"while evaluating the file '", &file[..], b"':"].concat();
        return Err(EvalError::new(text).trace(Pos::NONE, reading));
    };
    for (name, wanted) in ALLOWED {
        let symbol = ev.symbols.intern(name);
        let Some(found) = flake.find(symbol) else {
            if *name == b"outputs" {
                return Err(EvalError::new(format!("flake '{shown}' lacks attribute 'outputs'")));
            }
            continue;
        };
        let (Some(wanted), pos) = (wanted, found.pos) else { continue };
        let value = ev.force_slot(found.slot, pos)?;
        let phrase = print::type_phrase(value);
        if phrase != *wanted {
            let place = place(ev, pos);
            return Err(EvalError::new(format!("expected {wanted} but got {phrase} at {place}")));
        }
    }
    for (symbol, found) in flake.iter(ev.arena) {
        let name = ev.symbols.name(symbol);
        if !ALLOWED.iter().any(|(allowed, _)| *allowed == name) {
            let (name, place) = (String::from_utf8_lossy(name), place(ev, found.pos));
            let text = format!("flake '{shown}' has an unsupported attribute '{name}', at {place}");
            return Err(EvalError::new(text));
        }
    }
    Ok(flake)
}

/// `FILE:LINE:COLUMN`.
fn place(ev: &Evaluator<'_>, pos: Pos) -> String {
    let mut text = Vec::new();
    if let Some(place) = ev.sources.resolve(pos) {
        place.write(&mut text);
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// What the lock file says; of a flake without one, that there are no inputs.
fn lock_file<'a>(ev: &mut Evaluator<'a>, home: &[u8], shown: &str) -> Result<Value<'a>> {
    let file = [home, b"/flake.lock"].concat();
    if matches!(ev.world.file_type(&file), Ok(None)) {
        return ev.eval_text(Origin::File(CALL_FLAKE_NAME), NO_INPUTS, b"/");
    }
    let text = ev.file_contents(&file)?;
    let text = ev.bytes(&text);
    let reading = || format!("while reading the lock file of flake '{shown}'").into_bytes();
    let text = ev.string(text);
    let lock = from_json(ev, &[text]).map_err(|error| error.trace(Pos::NONE, reading()))?;
    let version = match lock {
        Value::Attrs(set) => {
            let symbol = ev.symbols.intern(b"version");
            match set.get(symbol) {
                Some(slot) => Some(ev.force_slot(slot, Pos::NONE)?),
                None => None,
            }
        }
        _ => None,
    };
    match version {
        Some(Value::Int(version)) if LOCK_VERSIONS.contains(&version) => Ok(lock),
        _ => {
            let path = String::from_utf8_lossy(&file).into_owned();
            Err(EvalError::new(format!("lock file '{path}' has an unsupported version")))
        }
    }
}
