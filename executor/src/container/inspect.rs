//! The JSON of `inspect`, in Docker's shape.

use std::collections::BTreeMap;
use std::time::Duration;

use buildc_store::Store;
use serde_json::{Map, Value, json};

use super::error::Result;
use super::health::{Health, HealthCheck, Probe};
use super::options;
use super::record::{BoundMount, Container, State, Status};
use super::spec::{ContainerSpec, NetworkMode, RestartPolicy, VolumesFrom};

/// Docker's value for what has not happened.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// One element of the array that `inspect` prints.
///
/// # Errors
/// None at present; a later field may need the store.
pub fn inspect(_store: &Store, container: &Container) -> Result<Value> {
    let mut args = container.args.iter();
    Ok(json!({
        "Id": container.id,
        "Created": container.created,
        "Path": args.next(),
        "Args": args.collect::<Vec<_>>(),
        "State": state(&container.state),
        "Image": container.image.to_string(),
        "ResolvConfPath": container.dir.join("resolv.conf"),
        "HostnamePath": container.dir.join("hostname"),
        "HostsPath": container.dir.join("hosts"),
        "LogPath": container.log_path(),
        "Name": format!("/{}", container.name),
        "RestartCount": container.state.restarts,
        "Driver": "overlayfs",
        "Platform": "linux",
        "HostConfig": host_config(&container.spec, container),
        "Mounts": container.mounts.iter().map(mount).collect::<Vec<_>>(),
        "Config": config(container),
        "NetworkSettings": network(container),
    }))
}

fn state(state: &State) -> Value {
    let mut value = json!({
        "Status": state.status.as_str(),
        "Running": state.status.is_active(),
        "Paused": false,
        "Restarting": state.status == Status::Restarting,
        "OOMKilled": state.oom_killed,
        "Dead": false,
        "Pid": state.pid,
        "ExitCode": state.exit_code,
        "Error": state.error,
        "StartedAt": state.started.as_deref().unwrap_or(NEVER),
        "FinishedAt": state.finished.as_deref().unwrap_or(NEVER),
    });
    if let Some(found) = &state.health {
        value["Health"] = health(found);
    }
    value
}

fn health(health: &Health) -> Value {
    let probe = |probe: &Probe| json!({ "Start": probe.start, "End": probe.end, "ExitCode": probe.exit_code, "Output": probe.output });
    json!({
        "Status": health.status.as_str(),
        "FailingStreak": health.failing_streak,
        "Log": health.log.iter().map(probe).collect::<Vec<_>>(),
    })
}

/// Durations in nanoseconds, as everywhere in Docker's API.
fn health_check(check: &HealthCheck) -> Value {
    let ns = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    json!({
        "Test": check.test,
        "Interval": ns(check.interval),
        "Timeout": ns(check.timeout),
        "StartPeriod": ns(check.start_period),
        "StartInterval": ns(check.start_interval),
        "Retries": check.retries,
    })
}

fn config(container: &Container) -> Value {
    let spec = &container.spec;
    let exposed: BTreeMap<_, _> = container.exposed.iter().map(|port| (port, json!({}))).collect();
    let env: Vec<String> = container.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut value = json!({
        "Hostname": container.hostname,
        "User": container.user,
        "Tty": spec.tty,
        "OpenStdin": spec.interactive,
        "Env": env,
        "Cmd": container.command,
        "Image": spec.image,
        "WorkingDir": container.workdir,
        "Entrypoint": container.entrypoint,
        "Labels": container.labels,
        "ExposedPorts": exposed,
        "StopSignal": options::signal_name(container.stop_signal),
        "StopTimeout": spec.stop_timeout_seconds,
    });
    if let Some(check) = &container.health {
        value["Healthcheck"] = health_check(check);
    }
    value
}

