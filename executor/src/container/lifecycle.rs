//! The life of a container after its creation: started, stopped, killed, waited for, renamed, removed.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use buildc_launch::{MountSpec, NetNs};
use buildc_store::{ImageRecord, Store};

use super::attach::{Attached, hold_signals};
use super::error::{ContainerError, Result};
use super::monitor::{NetworkOrder, Order, Standby};
use super::record::{Container, State};
use super::spec::NetworkMode;
use super::terminal::{self, Raw};
use super::wire::{self, Answer, Request};
use super::{assemble, clear, list, name, options};

/// Seconds between the stop signal and SIGKILL, as Docker's.
const STOP_SECONDS: i64 = 10;
const SIGKILL: i32 = 9;
/// How long a monitor that was told to end gets to clear up.
const CLEAR_UP: Duration = Duration::from_secs(5);

/// How to start.
#[derive(Debug, Default)]
pub struct StartOptions {
    /// A monitor that was started before this process had threads or an open store ([`Standby::new`]); without one a
    /// monitor is started by executing this program again, which takes longer.
    pub standby: Option<Standby>,
    /// Writes the container's output to this process's standard streams.
    pub attach: bool,
    /// Gives the container this process's standard input, if it was created interactive.
    pub attach_stdin: bool,
    /// What it has this time beyond its record.
    pub unrecorded: Unrecorded,
}

/// Mounts and variables of a container's process that are written down nowhere, such as secrets.
#[derive(Debug, Default)]
pub struct Unrecorded {
    /// Mounted after all others, in order.
    pub mounts: Vec<MountSpec>,
    /// Set over all others.
    pub env: Vec<(String, String)>,
}

/// How to stop.
#[derive(Clone, Debug, Default)]
pub struct StopOptions {
    /// Instead of the container's stop signal.
    pub signal: Option<String>,
    /// Seconds until SIGKILL, instead of the container's; -1 waits for ever.
    pub timeout_seconds: Option<i64>,
}

/// Starts a created or stopped container; returns when its process has been executed.
///
/// # Errors
/// [`ContainerError::Launch`] with Docker's exit code when the process cannot be started; the container stays.
pub fn start(store: &Store, container: &Container, options: StartOptions) -> Result<Attached> {
    if container.state.status.is_active() {
        return Err(ContainerError::Running(container.name.clone()));
    }
    let image = store.image(&container.image.to_string())?.ok_or_else(|| ContainerError::ImageConfig {
        image: container.spec.image.clone(),
        reason: "the image is not in the store any more".to_owned(),
    })?;
    let order = order(store, &image, container, &options)?;
    let standby = options.standby.map_or_else(Standby::execute, Ok)?;
    let io = |what| ContainerError::io(what, Path::new("monitor"));
    let signals = options.attach.then(hold_signals).transpose().map_err(io("hold signals for the"))?;
    let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
    let streams = [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()];
    let terminal = options.attach_stdin && container.spec.tty;
    let line = standby.give(order, if options.attach { &streams } else { &[] })?;
    let warnings = started(&line, container)?;
    let raw = if terminal { Raw::enter().map_err(io("prepare the terminal for the"))? } else { None };
    Ok(Attached::new(line, store, container, warnings, signals, raw))
}

/// The monitor's first word.
fn started(line: &UnixStream, container: &Container) -> Result<Vec<String>> {
    match wire::receive::<Answer>(line) {
        Ok(Some((Answer::Started { warnings }, _))) => Ok(warnings),
        Ok(Some((Answer::Failed(failed), _))) => Err(failed.into()),
        _ => Err(ContainerError::Monitor { id: container.id.clone(), reason: "ended early".to_owned() }),
    }
}

fn order(store: &Store, image: &ImageRecord, container: &Container, options: &StartOptions) -> Result<Order> {
    let mut launch = assemble::launch_spec(store, image, container)?;
    launch.mounts.extend(options.unrecorded.mounts.iter().cloned());
    for (name, value) in &options.unrecorded.env {
        launch.process.env.retain(|(known, _)| known != name.as_str());
        launch.process.env.push((name.into(), value.into()));
    }
    let network = match &container.spec.network {
        NetworkMode::Bridge => NetworkOrder::Own,
        NetworkMode::None => NetworkOrder::Ready,
        NetworkMode::Host => {
            launch.network = NetNs::Host;
            NetworkOrder::Ready
        }
        NetworkMode::Container(name) => {
            let other = list::find(store, name)?;
            if other.state.pid == 0 {
                return Err(ContainerError::NotRunning(name.clone()));
            }
            launch.network = NetNs::Join(format!("/proc/{}/ns/net", other.state.pid).into());
            share_names(&mut launch.mounts, &container.dir, &other.dir);
            NetworkOrder::Ready
        }
    };
    Ok(Order {
        store_root: store.root().to_owned(),
        state: State { started: container.state.started.clone(), ..State::default() },
        container: container.clone(),
        dir: container.dir.clone(),
        launch,
        network,
        attach: options.attach,
        attach_stdin: options.attach_stdin && container.spec.interactive,
        window: (options.attach && container.spec.tty).then(terminal::window).flatten(),
    })
}

