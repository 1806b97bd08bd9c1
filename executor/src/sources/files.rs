//! The entries of a git tree, and writing them to a directory that none of them can leave.
//!
//! A tree may be malformed on purpose: names that lead out are refused, and links are made after everything else, so that
//! nothing is written through them.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Stdio};

use super::{Result, SourceError, failed};
use crate::context::git::git;

/// A longer link target is none, in bytes.
const MOST_LINK_BYTES: u64 = 4096;

/// What an entry is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    File { executable: bool },
    Link,
    Submodule,
}

/// An entry of a tree.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) path: Vec<u8>,
    pub(super) kind: Kind,
    /// Name of the blob, or of a submodule's commit.
    pub(super) object: String,
}

impl Entry {
    pub(super) fn name(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.path))
    }
}

/// Reads what `git ls-tree -r -z` prints: `MODE TYPE OBJECT<tab>PATH`.
pub(super) fn listed(text: &[u8]) -> Result<Vec<Entry>> {
    lines(text, |words| Some((*words.first()?, *words.get(2)?)))
}

/// Reads what `git ls-files -z --stage` prints: `MODE OBJECT STAGE<tab>PATH`. Of a file with a conflict there are several.
pub(super) fn staged(text: &[u8]) -> Result<Vec<Entry>> {
    let mut entries = lines(text, |words| Some((*words.first()?, *words.get(1)?)))?;
    entries.dedup_by(|a, b| a.path == b.path);
    Ok(entries)
}

fn lines<'t>(
    text: &'t [u8],
    choose: impl Fn(&[&'t str]) -> Option<(&'t str, &'t str)>,
) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for line in text.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
        let entry = read_line(line, &choose).ok_or_else(|| {
            SourceError::Git(format!("git lists an unknown entry: {}", String::from_utf8_lossy(line)))
        })?;
        if entry.path.split(|byte| *byte == b'/').any(|part| matches!(part, b"" | b"." | b".." | b".git")) {
            let shown = String::from_utf8_lossy(&entry.path);
            return Err(SourceError::Git(format!("the name '{shown}' in a git tree is refused")));
        }
        entries.push(entry);
    }
    Ok(entries)
}

