//! The launcher as an unprivileged user, and what remains when it is killed. Has a `main` of its own, because the
//! user namespace must be entered before there is a second thread.
#![allow(clippy::print_stdout)]

mod support;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio as Pipe};
use std::time::{Duration, Instant};

use buildc_launch::{Exit, RootFs, enter, enter_user_namespace, init_if_requested, launch};
use support::{Fixture, can_launch, no_stdio, run, skip};

/// A user that no system has.
const USER: u32 = 54_321;

fn main() {
    init_if_requested();
    let argument = std::env::args().nth(1).unwrap_or_default();
    match argument.as_str() {
        "case:ids" => user_with_ids(),
        "case:single" => user_without_ids(),
        "case:pair" => two_commands(),
        "case:join" => second_command(),
        "case:linger" => linger(),
        // What cargo asks of every test program.
        "--list" => {}
        _ if can_launch() => {
            as_user("case:ids", true);
            as_user("case:single", false);
            as_user("case:pair", true);
            killed_command_leaves_nothing();
            println!("rootless: ok");
        }
        _ => {}
    }
}

/// Runs one of the cases below as a user that exists only in a mount namespace of the test.
fn as_user(case: &str, subordinate: bool) {
    if !["/usr/bin/setpriv", "/usr/bin/newuidmap", "/etc/subuid"].iter().all(|path| Path::new(path).exists())
    {
        return skip("this test needs setpriv, newuidmap and /etc/subuid");
    }
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name);
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).expect("open to all");
    fs::copy(std::env::current_exe().expect("a program"), path("program")).expect("a copy");
    fs::set_permissions(path("program"), fs::Permissions::from_mode(0o755)).expect("executable");
    let ids = if subordinate { "tester:700000:65536\n" } else { "" };
    fs::write(path("subid"), ids).expect("ids");
    let passwd = fs::read_to_string("/etc/passwd").expect("passwd");
    fs::write(path("passwd"), format!("{passwd}tester:x:{USER}:{USER}::/:/bin/sh\n")).expect("passwd");
    let script = format!(
        "cd {0}; mount --bind subid /etc/subuid && mount --bind subid /etc/subgid && mount --bind passwd /etc/passwd \
         && exec setpriv --reuid {USER} --regid {USER} --clear-groups env -u XDG_RUNTIME_DIR TMPDIR={0} ./program {case}",
        directory.path().display()
    );
    let status = Command::new("unshare").args(["-m", "sh", "-c", &script]).status().expect("unshare");
    assert!(status.success(), "{case}: {status}");
}

fn rootless_spec(fixture: &Fixture, script: &str) -> buildc_launch::LaunchSpec {
    let mut spec = fixture.shell(script);
    if let RootFs::Overlay { userxattr, .. } = &mut spec.rootfs {
        *userxattr = true;
    }
    spec
}

fn user_with_ids() {
    let namespace = enter_user_namespace().expect("a user namespace");
    assert!(namespace.rootless);
    assert_eq!(namespace.ids, 65_537);
    let fixture = Fixture::new();
    let mut spec = rootless_spec(
        &fixture,
        "id -u; id -G; touch /made; echo x > /dev/null; grep CapEff /proc/self/status",
    );
    assert_eq!(run(&spec), "0\n0\nCapEff:\t00000000a80425fb\n");
    spec = rootless_spec(&fixture, "id -u; id -G; mkdir /tmp");
    (spec.process.uid, spec.process.gid, spec.process.groups) = (33, 34, vec![35]);
    let (_, output, _) = support::try_run(&spec).expect("it starts");
    assert!(output.starts_with("33\n34 35\n"), "{output}");
    spec = rootless_spec(&fixture, "cat /proc/self/oom_score_adj; test -t 0 && tty");
    (spec.process.oom_score_adj, spec.process.terminal, spec.init) = (Some(500), true, true);
    let mut process = launch(&spec, no_stdio()).expect("it starts");
    let mut terminal = fs::File::from(process.take_pty().expect("a pty"));
    let mut output = String::new();
    let _ = terminal.read_to_string(&mut output);
    assert_eq!((process.wait().expect("the end"), process.warnings.as_slice()), (Exit::Code(0), &[][..]));
    assert_eq!(output, "500\r\n/dev/pts/0\r\n");
    // A second command of the same user finds the first one's namespace.
    let ours = fs::read_link("/proc/self/ns/user").expect("a namespace");
    let again = enter_user_namespace().expect("the same");
    assert!(again.rootless);
    assert_eq!(fs::read_link("/proc/self/ns/user").expect("a namespace"), ours);
}

