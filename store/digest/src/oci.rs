//! sha256 digests as the OCI image specification writes them (`descriptor.md#digests`).

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use crate::{ParseDigestError, hex};

macro_rules! oci_digest {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 32]);

        impl $name {
            /// Wraps 32 raw sha256 bytes.
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The 32 raw sha256 bytes.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }

            /// Hashes one slice.
            pub fn of(bytes: &[u8]) -> Self {
                Self(Sha256::digest(bytes).into())
            }

            /// The 64 hexadecimal digits without the `sha256:` prefix.
            pub fn hex(&self) -> String {
                hex::encode(&self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "sha256:{}", self.hex())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseDigestError;

            fn from_str(text: &str) -> Result<Self, ParseDigestError> {
                let digits = text
                    .strip_prefix("sha256:")
                    .ok_or_else(|| ParseDigestError::Algorithm(text.to_owned()))?;
                hex::decode(digits).map(Self).ok_or_else(|| ParseDigestError::Hex(text.to_owned()))
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

oci_digest! {
    /// sha256 of a blob's bytes as stored or transferred: manifests, configs, compressed layers.
    Digest
}
oci_digest! {
    /// sha256 of a layer's uncompressed tar (OCI image spec, `config.md#layer-diffid`).
    DiffId
}
oci_digest! {
    /// Recursive digest of a stack of layers (OCI image spec, `config.md#layer-chainid`).
    ChainId
}

/// Computes the ChainId of a stack of layers, lowest first; `None` for the empty stack.
pub fn chain_id(layers: &[DiffId]) -> Option<ChainId> {
    let (first, rest) = layers.split_first()?;
    let start = ChainId::from_bytes(*first.as_bytes());
    Some(rest.iter().fold(start, |chain, diff| ChainId::of(format!("{chain} {diff}").as_bytes())))
}

/// A running sha256.
#[derive(Clone, Default)]
pub struct OciHasher(Sha256);

impl OciHasher {
    /// Starts an empty hash.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Adds so many zero bytes.
    pub fn update_zeros(&mut self, bytes: u64) {
        crate::zeros(bytes, |zeros| self.update(zeros));
    }

    /// Ends the hash as the digest of a blob.
    pub fn digest(self) -> Digest {
        Digest::from_bytes(self.0.finalize().into())
    }

    /// Ends the hash as a layer's DiffId.
    pub fn diff_id(self) -> DiffId {
        DiffId::from_bytes(self.0.finalize().into())
    }
}

impl fmt::Debug for OciHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OciHasher")
    }
}

impl std::io::Write for OciHasher {
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
    fn text_form_round_trips_and_rejects_others() {
        let d = Digest::of(b"");
        assert_eq!(d.to_string(), "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(d.to_string().parse::<Digest>(), Ok(d));
        assert!(matches!("md5:00".parse::<Digest>(), Err(ParseDigestError::Algorithm(_))));
        assert!(matches!("sha256:00".parse::<Digest>(), Err(ParseDigestError::Hex(_))));
        let upper = d.to_string().to_uppercase().replace("SHA256", "sha256");
        assert!(matches!(upper.parse::<Digest>(), Err(ParseDigestError::Hex(_))));
    }

    #[test]
    fn chain_of_one_layer_is_the_layer() {
        let a = DiffId::of(b"a");
        let b = DiffId::of(b"b");
        assert_eq!(chain_id(&[]), None);
        assert_eq!(chain_id(&[a]).map(|c| c.hex()), Some(a.hex()));
        let two = ChainId::of(format!("{a} {b}").as_bytes());
        assert_eq!(chain_id(&[a, b]), Some(two));
    }
}
