//! What becomes of images once they are built: attestations, outputs, pushes, caches for other machines.

use std::collections::BTreeMap;
use std::time::SystemTime;

use buildc_executor::Cancel;
use buildc_executor::context::Context;
use buildc_ir::{Plan, Reference};
use buildc_store::export::Form;
use buildc_store::remote::Pushed;

use super::attest_options::Attestations;
use super::build::{self, BuildArgs};
use super::cache_options::{self, CacheTo};
use super::export::Export;
use super::{Shell, registry};
use crate::failure::Failure;
use crate::product::Product;
use crate::session::{self, Session};

/// What a build's options want of its images.
#[derive(Debug)]
pub struct Delivery {
    /// What they are called.
    pub names: Vec<Reference>,
    exports: Vec<Export>,
    caches: Vec<CacheTo>,
    attestations: Attestations,
}

/// A build that has ended well.
#[derive(Debug)]
pub struct Built<'a> {
    /// The plan of these images alone.
    pub plan: &'a Plan,
    /// The contexts that it names.
    pub contexts: &'a BTreeMap<String, Context>,
    /// When it began.
    pub begun: SystemTime,
}

impl Delivery {
    /// Reads the options.
    pub fn read(args: &BuildArgs) -> Result<Self, Failure> {
        build::multi_platform(args)?;
        let mut names = args.tag.iter().map(|t| session::new_name(t)).collect::<Result<Vec<_>, _>>()?;
        let exports = args.output.iter().map(|o| Export::parse(o)).collect::<Result<Vec<_>, _>>()?;
        let more: Vec<_> = exports.iter().flat_map(Export::names).cloned().collect();
        names.extend(more);
        if args.push && names.is_empty() {
            return Err(
                Failure::usage("--push needs a name to push to").help("Add -t registry.example.com/NAME")
            );
        }
        let caches = CacheTo::read(&args.cache_to, &args.source.build_arg)?;
        let attestations =
            Attestations::read(args.sbom.as_deref(), args.provenance.as_deref(), &args.attest)?;
        Ok(Self { names, exports, caches, attestations })
    }

    /// Refuses the images of a build file where the options speak of one.
    ///
    /// # Errors
    /// A usage error that names the images.
    pub fn check(&self, args: &BuildArgs, targets: &[&str]) -> Result<(), Failure> {
        let what = if args.one_image {
            "A container has one image"
        } else if !self.names.is_empty() {
            "--tag names one image"
        } else if !self.exports.is_empty() {
            "--output writes one image"
        } else {
            return Ok(());
        };
        if targets.len() < 2 {
            return Ok(());
        }
        let text = format!("{what}, and this builds {}: {}", targets.len(), targets.join(", "));
        Err(Failure::usage(text).help("Choose one with -A NAME"))
    }

    /// Does everything; what the products became in registries.
    pub fn deliver(
        &self,
        session: &Session,
        args: &BuildArgs,
        built: &Built<'_>,
        products: &mut [Product],
        cancel: &Cancel,
        shell: &Shell,
    ) -> Result<Vec<Option<Pushed>>, Failure> {
        self.attestations.attach(session, &args.source, built, products)?;
        cache_options::inline(session, &self.caches, built, products)?;
        for (export, product) in self.exports.iter().flat_map(|it| products.iter().map(move |p| (it, p))) {
            export.write(session, product, built.plan.clamp)?;
        }
        let pushed = self.push(session, args, products, cancel, shell)?;
        cache_options::send(session, &self.caches, built, args.quiet, cancel)?;
        Ok(pushed)
    }

    /// Sends everything that has a name where `--push` or an output wants it.
    fn push(
        &self,
        session: &Session,
        args: &BuildArgs,
        products: &[Product],
        cancel: &Cancel,
        shell: &Shell,
    ) -> Result<Vec<Option<Pushed>>, Failure> {
        let plain = Form::default();
        let mut forms: Vec<&Form> = self.exports.iter().filter(|e| e.pushes()).map(Export::form).collect();
        if args.push && forms.is_empty() {
            // As buildx has it, --push speaks of the image outputs that are there.
            forms.push(&plain);
        }
        let mut sent = vec![None; products.len()];
        for form in forms {
            for (product, last) in products.iter().zip(&mut sent) {
                let release = product.release(form)?;
                for name in &product.names {
                    *last = Some(registry::push_release(session, &release, name, args.quiet, cancel, shell)?);
                }
            }
        }
        Ok(sent)
    }
}
