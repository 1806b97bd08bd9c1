//! `start`, `stop`, `restart`, `kill`, `rm`, `wait`: the life of containers.

use buildc_executor::container::{self, Container, ContainerError, StartOptions, StopOptions};

use super::Shell;
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use crate::{output, report};

// Containers by name or id.
#[derive(clap::Args, Debug)]
pub struct NamesArgs {
    /// Names or ids
    #[arg(required = true, value_name = "CONTAINER")]
    names: Vec<String>,
}

// Options of `buildc start`.
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

// Options of `buildc stop` and `buildc restart`.
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

// Options of `buildc kill`.
#[derive(clap::Args, Debug)]
pub struct KillArgs {
    /// Signal to send
    #[arg(short, long, value_name = "SIGNAL", default_value = "KILL")]
    signal: String,
    #[command(flatten)]
    containers: NamesArgs,
}

// Options of `buildc rm`.
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

// Options of `buildc rename`.
#[derive(clap::Args, Debug)]
pub struct RenameArgs {
    /// Name or id
    container: String,
    /// The new name
    name: String,
}

// Options of `buildc port`.
#[derive(clap::Args, Debug)]
pub struct PortArgs {
    /// Name or id
    container: String,
    /// Only this port of the container
    #[arg(value_name = "PORT[/udp]")]
    port: Option<String>,
}

// Options of `buildc top`.
#[derive(clap::Args, Debug)]
pub struct TopArgs {
    /// Name or id
    container: String,
    /// Options of ps
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "PS-OPTION")]
    options: Vec<String>,
}

/// Starts containers; attached to one, its status is ours. One that runs already is started.
pub fn start(args: StartArgs, shell: &Shell) -> Outcome {
    let (session, standby) = Session::open_with_standby(shell, false)?;
    let attach = args.attach || args.interactive;
    if attach {
        let [name] = args.containers.names.as_slice() else {
            return Err(Failure::usage("Only one container can be attached to"));
        };
        let found = container::find(&session.store, name)?;
        let options =
            StartOptions { standby, attach, attach_stdin: args.interactive, ..StartOptions::default() };
        return Ok(container::start(&session.store, &found, options)?.wait()?);
    }
    let mut standby = standby;
    each(&args.containers.names, &session, shell, true, |container| {
        let options = StartOptions { standby: standby.take(), ..StartOptions::default() };
        match container::start(&session.store, container, options) {
            Ok(_) | Err(ContainerError::Running(_)) => Ok(()),
            Err(error) => Err(error),
        }
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

/// Gives a container another name.
pub fn rename(args: &RenameArgs, shell: &Shell) -> Outcome {
    let session = Session::open(shell)?;
    let found = container::find(&session.store, &args.container)?;
    container::rename(&session.store, &found, &args.name)?;
    Ok(0)
}

/// Prints where a container's ports are published.
pub fn port(args: &PortArgs, shell: &Shell) -> Outcome {
    let session = Session::open(shell)?;
    let found = container::find(&session.store, &args.container)?;
    let wanted = args.port.as_ref().map(|p| if p.contains('/') { p.clone() } else { format!("{p}/tcp") });
    let mut printed = false;
    for port in &found.state.ports {
        let name = format!("{}/{}", port.container_port, port.protocol.as_str());
        for address in super::ps::addresses(port) {
            match &wanted {
                None => output::data(&format!("{name} -> {address}"))?,
                Some(wanted) if *wanted == name => output::data(&address)?,
                Some(_) => continue,
            }
            printed = true;
        }
    }
    match wanted.filter(|_| !printed) {
        None => Ok(0),
        Some(wanted) => Err(Failure::new(
            "object::not_found",
            format!("Port {wanted} of `{}` is not published", found.name),
        )
        .help("`buildc port CONTAINER` lists those that are")),
    }
}

/// Shows a container's processes, by the host's ps.
pub fn top(args: &TopArgs, shell: &Shell) -> Outcome {
    let session = Session::open(shell)?;
    let found = container::find(&session.store, &args.container)?;
    let pids = container::processes(&found)?;
    let options = if args.options.is_empty() { vec!["-ef".to_owned()] } else { args.options.clone() };
    let output = std::process::Command::new("ps").args(&options).output().map_err(|error| {
        let message = format!("Cannot run `ps`: {}", crate::failure::os_text(&error));
        Failure::new("environment::io", message).help("Install the package `procps`")
    })?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut lines = text.lines();
    let heads = lines.next().unwrap_or_default();
    let Some(at) =
        heads.split_whitespace().position(|head| head == "PID").filter(|_| output.status.success())
    else {
        let said = String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or_default().to_owned();
        return Err(Failure::usage(format!("ps {} shows no PID column {said}", options.join(" ")))
            .help("Add `-o pid,…`, or leave the options out"));
    };
    let ours = |line: &&str| {
        let pid = line.split_whitespace().nth(at).and_then(|pid| pid.parse().ok());
        pid.is_some_and(|pid: u32| pids.contains(&pid))
    };
    output::data(&std::iter::once(heads).chain(lines.filter(ours)).collect::<Vec<_>>().join("\n"))?;
    Ok(0)
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
