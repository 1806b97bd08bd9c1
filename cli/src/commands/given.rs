//! What a build is given beside its source: `--secret`, `--ssh`, `--shm-size`, `--ulimit` and `--resource`.

use buildc_executor::build::{SandboxOptions, SecretSource};
use buildc_executor::container::{Limits, options};
use buildc_executor::history::Given;

use super::build::BuildArgs;
use super::export_form::fields;
use crate::failure::Failure;

/// Secrets and sockets of agents, by id.
pub fn given(secrets: &[String], agents: &[String]) -> Result<Given, Failure> {
    Ok(Given {
        secrets: secrets
            .iter()
            .filter_map(|option| secret_source(option).transpose())
            .collect::<Result<_, _>>()?,
        ssh: super::agents::sockets(agents)?,
    })
}

/// The build argument that names the host of RUN instructions.
const HOSTNAME: &str = "BUILDKIT_SANDBOX_HOSTNAME";

/// What the sandboxes of RUN instructions are like.
pub fn sandbox(args: &BuildArgs) -> Result<SandboxOptions, Failure> {
    let hostname = args.source.argument(HOSTNAME).filter(|name| !name.is_empty());
    let shm_size_bytes =
        args.shm_size.as_deref().map(|text| options::size("--shm-size", text)).transpose()?;
    let ulimits = args.ulimit.iter().map(|text| options::ulimit(text)).collect::<Result<_, _>>()?;
    if let Some(group) = &args.cgroup_parent {
        return Err(Failure::usage(format!("--cgroup-parent `{group}`: RUN is in the control group of buildc itself"))
            .help("Start buildc in the group, for example with `systemd-run --scope --slice=NAME`; `--resource` limits each RUN"));
    }
    let limits = limits(&args.resource)?;
    Ok(SandboxOptions { hostname: hostname.map(str::to_owned), shm_size_bytes, ulimits, limits })
}

/// The period in which `cpu-quota` is handed out where nothing else is said, in microseconds.
const CPU_PERIOD: f64 = 100_000.0;

/// `memory=SIZE`, `memory-swap=SIZE`, `cpu-shares=N`, `cpu-quota=N`, `cpu-period=N` and `cpuset-cpus=LIST`; a field with commas
/// in it stands in quotes.
fn limits(options: &[String]) -> Result<Limits, Failure> {
    let mut limits = Limits::default();
    let (mut quota, mut period) = (None, CPU_PERIOD);
    for option in options {
        let fail = |why: String| {
            Failure::usage(format!("--resource `{option}`: {why}")).help(
                "Write memory=512m, memory-swap=1g, cpu-shares=512, cpu-quota=50000, cpu-period=100000 or cpuset-cpus=0-1",
            )
        };
        for field in &fields(option) {
            let (name, value) =
                field.split_once('=').ok_or_else(|| fail(format!("`{field}` is not NAME=VALUE")))?;
            let number = || value.parse::<u64>().ok().filter(|n| *n > 0);
            let number = || number().ok_or_else(|| fail(format!("`{value}` is not a number above 0")));
            match name {
                // As for docker, 0 is no limit.
                "memory" => {
                    limits.memory_bytes =
                        Some(options::size("--resource memory", value)?).filter(|size| *size > 0);
                }
                "memory-swap" => limits.memory_swap_bytes = Some(options::memory_swap(value)?),
                "cpu-shares" => limits.cpu_shares = Some(number()?),
                "cpu-quota" => quota = Some(number()? as f64),
                "cpu-period" => period = number()? as f64,
                "cpuset-cpus" => limits.cpuset_cpus = Some(value.to_owned()),
                "cpuset-mems" => return Err(fail("there is no limit to memory nodes here".to_owned())),
                other => return Err(fail(format!("there is no limit `{other}`"))),
            }
        }
    }
    limits.cpus = quota.map(|quota| quota / period);
    Ok(limits)
}

/// `id=NAME[,src=FILE|,env=VAR][,type=file|env]`; without a source, a variable called like the id wins over a file. `None` for a
/// variable that is not set: as in BuildKit that is a secret that is not given, which only a mount that requires it minds.
pub fn secret_source(option: &str) -> Result<Option<(String, SecretSource)>, Failure> {
    let fail = |why: &str| {
        Failure::usage(format!("--secret `{option}`: {why}"))
            .help("Write id=NAME,src=FILE or id=NAME,env=VAR")
    };
    let (mut id, mut source, mut env, mut kind) = (None, None, None, None);
    let fields = fields(option);
    for field in &fields {
        match field.split_once('=') {
            Some(("id", value)) => id = Some(value.to_owned()),
            Some(("src" | "source", value)) => source = Some(value.to_owned()),
            Some(("env", value)) => env = Some(value.to_owned()),
            Some(("type", value @ ("file" | "env"))) => kind = Some(value),
            _ => return Err(fail(&format!("`{field}` is not understood"))),
        }
    }
    let id = id.filter(|id| !id.is_empty()).ok_or_else(|| fail("it has no id"))?;
    let found = match (source, env, kind) {
        (_, Some(name), _) | (Some(name), None, Some("env")) => SecretSource::Env(name),
        (Some(path), None, _) => SecretSource::File(path.into()),
        (None, None, Some("file")) => SecretSource::File(id.clone().into()),
        (None, None, Some(_)) => SecretSource::Env(id.clone()),
        (None, None, None) if std::env::var_os(&id).is_some() => SecretSource::Env(id.clone()),
        (None, None, None) => SecretSource::File(id.clone().into()),
    };
    match &found {
        SecretSource::File(path) if !path.is_file() => {
            Err(fail(&format!("there is no file `{}`", path.display())))
        }
        SecretSource::Env(name) if std::env::var_os(name).is_none() => Ok(None),
        _ => Ok(Some((id, found))),
    }
}
