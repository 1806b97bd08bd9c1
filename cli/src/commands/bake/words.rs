//! From a target's fields to the options of `buildc build`, so that each means what it means there.

use std::collections::BTreeMap;
use std::path::Path;

use buildc_compiler::bake::references;
use clap::Parser;
use serde_json::{Map, Value};

use crate::commands::build::BuildArgs;
use crate::failure::Failure;

/// A target as it is built.
#[derive(Debug)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// What it says.
    pub args: BuildArgs,
    /// Contexts that are other targets.
    pub links: BTreeMap<String, String>,
}

/// The command line of a build, without the program's name.
#[derive(Parser, Debug)]
#[command(no_binary_name = true, disable_help_flag = true)]
struct Line {
    #[command(flatten)]
    build: BuildArgs,
}

/// Options as they are when nobody says anything.
pub fn silent() -> Result<BuildArgs, Failure> {
    line(&[])
}

fn line(words: &[String]) -> Result<BuildArgs, Failure> {
    let line = Line::try_parse_from(words).map_err(|error| {
        // The rest speaks of options, which nobody has written.
        let text = error.to_string();
        let text = text.lines().next().unwrap_or_default();
        Failure::new("bake::invalid", text.strip_prefix("error: ").unwrap_or(text).to_owned())
    })?;
    Ok(line.build)
}

/// The words of a `buildc build`.
#[derive(Default)]
struct Words {
    options: Vec<String>,
    links: BTreeMap<String, String>,
}

impl Words {
    fn push(&mut self, flag: &str, value: impl AsRef<str>) {
        self.options.push(format!("{flag}={}", value.as_ref()));
    }
}

/// Reads a target's fields.
pub fn target(name: &str, fields: &Map<String, Value>) -> Result<Target, Failure> {
    let text = |field: &str| fields.get(field).and_then(Value::as_str);
    let context = text("context").unwrap_or(".").to_owned();
    let inline = text("dockerfile-inline");
    let mut words = Words::default();
    match text("dockerfile").filter(|_| inline.is_none()) {
        // It is relative to the context where that is a directory of this machine.
        Some(file) if Path::new(&context).is_dir() => {
            words.push("--file", Path::new(&context).join(file).to_string_lossy());
        }
        Some(file) => words.push("--file", file),
        None => {}
    }
    let wrong = |why: String| {
        Failure::new("bake::invalid", format!("Target `{name}`: {why}"))
            .help("`buildc bake --print` shows what the targets say")
    };
    for (field, value) in fields {
        field_words(&mut words, field, value).map_err(wrong)?;
    }
    words.options.extend(["--".to_owned(), context]);
    let mut args = line(&words.options).map_err(|failure| wrong(failure.to_string()))?;
    args.source.inline = inline.map(|text| (format!("dockerfile-inline of {name}"), text.to_owned()));
    let description = text("description").filter(|text| !text.is_empty()).map(str::to_owned);
    Ok(Target { name: name.to_owned(), description, args, links: words.links })
}

/// How a field's value becomes words.
enum Form {
    Flag,
    List,
    Pairs,
}

/// The option of `build` that a field means.
fn option(field: &str) -> Option<(&'static str, Form)> {
    Some(match field {
        "args" => ("--build-arg", Form::Pairs),
        "labels" => ("--label", Form::Pairs),
        "extra-hosts" => ("--add-host", Form::Pairs),
        "tags" => ("--tag", Form::List),
        "platforms" => ("--platform", Form::List),
        "output" => ("--output", Form::List),
        "cache-from" => ("--cache-from", Form::List),
        "cache-to" => ("--cache-to", Form::List),
        "no-cache-filter" => ("--no-cache-filter", Form::List),
        "secret" => ("--secret", Form::List),
        "ssh" => ("--ssh", Form::List),
        "attest" => ("--attest", Form::List),
        "annotations" => ("--annotation", Form::List),
        "entitlements" => ("--allow", Form::List),
        "target" => ("--target", Form::List),
        "network" => ("--network", Form::List),
        "call" => ("--call", Form::List),
        "shm-size" => ("--shm-size", Form::List),
        "ulimits" => ("--ulimit", Form::List),
        "no-cache" => ("--no-cache", Form::Flag),
        "pull" => ("--pull", Form::Flag),
        _ => return None,
    })
}

fn field_words(words: &mut Words, field: &str, value: &Value) -> Result<(), String> {
    match field {
        "context" | "dockerfile" | "dockerfile-inline" | "name" | "description" => return Ok(()),
        "contexts" => return contexts(words, value),
        _ => {}
    }
    let (flag, form) = option(field).ok_or_else(|| format!("its field `{field}` is not supported"))?;
    match (form, value) {
        (Form::Flag, Value::Bool(wanted)) => words.options.extend(wanted.then(|| flag.to_owned())),
        (Form::List, Value::String(one)) if one.is_empty() => {}
        (Form::List, Value::String(one)) => words.push(flag, one),
        (Form::List, Value::Array(items)) => {
            for item in items.iter().filter(|item| item.as_str() != Some("")) {
                if let Some(names) = item.as_str().and_then(|text| references(field, text)) {
                    names.iter().for_each(|name| words.push(flag, name));
                    continue;
                }
                let word = if field == "ssh" { agent(item) } else { keys(item) };
                let word = word.ok_or_else(|| format!("its `{field}` has something else than strings"))?;
                words.push(flag, word);
            }
        }
        (Form::Pairs, Value::Object(map)) => {
            for (key, value) in map {
                words.push(flag, format!("{key}={}", scalar(value)));
            }
        }
        _ => return Err(format!("its `{field}` is of the wrong type")),
    }
    Ok(())
}

/// `type=local,dest=out`, also written as a map.
fn keys(item: &Value) -> Option<String> {
    match item {
        Value::String(text) => Some(text.clone()),
        Value::Object(map) => {
            let fields = map.iter().map(|(key, value)| quoted(format!("{key}={}", scalar(value))));
            Some(fields.collect::<Vec<_>>().join(","))
        }
        _ => None,
    }
}

/// `ID[=PATH,…]`, also written as a map.
fn agent(item: &Value) -> Option<String> {
    let Value::Object(map) = item else { return keys(item) };
    let id = map.get("id").and_then(Value::as_str).unwrap_or("default");
    let paths = buildc_compiler::bake::strings(map.get("paths")).join(",");
    Some(if paths.is_empty() { id.to_owned() } else { format!("{id}={paths}") })
}

/// In double quotes where it holds a comma.
fn quoted(field: String) -> String {
    match field.contains([',', '"']) {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => field,
    }
}

fn scalar(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn contexts(words: &mut Words, value: &Value) -> Result<(), String> {
    for (name, place) in value.as_object().ok_or("its `contexts` is no map")? {
        let place = place.as_str().ok_or("its `contexts` has something else than strings")?;
        match place.strip_prefix("target:") {
            Some(target) => drop(words.links.insert(name.clone(), target.to_owned())),
            None => words.push("--build-context", format!("{name}={place}")),
        }
    }
    Ok(())
}
