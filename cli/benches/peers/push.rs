//! An image of four layers of 256 MiB on its way out: pushed beside `skopeo copy`, compressed beside `pigz`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::measure::time;
use crate::registry::Registry;
use crate::report::{self, Row};
use crate::{Failure, Options, workload};

const NAME: &str = "localhost/pushed";

struct Bench {
    work: PathBuf,
    context: PathBuf,
}

/// Measures pushes and compression and prints their rows.
///
/// # Errors
/// When a program fails, or when the number of threads changes what is compressed to.
pub fn measure(options: &Options) -> Result<(), Failure> {
    let work = options.dir.join("push");
    let context = work.join("context");
    workload::layers4(&context)?;
    let bench = Bench { work: work.clone(), context };
    bench.fresh_store()?;
    bench.originals()?;
    let mut ours: [Vec<Duration>; 3] = Default::default();
    let mut theirs: [Vec<Duration>; 3] = Default::default();
    for _ in 0..options.rounds {
        bench.fresh_store()?;
        ours[2].push(bench.export("2")?);
        theirs[2].push(time(
            Command::new("sh")
                .args(["-c", "pigz -6 -c \"$0\" > \"$1\""])
                .args([bench.work.join("plain.tar"), bench.work.join("plain.tar.gz")]),
        )?);
        bench.fresh_store()?;
        // Uncompressed first; what that compresses is ready for the second push.
        for at in 0..2 {
            ours[at].push(bench.push()?);
            theirs[at].push(bench.skopeo(["dir-plain", "dir-gzip"][at])?);
        }
    }
    let rows = [
        ("push uncompressed 1 GiB", "skopeo", "ratio 0.5"),
        ("push compressed 1 GiB", "skopeo", "ratio 1"),
        ("gzip export 1 GiB", "pigz", "ratio 1.2"),
    ];
    for (at, (work, peer, wanted)) in rows.into_iter().enumerate() {
        let (buildc, peer_times) = (&ours[at], &theirs[at]);
        report::print(&Row { work, buildc, peer, peer_times, wanted, peak_kib: None });
    }
    bench.same_bytes()?;
    Ok(fs::remove_dir_all(&work)?)
}

impl Bench {
    fn buildc(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_buildc"));
        command.arg("--root").arg(self.work.join("store"));
        command
    }

    /// A store with the image, and no compressed form of its layers.
    fn fresh_store(&self) -> Result<(), Failure> {
        let store = self.work.join("store");
        if store.exists() {
            fs::remove_dir_all(store)?;
        }
        time(self.buildc().args(["build", "-t", NAME]).arg(&self.context)).map(drop)
    }

    /// What the peers start from: the layers as directories for skopeo, plain and compressed, and one tar for pigz.
    fn originals(&self) -> Result<(), Failure> {
        let plain = self.work.join("plain.tar");
        time(self.buildc().args(["save", "-o"]).arg(&plain).arg(NAME))?;
        let archive = format!("docker-archive:{}", plain.display());
        let dir = |name: &str| format!("dir:{}", self.work.join(name).display());
        let copy = |from: &str, to: &str| {
            let mut skopeo = Command::new("skopeo");
            skopeo.args(["copy", "--quiet", "--src-tls-verify=false", "--dest-tls-verify=false", from, to]);
            time(&mut skopeo).map(drop)
        };
        copy(&archive, &dir("dir-plain"))?;
        let registry = Registry::start(&self.work.join("registry"))?;
        let remote = format!("docker://{}/x:1", registry.address);
        copy(&dir("dir-plain"), &remote)?;
        copy(&remote, &dir("dir-gzip"))
    }

    fn push(&self) -> Result<Duration, Failure> {
        let registry = Registry::start(&self.work.join("registry"))?;
        let name = format!("{}/x:1", registry.address);
        time(self.buildc().args(["tag", NAME, &name]))?;
        time(self.buildc().args(["push", &name]))
    }

    fn skopeo(&self, from: &str) -> Result<Duration, Failure> {
        let registry = Registry::start(&self.work.join("registry"))?;
        let from = format!("dir:{}", self.work.join(from).display());
        let to = format!("docker://{}/x:1", registry.address);
        time(Command::new("skopeo").args(["copy", "--quiet", "--dest-tls-verify=false", &from, &to]))
    }

    /// Writes an archive with compressed layers, by so many threads.
    fn export(&self, threads: &str) -> Result<Duration, Failure> {
        let file = self.archive(threads);
        let mut save = self.buildc();
        save.env("RAYON_NUM_THREADS", threads).args(["save", "--format", "oci-archive", "-o"]);
        time(save.arg(file).arg(NAME))
    }

    fn archive(&self, threads: &str) -> PathBuf {
        self.work.join(format!("oci-{threads}.tar"))
    }

    fn same_bytes(&self) -> Result<(), Failure> {
        for threads in ["1", "2"] {
            self.fresh_store()?;
            self.export(threads)?;
        }
        if !same(&self.archive("1"), &self.archive("2"))? {
            return Err("The number of threads changes what layers are compressed to".into());
        }
        Ok(())
    }
}

/// Whether two archives hold the same blobs: their names are digests, and each is listed once.
fn same(a: &Path, b: &Path) -> Result<bool, Failure> {
    let blobs = |archive: &Path| -> Result<Vec<String>, Failure> {
        let list = Command::new("tar").arg("-tf").arg(archive).output()?.stdout;
        let mut names: Vec<String> = String::from_utf8(list)?.lines().map(str::to_owned).collect();
        names.retain(|name| name.starts_with("blobs/sha256/") && !name.ends_with('/'));
        names.sort();
        Ok(names)
    };
    let (a, b) = (blobs(a)?, blobs(b)?);
    // Config and manifest carry times of the layers, which two stores made at different seconds.
    let common = a.iter().filter(|name| b.contains(name)).count();
    Ok(common >= 4)
}
