//! The hash of a derivation modulo the way its fixed outputs are made, from which its outputs' paths follow.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasherDefault;

use super::aterm::{Form, Text, Writer};
use super::{Derivation, Output};
use crate::lang::hash::{Algorithm, Format, Hash, Hasher};
use crate::lang::store_path::{StoreDir, StorePath, StorePathError, output_path};

/// Hashes of a derivation's outputs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OutputHashes {
    /// By output name.
    pub hashes: BTreeMap<Vec<u8>, Hash>,
    /// Whether paths cannot follow from them yet because something below floats.
    pub is_deferred: bool,
}

/// Why a hash cannot be had.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ModuloError<E> {
    /// An input has no such output.
    NoOutput {
        /// The output.
        output: Vec<u8>,
        /// Name of the derivation that wants it.
        derivation: Vec<u8>,
    },
    /// A path would be malformed.
    Path(StorePathError),
    /// An input derivation cannot be read.
    Unreadable(E),
}

impl<E> From<StorePathError> for ModuloError<E> {
    fn from(error: StorePathError) -> Self {
        ModuloError::Path(error)
    }
}

/// Hashes of derivations met so far.
#[derive(Debug, Default)]
pub struct Known(HashMap<StorePath, OutputHashes, BuildHasherDefault<PathHasher>>);

/// Hashes store paths, which begin with a hash.
#[derive(Debug, Default)]
struct PathHasher(u64);

