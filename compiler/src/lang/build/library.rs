//! The library `buildc` of build files: written in the language, called through functions that know where.
//!
//! Owns: which function the author called where, and that errors say so. Never does: what the functions do (`lib.nix`).

use buildc_ir::Reference;

use super::primitive::STEP;
use crate::lang::builtins::Builtin;
use crate::lang::error::{ErrorKind, EvalError, Result};
use crate::lang::eval::Evaluator;
use crate::lang::suggest::best_matches;
use crate::lang::syntax::pos::Origin;
use crate::lang::syntax::{Pos, Sources};
use crate::lang::value::attrs::AttrsBuilder;
use crate::lang::value::{Attrs, Value};

/// The library, in the language.
const LIBRARY: &[u8] = include_bytes!("lib.nix");

/// What its errors call the library.
const LIBRARY_NAME: &[u8] = b"\xc2\xabbuildc\xc2\xbb";

/// Refuses an attribute that a function does not take.
static UNKNOWN: Builtin = Builtin::new("unknown", &["message", "name", "names"], unknown, "").untraced();

/// The names of an image, which have to be some.
static NAMES: Builtin = Builtin::new("names", &["names"], names, "").untraced();

macro_rules! located {
    ($($name:literal [$($param:literal)*])*) => {
        &[$(($name, Builtin::new(concat!("buildc.", $name), &["function", $($param),*], located,
            "A function of the library, which knows where it was called.").sited().untraced())),*]
    };
}

/// The functions of the library that remember where they are called.
static LOCATED: &[(&str, Builtin)] = located! {
    "add" ["base" "what"]
    "config" ["base" "config"]
    "copy" ["base" "what"]
    "diff" ["lower" "upper"]
    "dockerfile" ["source"]
    "from" ["reference"]
    "git" ["source"]
    "http" ["source"]
    "image" ["what"]
    "local" ["source"]
    "merge" ["trees"]
    "mkdir" ["base" "path"]
    "run" ["base" "what"]
    "write" ["base" "what"]
};

/// Those of its set `mount`.
static MOUNTS: &[(&str, Builtin)] = located! {
    "mount.bind" ["what"]
    "mount.cache" ["what"]
    "mount.secret" ["what"]
    "mount.ssh" ["what"]
    "mount.tmpfs" ["what"]
};

/// The library `buildc`.
///
/// # Errors
/// Whatever evaluation raises.
pub(super) fn library<'a>(ev: &mut Evaluator<'a>) -> Result<Value<'a>> {
    let function = ev.eval_text(Origin::File(LIBRARY_NAME), LIBRARY, b"/")?;
    let given = [&STEP, &UNKNOWN, &NAMES].map(Value::Builtin);
    let raw = ev.call(function, &given, Pos::NONE)?;
    let raw = ev.attrs_of(raw, Pos::NONE, "while evaluating the library of build files")?;
    let mut library = with_places(ev, raw, LOCATED)?;
    let mount = ev.symbols.intern(b"mount");
    if let Some(slot) = raw.get(mount) {
        let mounts =
            ev.attrs_of(Value::Thunk(slot), Pos::NONE, "while evaluating the mounts of build files")?;
        let mounts = with_places(ev, mounts, MOUNTS)?.finish(ev.arena);
        library.push(mount, Pos::NONE, Value::Attrs(mounts));
    }
    let library = library.finish(ev.arena);
    Ok(Value::Attrs(Attrs::update(ev.arena, raw, library)))
}

/// The functions of a set that a table names, each by the last word of its name.
fn with_places<'a>(
    ev: &mut Evaluator<'a>,
    raw: &'a Attrs<'a>,
    table: &'static [(&str, Builtin)],
) -> Result<AttrsBuilder<'a>> {
    let mut found = AttrsBuilder::with_capacity(table.len() + 1);
    for (name, builtin) in table {
        let own = name.rsplit('.').next().unwrap_or(name);
        let symbol = ev.symbols.intern(own.as_bytes());
        let Some(slot) = raw.get(symbol) else { continue };
        let function = ev.force_slot(slot, Pos::NONE)?;
        let located = ev.call(Value::Builtin(builtin), &[function], Pos::NONE)?;
        found.push(symbol, Pos::NONE, located);
    }
    Ok(found)
}

/// Calls a function of the library, whose steps and errors belong to the place of this call.
fn located<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let Some((function, rest)) = args.split_first() else { return Ok(Value::Null) };
    let outer = ev.sites;
    ev.sites.author = outer.call;
    ev.sites.function = outer.called;
    let result = ev.call(*function, rest, Pos::NONE);
    ev.sites = outer;
    result.map_err(|error| blamed(ev, error, outer.call, outer.called))
}

/// The error with the place of the author's call: as its own where it has none outside the library.
pub(super) fn blamed(
    ev: &Evaluator<'_>,
    mut error: Box<EvalError>,
    site: Pos,
    function: &str,
) -> Box<EvalError> {
    if !error.pos.is_none() && !is_in_library(&ev.sources, error.pos) {
        return error.trace(site, format!("while calling '{function}'").into_bytes());
    }
    error.pos = site;
    error
}

/// Takes out of an error what only says how the library works.
pub(super) fn without_library(error: &mut EvalError, sources: &Sources<'_>) {
    error.traces.retain(|trace| !is_in_library(sources, trace.pos));
}

fn is_in_library(sources: &Sources<'_>, pos: Pos) -> bool {
    sources.resolve(pos).is_some_and(|place| matches!(place.origin, Origin::File(LIBRARY_NAME)))
}

fn unknown<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating why an attribute is refused";
    let &[message, name, names] = args else { return Ok(Value::Null) };
    let message = ev.string_of(message, Pos::NONE, context)?.bytes().to_vec();
    let name = ev.string_of(name, Pos::NONE, context)?.bytes();
    let mut known = Vec::new();
    for item in ev.list_of(names, Pos::NONE, context)?.items() {
        known.push(ev.string_of(Value::Thunk(item), Pos::NONE, context)?.bytes());
    }
    let mut error = EvalError::of_kind(ErrorKind::Throw, message);
    error.suggestions = best_matches(known.into_iter(), name);
    Err(error)
}

fn names<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let Some(names) = args.first() else { return Ok(Value::Null) };
    let context = "while evaluating the names of an image";
    let list = ev.list_of(*names, Pos::NONE, context)?;
    for item in list.items() {
        let name = ev.plain_string_of(Value::Thunk(item), Pos::NONE, context)?;
        let parsed: std::result::Result<Reference, _> = String::from_utf8_lossy(name).parse();
        parsed.map_err(|error| EvalError::new(format!("buildc.image: {error}")))?;
    }
    Ok(Value::List(list))
}
