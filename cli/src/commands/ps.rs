//! `buildc ps`: the list of containers.

use std::net::IpAddr;

use buildc_executor::container::{
    self, Container, Filters, HealthStatus, NetworkMode, PublishedPort, State, Status,
};
use serde_json::{Value, json};

use super::Shell;
use crate::failure::Outcome;
use crate::listing::{self, Layout};
use crate::session::Session;
use crate::{table, units};

const AFTER_HELP: &str = "\
Examples:
  buildc ps -a                                    stopped ones too
  buildc ps -q --filter label=app=web             ids for scripts
  buildc ps --format '{{.Names}} {{.Status}}'     your own columns
  buildc ps --format json                         one JSON object per line";

// Options of `buildc ps`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct PsArgs {
    /// Show stopped containers too
    #[arg(short, long)]
    all: bool,
    /// Print only ids
    #[arg(short, long)]
    quiet: bool,
    /// Show the newest container
    #[arg(short, long)]
    latest: bool,
    /// Show the newest N containers
    #[arg(short = 'n', long, value_name = "N")]
    last: Option<usize>,
    /// Do not shorten anything
    #[arg(long)]
    no_trunc: bool,
    /// Show only some: id, name, label, status, health, exited, ancestor, volume, publish, network, before, since
    #[arg(short, long, value_name = "NAME=VALUE")]
    filter: Vec<String>,
    /// table, json, or a template such as '{{.ID}}'
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
}

const COLUMNS: [(&str, &str); 7] = [
    ("CONTAINER ID", "ID"),
    ("IMAGE", "Image"),
    ("COMMAND", "Command"),
    ("CREATED", "RunningFor"),
    ("STATUS", "Status"),
    ("PORTS", "Ports"),
    ("NAMES", "Names"),
];

/// Prints the list, newest first.
pub fn run(args: PsArgs, shell: &Shell) -> Outcome {
    let session = Session::open(shell)?;
    let filters = Filters::parse(&args.filter)?.resolve(&session.store)?;
    let by_state = args.filter.iter().any(|f| f.starts_with("status=") || f.starts_with("exited="));
    let last = if args.latest { Some(1) } else { args.last };
    let all = args.all || by_state || last.is_some();
    let mut containers = container::list(&session.store)?;
    containers.retain(|c| (all || c.state.status == Status::Running) && filters.matches(c));
    containers.truncate(last.unwrap_or(usize::MAX));
    let rows: Vec<Value> = containers.iter().map(|c| row(c, args.no_trunc)).collect();
    listing::print(&rows, Layout { columns: &COLUMNS, id: "ID" }, args.format.as_deref(), args.quiet)?;
    Ok(0)
}

fn row(container: &Container, full: bool) -> Value {
    let command = command(&container.args);
    let command = if full { command } else { table::cut(&command.replace('\n', " "), 20) };
    let created = units::rfc3339_seconds(&container.created);
    let labels: Vec<String> = container.labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let mounts: Vec<&str> = container.spec.mounts.iter().map(|m| m.target.as_str()).collect();
    let network = match &container.spec.network {
        NetworkMode::Bridge => "bridge".to_owned(),
        NetworkMode::Host => "host".to_owned(),
        NetworkMode::None => "none".to_owned(),
        NetworkMode::Container(name) => format!("container:{name}"),
    };
    json!({
        "ID": if full { &container.id } else { container.short_id() },
        "Image": container.spec.image,
        "Command": format!("\"{command}\""),
        "CreatedAt": container.created,
        "RunningFor": units::ago(created),
        "Ports": ports(&container.state.ports),
        "State": container.state.status.as_str(),
        "Status": status(&container.state),
        "Names": container.name,
        "Labels": labels.join(","),
        "Label": container.labels,
        "Mounts": mounts.join(","),
        "Networks": network,
    })
}

/// The command line; arguments with blanks are quoted, as Docker does it.
fn command(args: &[String]) -> String {
    let quoted = |(at, arg): (usize, &String)| {
        if at > 0 && arg.contains(' ') { format!("'{arg}'") } else { arg.clone() }
    };
    args.iter().enumerate().map(quoted).collect::<Vec<_>>().join(" ")
}

/// `Up 3 seconds`, `Exited (0) 5 minutes ago`.
fn status(state: &State) -> String {
    let since = |time: &Option<String>| time.as_deref().map_or(0, units::rfc3339_seconds);
    match state.status {
        Status::Created => "Created".to_owned(),
        Status::Running => {
            let started = u64::try_from(since(&state.started)).unwrap_or(0);
            let up = units::span(units::now().saturating_sub(started));
            match state.health.as_ref().map(|health| health.status) {
                None => format!("Up {up}"),
                Some(HealthStatus::Starting) => format!("Up {up} (health: starting)"),
                Some(status) => format!("Up {up} ({})", status.as_str()),
            }
        }
        Status::Restarting => {
            format!("Restarting ({}) {}", state.exit_code, units::ago(since(&state.finished)))
        }
        Status::Exited => format!("Exited ({}) {}", state.exit_code, units::ago(since(&state.finished))),
    }
}

/// `0.0.0.0:8080->80/tcp, [::]:8080->80/tcp`.
fn ports(ports: &[PublishedPort]) -> String {
    let words = |port: &PublishedPort| {
        let end = format!("{}/{}", port.container_port, port.protocol.as_str());
        addresses(port).into_iter().map(move |address| format!("{address}->{end}"))
    };
    ports.iter().flat_map(words).collect::<Vec<_>>().join(", ")
}

/// Where a port is published: `0.0.0.0:8080`, `[::]:8080`.
pub fn addresses(port: &PublishedPort) -> Vec<String> {
    let number = port.host_port;
    match port.host_ip {
        Some(IpAddr::V6(address)) => vec![format!("[{address}]:{number}")],
        Some(address) => vec![format!("{address}:{number}")],
        None => vec![format!("0.0.0.0:{number}"), format!("[::]:{number}")],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use buildc_executor::container::Protocol;

    #[test]
    fn states_and_ports_read_as_dockers() {
        let exited = State {
            status: Status::Exited,
            exit_code: 3,
            finished: Some(units::rfc3339(1)),
            ..State::default()
        };
        assert!(status(&exited).starts_with("Exited (3) ") && status(&exited).ends_with(" years ago"));
        assert_eq!(status(&State::default()), "Created");
        assert_eq!(command(&["sh".into(), "-c".into(), "a b".into()]), "sh -c 'a b'");
        let port =
            PublishedPort { host_ip: None, host_port: 8080, container_port: 80, protocol: Protocol::Tcp };
        assert_eq!(ports(&[port]), "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp");
    }
}
