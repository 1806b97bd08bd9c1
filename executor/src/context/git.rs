//! Calls of the git program: which commit a ref is, and a checkout of it. A checkout has no history: only the commit that
//! was asked for is fetched, where the server allows that. Git is ended when what it writes takes too much of the disk, or
//! nobody wants it any more.

use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid};

use buildc_ir::git::{GitRemote, is_commit};

use super::{ContextError, incoming};
use crate::cancel::Cancel;

/// How often it is asked whether what git does is still wanted.
const ASKED_EVERY: Duration = Duration::from_millis(50);
/// How often what git has written is measured while it runs.
const MEASURED_EVERY: Duration = Duration::from_millis(500);
/// How long git may take to end itself.
const GRACE: Duration = Duration::from_secs(2);
const CANCELLED: &str = "git was ended, since nobody waits for it";
/// All refs of a remote, as `git fetch` has it.
const EVERYTHING: &str = "+refs/*:refs/remotes/origin/*";

/// The commit that a ref of a repository is now; the default branch where it is empty. A branch goes before a tag of the
/// same name, as `git checkout` has it.
///
/// # Errors
/// When git is not installed, the repository cannot be asked, or has no such ref.
pub fn commit_of(remote: &GitRemote) -> Result<String, ContextError> {
    if is_commit(&remote.reference) {
        return Ok(remote.reference.clone());
    }
    refuse_options(remote)?;
    if is_beginning_of_commit(remote) {
        return begun_commit(remote);
    }
    let name = if remote.reference.is_empty() { "HEAD" } else { remote.reference.as_str() };
    let here = std::env::temp_dir();
    let peeled = format!("{name}^{{}}");
    let words = ["ls-remote", "--", &remote.url, name, &peeled];
    let listed = finished(remote, &words, git(&here, &words).output())?;
    let lines: Vec<(&str, &str)> = listed.lines().filter_map(|line| line.split_once('\t')).collect();
    let meant = [
        // What an annotated tag points to goes before the tag.
        format!("{name}^{{}}"),
        name.to_owned(),
        format!("refs/heads/{name}"),
        format!("refs/tags/{name}^{{}}"),
        format!("refs/tags/{name}"),
        format!("refs/{name}"),
    ];
    meant
        .iter()
        .find_map(|meant| lines.iter().find(|(_, listed)| listed == meant))
        .map(|(commit, _)| (*commit).to_owned())
        .filter(|commit| is_commit(commit))
        .ok_or_else(|| failed(remote, format!("it has no ref `{name}`")))
}

/// The commit that an address names by its beginning alone. A server is asked by whole names only, so that all commits are
/// fetched.
fn begun_commit(remote: &GitRemote) -> Result<String, ContextError> {
    let dir = incoming::directory(&remote.url)?;
    let limit = incoming::limit_bytes(&remote.url)?;
    let run = |words: &[&str]| run(remote, dir.path(), limit, None, words);
    run(&["init", "--quiet", "--bare"])?;
    run(&["remote", "add", "origin", &remote.url])?;
    run(&["fetch", "--quiet", "origin", EVERYTHING])?;
    let begun = format!("{}^{{commit}}", remote.reference);
    let found = run(&["rev-parse", "--verify", "--end-of-options", &begun]);
    let found = found.map(|found| found.lines().last().unwrap_or_default().trim().to_owned());
    found.ok().filter(|commit| is_commit(commit)).ok_or_else(|| {
        failed(remote, format!("it has no commit that begins with `{}`, or several", remote.reference))
    })
}

fn refuse_options(remote: &GitRemote) -> Result<(), ContextError> {
    // A ref that looks like an option would be one.
    if remote.reference.starts_with('-') || remote.url.starts_with('-') {
        return Err(failed(remote, "a name must not begin with `-`".to_owned()));
    }
    Ok(())
}

