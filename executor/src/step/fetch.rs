//! Base images: found in the store, or pulled.

use buildc_ir::StepId;
use buildc_ir::step::ImageSource;
use buildc_store::Layer;
use buildc_store::remote::{Client, Progress, Watch};

use super::{Site, StepError};
use crate::event::Event;

/// The layers of a pinned image, pulled when the store does not have them.
pub(super) fn image(site: &Site<'_>, id: StepId, image: &ImageSource) -> Result<Vec<Layer>, StepError> {
    if let Some(known) = site.store.image_by_manifest(&image.manifest)? {
        return Ok(known.layers);
    }
    let client = Client::from_environment()?;
    let platform = crate::resolve::oci_platform(&image.platform);
    let cancelled = || site.cancel.is_cancelled();
    let progress = |progress: Progress| tell(site, id, progress);
    let watch = Watch { progress: &progress, cancelled: &cancelled };
    let pinned = pinned(&image.reference, &image.manifest.to_string());
    let pulled = client.pull(site.store, &pinned, &platform, watch)?;
    Ok(pulled.layers)
}

/// `repository@digest`: what was planned is what is pulled, even when the tag has moved since.
pub(crate) fn pinned(reference: &str, manifest: &str) -> String {
    let name = reference.split('@').next().unwrap_or(reference);
    let repository = match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => name,
    };
    format!("{repository}@{manifest}")
}

fn tell(site: &Site<'_>, id: StepId, progress: Progress) {
    let event = match progress {
        Progress::Blob { digest, done_bytes, total_bytes } => {
            Event::Pull { id, what: digest.to_string(), done_bytes, total_bytes: Some(total_bytes) }
        }
        Progress::Notice { text } => Event::Warning { id: Some(id), code: "registry::notice", message: text },
        Progress::Resolved { .. }
        | Progress::Present { .. }
        | Progress::Unpacking { .. }
        | Progress::Finished { .. } => return,
    };
    site.recorder.tell(event);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pull_asks_for_the_pin() {
        for (name, want) in [
            ("docker.io/library/busybox:1", "docker.io/library/busybox@D"),
            ("127.0.0.1:5000/x", "127.0.0.1:5000/x@D"),
            ("a.b/x:t@sha256:00", "a.b/x@D"),
        ] {
            assert_eq!(pinned(name, "D"), want);
        }
    }
}
