//! `system df`, `prune`, `fsck`: the store's space and health.

use std::time::Duration;

use buildc_executor::container;
use buildc_store::{
    FsckOptions, FsckProblem, FsckReport, OpenOptions, PruneKind, PruneOptions, RebuildReport, Store,
    StoreError,
};
use clap::Subcommand;
use serde_json::json;

use super::Shell;
use crate::args::TextOrJson;
use crate::failure::{Failure, Kind, Outcome};
use crate::session::{self, Session};
use crate::table::Table;
use crate::{output, units};

/// What to show.
#[derive(Subcommand, Debug)]
pub enum SystemVerb {
    /// Show what takes how much space, and how much prune would free
    Df {
        /// Form of the output: text or json
        #[arg(long, value_enum, default_value = "text", value_name = "FORM", hide_possible_values = true)]
        format: TextOrJson,
    },
}

const PRUNE_HELP: &str = "\
Examples:
  buildc prune                       all build cache that no named image has
  buildc prune --keep-storage 10g    the longest unused of it, until 10 GB of cache are left
  buildc prune --until 168h          what was not used for a week, cache mounts too
  buildc prune -a --dry-run          what would go with all images that no container uses

Without options go images without a name, results of build steps that no named image has, indexes
of build contexts, what build files have fetched, and build logs. With --all go named images that
no container uses and cache mounts too. A running build or container keeps everything it needs.";

// Options of `buildc prune`.
#[derive(clap::Args, Debug)]
#[command(after_help = PRUNE_HELP)]
pub struct PruneArgs {
    /// Remove named images that no container uses, and cache mounts, too
    #[arg(short, long)]
    all: bool,
    /// Remove the longest unused build cache until it is this small
    #[arg(long, value_name = "SIZE")]
    keep_storage: Option<String>,
    /// Remove only what was not used for this long, for example 24h or 7d; cache mounts too
    #[arg(long, value_name = "AGE", visible_alias = "until")]
    older_than: Option<String>,
    /// The same in Docker's form
    #[arg(long, value_name = "until=AGE", conflicts_with = "older_than")]
    filter: Option<String>,
    /// Leave images alone, as `docker builder prune` does
    #[arg(long, hide = true)]
    keep_images: bool,
    /// Only say what would be removed
    #[arg(long, short = 'n')]
    dry_run: bool,
    /// Accepted for Docker's sake: nothing is asked
    #[arg(short, long)]
    force: bool,
    /// Form of the output: text or json
    #[arg(long, value_enum, default_value = "text", value_name = "FORM", hide_possible_values = true)]
    format: TextOrJson,
}

// Options of `buildc fsck`.
#[derive(clap::Args, Debug)]
pub struct FsckArgs {
    /// Read and hash every file too
    #[arg(long)]
    deep: bool,
    /// Drop what is damaged; the next build or pull makes it again
    #[arg(long)]
    repair: bool,
    /// Form of the output: text or json
    #[arg(long, value_enum, default_value = "text", value_name = "FORM", hide_possible_values = true)]
    format: TextOrJson,
}

/// Shows space.
pub fn system(verb: SystemVerb, shell: &Shell) -> Outcome {
    let SystemVerb::Df { format } = verb;
    let usage = Session::open(shell)?.store.df()?;
    let rows = [
        ("Images", usage.images),
        ("Build cache", usage.build_cache),
        ("Blobs", usage.blobs),
        ("Containers", usage.containers),
        ("Volumes", usage.volumes),
        ("Cache mounts", usage.cache_mounts),
        ("Build contexts", usage.contexts),
        ("Fetched sources", usage.sources),
        ("Logs", usage.logs),
        ("Unfinished", usage.unfinished),
    ];
    match format {
        TextOrJson::Json => output::json(&rows.map(|(kind, u)| {
            json!({
                "Type": kind,
                "TotalCount": u.count,
                "Active": u.active,
                "SizeBytes": u.size_bytes,
                "ReclaimableBytes": u.reclaimable_bytes,
            })
        }))?,
        TextOrJson::Text => {
            let mut table = Table::new(&["TYPE", "TOTAL", "ACTIVE", "SIZE", "RECLAIMABLE"]);
            for (kind, u) in rows {
                let counts = [u.count.to_string(), u.active.to_string()];
                let sizes = [units::size(u.size_bytes), units::size(u.reclaimable_bytes)];
                table.row([vec![kind.to_owned()], counts.to_vec(), sizes.to_vec()].concat());
            }
            output::data(&table.render())?;
        }
    }
    Ok(0)
}

/// Digits of a name that a person needs: `sha256:` and twelve.
const NAME_COLUMNS: usize = 19;

/// Frees space.
pub fn prune(args: PruneArgs, shell: &Shell) -> Outcome {
    let options = PruneOptions {
        keep_storage_bytes: args
            .keep_storage
            .as_deref()
            .map(|t| option(t, "--keep-storage", units::parse_size))
            .transpose()?,
        older_than: age(&args)?,
        all: args.all,
        keep_images: args.keep_images,
        dry_run: args.dry_run,
    };
    let store = Session::open_to_free(shell)?.store;
    if !args.dry_run {
        container::sweep(&store)?;
    }
    let report = store.freeing(|| store.prune(&options))?;
    match args.format {
        TextOrJson::Json => output::json(&json!({
            "Items": report.items.iter().map(|item| json!({
                "Kind": kind(item.kind),
                "Name": item.name,
                "SizeBytes": item.size_bytes,
                "Why": item.why,
            })).collect::<Vec<_>>(),
            "FreedBytes": report.freed_bytes,
            "DryRun": args.dry_run,
        }))?,
        TextOrJson::Text => {
            let mut table = Table::without_heads();
            for item in &report.items {
                let size = units::size(item.size_bytes);
                let name: String = item.name.chars().take(NAME_COLUMNS).collect();
                table.row(vec![kind(item.kind).to_owned(), name, size, item.why.to_owned()]);
            }
            output::data(&table.render())?;
            let verb = if args.dry_run { "Would free" } else { "Freed" };
            output::say(&format!("{verb} {}", units::size(report.freed_bytes)));
        }
    }
    Ok(0)
}

