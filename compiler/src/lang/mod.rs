//! The build language: the whole Nix expression language, in agreement with C++ Nix 2.34 to the letter.
//!
//! Owns: syntax, scope resolution, values, evaluation, builtins.
//! Never does: file, environment or clock access; what the world knows comes in through traits.

pub mod hash;
pub mod number;
pub mod posix_regex;
pub mod syntax;
pub mod version;
