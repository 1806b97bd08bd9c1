//! Debian's buildah, with a store of its own, and the base image that both builders start from.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::case::Case;
use super::tree;

/// buildah with the base image in it.
pub struct Peer {
    dir: PathBuf,
}

impl Peer {
    /// `None` when buildah is not installed.
    pub fn new(dir: &Path, base_tar: &Path) -> Result<Option<Self>, String> {
        if Command::new("buildah").arg("--version").output().is_err() {
            return Ok(None);
        }
        let peer = Self { dir: dir.to_owned() };
        let container = peer.buildah(&["from", "scratch"])?;
        let container = container.trim();
        peer.buildah(&["add", container, &base_tar.to_string_lossy(), "/"])?;
        peer.buildah(&["commit", "--rm", container, "localhost/busybox"])?;
        Ok(Some(peer))
    }

    fn buildah(&self, words: &[&str]) -> Result<String, String> {
        let mut command = Command::new("buildah");
        command.arg("--root").arg(self.dir.join("root")).arg("--runroot").arg(self.dir.join("run"));
        run(command.args(["--storage-driver", "vfs"]).args(words))
    }

    /// Builds a case and returns the text form of its tree and config.
    pub fn build(&self, name: &str, case: &Case, context: &Path) -> Result<String, String> {
        let tag = format!("localhost/case-{name}");
        // Its OCI isolation needs a cgroup layout that not every host has; chroot gives the same trees.
        let mut words = vec!["build", "--isolation", "chroot", "--pull-never", "--layers", "-t", &tag];
        words.extend(case.arguments.iter().map(String::as_str));
        let context = context.to_string_lossy();
        words.push(&context);
        self.buildah(&words)?;
        let container = self.buildah(&["from", "--pull-never", &tag])?;
        let container = container.trim();
        let root = self.buildah(&["mount", container])?;
        let listing = tree::listing(Path::new(root.trim()))?;
        let inspected = self.buildah(&["inspect", "--type", "image", &tag])?;
        let json: Value = serde_json::from_str(&inspected).map_err(|e| e.to_string())?;
        self.buildah(&["rm", container])?;
        // The Docker form has everything that the OCI form has, and HEALTHCHECK and ONBUILD beside it.
        Ok(format!("{}{listing}", tree::config(&json["Docker"]["config"])))
    }
}

/// Runs a command; its standard output, or everything it said when it fails.
pub fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|e| format!("{command:?}: {e}"))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(stdout);
    }
    Err(format!("{command:?}: {}\n{stdout}{}", output.status, String::from_utf8_lossy(&output.stderr)))
}

/// The static busybox of this host.
pub fn busybox() -> Option<&'static Path> {
    ["/bin/busybox", "/usr/bin/busybox"].into_iter().map(Path::new).find(|p| p.exists())
}

/// A root file system with busybox, its applets and two users, as a tar.
pub fn base_tar(work: &Path) -> Result<PathBuf, String> {
    let root = work.join("base");
    let busybox = busybox().ok_or("no busybox")?;
    let script = r#"set -e; umask 022
        mkdir -p "$1/bin" "$1/sbin" "$1/usr/bin" "$1/usr/sbin" "$1/etc" "$1/proc" "$1/sys" "$1/dev" "$1/root" "$1/tmp" "$1/home"
        chmod 1777 "$1/tmp"; chmod 700 "$1/root"
        cp "$0" "$1/bin/busybox"; chmod 755 "$1/bin/busybox"
        "$0" --list-full | grep -vx bin/busybox | while read -r name; do ln -sf /bin/busybox "$1/$name"; done
        printf 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001:app:/home:/bin/sh\n' >"$1/etc/passwd"
        printf 'root:x:0:\nstaff:x:50:app\napp:x:1001:\n' >"$1/etc/group"
        ln -s /data/real "$1/link"; mkdir -p "$1/data/real"
        tar -C "$1" --numeric-owner --sort=name -cf "$1.tar" ."#;
    run(Command::new("sh").args(["-c", script]).arg(busybox).arg(&root))?;
    fs::remove_dir_all(&root).map_err(|e| e.to_string())?;
    Ok(root.with_extension("tar"))
}

/// Extracts a tar with GNU tar.
pub fn untar(tar: &Path, root: &Path) -> Result<(), String> {
    fs::create_dir_all(root).map_err(|e| e.to_string())?;
    run(Command::new("tar").arg("-C").arg(root).args(["--numeric-owner", "-xpf"]).arg(tar)).map(drop)
}
