//! `--cache-from` and `--cache-to`: results of steps from and to other places than the store.

use std::path::PathBuf;
use std::sync::Arc;

use buildc_executor::Cancel;
use buildc_executor::cache::{self, Extent, Imported};
use buildc_store::cache::{CacheDocument, CacheError, CachePlace, CacheSource, INLINE_ANNOTATION};
use buildc_store::export::{Annotation, AnnotationLevel, Form};
use buildc_store::remote::{RemoteError, Watch};

use super::delivery::Built;
use super::export::truth;
use super::export_form::{FormOptions, fields};
use super::registry::transfer_failure;
use super::s3_options::{self, S3Options};
use crate::failure::Failure;
use crate::output;
use crate::product::Product;
use crate::session::{self, Session};

/// One `--cache-to`.
#[derive(Debug)]
pub struct CacheTo {
    /// `None` for a cache in the image itself.
    place: Option<CachePlace>,
    extent: Extent,
    form: Form,
    /// A failure is only said.
    ignore_error: bool,
}

/// The keys of both options.
#[derive(Default)]
struct Keys {
    kind: String,
    reference: Option<String>,
    path: Option<PathBuf>,
    tag: Option<String>,
    digest: Option<buildc_digest::Digest>,
    max: bool,
    ignore_error: bool,
    form: FormOptions,
    s3: S3Options,
}

impl Keys {
    fn read(option: &str, path_key: &str) -> Result<Self, String> {
        let mut keys = Self::default();
        if !option.contains('=') {
            // As buildx has it, a bare word is a name in a registry.
            return Ok(Self { kind: "registry".to_owned(), reference: Some(option.to_owned()), ..keys });
        }
        for field in fields(option) {
            let (key, value) = field.split_once('=').unwrap_or((&field, ""));
            match key {
                "type" => keys.kind = value.to_owned(),
                "ref" => keys.reference = Some(value.to_owned()),
                "tag" => keys.tag = Some(value.to_owned()),
                "digest" => {
                    keys.digest = Some(value.parse().map_err(|_| format!("`{value}` is no digest"))?);
                }
                "mode" => match value {
                    "min" => keys.max = false,
                    "max" => keys.max = true,
                    _ => return Err(format!("mode is min or max, not `{value}`")),
                },
                "ignore-error" => keys.ignore_error = truth(key, value)?,
                "image-manifest" => match truth(key, value)? {
                    true => {}
                    false => return Err("a cache is always an image manifest".to_owned()),
                },
                _ if key == path_key => keys.path = Some(value.into()),
                _ if keys.s3.take(key, value)? => {}
                _ if keys.form.take(key, value)? => {}
                _ => return Err(format!("`{field}` is not understood")),
            }
        }
        Ok(keys)
    }

    /// The place; `None` for `inline`.
    fn place(&self, path_key: &str) -> Result<Option<CachePlace>, String> {
        match self.kind.as_str() {
            "registry" => {
                let name = self.reference.as_deref().ok_or("ref= is missing")?;
                let name = session::reference(name).map_err(|failure| failure.to_string())?;
                Ok(Some(CachePlace::Registry(name.to_string())))
            }
            "local" => {
                let path = self.path.clone().ok_or_else(|| format!("{path_key}= is missing"))?;
                let tag = self.tag.clone().unwrap_or_else(|| "latest".to_owned());
                Ok(Some(CachePlace::Dir { path, tag, digest: self.digest }))
            }
            "inline" => Ok(None),
            "s3" => Ok(Some(CachePlace::S3(Box::new(self.s3.place(&|name| std::env::var(name).ok())?)))),
            other @ ("gha" | "azblob") => {
                Err(format!("caches of type `{other}` are not supported; registry, local, s3 and inline are"))
            }
            other => Err(format!("there is no type `{other}`; write registry, local, s3 or inline")),
        }
    }
}

/// True for GitHub's cache where no token for it is there: as in buildx it is left out then, so that one command serves both inside
/// and outside of GitHub's runners.
fn is_idle(option: &str, environment: &dyn Fn(&str) -> Option<String>) -> bool {
    let fields = fields(option);
    let has_token = fields.iter().any(|field| field.starts_with("token="));
    let token = || environment("ACTIONS_RUNTIME_TOKEN").is_some_and(|token| !token.is_empty());
    fields.iter().any(|field| field == "type=gha") && !has_token && !token()
}

fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn bad(flag: &str, option: &str, why: &str) -> Failure {
    Failure::usage(format!("{flag} `{}`: {why}", s3_options::shown(option)))
        .help("For example type=registry,ref=registry.example.com/app:cache or type=local with a directory")
}

