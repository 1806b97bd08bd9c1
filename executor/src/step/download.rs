//! One file fetched by http(s): a layer with that file alone, as ADD of a URL copies it.

use std::fs::{File, FileTimes, OpenOptions, Permissions};
use std::io::Read;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use buildc_digest::InternalHasher;
use buildc_ir::step::HttpSource;
use buildc_store::remote::{DownloadWatch, Downloaded, RemoteError, download};
use buildc_store::{Entry, EntryKind, Layer, PendingLayer, TarHasher};

use super::{Site, StepError, Work};
use crate::event::Event;

/// Permission bits of a fetched file (Dockerfile reference, ADD).
const MODE: u32 = 0o600;
const BUFFER_BYTES: usize = 1 << 20;

/// Makes the layer with the file.
pub(super) fn fetch(site: &Site<'_>, work: &Work<'_>, http: &HttpSource) -> Result<Layer, StepError> {
    let pending = site.store.begin_layer()?;
    let path = pending.dir().join(&http.name);
    let io = |what| StepError::io(what, &path);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(MODE)
        .open(&path)
        .map_err(io("Making"))?;
    let tell = |done_bytes, total_bytes| {
        site.recorder.tell(Event::Pull { id: work.id, what: http.url.clone(), done_bytes, total_bytes });
    };
    let watch = DownloadWatch { progress: &tell, cancelled: &|| site.cancel.is_cancelled() };
    let got = download(&http.url, http.checksum.as_ref(), &mut file, &path, &watch)
        .map_err(|error| failure(&http.url, error))?;
    // A server that does not say gives 1970, as BuildKit has it: the time of fetching would differ every time.
    let modified = got.last_modified.unwrap_or(UNIX_EPOCH);
    file.set_permissions(Permissions::from_mode(MODE)).map_err(io("Setting the mode of"))?;
    file.set_times(FileTimes::new().set_modified(modified)).map_err(io("Setting the time of"))?;
    seal(pending, http, &path, got, modified)
}

/// Reads the file back, most likely from memory, because a tar needs its size first.
fn seal(
    pending: PendingLayer,
    http: &HttpSource,
    path: &Path,
    got: Downloaded,
    modified: SystemTime,
) -> Result<Layer, StepError> {
    let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut hasher = InternalHasher::new();
    let mut entry = Entry {
        path: http.name.clone().into_bytes(),
        kind: EntryKind::File { size: got.size_bytes, hash: hasher.file() },
        mode: MODE,
        uid: 0,
        gid: 0,
        mtime: (i64::try_from(since.as_secs()).unwrap_or(i64::MAX), since.subsec_nanos()),
        xattrs: Vec::new(),
    };
    let mut tar = TarHasher::new();
    tar.entry(&entry)?;
    let mut file = File::open(path).map_err(StepError::io("Opening", path))?;
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let count = file.read(&mut buffer).map_err(StepError::io("Reading", path))?;
        let bytes = buffer.get(..count).unwrap_or_default();
        if bytes.is_empty() {
            break;
        }
        hasher.update(bytes);
        tar.data(bytes)?;
    }
    entry.kind = EntryKind::File { size: got.size_bytes, hash: hasher.file() };
    Ok(pending.seal(vec![entry], tar.finish()?)?)
}

fn failure(url: &str, error: RemoteError) -> StepError {
    let reason = match error {
        RemoteError::Cancelled => return StepError::Cancelled,
        RemoteError::Io { .. } | RemoteError::Store(_) => return StepError::Remote(error),
        RemoteError::Status { status, detail, .. } => format!("The server answered {status} {detail}"),
        RemoteError::Unreachable { why, .. }
        | RemoteError::Tls { why, .. }
        | RemoteError::Protocol { why, .. } => why,
        RemoteError::DigestMismatch { want, got, .. } => {
            format!("Its checksum is {got}, and {want} was asked for")
        }
        RemoteError::Truncated { got_bytes, want_bytes, .. } => {
            format!("Only {got_bytes} of {want_bytes} bytes arrived")
        }
        other => other.to_string(),
    };
    StepError::Fetch { url: url.to_owned(), reason }
}
