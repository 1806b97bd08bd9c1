//! A copy of the running program that a container cannot write to (CVE-2019-5736).
//!
//! A process on its way into a container is visible there through `/proc`, and with it its executable. What it
//! runs from is therefore a read-only mount of the program, or where that cannot be made, a sealed memory file.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{CWD, MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

use crate::sys::{self, MountAttributes};

/// Opens the copy.
pub(crate) fn open() -> io::Result<OwnedFd> {
    read_only_mount().or_else(|_| sealed_memory())
}

fn read_only_mount() -> io::Result<OwnedFd> {
    let mount = sys::clone_tree(CWD, "/proc/self/exe", false)?;
    let change = MountAttributes { set: libc::MOUNT_ATTR_RDONLY, ..Default::default() };
    sys::mount_setattr(mount.as_fd(), false, change)?;
    Ok(mount)
}

fn sealed_memory() -> io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let memory = memfd_create("buildc-init", flags)?;
    let mut copy = File::from(memory);
    io::copy(&mut File::open("/proc/self/exe")?, &mut copy)?;
    fcntl_add_seals(&copy, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
    Ok(copy.into())
}
