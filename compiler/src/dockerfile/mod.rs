//! The Dockerfile frontend: text → ast → stages → expansion → graph (spec/dockerfile.md).
//!
//! Owns: everything that is particular to the Dockerfile language.
//! Never does: looking at a build context or a registry; bases come in through [`Resolver`].

use std::collections::BTreeMap;

use buildc_ir::step::Network;
use buildc_ir::world::Resolver;
use buildc_ir::{Diagnostic, FileId, Graph, Platform, SourceMap};

pub mod ast;

/// Reads a whole Dockerfile. Never fails and never stops at the first error: what could not be understood is
/// described by the diagnostics and left out of the tree.
pub fn parse(file: FileId, text: &str) -> (ast::Dockerfile, Vec<Diagnostic>) {
    let _ = (file, text);
    todo!()
}

/// What the command line says about a build.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LowerOptions {
    /// `--build-arg`; `None` for a name without value that the client's environment does not have either.
    pub build_args: BTreeMap<String, Option<String>>,
    /// `--target`; `None` for the last stage.
    pub target: Option<String>,
    /// Platform that the result is for.
    pub platform: Platform,
    /// `--label`, put on the final image in order.
    pub labels: Vec<(String, String)>,
    /// `--network` of RUN steps that do not say their own.
    pub network: Network,
    /// `--add-host`.
    pub extra_hosts: Vec<(String, String)>,
    /// Names given by `--build-context`; the main context is not among them.
    pub contexts: Vec<String>,
}

/// What lowering makes.
#[derive(Clone, Debug)]
pub struct Lowered {
    /// All steps that the target needs; has exactly one target.
    pub graph: Graph,
    /// What is worth knowing but does not stop the build.
    pub warnings: Vec<Diagnostic>,
}

/// Turns the reachable stages of a Dockerfile into a graph with one target.
///
/// `sources` receives the texts of ONBUILD triggers, so that their spans can be shown.
///
/// # Errors
/// All errors that were found, each with its place.
pub fn lower(
    ast: &ast::Dockerfile,
    sources: &mut SourceMap,
    options: &LowerOptions,
    resolver: &dyn Resolver,
) -> Result<Lowered, Vec<Diagnostic>> {
    let _ = (ast, sources, options, resolver);
    todo!()
}
