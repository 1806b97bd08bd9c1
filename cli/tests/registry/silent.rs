//! A server that accepts and then says nothing: whoever waits for it ends at the first Ctrl-C or `kill`.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crate::fixture::{buildc, context, root_and_busybox, run, store_with_base};

struct Silent {
    address: String,
    asked: Receiver<()>,
}

impl Silent {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let (tell, asked) = channel();
        std::thread::spawn(move || {
            let mut held = Vec::new();
            for stream in listener.incoming().flatten() {
                held.push(stream);
                if tell.send(()).is_err() {
                    return;
                }
            }
        });
        Self { address, asked }
    }

    /// Runs a command until it waits for this server, and ends it; what it said.
    fn ends(&self, command: &mut Command, signal: &str) -> String {
        while self.asked.try_recv().is_ok() {}
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        self.asked.recv_timeout(Duration::from_secs(20)).expect("it asks");
        std::thread::sleep(Duration::from_millis(300));
        let (begun, id) = (Instant::now(), child.id().to_string());
        run(Command::new("kill").args([signal, &id])).expect("kill");
        let (code, text) = ended(child);
        assert!(begun.elapsed() < Duration::from_secs(6), "{signal} took {:?}: {text}", begun.elapsed());
        assert_eq!(code, Some(130), "{signal}: {text}");
        text
    }
}

fn ended(child: Child) -> (Option<i32>, String) {
    let output = child.wait_with_output().expect("it ends");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn is_clean(store: &Path) {
    run(buildc(store).arg("fsck")).expect("the store is whole");
    let mounts = std::fs::read_to_string("/proc/self/mounts").expect("mounts");
    assert!(!mounts.contains(&*store.to_string_lossy()), "{mounts}");
}

#[test]
fn pulls_and_pushes_end_at_the_first_signal() {
    if !root_and_busybox("a silent registry") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let (store, server) = (store_with_base(dir.path()), Silent::start());
    let name = format!("{}/hang/a:1", server.address);
    run(buildc(&store).args(["tag", "localhost/busybox", &name])).expect("tag");
    for (verb, signal) in [("pull", "-INT"), ("pull", "-TERM"), ("push", "-INT"), ("push", "-TERM")] {
        let text = server.ends(buildc(&store).args([verb, &name]), signal);
        assert!(text.contains("cancelled") && !text.contains("trying again"), "{verb}: {text}");
    }
    is_clean(&store);
}

#[test]
fn builds_end_at_the_first_signal_and_end_their_steps() {
    if !root_and_busybox("a silent server") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let (store, server) = (store_with_base(dir.path()), Silent::start());
    let commit = "0123456789012345678901234567890123456789";
    for (what, signal) in [("f", "-INT"), ("f", "-TERM"), (&*format!("f.git#{commit}"), "-INT")] {
        let text = format!(
            "FROM localhost/busybox AS other\nRUN sleep 61 && touch /x\nFROM localhost/busybox\n\
             ADD http://{}/{what} /f\nCOPY --from=other /x /x\n",
            server.address
        );
        let said = server.ends(buildc(&store).arg("build").arg(context(dir.path(), "add", &text)), signal);
        assert!(said.contains("nothing is left running"), "{what}: {said}");
        let left = Command::new("pgrep").args(["-f", "sleep 61"]).output();
        assert!(left.is_ok_and(|left| left.stdout.is_empty()), "{what}: a step is still running");
        is_clean(&store);
    }
}

#[test]
fn a_watched_build_ends_at_the_first_signal_while_it_is_planned() {
    if !root_and_busybox("a silent registry") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let (store, server) = (store_with_base(dir.path()), Silent::start());
    let context = context(dir.path(), "watched", &format!("FROM {}/hang/a:1\n", server.address));
    server.ends(buildc(&store).args(["build", "--watch"]).arg(context), "-TERM");
    is_clean(&store);
}
