//! Headers in buildc's deterministic form (spec/store-layout.md, "Layer tar").

use tar::{EntryType, Header};

use super::{OPAQUE_MARKER, PAX_XATTR, WHITEOUT_PREFIX, padding};
use crate::entry::{Entry, EntryKind, file_name, join, parent, shown};
use crate::error::{Result, StoreError};

/// What a ustar field of seven octal digits holds at most.
const MAX_OCTAL_7: u64 = 0o7_777_777;
/// What a ustar field of eleven octal digits holds at most.
const MAX_OCTAL_11: u64 = 0o77_777_777_777;
/// Length of the name and link name fields.
const NAME_BYTES: usize = 100;
/// Name of the blocks that hold PAX records.
const PAX_NAME: &[u8] = b"PaxHeader";

/// Appends the blocks that stand before the content of `entry`.
pub(super) fn append_headers(entry: &Entry, out: &mut Vec<u8>) -> Result<()> {
    if matches!(entry.kind, EntryKind::Whiteout) {
        append_marker(&whiteout_name(&entry.path), out);
        return Ok(());
    }
    let mut name = entry.path.clone();
    if entry.is_dir() {
        if name.is_empty() {
            name.push(b'.');
        }
        name.push(b'/');
    }
    append_entry(entry, &name, out)?;
    if matches!(entry.kind, EntryKind::Dir { opaque: true }) {
        append_marker(&join(&entry.path, OPAQUE_MARKER), out);
    }
    Ok(())
}

fn whiteout_name(path: &[u8]) -> Vec<u8> {
    let mut name = WHITEOUT_PREFIX.to_vec();
    name.extend_from_slice(file_name(path));
    join(parent(path).unwrap_or_default(), &name)
}

/// An empty regular file without mode, owner and time, as whiteouts are written.
fn append_marker(name: &[u8], out: &mut Vec<u8>) {
    let mut pax = Vec::new();
    let mut header = zero_header(EntryType::Regular);
    set_name(&mut header.as_old_mut().name, name, b"path", &mut pax);
    finish(header, &pax, out);
}

fn append_entry(entry: &Entry, name: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let mut pax = Vec::new();
    let mut header = zero_header(EntryType::Regular);
    set_name(&mut header.as_old_mut().name, name, b"path", &mut pax);
    header.set_mode(entry.mode & 0o7777);
    header.set_uid(number(u64::from(entry.uid), MAX_OCTAL_7, b"uid", &mut pax));
    header.set_gid(number(u64::from(entry.gid), MAX_OCTAL_7, b"gid", &mut pax));
    header.set_mtime(seconds(entry.mtime.0, &mut pax));
    set_kind(entry, &mut header, &mut pax)?;
    for (name, value) in &entry.xattrs {
        let key = [PAX_XATTR, name].concat();
        push_pax(&mut pax, &key, value);
    }
    finish(header, &pax, out);
    Ok(())
}

fn set_kind(entry: &Entry, header: &mut Header, pax: &mut Vec<u8>) -> Result<()> {
    let entry_type = match &entry.kind {
        EntryKind::Dir { .. } => EntryType::Directory,
        EntryKind::File { size, .. } => {
            header.set_size(number(*size, MAX_OCTAL_11, b"size", pax));
            EntryType::Regular
        }
        EntryKind::Symlink { target } => {
            set_name(&mut header.as_old_mut().linkname, target, b"linkpath", pax);
            EntryType::Symlink
        }
        EntryKind::Hardlink { to } => {
            set_name(&mut header.as_old_mut().linkname, to, b"linkpath", pax);
            EntryType::Link
        }
        EntryKind::CharDevice { major, minor } => {
            set_device(entry, header, *major, *minor)?;
            EntryType::Char
        }
        EntryKind::BlockDevice { major, minor } => {
            set_device(entry, header, *major, *minor)?;
            EntryType::Block
        }
        EntryKind::Fifo => EntryType::Fifo,
        EntryKind::Whiteout => EntryType::Regular,
    };
    header.set_entry_type(entry_type);
    Ok(())
}

fn set_device(entry: &Entry, header: &mut Header, major: u32, minor: u32) -> Result<()> {
    if u64::from(major.max(minor)) > MAX_OCTAL_7 {
        let problem = "Its device number does not fit a tar header";
        return Err(StoreError::InvalidEntry { path: shown(&entry.path), problem });
    }
    let set = header.set_device_major(major).and_then(|()| header.set_device_minor(minor));
    set.map_err(|e| StoreError::Tar { problem: e.to_string() })
}

/// Fills a name field; what does not fit goes into a PAX record, and the field keeps the beginning.
fn set_name(field: &mut [u8; NAME_BYTES], name: &[u8], key: &[u8], pax: &mut Vec<u8>) {
    if name.len() > NAME_BYTES {
        push_pax(pax, key, name);
    }
    for (slot, byte) in field.iter_mut().zip(name) {
        *slot = *byte;
    }
}

/// The value for a number's field: 0 where only a PAX record can hold it.
fn number(value: u64, limit: u64, key: &[u8], pax: &mut Vec<u8>) -> u64 {
    if value <= limit {
        return value;
    }
    push_pax(pax, key, value.to_string().as_bytes());
    0
}

/// Whole seconds, as containerd and BuildKit write them; fractions are dropped.
fn seconds(mtime: i64, pax: &mut Vec<u8>) -> u64 {
    match u64::try_from(mtime) {
        Ok(seconds) => number(seconds, MAX_OCTAL_11, b"mtime", pax),
        Err(_) => {
            push_pax(pax, b"mtime", mtime.to_string().as_bytes());
            0
        }
    }
}

/// Appends one record `LENGTH KEY=VALUE\n`, where LENGTH counts its own digits.
fn push_pax(pax: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + decimal_digits(rest);
    if decimal_digits(length) != decimal_digits(rest) {
        length = rest + decimal_digits(length);
    }
    pax.extend_from_slice(length.to_string().as_bytes());
    pax.push(b' ');
    pax.extend_from_slice(key);
    pax.push(b'=');
    pax.extend_from_slice(value);
    pax.push(b'\n');
}

fn decimal_digits(number: usize) -> usize {
    number.checked_ilog10().map_or(1, |n| n as usize + 1)
}

/// Writes the PAX blocks, where there are records, and then the header.
fn finish(header: Header, pax: &[u8], out: &mut Vec<u8>) {
    if !pax.is_empty() {
        let mut extension = zero_header(EntryType::XHeader);
        extension.set_size(pax.len() as u64);
        set_name(&mut extension.as_old_mut().name, PAX_NAME, b"path", &mut Vec::new());
        push_header(extension, out);
        out.extend_from_slice(pax);
        out.resize(out.len() + padding(pax.len() as u64), 0);
    }
    push_header(header, out);
}

fn push_header(mut header: Header, out: &mut Vec<u8>) {
    header.set_cksum();
    out.extend_from_slice(header.as_bytes());
}

/// A ustar header whose numbers are all 0, so that a field nobody sets has one form.
fn zero_header(entry_type: EntryType) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(entry_type);
    header.set_mode(0);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(0);
    header.set_mtime(0);
    header
}