/// Checks a repository out into an empty directory, where it may take so many bytes; the time of the commit, in Unix seconds.
/// Once `cancel` is set it fails; without it git ends with whoever is at the terminal.
pub(crate) fn check_out(
    remote: &GitRemote,
    dir: &Path,
    limit_bytes: u64,
    cancel: Option<&Cancel>,
) -> Result<i64, ContextError> {
    refuse_options(remote)?;
    let run = |remote: &GitRemote, dir: &Path, words: &[&str]| match cancel.is_some_and(Cancel::is_cancelled)
    {
        true => Err(failed(remote, CANCELLED.to_owned())),
        false => run(remote, dir, limit_bytes, cancel, words),
    };
    let wanted = if remote.reference.is_empty() { "HEAD" } else { &remote.reference };
    run(remote, dir, &["init", "--quiet"])?;
    run(remote, dir, &["remote", "add", "origin", &remote.url])?;
    let shallow = run(remote, dir, &["fetch", "--quiet", "--depth", "1", "origin", wanted]);
    let is_shallow = shallow.is_ok();
    let commit = match shallow {
        Ok(_) => "FETCH_HEAD",
        // A server may refuse to give a commit by its name alone, and does not know a shortened one.
        Err(error) if is_commit(wanted) || is_beginning_of_commit(remote) => {
            run(remote, dir, &["fetch", "--quiet", "--tags", "origin", EVERYTHING]).map_err(|_| error)?;
            wanted
        }
        // One that only has files to give cannot leave the history out.
        Err(ContextError::Incoming { .. }) if remote.url.starts_with("http") => {
            run(remote, dir, &["fetch", "--quiet", "origin", wanted])?;
            "FETCH_HEAD"
        }
        Err(error) => return Err(error),
    };
    run(remote, dir, &["checkout", "--quiet", "--detach", commit])?;
    let head = run(remote, dir, &["rev-parse", "HEAD"])?;
    if let Some(expected) = remote.commit.as_deref().filter(|c| !head.trim().starts_with(*c)) {
        return Err(failed(remote, format!("`{wanted}` is commit {}, not {expected}", head.trim())));
    }
    let time = run(remote, dir, &["log", "-1", "--no-show-signature", "--format=%ct"])?;
    let time = time.trim().parse().map_err(|_| failed(remote, "its commit has no time".to_owned()))?;
    if remote.submodules {
        let words = ["submodule", "update", "--quiet", "--init", "--recursive"];
        let depth: &[&str] = if is_shallow { &["--depth", "1"] } else { &[] };
        run(remote, dir, &[&words, depth].concat())?;
    }
    if remote.keep_git_dir != Some(true) {
        std::fs::remove_dir_all(dir.join(".git")).map_err(|e| failed(remote, e.to_string()))?;
    }
    Ok(time)
}