fn host_config(spec: &ContainerSpec, container: &Container) -> Value {
    let binds: Vec<String> =
        container.mounts.iter().filter(|m| m.kind != "tmpfs" && !m.anonymous).map(bind).collect();
    let retries = match spec.restart {
        RestartPolicy::OnFailure(most) => most.unwrap_or(0),
        _ => 0,
    };
    json!({
        "Binds": binds,
        "VolumesFrom": spec.volumes_from.iter().map(volumes_from).collect::<Vec<_>>(),
        "NetworkMode": network_mode(&spec.network),
        "PortBindings": port_bindings(spec),
        "RestartPolicy": { "Name": spec.restart.name(), "MaximumRetryCount": retries },
        "AutoRemove": spec.remove,
        "CapAdd": spec.cap_add,
        "CapDrop": spec.cap_drop,
        "Dns": spec.dns,
        "DnsOptions": spec.dns_options,
        "DnsSearch": spec.dns_search,
        "ExtraHosts": spec.extra_hosts.iter().map(|(name, ip)| format!("{name}:{ip}")).collect::<Vec<_>>(),
        "GroupAdd": spec.group_add,
        "Privileged": spec.privileged,
        "PublishAllPorts": spec.publish_all,
        "ReadonlyRootfs": spec.read_only,
        "ShmSize": spec.shm_size_bytes.unwrap_or(64 << 20),
        "Sysctls": spec.sysctls.iter().cloned().collect::<BTreeMap<_, _>>(),
        "Init": spec.init,
        "Memory": spec.limits.memory_bytes.unwrap_or(0),
        "MemorySwap": spec.limits.memory_swap_bytes.unwrap_or(0),
        "NanoCpus": spec.limits.cpus.map_or(0, |cpus| (cpus * 1e9) as u64),
        "CpuShares": spec.limits.cpu_shares.unwrap_or(0),
        "CpusetCpus": spec.limits.cpuset_cpus.as_deref().unwrap_or_default(),
        "PidsLimit": spec.limits.pids,
        "OomScoreAdj": spec.oom_score_adj.unwrap_or(0),
    })
}

fn bind(mount: &BoundMount) -> String {
    let source = mount.volume.clone().unwrap_or_else(|| mount.source.display().to_string());
    format!("{source}:{}{}", mount.target, if mount.readonly { ":ro" } else { "" })
}

fn volumes_from(from: &VolumesFrom) -> String {
    format!("{}{}", from.container, if from.readonly { ":ro" } else { "" })
}

fn network_mode(mode: &NetworkMode) -> String {
    match mode {
        NetworkMode::Bridge => "bridge".to_owned(),
        NetworkMode::Host => "host".to_owned(),
        NetworkMode::None => "none".to_owned(),
        NetworkMode::Container(name) => format!("container:{name}"),
    }
}

fn mount(mount: &BoundMount) -> Value {
    json!({
        "Type": mount.kind,
        "Name": mount.volume,
        "Source": mount.source,
        "Destination": mount.target,
        "RW": !mount.readonly,
        "Propagation": mount.propagation.as_deref().unwrap_or_default(),
    })
}

/// What was asked for.
fn port_bindings(spec: &ContainerSpec) -> Value {
    let ports = spec.publish.iter().map(|port| {
        let host_port = if port.host_port == 0 { String::new() } else { port.host_port.to_string() };
        (format!("{}/{}", port.container_port, port.protocol.as_str()), binding(port.host_ip, host_port))
    });
    by_port(ports)
}

fn binding(ip: Option<std::net::IpAddr>, port: String) -> Value {
    json!({ "HostIp": ip.map_or_else(String::new, |ip| ip.to_string()), "HostPort": port })
}

fn by_port(ports: impl Iterator<Item = (String, Value)>) -> Value {
    let mut all = Map::new();
    for (port, binding) in ports {
        if let Value::Array(list) = all.entry(port).or_insert_with(|| Value::Array(Vec::new())) {
            list.push(binding);
        }
    }
    Value::Object(all)
}

/// What was bound, and where it is reached.
fn network(container: &Container) -> Value {
    let state = &container.state;
    let everywhere = std::net::IpAddr::from([0, 0, 0, 0]);
    let ports = by_port(state.ports.iter().map(|port| {
        let ip = port.host_ip.unwrap_or(everywhere);
        (
            format!("{}/{}", port.container_port, port.protocol.as_str()),
            binding(Some(ip), port.host_port.to_string()),
        )
    }));
    let text = |ip: Option<std::net::IpAddr>| ip.map_or_else(String::new, |ip| ip.to_string());
    let (address, gateway) = (text(state.ip_address), text(state.gateway));
    let mode = network_mode(&container.spec.network);
    json!({
        "Ports": ports,
        "IPAddress": address,
        "Gateway": gateway,
        "Networks": { mode: { "IPAddress": address, "Gateway": gateway } },
    })
}
