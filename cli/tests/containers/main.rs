//! The life of containers, with real namespaces: run, publish, log, exec, stop, restart, limits, volumes, copies.
#![allow(clippy::print_stderr)]

#[path = "../fixture/mod.rs"]
mod fixture;
mod health;
mod remains;
mod verbs;

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use fixture::{buildc, root_and_busybox, run};

const IMAGE: &str = "localhost/busybox";

/// A store with the base image; containers that a failed test left are removed with it.
struct Host {
    dir: tempfile::TempDir,
    store: PathBuf,
}

impl Host {
    fn new() -> Option<Self> {
        if !root_and_busybox("containers") {
            return None;
        }
        let dir = tempfile::tempdir().expect("a directory");
        let store = fixture::store_with_base(dir.path());
        Some(Self { dir, store })
    }

    fn buildc(&self, words: &[&str]) -> Result<String, String> {
        run(buildc(&self.store).args(words))
    }

    fn output(&self, words: &[&str]) -> Output {
        buildc(&self.store).args(words).output().expect("buildc runs")
    }

    /// Exit code of a `run --rm` without network.
    fn code(&self, words: &[&str]) -> Option<i32> {
        self.output(&[&["run", "--rm", "--network", "none"], words].concat()).status.code()
    }

    /// Standard output of a `run --rm` without network.
    fn run(&self, words: &[&str]) -> String {
        self.buildc(&[&["run", "--rm", "--network", "none"], words].concat()).expect("it runs")
    }

    fn inspect(&self, name: &str, template: &str) -> String {
        self.buildc(&["inspect", "-f", template, name]).expect("inspect").trim().to_owned()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let names = self.buildc(&["ps", "-aq"]).unwrap_or_default();
        for name in names.lines() {
            let _ = self.buildc(&["rm", "-f", name]);
        }
    }
}

