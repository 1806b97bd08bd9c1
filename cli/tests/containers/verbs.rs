//! Verbs and their unusual uses, as people know them from Docker.

use std::fs;
use std::process::{Command, Stdio};

use crate::fixture::buildc;
use crate::{Host, IMAGE, eventually};

fn sleeper(host: &Host, name: &str) {
    host.buildc(&["run", "-d", "--name", name, "--network", "none", IMAGE, "sleep", "60"]).expect("run");
}

#[test]
fn exec_keeps_all_output_of_one_file() {
    let Some(host) = Host::new() else { return };
    sleeper(&host, "web");
    let file = host.dir.path().join("output");
    for round in 0..20 {
        // One open file for both streams and several commands, as a shell's `> file 2>&1` makes it.
        let output = fs::File::create(&file).expect("a file");
        for (line, stream) in [("one", ""), ("two", ">&2"), ("three", "")] {
            let script = format!("cat; echo {line}{round} {stream}");
            let mut command = buildc(&host.store);
            command.args(["exec", "-i", "web", "sh", "-c", &script]).stdin(Stdio::null());
            command.stdout(output.try_clone().expect("a copy")).stderr(output.try_clone().expect("a copy"));
            assert!(command.status().expect("it runs").success());
        }
        let text = fs::read_to_string(&file).expect("a file");
        assert_eq!(text, format!("one{round}\ntwo{round}\nthree{round}\n"));
    }
}

#[test]
fn exec_takes_place_user_and_variables() {
    let Some(host) = Host::new() else { return };
    sleeper(&host, "web");
    let exec = |words: &[&str]| host.buildc(&[&["exec"], words].concat());
    assert_eq!(
        exec(&["-w", "/etc", "-u", "app:staff", "web", "sh", "-c", "pwd; id -u; id -G"]).as_deref(),
        Ok("/etc\n1000\n50\n")
    );
    let missing = host.output(&["exec", "-w", "/not/there", "web", "pwd"]);
    assert_eq!(missing.status.code(), Some(125));
    assert!(exec(&["web", "ls", "/not"]).is_err(), "exec makes no directories");
    assert_eq!(host.output(&["exec", "web", "/etc"]).status.code(), Some(126));
    assert_eq!(host.output(&["exec", "web", "sh", "-c", "kill -9 $$"]).status.code(), Some(137));
    exec(&["-d", "web", "touch", "/tmp/detached"]).expect("exec -d");
    eventually("the file", || exec(&["web", "ls", "/tmp/detached"]).is_ok());
    host.buildc(&["stop", "-t", "0", "web"]).expect("stop");
    assert_eq!(host.output(&["exec", "web", "true"]).status.code(), Some(1), "as Docker's");
}

#[test]
fn the_primary_group_is_a_supplementary_one_too() {
    let Some(host) = Host::new() else { return };
    for (user, groups) in
        [("app", "1001 50"), ("app:staff", "50"), ("1234", "0"), ("77:88", "88"), ("root", "0")]
    {
        let got = host.run(&["-u", user, IMAGE, "sh", "-c", "grep ^Groups: /proc/self/status"]);
        let got: Vec<&str> = got.split_whitespace().skip(1).collect();
        let mut want: Vec<&str> = groups.split(' ').collect();
        want.sort_by_key(|group| group.parse::<u32>().unwrap_or(0));
        assert_eq!(got, want, "{user}");
    }
}

#[test]
fn renamed_started_twice_looked_into() {
    let Some(host) = Host::new() else { return };
    sleeper(&host, "web");
    host.buildc(&["start", "web"]).expect("a running container is started already");
    let top = host.buildc(&["top", "web"]).expect("top");
    assert!(
        top.lines().next().is_some_and(|heads| heads.contains("PID")) && top.contains("sleep 60"),
        "{top}"
    );
    assert_eq!(top.lines().count(), 2, "{top}");
    assert!(host.buildc(&["top", "web", "-o", "comm"]).is_err(), "no pid, no rows");
    host.buildc(&["rename", "web", "other"]).expect("rename");
    assert_eq!(host.inspect("other", "{{.Name}}"), "/other");
    assert!(host.buildc(&["rename", "web", "x1"]).is_err());
    sleeper(&host, "web");
    assert!(host.buildc(&["rename", "other", "web"]).is_err(), "the name is taken");
    let names = |filter: &str| host.buildc(&["ps", "-a", "--filter", filter, "--format", "{{.Names}}"]);
    assert_eq!(names("since=other").as_deref(), Ok("web\n"));
    assert_eq!(names("before=web").as_deref(), Ok("other\n"));
    assert_eq!(names("name=^web$").as_deref(), Ok("web\n"));
    assert_eq!(names("name=the").as_deref(), Ok("other\n"));
    assert_eq!(names("name=^the").as_deref(), Ok(""));
    assert!(names("since=nobody").is_err());
}

