//! Image references to pins: the store first, then registries.
//!
//! Owns: in which order places are asked, and the words of the answer when none knows. Never does: fetching layers;
//! they are pulled when a step needs them.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;

use buildc_digest::Digest;
use buildc_ir::git::GitRemote;
use buildc_ir::world::{ResolvedImage, Resolver, WorldError};
use buildc_ir::{Platform, Reference};
use buildc_store::remote::{Client, RemoteError, Watch};
use buildc_store::{ImageRecord, Store, oci};

use crate::config_json::{ConfigDocument, ConfigJsonError};
use crate::context::git;
use crate::select::failed;

/// When registries are asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum PullPolicy {
    /// Only for what the store does not have.
    #[default]
    Missing,
    /// Always, so that a moved tag is noticed (`--pull`).
    Always,
    /// Never.
    Never,
}

/// [`Resolver`] over a store and the configured registries.
#[derive(Debug)]
pub struct StoreResolver<'a> {
    store: &'a Store,
    policy: PullPolicy,
    /// Made when a registry is first asked: a build from the store alone reads no configuration.
    client: OnceCell<Client>,
    /// Commits by repository and ref: one build sees one state of a repository.
    commits: RefCell<BTreeMap<(String, String), String>>,
}

/// Largest image config that is read, in bytes.
pub(crate) const MAX_CONFIG_BYTES: u64 = 8 << 20;

impl<'a> StoreResolver<'a> {
    /// Asks nothing yet.
    pub fn new(store: &'a Store, policy: PullPolicy) -> Self {
        Self { store, policy, client: OnceCell::new(), commits: RefCell::default() }
    }

    fn client(&self) -> Result<&Client, WorldError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = Client::from_environment().map_err(|e| remote(&e))?;
        Ok(self.client.get_or_init(|| client))
    }

    /// The names a reference may have in the store: as written, and as the search list of registries.conf expands it.
    fn stored(
        &self,
        reference: &Reference,
        platform: &Platform,
    ) -> Result<Option<ResolvedImage>, WorldError> {
        for name in store_names(reference) {
            let Some(image) = self.store.image(&name).map_err(|e| failed(&e))? else { continue };
            let resolved = stored_image(self.store, &image)?;
            if fits(&resolved.config.platform, platform) {
                return Ok(Some(resolved));
            }
        }
        Ok(None)
    }

    /// What a reference meant when it was pinned: the store first, then the registry that the name says.
    ///
    /// # Errors
    /// When neither has the manifest, or it is of another platform.
    pub(crate) fn resolve_pinned(
        &self,
        reference: &Reference,
        manifest: &Digest,
        platform: &Platform,
    ) -> Result<ResolvedImage, WorldError> {
        if let Some(image) = self.store.image_by_manifest(manifest).map_err(|e| failed(&e))? {
            return stored_image(self.store, &image)
                .map(|found| ResolvedImage { manifest: *manifest, ..found });
        }
        let pinned = Reference { tag: None, digest: Some(*manifest), ..reference.clone() };
        self.registered(&pinned, platform)
    }

    fn registered(&self, reference: &Reference, platform: &Platform) -> Result<ResolvedImage, WorldError> {
        let platform = oci_platform(platform);
        let name = if reference.short { reference.familiar() } else { reference.to_string() };
        let found = self.client()?.resolve_remote(&name, &platform, Watch::SILENT).map_err(|e| remote(&e))?;
        let document = read_config(&found.config)?;
        Ok(ResolvedImage { manifest: found.digest, config: document.config, history: document.history })
    }
}

/// A platform as the store's documents have it.
pub(crate) fn oci_platform(platform: &Platform) -> oci::Platform {
    oci::Platform {
        architecture: platform.arch.clone(),
        os: platform.os.clone(),
        os_version: None,
        variant: platform.variant.clone(),
    }
}

impl Resolver for StoreResolver<'_> {
    fn resolve(&self, reference: &Reference, platform: &Platform) -> Result<ResolvedImage, WorldError> {
        match self.policy {
            PullPolicy::Always => match self.registered(reference, platform) {
                Ok(found) => Ok(found),
                // An image that was built or imported here is in no registry.
                Err(error) => self.stored(reference, platform)?.ok_or(error),
            },
            PullPolicy::Missing => match self.stored(reference, platform)? {
                Some(found) => Ok(found),
                None => self.registered(reference, platform),
            },
            PullPolicy::Never => self.stored(reference, platform)?.ok_or_else(|| WorldError {
                code: "image::not_in_store",
                message: format!("Image `{}` for {platform} is not in the store", reference.familiar()),
                help: Some("Pull or build it first, or leave out --pull=never".to_owned()),
            }),
        }
    }

    fn commit(&self, remote: &GitRemote) -> Result<String, WorldError> {
        let key = (remote.url.clone(), remote.reference.clone());
        if let Some(known) = self.commits.borrow().get(&key) {
            return Ok(known.clone());
        }
        let found = git::commit_of(remote).map_err(|error| WorldError {
            code: error.code(),
            message: error.to_string(),
            help: error.help(),
        })?;
        self.commits.borrow_mut().insert(key, found.clone());
        Ok(found)
    }
}

/// A reference with tag and digest is stored under either name.
fn store_names(reference: &Reference) -> Vec<String> {
    let mut names = Vec::new();
    if let Some(digest) = &reference.digest {
        names.push(format!("{}@{digest}", reference.repository()));
        return names;
    }
    names.push(reference.to_string());
    if reference.short {
        // What was imported or built as `localhost/x` is meant by `x` too, as podman has it.
        let path = reference.path.strip_prefix("library/").unwrap_or(&reference.path);
        let tag = reference.tag.as_deref().unwrap_or("latest");
        names.push(format!("localhost/{path}:{tag}"));
    }
    names
}

/// Whether an image serves where another platform is wanted: one without a variant serves every variant of its
/// architecture.
pub fn fits(have: &Platform, want: &Platform) -> bool {
    have.os == want.os
        && have.arch == want.arch
        && (have.variant == want.variant || have.variant.is_none() || want.variant.is_none())
}

fn stored_image(from: &Store, image: &ImageRecord) -> Result<ResolvedImage, WorldError> {
    let bytes = from.read_blob(&image.id, MAX_CONFIG_BYTES).map_err(|e| failed(&e))?;
    let document = read_config(&bytes)?;
    Ok(ResolvedImage { manifest: image.manifest, config: document.config, history: document.history })
}

/// Reads the config of an image that is in the store.
///
/// # Errors
/// When the store does not have it or it is malformed.
pub fn image_config(from: &Store, id: &Digest) -> Result<ConfigDocument, WorldError> {
    read_config(&from.read_blob(id, MAX_CONFIG_BYTES).map_err(|e| failed(&e))?)
}

fn read_config(bytes: &[u8]) -> Result<ConfigDocument, WorldError> {
    ConfigDocument::read(bytes).map_err(|e: ConfigJsonError| WorldError {
        code: "image::config",
        message: e.to_string(),
        help: Some("The image was made by a broken tool; build or pull it again".to_owned()),
    })
}

fn remote(error: &RemoteError) -> WorldError {
    WorldError { code: error.code(), message: error.to_string(), help: error.help() }
}
