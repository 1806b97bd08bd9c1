//! The functions of bake files, with the names and the meaning they have in `docker buildx bake`, which takes them from HCL's
//! standard library (go-cty). What needs a clock, randomness or a private key is not here: see `calls` for `timestamp`.

mod addresses;
mod dates;
mod encodings;
mod format;
mod lists;
mod maps;
mod numbers;
mod patterns;
mod sets;
mod texts;

use hcl::eval::{Context, Func, FuncArgs, FuncDef, ParamType};
use hcl::{Number, Value};

use super::operators;

type Answer = Result<Value, String>;

/// A function with the fewest and, where there is a bound, the most arguments that it takes.
type Row = (&'static str, usize, Option<usize>, Func);

/// Declares all functions.
pub(super) fn declare(context: &mut Context<'_>) {
    let tables: [&[Row]; 9] = [
        &numbers::TABLE,
        &texts::TABLE,
        &lists::TABLE,
        &maps::TABLE,
        &sets::TABLE,
        &patterns::TABLE,
        &encodings::TABLE,
        &dates::TABLE,
        &addresses::TABLE,
    ];
    for (name, least, most, function) in tables.into_iter().flatten() {
        let mut definition = FuncDef::builder().params(vec![ParamType::Any; *least]);
        if *most != Some(*least) {
            definition = definition.variadic_param(ParamType::Any);
        }
        let definition = definition.build(*function);
        if let Some(operator) = operators::name(name) {
            context.declare_func(operator, definition.clone());
        }
        context.declare_func(*name, definition);
    }
}

fn at(args: &FuncArgs, place: usize) -> Result<&Value, String> {
    args.get(place).ok_or_else(|| format!("argument {} is missing", place + 1))
}

/// Text, or what becomes text by itself.
fn text(args: &FuncArgs, place: usize) -> Result<String, String> {
    as_text(at(args, place)?)
}

fn as_text(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(truth) => Ok(truth.to_string()),
        other => Err(format!("a string is wanted, not `{other}`")),
    }
}

fn number(args: &FuncArgs, place: usize) -> Result<f64, String> {
    let value = at(args, place)?;
    let read = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    read.filter(|number: &f64| number.is_finite()).ok_or_else(|| format!("a number is wanted, not `{value}`"))
}

/// A whole number that counts or points at something.
fn index(args: &FuncArgs, place: usize) -> Result<usize, String> {
    let number = number(args, place)?;
    if number < 0.0 || number.fract() != 0.0 || number > f64::from(u32::MAX) {
        return Err(format!("a whole number that is not negative is wanted, not `{number}`"));
    }
    Ok(number as usize)
}

fn truth(args: &FuncArgs, place: usize) -> Result<bool, String> {
    match at(args, place)? {
        Value::Bool(truth) => Ok(*truth),
        Value::String(text) if text == "true" || text == "1" => Ok(true),
        Value::String(text) if text == "false" || text == "0" => Ok(false),
        other => Err(format!("true or false is wanted, not `{other}`")),
    }
}

fn list(args: &FuncArgs, place: usize) -> Result<&Vec<Value>, String> {
    let value = at(args, place)?;
    value.as_array().ok_or_else(|| format!("a list is wanted, not `{value}`"))
}

fn texts(args: &FuncArgs, place: usize) -> Result<Vec<String>, String> {
    list(args, place)?.iter().map(as_text).collect()
}

/// A number as the language has it: whole where it is whole.
fn from_number(number: f64) -> Answer {
    // Beyond this not every whole number has a value of its own.
    const WHOLE: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() < WHOLE {
        return Ok(Value::from(number as i64));
    }
    Number::from_f64(number).map(Value::Number).ok_or_else(|| "the result is no number".to_owned())
}

fn from_texts(texts: impl IntoIterator<Item = String>) -> Value {
    Value::Array(texts.into_iter().map(Value::from).collect())
}
