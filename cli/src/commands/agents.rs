//! Agents of ssh for RUN --mount=type=ssh: one that runs, or one started here for private keys.
//!
//! Owns: what `--ssh` means, and that an agent started here ends with this process, however that ends. Never does: reading
//! keys, which only OpenSSH does.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use crate::failure::Failure;

/// What the agent runs: it says that the agent listens, waits until nobody holds the other end of its input any more, and
/// ends everything.
const GUARD: &str = r#"echo; cat >/dev/null; rm -rf "$0"; kill "$SSH_AGENT_PID""#;

/// The agents started here. Their input closes with this process.
static STARTED: Mutex<Vec<Child>> = Mutex::new(Vec::new());

/// The sockets that `--ssh ID[=SOCKET|KEY[,KEY…]]` options mean, by id.
///
/// # Errors
/// When there is no agent, no such file, or OpenSSH does not take a key.
pub fn sockets(options: &[String]) -> Result<BTreeMap<String, PathBuf>, Failure> {
    options.iter().map(|option| socket(option)).collect()
}

fn socket(option: &str) -> Result<(String, PathBuf), Failure> {
    let Some((id, given)) = option.split_once('=') else {
        let running = std::env::var_os("SSH_AUTH_SOCK").map(PathBuf::from);
        let missing = || {
            Failure::usage(format!("--ssh {option}: no ssh agent is running"))
                .help("Start one with `eval $(ssh-agent)`, or give a private key: --ssh default=FILE")
        };
        return Ok((option.to_owned(), running.ok_or_else(missing)?));
    };
    let files: Vec<&Path> = given.split(',').map(Path::new).collect();
    if let [only] = files.as_slice()
        && file_type(option, only)?.is_socket()
    {
        return Ok((id.to_owned(), only.to_path_buf()));
    }
    for file in &files {
        if !file_type(option, file)?.is_file() {
            let shown = file.display();
            return Err(Failure::usage(format!("--ssh {option}: `{shown}` is no private key"))
                .help("Write id=SOCKET with the socket of an agent, or id=FILE,FILE with private keys"));
        }
    }
    Ok((id.to_owned(), agent_of(option, &files)?))
}

fn file_type(option: &str, path: &Path) -> Result<std::fs::FileType, Failure> {
    let metadata = path.metadata();
    metadata.map(|metadata| metadata.file_type()).map_err(|error| {
        Failure::usage(format!("--ssh {option}: `{}`: {error}", path.display()))
            .help("Write id=SOCKET with the socket of an agent, or id=FILE,FILE with private keys")
    })
}

/// Starts an agent that holds the keys; gives its socket.
fn agent_of(option: &str, keys: &[&Path]) -> Result<PathBuf, Failure> {
    let failed = |what: String| {
        Failure::new("input::ssh_key", format!("--ssh {option}: {what}"))
            .help("Keys need openssh-client and must not be encrypted; an agent that runs has any key")
    };
    let dir = tempfile::Builder::new().prefix("buildc-agent-").tempdir();
    let dir = dir.map_err(|error| failed(format!("no directory for an agent: {error}")))?;
    let socket = dir.path().join("agent");
    let mut agent = Command::new("ssh-agent");
    agent.arg("-a").arg(&socket).args(["sh", "-c", GUARD]).arg(dir.path());
    // What interrupts the build must not end its agent before the steps that use it.
    agent.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut agent = agent.spawn().map_err(|error| failed(format!("ssh-agent: {error}")))?;
    let mut line = String::new();
    let said = agent.stdout.take().map(|out| BufReader::new(out).read_line(&mut line));
    if !matches!(said, Some(Ok(length)) if length > 0) {
        return Err(failed("ssh-agent does not start".to_owned()));
    }
    // From here on the guard removes the directory.
    let _ = dir.keep();
    STARTED.lock().unwrap_or_else(PoisonError::into_inner).push(agent);
    for key in keys {
        let mut add = Command::new("ssh-add");
        // Nobody is there to type a passphrase.
        add.arg("-q").arg(key).env("SSH_AUTH_SOCK", &socket).env("SSH_ASKPASS_REQUIRE", "never");
        let added = add.stdin(Stdio::null()).process_group(0).output();
        let added = added.map_err(|error| failed(format!("ssh-add: {error}")))?;
        if !added.status.success() {
            let said = String::from_utf8_lossy(&added.stderr);
            // Without the frame around a warning.
            let said = said.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('@'));
            let said = said.collect::<Vec<_>>();
            return Err(failed(format!("`{}` is not taken: {}", key.display(), said.join(" "))));
        }
    }
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn key(dir: &Path, passphrase: &str) -> PathBuf {
        let path = dir.join(format!("key{}", passphrase.len()));
        let mut made = Command::new("ssh-keygen");
        made.args(["-q", "-t", "ed25519", "-C", "the key", "-N", passphrase, "-f"]).arg(&path);
        assert!(made.status().expect("openssh-client").success());
        path
    }

    #[test]
    fn a_private_key_is_served_by_an_agent() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = key(dir.path(), "");
        let sockets = sockets(&[format!("deploy={}", path.display())]).expect("an agent");
        let mut list = Command::new("ssh-add");
        let list = list.arg("-l").env("SSH_AUTH_SOCK", &sockets["deploy"]).output().expect("ssh-add");
        let listed = String::from_utf8_lossy(&list.stdout).into_owned();
        assert!(listed.contains("the key"), "{listed}");
        // Its input closes, as at the end of the process: nothing is left.
        let mut agents = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
        let mut agent = agents.pop().expect("it runs");
        drop(agent.stdin.take());
        agent.wait().expect("it ends");
        assert!(!sockets["deploy"].parent().expect("a directory").exists());
    }

    #[test]
    fn what_is_no_key_is_refused_by_name() {
        let dir = tempfile::tempdir().expect("a directory");
        let text = dir.path().join("text");
        fs::write(&text, "no key\n").expect("a file");
        let encrypted = key(dir.path(), "secret");
        for (given, word) in [
            (text.display().to_string(), "is not taken"),
            (encrypted.display().to_string(), "is not taken"),
            (dir.path().display().to_string(), "is no private key"),
            (dir.path().join("nothing").display().to_string(), "No such file"),
        ] {
            let said = sockets(&[format!("default={given}")]).expect_err(&given).to_string();
            assert!(said.contains(word), "{said}");
        }
    }
}
