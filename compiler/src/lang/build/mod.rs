//! Build files: programs of the language whose value is an image, a set of images, or a function to either
//! (spec/build-file.md).
//!
//! Owns: the primitive `step`, the library `buildc` over it (`lib.nix`), and the graph that evaluation leaves. Never does:
//! anything in plain evaluation, whose builtins are exactly the language's own.
//!
//! A step is made when it is forced: [`Builder`] turns a request, which is plain data, into a step of the graph and
//! hands back its number and the place where a script finds its tree. So laziness decides which steps exist.

mod apply;
mod builder;
mod config;
mod dockerfile;
mod evaluate;
mod guard;
mod library;
mod mentions;
mod primitive;
mod request;
mod targets;
mod trees;

pub use builder::{At, Builder, Built, Made};
pub use evaluate::{BuildFile, Failed, evaluate};
pub use primitive::{Sites, Steps};
pub use request::Request;
pub use targets::Argument;
