//! From layers and a config to an image: the config and manifest documents.
//!
//! Owns: history, times and the form of the documents (OCI image specification 1.1). Never does: running steps, or
//! choosing names for the image.

use std::time::{Duration, SystemTime};

use buildc_digest::Digest;
use buildc_ir::{History, Target};
use buildc_store::{ImageRecord, Layer, LayerId, Store, StoreError, oci};
use serde::Serialize;

use crate::config_json::{ConfigDocument, ConfigJsonError};

/// What BuildKit writes into `comment` of every entry that it makes.
const HISTORY_COMMENT: &str = "buildkit.dockerfile.v0";

/// And of those that only its exporter makes.
const EXPORTER_COMMENT: &str = "buildkit.exporter.image.v0";

/// Why an image cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum AssembleError {
    /// A layer that the history names was not made.
    #[error("Target `{target}` has {layers} layers but its history names {named}")]
    Mismatch {
        /// Target's name.
        target: String,
        /// Layers of the tree.
        layers: usize,
        /// Layers that the history speaks of.
        named: usize,
    },
    /// A document cannot be written.
    #[error(transparent)]
    Config(#[from] ConfigJsonError),
    /// The manifest cannot be written.
    #[error("Image manifest cannot be written: {0}")]
    Manifest(#[from] serde_json::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Puts the image of a target together and into the store. `layers` are the whole tree's, lowest first. An image that
/// is there already is not written again.
///
/// # Errors
/// [`AssembleError`] as its variants say.
pub fn assemble(
    store: &Store,
    target: &Target,
    layers: &[Layer],
    source_date_epoch: Option<i64>,
) -> Result<ImageRecord, AssembleError> {
    let config = config(target, layers, source_date_epoch)?;
    if let Some(image) = store.image(&Digest::of(&config).to_string())? {
        return Ok(image);
    }
    let manifest = manifest(&config, layers)?;
    let ids: Vec<LayerId> = layers.iter().map(|l| l.id).collect();
    Ok(store.put_image(&manifest, oci::media_type::OCI_MANIFEST, &config, &ids)?)
}

/// The config document. Everything in it follows from the target and its layers, so a cached build gives the same bytes:
/// a layer keeps the time when it was first sealed.
fn config(target: &Target, layers: &[Layer], epoch: Option<i64>) -> Result<Vec<u8>, AssembleError> {
    let own = target.history.iter().filter(|h| h.step.is_some()).count();
    let Some(base) = layers.len().checked_sub(own) else {
        return Err(AssembleError::Mismatch {
            target: target.name.clone(),
            layers: layers.len(),
            named: own,
        });
    };
    let mut history = target.base_history.clone();
    let times = times(target, layers.get(base..).unwrap_or_default(), epoch);
    let base_created = history.iter().rev().find_map(|h| h.created.clone());
    let base_time = base_created.as_deref().and_then(unix).filter(|base| epoch.is_none_or(|e| *base <= e));
    for (entry, time) in target.history.iter().zip(&times) {
        history.push(History {
            // A layer that was made before the base, as an empty one may be, is no older than it here.
            created: match time.filter(|time| base_time.is_none_or(|base| *time > base)) {
                Some(time) => Some(rfc3339(time)),
                None => base_created.clone(),
            },
            created_by: Some(entry.created_by.clone()),
            comment: Some(HISTORY_COMMENT.to_owned()),
            author: None,
            empty_layer: entry.step.is_none(),
        });
    }
    let created = history.iter().rev().find_map(|h| h.created.clone());
    agree(&mut history, layers.len(), created.as_ref());
    let diff_ids = layers.iter().map(|l| l.diff_id).collect();
    let document = ConfigDocument { config: target.config.clone(), created, diff_ids, history };
    Ok(document.write()?)
}

/// Makes the history speak of as many layers as there are, as BuildKit's exporter does: a base's may be cut short, or left out.
/// Whatever it says more goes for no layer, and layers that it does not speak of come behind everything else.
fn agree(history: &mut Vec<History>, layers: usize, created: Option<&String>) {
    let named = history.iter_mut().filter(|entry| !entry.empty_layer);
    let rest = named.skip(layers).map(|entry| entry.empty_layer = true).count();
    if rest > 0 {
        return;
    }
    let named = history.iter().filter(|entry| !entry.empty_layer).count();
    let silent = History {
        created: created.cloned(),
        created_by: Some("created by buildkit".to_owned()),
        comment: Some(EXPORTER_COMMENT.to_owned()),
        ..History::default()
    };
    history.resize(history.len() + layers.saturating_sub(named), silent);
}

/// Times of the new history entries: an entry with a layer has its layer's, one without takes the next layer's, else the
/// last one's; none is before the one below.
fn times(target: &Target, own_layers: &[Layer], epoch: Option<i64>) -> Vec<Option<i64>> {
    let clamp = |time: i64| epoch.map_or(time, |e| time.min(e));
    let mut left = own_layers.iter().map(|l| clamp(l.created));
    let mut times: Vec<Option<i64>> =
        target.history.iter().map(|h| h.step.and_then(|_| left.next())).collect();
    let mut next = None;
    for time in times.iter_mut().rev() {
        match time {
            Some(own) => next = Some(*own),
            None => *time = next,
        }
    }
    let last = own_layers.last().map(|l| clamp(l.created)).or(epoch);
    for time in &mut times {
        *time = time.or(last);
    }
    ascend(&mut times);
    times
}

/// Lets no entry be older than the one below. A layer that was made before is used again wherever a command comes to
/// the same content, above all where it changes nothing, and has the time of its first making.
fn ascend(times: &mut [Option<i64>]) {
    let mut latest = None;
    for time in times {
        latest = latest.max(*time);
        *time = latest;
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ManifestDocument<'a> {
    schema_version: u32,
    media_type: &'a str,
    config: oci::Descriptor,
    layers: Vec<LayerDescriptor>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LayerDescriptor {
    media_type: &'static str,
    digest: Digest,
    size: u64,
}

/// The manifest over uncompressed layers: inside the store their digest is their diff_id. Compression happens when
/// something leaves the machine, and gives another manifest.
fn manifest(config: &[u8], layers: &[Layer]) -> Result<Vec<u8>, serde_json::Error> {
    let layers = layers
        .iter()
        .map(|l| LayerDescriptor {
            media_type: oci::media_type::OCI_LAYER,
            digest: Digest::from_bytes(*l.diff_id.as_bytes()),
            size: l.tar_bytes,
        })
        .collect();
    serde_json::to_vec(&ManifestDocument {
        schema_version: 2,
        media_type: oci::media_type::OCI_MANIFEST,
        config: oci::Descriptor::of(oci::media_type::OCI_CONFIG, config),
        layers,
    })
}

/// A Unix time as RFC 3339 in UTC.
pub(crate) fn rfc3339(seconds: i64) -> String {
    let time = match u64::try_from(seconds) {
        Ok(after) => SystemTime::UNIX_EPOCH + Duration::from_secs(after),
        Err(_) => SystemTime::UNIX_EPOCH - Duration::from_secs(seconds.unsigned_abs()),
    };
    humantime::format_rfc3339_seconds(time).to_string()
}

/// The Unix time of one in RFC 3339 in UTC, as images have it.
fn unix(text: &str) -> Option<i64> {
    let time = humantime::parse_rfc3339(text).ok()?;
    i64::try_from(time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs()).ok()
}

#[cfg(test)]
mod tests {
    use buildc_digest::InternalHasher;
    use buildc_ir::graph::TargetHistory;
    use buildc_ir::{ImageConfig, Platform, StepId};

    use super::*;

    /// The descriptor's size is that of the bytes that its digest speaks of (OCI image spec, `descriptor.md`).
    #[test]
    fn descriptors_have_the_length_of_the_tar() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), buildc_store::OpenOptions::default()).unwrap();
        let pending = store.begin_layer().unwrap();
        std::fs::write(pending.dir().join("file"), "text").unwrap();
        let layer = pending.seal_from_disk().unwrap();
        let mut tar = Vec::new();
        store.write_layer_tar(layer.id, &mut tar).unwrap();
        let text = manifest(b"{}", &[layer]).unwrap();
        let document: serde_json::Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(document["layers"][0]["size"], tar.len());
        assert_eq!(document["layers"][0]["digest"], Digest::of(&tar).to_string());
    }

    #[test]
    fn no_entry_is_older_than_the_one_below() {
        let mut times = [Some(5), Some(3), Some(7), None];
        ascend(&mut times);
        assert_eq!(times, [Some(5), Some(5), Some(7), Some(7)]);
    }

    /// An empty layer is that of whoever made one first, however long before the base that is.
    #[test]
    fn no_entry_is_older_than_the_base() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), buildc_store::OpenOptions::default()).unwrap();
        let layer = store.begin_layer().unwrap().seal_from_disk().unwrap();
        let key = || InternalHasher::new().key();
        let created = |base: &str, epoch: Option<i64>| {
            let entry = TargetHistory { created_by: String::new(), step: Some(StepId(key())) };
            let target = Target {
                name: String::new(),
                tags: Vec::new(),
                root: StepId(key()),
                config: ImageConfig::scratch(Platform::host()),
                base_history: vec![History { created: Some(base.to_owned()), ..History::default() }],
                history: vec![entry],
            };
            let document = config(&target, std::slice::from_ref(&layer), epoch).unwrap();
            ConfigDocument::read(&document).unwrap().created.unwrap()
        };
        assert_eq!(created("2100-01-01T00:00:00.5Z", None), "2100-01-01T00:00:00.5Z");
        assert_eq!(created("1999-01-01T00:00:00Z", None), rfc3339(layer.created));
        assert_eq!(created("2100-01-01T00:00:00Z", Some(7)), rfc3339(7));
    }

    #[test]
    fn a_history_speaks_of_every_layer_and_of_no_other() {
        let entries = |empty: &[bool]| -> Vec<History> {
            empty.iter().map(|empty| History { empty_layer: *empty, ..History::default() }).collect()
        };
        for (before, layers, after) in [
            (&[][..], 2, &[false, false][..]),
            (&[true, false, true], 3, &[true, false, true, false, false]),
            (&[false, true, false, false], 1, &[false, true, true, true]),
            (&[false, true], 1, &[false, true]),
        ] {
            let mut history = entries(before);
            agree(&mut history, layers, Some(&"2020-01-01T00:00:00Z".to_owned()));
            assert_eq!(history.iter().map(|h| h.empty_layer).collect::<Vec<_>>(), after, "{before:?}");
            assert!(history.iter().skip(before.len()).all(|h| h.created.is_some()));
        }
    }

    #[test]
    fn times_are_written_in_utc() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(1_700_000_000), "2023-11-14T22:13:20Z");
    }
}
