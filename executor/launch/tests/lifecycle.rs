//! Starting, ending, signals, terminals, entering and limits.

mod support;

use std::fs;
use std::io::{Read, Write};
use std::time::{Duration, Instant};

use buildc_launch::{CgroupSpec, Exit, LaunchError, enter, launch, probe_host, resize_pty};
use support::{Fixture, can_launch, no_stdio, piped, process, run, skip, try_run};

buildc_launch::init_before_tests!();

#[test]
fn exit_codes_and_signals_pass_through() {
    if !can_launch() {
        return;
    }
    let fixture = Fixture::new();
    for code in [0, 1, 42, 255] {
        let (exit, ..) = try_run(&fixture.shell(&format!("exit {code}"))).expect("it starts");
        assert_eq!(exit, Exit::Code(code));
    }
    let mut sleeping = launch(&fixture.command(&["sleep", "100"]), no_stdio()).expect("it starts");
    assert_eq!(sleeping.wait_timeout(Duration::from_millis(20)).expect("waiting"), None);
    assert!(sleeping.pid() > 1 && sleeping.start_time() > 0);
    sleeping.signal(9).expect("a signal");
    let exit = sleeping.wait().expect("the end");
    assert_eq!((exit, exit.status()), (Exit::Signal(9), 137));
}

#[test]
fn programs_that_cannot_run_are_told_apart() {
    if !can_launch() {
        return;
    }
    let fixture = Fixture::new();
    let script = |name: &str, text: &str, mode: u32| {
        use std::os::unix::fs::PermissionsExt;
        let path = fixture.path("lower").join(name);
        fs::write(&path, text).expect(name);
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect(name);
    };
    script("plain", "no program", 0o644);
    script("garbage", "\x01\x02\x03", 0o755);
    script("lost", "#!/no/such/interpreter\n", 0o755);
    for (command, code) in [
        ("nothing", 127),
        ("/no/such", 127),
        ("/lost", 127),
        ("/plain", 126),
        ("/garbage", 126),
        ("/etc", 126),
        ("", 127),
    ] {
        let error = launch(&fixture.command(&[command]), no_stdio()).map(drop).expect_err(command);
        assert_eq!(error.exit_code(), code, "{command}: {error}");
        assert!(error.help().is_some());
    }
    let error = launch(&fixture.command(&[]), no_stdio()).map(drop).expect_err("no command");
    assert!(matches!(error, LaunchError::NotFound(_)));
}

#[test]
fn dropping_kills_everything() {
    if !can_launch() {
        return;
    }
    let fixture = Fixture::new();
    let process = launch(&fixture.shell("sleep 100 & sleep 100"), no_stdio()).expect("it starts");
    let pid = process.pid();
    drop(process);
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
}

#[test]
fn init_reaps_and_forwards() {
    if !can_launch() {
        return;
    }
    let fixture = Fixture::new();
    let mut spec =
        fixture.shell("echo $$; (sleep 0 &); trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done");
    spec.init = true;
    let (mut reader, stdio) = piped();
    let mut process = launch(&spec, stdio).expect("it starts");
    let mut start = [0; 8];
    reader.read_exact(&mut start).expect("output");
    assert_eq!(&start, b"2\nready\n");
    process.signal(15).expect("a signal");
    assert_eq!(process.wait().expect("the end"), Exit::Code(7));
}

#[test]
fn a_terminal_has_a_size_and_is_controlling() {
    if !can_launch() {
        return;
    }
    let fixture = Fixture::new();
    let mut spec =
        fixture.shell("read line; tty; stty size; test -c /dev/console && echo console; echo got $line");
    (spec.process.terminal, spec.init) = (true, true);
    let mut process = launch(&spec, no_stdio()).expect("it starts");
    let master = process.take_pty().expect("a pty");
    assert!(process.take_pty().is_none());
    resize_pty(&master, 33, 111).expect("a size");
    let mut terminal = fs::File::from(master);
    terminal.write_all(b"line\n").expect("input");
    let mut output = Vec::new();
    // The last close of the other side is EIO.
    let _ = terminal.read_to_end(&mut output);
    let output = String::from_utf8_lossy(&output);
    assert_eq!(process.wait().expect("the end"), Exit::Code(0));
    for part in ["/dev/pts/0", "33 111", "console", "got line"] {
        assert!(output.contains(part), "{part}: {output}");
    }
}

#[test]
fn another_process_enters() {
    if !can_launch() {
        return;
    }
    let fixture = Fixture::new();
    let container = launch(&fixture.shell("echo inside > /mark; sleep 100"), no_stdio()).expect("it starts");
    let deadline = Instant::now() + Duration::from_secs(5);
    while !fixture.path("upper/mark").exists() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut spec = process(&["sh", "-c", "cat /mark; hostname; id -u; ps | grep -c 'sleep 100'; exit 3"]);
    spec.uid = 44;
    let (mut reader, stdio) = piped();
    let mut entered = enter(container.pid(), &spec, None, stdio).expect("it enters");
    let mut output = String::new();
    reader.read_to_string(&mut output).expect("output");
    assert_eq!(entered.wait().expect("the end"), Exit::Code(3), "{output}");
    assert!(output.starts_with("inside\nbox\n44\n"), "{output}");
    let error =
        enter(container.pid(), &process(&["nothing"]), None, no_stdio()).map(drop).expect_err("no program");
    assert_eq!(error.exit_code(), 127);
    let pid = container.pid();
    drop(container);
    assert!(enter(pid, &process(&["true"]), None, no_stdio()).is_err());
}

