//! A copy of the running program that a container cannot write to (CVE-2019-5736).
//!
//! A process on its way into a container is visible there through `/proc`, and with it its executable. What it
//! runs from is therefore a read-only mount of the program, or where that cannot be made, a sealed memory file.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use rustix::fs::{CWD, MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

use crate::sys::{self, MountAttributes};

/// The first argument of a program that runs from such a copy.
const MARK: &str = "sealed";

/// Opens the copy.
pub(crate) fn open() -> io::Result<OwnedFd> {
    if is_sealed() {
        return Ok(File::open("/proc/self/exe")?.into());
    }
    read_only_mount().or_else(|_| sealed_memory())
}

/// Whether this program runs from a copy already.
pub(crate) fn is_sealed() -> bool {
    std::env::args_os().nth(1).is_some_and(|word| word == MARK)
}

/// Executes this program from its copy: with this name as its zeroth argument, `sealed` and these words as the others, and
/// with a socket as standard input. What it [prepares](crate::prepare) it forks itself.
///
/// # Errors
/// The copy cannot be made or executed.
pub fn spawn(name: &str, words: &[&str], input: OwnedFd) -> io::Result<()> {
    let program = read_only_mount()?;
    let mut command = Command::new(format!("/proc/self/fd/{}", program.as_raw_fd()));
    command.arg0(name).arg(MARK).args(words).current_dir("/");
    command.stdin(Stdio::from(input)).stdout(Stdio::null()).stderr(Stdio::null());
    // It is waited for by nobody: it outlives this process.
    drop(command.spawn()?);
    // Closing a mount waits for all CPUs; it is left to the end of this process.
    std::mem::forget(program);
    Ok(())
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
