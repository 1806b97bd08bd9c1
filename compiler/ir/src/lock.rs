//! Pins of remote sources: what names, addresses and refs meant when they were locked (spec/lock.md).

use std::collections::BTreeMap;

use buildc_digest::Digest;

/// Version of the file's form.
pub const VERSION: u32 = 1;

/// What is pinned. Sorted, so that equal locks are equal files.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// [`VERSION`].
    pub version: u32,
    /// Manifest digests by fully qualified image name and platform.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub images: BTreeMap<String, BTreeMap<String, Digest>>,
    /// sha256 of files by URL; the same for all platforms.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub urls: BTreeMap<String, Digest>,
    /// Commits by repository and ref (`URL#REF`); the same for all platforms.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub git: BTreeMap<String, String>,
}

impl Default for Lock {
    fn default() -> Self {
        Self { version: VERSION, images: BTreeMap::new(), urls: BTreeMap::new(), git: BTreeMap::new() }
    }
}
