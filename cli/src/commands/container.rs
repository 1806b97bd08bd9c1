//! `start`, `stop`, `restart`, `kill`, `rm`, `wait`: the life of containers.

use buildc_executor::container::{self, Container, ContainerError, StartOptions, StopOptions};

use super::Shell;
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use crate::{output, report};

/// Containers by name or id.
#[derive(clap::Args, Debug)]
pub struct NamesArgs {
    /// Names or ids
    #[arg(required = true, value_name = "CONTAINER")]
    names: Vec<String>,
}

/// Options of `buildc start`.
#[derive(clap::Args, Debug)]
pub struct StartArgs {
    /// Show its output and end with its exit code
    #[arg(short, long)]
    attach: bool,
    /// Give it standard input
    #[arg(short, long)]
    interactive: bool,
    #[command(flatten)]
    containers: NamesArgs,
}

/// Options of `buildc stop` and `buildc restart`.
#[derive(clap::Args, Debug)]
pub struct StopArgs {
    /// Seconds to wait before it is killed; -1 waits for ever
    #[arg(
        short = 't',
        long = "timeout",
        visible_alias = "time",
        value_name = "SECONDS",
        allow_negative_numbers = true
    )]
    timeout: Option<i64>,
    /// Signal to send
    #[arg(short, long, value_name = "SIGNAL")]
    signal: Option<String>,
    #[command(flatten)]
    containers: NamesArgs,
}

/// Options of `buildc kill`.
#[derive(clap::Args, Debug)]
pub struct KillArgs {
    /// Signal to send
    #[arg(short, long, value_name = "SIGNAL", default_value = "KILL")]
    signal: String,
    #[command(flatten)]
    containers: NamesArgs,
}

/// Options of `buildc rm`.
#[derive(clap::Args, Debug)]
pub struct RmArgs {
    /// Kill it first if it runs
    #[arg(short, long)]
    force: bool,
    /// Remove its anonymous volumes too
    #[arg(short, long)]
    volumes: bool,
    #[command(flatten)]
    containers: NamesArgs,
}

/// Starts containers; attached to one, its status is ours.
pub fn start(args: StartArgs, shell: &Shell) -> Outcome {
    let (session, standby) = Session::open_with_standby(shell)?;
    let attach = args.attach || args.interactive;
    if attach {
        let [name] = args.containers.names.as_slice() else {
            return Err(Failure::usage("Only one container can be attached to"));
        };
        let found = container::find(&session.store, name)?;
        let options = StartOptions { standby, attach, attach_stdin: args.interactive };
        return Ok(container::start(&session.store, &found, options)?.wait()?);
    }
    let mut standby = standby;
    each(&args.containers.names, &session, shell, true, |container| {
        let options = StartOptions { standby: standby.take(), attach: false, attach_stdin: false };
        container::start(&session.store, container, options).map(drop)
    })
}

/// Stops containers.
pub fn stop(args: StopArgs, shell: &Shell) -> Outcome {
    let session = Session::open(shell)?;
    let options = StopOptions { signal: args.signal, timeout_seconds: args.timeout };
    each(&args.containers.names, &session, shell, true, |c| container::stop(&session.store, c, &options))
}

/// Stops and starts containers.
pub fn restart(args: StopArgs, shell: &Shell) -> Outcome {
    let session = Session::open(shell)?;
    let options = StopOptions { signal: args.signal, timeout_seconds: args.timeout };
    each(&args.containers.names, &session, shell, true, |c| container::restart(&session.store, c, &options))
}

/// Signals containers.
pub fn kill(args: KillArgs, shell: &Shell) -> Outcome {
    let session = Session::open(shell)?;
    each(&args.containers.names, &session, shell, true, |c| container::kill(&session.store, c, &args.signal))
}

/// Removes containers; with -f one that does not exist is as good as removed.
pub fn rm(args: RmArgs, shell: &Shell) -> Outcome {
    let session = Session::open(shell)?;
    let (mut names, mut damaged) = (args.containers.names, Vec::new());
    if args.force {
        names.retain(|name| match container::find(&session.store, name) {
            Err(ContainerError::NotFound(_)) => false,
            Err(ContainerError::Damaged { .. }) => {
                damaged.push(name.clone());
                false
            }
            _ => true,
        });
    }
    for name in &damaged {
        container::remove_damaged(&session.store, name)?;
        output::data(name)?;
    }
    each(&names, &session, shell, true, |c| container::remove(&session.store, c, args.force, args.volumes))
}

/// Waits for containers and prints their statuses.
pub fn wait(args: NamesArgs, shell: &Shell) -> Outcome {
    let session = Session::open(shell)?;
    let mut printed = Ok(());
    let code = each(&args.names, &session, shell, false, |c| {
        let status = container::wait(&session.store, c)?;
        printed = output::data(&status.to_string());
        Ok(())
    })?;
    printed.map(|()| code)
}

/// Does something with each container and prints its name as it was given; goes on after a failure.
fn each(
    names: &[String],
    session: &Session,
    shell: &Shell,
    print: bool,
    mut act: impl FnMut(&Container) -> Result<(), ContainerError>,
) -> Outcome {
    let mut code = 0;
    for name in names {
        match container::find(&session.store, name).and_then(|c| act(&c)) {
            Ok(()) if print => output::data(name)?,
            Ok(()) => {}
            Err(error) => {
                let failure = Failure::from(error);
                report::failure(&failure, shell.streams);
                code = failure.exit_code();
            }
        }
    }
    Ok(code)
}
