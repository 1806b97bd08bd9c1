//! Overlay file systems, from a list of directories to a detached mount.
//!
//! With the new mount API every layer is one `lowerdir+` call, so their number is only limited by overlayfs
//! (500). A kernel without it (before 6.8) gets one option string through `mount(2)`; names that are long or hold
//! the option syntax's own characters go in as `/proc/self/fd/N`, which keeps 200 layers within a page.

use std::fmt::Write as _;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, fsconfig_create, fsconfig_set_flag,
    fsconfig_set_string, fsmount, fsopen, mount,
};

use crate::error::{Doing, LaunchError, Result};
use crate::sys;

/// `fsconfig` takes no longer string than 255 bytes.
const MAX_NAME: usize = 200;

/// The directories of an overlay.
pub(crate) struct Overlay<'a> {
    /// Relative lowers are relative to this.
    pub(crate) base: &'a Path,
    /// Topmost first.
    pub(crate) lowers: &'a [PathBuf],
    /// Upper and work directory; none for a read-only overlay.
    pub(crate) upper: Option<(&'a Path, &'a Path)>,
    pub(crate) userxattr: bool,
    pub(crate) volatile: bool,
}

/// Names for the kernel, and the descriptors that keep some of them valid.
struct Names {
    lowers: Vec<String>,
    upper: Option<(String, String)>,
    _open: Vec<OwnedFd>,
}

impl Overlay<'_> {
    /// Makes the mount, attached to nothing. `scratch` is a directory that a kernel without `lowerdir+` may mount
    /// over. Changes the working directory to `base`.
    pub(crate) fn mount(&self, scratch: BorrowedFd<'_>) -> Result<OwnedFd> {
        rustix::process::chdir(self.base)
            .doing(|| format!("Open layer directory `{}`", self.base.display()))?;
        let names = self.names()?;
        let result = match self.mount_by_parts(&names) {
            Err(error) if error.raw_os_error() == Some(libc::ENOSYS) => self.mount_by_string(&names, scratch),
            result => result,
        };
        result.map_err(|error| {
            let layers = self.lowers.len();
            LaunchError::with_help(
                format!("Mount an overlay of {layers} layers"),
                error,
                "`buildc info` shows what this host allows; overlayfs in a user namespace needs Linux 5.11 or later",
            )
        })
    }

    fn names(&self) -> Result<Names> {
        let mut open = Vec::new();
        let mut name = |path: &Path| -> Result<String> {
            match path.to_str() {
                Some(text) if text.len() <= MAX_NAME && !text.contains([':', ',', '\\']) => {
                    Ok(text.to_owned())
                }
                _ => {
                    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
                    let fd = openat(CWD, path, flags, Mode::empty())
                        .doing(|| format!("Open layer `{}`", path.display()))?;
                    let text = format!("/proc/self/fd/{}", fd.as_raw_fd());
                    open.push(fd);
                    Ok(text)
                }
            }
        };
        let lowers = self.lowers.iter().map(|lower| name(lower)).collect::<Result<Vec<_>>>()?;
        let upper = match self.upper {
            Some((upper, work)) => Some((name(upper)?, name(work)?)),
            None => None,
        };
        Ok(Names { lowers, upper, _open: open })
    }

    /// Options that keep the upper directory free of anything but plain layer content.
    fn options(&self) -> Vec<(&'static str, &'static str)> {
        let mut options = vec![("metacopy", "off"), ("index", "off")];
        if self.userxattr {
            options.push(("userxattr", ""));
        } else {
            // No layer holds a redirect. With `off` kernels that are made so follow them all the same, and ask even
            // directories that have nothing below them for one, and whether they are opaque.
            options.push(("redirect_dir", "nofollow"));
        }
        if self.volatile && self.upper.is_some() {
            options.push(("volatile", ""));
        }
        options
    }

    /// The new API. `ENOSYS` stands for a kernel that lacks it or `lowerdir+`.
    fn mount_by_parts(&self, names: &Names) -> io::Result<OwnedFd> {
        let context = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
        let fs = context.as_fd();
        fsconfig_set_string(fs, "source", "overlay")?;
        for (index, lower) in names.lowers.iter().enumerate() {
            fsconfig_set_string(fs, "lowerdir+", lower.as_str()).map_err(|error| {
                if index == 0 && error == rustix::io::Errno::INVAL {
                    return io::Error::from_raw_os_error(libc::ENOSYS);
                }
                let words = sys::kernel_words(&context, error);
                io::Error::other(format!("layer `{}`: {words}", self.lowers[index].display()))
            })?;
        }
        let set = |key: &str, value: &str| match value {
            "" => fsconfig_set_flag(fs, key),
            value => fsconfig_set_string(fs, key, value),
        };
        let words = |error| sys::kernel_words(&context, error);
        if let Some((upper, work)) = &names.upper {
            set("upperdir", upper).map_err(words)?;
            set("workdir", work).map_err(words)?;
        }
        for (key, value) in self.options() {
            set(key, value).map_err(words)?;
        }
        fsconfig_create(fs).map_err(words)?;
        fsmount(fs, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty()).map_err(words)
    }

    /// `mount(2)` on the scratch directory, then a detached copy of that.
    fn mount_by_string(&self, names: &Names, scratch: BorrowedFd<'_>) -> io::Result<OwnedFd> {
        let mut options = format!("lowerdir={}", names.lowers.join(":"));
        if let Some((upper, work)) = &names.upper {
            let _ = write!(options, ",upperdir={upper},workdir={work}");
        }
        for (key, value) in self.options() {
            let _ =
                if value.is_empty() { write!(options, ",{key}") } else { write!(options, ",{key}={value}") };
        }
        let options = std::ffi::CString::new(options)?;
        let target = format!("/proc/self/fd/{}", scratch.as_raw_fd());
        mount("overlay", target.as_str(), "overlay", MountFlags::empty(), Some(options.as_c_str()))?;
        // The descriptor still means the directory below; the path through /proc does too, so ask by name.
        let path = rustix::fs::readlinkat(CWD, target.as_str(), Vec::new())?;
        let copy = sys::clone_tree(CWD, path.as_c_str(), false)?;
        rustix::mount::unmount(path.as_c_str(), rustix::mount::UnmountFlags::DETACH)?;
        Ok(copy)
    }
}
