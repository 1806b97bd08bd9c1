//! How store paths follow from what they hold, and stand-ins for outputs that are not known before a build.
//!
//! The rules are Nix's ("Complete Store Path Calculation" in its manual).

use super::{StoreDir, StorePath, StorePathError};
use crate::lang::hash::{Algorithm, Format, Hash, encode_nix32};

/// Bytes of a hash that go into a path.
const PATH_HASH_SIZE: usize = 20;

/// How files are turned into the bytes that are hashed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum FileMethod {
    /// The contents of one file.
    Flat,
    /// The archive of a tree.
    Archive,
    /// A text, whose references count.
    Text,
    /// A git tree object.
    Git,
}

impl FileMethod {
    /// What stands before the algorithm in derivations and content addresses.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            FileMethod::Flat => "",
            FileMethod::Archive => "r:",
            FileMethod::Text => "text:",
            FileMethod::Git => "git:",
        }
    }
}

/// What an object refers to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct References<'p> {
    /// Other objects, in order, each once.
    pub others: Vec<&'p StorePath>,
    /// Itself.
    pub itself: bool,
}

impl<'p> References<'p> {
    /// References to other objects, given in any order.
    pub fn to(others: impl Iterator<Item = &'p StorePath>) -> Self {
        let mut others: Vec<_> = others.collect();
        others.sort();
        others.dedup();
        Self { others, itself: false }
    }
}

/// `kind` with the references behind it.
fn kind_with(store: &StoreDir, kind: &str, references: &References<'_>) -> Vec<u8> {
    let length: usize =
        references.others.iter().map(|path| store.as_bytes().len() + 2 + path.as_bytes().len()).sum();
    let mut text = Vec::with_capacity(kind.len() + length + 5);
    text.extend_from_slice(kind.as_bytes());
    for reference in &references.others {
        text.push(b':');
        store.append(reference, &mut text);
    }
    if references.itself {
        text.extend_from_slice(b":self");
    }
    text
}

/// The path of an object of a kind, by the hash of what it holds.
fn path_of(store: &StoreDir, kind: &[u8], hash: &Hash, name: &[u8]) -> Result<StorePath, StorePathError> {
    let mut text = Vec::with_capacity(128 + kind.len() + store.as_bytes().len() + name.len());
    text.extend_from_slice(kind);
    text.push(b':');
    text.extend_from_slice(hash.algorithm().name().as_bytes());
    for part in [hash.encode(Format::Base16).as_bytes(), store.as_bytes(), name] {
        text.push(b':');
        text.extend_from_slice(part);
    }
    StorePath::new(&Hash::of(Algorithm::Sha256, &text).compress(PATH_HASH_SIZE), name)
}

/// The path of a text, as `builtins.toFile` and derivations have it; `hash` is the text's SHA-256.
///
/// # Errors
/// [`StorePathError`] for a bad name, here and below.
pub fn text_path(
    store: &StoreDir,
    name: &[u8],
    hash: &Hash,
    references: &References<'_>,
) -> Result<StorePath, StorePathError> {
    path_of(store, &kind_with(store, "text", references), hash, name)
}

/// The path of a tree by the SHA-256 of its archive.
///
/// # Errors
/// See [`text_path`].
pub fn source_path(
    store: &StoreDir,
    name: &[u8],
    hash: &Hash,
    references: &References<'_>,
) -> Result<StorePath, StorePathError> {
    path_of(store, &kind_with(store, "source", references), hash, name)
}

/// The path of an object whose content is known beforehand and that refers to nothing.
///
/// # Errors
/// See [`text_path`].
pub fn fixed_output_path(
    store: &StoreDir,
    name: &[u8],
    method: FileMethod,
    hash: &Hash,
) -> Result<StorePath, StorePathError> {
    match (method, hash.algorithm()) {
        (FileMethod::Text, _) => text_path(store, name, hash, &References::default()),
        (FileMethod::Archive, Algorithm::Sha256) => source_path(store, name, hash, &References::default()),
        _ => {
            let text = format!("fixed:out:{}{}:", method.prefix(), hash.encode_prefixed(Format::Base16));
            path_of(store, b"output:out", &Hash::of(Algorithm::Sha256, text.as_bytes()), name)
        }
    }
}

/// The name of an output: `out` goes without its own.
#[must_use]
pub fn output_name(name: &[u8], output: &[u8]) -> Vec<u8> {
    match output {
        b"out" => name.to_vec(),
        _ => [name, b"-", output].concat(),
    }
}

/// The path of an output of a derivation by the hash of the derivation modulo fixed outputs.
///
/// # Errors
/// See [`text_path`].
pub fn output_path(
    store: &StoreDir,
    output: &[u8],
    hash: &Hash,
    name: &[u8],
) -> Result<StorePath, StorePathError> {
    path_of(store, &[b"output:", output].concat(), hash, &output_name(name, output))
}

fn placeholder(text: &[u8]) -> Vec<u8> {
    [b"/", Hash::of(Algorithm::Sha256, text).encode(Format::Nix32).as_bytes()].concat()
}

/// What stands for an output inside its own derivation.
#[must_use]
pub fn output_placeholder(output: &[u8]) -> Vec<u8> {
    placeholder(&[b"nix-output:", output].concat())
}

/// What stands for an output of another derivation whose path is known only once it is built.
#[must_use]
pub fn unknown_output_placeholder(derivation: &StorePath, output: &[u8]) -> Vec<u8> {
    let name = derivation.name();
    let name = name.strip_suffix(super::DERIVATION_ENDING).unwrap_or(name);
    placeholder(&[b"nix-upstream-output:", derivation.hash_part(), b":", &output_name(name, output)].concat())
}

/// What stands for an output of a derivation that is itself an output; `derivation` is the placeholder of that.
#[must_use]
pub fn unknown_derivation_placeholder(derivation: &[u8], output: &[u8]) -> Vec<u8> {
    let bytes = crate::lang::hash::decode_nix32(derivation.strip_prefix(b"/").unwrap_or(derivation))
        .unwrap_or_default();
    let folded = match Hash::from_bytes(Algorithm::Sha256, &bytes) {
        Some(hash) => hash.compress(PATH_HASH_SIZE),
        None => bytes,
    };
    placeholder(&[b"nix-computed-output:", encode_nix32(&folded).as_bytes(), b":", output].concat())
}
