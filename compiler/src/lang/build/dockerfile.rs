//! A Dockerfile as a value: read, lowered, and its steps put into the graph of the build file.

use std::sync::Arc;

use buildc_ir::{Diagnostic, Graph, Severity, Target};

use super::builder::{Builder, Tree};
use super::request::{DockerfileRequest, Place};
use crate::dockerfile::{self, LowerOptions};
use crate::lang::world::FileType;

/// A Dockerfile bigger than this is none.
const LIMIT_BYTES: usize = 16 << 20;

/// Lowers what a request names, into the builder's graph.
///
/// # Errors
/// The text of what is wrong; problems inside the Dockerfile with their lines.
pub(super) fn lower(builder: &Builder<'_>, request: &DockerfileRequest) -> Result<Tree, String> {
    let context = builder.path_of(&request.context, "context")?;
    is_directory(builder, context, "context")?;
    let options = options(builder, request, context)?;
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
    for (name, place) in &request.contexts {
        match place {
            Place::Step(handle) => {
                let graph = alone(builder, name, builder.tree(*handle)?)?;
                options.builds.insert(name.clone(), vec![Arc::new(graph)]);
            }
            Place::Path { .. } | Place::Text(_) => {
                let attribute = format!("contexts.{name}");
                let dir = builder.path_of(place, &attribute)?;
                is_directory(builder, dir, &attribute)?;
                options.contexts.insert(name.clone(), builder.context(dir));
            }
        }
    }
    Ok(options)
}

/// Refuses what is no directory of this machine.
fn is_directory(builder: &Builder<'_>, path: &str, attribute: &str) -> Result<(), String> {
    match builder.world.file_type(path.as_bytes()).map_err(|error| error.to_string())? {
        Some(FileType::Directory | FileType::Symlink) => Ok(()),
        Some(_) => Err(format!("attribute '{attribute}': '{path}' is no directory")),
        None => Err(format!("attribute '{attribute}': path '{path}' does not exist")),
    }
}

/// What a tree needs, as a graph of its own.
fn alone(builder: &Builder<'_>, name: &str, tree: Tree) -> Result<Graph, String> {
    let mut graph = builder.state.borrow().graph.clone();
    graph.targets = vec![Target {
        name: name.to_owned(),
        tags: Vec::new(),
        root: tree.root,
        config: tree.config,
        base_history: tree.base_history,
        history: tree.history,
    }];
    graph.narrowed(0..1).map_err(|error| error.to_string())
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
