//! Unpacking of local archives (ADD): every entry is laid out like any other, files are staged beside the layer while
//! they are read. An entry whose name leaves the destination is refused, and so is one that goes through a link of
//! the archive out of it.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::path::Path;

use buildc_digest::InternalHasher;
use tar::EntryType;

use super::layout::{Content, Layout, NewDir, Planned, Seen, What, text};
use super::{CopyError, compression};
use crate::cancel::Cancel;
use crate::select::{is_below, join, split};

/// Where and how an archive is unpacked.
#[derive(Debug)]
pub(super) struct Into<'d> {
    pub dest: &'d [u8],
    /// `--chown`, which wins over the archive's owners.
    pub owner: Option<(u32, u32)>,
    pub new_dir: NewDir,
    /// Directory for the files' bytes; same file system as the layer.
    pub staging: &'d Path,
    pub cancel: &'d Cancel,
}

/// Unpacks `file` if it is an archive; false when it is none.
pub(super) fn unpack(
    file: std::fs::File,
    name: &str,
    layout: &mut Layout<'_>,
    into: &Into<'_>,
) -> Result<bool, CopyError> {
    let unreadable = |source| CopyError::Archive { archive: name.to_owned(), source };
    let Some(reader) = compression::tar_inside(file).map_err(unreadable)? else { return Ok(false) };
    let dest = layout.resolve(into.dest)?;
    layout.make_dirs(&dest, into.new_dir)?;
    let mut unpacker = Unpacker { name, into, dest, buffer: vec![0; 64 << 10], links: HashMap::new() };
    let mut archive = tar::Archive::new(reader);
    for entry in archive.entries().map_err(unreadable)? {
        if into.cancel.is_cancelled() {
            return Err(CopyError::Cancelled);
        }
        let mut entry = entry.map_err(unreadable)?;
        unpacker.entry(&mut entry, layout)?;
    }
    Ok(true)
}

type Entry<'e> = tar::Entry<'e, Box<dyn Read>>;

struct Unpacker<'u> {
    name: &'u str,
    into: &'u Into<'u>,
    /// Real path of the destination.
    dest: Vec<u8>,
    buffer: Vec<u8>,
    /// Paths of the layer by name in the archive, for hard links.
    links: HashMap<Vec<u8>, (Vec<u8>, u64)>,
}

