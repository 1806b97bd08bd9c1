//! Hashes as the language knows them: five algorithms, four encodings, and the texts of Nix's errors.
//!
//! Not the identities of steps and layers: those are `buildc-digest`'s.

mod encoding;
mod parse;
#[cfg(test)]
mod tests;

use std::fmt;

use md5::Digest as _;

pub use encoding::{decode_nix32, encode_base64, encode_hex, encode_nix32, nix32_length};
pub use parse::{HashError, parse, parse_or_empty};

/// A hash algorithm.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Algorithm {
    /// BLAKE3 with 32 bytes; in Nix behind the experimental feature `blake3-hashes`.
    Blake3,
    /// MD5, 16 bytes.
    Md5,
    /// SHA-1, 20 bytes.
    Sha1,
    /// SHA-256, 32 bytes.
    Sha256,
    /// SHA-512, 64 bytes.
    Sha512,
}

impl Algorithm {
    /// All of them, in the order of Nix's messages.
    pub const ALL: [Algorithm; 5] =
        [Algorithm::Blake3, Algorithm::Md5, Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512];

    /// The name in the language.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Blake3 => "blake3",
            Algorithm::Md5 => "md5",
            Algorithm::Sha1 => "sha1",
            Algorithm::Sha256 => "sha256",
            Algorithm::Sha512 => "sha512",
        }
    }

    /// Length of a hash in bytes.
    #[must_use]
    pub fn size(self) -> usize {
        match self {
            Algorithm::Md5 => 16,
            Algorithm::Sha1 => 20,
            Algorithm::Blake3 | Algorithm::Sha256 => 32,
            Algorithm::Sha512 => 64,
        }
    }

    /// The algorithm with this name.
    ///
    /// # Errors
    /// [`HashError::UnknownAlgorithm`].
    pub fn parse(name: &[u8]) -> Result<Algorithm, HashError> {
        let known = Algorithm::ALL.into_iter().find(|algorithm| algorithm.name().as_bytes() == name);
        known.ok_or_else(|| HashError::UnknownAlgorithm(parse::shown(name)))
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a hash is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// Lower-case hexadecimal.
    Base16,
    /// Nix's own base 32, most significant digit first.
    Nix32,
    /// RFC 4648 base 64 with padding.
    Base64,
    /// `algorithm-base64`.
    Sri,
}

impl Format {
    /// The format with this name. `base32` names [`Format::Nix32`] as well, and Nix warns of it:
    /// [`Format::is_deprecated`].
    ///
    /// # Errors
    /// [`HashError::UnknownFormat`].
    pub fn parse(name: &[u8]) -> Result<Format, HashError> {
        match name {
            b"base16" => Ok(Format::Base16),
            b"nix32" | b"base32" => Ok(Format::Nix32),
            b"base64" => Ok(Format::Base64),
            b"sri" => Ok(Format::Sri),
            _ => Err(HashError::UnknownFormat(parse::shown(name))),
        }
    }

    /// Whether this name of a format draws the warning [`DEPRECATED_FORMAT`].
    #[must_use]
    pub fn is_deprecated(name: &[u8]) -> bool {
        name == b"base32"
    }
}

/// Nix's warning about the format name `base32`, without the word `warning:`.
pub const DEPRECATED_FORMAT: &str = r#""base32" is a deprecated alias for hash format "nix32"."#;

/// A hash: its algorithm and bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash {
    algorithm: Algorithm,
    bytes: [u8; 64],
}

impl Hash {
    /// A hash from its bytes; `None` unless there are as many as the algorithm makes.
    #[must_use]
    pub fn from_bytes(algorithm: Algorithm, bytes: &[u8]) -> Option<Hash> {
        let mut hash = Hash { algorithm, bytes: [0; 64] };
        (bytes.len() == algorithm.size()).then(|| hash.bytes[..bytes.len()].copy_from_slice(bytes))?;
        Some(hash)
    }

    /// Hashes `data`.
    #[must_use]
    pub fn of(algorithm: Algorithm, data: &[u8]) -> Hash {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(data);
        hasher.finish()
    }

    /// Its algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.algorithm.size()]
    }

    /// The hash in `format`, without the algorithm except in [`Format::Sri`].
    #[must_use]
    pub fn encode(&self, format: Format) -> String {
        match format {
            Format::Base16 => encode_hex(self.as_bytes()),
            Format::Nix32 => encode_nix32(self.as_bytes()),
            Format::Base64 => encode_base64(self.as_bytes()),
            Format::Sri => format!("{}-{}", self.algorithm, encode_base64(self.as_bytes())),
        }
    }

    /// `algorithm:` and the hash in `format`; [`Format::Sri`] stays as it is.
    #[must_use]
    pub fn encode_prefixed(&self, format: Format) -> String {
        match format {
            Format::Sri => self.encode(format),
            _ => format!("{}:{}", self.algorithm, self.encode(format)),
        }
    }

    /// The bytes folded to `size` by exclusive or, as store paths use them.
    #[must_use]
    pub fn compress(&self, size: usize) -> Vec<u8> {
        let mut folded = vec![0; size];
        for (at, byte) in self.as_bytes().iter().enumerate() {
            folded[at % size] ^= byte;
        }
        folded
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.encode_prefixed(Format::Base16))
    }
}

/// Hashes what comes in pieces.
#[derive(Clone, Debug)]
pub struct Hasher(State);

#[derive(Clone, Debug)]
enum State {
    Blake3(Box<blake3::Hasher>),
    Md5(md5::Md5),
    Sha1(sha1::Sha1),
    Sha256(sha2::Sha256),
    Sha512(sha2::Sha512),
}

impl Hasher {
    /// A hasher that has seen nothing.
    #[must_use]
    pub fn new(algorithm: Algorithm) -> Hasher {
        Hasher(match algorithm {
            Algorithm::Blake3 => State::Blake3(Box::default()),
            Algorithm::Md5 => State::Md5(md5::Md5::new()),
            Algorithm::Sha1 => State::Sha1(sha1::Sha1::new()),
            Algorithm::Sha256 => State::Sha256(sha2::Sha256::new()),
            Algorithm::Sha512 => State::Sha512(sha2::Sha512::new()),
        })
    }

    /// Takes in more.
    pub fn update(&mut self, data: &[u8]) {
        match &mut self.0 {
            State::Blake3(state) => {
                state.update(data);
            }
            State::Md5(state) => state.update(data),
            State::Sha1(state) => state.update(data),
            State::Sha256(state) => state.update(data),
            State::Sha512(state) => state.update(data),
        }
    }

    /// The hash of everything taken in.
    #[must_use]
    pub fn finish(self) -> Hash {
        let fill = |algorithm: Algorithm, digest: &[u8]| {
            let mut hash = Hash { algorithm, bytes: [0; 64] };
            hash.bytes[..digest.len()].copy_from_slice(digest);
            hash
        };
        match self.0 {
            State::Blake3(state) => fill(Algorithm::Blake3, state.finalize().as_bytes()),
            State::Md5(state) => fill(Algorithm::Md5, &state.finalize()),
            State::Sha1(state) => fill(Algorithm::Sha1, &state.finalize()),
            State::Sha256(state) => fill(Algorithm::Sha256, &state.finalize()),
            State::Sha512(state) => fill(Algorithm::Sha512, &state.finalize()),
        }
    }
}
