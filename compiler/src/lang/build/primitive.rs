//! The primitive `step` as a value of the language.
//!
//! Owns: how values become requests, and how a step looks to programs. Never does: making steps ([`super::Builder`]).

use std::fmt;

use buildc_digest::Digest;
use buildc_ir::git::GitRemote;
use serde_json::{Map, Number, Value as Json};

use super::builder::{At, Made};
use super::library::blamed;
use super::mentions::Mentions;
use super::request::Request;
use crate::lang::builtins::Builtin;
use crate::lang::error::{EvalError, Result};
use crate::lang::eval::Evaluator;
use crate::lang::syntax::Pos;
use crate::lang::syntax::pos::Origin;
use crate::lang::syntax::symbol::known;
use crate::lang::value::attrs::AttrsBuilder;
use crate::lang::value::{Attrs, Context, ContextElement, Value};

/// What errors call the primitive.
const STEP_NAME: &str = "buildc.step";

/// Values nested deeper than this are no request.
const DEPTH: usize = 64;

/// Who makes steps.
pub trait Steps: fmt::Debug {
    /// Makes what a request asks for.
    ///
    /// # Errors
    /// The text of what is wrong.
    fn make(
        &self,
        request: &Request,
        mentions: &[String],
        at: Option<At<'_>>,
    ) -> std::result::Result<Made, String>;

    /// The sha256 that the file at a URL is pinned to; `None` where any will do.
    ///
    /// # Errors
    /// When there must be one and there is none.
    fn checksum(&self, url: &str) -> std::result::Result<Option<Digest>, String>;

    /// The commit that a ref is pinned to, or is now.
    ///
    /// # Errors
    /// When there must be a pin and there is none, or the repository cannot be asked.
    fn commit(&self, remote: &GitRemote) -> std::result::Result<String, String>;
}

/// Where the author of a build file called the library last, and where that call was made from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sites {
    /// The call of a builtin that is being run.
    pub call: Pos,
    /// Its name.
    pub called: &'static str,
    /// The author's call of the library.
    pub author: Pos,
    /// The function that the author called.
    pub function: &'static str,
}

pub(super) static STEP: Builtin = Builtin::new(
    "step",
    &["request"],
    step,
    "Makes a step of the graph from a complete description; the functions of the library are written on it.",
)
.sited()
.untraced();

fn step<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    if !ev.sites.author.is_none() {
        return described(ev, args, ev.sites.author, ev.sites.function);
    }
    let site = ev.sites.call;
    described(ev, args, site, STEP_NAME).map_err(|error| blamed(ev, error, site, STEP_NAME))
}

/// Makes what is described, for the author's call of `function`.
fn described<'a>(
    ev: &mut Evaluator<'a>,
    args: &[Value<'a>],
    site: Pos,
    function: &'static str,
) -> Result<Value<'a>> {
    let Some(steps) = ev.steps else { return Err(EvalError::new("steps can be made in build files only")) };
    let refused = |text: String| {
        let is_named = text.starts_with("buildc.");
        EvalError::new(if is_named { text } else { format!("{function}: {text}") })
    };
    let mut mentions = Mentions::default();
    let mut described = Vec::new();
    for arg in args {
        described.push(plain(ev, *arg, &mut mentions, DEPTH)?);
    }
    let description = described.pop().unwrap_or(Json::Null);
    let kind = description.get("kind").and_then(Json::as_str).unwrap_or_default().to_owned();
    mentions.check(&kind, &description).map_err(refused)?;
    let request = request_of(description, &kind).map_err(refused)?;
    let place = ev.sources.resolve(site);
    let named = place.and_then(|place| {
        let Origin::File(name) = place.origin else { return None };
        Some((String::from_utf8_lossy(name).into_owned(), std::str::from_utf8(place.text).ok()?, place))
    });
    let at = named.as_ref().map(|(name, text, place)| {
        let start = place.line_start + place.column as usize - 1;
        At { name, text, start, end: end_of_word(text, start) }
    });
    let made = steps.make(&request, &mentions.places, at).map_err(refused)?;
    Ok(Value::Attrs(shown(ev, &made, &kind)))
}

/// The request that a description makes.
fn request_of(description: Json, kind: &str) -> std::result::Result<Request, String> {
    serde_json::from_value(description).map_err(|error| match kind {
        "" => "attribute 'kind' is missing".to_owned(),
        _ => format!("this describes no step of the kind \"{kind}\": {error}"),
    })
}

/// The end of the name that a call begins with.
fn end_of_word(text: &str, start: usize) -> usize {
    let word = |c: char| c.is_alphanumeric() || "_'-.".contains(c);
    let rest = text.get(start..).unwrap_or_default();
    start + rest.find(|c| !word(c)).unwrap_or(rest.len()).max(1).min(rest.len())
}

