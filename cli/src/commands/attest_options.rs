//! `--sbom`, `--provenance` and `--attest`: what is attested of the images that leave.

use std::collections::BTreeMap;
use std::time::SystemTime;

use buildc_executor::attest::{self, Detail, Request};

use super::build::SourceArgs;
use super::delivery::Built;
use super::export::truth;
use super::export_form::fields;
use crate::failure::Failure;
use crate::product::Product;
use crate::session::Session;

/// What is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Attestations {
    sbom: bool,
    provenance: Option<Detail>,
}

impl Attestations {
    /// Reads the three options; later words of the same kind count.
    pub fn read(sbom: Option<&str>, provenance: Option<&str>, attest: &[String]) -> Result<Self, Failure> {
        let mut wanted = Self::default();
        for option in attest {
            wanted.take(option).map_err(|why| bad("--attest", option, &why))?;
        }
        if let Some(value) = sbom {
            wanted.sbom = truth("sbom", value).map_err(|why| bad("--sbom", value, &why))?;
        }
        if let Some(value) = provenance {
            wanted.provenance = detail(value).map_err(|why| bad("--provenance", value, &why))?;
        }
        Ok(wanted)
    }

    fn take(&mut self, option: &str) -> Result<(), String> {
        let (mut kind, mut mode, mut disabled) = (String::new(), String::new(), false);
        for field in fields(option) {
            match field.split_once('=').unwrap_or((&field, "")) {
                ("type", value) => kind = value.to_owned(),
                ("mode", value) => mode = format!("mode={value}"),
                ("disabled", value) => disabled = truth("disabled", value)?,
                _ => return Err(format!("`{field}` is not understood")),
            }
        }
        match kind.as_str() {
            "sbom" => self.sbom = !disabled,
            "provenance" if disabled => self.provenance = None,
            "provenance" => self.provenance = detail(&mode)?,
            other => return Err(format!("there is no type `{other}`; write sbom or provenance")),
        }
        Ok(())
    }

    /// Puts the statements on what was built.
    pub fn attach(
        self,
        session: &Session,
        args: &SourceArgs,
        built: &Built<'_>,
        products: &mut [Product],
    ) -> Result<(), Failure> {
        if self == Self::default() {
            return Ok(());
        }
        let reproducible = built.plan.clamp.is_some();
        let request =
            Request { times: (!reproducible).then(|| (built.begun, SystemTime::now())), ..request(args) };
        for product in products {
            for image in &product.images {
                let mut statements = Vec::new();
                if self.sbom {
                    statements.push(attest::sbom(&session.store, image, &product.target)?);
                }
                statements
                    .extend(self.provenance.map(|detail| attest::provenance(built.plan, &request, detail)));
                product.statements.push(statements);
            }
        }
        Ok(())
    }
}

fn request(args: &SourceArgs) -> Request {
    let pairs = args.build_arg.iter().filter_map(|arg| arg.split_once('='));
    let file = args.file.as_deref().map_or("Dockerfile".into(), |file| file.to_string_lossy());
    Request {
        source: file.into_owned(),
        target: args.target.clone(),
        platforms: args.platform.clone(),
        build_args: pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect::<BTreeMap<_, _>>(),
        times: None,
    }
}

fn bad(flag: &str, option: &str, why: &str) -> Failure {
    Failure::usage(format!("{flag} `{option}`: {why}"))
        .help("For example --sbom, --provenance=mode=max or --attest type=sbom")
}

/// `true`, `false`, `mode=min` or `mode=max`.
fn detail(value: &str) -> Result<Option<Detail>, String> {
    match value {
        "mode=min" | "min" => Ok(Some(Detail::Min)),
        "mode=max" | "max" => Ok(Some(Detail::Max)),
        other if other.starts_with("mode=") => Err(format!("mode is min or max, not `{other}`")),
        other => Ok(truth("provenance", other)?.then_some(Detail::Min)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_as_buildx_reads_them() {
        let attest = |option: &str| Attestations::read(None, None, &[option.to_owned()]);
        assert_eq!(attest("type=provenance,mode=max").unwrap().provenance, Some(Detail::Max));
        assert_eq!(attest("type=provenance,disabled=true").unwrap().provenance, None);
        assert!(attest("type=sbom").unwrap().sbom);
        let read = Attestations::read(Some("true"), Some("mode=min"), &[]).unwrap();
        assert_eq!(read, Attestations { sbom: true, provenance: Some(Detail::Min) });
        assert_eq!(Attestations::read(Some("false"), Some("false"), &[]).unwrap(), Attestations::default());
        for bad in ["type=x", "type=sbom,foo=1", "type=provenance,mode=all"] {
            assert!(attest(bad).is_err(), "{bad}");
        }
    }
}