#[test]
fn limits_that_cannot_be_raised_are_reported() {
    if !can_launch() {
        return;
    }
    let fixture = Fixture::new();
    let mut spec = fixture.shell("ulimit -n; ulimit -c");
    spec.process.rlimits = vec![("nofile".to_owned(), 100, 200), ("core".to_owned(), 0, 0)];
    assert_eq!(run(&spec), "100\n0\n");
    spec.process.rlimits = vec![("nofile".to_owned(), 1 << 30, 1 << 30)];
    let (exit, _, process) = try_run(&spec).expect("a limit is never fatal");
    assert_eq!((exit, process.warnings.len()), (Exit::Code(0), 1));
    spec.process.rlimits = vec![("nonsense".to_owned(), 1, 1)];
    assert!(try_run(&spec).is_err());
}

#[test]
fn memory_and_processes_are_limited() {
    if !can_launch() {
        return;
    }
    if let Err(why) = probe_host().cgroup {
        return skip(&format!("this test needs a writable control group: {why}"));
    }
    let fixture = Fixture::new();
    let mut spec = fixture.shell("head -c 64m /dev/zero | tail -c 64m | wc -c");
    spec.cgroup = Some(CgroupSpec {
        name: "test-memory".to_owned(),
        memory_bytes: Some(16 << 20),
        memory_swap_bytes: Some(16 << 20),
        pids: Some(20),
        cpus: Some(1.5),
        ..CgroupSpec::default()
    });
    let (_, output, process) = try_run(&spec).expect("it starts");
    assert!(process.oom_killed(), "{output}");
    drop(process);
    let mut spec = fixture.shell("for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; wait");
    spec.cgroup = Some(CgroupSpec { name: "test-pids".to_owned(), pids: Some(4), ..CgroupSpec::default() });
    let (_, output, process) = try_run(&spec).expect("it starts");
    assert!(output.contains("can't fork"), "{output}");
    assert!(!process.oom_killed());
}

#[test]
fn who_enters_is_limited_too() {
    if !can_launch() {
        return;
    }
    if let Err(why) = probe_host().cgroup {
        return skip(&format!("this test needs a writable control group: {why}"));
    }
    let fixture = Fixture::new();
    let mut spec = fixture.shell("sleep 100");
    spec.cgroup = Some(CgroupSpec { name: "test-enter".to_owned(), pids: Some(4), ..CgroupSpec::default() });
    let container = launch(&spec, no_stdio()).expect("it starts");
    let script = "for i in 1 2 3 4 5 6; do sleep 1 & done; wait";
    let (mut reader, stdio) = piped();
    let mut entered = enter(container.pid(), &process(&["sh", "-c", script]), spec.cgroup.as_ref(), stdio)
        .expect("it enters");
    let mut output = String::new();
    reader.read_to_string(&mut output).expect("output");
    entered.wait().expect("the end");
    assert!(output.contains("can't fork"), "{output}");
}

#[test]
fn inherited_signal_settings_do_not_pass() {
    if !can_launch() {
        return;
    }
    let output = run(&Fixture::new().command(&["grep", "-E", "^Sig(Blk|Ign):", "/proc/self/status"]));
    assert_eq!(output, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

#[test]
fn a_program_found_through_proc_cannot_be_changed() {
    if !can_launch() {
        return;
    }
    let fixture = Fixture::new();
    std::os::unix::fs::symlink("/proc/self/exe", fixture.path("lower/me")).expect("a link");
    let before = fs::metadata(std::env::current_exe().expect("a program")).expect("a file").len();
    let outcome = try_run(&fixture.command(&["/me"])).map(|(exit, output, _)| (exit, output));
    assert!(!matches!(outcome, Ok((Exit::Code(0), _))), "{outcome:?}");
    let after = fs::metadata(std::env::current_exe().expect("a program")).expect("a file").len();
    assert_eq!(before, after);
}

#[test]
fn pidfd_is_readable_at_the_end() {
    if !can_launch() {
        return;
    }
    let fixture = Fixture::new();
    let mut process = launch(&fixture.command(&["true"]), no_stdio()).expect("it starts");
    let mut watched = [nix::poll::PollFd::new(process.pidfd(), nix::poll::PollFlags::POLLIN)];
    assert_eq!(nix::poll::poll(&mut watched, 5_000u16), Ok(1));
    assert_eq!(process.wait().expect("the end"), Exit::Code(0));
}
