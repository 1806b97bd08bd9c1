//! Trees of files that are brought: copied, and given the modes that all have.

use std::fs::{self, Metadata};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use buildc_ir::source::Facts;

use super::{Brought, Result, SourceError, failed};

/// The modes of directories, of files that their owner may execute, and of others.
const DIRECTORY_MODE: u32 = 0o755;
const PROGRAM_MODE: u32 = 0o755;
const FILE_MODE: u32 = 0o644;

/// The bits of a mode that tell what kind of file it is (`inode(7)`).
const KIND_BITS: u32 = 0o170_000;

/// Gives everything at `root` the mode that its name stands for: that is made from contents and the owner's right to
/// execute, so that the same name is the same files, whatever an archive or a mask says. Gives when the newest below it was
/// changed, in seconds since 1970.
pub(super) fn settle(root: &Path) -> Result<u64> {
    let (mut newest, mut pending) = (0, vec![root.to_owned()]);
    while let Some(path) = pending.pop() {
        let metadata = path.symlink_metadata().map_err(failed("getting status of", &path))?;
        if path != root {
            newest = newest.max(seconds(&metadata));
        }
        let mode = metadata.permissions().mode();
        let wanted = match metadata.file_type() {
            kind if kind.is_dir() => DIRECTORY_MODE,
            kind if kind.is_file() && mode & 0o100 != 0 => PROGRAM_MODE,
            kind if kind.is_file() => FILE_MODE,
            kind if kind.is_symlink() => continue,
            _ => {
                let (name, kind) = (path.strip_prefix(root).unwrap_or(&path), mode & KIND_BITS);
                let text = format!("file '{}' in tarball has unsupported file type {kind}", name.display());
                return Err(SourceError::Unsupported(text));
            }
        };
        if mode & 0o7777 != wanted {
            let permissions = fs::Permissions::from_mode(wanted);
            fs::set_permissions(&path, permissions).map_err(failed("changing the mode of", &path))?;
        }
        if metadata.is_dir() {
            pending.extend(entries(&path)?);
        }
    }
    Ok(newest)
}

/// Copies the directory or file at `source` into `dir`.
pub(super) fn copy(source: &Path, dir: &Path) -> Result<Brought> {
    let root = dir.join("copy");
    let (mut newest, mut pending) = (0, vec![(source.to_owned(), root.clone())]);
    while let Some((from, to)) = pending.pop() {
        let metadata = from.symlink_metadata().map_err(failed("getting status of", &from))?;
        newest = newest.max(seconds(&metadata));
        let kind = metadata.file_type();
        let made = if kind.is_dir() {
            for path in entries(&from)? {
                let name = path.file_name().map(ToOwned::to_owned).unwrap_or_default();
                pending.push((path, to.join(name)));
            }
            fs::create_dir(&to)
        } else if kind.is_symlink() {
            fs::read_link(&from).and_then(|target| symlink(target, &to))
        } else if kind.is_file() {
            fs::copy(&from, &to).map(drop)
        } else {
            let text = format!("file '{}' has an unsupported type", from.display());
            return Err(SourceError::Unsupported(text));
        };
        made.map_err(failed("copying", &from))?;
    }
    Ok(Brought { path: root, facts: Facts { last_modified: Some(newest), ..Facts::default() } })
}

fn entries(path: &Path) -> Result<Vec<PathBuf>> {
    let wrong = failed("reading directory", path);
    fs::read_dir(path).map_err(&wrong)?.map(|entry| entry.map(|entry| entry.path()).map_err(&wrong)).collect()
}

fn seconds(metadata: &Metadata) -> u64 {
    u64::try_from(metadata.mtime()).unwrap_or(0)
}
