//! `buildc shell`: into the state before or after a step of a build, also of one that failed.

use std::io::IsTerminal;

use buildc_executor::Event;
use buildc_executor::build::BuildError;
use buildc_executor::container::{self, Standby, StartOptions};
use buildc_executor::history::{self, Fate, Reentry, Side, Told};

use super::{Shell, given, why};
use crate::failure::{Failure, Outcome};
use crate::output;
use crate::session::Session;

const AFTER_HELP: &str = concat!(
    "\
Examples:
  buildc shell @failed                   what the failed step left
  buildc shell --before 'npm ci'         what the step was given
  buildc shell 12 -- ls -l /app          one command in the state after line 12
  buildc shell --secret id=npm,src=$HOME/.npmrc 12

It has the step's variables, user, working directory, network and mounts; after a COPY, ADD, WORKDIR
or FROM the variables, user and working directory of that line. Secrets and ssh agents are given
again. What is changed is thrown away, except in cache mounts. Where the tree has no shell, this machine's
static busybox is lent, also to `-- sh`.

",
    naming_steps!()
);

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
    /// A secret of the step: id=NAME,src=FILE or id=NAME,env=VAR
    #[arg(long, value_name = "ID")]
    secret: Vec<String>,
    /// An ssh agent of the step, or private keys for one
    #[arg(long, value_name = "default|ID[=SOCKET|KEY,…]")]
    ssh: Vec<String>,
    /// A step: line, stage, beginning of its id, part of its text, @failed or @last
    #[arg(default_value = "@failed")]
    step: String,
    /// What to run instead of a shell
    #[arg(last = true)]
    command: Vec<String>,
}

/// Runs a container over the state; its status is ours.
pub fn run(args: ShellArgs, shell: &Shell) -> Outcome {
    let given = given::given(&args.secret, &args.ssh)?;
    let (mut session, standby) = Session::open_with_standby(shell, false)?;
    session.hold()?;
    let build = why::build(&session, args.build.as_deref())?;
    let step = build.find(&args.step)?;
    let side = if args.before { Side::Before } else { Side::After };
    let enter = |state| enter(&session, state, standby, step, side);
    let (events, heard) = crossbeam_channel::unbounded();
    // It ends with the sender.
    std::thread::spawn(move || heard.iter().for_each(|event| tell(&event)));
    let entered =
        history::reenter(&session.store, &build, (step, side), &args.command, given, &events, enter)?;
    entered.map_err(assembled)?
}

fn enter(session: &Session, state: Reentry, standby: Option<Standby>, step: &Told, side: Side) -> Outcome {
    let Reentry { image, mut spec, unrecorded, notes } = state;
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
    for note in notes {
        output::say(&format!("warning: {note}"));
    }
    let container = container::create(&session.store, &image, spec)?;
    let start = StartOptions { standby, attach: true, attach_stdin: true, unrecorded };
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

/// Shows what has to be waited for before the state can be entered.
fn tell(event: &Event) {
    if let Event::Warning { message, .. } = event {
        output::say(message);
    }
}

fn assembled(error: BuildError) -> Failure {
    let help = error.help();
    Failure::told(error.code(), &error, help)
}
