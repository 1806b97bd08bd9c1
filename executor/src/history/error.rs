//! What can be wrong with a question about earlier builds.

use std::path::PathBuf;

use buildc_store::StoreError;

/// Why history has no answer.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// There is no such build.
    #[error("{}", match name { Some(name) => format!("There is no build `{name}`"), None => "Nothing was built yet".to_owned() })]
    NoBuild {
        /// What was asked for; none for the newest.
        name: Option<String>,
    },
    /// The build had no such step.
    #[error("The build has no step `{name}`")]
    NoStep {
        /// What was asked for.
        name: String,
    },
    /// More than one step is meant.
    #[error("`{name}` means several steps: {}", labels.join(", "))]
    SeveralSteps {
        /// What was asked for.
        name: String,
        /// The first few of them.
        labels: Vec<String>,
    },
    /// The build did not make or look up the tree.
    #[error("The build did not come to the tree of `{label}`")]
    NoTree {
        /// Whose.
        label: String,
    },
    /// A layer has been pruned since.
    #[error("The layers of `{label}` were removed since the build")]
    Pruned {
        /// Whose.
        label: String,
    },
    /// There is no shell to be had.
    #[error("The tree has no shell, and this machine has no static busybox to lend")]
    NoShell,
    /// A log cannot be read.
    #[error("The log `{}` cannot be read: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl HistoryError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoBuild { .. } => "history::no_build",
            Self::NoStep { .. } => "history::no_step",
            Self::SeveralSteps { .. } => "history::several_steps",
            Self::NoTree { .. } => "history::no_tree",
            Self::Pruned { .. } => "history::pruned",
            Self::NoShell => "history::no_shell",
            Self::Io { .. } => "history::io",
            Self::Store(e) => e.code(),
        }
    }

    /// The remedy.
    pub fn help(&self) -> Option<String> {
        let text = match self {
            Self::NoBuild { .. } => "`buildc history` lists the builds there are",
            Self::NoStep { .. } => {
                "`buildc why` lists the steps; name one by its line, its stage, the beginning of its id, a part of its \
                 text, or `@failed`"
            }
            Self::SeveralSteps { .. } => "Write more of it, or its line in the Dockerfile",
            Self::NoTree { .. } => {
                "`buildc why` says how far the build came; repair what failed before the step, or build with a target \
                 that needs it"
            }
            Self::Pruned { .. } => "Build again",
            Self::NoShell => "Install busybox-static, or give a command that the tree has",
            Self::Io { .. } => return None,
            Self::Store(e) => return e.help().map(str::to_owned),
        };
        Some(text.to_owned())
    }
}