/// A step as a value.
fn shown<'a>(ev: &mut Evaluator<'a>, made: &Made, kind: &str) -> &'a Attrs<'a> {
    let place = ev.bytes(made.place.as_bytes());
    let context = Context::new(ev.arena, vec![ContextElement::Opaque(place)]);
    let place = ev.string_with(place, context);
    let handle = ev.symbols.intern(b"handle");
    let kind_symbol = ev.symbols.intern(b"kind");
    let kind = ev.string(ev.bytes(kind.as_bytes()));
    let kind_of_value = ev.string(b"step");
    let number = Value::Int(i64::try_from(made.handle).unwrap_or(i64::MAX));
    let mut set = AttrsBuilder::with_capacity(4);
    set.push(known::TYPE, Pos::NONE, kind_of_value);
    set.push(known::OUT_PATH, Pos::NONE, place);
    set.push(handle, Pos::NONE, number);
    set.push(kind_symbol, Pos::NONE, kind);
    set.finish(ev.arena)
}

/// The number of a step or image; `None` for every other value.
pub(super) fn handle_of<'a>(ev: &mut Evaluator<'a>, attrs: &'a Attrs<'a>) -> Result<Option<usize>> {
    let Some(kind) = attrs.get(known::TYPE) else { return Ok(None) };
    let kind = ev.force_slot(kind, Pos::NONE)?;
    let (Value::String(kind), Some(symbol)) = (kind, ev.symbols.lookup(b"handle")) else { return Ok(None) };
    if kind.bytes() != b"step" && kind.bytes() != b"image" {
        return Ok(None);
    }
    let Some(slot) = attrs.get(symbol) else { return Ok(None) };
    match ev.force_slot(slot, Pos::NONE)? {
        Value::Int(number) => Ok(usize::try_from(number).ok()),
        _ => Ok(None),
    }
}

/// A value as plain data: steps by number, paths by text. Notes what strings refer to.
fn plain<'a>(
    ev: &mut Evaluator<'a>,
    value: Value<'a>,
    mentions: &mut Mentions,
    depth: usize,
) -> Result<Json> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(EvalError::new("the description of a step is nested too deeply"));
    };
    Ok(match ev.force(value, Pos::NONE)? {
        Value::Bool(value) => Json::Bool(value),
        Value::Int(number) => Json::Number(number.into()),
        Value::Float(number) => Number::from_f64(number).map_or(Json::Null, Json::Number),
        Value::String(string) => {
            for element in string.context.map_or(&[][..], |context| context.elements) {
                match element {
                    ContextElement::Opaque(path) => mentions.add(text(path)?),
                    ContextElement::Deep(derivation) | ContextElement::Built { derivation, .. } => {
                        return Err(EvalError::new(format!(
                            "the string \"{}\" needs the derivation '{}', which buildc does not build; make what it would make with buildc.run",
                            String::from_utf8_lossy(string.bytes()),
                            String::from_utf8_lossy(derivation),
                        )));
                    }
                }
            }
            Json::String(text(string.bytes())?)
        }
        Value::Path(path) => {
            Json::Object(Map::from_iter([("path".to_owned(), Json::String(text(path.bytes)?))]))
        }
        Value::List(list) => {
            let mut items = Vec::with_capacity(list.len());
            for (number, item) in list.items().iter().enumerate() {
                mentions.path.push(number.to_string());
                items.push(plain(ev, Value::Thunk(item), mentions, depth)?);
                mentions.path.pop();
            }
            Json::Array(items)
        }
        Value::Attrs(attrs) => {
            if let Some(handle) = handle_of(ev, attrs)? {
                return Ok(Json::Object(Map::from_iter([("step".to_owned(), Json::Number(handle.into()))])));
            }
            let (shape, values) = attrs.flatten(ev.arena);
            let mut set = Map::new();
            for (name, slot) in shape.symbols.iter().zip(values) {
                let name = text(ev.symbols.name(*name))?;
                mentions.path.push(name.clone());
                set.insert(name, plain(ev, Value::Thunk(slot), mentions, depth)?);
                mentions.path.pop();
            }
            Json::Object(set)
        }
        Value::Null => Json::Null,
        _ => return Err(EvalError::new("the description of a step holds a function")),
    })
}

fn text(bytes: &[u8]) -> Result<String> {
    String::from_utf8(bytes.to_vec()).map_err(|_| {
        EvalError::new(format!("\"{}\" is not UTF-8, which a step needs", String::from_utf8_lossy(bytes)))
    })
}
