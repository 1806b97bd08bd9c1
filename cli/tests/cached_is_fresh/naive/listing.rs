//! A tree as lines: kind, mode, owner, and content or target of everything in it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// All paths below a root, in order of names, directories before what is in them.
pub fn paths(root: &Path) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    below(root, Path::new(""), &mut paths);
    paths
}

fn below(root: &Path, at: &Path, paths: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(root.join(at)).expect("a directory");
    let mut names: Vec<PathBuf> =
        entries.map(|entry| at.join(entry.expect("an entry").file_name())).collect();
    names.sort();
    for path in names {
        let is_dir = fs::symlink_metadata(root.join(&path)).expect("it is there").is_dir();
        paths.push(path.clone());
        if is_dir {
            below(root, &path, paths);
        }
    }
}

/// A line for each path. Large files are told by their length and a sum.
pub fn lines(root: &Path) -> Vec<String> {
    let line = |path: PathBuf| {
        let full = root.join(&path);
        let meta = fs::symlink_metadata(&full).expect("it is there");
        let what = if meta.is_symlink() {
            format!("-> {}", fs::read_link(&full).expect("a link").display())
        } else if meta.is_file() {
            content(&fs::read(&full).expect("a file"))
        } else {
            String::new()
        };
        format!("{} {:o} {}:{} {what}", path.display(), meta.mode(), meta.uid(), meta.gid())
    };
    paths(root).into_iter().map(line).collect()
}

fn content(bytes: &[u8]) -> String {
    if bytes.len() < 1000 {
        return format!("{:?}", String::from_utf8_lossy(bytes));
    }
    let sum = bytes.iter().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)));
    format!("{} bytes {sum:x}", bytes.len())
}
