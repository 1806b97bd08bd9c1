//! How the world comes in: small read-only traits that the cli implements over the store and the file system.

use std::collections::{BTreeMap, BTreeSet};

use buildc_digest::{ContentDigest, Digest, Key};

use crate::git::GitRemote;
use crate::image_config::{History, ImageConfig};
use crate::pattern::SelectionQuery;
use crate::platform::Platform;
use crate::reads::{Aspect, ReadSet};
use crate::reference::Reference;
use crate::step::Exec;

/// An image as lowering needs to know it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ResolvedImage {
    /// Digest of the chosen platform's manifest.
    pub manifest: Digest,
    /// Its config.
    pub config: ImageConfig,
    /// Its history.
    pub history: Vec<History>,
}

/// Why the world has no answer. The message is complete: fact first, then what was asked where.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{message}")]
pub struct WorldError {
    /// Stable code, for example `registry::unauthorized`.
    pub code: &'static str,
    /// The fact, with what was asked where.
    pub message: String,
    /// The remedy.
    pub help: Option<String>,
}

/// Turns references into pins.
pub trait Resolver {
    /// Finds the manifest and config that a reference means now: the store first, then registries.
    ///
    /// # Errors
    /// When no place knows it, or none could be asked.
    fn resolve(&self, reference: &Reference, platform: &Platform) -> Result<ResolvedImage, WorldError>;

    /// Finds the commit that the ref of a git address is now.
    ///
    /// # Errors
    /// When the repository cannot be asked or has no such ref.
    fn commit(&self, remote: &GitRemote) -> Result<String, WorldError>;

    /// The sha256 that the file at a URL must have, where its source gives none; `None` where any will do.
    ///
    /// # Errors
    /// When there must be one, or it has to be found out and the server cannot be asked.
    fn checksum(&self, _url: &str) -> Result<Option<Digest>, WorldError> {
        Ok(None)
    }
}

/// What a selection found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Selected {
    /// Digest over the selected entries: paths below their source root, types, modes, contents; no times.
    pub digest: ContentDigest,
    /// Number of entries.
    pub entries: u64,
    /// Sum of regular files' sizes.
    pub bytes: u64,
}

/// Why a selection fails.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SelectError {
    /// An exact path is missing.
    NotFound {
        /// As written in the source.
        pattern: String,
        /// The ignore file, line number and text of the rule that hides it, if one does.
        ignored_by: Option<(String, u32, String)>,
        /// Names in the same directory that look alike.
        similar: Vec<String>,
    },
    /// A symbolic link of that name, or one that a wildcard matches, leads to nothing.
    LeadsNowhere {
        /// As written in the source.
        pattern: String,
        /// The link.
        link: String,
        /// What it points to.
        target: String,
    },
    /// The context cannot be read.
    Unreadable(WorldError),
    /// The pattern is malformed.
    BadPattern {
        /// As written.
        pattern: String,
    },
    /// No context has this name.
    UnknownContext(String),
}

/// What an earlier build of the same source knew of one step.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct StepRecord {
    /// Stage name.
    pub stage: String,
    /// Instruction as history shows it.
    pub text: String,
    /// Definition key it had.
    pub definition_key: Option<Key>,
    /// ARGs in scope.
    pub args: BTreeMap<String, String>,
    /// Environment.
    pub env: BTreeMap<String, String>,
    /// What else it runs with: `user`, `working directory`, `shell`, `network`, `security`, `platform`, `mounts`,
    /// `SOURCE_DATE_EPOCH`, and fingerprints of heredocs.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// Digests of selections, so that listings can be compared.
    pub selections: Vec<ContentDigest>,
    /// For images: name and manifest digest.
    pub image: Option<(String, Digest)>,
    /// How long it took when it last ran.
    pub duration_ms: Option<u64>,
    /// Bytes of regular files in its own layers.
    #[serde(default)]
    pub size_bytes: Option<u64>,
}

/// The newest build of the same source and target: its steps in order.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct BuildRecord {
    /// Steps in graph order.
    pub steps: Vec<StepRecord>,
}

/// What the traces of a command say of a base that it has not run over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Traced {
    /// It has not been traced.
    Never,
    /// A run of it read nothing that is different in this base.
    Same {
        /// The key that the result of that run is recorded under.
        result: Key,
        /// Content digests of the result's layers.
        layers: Vec<ContentDigest>,
        /// Number of paths that it read.
        paths: u64,
    },
    /// Every traced run read something that is different in this base.
    Differs {
        /// The first such path of the newest trace, absolute.
        path: String,
        /// What of it; `None` where the path was free and is no longer.
        aspect: Option<Aspect>,
    },
}

/// What a command did the last time it was traced. Paths are relative to the root.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Effects {
    /// What it read from its base.
    pub reads: ReadSet,
    /// What its layer holds, without directories that only lead there.
    pub writes: BTreeSet<Vec<u8>>,
    /// How long it took.
    pub duration_ms: u64,
}

/// What is known of keys, trees and contexts.
pub trait Facts {
    /// Content digests of the layers that the result under `key` consists of (own layers only, not the base's), or
    /// `None` when there is no result.
    fn result(&self, key: &Key) -> Option<Vec<ContentDigest>>;

    /// Content digests of the layers of an image that is in the store; `None` when it has to be pulled.
    fn image_layers(&self, manifest: &Digest) -> Option<Vec<ContentDigest>>;

    /// Digest of what a query selects from a build context (`query.from` names it).
    ///
    /// # Errors
    /// [`SelectError`] with what is needed for a good message.
    fn select_context(&self, context: &str, query: &SelectionQuery) -> Result<Selected, SelectError>;

    /// Digest of what a query selects from a tree that is in the store, given its layers' content digests, lowest first.
    ///
    /// # Errors
    /// [`SelectError`] as above.
    fn select_tree(&self, layers: &[ContentDigest], query: &SelectionQuery) -> Result<Selected, SelectError>;

    /// What the traces kept under `key` ([`crate::keys::trace_key`]) say of a base in the store, given its layers' content
    /// digests, lowest first.
    fn traced(&self, key: &Key, exec: &Exec, base: &[ContentDigest]) -> Traced;

    /// What the newest run that was traced under `key` read and wrote.
    fn effects(&self, _key: &Key) -> Option<Effects> {
        None
    }

    /// Paths that differ between what an earlier build selected and now: `+`, `-`, `~`, and where times count `@` in
    /// front, at most `limit`, those with `@` last; and the total.
    fn selection_diff(&self, before: &ContentDigest, now: &ContentDigest, limit: usize)
    -> (Vec<String>, u64);

    /// The newest build of the same source and target.
    fn previous(&self) -> Option<BuildRecord>;
}
