//! The nodes of the graph.
//!
//! A step says what is to be done, never how or when. Everything in it enters its keys, except the fields that say
//! they do not. Its text form is its canonical encoding (`encode.rs`), specified in `spec/step-graph.md`.

use std::fmt;

use buildc_digest::{Digest, Key};

use crate::platform::Platform;

/// Structural identity of a step: blake3 over its canonical encoding and the ids of its inputs. Two nodes with
/// equal ids are one node. Unlike a definition key it does not hold what a build context contains.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId(pub Key);

impl fmt::Debug for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StepId({})", self.0.short())
    }
}

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.short())
    }
}

impl serde::Serialize for StepId {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(s)
    }
}

impl<'de> serde::Deserialize<'de> for StepId {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Key::deserialize(d).map(Self)
    }
}

/// One node: what to do, and which other steps it needs.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Step {
    /// What to do.
    pub kind: StepKind,
    /// What it needs, in a fixed order; mounts and copies refer to inputs by index.
    pub inputs: Vec<Input>,
}

impl Step {
    /// The tree this step is applied to, if it has one.
    pub fn base(&self) -> Option<StepId> {
        self.inputs.iter().find(|i| i.role == Role::Base).map(|i| i.step)
    }

    /// Of a [`StepKind::Diff`], the input whose layers it takes and the one whose layers it leaves out.
    pub fn difference(&self) -> Option<(usize, Option<usize>)> {
        let trees = self.inputs.iter().enumerate().filter(|(_, input)| input.role == Role::CopyFrom);
        let mut trees = trees.map(|(at, _)| at);
        Some((trees.next().filter(|_| self.kind == StepKind::Diff)?, trees.next()))
    }
}

/// An edge of the graph, seen from the step that needs the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Input {
    /// The step that is needed.
    pub step: StepId,
    /// What for.
    pub role: Role,
}

/// What an input is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The tree that the step's layer is put on.
    Base,
    /// A tree that files are copied from.
    CopyFrom,
    /// A tree that is mounted while the step runs.
    Mount,
    /// Must be done before, contributes nothing.
    Order,
}

/// What a step does.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum StepKind {
    /// The empty tree.
    Scratch,
    /// The layers of a pinned image.
    Image(ImageSource),
    /// One file fetched by http(s): a tree holding it.
    Http(HttpSource),
    /// The files of a git repository at a commit: a tree holding them.
    Git(GitSource),
    /// A command run over the base tree. Makes one layer, maybe empty.
    Exec(Exec),
    /// Files put over the base tree. Makes one layer.
    Copy(Copy),
    /// A directory made where it is missing (WORKDIR). Makes one layer, empty when it exists.
    Mkdir(Mkdir),
    /// A change of the image's config only; has no layer. Removed by the fold pass.
    Config(ConfigChange),
    /// What one tree has above another that it was built on: the layers of the first input that files are copied from
    /// without those of the second, all of them without a second, put on the base where there is one. Nothing is
    /// executed for it.
    Diff,
}

/// A pinned image.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct ImageSource {
    /// Fully qualified name as asked for; does not enter keys (the digest does).
    pub reference: String,
    /// Digest of the manifest (not of an index).
    pub manifest: Digest,
    /// Platform that was chosen.
    pub platform: Platform,
}

/// A file fetched by http(s).
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct HttpSource {
    /// Where from.
    pub url: String,
    /// Expected sha256 of the bytes.
    pub checksum: Option<Digest>,
    /// Name of the file in the tree.
    pub name: String,
}

/// A commit of a git repository.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct GitSource {
    /// What git is given.
    pub url: String,
    /// Whole name of the commit, hexadecimal.
    pub commit: String,
    /// Directory within the repository that is the tree; the whole where empty.
    pub subdirectory: String,
    /// True to check out submodules as well.
    pub submodules: bool,
    /// True to leave `.git` in place.
    pub keep_git_dir: bool,
}

/// A command.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Exec {
    /// The argument vector; the first word is looked up in the tree with the PATH of `env`.
    pub args: Vec<String>,
    /// Environment in order, names unique. HOME is added by the executor when missing.
    pub env: Vec<(String, String)>,
    /// Environment that does not enter keys (proxy variables). May hold passwords, so no text form shows it.
    #[serde(skip)]
    pub unkeyed_env: Vec<(String, String)>,
    /// Absolute working directory, made when missing.
    pub cwd: String,
    /// `user[:group]`, empty for root.
    pub user: String,
    /// Extra mounts, in the order they are mounted.
    pub mounts: Vec<Mount>,
    /// Network the command sees.
    pub network: Network,
    /// True for `--security=insecure`.
    pub insecure: bool,
    /// Extra `/etc/hosts` lines; do not enter keys.
    pub extra_hosts: Vec<(String, String)>,
    /// Platform the command runs as.
    pub platform: Platform,
}

/// Network of a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// A private namespace with outgoing NAT.
    #[default]
    Default,
    /// A private namespace with loopback only.
    None,
    /// The host's.
    Host,
}

/// One `RUN --mount`.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Mount {
    /// Absolute path in the container.
    pub target: String,
    /// What is mounted.
    pub source: MountSource,
    /// True when writes are refused.
    pub readonly: bool,
}

