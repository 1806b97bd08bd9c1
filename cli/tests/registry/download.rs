//! ADD of a URL, by a real build from a small http server.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::fixture::{buildc, context, root_and_busybox, run, store_with_base};

/// sha256 of `hello\n`.
const HELLO: &str = "sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";

/// Serves `/hello`, `/moved` to it, and `/short`, whose body ends early the first time.
struct Server {
    address: String,
    requests: Arc<AtomicUsize>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let requests = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that goes away is its own affair.
                let _ = answer(stream, count.fetch_add(1, Ordering::SeqCst));
            }
        });
        Self { address, requests }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

fn answer(mut stream: TcpStream, earlier: usize) -> std::io::Result<()> {
    let mut head = String::new();
    let mut reader = BufReader::new(stream.try_clone()?);
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head)? > 0 {}
    let file = "Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT\r\nContent-Length: 6\r\n\r\n";
    let text = match head.split(' ').nth(1).unwrap_or_default() {
        "/short" if earlier == 0 => format!("200 OK\r\n{file}hel"),
        "/hello" | "/short" => format!("200 OK\r\n{file}hello\n"),
        "/moved" => "302 Found\r\nLocation: /hello\r\nContent-Length: 0\r\n\r\n".to_owned(),
        _ => "404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
    };
    write!(stream, "HTTP/1.1 {}", text.replacen("\r\n", "\r\nConnection: close\r\n", 1))
}

fn build(dir: &Path, store: &Path, line: &str) -> Result<String, String> {
    let context = context(dir, "add", &format!("FROM localhost/busybox\n{line}\n"));
    run(buildc(store).args(["build", "-t", "localhost/add"]).arg(context))
}

/// Mode, owner, time and content of a file in the image.
fn look(store: &Path, path: &str) -> String {
    let script = format!("stat -c '%a %u:%g %Y' {path} && cat {path}");
    let run_it = ["run", "--rm", "--network", "none", "localhost/add", "sh", "-c", &script];
    run(buildc(store).args(run_it)).expect("the image runs")
}

#[test]
fn add_fetches_a_file_with_its_time_and_follows_redirects() {
    if !root_and_busybox("ADD of a URL") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let store = store_with_base(dir.path());
    for (path, file) in [("hello", "/in/hello"), ("moved", "/in/moved"), ("short", "/in/short")] {
        let server = Server::start();
        build(dir.path(), &store, &format!("ADD {} /in/", server.url(path))).expect(path);
        assert_eq!(look(&store, file), "600 0:0 1700000000\nhello\n", "{path}");
    }
    let server = Server::start();
    build(dir.path(), &store, &format!("ADD --chmod=644 {} /named", server.url("hello")))
        .expect("a new name");
    assert_eq!(look(&store, "/named"), "644 0:0 1700000000\nhello\n");
}

#[test]
fn add_with_a_checksum_fetches_once_and_without_one_every_time() {
    if !root_and_busybox("ADD --checksum") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let store = store_with_base(dir.path());
    let server = Server::start();
    let line = format!("ADD --checksum={HELLO} {} /", server.url("hello"));
    build(dir.path(), &store, &line).expect("the checksum is right");
    build(dir.path(), &store, &line).expect("it is known");
    assert_eq!(server.requests(), 1);
    let line = format!("ADD {} /", server.url("hello"));
    build(dir.path(), &store, &line).expect("without a checksum");
    build(dir.path(), &store, &line).expect("again");
    assert_eq!(server.requests(), 3);
}

#[test]
fn add_says_why_a_url_cannot_be_fetched() {
    if !root_and_busybox("ADD of a bad URL") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let store = store_with_base(dir.path());
    let server = Server::start();
    let wrong = HELLO.replace("58", "00");
    for (line, said) in [
        (format!("ADD {} /", server.url("nothing")), "404"),
        (format!("ADD --checksum={wrong} {} /", server.url("hello")), HELLO),
    ] {
        let mut command: Command = buildc(&store);
        let context = context(dir.path(), "bad", &format!("FROM localhost/busybox\n{line}\n"));
        let output = command.arg("build").arg(context).output().expect("buildc runs");
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(4), "{text}");
        assert!(text.contains("step::fetch_failed") && text.contains(said), "{text}");
        assert!(text.contains("Dockerfile:2"), "{text}");
    }
}
