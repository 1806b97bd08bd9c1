//! `buildc bake`: the builds of a bake file, each as `buildc build` would be called for it.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use buildc_compiler::bake::{BakeError, BakeFile, Baked, linked, strings};
use serde_json::{Map, Value};

use super::Shell;
use crate::failure::{Failure, Outcome};
use crate::output;

const AFTER_HELP: &str = "\
Examples:
  buildc bake                          build the group or target `default`
  buildc bake app db                   build these
  buildc bake --print                  show what would be built, as JSON
  TAG=2 buildc bake                    a variable from the environment
  buildc bake --set app.platforms=linux/arm64";

/// Files that are looked for, in this order; each that is there is read.
const DEFAULT_FILES: [&str; 4] =
    ["docker-bake.json", "docker-bake.override.json", "docker-bake.hcl", "docker-bake.override.hcl"];

/// Options of `buildc bake`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct BakeArgs {
    /// Bake file; repeatable [default: docker-bake.json and docker-bake.hcl, with their overrides]
    #[arg(short, long, value_name = "FILE")]
    file: Vec<PathBuf>,
    /// Print what would be built, as JSON, and build nothing
    #[arg(long)]
    print: bool,
    /// Change a field, for example app.args.V=2; TARGET may have a `*`; repeatable
    #[arg(long, value_name = "TARGET.FIELD=VALUE")]
    set: Vec<String>,
    /// Run every step, whatever is cached
    #[arg(long)]
    no_cache: bool,
    /// Ask the registry for newer base images
    #[arg(long)]
    pull: bool,
    /// Push the images that have names
    #[arg(long)]
    push: bool,
    /// Groups and targets [default: default]
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
}

/// Prints or builds.
pub fn run(args: &BakeArgs, shell: &Shell) -> Outcome {
    let bad = |error: BakeError| Failure::told("bake::invalid", &error, None);
    let environment = |name: &str| std::env::var(name).ok();
    let mut file = BakeFile::read(&texts(&args.file)?, &environment).map_err(bad)?;
    for option in &args.set {
        file.set(option).map_err(bad)?;
    }
    let baked = file.resolve(&args.targets).map_err(bad)?;
    if args.print {
        output::json(&baked.json())?;
        return Ok(0);
    }
    let work = tempfile::tempdir().map_err(|e| Failure::file("make", &std::env::temp_dir(), &e))?;
    let needed: BTreeSet<String> = baked.targets.values().flat_map(linked).collect();
    for name in order(&baked)? {
        let Some(target) = baked.targets.get(&name) else { continue };
        output::say(&format!("Target {name}"));
        let code = build(args, &name, target, needed.contains(&name), work.path(), shell)?;
        if code != 0 {
            output::say(&format!("Target {name} was not built"));
            return Ok(code);
        }
    }
    Ok(0)
}

/// The files with their names.
fn texts(files: &[PathBuf]) -> Result<Vec<(String, String)>, Failure> {
    let there = DEFAULT_FILES.iter().map(PathBuf::from).filter(|path| path.is_file());
    let files: Vec<PathBuf> = if files.is_empty() { there.collect() } else { files.to_vec() };
    if files.is_empty() {
        return Err(Failure::new("input::not_found", "There is no docker-bake.hcl or docker-bake.json here")
            .help("Name a file with -f"));
    }
    let mut found = Vec::new();
    for path in files {
        if matches!(path.extension().and_then(|e| e.to_str()), Some("yml" | "yaml")) {
            return Err(Failure::usage(format!("`{}`: compose files are not read", path.display()))
                .help("Write its build sections as targets of a docker-bake.hcl"));
        }
        let text = std::fs::read_to_string(&path).map_err(|e| Failure::file("read", &path, &e))?;
        found.push((path.display().to_string(), text));
    }
    Ok(found)
}

/// All targets, those that others take files from first.
fn order(baked: &Baked) -> Result<Vec<String>, Failure> {
    let mut done: Vec<String> = Vec::new();
    let mut left: Vec<(&String, &Map<String, Value>)> = baked.targets.iter().collect();
    while !left.is_empty() {
        let before = left.len();
        left.retain(|(name, target)| {
            let ready = linked(target).iter().all(|other| done.contains(other));
            if ready {
                done.push((*name).clone());
            }
            !ready
        });
        if left.len() == before {
            let names: Vec<&str> = left.iter().map(|(name, _)| name.as_str()).collect();
            let why = format!("These targets need each other: {}", names.join(", "));
            return Err(Failure::new("bake::invalid", why).help("Take one of their `target:` contexts out"));
        }
    }
    Ok(done)
}

