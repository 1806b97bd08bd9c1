//! The files of a git repository at a commit: a layer with them, as ADD of a repository copies it.
//!
//! Owner and times are the same on every machine: root, and the one time of the tar crate's deterministic headers. What
//! git keeps of a mode is whether a file can be executed.

use std::io::{Seek, SeekFrom};

use buildc_ir::git::GitRemote;
use buildc_ir::step::GitSource;
use buildc_store::Layer;
use tar::{Builder, HeaderMode};

use super::{Site, StepError};
use crate::context::incoming;

/// Makes the layer.
pub(super) fn layer(site: &Site<'_>, git: &GitSource) -> Result<Layer, StepError> {
    let remote = GitRemote {
        url: git.url.clone(),
        reference: git.commit.clone(),
        commit: Some(git.commit.clone()),
        subdirectory: git.subdirectory.clone(),
        submodules: git.submodules,
        keep_git_dir: Some(git.keep_git_dir),
    };
    let files =
        incoming::clone(&remote, Some(&site.cancel)).map_err(|error| match site.cancel.is_cancelled() {
            true => StepError::Cancelled,
            false => StepError::Fetch { url: git.url.clone(), reason: error.to_string() },
        })?;
    let io = |what| StepError::io(what, files.root());
    // In between stands a tar, because that is what the store takes whole trees from.
    let mut spool = tempfile::tempfile().map_err(io("Packing"))?;
    let mut tar = Builder::new(std::io::BufWriter::new(&mut spool));
    tar.mode(HeaderMode::Deterministic);
    tar.follow_symlinks(false);
    tar.append_dir_all("", files.root()).map_err(io("Packing"))?;
    tar.into_inner()
        .and_then(|out| out.into_inner().map_err(std::io::IntoInnerError::into_error).map(drop))
        .map_err(io("Packing"))?;
    spool.seek(SeekFrom::Start(0)).map_err(io("Packing"))?;
    Ok(site.store.import_layer(&mut spool, None)?)
}
