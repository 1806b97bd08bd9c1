//! Namespaces, credentials and the system call filter.

mod support;

use std::fs;

use buildc_launch::{Exit, NetNs, Seccomp};
use support::{Fixture, can_launch, run, try_run};

buildc_launch::init_before_tests!();

#[test]
fn every_namespace_is_its_own() {
    if !can_launch() {
        return;
    }
    let kinds = ["mnt", "pid", "ipc", "uts", "net", "cgroup"];
    let fixture = Fixture::new();
    let output =
        run(&fixture.shell("for n in mnt pid ipc uts net cgroup user; do readlink /proc/self/ns/$n; done"));
    let inside: Vec<&str> = output.lines().collect();
    for (kind, namespace) in kinds.iter().zip(&inside) {
        let ours = fs::read_link(format!("/proc/self/ns/{kind}")).expect("a namespace");
        assert_ne!(ours.to_str(), Some(*namespace), "{kind}");
    }
    assert_eq!(run(&fixture.shell("echo $$; hostname")), "1\nbox\n");
}

#[test]
fn host_namespaces_can_be_shared() {
    if !can_launch() {
        return;
    }
    let fixture = Fixture::new();
    let mut spec = fixture.shell("for n in net ipc uts; do readlink /proc/self/ns/$n; done");
    (spec.network, spec.host_ipc, spec.host_uts) = (NetNs::Host, true, true);
    let ours = ["net", "ipc", "uts"].map(|kind| fs::read_link(format!("/proc/self/ns/{kind}")).expect("one"));
    let ours: Vec<&str> = ours.iter().filter_map(|path| path.to_str()).collect();
    assert_eq!(run(&spec).lines().collect::<Vec<_>>(), ours);
}

#[test]
fn loopback_is_up() {
    if !can_launch() {
        return;
    }
    let output = run(&Fixture::new().shell("ip addr show lo"));
    assert!(output.contains("127.0.0.1/8") && output.contains(",UP"), "{output}");
}

#[test]
fn capabilities_are_dockers() {
    if !can_launch() {
        return;
    }
    let output = run(&Fixture::new().shell("grep ^Cap /proc/self/status"));
    let masks: Vec<&str> = output.split_ascii_whitespace().skip(1).step_by(2).collect();
    let default = "00000000a80425fb";
    let none = "0000000000000000";
    assert_eq!(masks, [none, default, default, default, none]);
}

#[test]
fn another_user_has_ids_and_no_capability() {
    if !can_launch() {
        return;
    }
    let fixture = Fixture::new();
    let mut spec = fixture.shell("id -u; id -g; id -G; umask; grep -E '^Cap(Prm|Eff|Bnd)' /proc/self/status");
    (spec.process.uid, spec.process.gid, spec.process.groups) = (1234, 2345, vec![5, 7]);
    spec.process.umask = 0o027;
    let output = run(&spec);
    let lines: Vec<&str> = output.lines().collect();
    assert_eq!(&lines[..4], ["1234", "2345", "2345 5 7", "0027"], "{output}");
    assert!(lines[4].ends_with("0000000000000000") && lines[5].ends_with("0000000000000000"), "{output}");
    assert!(lines[6].ends_with("00000000a80425fb"), "{output}");
}

#[test]
fn dangerous_calls_are_refused() {
    if !can_launch() {
        return;
    }
    let fixture = Fixture::new();
    let status = run(&fixture.shell("grep -E '^(Seccomp|NoNewPrivs):' /proc/self/status"));
    assert_eq!(status, "NoNewPrivs:\t0\nSeccomp:\t2\n");
    for script in ["unshare -m true", "mount -t tmpfs none /bin", "unshare -U true"] {
        let (exit, output, _) = try_run(&fixture.shell(script)).expect("it starts");
        assert_ne!(exit, Exit::Code(0), "{script}: {output}");
    }
}

#[test]
fn the_filter_works_without_capabilities_and_with_no_new_privs() {
    if !can_launch() {
        return;
    }
    let fixture = Fixture::new();
    let mut spec = fixture.shell("grep -E '^(Seccomp|NoNewPrivs):' /proc/self/status");
    (spec.process.no_new_privs, spec.process.uid) = (true, 1000);
    spec.process.capabilities.clear();
    assert_eq!(run(&spec), "NoNewPrivs:\t1\nSeccomp:\t2\n");
    (spec.process.no_new_privs, spec.process.seccomp) = (false, Seccomp::Unconfined);
    assert_eq!(run(&spec), "NoNewPrivs:\t0\nSeccomp:\t0\n");
}

#[test]
fn a_profile_of_the_user_is_loaded() {
    if !can_launch() {
        return;
    }
    let fixture = Fixture::new();
    let mut spec = fixture.shell("mkdir /made; echo $?");
    let profile = r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]}"#;
    spec.process.seccomp = Seccomp::Profile(profile.to_owned());
    let output = run(&spec);
    assert!(output.contains("No space left") && output.ends_with("1\n"), "{output}");
}

#[test]
fn sysctls_of_the_namespace_are_set() {
    if !can_launch() {
        return;
    }
    let fixture = Fixture::new();
    let mut spec = fixture.command(&["cat", "/proc/sys/kernel/msgmax"]);
    spec.sysctls = vec![("kernel.msgmax".to_owned(), "4321".to_owned())];
    assert_eq!(run(&spec), "4321\n");
}
