//! Running a plan in front of somebody: progress, interruption, the summary.

use std::path::PathBuf;

use buildc_executor::build::{self, BuildError, BuildOptions};
use buildc_ir::Privilege;
use buildc_store::{ImageRecord, Store};

use super::Shell;
use super::build::{Progress, SourceArgs};
use crate::failure::Failure;
use crate::pipeline::Compiled;
use crate::product::Product;
use crate::render::{self, Display};
use crate::session::Session;
use crate::{interrupt, output, reasons};

/// Runs a plan; without an outcome where it was interrupted. `options` say what the plan does not.
pub fn execute(
    session: &mut Session,
    compiled: Compiled,
    args: &SourceArgs,
    options: BuildOptions,
    progress: Progress,
    shell: &Shell,
) -> Result<(Compiled, Option<build::Outcome>), Failure> {
    if compiled.plan.privilege != Privilege::None {
        session.need_namespaces()?;
    }
    let options = BuildOptions {
        source_key: compiled.source_key.clone(),
        record: buildc_compiler::plan::record(&compiled.plan),
        no_cache: args.no_cache,
        fresh_stages: args.no_cache_filter.clone(),
        keep_caches: args.keep_caches,
        tracing: compiled.plan.tracing.clone(),
        imported: compiled.imported.clone(),
        ..options
    };
    interrupt::cancels(&options.cancel)?;
    let (display, events) = Display::start(progress, shell.streams, reasons::reasons(&compiled.plan));
    let result = build::build(&session.store, &compiled.plan, &compiled.contexts, &options, &events);
    drop(events);
    display.finish();
    for note in compiled.imported.iter().flat_map(|imported| imported.notes()) {
        output::say(&format!("A result from the cache is not used: {note}"));
    }
    match result {
        Ok(outcome) => Ok((compiled, Some(outcome))),
        Err(BuildError::Cancelled) => {
            output::say("Build was cancelled; nothing is left running or mounted");
            Ok((compiled, None))
        }
        Err(error) => {
            let (error, sources) = (Box::new(error), Box::new(compiled.plan.sources));
            Err(Failure::Build { error, sources, log: log_file(&session.store) })
        }
    }
}

/// Gives the images their names in the store, and says what was built.
pub fn tag(
    session: &Session,
    outcome: &build::Outcome,
    products: &[Product],
    progress: Progress,
) -> Result<(), Failure> {
    for product in products {
        for name in &product.names {
            session.store.tag(&name.to_string(), &product.primary().id)?;
        }
    }
    if !matches!(progress, Progress::Quiet | Progress::Json) {
        let shown = products.iter().flat_map(|product| {
            let names = |image: &ImageRecord| {
                if image.id == product.primary().id { product.names.as_slice() } else { &[] }
            };
            product.images.iter().map(move |image| (image, names(image)))
        });
        output::say(&render::summary(outcome, &shown.collect::<Vec<_>>()));
    }
    Ok(())
}

/// The log of this process's newest build; its name ends with the process id.
fn log_file(store: &Store) -> Option<PathBuf> {
    let own = format!("-{}.jsonl", std::process::id());
    let files = std::fs::read_dir(store.subdir("logs").ok()?).ok()?;
    files.filter_map(|f| Some(f.ok()?.path())).filter(|p| p.to_string_lossy().ends_with(&own)).max()
}