fn eventually(what: &str, mut ready: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !ready() {
        assert!(Instant::now() < end, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn get(port: u16) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.write_all(b"GET /index.html HTTP/1.0\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    text.contains("200 OK").then_some(text)
}

#[test]
fn a_server_in_the_background_answers_is_seen_and_stops() {
    let Some(host) = Host::new() else { return };
    let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let publish = format!("127.0.0.1:{port}:80");
    let server = "mkdir /www; echo \"hello $WHO\" >/www/index.html; exec httpd -f -p 80 -h /www";
    let words = [
        "run", "-d", "--name", "web", "-p", &publish, "-e", "WHO=you", "-l", "a=b", IMAGE, "sh", "-c", server,
    ];
    let id = host.buildc(&words).expect("run");
    assert_eq!(id.trim().len(), 64);
    let mut answer = None;
    eventually("an answer", || {
        answer = get(port);
        answer.is_some()
    });
    assert!(answer.is_some_and(|text| text.contains("hello you")));
    assert_eq!(host.inspect("web", "{{.State.Running}} {{.Config.Labels.a}}"), "true b");
    assert_eq!(
        host.buildc(&["exec", "-e", "X=1", "web", "sh", "-c", "echo $X$WHO; exit 0"]).as_deref(),
        Ok("1you\n")
    );
    assert_eq!(host.output(&["exec", "web", "nothing"]).status.code(), Some(127));
    let taken = host.output(&["run", "--name", "second", "-p", &publish, IMAGE, "true"]);
    assert_eq!(taken.status.code(), Some(125), "the port is taken");
    assert_eq!(host.inspect("second", "{{.State.Status}}"), "created");
    assert_eq!(host.output(&["run", "--name", "web", IMAGE, "true"]).status.code(), Some(125));
    assert!(host.buildc(&["rm", "web"]).is_err(), "it runs");
    host.buildc(&["stop", "-t", "1", "web"]).expect("stop");
    assert_eq!(host.inspect("web", "{{.State.Status}} {{.State.Pid}}"), "exited 0");
    // Another test may have been given the port meanwhile.
    assert!(get(port).is_none_or(|text| !text.contains("hello you")));
    host.buildc(&["start", "web"]).expect("start");
    eventually("an answer", || get(port).is_some());
    host.buildc(&["rm", "-f", "web"]).expect("rm");
    assert!(host.buildc(&["inspect", "web"]).is_err());
}

#[test]
fn exit_codes_are_dockers() {
    let Some(host) = Host::new() else { return };
    assert_eq!(host.code(&[IMAGE, "sh", "-c", "exit 7"]), Some(7));
    // Process 1 cannot be killed from inside; under an init the command is not process 1.
    assert_eq!(host.code(&["--init", IMAGE, "sh", "-c", "kill -9 $$"]), Some(137));
    assert_eq!(host.code(&[IMAGE, "no-such-program"]), Some(127));
    assert_eq!(host.code(&[IMAGE, "/etc/passwd"]), Some(126));
    assert_eq!(host.code(&["-u", "stranger", IMAGE, "true"]), Some(125));
    assert_eq!(host.code(&["-p", "x", IMAGE, "true"]), Some(125));
    assert_eq!(host.buildc(&["ps", "-aq"]).as_deref(), Ok(""), "--rm removes even what never started");
}

#[test]
fn output_input_environment_and_user() {
    let Some(host) = Host::new() else { return };
    let output =
        host.output(&["run", "--rm", "--network", "none", IMAGE, "sh", "-c", "echo out; echo err >&2"]);
    assert_eq!(
        (output.stdout.as_slice(), output.stderr.as_slice()),
        (b"out\n".as_slice(), b"err\n".as_slice())
    );
    let mut cat = buildc(&host.store)
        .args(["run", "--rm", "-i", "--network", "none", IMAGE, "cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let text = "line\n".repeat(20_000);
    let mut stdin = cat.stdin.take().expect("a pipe");
    let sent = text.clone();
    let sender = std::thread::spawn(move || stdin.write_all(sent.as_bytes()));
    let got = cat.wait_with_output().expect("it ends");
    sender.join().expect("a thread").expect("all is sent");
    assert_eq!(got.stdout.len(), text.len());
    let env = host.dir.path().join("env");
    fs::write(&env, "A=file\nB=file\n").expect("a file");
    let env = env.to_string_lossy();
    let words = ["--env-file", &env, "-e", "A=option", "-u", "app", "-w", "/new/dir", IMAGE];
    let script = "echo $A $B $HOME; id -u; pwd; echo to-stdout >/dev/stdout";
    let got = host.run(&[&words[..], &["sh", "-c", script]].concat());
    assert_eq!(got, "option file /home\n1000\n/new/dir\nto-stdout\n");
}

#[test]
fn logs_keep_streams_and_order() {
    let Some(host) = Host::new() else { return };
    let script = "for i in 1 2 3; do echo out$i; done; echo err >&2; sleep 0.2; printf partial";
    host.buildc(&["run", "-d", "--name", "talk", "--network", "none", IMAGE, "sh", "-c", script])
        .expect("run");
    let followed = host.output(&["logs", "-f", "talk"]);
    assert_eq!(followed.stdout, b"out1\nout2\nout3\npartial");
    assert_eq!(followed.stderr, b"err\n");
    assert_eq!(host.buildc(&["logs", "--tail", "1", "talk"]).as_deref(), Ok("partial"));
    let timed = host.buildc(&["logs", "-t", "--tail", "1", "talk"]).expect("logs");
    assert!(timed.contains('T') && timed.contains("Z partial"), "{timed}");
    assert_eq!(host.buildc(&["wait", "talk"]).as_deref(), Ok("0\n"));
}

#[test]
fn stop_signals_kill_and_restart_policies() {
    let Some(host) = Host::new() else { return };
    let trap = "trap 'exit 33' USR1; while :; do sleep 0.05; done";
    let words = [
        "run",
        "-d",
        "--name",
        "polite",
        "--network",
        "none",
        "--stop-signal",
        "USR1",
        "--restart",
        "always",
    ];
    host.buildc(&[&words[..], &[IMAGE, "sh", "-c", trap]].concat()).expect("run");
    host.buildc(&["stop", "polite"]).expect("stop");
    assert_eq!(host.inspect("polite", "{{.State.Status}} {{.State.ExitCode}}"), "exited 33");
    assert!(host.buildc(&["kill", "polite"]).is_err(), "a stopped container cannot be killed");
    host.buildc(&["run", "-d", "--name", "victim", "--network", "none", IMAGE, "sleep", "60"]).expect("run");
    host.buildc(&["kill", "victim"]).expect("kill");
    assert_eq!(host.buildc(&["wait", "victim"]).as_deref(), Ok("137\n"));
    let words = ["run", "-d", "--name", "again", "--network", "none", "--restart", "on-failure:2", IMAGE];
    host.buildc(&[&words[..], &["sh", "-c", "echo run; exit 3"]].concat()).expect("run");
    assert_eq!(host.buildc(&["wait", "again"]).as_deref(), Ok("3\n"));
    assert_eq!(host.buildc(&["logs", "again"]).as_deref(), Ok("run\nrun\nrun\n"));
    assert_eq!(host.inspect("again", "{{.RestartCount}}"), "2");
}

#[test]
fn a_killed_monitor_leaves_an_exited_container() {
    let Some(host) = Host::new() else { return };
    host.buildc(&["run", "-d", "--name", "orphan", "--network", "none", IMAGE, "sleep", "60"]).expect("run");
    let pid = host.inspect("orphan", "{{.State.Pid}}");
    let monitor = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let monitor =
        monitor.lines().find_map(|line| line.strip_prefix("PPid:")).expect("a parent").trim().to_owned();
    let before = humantime::format_rfc3339_nanos(std::time::SystemTime::now()).to_string();
    run(Command::new("kill").args(["-9", &monitor])).expect("kill");
    eventually("the end", || host.inspect("orphan", "{{.State.Status}} {{.State.ExitCode}}") == "exited 137");
    let finished = host.inspect("orphan", "{{.State.FinishedAt}}");
    assert!(finished > before, "it ended at {finished}, before it was killed at {before}");
    assert_eq!(host.inspect("orphan", "{{.State.FinishedAt}}"), finished);
    eventually("its process's end", || !PathBuf::from(format!("/proc/{pid}")).exists());
    host.buildc(&["start", "orphan"]).expect("it can be started again");
    host.buildc(&["rm", "-f", "orphan"]).expect("rm");
}

#[test]
fn limits_and_read_only_roots() {
    let Some(host) = Host::new() else { return };
    let words = ["run", "--name", "eater", "--network", "none", "-m", "16m", "--memory-swap", "16m", IMAGE];
    let eat = host.output(&[&words[..], &["sh", "-c", "x=a; while :; do x=$x$x; done"]].concat());
    assert_eq!(eat.status.code(), Some(137));
    assert_eq!(host.inspect("eater", "{{.State.OOMKilled}}"), "true");
    let script =
        "touch /x 2>/dev/null || echo refused; touch /tmp/x && echo tmp; echo x >>/etc/hosts && echo hosts";
    let got = host.run(&["--read-only", "--tmpfs", "/tmp:size=1m", IMAGE, "sh", "-c", script]);
    assert_eq!(got, "refused\ntmp\nhosts\n");
}

#[test]
fn the_hosts_kernel_parameters_are_out_of_reach() {
    let Some(host) = Host::new() else { return };
    let own = ["--sysctl", "net.core.somaxconn=77", IMAGE, "cat", "/proc/sys/net/core/somaxconn"];
    assert_eq!(host.run(&own), "77\n");
    let before = fs::read_to_string("/proc/sys/kernel/panic").expect("a parameter");
    for network in ["none", "host"] {
        let refused = if network == "host" { "net.core.somaxconn=77" } else { "kernel.panic=77" };
        let words = ["run", "--rm", "--network", network, "--sysctl", refused, IMAGE, "true"];
        assert_eq!(host.output(&words).status.code(), Some(125), "{refused}");
    }
    assert_eq!(fs::read_to_string("/proc/sys/kernel/panic").expect("a parameter"), before);
}

#[test]
fn a_pipeline_ends_with_its_reader() {
    let Some(host) = Host::new() else { return };
    let mut yes = buildc(&host.store)
        .args(["run", "--rm", "--network", "none", IMAGE, "yes"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it runs");
    let mut line = [0; 2];
    let mut stdout = yes.stdout.take().expect("a pipe");
    std::io::Read::read_exact(&mut stdout, &mut line).expect("a line");
    drop(stdout);
    eventually("the end", || yes.try_wait().expect("a status").is_some());
}

#[test]
fn volumes_are_filled_once_and_outlive_containers() {
    let Some(host) = Host::new() else { return };
    let got =
        host.run(&["-v", "data:/etc", IMAGE, "sh", "-c", "cat /etc/passwd | wc -l; echo new >/etc/passwd"]);
    assert_eq!(got.trim(), "2");
    assert_eq!(host.run(&["-v", "data:/etc:ro", IMAGE, "cat", "/etc/passwd"]), "new\n");
    assert_eq!(host.run(&["-v", "/anonymous", IMAGE, "ls", "/anonymous"]), "");
    assert_eq!(host.buildc(&["volume", "ls", "-q"]).as_deref(), Ok("data\n"), "--rm took the anonymous one");
    let bind = format!("{}:/bound", host.dir.path().display());
    host.run(&["-v", &bind, IMAGE, "touch", "/bound/touched"]);
    assert!(host.dir.path().join("touched").exists());
    host.buildc(&["create", "--name", "holder", "-v", "data:/d", IMAGE, "true"]).expect("create");
    assert!(host.buildc(&["volume", "rm", "data"]).is_err(), "a container holds it");
    host.buildc(&["volume", "create", "--label", "kind=spare", "spare"]).expect("volume create");
    let listed = |filter: &str| host.buildc(&["volume", "ls", "-q", "--filter", filter]);
    for (filter, want) in [
        ("name=par", "spare\n"),
        ("label=kind=spare", "spare\n"),
        ("label=kind=x", ""),
        ("dangling=true", "spare\n"),
        ("dangling=false", "data\n"),
        ("driver=local", "data\nspare\n"),
    ] {
        assert_eq!(listed(filter).as_deref(), Ok(want), "{filter}");
    }
    assert!(listed("colour=red").is_err());
    host.buildc(&["volume", "rm", "spare"]).expect("volume rm");
    let names = host.buildc(&["container", "ls", "-a", "--format", "{{.Names}}"]);
    assert_eq!(names.as_deref(), Ok("holder\n"));
    host.buildc(&["container", "rm", "holder"]).expect("rm");
    host.buildc(&["volume", "rm", "data"]).expect("volume rm");
}

#[test]
fn copies_go_both_ways_running_or_not() {
    let Some(host) = Host::new() else { return };
    let tree = host.dir.path().join("tree");
    fs::create_dir_all(tree.join("sub")).expect("a tree");
    fs::write(tree.join("sub/file"), "content").expect("a file");
    let out = host.dir.path().join("out");
    let text = |path: &std::path::Path| path.to_string_lossy().into_owned();
    for state in ["created", "running"] {
        let name = format!("copy-{state}");
        host.buildc(&["create", "--name", &name, "--network", "none", IMAGE, "sleep", "60"]).expect("create");
        if state == "running" {
            host.buildc(&["start", &name]).expect("start");
        }
        host.buildc(&["cp", &text(&tree), &format!("{name}:/tmp")]).expect("into a directory");
        host.buildc(&["cp", &format!("{}/.", text(&tree)), &format!("{name}:/tmp/fresh")])
            .expect("a new name");
        let back = out.join(state);
        fs::create_dir_all(&back).expect("a directory");
        host.buildc(&["cp", &format!("{name}:/tmp/tree/sub/file"), &text(&back)]).expect("a file");
        host.buildc(&["cp", &format!("{name}:/tmp/fresh"), &text(&back.join("named"))]).expect("a tree");
        assert_eq!(fs::read_to_string(back.join("file")).ok().as_deref(), Some("content"));
        assert_eq!(fs::read_to_string(back.join("named/sub/file")).ok().as_deref(), Some("content"));
        let tar = host.output(&["cp", &format!("{name}:/tmp/tree/."), "-"]);
        assert!(tar.status.success() && tar.stdout.len() >= 1024);
        assert!(host.buildc(&["cp", &format!("{name}:/no/such"), &text(&back)]).is_err());
        host.buildc(&["rm", "-f", &name]).expect("rm");
    }
}
