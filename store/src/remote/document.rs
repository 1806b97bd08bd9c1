//! Manifests, indexes and configs: fetching them whole, verified, and choosing a platform's manifest.
//!
//! Owns: limits on documents, the choice in an index, which places are asked in which order. Never does: layers.

use std::io::Read;

use buildc_digest::Digest;
use ureq::http::{Method, header};

use super::client::Client;
use super::name::Name;
use super::session::{Session, wire};
use super::transport::{Ask, WireError};
use super::{Progress, RemoteError, ResolvedRemote, Result, Watch};
use crate::oci::{Descriptor, Index, Manifest, Platform, Shape, media_type};

/// Registries must take manifests of 4 MiB (distribution specification, "Pushing manifests").
const MANIFEST_LIMIT: u64 = 4 * 1024 * 1024;
/// Configs have no limit in any specification; real ones have some KiB.
const CONFIG_LIMIT: u64 = 8 * 1024 * 1024;
/// How deep indexes may lie in indexes.
const INDEX_DEPTH: usize = 3;

/// A document as it was served.
pub(super) struct Document {
    pub(super) digest: Digest,
    pub(super) media_type: String,
    pub(super) bytes: Vec<u8>,
}

/// A name followed down to one platform's image.
pub(super) struct Resolution<'c> {
    pub(super) name: Name,
    /// Where it was found.
    pub(super) session: Session<'c>,
    /// What the name itself means: an index, or the manifest.
    pub(super) top: Digest,
    pub(super) document: Document,
    pub(super) manifest: Manifest,
    pub(super) config: Vec<u8>,
}

impl Client {
    /// Fetches manifest and config of what a name means now.
    ///
    /// # Errors
    /// When no registry that was asked has it for this platform.
    pub fn resolve_remote(
        &self,
        name: &str,
        platform: &Platform,
        watch: Watch<'_>,
    ) -> Result<ResolvedRemote> {
        let found = self.resolve(name, platform, watch)?;
        Ok(ResolvedRemote {
            name: found.name.to_string(),
            digest: found.document.digest,
            media_type: found.document.media_type,
            manifest: found.document.bytes,
            config: found.config,
        })
    }

    /// Asks each candidate name until one is found. What is reported when none is: the first failure that is not just
    /// a missing image, else everything that was asked.
    pub(super) fn resolve<'c>(
        &'c self,
        text: &str,
        platform: &Platform,
        watch: Watch<'c>,
    ) -> Result<Resolution<'c>> {
        let candidates = self.registries.candidates(text)?;
        let mut asked = Vec::new();
        let mut worst = None;
        for name in &candidates {
            match self.resolve_name(name, platform, watch) {
                Ok(found) => return Ok(found),
                Err(RemoteError::NotFound { asked: here, .. }) => asked.extend(here),
                Err(error) if moves_on(&error) => worst = worst.or(Some(error)),
                Err(error) => return Err(error),
            }
        }
        let name = candidates.first().map_or_else(|| text.to_owned(), Name::to_string);
        Err(match worst {
            Some(error) => error.beside(asked),
            None => RemoteError::NotFound { name, asked },
        })
    }

    /// Asks the places of one name in order. The last one is the origin: its answer counts when no mirror has it.
    fn resolve_name<'c>(
        &'c self,
        name: &Name,
        platform: &Platform,
        watch: Watch<'c>,
    ) -> Result<Resolution<'c>> {
        let mut asked = Vec::new();
        let mut last = None;
        for place in self.registries.pull_places(name)? {
            let session = Session::new(self, place, "pull", &[], watch);
            match resolve_at(session, name, platform, watch) {
                Err(RemoteError::NotFound { asked: here, .. }) => {
                    asked.extend(here);
                    last = None;
                }
                Err(error) if moves_on(&error) => last = Some(error),
                end => return end,
            }
        }
        Err(match last {
            Some(error) => error.beside(asked),
            None => RemoteError::NotFound { name: name.to_string(), asked },
        })
    }
}

fn moves_on(error: &RemoteError) -> bool {
    match error {
        RemoteError::Status { status, .. } => *status >= 500,
        RemoteError::Unreachable { .. }
        | RemoteError::Tls { .. }
        | RemoteError::Unauthorized { .. }
        | RemoteError::Denied { .. }
        | RemoteError::RateLimited { .. } => true,
        RemoteError::Partly { error, .. } => moves_on(error),
        _ => false,
    }
}

