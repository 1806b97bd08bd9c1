//! Whether this host lets commands be traced.

use std::sync::OnceLock;

/// Why commands cannot be traced here, in the kernel's words.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(String);

/// Tries to make a FUSE mount, once per process.
///
/// # Errors
/// What the host refused.
pub fn support() -> Result<(), Refusal> {
    static SUPPORT: OnceLock<Result<(), Refusal>> = OnceLock::new();
    let probe = || buildc_launch::open_fuse().map(drop).map_err(|error| Refusal(error.to_string()));
    SUPPORT.get_or_init(probe).clone()
}
