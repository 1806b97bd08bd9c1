//! Which repositories are known to hold a blob, so that a push to the same host can mount it instead of sending it
//! (distribution specification, "Mounting a blob from another repository").

use buildc_digest::Digest;

use super::registries::Place;
use crate::{Result, Store};

const KIND: &str = "blob-origins";
/// More than a few are of no use: the first that works is taken.
const LIMIT: usize = 8;

/// Remembers that a repository holds a blob.
pub(super) fn remember(store: &Store, blob: &Digest, place: &Place) -> Result<()> {
    let repository = format!("{}/{}", place.host, place.path);
    let mut known = read(store, blob)?;
    if known.contains(&repository) {
        return Ok(());
    }
    known.insert(0, repository);
    known.truncate(LIMIT);
    store.put_document(KIND, &blob.hex(), &known.join("\n"))
}

/// Repositories on the place's host, other than its own, that hold a blob.
pub(super) fn mountable(store: &Store, blob: &Digest, place: &Place) -> Result<Vec<String>> {
    let host = format!("{}/", place.host);
    let known = read(store, blob)?;
    let paths = known.iter().filter_map(|repository| repository.strip_prefix(&host));
    Ok(paths.filter(|path| *path != place.path).map(str::to_owned).collect())
}

fn read(store: &Store, blob: &Digest) -> Result<Vec<String>> {
    let text = store.document(KIND, &blob.hex())?.unwrap_or_default();
    Ok(text.lines().map(str::to_owned).collect())
}