/// Builds one target; its exit code.
fn build(
    args: &BakeArgs,
    name: &str,
    target: &Map<String, Value>,
    is_needed: bool,
    work: &Path,
    shell: &Shell,
) -> Result<u8, Failure> {
    let words = words(name, target, work)?;
    let program =
        std::env::current_exe().map_err(|e| Failure::file("find", Path::new("/proc/self/exe"), &e))?;
    let mut command = Command::new(&program);
    if let Some(root) = &shell.global.root {
        command.arg("--root").arg(root);
    }
    command.arg("build").args(words.options);
    if is_needed {
        command.arg("-o").arg(format!("type=oci,tar=false,dest={}", layout(work, name).display()));
    }
    let named = !strings(target.get("tags")).is_empty();
    let flags = [(args.no_cache, "--no-cache"), (args.pull, "--pull"), (args.push && named, "--push")];
    command.args(flags.iter().filter(|(wanted, _)| *wanted).map(|(_, flag)| flag));
    command.arg("--").arg(words.context);
    command.stdin(if words.dockerfile.is_some() { Stdio::piped() } else { Stdio::null() });
    let mut child = command.spawn().map_err(|e| Failure::file("run", &program, &e))?;
    if let (Some(text), Some(mut stdin)) = (words.dockerfile, child.stdin.take()) {
        // A build that ends early says itself why.
        let _ = stdin.write_all(text.as_bytes());
    }
    let status = child.wait().map_err(|e| Failure::file("wait for", &program, &e))?;
    // One that was killed by a signal was interrupted.
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.unwrap_or(crate::interrupt::INTERRUPTED))
}

/// Where a target's image lies for those that take files from it.
fn layout(work: &Path, name: &str) -> PathBuf {
    work.join(name.replace('/', "_"))
}

/// The words of a `buildc build`.
#[derive(Default)]
struct Words {
    options: Vec<String>,
    context: String,
    dockerfile: Option<String>,
}

impl Words {
    fn push(&mut self, flag: &str, value: impl Into<String>) {
        self.options.extend([flag.to_owned(), value.into()]);
    }
}

fn words(name: &str, target: &Map<String, Value>, work: &Path) -> Result<Words, Failure> {
    let text = |field: &str| target.get(field).and_then(Value::as_str);
    let context = text("context").unwrap_or(".").to_owned();
    let mut words = Words { context, ..Words::default() };
    match (text("dockerfile-inline"), text("dockerfile")) {
        (Some(inline), _) => {
            words.push("-f", "-");
            words.dockerfile = Some(inline.to_owned());
        }
        // It is relative to the context where that is a directory of this machine.
        (None, Some(file)) if Path::new(&words.context).is_dir() => {
            let path = Path::new(&words.context).join(file);
            words.push("-f", path.to_string_lossy());
        }
        (None, Some(file)) => words.push("-f", file),
        (None, None) => {}
    }
    for (field, value) in target {
        field_words(&mut words, field, value, work).map_err(|why| {
            Failure::new("bake::invalid", format!("Target `{name}`: {why}"))
                .help("`buildc bake --print` shows what the targets say")
        })?;
    }
    Ok(words)
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
        "no-cache" => ("--no-cache", Form::Flag),
        "pull" => ("--pull", Form::Flag),
        _ => return None,
    })
}

fn field_words(words: &mut Words, field: &str, value: &Value, work: &Path) -> Result<(), String> {
    match field {
        "context" | "dockerfile" | "dockerfile-inline" | "name" | "description" => return Ok(()),
        "contexts" => return contexts(words, value, work),
        _ => {}
    }
    let (flag, form) = option(field).ok_or_else(|| format!("its field `{field}` is not supported"))?;
    match (form, value) {
        (Form::Flag, Value::Bool(wanted)) => words.options.extend(wanted.then(|| flag.to_owned())),
        (Form::List, Value::String(one)) => words.push(flag, one),
        (Form::List, Value::Array(items)) => {
            for item in items {
                let word =
                    keys(item).ok_or_else(|| format!("its `{field}` has something else than strings"))?;
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
            let fields = map.iter().map(|(key, value)| format!("{key}={}", scalar(value)));
            Some(fields.collect::<Vec<_>>().join(","))
        }
        _ => None,
    }
}

fn scalar(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn contexts(words: &mut Words, value: &Value, work: &Path) -> Result<(), String> {
    for (name, place) in value.as_object().ok_or("its `contexts` is no map")? {
        let place = place.as_str().ok_or("its `contexts` has something else than strings")?;
        let place = match place.strip_prefix("target:") {
            Some(target) => format!("oci-layout://{}", layout(work, target).display()),
            None => place.to_owned(),
        };
        words.push("--build-context", format!("{name}={place}"));
    }
    Ok(())
}
