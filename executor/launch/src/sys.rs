//! System calls that no library wraps the way they are needed here. Nothing else of the crate decides anything
//! about memory or descriptors by hand.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::fs::CWD;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags, fsconfig_create,
    fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen, move_mount, open_tree,
};

/// The two sides of a fork.
pub(crate) enum Fork {
    /// In the new process.
    Child,
    /// In the caller.
    Parent {
        /// The new process in the caller's pid namespace.
        pid: u32,
        /// Refers to it for ever.
        pidfd: OwnedFd,
    },
}

/// Forks with these `CLONE_*` flags.
///
/// # Safety
/// The calling process must have one thread only, as the zygote and its children do: locks that other threads
/// hold would stay locked in the new process.
pub(crate) unsafe fn fork_with(flags: u64) -> io::Result<Fork> {
    let mut pidfd: libc::c_int = -1;
    // SAFETY: all zero is a valid `clone_args`.
    let mut args: libc::clone_args = unsafe { std::mem::zeroed() };
    args.flags = flags | libc::CLONE_PIDFD as u64;
    args.pidfd = &raw mut pidfd as u64;
    // With CLONE_PARENT the kernel takes the caller's own exit signal and refuses another.
    args.exit_signal = if flags & libc::CLONE_PARENT as u64 == 0 { libc::SIGCHLD as u64 } else { 0 };
    // SAFETY: no stack is given, so the new process goes on with a copy of this one; the caller vouches that
    // there is no other thread.
    let pid = unsafe { libc::syscall(libc::SYS_clone3, &raw mut args, size_of::<libc::clone_args>()) };
    match pid {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Fork::Child),
        pid => {
            // SAFETY: the kernel has just made this descriptor for us.
            let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
            Ok(Fork::Parent { pid: pid as u32, pidfd })
        }
    }
}

/// Takes ownership of an inherited descriptor.
///
/// # Safety
/// Nothing else in the process may own `fd`.
pub(crate) unsafe fn own(fd: i32) -> OwnedFd {
    // SAFETY: by the contract of this function.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// The standard stream of this number, which is open in every process of this crate.
pub(crate) fn stream(number: i32) -> BorrowedFd<'static> {
    // SAFETY: numbers 0 to 2 are never closed, only replaced.
    unsafe { BorrowedFd::borrow_raw(number) }
}

/// Ends the process without running destructors or exit handlers, as a forked child must.
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: `_exit` touches no memory.
    unsafe { libc::_exit(code) }
}

