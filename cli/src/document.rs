//! Images as documents: what `inspect` and `history` show, in Docker's shape.

use buildc_store::{ImageRecord, Store};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::session::short_id;
use crate::units;

/// A config is a small document; a bigger one is no config.
const CONFIG_LIMIT_BYTES: u64 = 8 << 20;

/// The config of an image, as JSON.
pub fn config(store: &Store, image: &ImageRecord) -> Result<Value, Failure> {
    let bytes = store.read_blob(&image.id, CONFIG_LIMIT_BYTES)?;
    serde_json::from_slice(&bytes).map_err(|e| {
        Failure::new(
            "image::bad_config",
            format!("The config of image `{}` is not JSON: {e}", short_id(&image.id)),
        )
        .help("`buildc fsck` finds and removes damaged images; pull or build it again")
    })
}

/// When an image was made, in Unix seconds: its config says so, or else when it came into the store.
pub fn created(config: &Value, image: &ImageRecord) -> i64 {
    config["created"].as_str().map_or(image.created, units::rfc3339_seconds)
}

/// Bytes of all files of all layers.
pub fn size(image: &ImageRecord) -> u64 {
    image.layers.iter().map(|l| l.size_bytes).sum()
}

/// What `inspect` shows of an image.
pub fn image(store: &Store, image: &ImageRecord) -> Result<Value, Failure> {
    let config = config(store, image)?;
    let text = |name: &str| config.get(name).cloned().unwrap_or_else(|| "".into());
    let names: Vec<String> = image
        .tags
        .iter()
        .map(|t| t.parse::<buildc_ir::Reference>().map_or_else(|_| t.clone(), |r| r.familiar()))
        .collect();
    let layers: Vec<String> = image.layers.iter().map(|l| l.diff_id.to_string()).collect();
    Ok(json!({
        "Id": image.id.to_string(),
        "RepoTags": names,
        "RepoDigests": image.repo_digests,
        "Digest": image.manifest.to_string(),
        "Created": config.get("created").cloned().unwrap_or_else(|| units::rfc3339(image.created).into()),
        "Author": text("author"),
        "Architecture": text("architecture"),
        "Variant": text("variant"),
        "Os": text("os"),
        "Size": size(image),
        "Config": config.get("config").cloned().unwrap_or_else(|| json!({})),
        "RootFS": { "Type": "layers", "Layers": layers },
        "History": config.get("history").cloned().unwrap_or_else(|| json!([])),
    }))
}

/// One line of `buildc history`.
#[derive(Debug)]
pub struct HistoryEntry {
    /// RFC 3339 time, as the config has it.
    pub created: String,
    /// How long ago.
    pub since: String,
    /// The instruction.
    pub created_by: String,
    /// Bytes of its layer's files.
    pub size: u64,
    /// False where it only changed the config.
    pub has_layer: bool,
    /// Free text.
    pub comment: String,
}

/// The history of an image, oldest entry first.
pub fn history(store: &Store, image: &ImageRecord) -> Result<Vec<HistoryEntry>, Failure> {
    let config = config(store, image)?;
    let mut layers = image.layers.iter();
    let empty = Vec::new();
    let entries = config.get("history").and_then(Value::as_array).unwrap_or(&empty);
    let text =
        |entry: &Value, name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(entries
        .iter()
        .map(|entry| {
            let has_layer = entry.get("empty_layer").and_then(Value::as_bool) != Some(true);
            let layer = if has_layer { layers.next() } else { None };
            let created = text(entry, "created");
            HistoryEntry {
                since: units::ago(units::rfc3339_seconds(&created)),
                created,
                created_by: text(entry, "created_by"),
                size: layer.map_or(0, |l| l.size_bytes),
                has_layer,
                comment: text(entry, "comment"),
            }
        })
        .collect())
}
