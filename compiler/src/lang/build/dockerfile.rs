//! A Dockerfile as a value: read, lowered, and its steps put into the graph of the build file.

use buildc_ir::{Diagnostic, Severity};

use super::builder::{Builder, Tree};
use super::request::{DockerfileRequest, Place};
use crate::dockerfile::{self, LowerOptions};

/// A Dockerfile bigger than this is none.
const LIMIT_BYTES: usize = 16 << 20;

/// Lowers what a request names, into the builder's graph.
///
/// # Errors
/// The text of what is wrong; problems inside the Dockerfile with their lines.
pub(super) fn lower(builder: &Builder<'_>, request: &DockerfileRequest) -> Result<Tree, String> {
    let context = builder.path_of(&request.context, "context")?;
    let path = match &request.file {
        None => format!("{context}/Dockerfile"),
        Some(Place::Path { path }) => path.clone(),
        Some(Place::Text(text)) if text.starts_with('/') => text.clone(),
        Some(Place::Text(text)) => format!("{context}/{text}"),
        Some(Place::Step(_)) => return Err("attribute 'file' must be a path".to_owned()),
    };
    let bytes = builder.world.read_file(path.as_bytes()).map_err(|error| error.to_string())?;
    let text = String::from_utf8(bytes).ok().filter(|text| text.len() <= LIMIT_BYTES);
    let text = text.ok_or_else(|| format!("'{path}' is no Dockerfile: it is not text, or too long"))?;
    let options = options(builder, request, context)?;
    let mut state = builder.state.borrow_mut();
    let state = &mut *state;
    let file = state.sources.add(path, text.as_str());
    let (ast, mut found) = dockerfile::parse(file, &text);
    let failed = |found: &[Diagnostic]| found.iter().any(|d| d.severity == Severity::Error);
    if failed(&found) {
        return Err(problems(&found, &state.sources));
    }
    let lowered = dockerfile::lower(&ast, &mut state.sources, &options, builder.resolver)
        .map_err(|found| problems(&found, &state.sources))?;
    found.extend(lowered.warnings);
    state.warnings.extend(found);
    let mut graph = lowered.graph;
    let target = graph.targets.pop().ok_or_else(|| "the Dockerfile has no target".to_owned())?;
    for (_, node) in graph.iter() {
        state.graph.add(node.clone()).map_err(|error| error.to_string())?;
    }
    let platform = target.config.platform.clone();
    Ok(Tree {
        root: target.root,
        config: target.config,
        base_history: target.base_history,
        history: target.history,
        platform,
    })
}

/// The build's options, with what the request says.
fn options(
    builder: &Builder<'_>,
    request: &DockerfileRequest,
    context: &str,
) -> Result<LowerOptions, String> {
    let mut options = LowerOptions {
        build_args: request.args.iter().map(|p| (p.name.clone(), Some(p.value.clone()))).collect(),
        target: request.target.clone(),
        main_context: builder.context(context),
        labels: Vec::new(),
        contexts: std::collections::BTreeMap::new(),
        ..builder.options.clone()
    };
    if let Some(text) = &request.platform {
        options.platform = text.parse().map_err(|error| format!("buildc.dockerfile: {error}"))?;
        options.platform_requested = true;
    }
    if let Some(name) = request.contexts.keys().next() {
        return Err(format!("buildc.dockerfile: further contexts (`{name}`) cannot be given yet"));
    }
    Ok(options)
}

/// The problems, each with its line.
fn problems(found: &[Diagnostic], sources: &buildc_ir::SourceMap) -> String {
    let errors = found.iter().filter(|d| d.severity == Severity::Error);
    let lines = errors.map(|problem| {
        let place = problem.labels.first().and_then(|label| {
            let (line, column) = sources.line_col(label.span.file, label.span.start);
            Some(format!("{}:{line}:{column}: ", sources.get(label.span.file)?.name))
        });
        let help = problem.help.as_ref().map(|help| format!("\n  {help}")).unwrap_or_default();
        format!("{}{}{help}", place.unwrap_or_default(), problem.message)
    });
    lines.collect::<Vec<_>>().join("\n")
}
