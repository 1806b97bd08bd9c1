//! From plan to layers, images and running containers.
//!
//! Owns: the running of a plan (build contexts, the scheduler, the kinds of steps, the assembly of images), and the
//! events it tells on the way.
//! Never does: parsing or planning (the compiler's), rendering (the command line's), namespaces and mounts (the
//! launcher's), the layout of anything on disk (the store's).
#![forbid(unsafe_code)]

pub mod build;
pub mod cancel;
pub mod context;
mod copy;
pub mod event;
pub mod facts;
pub mod resolve;
mod passwd;
mod select;

pub use cancel::Cancel;
pub use event::Event;
