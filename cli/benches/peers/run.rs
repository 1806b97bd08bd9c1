//! Container start: `true` on busybox, beside crun and bubblewrap.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::measure::time;
use crate::report::{self, Row};
use crate::{Failure, Options};

const STARTS_PER_ROUND: usize = 8;

/// Measures container starts and prints their rows.
pub fn measure(options: &Options, base: &Path) -> Result<(), Failure> {
    let work = options.dir.join("run");
    let root = work.join("buildc");
    std::fs::create_dir_all(&work)?;
    let tar = work.join("base.tar");
    time(Command::new("tar").arg("-C").arg(base).arg("-cf").arg(&tar).arg("."))?;
    time(
        Command::new(env!("CARGO_BIN_EXE_buildc")).arg("--root").arg(&root).arg("import").arg(&tar).arg("bb"),
    )?;
    for (network, label) in [("host", "host network"), ("none", "own network")] {
        bundle(&work.join(network), base, network == "none")?;
        let mut times: [Vec<Duration>; 3] = Default::default();
        for _ in 0..options.rounds * STARTS_PER_ROUND {
            let mut buildc = Command::new(env!("CARGO_BIN_EXE_buildc"));
            buildc.arg("--root").arg(&root).args(["run", "--rm", "--network", network, "bb", "true"]);
            times[0].push(time(&mut buildc)?);
            let mut crun = Command::new("crun");
            times[1].push(time(crun.args(["run", "--bundle"]).arg(work.join(network)).arg("buildc-bench"))?);
            times[2].push(time(&mut bwrap(base, network == "none"))?);
        }
        for (peer, at, wanted) in [("crun", 1, "ratio 1"), ("bwrap", 2, "aim 1")] {
            let work = format!("run true, {label}");
            let (buildc, peer_times) = (&times[0], &times[at]);
            report::print(&Row { work: &work, buildc, peer, peer_times, wanted, peak_kib: None });
        }
    }
    Ok(())
}

fn bwrap(base: &Path, own_network: bool) -> Command {
    let mut command = Command::new("bwrap");
    command.arg("--bind").arg(base).arg("/").args(["--proc", "/proc", "--dev", "/dev"]);
    command.args(["--unshare-pid", "--unshare-uts", "--unshare-ipc"]);
    if own_network {
        command.arg("--unshare-net");
    }
    command.arg("/bin/true");
    command
}

/// Writes an OCI bundle for crun with the namespaces that buildc makes.
fn bundle(dir: &Path, base: &Path, own_network: bool) -> Result<(), Failure> {
    std::fs::create_dir_all(dir)?;
    let status = Command::new("crun").arg("spec").current_dir(dir).status()?;
    if !status.success() {
        return Err("crun spec failed".into());
    }
    let file = dir.join("config.json");
    let mut config: serde_json::Value = serde_json::from_slice(&std::fs::read(&file)?)?;
    config["process"]["args"] = serde_json::json!(["true"]);
    config["process"]["terminal"] = serde_json::json!(false);
    config["root"] = serde_json::json!({ "path": base, "readonly": false });
    if let Some(list) = config["linux"]["namespaces"].as_array_mut().filter(|_| !own_network) {
        list.retain(|n| n["type"] != "network");
    }
    // An rlimit that this host may not allow to be raised would fail the start.
    if let Some(process) = config["process"].as_object_mut() {
        process.remove("rlimits");
    }
    Ok(std::fs::write(file, serde_json::to_vec_pretty(&config)?)?)
}
