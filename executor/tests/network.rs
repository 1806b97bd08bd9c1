//! Namespaces with a way out, on real kernels: as root over the bridge, as a user over pasta.
#![allow(clippy::print_stderr, clippy::unwrap_used)]

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use buildc_executor::network::Pool;
use nix::sched::{CloneFlags, setns};

/// Names the address that the test in a user namespace has to reach.
const REACH: &str = "BUILDC_TEST_REACH";

fn skip(what: &str) -> bool {
    assert!(std::env::var_os("BUILDC_TEST_REQUIRE_ALL").is_none(), "{what}");
    eprintln!("SKIP: {what}");
    true
}

fn not_root() -> bool {
    !nix::unistd::geteuid().is_root() && skip("networks of their own need root")
}

/// The host's address towards the outside; no packet is sent to find it.
fn host_address() -> Option<Ipv4Addr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("198.51.100.1:9").ok()?;
    match socket.local_addr().ok()? {
        SocketAddr::V4(address) => Some(*address.ip()),
        SocketAddr::V6(_) => None,
    }
}

/// A listener that answers every caller with the caller's own address.
fn echo_callers(address: &str) -> SocketAddr {
    let listener = TcpListener::bind(address).unwrap();
    let at = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let peer = stream.peer_addr().unwrap().ip().to_string();
            stream.write_all(peer.as_bytes()).ok();
        }
    });
    at
}

fn ask_from(netns: &Path, to: SocketAddr) -> std::io::Result<String> {
    let netns = File::open(netns)?;
    let asked = thread::spawn(move || {
        setns(&netns, CloneFlags::CLONE_NEWNET)?;
        let mut stream = TcpStream::connect_timeout(&to, Duration::from_secs(5))?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text)
    });
    asked.join().unwrap()
}

#[test]
fn a_namespace_reaches_the_host_and_has_no_other_way_to_its_loopback() {
    if not_root() {
        return;
    }
    let Some(host) = host_address() else {
        skip("this host has no way out");
        return;
    };
    let everywhere = echo_callers("0.0.0.0:0");
    let pool = Pool::start();
    let lease = pool.take().unwrap();
    let answer = ask_from(lease.netns(), SocketAddr::from((host, everywhere.port()))).unwrap();
    assert_eq!(answer, lease.address().to_string(), "the bridge is no NAT towards the host itself");
    let loopback = echo_callers("127.0.0.1:0");
    assert!(ask_from(lease.netns(), loopback).is_err(), "the host's loopback is not the namespace's");
    assert!(!lease.resolv_conf().is_empty());
}

#[test]
fn leases_are_used_again_and_never_shared() {
    if not_root() {
        return;
    }
    let pool = Pool::start();
    let first = pool.take().unwrap();
    let second = pool.take().unwrap();
    assert_ne!(first.address(), second.address());
    let address = first.address();
    drop(first);
    assert_eq!(pool.take().unwrap().address(), address);
}

#[test]
fn the_address_of_a_dropped_pool_is_free_and_its_port_gone() {
    if not_root() {
        return;
    }
    let pool = Pool::start();
    let lease = pool.take().unwrap();
    let lock = Path::new("/run/buildc/network").join(lease.address().to_string());
    let locked = |path: &Path| {
        !Command::new("flock")
            .args(["--nonblock", "--exclusive"])
            .arg(path)
            .arg("true")
            .status()
            .unwrap()
            .success()
    };
    assert!(locked(&lock));
    drop(lease);
    drop(pool);
    assert!(!locked(&lock));
}

/// Runs inside the user namespace that the next test makes.
#[test]
#[ignore = "only meaningful inside a user namespace; started by the test below"]
fn inside_a_user_namespace() {
    let to: SocketAddr = std::env::var(REACH).unwrap().parse().unwrap();
    let pool = Pool::start();
    let lease = pool.take().unwrap();
    ask_from(lease.netns(), to).unwrap();
    assert!(!lease.resolv_conf().is_empty());
}

#[test]
fn a_user_reaches_out_over_pasta() {
    if not_root() {
        return;
    }
    if !Path::new("/usr/bin/pasta").exists() || !Path::new("/dev/net/tun").exists() {
        skip("pasta or /dev/net/tun is missing");
        return;
    }
    let _open = OpenTun::new();
    // Another address of the host: its main one is also the namespace's own under pasta.
    let alias = "198.51.100.77";
    let alias_cidr = format!("{alias}/32");
    Command::new("ip").args(["address", "add", &alias_cidr, "dev", "lo"]).status().unwrap();
    let at = echo_callers(&format!("{alias}:0"));
    let home = tempfile::tempdir().unwrap();
    std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let program = home.path().join("network-test");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let output = Command::new("setpriv")
        .args([
            "--reuid",
            "54321",
            "--regid",
            "54321",
            "--clear-groups",
            "unshare",
            "--map-root-user",
            "--mount",
        ])
        .arg(&program)
        .args(["--exact", "inside_a_user_namespace", "--ignored", "--nocapture"])
        .env(REACH, at.to_string())
        .env("XDG_RUNTIME_DIR", home.path())
        .output()
        .unwrap();
    Command::new("ip").args(["address", "del", &alias_cidr, "dev", "lo"]).status().unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", said(&output.stdout), said(&output.stderr));
    let notes = std::fs::read_dir(home.path().join("buildc/pasta")).unwrap().count();
    assert_eq!(notes, 0, "pasta was ended");
}

/// Opens /dev/net/tun, which is closed to users on some test machines, and closes it again.
struct OpenTun(u32);

impl OpenTun {
    fn new() -> Self {
        let before = std::fs::metadata("/dev/net/tun").unwrap().permissions().mode();
        std::fs::set_permissions("/dev/net/tun", std::fs::Permissions::from_mode(0o666)).unwrap();
        Self(before)
    }
}

impl Drop for OpenTun {
    fn drop(&mut self) {
        std::fs::set_permissions("/dev/net/tun", std::fs::Permissions::from_mode(self.0)).ok();
    }
}
