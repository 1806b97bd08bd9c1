//! `import --change`: instructions applied to an empty config, by the Dockerfile frontend itself.

use buildc_compiler::dockerfile::{self, LowerOptions};
use buildc_ir::git::GitRemote;
use buildc_ir::world::{ResolvedImage, Resolver, WorldError};
use buildc_ir::{ImageConfig, Platform, Reference, Severity, SourceMap};

use crate::failure::Failure;

/// Instructions that change nothing but the config.
const ALLOWED: [&str; 12] = [
    "CMD",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "HEALTHCHECK",
    "LABEL",
    "ONBUILD",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// The config that some instructions make of an empty one (`import --change`).
pub fn config(changes: &[String], platform: Platform) -> Result<ImageConfig, Failure> {
    let mut text = "FROM scratch\n".to_owned();
    for change in changes {
        let word = change.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
        if !ALLOWED.contains(&word.as_str()) || change.contains('\n') {
            return Err(Failure::usage(format!(
                "--change `{change}` is not an instruction that can be applied"
            ))
            .help(format!("Instructions here: {}", ALLOWED.join(", "))));
        }
        text.push_str(change);
        text.push('\n');
    }
    let mut sources = SourceMap::new();
    let file = sources.add("--change", text.clone());
    let (ast, found) = dockerfile::parse(file, &text);
    if found.iter().any(|d| d.severity == Severity::Error) {
        return Err(Failure::Input(found, Box::new(sources)));
    }
    let options = LowerOptions { platform_requested: true, ..LowerOptions::for_platform(platform.clone()) };
    match dockerfile::lower(&ast, &mut sources, &options, &NoImages) {
        Ok(lowered) => {
            let target = lowered.graph.targets.into_iter().next();
            Ok(target.map_or_else(|| ImageConfig::scratch(platform), |t| t.config))
        }
        Err(found) => Err(Failure::Input(found, Box::new(sources))),
    }
}

/// A world without images.
struct NoImages;

impl Resolver for NoImages {
    fn resolve(&self, reference: &Reference, _: &Platform) -> Result<ResolvedImage, WorldError> {
        let message = format!("Image `{reference}` cannot be used here");
        Err(WorldError { code: "image::not_found", message, help: None })
    }

    fn commit(&self, remote: &GitRemote) -> Result<String, WorldError> {
        let message = format!("Repository `{}` cannot be used here", remote.url);
        Err(WorldError { code: "context::incoming", message, help: None })
    }
}
