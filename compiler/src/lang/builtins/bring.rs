//! Sources from elsewhere: brought by the world, checked, and kept under the store path that their content gives.
//!
//! Owns: which name a source has and whether its hash is the one that was said. Never does: fetching.

use buildc_digest::Digest;
use buildc_ir::git::GitRemote;
use buildc_ir::source::{Facts, Source};

use super::derivation_strict::path_error;
use crate::lang::error::{EvalError, Result};
use crate::lang::eval::Evaluator;
use crate::lang::hash::{Algorithm, Hash};
use crate::lang::store_path::{FileMethod, StorePath, fixed_output_path};
use crate::lang::world::WorldError;

#[cold]
pub(super) fn world_error(error: WorldError) -> Box<EvalError> {
    EvalError::new(error.0)
}

/// A source in the store.
pub(super) struct Kept {
    pub(super) path: StorePath,
    pub(super) hash: Hash,
    pub(super) facts: Facts,
}

fn hash_of(digest: &Digest) -> Option<Hash> {
    Hash::from_bytes(Algorithm::Sha256, digest.as_bytes())
}

fn digest_of(hash: &Hash) -> Option<Digest> {
    hash.as_bytes().try_into().ok().map(Digest::from_bytes)
}

impl Evaluator<'_> {
    /// Brings a source unless it is kept already; `check` looks at its hash before it is kept: of a file's bytes with
    /// [`FileMethod::Flat`], else of its archive.
    pub(super) fn kept(
        &mut self,
        source: &Source,
        name: &[u8],
        method: FileMethod,
        check: &mut dyn FnMut(&Hash) -> Result<()>,
    ) -> Result<Kept> {
        let (world, store) = (self.world, self.store_dir());
        let place =
            |hash: &Hash| fixed_output_path(&store, name, method, hash).map_err(|error| path_error(&error));
        let flat = method == FileMethod::Flat;
        if let Some(facts) = world.recall(source) {
            let known = if flat { &facts.sha256 } else { &facts.nar_sha256 };
            if let Some(hash) = known.as_ref().and_then(hash_of) {
                let path = place(&hash)?;
                if matches!(world.file_type(&store.print(&path)), Ok(Some(_))) {
                    check(&hash)?;
                    return Ok(Kept { path, hash, facts });
                }
            }
        }
        let (from, mut facts) = world.bring(source).map_err(world_error)?;
        let known = if flat { facts.sha256.as_ref().and_then(hash_of) } else { None };
        let hash = match known {
            Some(hash) => hash,
            None => self.hash_source(&from, method)?,
        };
        check(&hash)?;
        if !flat {
            facts.nar_sha256 = digest_of(&hash);
        }
        let path = place(&hash)?;
        world.keep(source, &from, &store.print(&path), &facts).map_err(world_error)?;
        Ok(Kept { path, hash, facts })
    }

    /// What the lock pins the file at a URL to; `None` where any file will do. Only build files have a lock.
    pub(super) fn pinned_file(&self, url: &str) -> Result<Option<Digest>> {
        self.steps.map_or(Ok(None), |steps| steps.checksum(url).map_err(EvalError::new))
    }

    /// The commit that a ref is: what a build file's lock says, else what the repository says now.
    pub(super) fn commit(&self, url: &str, reference: &str) -> Result<String> {
        let remote =
            GitRemote { url: url.to_owned(), reference: reference.to_owned(), ..GitRemote::default() };
        match self.steps {
            Some(steps) => steps.commit(&remote).map_err(EvalError::new),
            None => self.world.commit(&remote).map_err(world_error),
        }
    }

    /// Whether sources that say no hash may be fetched: build files have a lock for them.
    pub(super) fn may_be_unlocked(&self) -> bool {
        self.options.impure || self.steps.is_some()
    }
}
