//! `build --watch`: builds again whenever a file or the Dockerfile changes what would be built.
//!
//! What counts as a change is what the plan sees: definition keys and configs. A look costs what a plan costs, one stat
//! for each file of the context, and works on every file system.

use std::time::{Duration, Instant};

use buildc_digest::Key;
use buildc_executor::Cancel;
use buildc_ir::ImageConfig;

use super::Shell;
use super::build::BuildArgs;
use crate::failure::{Failure, Outcome};
use crate::interrupt::INTERRUPTED;
use crate::session::Session;
use crate::{output, pipeline, report};

/// Pause between two looks, at least; as long as a look took where that is longer.
const PAUSE: Duration = Duration::from_millis(300);
/// How often the wish to end is looked at.
const TICK: Duration = Duration::from_millis(50);

/// What decides whether there is something new to build.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Seen {
    keys: Vec<Key>,
    configs: Vec<ImageConfig>,
    problem: Option<String>,
}

/// What the source is now. A source that cannot be planned is seen by its problem.
fn look(session: &mut Session, args: &BuildArgs) -> Seen {
    match pipeline::compile(session, &args.source) {
        Ok(compiled) => Seen {
            keys: compiled.plan.steps.iter().map(|step| step.definition_key).collect(),
            configs: compiled.plan.graph.targets.into_iter().map(|target| target.config).collect(),
            problem: None,
        },
        Err(failure) => Seen { keys: Vec::new(), configs: Vec::new(), problem: Some(problem(&failure)) },
    }
}

fn problem(failure: &Failure) -> String {
    match failure {
        Failure::Input(found, _) => found.iter().map(|diagnostic| format!("{diagnostic:?}\n")).collect(),
        other => other.to_string(),
    }
}

/// Builds whenever there is something new, until the user wants the end; a failure is told and the next change awaited.
pub fn repeat(
    session: &mut Session,
    args: &BuildArgs,
    cancel: &Cancel,
    shell: &Shell,
    mut build: impl FnMut(&mut Session) -> Outcome,
) -> Outcome {
    let mut seen = look(session, args);
    loop {
        match build(session) {
            Ok(INTERRUPTED) => return Ok(INTERRUPTED),
            Err(failure @ Failure::Output(_)) => return Err(failure),
            Err(failure) => report::failure(&failure, shell.streams),
            Ok(_) => {}
        }
        if !args.quiet {
            output::say("Waiting for changes; Ctrl-C ends it");
        }
        match changed(session, args, &seen, cancel) {
            Some(now) => seen = now,
            None => return Ok(INTERRUPTED),
        }
    }
}

/// Waits until the source is something else than `seen`; `None` when the user wants the end.
fn changed(session: &mut Session, args: &BuildArgs, seen: &Seen, cancel: &Cancel) -> Option<Seen> {
    let mut pause = PAUSE;
    loop {
        let until = Instant::now() + pause;
        while Instant::now() < until {
            if cancel.is_cancelled() {
                return None;
            }
            std::thread::sleep(TICK);
        }
        let start = Instant::now();
        let now = look(session, args);
        if now != *seen {
            return Some(now);
        }
        pause = start.elapsed().max(PAUSE);
    }
}
