//! What the primitive `step` is asked for, as plain data.
//!
//! Owns: the form of a request (spec/build-file.md), which the library writes and users may write themselves. Never
//! does: evaluation, or making a step.

use serde::Deserialize;

/// A step made earlier in the same evaluation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
pub struct Handle {
    /// Its number in the order of making.
    pub step: usize,
}

/// Where files come from.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(untagged)]
pub enum Place {
    /// A step's whole tree.
    Step(Handle),
    /// A file or directory beside the build file.
    Path {
        /// Absolute.
        path: String,
    },
    /// A path that begins with a step's place, as interpolating the step gives it.
    Text(String),
}

/// A name with a value.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
}

/// A commit of a repository. What the address says too is said here with more weight.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GitRequest {
    /// Address, as ADD takes it.
    pub url: String,
    /// Branch, tag or commit.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// The commit that the ref must be, or its beginning.
    pub commit: Option<String>,
    /// Directory within the repository.
    pub subdir: Option<String>,
    /// Whether submodules are checked out.
    pub submodules: Option<bool>,
    /// Whether `.git` stays.
    pub keep_git_dir: Option<bool>,
}

/// One request.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Request {
    /// The empty tree.
    Scratch,
    /// An image.
    Image {
        /// Its reference.
        reference: String,
        /// Its platform, where it is not the build's.
        platform: Option<String>,
    },
    /// A fetched file.
    Http {
        /// Where from.
        url: String,
        /// Its sha256, in hexadecimal or as `sha256:…`.
        sha256: Option<String>,
        /// Its name in the tree.
        name: Option<String>,
    },
    /// The files of a git repository.
    Git(GitRequest),
    /// The image that a Dockerfile builds.
    Dockerfile(DockerfileRequest),
    /// A command.
    Exec(ExecRequest),
    /// Files copied into a tree.
    Copy(CopyRequest),
    /// A file from text.
    Write(WriteRequest),
    /// A directory.
    Mkdir {
        /// The tree it is made in.
        base: Handle,
        /// Its path.
        path: String,
    },
    /// What one tree has above another.
    Diff {
        /// The tree below.
        lower: Handle,
        /// The tree above.
        upper: Handle,
    },
    /// Trees over one another.
    Merge {
        /// The trees, the lowest first.
        trees: Vec<Handle>,
    },
    /// A change of the config.
    Config {
        /// The tree whose config is changed.
        base: Handle,
        /// The change.
        config: Box<ConfigRequest>,
    },
}

/// `kind = "dockerfile"`.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct DockerfileRequest {
    /// The build context.
    pub context: Place,
    /// The Dockerfile, `Dockerfile` of the context where it is left out.
    pub file: Option<Place>,
    /// The stage that is wanted.
    pub target: Option<String>,
    /// Build arguments.
    #[serde(default)]
    pub args: Vec<Pair>,
    /// Further contexts by name.
    #[serde(default)]
    pub contexts: std::collections::BTreeMap<String, Place>,
    /// Platform, where it is not the build's.
    pub platform: Option<String>,
}

/// `kind = "exec"`.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct ExecRequest {
    /// The tree it runs in.
    pub base: Handle,
    /// Text for the shell.
    pub script: Option<String>,
    /// The argument vector, instead of a script.
    pub args: Option<Vec<String>>,
    /// Environment beside the config's.
    #[serde(default)]
    pub env: Vec<Pair>,
    /// Working directory, where it is not the config's.
    pub cwd: Option<String>,
    /// User, where it is not the config's.
    pub user: Option<String>,
    /// Shell, where it is not the config's.
    pub shell: Option<Vec<String>>,
    /// Mounts.
    #[serde(default)]
    pub mounts: Vec<MountRequest>,
    /// `default`, `none` or `host`.
    pub network: Option<String>,
    /// `--security=insecure`.
    #[serde(default)]
    pub insecure: bool,
}

