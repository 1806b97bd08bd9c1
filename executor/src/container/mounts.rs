//! The mounts of a new container: what was asked for, what it takes over from others, what its image wants.
//!
//! Owns: which source stands at which target, and that volumes exist and are filled. Never does: mounting (the
//! launcher's).

use std::collections::BTreeMap;
use std::fs;

use buildc_ir::ImageConfig;
use buildc_store::{ImageRecord, Store, TreeView};

use super::error::{ContainerError, Result};
use super::record::{BoundMount, Container};
use super::spec::{ContainerSpec, Mount, MountSource, VolumesFrom};
use super::{list, populate};
use crate::volume;

/// Every mount with its source; nothing is made. Of several on one target the command line's wins over those of other
/// containers, and these over the image's.
pub(super) fn wanted(store: &Store, spec: &ContainerSpec, config: &ImageConfig) -> Result<Vec<BoundMount>> {
    let mut mounts = Vec::new();
    for mount in &spec.mounts {
        mounts.push(bound(store, mount)?);
    }
    let asked = mounts.len();
    for from in &spec.volumes_from {
        for mount in others(store, from)? {
            let at = mounts.iter().position(|known: &BoundMount| known.target == mount.target);
            match at {
                None => mounts.push(mount),
                // The last of several `--volumes-from` wins.
                Some(at) if at >= asked => mounts[at] = mount,
                Some(_) => {}
            }
        }
    }
    for target in &config.volumes {
        let target = target.trim_end_matches('/');
        if !target.is_empty() && !mounts.iter().any(|mount| mount.target == target) {
            let source = MountSource::Volume { name: None, nocopy: false };
            mounts.push(bound(store, &Mount { source, target: target.to_owned(), readonly: false })?);
        }
    }
    // Outer mounts first, or they would hide the inner ones.
    mounts.sort_by_key(|mount| mount.target.matches('/').count());
    Ok(mounts)
}

/// What another container has mounted: binds and volumes, which it may still be filling with data.
fn others(store: &Store, from: &VolumesFrom) -> Result<Vec<BoundMount>> {
    let mut mounts = list::find(store, &from.container)?.mounts;
    mounts.retain(|mount| mount.kind != "tmpfs");
    for mount in &mut mounts {
        (mount.fill, mount.readonly) = (false, mount.readonly || from.readonly);
    }
    Ok(mounts)
}

fn bound(store: &Store, mount: &Mount) -> Result<BoundMount> {
    let mut bound = BoundMount {
        kind: String::new(),
        volume: None,
        anonymous: false,
        fill: false,
        source: Default::default(),
        target: mount.target.clone(),
        readonly: mount.readonly,
        propagation: None,
        recursive: false,
        options: String::new(),
        size_bytes: None,
        mode: None,
    };
    match &mount.source {
        MountSource::Bind { path, create, propagation, recursive } => {
            if *create && !path.exists() {
                fs::create_dir_all(path).map_err(ContainerError::io("make", path))?;
            }
            fs::symlink_metadata(path).map_err(ContainerError::io("mount", path))?;
            "bind".clone_into(&mut bound.kind);
            (bound.source, bound.propagation, bound.recursive) =
                (path.clone(), propagation.clone(), *recursive);
        }
        MountSource::Volume { name, nocopy } => {
            let volume = name.clone().unwrap_or_else(volume::random_name);
            "volume".clone_into(&mut bound.kind);
            (bound.source, bound.anonymous) = (volume::data_dir(store, &volume)?, name.is_none());
            (bound.fill, bound.volume) = (!nocopy, Some(volume));
        }
        MountSource::Tmpfs { options, size_bytes, mode } => {
            "tmpfs".clone_into(&mut bound.kind);
            (bound.options, bound.size_bytes, bound.mode) = (options.clone(), *size_bytes, *mode);
        }
    }
    Ok(bound)
}

/// Makes the volumes that do not exist yet and fills empty ones from the image. The container's record must be on disk.
pub(super) fn prepare(store: &Store, image: &ImageRecord, container: &Container) -> Result<()> {
    let volumes = |mount: &&BoundMount| mount.volume.is_some();
    if !container.mounts.iter().any(|mount| volumes(&mount)) {
        return Ok(());
    }
    let using = volume::using(store)?;
    for mount in container.mounts.iter().filter(volumes) {
        let name = mount.volume.as_deref().unwrap_or_default();
        using.ensure(name, mount.anonymous, BTreeMap::new())?;
    }
    drop(using);
    let mut view = None;
    for mount in container.mounts.iter().filter(|mount| mount.fill) {
        // Only containers with volumes need to look into the image here.
        let view = match &view {
            Some(view) => view,
            None => view.insert(TreeView::new(store, &image.layers)?),
        };
        populate::populate(view, &mount.target, &mount.source)?;
    }
    Ok(())
}
