//! Taking containers away: on request, and those that a killed command left half made or half removed.

use std::fs;

use buildc_store::Store;

use super::error::{ContainerError, Result};
use super::record::{Container, RECORD};
use super::{list, name};
use crate::hidden::{self, Hidden};
use crate::volume;

/// Removes everything of a container that nobody watches, with `volumes` its anonymous volumes too. What cannot be
/// removed stays, and is told by whoever looks.
pub(super) fn discard(store: &Store, container: &Container, volumes: bool) {
    let Some(all) = container.dir.parent() else { return };
    // Somebody else is doing so, or did.
    let Ok(Some(gone)) = Hidden::take(all, &container.id) else { return };
    let volumes = if volumes { anonymous(container) } else { Vec::new() };
    if let Err(error) = take_apart(store, &gone, &container.name, &volumes) {
        tracing::warn!(%error, "a container was not removed");
        // Back into sight, for a second try by somebody with more rights.
        let _ = gone.show();
    }
}

/// Removes what a failed or killed `create`, or a killed removal, left.
pub(super) fn clear(store: &Store, left: Hidden) -> Result<()> {
    // Half a record says nothing: then no volume was made yet.
    let Some(container) = Container::read(left.path()).ok().flatten() else {
        return take_apart(store, &left, "", &[]);
    };
    // A removal without `-v` that was killed must not take data with it; one that never ran has made none.
    let with_volumes = container.spec.remove || container.state.started.is_none();
    let volumes = if with_volumes { anonymous(&container) } else { Vec::new() };
    take_apart(store, &left, &container.name, &volumes)
}

/// Removes a container whose record cannot be read, by name, id or unique id prefix. Its anonymous volumes, which only
/// that record knew, stay until `volume prune`.
///
/// # Errors
/// There is none, or the file system refused.
pub fn remove_damaged(store: &Store, name: &str) -> Result<()> {
    let (all, id) = (name::all(store)?, list::find_id(store, name)?);
    let Some(gone) = Hidden::take(&all, &id).map_err(ContainerError::io("remove", &all.join(&id)))? else {
        return Ok(());
    };
    // Its name is freed by whoever wants it.
    take_apart(store, &gone, name.strip_prefix('/').unwrap_or(name), &[])
}

/// Clears away what killed commands left; gives how much there was.
///
/// # Errors
/// The directory of containers cannot be read, or what is left not removed.
pub fn sweep(store: &Store) -> Result<usize> {
    let all = name::all(store)?;
    let abandoned = hidden::abandoned(&all).map_err(ContainerError::io("read", &all))?;
    let ours = abandoned.into_iter().filter(|left| name::is_id(&left.name()));
    let swept = ours.map(|left| clear(store, left)).collect::<Result<Vec<()>>>()?.len();
    Ok(swept + volume::sweep(store)?)
}

fn anonymous(container: &Container) -> Vec<String> {
    let anonymous = container.mounts.iter().filter(|mount| mount.anonymous);
    anonymous.filter_map(|mount| mount.volume.clone()).collect()
}

/// The record goes last: as long as it is there, another try finds all that belongs to it.
fn take_apart(store: &Store, gone: &Hidden, name: &str, volumes: &[String]) -> Result<()> {
    let dir = gone.path();
    for item in fs::read_dir(dir)
        .map_err(ContainerError::io("read", dir))?
        .flatten()
        .filter(|i| i.file_name() != RECORD)
    {
        let path = item.path();
        let removed = match item.file_type().is_ok_and(|kind| kind.is_dir()) {
            true => fs::remove_dir_all(&path),
            false => fs::remove_file(&path),
        };
        removed.map_err(ContainerError::io("remove", &path))?;
    }
    let id = gone.name();
    for volume in volumes {
        // One that another container took over stays.
        let _ = volume::release(store, volume, &id);
    }
    name::release(&name::all(store)?, name, &id);
    if let Err(error) = store.unpin(&Container::pin(&id)) {
        tracing::warn!(%error, "the layers of a removed container stay pinned");
    }
    fs::remove_dir_all(dir).map_err(ContainerError::io("remove", dir))
}
