//! What a command read from its base while it ran (spec/traces.md): paths, and for each what was looked at.
//!
//! Owns: the set and its canonical bytes. Never does: reading a tree; whoever records or verifies computes the
//! fingerprints from the tree it has.

mod encode;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use buildc_digest::InternalHasher;

pub use encode::CorruptReads;

/// What was seen of one aspect of a path: the first half of a blake3 digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Fingerprint(pub [u8; 16]);

impl Fingerprint {
    /// The fingerprint of what was hashed. Hashes start with the aspect's name and a zero byte.
    pub fn of(hasher: &InternalHasher) -> Self {
        let mut half = [0; 16];
        half.copy_from_slice(&hasher.key().as_bytes()[..16]);
        Self(half)
    }
}

/// What of a path a command looked at.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aspect {
    /// That it exists: type, mode, owner, extended attributes, the target of a link, device numbers.
    Attributes,
    /// The bytes of a file.
    Content,
    /// The names in a directory, with their types.
    Listing,
    /// Of the dynamic linker's cache: what it says of the libraries whose names are among the paths of the set.
    Libraries,
}

impl Aspect {
    /// All of them, in the order of their bits in the encoding.
    pub const ALL: [Self; 4] = [Self::Attributes, Self::Content, Self::Listing, Self::Libraries];

    /// How people call it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Attributes => "attributes",
            Self::Content => "content",
            Self::Listing => "listing",
            Self::Libraries => "libraries",
        }
    }
}

/// What was seen at one path; without any aspect, that nothing was there.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct PathReads {
    seen: [Option<Fingerprint>; 4],
}

impl PathReads {
    /// What was seen of an aspect, if it was looked at.
    pub fn get(&self, aspect: Aspect) -> Option<Fingerprint> {
        self.seen[aspect as usize]
    }

    /// True where nothing was there.
    pub fn is_absent(&self) -> bool {
        self.seen == [None; 4]
    }
}

/// All that a command read from its base. Paths are relative to the root, without a slash at either end.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct ReadSet {
    paths: BTreeMap<Vec<u8>, PathReads>,
    /// Who the command ran as, where that came from the base's account files.
    pub account: Option<Fingerprint>,
}

impl ReadSet {
    /// Notes that nothing was found at a path.
    pub fn absent(&mut self, path: &[u8]) {
        if !self.paths.contains_key(path) {
            self.paths.insert(path.to_vec(), PathReads::default());
        }
    }

    /// Notes what was seen of a path. What was seen first stays: a base does not change.
    pub fn saw(&mut self, path: &[u8], aspect: Aspect, seen: Fingerprint) {
        match self.paths.get_mut(path) {
            Some(reads) => {
                reads.seen[aspect as usize].get_or_insert(seen);
            }
            None => {
                let mut reads = PathReads::default();
                reads.seen[aspect as usize] = Some(seen);
                self.paths.insert(path.to_vec(), reads);
            }
        }
    }

    /// What was seen at a path.
    pub fn get(&self, path: &[u8]) -> Option<&PathReads> {
        self.paths.get(path)
    }

    /// All paths in bytewise order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &PathReads)> {
        self.paths.iter().map(|(path, reads)| (path.as_slice(), reads))
    }

    /// Number of paths.
    pub fn len(&self) -> usize {
        self.paths.len()
    }

    /// True when nothing was read.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty() && self.account.is_none()
    }
}
