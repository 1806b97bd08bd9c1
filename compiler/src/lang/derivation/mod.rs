//! Derivations: what `derivationStrict` makes, how it is written, and which paths follow from it.
//!
//! A derivation is data; reading one from a store is the caller's, through [`modulo::Known`].

mod aterm;
pub mod modulo;
mod parse;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use super::hash::{Algorithm, Format, Hash};
use super::store_path::{
    FileMethod, References, StoreDir, StorePath, StorePathError, fixed_output_path, text_path,
};

pub use aterm::Text;
pub use parse::ParseError;

/// A derivation. Names and texts are bytes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Derivation {
    /// Its name, without `.drv`.
    pub name: Vec<u8>,
    /// Outputs by name.
    pub outputs: BTreeMap<Vec<u8>, Output>,
    /// Derivations it needs, with the outputs it needs of each.
    pub input_derivations: BTreeMap<StorePath, Inputs>,
    /// Objects it needs that no derivation makes.
    pub input_sources: BTreeSet<StorePath>,
    /// The platform it is built on.
    pub system: Vec<u8>,
    /// The program that builds it.
    pub builder: Vec<u8>,
    /// The program's arguments.
    pub args: Vec<Vec<u8>>,
    /// The program's environment.
    pub env: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Attributes as JSON text, passed beside the environment.
    pub structured_attrs: Option<Vec<u8>>,
}

/// Outputs wanted of one derivation.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Inputs {
    /// Outputs by name.
    pub outputs: BTreeSet<Vec<u8>>,
    /// Outputs that are derivations in turn, and what is wanted of those.
    pub dynamic: BTreeMap<Vec<u8>, Inputs>,
}

/// An output.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output {
    /// Its path follows from the derivation.
    InputAddressed(StorePath),
    /// Its content is known beforehand, and so is its path: see [`Output::fixed`].
    Fixed(FileMethod, Hash, StorePath),
    /// Its path will follow from its content.
    Floating(FileMethod, Algorithm),
    /// Its path will follow from the derivation once the floating inputs are known.
    Deferred,
    /// It may be different each time.
    Impure(FileMethod, Algorithm),
}

impl Output {
    /// The output of the name `output` of the derivation of the name `derivation` that will have this hash.
    ///
    /// # Errors
    /// [`StorePathError`] when the path would be too long.
    pub fn fixed(
        store: &StoreDir,
        derivation: &[u8],
        output: &[u8],
        method: FileMethod,
        hash: Hash,
    ) -> Result<Output, StorePathError> {
        let name = super::store_path::output_name(derivation, output);
        Ok(Output::Fixed(method, hash, fixed_output_path(store, &name, method, &hash)?))
    }

    /// The path, where it is known.
    #[must_use]
    pub fn path(&self) -> Option<&StorePath> {
        match self {
            Output::InputAddressed(path) | Output::Fixed(_, _, path) => Some(path),
            Output::Floating(..) | Output::Deferred | Output::Impure(..) => None,
        }
    }

    /// Method and algorithm as a derivation shows them; empty where there are none.
    fn method_and_algorithm(&self) -> String {
        match self {
            Output::InputAddressed(_) | Output::Deferred => String::new(),
            Output::Fixed(method, hash, _) => format!("{}{}", method.prefix(), hash.algorithm()),
            Output::Floating(method, algorithm) | Output::Impure(method, algorithm) => {
                format!("{}{algorithm}", method.prefix())
            }
        }
    }

    /// The third word of an output in a derivation: the hash, `impure`, or nothing.
    fn hash_word(&self) -> String {
        match self {
            Output::Fixed(_, hash, _) => hash.encode(Format::Base16),
            Output::Impure(..) => "impure".to_owned(),
            _ => String::new(),
        }
    }
}

impl Derivation {
    /// What the derivation's own object refers to.
    #[must_use]
    pub fn references(&self) -> References<'_> {
        References::to(self.input_sources.iter().chain(self.input_derivations.keys()))
    }

    /// The derivation itself as an object of the store: its path and its text.
    ///
    /// # Errors
    /// [`StorePathError`] when its name is too long.
    pub fn object(&self, store: &StoreDir) -> Result<(StorePath, Text), StorePathError> {
        let text = self.write(store);
        let name = [&self.name, super::store_path::DERIVATION_ENDING].concat();
        let path =
            text_path(store, &name, &Hash::of(Algorithm::Sha256, text.as_bytes()), &self.references())?;
        Ok((path, text))
    }
}
