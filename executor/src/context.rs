//! Build contexts.

use std::path::Path;

use buildc_store::Store;

/// A directory that COPY and bind mounts take files from.
#[derive(Debug)]
pub struct Context {}

/// Why a context cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    /// The directory cannot be read.
    #[error("Build context `{path}` cannot be read: {source}")]
    Unreadable {
        /// Which.
        path: std::path::PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A rule of the ignore file is malformed.
    #[error("Rule `{rule}` in line {line} of `{file}` is malformed: {reason}")]
    IgnoreRule {
        /// The ignore file.
        file: String,
        /// 1-based line.
        line: u32,
        /// As written.
        rule: String,
        /// What is wrong.
        reason: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] buildc_store::StoreError),
}

impl ContextError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "context::unreadable",
            Self::IgnoreRule { .. } => "context::ignore_rule",
            Self::Store(_) => "store::failed",
        }
    }

    /// The remedy.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Unreadable { .. } => {
                Some("Give an existing, readable directory as the build context".to_owned())
            }
            Self::IgnoreRule { .. } => Some("Patterns are Go's filepath.Match with `**`".to_owned()),
            Self::Store(_) => None,
        }
    }
}

impl Context {
    /// Opens a directory. `ignore` is the name and text of the ignore file that applies. Reads nothing yet.
    ///
    /// # Errors
    /// [`ContextError`] when it is no readable directory or a rule is malformed.
    pub fn open(
        _store: &Store,
        _name: &str,
        _dir: &Path,
        _ignore: Option<(String, String)>,
    ) -> Result<Context, ContextError> {
        todo!()
    }
}
