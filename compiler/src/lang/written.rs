//! The store as it is once evaluation has added to it.
//!
//! Owns: which objects evaluation made (`toFile`, `path`, `"${./file}"`, derivations), and how they look to programs.
//! Never does: write anything; a copy is seen where the original lies.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::world::{FileType, Object, World, WorldError};

/// A world in whose store there is also what evaluation adds.
#[derive(Debug)]
pub struct Written<'w> {
    world: &'w dyn World,
    store: Vec<u8>,
    /// By the name in the store.
    objects: RefCell<BTreeMap<Vec<u8>, Kept>>,
    /// Bytes of the texts.
    held: Cell<usize>,
}

#[derive(Clone, Debug)]
enum Kept {
    Text(Rc<[u8]>),
    Copy {
        /// Where the original is in the world below.
        original: Vec<u8>,
        left_out: BTreeSet<Vec<u8>>,
        is_plain: bool,
    },
}

/// Where a path leads.
enum Place<'p> {
    Text(Rc<[u8]>),
    /// In the world below.
    Below(Cow<'p, [u8]>),
    Nothing,
}

impl<'w> Written<'w> {
    /// With nothing added yet; `store` is the directory of the store.
    pub fn new(world: &'w dyn World, store: &[u8]) -> Self {
        Self { world, store: store.to_vec(), objects: RefCell::default(), held: Cell::new(0) }
    }

    /// The name of the object that a path is in, and what follows it.
    fn split<'p>(&self, path: &'p [u8]) -> Option<(&'p [u8], &'p [u8])> {
        let below = path.strip_prefix(&self.store[..])?.strip_prefix(b"/")?;
        let end = below.iter().position(|byte| *byte == b'/').unwrap_or(below.len());
        Some(below.split_at(end))
    }

    fn place<'p>(&self, path: &'p [u8]) -> Place<'p> {
        let Some((name, rest)) = self.split(path) else { return Place::Below(Cow::Borrowed(path)) };
        match self.objects.borrow().get(name) {
            None => Place::Below(Cow::Borrowed(path)),
            Some(Kept::Text(text)) if rest.is_empty() => Place::Text(text.clone()),
            Some(Kept::Text(_)) => Place::Nothing,
            // There is nothing below a file, whatever the original is.
            Some(Kept::Copy { is_plain: true, .. }) if !rest.is_empty() => Place::Nothing,
            Some(Kept::Copy { original, left_out, .. }) => {
                let mut inner = original.clone();
                for part in rest.split(|byte| *byte == b'/').skip(1) {
                    inner.push(b'/');
                    inner.extend_from_slice(part);
                    if left_out.contains(&inner) {
                        return Place::Nothing;
                    }
                }
                Place::Below(Cow::Owned(inner))
            }
        }
    }

    fn is_added(&self, path: &[u8]) -> bool {
        self.split(path).is_some_and(|(name, _)| self.objects.borrow().contains_key(name))
    }

    /// Whether a path is a copy of which only the bytes count: neither that the original is a link, nor who may execute it.
    fn is_plain(&self, path: &[u8]) -> bool {
        self.split(path).is_some_and(|(name, _)| {
            matches!(self.objects.borrow().get(name), Some(Kept::Copy { is_plain: true, .. }))
        })
    }

    /// A copy as one of what lies in the world below, whatever it was made of.
    fn copy(&self, original: &[u8], left_out: &[Vec<u8>], is_plain: bool) -> Option<Kept> {
        let mut out = BTreeSet::new();
        for path in left_out {
            if let Place::Below(path) = self.place(path) {
                out.insert(path.into_owned());
            }
        }
        // What a copy lacks, a copy of it lacks too.
        if let Some((name, _)) = self.split(original)
            && let Some(Kept::Copy { left_out, .. }) = self.objects.borrow().get(name)
        {
            out.extend(left_out.iter().cloned());
        }
        match self.place(original) {
            Place::Text(text) => Some(Kept::Text(text)),
            Place::Below(below) => Some(Kept::Copy {
                original: below.into_owned(),
                left_out: out,
                is_plain: is_plain || self.is_plain(original),
            }),
            Place::Nothing => None,
        }
    }
}

