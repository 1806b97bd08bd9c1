//! What builtins remember between calls.

use std::collections::HashMap;

use crate::lang::derivation::modulo::Known;
use crate::lang::posix_regex::RegexCache;
use crate::lang::store_path::StorePath;

/// Caches of one evaluation. None changes a result.
#[derive(Debug, Default)]
pub(in crate::lang) struct Memory {
    /// Compiled regular expressions.
    pub(super) regexes: RegexCache,
    /// Hashes of derivations made or read.
    pub(super) derivations: Known,
    /// Store paths of files and directories that were interpolated, by their path.
    pub(in crate::lang) sources: HashMap<Vec<u8>, StorePath>,
}