fn resolve_at<'c>(
    session: Session<'c>,
    name: &Name,
    platform: &Platform,
    watch: Watch<'_>,
) -> Result<Resolution<'c>> {
    let mut document = session.manifest(name, &name.reference(), name.digest.as_ref())?;
    let top = document.digest;
    let mut depth = 0;
    while media_type::is_index(&document.media_type) {
        depth += 1;
        if depth > INDEX_DEPTH {
            return Err(not_an_image(name, "indexes lie in indexes too deep"));
        }
        let index: Index = parse(name, &document.bytes)?;
        let child = choose(&index.manifests, platform).ok_or_else(|| RemoteError::NoPlatform {
            name: name.to_string(),
            wanted: platform.to_string(),
            available: available(&index.manifests),
        })?;
        document = session.manifest(name, &child.digest.to_string(), Some(&child.digest))?;
    }
    let manifest: Manifest = parse(name, &document.bytes)?;
    let config = session.config(name, &manifest.config)?;
    (watch.progress)(Progress::Resolved { name: name.to_string(), manifest: document.digest });
    Ok(Resolution { name: name.clone(), session, top, document, manifest, config })
}

impl Session<'_> {
    /// Fetches a manifest or index by tag or digest.
    pub(super) fn manifest(&self, name: &Name, reference: &str, want: Option<&Digest>) -> Result<Document> {
        let url = self.url(&format!("manifests/{reference}"));
        let accept = [
            media_type::OCI_INDEX,
            media_type::OCI_MANIFEST,
            media_type::DOCKER_LIST,
            media_type::DOCKER_MANIFEST,
        ];
        let ask = Ask::new(Method::GET, url.clone()).with(header::ACCEPT, accept.join(", "));
        let (bytes, declared) = self.get_whole(name, &ask, MANIFEST_LIMIT)?;
        let digest = Digest::of(&bytes);
        if let Some(want) = want.filter(|want| **want != digest) {
            return Err(RemoteError::DigestMismatch { url, want: *want, got: digest });
        }
        let schema1 = [media_type::DOCKER_SCHEMA1, media_type::DOCKER_SCHEMA1_SIGNED];
        let shape: Shape = parse(name, &bytes)?;
        if shape.schema_version == Some(1) || declared.as_deref().is_some_and(|d| schema1.contains(&d)) {
            return Err(RemoteError::Schema1 { name: name.to_string() });
        }
        let media_type = shape.media_type(declared.as_deref());
        let media_type =
            media_type.ok_or_else(|| not_an_image(name, "its manifest has an unknown media type"))?;
        Ok(Document { digest, media_type, bytes })
    }

    fn config(&self, name: &Name, descriptor: &Descriptor) -> Result<Vec<u8>> {
        let known = [media_type::OCI_CONFIG, media_type::DOCKER_CONFIG];
        if !known.contains(&descriptor.media_type.as_str()) {
            return Err(not_an_image(name, &format!("its config is of type `{}`", descriptor.media_type)));
        }
        let url = self.url(&format!("blobs/{}", descriptor.digest));
        if descriptor.size > CONFIG_LIMIT {
            return Err(RemoteError::TooLarge { url, limit_bytes: CONFIG_LIMIT });
        }
        let (bytes, _) = self.get_whole(name, &Ask::new(Method::GET, url.clone()), descriptor.size)?;
        let got = Digest::of(&bytes);
        match got == descriptor.digest {
            true => Ok(bytes),
            false => Err(RemoteError::DigestMismatch { url, want: descriptor.digest, got }),
        }
    }

    /// Fetches a document with its Content-Type. A body that breaks off is fetched again.
    pub(super) fn get_whole(
        &self,
        name: &Name,
        ask: &Ask<'_>,
        limit_bytes: u64,
    ) -> Result<(Vec<u8>, Option<String>)> {
        let mut attempt = 0;
        loop {
            let mut response = self.send(ask)?;
            match response.status().as_u16() {
                200 => {}
                404 => {
                    return Err(RemoteError::NotFound {
                        name: name.to_string(),
                        asked: vec![format!("`{}`", self.asked_at(&ask.url))],
                    });
                }
                _ => return Err(self.refused(&ask.url, response)),
            }
            let declared = response.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
            let declared = declared.and_then(|v| v.split(';').next()).map(|v| v.trim().to_owned());
            let mut bytes = Vec::new();
            match response.body_mut().as_reader().take(limit_bytes + 1).read_to_end(&mut bytes) {
                Ok(_) if bytes.len() as u64 > limit_bytes => {
                    return Err(RemoteError::TooLarge { url: self.asked_at(&ask.url), limit_bytes });
                }
                Ok(_) => return Ok((bytes, declared)),
                Err(error) if attempt >= 4 => {
                    return Err(wire(&self.asked_at(&ask.url), WireError::Connection(error.to_string())));
                }
                Err(error) => self.pause(
                    attempt,
                    None,
                    format!("`{}`: {error}, trying again", self.asked_at(&ask.url)),
                )?,
            }
            attempt += 1;
        }
    }
}

