//! Measures buildc beside its peers, on the same work in the same run.
//!
//!     cargo bench -p buildc --bench peers                        everything, on a tmpfs
//!     cargo bench -p buildc --bench peers -- --only chain,run    some of it
//!     cargo bench -p buildc --bench peers -- --dir /var/tmp/b    on the file system of that directory
//!     cargo bench -p buildc --bench peers -- --rounds 3
//!
//! Rounds of all programs alternate, so that a slow moment of the machine hits everybody; figures are medians. Needs
//! root, buildah, crun, bubblewrap, busybox-static, skopeo, docker-registry and pigz; BuildKit is measured where DOCKER_HOST names
//! a docker daemon. Nothing here is an assertion: it prints ratios.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod build;
mod daemon;
mod measure;
mod push;
mod registry;
mod report;
mod run;
mod workload;

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the command line asks for.
#[derive(Debug)]
pub struct Options {
    pub rounds: usize,
    pub only: Option<Vec<String>>,
    pub dir: PathBuf,
    pub on_tmpfs: bool,
}

impl Options {
    fn wants(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.iter().any(|o| o == name))
    }
}

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    if std::env::args().nth(1).as_deref() == Some(measure::WRAPPER) {
        return measure::wrap(std::env::args().skip(2));
    }
    let options = parse(std::env::args().skip(1))?;
    enter_mount_namespace()?;
    if options.on_tmpfs {
        std::fs::create_dir_all(&options.dir)?;
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=16g", "tmpfs"])
            .arg(&options.dir)
            .status()?;
        if !status.success() {
            return Err("Cannot mount a tmpfs to work on".into());
        }
    }
    let result = measure_all(&options);
    if !options.on_tmpfs {
        std::fs::remove_dir_all(&options.dir).ok();
    }
    result
}

fn measure_all(options: &Options) -> Result<(), Failure> {
    let base = workload::busybox_root(&options.dir.join("busybox"))?;
    println!("{}", report::header(options));
    for name in workload::BUILDS {
        if options.wants(name) {
            build::measure(options, name, &base)?;
        }
    }
    if options.wants("run") {
        run::measure(options, &base)?;
    }
    if options.wants("push") {
        push::measure(options)?;
    }
    Ok(())
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Options, Failure> {
    let mut options = Options {
        rounds: 5,
        only: None,
        dir: std::env::temp_dir().join(format!("buildc-bench-{}", std::process::id())),
        on_tmpfs: true,
    };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--rounds" => options.rounds = words.next().ok_or("--rounds wants a number")?.parse()?,
            "--only" => {
                let list = words.next().ok_or("--only wants names")?;
                options.only = Some(list.split(',').map(str::to_owned).collect());
            }
            "--dir" => {
                let dir = words.next().ok_or("--dir wants a directory")?;
                options.dir = Path::new(&dir).join(format!("buildc-bench-{}", std::process::id()));
                options.on_tmpfs = false;
            }
            // What cargo passes to every benchmark.
            "--bench" => {}
            other => return Err(format!("Unknown option `{other}`").into()),
        }
    }
    Ok(options)
}

/// Re-executes this program in a mount namespace of its own: its tmpfs vanishes with it, and crun, which refuses hosts
/// where a v2 cgroup hierarchy is mounted beside v1 controllers, sees only the latter.
fn enter_mount_namespace() -> Result<(), Failure> {
    const MARK: &str = "BUILDC_BENCH_INSIDE";
    if std::env::var_os(MARK).is_some() {
        return Ok(());
    }
    let script = "umount -l /sys/fs/cgroup/unified 2>/dev/null; exec \"$0\" \"$@\"";
    Err(Command::new("unshare")
        .args(["--mount", "sh", "-c", script])
        .arg(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .env(MARK, "1")
        .exec()
        .into())
}
