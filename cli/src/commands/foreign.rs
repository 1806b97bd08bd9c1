//! `run --platform`: the image of a name for a platform that the one in the store is not of.

use buildc_executor::Cancel;
use buildc_executor::resolve::{PullPolicy, StoreResolver, fits, image_config};
use buildc_ir::world::{Resolver, WorldError};
use buildc_ir::{Platform, Reference};
use buildc_store::ImageRecord;

use super::Shell;
use super::registry::{self, PullWhen};
use crate::failure::{Fact, Failure, Kind};
use crate::session::Session;

const CODE: &str = "image::wrong_platform";

/// The image itself where it is of the platform; else what `FROM --platform` would take, fetched where it has to be. The
/// name stays with the image that has it.
pub fn of_platform(
    session: &Session,
    name: &str,
    image: ImageRecord,
    wanted: &Platform,
    pull: PullWhen,
    shell: &Shell,
) -> Result<ImageRecord, Failure> {
    let has = platform_of(session, &image)?;
    if fits(&has, wanted) {
        return Ok(image);
    }
    // An id means this image and no other.
    let named = name.parse::<Reference>().ok();
    let Some(reference) = named.filter(|it| session.store.image(&it.to_string()).is_ok_and(|i| i.is_some()))
    else {
        return Err(refusal(name, &has, wanted, None));
    };
    let policy = if pull == PullWhen::Never { PullPolicy::Never } else { PullPolicy::Missing };
    let found = StoreResolver::new(&session.store, policy).resolve(&reference, wanted);
    let found = found.map_err(|why| refusal(name, &has, wanted, Some(why)))?;
    if let Some(known) = session.store.image_by_manifest(&found.manifest)? {
        return checked(session, name, known, wanted);
    }
    let pinned = Reference { tag: None, digest: Some(found.manifest), ..reference };
    // Nothing runs yet, so Ctrl-C may simply end the process.
    let fetched = registry::fetch(session, &pinned.to_string(), wanted, false, &Cancel::new(), shell)?;
    checked(session, name, fetched, wanted)
}

/// An image that has to be of a platform.
pub fn checked(
    session: &Session,
    name: &str,
    image: ImageRecord,
    wanted: &Platform,
) -> Result<ImageRecord, Failure> {
    let has = platform_of(session, &image)?;
    if fits(&has, wanted) { Ok(image) } else { Err(refusal(name, &has, wanted, None)) }
}

fn platform_of(session: &Session, image: &ImageRecord) -> Result<Platform, Failure> {
    Ok(image_config(&session.store, &image.id)?.config.platform)
}

fn refusal(name: &str, has: &Platform, wanted: &Platform, why: Option<WorldError>) -> Failure {
    Failure::Fact(Box::new(Fact {
        kind: Kind::of_code(CODE),
        code: CODE,
        message: format!("Image `{name}` is for {has}, and {wanted} is asked for"),
        causes: why.map(|why| why.message).into_iter().collect(),
        help: Some(format!("Leave out --platform to run it as it is, or build or pull one for {wanted}")),
    }))
}
