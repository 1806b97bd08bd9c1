//! Cases of the Nix language: `lang/{parse,eval}-{okay,fail}-NAME.nix`.
//!
//! Beside a case lie the standard output (`NAME.exp`) and the standard error (`NAME.err.exp`) that `nix-instantiate` of
//! C++ Nix gives for it; a missing file stands for nothing. `NAME.flags` replaces the flags that its kind has
//! otherwise. This module never makes an expectation of its own: they come from the reference program only.

mod case;
mod program;
pub mod random;

pub use case::{Case, Outcome, cases, directory, words};
pub use program::Program;
