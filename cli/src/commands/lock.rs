//! `buildc lock`: pins what FROM, ADD of URLs and of git repositories mean now, in a file beside the source.

use std::cell::RefCell;
use std::collections::BTreeMap;

use buildc_executor::lock::{self, Mode};
use buildc_ir::lock::Lock;
use serde_json::{Value, json};

use super::Shell;
use super::build::SourceArgs;
use crate::args::TextOrJson;
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use crate::{frontend, output, pins, report};

const AFTER_HELP: &str = "\
Examples:
  buildc lock .                        pin what has no pin yet in ./buildc.lock
  buildc lock --update debian:12 .     ask again for one name
  buildc lock --update-all .           ask again for everything
  buildc build --locked .              build by the pins alone

Pins are of FROM names (per platform), URLs and git refs. A build beside a lock goes by its pins.";

// Options of `buildc lock`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct LockArgs {
    /// Ask again for an image name, a URL or a repository; repeatable
    #[arg(long, value_name = "NAME")]
    update: Vec<String>,
    /// Ask again for everything
    #[arg(long)]
    update_all: bool,
    /// text or json
    #[arg(long, value_enum, default_value = "text", hide_possible_values = true)]
    format: TextOrJson,
    #[command(flatten)]
    source: SourceArgs,
}

/// Resolves everything, writes the lock, and says what changed.
pub fn run(args: LockArgs, shell: &Shell) -> Outcome {
    let Some(path) = pins::path(&args.source) else {
        if args.source.file.as_ref().is_some_and(|file| file.as_os_str() != "-" && !file.exists()) {
            // Says that it is not there.
            frontend::Frontend::read(&args.source)?;
        }
        let text = "A lock stands beside its source, and this one is not a file of this machine";
        return Err(Failure::usage(text));
    };
    let before = lock::read(&path)?.unwrap_or_default();
    let again = if args.update_all { vec!["*".to_owned()] } else { args.update.clone() };
    if let Some(name) = again.iter().find(|name| *name != "*" && !names(&before, name)) {
        return Err(Failure::usage(format!("--update `{name}`: the lock has no such pin"))
            .help("Names are as in the lock: an image, a URL, or a repository with or without #REF"));
    }
    let mut session = Session::open(shell)?;
    let mode = Mode::Recording(RefCell::new(before.clone()), again);
    let (warnings, sources, after) = pins::resolve(&mut session, &args.source, mode)?;
    report::warn(&warnings, &sources, shell.streams);
    if after != before || !path.exists() {
        lock::write(&path, &after)?;
    }
    let changes = changes(&before, &after);
    match args.format {
        TextOrJson::Json => {
            output::json(&json!({ "path": path.display().to_string(), "changes": changes, "lock": after }))?;
        }
        TextOrJson::Text => {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let line = |row: &Value| match row["before"].as_str() {
                None => format!("pinned {} to {}\n", text(&row["name"]), text(&row["after"])),
                Some(old) => format!("moved {} from {old} to {}\n", text(&row["name"]), text(&row["after"])),
            };
            let lines: String = changes.iter().map(line).collect();
            let all = pins(&after).len();
            let noun = if all == 1 { "pin" } else { "pins" };
            output::data(&format!(
                "{lines}{} has {all} {noun}, {} changed\n",
                path.display(),
                changes.len()
            ))?;
        }
    }
    Ok(0)
}

/// Whether a lock pins what the user calls so.
fn names(lock: &Lock, name: &str) -> bool {
    let familiar = |known: &String| {
        known == name || known.parse::<buildc_ir::Reference>().is_ok_and(|known| known.familiar() == name)
    };
    lock.images.keys().any(familiar)
        || lock.urls.contains_key(name)
        || lock
            .git
            .keys()
            .any(|known| known == name || known.rsplit_once('#').is_some_and(|(url, _)| url == name))
}

/// All pins in one list.
fn pins(lock: &Lock) -> BTreeMap<String, String> {
    let images = lock.images.iter().flat_map(|(name, platforms)| {
        platforms.iter().map(move |(platform, digest)| (format!("{name} {platform}"), digest.to_string()))
    });
    let urls = lock.urls.iter().map(|(url, digest)| (url.clone(), digest.to_string()));
    let git = lock.git.iter().map(|(at, commit)| (at.clone(), commit.clone()));
    images.chain(urls).chain(git).collect()
}

fn changes(before: &Lock, after: &Lock) -> Vec<Value> {
    let (before, after) = (pins(before), pins(after));
    let changed = after.iter().filter(|(name, pin)| before.get(*name) != Some(pin));
    changed.map(|(name, pin)| json!({ "name": name, "before": before.get(name), "after": pin })).collect()
}
