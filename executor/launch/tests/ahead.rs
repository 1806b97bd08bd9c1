//! A process that was forked before its launch. Alone in this program: others would take it, or leave children behind.

mod support;

use std::fs;

use buildc_launch::NetNs;
use support::{Fixture, can_launch, run};

buildc_launch::init_before_tests!();

/// Those of this process's children that have ended and were not waited for.
fn zombies() -> Vec<String> {
    let own = format!("PPid:\t{}\n", std::process::id());
    let statuses = fs::read_dir("/proc").expect("/proc").flatten();
    let statuses = statuses.filter_map(|entry| fs::read_to_string(entry.path().join("status")).ok());
    statuses.filter(|status| status.contains(&own) && status.contains("State:\tZ")).collect()
}

#[test]
fn a_process_that_was_forked_ahead_is_used_where_it_fits() {
    if !can_launch() {
        return;
    }
    let fixture = Fixture::new();
    let script = "for n in net ipc; do readlink /proc/self/ns/$n; done; echo $$";
    let own = |kind: &str| {
        fs::read_link(format!("/proc/self/ns/{kind}")).expect("a namespace").display().to_string()
    };
    for isolated in [false, true] {
        for (network, host_ipc) in [(NetNs::Host, false), (NetNs::Isolated, false), (NetNs::Host, true)] {
            buildc_launch::prepare(isolated).expect("a process ahead");
            let mut spec = fixture.shell(script);
            let shares_network = matches!(network, NetNs::Host);
            (spec.network, spec.host_ipc) = (network, host_ipc);
            let output = run(&spec);
            let lines: Vec<&str> = output.lines().collect();
            let [net, ipc, "1"] = lines[..] else { panic!("{output}") };
            assert_eq!((net == own("net"), ipc == own("ipc")), (shares_network, host_ipc), "{isolated}");
        }
    }
    assert_eq!(zombies(), Vec::<String>::new());
}
