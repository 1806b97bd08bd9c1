//! `buildc cache`: cache mounts of RUN instructions, listed and carried from one machine to another.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use buildc_executor::cache_mounts::{self, CacheMount};
use clap::Subcommand;
use serde_json::{Value, json};

use super::Shell;
use super::archive::input_file;
use super::export::Target;
use crate::failure::{Failure, Outcome};
use crate::listing::{self, Layout};
use crate::session::Session;
use crate::{output, units};

const SAVE_HELP: &str = "\
Examples:
  buildc cache save -o caches.tar                  all cache mounts, for the next machine
  buildc cache save npm | zstd >npm.tar.zst        the ones with the id npm, compressed";

const LOAD_HELP: &str = "\
Examples:
  buildc cache load -i caches.tar
  zstd -dc npm.tar.zst | buildc cache load --replace";

/// What to do with cache mounts.
#[derive(Subcommand, Debug)]
pub enum CacheVerb {
    /// List the cache mounts of RUN instructions
    #[command(alias = "list")]
    Ls {
        /// Print only ids
        #[arg(short, long)]
        quiet: bool,
        /// table, json, or a template such as '{{.ID}}'
        #[arg(long, value_name = "FORMAT")]
        format: Option<String>,
    },
    /// Write cache mounts to a tar archive
    #[command(after_help = SAVE_HELP)]
    Save {
        /// File [default: standard output]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Their ids: what `id=` says, or the target [default: all]
        #[arg(value_name = "ID")]
        ids: Vec<String>,
    },
    /// Take cache mounts from a tar archive
    #[command(after_help = LOAD_HELP)]
    Load {
        /// File [default: standard input]
        #[arg(short, long, value_name = "FILE")]
        input: Option<PathBuf>,
        /// Instead of those that are in the store; without it they are kept
        #[arg(long)]
        replace: bool,
    },
}

/// Does it.
pub fn run(verb: CacheVerb, shell: &Shell) -> Outcome {
    let session = Session::open(shell)?;
    match verb {
        CacheVerb::Ls { quiet, format } => {
            let rows: Vec<Value> = cache_mounts::list(&session.store)?.iter().map(row).collect();
            let columns = [("ID", "ID"), ("SIZE", "Size"), ("LAST USED", "LastUsed"), ("NAME", "Name")];
            listing::print(&rows, Layout { columns: &columns, id: "ID" }, format.as_deref(), quiet)?;
        }
        CacheVerb::Save { output, ids } => {
            let mut saved = Vec::new();
            Target::given(output).fill(|out| {
                saved = cache_mounts::save(&session.store, &ids, out)?;
                Ok(())
            })?;
            let size_bytes = saved.iter().map(|cache| cache.size_bytes).sum();
            let mounts = if saved.len() == 1 { "mount" } else { "mounts" };
            output::say(&format!("Saved {} cache {mounts}, {}", saved.len(), units::size(size_bytes)));
        }
        CacheVerb::Load { input, replace } => load(&session, input.as_deref(), replace)?,
    }
    Ok(0)
}

fn load(session: &Session, input: Option<&Path>, replace: bool) -> Result<(), Failure> {
    let mut input: Box<dyn Read> = match input_file(input)? {
        Some(path) => {
            Box::new(BufReader::new(File::open(path).map_err(|e| Failure::file("read", path, &e))?))
        }
        None => Box::new(std::io::stdin().lock()),
    };
    for loaded in cache_mounts::load(&session.store, &mut input, replace)? {
        let id = loaded.about.id;
        match loaded.taken {
            true => output::data(&format!("Loaded cache mount: {id}"))?,
            false => output::say(&format!("Kept the store's cache mount `{id}`; --replace takes the other")),
        }
    }
    Ok(())
}

fn row(cache: &CacheMount) -> Value {
    // Those of older versions did not say what they are.
    let id = cache.about.as_ref().map_or("<unknown>", |about| about.id.as_str());
    json!({
        "ID": id,
        "Name": cache.name,
        "Size": units::size(cache.size_bytes),
        "SizeBytes": cache.size_bytes,
        "LastUsed": units::ago(cache.used),
        "LastUsedAt": units::rfc3339(cache.used),
    })
}
