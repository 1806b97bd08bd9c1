//! The functions of bake files that are used most, with the meaning of HCL's standard library (go-cty).

use hcl::Value;
use hcl::eval::{Context, FuncArgs, FuncDef, ParamType};

type Answer = Result<Value, String>;

/// Declares all functions.
pub(super) fn declare(context: &mut Context<'_>) {
    let text = || FuncDef::builder().param(ParamType::String);
    context.declare_func("upper", text().build(|args| one(args, |text| text.to_uppercase())));
    context.declare_func("lower", text().build(|args| one(args, |text| text.to_lowercase())));
    context.declare_func("trimspace", text().build(|args| one(args, |text| text.trim().to_owned())));
    context.declare_func("split", text().param(ParamType::String).build(split));
    context.declare_func("join", text().param(ParamType::Any).build(join));
    context.declare_func("replace", text().param(ParamType::String).param(ParamType::String).build(replace));
    let two = || FuncDef::builder().param(ParamType::Any).param(ParamType::Any);
    context.declare_func("equal", two().build(|args| Ok(Value::Bool(args[0] == args[1]))));
    context.declare_func("notequal", two().build(|args| Ok(Value::Bool(args[0] != args[1]))));
    context.declare_func("contains", two().build(contains));
    context.declare_func("length", FuncDef::builder().param(ParamType::Any).build(length));
    let many = || FuncDef::builder().variadic_param(ParamType::Any);
    context.declare_func("concat", many().build(concat));
    context.declare_func("coalesce", many().build(coalesce));
    context.declare_func("merge", many().build(merge));
}

fn text(value: Option<&Value>) -> &str {
    value.and_then(Value::as_str).unwrap_or_default()
}

fn one(args: FuncArgs, change: impl Fn(&str) -> String) -> Answer {
    Ok(Value::from(change(text(args.first()))))
}

fn split(args: FuncArgs) -> Answer {
    let (separator, whole) = (text(args.first()), text(args.get(1)));
    Ok(Value::Array(whole.split(separator).map(Value::from).collect()))
}

fn join(args: FuncArgs) -> Answer {
    let items = args.get(1).and_then(Value::as_array).ok_or("join wants a list")?;
    let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
    Ok(Value::from(items.join(text(args.first()))))
}

fn replace(args: FuncArgs) -> Answer {
    Ok(Value::from(text(args.first()).replace(text(args.get(1)), text(args.get(2)))))
}

fn contains(args: FuncArgs) -> Answer {
    let items = args.first().and_then(Value::as_array).ok_or("contains wants a list")?;
    Ok(Value::Bool(args.get(1).is_some_and(|wanted| items.contains(wanted))))
}

fn length(args: FuncArgs) -> Answer {
    Ok(Value::from(match args.first() {
        Some(Value::Array(items)) => items.len(),
        Some(Value::Object(map)) => map.len(),
        Some(Value::String(text)) => text.chars().count(),
        _ => return Err("length wants a list, a map or a string".to_owned()),
    }))
}

fn concat(args: FuncArgs) -> Answer {
    let mut all = Vec::new();
    for list in args.iter() {
        all.extend(list.as_array().ok_or("concat wants lists")?.iter().cloned());
    }
    Ok(Value::Array(all))
}

fn coalesce(args: FuncArgs) -> Answer {
    let empty = |value: &&Value| value.is_null() || value.as_str() == Some("");
    Ok(args.iter().find(|value| !empty(value)).cloned().unwrap_or(Value::Null))
}

fn merge(args: FuncArgs) -> Answer {
    let mut all = hcl::Map::new();
    for map in args.iter() {
        all.extend(map.as_object().ok_or("merge wants maps")?.clone());
    }
    Ok(Value::Object(all))
}