fn not_a_directory<T>(path: &[u8]) -> Result<T, WorldError> {
    Err(WorldError(format!("cannot read directory \"{}\": Not a directory", String::from_utf8_lossy(path))))
}

fn missing<T>(path: &[u8]) -> Result<T, WorldError> {
    Err(WorldError(format!("path '{}' does not exist", String::from_utf8_lossy(path))))
}

impl World for Written<'_> {
    fn below(&self) -> Option<&dyn World> {
        Some(self.world)
    }

    fn may_see(&self, path: &[u8]) -> bool {
        self.is_added(path) || self.world.may_see(path)
    }

    fn has_object(&self, path: &[u8]) -> Result<bool, WorldError> {
        Ok(self.is_added(path) || self.world.has_object(path)?)
    }

    fn file_type(&self, path: &[u8]) -> Result<Option<FileType>, WorldError> {
        match self.place(path) {
            Place::Text(_) => Ok(Some(FileType::Regular)),
            Place::Below(_) if self.is_plain(path) => Ok(Some(FileType::Regular)),
            Place::Below(path) => self.world.file_type(&path),
            Place::Nothing => Ok(None),
        }
    }

    fn read_file(&self, path: &[u8]) -> Result<Vec<u8>, WorldError> {
        match self.place(path) {
            Place::Text(text) => Ok(text.to_vec()),
            Place::Below(path) => self.world.read_file(&path),
            Place::Nothing => missing(path),
        }
    }

    fn read_file_within(&self, path: &[u8], most: usize) -> Result<Option<Vec<u8>>, WorldError> {
        match self.place(path) {
            Place::Text(text) => Ok(Some(text).filter(|text| text.len() <= most).map(|text| text.to_vec())),
            Place::Below(path) => self.world.read_file_within(&path, most),
            Place::Nothing => missing(path),
        }
    }

    fn is_executable(&self, path: &[u8]) -> Result<bool, WorldError> {
        match self.place(path) {
            Place::Text(_) => Ok(false),
            Place::Below(_) if self.is_plain(path) => Ok(false),
            Place::Below(path) => self.world.is_executable(&path),
            Place::Nothing => missing(path),
        }
    }

    fn read_dir(&self, path: &[u8]) -> Result<Vec<(Vec<u8>, FileType)>, WorldError> {
        match self.place(path) {
            Place::Text(_) => not_a_directory(path),
            Place::Below(_) if self.is_plain(path) => not_a_directory(path),
            Place::Below(below) => {
                let mut entries = self.world.read_dir(&below)?;
                entries
                    .retain(|(name, _)| !matches!(self.place(&[path, b"/", name].concat()), Place::Nothing));
                Ok(entries)
            }
            Place::Nothing => missing(path),
        }
    }

    fn read_link(&self, path: &[u8]) -> Result<Vec<u8>, WorldError> {
        match self.place(path) {
            Place::Below(below) if !self.is_plain(path) => self.world.read_link(&below),
            Place::Text(_) | Place::Below(_) | Place::Nothing => missing(path),
        }
    }

    fn add(&self, path: &[u8], object: Object<'_>) -> usize {
        if let Some((name, b"")) = self.split(path)
            && !self.objects.borrow().contains_key(name)
        {
            let kept = match object {
                Object::Text(text) => Some(Kept::Text(text.into())),
                Object::Copy { original, left_out, is_plain } => self.copy(original, left_out, is_plain),
            };
            if let Some(kept) = kept {
                let bytes = if let Kept::Text(text) = &kept { text.len() } else { 0 };
                self.held.set(self.held.get().saturating_add(bytes));
                self.objects.borrow_mut().insert(name.to_vec(), kept);
            }
        }
        self.held.get()
    }

    fn variable(&self, name: &[u8]) -> Option<Vec<u8>> {
        self.world.variable(name)
    }

    fn now(&self) -> i64 {
        self.world.now()
    }

    fn say(&self, line: &[u8]) {
        self.world.say(line);
    }
}
