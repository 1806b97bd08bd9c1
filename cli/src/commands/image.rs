//! `images`, `tag`, `rmi`, `history`: the images in the store.

use std::collections::BTreeMap;

use buildc_ir::Reference;
use buildc_store::ImageRecord;
use serde_json::{Value, json};

use super::Shell;
use crate::document;
use crate::failure::{Failure, Outcome};
use crate::listing::{self, Filters, Layout, label_matches};
use crate::output;
use crate::report;
use crate::session::{self, Session, short_id};
use crate::{table, units};
const IMAGES_HELP: &str = "\
Examples:
  buildc images
  buildc images -q --filter dangling=true          ids of unnamed images
  buildc images --format '{{.Repository}}:{{.Tag}} {{.Size}}'";

// Options of `buildc images`.
#[derive(clap::Args, Debug)]
#[command(after_help = IMAGES_HELP)]
pub struct ImagesArgs {
    /// Show unnamed images too
    #[arg(short, long)]
    all: bool,
    /// Print only ids
    #[arg(short, long)]
    quiet: bool,
    /// Show manifest digests
    #[arg(long)]
    digests: bool,
    /// Do not shorten ids
    #[arg(long)]
    no_trunc: bool,
    /// Show only some: dangling, label, reference, before, since
    #[arg(short, long, value_name = "NAME=VALUE")]
    filter: Vec<String>,
    /// table, json, or a template such as '{{.ID}}'
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
    /// Show only this repository, or name with wildcards
    #[arg(value_name = "REPOSITORY[:TAG]")]
    name: Option<String>,
}

// Options of `buildc tag`.
#[derive(clap::Args, Debug)]
pub struct TagArgs {
    /// An image: name or id
    image: String,
    /// Its new name
    #[arg(required = true, value_name = "NAME[:TAG]")]
    names: Vec<String>,
}

// Options of `buildc rmi`.
#[derive(clap::Args, Debug)]
pub struct RmiArgs {
    /// Remove all names of an image given by id, and images that stopped containers use
    #[arg(short, long)]
    force: bool,
    /// Names or ids
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<String>,
}

// Options of `buildc history`.
#[derive(clap::Args, Debug)]
pub struct HistoryArgs {
    /// Do not shorten instructions
    #[arg(long)]
    no_trunc: bool,
    /// Print only ids
    #[arg(short, long)]
    quiet: bool,
    /// table, json, or a template such as '{{.CreatedBy}}'
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
    /// Name or id of an image [default: the builds]
    image: Option<String>,
}

const COLUMNS: [(&str, &str); 5] = [
    ("REPOSITORY", "Repository"),
    ("TAG", "Tag"),
    ("IMAGE ID", "ID"),
    ("CREATED", "CreatedSince"),
    ("SIZE", "Size"),
];
const COLUMNS_DIGESTS: [(&str, &str); 6] = [
    ("REPOSITORY", "Repository"),
    ("TAG", "Tag"),
    ("DIGEST", "Digest"),
    ("IMAGE ID", "ID"),
    ("CREATED", "CreatedSince"),
    ("SIZE", "Size"),
];

/// Lists images, newest first.
pub fn images(args: ImagesArgs, shell: &Shell) -> Outcome {
    let session = Session::open(shell)?;
    let filters = Filters::parse(&args.filter, &["dangling", "label", "reference", "before", "since"])?;
    let mut images = Vec::new();
    for record in session.store.images()? {
        // A damaged config hides neither its own image nor the others.
        let config = document::config(&session.store, &record).unwrap_or_default();
        images.push((document::created(&config, &record), record, config));
    }
    images.sort_by_key(|(created, ..)| std::cmp::Reverse(*created));
    // Another image's time, for `before` and `since`.
    let mut times = BTreeMap::new();
    for name in filters.values("before").chain(filters.values("since")) {
        let record = session.image(name)?;
        let config = document::config(&session.store, &record)?;
        times.insert(name.to_owned(), document::created(&config, &record));
    }
    let mut rows = Vec::new();
    for (created, record, config) in &images {
        let labels = &config["config"]["Labels"];
        for name in names(record) {
            let dangling = name.is_none();
            if dangling && !args.all && !filters.names("dangling") {
                continue;
            }
            let wanted = filters.pass(|filter, value| match filter {
                "dangling" => dangling == (value == "true" || value == "1"),
                "label" => label_matches(Some(labels), value),
                "before" => times.get(value).is_some_and(|time| created < time),
                "since" => times.get(value).is_some_and(|time| created > time),
                _ => name.as_ref().is_some_and(|n| name_matches(n, value)),
            });
            if wanted && args.name.as_ref().is_none_or(|w| name.as_ref().is_some_and(|n| name_matches(n, w)))
            {
                rows.push(row(record, name.as_ref(), *created, args.no_trunc));
            }
        }
    }
    if args.quiet {
        rows.dedup_by(|a, b| a["ID"] == b["ID"]);
    }
    let columns: &[_] = if args.digests { &COLUMNS_DIGESTS } else { &COLUMNS };
    listing::print(&rows, Layout { columns, id: "ID" }, args.format.as_deref(), args.quiet)?;
    Ok(0)
}

