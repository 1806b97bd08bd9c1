//! From plan to layers, images and running containers.
//!
//! Owns: the running of a plan (build contexts, the scheduler, the kinds of steps, the assembly of images), the
//! events it tells on the way, containers, their networks and volumes.
//! Never does: parsing or planning (the compiler's), rendering (the command line's), namespaces and mounts (the
//! launcher's), the layout of anything on disk (the store's).
#![forbid(unsafe_code)]

pub mod account;
pub mod assemble;
pub mod attest;
pub mod build;
pub mod cache;
pub mod cache_mounts;
pub mod cancel;
pub mod config_json;
pub mod container;
pub mod context;
mod copy;
pub mod dating;
pub mod event;
pub mod facts;
mod hidden;
pub mod history;
pub mod layering;
pub mod lock;
pub mod network;
mod pack;
mod process_id;
mod random;
pub mod resolve;
mod schedule;
mod select;
pub mod sources;
mod step;
pub mod trace;
mod unpack;
pub mod verify;
pub mod volume;

pub use cancel::Cancel;
pub use event::Event;
