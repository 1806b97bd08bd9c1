//! The build language: the whole Nix expression language, in agreement with C++ Nix 2.34 to the letter.
//!
//! Owns: syntax, scope resolution, values, evaluation, builtins.
//! Never does: file, environment or clock access; what the world knows comes in through traits.

pub mod build;
pub mod builtins;
pub mod derivation;
pub mod error;
pub mod eval;
pub mod expr;
pub mod flake_ref;
pub mod hash;
pub mod json;
pub mod nar;
pub mod number;
pub mod posix_regex;
pub mod print;
pub mod report;
pub mod resolve;
mod scope;
pub mod show;
pub mod stack;
pub mod store_path;
mod suggest;
pub mod syntax;
pub mod toml;
pub mod value;
pub mod version;
pub mod world;
pub mod written;
pub mod xml;