#[test]
fn ports_are_published_in_every_spelling() {
    let Some(host) = Host::new() else { return };
    let free = |count: u16| {
        // A range of free ports somewhere above the usual servers'.
        (20_000..40_000u16)
            .step_by(64)
            .find(|first| (0..count).all(|n| std::net::TcpListener::bind(("0.0.0.0", first + n)).is_ok()))
    };
    let first = free(8).expect("free ports");
    let (range, udp) =
        (format!("{first}-{}:7000-7001", first + 1), format!("127.0.0.1:{}:53/udp", first + 2));
    let (any, v6) = (format!("{}-{}:90", first, first + 7), format!("[::1]:{}:91", first + 5));
    let words = ["run", "-d", "--name", "ports", "-p", &range, "-p", &udp, "-p", &any, "-p", &v6, "-p", "92"];
    let server = "nc -ll -p 7001 -e echo seven & nc -ll -p 91 -e echo ninety; sleep 60";
    host.buildc(&[&words[..], &[IMAGE, "sh", "-c", server]].concat()).expect("run");
    let lines = host.buildc(&["port", "ports"]).expect("port");
    for line in [
        format!("7000/tcp -> 0.0.0.0:{first}"),
        format!("7001/tcp -> [::]:{}", first + 1),
        format!("53/udp -> 127.0.0.1:{}", first + 2),
        format!("90/tcp -> 0.0.0.0:{}", first + 2),
        format!("91/tcp -> [::1]:{}", first + 5),
    ] {
        assert!(lines.lines().any(|l| l == line), "`{line}` is not among\n{lines}");
    }
    assert!(lines.contains("92/tcp -> 0.0.0.0:"), "{lines}");
    assert_eq!(host.buildc(&["port", "ports", "53/udp"]), Ok(format!("127.0.0.1:{}\n", first + 2)));
    assert!(host.buildc(&["port", "ports", "53"]).is_err(), "that is another protocol");
    let answer = |address: &str, port: u16| {
        let port = port.to_string();
        let output =
            Command::new("busybox").args(["nc", "-w", "2", address, &port]).stdin(Stdio::null()).output();
        output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
    };
    eventually("an answer of the range", || answer("127.0.0.1", first + 1) == "seven\n");
    eventually("an answer by IPv6", || answer("::1", first + 5) == "ninety\n");
}

#[test]
fn datagrams_reach_a_published_udp_port_and_answers_their_callers() {
    let Some(host) = Host::new() else { return };
    let port = std::net::UdpSocket::bind("127.0.0.1:0").and_then(|s| s.local_addr()).expect("a port").port();
    let publish = format!("{port}:53/udp");
    let words = ["run", "-d", "--name", "names", "-p", &publish];
    host.buildc(&[&words[..], &crate::fixture::udp_server(IMAGE)].concat()).expect("run");
    let logs = || host.buildc(&["logs", "names"]);
    for caller in ["one", "two"] {
        let answer = crate::fixture::ask_by_udp(port, caller);
        assert_eq!(answer, Some(format!("heard {caller}")), "{:?}", logs());
    }
}

#[test]
fn bad_mounts_are_explained() {
    let Some(host) = Host::new() else { return };
    let file = host.dir.path().join("file");
    fs::write(&file, "text").expect("a file");
    let (file, dir) = (file.to_string_lossy(), host.dir.path().to_string_lossy());
    let mounts = [
        (vec![format!("{file}:/etc")], "the source is a file and the image has a directory there"),
        (vec![format!("{dir}:/etc/passwd")], "the source is a directory and the image has a file there"),
        (vec![format!("{dir}:/a"), format!("{file}:/a")], "two mounts on `/a`"),
        (vec![":/v".to_owned()], "the source is empty"),
        (vec![format!("{dir}:/proc/sys")], "inside the container's /proc"),
        (vec![format!("{dir}:/")], "other than /"),
    ];
    for (volumes, reason) in mounts {
        let mut words = vec!["run", "--rm", "--network", "none"];
        volumes.iter().for_each(|volume| words.extend(["-v", volume]));
        words.extend([IMAGE, "true"]);
        let output = host.output(&words);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(125) && said.contains(reason), "{volumes:?}: {said}");
    }
}

#[test]
fn real_time_signals_stop_containers_as_systemd_wants() {
    let Some(host) = Host::new() else { return };
    for (name, init, script, code) in [
        ("alone", &[][..], "trap 'exit 5' 37; echo ready; while :; do sleep 0.05; done", "5"),
        ("under-init", &["--init"][..], "trap 'exit 5' 37; echo ready; while :; do sleep 0.05; done", "5"),
        ("killed", &["--init"][..], "echo ready; exec sleep 60", "165"),
    ] {
        let start = ["run", "-d", "--name", name, "--network", "none", "--stop-signal", "SIGRTMIN+3"];
        host.buildc(&[&start[..], init, &[IMAGE, "sh", "-c", script]].concat()).expect("run");
        let ready = || host.buildc(&["logs", name]).is_ok_and(|logs| logs.contains("ready"));
        eventually("its first line", ready);
        assert_eq!(host.inspect(name, "{{.Config.StopSignal}}"), "SIGRTMIN+3");
        host.buildc(&["stop", name]).expect("stop");
        assert_eq!(host.inspect(name, "{{.State.ExitCode}}"), code, "{name}");
    }
}
