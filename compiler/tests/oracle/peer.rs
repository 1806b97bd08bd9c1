//! C++ Nix as a peer.

use std::ffi::OsString;
use std::io::Write;
use std::process::{Command, Output, Stdio};

/// Seconds that the peer may take: backtracking makes some questions endless.
const SECONDS: &str = "3";

/// A `nix-instantiate` with directories of its own.
pub struct Peer {
    program: OsString,
    dir: tempfile::TempDir,
}

impl Peer {
    /// The peer that the environment names.
    pub fn find() -> Option<Peer> {
        let Some(program) = std::env::var_os("BUILDC_NIX_INSTANTIATE") else {
            // No Debian release has this version of Nix yet, so the integration machine goes without.
            eprintln!("not compared: BUILDC_NIX_INSTANTIATE is not set");
            return None;
        };
        Some(Peer { program, dir: tempfile::tempdir().unwrap() })
    }

    fn eval(&self, expression: &[u8], arguments: &[&str]) -> Output {
        let dir = |name: &str| self.dir.path().join(name);
        let mut child = Command::new("timeout")
            .args(["-s".as_ref(), "KILL".as_ref(), SECONDS.as_ref(), self.program.as_os_str()])
            .args(["--eval", "--strict", "--option", "build-users-group", ""])
            .args(arguments)
            .arg("-")
            .env("NIX_STORE_DIR", "/nix/store")
            .env("NIX_REMOTE", dir("root"))
            .env("NIX_STATE_DIR", dir("var"))
            .env("NIX_CONF_DIR", dir("conf"))
            .env("HOME", dir("home"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(expression).unwrap();
        child.wait_with_output().unwrap()
    }

    /// The value of an expression as JSON, or the last line of its error; an empty line when it took too long.
    pub fn json(&self, expression: &[u8]) -> Result<serde_json::Value, String> {
        let output = self.eval(expression, &["--json"]);
        if output.status.success() {
            return Ok(serde_json::from_slice(&output.stdout).unwrap());
        }
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(text.trim_end().lines().last().unwrap_or_default().trim().to_owned())
    }
}

/// `text` as a string of the language.
pub fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace("${", "\\${").replace('\r', "\\r");
    format!("\"{escaped}\"")
}