/// Marks all descriptors from `first` up close-on-exec, or closes them at once.
pub(crate) fn close_from(first: u32, on_exec: bool) -> io::Result<()> {
    let flags = if on_exec { libc::CLOSE_RANGE_CLOEXEC } else { 0 };
    // SAFETY: the callers own no descriptor above `first` that they use afterwards.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, flags) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Makes `from` available as number `to`, inherited by exec.
pub(crate) fn duplicate_to(from: BorrowedFd<'_>, to: i32) -> io::Result<()> {
    // SAFETY: only used for the numbers 0 to 2, which nothing in this process owns as an object.
    let result = unsafe { libc::dup2(from.as_raw_fd(), to) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    if from.as_raw_fd() == to {
        // dup2 onto itself changes nothing, so close-on-exec has to go by hand.
        // SAFETY: sets a flag of an open descriptor.
        unsafe { libc::fcntl(to, libc::F_SETFD, 0) };
    }
    Ok(())
}

/// Gives every signal its default action and unblocks all: neither survives from whoever started buildc.
pub(crate) fn reset_signals() {
    // Not through the C library, which keeps two signals to itself. All zero is SIG_DFL without flags.
    let default = [0u64; 4];
    for signal in 1..=64 {
        // SAFETY: reads a `struct sigaction` of the kernel, at most 32 bytes; refusals for KILL and STOP are expected.
        unsafe {
            libc::syscall(libc::SYS_rt_sigaction, signal, default.as_ptr(), std::ptr::null::<u64>(), 8)
        };
    }
    // SAFETY: an initialised empty set; only changes this thread's mask.
    unsafe {
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
    }
}

/// Replaces the program; only returns the error.
pub(crate) fn execve(program: &CString, args: &[CString], env: &[CString]) -> io::Error {
    let pointers = |list: &[CString]| -> Vec<*const libc::c_char> {
        list.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect()
    };
    let (args, env) = (pointers(args), pointers(env));
    // SAFETY: both are null-terminated arrays of strings that live until the call returns.
    unsafe { libc::execve(program.as_ptr(), args.as_ptr(), env.as_ptr()) };
    io::Error::last_os_error()
}

/// Installs a seccomp filter for this process.
pub(crate) fn install_filter(filter: &[libc::sock_filter]) -> io::Result<()> {
    let len = u16::try_from(filter.len()).map_err(|_| io::Error::from_raw_os_error(libc::E2BIG))?;
    let program = libc::sock_fprog { len, filter: filter.as_ptr().cast_mut() };
    // SAFETY: the program outlives the call and the kernel only reads it.
    let result =
        unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const program) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// An ioctl that takes a number.
pub(crate) fn ioctl_value(fd: BorrowedFd<'_>, request: u64, value: u64) -> io::Result<i32> {
    // SAFETY: only used with requests whose argument is a plain number.
    let result = unsafe { libc::ioctl(fd.as_raw_fd(), request as _, value) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// An ioctl that takes a pointer to `T`.
///
/// # Safety
/// `T` must be the type that `request` reads or writes.
pub(crate) unsafe fn ioctl_with<T>(fd: BorrowedFd<'_>, request: u64, argument: &mut T) -> io::Result<i32> {
    // SAFETY: by the contract of this function.
    let result = unsafe { libc::ioctl(fd.as_raw_fd(), request as _, std::ptr::from_mut(argument)) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Sets a resource limit of this process.
pub(crate) fn set_rlimit(resource: u32, soft: u64, hard: u64) -> io::Result<()> {
    let limit = libc::rlimit { rlim_cur: soft, rlim_max: hard };
    // SAFETY: reads one struct.
    let result = unsafe { libc::setrlimit(resource as _, &raw const limit) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The (soft, hard) resource limits of this process.
pub(crate) fn rlimit(resource: u32) -> io::Result<(u64, u64)> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: writes one struct.
    let result = unsafe { libc::getrlimit(resource as _, &raw mut limit) };
    if result == 0 { Ok((limit.rlim_cur, limit.rlim_max)) } else { Err(io::Error::last_os_error()) }
}

/// Attributes of a mount as `mount_setattr` takes them.
#[derive(Default, Clone, Copy)]
pub(crate) struct MountAttributes {
    pub(crate) set: u64,
    pub(crate) clear: u64,
    pub(crate) propagation: u64,
}

/// Changes a mount given by an `O_PATH` descriptor of its root, and with `recursive` those below it.
pub(crate) fn mount_setattr(
    mount: BorrowedFd<'_>,
    recursive: bool,
    change: MountAttributes,
) -> io::Result<()> {
    let mut flags = libc::AT_EMPTY_PATH as u32;
    if recursive {
        flags |= libc::AT_RECURSIVE as u32;
    }
    let mut attributes = libc::mount_attr {
        attr_set: change.set,
        attr_clr: change.clear,
        propagation: change.propagation,
        userns_fd: 0,
    };
    // SAFETY: an empty path and a struct of the size given.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw mut attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// A detached copy of the mount at `path` (bind mount before it is attached).
pub(crate) fn clone_tree<P: rustix::path::Arg>(
    dir: BorrowedFd<'_>,
    path: P,
    recursive: bool,
) -> io::Result<OwnedFd> {
    let mut flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    flags |= OpenTreeFlags::AT_EMPTY_PATH;
    if recursive {
        flags |= OpenTreeFlags::AT_RECURSIVE;
    }
    Ok(open_tree(dir, path, flags)?)
}

/// Attaches a detached mount on what `target` refers to.
pub(crate) fn attach(mount: BorrowedFd<'_>, target: BorrowedFd<'_>) -> io::Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    Ok(move_mount(mount, "", target, "", flags)?)
}

/// A new file system, mounted nowhere yet. An option with an empty value is a flag.
pub(crate) fn new_filesystem(
    kind: &str,
    options: &[(&str, &str)],
    attributes: MountAttrFlags,
) -> io::Result<OwnedFd> {
    let context = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
    // What /proc/mounts shows as the device.
    let named = fsconfig_set_string(context.as_fd(), "source", kind);
    let mut options = options.iter();
    let configured = named.and_then(|()| {
        options.try_for_each(|(key, value)| {
            if value.is_empty() {
                fsconfig_set_flag(context.as_fd(), *key)
            } else {
                fsconfig_set_string(context.as_fd(), *key, *value)
            }
        })
    });
    configured
        .and_then(|()| fsconfig_create(context.as_fd()))
        .and_then(|()| fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes))
        .map_err(|error| kernel_words(&context, error))
}

/// The message the kernel left in a file system context, beside the error number.
pub(crate) fn kernel_words(context: &OwnedFd, error: rustix::io::Errno) -> io::Error {
    let mut words = Vec::new();
    let mut buffer = [0u8; 512];
    while let Ok(len @ 1..) = rustix::io::read(context, &mut buffer) {
        let line = String::from_utf8_lossy(&buffer[..len]).trim().to_owned();
        words.push(line.get(2..).unwrap_or(&line).to_owned());
    }
    if words.is_empty() {
        return error.into();
    }
    io::Error::other(format!("{} ({})", io::Error::from(error), words.join("; ")))
}

/// Opens a path of the host without following what it is to its content (`O_PATH`).
pub(crate) fn open_path<P: rustix::path::Arg>(path: P) -> io::Result<OwnedFd> {
    use rustix::fs::{Mode, OFlags, openat};
    Ok(openat(CWD, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?)
}
