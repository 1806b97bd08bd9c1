//! How a specification and its descriptors travel between the caller, the zygote and the new process.
//!
//! Everything is one host and one build of one program, so the format has no version: JSON, whose strings carry
//! arbitrary bytes as the characters U+0000 to U+00FF.

/// Serde adaptors for byte strings.
pub(crate) mod bytes {
    use serde::de::{Deserializer, Error};
    use serde::{Deserialize, Serializer};

    fn encode(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| char::from(*byte)).collect()
    }

    fn decode<E: Error>(text: &str) -> Result<Vec<u8>, E> {
        text.chars().map(|c| u8::try_from(u32::from(c)).map_err(|_| E::custom("not a byte"))).collect()
    }

    /// `Vec<u8>`.
    pub(crate) mod raw {
        use super::*;

        pub(crate) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
            to.serialize_str(&encode(bytes))
        }

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
            decode(&String::deserialize(from)?)
        }
    }

    /// `PathBuf`.
    pub(crate) mod path {
        use super::*;
        use std::ffi::OsString;
        use std::os::unix::ffi::{OsStrExt, OsStringExt};
        use std::path::{Path, PathBuf};

        pub(crate) fn serialize<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
            to.serialize_str(&encode(path.as_os_str().as_bytes()))
        }

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
            Ok(OsString::from_vec(decode(&String::deserialize(from)?)?).into())
        }
    }

    /// `Vec<PathBuf>`.
    pub(crate) mod path_list {
        use super::*;
        use std::ffi::OsString;
        use std::os::unix::ffi::{OsStrExt, OsStringExt};
        use std::path::PathBuf;

        pub(crate) fn serialize<S: Serializer>(list: &[PathBuf], to: S) -> Result<S::Ok, S::Error> {
            to.collect_seq(list.iter().map(|path| encode(path.as_os_str().as_bytes())))
        }

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<PathBuf>, D::Error> {
            let list = Vec::<String>::deserialize(from)?;
            list.iter().map(|text| Ok(OsString::from_vec(decode(text)?).into())).collect()
        }
    }

    /// `Vec<OsString>`.
    pub(crate) mod os_list {
        use super::*;
        use std::ffi::OsString;
        use std::os::unix::ffi::{OsStrExt, OsStringExt};

        pub(crate) fn serialize<S: Serializer>(list: &[OsString], to: S) -> Result<S::Ok, S::Error> {
            to.collect_seq(list.iter().map(|text| encode(text.as_bytes())))
        }

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<OsString>, D::Error> {
            let list = Vec::<String>::deserialize(from)?;
            list.iter().map(|text| Ok(OsString::from_vec(decode(text)?))).collect()
        }
    }

    /// `Vec<(OsString, OsString)>`.
    pub(crate) mod os_pairs {
        use super::*;
        use std::ffi::OsString;
        use std::os::unix::ffi::{OsStrExt, OsStringExt};

        pub(crate) fn serialize<S: Serializer>(
            list: &[(OsString, OsString)],
            to: S,
        ) -> Result<S::Ok, S::Error> {
            to.collect_seq(list.iter().map(|(a, b)| (encode(a.as_bytes()), encode(b.as_bytes()))))
        }

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
            from: D,
        ) -> Result<Vec<(OsString, OsString)>, D::Error> {
            let list = Vec::<(String, String)>::deserialize(from)?;
            list.iter()
                .map(|(a, b)| Ok((OsString::from_vec(decode(a)?), OsString::from_vec(decode(b)?))))
                .collect()
        }
    }
}
