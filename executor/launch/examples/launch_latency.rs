//! Prints how long `launch` and `wait` of a trivial program take: `launch_latency ROOT [COUNT] [PROGRAM...]`.
//!
//! ROOT is a directory that holds the program, by default `/bin/true`. Rootless where it is not started by root.
#![allow(clippy::print_stdout)]

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use buildc_launch::{
    DEFAULT_CAPABILITIES, DEFAULT_MASKED_PATHS, DEFAULT_READONLY_PATHS, LaunchSpec, NetNs, ProcessSpec,
    RootFs, Seccomp, Stdio, StdioSpec, enter_user_namespace, init_if_requested, launch,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    init_if_requested();
    let namespace = enter_user_namespace()?;
    let mut arguments = std::env::args_os().skip(1);
    let root = PathBuf::from(arguments.next().ok_or("the root directory is missing")?);
    let count = arguments.next().and_then(|text| text.to_str()?.parse().ok()).unwrap_or(30usize);
    let mut args: Vec<OsString> = arguments.collect();
    if args.is_empty() {
        args.push("/bin/true".into());
    }
    let scratch = std::env::temp_dir().join(format!("buildc-latency-{}", std::process::id()));
    let mut times = Vec::new();
    for index in 0..count {
        let spec = specification(&root, &scratch, index, &args, namespace.rootless)?;
        let begin = Instant::now();
        let streams = StdioSpec { stdin: Stdio::Null, stdout: Stdio::Inherit, stderr: Stdio::Inherit };
        let mut process = launch(&spec, streams)?;
        let launched = begin.elapsed();
        let exit = process.wait()?;
        times.push((begin.elapsed(), launched));
        if index == 0 {
            println!("{exit:?}, created {:?}, warnings {:?}", process.created, process.warnings);
            println!("first: {:?}, of which launch {launched:?}", times[0].0);
        }
    }
    std::fs::remove_dir_all(&scratch)?;
    times.sort();
    let (median, launched): (Duration, Duration) = times[times.len() / 2];
    println!("best {:?}, median {median:?}, of which launch {launched:?}", times[0].0);
    Ok(())
}

fn specification(
    root: &std::path::Path,
    scratch: &std::path::Path,
    index: usize,
    args: &[OsString],
    userxattr: bool,
) -> std::io::Result<LaunchSpec> {
    let directory = |name: &str| {
        let path = scratch.join(format!("{name}{index}"));
        std::fs::create_dir_all(&path).map(|()| path)
    };
    let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
    Ok(LaunchSpec {
        rootfs: RootFs::Overlay {
            base: scratch.to_owned(),
            lowers: vec![std::path::absolute(root)?],
            upper: directory("upper")?,
            work: directory("work")?,
            userxattr,
            volatile: true,
        },
        readonly_root: false,
        mounts: Vec::new(),
        process: ProcessSpec {
            args: args.to_vec(),
            env: vec![("PATH".into(), "/bin:/usr/bin".into())],
            cwd: "/".into(),
            uid: 0,
            gid: 0,
            groups: Vec::new(),
            capabilities: names(DEFAULT_CAPABILITIES),
            no_new_privs: false,
            seccomp: Seccomp::Default,
            umask: 0o022,
            rlimits: Vec::new(),
            oom_score_adj: None,
            terminal: false,
        },
        hostname: Some("buildc".to_owned()),
        network: NetNs::Isolated,
        host_pid: false,
        host_ipc: false,
        host_uts: false,
        standard_mounts: true,
        shm_size_bytes: 64 << 20,
        masked_paths: names(DEFAULT_MASKED_PATHS),
        readonly_paths: names(DEFAULT_READONLY_PATHS),
        privileged: false,
        cgroup: None,
        init: false,
        devices: Vec::new(),
        sysctls: Vec::new(),
    })
}
