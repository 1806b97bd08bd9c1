//! Traces: what a command reads from its base, recorded while it runs and checked against other bases (spec/traces.md).
//!
//! Owns: the FUSE file system that shows the merged base below a command's overlay, the read-set that comes of it, and
//! the check whether another base answers the same. Never does: deciding which step is looked up when (`step` and the
//! plan do), or keeping traces (the store does).

mod attributes;
mod backing;
mod base;
mod caller;
mod effects;
mod find;
mod libraries;
mod nodes;
mod observe;
mod recorder;
mod restore;
mod serve;
mod session;
mod support;
mod verify;

pub(crate) use effects::effects;
pub(crate) use find::{Search, check, find};
pub(crate) use observe::account;
pub(crate) use restore::restore_times;
pub(crate) use session::{Tracing, begin};
pub use support::{Refusal, support};
pub(crate) use verify::{Verdict, verify};
