//! Commands: in a directory of the host, and in a stage by `chroot`. Owns mounts and what commands see of the host.

use std::process::{Command, Stdio};

use super::{Outcome, Stage};

/// `$0` is the root, `$1` the host's words for more mounts, `$2` the owner, `$3` the groups, `$4` the directory, `$5` the text. The
/// mounts end with the namespace; the directory may be in one of them, and is made there.
const SCRIPT: &str = r#"mount --bind /dev "$0/dev"; eval "$1"; chroot "$0" mkdir -p "$4"
exec chroot --userspec="$2" --groups="$3" "$0" /bin/sh -c 'cd "$0" && exec /bin/sh -c "$1"' "$4" "$5""#;
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Runs words on the host.
pub fn host(words: &[&str]) -> Outcome<()> {
    ended(Command::new(words[0]).args(&words[1..]))
}

/// Runs the text of a RUN in a stage.
pub fn command(stage: &Stage, text: &str, mounts: &str) -> Outcome<()> {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-ec", SCRIPT]).arg(&stage.root).arg(mounts);
    let (user, group) = stage.owner();
    command.args([&format!("{user}:{group}"), stage.groups(), stage.workdir, text]);
    command.env_clear().env("PATH", PATH).envs(&stage.variables);
    ended(&mut command)
}

fn ended(command: &mut Command) -> Outcome<()> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{command:?}: {error}"))?;
    let text = || String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err(format!("{command:?}: {} {}", output.status, text())) }
}
