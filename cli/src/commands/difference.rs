//! `buildc diff` and `buildc size`: two images compared path by path and layer by layer; where an image's bytes are.

use buildc_store::{Difference, Entry, EntryKind, ImageRecord, Layer, Share, TreeView};
use clap::ValueEnum;
use serde_json::{Value, json};

use super::Shell;
use crate::args::TextOrJson;
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use crate::table::{self, Table};
use crate::{document, output, units};

const DIFF_HELP: &str = "\
Examples:
  buildc diff app:1 app:2              paths: + added, - removed, ~ changed and how
  buildc diff --layers app:1 app:2     layers: = in both, - only in the first, + only in the second

The exit code is 0 whether they differ or not; with --exit-code it is 1 where they do.";

const SIZE_HELP: &str = "\
Examples:
  buildc size app                     per instruction: its layer, and what later layers hide of it
  buildc size --by path --depth 3 app directories, the biggest first";

// Options of `buildc diff`.
#[derive(clap::Args, Debug)]
#[command(after_help = DIFF_HELP)]
pub struct DiffArgs {
    /// Compare layers instead of paths
    #[arg(long)]
    layers: bool,
    /// Exit with 1 where the images differ
    #[arg(long)]
    exit_code: bool,
    /// text or json
    #[arg(long, value_enum, default_value = "text", hide_possible_values = true)]
    format: TextOrJson,
    /// Name or id
    #[arg(value_name = "IMAGE")]
    before: String,
    /// Name or id
    #[arg(value_name = "IMAGE")]
    after: String,
}

// Options of `buildc size`.
#[derive(clap::Args, Debug)]
#[command(after_help = SIZE_HELP)]
pub struct SizeArgs {
    /// layer (with its instruction) or path
    #[arg(long, value_enum, default_value = "layer", hide_possible_values = true)]
    by: By,
    /// How many components of paths are told apart
    #[arg(long, value_name = "N", default_value_t = 2)]
    depth: usize,
    /// text or json
    #[arg(long, value_enum, default_value = "text", hide_possible_values = true)]
    format: TextOrJson,
    /// Name or id
    image: String,
}

/// What sizes are given for.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum By {
    /// Layers and the instructions that made them.
    #[value(alias = "instruction")]
    Layer,
    /// Directories and files.
    Path,
}

/// Compares two images.
pub fn diff(args: DiffArgs, shell: &Shell) -> Outcome {
    let mut session = Session::open(shell)?;
    session.hold()?;
    let (before, after) = (session.image(&args.before)?, session.image(&args.after)?);
    let rows = if args.layers {
        layer_rows(&session, &before, &after)?
    } else {
        let view = |image: &ImageRecord| TreeView::new(&session.store, &image.layers);
        view(&before)?.difference(&view(&after)?)?.iter().map(path_row).collect()
    };
    match args.format {
        TextOrJson::Json => output::json(&rows)?,
        TextOrJson::Text => output::data(&rows.iter().map(line).collect::<String>())?,
    }
    let differ = rows.iter().any(|row| row["is"] != "=");
    Ok(u8::from(args.exit_code && differ))
}

/// One path that differs.
fn path_row(difference: &Difference) -> Value {
    let is = match (&difference.before, &difference.after) {
        (None, _) => "+",
        (Some(_), None) => "-",
        (Some(_), Some(_)) => "~",
    };
    let size = |entry: &Option<Entry>| entry.as_ref().map(Entry::size_bytes);
    json!({
        "is": is,
        "path": format!("/{}", String::from_utf8_lossy(&difference.path)),
        "size_before": size(&difference.before),
        "size_after": size(&difference.after),
        "changes": changes(difference),
    })
}

/// What of a path changed, in words.
fn changes(difference: &Difference) -> Vec<String> {
    let (Some(a), Some(b)) = (&difference.before, &difference.after) else { return Vec::new() };
    let mut changes = Vec::new();
    match (&a.kind, &b.kind) {
        (EntryKind::Dir { .. }, EntryKind::Dir { .. }) => {}
        (EntryKind::File { hash: x, size: before }, EntryKind::File { hash: y, size: after }) if x != y => {
            changes.push(format!("content {} to {}", units::size(*before), units::size(*after)));
        }
        (EntryKind::Symlink { target: x }, EntryKind::Symlink { target: y }) if x != y => {
            let (x, y) = (String::from_utf8_lossy(x), String::from_utf8_lossy(y));
            changes.push(format!("link to `{x}` to `{y}`"));
        }
        (x, y) if x != y => changes.push(format!("{} to {}", word(x), word(y))),
        _ => {}
    }
    if a.mode != b.mode {
        changes.push(format!("mode {:o} to {:o}", a.mode, b.mode));
    }
    if (a.uid, a.gid) != (b.uid, b.gid) {
        changes.push(format!("owner {}:{} to {}:{}", a.uid, a.gid, b.uid, b.gid));
    }
    if a.xattrs != b.xattrs {
        changes.push("extended attributes".to_owned());
    }
    changes
}

