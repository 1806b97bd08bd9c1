//! The two sides of a copy.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use buildc_store::{Layer, PendingLayer, Rootfs, Store};
use rustix::fs::{FileType, Mode, OFlags, fstat};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_flag, fsconfig_set_string,
    fsmount, fsopen,
};

use crate::container::error::{ContainerError, Result};
use crate::container::lifecycle::connect;
use crate::container::record::Container;
use crate::container::wire::{self, Answer, Request};

/// What stands at a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Directory,
    Other,
}

/// A path below a root that it cannot leave.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) root: OwnedFd,
    /// Below the root, cleaned, without a leading slash; empty for the root itself.
    pub(super) path: PathBuf,
    /// Written with `/.` at its end: what is in the directory is meant.
    pub(super) contents: bool,
    /// Written with `/` at its end.
    pub(super) wants_directory: bool,
    /// As the user wrote it.
    written: String,
}

impl Place {
    fn new(root: OwnedFd, path: &Path, written: &str) -> Self {
        Self {
            root,
            path: relative(path),
            contents: written.ends_with("/.") || written == ".",
            wants_directory: written.ends_with('/'),
            written: written.to_owned(),
        }
    }

    /// The last component, `.` for the root.
    pub(super) fn name(&self) -> String {
        self.path.file_name().map_or_else(|| ".".to_owned(), |name| name.to_string_lossy().into_owned())
    }

    pub(super) fn clone_place(&self) -> Result<Self> {
        let root = self.root.try_clone().map_err(|e| self.error(&e))?;
        Ok(Self { root, path: self.path.clone(), written: self.written.clone(), ..*self })
    }

    pub(super) fn parent(&self) -> Result<Self> {
        let path = self.path.parent().map(Path::to_owned).unwrap_or_default();
        Ok(Self { path, ..self.clone_place()? })
    }

    /// What stands there; `None` when nothing does.
    pub(super) fn kind(&self, follow: bool) -> io::Result<Option<Kind>> {
        let flags = if follow { OFlags::PATH } else { OFlags::PATH | OFlags::NOFOLLOW };
        match self.open(&self.path, flags) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
            Ok(fd) => Ok(Some(match FileType::from_raw_mode(fstat(&fd)?.st_mode) {
                FileType::Directory => Kind::Directory,
                _ => Kind::Other,
            })),
        }
    }

    /// Opens a path below the root.
    pub(super) fn open(&self, path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
        crate::unpack::open_in_root(self.root.as_fd(), path, flags)
    }

    pub(super) fn refused(&self, reason: &str) -> ContainerError {
        ContainerError::Copy { path: self.written.clone(), reason: reason.to_owned() }
    }

    pub(super) fn error(&self, error: &io::Error) -> ContainerError {
        self.refused(&error.to_string())
    }
}

/// Without leading slash, `.` and `..`.
fn relative(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                clean.pop();
            }
            Component::Normal(name) => clean.push(name),
            _ => {}
        }
    }
    clean
}

/// A path of the host.
pub(super) fn of_host(path: &Path) -> Result<Place> {
    let io = ContainerError::io("find", path);
    let absolute = std::path::absolute(path).map_err(io)?;
    let root = File::open("/").map_err(ContainerError::io("open", Path::new("/")))?;
    Ok(Place::new(root.into(), &absolute, &path.to_string_lossy()))
}

/// A path of a container: as its processes see it while it runs, else in its volumes and its own layer.
pub(super) fn of_container(store: &Store, container: &Container, path: &str) -> Result<Place> {
    if container.monitor().is_some() {
        return Ok(Place::new(live_root(container)?, Path::new(path), path));
    }
    let clean = relative(Path::new(path));
    let inside = |target: &str| clean.strip_prefix(target.trim_start_matches('/')).ok().map(Path::to_owned);
    let volumes = container.mounts.iter().filter(|mount| mount.kind != "tmpfs");
    let hit =
        volumes.filter_map(|mount| Some((mount, inside(&mount.target)?))).max_by_key(|(m, _)| m.target.len());
    if let Some((mount, rest)) = hit {
        let root = File::open(&mount.source).map_err(ContainerError::io("open", &mount.source))?;
        return Ok(Place::new(root.into(), &rest, path));
    }
    let root = resting_root(store, container).map_err(ContainerError::io("mount", &container.dir))??;
    Ok(Place::new(root, &clean, path))
}

