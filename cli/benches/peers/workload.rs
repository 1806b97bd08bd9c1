//! Makes build contexts: the same names give the same bytes.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::Failure;

/// The builds that are measured.
pub const BUILDS: [&str; 4] = ["chain", "wide", "context10k", "bigfile"];

/// Makes a root file system of one static busybox and its applets.
pub fn busybox_root(root: &Path) -> Result<PathBuf, Failure> {
    let busybox = ["/bin/busybox", "/usr/bin/busybox"]
        .into_iter()
        .map(Path::new)
        .find(|p| p.exists())
        .ok_or("Install busybox-static first")?;
    for dir in ["bin", "etc", "proc", "sys", "dev", "tmp", "usr/bin", "usr/sbin", "sbin", "root"] {
        fs::create_dir_all(root.join(dir))?;
    }
    fs::copy(busybox, root.join("bin/busybox"))?;
    fs::set_permissions(root.join("bin/busybox"), fs::Permissions::from_mode(0o755))?;
    let list = Command::new(busybox).arg("--list-full").output()?;
    for name in String::from_utf8(list.stdout)?.lines().filter(|n| *n != "bin/busybox") {
        if let Some(parent) = root.join(name).parent() {
            fs::create_dir_all(parent)?;
        }
        symlink("/bin/busybox", root.join(name)).ok();
    }
    fs::write(root.join("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n")?;
    fs::write(root.join("etc/group"), "root:x:0:\n")?;
    Ok(root.to_owned())
}

/// Makes the context of one build.
pub fn make(name: &str, dir: &Path) -> Result<(), Failure> {
    fs::create_dir_all(dir)?;
    match name {
        "chain" => chain(dir),
        "wide" => wide(dir),
        "context10k" => context10k(dir),
        "bigfile" => bigfile(dir),
        other => Err(format!("No workload is called `{other}`").into()),
    }
}

fn chain(dir: &Path) -> Result<(), Failure> {
    let mut text = String::from("FROM localhost/busybox\nRUN mkdir /f\n");
    for i in 1..30 {
        text.push_str(&format!("RUN echo {i} > /f/{i}\n"));
    }
    Ok(fs::write(dir.join("Dockerfile"), text)?)
}

fn wide(dir: &Path) -> Result<(), Failure> {
    let mut text = String::new();
    for i in 0..8 {
        text.push_str(&format!(
            "FROM localhost/busybox AS s{i}\n\
             RUN {LOOP}; echo stage{i} $i > /out{i}\n\n"
        ));
    }
    text.push_str("FROM localhost/busybox\n");
    for i in 0..8 {
        text.push_str(&format!("COPY --from=s{i} /out{i} /out/{i}\n"));
    }
    Ok(fs::write(dir.join("Dockerfile"), text)?)
}

/// A small xorshift: incompressible bytes without a crate.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(len + 8);
        while out.len() < len {
            out.extend_from_slice(&self.next().to_le_bytes());
        }
        out.truncate(len);
        out
    }
}

fn context10k(dir: &Path) -> Result<(), Failure> {
    let mut noise = Noise(1);
    for i in 0..10_000usize {
        let folder = dir.join(format!("src/d{:03}", i / 100));
        fs::create_dir_all(&folder)?;
        let size = 200 + (noise.next() % 11_600) as usize;
        let mut data = noise.bytes(size / 2);
        data.resize(size, b'x');
        fs::write(folder.join(format!("f{:02}.bin", i % 100)), data)?;
    }
    for i in 0..500usize {
        let folder = dir.join(format!("node_modules/m{:02}", i / 50));
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(format!("i{i}.js")), format!("ignored {i}\n"))?;
    }
    for i in 0..100usize {
        fs::write(dir.join(format!("src/d{i:03}/debug.log")), format!("ignored log {i}\n"))?;
    }
    fs::write(dir.join(".dockerignore"), "node_modules\n**/*.log\n.git\nDockerfile\n!keep.log\n")?;
    fs::write(dir.join("keep.log"), "kept by the exception\n")?;
    let text = "FROM localhost/busybox\nCOPY . /srv/\nRUN find /srv -type f | wc -l > /count\n";
    Ok(fs::write(dir.join("Dockerfile"), text)?)
}

/// An image of four layers of 256 MiB, half of which compresses.
pub fn layers4(dir: &Path) -> Result<(), Failure> {
    fs::create_dir_all(dir)?;
    let mut text = String::from("FROM scratch\n");
    for i in 0..4u64 {
        let mut noise = Noise(i + 1);
        let mut data = Vec::with_capacity(256 << 20);
        while data.len() < 256 << 20 {
            data.extend(noise.bytes(4 << 10));
            data.resize(data.len() + (4 << 10), b'x');
        }
        fs::write(dir.join(format!("f{i}.bin")), data)?;
        text.push_str(&format!("COPY f{i}.bin /\n"));
    }
    Ok(fs::write(dir.join("Dockerfile"), text)?)
}

/// The shell work of one stage of `wide`.
pub const LOOP: &str = "i=0; while [ $i -lt 500000 ]; do i=$((i+1)); done";

/// The floor of `wide`: the loops of its eight stages by a plain shell, as many at once as there are CPUs.
pub fn loops(busybox: &Path) -> Result<(), Failure> {
    let left = AtomicUsize::new(8);
    let take = || left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok();
    let work = || {
        while take() {
            if !Command::new(busybox).args(["sh", "-c", LOOP]).status()?.success() {
                return Err(std::io::Error::other("a loop of the shell failed"));
            }
        }
        Ok(())
    };
    let cpus = std::thread::available_parallelism()?.get();
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..cpus).map(|_| scope.spawn(work)).collect();
        for thread in running {
            thread.join().map_err(|_| "A thread panicked")??;
        }
        Ok(())
    })
}

fn bigfile(dir: &Path) -> Result<(), Failure> {
    for i in 0..4u64 {
        fs::write(dir.join(format!("f{i}.bin")), Noise(i + 1).bytes(256 << 20))?;
    }
    let text = "FROM localhost/busybox\nCOPY *.bin /data/\nRUN rm /data/f3.bin\n";
    Ok(fs::write(dir.join("Dockerfile"), text)?)
}

/// Changes the one file of `context10k` that its "one change" variant changes.
pub fn touch(dir: &Path, round: usize) -> Result<(), Failure> {
    Ok(fs::write(dir.join("src/d050/f50.bin"), format!("changed {round}\n"))?)
}

/// The floor of a no-op build: an lstat of every file of the tree, directories read.
pub fn lstat_walk(dir: &Path) -> Result<u64, Failure> {
    let mut seen = 0;
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            if entry.metadata()?.is_dir() {
                open.push(entry.path());
            }
            seen += 1;
        }
    }
    Ok(seen)
}