impl CacheTo {
    /// Reads the options; the build argument BUILDKIT_INLINE_CACHE asks for an inline cache.
    pub fn read(options: &[String], build_args: &[String]) -> Result<Vec<Self>, Failure> {
        let mut found = Vec::new();
        for option in options.iter().filter(|option| !is_idle(option, &environment)) {
            let read = |option: &String| -> Result<Self, String> {
                let keys = Keys::read(option, "dest")?;
                let place = keys.place("dest")?;
                let extent = if keys.max && place.is_some() { Extent::Max } else { Extent::Min };
                Ok(Self { place, extent, ignore_error: keys.ignore_error, form: keys.form.form()? })
            };
            found.push(read(option).map_err(|why| bad("--cache-to", option, &why))?);
        }
        let wants_inline = build_args.iter().any(|arg| arg == "BUILDKIT_INLINE_CACHE=1");
        if wants_inline && found.iter().all(|cache| cache.place.is_some()) {
            let (extent, form) = (Extent::Min, Form::default());
            found.push(Self { place: None, extent, form, ignore_error: false });
        }
        Ok(found)
    }
}

/// Opens the caches of `--cache-from`; what is not there is said and left out, as a first build has none.
pub fn open(session: &Session, options: &[String]) -> Result<Option<Arc<Imported>>, Failure> {
    let mut sources = Vec::new();
    for option in options.iter().filter(|option| !is_idle(option, &environment)) {
        let place = Keys::read(option, "src").and_then(|keys| keys.place("src"));
        let place = place.map_err(|why| bad("--cache-from", option, &why))?;
        let Some(place) = place else {
            return Err(bad("--cache-from", option, "an inline cache is read as type=registry,ref=IMAGE"));
        };
        match CacheSource::open(&session.store, place) {
            Ok(source) => sources.push(source),
            Err(error) => output::say(&format!("Cache `{}` is not used: {error}", s3_options::shown(option))),
        }
    }
    Ok((!sources.is_empty()).then(|| Arc::new(Imported::new(&session.store, sources))))
}

/// Puts the inline cache on what is going to leave.
pub fn inline(
    session: &Session,
    caches: &[CacheTo],
    built: &Built<'_>,
    products: &mut [Product],
) -> Result<(), Failure> {
    if caches.iter().all(|cache| cache.place.is_some()) {
        return Ok(());
    }
    let results = cache::collect(&session.store, built.plan, built.contexts, Extent::Min)?;
    for product in products {
        for (image, platform) in product.images.iter().zip(&product.platforms) {
            product.annotations.push(Annotation {
                level: AnnotationLevel::Manifest,
                platform: Some(platform.clone()),
                key: INLINE_ANNOTATION.to_owned(),
                value: CacheDocument::new(&image.layers, &results).text()?,
            });
        }
    }
    Ok(())
}

/// Sends what `--cache-to` wants elsewhere, until `cancel` is set.
pub fn send(
    session: &Session,
    caches: &[CacheTo],
    built: &Built<'_>,
    quiet: bool,
    cancel: &Cancel,
) -> Result<(), Failure> {
    let watch = Watch { cancelled: &|| cancel.is_cancelled(), ..Watch::SILENT };
    for cache in caches {
        let Some(place) = &cache.place else { continue };
        let results = cache::collect(&session.store, built.plan, built.contexts, cache.extent)?;
        let sent = buildc_store::cache::send(&session.store, &results, &cache.form, place, watch);
        match sent {
            Err(CacheError::Remote(error @ RemoteError::Cancelled)) => return Err(transfer_failure(error)),
            Ok(()) if quiet => {}
            Ok(()) => output::say(&format!("Cache of {} steps written to {place}", results.len())),
            Err(error) if cache.ignore_error => output::say(&format!("Cache is not written: {error}")),
            Err(error) => return Err(failure(error)),
        }
    }
    Ok(())
}

fn failure(error: CacheError) -> Failure {
    match error {
        CacheError::Archive(error) => error.into(),
        CacheError::Remote(error) => error.into(),
        CacheError::Store(error) => error.into(),
        CacheError::NotACache { .. } => Failure::told("archive::malformed", &error, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_as_buildx_reads_them() {
        let to = |option: &str| CacheTo::read(&[option.to_owned()], &[]).map(|mut all| all.remove(0));
        let local = to("type=local,dest=/c,mode=max").unwrap();
        assert_eq!(local.extent, Extent::Max);
        assert!(matches!(local.place, Some(CachePlace::Dir { tag, .. }) if tag == "latest"));
        assert_eq!(to("a/b").unwrap().place, Some(CachePlace::Registry("docker.io/a/b:latest".to_owned())));
        assert_eq!(to("type=inline,mode=max").unwrap().extent, Extent::Min);
        for option in [
            "type=s3,region=r",
            "type=s3,bucket=b,access_key_id=x",
            "type=gha,token=t",
            "type=azblob,account_url=u",
            "type=local",
            "type=registry",
            "type=local,dest=a,mode=all",
            "type=x",
        ] {
            assert!(to(option).is_err(), "{option}");
        }
        let outside = |_: &str| None;
        let inside = |name: &str| (name == "ACTIONS_RUNTIME_TOKEN").then(|| "t".to_owned());
        assert!(is_idle("type=gha,scope=a,mode=max", &outside) && !is_idle("type=gha,scope=a", &inside));
        assert!(!is_idle("type=gha,token=t", &outside) && !is_idle("type=inline", &outside));
        let inline = CacheTo::read(&[], &["BUILDKIT_INLINE_CACHE=1".to_owned()]).unwrap();
        assert!(inline[0].place.is_none());
    }
}
