//! Starts programs in namespaces of their own: the one launcher behind build steps and containers.
//!
//! This crate owns namespaces, mounts, capabilities, seccomp, cgroups and ptys, and it is the only place of the
//! workspace with `unsafe` code (for which reason it also has the [allocator](HugePages)). It knows neither the store nor a plan: everything it needs is in a [`LaunchSpec`].
//!
//! The caller's process has threads, and forking such a process is not safe. So the first launch starts a *zygote*:
//! a sealed copy of the running program, re-executed with the name `buildc-init`, single-threaded, with an empty
//! environment and no inherited descriptor. It forks once per launch, and what it forks becomes a child of the
//! caller. When the caller dies, the zygote kills what was not [detached](Process::detach) and ends.
//!
//! Needs Linux 5.12 or later (`mount_setattr`). The contract is written down in `spec/launcher.md`.
#![deny(missing_docs)]
#![allow(unsafe_code)]

mod ahead;
mod cgroup;
mod channel;
mod container;
mod credentials;
mod devices;
mod enter;
mod error;
mod fork;
mod fuse;
mod huge_pages;
mod launch;
mod loopback;
mod mask;
mod mounts;
mod overlay;
mod process;
mod program;
mod pty;
mod reaper;
mod rootfs;
mod sealed;
mod seccomp;
mod spec;
mod standard;
mod support;
mod sys;
mod target;
mod userns;
mod wire;
mod zygote;

pub use error::{LaunchError, Result};
pub use fork::{Forked, fork_session};
pub use fuse::{FuseMount, open_fuse};
pub use huge_pages::HugePages;
pub use launch::{enter, launch, launch_over};
pub use process::{Exit, Process, REALTIME_FIRST, REALTIME_LAST, send_signal};
pub use pty::resize_pty;
pub use sealed::spawn as spawn_sealed;
pub use spec::*;
pub use support::{HostSupport, probe_host};
pub use userns::{UserNs, could_have_more_ids, enter_user_namespace, has_single_id};
pub use zygote::{init_if_requested, prepare};

/// Has [`init_if_requested`] called before `main` in a program whose `main` is not ours to write: a test binary.
/// Use it once, at the top level.
#[macro_export]
macro_rules! init_before_tests {
    () => {
        #[used]
        #[allow(unsafe_code)]
        #[unsafe(link_section = ".init_array")]
        static BUILDC_INIT: extern "C" fn() = {
            extern "C" fn init() {
                $crate::init_if_requested();
            }
            init
        };
    };
}