/// `--older-than AGE` or `--filter until=AGE`.
fn age(args: &PruneArgs) -> Result<Option<Duration>, Failure> {
    let text = match (&args.older_than, &args.filter) {
        (Some(text), _) => text,
        (None, None) => return Ok(None),
        (None, Some(filter)) => filter.strip_prefix("until=").ok_or_else(|| {
            Failure::usage(format!("--filter `{filter}` is not supported")).help("Write until=AGE")
        })?,
    };
    option(text, "--older-than", units::parse_duration).map(Some)
}

/// Reads an option's value with `parse`.
fn option<T>(text: &str, flag: &str, parse: fn(&str) -> Option<T>) -> Result<T, Failure> {
    parse(text).ok_or_else(|| {
        Failure::usage(format!("{flag} `{text}` cannot be read"))
            .help("Sizes look like 10g or 500m, ages like 24h or 7d")
    })
}

fn kind(kind: PruneKind) -> &'static str {
    match kind {
        PruneKind::Image => "image",
        PruneKind::Result => "result",
        PruneKind::Layer => "layer",
        PruneKind::Blob => "blob",
        PruneKind::Context => "context",
        PruneKind::Source => "source",
        PruneKind::CacheMount => "cache mount",
        PruneKind::Log => "log",
    }
}

/// Checks; with `--repair` an index that cannot be used is made anew first.
fn check(args: &FsckArgs, shell: &Shell) -> Result<(FsckReport, Option<RebuildReport>), Failure> {
    let options = FsckOptions { repair: args.repair, rehash: args.deep };
    // Only the store's own error says whether its index is at fault; the layers' owners need the user namespace.
    let (root, entered) = session::enter(shell);
    let mended = if args.repair { Store::mend_version(&root) } else { Ok(false) };
    let found = mended.and_then(|mended| {
        let mut report = Store::open(&root, OpenOptions::default())?.fsck(options)?;
        report.problems.extend(mended.then(|| FsckProblem {
            subject: "version".to_owned(),
            problem: "the file does not hold a number; it is written again".to_owned(),
            repaired: true,
        }));
        Ok(report)
    });
    match found {
        Err(StoreError::IndexDamaged { .. }) if args.repair => {
            entered?;
            let (store, rebuilt) = Store::rebuild(&root)?;
            container::hold_again(&store)?;
            Ok((store.fsck(options)?, Some(rebuilt)))
        }
        found => {
            if args.repair {
                container::sweep(&Store::open(&root, OpenOptions::default())?)?;
            }
            Ok((found?, None))
        }
    }
}

fn tell_rebuilt(rebuilt: &RebuildReport) -> Result<(), Failure> {
    for problem in &rebuilt.dropped {
        output::data(&format!("{}: {} (dropped)", problem.subject, problem.problem))?;
    }
    for (id, names) in &rebuilt.images {
        let names = if names.is_empty() { "its name is lost".to_owned() } else { names.join(", ") };
        output::data(&format!("image {id}: found again, {names}"))?;
    }
    output::say(&format!(
        "The index was damaged and is made anew from {} layers and {} blobs; the old one is `{}`",
        rebuilt.layers,
        rebuilt.blobs,
        rebuilt.aside.display()
    ));
    output::say("Results of build steps are made again; `buildc tag ID NAME` names an image");
    Ok(())
}

/// Checks the store; damage that stays is a failure.
pub fn fsck(args: FsckArgs, shell: &Shell) -> Outcome {
    let (report, rebuilt) = check(&args, shell)?;
    let left = report.problems.iter().filter(|p| !p.repaired).count();
    match args.format {
        TextOrJson::Json => output::json(&json!({
            "OldIndex": rebuilt.as_ref().map(|r| &r.aside),
            "Layers": report.layers,
            "Blobs": report.blobs,
            "Problems": rebuilt.iter().flat_map(|r| &r.dropped).chain(&report.problems).map(|p| json!({
                "Subject": p.subject,
                "Problem": p.problem,
                "Repaired": p.repaired,
            })).collect::<Vec<_>>(),
        }))?,
        TextOrJson::Text => {
            rebuilt.iter().try_for_each(tell_rebuilt)?;
            for problem in &report.problems {
                let repaired = if problem.repaired { " (dropped)" } else { "" };
                output::data(&format!("{}: {}{repaired}", problem.subject, problem.problem))?;
            }
            let found = report.problems.len();
            output::say(&format!(
                "{} layers and {} blobs checked, {found} {}",
                report.layers,
                report.blobs,
                if found == 1 { "problem" } else { "problems" }
            ));
        }
    }
    if left > 0 && !args.repair {
        output::say("`buildc fsck --repair` drops what is damaged; the next build or pull makes it again");
    }
    Ok(if left > 0 { Kind::Environment.exit_code() } else { 0 })
}
