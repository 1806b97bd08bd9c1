//! blake3 digests that only buildc's own index sees.

use std::fmt;
use std::str::FromStr;

use crate::{ParseDigestError, hex};

macro_rules! internal_digest {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 32]);

        impl $name {
            /// Wraps 32 raw blake3 bytes.
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The 32 raw blake3 bytes.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }

            /// Hashes one slice.
            pub fn of(bytes: &[u8]) -> Self {
                Self(*blake3::hash(bytes).as_bytes())
            }

            /// The 64 hexadecimal digits.
            pub fn hex(&self) -> String {
                hex::encode(&self.0)
            }

            /// The first 12 hexadecimal digits, for people.
            pub fn short(&self) -> String {
                let mut text = self.hex();
                text.truncate(12);
                text
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.hex())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.short())
            }
        }

        impl FromStr for $name {
            type Err = ParseDigestError;

            fn from_str(text: &str) -> Result<Self, ParseDigestError> {
                hex::decode(text).map(Self).ok_or_else(|| ParseDigestError::Hex(text.to_owned()))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

internal_digest! {
    /// A lookup key of the result cache: a definition key or a content key. The store treats it as opaque.
    Key
}
internal_digest! {
    /// Digest of a file tree or of one layer's entries, without times (spec/cache-keys.md).
    ContentDigest
}
internal_digest! {
    /// blake3 of one regular file's bytes.
    FileHash
}

/// A running blake3.
#[derive(Clone, Default)]
pub struct InternalHasher(blake3::Hasher);

impl InternalHasher {
    /// Starts an empty hash.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes on this thread.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Adds bytes with the help of the current rayon pool; worth it from about 128 KiB.
    pub fn update_parallel(&mut self, bytes: &[u8]) {
        self.0.update_rayon(bytes);
    }

    /// Adds so many zero bytes.
    pub fn update_zeros(&mut self, bytes: u64) {
        crate::zeros(bytes, |zeros| self.update(zeros));
    }

    /// Forgets everything added.
    pub fn reset(&mut self) {
        self.0.reset();
    }

    /// Ends the hash as a cache key.
    pub fn key(&self) -> Key {
        Key::from_bytes(*self.0.finalize().as_bytes())
    }

    /// Ends the hash as a tree's content digest.
    pub fn content(&self) -> ContentDigest {
        ContentDigest::from_bytes(*self.0.finalize().as_bytes())
    }

    /// Ends the hash as a file's hash.
    pub fn file(&self) -> FileHash {
        FileHash::from_bytes(*self.0.finalize().as_bytes())
    }
}

impl fmt::Debug for InternalHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InternalHasher")
    }
}

impl std::io::Write for InternalHasher {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_form_is_the_hex_text() {
        let key = Key::of(b"x");
        let json = serde_json::to_string(&key).unwrap();
        assert_eq!(json, format!("\"{key}\""));
        assert_eq!(serde_json::from_str::<Key>(&json).unwrap(), key);
        assert!(serde_json::from_str::<Key>("\"zz\"").is_err());
    }
}
