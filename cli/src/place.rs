//! Where a build's files are: a directory, an archive, an address of either, a git repository, or nowhere. What is no
//! directory is made one that lives as long as the build.

use std::path::{Path, PathBuf};

use buildc_digest::Digest;
use buildc_executor::context::incoming::{self, Incoming, Unpacked};
use buildc_ir::git::{GitAddressError, GitRemote};
use buildc_ir::{Reference, go};
use buildc_store::archive;

use crate::commands::build::SourceArgs;
use crate::failure::Failure;
use crate::session::Session;
use crate::source::{Dockerfile, decoded};

/// The main context.
#[derive(Debug)]
pub struct Place {
    /// Its directory; `None` where only a Dockerfile came in.
    pub dir: Option<PathBuf>,
    /// The Dockerfile that came in place of a context.
    pub dockerfile: Option<Dockerfile>,
    /// True for a directory of this machine: `-f` is relative to the current directory then, else to the context.
    pub local: bool,
    /// Keeps what was unpacked.
    held: Option<Unpacked>,
}

/// A context that `--build-context` names.
#[derive(Debug)]
pub enum NamedPlace {
    /// A directory of this machine.
    Dir(PathBuf),
    /// What was unpacked or fetched.
    Held(Unpacked),
    /// An image.
    Image(Reference),
    /// An image of an OCI layout directory.
    Layout(Layout),
}

/// `oci-layout://PATH[:TAG][@DIGEST]`.
#[derive(Debug, PartialEq, Eq)]
pub struct Layout {
    path: PathBuf,
    tag: Option<String>,
    digest: Option<Digest>,
}

impl Layout {
    /// Reads what follows `oci-layout://`.
    fn parse(text: &str) -> Result<Self, Failure> {
        let (text, digest) = match text.rsplit_once('@') {
            Some((text, digest)) => {
                let digest = digest.parse().map_err(|_| {
                    Failure::usage(format!("--build-context: `{digest}` is no digest"))
                        .help("Write oci-layout://DIRECTORY:TAG or oci-layout://DIRECTORY@sha256:…")
                })?;
                (text, Some(digest))
            }
            None => (text, None),
        };
        let (path, tag) = match text.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => (path, Some(tag.to_owned())),
            _ => (text, None),
        };
        Ok(Self { path: path.into(), tag, digest })
    }

    /// Brings the image into the store; the name that means it there.
    pub fn load(&self, session: &Session) -> Result<Reference, Failure> {
        let Self { path, tag, digest } = self;
        let image = archive::load_layout_image(&session.store, path, tag.as_deref(), digest.as_ref())?;
        let repository = "localhost/oci-layout";
        session.store.record_repo_digest(repository, &image.manifest, &image.id)?;
        crate::session::reference(&format!("{repository}@{}", image.manifest))
    }
}

/// The build argument that keeps `.git` in a context that is a repository.
const KEEP_GIT_DIR: &str = "BUILDKIT_CONTEXT_KEEP_GIT_DIR";

fn understood(remote: Result<GitRemote, GitAddressError>) -> Result<GitRemote, Failure> {
    remote.map_err(|error| {
        Failure::new("context::incoming", format!("Git repository {error}"))
            .help("Write URL#REF:SUBDIRECTORY, or URL?ref=REF&subdir=SUBDIRECTORY")
    })
}

/// An address that is fetched.
pub fn is_web(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

impl Place {
    /// Opens what the command line names.
    pub fn open(args: &SourceArgs) -> Result<Self, Failure> {
        let text = args.context.to_string_lossy();
        let from_stdin = args.context == Path::new("-");
        if from_stdin && args.file.as_deref() == Some(Path::new("-")) {
            return Err(Failure::usage("Standard input cannot be both the context and the Dockerfile")
                .help("Name a file for one of the two"));
        }
        if from_stdin {
            return Self::of(incoming::receive("standard input", &mut std::io::stdin().lock())?, "<stdin>");
        }
        if let Some(remote) = GitRemote::parse(&text) {
            let mut remote = understood(remote)?;
            // Any other word says nothing, as in BuildKit.
            let wanted = args.argument(KEEP_GIT_DIR).and_then(go::truth);
            remote.keep_git_dir = remote.keep_git_dir.or(wanted);
            return Ok(Self::held(incoming::clone(&remote, None)?));
        }
        if is_web(&text) {
            return Self::of(incoming::fetch(&text)?, &text);
        }
        if args.context.is_file() {
            let unreadable = |e: std::io::Error| Failure::file("read", &args.context, &e);
            let mut file = std::fs::File::open(&args.context).map_err(unreadable)?;
            return match incoming::receive(&text, &mut file)? {
                Incoming::Files(held) => Ok(Self::held(held)),
                Incoming::Text(_) => {
                    Err(Failure::usage(format!("`{text}` is neither a directory nor an archive"))
                        .help("A Dockerfile is named with -f; the context is a directory"))
                }
            };
        }
        Ok(Self { dir: Some(args.context.clone()), dockerfile: None, local: true, held: None })
    }

    /// When its files were made, in Unix seconds; a directory of this machine does not say.
    pub fn time(&self) -> Option<i64> {
        self.held.as_ref().and_then(Unpacked::time)
    }

    fn of(incoming: Incoming, shown: &str) -> Result<Self, Failure> {
        match incoming {
            Incoming::Files(held) => Ok(Self::held(held)),
            Incoming::Text(bytes) => {
                let text = decoded(bytes, Path::new(shown))?;
                let dockerfile = Dockerfile { shown: shown.to_owned(), path: None, text };
                Ok(Self { dir: None, dockerfile: Some(dockerfile), local: false, held: None })
            }
        }
    }

    fn held(held: Unpacked) -> Self {
        let dir = held.root().to_owned();
        Self { dir: Some(dir), dockerfile: None, local: false, held: Some(held) }
    }
}

impl NamedPlace {
    /// Opens the value of a `--build-context`.
    pub fn open(value: &str) -> Result<Self, Failure> {
        if let Some(name) = value.strip_prefix("docker-image://") {
            return name.parse().map(Self::Image).map_err(|error| {
                Failure::usage(format!("--build-context: {error}")).help("Write docker-image://NAME:TAG")
            });
        }
        if let Some(layout) = value.strip_prefix("oci-layout://") {
            return Layout::parse(layout).map(Self::Layout);
        }
        if let Some(target) = value.strip_prefix("target:") {
            return Err(Failure::usage(format!(
                "--build-context: `target:{target}` means a target of a bake file"
            ))
            .help("A stage of the same Dockerfile is named by --from=STAGE"));
        }
        if let Some(remote) = GitRemote::parse(value) {
            return Ok(Self::Held(incoming::clone(&understood(remote)?, None)?));
        }
        if is_web(value) {
            return match incoming::fetch(value)? {
                Incoming::Files(held) => Ok(Self::Held(held)),
                Incoming::Text(_) => Err(Failure::usage(format!("--build-context: `{value}` is no archive"))),
            };
        }
        if let Some((scheme, _)) = value.split_once("://") {
            return Err(Failure::usage(format!("--build-context: `{scheme}://` is not supported")).help(
                "Give a directory, docker-image://NAME, oci-layout://DIRECTORY, a git repository or the address of an archive",
            ));
        }
        Ok(Self::Dir(PathBuf::from(value.strip_prefix("local:").unwrap_or(value))))
    }

    /// Its directory, where it has one.
    pub fn dir(&self) -> Option<&Path> {
        match self {
            Self::Dir(dir) => Some(dir),
            Self::Held(held) => Some(held.root()),
            Self::Image(_) | Self::Layout(_) => None,
        }
    }
}
