//! Builds, beside `buildah build --layers` and, where a docker daemon answers, BuildKit.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::daemon::Daemon;
use crate::measure::{peak_kib, time};
use crate::report::{self, Row};
use crate::{Failure, Options, workload};

/// Everything one builder needs to be run from nothing.
struct Bench {
    work: PathBuf,
    context: PathBuf,
    base_tar: PathBuf,
    /// True where dirty pages of one program would be written while the next is measured.
    on_disk: bool,
}

#[derive(Default)]
struct Times {
    cold: Vec<Duration>,
    cached: Vec<Duration>,
    touched: Vec<Duration>,
    peak_kib: u64,
}

/// Measures one workload and prints its rows.
pub fn measure(options: &Options, name: &str, base: &Path) -> Result<(), Failure> {
    let work = options.dir.join(name);
    let context = work.join("context");
    workload::make(name, &context)?;
    let base_tar = work.join("base.tar");
    time(Command::new("tar").arg("-C").arg(base).arg("-cf").arg(&base_tar).arg("."))?;
    let bench = Bench { work: work.clone(), context, base_tar, on_disk: !options.on_tmpfs };
    let (mut ours, mut theirs) = (Times::default(), Times::default());
    let (mut floors, mut kit) = (Vec::new(), Times::default());
    let daemon = Daemon::with_base(&bench.base_tar)?;
    for round in 0..options.rounds {
        bench.fresh_buildc()?;
        bench.fresh_buildah()?;
        bench.round(&mut ours, &mut theirs)?;
        if let Some(daemon) = &daemon {
            bench.settle();
            kit.cold.push(daemon.cold(&bench.context, round)?);
            daemon.again(&bench.context)?;
            kit.cached.push(daemon.again(&bench.context)?);
        }
        if name == "context10k" {
            floors.push(bench.floor(|| workload::lstat_walk(&bench.context).map(drop))?);
            workload::touch(&bench.context, round)?;
            ours.touched.push(bench.timed(&mut bench.buildc())?);
            theirs.touched.push(bench.timed(&mut bench.buildah())?);
            if let Some(daemon) = &daemon {
                kit.touched.push(daemon.again(&bench.context)?);
            }
        }
        if name == "wide" {
            floors.push(bench.floor(|| workload::loops(&base.join("bin/busybox")))?);
        }
    }
    bench.fresh_buildc()?;
    ours.peak_kib = peak_kib(&bench.buildc())?;
    print(name, &ours, &theirs, &floors);
    beside_buildkit(name, &ours, &kit);
    fs::remove_dir_all(&work)?;
    Ok(())
}

fn print(name: &str, ours: &Times, theirs: &Times, floors: &[Duration]) {
    let (cold, cached) = match name {
        "chain" => ("ratio 0.05, 30 steps", "15 ms"),
        "wide" => ("2150 ms", "15 ms"),
        "context10k" => ("ratio 0.2", "40 ms"),
        _ => ("ratio 0.25", "40 ms"),
    };
    let row = |variant: &str, buildc: &[Duration], peer: &str, peer_times: &[Duration], wanted: &str| {
        let work = format!("{name} {variant}");
        let peak_kib = (variant == "cold").then_some(ours.peak_kib);
        report::print(&Row { work: &work, buildc, peer, peer_times, wanted, peak_kib });
    };
    row("cold", &ours.cold, "buildah", &theirs.cold, cold);
    if name == "wide" {
        row("cold", &ours.cold, "plain shell", floors, "2150 ms of 2000");
    }
    row("cached", &ours.cached, "buildah", &theirs.cached, cached);
    if !ours.touched.is_empty() {
        row("cached", &ours.cached, "lstat walk", floors, "aim 1.8");
        row("one change", &ours.touched, "buildah", &theirs.touched, "300 ms");
    }
}

/// What is wanted of buildc is said beside the other peers.
fn beside_buildkit(name: &str, ours: &Times, kit: &Times) {
    let rows = [
        ("cold", &ours.cold, &kit.cold),
        ("cached", &ours.cached, &kit.cached),
        ("one change", &ours.touched, &kit.touched),
    ];
    for (variant, buildc, peer_times) in rows.into_iter().filter(|(_, _, times)| !times.is_empty()) {
        let work = format!("{name} {variant}");
        let row = Row { work: &work, buildc, peer: "buildkit", peer_times, wanted: "", peak_kib: None };
        report::print(&row);
    }
}

impl Bench {
    fn buildc_root(&self) -> PathBuf {
        self.work.join("buildc")
    }

    fn buildc(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_buildc"));
        command.arg("--root").arg(self.buildc_root());
        command.args(["build", "--progress", "plain", "-t", "localhost/bench"]).arg(&self.context);
        command
    }

    fn fresh_buildc(&self) -> Result<(), Failure> {
        remove(&self.buildc_root())?;
        let mut import = Command::new(env!("CARGO_BIN_EXE_buildc"));
        import.arg("--root").arg(self.buildc_root());
        time(import.arg("import").arg(&self.base_tar).arg("localhost/busybox")).map(drop)
    }

    fn buildah_in(&self) -> Command {
        let mut command = Command::new("buildah");
        let dir = self.work.join("buildah");
        command.arg("--root").arg(dir.join("root")).arg("--runroot").arg(dir.join("run"));
        command.args(["--storage-driver", "overlay"]);
        command
    }

    fn buildah(&self) -> Command {
        let mut command = self.buildah_in();
        command.args(["build", "--layers", "--pull-never", "-t", "localhost/bench"]).arg(&self.context);
        command
    }

    fn fresh_buildah(&self) -> Result<(), Failure> {
        let dir = self.work.join("buildah");
        if dir.exists() {
            // Its overlay directory is a mount of its own while the store is in use.
            Command::new("umount").arg("-l").arg(dir.join("root/overlay")).output()?;
            remove(&dir)?;
        }
        fs::create_dir_all(&dir)?;
        let name = String::from_utf8(self.buildah_in().args(["from", "scratch"]).output()?.stdout)?;
        let name = name.trim();
        time(self.buildah_in().args(["add", name]).arg(&self.base_tar).arg("/"))?;
        time(self.buildah_in().args(["commit", "--rm", name, "localhost/busybox"])).map(drop)
    }

    fn round(&self, ours: &mut Times, theirs: &mut Times) -> Result<(), Failure> {
        ours.cold.push(self.timed(&mut self.buildc())?);
        theirs.cold.push(self.timed(&mut self.buildah())?);
        ours.cached.push(self.timed(&mut self.buildc())?);
        theirs.cached.push(self.timed(&mut self.buildah())?);
        Ok(())
    }

    fn settle(&self) {
        if self.on_disk {
            nix::unistd::sync();
        }
    }

    fn timed(&self, command: &mut Command) -> Result<Duration, Failure> {
        self.settle();
        time(command)
    }

    fn floor(&self, work: impl FnOnce() -> Result<(), Failure>) -> Result<Duration, Failure> {
        self.settle();
        let start = Instant::now();
        work()?;
        Ok(start.elapsed())
    }
}

fn remove(dir: &Path) -> Result<(), Failure> {
    match fs::remove_dir_all(dir) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(format!("{}: {e}", dir.display()).into()),
        _ => Ok(()),
    }
}
