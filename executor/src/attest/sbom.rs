//! The packages of an image as an SPDX 2.3 document.

use buildc_store::export::Statement;
use buildc_store::{ImageRecord, Store, StoreError};
use serde_json::{Value, json};

use super::packages::{self, Package};
use crate::assemble::rfc3339;

const PREDICATE_TYPE: &str = "https://spdx.dev/Document";

/// The statement of what an image holds. It depends on the image alone.
///
/// # Errors
/// When a layer cannot be read.
pub fn sbom(store: &Store, image: &ImageRecord, name: &str) -> Result<Statement, StoreError> {
    let (packages, distribution) = packages::of(store, &image.layers)?;
    let created = image.layers.iter().map(|layer| layer.created).max().unwrap_or(0);
    let entries = packages.iter().enumerate().map(|(at, package)| entry(at, package, &distribution));
    let describes = (0..packages.len()).map(|at| {
        json!({
            "spdxElementId": "SPDXRef-DOCUMENT",
            "relationshipType": "DESCRIBES",
            "relatedSpdxElement": id(at),
        })
    });
    let predicate = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": if name.is_empty() { "image" } else { name },
        "documentNamespace": format!("urn:buildc:sbom:{}", image.id),
        "creationInfo": {
            "created": rfc3339(created),
            "creators": [concat!("Tool: buildc-", env!("CARGO_PKG_VERSION"))],
        },
        "packages": entries.collect::<Vec<Value>>(),
        "relationships": describes.collect::<Vec<Value>>(),
    });
    Ok(Statement { predicate_type: PREDICATE_TYPE.to_owned(), predicate })
}

fn id(at: usize) -> String {
    format!("SPDXRef-Package-{at}")
}

fn entry(at: usize, package: &Package, distribution: &str) -> Value {
    let Package { kind, name, version, architecture, license } = package;
    // purl-spec: the version is percent-encoded.
    let encoded: String = version.replace('%', "%25").replace('+', "%2B").replace(':', "%3A");
    let purl = format!("pkg:{kind}/{distribution}/{name}@{encoded}?arch={architecture}");
    json!({
        "SPDXID": id(at),
        "name": name,
        "versionInfo": version,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "licenseComments": license,
        "copyrightText": "NOASSERTION",
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": purl,
        }],
    })
}
