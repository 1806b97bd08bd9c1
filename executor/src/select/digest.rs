//! The digest of a selection (spec/cache-keys.md): paths below the match, types, modes, owners, contents, link targets,
//! attributes and hard-link groups; times only where they count.

use std::collections::HashMap;

use buildc_digest::InternalHasher;
use buildc_ir::world::Selected;
use buildc_store::{Entry, EntryKind};

use super::{Match, Node, below, split};
use crate::dating::Dating;

/// Digest, number of entries and bytes of everything that was matched.
pub(super) fn summary(matches: &[Match], parents: bool, dating: Dating) -> Selected {
    let mut encoder = Encoder {
        out: Vec::with_capacity(256),
        hasher: InternalHasher::new(),
        links: HashMap::new(),
        dating,
    };
    let domain: &[u8] =
        if dating.is_strict() { b"buildc.selection\0\x01dated" } else { b"buildc.selection\0\x01" };
    encoder.hasher.update(domain);
    let mut entries = 0;
    let mut bytes = 0;
    for found in matches {
        encoder.number(found.pattern as u64);
        for parent in &found.parents {
            encoder.node(&parent.entry.path, parent);
        }
        let size = |n: &Node| if let EntryKind::File { size, .. } = n.entry.kind { size } else { 0 };
        // A directory's own name and metadata are not copied, its contents are.
        let name = if parents {
            found.named.as_slice()
        } else if found.root.is_dir() {
            b""
        } else {
            split(&found.named).1
        };
        if found.root.is_dir() && !parents {
            encoder.out.push(b'c');
            // Except its time, which the directory that it is copied to gets.
            encoder.time(&found.root.entry);
        } else {
            encoder.node(name, &found.root);
        }
        for node in &found.below {
            encoder.node(below(&node.entry.path, &found.root.entry.path), node);
            bytes += size(node);
        }
        encoder.flush();
        entries += 1 + found.below.len() as u64;
        bytes += size(&found.root);
    }
    Selected { digest: encoder.hasher.content(), entries, bytes }
}

struct Encoder {
    out: Vec<u8>,
    hasher: InternalHasher,
    links: HashMap<u64, u64>,
    dating: Dating,
}

impl Encoder {
    fn number(&mut self, n: u64) {
        self.out.extend_from_slice(&n.to_le_bytes());
    }

    fn text(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.out.extend_from_slice(bytes);
    }

    fn flush(&mut self) {
        self.hasher.update(&self.out);
        self.out.clear();
    }

    fn node(&mut self, path: &[u8], node: &Node) {
        self.text(path);
        self.entry(&node.entry);
        self.time(&node.entry);
        let next = self.links.len() as u64 + 1;
        let group = node.link.map_or(0, |link| *self.links.entry(link).or_insert(next));
        self.number(group);
        if self.out.len() > 60_000 {
            self.flush();
        }
    }

    /// The time of an entry, where it counts.
    fn time(&mut self, entry: &Entry) {
        if self.dating.is_strict() {
            let (seconds, nanoseconds) = entry.mtime;
            self.out.extend_from_slice(&seconds.to_le_bytes());
            self.out.extend_from_slice(&nanoseconds.to_le_bytes());
        }
    }

    fn entry(&mut self, entry: &Entry) {
        match &entry.kind {
            EntryKind::Dir { .. } => self.out.push(b'd'),
            EntryKind::File { size, hash } => {
                self.out.push(b'f');
                self.number(*size);
                self.out.extend_from_slice(hash.as_bytes());
            }
            EntryKind::Symlink { target } => {
                self.out.push(b'l');
                self.text(target);
            }
            EntryKind::Hardlink { to } => {
                self.out.push(b'h');
                self.text(to);
            }
            EntryKind::CharDevice { major, minor } => self.device(b'x', *major, *minor),
            EntryKind::BlockDevice { major, minor } => self.device(b'b', *major, *minor),
            EntryKind::Fifo => self.out.push(b'p'),
            EntryKind::Whiteout => self.out.push(b'w'),
        }
        for n in [entry.mode, entry.uid, entry.gid] {
            self.out.extend_from_slice(&n.to_le_bytes());
        }
        self.number(entry.xattrs.len() as u64);
        for (name, value) in &entry.xattrs {
            self.text(name);
            self.text(value);
        }
    }

    fn device(&mut self, tag: u8, major: u32, minor: u32) {
        self.out.push(tag);
        self.out.extend_from_slice(&major.to_le_bytes());
        self.out.extend_from_slice(&minor.to_le_bytes());
    }
}

/// A selection as lines that a later build compares: path as the user knows it, and a short digest of the entry. Where
/// times count the second half of that is the time's ([`only_time`]).
pub(crate) fn listing_lines(matches: &[Match], dating: Dating) -> Vec<(Vec<u8>, [u8; 16])> {
    let mut lines = Vec::new();
    for found in matches {
        // Of a directory that is named only its time counts, if that does.
        let counts = dating.is_strict() && !found.root.entry.path.is_empty();
        if counts || !found.root.is_dir() {
            lines.push((found.named.clone(), short(&found.root, dating)));
        }
        for node in &found.below {
            lines.push((node.entry.path.clone(), short(node, dating)));
        }
    }
    lines.sort();
    lines.dedup();
    lines
}

/// Whether two lines' digests differ in times alone. Of listings without times none do: both halves are of one hash.
pub(crate) fn only_time(before: &[u8; 16], now: &[u8; 16]) -> bool {
    before[..8] == now[..8] && before[8..] != now[8..]
}

fn short(node: &Node, dating: Dating) -> [u8; 16] {
    let mut out = [0; 16];
    let hashed = |encode: &dyn Fn(&mut Encoder)| {
        let (out, hasher) = (Vec::new(), InternalHasher::new());
        let mut encoder = Encoder { out, hasher, links: HashMap::new(), dating };
        encode(&mut encoder);
        encoder.flush();
        encoder.hasher.key()
    };
    out.copy_from_slice(&hashed(&|encoder| encoder.entry(&node.entry)).as_bytes()[..16]);
    if dating.is_strict() {
        out[8..].copy_from_slice(&hashed(&|encoder| encoder.time(&node.entry)).as_bytes()[..8]);
    }
    out
}
