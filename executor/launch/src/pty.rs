//! Pseudo-terminals: made from the container's own devpts, controlled from outside.

use std::io;
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Gid, OFlags, Uid, fchown};

use crate::error::{Doing, Result};
use crate::spec::ProcessSpec;
use crate::sys;
use crate::target::{Kind, Root};

/// Makes a pty, puts it on the standard streams and returns the master side.
pub(crate) fn open(root: &Root, process: &ProcessSpec) -> Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::NOCTTY;
    let master =
        root.open_with(Path::new("dev/pts/ptmx"), flags).doing(|| "Open the container's `/dev/pts/ptmx`")?;
    let slave = peer(&master).doing(|| "Open the slave side of the pty")?;
    // Group 5 (tty) came from the mount; the user must own the terminal to reopen it by name.
    let _ = fchown(&slave, Some(Uid::from_raw(process.uid)), None::<Gid>);
    for number in 0..3 {
        sys::duplicate_to(slave.as_fd(), number).doing(|| "Set up the standard streams")?;
    }
    Ok(master)
}

/// Makes standard input the controlling terminal of this session, which has none yet.
pub(crate) fn take_terminal() -> Result<()> {
    sys::ioctl_value(sys::stream(0), libc::TIOCSCTTY, 0)
        .map(drop)
        .doing(|| "Make the pty the controlling terminal")
}

/// Shows a pty as `/dev/console`.
pub(crate) fn show_console(root: &mut Root, master: &OwnedFd) -> Result<()> {
    let what = || "Bind the pty to `/dev/console`";
    let mut number: libc::c_uint = 0;
    // SAFETY: TIOCGPTN writes an unsigned int.
    unsafe { sys::ioctl_with(master.as_fd(), libc::TIOCGPTN, &mut number) }.doing(what)?;
    let slave = root.open(Path::new(&format!("dev/pts/{number}"))).doing(what)?;
    let place = root.make(Path::new("dev/console"), Kind::File).doing(what)?;
    let mount = sys::clone_tree(slave.as_fd(), "", false).doing(what)?;
    sys::attach(mount.as_fd(), place.as_fd()).doing(what)
}

fn peer(master: &OwnedFd) -> io::Result<OwnedFd> {
    let mut unlocked: libc::c_int = 0;
    // SAFETY: TIOCSPTLCK reads an int.
    unsafe { sys::ioctl_with(master.as_fd(), libc::TIOCSPTLCK, &mut unlocked) }?;
    let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
    let fd = sys::ioctl_value(master.as_fd(), libc::TIOCGPTPEER, flags as u64)?;
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Sets the window size of a pty, given its master side.
///
/// # Errors
/// `ENOTTY` when it is no pty.
pub fn resize_pty(master: &OwnedFd, rows: u16, columns: u16) -> Result<()> {
    let mut size = libc::winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCSWINSZ reads a `winsize`.
    unsafe { sys::ioctl_with(master.as_fd(), libc::TIOCSWINSZ, &mut size) }
        .map(drop)
        .doing(|| "Set the window size of the pty")
}
