//! The monitor's road: network, files, runs and restarts, the end.

use std::net::IpAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use std::{fs, io};

use buildc_launch::{NetNs, Process, launch, resize_pty};
use buildc_store::{OpenOptions, Store};

use super::output::{Attached, Relay, streams};
use super::restart::{Backoff, again};
use super::shared::Shared;
use super::{NetworkOrder, Order, control, probe};
use crate::container::error::{ContainerError, Result};
use crate::container::log::LogWriter;
use crate::container::record::{Container, Status, now};
use crate::container::wire::{self, Answer, Failed, Request};
use crate::container::{clear, files};
use crate::network::{Publication, Reach, Sandbox};
use crate::process_id::{ProcessId, boot_id};

/// How long commands get to read their answers before the monitor ends.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What lives as long as the container runs, over all restarts.
struct Surroundings {
    _sandbox: Option<Sandbox>,
    _ports: Vec<Publication>,
    log: Arc<Mutex<LogWriter>>,
    attached: Attached,
    line: Arc<UnixStream>,
}

/// How one run ended.
struct Ended {
    status: u8,
    oom_killed: bool,
    ran: Duration,
}

/// Watches over one container until it has ended for good.
pub(super) fn watch(mut order: Order, line: UnixStream, streams: Vec<OwnedFd>) {
    let shared = Arc::new(Shared::new(order.dir.clone(), std::mem::take(&mut order.state)));
    let line = Arc::new(line);
    let result = surround(&mut order, &shared, &line, streams)
        .and_then(|surroundings| run(&order, &shared, &surroundings));
    match result {
        Ok(()) => finish(&order, &shared, &line),
        Err(error) => fail(&shared, &line, &error),
    }
    shared.change(|live| live.finished = true);
    shared.wait_until(Some(Instant::now() + LAST_WORDS), |live| live.asking == 0);
}

/// Prepares everything around the process.
fn surround(
    order: &mut Order,
    shared: &Arc<Shared>,
    line: &Arc<UnixStream>,
    streams: Vec<OwnedFd>,
) -> Result<Surroundings> {
    let (sandbox, ports) = match order.network {
        NetworkOrder::Ready => (None, Vec::new()),
        NetworkOrder::Own => {
            let sandbox = Sandbox::new()?;
            let ports = publish(order, &sandbox)?;
            (Some(sandbox), ports)
        }
    };
    let mut reach = Reach::Host;
    if let Some(sandbox) = &sandbox {
        order.launch.network = NetNs::Join(sandbox.namespace().path().to_owned());
        reach = sandbox.reach();
        shared.change(|live| {
            live.state.ip_address = Some(IpAddr::V4(sandbox.address()));
            live.state.gateway = sandbox.gateway().map(IpAddr::V4);
            live.state.ports = ports.iter().map(|port| port.port.clone()).collect();
        });
    }
    let address = sandbox.as_ref().map(Sandbox::address);
    let gateway = sandbox.as_ref().and_then(Sandbox::gateway);
    files::write(&order.dir, &order.container, reach, address, gateway)?;
    let own = ProcessId::own();
    shared.change(|live| {
        live.state.boot_id = boot_id();
        (live.state.monitor, live.state.monitor_start) = (own.pid, own.start);
    });
    let log = LogWriter::new(order.dir.join("log"), order.container.spec.log_max_bytes);
    let log = Arc::new(Mutex::new(log));
    let attached = attached(order, line, streams).map_err(ContainerError::io("attach to", &order.dir))?;
    Ok(Surroundings { _sandbox: sandbox, _ports: ports, log, attached, line: Arc::clone(line) })
}

fn publish(order: &Order, sandbox: &Sandbox) -> Result<Vec<Publication>> {
    let spec = &order.container.spec;
    let mut wanted = spec.publish.clone();
    if spec.publish_all {
        wanted.extend(files::exposed_ports(&order.container));
    }
    Ok(wanted
        .iter()
        .map(|mapping| Publication::new(mapping, sandbox))
        .collect::<std::result::Result<_, _>>()?)
}

fn attached(order: &Order, line: &UnixStream, streams: Vec<OwnedFd>) -> io::Result<Attached> {
    if !order.attach {
        return Ok(Attached::default());
    }
    let mut streams = streams.into_iter().map(fs::File::from);
    let stdin = streams.next().filter(|_| order.attach_stdin);
    Ok(Attached { stdin, stdout: streams.next(), stderr: streams.next(), line: Some(line.try_clone()?) })
}

/// Runs it, again and again where the policy says so.
fn run(order: &Order, shared: &Arc<Shared>, around: &Surroundings) -> Result<()> {
    let policy = order.container.spec.restart;
    let mut backoff = Backoff::new();
    for restarts in 0.. {
        let ended = match run_once(order, shared, around, restarts) {
            Err(error) if restarts == 0 => return Err(error),
            Err(error) => {
                let status = error.exit_code();
                shared.change(|live| live.state.error = error.to_string());
                Ended { status, oom_killed: false, ran: Duration::ZERO }
            }
            Ok(ended) => ended,
        };
        let go_on = again(policy, ended.status, restarts, shared.lock().stopping);
        shared.change(|live| {
            let state = &mut live.state;
            state.status = if go_on { Status::Restarting } else { Status::Exited };
            (state.pid, state.pid_start) = (0, 0);
            (state.exit_code, state.oom_killed) = (ended.status, ended.oom_killed);
            state.finished = Some(now());
        });
        if !go_on {
            return Ok(());
        }
        shared.write_state();
        let deadline = Instant::now() + backoff.next(ended.ran);
        if shared.wait_until(Some(deadline), |live| live.stopping) {
            shared.change(|live| live.state.status = Status::Exited);
            return Ok(());
        }
    }
    Ok(())
}