fn live_root(container: &Container) -> Result<OwnedFd> {
    let line = connect(container)?;
    let failed = |error| ContainerError::io("ask the monitor in", &container.dir)(error);
    wire::send(&line, &Request::Root, &[]).map_err(failed)?;
    match wire::receive::<Answer>(&line) {
        Ok(Some((Answer::Done, fds))) => {
            fds.into_iter().next().ok_or_else(|| ContainerError::NotRunning(container.name.clone()))
        }
        Ok(Some((Answer::Failed(error), _))) => Err(error.into()),
        _ => Err(ContainerError::NotRunning(container.name.clone())),
    }
}

/// The tree of a container that does not run: an overlay that is mounted nowhere and ends with its descriptor.
fn resting_root(store: &Store, container: &Container) -> io::Result<Result<OwnedFd>> {
    let prepared = store.image(&container.image.to_string()).and_then(|image| match image {
        None => Ok(None),
        Some(image) => store.snapshots()?.prepare_in(&image.layers, &container.dir).map(Some),
    });
    match prepared {
        Err(error) => Ok(Err(error.into())),
        Ok(None) => Ok(Err(ContainerError::ImageConfig {
            image: container.spec.image.clone(),
            reason: "the image is not in the store any more".to_owned(),
        })),
        Ok(Some(rootfs)) => open(rootfs).map(Ok),
    }
}

/// A path in the tree of some layers with `upper` over it.
pub(super) fn of_layers(store: &Store, layers: &[Layer], upper: &PendingLayer, path: &str) -> Result<Place> {
    let rootfs = store.snapshots()?.prepare(layers, upper)?;
    let root = open(rootfs).map_err(ContainerError::io("mount", upper.dir()))?;
    Ok(Place::new(root, Path::new(path), path))
}

/// Opens a root, mounted nowhere where it needs a mount.
fn open(rootfs: Rootfs) -> io::Result<OwnedFd> {
    match rootfs {
        Rootfs::Directory(dir) => Ok(File::open(dir)?.into()),
        Rootfs::Overlay { base, lowers, upper, work, userxattr } => {
            let lowers: Vec<PathBuf> = lowers.iter().map(|lower| base.join(lower)).collect();
            overlay(&lowers, &base.join(upper), &base.join(work), userxattr)
        }
    }
}

fn overlay(lowers: &[PathBuf], upper: &Path, work: &Path, userxattr: bool) -> io::Result<OwnedFd> {
    let context = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
    let one_by_one = lowers
        .iter()
        .try_for_each(|lower| fsconfig_set_string(context.as_fd(), "lowerdir+", lower.as_path()));
    if one_by_one.is_err() {
        // Kernels before 6.5 take them as one list.
        let list: Vec<String> = lowers.iter().map(|lower| lower.to_string_lossy().into_owned()).collect();
        fsconfig_set_string(context.as_fd(), "lowerdir", list.join(":"))?;
    }
    fsconfig_set_string(context.as_fd(), "upperdir", upper)?;
    fsconfig_set_string(context.as_fd(), "workdir", work)?;
    if userxattr {
        fsconfig_set_flag(context.as_fd(), "userxattr")?;
    }
    fsconfig_create(context.as_fd())?;
    let mount = fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())?;
    // What is opened below needs a descriptor that can be read.
    Ok(rustix::fs::openat(mount.as_fd(), ".", OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)
}
