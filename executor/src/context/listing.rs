//! Listings of earlier selections, kept so that a miss can be told in names of files.

use std::path::Path;

use buildc_digest::ContentDigest;

use crate::dating::Dating;
use crate::select::{Selection, listing_lines, only_time};

/// Listings kept; the oldest go first.
const KEPT: usize = 64;
/// Largest selection that is kept, in entries.
const MAX_ENTRIES: u64 = 200_000;

/// Keeps a selection's listing under its digest. What cannot be kept is only told less precisely later.
pub(super) fn keep(dir: &Path, selection: &Selection, dating: Dating) {
    let dir = dir.join("listings");
    let file = dir.join(selection.summary.digest.to_string());
    if selection.summary.entries > MAX_ENTRIES || file.exists() {
        return;
    }
    let mut bytes = Vec::new();
    for (path, digest) in listing_lines(&selection.matches, dating) {
        bytes.extend_from_slice(&u32::try_from(path.len()).unwrap_or(0).to_le_bytes());
        bytes.extend_from_slice(&path);
        bytes.extend_from_slice(&digest);
    }
    let written = std::fs::create_dir_all(&dir).and_then(|()| {
        let mut temporary = tempfile::NamedTempFile::new_in(&dir)?;
        std::io::Write::write_all(&mut temporary, &bytes)?;
        temporary.persist(&file).map(|_| ()).map_err(|e| e.error)
    });
    match written {
        Ok(()) => drop_oldest(&dir),
        Err(e) => tracing::warn!(error = %e, "listing not kept"),
    }
}

fn drop_oldest(dir: &Path) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    let mut files: Vec<_> =
        entries.flatten().filter_map(|e| Some((e.metadata().ok()?.modified().ok()?, e.path()))).collect();
    files.sort();
    let surplus = files.len().saturating_sub(KEPT);
    for (_, path) in files.into_iter().take(surplus) {
        let _ = std::fs::remove_file(path);
    }
}

fn load(dir: &Path, digest: &ContentDigest) -> Option<Vec<(Vec<u8>, [u8; 16])>> {
    let bytes = std::fs::read(dir.join("listings").join(digest.to_string())).ok()?;
    let mut rest = bytes.as_slice();
    let mut lines = Vec::new();
    while !rest.is_empty() {
        let len = u32::from_le_bytes(rest.get(..4)?.try_into().ok()?) as usize;
        let path = rest.get(4..4 + len)?.to_vec();
        let digest = rest.get(4 + len..20 + len)?.try_into().ok()?;
        lines.push((path, digest));
        rest = rest.get(20 + len..)?;
    }
    Some(lines)
}

/// Paths that differ, with `+`, `-` or `~` in front, or `@` where only the time does, at most `limit`, those with `@` last,
/// and how many there are; nothing where a listing is no longer kept.
pub(super) fn difference(
    dir: &Path,
    before: &ContentDigest,
    now: &ContentDigest,
    limit: usize,
) -> (Vec<String>, u64) {
    let (Some(before), Some(now)) = (load(dir, before), load(dir, now)) else { return (Vec::new(), 0) };
    let (mut paths, mut dated) = (Vec::new(), Vec::new());
    let mut total = 0;
    let mut note = |mark: char, path: &[u8]| {
        total += 1;
        let list = if mark == '@' { &mut dated } else { &mut paths };
        if list.len() < limit {
            list.push(format!("{mark}{}", String::from_utf8_lossy(path)));
        }
    };
    let (mut old, mut new) = (before.iter().peekable(), now.iter().peekable());
    loop {
        match (old.peek(), new.peek()) {
            (None, None) => break,
            (Some(a), Some(b)) if a.0 == b.0 => {
                if a.1 != b.1 {
                    note(if only_time(&a.1, &b.1) { '@' } else { '~' }, &b.0);
                }
                old.next();
                new.next();
            }
            (Some(a), b) if b.is_none_or(|b| a.0 < b.0) => {
                note('-', &a.0);
                old.next();
            }
            (_, Some(b)) => {
                note('+', &b.0);
                new.next();
            }
            (Some(_), None) => break,
        }
    }
    paths.extend(dated);
    paths.truncate(limit);
    (paths, total)
}