/// A container in another's network has its host names and resolver.
fn share_names(mounts: &mut [MountSpec], own: &Path, other: &Path) {
    for mount in mounts {
        if let MountSpec::Bind { source, .. } = mount
            && source.parent() == Some(own)
            && let Some(file) = source.file_name()
        {
            *source = other.join(file);
        }
    }
}

/// Asks the container's process to end, then kills it. A stopped container is left as it is.
///
/// # Errors
/// The signal is unknown, or the monitor does not answer.
pub fn stop(_store: &Store, container: &Container, options: &StopOptions) -> Result<()> {
    let asked = options.signal.as_deref().map(|text| options::signal("--signal", text));
    let signal = asked.transpose()?.unwrap_or(container.stop_signal);
    let seconds = options.timeout_seconds.or(container.spec.stop_timeout_seconds).unwrap_or(STOP_SECONDS);
    if container.monitor().is_none() {
        return Ok(());
    }
    let timeout_seconds = u64::try_from(seconds).ok();
    match ask(container, &Request::Stop { signal, timeout_seconds }) {
        // It ended of itself meanwhile.
        Err(ContainerError::NotRunning(_)) => Ok(()),
        other => other.map(drop),
    }
}

/// Sends a signal, by name (with or without `SIG`) or number.
///
/// # Errors
/// The signal is unknown, or the container is not running.
pub fn kill(_store: &Store, container: &Container, signal: &str) -> Result<()> {
    let signal = options::signal("--signal", signal)?;
    // These two are meant to end it for good, so that a restart policy must not bring it back.
    let last = signal == SIGKILL || signal == container.stop_signal;
    ask(container, &Request::Signal { signal, last }).map(drop)
}

/// Stops and starts.
///
/// # Errors
/// Those of [`stop`] and [`start`].
pub fn restart(store: &Store, container: &Container, options: &StopOptions) -> Result<()> {
    stop(store, container, options)?;
    let stopped = list::find(store, &container.id)?;
    start(store, &stopped, StartOptions::default()).map(drop)
}

/// Removes a container; a running one only with `force`. `volumes`: its anonymous volumes too.
///
/// # Errors
/// [`ContainerError::Running`] without `force`.
pub fn remove(store: &Store, container: &Container, force: bool, volumes: bool) -> Result<()> {
    if let Some(monitor) = container.monitor() {
        if !force {
            return Err(ContainerError::Running(container.name.clone()));
        }
        // A monitor that does not answer is ended with all it watches.
        let _ = ask(container, &Request::Stop { signal: SIGKILL, timeout_seconds: Some(0) });
        let end = std::time::Instant::now() + CLEAR_UP;
        while monitor.alive() && container.dir.exists() && std::time::Instant::now() < end {
            std::thread::sleep(Duration::from_millis(1));
        }
        let _ = monitor.signal(SIGKILL);
    }
    if container.dir.exists() {
        clear::discard(store, container, volumes);
    }
    match container.dir.exists() {
        true => Err(ContainerError::io("remove", &container.dir)(io::ErrorKind::DirectoryNotEmpty.into())),
        false => Ok(()),
    }
}

/// Waits until it does not run and returns its exit status.
///
/// # Errors
/// The container's record is gone or damaged.
pub fn wait(store: &Store, container: &Container) -> Result<u8> {
    match ask(container, &Request::Wait) {
        Ok(Some(code)) => Ok(code),
        // It ended before or meanwhile, or was never started.
        _ => Ok(list::find(store, &container.id)?.state.exit_code),
    }
}

/// Gives it another name.
///
/// # Errors
/// The name is taken or malformed.
pub fn rename(store: &Store, container: &Container, name: &str) -> Result<()> {
    let all = name::all(store)?;
    let mut renamed = container.clone();
    renamed.name = name::claim(&all, Some(name), &container.id)?;
    if let Err(error) = renamed.write() {
        name::release(&all, &renamed.name, &container.id);
        return Err(error);
    }
    name::release(&all, &container.name, &container.id);
    Ok(())
}

/// Connects to the monitor of a running container.
pub(super) fn connect(container: &Container) -> Result<UnixStream> {
    let not_running = || ContainerError::NotRunning(container.name.clone());
    container.monitor().ok_or_else(not_running)?;
    wire::with_short_path(&container.dir, |path| UnixStream::connect(path)).map_err(|_| not_running())
}

/// Asks the monitor one thing; the exit status when that is the answer.
fn ask(container: &Container, request: &Request) -> Result<Option<u8>> {
    let line = connect(container)?;
    let failed = |reason: String| ContainerError::Monitor { id: container.id.clone(), reason };
    wire::send(&line, request, &[]).map_err(|error| failed(format!("does not listen: {error}")))?;
    match wire::receive::<Answer>(&line) {
        Ok(Some((Answer::Exited(code), _))) => Ok(Some(code)),
        Ok(Some((Answer::Failed(error), _))) => Err(error.into()),
        Ok(Some(_)) => Ok(None),
        Ok(None) => Err(ContainerError::NotRunning(container.name.clone())),
        Err(error) => Err(failed(format!("does not answer: {error}"))),
    }
}