/// The manifest that fits a platform best: equal OS and architecture, then the nearest lower CPU variant.
pub(crate) fn choose<'m>(manifests: &'m [Descriptor], wanted: &Platform) -> Option<&'m Descriptor> {
    let rated = manifests.iter().filter_map(|m| match &m.platform {
        // An index of one image need not say for which machine it is.
        None if manifests.len() == 1 => Some((0, m)),
        None => None,
        Some(has) if has.os != wanted.os || has.architecture != wanted.architecture => None,
        Some(has) => Some((variant_distance(wanted, has.variant.as_deref())?, m)),
    });
    // The first of equals, as the publisher's order is a preference.
    rated.min_by_key(|(distance, _)| *distance).map(|(_, m)| m)
}

/// How far below the wanted variant one lies; `None` when code for it may not run.
fn variant_distance(wanted: &Platform, has: Option<&str>) -> Option<u32> {
    let base: u32 = match wanted.architecture.as_str() {
        "arm" => 7,
        "arm64" => 8,
        _ => 1,
    };
    let level = |v: Option<&str>| match v.filter(|v| !v.is_empty()) {
        None => Some(base),
        Some(v) => v.trim_start_matches('v').split('.').next()?.parse().ok(),
    };
    match (level(wanted.variant.as_deref()), level(has)) {
        (Some(want), Some(has)) => want.checked_sub(has),
        _ => (wanted.variant.as_deref() == has).then_some(0),
    }
}

/// What an index offers, for messages; attestations are no images.
pub(crate) fn available(manifests: &[Descriptor]) -> Vec<String> {
    let platforms = manifests.iter().filter_map(|m| m.platform.as_ref());
    let mut names: Vec<String> = platforms.filter(|p| p.os != "unknown").map(ToString::to_string).collect();
    names.dedup();
    if names.is_empty() {
        names.push("none that names its platform".to_owned());
    }
    names
}

pub(super) fn parse<T: serde::de::DeserializeOwned>(name: &Name, bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes)
        .map_err(|error| not_an_image(name, &format!("its manifest cannot be read: {error}")))
}

pub(super) fn not_an_image(name: &Name, why: &str) -> RemoteError {
    RemoteError::NotAnImage { name: name.to_string(), why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(platform: &str) -> Descriptor {
        let platform: Platform = platform.parse().unwrap();
        let name = platform.to_string();
        Descriptor { platform: Some(platform), ..Descriptor::of(media_type::OCI_MANIFEST, name.as_bytes()) }
    }

    fn chosen(has: &[&str], wanted: &str) -> Option<String> {
        let manifests: Vec<Descriptor> = has.iter().map(|p| entry(p)).collect();
        choose(&manifests, &wanted.parse().unwrap()).map(|m| m.platform.as_ref().unwrap().to_string())
    }

    #[test]
    fn the_nearest_variant_that_runs_is_chosen() {
        let all = [
            "unknown/unknown",
            "linux/amd64",
            "linux/amd64/v3",
            "linux/arm/v5",
            "linux/arm/v6",
            "linux/arm64/v8",
        ];
        for (wanted, want) in [
            ("linux/amd64", Some("linux/amd64")),
            ("linux/amd64/v2", Some("linux/amd64")),
            ("linux/amd64/v4", Some("linux/amd64/v3")),
            ("linux/arm/v7", Some("linux/arm/v6")),
            ("linux/arm/v5", Some("linux/arm/v5")),
            ("linux/arm64", Some("linux/arm64/v8")),
            ("linux/s390x", None),
            ("windows/amd64", None),
        ] {
            assert_eq!(chosen(&all, wanted).as_deref(), want, "{wanted}");
        }
        assert_eq!(chosen(&["linux/amd64/v3"], "linux/amd64"), None);
        assert!(!available(&[entry("unknown/unknown"), entry("linux/amd64")]).join(",").contains("unknown"));
    }
}
