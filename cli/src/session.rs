//! Opening what commands work on: the user namespace when not root, the store.

use std::path::PathBuf;

use crate::commands::Shell;

/// The store's directory.
pub fn root(shell: &Shell) -> PathBuf {
    shell.global.root.clone().unwrap_or_else(buildc_store::Store::default_root)
}
