//! Comparing two builds of the same source, down to the file and the bytes.
//!
//! Owns: what is different between two images. Never does: building them.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use buildc_store::{Difference, EntryKind, ImageRecord, Layer, Store, StoreError, TreeView};
use serde::Serialize;

use crate::resolve::MAX_CONFIG_BYTES;

/// How much of two files is compared at once.
const BUFFER_BYTES: usize = 1 << 16;

/// Something that two builds did not make alike.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Mismatch {
    /// Number of the layer, from 0; none for the image's config.
    pub layer: Option<usize>,
    /// Absolute path, or what of the image it is.
    pub path: String,
    /// What is different: `only-first`, `only-second`, `content`, `attributes`, `time` or `value`.
    pub what: &'static str,
    /// In both builds: a size, a mode, a time or a value.
    pub values: [String; 2],
    /// For contents of equal or different size: where the first byte differs.
    pub first_byte: Option<u64>,
    /// How many bytes differ, those beyond the shorter file included.
    pub bytes: Option<u64>,
}

/// What is different between two images. Times count only where they are clamped, `times`: else no two builds have
/// the same.
///
/// # Errors
/// When the store fails.
pub fn compare(
    store: &Store,
    first: &ImageRecord,
    second: &ImageRecord,
    times: bool,
) -> Result<Vec<Mismatch>, StoreError> {
    let mut found = Vec::new();
    if first.layers.len() != second.layers.len() {
        let values = [first, second].map(|image| format!("{} layers", image.layers.len()));
        found.push(of_image("layers", values));
    }
    for (number, (a, b)) in first.layers.iter().zip(&second.layers).enumerate() {
        let equal = if times { a.diff_id == b.diff_id } else { a.content == b.content };
        if !equal {
            layer(store, number, a, b, times, &mut found)?;
        }
    }
    configs(store, first, second, times, &mut found)?;
    Ok(found)
}

fn of_image(path: &str, values: [String; 2]) -> Mismatch {
    Mismatch { layer: None, path: path.to_owned(), what: "value", values, first_byte: None, bytes: None }
}

fn layer(
    store: &Store,
    number: usize,
    a: &Layer,
    b: &Layer,
    times: bool,
    found: &mut Vec<Mismatch>,
) -> Result<(), StoreError> {
    let before = found.len();
    let views =
        [TreeView::new(store, std::slice::from_ref(a))?, TreeView::new(store, std::slice::from_ref(b))?];
    for difference in views[0].difference(&views[1])? {
        found.push(one(&views, number, &difference)?);
    }
    if times {
        for entry in views[0].walk(b"")?.into_iter().map(|found| found.entry) {
            let other = views[1].get(&entry.path)?.map(|found| found.entry.mtime);
            if other.is_some_and(|other| other != entry.mtime) {
                let time = |(seconds, nanos): (i64, u32)| format!("{seconds}.{nanos:09}");
                let values = [time(entry.mtime), other.map(time).unwrap_or_default()];
                found.push(at(number, &entry.path, "time", values));
            }
        }
    }
    if found.len() == before {
        // What a merged view does not show: whiteouts, opaque directories, hard links.
        let values = [a.content.to_string(), b.content.to_string()];
        found.push(at(number, b"", "attributes", values));
    }
    Ok(())
}

fn at(number: usize, path: &[u8], what: &'static str, values: [String; 2]) -> Mismatch {
    let path = format!("/{}", String::from_utf8_lossy(path));
    Mismatch { layer: Some(number), path, what, values, first_byte: None, bytes: None }
}

/// One path that differs in more than its time.
fn one(views: &[TreeView; 2], number: usize, difference: &Difference) -> Result<Mismatch, StoreError> {
    let path = &difference.path;
    let (Some(a), Some(b)) = (&difference.before, &difference.after) else {
        let what = if difference.after.is_none() { "only-first" } else { "only-second" };
        return Ok(at(number, path, what, Default::default()));
    };
    let describe = |entry: &buildc_store::Entry| match &entry.kind {
        EntryKind::Symlink { target } => format!("link to {}", String::from_utf8_lossy(target)),
        EntryKind::File { size, .. } => {
            format!("{size} bytes, mode {:o}, {}:{}", entry.mode, entry.uid, entry.gid)
        }
        _ => format!("mode {:o}, {}:{}", entry.mode, entry.uid, entry.gid),
    };
    let mut mismatch = at(number, path, "attributes", [describe(a), describe(b)]);
    if let (EntryKind::File { hash: x, .. }, EntryKind::File { hash: y, .. }) = (&a.kind, &b.kind)
        && x != y
    {
        mismatch.what = "content";
        if let (Some(x), Some(y)) = (views[0].get(path)?, views[1].get(path)?) {
            let compared = bytes(&x.disk_path, &y.disk_path).map_err(|source| StoreError::Io {
                action: "compare",
                path: x.disk_path.clone(),
                source,
            })?;
            (mismatch.first_byte, mismatch.bytes) = (compared.0, Some(compared.1));
        }
    }
    Ok(mismatch)
}

/// Where the first byte differs, and how many do.
fn bytes(a: &Path, b: &Path) -> io::Result<(Option<u64>, u64)> {
    let open = |path| File::open(path).map(|file| BufReader::with_capacity(BUFFER_BYTES, file));
    let (mut a, mut b) = (open(a)?.bytes(), open(b)?.bytes());
    let (mut first, mut count) = (None, 0);
    for at in 0_u64.. {
        match (a.next().transpose()?, b.next().transpose()?) {
            (None, None) => break,
            (x, y) if x != y => {
                first = first.or(Some(at));
                count += 1;
            }
            _ => {}
        }
    }
    Ok((first, count))
}

/// Configs without what follows from the layers, and without times where those do not count.
fn configs(
    store: &Store,
    first: &ImageRecord,
    second: &ImageRecord,
    times: bool,
    found: &mut Vec<Mismatch>,
) -> Result<(), StoreError> {
    let config = |image: &ImageRecord| -> Result<serde_json::Value, StoreError> {
        let bytes = store.read_blob(&image.id, MAX_CONFIG_BYTES)?;
        // A config that was assembled here is JSON.
        let mut config: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
        if let Some(fields) = config.as_object_mut() {
            fields.remove("rootfs");
            if !times {
                fields.remove("created");
                let history = fields.get_mut("history").and_then(|history| history.as_array_mut());
                for entry in history.into_iter().flatten().filter_map(|entry| entry.as_object_mut()) {
                    entry.remove("created");
                }
            }
        }
        Ok(config)
    };
    let (a, b) = (config(first)?, config(second)?);
    let names: std::collections::BTreeSet<&String> = [&a, &b]
        .into_iter()
        .filter_map(|config| config.as_object())
        .flat_map(|config| config.keys())
        .collect();
    for name in names.into_iter().filter(|name| a.get(*name) != b.get(*name)) {
        let text = |config: &serde_json::Value| config.get(name).map(ToString::to_string).unwrap_or_default();
        found.push(of_image(&format!("config.{name}"), [text(&a), text(&b)]));
    }
    Ok(())
}
