//! A trace from its beginning to its end: the file system is served as long as the command's overlay stands on it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::mpsc;
use std::time::Duration;

use buildc_ir::ReadSet;
use buildc_launch::{FuseMount, has_single_id};
use buildc_store::{Layer, Store, TreeIndex};
use fuser::{Config, Session, SessionACL};

use super::base::Base;
use super::support;

/// Threads that answer: the kernel's own work is done by the asking threads.
const THREADS: usize = 2;
/// The mount is gone when the last process of the command is; no request can be on its way for longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// A command's base being served and its reads being recorded.
#[derive(Debug)]
pub(crate) struct Tracing {
    base: Base,
    mount: OwnedFd,
    ended: mpsc::Receiver<()>,
}

/// Serves a stack of layers, lowest first, of which the command cannot see the bytes of the files that are `covered` by
/// mounts. `None` where this host does not allow it, or nothing is there to be read.
pub(crate) fn begin(store: &Store, layers: &[Layer], covered: &'static [&'static str]) -> Option<Tracing> {
    if layers.is_empty() || support().is_err() {
        return None;
    }
    // What fails here would fail without a trace too, and is said there.
    let index = TreeIndex::new(store, layers).ok()?;
    let base = Base::new(index, has_single_id(), covered).ok()?;
    let FuseMount { device, mount } = buildc_launch::open_fuse().ok()?;
    let (tell, ended) = mpsc::channel();
    let mut config = Config::default();
    config.n_threads = Some(THREADS);
    let session = Session::from_fd(base.clone(), device, SessionACL::All, config).ok()?;
    let serve = move || {
        // It ends when the mount does; nobody is left then whom an error would concern.
        let _ = session.run();
        let _ = tell.send(());
    };
    std::thread::Builder::new().name("trace".to_owned()).spawn(serve).ok()?;
    Some(Tracing { base, mount, ended })
}

impl Tracing {
    /// What the launcher mounts the command's overlay on.
    pub fn mount(&self) -> BorrowedFd<'_> {
        self.mount.as_fd()
    }

    /// What has been read up to now; the account and the linker's cache are known at the end only.
    pub fn so_far(&self) -> ReadSet {
        self.base.so_far()
    }

    /// Waits for the end of the file system, after the command's, and gives what was read. `None` where that is not known
    /// wholly.
    pub fn finish(self) -> Option<ReadSet> {
        let Self { base, mount, ended } = self;
        drop(mount);
        ended.recv_timeout(PATIENCE).ok()?;
        base.reads()
    }
}
