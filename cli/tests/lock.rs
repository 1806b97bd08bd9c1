//! The lock: what it pins holds, and a locked build whose inputs are present needs no network.
#![allow(clippy::print_stderr)]

#[path = "fixture/mod.rs"]
mod fixture;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use fixture::{buildc, context, root_and_busybox, run};
use serde_json::Value;

/// Serves `body` to every request until the process ends; gives the port.
fn serve(body: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = stream.write_all((head + body).as_bytes());
        }
    });
    port
}

#[test]
fn a_locked_build_goes_by_its_pins_and_needs_no_network() {
    if !root_and_busybox("locking") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let store = fixture::store_with_base(dir.path());
    let url = format!("http://127.0.0.1:{}/file", serve("content"));
    let dockerfile =
        format!("FROM localhost/busybox\nADD {url} /file\nRUN --network=none cat /file > /copy\n");
    let context = context(dir.path(), "context", &dockerfile);
    let path = context.to_str().expect("UTF-8");
    let call = |words: &[&str]| run(buildc(&store).args(words).arg(path));
    let pins = || -> Value {
        let text = fs::read_to_string(context.join("buildc.lock")).expect("a lock");
        serde_json::from_str(&text).expect("JSON")
    };

    let missing = call(&["build", "--locked"]).expect_err("there is no lock");
    assert!(missing.contains("lock::missing"), "{missing}");
    call(&["lock"]).expect("locked");
    let first = pins();
    let base = first["images"]["localhost/busybox:latest"].as_object().expect("the base").clone();
    assert_eq!(base.len(), 1, "one platform: {first}");
    assert!(first["urls"][&url].as_str().is_some_and(|sum| sum.starts_with("sha256:")), "{first}");

    call(&["build", "--locked", "-t", "first"]).expect("built");
    let offline = |words: &[&str]| {
        let mut command = Command::new("unshare");
        command.arg("-n").arg(env!("CARGO_BIN_EXE_buildc")).arg("--root").arg(&store);
        run(command.args(words).arg(path))
    };
    offline(&["build", "--locked", "-t", "second"]).expect("nothing is asked of the network");
    let plan: Value =
        serde_json::from_str(&offline(&["plan", "--locked", "--format", "json"]).expect("a plan"))
            .expect("JSON");
    assert_eq!(plan["totals"]["will_run"], 0, "{plan}");
    let ids = |name: &str| run(buildc(&store).args(["inspect", "-f", "{{.Id}}", name])).expect("an image");
    assert_eq!(ids("first"), ids("second"));

    move_base(&store, dir.path());
    call(&["build", "--locked", "-t", "third"]).expect("built");
    assert_eq!(ids("first"), ids("third"), "the pin holds although the name has moved");
    let said = call(&["lock", "--update", "localhost/busybox:latest"]).expect("updated");
    assert!(said.contains("moved localhost/busybox:latest"), "{said}");
    assert_ne!(pins()["images"], first["images"]);
    assert_eq!(pins()["urls"], first["urls"], "what was not asked for stays");
    call(&["build", "--locked", "-t", "fourth"]).expect("built");
    assert_ne!(ids("first"), ids("fourth"));

    fs::write(context.join("Dockerfile"), dockerfile + "ADD http://127.0.0.1:1/other /other\n")
        .expect("written");
    let unpinned = call(&["build", "--locked"]).expect_err("no pin");
    assert!(unpinned.contains("is not in the lock") && unpinned.contains("/other"), "{unpinned}");
    fs::write(context.join("buildc.lock"), "<<<<<<< ours").expect("written");
    let malformed = call(&["plan"]).expect_err("no lock");
    assert!(malformed.contains("lock::malformed"), "{malformed}");
}

/// Gives the base's name to another image.
fn move_base(store: &Path, dir: &Path) {
    let other = context(dir, "other", "FROM localhost/busybox\nRUN --network=none touch /moved\n");
    run(buildc(store).args(["build", "-t", "localhost/busybox"]).arg(other)).expect("built");
}