/// What a mount shows.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum MountSource {
    /// A path of another tree or of a build context; writes are thrown away.
    Bind {
        /// Whose path.
        from: From,
        /// Cleaned path inside it, `/` for all.
        path: String,
    },
    /// A named directory that outlives the build. Contents do not enter keys.
    Cache {
        /// Name.
        id: String,
        /// What happens when two steps use it at once.
        sharing: Sharing,
        /// Tree to start from, and a path in it.
        initial: Option<(From, String)>,
        /// Permission bits of a new directory.
        mode: u32,
        /// Owner of a new directory.
        uid: u32,
        /// Group of a new directory.
        gid: u32,
    },
    /// An empty tmpfs.
    Tmpfs {
        /// Limit in bytes, `None` for the kernel's default.
        size_bytes: Option<u64>,
    },
    /// A secret given on the command line. The value does not enter keys.
    Secret {
        /// Name.
        id: String,
        /// Environment variable to set, if asked for.
        env: Option<String>,
        /// True when a file is wanted at the target.
        file: bool,
        /// Permission bits of the file.
        mode: u32,
        /// Owner.
        uid: u32,
        /// Group.
        gid: u32,
        /// True when a missing secret is an error.
        required: bool,
    },
    /// The user's ssh agent socket.
    Ssh {
        /// Name.
        id: String,
        /// Permission bits.
        mode: u32,
        /// Owner.
        uid: u32,
        /// Group.
        gid: u32,
        /// True when a missing agent is an error.
        required: bool,
    },
    /// A file made from text (a heredoc script), mounted read-only with mode 0755.
    Inline {
        /// Its content.
        data: String,
    },
}

/// Where files come from.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum From {
    /// A build context, by name; the main one is the empty name.
    Context(String),
    /// The step's input with this index.
    Input(usize),
}

/// How two users of a cache mount share it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sharing {
    /// At the same time.
    #[default]
    Shared,
    /// Each gets its own.
    Private,
    /// One after the other.
    Locked,
}

/// COPY and ADD.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Copy {
    /// What is copied, in order.
    pub sources: Vec<CopySource>,
    /// Absolute destination, cleaned, without trailing slash (`/` itself excepted).
    pub dest: String,
    /// True when the destination was written with a trailing slash, or as `.` or empty.
    pub dest_is_dir: bool,
    /// `user[:group]` as expanded; `None` = 0:0 from a context, kept from a tree.
    pub chown: Option<String>,
    /// Octal or symbolic mode as expanded.
    pub chmod: Option<String>,
    /// Patterns that are left out (`--exclude`).
    pub exclude: Vec<String>,
    /// `--parents`.
    pub parents: bool,
    /// `--link`.
    pub link: bool,
    /// What happens to archives.
    pub unpack: Unpack,
}

impl Copy {
    /// Everything that a pattern finds somewhere, put into `/` as it is.
    pub fn to_root(from: From, pattern: String) -> Self {
        Self {
            sources: vec![CopySource::Path { from, pattern }],
            dest: "/".to_owned(),
            dest_is_dir: true,
            chown: None,
            chmod: None,
            exclude: Vec::new(),
            parents: false,
            link: false,
            unpack: Unpack::Never,
        }
    }
}

/// One source of a copy.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CopySource {
    /// A path or wildcard pattern, relative to the root of `from`, cleaned, without leading slash; empty = the root.
    Path {
        /// Whose.
        from: From,
        /// Path or pattern.
        pattern: String,
    },
    /// A file from text (a heredoc), mode 0644.
    Inline {
        /// File name.
        name: String,
        /// Content.
        data: String,
    },
    /// The single file of an `Http` input, mode 0600.
    Fetched {
        /// Index of the input.
        input: usize,
        /// File name.
        name: String,
    },
}

/// What a copy does with tar archives among its sources.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unpack {
    /// Copies them (COPY).
    #[default]
    Never,
    /// Extracts local ones, copies fetched ones (ADD).
    Local,
    /// Extracts all (`ADD --unpack`).
    Always,
}

/// True for an owner (`--chown`) of numbers alone, which needs no file of a tree to be understood.
pub fn is_numeric_owner(text: &str) -> bool {
    text.split(':').all(|part| part.bytes().all(|b| b.is_ascii_digit()) && part.parse::<i32>().is_ok())
}

/// Whether a copy that asks for `--link` can be made without its base. With a mode BuildKit silently makes a normal copy,
/// and so the result differs for parents; the names of owners are in the base's files, where builders that know no --link
/// find them.
pub fn may_link(chown: Option<&str>, chmod: Option<&str>) -> bool {
    chmod.is_none() && chown.is_none_or(is_numeric_owner)
}

/// A directory to make.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Mkdir {
    /// Absolute path.
    pub path: String,
    /// `user[:group]` that owns what is made, empty for root.
    pub user: String,
}

/// A change of the image config: the instruction as history shows it.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct ConfigChange {
    /// For example `ENV A=1`.
    pub text: String,
}

impl StepKind {
    /// One word for plans and messages.
    pub fn word(&self) -> &'static str {
        match self {
            StepKind::Scratch => "scratch",
            StepKind::Image(_) => "image",
            StepKind::Http(_) => "http",
            StepKind::Git(_) => "git",
            StepKind::Exec(_) => "exec",
            StepKind::Copy(_) => "copy",
            StepKind::Mkdir(_) => "mkdir",
            StepKind::Config(_) => "config",
            StepKind::Diff => "diff",
        }
    }
}