/// Whether the address says which commit is meant by its beginning and by nothing else. As a ref such a beginning is a name like
/// any other, as BuildKit has it.
fn is_beginning_of_commit(remote: &GitRemote) -> bool {
    let text = remote.reference.as_str();
    let is_said = remote.commit.as_deref() == Some(text);
    is_said && (4..64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn failed(remote: &GitRemote, problem: String) -> ContextError {
    ContextError::Incoming { what: remote.url.clone(), problem }
}

/// Git in a directory, with nobody to type a password and nothing of the caller's own repository.
pub(crate) fn git(dir: &Path, words: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(dir).args(["-c", "advice.detachedHead=false"]).args(words);
    // Nobody is there to type a password, and the caller's repository is not this one.
    command.env("GIT_TERMINAL_PROMPT", "0").env_remove("GIT_DIR").env_remove("GIT_WORK_TREE");
    // A hook of git's has these; a checkout would write the index of the repository that is being committed to.
    command.env_remove("GIT_INDEX_FILE").env_remove("GIT_OBJECT_DIRECTORY").env_remove("GIT_COMMON_DIR");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs git in the directory that it writes to, measuring that meanwhile.
fn run(
    remote: &GitRemote,
    dir: &Path,
    limit_bytes: u64,
    cancel: Option<&Cancel>,
    words: &[&str],
) -> Result<String, ContextError> {
    let mut command = git(dir, words);
    if cancel.is_some() {
        // Those that git asks to fetch outlive it, and have to be ended with it. In a group of its own ssh would be stopped
        // where it asks at the terminal.
        command.process_group(0);
        if ["GIT_SSH_COMMAND", "GIT_SSH"].iter().all(|name| std::env::var_os(name).is_none()) {
            command.env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes");
        }
    }
    let mut child = command.spawn().map_err(|e| failed(remote, format!("git: {e}")))?;
    let process = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let (said, complaints) = (child.stdout.take(), child.stderr.take());
    let (ended, end) = bounded::<()>(0);
    let (stdout, stderr, is_over) = std::thread::scope(|scope| {
        let watching = scope.spawn(move || watch(process, dir, limit_bytes, cancel, &end));
        let complaints = scope.spawn(|| everything(complaints));
        let (stdout, stderr) = (everything(said), complaints.join().unwrap_or_default());
        // Waited for, but not yet forgotten by the kernel: its number must not be another's when it is signalled.
        let _ = process.map(|pid| waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT));
        drop(ended);
        (stdout, stderr, watching.join().unwrap_or_default())
    });
    let output = child.wait().map(|status| Output { status, stdout, stderr });
    if is_over || taken_bytes(dir) > limit_bytes {
        return Err(ContextError::TooLarge { what: remote.url.clone(), limit_bytes });
    }
    finished(remote, words, output)
}

/// Ends git, and its process group where that is its own, once it has written too much, which is true then, or once
/// nobody wants it any more; returns when it has ended.
fn watch(
    process: Option<Pid>,
    dir: &Path,
    limit_bytes: u64,
    cancel: Option<&Cancel>,
    end: &Receiver<()>,
) -> bool {
    let mut measured = Instant::now();
    while end.recv_timeout(ASKED_EVERY) == Err(RecvTimeoutError::Timeout) {
        let is_measured = measured.elapsed() >= MEASURED_EVERY;
        let is_over = is_measured && taken_bytes(dir) > limit_bytes;
        let is_cancelled = cancel.is_some_and(Cancel::is_cancelled);
        if let (true, Some(process)) = (is_over || is_cancelled, process) {
            // What has ended meanwhile needs no signal; what is stopped gets one only when it goes on.
            let tell = |signal| match cancel {
                Some(_) => kill_process_group(process, signal),
                None => kill_process(process, signal),
            };
            let _ = (tell(Signal::TERM), tell(Signal::CONT));
            if end.recv_timeout(GRACE) == Err(RecvTimeoutError::Timeout) {
                let _ = tell(Signal::KILL);
            }
            return is_over;
        }
        if is_measured {
            measured = Instant::now();
        }
    }
    false
}

/// What comes out of a pipe until all its writers have ended.
fn everything(pipe: Option<impl Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    // What cannot be read was not said.
    let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
    bytes
}

/// What the files below a directory take of the disk; what vanishes meanwhile takes nothing. Links are not followed.
fn taken_bytes(dir: &Path) -> u64 {
    let (mut bytes, mut open) = (0u64, vec![dir.to_owned()]);
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            bytes = bytes.saturating_add(metadata.blocks().saturating_mul(512));
            if metadata.is_dir() {
                open.push(entry.path());
            }
        }
    }
    bytes
}

/// What git printed, or in one line why it failed.
fn finished(
    remote: &GitRemote,
    words: &[&str],
    output: std::io::Result<Output>,
) -> Result<String, ContextError> {
    let output = output.map_err(|e| failed(remote, format!("git: {e}")))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rfind(|l| !l.trim().is_empty()).unwrap_or("it says nothing");
    Err(failed(remote, format!("git {}: {}", words.first().unwrap_or(&""), last.trim())))
}
