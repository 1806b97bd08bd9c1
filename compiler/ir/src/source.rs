//! What a build file asks for from elsewhere while it is evaluated (`fetchurl`, `fetchTarball`, `fetchGit`, `fetchTree`), and
//! what is known of it once it is here. Only the data; who fetches is the executor.

use buildc_digest::Digest;
use serde::{Deserialize, Serialize};

/// Something from elsewhere.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub enum Source {
    /// One file.
    File {
        /// `http`, `https` or `file`.
        url: String,
        /// What its bytes must have.
        sha256: Option<Digest>,
    },
    /// The files in an archive; of one with a single directory at its root, what is in that.
    Archive {
        /// `http`, `https` or `file`.
        url: String,
        /// What the archive's bytes must have.
        sha256: Option<Digest>,
    },
    /// The files of a git repository.
    Repository(Repository),
    /// A copy of a directory of this machine.
    Directory {
        /// Absolute.
        path: String,
    },
}

/// Which files of a git repository.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Repository {
    /// What git is given.
    pub url: String,
    /// Branch, tag or any other ref; of the default branch, or of a working tree on this machine, where neither this nor a
    /// commit is given.
    pub reference: Option<String>,
    /// The commit.
    pub commit: Option<String>,
    /// Submodules too.
    pub submodules: bool,
    /// Leaves out what has git's attribute `export-ignore`.
    pub export_ignore: bool,
    /// How many commits there are is asked for.
    pub history: bool,
}

/// What is known of a source that is here.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Facts {
    /// Of a file's bytes.
    pub sha256: Option<Digest>,
    /// Of the source as a Nix archive.
    pub nar_sha256: Option<Digest>,
    /// Of a repository: the commit, which the files of a changed working tree differ from.
    pub commit: Option<String>,
    /// The working trees with changes that the files are of: those of submodules, then the one that they are in.
    #[serde(default)]
    pub dirty_trees: Vec<String>,
    /// Commits up to this one.
    pub commits: Option<u64>,
    /// Seconds since 1970: the commit's time, or the newest file's.
    pub last_modified: Option<u64>,
}

impl Facts {
    /// Whether the files are those of a working tree with changes.
    pub fn is_dirty(&self) -> bool {
        !self.dirty_trees.is_empty()
    }
}

impl Source {
    /// Whether it is the same whenever it is asked for.
    pub fn is_pinned(&self) -> bool {
        match self {
            Self::File { sha256, .. } | Self::Archive { sha256, .. } => sha256.is_some(),
            Self::Repository(repository) => repository.commit.is_some(),
            Self::Directory { .. } => false,
        }
    }
}