/// A mount.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum MountRequest {
    /// Part of a tree or context.
    Bind {
        /// Whose.
        from: Place,
        /// Which part.
        source: String,
        /// Where.
        target: String,
        /// Writes are allowed, and thrown away.
        writable: bool,
    },
    /// A directory that outlives the build.
    Cache {
        /// Where.
        target: String,
        /// Its name; the target where it is left out.
        id: Option<String>,
        /// `shared`, `private` or `locked`.
        sharing: String,
        /// Permissions of a new one.
        mode: Option<String>,
        /// Owner of a new one.
        uid: u32,
        /// Group of a new one.
        gid: u32,
    },
    /// Memory.
    Tmpfs {
        /// Where.
        target: String,
        /// Limit in bytes.
        size: Option<u64>,
    },
    /// A secret of the command line.
    Secret {
        /// Its name.
        id: String,
        /// Where.
        target: Option<String>,
        /// Variable that holds it.
        env: Option<String>,
        /// A missing one is an error.
        required: bool,
        /// Permissions.
        mode: Option<String>,
        /// Owner.
        uid: u32,
        /// Group.
        gid: u32,
    },
    /// The user's ssh agent.
    Ssh {
        /// Its name.
        id: String,
        /// Where.
        target: Option<String>,
        /// A missing one is an error.
        required: bool,
    },
}

/// `kind = "copy"`.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct CopyRequest {
    /// The tree that is copied into.
    pub base: Handle,
    /// Where the files come from.
    pub from: Place,
    /// Paths or patterns, as COPY has them.
    pub sources: Vec<String>,
    /// Patterns that are left out.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// Destination; with a slash at its end, a directory.
    pub dest: String,
    /// `user[:group]`.
    pub chown: Option<String>,
    /// Octal or symbolic.
    pub chmod: Option<String>,
    /// Keeps the sources' parents.
    #[serde(default)]
    pub parents: bool,
    /// COPY --link.
    #[serde(default)]
    pub link: bool,
    /// Unpacks archives, as ADD does.
    #[serde(default)]
    pub unpack: bool,
}

/// `kind = "write"`.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct WriteRequest {
    /// The tree that is written into.
    pub base: Handle,
    /// Path of the file.
    pub path: String,
    /// Its content.
    pub text: String,
    /// `user[:group]`.
    pub chown: Option<String>,
    /// Octal or symbolic.
    pub chmod: Option<String>,
}

/// A command: text for the shell, or an argument vector.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(untagged)]
pub enum CommandRequest {
    /// For the shell.
    Shell(String),
    /// As it is.
    Exec(Vec<String>),
}

/// A change of an image's config; what is left out stays.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ConfigRequest {
    /// Author.
    pub author: Option<String>,
    /// CMD.
    pub cmd: Option<CommandRequest>,
    /// ENTRYPOINT.
    pub entrypoint: Option<CommandRequest>,
    /// ENV.
    pub env: Vec<Pair>,
    /// EXPOSE.
    pub ports: Vec<String>,
    /// HEALTHCHECK.
    pub healthcheck: Option<HealthcheckRequest>,
    /// LABEL.
    pub labels: Vec<Pair>,
    /// ONBUILD.
    pub on_build: Vec<String>,
    /// SHELL.
    pub shell: Option<Vec<String>>,
    /// STOPSIGNAL.
    pub stop_signal: Option<String>,
    /// USER.
    pub user: Option<String>,
    /// VOLUME.
    pub volumes: Vec<String>,
    /// WORKDIR; makes no directory.
    pub working_dir: Option<String>,
}

/// HEALTHCHECK; durations as Go writes them.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthcheckRequest {
    /// The command.
    pub test: CommandRequest,
    /// Time between checks.
    pub interval: Option<String>,
    /// Time after which a check has failed.
    pub timeout: Option<String>,
    /// Grace after the start.
    pub start_period: Option<String>,
    /// Time between checks during the grace.
    pub start_interval: Option<String>,
    /// Failures in a row that count.
    pub retries: Option<u32>,
}
