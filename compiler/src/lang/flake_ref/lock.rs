//! The hashes of references, and when they hold a tree fast.

use super::{Attributes, FlakeRefError, text_of};
use crate::lang::hash::{Algorithm, Format, Hash, HashError, parse};

/// The commit that no repository has.
const NO_COMMIT: &str = "0000000000000000000000000000000000000000";

/// Whether attributes name the same tree for ever.
///
/// # Errors
/// When their hashes are none.
pub fn is_locked(attributes: &Attributes) -> Result<bool, FlakeRefError> {
    Ok(match text_of(attributes, "type")? {
        Some("git") => revision(attributes)?.is_some_and(|commit| commit != NO_COMMIT),
        Some("hg" | "github" | "gitlab" | "sourcehut") => revision(attributes)?.is_some(),
        Some("path" | "tarball" | "file") => nar_hash(attributes)?.is_some(),
        _ => false,
    })
}

/// The revision in hexadecimal digits.
///
/// # Errors
/// When it is no hash. One that does not say its algorithm is taken for one of SHA-1.
pub fn revision(attributes: &Attributes) -> Result<Option<String>, FlakeRefError> {
    let Some(text) = text_of(attributes, "rev")? else { return Ok(None) };
    let hash = match parse(text.as_bytes(), None) {
        Err(HashError::UnknownAlgorithm(name)) => Err(HashError::UnknownAlgorithm(name)),
        Err(_) => parse(text.as_bytes(), Some(Algorithm::Sha1)),
        found => found,
    };
    hash.map(|hash| Some(hash.encode(Format::Base16))).map_err(|error| hash_error(&error))
}

/// The hash of the tree. An empty text is a hash of zeros.
///
/// # Errors
/// When it is none of SHA-256 as SRI writes it.
pub fn nar_hash(attributes: &Attributes) -> Result<Option<Hash>, FlakeRefError> {
    let Some(text) = text_of(attributes, "narHash")? else { return Ok(None) };
    if text.is_empty() {
        return Ok(Hash::from_bytes(Algorithm::Sha256, &[0; 32]));
    }
    if !text.contains('-') {
        return Err(FlakeRefError::new(format!("hash '{text}' is not SRI")));
    }
    let hash = parse(text.as_bytes(), None).map_err(|error| hash_error(&error))?;
    if hash.algorithm() != Algorithm::Sha256 {
        return Err(FlakeRefError { is_usage: true, ..FlakeRefError::new("narHash must use SHA-256") });
    }
    Ok(Some(hash))
}

pub(super) fn hash_error(error: &HashError) -> FlakeRefError {
    FlakeRefError { is_usage: error.is_usage(), ..FlakeRefError::new(error.to_string()) }
}
