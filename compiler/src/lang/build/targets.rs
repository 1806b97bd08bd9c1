//! From a build file to the images that are wanted.

use super::builder::Builder;
use super::library::library;
use super::primitive::handle_of;
use crate::lang::error::{Context as _, EvalError, Result};
use crate::lang::eval::Evaluator;
use crate::lang::syntax::{Origin, Pos};
use crate::lang::value::attrs::AttrsBuilder;
use crate::lang::value::{Attrs, Value};

/// Sets of images may be nested this deep.
const DEPTH: usize = 16;

/// An argument of the command line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Argument {
    /// A string as it is.
    Text(String),
    /// An expression.
    Expression(String),
}

/// Finds the images in the value of a build file and asks the builder for them.
///
/// # Errors
/// Whatever evaluation raises, and a value that is no image.
pub(super) fn find<'a>(
    ev: &mut Evaluator<'a>,
    builder: &Builder<'_>,
    value: Value<'a>,
    arguments: &[(String, Argument)],
    attribute: Option<&str>,
    default_name: &str,
) -> Result<()> {
    let given = arguments_of(ev, arguments)?;
    let mut value = value;
    let mut name = default_name;
    if let Some(path) = attribute {
        value = ev.select_along(path.as_bytes(), value, given)?;
        name = path;
    }
    let value = called(ev, value, given)?;
    match ev.force(value, Pos::NONE)? {
        Value::Attrs(attrs) => match handle_of(ev, attrs)? {
            Some(handle) => want(ev, builder, name, handle, attrs),
            None => set(ev, builder, attribute.unwrap_or_default(), attrs, DEPTH),
        },
        other => Err(ev.type_error("an image or a set of images", other)).context(
            Pos::NONE,
            "while evaluating a build file, whose value is an image, a set of images, or a function to one",
        ),
    }
}

/// The library and the arguments of the command line.
fn arguments_of<'a>(ev: &mut Evaluator<'a>, arguments: &[(String, Argument)]) -> Result<&'a Attrs<'a>> {
    let library = library(ev)?;
    let mut set = AttrsBuilder::with_capacity(arguments.len() + 1);
    let buildc = ev.symbols.intern(b"buildc");
    set.push(buildc, Pos::NONE, library);
    let mut seen = vec![buildc];
    // Of an argument that is given twice the last one holds.
    for (name, argument) in arguments.iter().rev() {
        let symbol = ev.symbols.intern(name.as_bytes());
        if seen.contains(&symbol) {
            continue;
        }
        seen.push(symbol);
        let text = match argument {
            Argument::Text(text) | Argument::Expression(text) => ev.bytes(text.as_bytes()),
        };
        let value = match argument {
            Argument::Text(_) => ev.string(text),
            Argument::Expression(_) => ev.eval_text(Origin::String, text, b"/")?,
        };
        set.push(symbol, Pos::NONE, value);
    }
    Ok(set.finish(ev.arena))
}

/// Calls a function with what it names of the arguments, or with all where it takes a set as a whole. What is no
/// function of the author's stays as it is: a function of the library that lacks an argument, above all.
fn called<'a>(ev: &mut Evaluator<'a>, value: Value<'a>, given: &'a Attrs<'a>) -> Result<Value<'a>> {
    match ev.auto_call(value, given)? {
        function @ Value::Closure(_) => ev.call(function, &[Value::Attrs(given)], Pos::NONE),
        value => Ok(value),
    }
}

/// Asks for every image of a set.
fn set<'a>(
    ev: &mut Evaluator<'a>,
    builder: &Builder<'_>,
    prefix: &str,
    attrs: &'a Attrs<'a>,
    depth: usize,
) -> Result<()> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(EvalError::new(format!("the set of images `{prefix}` is nested too deeply")));
    };
    let (shape, values) = attrs.flatten(ev.arena);
    if values.is_empty() {
        return Err(EvalError::new("the build file names no image: its value is an empty set"));
    }
    for index in shape.by_name(ev.arena, &ev.symbols) {
        let index = *index as usize;
        let own = String::from_utf8_lossy(ev.symbols.name(shape.symbols[index])).into_owned();
        let name = if prefix.is_empty() { own } else { format!("{prefix}.{own}") };
        let pos = shape.position(index);
        let value = ev.force_slot(&values[index], pos).map_err(|error| {
            error.trace(pos, format!("while evaluating the attribute '{name}'").into_bytes())
        })?;
        let Value::Attrs(inner) = value else {
            return Err(ev.type_error("an image", value).at(pos)).map_err(|error| {
                error.trace(pos, format!("while looking for images in the attribute '{name}'").into_bytes())
            });
        };
        match handle_of(ev, inner)? {
            Some(handle) => want(ev, builder, &name, handle, inner)?,
            None => set(ev, builder, &name, inner, depth)?,
        }
    }
    Ok(())
}

fn want<'a>(
    ev: &mut Evaluator<'a>,
    builder: &Builder<'_>,
    name: &str,
    handle: usize,
    attrs: &'a Attrs<'a>,
) -> Result<()> {
    let mut tags = Vec::new();
    let symbol = ev.symbols.intern(b"tags");
    if let Some(slot) = attrs.get(symbol) {
        let context = "while evaluating the names of an image";
        let list = ev.list_of(Value::Thunk(slot), Pos::NONE, context)?;
        for item in list.items() {
            let tag = ev.plain_string_of(Value::Thunk(item), Pos::NONE, context)?;
            tags.push(String::from_utf8_lossy(tag).into_owned());
        }
    }
    builder.want(name, handle, tags).map_err(EvalError::new)
}
