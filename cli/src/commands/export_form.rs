//! The keys of `--output` and `--cache-to` that say in which form layers and manifests leave, and `--annotation`.

use buildc_store::export::{Algorithm, Annotation, AnnotationLevel, Form, Packing};
use buildc_store::oci::Platform;

use super::export::truth;
use crate::failure::Failure;

/// What was said of the form so far.
#[derive(Debug, Default)]
pub struct FormOptions {
    algorithm: Option<Algorithm>,
    level: Option<u32>,
    force: bool,
    docker_types: bool,
    annotations: Vec<Annotation>,
}

impl FormOptions {
    /// Takes a key; false when it is none of the form's.
    pub fn take(&mut self, key: &str, value: &str) -> Result<bool, String> {
        match key {
            "compression" => self.algorithm = Some(algorithm(value)?),
            "compression-level" => {
                let level = value.parse().map_err(|_| format!("`{value}` is no compression level"))?;
                self.level = Some(level);
            }
            "force-compression" => self.force = truth(key, value)?,
            "oci-mediatypes" => self.docker_types = !truth(key, value)?,
            _ => match key.strip_prefix("annotation") {
                Some(rest) => self.annotations.extend(annotation_key(rest, value)?),
                None => return Ok(false),
            },
        }
        Ok(true)
    }

    /// The form that was asked for.
    pub fn form(self) -> Result<Form, String> {
        let packing = match (self.algorithm, self.level) {
            (None, None) => None,
            (algorithm, level) => {
                let packing = Packing::new(algorithm.unwrap_or_default(), level);
                Some(packing.map_err(|error| error.to_string())?)
            }
        };
        let Self { force, docker_types, annotations, .. } = self;
        Ok(Form { packing, force, docker_types, annotations })
    }
}

fn algorithm(name: &str) -> Result<Algorithm, String> {
    match name {
        "gzip" => Ok(Algorithm::Gzip),
        "zstd" => Ok(Algorithm::Zstd),
        "uncompressed" => Ok(Algorithm::Uncompressed),
        "estargz" => Err("estargz layers are not written; gzip and zstd are".to_owned()),
        _ => Err(format!("there is no compression `{name}`; write gzip, zstd or uncompressed")),
    }
}

/// `.KEY`, `-LEVEL.KEY` or `-LEVEL[PLATFORM].KEY`, behind `annotation`.
fn annotation_key(rest: &str, value: &str) -> Result<Option<Annotation>, String> {
    let (scope, key) = match rest.strip_prefix('.') {
        Some(key) => ("manifest", key),
        None => {
            let rest =
                rest.strip_prefix('-').ok_or_else(|| format!("`annotation{rest}` is not understood"))?;
            // A platform may have dots in it; the key begins after its bracket.
            let from = rest.find(']').unwrap_or(0);
            let dot = rest[from..].find('.').map(|at| from + at).ok_or("an annotation has no key")?;
            (&rest[..dot], &rest[dot + 1..])
        }
    };
    annotation(scope, key, value).map(Some)
}

/// One annotation at `LEVEL` or `LEVEL[PLATFORM]`.
fn annotation(scope: &str, key: &str, value: &str) -> Result<Annotation, String> {
    let (level, platform) = match scope.split_once('[') {
        Some((level, rest)) => {
            let text = rest.strip_suffix(']').ok_or_else(|| format!("`{scope}` lacks a `]`"))?;
            (level, Some(text.parse::<Platform>().map_err(|error| error.to_string())?))
        }
        None => (scope, None),
    };
    let level = match level {
        "manifest" => AnnotationLevel::Manifest,
        "index" => AnnotationLevel::Index,
        "manifest-descriptor" => AnnotationLevel::ManifestDescriptor,
        "index-descriptor" => AnnotationLevel::IndexDescriptor,
        _ => {
            return Err(format!(
                "`{level}` has no annotations; write manifest, index, manifest-descriptor or index-descriptor"
            ));
        }
    };
    if key.is_empty() {
        return Err("an annotation has no key".to_owned());
    }
    Ok(Annotation { level, platform, key: key.to_owned(), value: value.to_owned() })
}

/// `--annotation [LEVEL[PLATFORM],…:]KEY=VALUE`.
pub fn annotations(option: &str) -> Result<Vec<Annotation>, Failure> {
    let bad = |why: String| {
        Failure::usage(format!("--annotation `{option}`: {why}"))
            .help("Write KEY=VALUE, index:KEY=VALUE or manifest[linux/amd64]:KEY=VALUE")
    };
    let (name, value) = option.split_once('=').ok_or_else(|| bad("it has no value".to_owned()))?;
    match name.split_once(':') {
        None => Ok(vec![annotation("manifest", name, value).map_err(bad)?]),
        Some((scopes, key)) => {
            scopes.split(',').map(|scope| annotation(scope, key, value).map_err(bad)).collect()
        }
    }
}

/// Splits at commas; a field in double quotes may hold some (RFC 4180).
pub fn fields(text: &str) -> Vec<String> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                field.push('"');
            }
            '"' if quoted || field.is_empty() => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            other => field.push(other),
        }
    }
    fields.push(field);
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotations_have_levels_and_platforms() {
        let one = |option: &str| annotations(option).unwrap();
        assert_eq!(one("a.b=c=d")[0].value, "c=d");
        assert_eq!(one("index,manifest:k=v").len(), 2);
        let found = &one("manifest[linux/arm64]:k=v")[0];
        assert_eq!(found.platform.as_ref().unwrap().to_string(), "linux/arm64");
        let key = annotation_key("-manifest[linux/amd64].a.b", "v").unwrap().unwrap();
        assert_eq!((key.key.as_str(), key.level), ("a.b", AnnotationLevel::Manifest));
        for bad in ["k", "layer:k=v", "manifest[linux:k=v", "index:=v"] {
            assert!(annotations(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn quotes_keep_commas() {
        assert_eq!(fields("a=1,\"b=2,3\",c"), ["a=1", "b=2,3", "c"]);
        assert_eq!(fields("\"a\"\"b\""), ["a\"b"]);
    }
}
