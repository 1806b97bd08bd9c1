//! Hashes from text, with Nix's errors.

use super::encoding::{decode_base64, decode_hex, decode_nix32, nix32_length};
use super::{Algorithm, Format, Hash};

/// Why a text is no hash. The texts are Nix's.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum HashError {
    /// No algorithm has this name. Nix counts it as a usage error.
    #[error("unknown hash algorithm '{0}', expect 'blake3', 'md5', 'sha1', 'sha256', or 'sha512'")]
    UnknownAlgorithm(String),
    /// No format has this name. Nix counts it as a usage error.
    #[error("unknown hash format '{0}', expect 'base16', 'base32', 'base64', or 'sri'")]
    UnknownFormat(String),
    /// Neither the text nor the caller says which algorithm.
    #[error("hash '{0}' does not include a type, nor is the type otherwise known from context")]
    NoAlgorithm(String),
    /// Text and caller disagree.
    #[error("hash '{0}' should have type '{1}'")]
    OtherAlgorithm(String, Algorithm),
    /// The length fits no encoding.
    #[error("hash '{0}' has wrong length for hash algorithm '{1}'")]
    Length(String, Algorithm),
    /// The text decodes to another number of bytes; none when it has a foreign character.
    #[error("invalid {encoding} hash '{text}', length {length} != expected length {expected}")]
    Decode {
        /// Name of the encoding.
        encoding: &'static str,
        /// The text without its algorithm.
        text: String,
        /// Bytes it decodes to.
        length: usize,
        /// Bytes of the algorithm.
        expected: usize,
    },
    /// An empty hash stands for zeros only when the algorithm is given.
    #[error("empty hash requires explicit hash algorithm")]
    Empty,
}

impl HashError {
    /// Whether Nix adds its hint at `--help` to this error.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(self, HashError::UnknownAlgorithm(_) | HashError::UnknownFormat(_))
    }
}

/// Bytes as an error shows them.
pub(super) fn shown(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

/// Reads `[algorithm:]hash` in any encoding, or `algorithm-base64`.
///
/// # Errors
/// [`HashError`].
pub fn parse(text: &[u8], expected: Option<Algorithm>) -> Result<Hash, HashError> {
    let split = |mark: u8| text.iter().position(|b| *b == mark).map(|at| (&text[..at], &text[at + 1..]));
    let (named, rest, is_sri) = match (split(b':'), split(b'-')) {
        (Some((name, rest)), _) => (Some(Algorithm::parse(name)?), rest, false),
        (None, Some((name, rest))) => (Some(Algorithm::parse(name)?), rest, true),
        (None, None) => (None, text, false),
    };
    let algorithm = match (named, expected) {
        (None, None) => return Err(HashError::NoAlgorithm(shown(text))),
        (Some(named), Some(expected)) if named != expected => {
            return Err(HashError::OtherAlgorithm(shown(text), expected));
        }
        (Some(algorithm), _) | (None, Some(algorithm)) => algorithm,
    };
    let size = algorithm.size();
    let (encoding, decoded) = if is_sri {
        ("SRI", decode_base64(rest))
    } else if rest.len() == 2 * size {
        ("base16", decode_hex(rest))
    } else if rest.len() == nix32_length(size) {
        ("nix32", decode_nix32(rest))
    } else if rest.len() == size.div_ceil(3) * 4 {
        ("base64", decode_base64(rest))
    } else {
        return Err(HashError::Length(shown(rest), algorithm));
    };
    let bytes = decoded.unwrap_or_default();
    Hash::from_bytes(algorithm, &bytes).ok_or_else(|| HashError::Decode {
        encoding,
        text: shown(rest),
        length: bytes.len(),
        expected: size,
    })
}

/// Reads a hash as derivations and fetchers do, where an empty text stands for zeros. The second value is Nix's warning
/// about that, without the word `warning:`.
///
/// # Errors
/// [`HashError`].
pub fn parse_or_empty(text: &[u8], expected: Option<Algorithm>) -> Result<(Hash, Option<String>), HashError> {
    if !text.is_empty() {
        return Ok((parse(text, expected)?, None));
    }
    let algorithm = expected.ok_or(HashError::Empty)?;
    let hash = Hash { algorithm, bytes: [0; 64] };
    Ok((hash, Some(format!("found empty hash, assuming '{}'", hash.encode(Format::Sri)))))
}
