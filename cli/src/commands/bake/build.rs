//! The targets of a bake file as one graph, and what becomes of each.

use std::collections::BTreeMap;
use std::time::SystemTime;

use buildc_compiler::bake::Baked;
use buildc_executor::Cancel;
use buildc_executor::build::{BuildOptions, Outcome, SandboxOptions};
use buildc_store::ImageRecord;

use super::BakeArgs;
use super::ask;
use super::words::{self, Target};
use crate::commands::Shell;
use crate::commands::build::{self, Progress, SourceArgs};
use crate::commands::call::Call;
use crate::commands::delivery::{Built, Delivery};
use crate::commands::execution;
use crate::failure::{self, Failure};
use crate::group::{self, Member};
use crate::interrupt::INTERRUPTED;
use crate::pipeline::Compiled;
use crate::product::Product;
use crate::report;
use crate::session::Session;

/// Builds targets, which stand in an order in which each comes after those that it takes files from.
pub fn run(args: &BakeArgs, targets: Vec<Target>, baked: &Baked, shell: &Shell) -> failure::Outcome {
    let mut built = Vec::new();
    let mut asked = Vec::new();
    for target in targets {
        match Call::of(&target.args)? {
            Some(call) => asked.push((target, call)),
            None => built.push(target),
        }
    }
    let code = ask::answer(asked, baked, shell)?;
    let begun = SystemTime::now();
    let deliveries =
        built.iter().map(|target| Delivery::read(&target.args)).collect::<Result<Vec<_>, _>>()?;
    if built.is_empty() {
        return Ok(code);
    }
    let mut settings = SourceArgs { jobs: args.jobs, ..words::silent()?.source };
    let options = options(&built, &settings)?;
    let cancel = options.cancel.clone();
    let mut session = Session::open(shell)?;
    let compiled = compile(&mut session, &built, &mut settings)?;
    if args.progress != Progress::Quiet {
        report::warn(&compiled.warnings, &compiled.plan.sources, shell.streams);
    }
    let (compiled, Some(outcome)) =
        execution::execute(&mut session, compiled, &settings, options, args.progress, shell)?
    else {
        return Ok(INTERRUPTED);
    };
    let mut products = products(&built, &deliveries, &outcome, &compiled)?;
    execution::tag(&session, &outcome, &products, args.progress)?;
    let mut metadata = serde_json::Map::new();
    let mut first = 0;
    for (((target, delivery), product), count) in
        built.iter().zip(&deliveries).zip(&mut products).zip(&compiled.groups)
    {
        let plan = compiled.plan.narrowed(first..first + count);
        let plan = plan.map_err(|error| Failure::told("internal::graph", &error, None))?;
        first += count;
        let one = Built { plan: &plan, contexts: &compiled.contexts, begun };
        let product = std::slice::from_mut(product);
        let pushed = delivery.deliver(&session, &target.args, &one, product, &cancel, shell)?;
        for (product, pushed) in product.iter().zip(pushed) {
            metadata.insert(target.name.clone(), build::metadata(&session, product, pushed.as_ref())?);
        }
    }
    if let Some(path) = &args.metadata_file {
        let text = format!("{:#}\n", serde_json::Value::Object(metadata));
        std::fs::write(path, text).map_err(|e| Failure::file("write", path, &e))?;
    }
    Ok(code)
}

fn compile(
    session: &mut Session,
    targets: &[Target],
    settings: &mut SourceArgs,
) -> Result<Compiled, Failure> {
    let members: Vec<Member<'_>> = targets
        .iter()
        .map(|target| Member { name: &target.name, args: &target.args.source, links: target.links.clone() })
        .collect();
    let names: Vec<&str> = targets.iter().map(|target| target.name.as_str()).collect();
    let place = std::env::current_dir().unwrap_or_default();
    let source_key = format!("{}#bake#{}", place.display(), names.join(","));
    group::compile(session, &members, settings, source_key)
}

/// What the targets give their steps, together.
fn options(targets: &[Target], settings: &SourceArgs) -> Result<BuildOptions, Failure> {
    let cancel = Cancel::new();
    let mut all = BuildOptions { jobs: settings.jobs(), cancel, ..BuildOptions::default() };
    for Target { name, args, .. } in targets {
        let own = build::build_options(args)?;
        join(&mut all.secrets, own.secrets).map_err(|id| ambiguous(name, "secret", &id))?;
        join(&mut all.ssh, own.ssh).map_err(|id| ambiguous(name, "ssh agent", &id))?;
        if own.sandbox != SandboxOptions::default() {
            let same = all.sandbox == SandboxOptions::default() || all.sandbox == own.sandbox;
            let wrong = || ambiguous(name, "sandbox", "shm-size, ulimits");
            all.sandbox = if same { own.sandbox } else { return Err(wrong()) };
        }
    }
    Ok(all)
}

/// Adds what is new; the id of what is there and is something else.
fn join<T: PartialEq>(all: &mut BTreeMap<String, T>, own: BTreeMap<String, T>) -> Result<(), String> {
    for (id, source) in own {
        if all.get(&id).is_some_and(|known| *known != source) {
            return Err(id);
        }
        all.insert(id, source);
    }
    Ok(())
}

fn ambiguous(target: &str, what: &str, id: &str) -> Failure {
    let message = format!("Target `{target}`: the {what} `{id}` is something else in another target");
    Failure::new("bake::invalid", message)
        .help("Targets that are built together share what has one id; choose another")
}

fn products(
    targets: &[Target],
    deliveries: &[Delivery],
    outcome: &Outcome,
    compiled: &Compiled,
) -> Result<Vec<Product>, Failure> {
    let mut images = outcome.images.iter().zip(&compiled.plan.graph.targets);
    let mut products = Vec::new();
    for ((target, delivery), count) in targets.iter().zip(deliveries).zip(&compiled.groups) {
        let own = images.by_ref().take(*count);
        let own: Vec<(ImageRecord, _)> = own
            .map(|((_, record), wanted)| (record.clone(), build::platform(&wanted.config.platform)))
            .collect();
        products.push(build::product(&target.args, target.name.clone(), own, delivery.names.clone())?);
    }
    Ok(products)
}