fn run_once(order: &Order, shared: &Arc<Shared>, around: &Surroundings, restarts: u32) -> Result<Ended> {
    let io = |what| ContainerError::io(what, &order.dir);
    let (stdio, ends) =
        streams(&order.launch, order.container.spec.interactive).map_err(io("make pipes for"))?;
    let mut process = launch(&order.launch, stdio)?;
    let began = Instant::now();
    let pty = process.take_pty();
    let window = pty.as_ref().map(OwnedFd::try_clone).transpose().map_err(io("use the pty of"))?;
    let relay = Relay::start(ends, pty, &around.attached, &around.log).map_err(io("start threads for"))?;
    shared.change(|live| {
        let state = &mut live.state;
        state.status = Status::Running;
        (state.pid, state.pid_start) = (process.pid(), process.start_time());
        (state.started, state.restarts) = (Some(now()), restarts);
        state.error.clear();
        live.run_began = began;
    });
    if let Some(check) = &order.container.health {
        probe::start(check, &order.launch.process, shared).map_err(io("start threads for"))?;
    }
    if restarts == 0 {
        // Nobody asks before the state says that it runs, so that the process need not wait for this.
        control::listen(shared).map_err(io("listen in"))?;
    }
    shared.write_state();
    if restarts > 0 && shared.lock().stopping {
        // The wish came while there was no process to tell.
        process.kill()?;
    }
    if restarts == 0 {
        greet(order, shared, around, &process, window)?;
    }
    let exit = process.wait()?;
    relay.drain();
    Ok(Ended { status: exit.status(), oom_killed: process.oom_killed(), ran: began.elapsed() })
}

/// Tells the command that started it, and listens to it from now on.
fn greet(
    order: &Order,
    shared: &Arc<Shared>,
    around: &Surroundings,
    process: &Process,
    window: Option<OwnedFd>,
) -> Result<()> {
    if let (Some(pty), Some((rows, columns))) = (&window, order.window) {
        // A terminal of the wrong size is better than none.
        let _ = resize_pty(pty, rows, columns);
    }
    // A command that has gone needs no answer.
    let _ = wire::send(&around.line, &Answer::Started { warnings: process.warnings.clone() }, &[]);
    if !order.attach {
        return Ok(());
    }
    let (line, shared) = (Arc::clone(&around.line), Arc::clone(shared));
    let listen = move || {
        while let Ok(Some((request, _))) = wire::receive::<Request>(&line) {
            match request {
                Request::Signal { signal, .. } => {
                    if let Some(process) = shared.lock().process() {
                        let _ = process.signal(signal);
                    }
                }
                Request::Resize { rows, columns } => {
                    if let Some(pty) = &window {
                        let _ = resize_pty(pty, rows, columns);
                    }
                }
                _ => break,
            }
        }
    };
    let spawned = thread::Builder::new().name("line".to_owned()).stack_size(256 << 10).spawn(listen);
    spawned.map(drop).map_err(ContainerError::io("start threads for", &order.dir))
}

/// It never ran: the command is told why and the record says so.
fn fail(shared: &Shared, line: &UnixStream, error: &ContainerError) {
    shared.change(|live| {
        live.state.rest();
        live.state.error = error.to_string();
        live.state.exit_code = error.exit_code();
        if live.state.status.is_active() {
            live.state.status = Status::Exited;
        }
    });
    shared.write_state();
    let _ = wire::send(line, &Answer::Failed(Failed::from(error)), &[]);
}

/// The end is written down, or with `--rm` everything is removed: by the attached command, which has the store open, or
/// by the monitor when there is none any more.
fn finish(order: &Order, shared: &Shared, line: &UnixStream) {
    let remove = order.container.spec.remove;
    let code = shared.change(|live| {
        live.state.rest();
        live.state.exit_code
    });
    if !remove {
        shared.write_state();
        let _ = fs::remove_file(order.dir.join(wire::SOCKET));
    }
    let told = order.attach && wire::send(line, &Answer::Exited(code), &[]).is_ok();
    if told && remove {
        hang_up(line);
    }
    if remove && order.dir.exists() {
        let removed = remove_container(order);
        if let Err(error) = removed {
            tracing::warn!(%error, "a container was not removed");
        }
    }
}

/// Waits until the attached command has closed its end.
fn hang_up(line: &UnixStream) {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    let mut watched = [PollFd::new(line.as_fd(), PollFlags::empty())];
    while let Err(nix::errno::Errno::EINTR) = poll(&mut watched, PollTimeout::NONE) {}
}

fn remove_container(order: &Order) -> Result<()> {
    let store = Store::open(&order.store_root, OpenOptions { must_exist: true })?;
    let container = Container { dir: order.dir.clone(), ..order.container.clone() };
    clear::discard(&store, &container, true);
    Ok(())
}
