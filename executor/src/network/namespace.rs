//! Network namespaces held by a descriptor: nothing is mounted, and the kernel removes the namespace with everything in
//! it when its holder ends, however it ends.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::{Path, PathBuf};

use nix::sched::{CloneFlags, setns, unshare};

use super::error::{NetworkError, Result};

/// A network namespace of our own.
#[derive(Debug)]
pub(crate) struct Namespace {
    file: File,
    path: PathBuf,
}

impl Namespace {
    /// Makes one with nothing but a loopback interface that is down.
    pub(super) fn new() -> Result<Self> {
        let made = on_thread(|| {
            unshare(CloneFlags::CLONE_NEWNET)?;
            File::open("/proc/thread-self/ns/net")
        });
        let file = made.map_err(NetworkError::system("make a network namespace"))?;
        let path = PathBuf::from(format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd()));
        Ok(Self { file, path })
    }

    /// A path that other processes of this user can join while this value lives.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// Another handle of it.
    pub(super) fn handle(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Runs `work` on a thread that is inside; sockets it opens stay inside.
    pub(crate) fn within<T: Send>(&self, work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
        on_thread(|| {
            setns(self.file.as_fd(), CloneFlags::CLONE_NEWNET)?;
            work()
        })
    }
}

/// A namespace belongs to a thread, so every change of it happens on one that ends afterwards.
fn on_thread<T: Send>(work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("netns".to_owned()).spawn_scoped(scope, work)?;
        thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread ended early")))
    })
}
