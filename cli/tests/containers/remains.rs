//! What killed commands leave, and how it goes; volumes that several containers use.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use crate::fixture::buildc;
use crate::{Host, IMAGE};

/// Names of a directory of the store, hidden ones with their dot.
fn names(host: &Host, dir: &str) -> Vec<String> {
    let items = fs::read_dir(host.store.join(dir)).into_iter().flatten().flatten();
    items.filter_map(|item| item.file_name().into_string().ok()).collect()
}

#[test]
fn a_killed_create_leaves_nothing_behind() {
    let Some(host) = Host::new() else { return };
    host.buildc(&["create", "--name", "first", IMAGE, "true"]).expect("create");
    let mut halves = 0;
    for round in 0..40u64 {
        let mut child = buildc(&host.store)
            .args(["create", "--name", "half", "-v", "/bin", "-v", "named:/sbin", IMAGE, "true"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        std::thread::sleep(Duration::from_millis(2 + round * 2));
        child.kill().expect("it is killed");
        child.wait().expect("it ends");
        halves += names(&host, "containers").iter().filter(|name| name.starts_with('.')).count();
        let _ = host.buildc(&["rm", "-v", "half"]);
    }
    assert!(halves > 0, "no kill hit the middle of a creation");
    let id = host.buildc(&["create", "--name", "half", IMAGE, "true"]).expect("the name is free");
    assert_eq!(host.buildc(&["ps", "-a", "--format", "{{.Names}}"]).as_deref(), Ok("half\nfirst\n"));
    let hidden = |dir: &str| names(&host, dir).into_iter().filter(|name| name.starts_with('.')).count();
    assert_eq!((hidden("containers"), hidden("volumes")), (0, 0), "{}", id.trim());
    assert_eq!(host.buildc(&["volume", "ls", "-q"]).as_deref(), Ok("named\n"), "anonymous volumes went too");
    host.buildc(&["rm", "half", "first"]).expect("rm");
    // A pin that was left would hold the image.
    host.buildc(&["rmi", IMAGE]).expect("nothing holds the image");
}

#[test]
fn a_damaged_record_is_named_and_goes_by_force() {
    let Some(host) = Host::new() else { return };
    let id = host.buildc(&["create", "--name", "torn", IMAGE, "true"]).expect("create");
    let dir = host.store.join("containers").join(id.trim());
    fs::write(dir.join("container.json"), "{\"id\":").expect("a record");
    let error = host.buildc(&["inspect", "torn"]).expect_err("it is damaged");
    assert!(error.contains("container::damaged") && error.contains("rm --force"), "{error}");
    assert!(host.buildc(&["volume", "prune"]).is_err(), "it may hold any volume");
    host.buildc(&["rm", "-f", "torn"]).expect("rm -f");
    assert!(!dir.exists());
    // The state is a report; a torn one is that of a container which the power cut ended.
    let id = host.buildc(&["create", "--name", "torn", IMAGE, "true"]).expect("the name is free");
    fs::write(host.store.join("containers").join(id.trim()).join("state.json"), "").expect("a state");
    assert_eq!(host.inspect("torn", "{{.State.Status}} {{.State.ExitCode}}"), "exited 137");
}

#[test]
fn volumes_are_taken_over_and_go_with_the_last() {
    let Some(host) = Host::new() else { return };
    let bind = format!("{}:/bound", host.dir.path().display());
    let words =
        ["create", "--name", "data", "-v", "/anonymous", "-v", "named:/named", "-v", &bind, IMAGE, "true"];
    host.buildc(&words).expect("create");
    let script = "echo x >/anonymous/a; echo x >/named/n; echo x >/bound/b; mount | grep -c named";
    let from =
        ["run", "--name", "one", "--network", "none", "--volumes-from", "data", IMAGE, "sh", "-c", script];
    host.buildc(&from).expect("run");
    assert!(host.dir.path().join("b").exists());
    let script = "cat /anonymous/a /named/n; touch /named/y 2>/dev/null || echo refused; ls /mine /own";
    let words = ["--volumes-from", "data:ro", "--tmpfs", "/mine", "-v", "/own", IMAGE];
    assert_eq!(host.run(&[&words[..], &["sh", "-c", script]].concat()), "x\nx\nrefused\n/mine:\n\n/own:\n");
    assert_eq!(host.inspect("one", "{{json .HostConfig.VolumesFrom}}"), "[\"data\"]");
    assert_eq!(host.code(&["--volumes-from", "nobody", IMAGE, "true"]), Some(125));
    assert_eq!(host.code(&["--volumes-from", "data:rx", IMAGE, "true"]), Some(125));
    host.buildc(&["rm", "-v", "data"]).expect("rm");
    assert_eq!(host.buildc(&["volume", "ls", "-q"]).expect("ls").lines().count(), 2, "another uses it");
    host.buildc(&["rm", "-v", "one"]).expect("rm");
    assert_eq!(host.buildc(&["volume", "ls", "-q"]).as_deref(), Ok("named\n"));
}

#[test]
fn a_command_that_gives_up_leaves_its_container() {
    let Some(host) = Host::new() else { return };
    let deaf = "trap '' TERM; echo ready; while :; do sleep 0.05; done";
    let mut run = buildc(&host.store)
        .args(["run", "--rm", "--name", "deaf", "--network", "none", IMAGE, "sh", "-c", deaf])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut ready = [0; 6];
    std::io::Read::read_exact(run.stdout.as_mut().expect("a pipe"), &mut ready).expect("a line");
    let pid = nix::unistd::Pid::from_raw(i32::try_from(run.id()).expect("a pid"));
    let status = loop {
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        std::thread::sleep(Duration::from_millis(20));
        if let Some(status) = run.try_wait().expect("a status") {
            break status;
        }
    };
    assert_eq!(status.code(), Some(143));
    assert_eq!(host.inspect("deaf", "{{.State.Status}}"), "running");
    host.buildc(&["kill", "deaf"]).expect("kill");
    crate::eventually("its removal", || host.buildc(&["inspect", "deaf"]).is_err());
}