fn user_without_ids() {
    let namespace = enter_user_namespace().expect("a user namespace");
    assert_eq!((namespace.rootless, namespace.ids), (true, 1));
    let fixture = Fixture::new();
    assert_eq!(run(&rootless_spec(&fixture, "id -u; hostname")), "0\nbox\n");
    let mut spec = rootless_spec(&fixture, "true");
    spec.process.uid = 33;
    let error = support::try_run(&spec).map(|(exit, ..)| exit).expect_err("no such id");
    assert!(error.help().is_some_and(|help| help.contains("/etc/subuid")), "{error}");
}

/// One command runs a container, another one of the same user signals and enters it.
fn two_commands() {
    let program = std::env::current_exe().expect("a program");
    let mut second = Command::new(program).arg("case:join").stdin(Pipe::piped()).spawn().expect("a command");
    enter_user_namespace().expect("a user namespace");
    let fixture = Fixture::new();
    let mut spec = rootless_spec(&fixture, "sleep 1000");
    spec.process.uid = 33;
    let mut process = launch(&spec, no_stdio()).expect("it starts");
    let mut input = second.stdin.take().expect("input");
    writeln!(input, "{}", process.pid()).expect("the pid");
    drop(input);
    assert!(second.wait().expect("the end").success());
    assert_eq!(process.wait().expect("the end"), Exit::Signal(9));
}

fn second_command() {
    let mut pid = String::new();
    std::io::stdin().read_to_string(&mut pid).expect("the pid");
    let pid = pid.trim().parse().expect("a number");
    enter_user_namespace().expect("the first command's namespace");
    let (mut reader, stdio) = support::piped();
    let spec = support::process(&["sh", "-c", "hostname; id -u"]);
    let mut process = enter(pid, &spec, None, stdio).expect("it enters");
    let mut output = String::new();
    reader.read_to_string(&mut output).expect("output");
    assert_eq!((process.wait().expect("the end"), output.as_str()), (Exit::Code(0), "box\n0\n"));
    let killed = Command::new("kill").args(["-9", &pid.to_string()]).status().expect("kill");
    assert!(killed.success());
}

/// A command with a container, to be killed.
fn linger() {
    let fixture = Fixture::new();
    let mut process = launch(&fixture.shell("sleep 1000 & sleep 1000"), no_stdio()).expect("it starts");
    println!("{} {}", process.pid(), fixture.dir.path().display());
    assert_eq!(process.wait().expect("the end"), Exit::Signal(9));
}

fn killed_command_leaves_nothing() {
    let program = std::env::current_exe().expect("a program");
    let mut command =
        Command::new(program).arg("case:linger").stdout(Pipe::piped()).spawn().expect("a command");
    let mut line = String::new();
    let output = command.stdout.as_mut().expect("output");
    while !line.ends_with('\n') {
        let mut byte = [0];
        output.read_exact(&mut byte).expect("a line");
        line.push(char::from(byte[0]));
    }
    let (pid, directory) = line.trim().split_once(' ').expect("pid and directory");
    command.kill().expect("killed");
    command.wait().expect("the end");
    let deadline = Instant::now() + Duration::from_secs(5);
    let container = format!("/proc/{pid}/root/bin/busybox");
    while Path::new(&container).exists() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(!Path::new(&container).exists(), "the container survives");
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("mounts");
    assert!(!mounts.contains(directory), "{mounts}");
    let _ = fs::remove_dir_all(directory);
}