fn word(kind: &EntryKind) -> &'static str {
    match kind {
        EntryKind::Dir { .. } => "directory",
        EntryKind::File { .. } | EntryKind::Hardlink { .. } => "file",
        EntryKind::Symlink { .. } => "symbolic link",
        EntryKind::CharDevice { .. } | EntryKind::BlockDevice { .. } => "device",
        EntryKind::Fifo => "named pipe",
        EntryKind::Whiteout => "nothing",
    }
}

/// The layers of both, in order: those of the first, then what the second has beyond.
fn layer_rows(session: &Session, before: &ImageRecord, after: &ImageRecord) -> Result<Vec<Value>, Failure> {
    let row = |is: &str, layer: &Layer, by: &str| json!({ "is": is, "path": layer.diff_id.to_string(), "size_after": layer.size_bytes, "instruction": by });
    let has = |image: &ImageRecord, layer: &Layer| image.layers.iter().any(|l| l.diff_id == layer.diff_id);
    let (old, new) = (instructions(session, before)?, instructions(session, after)?);
    let mut rows = Vec::new();
    for (layer, by) in before.layers.iter().zip(&old) {
        rows.push(row(if has(after, layer) { "=" } else { "-" }, layer, by));
    }
    for (layer, by) in after.layers.iter().zip(&new).filter(|(layer, _)| !has(before, layer)) {
        rows.push(row("+", layer, by));
    }
    Ok(rows)
}

fn line(row: &Value) -> String {
    let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let changes: Vec<&str> =
        row["changes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let size = row["size_after"].as_u64().or(row["size_before"].as_u64()).map(units::size);
    let more = match (changes.as_slice(), row["instruction"].as_str()) {
        ([], None) => size.filter(|size| size != "0B").map(|size| format!("  {size}")).unwrap_or_default(),
        ([], Some(by)) => format!("  {}  {}", size.unwrap_or_default(), table::cut(by, 80)),
        (changes, _) => format!("  {}", changes.join(", ")),
    };
    let line = format!("{} {}{more}", text("is"), text("path"));
    line.chars().map(|c| if c.is_control() { ' ' } else { c }).chain(['\n']).collect()
}

/// The instruction of each layer.
fn instructions(session: &Session, image: &ImageRecord) -> Result<Vec<String>, Failure> {
    let history = document::history(&session.store, image)?;
    let mut texts: Vec<String> =
        history.into_iter().filter(|entry| entry.has_layer).map(|entry| entry.created_by).collect();
    texts.resize(image.layers.len(), String::new());
    Ok(texts)
}

/// Says where an image's bytes are.
pub fn size(args: SizeArgs, shell: &Shell) -> Outcome {
    let mut session = Session::open(shell)?;
    session.hold()?;
    let image = session.image(&args.image)?;
    let sizes = TreeView::new(&session.store, &image.layers)?.sizes(args.depth)?;
    let rows: Vec<Value> = match args.by {
        By::Layer => {
            let by = instructions(&session, &image)?;
            let row = |(layer, by): (&Layer, String)| {
                let seen = sizes.layers.get(&layer.id).copied().unwrap_or_default();
                json!({
                    "layer": layer.diff_id.to_string(),
                    "instruction": by,
                    "bytes": layer.size_bytes,
                    "files": seen.files,
                    "hidden_bytes": layer.size_bytes.saturating_sub(seen.bytes),
                })
            };
            image.layers.iter().zip(by).map(row).collect()
        }
        By::Path => {
            let mut paths: Vec<(&Vec<u8>, &Share)> = sizes.paths.iter().collect();
            paths.sort_by(|a, b| b.1.bytes.cmp(&a.1.bytes).then(a.0.cmp(b.0)));
            let path = |path: &[u8]| format!("/{}", String::from_utf8_lossy(path));
            let row = |(at, share): (&Vec<u8>, &Share)| json!({ "path": path(at), "bytes": share.bytes, "files": share.files });
            paths.into_iter().map(row).collect()
        }
    };
    match args.format {
        TextOrJson::Json => output::json(&rows)?,
        TextOrJson::Text => output::data(&sizes_table(&rows, args.by))?,
    }
    Ok(0)
}

fn sizes_table(rows: &[Value], by: By) -> String {
    let bytes = |row: &Value, name: &str| units::size(row[name].as_u64().unwrap_or(0));
    let text = |row: &Value, name: &str| {
        row[name].as_str().unwrap_or_default().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
    };
    let mut table = match by {
        By::Layer => Table::new(&["SIZE", "HIDDEN", "LAYER", "INSTRUCTION"]),
        By::Path => Table::new(&["SIZE", "FILES", "PATH"]),
    };
    for row in rows {
        table.row(match by {
            By::Layer => {
                let layer: String = text(row, "layer");
                let short = layer.chars().skip("sha256:".len()).take(12).collect();
                let instruction: String = text(row, "instruction");
                vec![bytes(row, "bytes"), bytes(row, "hidden_bytes"), short, table::cut(&instruction, 80)]
            }
            By::Path => vec![bytes(row, "bytes"), row["files"].to_string(), text(row, "path")],
        });
    }
    table.render()
}
