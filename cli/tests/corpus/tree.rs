//! The text form in which trees and configs are compared.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use serde_json::Value;

/// The fields of a config that both builders write, one a line, in a fixed order.
pub fn config(config: &Value) -> String {
    let fields = [
        "User",
        "ExposedPorts",
        "Env",
        "Entrypoint",
        "Cmd",
        "Volumes",
        "WorkingDir",
        "Labels",
        "StopSignal",
        "OnBuild",
        "Shell",
        "Healthcheck",
    ];
    let mut out = String::new();
    for field in fields {
        let mut value = config[field].clone();
        if let Some(labels) = value.as_object_mut().filter(|_| field == "Labels") {
            labels.retain(|name, _| name != "io.buildah.version");
        }
        let empty = match &value {
            Value::Null => true,
            Value::String(s) => s.is_empty(),
            Value::Array(a) => a.is_empty(),
            Value::Object(o) => o.is_empty(),
            _ => false,
        };
        if !empty {
            out.push_str(&format!("{field} {value}\n"));
        }
    }
    out
}

/// The history of an image, one entry a line, `-` before those that made no layer.
pub fn history(entries: &Value) -> String {
    let line = |entry: &Value| {
        let mark = if entry["empty_layer"] == true { "-" } else { "+" };
        format!("{HISTORY}{mark} {}\n", entry["created_by"])
    };
    entries.as_array().into_iter().flatten().map(line).collect()
}

/// What a line of history starts with.
pub const HISTORY: &str = "History ";

/// Every path of a tree with type, mode, owner and content; what the base image and the runtime bring is left out.
pub fn listing(root: &Path) -> Result<String, String> {
    let mut lines = Vec::new();
    walk(root, root, &mut lines).map_err(|e| e.to_string())?;
    lines.sort();
    Ok(lines.concat())
}

/// Directories that the base has or that buildah leaves behind as mount points.
const IGNORED: [&str; 13] = [
    "bin",
    "sbin",
    "usr",
    "proc",
    "sys",
    "dev",
    "run",
    "etc/passwd",
    "etc/group",
    "etc/hosts",
    "etc/hostname",
    "etc/resolv.conf",
    "root",
];

fn walk(root: &Path, dir: &Path, lines: &mut Vec<String>) -> std::io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
        if IGNORED.contains(&name.as_str()) {
            continue;
        }
        let meta = fs::symlink_metadata(&path)?;
        let kind = meta.file_type();
        let what = if kind.is_dir() {
            walk(root, &path, lines)?;
            "dir".to_owned()
        } else if kind.is_symlink() {
            format!("-> {}", fs::read_link(&path)?.display())
        } else if kind.is_file() {
            let text = fs::read(&path)?;
            format!("file links={} {:?}", meta.nlink(), String::from_utf8_lossy(&text[..text.len().min(200)]))
        } else if kind.is_fifo() {
            "fifo".to_owned()
        } else {
            format!("device {}", meta.rdev())
        };
        let mode = if kind.is_symlink() { 0o777 } else { meta.mode() & 0o7777 };
        lines.push(format!("/{name} {mode:04o} {}:{} {what}\n", meta.uid(), meta.gid()));
    }
    Ok(())
}