fn read_line<'t>(line: &'t [u8], choose: impl Fn(&[&'t str]) -> Option<(&'t str, &'t str)>) -> Option<Entry> {
    let tab = line.iter().position(|byte| *byte == b'\t')?;
    let words: Vec<&str> = std::str::from_utf8(&line[..tab]).ok()?.split_ascii_whitespace().collect();
    let (mode, object) = choose(&words)?;
    let kind = match mode {
        "100755" => Kind::File { executable: true },
        "120000" => Kind::Link,
        "160000" => Kind::Submodule,
        mode if mode.starts_with("100") => Kind::File { executable: false },
        _ => return None,
    };
    Some(Entry { path: line[tab + 1..].to_vec(), kind, object: object.to_owned() })
}

/// Writes the entries of a commit to an empty directory, files and links as they are in the repository; a submodule is an
/// empty directory.
pub(super) fn write(repository: &Path, entries: &[Entry], to: &Path) -> Result<()> {
    let wrong = |error: io::Error| SourceError::Git(format!("git cat-file: {error}"));
    let mut child = git(repository, &["cat-file", "--batch"])
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(wrong)?;
    let (pipe, output) = (child.stdin.take(), child.stdout.take());
    let (Some(mut pipe), Some(output)) = (pipe, output) else {
        return Err(SourceError::Git("git cat-file has no pipes".to_owned()));
    };
    let wanted: String = blobs(entries).map(|entry| format!("{}\n", entry.object)).collect();
    let written = std::thread::scope(|scope| {
        scope.spawn(move || {
            // When it ends early, the answers tell.
            let _ = pipe.write_all(wanted.as_bytes());
        });
        let written = write_all(entries, to, BufReader::new(output));
        if written.is_err() {
            // So that the writer is not left with a full pipe.
            let _ = child.kill();
        }
        written
    });
    // How it ends says nothing that its answers did not.
    let _ = child.wait();
    written
}

fn blobs(entries: &[Entry]) -> impl Iterator<Item = &Entry> {
    entries.iter().filter(|entry| entry.kind != Kind::Submodule)
}

fn write_all(entries: &[Entry], to: &Path, mut answers: BufReader<ChildStdout>) -> Result<()> {
    let mut links: Vec<(PathBuf, Vec<u8>)> = Vec::new();
    for entry in entries.iter().filter(|entry| entry.kind == Kind::Submodule) {
        let path = to.join(entry.name());
        fs::create_dir_all(&path).map_err(failed("creating", &path))?;
    }
    for entry in blobs(entries) {
        let path = to.join(entry.name());
        let wrong = failed("writing", &path);
        let length = answer(&mut answers, entry)?;
        let mut content = (&mut answers).take(length);
        if entry.kind == Kind::Link {
            let mut target = Vec::new();
            (&mut content).take(MOST_LINK_BYTES).read_to_end(&mut target).map_err(&wrong)?;
            links.push((path.clone(), target));
        } else {
            let mut file = create(&path, entry.kind)?;
            io::copy(&mut content, &mut file).map_err(&wrong)?;
        }
        let rest = content.limit();
        if rest > 0 {
            return Err(SourceError::Git(format!("git cat-file ends within '{}'", entry.name().display())));
        }
        answers.read_exact(&mut [0]).map_err(&wrong)?;
    }
    make_links(&links)
}

/// Reads the head of an answer, `OBJECT blob LENGTH`, and gives the length.
fn answer(answers: &mut BufReader<ChildStdout>, entry: &Entry) -> Result<u64> {
    let mut line = String::new();
    let read = answers.take(MOST_LINK_BYTES).read_line(&mut line);
    let length = read.ok().and_then(|_| line.split_ascii_whitespace().nth(2)?.parse().ok());
    length.ok_or_else(|| {
        SourceError::Git(format!("git cannot give '{}': {}", entry.name().display(), line.trim()))
    })
}

/// Copies the entries from a working tree; what is not there is left out, and so is what is there only behind a link, which git
/// does not follow either. Of a submodule that is a directory there is nothing.
pub(super) fn copy(from: &Path, entries: &[Entry], to: &Path) -> Result<()> {
    let mut links = Vec::new();
    let mut looked_at: Option<(&Path, bool)> = None;
    for entry in entries {
        let (source, path) = (from.join(entry.name()), to.join(entry.name()));
        let parent = entry.name().parent().unwrap_or(Path::new(""));
        // Entries of one directory follow each other.
        let known = looked_at.filter(|(known, _)| *known == parent);
        let (_, is_behind_link) =
            *looked_at.insert(known.unwrap_or_else(|| (parent, has_link(from, parent))));
        if is_behind_link {
            continue;
        }
        let Ok(metadata) = source.symlink_metadata() else { continue };
        if metadata.is_symlink() {
            let target = fs::read_link(&source).map_err(failed("reading symbolic link", &source))?;
            links.push((path, target.as_os_str().as_bytes().to_vec()));
        } else if metadata.is_file() {
            let executable = metadata.permissions().mode() & 0o100 != 0;
            let mut content = File::open(&source).map_err(failed("opening file", &source))?;
            let mut file = create(&path, Kind::File { executable })?;
            io::copy(&mut content, &mut file).map_err(failed("copying", &source))?;
        }
    }
    make_links(&links)
}

/// Whether a directory is a link, or one above it, up to `from`.
fn has_link(from: &Path, directory: &Path) -> bool {
    directory.ancestors().any(|above| !above.as_os_str().is_empty() && from.join(above).is_symlink())
}

fn create(path: &Path, kind: Kind) -> Result<File> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed("creating", parent))?;
    }
    let mode = if kind == (Kind::File { executable: true }) { 0o755 } else { 0o644 };
    let mut options = File::options();
    options.write(true).create_new(true).mode(mode).open(path).map_err(failed("creating", path))
}

fn make_links(links: &[(PathBuf, Vec<u8>)]) -> Result<()> {
    for (path, target) in links {
        let parent = path.parent().unwrap_or(path);
        fs::create_dir_all(parent).map_err(failed("creating", parent))?;
        symlink(OsStr::from_bytes(target), path).map_err(failed("creating", path))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_out_are_refused() {
        for name in ["../x", "a/../../x", "/etc/passwd", "a//b", ".git/config", "."] {
            let line = format!("100644 blob 0123\t{name}\0");
            assert!(listed(line.as_bytes()).is_err(), "{name}");
        }
        let entries = listed(b"100755 blob 0123\ta/b c\n\0").unwrap();
        assert_eq!((entries[0].path.as_slice(), entries[0].object.as_str()), (&b"a/b c\n"[..], "0123"));
    }
}
