//! `buildc shell`: into the state before or after a step of a build, also of one that failed.

use std::io::IsTerminal;

use buildc_executor::build::BuildError;
use buildc_executor::container::{self, StartOptions};
use buildc_executor::history::{self, Fate, Side};

use super::{Shell, why};
use crate::failure::{Failure, Outcome};
use crate::output;
use crate::session::Session;

const AFTER_HELP: &str = "\
Examples:
  buildc shell @failed                   what the failed step left
  buildc shell --before 'npm ci'         what the step was given
  buildc shell 12 -- ls -l /app          one command in the state after line 12

It has the step's variables, user, working directory, network, cache mounts and tmpfs. What is changed is thrown away,
except in cache mounts. Where the tree has no shell, this machine's static busybox is lent.";

// Options of `buildc shell`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct ShellArgs {
    /// The state that the step was given instead of the one that it left
    #[arg(long)]
    before: bool,
    /// A build: the end of its id in `buildc history` [default: the newest]
    #[arg(long, value_name = "BUILD")]
    build: Option<String>,
    /// A step: line, beginning of its id, part of its text, @failed or @last
    #[arg(default_value = "@failed")]
    step: String,
    /// What to run instead of a shell
    #[arg(last = true)]
    command: Vec<String>,
}

/// Runs a container over the state; its status is ours.
pub fn run(args: ShellArgs, shell: &Shell) -> Outcome {
    let (mut session, standby) = Session::open_with_standby(shell, false)?;
    session.hold()?;
    let build = why::build(&session, args.build.as_deref())?;
    let step = build.find(&args.step)?;
    let side = if args.before { Side::Before } else { Side::After };
    let entered = history::reenter(&session.store, &build, step, side, &args.command)?;
    let history::Reentry { image, mut spec, missing } = entered.map_err(assembled)?;
    let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    (spec.interactive, spec.tty) = (true, terminal);
    if terminal {
        let side = match (side, &step.fate) {
            (Side::Before, _) => "before",
            (Side::After, Fate::Failed { .. }) => "left by the failed",
            (Side::After, _) => "after",
        };
        output::say(&format!("The state {side} `{}`; what you change is thrown away", step.decided.label));
    }
    for mount in missing {
        output::say(&format!("warning: not here: {mount}"));
    }
    let container = container::create(&session.store, &image, spec)?;
    let start = StartOptions { standby, attach: true, attach_stdin: true };
    let ended = match container::start(&session.store, &container, start) {
        Ok(attached) => attached.wait(),
        Err(error) => {
            // The start's failure is what is worth telling.
            let _ = container::remove(&session.store, &container, true, true);
            Err(error)
        }
    };
    if image.tags.is_empty() {
        // Somebody else may be in the same state; prune takes it later then.
        let _ = session.store.remove_image(&image.id);
    }
    Ok(ended?)
}

fn assembled(error: BuildError) -> Failure {
    let help = error.help();
    Failure::told(error.code(), &error, help)
}