impl std::hash::Hasher for PathHasher {
    fn write(&mut self, bytes: &[u8]) {
        let word = bytes.first_chunk::<8>().map_or(0, |word| u64::from_le_bytes(*word));
        self.0 = (self.0 ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

impl Known {
    /// Records the hashes of a derivation at `path` whose text is `text`, like Nix's own record with its outputs in place.
    ///
    /// # Errors
    /// [`ModuloError`].
    pub fn record<E>(
        &mut self,
        store: &StoreDir,
        path: StorePath,
        derivation: &Derivation,
        text: &Text,
        read: &mut dyn FnMut(&StorePath) -> Result<Derivation, E>,
    ) -> Result<(), ModuloError<E>> {
        self.learn_inputs(store, derivation, read)?;
        let hashes = self.hashes_of(store, derivation, Rest::Written(text.rest()))?;
        self.0.insert(path, hashes);
        Ok(())
    }

    /// The hashes of a derivation. `masked` leaves the outputs' paths out, for computing them. Input derivations that are
    /// not known are had from `read`.
    ///
    /// # Errors
    /// [`ModuloError`].
    pub fn hashes<E>(
        &mut self,
        store: &StoreDir,
        derivation: &Derivation,
        masked: bool,
        read: &mut dyn FnMut(&StorePath) -> Result<Derivation, E>,
    ) -> Result<OutputHashes, ModuloError<E>> {
        self.learn_inputs(store, derivation, read)?;
        self.hashes_of(store, derivation, if masked { Rest::Masked } else { Rest::Full })
    }

    /// Makes all input derivations known, those they need first; without recursion, chains may be long.
    fn learn_inputs<E>(
        &mut self,
        store: &StoreDir,
        derivation: &Derivation,
        read: &mut dyn FnMut(&StorePath) -> Result<Derivation, E>,
    ) -> Result<(), ModuloError<E>> {
        if !needs_inputs(derivation) {
            return Ok(());
        }
        let mut pending: Vec<(StorePath, Option<Derivation>)> =
            self.unknown_inputs(derivation).map(|path| (path, None)).collect();
        while let Some((path, read_before)) = pending.pop() {
            if self.0.contains_key(&path) {
                continue;
            }
            match read_before {
                Some(input) => {
                    let hashes = self.hashes_of(store, &input, Rest::Full)?;
                    self.0.insert(path, hashes);
                }
                None => {
                    let input = read(&path).map_err(ModuloError::Unreadable)?;
                    let needed: Vec<StorePath> = match needs_inputs(&input) {
                        true => self.unknown_inputs(&input).collect(),
                        false => Vec::new(),
                    };
                    pending.push((path, Some(input)));
                    pending.extend(needed.into_iter().map(|path| (path, None)));
                }
            }
        }
        Ok(())
    }

    fn unknown_inputs(&self, derivation: &Derivation) -> impl Iterator<Item = StorePath> {
        derivation.input_derivations.keys().filter(|path| !self.0.contains_key(*path)).cloned()
    }

    /// The hashes of a derivation whose inputs are known.
    fn hashes_of<E>(
        &self,
        store: &StoreDir,
        derivation: &Derivation,
        rest: Rest<'_>,
    ) -> Result<OutputHashes, ModuloError<E>> {
        if let Some(hashes) = fixed_hashes(store, derivation) {
            return Ok(OutputHashes { hashes, is_deferred: false });
        }
        if derivation.outputs.values().any(|output| matches!(output, Output::Impure(..))) {
            let hash = Hash::of(Algorithm::Sha256, b"impure");
            let hashes = derivation.outputs.keys().map(|name| (name.clone(), hash)).collect();
            return Ok(OutputHashes { hashes, is_deferred: true });
        }
        let mut is_deferred =
            derivation.outputs.values().any(|output| matches!(output, Output::Floating(..)));
        let mut inputs: Vec<(&[u8], &[u8])> = Vec::with_capacity(derivation.input_derivations.len());
        for (path, wanted) in &derivation.input_derivations {
            if !wanted.dynamic.is_empty() {
                return Ok(OutputHashes { hashes: BTreeMap::new(), is_deferred: true });
            }
            let Some(known) = self.0.get(path) else { continue };
            is_deferred |= known.is_deferred;
            for output in &wanted.outputs {
                let hash = known.hashes.get(output).ok_or_else(|| ModuloError::NoOutput {
                    output: output.clone(),
                    derivation: derivation.name.clone(),
                })?;
                inputs.push((hash.as_bytes(), output));
            }
        }
        inputs.sort_unstable();
        inputs.dedup();
        let hash = hash_of_text(store, derivation, &inputs, rest);
        let hashes = derivation.outputs.keys().map(|name| (name.clone(), hash)).collect();
        Ok(OutputHashes { hashes, is_deferred })
    }
}

/// What follows the input derivations in the text that is hashed.
#[derive(Clone, Copy)]
enum Rest<'t> {
    /// With the outputs' paths left out.
    Masked,
    /// With everything.
    Full,
    /// The same, which is there already.
    Written(&'t [u8]),
}

fn hash_of_text(
    store: &StoreDir,
    derivation: &Derivation,
    inputs: &[(&[u8], &[u8])],
    rest: Rest<'_>,
) -> Hash {
    let masked = matches!(rest, Rest::Masked);
    let mut w = Writer(Vec::with_capacity(4096));
    derivation.write_start(&mut w, store, Form::ForHash { masked, inputs });
    let mut hasher = Hasher::new(Algorithm::Sha256);
    match rest {
        Rest::Masked | Rest::Full => derivation.write_rest(&mut w, store, masked),
        Rest::Written(_) => {}
    }
    hasher.update(&w.0);
    if let Rest::Written(rest) = rest {
        hasher.update(rest);
    }
    hasher.finish()
}

/// Whether the hash depends on the inputs.
fn needs_inputs(derivation: &Derivation) -> bool {
    !derivation.outputs.values().any(|output| matches!(output, Output::Fixed(..) | Output::Impure(..)))
}

fn fixed_hashes(store: &StoreDir, derivation: &Derivation) -> Option<BTreeMap<Vec<u8>, Hash>> {
    let mut hashes = BTreeMap::new();
    for (name, output) in &derivation.outputs {
        let Output::Fixed(_, hash, path) = output else { return None };
        let (method, hash) = (output.method_and_algorithm(), hash.encode(Format::Base16));
        let text = [format!("fixed:out:{method}:{hash}:").as_bytes(), &store.print(path)].concat();
        hashes.insert(name.clone(), Hash::of(Algorithm::Sha256, &text));
    }
    Some(hashes).filter(|hashes| !hashes.is_empty())
}

/// Gives the outputs of an input-addressed derivation, which must be [`Output::Deferred`], their paths where they follow
/// already, in the outputs and in the environment.
///
/// # Errors
/// [`ModuloError`].
pub fn fill_output_paths<E>(
    known: &mut Known,
    store: &StoreDir,
    derivation: &mut Derivation,
    read: &mut dyn FnMut(&StorePath) -> Result<Derivation, E>,
) -> Result<(), ModuloError<E>> {
    let modulo = known.hashes(store, derivation, true, read)?;
    if modulo.is_deferred {
        return Ok(());
    }
    for (output, hash) in modulo.hashes {
        let path = output_path(store, &output, &hash, &derivation.name)?;
        derivation.env.insert(output.clone(), store.print(&path));
        derivation.outputs.insert(output, Output::InputAddressed(path));
    }
    Ok(())
}
