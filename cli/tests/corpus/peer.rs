//! Debian's buildah, with a store of its own, and the base image that both builders start from.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::case::Case;
use super::fixture::run;
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
        std::fs::create_dir_all(dir).map_err(|e| e.to_string())?;
        let container = peer.buildah(&["from", "scratch"])?;
        let container = container.trim();
        peer.buildah(&["add", container, &base_tar.to_string_lossy(), "/"])?;
        peer.buildah(&["commit", "--rm", container, "localhost/busybox"])?;
        Ok(Some(peer))
    }

    fn buildah(&self, words: &[&str]) -> Result<String, String> {
        self.buildah_in(&self.dir, words)
    }

    fn buildah_in(&self, dir: &Path, words: &[&str]) -> Result<String, String> {
        let mut command = Command::new("buildah");
        command.arg("--root").arg(self.dir.join("root")).arg("--runroot").arg(self.dir.join("run"));
        run(command.args(["--storage-driver", "vfs"]).args(words).current_dir(dir))
    }

    /// Builds a case and returns the text form of its tree and config.
    pub fn build(&self, name: &str, case: &Case, context: &Path) -> Result<String, String> {
        let tag = format!("localhost/case-{name}");
        // Its OCI isolation needs a cgroup layout that not every host has; chroot gives the same trees.
        let mut words = vec![
            "build",
            "--isolation",
            "chroot",
            "--format",
            "docker",
            "--pull-never",
            "--layers",
            "-t",
            &tag,
        ];
        words.extend(case.arguments.iter().map(String::as_str));
        words.push(".");
        // Its chroot helper now and then fails to seal its own copy (EBUSY); a second try gets past that.
        self.buildah_in(context, &words).or_else(|_| self.buildah_in(context, &words))?;
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
