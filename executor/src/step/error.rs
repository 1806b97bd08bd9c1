//! Why a step fails.

use std::path::PathBuf;

use buildc_ir::world::SelectError;
use buildc_launch::LaunchError;
use buildc_store::remote::RemoteError;
use buildc_store::{LayerId, StoreError};

use crate::account::AccountError;
use crate::build::FailureKind;
use crate::copy::CopyError;
use crate::network::NetworkError;

/// How programs say ENOSPC.
const DISK_FULL: &str = "No space left on device";

/// A failed step; the message names everything but the step.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepError {
    #[error("{}", ending(*status, *signal, *oom_killed))]
    Command { status: u8, signal: Option<i32>, oom_killed: bool, tail: Vec<String>, left: Option<LayerId> },
    #[error("`/{path}` does not exist in the tree it is taken from")]
    NotFound { path: String, help: String },
    #[error("`/{link}` is a symbolic link to `{target}`, where nothing is")]
    LeadsNowhere { link: String, target: String },
    #[error("There is no build context `{name}`")]
    NoContext { name: String },
    #[error("`{pattern}` is not a valid pattern")]
    BadPattern { pattern: String },
    #[error("{message}")]
    Unreadable { code: &'static str, message: String, help: Option<String> },
    #[error("Secret `{id}` is required but was not given")]
    NoSecret { id: String },
    #[error("Secret `{id}` cannot be read: {source}")]
    UnreadableSecret { id: String, source: std::io::Error },
    #[error("An ssh agent `{id}` is required but was not given")]
    NoAgent { id: String },
    #[error("{what} `{path}` failed: {source}", path = path.display())]
    Io { what: &'static str, path: PathBuf, source: std::io::Error },
    #[error("`{url}` cannot be fetched: {reason}")]
    Fetch { url: String, reason: String },
    #[error(transparent)]
    Account(#[from] AccountError),
    #[error(transparent)]
    Copy(#[from] CopyError),
    #[error(transparent)]
    Launch(#[from] LaunchError),
    #[error(transparent)]
    Network(#[from] NetworkError),
    #[error(transparent)]
    Remote(#[from] RemoteError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("Its command is for {platform}, which this machine does not run by itself")]
    Foreign { platform: String, registered: bool },
    #[error("The step was cancelled")]
    Cancelled,
    #[error("A fault of buildc itself ended the step")]
    Fault,
}

fn ending(status: u8, signal: Option<i32>, oom_killed: bool) -> String {
    match signal {
        Some(_) if oom_killed => "The command was killed for want of memory".to_owned(),
        Some(signal) => format!("The command was killed by signal {signal}"),
        None => format!("The command failed with exit status {status}"),
    }
}

impl StepError {
    pub(crate) fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { what, path, source }
    }

    pub(crate) fn select(error: SelectError) -> Self {
        match error {
            SelectError::NotFound { pattern, ignored_by, similar } => {
                let help = match (ignored_by, similar.first()) {
                    (Some((file, line, rule)), _) => {
                        format!("Rule `{rule}` in line {line} of `{file}` hides it")
                    }
                    (None, Some(name)) => format!("Did you mean `/{name}`?"),
                    (None, None) => "Paths are relative to the root of that stage or image".to_owned(),
                };
                Self::NotFound { path: pattern, help }
            }
            SelectError::LeadsNowhere { link, target, .. } => Self::LeadsNowhere { link, target },
            SelectError::Unreadable(e) => Self::Unreadable { code: e.code, message: e.message, help: e.help },
            SelectError::BadPattern { pattern } => Self::BadPattern { pattern },
            SelectError::UnknownContext(name) => Self::NoContext { name },
        }
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        matches!(
            self,
            Self::Cancelled | Self::Copy(CopyError::Cancelled) | Self::Remote(RemoteError::Cancelled)
        )
    }

    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Command { .. } => "step::command_failed",
            Self::NotFound { .. } => "copy::not_found",
            Self::LeadsNowhere { .. } => "copy::dangling_link",
            Self::NoContext { .. } => "context::unknown",
            Self::BadPattern { .. } => "copy::bad_pattern",
            Self::Unreadable { code, .. } => code,
            Self::NoSecret { .. } => "step::no_secret",
            Self::UnreadableSecret { .. } => "step::unreadable_secret",
            Self::NoAgent { .. } => "step::no_ssh_agent",
            Self::Io { .. } => "step::io",
            Self::Fetch { .. } => "step::fetch_failed",
            Self::Account(_) => "step::unknown_user",
            Self::Copy(e) => e.code(),
            Self::Launch(e) => e.code(),
            Self::Network(e) => e.code(),
            Self::Remote(e) => e.code(),
            Self::Store(e) => e.code(),
            Self::Foreign { .. } => "step::foreign_platform",
            Self::Cancelled => "build::cancelled",
            Self::Fault => "internal::panic",
        }
    }

    pub(crate) fn help(&self) -> Option<String> {
        match self {
            Self::NotFound { help, .. } => Some(help.clone()),
            Self::Unreadable { help, .. } => help.clone(),
            Self::LeadsNowhere { .. } => {
                Some("Links are followed inside the source only; make the target part of it".to_owned())
            }
            Self::NoContext { name } => Some(format!("Give it with --build-context {name}=DIRECTORY")),
            Self::NoSecret { id } | Self::UnreadableSecret { id, .. } => {
                Some(format!("Give it with --secret id={id},src=FILE or --secret id={id},env=NAME"))
            }
            Self::Foreign { registered: true, platform } => Some(format!(
                "The interpreter for {platform} below `/proc/sys/fs/binfmt_misc` does not run it; is its program there?"
            )),
            Self::Foreign { registered: false, .. } => Some(
                "Register an emulator with the flag F in `/proc/sys/fs/binfmt_misc`; Debian's packages \
                 `qemu-user-static` and `binfmt-support` do so"
                    .to_owned(),
            ),
            Self::Fetch { .. } => {
                Some("Check the address and checksum, and that the network and proxy settings reach the server".to_owned())
            }
            Self::NoAgent { id } => Some(format!("Start an agent and give it with --ssh {id}")),
            Self::Account(_) => Some("Make the user or group in an earlier step, or give numbers".to_owned()),
            Self::Copy(e) => e.help(),
            Self::Launch(e) => e.help(),
            Self::Network(e) => e.help(),
            Self::Remote(e) => e.help(),
            Self::Store(e) => e.help().map(str::to_owned),
            Self::Command { .. } if buildc_launch::could_have_more_ids() => Some(
                "Only one user id is mapped here, because a command or container of yours that still runs began without \
                 the others, and all share its user namespace: stop your containers (`buildc ps`), then try again"
                    .to_owned(),
            ),
            Self::Command { .. } if buildc_launch::has_single_id() => Some(
                "Only one user id is mapped here: what changes owners fails unless the user has a range in \
                 `/etc/subuid` and `/etc/subgid` and the package `uidmap` is installed"
                    .to_owned(),
            ),
            Self::Command { tail, .. } if tail.iter().any(|line| line.contains(DISK_FULL)) => Some(
                "Where the store's disk is full, free space with `buildc prune` or choose another store with --root"
                    .to_owned(),
            ),
            Self::Command { left: Some(_), .. } => {
                Some("`buildc shell @failed` opens a shell in what it left".to_owned())
            }
            Self::Command { .. }
            | Self::BadPattern { .. }
            | Self::Io { .. }
            | Self::Cancelled => None,
            Self::Fault => Some("Please report it with the message above".to_owned()),
        }
    }

    pub(crate) fn kind(&self) -> FailureKind {
        match self {
            Self::Fault => FailureKind::Internal,
            Self::Command { .. } | Self::Cancelled => FailureKind::Step,
            Self::NotFound { .. }
            | Self::LeadsNowhere { .. }
            | Self::NoContext { .. }
            | Self::BadPattern { .. }
            | Self::NoSecret { .. }
            | Self::UnreadableSecret { .. }
            | Self::NoAgent { .. }
            | Self::Account(_) => FailureKind::Input,
            Self::Foreign { .. } | Self::Unreadable { .. } | Self::Io { .. } | Self::Network(_) => {
                FailureKind::Environment
            }
            Self::Fetch { .. } | Self::Remote(_) => FailureKind::Remote,
            Self::Launch(LaunchError::Setup { .. }) => FailureKind::Environment,
            Self::Launch(_) => FailureKind::Step,
            Self::Copy(CopyError::Store(e)) | Self::Store(e) => FailureKind::of(e),
            Self::Copy(CopyError::Io { .. } | CopyError::Corrupt { .. }) => FailureKind::Environment,
            Self::Copy(_) => FailureKind::Input,
        }
    }

    /// The layer that holds what a failed command left.
    pub(crate) fn left(&self) -> Option<LayerId> {
        if let Self::Command { left, .. } = self { *left } else { None }
    }

    /// Exit status and last lines of a command that failed.
    pub(crate) fn command(&self) -> (Option<u8>, Vec<String>) {
        match self {
            Self::Command { status, tail, .. } => (Some(*status), tail.clone()),
            Self::Launch(e @ (LaunchError::NotFound(_) | LaunchError::NotExecutable(_))) => {
                (Some(e.exit_code()), Vec::new())
            }
            _ => (None, Vec::new()),
        }
    }
}
