//! Digest newtypes and hashers.
//!
//! Owns: the names by which buildc calls bytes and trees, their text forms, and the hashing of byte streams.
//! Never does: file access, encoding of any structure (that is `buildc-ir`'s `encode`), or lookups.
//!
//! Two families exist and never mix: **OCI digests** (sha256, text `sha256:<64 hex>`), which other tools see,
//! and **internal digests** (blake3, text `<64 hex>`), which only buildc's own index sees.
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod hex;
mod internal;
mod oci;

pub use internal::{ContentDigest, FileHash, InternalHasher, Key};
pub use oci::{ChainId, DiffId, Digest, OciHasher, chain_id};

/// A digest text that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseDigestError {
    /// The text has no `sha256:` prefix.
    #[error("digest `{0}` does not start with `sha256:`")]
    Algorithm(String),
    /// The part after the prefix is not 64 lower-case hexadecimal digits.
    #[error("digest `{0}` does not have 64 lower-case hexadecimal digits")]
    Hex(String),
}

/// Hands over so many zero bytes, a piece at a time.
fn zeros(bytes: u64, mut each: impl FnMut(&[u8])) {
    static ZEROS: [u8; 64 << 10] = [0; 64 << 10];
    let mut left = bytes;
    while left > 0 {
        let piece = usize::try_from(left).unwrap_or(ZEROS.len()).min(ZEROS.len());
        each(&ZEROS[..piece]);
        left -= piece as u64;
    }
}