/// The tags of an image, or one `None`.
fn names(record: &ImageRecord) -> Vec<Option<Reference>> {
    let names: Vec<_> = record.tags.iter().map(|t| t.parse().ok()).filter(Option::is_some).collect();
    if names.is_empty() { vec![None] } else { names }
}

/// Whether a name is, or matches with wildcards, `REPOSITORY[:TAG]`.
fn name_matches(name: &Reference, wanted: &str) -> bool {
    let (repository, full) = (name.familiar_repository(), name.familiar());
    let exact = wanted
        .parse::<Reference>()
        .is_ok_and(|w| w.repository() == name.repository() && (!wanted.contains(':') || w.tag == name.tag));
    exact
        || buildc_ir::pattern::Glob::new(wanted)
            .is_ok_and(|g| g.matches(repository.as_bytes()) || g.matches(full.as_bytes()))
}

fn row(record: &ImageRecord, name: Option<&Reference>, created: i64, full: bool) -> Value {
    let none = || "<none>".to_owned();
    json!({
        "Repository": name.map_or_else(none, Reference::familiar_repository),
        "Tag": name.and_then(|n| n.tag.clone()).unwrap_or_else(none),
        "ID": if full { record.id.to_string() } else { short_id(&record.id) },
        "Digest": record.manifest.to_string(),
        "CreatedSince": units::ago(created),
        "CreatedAt": units::rfc3339(created),
        "Size": units::size(document::size(record)),
    })
}

/// Names an image.
pub fn tag(args: TagArgs, shell: &Shell) -> Outcome {
    let session = Session::open(shell)?;
    let image = session.image(&args.image)?;
    let names = args.names.iter().map(|n| session::new_name(n)).collect::<Result<Vec<_>, _>>()?;
    for name in names {
        session.store.tag(&name.to_string(), &image.id)?;
    }
    Ok(0)
}

/// Removes names, and images with their last one; goes on after a failure.
pub fn rmi(args: RmiArgs, shell: &Shell) -> Outcome {
    let session = Session::open(shell)?;
    let mut code = 0;
    for name in &args.images {
        if let Err(failure) = remove(&session, name, args.force) {
            report::failure(&failure, shell.streams);
            code = failure.exit_code();
        }
    }
    Ok(code)
}

fn remove(session: &Session, name: &str, force: bool) -> Result<(), Failure> {
    let image = session.image(name)?;
    let tag = name.parse::<Reference>().ok().map(|r| r.to_string()).filter(|t| image.tags.contains(t));
    if tag.is_none() && image.tags.len() > 1 && !force {
        let tags = image.tags.join(", ");
        return Err(Failure::new(
            "image::several_names",
            format!("Image `{name}` has several names: {tags}"),
        )
        .help("Remove the names one by one, or use `buildc rmi -f`"));
    }
    let going: Vec<&String> = match &tag {
        Some(tag) => vec![tag],
        None => image.tags.iter().collect(),
    };
    let last = going.len() == image.tags.len();
    if last {
        // First, so that an image a container needs keeps its name when this is refused.
        session.store.freeing(|| session.store.remove_image(&image.id))?;
    }
    for tag in going {
        session.store.freeing(|| session.store.untag(tag))?;
        output::data(&format!("Untagged: {}", familiar(tag)))?;
    }
    if last {
        output::data(&format!("Deleted: {}", image.id))?;
    }
    Ok(())
}

fn familiar(name: &str) -> String {
    name.parse::<Reference>().map_or_else(|_| name.to_owned(), |r| r.familiar())
}

/// Prints an image's history, newest entry first, or lists the builds.
pub fn history(args: HistoryArgs, shell: &Shell) -> Outcome {
    let Some(name) = &args.image else {
        return super::why::list(args.format.as_deref(), args.quiet, shell);
    };
    let session = Session::open(shell)?;
    let image = session.image(name)?;
    let entries = document::history(&session.store, &image)?;
    let rows: Vec<Value> = entries
        .into_iter()
        .rev()
        .enumerate()
        .map(|(n, entry)| {
            let id = match n {
                0 if args.no_trunc => image.id.to_string(),
                0 => short_id(&image.id),
                _ => "<missing>".to_owned(),
            };
            let by = entry.created_by.replace(['\n', '\t'], " ");
            json!({
                "ID": id,
                "CreatedAt": entry.created,
                "CreatedSince": entry.since,
                "CreatedBy": if args.no_trunc { by } else { table::cut(&by, 45) },
                "Size": units::size(entry.size),
                "Comment": entry.comment,
            })
        })
        .collect();
    let columns = [
        ("IMAGE", "ID"),
        ("CREATED", "CreatedSince"),
        ("CREATED BY", "CreatedBy"),
        ("SIZE", "Size"),
        ("COMMENT", "Comment"),
    ];
    listing::print(&rows, Layout { columns: &columns, id: "ID" }, args.format.as_deref(), args.quiet)?;
    Ok(0)
}