impl Unpacker<'_> {
    fn unreadable(&self, source: io::Error) -> CopyError {
        CopyError::Archive { archive: self.name.to_owned(), source }
    }

    fn refused(&self, entry: &[u8], reason: &'static str) -> CopyError {
        CopyError::UnsafeEntry { archive: self.name.to_owned(), entry: text(entry), reason }
    }

    fn entry(&mut self, entry: &mut Entry<'_>, layout: &mut Layout<'_>) -> Result<(), CopyError> {
        let kind = entry.header().entry_type();
        if matches!(kind, EntryType::XGlobalHeader) {
            return Ok(());
        }
        let written = entry.path_bytes().into_owned();
        let name = self.clean(&written)?;
        if name.is_empty() {
            return Ok(());
        }
        let path = self.locate(&written, &name, layout)?;
        let mut planned = self.metadata(entry)?;
        match kind {
            EntryType::Link => return self.hard_link(entry, &written, path, layout),
            EntryType::Directory => planned.what = What::Dir { opaque: false },
            EntryType::Symlink => {
                let target = entry.link_name_bytes().unwrap_or_default().into_owned();
                planned.what = What::Symlink(target);
                planned.mode = 0o777;
            }
            EntryType::Fifo => planned.what = What::Fifo,
            EntryType::Char | EntryType::Block => {
                let header = entry.header();
                let number = |n: io::Result<Option<u32>>| n.map(Option::unwrap_or_default);
                let major = number(header.device_major()).map_err(|e| self.unreadable(e))?;
                let minor = number(header.device_minor()).map_err(|e| self.unreadable(e))?;
                planned.what = if kind == EntryType::Char {
                    What::Char(major, minor)
                } else {
                    What::Block(major, minor)
                };
            }
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                let number = layout.next_staged();
                planned.what = What::File(self.stage(entry, number)?);
                self.links.insert(name, (path.clone(), number));
            }
            _ => return Err(self.refused(&written, "its type is unknown")),
        }
        layout.replace(path, planned)
    }

    /// The name below the destination; what would leave it is refused.
    fn clean(&self, written: &[u8]) -> Result<Vec<u8>, CopyError> {
        if written.first() == Some(&b'/') {
            return Err(self.refused(written, "its name is absolute"));
        }
        let mut parts: Vec<&[u8]> = Vec::new();
        for part in written.split(|b| *b == b'/') {
            match part {
                b"" | b"." => {}
                b".." if parts.pop().is_none() => {
                    return Err(self.refused(written, "its name leads out with `..`"));
                }
                b".." => {}
                _ => parts.push(part),
            }
        }
        Ok(parts.join(&b'/'))
    }

    /// The real path of an entry: its directories are made, links of the base are followed inside the root file
    /// system, links of the archive only inside the destination.
    fn locate(&self, written: &[u8], name: &[u8], layout: &mut Layout<'_>) -> Result<Vec<u8>, CopyError> {
        let (dirs, last) = split(name);
        let mut at = self.dest.clone();
        for part in dirs.split(|b| *b == b'/').filter(|p| !p.is_empty()) {
            let next = join(&at, part);
            at = match layout.see(&next)? {
                Some(Seen::Symlink { planned, .. }) => {
                    let real = layout.resolve(&next)?;
                    if planned && real != self.dest && !is_below(&real, &self.dest) {
                        return Err(self.refused(written, "it lies behind a link that leads out"));
                    }
                    real
                }
                _ => next,
            };
        }
        layout.make_dirs(&at, NewDir { mode: 0o755, owner: self.into.owner.unwrap_or((0, 0)) })?;
        Ok(join(&at, last))
    }

    fn metadata(&self, entry: &mut Entry<'_>) -> Result<Planned, CopyError> {
        let header = entry.header();
        let too_large = |_| io::Error::other("an owner is not a 32-bit number");
        let id = |n: io::Result<u64>| {
            n.and_then(|n| u32::try_from(n).map_err(too_large)).map_err(|e| self.unreadable(e))
        };
        let owner = (id(header.uid())?, id(header.gid())?);
        let mode = header.mode().map_err(|e| self.unreadable(e))? & 0o7777;
        let seconds = header.mtime().map_err(|e| self.unreadable(e))?.cast_signed();
        let mut planned =
            Planned { what: What::Fifo, mode, owner, mtime: (seconds, 0), xattrs: Vec::new(), link: None };
        let extensions = entry.pax_extensions().map_err(|e| self.unreadable(e))?;
        for extension in extensions.into_iter().flatten() {
            let extension = extension.map_err(|e| self.unreadable(e))?;
            apply_pax(&mut planned, extension.key_bytes(), extension.value_bytes());
        }
        planned.xattrs.sort();
        planned.owner = self.into.owner.unwrap_or(planned.owner);
        Ok(planned)
    }

    /// Writes an entry's bytes beside the layer, hashing them.
    fn stage(&mut self, entry: &mut Entry<'_>, number: u64) -> Result<Content, CopyError> {
        let path = self.into.staging.join(number.to_string());
        let failed = |source| CopyError::Io { what: "Writing", path: path.clone(), source };
        let mut file = std::fs::File::create_new(&path).map_err(failed)?;
        let mut hasher = InternalHasher::new();
        let mut size = 0;
        loop {
            let n = entry.read(&mut self.buffer).map_err(|e| self.unreadable(e))?;
            if n == 0 {
                return Ok(Content::Staged { path, size, hash: hasher.file() });
            }
            hasher.update(&self.buffer[..n]);
            file.write_all(&self.buffer[..n]).map_err(failed)?;
            size += n as u64;
        }
    }

    fn hard_link(
        &mut self,
        entry: &Entry<'_>,
        written: &[u8],
        path: Vec<u8>,
        layout: &mut Layout<'_>,
    ) -> Result<(), CopyError> {
        let target = entry.link_name_bytes().unwrap_or_default().into_owned();
        let target = self.clean(&target)?;
        let Some((first, group)) = self.links.get(&target).cloned() else {
            return Err(
                self.refused(written, "it is a hard link to something that is not before it in the archive")
            );
        };
        let Some(original) = layout.planned(&first).cloned() else {
            return Err(self.refused(written, "the file it is a hard link to was replaced"));
        };
        let linked = Planned { link: Some((usize::MAX, 0, group)), ..original };
        layout.replace(first, linked.clone())?;
        layout.replace(path, linked)
    }
}

/// The extensions that matter: exact times, large ids, extended attributes (POSIX pax; star's `SCHILY.xattr`).
fn apply_pax(planned: &mut Planned, key: &[u8], value: &[u8]) {
    let number = || std::str::from_utf8(value).ok().and_then(|v| v.parse::<u32>().ok());
    match key {
        b"mtime" => {
            if let Some(time) = std::str::from_utf8(value).ok().and_then(parse_time) {
                planned.mtime = time;
            }
        }
        b"uid" => planned.owner.0 = number().unwrap_or(planned.owner.0),
        b"gid" => planned.owner.1 = number().unwrap_or(planned.owner.1),
        _ => {
            // Overlayfs' own would make the kernel see another tree than the one that was recorded.
            let name =
                key.strip_prefix(b"SCHILY.xattr.").filter(|name| !buildc_store::is_overlay_xattr(name));
            if let Some(name) = name {
                planned.xattrs.push((name.to_vec(), value.to_vec()));
            }
        }
    }
}

/// `seconds[.fraction]`, as pax writes times.
fn parse_time(text: &str) -> Option<(i64, u32)> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    let (seconds, nanos): (i64, u32) = (seconds.parse().ok()?, digits.parse().ok()?);
    if text.starts_with('-') && nanos > 0 {
        return Some((seconds - 1, 1_000_000_000 - nanos));
    }
    Some((seconds, nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pax_times_keep_their_fraction() {
        for (text, want) in [
            ("12", Some((12, 0))),
            ("12.5", Some((12, 500_000_000))),
            ("-1.25", Some((-2, 750_000_000))),
            ("1.0000000019", Some((1, 1))),
            ("x", None),
        ] {
            assert_eq!(parse_time(text), want, "{text}");
        }
    }
}
