//! What the launcher's tests share: a root with busybox in it, and specifications for it.
#![allow(dead_code, clippy::print_stdout)]

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use buildc_launch::{
    DEFAULT_CAPABILITIES, DEFAULT_MASKED_PATHS, DEFAULT_READONLY_PATHS, Exit, LaunchSpec, NetNs, Process,
    ProcessSpec, Result, RootFs, Seccomp, Stdio, StdioSpec, launch, probe_host,
};
use tempfile::TempDir;

const BUSYBOX: &str = "/bin/busybox";

const APPLETS: &[&str] = &[
    "sh", "true", "cat", "ls", "id", "ps", "mount", "hostname", "sleep", "ip", "touch", "stat", "readlink",
    "grep", "head", "tail", "kill", "unshare", "echo", "tty", "stty", "pwd", "mkdir", "wc", "dd", "mknod",
    "sync", "env",
];

/// Says loudly why a test does nothing, or fails where everything is required.
pub fn skip(why: &str) {
    assert!(std::env::var_os("BUILDC_TEST_REQUIRE_ALL").is_none(), "required, but {why}");
    println!("SKIP: {why}");
}

/// False, with a word about it, where launching is not possible.
pub fn can_launch() -> bool {
    let root = probe_host().root;
    if !root {
        skip("this test needs root");
    } else if !Path::new(BUSYBOX).exists() {
        skip("this test needs busybox-static");
    }
    root && Path::new(BUSYBOX).exists()
}

/// A directory with a root file system and room for upper directories.
pub struct Fixture {
    pub dir: TempDir,
}

impl Fixture {
    pub fn new() -> Fixture {
        let fixture = Fixture { dir: tempfile::tempdir().expect("a temporary directory") };
        fixture.fill(&fixture.path("lower"));
        for name in ["upper", "work"] {
            fs::create_dir(fixture.path(name)).expect(name);
        }
        fixture
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn fill(&self, root: &Path) {
        fs::create_dir_all(root.join("bin")).expect("bin");
        fs::create_dir_all(root.join("etc")).expect("etc");
        fs::copy(BUSYBOX, root.join("bin/busybox")).expect("busybox");
        for applet in APPLETS {
            symlink("busybox", root.join("bin").join(applet)).expect(applet);
        }
    }

    /// As Docker runs it by default, with a shell command.
    pub fn shell(&self, script: &str) -> LaunchSpec {
        self.command(&["sh", "-c", script])
    }

    pub fn command(&self, args: &[&str]) -> LaunchSpec {
        LaunchSpec {
            rootfs: RootFs::Overlay {
                base: self.dir.path().to_owned(),
                lowers: vec!["lower".into()],
                upper: self.path("upper"),
                work: self.path("work"),
                userxattr: false,
                volatile: false,
            },
            readonly_root: false,
            mounts: Vec::new(),
            process: process(args),
            hostname: Some("box".to_owned()),
            network: NetNs::Isolated,
            host_pid: false,
            host_ipc: false,
            host_uts: false,
            standard_mounts: true,
            shm_size_bytes: 1 << 20,
            masked_paths: owned(DEFAULT_MASKED_PATHS),
            readonly_paths: owned(DEFAULT_READONLY_PATHS),
            privileged: false,
            cgroup: None,
            init: false,
            devices: Vec::new(),
            sysctls: Vec::new(),
        }
    }
}

pub fn process(args: &[&str]) -> ProcessSpec {
    ProcessSpec {
        args: args.iter().map(OsString::from).collect(),
        env: vec![("PATH".into(), "/usr/bin:/bin".into())],
        cwd: "/".into(),
        uid: 0,
        gid: 0,
        groups: Vec::new(),
        capabilities: owned(DEFAULT_CAPABILITIES),
        no_new_privs: false,
        seccomp: Seccomp::Default,
        umask: 0o022,
        rlimits: Vec::new(),
        oom_score_adj: None,
        terminal: false,
    }
}

fn owned(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

/// Standard output and error in one pipe.
pub fn piped() -> (std::io::PipeReader, StdioSpec) {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let error = writer.try_clone().expect("a second writer");
    let fd = |writer| Stdio::Fd(OwnedFd::from(writer));
    (reader, StdioSpec { stdin: Stdio::Null, stdout: fd(writer), stderr: fd(error) })
}

pub fn no_stdio() -> StdioSpec {
    StdioSpec { stdin: Stdio::Null, stdout: Stdio::Null, stderr: Stdio::Null }
}

/// Runs to the end.
pub fn try_run(spec: &LaunchSpec) -> Result<(Exit, String, Process)> {
    let (mut reader, stdio) = piped();
    let mut process = launch(spec, stdio)?;
    let mut output = String::new();
    reader.read_to_string(&mut output).expect("text");
    Ok((process.wait()?, output, process))
}

/// Runs to the end and gives what it printed.
pub fn run(spec: &LaunchSpec) -> String {
    let (exit, output, _) = try_run(spec).expect("it starts");
    assert_eq!(exit, Exit::Code(0), "{output}");
    output
}
